"""The two-sample Cramér-von Mises test, its interval and its power, with ties and at every sample size."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from contlearn import _checks
from contlearn.results import Interval
from contlearn.stats._bridge import BRIDGE_MEAN, Law, tied
from contlearn.stats._ks_law import SMALLEST
from contlearn.stats._pooled import Deal, Pooled, can_be_listed, chance, places, pool, relabelings, side

__all__ = ["CramerVonMisesResult", "cramer_von_mises"]

Floats = NDArray[np.float64]

FURTHEST = math.sqrt(0.5)
"""Largest distance: of two samples that have one value each. Without ties it is the root of a third."""

MANY_VALUES = 12
"""From so many distinct values on, ..."""

MANY_ROWS = 200.0
"""... and so many rows expected besides the most frequent one, the limit law holds far out."""

FINE = 64
"""Where no value has more than this part of the rows, they are as good as untied for the limit law."""


class CramerVonMisesResult(NamedTuple):
    """The Cramér-von Mises statistic of two samples, and how rarely chance alone makes it this large.

    Attributes
    ----------
    statistic
        n m / (n + m) times the mean squared difference of the two distribution functions, over all rows.
    p_value
        Above 0.
    distance
        Root of that mean square: 0 for equal samples, 0.58 for those without overlap (with ties up to 0.71).
    method
        Where the p-value is from: ``"asymptotic"``, ``"exact"`` or ``"permutation"``.
    """

    statistic: float
    p_value: float
    distance: float
    method: str


def cramer_von_mises(
    x: ArrayLike,
    y: ArrayLike,
    method: Literal["auto", "asymptotic", "permutation"] = "auto",
    n_permutations: int = 999,
    rng: int | np.random.Generator | None = 0,
) -> CramerVonMisesResult:
    """Test whether two samples of numbers come from one distribution, by the mean squared difference.

    Parameters
    ----------
    x, y : array-like of finite numbers, one-dimensional
        The two samples, each of at least one row. Order does not matter, nor which is which.
    method : {"auto", "asymptotic", "permutation"}
        ``"asymptotic"`` is the limit law given the ties, corrected for the number of rows. ``"permutation"``
        is exact given the pooled values: all relabelings are listed where there are few, else
        `n_permutations` are drawn and p = (1 + as far off) / (1 + drawn). ``"auto"`` takes the limit where
        there are more than 12 distinct values, and in either sample 200 rows expected besides the most
        frequent one.
    n_permutations : int
        Relabelings drawn where they are not listed.
    rng : int, numpy Generator or None
        Source of the drawn relabelings. The default gives the same answer every time; None does not.

    Returns
    -------
    CramerVonMisesResult
        `statistic`, `p_value`, `distance` and `method`.

    Raises
    ------
    InvalidInputError
        A sample is empty, not one-dimensional, or holds something that is not a finite number.
    InvalidParameterError
        `method`, `n_permutations` or `rng` is not one of the above.

    Notes
    -----
    At a tied value the squared difference is the mean of those just below and just above it, so that -x and
    -y are as far apart as x and y. Beyond 512 distinct values relabelings are compared at about 150 places.

    Cost: O((n + m) log(n + m)), and some ten milliseconds where relabelings are drawn.

    References
    ----------
    Anderson (1962), "On the distribution of the two-sample Cramér-von Mises criterion"; Smirnov's formula
    for the limit as in Martynov (1975).

    Examples
    --------
    >>> from contlearn.stats import cramer_von_mises
    >>> result = cramer_von_mises([0.6, 0.8, 1.1, 1.2], [1.3, 1.5, 1.9, 2.5])
    >>> round(result.p_value, 4), result.method
    (0.0286, 'exact')
    """
    _checks.one_of("method", method, ("auto", "asymptotic", "permutation"))
    n_permutations = _checks.count("n_permutations", n_permutations)
    generator = _checks.generator("rng", rng)
    pooled = pool(side("x", x), side("y", y))
    away = distance(pooled)
    statistic = away**2 / pooled.scale
    if method == "asymptotic" or (method == "auto" and limit_holds(pooled)):
        return CramerVonMisesResult(statistic, limit_p_value(law(pooled), statistic), away, "asymptotic")
    p_value = permutation_p_value(pooled, n_permutations, partial(relabelings, rng=generator))
    return CramerVonMisesResult(statistic, p_value, away, "exact" if can_be_listed(pooled) else "permutation")


def distance(pooled: Pooled) -> float:
    """Return the root mean squared difference of the two distribution functions, over all rows."""
    return min(FURTHEST, math.sqrt(float(np.square(pooled.differences) @ _weights(pooled))))


def limit_holds(pooled: Pooled) -> bool:
    """Whether the limit law is right as far out as anybody looks: with many values, and many rows of them."""
    return len(pooled.ends) > MANY_VALUES and rows_that_vary(pooled) >= MANY_ROWS


def rows_that_vary(pooled: Pooled) -> float:
    """Return the rows of the smaller sample that are expected besides the most frequent value."""
    return min(pooled.n, pooled.m) * (1.0 - float(pooled.sizes.max()) / float(pooled.ends[-1]))


def law(pooled: Pooled) -> Law:
    """Return the limit law of the statistic given the ties, with the mean that it has at these sizes."""
    sizes, total = pooled.sizes, float(pooled.ends[-1])
    if len(sizes) == 1:
        return Law()
    scale = total / (total - 1.0)
    shares = pooled.ends[:-1] / total
    mean = float(_weights(pooled) @ (shares * (1.0 - shares)))
    if sizes.max() * FINE <= total:
        return Law(None, scale, mean - BRIDGE_MEAN)
    few = pooled.at(places(pooled, FINE, FINE))
    eigenvalues = tied(few.ends[:-1] / total, _weights(few))
    return Law(eigenvalues, scale, mean - float(eigenvalues.sum()))


def limit_p_value(null: Law, statistic: float) -> float:
    """Return how rarely the limit law gives as large a `statistic`, as a number above 0."""
    return max(SMALLEST, null.tail(statistic))


def permutation_p_value(pooled: Pooled, n_draws: int, deal: Deal, inflation: float = 1.0) -> float:
    """Return how rarely relabeled rows are as far apart, where `inflation` rows are worth one of them."""
    seen = pooled.at(places(pooled))
    weights = _weights(seen)
    observed = float(np.square(seen.differences) @ weights) / inflation
    return chance(seen, lambda found: np.square(found) @ weights, observed, n_draws, deal)


def interval(pooled: Pooled, null: Law, away: float, confidence: float, inflation: float = 1.0) -> Interval:
    """Return a conservative interval of the true distance behind the measured one, `away`.

    By the triangle inequality it is no further from `away` than the difference of the samples is from that
    of what they come from, of which the limit law knows how large it may be.
    """
    margin = math.sqrt(null.quantile(1.0 - confidence) * pooled.scale * inflation * _own_noise(pooled))
    return Interval(away, max(0.0, away - margin), min(FURTHEST, away + margin), confidence)


def detectable(pooled: Pooled, null: Law, alpha: float, inflation: float = 1.0, power: float = 0.8) -> float:
    """Return about the smallest true distance that is found with probability `power` at level `alpha`.

    That of a change where chance is largest, such as a shift; given these ties. Above 0.58 when samples of
    these sizes could not even tell apart two distributions without overlap.
    """
    along = null.largest
    needed = math.sqrt(max(0.0, null.quantile(alpha) - (null.mean - along)))
    chance = 1.1 * float(special.ndtri(power)) * math.sqrt(along)  # a tenth for what other directions do
    return (needed + chance) * math.sqrt(pooled.scale * inflation)


def _own_noise(pooled: Pooled) -> float:
    """Return how many times as much two different samples vary as if they were alike: at least once."""
    n, m, weights = pooled.n, pooled.m, _weights(pooled)
    first, ends = pooled.first[:-1], pooled.ends[:-1]
    before, after, both = first / n, (ends - first) / m, ends / (n + m)
    own = before * (1.0 - before) / n + after * (1.0 - after) / m
    together = float(weights @ (both * (1.0 - both))) * pooled.scale
    return max(1.0, float(weights @ own) / together) if together > 0.0 else 1.0


def _weights(pooled: Pooled) -> Floats:
    """Return half the share of the rows with the value at each place but the last, or the one above."""
    sizes = pooled.sizes
    result: Floats = (sizes[:-1] + sizes[1:]).astype(np.float64)
    return result * (0.5 / float(pooled.ends[-1]))
