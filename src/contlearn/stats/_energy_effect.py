"""How far apart two distributions are by the energy distance, how well that is known, and what would show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import bdtri, chndtrinc, gammaincinv, ndtri

from contlearn.results import Interval
from contlearn.stats._energy import Measured, mean_distances
from contlearn.stats._kernels import Floats
from contlearn.stats._relabelings import Bins

# The fitted law has its noncentrality in equal parts; a real shift has it where the weights are largest, and
# spreads the estimate more. Aimed at 0.15, between 0.12 and 0.22 of the shifts of that size are missed.
_MISSED = 0.15
_LEAST_SKEW = 0.05  # of the law under no change: below it a fit of three moments is one of two


class Effect(NamedTuple):
    """The root of the energy coefficient of two distributions.

    Attributes
    ----------
    interval
        The estimate, free of the bias that finite samples bring, with its confidence interval.
    detectable
        Smallest effect that these samples would have shown with 80 % power at the level of the interval.
    """

    interval: Interval
    detectable: float


def effect(found: Measured, alpha: float, block: int | None = None) -> Effect:
    """Return how far apart the distributions are: 0 the same, 1 a point each.

    Notes
    -----
    The coefficient without its bias is ``1 - (E|X - X'| + E|Y - Y'|) / (2 E|X - Y|)`` over pairs of different
    rows. Its error has two parts, whose limits add up as squares. One is there when nothing changed: a sum of
    squares, whose variance is that of the distances less what each row adds to all of its own, and whose
    skewness the relabelings show. The other is linear in the rows, with a variance that grows as the
    coefficient does. Where the latter cannot be told from noise, the upper limit is that of a noncentral
    chi-squared law; and so is `detectable`: for a change that the energy distance sees best, a shift.
    """
    if not found.distances.any():
        return _never_varied(found.bins, alpha)
    own = found.bins.size if block is not None and block > 1 else 1
    means = mean_distances(found.distances, found.members, found.bins, own)
    coefficients = _coefficients(means)
    estimate = float(coefficients[0])
    skew = _skewness(coefficients[1:])
    curved = _curved_variance(found, float(means[1][0]))
    curved = curved or float(coefficients.var())
    if not curved:
        unknown = Interval(math.sqrt(max(0.0, estimate)), 0.0, 1.0, _confidence(alpha))
        return Effect(unknown, _never_varied(found.bins, alpha).detectable)
    influence = _influence_variance(found, [each[0] for each in means], estimate, own)
    law = _Law(math.sqrt(curved), skew)
    extra = max(0.0, influence - 2.0 * curved)
    unsure = min(1.0, 2.0 * curved / influence) if influence > 0.0 else 1.0
    tail = alpha / 2.0
    linear = -float(ndtri(tail)) * math.sqrt(extra)
    low = estimate - math.hypot(linear, law.quantile(1.0 - tail))
    if estimate > 0.0:
        linear += min(linear**2 / (4.0 * estimate), float(ndtri(tail)) ** 2 * law.unit)
    above = max(-law.quantile(tail), unsure * (law.noncentral(estimate, tail) - estimate))
    high = estimate + math.hypot(linear, above)
    root, low, high = (math.sqrt(min(1.0, max(0.0, each))) for each in (estimate, low, high))
    interval = Interval(root, low, high, _confidence(alpha))
    threshold = law.quantile(1.0 - alpha)
    return Effect(interval, math.sqrt(min(1.0, law.noncentral(threshold, _MISSED))))


def _never_varied(bins: Bins, alpha: float) -> Effect:
    """Return what is known where all rows are equal: that others are rare.

    Where a share of the current rows has one other value, the coefficient is that share. So many of m rows
    bring the p-value to `alpha` as are unlikely to be all on one side.
    """
    n, m = bins.size * bins.x, bins.size * bins.y
    none_seen = 1.0 - (alpha / 2.0) ** (1.0 / min(n, m))
    sides = 2.0 if n == m else 1.0
    needed = math.ceil(math.log(alpha / sides) / math.log(m / (n + m)))
    share = float(bdtri(needed - 1, m, 0.2)) if needed <= m else 1.0
    interval = Interval(0.0, 0.0, math.sqrt(none_seen), _confidence(alpha))
    return Effect(interval, math.sqrt(share))


def _confidence(alpha: float) -> float:
    return min(1.0 - alpha, math.nextafter(1.0, 0.0))


class _Law(NamedTuple):
    """The law of the coefficient under no change, and under a change: a multiple of a chi-squared, shifted.

    A sum of ``w_k (z_k**2 - 1)`` over normal `z_k`, fitted by ``unit * (chi2 - freedom)`` with the same
    variance and skewness. A change by `delta` in the directions of the largest weights makes it noncentral.
    """

    sd: float
    skew: float

    @property
    def freedom(self) -> float:
        return 8.0 / self.skew**2

    @property
    def unit(self) -> float:
        return self.sd * self.skew / 4.0

    def quantile(self, share: float) -> float:
        """Return a quantile under no change."""
        half = self.freedom / 2.0
        return self.unit * (2.0 * float(gammaincinv(half, share)) - self.freedom)

    def noncentral(self, value: float, share: float) -> float:
        """Return the coefficient under which the estimate is at most `value` with probability `share`."""
        if self.unit == 0.0:
            return max(0.0, value)
        scaled = value / self.unit + self.freedom
        if scaled <= 0.0:
            return 0.0
        noncentrality = float(chndtrinc(scaled, self.freedom, share))
        return self.unit * noncentrality if math.isfinite(noncentrality) else 1.0


def _coefficients(means: tuple[Floats, Floats, Floats]) -> Floats:
    inside, across, outside = means
    moved = np.divide(inside + outside, 2.0 * across, out=np.ones_like(across), where=across > 0.0)
    coefficients: Floats = 1.0 - moved
    return coefficients


def _skewness(values: Floats) -> float:
    if len(values) < 2 or not values.std():
        return _LEAST_SKEW
    away = values - values.mean()
    return max(_LEAST_SKEW, float(np.mean(away**3) / np.mean(away**2) ** 1.5))


def _influence_variance(found: Measured, means: Sequence[float], coefficient: float, own: int) -> float:
    """Return the variance of the coefficient that the influence of bins shows.

    Of the true variance it has the part that is linear in the rows once, and the other part twice.
    """
    bins = found.bins
    inside, across, outside = means
    to_x, to_y = (side.sum(axis=1) / bins.size for side in np.split(found.distances, [bins.x], axis=1))
    n, m = bins.size * bins.x, bins.size * bins.y
    of_x = (1.0 - coefficient) * (to_y[: bins.x] / m - across) - (to_x[: bins.x] / max(1, n - own) - inside)
    of_y = (1.0 - coefficient) * (to_x[bins.x :] / n - across) - (to_y[bins.x :] / max(1, m - own) - outside)
    if across == 0.0:
        return 0.0
    return (
        sum(float((each**2).sum()) / max(1, len(each) * (len(each) - 1)) for each in (of_x, of_y)) / across**2
    )


def _curved_variance(found: Measured, across: float) -> float:
    """Return the variance of the coefficient that is not linear in the rows: all of it under no change.

    0.0 where there are too few bins to tell.
    """
    bins, p, q = found.bins, found.bins.x, found.bins.y
    if min(p, q) < 4 or across == 0.0:
        return 0.0
    means = found.distances / bins.size**2
    both = means[:p, p:]
    both = both - both.mean(axis=0) - both.mean(axis=1, keepdims=True) + both.mean()
    squares = 4.0 * float((both**2).sum()) / ((p - 1) * (q - 1)) / (p * q)
    for side, k in ((means[:p, :p], p), (means[p:, p:], q)):
        squares += 2.0 * _centred_square(side) / (k * (k - 1))
    return squares / (2.0 * across) ** 2


def _centred_square(means: Floats) -> float:
    """Return the mean square of distances off the diagonal, less what each of both bins adds; unbiased."""
    k = len(means)
    means = means - np.diag(np.diag(means))
    of_bins = means.sum(axis=1)
    centred = means - (of_bins[:, np.newaxis] + of_bins) / (k - 2) + of_bins.sum() / ((k - 1) * (k - 2))
    np.fill_diagonal(centred, 0.0)
    return float((centred**2).sum()) / (k * (k - 3))
