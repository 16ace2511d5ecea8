"""Regions between order statistics of a reference, whose shares have the same law for every distribution.

Equal values are told apart by a uniform draw for each of them, which makes every distribution a continuous
one: of pairs (value, draw), compared one after the other. The ranks of the edges are fixed beforehand; an
edge that looked at the values would void the law.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_OUTER = (1, 4, 16)


class Edges(NamedTuple):
    """Edges with the draws that tell equal values apart; regions are numbered from below.

    Attributes
    ----------
    values, draws
        The edges, ascending.
    pairs
        Both together, as complex numbers: numpy orders those by their real parts first.
    gaps
        How many of the reference's n + 1 gaps each region owns.
    """

    values: tuple[float, ...]
    draws: tuple[float, ...]
    pairs: NDArray[np.complex128]
    gaps: tuple[int, ...]

    @classmethod
    def of(cls, places: Floats, draws: Floats, bins: int) -> Edges:
        """Return the edges of a reference, with one uniform draw per value."""
        n = len(places)
        ranks = _ranks(n, bins)
        chosen = np.lexsort((draws, places))[ranks - 1]
        values, drawn = places[chosen], draws[chosen]
        pairs = np.empty(len(ranks), dtype=np.complex128)
        pairs.real, pairs.imag = values, drawn
        return cls(tuple(values.tolist()), tuple(drawn.tolist()), pairs, gaps_of(n, bins))

    def region(self, value: float, draw: float) -> int:
        """Return the region of one value."""
        values, draws = self.values, self.draws
        place = bisect_left(values, value)
        while place < len(values) and values[place] == value and draws[place] < draw:
            place += 1
        return place

    def regions(self, values: Floats, draws: Floats) -> NDArray[np.intp]:
        """Return the region of each of many values."""
        pairs = np.empty(len(values), dtype=np.complex128)
        pairs.real, pairs.imag = values, draws
        return np.searchsorted(self.pairs, pairs)


def gaps_of(n: int, bins: int) -> tuple[int, ...]:
    """Return how many of the n + 1 gaps of a reference each region owns."""
    return tuple(np.diff(np.concatenate(([0], _ranks(n, bins), [n + 1]))).tolist())


def _ranks(n: int, bins: int) -> NDArray[np.intp]:
    """Return the ranks of the edges: equal shares, and finer and finer ones at both ends.

    What the reference hardly has, or does not have at all, is at an end: the missing, the new, the extreme.
    """
    inner = np.arange(1, bins) * (n + 1) // bins
    outer = np.array([rank for rank in _OUTER if rank * bins < n + 1])
    ranks = np.concatenate((outer, inner, n + 1 - outer))
    return np.unique(np.clip(ranks, 1, n)).astype(np.intp)
