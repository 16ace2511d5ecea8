"""How far the shares of two samples lie apart by the chi-squared distance, and whether by more than a limit.

The distance is half the root of the sum of (p - q)^2 / ((p + q) / 2). It lies between the total variation
and its root, is the total variation where the change is spread in proportion to the shares, and unlike what
Pearson's statistic estimates it does not depend on how many rows either sample has.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn.stats import _noncentral
from contlearn.stats._chi_squared_columns import Pairs, independent

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


FEW = 10.0
"""Below this expected count in any cell, mean and variance without a change are added up count by count."""


class Beyond(NamedTuple):
    """What `compare_distances` found, one entry per column.

    Attributes
    ----------
    distance, low, high
        The distance, corrected for what chance adds to it, with its interval.
    p_value
        Of the hypothesis that the distance is at most the limit.
    detectable
        The distance that such a test finds with 80 % power.
    """

    distance: Floats
    low: Floats
    high: Floats
    p_value: Floats
    detectable: Floats


class Spread(NamedTuple):
    """Mean and variance of the statistic: `trace` and 2 `squares`, and 1 and 4 `along` more per change."""

    trace: Floats
    squares: Floats
    along: Floats

    def scale(self, noncentrality: Floats) -> Floats:
        """Return the factor that gives a noncentral chi-squared law this mean and variance."""
        scale: Floats = (self.squares + 2.0 * noncentrality * self.along) / (self.trace + 2.0 * noncentrality)
        return scale


def compare_distances(
    pairs: Pairs, limit: float, levels: Floats, confidence: Floats, effects: Floats | float = 1.0
) -> Beyond:
    """Test whether the distance of each column is above `limit`.

    Parameters
    ----------
    pairs
        The counts.
    limit
        Largest distance that does not matter, at least 0.
    levels
        Level at which each column is tested.
    confidence
        Of its interval.
    effects
        Design effect of each column: so many rows are worth one independent row.

    Notes
    -----
    The statistic follows a scaled noncentral chi-squared law whose mean and variance are those of the shares
    found, or, where these are smaller, of equal ones; where expected counts are small, those of the counts
    that chance makes of equal shares.
    """
    starts, sizes = pairs.starts, pairs.sizes
    n = np.add.reduceat(pairs.before, starts) / effects
    m = np.add.reduceat(pairs.after, starts) / effects
    worth = 1.0 / (1.0 / n + 1.0 / m)
    p = pairs.before / np.repeat(n * effects, sizes)
    q = pairs.after / np.repeat(m * effects, sizes)
    weight = 0.5 * (p + q)
    inverse = np.divide(1.0, weight, out=np.zeros(len(weight)), where=weight > 0.0)
    found = worth * np.add.reduceat((p - q) ** 2 * inverse, starts)
    freedom = np.maximum(np.add.reduceat((weight > 0.0).astype(np.float64), starts) - 1.0, 1.0)
    spread = _of_few(pairs, effects, (n, m), _spread(pairs, (p, q, inverse), (n, m), freedom))
    least = 4.0 * worth * limit * limit
    scale = spread.scale(least)
    p_value = _noncentral.upper_tail(found / scale, spread.trace / scale, least / scale)
    low, high = _interval(found, spread, 1.0 - confidence)
    return Beyond(
        _distance(np.maximum(0.0, found - spread.trace), worth),
        _distance(low, worth),
        np.minimum(1.0, _distance(high, worth)),
        p_value,
        _distance(_detectable(least, freedom, levels), worth),
    )


def _distance(noncentrality: Floats, worth: Floats) -> Floats:
    distance: Floats = 0.5 * np.sqrt(noncentrality / worth)
    return distance


def _spread(
    pairs: Pairs, shares: tuple[Floats, Floats, Floats], rows: tuple[Floats, Floats], freedom: Floats
) -> Spread:
    """Return the law of the statistic as the shares say, in no respect narrower than for equal shares."""
    (p, q, inverse), (n, m) = shares, rows
    worth = 1.0 / (1.0 / n + 1.0 / m)

    def total(values: Floats) -> Floats:
        sums: Floats = np.add.reduceat(values, pairs.starts)
        return sums

    variance = p / np.repeat(n, pairs.sizes) + q / np.repeat(m, pairs.sizes)
    pp, qq, pq = total(p * p * inverse), total(q * q * inverse), total(p * q * inverse)
    trace = worth * (total(variance * inverse) - pp / n - qq / m)
    weighed = variance * inverse**2
    squares = worth**2 * (
        total(variance * weighed)
        - 2.0 * total(weighed * p * p) / n
        - 2.0 * total(weighed * q * q) / m
        + (pp / n) ** 2
        + (qq / m) ** 2
        + 2.0 * pq**2 / (n * m)
    )
    change = q - p
    across = total(weighed * change**2)
    across -= total(change * p * inverse) ** 2 / n + total(change * q * inverse) ** 2 / m
    size = total(change**2 * inverse)
    along = worth * np.divide(across, size, out=np.zeros(len(size)), where=size > 0.0)
    return Spread(np.maximum(trace, freedom), np.maximum(squares, freedom), np.maximum(along, 1.0))


def _of_few(pairs: Pairs, effects: Floats | float, rows: tuple[Floats, Floats], spread: Spread) -> Spread:
    """Return the law with the mean and variance that small counts have, where there are any."""
    n, m = rows
    pooled = pairs.before + pairs.after
    rarest = np.minimum.reduceat(np.where(pooled > 0, pooled, pooled.max()), pairs.starts) / effects
    trace, squares = spread.trace.copy(), spread.squares.copy()
    for place in np.flatnonzero(rarest * np.minimum(n, m) / (n + m) < FEW).tolist():
        before, after = pairs.column(place)
        if len(before) == 1:
            continue
        effect = float(np.broadcast_to(effects, len(trace))[place])
        mean, variance = _moments(*independent(before + after, int(after.sum()), effect))
        trace[place], squares[place] = mean, max(squares[place], 0.5 * variance)
    return Spread(trace, squares, spread.along)


def _moments(total: Counts, rows: int) -> tuple[float, float]:
    """Return mean and variance of the statistic where the shares are equal, given the sums of the table."""
    share = rows / float(total.sum())
    others = float(total.sum()) - rows
    mean = total * share
    reach = 8.0 * np.sqrt(mean * (1.0 - share)) + 4.0
    first = np.maximum(np.maximum(0.0, total - others), np.floor(mean - reach))
    sizes = (np.minimum(np.minimum(total, rows), np.ceil(mean + reach)) - first + 1.0).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    count = np.arange(float(sizes.sum())) - np.repeat(starts - first, sizes)
    every = np.repeat(total, sizes)
    weight = special.xlogy(count, share) + special.xlogy(every - count, 1.0 - share)
    weight -= special.gammaln(count + 1.0) + special.gammaln(every - count + 1.0)
    weight = np.exp(weight + np.repeat(special.gammaln(total + 1.0), sizes))
    q, p = count / rows, (every - count) / others
    adds = 2.0 * (q - p) ** 2 / (q + p) * (rows * others / (rows + others))
    away = count - np.repeat(mean, sizes)
    chance, of_adds, of_away = (np.add.reduceat(weight * each, starts) for each in (1.0, adds, away))
    squares = np.add.reduceat(np.stack((adds * adds, adds * away, away * away)) * weight, starts, axis=1)
    of_adds, of_away, squares = of_adds / chance, of_away / chance, squares / chance
    variance, covariance, spread = (squares - np.stack((of_adds**2, of_adds * of_away, of_away**2))).sum(
        axis=1
    )
    return float(of_adds.sum()), max(1e-9, float(variance - covariance**2 / max(spread, 1e-300)))


def _interval(found: Floats, spread: Spread, alpha: Floats) -> tuple[Floats, Floats]:
    scale = spread.scale(np.maximum(0.0, found - spread.trace))
    ends = [
        scale * _noncentral.noncentrality(found / scale, np.maximum(1.0, spread.trace / scale), quantile)
        for quantile in (-special.ndtri(0.5 * alpha), special.ndtri(0.5 * alpha))
    ]
    return ends[0], ends[1]


def _detectable(least: Floats, freedom: Floats, levels: Floats) -> Floats:
    columns = zip(levels.tolist(), freedom.tolist(), least.tolist(), strict=True)
    return np.array([_noncentral.detectable_noncentrality(*each) for each in columns])
