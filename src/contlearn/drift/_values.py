"""Numbers as their distinct values with their counts: what is kept of a reference, and what travels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Column
from contlearn.stats._dependence import caution, design_effect
from contlearn.stats._pooled import Counts, Side

EXACT_INTEGERS = 2**53
"""Up to here, floats tell all integers apart."""

DECILES = np.arange(1, 10) / 10.0


class Values(NamedTuple):
    """The distinct values of some rows, ascending, with their counts.

    Attributes
    ----------
    values
        float64, or int64 or uint64 where floats would not tell them apart.
    counts
        Rows with each value.
    bits
        Precision of the least precise of them. They are rounded to it only where they are compared, so that
        it does not matter in which order samples are merged.
    """

    values: NDArray[Any]
    counts: Counts
    bits: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.counts.sum())

    def merge(self, other: Values) -> Values:
        """Return the values of both samples."""
        one, two = _alike(self.values, other.values)
        values, counts = _collapsed(np.concatenate((one, two)), np.concatenate((self.counts, other.counts)))
        return Values(values, counts, min(self.bits, other.bits))

    def places(self, ranks: NDArray[Any]) -> NDArray[np.intp]:
        """Return where the values of the rows of these ranks are, from 1 on; the nearest if there is none."""
        return np.minimum(np.searchsorted(np.cumsum(self.counts), ranks), len(self.values) - 1)


def values_of(column: Column) -> Values:
    """Return the distinct values of a column in which nothing is missing."""
    values = column.values
    if values.dtype.kind == "f":
        values, bits = values + 0.0, column.bits  # there is only one zero
    else:
        values, bits = _integers(values), 64
    return Values(*np.unique(values, return_counts=True), bits)


def sides(reference: Values, current: Values) -> tuple[Side, Side]:
    """Return two samples in one precision: that of the less precise one, where finer digits mean nothing."""
    before, after = _alike(reference.values, current.values)
    bits = min(reference.bits, current.bits)
    if bits < 64:
        return Side(*_rounded(before, reference.counts, bits)), Side(*_rounded(after, current.counts, bits))
    return _distinct(reference, before), _distinct(current, after)


def inflation(column: Column, block: int | None) -> float:
    """Return how many rows of a reference are worth an independent one, where `block` rows hang together.

    The larger of two: as the shares of rows up to each decile vary from block to block, and as the mean ranks
    do, which is where the law of the tests has its tail.
    """
    if block is None:
        return 1.0
    ordered = np.sort(column.values)
    edges = np.unique(ordered[(DECILES * len(ordered)).astype(np.intp)])
    codes = np.searchsorted(edges, column.values)
    shares = design_effect(codes, len(edges) + 1, block, cumulative=True)
    n_blocks = len(codes) // block
    ranks = np.searchsorted(ordered, column.values) + np.searchsorted(ordered, column.values, side="right")
    if n_blocks < 2 or not ranks.var():
        return shares
    means = ranks[: n_blocks * block].reshape(n_blocks, block).mean(axis=1)
    inflated = caution(n_blocks) * block * float(means.var(ddof=1)) / float(ranks.var())
    return min(float(block), max(shares, inflated))


def _integers(values: NDArray[Any]) -> NDArray[Any]:
    """Return integers as floats, where these tell them apart."""
    if values.dtype.kind == "b" or not values.size:
        return values.astype(np.float64)
    low, high = int(values.min()), int(values.max())
    if max(-low, high) <= EXACT_INTEGERS:
        return values.astype(np.float64)
    return values.astype(np.int64) if high < 2**63 else values


def _alike(one: NDArray[Any], two: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return values of one type: integers only where all of them are, and floats would not do."""
    if one.dtype == two.dtype:
        return one, two
    both = [one, two]
    integers = [each for each in both if each.dtype.kind != "f"]
    wide = any(each.dtype.kind == "u" for each in integers)
    if all(_whole(each) for each in both) and not (wide and min(each[0] for each in both if len(each)) < 0):
        kind = np.uint64 if wide else np.int64
        return one.astype(kind), two.astype(kind)
    return one.astype(np.float64), two.astype(np.float64)


def _whole(values: NDArray[Any]) -> bool:
    """Whether ascending values are integers that no float has rounded."""
    if values.dtype.kind != "f" or not len(values):
        return True
    return bool(max(-values[0], values[-1]) <= EXACT_INTEGERS and (values == np.rint(values)).all())


def _distinct(sample: Values, values: NDArray[Any]) -> Side:
    """Return a sample whose values have become these: floats are fewer than the integers they come from."""
    same = values.dtype == sample.values.dtype
    return Side(values, sample.counts) if same else Side(*_collapsed(values, sample.counts))


def _rounded(values: NDArray[Any], counts: Counts, bits: int) -> tuple[NDArray[Any], Counts]:
    kind = np.dtype(f"f{bits // 8}")
    largest = float(np.finfo(kind).max)
    return _collapsed(np.clip(values.astype(np.float64), -largest, largest).astype(kind), counts)


def _collapsed(values: NDArray[Any], counts: Counts) -> tuple[NDArray[Any], Counts]:
    """Return the distinct values among `values`, with the sum of their counts."""
    order = np.argsort(values, kind="stable")
    values, ends = values[order], np.cumsum(counts[order])
    last = np.append(values[1:] != values[:-1], True)
    rows = np.diff(ends[last], prepend=0)
    return (values[last] if values.dtype.kind != "f" else values[last].astype(np.float64)), rows
