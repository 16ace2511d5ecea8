"""How well a squared maximum mean discrepancy is known, and which one would have been found."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn.results import Interval
from contlearn.stats._relabelings import Bins

Floats = NDArray[np.float64]

_POWER = float(special.ndtri(0.8))


class Precision(NamedTuple):
    """What the noise of an estimated squared discrepancy is made of.

    Attributes
    ----------
    null
        Its variance where nothing has changed.
    witness
        Four times the variance of the difference of the means of the witness function: the variance that a
        discrepancy adds, estimated with the noise of the witness itself in it (twice `null` on average).
    largest
        Most that `witness` can be per unit of squared discrepancy, that noise apart.
    """

    null: float
    witness: float
    largest: float

    @property
    def variance(self) -> float:
        """Variance of the estimate at the discrepancy that was found."""
        return max(self.witness - self.null, self.null)


def effect_interval(squared: float, precision: Precision, confidence: float) -> Interval:
    """Return the interval of the discrepancy, given the estimate of its square.

    Where the estimate came out low, so did the noise that was estimated with it. The upper end is therefore
    not below the discrepancy that would be estimated so low with the noise that a discrepancy can have.
    """
    quantile = float(special.ndtri(0.5 + confidence / 2.0))
    reach = quantile * math.sqrt(precision.variance)
    above = max(squared + reach, _exceeding(squared, precision, quantile))
    found, low, high = (math.sqrt(max(0.0, end)) for end in (squared, squared - reach, above))
    return Interval(found, low, high, confidence)


def detectable_effect(critical: float, precision: Precision) -> float:
    """Return the squared discrepancy whose estimate exceeds `critical` four times in five.

    The noise grows with the discrepancy, for which `largest` is taken: most changes are found earlier.
    """
    return max(0.0, _exceeding(critical, precision, _POWER))


def _exceeding(critical: float, precision: Precision, quantile: float) -> float:
    """Return the squared discrepancy that lies `quantile` of its standard errors above `critical`."""
    middle = critical + quantile**2 * precision.largest / 2.0
    inside = middle**2 - critical**2 + quantile**2 * precision.null
    return middle + math.sqrt(max(0.0, inside))


def precision_of_bins(sums: Floats, bins: Bins, own: int) -> Precision:
    """Return the precision of an estimate from the kernel summed over pairs of bins.

    Parameters
    ----------
    sums
        Sums of one kernel, shape (bins, bins), the bins of X first.
    bins
        How rows were put into bins; at least two of each sample.
    own
        Rows of its sample, itself included, that a row was not paired with.
    """
    n, m = bins.size * bins.x, bins.size * bins.y
    share = 1.0 / n + 1.0 / m
    x, y = slice(0, bins.x), slice(bins.x, bins.x + bins.y)
    of_x = sums[x, x].sum(axis=1) / (n - own) - sums[x, y].sum(axis=1) / m
    of_y = sums[y, x].sum(axis=1) / n - sums[y, y].sum(axis=1) / (m - own)
    witness = 4.0 * (_variance_of_mean(of_x / bins.size) + _variance_of_mean(of_y / bins.size))
    within = _centred(sums, x, y) / bins.size
    largest = max(0.0, float(np.linalg.eigvalsh(within)[-1])) / (bins.x + bins.y)
    squares = float((within**2).sum() - (np.diag(within) ** 2).sum())
    null = 2.0 * share**2 * squares / (bins.x + bins.y - 2) ** 2
    return Precision(null, witness, 4.0 * share * largest)


def _centred(sums: Floats, x: slice, y: slice) -> Floats:
    """Return the sums less what the samples differ by: rows and columns of each have a mean of 0."""
    within = sums.copy()
    for side in (x, y):
        within[side] -= within[side].mean(axis=0)
    for side in (x, y):
        within[:, side] -= within[:, side].mean(axis=1, keepdims=True)
    return within


def _variance_of_mean(values: Floats) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
