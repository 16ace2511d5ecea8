"""All tables of counts with given margins, listed or drawn: what chance alone could have made of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._binomial import log_choose
from contlearn.stats._chi_squared_cells import Statistic, categories, cells

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

CELLS_AT_ONCE = 1_000_000
"""Cells of random tables held in memory at a time: 8 MB for each of a few arrays."""

ROWS_LISTED = 10_000_000
"""Observations that may be listed one by one in order to draw from them: 80 MB."""


def number_of_tables(total: NDArray[Any], rows: float) -> float:
    """Return an upper bound on the number of tables of two samples with these sums.

    `total` has the rows of each category in both samples, and `rows` are those of either sample.
    """
    choices = np.log(np.minimum(total, min(rows, total.sum() - rows)) + 1.0)
    return math.exp(min(700.0, float(choices.sum() - choices.max())))  # the last column is no choice


def chance_as_large(total: Counts, rows: int, limit: float, statistic: Statistic = "pearson") -> float:
    """Return the probability of a statistic of at least `limit`, over all tables with these sums."""
    every = int(total.sum())
    rows = min(rows, every - rows)
    share = rows / every
    used, weight, found = np.zeros(1, dtype=np.int64), np.zeros(1), np.zeros(1)
    left = every
    for column in np.sort(total).tolist():
        left -= column
        value = np.arange(min(column, rows) + 1)[:, None] if left else rows - used[None, :]
        dealt = used + value
        fits = (dealt <= rows) & (rows - dealt <= left)
        adds = _added(column, column * share, value, statistic)
        weight = (weight + log_choose(column, value))[fits]
        found = (found + adds)[fits]
        used = dealt[fits]
    chances = np.exp(weight - log_choose(every, np.asarray(rows)))
    return min(1.0, float(chances[found >= limit].sum()))


def _added(column: float, mean: float, value: NDArray[Any], statistic: Statistic) -> Floats:
    return categories(statistic, value, np.array(column), np.array(mean), np.array(column - mean))


def chance_below(
    total: Floats, rows: float, limit: float, statistic: Statistic, most: float = math.inf
) -> float | None:
    """Return the probability of a statistic below `limit`, over all tables with these sums.

    Parameters
    ----------
    total
        Rows of each category in both samples, the largest last.
    rows
        Rows of the current sample.
    most
        Tables that may be looked at, of any number of their categories; beyond, the answer is None.

    Notes
    -----
    Only tables below `limit` are listed, which are few where categories are: what a category adds is never
    negative, so that a table that is at `limit` before its last category is left out at once.
    """
    every = float(total.sum())
    used, weight, found = np.zeros(1), np.zeros(1), np.zeros(1)
    left = every
    for column in total.tolist():
        left -= column
        mean = column * (rows / every)
        if left:
            away = limit / 3.0 + math.sqrt(limit * mean) + 1.0  # further off, every statistic is at the limit
            first, last = max(0.0, rows - (every - column), mean - away), min(column, rows, mean + away)
            value = np.arange(math.ceil(first), math.floor(last) + 1.0)
            value = value[_added(column, mean, value, statistic) < limit][:, None]
            if value.size * used.size > most:
                return None
        else:
            fits = (rows - used >= 0.0) & (rows - used <= column)
            used, weight, found = used[fits], weight[fits], found[fits]
            value = rows - used
        dealt, sums = used + value, found + _added(column, mean, value, statistic)
        below = sums < limit
        weight, found, used = (weight + log_choose(column, value))[below], sums[below], dealt[below]
    return min(1.0, float(np.exp(weight - log_choose(every, np.asarray(rows))).sum()))


def draw_statistics(
    table: Counts, expected: Floats, n_tables: int, rng: np.random.Generator, statistic: Statistic = "pearson"
) -> Floats:
    """Return the statistic of `n_tables` random tables with the margins of `table`.

    Every table is one way to deal the observations out again. Memory is bounded however many categories or
    tables there are.
    """
    order = np.argsort(table.sum(axis=1))  # the smallest sample is dealt first, the largest is what is left
    table, expected = table[order], expected[order]
    block = max(1, CELLS_AT_ONCE // table.shape[1])
    starts = range(0, n_tables, block)
    return np.concatenate(
        [_deal(table, expected, min(block, n_tables - start), rng, statistic) for start in starts]
    )


def _deal(
    table: Counts, expected: Floats, n_tables: int, rng: np.random.Generator, statistic: Statistic
) -> Floats:
    left = np.broadcast_to(table.sum(axis=0), (n_tables, table.shape[1]))
    found = np.zeros(n_tables)
    for row, size in enumerate(table.sum(axis=1)[:-1].tolist()):
        if row == 0:
            dealt = _draw(left[0], size, n_tables, rng)
        else:
            dealt = np.concatenate([_draw(rest, size, 1, rng) for rest in left])
        found += cells(statistic, dealt, expected[row]).sum(axis=1)
        left = left - dealt
    found += cells(statistic, left, expected[-1]).sum(axis=1)
    return found


def _draw(available: Counts, size: int, n_draws: int, rng: np.random.Generator) -> Counts:
    """Draw `size` observations out of those `available` by category, row by row or category by category."""
    by_row = size <= 10 * len(available) and int(available.sum()) <= ROWS_LISTED
    return rng.multivariate_hypergeometric(
        available, size, n_draws, method="count" if by_row else "marginals"
    )
