"""The mean of values that may come in clusters, with an uncertainty that holds for few and skewed ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from contlearn import _checks
from contlearn.results import Interval
from contlearn.stats import _columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_ROUNDING = 1e-12  # spread, as a share of the largest value, that is rounding and no evidence
# Few values hide their skewness, so the sample's is taken half again as large, and never below one half,
# always in the direction that hurts the claim. The calibration tests show what this buys.
_SKEWNESS_FACTOR = 1.5
_LEAST_SKEWNESS = 0.5


class Mean(NamedTuple):
    """A mean with what is needed to judge it.

    Attributes
    ----------
    estimate
        Mean over rows.
    standard_error
        0 where the spread is not known: a single row or cluster, or values that are all the same.
    degrees
        Degrees of freedom of Student's law.
    skewness
        Of the rows, or of what the clusters contribute.
    units
        Number of clusters, or of rows where there are none.
    """

    estimate: float
    standard_error: float
    degrees: float
    skewness: float
    units: int

    def p_above(self, value: float) -> float | None:
        """Return the p-value of the hypothesis that the true mean is at most `value`; None if unknown."""
        from scipy.special import stdtr

        if self.standard_error == 0.0:
            return None
        t = (self.estimate - value) / self.standard_error
        return float(stdtr(self.degrees, -_without_skewness(t, self._bend(self.skewness))))

    def p_below(self, value: float) -> float | None:
        """Return the p-value of the hypothesis that the true mean is at least `value`; None if unknown."""
        return self.mirrored().p_above(-value)

    def low(self, tail: float) -> float:
        """Return the value that `p_above` rejects at exactly the level `tail`; -inf if unknown."""
        from scipy.special import stdtrit

        if self.standard_error == 0.0:
            return -math.inf
        quantile = -float(stdtrit(self.degrees, tail))
        return self.estimate - self.standard_error * _with_skewness(quantile, self._bend(self.skewness))

    def interval(self, confidence: float) -> Interval:
        """Return the values that neither one-sided test at level (1 - `confidence`) / 2 rejects."""
        tail = (1.0 - confidence) / 2.0
        return Interval(self.estimate, self.low(tail), -self.mirrored().low(tail), confidence)

    def mirrored(self) -> Mean:
        """Return the same for the negated values."""
        return self._replace(estimate=-self.estimate, skewness=-self.skewness)

    def scaled(self, factor: float) -> Mean:
        """Return the same for the values multiplied by a positive `factor`."""
        return self._replace(estimate=self.estimate * factor, standard_error=self.standard_error * factor)

    def _bend(self, skewness: float) -> float:
        """Return the coefficient of t² in the expansion of t for skewed data, on the safe side."""
        units = self.units
        unbiased = skewness * math.sqrt(units * (units - 1)) / (units - 2) if units > 2 else 0.0
        return min(_SKEWNESS_FACTOR * unbiased, -_LEAST_SKEWNESS) / (3.0 * math.sqrt(units))


def _without_skewness(t: float, bend: float) -> float:
    """Return Johnson's modified `t`, always smaller; `bend` is below 0.

    Beyond the point at which the parabola has half the slope of t, it goes on with that slope: it must rise
    for ever, else a large t would prove nothing.
    """
    straight = -0.25 / bend
    curved = min(t, straight)
    return curved + bend * (curved**2 + 0.5) + 0.5 * (t - curved)


def _with_skewness(quantile: float, bend: float) -> float:
    """Return the t whose transformation is `quantile`."""
    straight = -0.25 / bend
    beyond = quantile - _without_skewness(straight, bend)
    if beyond > 0.0:
        return straight + 2.0 * beyond
    return (math.sqrt(1.0 - 2.0 * bend**2 + 4.0 * bend * quantile) - 1.0) / (2.0 * bend)


def mean_interval(values: ArrayLike, confidence: float = 0.9, groups: ArrayLike | None = None) -> Interval:
    """Return the mean of `values` with a confidence interval that holds for few, skewed, clustered rows.

    Parameters
    ----------
    values : array of shape (n_samples,)
        Finite numbers, at least one.
    confidence
        Coverage, strictly between 0 and 1. For values other than 0 and 1, it needs about five rows of every
        rare and extreme kind to be expected: see the notes.
    groups : array of shape (n_samples,), optional
        The cluster of every row, such as its day or its user: rows of one cluster may depend on each other
        in any way, clusters may not. Without it, every row stands for itself.

    Returns
    -------
    Interval
        Limits are infinite where the spread cannot be known: one row, one cluster, or all values the same
        (unless they are zeros and ones).

    Raises
    ------
    InvalidInputError
        If a value is NaN or infinite, if there is none, or if a row has no group.

    Notes
    -----
    Zeros and ones without groups have the exact interval of Clopper and Pearson. Otherwise Student's law with
    a monotone correction for skewness [1]_ that can only widen the interval; the sample skewness is taken
    half again as large and at least 1/2 in size, since few values hide it. Clusters: the mean over rows, the
    jackknife over clusters (CV3) [2]_, and Satterthwaite's degrees of freedom, the smaller of those for
    clusters that vary as a whole and for independent rows; so 14 clusters of unequal size may count as 9.
    Measured, one-sided at 5 %: 1-5 % with 7, 14 and 50 clusters, equal or unequal, normal or with a skewness
    of 1; below 1 % where one cluster is ten times as large as the others; up to 8 % with 7 clusters of
    skewness 2 (plain Student: 14 %).
    The correction cannot know of rare values that are absent from the sample: where 1 % of the rows are nine
    times as large as the largest others, the upper limit lies below the true mean for 14 % of samples of 40
    rows, 21 % of 100, 11 % of 200, and 3 % from 500 on, instead of 5 %.
    Cost: O(n), with groups O(n log n) for sorting the labels.

    References
    ----------
    .. [1] N. J. Johnson, "Modified t tests and confidence intervals for asymmetrical populations", Journal
       of the American Statistical Association 73 (1978).
    .. [2] R. M. Bell, D. F. McCaffrey, "Bias reduction in standard errors for linear regression with
       multi-stage samples", Survey Methodology 28 (2002).

    Examples
    --------
    >>> from contlearn.stats import mean_interval
    >>> print(mean_interval([0.2, 0.4, 0.3, 0.5, 0.1, 0.6], confidence=0.9))
    0.35 [0.162, 0.538] (90 %)
    """
    rows = _columns.finite("values", values)
    return interval_of(rows, None if groups is None else clusters(groups, rows), confidence)


def interval_of(rows: Floats, codes: NDArray[np.intp] | None, confidence: float) -> Interval:
    """Return the interval of `mean_interval` for finite rows whose clusters are numbered by `codes`."""
    confidence = _checks.fraction("confidence", confidence)
    if codes is None and zeros_and_ones(rows):
        return proportion(int(rows.sum()), rows.size, confidence)
    return estimate(rows, codes).interval(confidence)


def zeros_and_ones(values: Floats) -> bool:
    """Return whether every value is 0 or 1."""
    return bool(((values == 0.0) | (values == 1.0)).all())


def proportion(successes: int, n: int, confidence: float) -> Interval:
    """Return the exact interval of Clopper and Pearson for a probability."""
    from scipy.special import betaincinv

    tail = (1.0 - confidence) / 2.0
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1.0 - tail)) if successes < n else 1.0
    return Interval(successes / n, low, high, confidence)


def clusters(groups: ArrayLike, rows: Floats) -> NDArray[np.intp]:
    """Return the cluster of every row as an integer from 0 on; refuse rows without one."""
    named = _columns.labels("groups", groups)
    _checks.same_length(groups=named.codes, values=rows)
    if named.missing:
        got = f"{named.missing} of {rows.size} rows without one"
        _checks.bad_data("groups", "name the group of every row", got, "give each row its group")
    return named.codes


def estimate(values: Floats, codes: NDArray[np.intp] | None = None, scale: float = 0.0) -> Mean:
    """Return the mean of finite `values`, in the clusters `codes`; they came from numbers up to `scale`."""
    import numpy as np

    scale = max(scale, float(np.abs(values).max())) or 1.0
    scaled = values / scale  # squares and cubes must neither overflow nor vanish
    centre = float(scaled.mean())
    apart = scaled - centre
    if codes is None:
        moments = float((apart**2).sum()), float((apart**3).sum())
        return from_moments(values.size, centre, *moments).scaled(scale)
    sizes = np.bincount(codes).astype(np.float64)
    used = sizes > 0
    sums = np.bincount(codes, weights=apart).astype(np.float64)
    return _of_clusters(centre, sums[used], sizes[used]).scaled(scale)


def from_moments(n: int, centre: float, second: float, third: float) -> Mean:
    """Return the mean of `n` independent rows from the sums of their squared and cubed deviations."""
    if n < 2 or second <= n * _ROUNDING**2:
        return Mean(centre, 0.0, max(n - 1.0, 0.0), 0.0, n)
    variance = second / n
    return Mean(centre, math.sqrt(variance / (n - 1)), n - 1.0, third / n / variance**1.5, n)


def _of_clusters(centre: float, sums: Floats, sizes: Floats) -> Mean:
    """Return the mean over rows from the deviations, summed by cluster, and the sizes of the clusters."""
    import numpy as np

    units, share = sizes.size, sizes / sizes.sum()
    pull = sums / sizes.sum()  # by how much each cluster moves the mean
    if units < 2 or np.abs(pull).max() <= _ROUNDING * share.max():
        return Mean(centre, 0.0, units - 1.0, 0.0, units)
    jackknife = (units - 1.0) / units / (1.0 - share) ** 2
    error = math.sqrt(float((jackknife * pull**2).sum()))
    skewness = float((pull**3).mean()) / float((pull**2).mean()) ** 1.5
    return Mean(centre, error, degrees_of(sizes), skewness, units)


def degrees_of(sizes: Floats) -> float:
    """Return the degrees of freedom of clusters of the given `sizes`, at least two and none of them empty.

    The smaller of those for clusters that vary as a whole and for independent rows.
    """
    import numpy as np

    units, share = sizes.size, sizes / sizes.sum()
    weights = (units - 1.0) / units / (1.0 - share) ** 2 * share**2
    return min(_degrees(share, variance, weights) for variance in (np.ones(units), 1.0 / share))


def _degrees(share: Floats, variance: Floats, weights: Floats) -> float:
    """Return Satterthwaite's degrees of freedom of the sum of weights x (cluster mean - mean over rows)².

    The cluster means are independent with the given `variance`, the mean over rows is their mean weighted by
    `share`; deviations i and j then covary by [i = j] variance_i - x_i - x_j + total, x = share x variance.
    """
    x = share * variance
    total = float((share * x).sum())
    zeroth, first, second = (float((weights * x**power).sum()) for power in (0, 1, 2))
    expectation = float((weights * (variance - 2.0 * x + total)).sum())
    off = total**2 * zeroth**2 + 2.0 * zeroth * second + 2.0 * first**2 - 4.0 * total * zeroth * first
    own = float((weights**2 * ((variance - 2.0 * x + total) ** 2 - (total - 2.0 * x) ** 2)).sum())
    return expectation**2 / (off + own)
