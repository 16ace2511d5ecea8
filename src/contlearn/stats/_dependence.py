"""Rows that follow each other: how alike neighbours are, and how many independent rows they are worth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Inflation", "Neighbours", "caution", "design_effect", "inflation", "neighbours"]

ROWS = 2000
"""Rows that are looked at: enough to see a correlation of a tenth."""

RARELY = 0.001
"""How often independent rows may be called dependent, over all columns."""

NEGLIGIBLE = 0.05
"""A correlation below this changes no error rate noticeably."""

MOST_BINS = 200
"""Bins that are looked at one by one; the rarer ones count together."""


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
        At least 1. With fewer than two blocks it is `block`, the worst that can be; with few blocks it is
        larger than found, see `caution`.

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
    return min(max(1.0, found * caution(n_blocks)), float(block))


def caution(n_blocks: int) -> float:
    """Return by how much to raise a variance found from few blocks, so that a test at 5 % stays one."""
    return float(special.stdtrit(n_blocks - 1.0, 0.975) / special.ndtri(0.975)) ** 2


class Inflation(NamedTuple):
    """How dependent rows inflate a chi-squared statistic of the shares of bins.

    Attributes
    ----------
    mean
        How many rows are worth one independent row, on average over all differences of shares.
    freedom
        Degrees of freedom where rows are independent: the number of bins less one.
    effective
        Degrees of freedom of the scaled chi-squared law that has the variance of the statistic, too: fewer,
        because slow changes of the rows inflate some differences of shares more than others.
    known
        Degrees of freedom with which `mean` is known.
    most
        What the rows are worth in the worst case.
    """

    mean: float
    freedom: float
    effective: float
    known: float
    most: float

    def at(self, level: float) -> float:
        """Return by how much to divide a statistic, so that its chi-squared test holds this `level`."""
        if self.mean <= 1.0 or self.mean >= self.most:
            return min(self.mean, self.most)
        furthest = 1.0 / float(special.fdtri(self.known, self.effective, level))
        factor = self.freedom * furthest / float(special.chdtri(self.freedom, level))
        return min(max(1.0, self.mean * factor), self.most)


def inflation(codes: NDArray[np.integer[Any]], n_codes: int, block: int) -> Inflation:
    """Return how dependence inflates a chi-squared statistic, from the shares of bins in blocks.

    The statistic is a sum of squared normals, each times an eigenvalue of the covariance of the shares over
    blocks, relative to that of independent rows. Its law is taken for the scaled chi-squared, or here F, law
    of the same mean and variance (Rao and Scott's second order).

    Parameters
    ----------
    codes
        The bin of every row, 0 to `n_codes` - 1, in the order of time.
    n_codes
        Number of bins.
    block
        Rows in a block; rows further apart than that are taken for independent.

    References
    ----------
    Rao and Scott (1981), "The analysis of categorical data from complex sample surveys"; Satterthwaite
    (1946), "An approximate distribution of estimates of variance components"; Politis and Romano (1995),
    "Bias-corrected nonparametric spectral estimation", for what neighbouring blocks add.
    """
    n_blocks = len(codes) // block
    if block == 1 or n_codes < 2:
        return Inflation(1.0, 1.0, 1.0, 1.0, float(block))
    if n_blocks < 3:
        return Inflation(float(block), 1.0, 1.0, 1.0, float(block))
    away = _away(codes, n_codes, block)
    freedom = max(away.shape[1] - 1.0, 1.0)
    few = n_blocks - 1.0
    trace = float((away * away).sum()) / few
    if trace <= 0.0:
        return Inflation(1.0, 1.0, 1.0, 1.0, float(block))
    product = away.T @ away if len(away) > away.shape[1] else away @ away.T
    squares = float((product * product).sum()) / few**2
    squares = few**2 / ((few - 1.0) * (few + 2.0)) * (squares - trace * trace / few)  # without its bias
    effective = min(max(trace * trace / max(squares, 1e-300), 1.0), freedom)
    # Rows at the end of a block depend on those at the beginning of the next one.
    beyond = float((away[1:] * away[:-1]).sum()) / few + trace / n_blocks
    mean = (trace + 2.0 * max(0.0, beyond)) / freedom
    return Inflation(max(1.0, mean), freedom, effective, effective * few / 3.0, float(block))


def _away(codes: NDArray[np.integer[Any]], n_codes: int, block: int) -> NDArray[np.float64]:
    """Return how far the shares of bins in each block are from the mean, in deviations of single rows."""
    rows = np.bincount(codes, minlength=n_codes)
    if n_codes > MOST_BINS:
        order = np.argsort(-rows, kind="stable")
        places = np.empty(n_codes, dtype=np.int64)
        places[order] = np.minimum(np.arange(n_codes), MOST_BINS - 1)
        codes, n_codes = places[codes], MOST_BINS
    n_blocks = len(codes) // block
    used = codes[: n_blocks * block] + n_codes * np.repeat(np.arange(n_blocks), block)
    shares = np.bincount(used, minlength=n_blocks * n_codes).reshape(n_blocks, n_codes) / block
    mean = shares.mean(axis=0)
    present = mean > 0.0
    away: NDArray[np.float64] = (block / mean[present]) ** 0.5 * (shares[:, present] - mean[present])
    return away
