"""What the laws of stream detectors have in common: a detector, values, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contlearn.exceptions import NotFittedError
from contlearn.testing._laws import twin

QUESTIONS = ("drift_detected", "warning_detected", "result")


@dataclass(frozen=True)
class StreamCase:
    """A detector that is never updated itself, and what its copies are given."""

    detector: Any
    quiet: list[Any]
    shifted: list[Any]

    def fresh(self) -> Any:
        """Return a copy of the detector."""
        return twin(self.detector)


def answers(detector: Any) -> list[Any]:
    """Return what the detector says to every question that it knows."""
    return [getattr(detector, name) for name in QUESTIONS if hasattr(detector, name)]


def alarms(detector: Any, values: Sequence[Any]) -> list[bool]:
    """Return after which of `values` the detector says drift."""
    said = []
    for x in values:
        detector.update(x)
        said.append(bool(detector.drift_detected))
    return said


def probe(detector: Any, case: StreamCase) -> list[bool]:
    """Return the alarms over values that begin with a change, where an earlier state shows most."""
    try:
        return alarms(detector, [*case.shifted[:500], *case.quiet, *case.shifted])
    except NotFittedError:  # a clone of a detector that must be fitted
        return []


def used(case: StreamCase) -> list[Any]:
    """Return a detector one value before its first alarm, and one that has just raised it."""
    values = [*case.quiet[:500], *case.shifted]
    said = alarms(case.fresh(), values)
    first = said.index(True) if any(said) else len(values) - 1
    detectors = [case.fresh(), case.fresh()]
    for detector, n in zip(detectors, (first, first + 1), strict=True):
        alarms(detector, values[:n])
    return detectors
