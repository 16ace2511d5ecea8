"""The last values of a stream, so that an alarm can say when the change was and what it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Regions = NDArray[np.int16]


class _State(NamedTuple):
    taken: int
    values: Floats
    regions: Regions


class Recent:
    """A ring of values, and of the regions they fell into.

    Parameters
    ----------
    columns, regions
        Values per update, and regions: those of the columns, and what comes after them.
    size
        Updates that are kept.
    """

    def __init__(self, columns: int, regions: int, size: int) -> None:
        self._values = np.zeros((columns, size))
        self._regions = np.zeros((regions, size), dtype=np.int16)
        self.size = size
        self.taken = 0

    def put(self, values: Sequence[float], regions: Sequence[int]) -> None:
        """Remember one update."""
        at = self.taken % self.size
        self._values[:, at] = values
        self._regions[:, at] = regions
        self.taken += 1

    def put_one(self, value: float, region: int) -> None:
        """Remember one update of a single column."""
        at = self.taken % self.size
        self._values[0, at] = value
        self._regions[0, at] = region
        self.taken += 1

    def put_many(self, values: Floats, regions: Sequence[NDArray[np.intp]]) -> None:
        """Remember many updates, no more than the size: rows of values, and columns of regions."""
        at = (self.taken + np.arange(len(values))) % self.size
        self._values[:, at] = values.T
        self._regions[:, at] = regions
        self.taken += len(values)

    def values(self, column: int, n: int) -> Floats:
        """Return the last values of a column, oldest first: `n` where that many are kept."""
        found: Floats = self._values[column, self._last(n)]
        return found

    def regions(self, row: int, n: int) -> Regions:
        """Return the last regions, oldest first: `n` where that many are kept."""
        found: Regions = self._regions[row, self._last(n)]
        return found

    def _last(self, n: int) -> NDArray[np.intp]:
        n = min(n, self.size, self.taken)
        return (self.taken - n + np.arange(n)) % self.size

    def clear(self) -> None:
        """Forget everything."""
        self._values[:] = 0.0
        self._regions[:] = 0
        self.taken = 0

    def checkpoint(self) -> _State:
        """Return all that changes."""
        return _State(self.taken, self._values.copy(), self._regions.copy())

    def rollback(self, state: _State) -> None:
        """Go back to a checkpoint."""
        self.taken, self._values, self._regions = state
