"""Rows that follow each other: how alike neighbours are, and how many independent rows they are worth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Neighbours", "design_effect", "neighbours"]

ROWS = 2000
"""Rows that are looked at: enough to see a correlation of a tenth."""

RARELY = 0.001
"""How often independent rows may be called dependent, over all columns."""

NEGLIGIBLE = 0.05
"""A correlation below this changes no error rate noticeably."""


class Neighbours(NamedTuple):
    """How alike neighbouring rows are: 0 for independent ones, 1 for equal ones.

    Attributes
    ----------
    correlation
        Of the ranks of numbers one row apart; for categories, the share of neighbours that agree beyond
        chance (Cohen's kappa), which for two categories is the same.
    deviations
        The same in standard deviations of what chance does to independent rows.
    """

    correlation: float
    deviations: float

    def follow_each_other(self, columns: int = 1) -> bool:
        """Whether this is more than chance does to the most extreme of so many columns."""
        limit = float(special.ndtri(1.0 - RARELY / columns))
        return self.correlation > NEGLIGIBLE and self.deviations > limit


def neighbours(values: NDArray[Any]) -> Neighbours:
    """Return how alike the neighbours among the first rows of a column are; nothing in it is missing."""
    values = values[:ROWS]
    n = len(values)
    if n < 3:
        return Neighbours(0.0, 0.0)
    if values.dtype == object:
        places: dict[Any, int] = {}
        codes = np.array([places.setdefault(value, len(places)) for value in values.tolist()])
        return _agreement(codes, n)
    return _rank_correlation(np.unique(values, return_inverse=True)[1].astype(np.float64), n)


def _rank_correlation(ranks: NDArray[np.float64], n: int) -> Neighbours:
    away = ranks - ranks.mean()
    square = float(away @ away)
    if square == 0.0:
        return Neighbours(0.0, 0.0)
    correlation = float(away[1:] @ away[:-1]) / square
    return Neighbours(correlation, correlation * n**0.5)


def _agreement(codes: NDArray[np.int64], n: int) -> Neighbours:
    shares = np.bincount(codes) / n
    squares, cubes = float((shares**2).sum()), float((shares**3).sum())
    spread = squares - 2.0 * cubes + squares**2
    if len(shares) < 2 or spread <= 0.0:
        return Neighbours(0.0, 0.0)
    excess = float(np.mean(codes[1:] == codes[:-1])) - squares
    return Neighbours(excess / (1.0 - squares), excess * (n / spread) ** 0.5)


def design_effect(
    codes: NDArray[np.integer[Any]], n_codes: int, block: int, *, cumulative: bool = False
) -> float:
    """Return how many dependent rows are worth one independent row, from the shares of bins in blocks.

    Parameters
    ----------
    codes
        The bin of every row, 0 to `n_codes` - 1, in the order of time.
    n_codes
        Number of bins.
    block
        Rows in a block; rows of different blocks are taken for independent.
    cumulative
        False: mean over the shares of the bins (Rao and Scott), for chi-squared statistics. True: mean over
        the shares at or below each bin, for statistics of distribution functions.

    Returns
    -------
    float
        At least 1. With fewer than two blocks it is `block`, the worst that can be.

    References
    ----------
    Rao and Scott (1981), "The analysis of categorical data from complex sample surveys".
    """
    n_blocks = len(codes) // block
    if block == 1 or n_codes < 2:
        return 1.0
    if n_blocks < 2:
        return float(block)
    used = codes[: n_blocks * block] + n_codes * np.repeat(np.arange(n_blocks), block)
    shares = np.bincount(used, minlength=n_blocks * n_codes).reshape(n_blocks, n_codes) / block
    if cumulative:
        shares = np.cumsum(shares, axis=1)[:, :-1]
    mean = shares.mean(axis=0)
    variance = block * shares.var(axis=0, ddof=1)
    if cumulative:
        found = float(variance.sum() / np.maximum((mean * (1.0 - mean)).sum(), 1e-300))
    else:
        present = mean > 0.0
        found = float((variance[present] / mean[present]).sum() / max(int(present.sum()) - 1, 1))
    return min(max(1.0, found), float(block))
