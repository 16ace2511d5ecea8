"""All tables of counts with given margins, listed or drawn: what chance alone could have made of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

CELLS_AT_ONCE = 1_000_000
"""Cells of random tables held in memory at a time: 8 MB for each of a few arrays."""

ROWS_LISTED = 10_000_000
"""Observations that may be listed one by one in order to draw from them: 80 MB."""


def number_of_tables(table: Counts) -> float:
    """Return an upper bound on the number of 2 x K tables with the margins of `table`."""
    choices = np.log(np.minimum(table.sum(axis=0), table.sum(axis=1).min()) + 1.0)
    return math.exp(min(700.0, float(choices.sum() - choices.max())))  # the last column is no choice


def chance_as_large(table: Counts, expected: Floats, limit: float) -> float:
    """Return the probability that chi-squared is at least `limit`, over all 2 x K tables with its margins."""
    chosen = int(np.argmin(table.sum(axis=1)))
    rows = int(table[chosen].sum())
    order = np.argsort(table.sum(axis=0))
    columns, means = table.sum(axis=0)[order].tolist(), expected[chosen, order].tolist()
    factors = (1.0 / expected[:, order]).sum(axis=0).tolist()
    used, weight, statistic = np.zeros(1, dtype=np.int64), np.zeros(1), np.zeros(1)
    left = sum(columns)
    for column, mean, factor in zip(columns, means, factors, strict=True):
        left -= column
        value = np.arange(min(column, rows) + 1)[:, None] if left else rows - used[None, :]
        total = used + value
        fits = (total <= rows) & (rows - total <= left)
        weight = (weight + _log_choose(column, value))[fits]
        statistic = (statistic + factor * (value - mean) ** 2)[fits]
        used = total[fits]
    chances = np.exp(weight - _log_choose(sum(columns), np.asarray(rows)))
    return min(1.0, float(chances[statistic >= limit].sum()))


def draw_statistics(table: Counts, expected: Floats, n_tables: int, rng: np.random.Generator) -> Floats:
    """Return chi-squared of `n_tables` random tables with the margins of `table`.

    Every table is one way to deal the observations out again. Memory is bounded however many categories or
    tables there are.
    """
    order = np.argsort(table.sum(axis=1))  # the smallest sample is dealt first, the largest is what is left
    table, expected = table[order], expected[order]
    block = max(1, CELLS_AT_ONCE // table.shape[1])
    starts = range(0, n_tables, block)
    return np.concatenate([_deal(table, expected, min(block, n_tables - start), rng) for start in starts])


def _deal(table: Counts, expected: Floats, n_tables: int, rng: np.random.Generator) -> Floats:
    left = np.broadcast_to(table.sum(axis=0), (n_tables, table.shape[1]))
    statistic = np.zeros(n_tables)
    for row, size in enumerate(table.sum(axis=1)[:-1].tolist()):
        if row == 0:
            dealt = _draw(left[0], size, n_tables, rng)
        else:
            dealt = np.concatenate([_draw(rest, size, 1, rng) for rest in left])
        statistic += (dealt - expected[row]) ** 2 @ (1.0 / expected[row])
        left = left - dealt
    statistic += (left - expected[-1]) ** 2 @ (1.0 / expected[-1])
    return statistic


def _draw(available: Counts, size: int, n_draws: int, rng: np.random.Generator) -> Counts:
    """Draw `size` observations out of those `available` by category, row by row or category by category."""
    by_row = size <= 10 * len(available) and int(available.sum()) <= ROWS_LISTED
    return rng.multivariate_hypergeometric(
        available, size, n_draws, method="count" if by_row else "marginals"
    )


def _log_choose(size: int, value: Counts) -> Floats:
    result: Floats = (
        special.gammaln(size + 1.0) - special.gammaln(value + 1.0) - special.gammaln(size - value + 1.0)
    )
    return result
