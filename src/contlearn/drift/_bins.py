"""Bins that are cut from a reference once, and rows counted in them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Column, Kind
from contlearn.stats._dependence import Inflation, inflation
from contlearn.stats._divergence_laws import Dealt, DealtInOrder, Gaps, Law, cut_places

Whole = NDArray[np.int64]

EACH_ITS_BIN = 1000
"""At most so many categories have a bin of their own."""

ROWS_PER_BIN, ROWS = 200, 5000
"""So many rows of the reference per bin, or so many at all, and its ties do not change the law any more."""

COARSE = 100.0
"""Bins must be at least so many times as wide as the steps between numbers of the current precision."""

NEW, RARE = "(not in the reference)", "(rare in the reference)"


class Counted(NamedTuple):
    """Current rows in the cells of a reference, and those in none, by value."""

    rows: Whole
    elsewhere: Mapping[Hashable, int]

    def merge(self, other: Counted) -> Counted:
        """Return the counts of both."""
        return Counted(self.rows + other.rows, Counter(self.elsewhere) + Counter(other.elsewhere))


class Bins(NamedTuple):
    """The reference in bins.

    Attributes
    ----------
    cells
        What rows are counted by: upper limits of all bins but the last, twice where the bin above has only
        that value; or values one by one, sorted if they are numbers.
    listed
        Whether `cells` are values.
    rows
        Rows of the reference in each cell.
    places
        The bin of each cell.
    names
        What the bins are called.
    own
        Whether each value is a bin of its own, or shares that of the rare ones, and new values are another.
    rarest
        Values with at most so many rows of the reference are rare.
    ordered
        Bins that the quantiles of numbers were to make, where these are listed; 0 for others.
    bits
        Precision of the values.
    worth
        Rows that are worth one independent row, at the level that is asked for.
    dependence
        What they are worth at any level; None where rows are independent.
    alone
        Where numbers are listed and bins have quantiles: whether a bin holds one value, nothing next to it.
    """

    cells: NDArray[Any]
    listed: bool
    rows: Whole
    places: Whole
    names: tuple[str, ...]
    own: bool = False
    rarest: int = 0
    ordered: int = 0
    bits: int = 64
    worth: float = 1.0
    dependence: Inflation | None = None
    alone: NDArray[np.bool_] | None = None

    def at(self, level: float) -> Bins:
        """Return the bins for a test at this level."""
        return self if self.dependence is None else self._replace(worth=self.dependence.at(level))

    def both(self, current: Counted) -> tuple[Whole, Whole]:
        """Return the rows of either side in each bin."""
        size = len(self.names)
        before = np.bincount(self.places, self.rows, size).astype(np.int64)
        after = np.bincount(self.places, current.rows, size).astype(np.int64)
        if current.elsewhere and self.own:
            after[-1] += sum(current.elsewhere.values())
        elif current.elsewhere:
            places = self._bins_of(list(current.elsewhere))
            np.add.at(after, places, list(current.elsewhere.values()))
        return before, after

    def law(self, current: Counted, before: Whole) -> Law:
        """Return what chance could have made of as many rows as these are worth."""
        if not self.listed:
            rows = max(1, round(int(current.rows.sum()) / self.worth))
            return Gaps(tuple((before / self.worth).tolist()), rows)
        pooled = np.append(self.rows + current.rows, list(current.elsewhere.values())).astype(np.int64)
        n = int(self.rows.sum())
        if self.ordered:
            pooled = pooled[np.argsort(np.append(self.cells, list(current.elsewhere)), kind="stable")]
        else:
            pooled = np.sort(pooled)
        fewer = np.diff(np.rint(np.cumsum(pooled) / self.worth), prepend=0).astype(np.int64)
        if self.worth > 1.0 and fewer.sum() >= 2:
            n = min(max(round(n * fewer.sum() / pooled.sum()), 1), int(fewer.sum()) - 1)
            pooled = fewer
        return DealtInOrder(pooled, n, self.ordered) if self.ordered else Dealt(pooled, n, self.rarest)

    def extremes(self, rows: int) -> Iterator[Counted]:
        """Return so many rows that are all the same: a new value, and each value that may be the furthest."""
        size = len(self.cells) + (not self.listed)
        if self.listed:
            yield Counted(np.zeros(size, dtype=np.int64), {np.inf: rows})
        for place in sorted({0, size - 1, int(np.argmin(self.rows))}):
            alike = np.zeros(size, dtype=np.int64)
            alike[place] = rows
            yield Counted(alike, {})

    def _bins_of(self, values: Sequence[Any]) -> Whole:
        """Return the bins of numbers without a cell: that of the next larger, unless it is there alone."""
        found = np.searchsorted(self.cells, values)
        bins = self.places[np.minimum(found, len(self.cells) - 1)]
        bins = bins if self.alone is None else bins - self.alone[bins]
        return np.where(found == len(self.cells), len(self.names) - 1, bins)


def learn(column: Column, bins: int, block: int | None) -> Bins:
    """Return the bins of a reference column of at least one row."""
    learnt = _learn_labels(column) if column.kind == "categorical" else _learn_numbers(column, bins)
    if block is None:
        return learnt
    codes = learnt.places[_find(learnt, column)[0]] if learnt.listed else _find(learnt, column)[0]
    return learnt._replace(dependence=inflation(codes, len(learnt.names), block))


def count(reference: Bins, column: Column) -> Counted:
    """Count current rows in the cells of the reference."""
    if column.kind == "categorical":
        return _count_labels(reference, column)
    places, values = _find(reference, column)
    size = len(reference.cells) + (not reference.listed)
    if not reference.listed:
        return Counted(np.bincount(places, minlength=size), {})
    known = reference.cells[places] == values
    if known.all():
        return Counted(np.bincount(places, minlength=size), {})
    new, times = np.unique(values[~known], return_counts=True)
    return Counted(
        np.bincount(places[known], minlength=size), dict(zip(new.tolist(), times.tolist(), strict=True))
    )


def count_many(references: Sequence[Bins], columns: Sequence[Column]) -> list[Counted]:
    """Count current rows of many columns; what is the same for many of them is done at once."""
    found: dict[int, Counted] = {}
    alike: dict[tuple[int, int], list[int]] = {}
    for place, (reference, column) in enumerate(zip(references, columns, strict=True)):
        floats = column.values.dtype == reference.cells.dtype == np.float64
        floats = floats and not (reference.cells[1:] == reference.cells[:-1]).any()
        if not reference.listed and floats and column.bits == reference.bits and len(reference.cells) <= 40:
            alike.setdefault((len(reference.cells), column.n_rows), []).append(place)
    for (size, _), places in alike.items():
        values = np.stack([columns[place].values for place in places])
        limits = np.stack([references[place].cells for place in places])
        codes = np.zeros(values.shape, dtype=np.int64)
        for limit in limits.T:
            codes += values > limit[:, None]
        codes += (size + 1) * np.arange(len(places))[:, None]
        rows = np.bincount(codes.ravel(), minlength=(size + 1) * len(places)).reshape(len(places), -1)
        found.update(zip(places, (Counted(each, {}) for each in rows), strict=True))
    return [
        found[place] if place in found else count(reference, column)
        for place, (reference, column) in enumerate(zip(references, columns, strict=True))
    ]


def _learn_labels(column: Column) -> Bins:
    tally = _tally(column)
    order = sorted(tally, key=lambda label: (-tally[label], type(label).__name__, str(label)))
    rows = np.array([tally[label] for label in order], dtype=np.int64)
    labels = np.empty(len(order), dtype=object)
    labels[:] = order
    rarest = int(rows[EACH_ITS_BIN]) if len(rows) > EACH_ITS_BIN else 0
    own = int(np.count_nonzero(rows > rarest))
    places = np.minimum(np.arange(len(rows)), own)
    names = (*(_checks.one_line(str(label)) for label in order[:own]), *((RARE,) if rarest else ()), NEW)
    return Bins(labels, True, rows, places, names, own=True, rarest=rarest)


def _learn_numbers(column: Column, bins: int) -> Bins:
    numbers, rows = np.unique(_numbers(column), return_counts=True)
    n = int(rows.sum())
    if len(numbers) <= bins:
        names = (*_texts(numbers, column), NEW)
        return Bins(numbers, True, rows, np.arange(len(rows)), names, True, 0, bins, column.bits)
    cuts = np.unique(cut_places(rows[None, :], bins)[0])
    heavy = rows * bins > n
    limits = numbers[np.repeat(cuts, np.where(heavy[cuts], 2, 1))]
    names = _between(_texts(numbers[cuts], column), heavy[cuts].tolist())
    places = _bin_of(limits, numbers)
    if len(numbers) < n <= min(ROWS_PER_BIN * bins, ROWS):
        alone = np.concatenate(([False], limits[1:] == limits[:-1], [False]))
        return Bins(numbers, True, rows, places, names, ordered=bins, bits=column.bits, alone=alone)
    inside = np.bincount(places, rows, len(names)).astype(np.int64)
    return Bins(limits, False, inside, np.arange(len(inside)), names, bits=column.bits)


def _bin_of(limits: NDArray[Any], values: NDArray[Any]) -> Whole:
    """Return the first limit that is not below each value; the second, where it equals two of them."""
    found = np.searchsorted(limits, values)
    if (limits[1:] == limits[:-1]).any():
        found += (np.searchsorted(limits, values, side="right") - found) // 2
    return found.astype(np.int64, copy=False)


def _count_labels(reference: Bins, column: Column) -> Counted:
    tally = _tally(column)
    rows = [tally.pop(label, 0) for label in reference.cells.tolist()]
    return Counted(np.array(rows, dtype=np.int64), tally)


def _tally(column: Column) -> dict[Hashable, int]:
    if column.codes is None:
        return dict(Counter(column.values.tolist()))
    labels = column.codes.labels.tolist()
    times = np.bincount(column.codes.places, minlength=len(labels)).tolist()
    return {label: rows for label, rows in zip(labels, times, strict=True) if rows}


def _find(reference: Bins, column: Column) -> tuple[Whole, NDArray[Any]]:
    """Return the cell of every row, the next larger one for values that have none, and the values."""
    if column.kind == "categorical":
        places = {label: place for place, label in enumerate(reference.cells.tolist())}
        return np.array([places[value] for value in column.values.tolist()], dtype=np.int64), column.values
    cells, values = reference.cells, _numbers(column)
    if column.bits > reference.bits:
        with np.errstate(over="ignore"):
            values = values.astype(f"f{reference.bits // 8}").astype(np.float64)
    elif column.bits < reference.bits and cells.dtype.kind == "f":
        cells = _coarser(cells, column, 2.0 if reference.listed else COARSE)
    if {cells.dtype.kind, values.dtype.kind} == {"i", "u"}:  # numpy would compare them as floats
        cells, values = cells.astype(object), values.astype(object)
    found = _bin_of(cells, values)
    if reference.listed:
        found = np.minimum(found, len(cells) - 1)
        values = np.where(cells[found] == values, reference.cells[found], values)
    return found, values


def _coarser(cells: NDArray[np.float64], column: Column, apart: float) -> NDArray[np.float64]:
    """Return the cells in the lower precision of the current rows, if it still tells them apart."""
    precision = np.dtype(f"f{column.bits // 8}")
    with np.errstate(over="ignore"):
        rounded = cells.astype(precision)
        steps = apart * np.abs(np.spacing(rounded)).astype(np.float64)
    result = rounded.astype(np.float64)
    gaps = np.diff(cells)
    if np.any((gaps > 0) & (gaps < np.maximum(steps[1:], steps[:-1]))) or not np.isfinite(result).all():
        _checks.bad_data(
            f"column {column.name!r}",
            "have the precision of its reference",
            f"numbers of {column.bits} bits, too coarse for its bins",
            "pass both in the same precision",
        )
    return result


def _numbers(column: Column) -> NDArray[Any]:
    values = column.values
    return values.astype(np.int64) if values.dtype == np.bool_ else values


def _texts(values: NDArray[Any], column: Column) -> list[str]:
    """Return values as text: dates as ISO text, numbers in as few digits as tell them apart."""
    if column.kind == "boolean":
        return [str(bool(value)) for value in values.tolist()]
    if column.kind in ("datetime", "duration"):
        times = [_time(value, column.kind) for value in values.tolist()]
        midnight = "T00:00:00"
        return [each.removesuffix(midnight) for each in times] if all(midnight in t for t in times) else times
    if values.dtype.kind in "iu":
        return [str(value) for value in values.tolist()]
    floats = [value + 0.0 for value in values.tolist()]  # no -0
    short = [f"{value:.6g}" for value in floats]
    return short if len(set(short)) == len(short) else [repr(value) for value in floats]


def _time(microseconds: int, kind: Kind) -> str:
    try:
        duration = dt.timedelta(microseconds=microseconds)
        return str(duration) if kind == "duration" else (dt.datetime(1970, 1, 1) + duration).isoformat()
    except OverflowError:  # beyond what Python's own dates can hold
        return str(np.array(microseconds).view(f"{'m' if kind == 'duration' else 'M'}8[us]"))


def _between(limits: Sequence[str], alone: Sequence[bool]) -> tuple[str, ...]:
    """Return what the bins between limits are called, of which some are bins of their own."""
    names, low = [], ""
    for limit, single in zip(limits, alone, strict=True):
        if single:
            names += [f"{low} to below {limit}" if low else f"below {limit}", limit]
        else:
            names.append(f"{low} to {limit}" if low else f"up to {limit}")
        low = limit
    return (*names, f"above {low}")
