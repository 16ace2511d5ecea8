"""Which stream detector is measured on which streams, what it promises there, and how that is measured."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from river import drift as river_drift
from river.drift import binary
from scipy.stats import gamma

from contlearn import drift
from contlearn.testing import certify

RATE = 0.1  # of the errors before the change, and the limit
REFERENCE, BEFORE, AFTER = 1000, 500, 4000  # values: reference, quiet ones, and those after the change
LENGTH = 20_000
Draw = Callable[[np.random.Generator, int], Any]


def skewed(rng: np.random.Generator, rows: int) -> Any:
    return rng.beta(0.2, 1.8, rows)


LOSSES: dict[str, Draw] = {
    "0/1, mean 0.1": lambda rng, rows: (rng.random(rows) < RATE).astype(float),
    "beta(1, 9)": lambda rng, rows: rng.beta(1.0, 9.0, rows),
    "beta(0.2, 1.8)": skewed,
}
NUMBERS: dict[str, Draw] = {
    "normal": lambda rng, rows: rng.normal(size=rows),
    "lognormal": lambda rng, rows: rng.lognormal(size=rows),
    "t, 2 degrees": lambda rng, rows: rng.standard_t(2, size=rows),
    "Poisson, mean 1": lambda rng, rows: rng.poisson(1.0, rows).astype(float),
    "rounded to half a sd": lambda rng, rows: np.round(2.0 * rng.normal(size=rows)) / 2.0,
}
CALM: dict[str, Draw] = LOSSES | NUMBERS


def risen(rate: float) -> Draw:
    return lambda rng, rows: (rng.random(rows) < rate).astype(float)


def moved(mean: float, deviation: float) -> Draw:
    return lambda rng, rows: rng.normal(mean, deviation, rows)


CHANGES: dict[str, tuple[Draw, Draw]] = {
    "0.10 to 0.15": (LOSSES["0/1, mean 0.1"], risen(0.15)),
    "0.10 to 0.20": (LOSSES["0/1, mean 0.1"], risen(0.2)),
    "mean + 0.5 sd": (NUMBERS["normal"], moved(0.5, 1.0)),
    "mean + 1 sd": (NUMBERS["normal"], moved(1.0, 1.0)),
    "sd x 1.5": (NUMBERS["normal"], moved(0.0, 1.5)),
    "sd x 0.7": (NUMBERS["normal"], moved(0.0, 0.7)),
}
LOSS_CHANGES = tuple(name for name in CHANGES if name.startswith("0."))
NUMBER_CHANGES = tuple(name for name in CHANGES if name not in LOSS_CHANGES)


class Kind(NamedTuple):
    """A detector: what it watches, how many streams it is given, and what is promised of it."""

    make: Callable[[], Any]
    losses: bool = False
    numbers: bool = False
    streams: int = 200  # without a change
    changes: int = 400  # with one
    references: int | None = None  # so many different ones; None: one for each stream
    columns: int = 1  # of independent values, by name; delays are not measured of several
    promise: float = math.inf  # run length
    between: tuple[float, float] = (0.0, math.inf)  # in which its measured run length must lie
    within: dict[str, float] = {}  # noqa: RUF012 - mean delays, of which none may be longer


KINDS: dict[str, Kind] = {
    "RiskDetector": Kind(
        lambda: drift.RiskDetector(limit=RATE, run_length=10_000),
        losses=True,
        promise=10_000,
        between=(8_000, 16_000),
        within={"0.10 to 0.15": 420, "0.10 to 0.20": 160},
    ),
    "DistributionDetector": Kind(
        lambda: drift.DistributionDetector(run_length=10_000),
        numbers=True,
        promise=10_000,
        between=(8_000, 16_000),
        within={"mean + 0.5 sd": 130, "mean + 1 sd": 55, "sd x 1.5": 150, "sd x 0.7": 160},
    ),
    "Pooled of 10 RiskDetectors": Kind(
        lambda: drift.Pooled({f"part {i}": drift.RiskDetector(limit=RATE) for i in range(10)}),
        losses=True,
        columns=10,
        promise=10_000,
        between=(8_000, math.inf),
    ),
    "RankCUSUM(2,000)": Kind(
        lambda: drift.RankCUSUM(run_length=2_000), numbers=True, promise=2_000, between=(1_600, 2_400)
    ),
    "RankCUSUM(10,000)": Kind(
        lambda: drift.RankCUSUM(run_length=10_000), numbers=True, promise=10_000, between=(8_000, math.inf)
    ),
    "OnlineMMD": Kind(
        lambda: drift.OnlineMMD(run_length=10_000),
        numbers=True,
        changes=100,
        references=10,  # a fit takes a second
        promise=10_000,
        between=(8_000, math.inf),
    ),
    "Windowed(KS, 400)": Kind(
        lambda: drift.Windowed(drift.KS(alpha=0.04, tolerance=0.0), size=400),
        numbers=True,
        streams=200,
        changes=100,
        promise=10_000,
        between=(8_000, math.inf),
    ),
    "river ADWIN": Kind(river_drift.ADWIN, losses=True, numbers=True),
    "river Page-Hinkley": Kind(river_drift.PageHinkley, losses=True, numbers=True),
    "river KSWIN": Kind(lambda: river_drift.KSWIN(seed=1), losses=True, numbers=True, streams=2, changes=8),
    "river DDM": Kind(binary.DDM, losses=True),
    "river EDDM": Kind(binary.EDDM, losses=True),
    "river HDDM_A": Kind(binary.HDDMA, losses=True, streams=50, changes=200),
    "river HDDM_W": Kind(binary.HDDMW, losses=True, streams=50, changes=200),
}
ERRORS_ONLY = ("river KSWIN", "river DDM", "river EDDM", "river HDDM_A", "river HDDM_W")


class Cell(NamedTuple):
    """One entry of a table: a law without a change, or a change."""

    detector: str
    data: str

    @property
    def key(self) -> str:
        return f"{self.detector} | {self.data}"


def cells() -> list[Cell]:
    found = []
    for name, kind in KINDS.items():
        losses = list(LOSSES)[:1] if name in ERRORS_ONLY else list(LOSSES)
        data = [*losses, *(LOSS_CHANGES if kind.columns == 1 else ())] if kind.losses else []
        data += [*NUMBERS, *NUMBER_CHANGES] if kind.numbers else []
        found += [Cell(name, each) for each in data]
    return found


def measure(cell: Cell) -> dict[str, Any]:
    kind = KINDS[cell.detector]
    return delays(cell, kind) if cell.data in CHANGES else run_length(cell, kind)


def run_length(cell: Cell, kind: Kind) -> dict[str, Any]:
    """Return the updates per alarm on streams in which nothing changes; every detector sees the same ones."""
    draw, rng = _of_columns(CALM[cell.data], kind.columns), np.random.default_rng(4)
    if kind.references is None:
        parts = [certified(kind.make(), draw, REFERENCE, kind.streams, 1)]
    else:
        fitted = (kind.make().fit(draw(rng, REFERENCE)) for _ in range(kind.references))
        repeated = kind.streams // kind.references
        parts = [certified(each, draw, 0, repeated, seed) for seed, each in enumerate(fitted)]
    alarms = sum(each.alarms for each in parts)
    estimate, low, high = counted(alarms, kind.streams * LENGTH)
    wanted_low, wanted_high = kind.between
    return {
        "run_length": estimate if math.isfinite(estimate) else None,
        "low": low,
        "high": high if math.isfinite(high) else None,
        "alarms": alarms,
        "streams": kind.streams,
        "first_half": parts[0].first_half.estimate if parts[0].first_half else None,
        "microseconds": 1e6 * parts[0].update_seconds,
        "missed": not wanted_low <= estimate <= wanted_high,
    }


def _of_columns(draw: Draw, columns: int) -> Draw:
    if columns == 1:
        return draw
    return lambda rng, rows: {f"part {i}": draw(rng, rows) for i in range(columns)}


def certified(detector: Any, draw: Draw, reference: int, repetitions: int, seed: int) -> Any:
    return certify(
        detector,
        draw,
        n_reference=reference,
        n_current=LENGTH,
        repetitions=repetitions,
        shifts=(),
        rng=seed,
    )


def counted(alarms: int, updates: int) -> tuple[float, float, float]:
    """Return the updates per alarm with the exact interval of a Poisson count."""
    fewest = float(gamma.ppf(0.025, alarms)) if alarms else 0.0
    most = float(gamma.ppf(0.975, alarms + 1))
    estimate, high = (updates / each if each else math.inf for each in (alarms, fewest))
    return estimate, updates / most, high


def delays(cell: Cell, kind: Kind) -> dict[str, Any]:
    """Return the mean delay of the alarms after the change, how many came before it, and how many never."""
    calm, changed = CHANGES[cell.data]
    rng = np.random.default_rng(2)
    found, before, fitted = [], 0, None
    for turn in range(kind.changes):
        values = np.concatenate([calm(rng, REFERENCE + BEFORE), changed(rng, AFTER)])
        if fitted is None or kind.references is None or turn % (kind.changes // kind.references) == 0:
            fitted = prepared(kind.make(), values[:REFERENCE])
        detector, start = copy.deepcopy(fitted), REFERENCE
        alarms = step(detector, values[start : start + BEFORE])
        before += bool(alarms)
        found.append(first(detector, values[start + BEFORE :]))
    seen = [each for each in found if each is not None]
    mean = fmean(seen) if seen else None
    limit = kind.within.get(cell.data)
    return {
        "delay": mean,
        "error": float(np.std(seen) / math.sqrt(len(seen))) if seen else None,
        "unfound": 1.0 - len(seen) / len(found),
        "before": before / len(found),
        "streams": len(found),
        "missed": limit is not None and (mean is None or mean > limit or len(seen) < len(found)),
    }


def prepared(detector: Any, reference: Any) -> Any:
    """Return the detector with its reference; those that have none see it as a part of the stream."""
    if hasattr(detector, "fit") and getattr(detector, "limit", None) is None:
        return detector.fit(reference)
    step(detector, reference)
    return detector


def step(detector: Any, values: Any) -> list[int]:
    """Return the positions of the alarms."""
    if hasattr(detector, "update_many"):
        return list(detector.update_many(values))
    alarms = []
    for position, value in enumerate(values.tolist()):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(position)
    return alarms


def first(detector: Any, values: Any, size: int = 200) -> int | None:
    """Return the number of values up to and with the first alarm."""
    for start in range(0, len(values), size):
        alarms = step(detector, values[start : start + size])
        if alarms:
            return start + alarms[0] + 1
    return None
