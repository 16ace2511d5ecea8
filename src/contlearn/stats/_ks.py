"""The two-sample Kolmogorov-Smirnov test, its interval and its power, on samples kept as distinct values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from contlearn import _checks
from contlearn.results import Interval
from contlearn.stats import _columns, _ks_law
from contlearn.stats._ks_atoms import FAN, Atoms, Integers, atoms
from contlearn.stats._ks_cells import Counts, cells_of
from contlearn.stats._ks_law import Pair

__all__ = [
    "KSResult",
    "atoms",
    "ks",
    "ks_compare",
    "ks_compare_all",
    "ks_detectable",
    "ks_excess",
    "ks_interval",
    "ks_of_rows",
]


Floats = NDArray[np.float64]

STRIDE = 4
"""Marks of a long sample from one that is looked at to the next, where few values have to be exact."""


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

    Costs one binary search per distinct value of the current one, and the p-value.
    """
    placed = Counts(cells_of(reference, current.values), current.cumulative)
    return ks_compare_all([reference], [placed], [True])[0]


def ks_compare_all(
    references: Sequence[Atoms],
    currents: Sequence[Counts],
    told_apart: Sequence[bool],
    worths: Sequence[float] | None = None,
    tolerance: float = 0.0,
) -> list[KSResult]:
    """Compare many pairs of samples, of which the current ones are counted on the cells of the references.

    Parameters
    ----------
    references
        What the current samples are compared with.
    currents
        For each, the rows at or below cells of its reference, ascending.
    told_apart
        Whether the rows of one entry of it are equal, and those of two entries different even if they are in
        one gap. Otherwise rows in one gap count as different, and with a reference without ties so do all
        rows, which only makes p-values larger.
    worths
        Dependent rows that are worth one independent row, for each pair.
    tolerance
        The p-values are of the hypothesis that the true distance is at most this.
    """
    n = np.array([sample.rows for sample in references])
    m = np.array([sample.rows for sample in currents])
    distance, shared = _largest_differences(references, currents, n, m)
    ends: list[Integers | None] = [None] * len(n)
    ties: list[Floats | None] = [None] * len(n)
    if tolerance > 0.0:
        return _results(distance, n, m, ends, ties, worths, tolerance)
    for place, (reference, current, apart) in enumerate(zip(references, currents, told_apart, strict=True)):
        if not apart and reference.ties is not None:
            ties[place] = reference.ties
        elif reference.ends is not None or (apart and (shared[place] or len(current.ends) < m[place])):
            ends[place] = _pooled_ends(reference, current, apart)
    return _results(distance, n, m, ends, ties, worths)


def ks_of_rows(
    references: Sequence[Atoms], ordered: NDArray[Any], worths: Sequence[float], tolerance: float = 0.0
) -> list[KSResult]:
    """Return what `ks_compare_all` does, for long references of light values and ascending rows."""
    distance = _largest_differences_of_rows(references, ordered)
    n = np.array([sample.rows for sample in references])
    m = np.full(len(n), ordered.shape[1])
    ties = [sample.ties for sample in references]
    return _results(distance, n, m, [None] * len(n), ties, worths, tolerance)


def _results(
    distance: Integers,
    n: Integers,
    m: Integers,
    ends: Sequence[Integers | None],
    ties: Sequence[Floats | None],
    worths: Sequence[float] | None,
    tolerance: float = 0.0,
) -> list[KSResult]:
    statistic = distance / (n * m)
    if tolerance > 0.0:
        worth = 1.0 if worths is None else np.array(worths)
        p_values = ks_excess(statistic, tolerance, n / worth, m / worth).tolist()
        return [KSResult(*each) for each in zip(statistic.tolist(), p_values, strict=True)]
    pairs = [Pair(*each) for each in zip(distance.tolist(), n.tolist(), m.tolist(), ends, ties, strict=True)]
    for place, worth in enumerate(worths or ()):
        if worth > 1.0:
            pairs[place] = _independent(pairs[place], worth)
    return [KSResult(*each) for each in zip(statistic.tolist(), _ks_law.p_values(pairs), strict=True)]


