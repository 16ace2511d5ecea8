"""The two-sample Kolmogorov-Smirnov test, its interval and its power, on samples kept as distinct values."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from contlearn import _checks
from contlearn.results import Interval
from contlearn.stats import _columns, _ks_law

__all__ = ["Atoms", "KSResult", "atoms", "ks", "ks_compare", "ks_detectable", "ks_interval"]


BLOCK = 16
"""Values between two marks of a long sample: two lines of memory."""

LONG = 2**14
"""From this many distinct values on, a sample does not stay in the nearest memory."""


class KSResult(NamedTuple):
    """The Kolmogorov-Smirnov distance of two samples, and how rarely chance alone makes it this large.

    Attributes
    ----------
    statistic
        Largest difference between the two empirical distribution functions, between 0 and 1.
    p_value
        Two-sided, above 0: what lies below the range of floats is given as 2.2e-308.
    """

    statistic: float
    p_value: float


class Atoms(NamedTuple):
    """A sample as its distinct values, ascending, and the number of rows at or below each.

    Of a long sample, `marks` has the last value of each block of 16. A search that begins there reaches for
    two lines of memory that are not at hand, instead of ten.
    """

    values: NDArray[np.float64]
    cumulative: NDArray[np.int64]
    marks: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """Number of rows of the sample."""
        return int(self.cumulative[-1]) if len(self.cumulative) else 0

    def places(self, wanted: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return how many of the values lie below each of `wanted`, which ascend."""
        if self.marks is None:
            return np.searchsorted(self.values, wanted)
        end = len(self.marks) * BLOCK
        block = np.searchsorted(self.marks, wanted)
        inside = int(np.searchsorted(block, len(self.marks)))
        near = self.values[:end].reshape(-1, BLOCK).take(block[:inside], axis=0)
        counts = np.count_nonzero(near < wanted[:inside, None], axis=1)
        beyond = np.searchsorted(self.values[end:], wanted[inside:])
        return np.concatenate((block[:inside] * BLOCK + counts, end + beyond))


def atoms(x: NDArray[np.float64]) -> Atoms:
    """Return the distinct values of the finite one-dimensional `x`; costs one sort."""
    ordered = np.sort(x)
    last = np.empty(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=last[:-1])
    last[-1:] = True
    cumulative = np.flatnonzero(last) + 1
    values = ordered if len(cumulative) == len(ordered) else ordered[last]
    return Atoms(values, cumulative, values[BLOCK - 1 :: BLOCK].copy() if len(values) >= LONG else None)


def ks(x: ArrayLike, y: ArrayLike) -> KSResult:
    """Test whether two samples of numbers come from one distribution.

    The p-value is conditional on the pooled values, so ties cost no power and break no level: with
    exchangeable rows, P(p_value <= alpha) <= alpha where the exact law is used, and within a few percent of
    alpha where a limit stands in.

    Parameters
    ----------
    x, y : array-like of finite numbers, one-dimensional
        The two samples, each of at least one row. Order does not matter, nor which is which.

    Returns
    -------
    KSResult
        `statistic` and `p_value`.

    Raises
    ------
    InvalidInputError
        A sample is empty, not one-dimensional, or holds something that is not a finite number.

    Examples
    --------
    >>> from contlearn.stats import ks
    >>> ks([0.6, 0.8, 1.1, 1.2], [1.3, 1.5, 1.9, 2.5])
    KSResult(statistic=1.0, p_value=0.02857142857142857)
    """
    return ks_compare(atoms(_sample("x", x)), atoms(_sample("y", y)))


def ks_compare(reference: Atoms, current: Atoms) -> KSResult:
    """Compare two samples of which each was sorted once.

    Costs one binary search per distinct value of the sample that has fewer of them, and the p-value.
    """
    few, many = sorted((reference, current), key=lambda sample: len(sample.values))
    n, m = many.rows, few.rows
    position = many.places(few.values)
    shared = many.values[np.minimum(position, len(many.values) - 1)] == few.values
    padded = np.minimum(position - 1 + shared, len(many.values) - 1)
    at, below = padded + 1, position
    if len(many.values) < n:  # without ties, these numbers of values are the numbers of rows
        at = np.where(padded >= 0, many.cumulative[padded], 0)
        below = np.where(position > 0, many.cumulative[position - 1], 0)
    few_below = np.concatenate(([0], few.cumulative[:-1]))
    gaps = np.maximum(np.abs(at * m - few.cumulative * n), np.abs(below * m - few_below * n))
    distance = int(gaps.max())
    untied = len(many.values) == n and len(few.values) == m and not shared.any()
    ends = None if untied else _ends(many, few, position, shared)
    return KSResult(distance / (n * m), _ks_law.p_value(distance, n, m, ends))


def _ends(
    many: Atoms, few: Atoms, position: NDArray[np.int64], shared: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the number of pooled rows up to and including each distinct pooled value."""
    spans = np.diff(np.concatenate(([0], position, [len(many.values)])))
    ends_of_many = many.cumulative + np.repeat(np.concatenate(([0], few.cumulative)), spans)
    alone = np.flatnonzero(~shared)
    before = position[alone]
    rows_before = np.where(before > 0, many.cumulative[before - 1], 0)
    return np.insert(ends_of_many, before, rows_before + few.cumulative[alone])


def ks_interval(distance: float, n: int, m: int, confidence: float) -> Interval:
    """Return a conservative interval of the true distance between the distributions of the two samples.

    The margin is the `confidence` quantile of Kolmogorov's limit law, wide enough for every place at once.
    """
    margin = float(special.kolmogi(1.0 - confidence)) * math.sqrt(1.0 / n + 1.0 / m)
    return Interval(distance, max(0.0, distance - margin), min(1.0, distance + margin), confidence)


def ks_detectable(n: int, m: int, alpha: float, power: float = 0.8) -> float:
    """Return about the smallest true distance that `ks` finds with probability `power` at level `alpha`.

    At 0.05 and 0.8 this is 1.51 / sqrt(n m / (n + m)): set so that shifts, a share of rows moved beyond all
    others and changes of two or three tied values are all found, as simulated for levels down to 1e-5 (shifts
    in nine cases of ten). Above 1 when samples of these sizes could not even tell apart two distributions
    without overlap.
    """
    critical = float(special.kolmogi(alpha))
    nearby = 0.08 + 0.26 / critical  # neighbours of the largest difference help to cross the band
    needed = critical + 0.5 * float(special.ndtri(power)) - nearby
    return max(0.0, needed) * math.sqrt(1.0 / n + 1.0 / m)


def _sample(name: str, x: ArrayLike) -> NDArray[np.float64]:
    """Return `x` as a finite float array of at least one row, or refuse."""
    sample = _columns.floats(name, _columns.column(name, x))
    if not len(sample):
        _checks.bad_data(name, "have at least one row", "none")
    if not np.isfinite(sample).all():
        wrong = int(len(sample) - np.isfinite(sample).sum())
        _checks.bad_data(name, "be finite", f"{wrong} missing or infinite values", "test their share apart")
    return sample
