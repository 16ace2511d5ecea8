"""Two tallies of each of several columns, over the categories of both, and what those are called."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Kind
from contlearn.drift._tally import WIDEST, Dense, Tally
from contlearn.stats._chi_squared_columns import Pairs

Counts = NDArray[np.int64]

SECOND, DAY = 1_000_000, 86_400_000_000
"""In microseconds, in which times are counted."""

WIDTH = 40
"""Characters of a category that are shown."""


class Labels(NamedTuple):
    """What the places of a column stand for: integers from `low` on, or `names`."""

    kind: Kind
    low: int
    names: Sequence[Hashable] | None

    def text(self, place: int) -> str:
        """Return the category at `place` in words, on one line, and cut."""
        if self.names is None and self.kind == "numeric":
            return str(self.low + place)
        label = self.low + place if self.names is None else self.names[place]
        return _checks.one_line(_text(label, self.kind), WIDTH)


class Aligned(NamedTuple):
    """Both samples of several columns; one entry of `labels` per column."""

    pairs: Pairs
    labels: list[Labels]


def align(references: Sequence[Tally], currents: Sequence[Tally]) -> Aligned:
    """Count both samples of each column over the same categories.

    The counts, and the order in which they come, follow from the rows per category alone.
    """
    both = [_in_one_precision(*sides) for sides in zip(references, currents, strict=True)]
    spans = [_span(before.counts, after.counts) for before, after in both]
    looked_up = {place: _looked_up(*both[place]) for place, span in enumerate(spans) if span is None}
    sizes = [
        looked_up[place][0].shape[1] if span is None else span[1] - span[0] + 1
        for place, span in enumerate(spans)
    ]
    counts = np.zeros((2, sum(sizes)), dtype=np.int64)
    labels = []
    start = 0
    for place, (sides, span, size) in enumerate(zip(both, spans, sizes, strict=True)):
        kind = sides[1].kind if sides[0].kind == "unknown" else sides[0].kind
        if span is None:
            counts[:, start : start + size], names = looked_up[place]
            labels.append(Labels(kind, 0, names))
        else:
            for row, side in zip(counts, sides, strict=True):
                dense: Any = side.counts
                first = start + dense.low - span[0]
                row[first : first + len(dense.counts)] = dense.counts
            labels.append(Labels(kind, span[0], None))
        start += size
    return Aligned(Pairs(counts[0], counts[1], np.array(sizes)), labels)


def _in_one_precision(before: Tally, after: Tally) -> tuple[Tally, Tally]:
    bits = min(before.bits, after.bits)
    return before.in_bits(bits), after.in_bits(bits)


def _span(before: object, after: object) -> tuple[int, int] | None:
    """Return the first and last of all categories, if both samples are counted in place."""
    if not isinstance(before, Dense) or not isinstance(after, Dense):
        return None
    low, high = min(before.low, after.low), max(before.high, after.high)
    return (low, high) if high - low < 2 * WIDEST else None


def _looked_up(before: Tally, after: Tally) -> tuple[Counts, Sequence[Hashable]]:
    """Return counts per category, sorted: no order of rows may show in the last digit of a sum."""
    sides = before.by_category(), after.by_category()
    every = list(sides[0] | sides[1])
    counts = np.empty((2, len(every)), dtype=np.int64)
    for row, side in zip(counts, sides, strict=True):
        row[:] = [side.get(each, 0) for each in every]
    order = np.lexsort(counts)
    return counts[:, order], _Reordered(every, order)


class _Reordered(Sequence[Hashable]):
    """The items of a list in another order, looked up one by one."""

    __slots__ = ("_items", "_order")

    def __init__(self, items: Sequence[Hashable], order: NDArray[np.intp]) -> None:
        self._items, self._order = items, order

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> Hashable:  # type: ignore[override]
        item: Hashable = self._items[int(self._order[place])]
        return item


def _text(label: Hashable, kind: Kind) -> str:
    if kind == "boolean":
        return str(bool(label))
    if kind == "datetime" and isinstance(label, int):
        unit = "D" if label % DAY == 0 else "s" if label % SECOND == 0 else "us"
        return str(np.array(label, dtype="M8[us]").astype(f"M8[{unit}]"))
    if kind == "duration" and isinstance(label, int):
        return str(dt.timedelta(microseconds=label))
    if isinstance(label, float) and label.is_integer() and abs(label) < 2**53:
        return str(int(label))  # which partition of a batch held only whole numbers must not show
    return str(label)


def distinct(texts: list[str]) -> list[str]:
    """Return texts of which no two are equal: those that were cut to the same are numbered."""
    found: dict[str, None] = dict.fromkeys(texts)
    if len(found) == len(texts):
        return texts
    found.clear()
    for text in texts:
        number, name = 1, text
        while name in found:
            number += 1
            name = f"{text} ({number})"
        found[name] = None
    return list(found)
