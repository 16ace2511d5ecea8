"""Stream detectors on the losses of a model in service, at equal numbers of false alarms.

    python benchmarks/flight_losses.py            # measure (some minutes), write
    python benchmarks/flight_losses.py --kswin    # and print KSWIN beside them
    python benchmarks/flight_losses.py --write    # write the table from the figures at hand

The model of the strategy *static* of examples/flights.py, trained on the first six weeks, forecasts the rest
of the year; each of its 292,562 losses, in the order in which the labels came, is an update. In shuffled
order nothing changes, so every alarm is false: the threshold of each detector is set so that it alarms once
in 10,000 of them. Then, at 200 places, a risk of 0.05 is added: a loss becomes 1 with the probability that
raises the mean by 0.05. Told are the delay until the next alarm, and how often the same detector alarms on
the losses as they came, where the weather makes the risk wander.

RiskDetector learns its limit from the first 10,000 shuffled losses. Every detector has seen the 10,000 losses
before the place. KSWIN takes minutes, so that it is only measured when asked for, on fewer losses and places.

The figures are kept in benchmarks/flight_losses.json, and the table stands in docs/guarantees.md.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from flight_tables import write
from river import drift
from river.drift import binary
from threadpoolctl import threadpool_limits

from contlearn.drift import RiskDetector

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from _flights_data import Rows, load
from _flights_models import forecast, plain
from flights import FIRST, START, WEEK

FIGURES = Path(__file__).with_suffix(".json")
RUN_LENGTH = 10_000
HISTORY = 10_000  # losses that a detector has seen before the risk is added
PATIENCE = 20_000  # losses after which a rise counts as missed
ADDED = 0.05


@dataclass(frozen=True)
class Contender:
    """A detector with a threshold to set; the higher, the fewer alarms."""

    name: str
    make: Callable[[float], Any]
    low: float
    high: float
    binary: bool = False  # only for losses of zeros and ones
    losses: int | None = None  # on how many the threshold is set; None: all
    places: int = 200


def contenders(reference: np.ndarray, *, kswin: bool) -> list[Contender]:
    """Return the detectors; whatever is no threshold is as the library has it."""
    found = [
        Contender("RiskDetector", lambda t: RiskDetector(run_length=t).fit(reference), 10, 1e6),
        Contender("Page-Hinkley", lambda t: drift.PageHinkley(threshold=t), 1, 1e3),
        Contender("Page-Hinkley, up", lambda t: drift.PageHinkley(threshold=t, mode="up"), 1, 1e3),
        Contender("ADWIN", lambda t: drift.ADWIN(delta=1 / t), 1.01, 1e5),
        Contender("DDM", lambda t: binary.DDM(drift_threshold=t), 1, 10, binary=True),
        Contender("HDDM-A", lambda t: binary.HDDMA(drift_confidence=1 / t), 1.01, 1e5, binary=True),
        Contender("HDDM-W", lambda t: binary.HDDMW(drift_confidence=1 / t), 1.01, 1e9, binary=True),
    ]
    if kswin:
        found.append(
            Contender("KSWIN", lambda t: drift.KSWIN(alpha=1 / t, seed=0), 10, 1e8, losses=30_000, places=20)
        )
    return found


def service_losses() -> tuple[np.ndarray, np.ndarray]:
    """Return the labels and the forecasts of the model that is never trained again, as the labels came."""
    flights, now = load(), START + FIRST * WEEK
    known = np.flatnonzero(flights.landed < now)
    known = known[np.argsort(flights.landed[known], kind="stable")]
    rows = Rows(np.column_stack([flights.X, flights.day, flights.landed, flights.late])[known])
    served = np.flatnonzero((flights.due >= now) & np.isfinite(flights.landed))
    served = served[np.argsort(flights.landed[served], kind="stable")]
    return flights.late[served], forecast(plain(rows), flights.X[served])


def alarms(detector: Any, losses: np.ndarray, most: float = math.inf) -> list[int]:
    """Return after which losses the detector alarms, up to `most` alarms."""
    found: list[int] = []
    update = detector.update
    for position, loss in enumerate(losses.tolist()):
        update(loss)
        if detector.drift_detected:
            found.append(position)
            if len(found) >= most:
                break
    return found


def threshold(contender: Contender, losses: np.ndarray) -> tuple[float, int]:
    """Return the threshold at which the detector alarms once in `RUN_LENGTH` losses, and its alarms."""
    low, high = contender.low, contender.high
    wanted = round(len(losses) / RUN_LENGTH)
    tried: dict[float, int] = {}
    for _ in range(12):
        middle = math.sqrt(low * high)
        tried[middle] = len(alarms(contender.make(middle), losses))
        if tried[middle] == wanted:
            break
        low, high = (middle, high) if tried[middle] > wanted else (low, middle)
    best = min(tried, key=lambda each: abs(tried[each] - wanted))
    return best, tried[best]


def delays(contender: Contender, at: float, losses: np.ndarray) -> np.ndarray:
    """Return after how many losses the detector alarms when a risk is added at a place, for every place."""
    rng = np.random.default_rng(1)
    share = ADDED / (1.0 - losses.mean())
    found = []
    for _ in range(contender.places):
        place = int(rng.integers(HISTORY, len(losses) - PATIENCE))
        detector = contender.make(at)
        alarms(detector, losses[place - HISTORY : place])
        after = np.where(rng.random(PATIENCE) < share, 1.0, losses[place : place + PATIENCE])
        first = alarms(detector, after, most=1)
        found.append(first[0] + 1 if first else PATIENCE)
    return np.array(found)


def measure(losses: np.ndarray, *, kswin: bool) -> dict[str, Any]:
    """Return the figures of one kind of loss, by detector."""
    shuffled = np.random.default_rng(0).permutation(losses)
    found = {}
    for contender in contenders(shuffled[:HISTORY], kswin=kswin):
        if not contender.binary or np.isin(losses, (0.0, 1.0)).all():
            found[contender.name] = figures_of(contender, losses, shuffled)
            print(contender.name, found[contender.name], flush=True)
    return {"losses": len(losses), "mean": float(losses.mean()), "detectors": found}


def figures_of(contender: Contender, losses: np.ndarray, shuffled: np.ndarray) -> dict[str, Any]:
    """Return what one detector did, at its threshold."""
    at, false = threshold(contender, shuffled[: contender.losses])
    found = delays(contender, at, shuffled)
    return {
        "threshold": at,
        "shuffled": false,
        "mean": float(found.mean()),
        "error": float(found.std() / math.sqrt(len(found))),
        "median": float(np.median(found)),
        "missed": int((found == PATIENCE).sum()),
        "came": len(alarms(contender.make(at), losses[: contender.losses])),
    }


def measured(*, kswin: bool) -> dict[str, Any]:
    """Return all figures."""
    with threadpool_limits(1):
        late, forecasts = service_losses()
    kinds = {
        "errors": ((forecasts > 0.5) != late).astype(float),
        "Brier losses": (forecasts - late) ** 2,
    }
    return {
        "run_length": RUN_LENGTH,
        "history": HISTORY,
        "added": ADDED,
        "places": 200,
        "kinds": {name: measure(losses, kswin=kswin) for name, losses in kinds.items()},
    }


def main() -> None:
    """Measure, unless told not to, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kswin", action="store_true", help="measure KSWIN as well, and write nothing")
    parser.add_argument("--write", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    if not arguments.write:
        figures = measured(kswin=arguments.kswin)
        if arguments.kswin:
            return
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    write(json.loads(FIGURES.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
