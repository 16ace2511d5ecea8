"""The two-sample test by Wasserstein-1, its interval and its power, with ties and at every sample size."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from contlearn import _checks
from contlearn.results import Interval
from contlearn.stats._ks_law import SMALLEST
from contlearn.stats._pooled import (
    EXACT,
    PLACES,
    Counts,
    Deal,
    Pooled,
    chance,
    places,
    pool,
    relabelings,
    side,
)

__all__ = ["WassersteinResult", "wasserstein"]

Floats = NDArray[np.float64]

LARGEST = sys.float_info.max

COARSE = 32
"""About so many places tell how large a margin is: it is right within a hundredth."""


BODY = 0.05
"""Chances above this are those of the body of a law."""

HALF_MEAN = math.sqrt(2.0 / math.pi)
"""Mean size of a standard normal."""


class WassersteinResult(NamedTuple):
    """The Wasserstein distance of two samples, and how rarely chance alone makes it this large.

    Attributes
    ----------
    statistic
        Area between the two distribution functions, in the unit of the values: how far a row has to be moved
        on average to turn one sample into the other.
    p_value
        Above 0.
    """

    statistic: float
    p_value: float


class Line(NamedTuple):
    """Pooled values as distances from one in their middle, in a unit that loses no digits.

    Attributes
    ----------
    offsets
        The distances, ascending; at most 2 in size.
    exponent
        Their unit is 2 to this power.
    """

    offsets: Floats
    exponent: int

    @property
    def gaps(self) -> Floats:
        """Distance from each value to the next."""
        return np.diff(self.offsets)

    def in_units(self, distance: float) -> float:
        """Return a distance in the unit of the values, as far as that is a float."""
        try:
            return math.ldexp(distance, self.exponent)
        except OverflowError:
            return LARGEST


def wasserstein(
    x: ArrayLike,
    y: ArrayLike,
    n_permutations: int = 999,
    rng: int | np.random.Generator | None = 0,
) -> WassersteinResult:
    """Test whether two samples of numbers come from one distribution, by how far rows have moved.

    The p-value is that of the permutation test: exact given the pooled values, whatever ties and outliers
    there are among them.

    Parameters
    ----------
    x, y : array-like of finite numbers, one-dimensional
        The two samples, each of at least one row. Order does not matter, nor which is which.
    n_permutations : int
        Relabelings drawn where there are too many to list: then p = (1 + as far apart) / (1 + drawn).
    rng : int, numpy Generator or None
        Source of the drawn relabelings. The default gives the same answer every time; None does not.

    Returns
    -------
    WassersteinResult
        `statistic` and `p_value`.

    Raises
    ------
    InvalidInputError
        A sample is empty, not one-dimensional, or holds something that is not a finite number.
    InvalidParameterError
        `n_permutations` or `rng` is not one of the above.

    Notes
    -----
    Beyond 512 distinct values, `p_value` is that of the area as seen from about 150 places, at equal numbers
    of pooled rows apart and closer at the ends. These depend on the pooled values only, so that it is exact.

    Cost: O((n + m) log(n + m)), and some ten milliseconds for the relabelings.

    Examples
    --------
    >>> from contlearn.stats import wasserstein
    >>> result = wasserstein([0.0, 1.0, 3.0, 4.0], [5.0, 6.0, 8.0, 9.0])
    >>> result.statistic, round(result.p_value, 4)
    (5.0, 0.0286)
    """
    n_permutations = _checks.count("n_permutations", n_permutations)
    generator = _checks.generator("rng", rng)
    pooled = pool(side("x", x), side("y", y))
    line = on_a_line(pooled.values)
    deal = partial(relabelings, rng=generator)
    p_value = permutation_p_value(seen(pooled, line), n_permutations, deal)
    return WassersteinResult(line.in_units(distance(pooled, line)), p_value)


def on_a_line(values: NDArray[Any]) -> Line:
    """Return where the ascending `values` lie: floats of any size, or integers beyond the reach of floats."""
    middle = values[len(values) // 2]
    if values.dtype.kind in "iu":
        bits, zero = values.astype(np.uint64), np.array(middle).astype(np.uint64)
        above = values >= middle
        offsets = np.where(above, bits - zero, zero - bits).astype(np.float64)
        offsets[~above] *= -1.0
        exponent = 0
    else:
        exponent = int(np.frexp(np.abs(values[[0, -1]]).max())[1])
        offsets = np.ldexp(values.astype(np.float64), -exponent)
        offsets -= offsets[len(values) // 2]
    spread = int(np.frexp(np.abs(offsets[[0, -1]]).max())[1])
    return Line(np.ldexp(offsets, -spread), exponent + spread)


class Spread(NamedTuple):
    """How far the rows of one sample are spread, in units of 2 to the power `exponent`."""

    sd: float
    iqr: float
    exponent: int

    def on(self, line: Line, scale: str) -> float:
        """Return the standard deviation, or the distance of the quartiles, in the unit of a line."""
        size = self.sd if scale == "sd" else self.iqr
        return max(math.ldexp(size, self.exponent - line.exponent), sys.float_info.min) if size else 0.0


def spread(values: NDArray[Any], counts: Counts) -> Spread:
    """Return the spread of a sample of distinct ascending values."""
    line = on_a_line(values)
    rows = float(counts.sum())
    mean = float(counts @ line.offsets) / rows
    variance = float(counts @ (line.offsets - mean) ** 2) / rows
    low, high = line.offsets[np.searchsorted(np.cumsum(counts), (0.25 * rows, 0.75 * rows))]
    return Spread(math.sqrt(variance) if len(values) > 1 else 0.0, float(high - low), line.exponent)


def distance(pooled: Pooled, line: Line) -> float:
    """Return the area between the two distribution functions, in the unit of the line."""
    return float(np.abs(pooled.differences) @ line.gaps)


class Seen(NamedTuple):
    """Two samples as relabelings are compared: from a few places, each of which stands for a stretch.

    Attributes
    ----------
    pooled
        The samples at these places.
    widths
        Length of the stretch of every place but the last.
    """

    pooled: Pooled
    widths: Floats


def seen(pooled: Pooled, line: Line, exact: int = EXACT, about: int = PLACES) -> Seen:
    """Return the samples as they are seen from all places, or from `about` so many beyond `exact` ones."""
    chosen = places(pooled, exact, about)
    borders = (chosen[:-2] + chosen[1:-1]) // 2 + 1
    offsets = line.offsets
    widths = np.diff(np.concatenate((offsets[:1], offsets[borders], offsets[-1:])))
    return Seen(pooled.at(chosen), widths[: len(chosen) - 1])


def permutation_p_value(here: Seen, n_draws: int, deal: Deal, inflation: float = 1.0) -> float:
    """Return how rarely relabeled rows are as far apart, where `inflation` rows are worth one of them."""
    pooled, widths = here
    observed = float(np.abs(pooled.differences) @ widths) / math.sqrt(inflation)
    return chance(pooled, lambda found: np.abs(found) @ widths, observed, n_draws, deal)


def upper_bound(pooled: Pooled, line: Line, away: float, inflation: float = 1.0) -> float:
    """Return what the p-value of the distance `away` is never above: Bousquet's inequality, without draws.

    The distance is the largest, over all choices of signs, of a sum over the rows of the smaller sample, each
    at most `reach`. That these are drawn without replacement makes such sums smaller, if anything.
    """
    rows, total = min(pooled.n, pooled.m), float(pooled.ends[-1])
    shares, offsets = pooled.ends[:-1] / total, line.offsets
    mean = float(pooled.sizes @ offsets) / total
    variance = float(pooled.sizes @ (offsets - mean) ** 2) / total
    reach = max(mean - float(offsets[0]), float(offsets[-1]) - mean)
    expected = float(np.sqrt(rows * shares * (1.0 - shares)) @ line.gaps)
    beyond = away / math.sqrt(inflation) * rows * (1.0 - rows / total) - expected
    if beyond <= 0.0:
        return 1.0
    spread = rows * variance + 2.0 * reach * expected
    u = reach * beyond / spread
    return max(SMALLEST, math.exp(-spread / reach**2 * ((1.0 + u) * math.log1p(u) - u)))


class Margins(NamedTuple):
    """How large the area between two samples and what they come from is, by chance.

    Attributes
    ----------
    mean, deviation
        Of that area.
    signed
        Standard deviation of the area counted with signs: of the difference of the means.
    """

    mean: float
    deviation: float
    signed: float

    def quantile(self, chance: float) -> float:
        """Return about the area that is exceeded with this `chance`: right within a twentieth.

        In its body the law has the shape of a half-normal one (exactly so for two values, nearly so for
        many); far out, no direction counts but that in which all differences have one sign.
        """
        body = max(chance, BODY)
        standard = (_half_normal(body) - HALF_MEAN) / math.sqrt(1.0 - HALF_MEAN**2)
        further = self.signed * (_half_normal(chance) - _half_normal(body))
        return max(0.0, self.mean + self.deviation * standard + further)


def _half_normal(chance: float) -> float:
    return -float(special.ndtri(0.5 * chance))


def margins(here: Seen, together: bool = False) -> Margins:
    """Return how chance moves the area; `together` where both samples come from one distribution."""
    (_, ends, first), widths = here.pooled, here.widths
    n, m = here.pooled.n, here.pooled.m
    first, ends = first[:-1], ends[:-1]
    if together:
        covariance = _bridge(ends / (n + m)) * here.pooled.scale
    else:
        covariance = _bridge(first / n) / n + _bridge((ends - first) / m) / m
    deviations = np.sqrt(np.diag(covariance))
    steps = deviations * widths
    correlation = np.clip(covariance / np.maximum(np.outer(deviations, deviations), 1e-300), -1.0, 1.0)
    both = np.sqrt(1.0 - correlation**2) + correlation * np.arcsin(correlation)
    mean = HALF_MEAN * float(steps.sum())
    square = HALF_MEAN**2 * float(steps @ both @ steps)
    signed = math.sqrt(max(0.0, float(widths @ covariance @ widths)))
    return Margins(mean, math.sqrt(max(0.0, square - mean**2)), signed)


def _bridge(shares: Floats) -> Floats:
    result: Floats = np.minimum.outer(shares, shares) - np.outer(shares, shares)
    return result


def interval(
    away: float, by_chance: Sequence[Margins], confidence: float, inflation: float = 1.0
) -> Interval:
    """Return a conservative interval of the true distance behind the measured one, `away`.

    By the triangle inequality it is no further from `away` than the area between the samples and what they
    come from, which may be seen in several ways: the larger counts, since a sample alone does not show what
    else it might have held.
    """
    margin = max(each.quantile(1.0 - confidence) for each in by_chance) * math.sqrt(inflation)
    return Interval(away, max(0.0, away - margin), away + margin, confidence)


def detectable(by_chance: Margins, alpha: float, inflation: float = 1.0, power: float = 0.8) -> float:
    """Return about the smallest shift that is found with probability `power` at level `alpha`.

    `by_chance` is that of samples of one distribution.
    """
    needed = by_chance.quantile(alpha) + float(special.ndtri(power)) * by_chance.signed
    return needed * math.sqrt(inflation)
