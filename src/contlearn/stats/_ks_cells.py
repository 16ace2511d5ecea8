"""Where rows fall among the distinct values of a reference: on one of them, or in a gap between two.

With u distinct values there are 2u + 1 cells, in ascending order: cell 2i + 1 is the value i, cell 2i the gap
below it. What lies beyond all values is told apart further: cells below 0 and above 2u hold distances from
the outermost value, 16 to an octave, so that quantiles of rows that moved far away are still known.

Counts on cells are integers, so those of parts of a sample add up to exactly those of the sample. The largest
difference of the two distribution functions is found at a value of the reference or just below one, so it is
known exactly from the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._ks_atoms import Atoms, Integers, places, places_in_rows

__all__ = ["Counts", "bounds", "cells_in_rows", "cells_of", "counted", "counts_of_rows", "together"]

Floats = NDArray[np.float64]

MANTISSA = 48
"""Bits of a float that are dropped to name its sixteenth of an octave: positive floats sort as their bits."""


MANY = 8
"""Numbers in a row from which on it pays to search for all rows at once."""


class Counts(NamedTuple):
    """Ascending keys (values or cells) and the number of rows at or below each.

    Keys without rows are left out.
    """

    keys: NDArray[Any]
    ends: Integers

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.ends[-1]) if len(self.ends) else 0

    @property
    def counts(self) -> Integers:
        """Number of rows of each key."""
        return np.diff(self.ends, prepend=0)


def counted(ordered: NDArray[Any]) -> Counts:
    """Return the different ones among ascending keys, and how many rows there are up to each."""
    last = np.empty(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=last[:-1])
    last[-1:] = True
    ends = np.flatnonzero(last) + 1
    return Counts(ordered[ends - 1], ends)


def counts_of_rows(ordered: NDArray[Any]) -> list[Counts]:
    """Return the same for many columns of one length, each of them a row of `ordered`."""
    columns, rows = ordered.shape
    last = np.empty((columns, rows), dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=last[:, :-1])
    last[:, -1] = True
    at = np.flatnonzero(last)
    keys = ordered.ravel().take(at)
    stops = at.searchsorted(np.arange(1, columns + 1) * rows)
    ends = at - np.repeat(np.arange(columns) * rows - 1, np.diff(stops, prepend=0))
    edges = [0, *stops.tolist()]
    return [Counts(keys[a:b], ends[a:b]) for a, b in pairwise(edges)]


def together(one: Counts, two: Counts) -> Counts:
    """Return the counts of the rows of both."""
    keys = np.concatenate((one.keys, two.keys))
    counts = np.concatenate((one.counts, two.counts))
    order = np.argsort(keys, kind="stable")
    distinct = counted(keys[order])
    return Counts(distinct.keys, np.cumsum(counts[order])[distinct.ends - 1])


def cells_of(sample: Atoms, ordered: NDArray[Any]) -> Integers:
    """Return the cell of each of the ascending numbers `ordered`, among the values of `sample`."""
    found: Integers = _cells([sample], ordered[np.newaxis], places(sample, ordered)[np.newaxis])[0]
    return found


def cells_in_rows(samples: Sequence[Atoms], ordered: NDArray[Any]) -> Integers:
    """Return the same for many samples at once; what is to be placed in each is a row of `ordered`."""
    if ordered.shape[1] >= MANY and all(sample.marks is not None for sample in samples):
        found = places_in_rows(samples, ordered)
    else:
        found = np.empty(ordered.shape, dtype=np.int64)
        for row, sample in enumerate(samples):
            found[row] = sample.values.searchsorted(ordered[row])
    return _cells(samples, ordered, found)


def _cells(samples: Sequence[Atoms], ordered: NDArray[Any], found: Integers) -> Integers:
    """Turn places into cells; changes `found`, which becomes the result."""
    at = np.empty_like(ordered)
    for row, sample in enumerate(samples):
        sample.values.take(found[row], out=at[row], mode="clip")
    shared = at == ordered
    found *= 2
    found += shared
    for row, sample in enumerate(samples):
        lowest, highest = sample.values[0], sample.values[-1]
        if ordered[row, 0] < lowest:
            stop = ordered[row].searchsorted(lowest)
            found[row, :stop] = -_octaves(ordered[row, :stop], lowest)
        if ordered[row, -1] > highest:
            start = ordered[row].searchsorted(highest, side="right")
            found[row, start:] += _octaves(ordered[row, start:], highest)
    return found


def _octaves(outside: NDArray[Any], edge: Any) -> Integers:
    """Return in which sixteenth of an octave the distance of each number from `edge` lies."""
    with np.errstate(over="ignore"):
        distance = np.abs(outside.astype(np.float64) - float(edge))
    return distance.view(np.int64) >> MANTISSA


def bounds(samples: Sequence[Atoms], wanted: Integers, cells: Integers) -> tuple[Floats, Floats, Floats]:
    """Return the values at the places `wanted`, and the least and the largest number in each of `cells`.

    Both have a row for each sample. All are measured from its origin.
    """
    last = np.array([[2 * len(sample.values)] for sample in samples])
    place = np.clip(cells, 0, last) >> 1
    asked = np.concatenate((wanted, place - 1 + (cells & 1), place), axis=1)
    found = np.empty(asked.shape)
    for row, sample in enumerate(samples):
        found[row] = from_origin(sample, sample.values.take(asked[row], mode="clip"))
    width = wanted.shape[1]
    values, low, high = (
        found[:, :width],
        found[:, width : width + cells.shape[1]],
        found[:, width + cells.shape[1] :],
    )
    for row in np.flatnonzero(((cells <= 0) | (cells >= last)).any(axis=1)).tolist():
        _beyond(samples[row], cells[row], low[row], high[row])
    return values, low, high


def _beyond(sample: Atoms, cells: Integers, low: Floats, high: Floats) -> None:
    """Fill in what is known of numbers outside a sample, from their distance to its outermost values."""
    last = 2 * len(sample.values)
    below, above = cells <= 0, cells >= last
    with np.errstate(over="ignore"):
        near, far = _distances(-cells[below])
        first, final = from_origin(sample, sample.values[[0, -1]]).tolist()
        low[below], high[below] = first - far, first - near
        near, far = _distances(cells[above] - last)
        low[above], high[above] = final + near, final + far


def from_origin(sample: Atoms, values: NDArray[Any]) -> NDArray[Any]:
    """Return values as floats: integers from the first one of the sample on, floats as they are."""
    if sample.values.dtype.kind == "f":
        return values
    return (values.astype(object) - int(sample.values[0])).astype(np.float64)


def _distances(octaves: Integers) -> tuple[Floats, Floats]:
    """Return the least and the largest distance that lies in each sixteenth of an octave."""
    largest = np.finfo(np.float64).max
    near, far = (octaves << MANTISSA).view(np.float64), ((octaves + 1) << MANTISSA).view(np.float64)
    return np.minimum(near, largest), np.fmin(far, largest)
