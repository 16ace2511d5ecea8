"""Kolmogorov-Smirnov distance from a sample whose bins are weighted as they occur in the other."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

Integers = NDArray[np.int64]

SMALLEST = 2.2250738585072014e-308
"""What a p-value below the range of floats is given as."""


class Binned(NamedTuple):
    """A sample of integers, each in a bin: the distinct values, and the value and the bin of every row."""

    atoms: Integers
    places: Integers
    bins: Integers
    n_bins: int

    def seen(self, values: Integers, bins: Integers, n_outside: int) -> Seen:
        """Return what matters of another sample's `values`; `n_outside` of its rows are in no bin."""
        left = np.searchsorted(self.atoms, values)
        at = self.atoms[np.minimum(left, len(self.atoms) - 1)] == values
        cells = np.bincount(2 * left + at, minlength=2 * len(self.atoms) + 1)
        return Seen(cells, np.bincount(bins, minlength=self.n_bins), n_outside)


class Seen(NamedTuple):
    """Another sample, counted on the atoms of a `Binned` and the gaps between them, and over its bins."""

    cells: Integers
    bins: Integers
    n_outside: int

    @property
    def n_inside(self) -> int:
        """Rows that can be compared."""
        return int(self.cells.sum())

    def merge(self, other: Self) -> Seen:
        """Return the counts of both samples."""
        return Seen(self.cells + other.cells, self.bins + other.bins, self.n_outside + other.n_outside)


class MatchedResult(NamedTuple):
    """The distance, its p-value, and the rows that the two samples are worth.

    Attributes
    ----------
    statistic
        Largest difference of the distribution function of the other sample and that of the first one, its
        bins weighted by the shares that they have in the other.
    p_value
        By Kolmogorov's limit law. Given the bins the distance varies less than the law allows for, so that it
        errs to the safe side.
    n_reference, n_current
        The weighted sample is worth (sum of weights)² / (sum of squared weights) independent rows.
    """

    statistic: float
    p_value: float
    n_reference: float
    n_current: float


def matched_ks(reference: Binned, seen: Seen, worth: float = 1.0) -> MatchedResult | None:
    """Compare two samples, bin by bin put together; None where no bin has rows of both.

    `worth` dependent rows are worth an independent one. Rows in bins without rows of the reference cannot be
    compared: `Binned` should have none.
    """
    m = seen.n_inside
    if not m or not len(reference.places):
        return None
    own = np.bincount(reference.bins, minlength=reference.n_bins)
    weights = (seen.bins / np.maximum(own, 1))[reference.bins]
    total = float(weights.sum())
    if total <= 0.0:
        return None
    share = np.cumsum(np.bincount(reference.places, weights, len(reference.atoms))) / total
    current = np.cumsum(seen.cells) / m
    below = np.concatenate(([0.0], share))
    distance = min(1.0, float(max(np.abs(current[1::2] - share).max(), np.abs(current[::2] - below).max())))
    n = total**2 / float((weights**2).sum())
    n, m_worth = n / worth, m / worth
    root = math.sqrt(n * m_worth / (n + m_worth))
    p_value = min(1.0, max(SMALLEST, float(special.kolmogorov(distance * root))))
    return MatchedResult(distance, p_value, n, m_worth)
