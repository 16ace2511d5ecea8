"""Stream detectors, value by value and many at once, against river's and against empty method calls."""

from __future__ import annotations

import copy
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from bench_footprint import imports
from measure import Contest, Row
from river.drift import ADWIN, KSWIN

from contlearn import drift, persistence

ONE_BY_ONE, MANY, FEW = 20_000, 200_000, 500
COLUMNS = 10


class Empty:
    """What a method call costs in Python by itself."""

    def update(self, x: float) -> None:
        pass


def contests() -> Iterator[Contest]:
    rng = np.random.default_rng(4)
    errors, amounts = (rng.random(MANY) < 0.1).astype(float), rng.normal(size=MANY)
    yield from against_adwin(errors)
    yield from against_empty_calls(amounts)
    yield from others(amounts)
    yield from persisted(amounts)


def against_adwin(errors: Any) -> Iterator[Contest]:
    risk, adwin = drift.RiskDetector(limit=0.1), ADWIN()
    few = errors[:ONE_BY_ONE].tolist()
    one = one_by_one(adwin, few)
    name = "RiskDetector.update, a loss"
    yield contest(name, "river ADWIN.update", one_by_one(risk, few), one, ONE_BY_ONE, ONE_BY_ONE, least=1 / 5)
    name = "RiskDetector.update_many, a loss"
    bulk = many(risk, errors)
    yield contest(name, "river ADWIN.update", bulk, one, MANY, ONE_BY_ONE, least=1 / 0.8)


def against_empty_calls(amounts: Any) -> Iterator[Contest]:
    detector = drift.DistributionDetector().fit(amounts[:1000])
    few = amounts[: ONE_BY_ONE // 10].tolist()
    empty = one_by_one(Empty(), amounts[:ONE_BY_ONE].tolist())
    rival = "an empty method call"
    name = "DistributionDetector.update, a value"
    yield contest(name, rival, one_by_one(detector, few), empty, len(few), ONE_BY_ONE, least=1 / 400)
    name = "DistributionDetector.update_many, a value"
    yield contest(name, rival, many(detector, amounts), empty, MANY, ONE_BY_ONE, least=1 / 40)


def others(amounts: Any) -> Iterator[Contest]:
    """For information: nothing is promised."""
    kswin = one_by_one(KSWIN(seed=1), amounts[:FEW].tolist())
    for name in ("RankCUSUM", "OnlineMMD"):
        fitted = getattr(drift, name)().fit(amounts[:1000])
        few = amounts[1000 : 1000 + 2 * FEW].tolist()
        one, bulk = one_by_one(fitted, few), many(fitted, amounts[: MANY // 10])
        yield contest(f"{name}.update, a value", "river KSWIN.update", one, kswin, len(few), FEW)
        yield contest(f"{name}.update_many, a value", "river KSWIN.update", bulk, kswin, MANY // 10, FEW)
    names = [f"column {i}" for i in range(COLUMNS)]
    pooled = drift.Pooled({name: drift.RiskDetector(limit=0.1) for name in names})
    loss = (np.abs(amounts) > 1.645).astype(float)
    rows = [dict(zip(names, row, strict=True)) for row in loss[: 200 * COLUMNS].reshape(-1, COLUMNS).tolist()]
    adwins = {name: ADWIN() for name in names}

    def separately() -> None:
        for row in rows:
            for name, value in row.items():
                adwins[name].update(value)

    name = f"Pooled of {COLUMNS} RiskDetectors, update"
    yield contest(
        name, f"{COLUMNS} x river ADWIN.update", one_by_one(pooled, rows), separately, len(rows), len(rows)
    )


def persisted(amounts: Any) -> Iterator[Contest]:
    detector = drift.DistributionDetector().fit(amounts[:1000])
    detector.update_many(amounts[:5000])
    folder = tempfile.TemporaryDirectory()
    ours, theirs = Path(folder.name) / "detector.zip", Path(folder.name) / "detector.pickle"
    persistence.save(detector, ours)
    theirs.write_bytes(pickle.dumps(detector))
    yield Contest(
        "persistence.save of a DistributionDetector",
        "pickle, written",
        lambda: persistence.save(detector, ours),
        lambda: theirs.write_bytes(pickle.dumps(detector)),
    )
    yield Contest(
        "persistence.restore",
        "pickle, read",
        lambda: (persistence.restore(ours), folder)[0],
        lambda: pickle.loads(theirs.read_bytes()),
    )


def rows() -> Iterator[Row]:
    """What is not timed in turns within one process: imports, and bytes."""
    statement = "from contlearn.drift import RiskDetector"
    yield imports(statement, "import river.drift", least=1.0, rounds=5)
    rng = np.random.default_rng(5)
    amounts = rng.normal(size=10_000)
    errors = (rng.random(10_000) < 0.1).astype(float)
    yield size(drift.RiskDetector(limit=0.1), errors)
    yield size(drift.DistributionDetector().fit(amounts[:1000]), amounts)
    yield size(drift.RankCUSUM().fit(amounts[:1000]), amounts)


def size(detector: Any, values: Any) -> Row:
    """Return the largest state after about a million updates and after about a hundred thousand."""
    largest, seen, sizes = 0, 0, {}
    for limit in (100_000, 1_000_000):
        while seen < limit:
            if seen < limit - 50_000:
                seen += len(values)
                detector.update_many(values)
                continue
            piece = values[: 997 + seen % 10]
            detector.update_many(piece)
            seen += len(piece)
            largest = max(largest, len(pickle.dumps(detector)))
        sizes[limit], largest = largest, 0
    ours, theirs = sizes[1_000_000], sizes[100_000]
    name = f"{type(detector).__name__}, bytes after 1,000,000 values"
    return Row(name, "after 100,000", f"{ours:,}", f"{theirs:,}", theirs / ours, 0.95)


def contest(
    name: str,
    rival: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    ours_done: int,
    theirs_done: int,
    least: float | None = None,
) -> Contest:
    return Contest(name, rival, ours, theirs, least, ours_done=ours_done, theirs_done=theirs_done)


def one_by_one(detector: Any, values: list[Any]) -> Callable[[], object]:
    """Return a loop from the same state each time."""

    def run() -> None:
        update = copy.deepcopy(detector).update
        for value in values:
            update(value)

    return run


def many(detector: Any, values: Any) -> Callable[[], object]:
    return lambda: copy.deepcopy(detector).update_many(values)
