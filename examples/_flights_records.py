"""What is written down while the year goes by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

from _flights_data import Rows

from contlearn.drift import DriftResult
from contlearn.gates import Verdict
from contlearn.policies import Decision
from contlearn.results import Interval

if TYPE_CHECKING:
    from _flights_rollout import Rollout
    from flights import Service

PERSON = "duty manager"  # who has to agree before a model goes live


@dataclass(frozen=True)
class Tried:
    """One challenger: what the gate said, its Brier loss on the holdout, and that of its worst carrier."""

    verdict: Verdict
    loss: float
    worst: float


@dataclass(frozen=True)
class Entry:
    """What happened at one decision point."""

    now: datetime
    drift: DriftResult | None
    loss: Interval
    baseline_loss: float | None
    gap: float
    decision: Decision
    tried: dict[str, Tried]
    served: str | None
    rollout: Rollout | None = None


@dataclass
class Year:
    """A year that was lived through: the strategies, the rows of each week, and what became of the labels."""

    services: list[Service]
    weeks: list[Rows] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@contextmanager
def clocked(service: Service) -> Iterator[None]:
    """Add the time spent inside to what the strategy has cost."""
    began = perf_counter()
    yield
    service.seconds += perf_counter() - began


def moment(seconds: float) -> datetime:
    """Return the UTC moment that lies `seconds` after the beginning of 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def day_of(when: datetime) -> str:
    """Return the day as in "4 May"."""
    return f"{when.day} {when:%b}"
