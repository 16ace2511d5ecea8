"""Rows per category, and two samples counted over the categories of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

WIDEST = 2**16
"""Integer categories that lie within a range this wide are counted in place, without looking any up."""


class Dense(NamedTuple):
    """Rows per category, for integer categories: `counts[i]` rows of category `low + i`, none included."""

    low: int
    counts: Counts

    @property
    def high(self) -> int:
        """The largest category."""
        return self.low + len(self.counts) - 1

    def by_category(self) -> dict[Hashable, int]:
        """Return the number of rows of every category that occurs."""
        return {self.low + place: count for place, count in enumerate(self.counts.tolist()) if count}


Tally = Dense | dict[Hashable, int]


class Pairs(NamedTuple):
    """Two samples of several columns, counted over the same categories; one column after the other."""

    before: Counts
    after: Counts
    sizes: list[int]


def tally(values: NDArray[Any]) -> Tally:
    """Count the rows of every category in `values`."""
    if values.dtype == object:
        return dict(Counter(values.tolist()))
    whole = _integers(values)
    if whole is not None and len(whole):
        low, high = int(whole.min()), int(whole.max())
        if high - low < WIDEST:
            return Dense(low, np.bincount(whole - low))
    labels, counts = np.unique(values, return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))


def pairs(references: Sequence[Tally], values: Sequence[NDArray[Any]]) -> Pairs:
    """Count `values` of each column over its categories and those of its reference, none of them empty."""
    references_counted: list[Counts] = [np.empty(0, dtype=np.int64)] * len(values)
    currents_counted = list(references_counted)
    whole = {
        place: integers
        for place, (reference, column) in enumerate(zip(references, values, strict=True))
        if isinstance(reference, Dense) and (integers := _integers(column)) is not None
    }
    for place, before, after in _dense_pairs(references, whole):
        references_counted[place], currents_counted[place] = before, after
    for place, (reference, column) in enumerate(zip(references, values, strict=True)):
        if not len(references_counted[place]):
            references_counted[place], currents_counted[place] = _looked_up(
                _by_category(reference), _by_category(tally(column))
            )
    return Pairs(
        np.concatenate(references_counted),
        np.concatenate(currents_counted),
        [len(each) for each in references_counted],
    )


def _dense_pairs(references: Sequence[Tally], columns: dict[int, Counts]) -> list[tuple[int, Counts, Counts]]:
    """Count integer columns over ranges that hold both sides, all of them in one pass."""
    if not columns:
        return []
    lengths = np.array([len(column) for column in columns.values()], dtype=np.int64)
    joined = np.concatenate(list(columns.values()))
    starts = np.cumsum(lengths) - lengths
    lows = np.minimum.reduceat(joined, starts).tolist()
    highs = np.maximum.reduceat(joined, starts).tolist()
    spans = [
        _span(references[place], low, high) for place, low, high in zip(columns, lows, highs, strict=True)
    ]
    if any(high - low >= 2 * WIDEST for low, high in spans):
        narrow = {
            place: column
            for (place, column), (low, high) in zip(columns.items(), spans, strict=True)
            if high - low < 2 * WIDEST
        }
        return _dense_pairs(references, narrow)
    sizes = [high - low + 1 for low, high in spans]
    offsets = (np.cumsum(sizes) - sizes).tolist()
    shifts = [offset - low for offset, (low, _) in zip(offsets, spans, strict=True)]
    after = np.bincount(joined + np.repeat(shifts, lengths), minlength=sum(sizes))
    before = np.zeros_like(after)
    found = []
    for place, offset, size, shift in zip(columns, offsets, sizes, shifts, strict=True):
        reference: Any = references[place]
        start = reference.low + shift
        before[start : start + len(reference.counts)] = reference.counts
        found.append((place, before[offset : offset + size], after[offset : offset + size]))
    return found


def _span(reference: Any, low: int, high: int) -> tuple[int, int]:
    return min(reference.low, low), max(reference.high, high)


def _integers(values: NDArray[Any]) -> Counts | None:
    """Return `values` as integers, if that is what they are."""
    if values.dtype.kind in "ib":
        return values.astype(np.int64, copy=False)
    if values.dtype.kind != "f" or (len(values) and np.abs(values).max() > 2**53):
        return None
    whole = values.astype(np.int64)
    return whole if (whole == values).all() else None


def _by_category(counted: Tally) -> dict[Hashable, int]:
    return counted.by_category() if isinstance(counted, Dense) else counted


def _looked_up(before: dict[Hashable, int], after: dict[Hashable, int]) -> tuple[Counts, Counts]:
    """Return counts per category, sorted: no order of rows may show in the last digit of a sum."""
    every = before | after
    counts = np.empty((2, len(every)), dtype=np.int64)
    for row, side in zip(counts, (before, after), strict=True):
        row[:] = [side.get(each, 0) for each in every]
    counts = counts[:, np.lexsort(counts)]
    return counts[0], counts[1]
