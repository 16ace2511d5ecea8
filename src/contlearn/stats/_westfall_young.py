"""Many columns, one set of relabelings: corrections that know how the columns depend on each other.

Rows change sides as a whole, so that columns that move together in the data move together in every
relabeling. The largest score over the columns then has its own exact law, and nothing is lost to columns that
say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

CELLS = 128
"""Cells between quantiles of both samples together into which the values of a column of numbers are put."""

_AT_ONCE = 2**22  # entries of a matrix of memberships, 16 MB of them
_TIE = 1e-9  # scores that differ by less differ by rounding only
_FAR = 300.0  # decimal digits of a p-value below which its logarithm is continued by the statistic


class Coded(NamedTuple):
    """A column of both samples: the cell of every row, -1 where there is none, the number of cells, and kind.

    `ordered` cells are compared by distribution functions, others by shares.
    """

    codes: Codes
    n_codes: int
    ordered: bool


class Sides(NamedTuple):
    """Two samples, one after the other: their blocks of rows change sides as a whole.

    Attributes
    ----------
    n, m
        Rows of the two samples, multiples of `block`.
    block
        Rows in a block.
    """

    n: int
    m: int
    block: int = 1

    def relabelings(
        self, count: int, at_once: int, rng: np.random.Generator
    ) -> Iterator[NDArray[np.float32]]:
        """Yield matrices whose columns mark the rows called the first sample; the truth comes first."""
        as_it_is = np.arange((self.n + self.m) // self.block) < self.n // self.block
        for begin in range(0, count + 1, at_once):
            rows = np.tile(as_it_is, (min(at_once, count + 1 - begin), 1))
            kept = rows[:1].copy()
            rng.permuted(rows, axis=1, out=rows)
            if begin == 0:
                rows[:1] = kept
            yield np.repeat(rows.T, self.block, axis=0).astype(np.float32)


def numbers_in_cells(values: NDArray[Any], present: NDArray[np.bool_], most: int = CELLS) -> Coded:
    """Return the cell of every value of both samples together: its distinct values, or quantiles of them."""
    codes = np.full(len(values), -1, dtype=np.int64)
    distinct, places = np.unique(values[present], return_inverse=True)
    if len(distinct) > most:
        ends = np.cumsum(np.bincount(places))
        cells = (ends - 1) * most // max(int(ends[-1]), 1)
        places = np.unique(cells, return_inverse=True)[1][places]
    codes[present] = places
    return Coded(codes, int(places.max(initial=-1)) + 1, True)


def scores(columns: Sequence[Coded], sides: Sides, count: int, rng: np.random.Generator) -> Floats:
    """Return how far apart the two samples are in every column, as they are and in `count` relabelings.

    Returns
    -------
    ndarray of shape (columns, count + 1)
        About -log(p) by the limit law of each column's own test, so that all columns weigh the same.
    """
    offsets = np.cumsum([0, *(column.n_codes for column in columns)])
    found = []
    one_hot = _one_hot(columns, offsets)
    totals = np.asarray(one_hot.sum(axis=1)).ravel()
    at_once = max(1, _AT_ONCE // max(sides.n + sides.m, int(offsets[-1])))
    for members in sides.relabelings(count, at_once, rng):
        before = np.asarray(one_hot @ members, dtype=np.float64)
        after = totals[:, np.newaxis] - before
        found.append(
            np.stack(
                [
                    (_distribution_scores if column.ordered else _share_scores)(
                        before[start:stop], after[start:stop]
                    )
                    for column, start, stop in zip(columns, offsets[:-1], offsets[1:], strict=True)
                ]
            )
        )
    return np.concatenate(found, axis=1)


def step_down(found: Floats) -> Floats:
    """Return corrected p-values of all columns from their scores; the first column of `found` is the truth.

    Rejecting where p <= alpha keeps the probability of any false rejection at most alpha, whatever else is
    true and however the columns depend on each other.

    References
    ----------
    Westfall and Young (1993), "Resampling-based multiple testing", algorithm 2.8 with the largest score.
    """
    order = np.argsort(-found[:, 0], kind="stable")
    largest = np.maximum.accumulate(found[order][::-1], axis=0)[::-1]
    own = largest[:, :1]
    as_large = np.count_nonzero(largest >= own - _TIE * (1.0 + np.abs(own)), axis=1)
    corrected = np.empty(len(found))
    corrected[order] = np.maximum.accumulate(as_large / found.shape[1])
    return corrected


def _one_hot(columns: Sequence[Coded], offsets: NDArray[np.int64]) -> sparse.csr_matrix:
    """Return the matrix that has a row per cell of every column and marks the samples' rows in it."""
    placed = [
        (column.codes[rows] + offset, rows)
        for column, offset in zip(columns, offsets, strict=False)
        for rows in (np.flatnonzero(column.codes >= 0),)
    ]
    cells = np.concatenate([cell for cell, _ in placed])
    rows = np.concatenate([row for _, row in placed])
    shape = (int(offsets[-1]), len(columns[0].codes))
    return sparse.csr_matrix((np.ones(len(cells), dtype=np.float32), (cells, rows)), shape=shape)


def _distribution_scores(before: Floats, after: Floats) -> Floats:
    """Return the score of the Kolmogorov-Smirnov distance; one relabeling per column."""
    n, m = before.sum(axis=0), after.sum(axis=0)
    both = np.minimum(n, m) > 0.0
    if not len(before):
        return np.zeros(len(n))
    gaps = np.cumsum(before / np.maximum(n, 1.0) - after / np.maximum(m, 1.0), axis=0)
    z = np.abs(gaps).max(axis=0) * np.sqrt(n * m / np.maximum(n + m, 1.0))
    near = -np.log(special.kolmogorov(np.minimum(z, 3.0)))
    found: Floats = np.where(z > 3.0, 2.0 * z**2 - np.log(2.0), near)
    return np.where(both, found, 0.0)


def _share_scores(before: Floats, after: Floats) -> Floats:
    """Return the score of Pearson's statistic; one relabeling per column."""
    n, m = before.sum(axis=0), after.sum(axis=0)
    pooled = before + after
    if len(before) < 2:
        return np.zeros(len(n))
    away = before / np.maximum(n, 1.0) - after / np.maximum(m, 1.0)
    statistic = n * m * np.divide(away**2, pooled, out=np.zeros_like(away), where=pooled > 0.0).sum(axis=0)
    p = special.chdtrc(len(before) - 1, statistic)
    limit = 10.0**-_FAR
    found: Floats = -np.log(np.maximum(p, limit)) + np.where(p < limit, 1e-6 * statistic, 0.0)
    return np.where(np.minimum(n, m) > 0.0, found, 0.0)
