"""A sample of numbers as its distinct values: what is kept of a reference, and how it is searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._ks_limit import tie_profile

__all__ = ["Atoms", "Reference", "atoms", "places", "places_in_rows"]

Integers = NDArray[np.int64]

FAN = 8
"""Values compared at once on the way down: one line of memory."""

LONG = 2**11
"""From this many distinct values on, a search begins at marks instead of in the values themselves."""

AT_ONCE = 2**15
"""Values that are searched for at once: what is compared with them has to stay in near memory."""


class Atoms(NamedTuple):
    """A sample as its distinct values, ascending, and the number of rows at or below each.

    Attributes
    ----------
    values
        The distinct values.
    ends
        Number of rows at or below each of them; None where no two rows are equal.
    rungs, marks
        Of a long sample, the last value of every 8 values, eight to a line, and of every 64. A search that
        begins there reaches for three lines of memory that are not at hand, instead of ten.
    ties
        Of a large sample of many values that are all light, but not all of one row: how many rows are equal
        to a row, along the sample (see `_ks_limit.lightly_tied`).
    """

    values: NDArray[Any]
    ends: Integers | None
    rungs: NDArray[Any] | None = None
    marks: NDArray[Any] | None = None
    ties: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """Number of rows of the sample."""
        if self.ends is None:
            return len(self.values)
        return int(self.ends[-1])

    @property
    def cumulative(self) -> Integers:
        """Number of rows at or below each value."""
        return np.arange(1, len(self.values) + 1) if self.ends is None else self.ends

    def rows_below(self, places: Integers) -> Integers:
        """Return how many rows the values before each of the `places` have."""
        if self.ends is None:
            return places
        return np.where(places > 0, self.ends.take(places - 1, mode="clip"), 0)


def atoms(x: NDArray[Any]) -> Atoms:
    """Return the distinct values of the finite one-dimensional `x`; costs one sort."""
    return of_sorted(np.sort(x))


def of_sorted(ordered: NDArray[Any]) -> Atoms:
    """Return the distinct values of an ascending sample, which is not copied where no two rows are equal."""
    last = np.empty(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=last[:-1])
    last[-1:] = True
    ends = np.flatnonzero(last) + 1
    if len(ends) == len(ordered):
        return _with_marks(ordered, None)
    return _with_marks(ordered[last], ends)


def _with_marks(values: NDArray[Any], ends: Integers | None) -> Atoms:
    ties = None if ends is None else tie_profile(ends)
    if len(values) < LONG:
        return Atoms(values, ends, ties=ties)
    whole = len(values) // FAN**2 * FAN**2
    rungs = values[FAN - 1 : whole : FAN].reshape(-1, FAN)
    return Atoms(values, ends, np.ascontiguousarray(rungs), rungs[:, -1].copy(), ties)


class Reference:
    """A sample that others are compared with, in its own precision or in a lower one.

    In a lower one, values that were different may be equal. It is converted when that is first asked for;
    the converted one is kept, but neither copied nor pickled.
    """

    def __init__(self, sample: Atoms) -> None:
        self.sample = sample
        self._converted: dict[np.dtype[Any], Atoms] = {}

    def in_precision(self, dtype: np.dtype[Any]) -> Atoms:
        """Return the sample with values of type `dtype`."""
        if self.sample.values.dtype == dtype:
            return self.sample
        if dtype not in self._converted:
            self._converted[dtype] = _converted(self.sample, dtype)
        return self._converted[dtype]

    def __reduce__(self) -> tuple[Any, ...]:
        return Reference, (self.sample,)


def _converted(sample: Atoms, dtype: np.dtype[Any]) -> Atoms:
    with np.errstate(over="ignore"):
        coarse = of_sorted(sample.values.astype(dtype))
    if sample.ends is None:
        return coarse
    ends = sample.ends if coarse.ends is None else sample.ends[coarse.ends - 1]
    return coarse._replace(ends=ends, ties=tie_profile(ends))


def places(sample: Atoms, ordered: NDArray[Any]) -> Integers:
    """Return how many of the values of `sample` lie below each of the ascending numbers `ordered`."""
    if sample.marks is None:
        return sample.values.searchsorted(ordered)
    found: Integers = places_in_rows([sample], ordered[np.newaxis])[0]
    return found


def places_in_rows(samples: Sequence[Atoms], ordered: NDArray[Any]) -> Integers:
    """Return the same for many long samples at once; what is wanted in each is a row of `ordered`."""
    found = np.empty(ordered.shape, dtype=np.int64)
    rows = max(1, AT_ONCE // max(1, ordered.shape[1]))
    for start in range(0, len(samples), rows):
        part = slice(start, start + rows)
        _descend(samples[part], ordered[part], found[part])
    return found


def _descend(samples: Sequence[Atoms], ordered: NDArray[Any], found: Integers) -> None:
    """Go from the marks to the rungs, and from the rungs to the values, for all samples at once."""
    near = np.empty((*ordered.shape, FAN), dtype=ordered.dtype)
    wanted = ordered[..., np.newaxis]
    for place, sample in enumerate(samples):
        found[place] = sample.marks.searchsorted(ordered[place])  # type: ignore[union-attr]
        sample.rungs.take(found[place], axis=0, out=near[place], mode="clip")  # type: ignore[union-attr]
    _count_below(near, wanted, found)
    for place, sample in enumerate(samples):
        whole = len(sample.marks) * FAN**2  # type: ignore[arg-type]
        leaves = sample.values[:whole].reshape(-1, FAN)
        leaves.take(found[place], axis=0, out=near[place], mode="clip")
    _count_below(near, wanted, found)
    for place, sample in enumerate(samples):
        whole = len(sample.marks) * FAN**2  # type: ignore[arg-type]
        beyond = int(found[place].searchsorted(whole))
        if beyond < ordered.shape[1]:  # past the last mark there are up to 63 more values
            found[place, beyond:] = whole + sample.values[whole:].searchsorted(ordered[place, beyond:])


def _count_below(near: NDArray[Any], wanted: NDArray[Any], found: Integers) -> None:
    """Turn places of lines into places of values, by counting the values of the line that lie below."""
    found *= FAN
    found += np.bitwise_count((near < wanted).view(np.uint64)[..., 0])
