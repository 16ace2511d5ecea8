"""How far two sets of shares lie apart: the population stability index and the Jensen-Shannon divergence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from contlearn import _checks
from contlearn.stats import _columns

__all__ = ["JENSEN_SHANNON", "PSI", "Divergence", "jensen_shannon", "psi"]

Floats = NDArray[np.float64]
Counts = NDArray[np.float64] | NDArray[np.int64]

HALF_A_ROW = 0.5
"""Added to every count that goes into a score, so that an empty bin is finite and a rare one not loud."""

SUM_TOLERANCE = 1e-6
"""Shares in single precision add up to 1 within this."""


def psi(p: ArrayLike, q: ArrayLike) -> float:
    """Return the population stability index of two sets of shares, the symmetric Kullback-Leibler divergence.

    Parameters
    ----------
    p, q : array-like of numbers between 0 and 1, one-dimensional
        Shares of the same bins, in the same order; each set adds up to 1.

    Returns
    -------
    float
        Sum over the bins of (p - q) ln(p / q), in nats: 0 for equal shares, without an upper limit. A bin
        that is empty in both counts for nothing; one that is empty in one of them makes it infinite, since
        no finite number would be right.

    Raises
    ------
    InvalidInputError
        The shares are not as described.

    Notes
    -----
    No cut-off such as 0.1 or 0.25 means the same for two pairs of samples: of n and m rows of one source, in
    k bins, chance alone makes about (k - 1) (1/n + 1/m). `contlearn.drift.PSI` allows for that.

    Examples
    --------
    >>> from contlearn.stats import psi
    >>> round(psi([0.5, 0.3, 0.2], [0.4, 0.3, 0.3]), 4)
    0.0629
    """
    return _between(PSI, p, q)


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Jensen-Shannon divergence of two sets of shares, with equal weights.

    Parameters
    ----------
    p, q : array-like of numbers between 0 and 1, one-dimensional
        Shares of the same bins, in the same order; each set adds up to 1.

    Returns
    -------
    float
        Half the divergence of each set from the mean of both, in nats: 0 for equal shares, ln 2 = 0.693 where
        no bin has rows of both. It is the divergence, not its root: the square of what scipy calls
        `jensenshannon`. Empty bins are no exception.

    Raises
    ------
    InvalidInputError
        The shares are not as described.

    References
    ----------
    Lin (1991), "Divergence measures based on the Shannon entropy".

    Examples
    --------
    >>> from contlearn.stats import jensen_shannon
    >>> round(jensen_shannon([0.5, 0.3, 0.2], [0.4, 0.3, 0.3]), 4)
    0.0078
    >>> jensen_shannon([1, 0], [0, 1])
    0.6931...
    """
    return _between(JENSEN_SHANNON, p, q)


class Divergence(NamedTuple):
    """A divergence of shares, and what is known of its law.

    Attributes
    ----------
    terms
        What each bin adds to it, given its two shares.
    scale
        So many times it, over 1/n + 1/m, is chi-squared for large samples of n and m rows: with one degree of
        freedom fewer than there are bins, and with so much of the true divergence as its noncentrality.
    largest
        What it cannot exceed.
    """

    terms: Callable[[Floats, Floats], Floats]
    scale: float
    largest: float

    def of_counts(
        self, before: Counts, after: Counts, added: float = HALF_A_ROW, times: Counts | None = None
    ) -> Floats:
        """Return the divergence of counts along the last axis, with `added` rows in each bin that has any.

        Bins that are empty on both sides do not count. `times` says how many bins each count stands for.
        """
        weights = (before + after > 0).astype(np.float64)
        if times is not None:
            weights *= times
        p, q = before + added, after + added
        p = p / (weights * p).sum(axis=-1, keepdims=True)
        q = q / (weights * q).sum(axis=-1, keepdims=True)
        total: Floats = (weights * self.terms(p, q)).sum(axis=-1)
        return np.clip(total, 0.0, self.largest)


def _psi(p: Floats, q: Floats) -> Floats:
    some = (p > 0.0) | (q > 0.0)
    with np.errstate(divide="ignore", over="ignore"):
        logarithm = np.log(np.divide(p, q, out=np.ones_like(p), where=some))
    terms: Floats = (p - q) * logarithm
    return terms


def _jensen_shannon(p: Floats, q: Floats) -> Floats:
    middle = 0.5 * (p + q)
    terms: Floats = 0.5 * (special.rel_entr(p, middle) + special.rel_entr(q, middle))
    return terms


PSI = Divergence(_psi, 1.0, math.inf)
JENSEN_SHANNON = Divergence(_jensen_shannon, 8.0, math.log(2.0))


def _between(divergence: Divergence, p: ArrayLike, q: ArrayLike) -> float:
    one, other = _shares("p", p), _shares("q", q)
    _checks.same_length(p=one, q=other)
    return min(max(0.0, float(divergence.terms(one, other).sum())), divergence.largest)


def _shares(name: str, data: ArrayLike) -> Floats:
    shares = _columns.numbers(name, data)
    if not len(shares):
        _checks.bad_data(name, "have at least one share", "none")
    wrong = np.flatnonzero(~((shares >= 0.0) & (shares <= 1.0 + SUM_TOLERANCE)))
    if len(wrong):
        got = f"{shares[wrong[0]]:g} at position {wrong[0]}"
        _checks.bad_data(name, "lie between 0 and 1", got, "divide counts by their sum")
    if abs(shares.sum() - 1.0) > SUM_TOLERANCE:
        _checks.bad_data(name, "add up to 1", f"{shares.sum():.7g}", "divide counts by their sum")
    return shares
