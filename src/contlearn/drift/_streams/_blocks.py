"""Averages of a few values in a row: what is left of the dependence of neighbours is small."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._streams._entries import MISSING

Floats = NDArray[np.float64]

_MOST = sys.float_info.max


class Blocks:
    """Averages over disjoint blocks of what is not missing; missing where all of a block is.

    Parameters
    ----------
    size
        Values per block.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.restart()

    def restart(self) -> None:
        """Begin a new block."""
        self.taken = 0
        self._sum = 0.0  # of the values over the size, which no values are too large for
        self._known = 0.0

    def checkpoint(self) -> tuple[int, float, float]:
        """Return all that changes."""
        return self.taken, self._sum, self._known

    def rollback(self, state: tuple[int, float, float]) -> None:
        """Go back to a checkpoint."""
        self.taken, self._sum, self._known = state

    def step(self, value: float) -> float | None:
        """Take in one value; return the average where a block ends."""
        self.taken += 1
        if value != MISSING:
            self._sum += value / self.size
            self._known += 1.0
        if self.taken < self.size:
            return None
        total, known = self._sum, self._known
        self.restart()
        if not known:
            return MISSING
        return min(max(total * (self.size / known), -_MOST), _MOST)

    def advance(self, values: Floats) -> Floats:
        """Take in many values; return the averages of the blocks that they end."""
        known = values != MISSING
        shares = np.where(known, values, 0.0) / self.size
        sums = self._rows(shares, self._sum)
        counts = self._rows(known.astype(np.float64), self._known)
        whole = (self.taken + len(values)) // self.size
        self.taken = (self.taken + len(values)) % self.size
        self._sum = float(sums[whole, -1]) if self.taken else 0.0
        self._known = float(counts[whole, -1]) if self.taken else 0.0
        total, full = sums[:whole, -1], counts[:whole, -1]
        with np.errstate(over="ignore"):
            means = total * (self.size / np.maximum(full, 1.0))
        return np.where(full > 0.0, np.clip(means, -_MOST, _MOST), MISSING)

    def _rows(self, values: Floats, before: float) -> Floats:
        """Return running sums, one row per block, the first begun with what came before."""
        rows = -(-(self.taken + len(values)) // self.size) + 1
        padded = np.zeros(rows * self.size)
        padded[0] = before
        padded[self.taken : self.taken + len(values)] += values
        return np.cumsum(padded.reshape(rows, self.size), axis=1)
