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


def merged(one: Tally, other: Tally) -> Tally:
    """Return the rows per category of both."""
    if isinstance(one, Dense) and isinstance(other, Dense):
        low, high = min(one.low, other.low), max(one.high, other.high)
        if high - low < WIDEST:
            counts = np.zeros(high - low + 1, dtype=np.int64)
            for each in (one, other):
                counts[each.low - low : each.high - low + 1] += each.counts
            return Dense(low, counts)
    return dict(Counter(_by_category(one)) + Counter(_by_category(other)))


def pairs(references: Sequence[Tally], currents: Sequence[Tally]) -> Pairs:
    """Return both sides of each column over the categories of both, none of them empty."""
    both = [_pair(*sides) for sides in zip(references, currents, strict=True)]
    return Pairs(
        np.concatenate([before for before, _ in both]),
        np.concatenate([after for _, after in both]),
        [len(before) for before, _ in both],
    )


def _pair(before: Tally, after: Tally) -> tuple[Counts, Counts]:
    if not isinstance(before, Dense) or not isinstance(after, Dense):
        return _looked_up(_by_category(before), _by_category(after))
    low, high = min(before.low, after.low), max(before.high, after.high)
    if high - low >= 2 * WIDEST:
        return _looked_up(before.by_category(), after.by_category())
    counts = np.zeros((2, high - low + 1), dtype=np.int64)
    for row, side in zip(counts, (before, after), strict=True):
        row[side.low - low : side.high - low + 1] = side.counts
    return counts[0], counts[1]


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