def _independent(pair: Pair, worth: float) -> Pair:
    """Return a pair as if there were as many rows as the dependent ones are worth."""
    distance, rows, others, ends, ties = pair
    n, m = max(1, int(rows / worth)), max(1, int(others / worth))
    if ends is not None:
        ends = np.unique(ends * (n + m) // (rows + others))
        ends = ends[ends > 0]
    return Pair(-(-distance * n * m // (rows * others)), n, m, ends, None if ties is None else ties / worth)


def _largest_differences_of_rows(samples: Sequence[Atoms], ordered: NDArray[Any]) -> Integers:
    """Return the largest |n j - m i| of long samples and the ascending rows of `ordered`.

    Exact, although few values are searched for: between two marks of a sample its distribution function is
    known well enough to tell that most of the rows cannot make the largest difference.
    """
    m = ordered.shape[1]
    sizes = np.array([[sample.rows] for sample in samples])
    n = sizes[:1] if bool((sizes == sizes[0]).all()) else sizes
    before = np.arange(m) * n
    under, over = (rows_below * m - before for rows_below in _rows_below(samples, ordered))
    # Each row makes a difference between under and over, and one between n - over and n - under.
    surely = np.maximum(under.max(axis=1), n[:, 0] - over.min(axis=1))[:, np.newaxis]
    places = np.flatnonzero((over >= surely) | (under <= n - surely))
    rows, columns = places // m, places % m
    wanted, edges = ordered.ravel().take(places), rows.searchsorted(np.arange(len(samples) + 1)).tolist()
    below, upto = _exactly(samples, wanted, edges)
    size = sizes[rows, 0]
    largest = np.maximum((columns + 1) * size - upto * m, below * m - columns * size)
    return np.maximum.reduceat(largest, edges[:-1])


def _rows_below(samples: Sequence[Atoms], ordered: NDArray[Any]) -> tuple[Integers, Integers]:
    """Return bounds of how many rows of each sample lie below, and at or below, the rows of `ordered`."""
    least = np.empty(ordered.shape, dtype=np.int64)
    for row, sample in enumerate(samples):
        marks = sample.marks[STRIDE - 1 :: STRIDE]  # type: ignore[index]
        least[row] = marks.searchsorted(ordered[row])
    width = STRIDE * FAN**2
    least *= width
    most = least + width
    for row, sample in enumerate(samples):
        if sample.ends is not None:
            least[row], most[row] = sample.rows_below(least[row]), sample.rows_below(most[row])
    return least, most


def _exactly(
    samples: Sequence[Atoms], wanted: NDArray[Any], edges: Sequence[int]
) -> tuple[Integers, Integers]:
    """Return how many rows of each sample lie below, and at or below, its share of the numbers `wanted`."""
    places, found = np.empty(len(wanted), dtype=np.int64), np.empty_like(wanted)
    for sample, start, stop in zip(samples, edges[:-1], edges[1:], strict=True):
        here = sample.values.searchsorted(wanted[start:stop])
        places[start:stop] = here
        sample.values.take(here, out=found[start:stop], mode="clip")
    upto = places + (found == wanted)
    for sample, start, stop in zip(samples, edges[:-1], edges[1:], strict=True):
        if sample.ends is not None:
            for part in (places[start:stop], upto[start:stop]):
                part[:] = sample.rows_below(part)
    return places, upto


def _largest_differences(
    references: Sequence[Atoms], currents: Sequence[Counts], n: Integers, m: Integers
) -> tuple[Integers, NDArray[np.bool_]]:
    """Return the largest |n j - m i|, and whether any current row has a value of its reference."""
    lengths = np.array([len(current.keys) for current in currents])
    starts = np.cumsum(lengths) - lengths
    last = _spread(np.array([2 * len(sample.values) for sample in references]), lengths)
    cells = np.concatenate([current.keys for current in currents])
    cells = np.minimum(np.maximum(cells, 0, out=cells), last, out=cells)
    shared = cells & 1
    cells >>= 1
    below, upto = cells, cells + shared
    tied = [place for place, sample in enumerate(references) if sample.ends is not None]
    if tied:
        below = below.copy()
    for place in tied:
        part = slice(int(starts[place]), int(starts[place] + lengths[place]))
        below[part] = references[place].rows_below(below[part])
        upto[part] = references[place].rows_below(upto[part])
    ends = np.concatenate([current.ends for current in currents])
    before = np.empty_like(ends)
    before[1:], before[starts] = ends[:-1], 0
    n_rows, m_rows = _spread(n, lengths), _spread(m, lengths)
    # Rows of the current sample come last within their cell for one difference, and first for the other.
    over = ends * n_rows - upto * m_rows
    under = below * m_rows - before * n_rows
    largest = np.maximum.reduceat(np.maximum(over, under, out=over), starts)
    return np.maximum(largest, 0), np.logical_or.reduceat(shared, starts)


def _spread(values: Integers, lengths: Integers) -> Integers | int:
    """Return one value per entry; only one at all where they are the same."""
    first = int(values[0])
    return first if bool((values == first).all()) else np.repeat(values, lengths)


def _pooled_ends(reference: Atoms, current: Counts, told_apart: bool) -> Integers:
    """Return the number of pooled rows up to and including each distinct pooled value."""
    distinct = len(reference.values)
    cells = np.clip(current.keys, 0, 2 * distinct)
    place = cells >> 1
    spans = np.diff(np.concatenate(([0], place, [distinct])))
    at_values = reference.cumulative + np.repeat(np.concatenate(([0], current.ends)), spans)
    gaps = np.flatnonzero(cells & 1 == 0)
    place, ends = place[gaps], current.ends[gaps]
    if not told_apart:
        counts = current.counts[gaps]
        place, ends = np.repeat(place, counts), np.repeat(ends - np.cumsum(counts), counts)
        ends = ends + np.arange(1, len(ends) + 1)
    return np.insert(at_values, place, reference.rows_below(place) + ends)


def ks_excess(distance: Floats, tolerance: float, n: Floats, m: Floats) -> Floats:
    """Return p-values of the hypothesis that the true distance is at most `tolerance`.

    Kolmogorov's limit law of the excess: the distance cannot be off by more than the two distribution
    functions are, wherever that is. Conservative: the normal law at the place of the largest difference,
    which is narrower, rejects up to four times as often as it says.
    """
    excess = np.maximum(0.0, distance - tolerance) / np.sqrt(1.0 / n + 1.0 / m)
    p_values: Floats = np.maximum(_ks_law.SMALLEST, special.kolmogorov(excess))
    return p_values


def ks_interval(distance: float, n: float, m: float, confidence: float) -> Interval:
    """Return a conservative interval of the true distance between the distributions of the two samples.

    The margin is the `confidence` quantile of Kolmogorov's limit law, wide enough for every place at once.
    """
    margin = _critical(1.0 - confidence) * math.sqrt(1.0 / n + 1.0 / m)
    return Interval(distance, max(0.0, distance - margin), min(1.0, distance + margin), confidence)


def ks_detectable(n: float, m: float, alpha: float, power: float = 0.8) -> float:
    """Return about the smallest true distance that `ks` finds with probability `power` at level `alpha`.

    At 0.05 and 0.8 this is 1.51 / sqrt(n m / (n + m)): set so that shifts, a share of rows moved beyond all
    others and changes of two or three tied values are all found, as simulated for levels down to 1e-5 (shifts
    in nine cases of ten). Above 1 when samples of these sizes could not even tell apart two distributions
    without overlap.
    """
    critical = _critical(alpha)
    nearby = 0.08 + 0.26 / critical  # neighbours of the largest difference help to cross the band
    needed = critical + 0.5 * float(special.ndtri(power)) - nearby
    return max(0.0, needed) * math.sqrt(1.0 / n + 1.0 / m)


@lru_cache
def _critical(alpha: float) -> float:
    return float(special.kolmogi(alpha))


def _sample(name: str, x: ArrayLike) -> NDArray[np.float64]:
    """Return `x` as a finite float array of at least one row, or refuse."""
    sample = _columns.floats(name, _columns.column(name, x))
    if not len(sample):
        _checks.bad_data(name, "have at least one row", "none")
    if not np.isfinite(sample).all():
        wrong = int(len(sample) - np.isfinite(sample).sum())
        _checks.bad_data(name, "be finite", f"{wrong} missing or infinite values", "test their share apart")
    return sample
