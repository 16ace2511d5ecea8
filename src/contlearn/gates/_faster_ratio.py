"""The ratio of two mean times, or of two quantiles of times, with bounds that long tails do not fool."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from contlearn.stats import _mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = "NDArray[np.float64]"

# Times are skewed, and a sample hides much of it: the sample's skewness counts threefold, and never below 1.
_SKEWNESS_FACTOR = 3.0
_LEAST_SKEWNESS = 1.0
_LARGEST_RATIO = 1e9
_STEPS = 60
_EXACT = 1e-10
_LEAST_P = 1e-12


class Ratio(NamedTuple):
    """The challenger's time as a share of the champion's, and the evidence about a limit.

    Attributes
    ----------
    estimate, low, high
        The share and its bounds, each at the level asked for; `high` may be infinite.
    p_slower, p_faster
        P-values of the hypotheses that the share is at least, and at most, the limit; None where the spread
        is not known.
    effort
        By how many times the timings must grow to settle the question with 80 % power; infinite if unknown.
    """

    estimate: float
    low: float
    high: float
    p_slower: float | None
    p_faster: float | None
    effort: float


class _MeanTime(_mean.Mean):
    """The mean of limit x champion - challenger, with a guard against the skewness that times have."""

    __slots__ = ()

    def _bend(self, skewness: float) -> float:
        units = self.units
        unbiased = skewness * math.sqrt(units * (units - 1)) / (units - 2) if units > 2 else 0.0
        return min(_SKEWNESS_FACTOR * unbiased, -_LEAST_SKEWNESS) / (3.0 * math.sqrt(units))


Difference: TypeAlias = Callable[[float], _mean.Mean]
"""From a limit to the mean of limit x champion's time - challenger's time."""


def paired(champion: Floats, challenger: Floats, codes: NDArray[np.intp] | None) -> Difference:
    """Return the difference for times of both models on the same rows, in the clusters `codes`."""
    most = float(champion.max()), float(challenger.max())

    def at(limit: float) -> _mean.Mean:
        scale = max(limit * most[0], most[1])
        return _MeanTime(*_mean.estimate(limit * champion - challenger, codes, scale))

    return at


def unpaired(champion: Floats, challenger: Floats) -> Difference:
    """Return the difference for times of different rows: Welch's, with the skewness of both samples."""
    sides = [_mean.estimate(times) for times in (champion, challenger)]

    def at(limit: float) -> _mean.Mean:
        one, other = sides[0].scaled(limit), sides[1].mirrored()
        variances = one.standard_error**2, other.standard_error**2
        error = math.sqrt(sum(variances))
        centre = one.estimate + other.estimate
        if error == 0.0:
            return _MeanTime(centre, 0.0, 0.0, 0.0, min(one.units, other.units))
        degrees = error**4 / sum(v**2 / side.degrees for v, side in zip(variances, sides, strict=True))
        # the third cumulants of the two means add up
        cumulants = [side.skewness * side.standard_error**3 / math.sqrt(side.units) for side in (one, other)]
        units = max(1, math.floor(degrees) + 1)
        return _MeanTime(centre, error, degrees, sum(cumulants) / error**3 * math.sqrt(units), units)

    return at


def of_means(at: Difference, estimate: float, limit: float, alpha: float) -> Ratio:
    """Return the ratio of the mean times: Fieller's bounds, the ratios that the test does not reject."""
    mean = at(limit)
    if mean.standard_error == 0.0:
        return Ratio(estimate, 0.0, math.inf, None, None, math.inf)
    high = _root(lambda ratio: at(ratio).low(alpha), estimate, 2.0)
    low = _root(lambda ratio: at(ratio).mirrored().low(alpha), estimate, 0.5)
    side = mean if mean.estimate > 0.0 else mean.mirrored()
    gap = side.estimate / side.standard_error
    critical = (side.estimate - side.low(alpha)) / side.standard_error
    effort = ((critical + _quantile(0.8)) / gap) ** 2 if gap else math.inf
    return Ratio(estimate, low, high, mean.p_above(0.0), mean.p_below(0.0), effort)


