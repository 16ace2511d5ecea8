"""Rows per category, and two samples counted over the categories of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Column, Kind

Counts = NDArray[np.int64]

WIDEST = 2**16
"""Integer categories that lie within a range this wide are counted in place, without looking any up."""

AT_ONCE = 2**20
"""Rows of all columns together up to which these are counted in one pass."""

_NO_TYPES: frozenset[str] = frozenset()
_ZONED, _UNZONED = frozenset({"times with a zone"}), frozenset({"times without a zone"})


class Dense(NamedTuple):
    """Rows per category, for integer categories: `counts[i]` rows of category `low + i`, none at no end."""

    low: int
    counts: Counts

    @property
    def high(self) -> int:
        """The largest category."""
        return self.low + len(self.counts) - 1

    def by_category(self) -> dict[Hashable, int]:
        """Return the number of rows of every category that occurs."""
        return {self.low + place: count for place, count in enumerate(self.counts.tolist()) if count}


class Tally(NamedTuple):
    """Rows per category of some rows of a column: all that is kept of them.

    Attributes
    ----------
    counts
        In place for integers close to each other, else by category.
    kind
        Of the column.
    bits
        The fewest in which any of the numbers came. They are rounded to it only where they are compared, so
        that it does not matter in which order rows are merged.
    types
        What categories that are Python objects are, or whether times have a zone.
    """

    counts: Dense | dict[Hashable, int]
    kind: Kind
    bits: int = 64
    types: frozenset[str] = _NO_TYPES

    def merge(self, other: Tally) -> Tally:
        """Return the rows per category of both sets of rows."""
        return Tally(
            _merged(self.counts, other.counts),
            other.kind if self.kind == "unknown" else self.kind,
            min(self.bits, other.bits),
            self.types | other.types,
        )

    def by_category(self) -> dict[Hashable, int]:
        """Return the number of rows of every category that occurs."""
        return self.counts.by_category() if isinstance(self.counts, Dense) else self.counts

    def unlike(self, other: Tally) -> str:
        """Return what to say where categories here can be none of those in `other`; else nothing.

        1 and 1.0 are of different types, and equal.
        """
        if self.types & other.types or not (self.types and other.types):
            return ""
        mine, theirs = (" and ".join(sorted(types)) for types in (self.types, other.types))
        if self.kind != "datetime" and self.by_category().keys() & other.by_category().keys():
            return ""
        return f"values are {mine}, those of the reference {theirs}"

    def in_bits(self, bits: int) -> Tally:
        """Return the rows per number of so many bits: those that differ only beyond are one category."""
        exact = 2 ** {16: 11, 32: 24}.get(bits, 53)
        counts = self.counts
        if bits == 64 or (isinstance(counts, Dense) and max(-counts.low, counts.high) <= exact):
            return self
        rounded: Counter[Hashable] = Counter()
        with np.errstate(over="ignore"):
            keys = np.array([float(each) for each in self.by_category()])  # type: ignore[arg-type]
            coarse = keys.astype(f"f{bits // 8}").astype(np.float64).tolist()
        for key, count in zip(coarse, self.by_category().values(), strict=True):
            rounded[key] += count
        return self._replace(counts=dict(rounded))


def tally(column: Column) -> Tally:
    """Count the rows of every category of a column; nothing in it is missing."""
    codes = column.codes
    if codes is not None:
        counts = np.bincount(codes.places, minlength=len(codes.labels))
        seen = np.flatnonzero(counts)
        return _by_label(column, dict(zip(codes.labels[seen].tolist(), counts[seen].tolist(), strict=True)))
    values = column.values
    if values.dtype == object:
        return _by_label(column, dict(Counter(values.tolist())))
    whole = _integers(values)
    if whole is not None and len(whole):
        low, high = int(whole.min()), int(whole.max())
        if high - low < WIDEST:
            return Tally(Dense(low, np.bincount(whole - low)), column.kind, column.bits, _types(column))
    labels, counts = np.unique(values, return_counts=True)
    return Tally(
        dict(zip(labels.tolist(), counts.tolist(), strict=True)), column.kind, column.bits, _types(column)
    )


def codes_of(column: Column) -> tuple[Counts, int]:
    """Return the category of every row by number, and how many numbers there are; nothing is missing."""
    if column.codes is not None:
        return column.codes.places, len(column.codes.labels)
    if column.values.dtype == object:
        numbers: dict[Hashable, int] = {}
        codes = [numbers.setdefault(each, len(numbers)) for each in column.values.tolist()]
        return np.array(codes, dtype=np.int64), len(numbers)
    labels, places = np.unique(column.values, return_inverse=True)
    return places.astype(np.int64, copy=False), len(labels)


def _types(column: Column) -> frozenset[str]:
    if column.kind != "datetime":
        return _NO_TYPES
    return _ZONED if column.zoned else _UNZONED


def _by_label(column: Column, counts: dict[Hashable, int]) -> Tally:
    return Tally(counts, column.kind, column.bits, frozenset(type(label).__name__ for label in counts))


def tallies(columns: Sequence[Column]) -> list[Tally]:
    """Count many columns: those of integers in one pass, where they are equally long."""
    rows = columns[0].n_rows
    whole: dict[int, Counts] = {}
    if all(column.n_rows == rows for column in columns) and 0 < rows * len(columns) <= AT_ONCE:
        for place, column in enumerate(columns):
            integers = _integers(column.values)
            if integers is not None:
                whole[place] = integers
    counted = _counted_at_once(whole)
    return [
        Tally(counted[place], column.kind, column.bits, _types(column)) if place in counted else tally(column)
        for place, column in enumerate(columns)
    ]


def _counted_at_once(columns: Mapping[int, Counts]) -> dict[int, Dense]:
    if not columns:
        return {}
    block = np.stack(list(columns.values()))
    lows, highs = block.min(axis=1), block.max(axis=1)
    widths = [high - low + 1 for low, high in zip(lows.tolist(), highs.tolist(), strict=True)]
    if max(widths) > WIDEST:
        narrow = zip(columns.items(), widths, strict=True)
        return _counted_at_once({place: column for (place, column), width in narrow if width <= WIDEST})
    ends = np.cumsum(widths)
    block += (ends - widths - lows)[:, np.newaxis]
    counts = np.bincount(block.ravel(), minlength=int(ends[-1]))
    slices = zip(columns, lows.tolist(), ends.tolist(), widths, strict=True)
    return {place: Dense(low, counts[end - width : end]) for place, low, end, width in slices}


def _merged(
    one: Dense | dict[Hashable, int], other: Dense | dict[Hashable, int]
) -> Dense | dict[Hashable, int]:
    if isinstance(one, Dense) and isinstance(other, Dense):
        low, high = min(one.low, other.low), max(one.high, other.high)
        if high - low < WIDEST:
            counts = np.zeros(high - low + 1, dtype=np.int64)
            for each in (one, other):
                counts[each.low - low : each.high - low + 1] += each.counts
            return Dense(low, counts)
    both: Counter[Hashable] = Counter()
    for side in (one, other):
        both.update(side.by_category() if isinstance(side, Dense) else side)
    return dict(both)


def _integers(values: NDArray[Any]) -> Counts | None:
    """Return `values` as integers, if that is what they are."""
    if values.dtype.kind in "ib":
        return values.astype(np.int64, copy=False)
    if values.dtype.kind != "f" or (len(values) and np.abs(values).max() > 2**53):
        return None
    whole = values.astype(np.int64)
    return whole if (whole == values).all() else None
