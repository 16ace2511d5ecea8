"""Streams in array form: many values at once, the same alarms as one by one.

Equal to the last bit: whatever runs over time is a sum or a product of one term after another, which numpy's
`cumsum` and `cumprod` form in the same order as a loop; additions, multiplications and divisions of floats
are the same operations there. Logarithms and powers are not, so nothing that runs over time uses them.
"""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.drift._streams._base import StreamDetector

Floats = NDArray[np.float64]

FIRST, MOST = 64, 4096  # values looked at in one go: few after an alarm, then more and more


def warning_limit(warning_run_length: float | None, limit: float) -> float:
    """Return the evidence that is worth a warning where `limit` raises an alarm, or refuse."""
    if warning_run_length is None:
        return limit / 10.0
    return _checks.number("warning_run_length", warning_run_length, low=1.0, high=limit)


class Watch(StreamDetector):
    """A stream detector with evidence: it alarms when the evidence reaches `_limit`.

    A subclass reads values (`_read`, `_read_many`), takes them in (`_step`, `_advance`), starts afresh
    against the same reference (`_restart`), and can go back (`_checkpoint`, `_rollback`). It never looks at
    `_limit` itself, so that a pool of detectors can keep the evidence of one that is far above its own.
    """

    _limit: float  # evidence that raises an alarm
    _warning_limit: float  # evidence that is worth a warning
    _evidence: float  # after the last update; 0 after a restart

    @abc.abstractmethod
    def _restart(self) -> None:
        """Forget what was seen since the last alarm, evidence and flags, but not the reference."""

    @abc.abstractmethod
    def _read(self, x: Any) -> Any:
        """Return one value as `_step` takes it, or refuse; changes nothing."""

    @abc.abstractmethod
    def _read_many(self, values: Any) -> NDArray[Any]:
        """Return values as `_advance` takes them, or refuse them all; changes nothing."""

    @abc.abstractmethod
    def _step(self, x: Any) -> float:
        """Take in one value; return the evidence after it."""

    @abc.abstractmethod
    def _advance(self, values: NDArray[Any]) -> Floats:
        """Take in values, at most `_room()` of them; return the evidence after each.

        Where the evidence passes `_limit`, what comes after may be any number above it, infinity included.
        """

    @abc.abstractmethod
    def _checkpoint(self) -> Any:
        """Return all that `_advance` changes; cheap, since it is asked before every chunk."""

    @abc.abstractmethod
    def _rollback(self, state: Any) -> None:
        """Go back to a checkpoint."""

    def _room(self) -> int:
        """Return how many values `_advance` can take in one go, at least 1."""
        return MOST

    def update(self, x: Any) -> None:
        """Take in one value; `drift_detected` and `result` then tell what is known."""
        value = self._read(x)
        if self._drift_detected:
            self._restart()
        self._conclude(self._step(value))

    def update_many(self, values: Any) -> list[int]:
        """Take in many values, exactly as repeated `update` would; much faster.

        Parameters
        ----------
        values
            One value per update, oldest first. A value that `update` would refuse refuses them all: none is
            taken in then.

        Returns
        -------
        list of int
            The positions in `values` after which drift was detected.
        """
        given = self._read_many(values)
        alarms: list[int] = []
        start, size = 0, FIRST
        while start < len(given):
            if self._drift_detected:
                self._restart()
            chunk = given[start : start + min(size, self._room())]
            taken = self._take(chunk)
            start += taken
            size = min(2 * size, MOST)
            if self._drift_detected:
                alarms.append(start - 1)
                size = FIRST
        return alarms

    def _take(self, chunk: NDArray[Any]) -> int:
        """Take in values up to the first alarm; return how many went in."""
        before = self._checkpoint()
        evidence = self._advance(chunk)
        crossed = evidence >= self._limit
        if crossed.any():
            first = int(crossed.argmax()) + 1
            if first < len(chunk):
                self._rollback(before)
                evidence = self._advance(chunk[:first])
        self._conclude(float(evidence[-1]))
        return len(evidence)

    def _conclude(self, evidence: float) -> None:
        self._evidence = evidence
        self._drift_detected = evidence >= self._limit
        self._warning_detected = not self._drift_detected and evidence >= self._warning_limit