def _root(bound: Callable[[float], float], start: float, factor: float) -> float:
    """Return where `bound` becomes positive on the way from `start` by `factor`, 0 or infinity if nowhere."""
    inside, outside = start, start * factor
    below, above = bound(inside), bound(outside)
    while above <= 0.0:
        inside, outside, below = outside, outside * factor, above
        if not 1.0 / _LARGEST_RATIO < outside / start < _LARGEST_RATIO:
            return math.inf if factor > 1.0 else 0.0
        above = bound(outside)
    scale, stays = above, 0
    for _ in range(_STEPS):  # false position; an end that stays put twice loses half its weight (Illinois)
        below = max(below, -scale)  # no spread at all says -inf
        middle = (inside * above - outside * below) / (above - below)
        there = bound(middle)
        if abs(there) <= _EXACT * scale or abs(outside - inside) <= _EXACT * start:
            return middle
        if there < 0.0:
            inside, below, above = middle, there, above * (0.5 if stays > 0 else 1.0)
            stays = 1
        else:
            outside, above, below = middle, there, below * (0.5 if stays < 0 else 1.0)
            stays = -1
    return outside


def rows_for_quantile(quantile: float, alpha: float) -> int:
    """Return how many times a sample must have to bound its quantile on both sides at `alpha`."""
    return math.ceil(math.log(alpha) / math.log(max(quantile, 1.0 - quantile)) + 1e-9)


def of_quantiles(champion: Floats, challenger: Floats, quantile: float, limit: float, alpha: float) -> Ratio:
    """Return the ratio of two quantiles: bounds by order statistics, joined on the scale of logarithms."""
    import numpy as np

    one, other = (np.log(np.sort(times)) for times in (champion, challenger))
    estimates = [_estimate(times, quantile) for times in (one, other)]
    difference = estimates[1] - estimates[0]

    def high(level: float) -> float:
        above = _upper(other, quantile, level) - estimates[1]
        below = estimates[0] - _lower(one, quantile, level)
        return difference + math.hypot(max(above, 0.0), max(below, 0.0))

    def low(level: float) -> float:
        below = estimates[1] - _lower(other, quantile, level)
        above = _upper(one, quantile, level) - estimates[0]
        return difference - math.hypot(max(below, 0.0), max(above, 0.0))

    goal = math.log(limit)
    p_slower = _smallest_level(lambda level: high(level) < goal)
    p_faster = _smallest_level(lambda level: low(level) > goal)
    reach = high(alpha) - difference if difference < goal else difference - low(alpha)
    gap = abs(difference - goal)
    wider = 1.0 + _quantile(0.8) / _quantile(1.0 - alpha)  # the interval alone would have a power of 1/2
    effort = (reach / gap * wider) ** 2 if gap and math.isfinite(reach) else math.inf
    ratio, least, most = (_exp(value) for value in (difference, low(alpha), high(alpha)))
    return Ratio(ratio, least, most, p_slower, p_faster, effort)


def _exp(value: float) -> float:
    return math.exp(value) if value < 700.0 else math.inf


def _estimate(ordered: Floats, quantile: float) -> float:
    import numpy as np

    return float(np.quantile(ordered, quantile, method="median_unbiased"))


def _upper(ordered: Floats, quantile: float, level: float) -> float:
    """Return the order statistic that lies below the true quantile with a chance of at most `level`."""
    rank = _rank(ordered.size, quantile, level)
    return float(ordered[rank - 1]) if rank <= ordered.size else math.inf


def _lower(ordered: Floats, quantile: float, level: float) -> float:
    rank = ordered.size + 1 - _rank(ordered.size, 1.0 - quantile, level)
    return float(ordered[rank - 1]) if rank >= 1 else -math.inf


def _rank(n: int, share: float, level: float) -> int:
    """Return the smallest r with P(Bin(n, share) >= r) <= level; n + 1 if there is none."""
    from scipy.special import betainc

    short, enough = 0, n + 1
    while enough - short > 1:
        middle = (short + enough) // 2
        if float(betainc(middle, n - middle + 1, share)) <= level:
            enough = middle
        else:
            short = middle
    return enough


def _smallest_level(rejects: Callable[[float], bool]) -> float:
    """Return the smallest level at which `rejects` holds, between 1e-12 and 1."""
    if not rejects(0.5):
        return 1.0  # what the estimates themselves deny is not weighed further
    low, high = math.log(_LEAST_P), math.log(0.5)
    if rejects(_LEAST_P):
        return _LEAST_P
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        if rejects(math.exp(middle)):
            high = middle
        else:
            low = middle
    return math.exp(high)


def _quantile(probability: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(probability))
