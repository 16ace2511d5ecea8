"""Ranks of a stream among a reference and the stream itself: exactly uniform, and independent.

The rank of a value among a fixed reference is neither: the reference is never quite the law of the stream,
and every later rank leans the same way. Its rank among the reference and all stream values so far is uniform
whatever the earlier ranks were. Only the counts of `_CELLS` cells between order statistics are kept: with
a_k gaps of the reference and c_k earlier values in cell k, the next value falls into k with probability
(a_k + c_k) / (n + 1 + t), and where it stands among those of its own cell is drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._streams._edges import Edges

_CELLS = 256  # between order statistics of the reference

_BLOCK = 64  # values that are compared with each other, all pairs
_HIGH = 2.0**20  # a draw is split: its first 20 digits tell equal values apart, the others place it in a cell

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class SequentialRanks:
    """Where each value of a stream stands among a reference and all values before it, as a part of 1.

    Parameters
    ----------
    reference
        Finite numbers, at least one.
    draws
        One uniform number for each of them.
    """

    def __init__(self, reference: Floats, draws: Floats) -> None:
        order = np.argsort(reference, kind="stable")
        self._edges = Edges.of(reference[order], draws[order], min(_CELLS, len(reference)))
        self.restart()

    def restart(self) -> None:
        """Forget the stream."""
        self._weights = list(self._edges.gaps)
        self._total = sum(self._weights)

    def checkpoint(self) -> tuple[list[int], int]:
        """Return all that later ranks depend on."""
        return self._weights.copy(), self._total

    def rollback(self, state: tuple[list[int], int]) -> None:
        """Go back to a checkpoint, which may be used once."""
        self._weights, self._total = state

    def rank(self, value: float, draw: float) -> float:
        """Take in one value, with a uniform number; return its rank, from 0 to 1."""
        high = int(draw * _HIGH)
        cell = self._edges.region(value, (high + 0.5) / _HIGH)
        weights = self._weights
        within = (draw * _HIGH - high) * weights[cell]
        rank = (sum(weights[:cell]) + within) / self._total
        weights[cell] += 1
        self._total += 1
        return rank

    def ranks(self, values: Floats, draws: Floats) -> Floats:
        """Take in values, with as many uniform numbers; return their ranks as `rank` does."""
        n = len(values)
        high = np.floor(draws * _HIGH)
        cells = self._edges.regions(values, (high + 0.5) / _HIGH)
        below, same = self._counted(cells)
        ranks: Floats = (below + (draws * _HIGH - high) * same) / (self._total + np.arange(n))
        self._weights = (np.array(self._weights) + np.bincount(cells, minlength=len(self._weights))).tolist()
        self._total += n
        return ranks

    def _counted(self, cells: NDArray[np.intp]) -> tuple[Integers, Integers]:
        """Return the weight below the cell of each value and that of the cell, as each value finds them."""
        n, width = len(cells), len(self._weights)
        n_blocks = max(1, -(-n // _BLOCK))
        padded = np.full(n_blocks * _BLOCK, width, dtype=np.int16)
        padded[:n] = cells
        blocks = padded.reshape(n_blocks, _BLOCK)
        places = np.arange(n) // _BLOCK
        counts = np.bincount(cells + places * width, minlength=n_blocks * width).reshape(n_blocks, width)
        counts[1:] = np.cumsum(counts, axis=0)[:-1]
        counts[0] = 0
        counts += np.array(self._weights)
        cumulated = np.cumsum(counts, axis=1)
        before, after = blocks[:, np.newaxis, :], blocks[:, :, np.newaxis]
        below = np.count_nonzero((before < after) & _EARLIER, axis=2).ravel()[:n]
        same = np.count_nonzero((before == after) & _EARLIER, axis=2).ravel()[:n]
        own = counts[places, cells]
        return below + cumulated[places, cells] - own, same + own


_EARLIER = np.tri(_BLOCK, k=-1, dtype=np.bool_)  # [later, earlier]
