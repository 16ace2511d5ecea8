"""All tables of counts with given margins, listed or drawn: what chance alone could have made of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


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

    Every table is one way to deal the observations out again. They are dealt cell by cell, all tables at
    once: memory holds one column of each, however many categories there are.
    """
    open_places = np.repeat(table.sum(axis=1)[:, None], n_tables, axis=1)
    statistic = np.zeros(n_tables)
    for column, means in zip(table.sum(axis=0).tolist(), expected.T.tolist(), strict=True):
        left = np.full(n_tables, column)
        for row, mean in enumerate(means[:-1]):
            dealt = rng.hypergeometric(open_places[row], open_places[row + 1 :].sum(axis=0), left)
            statistic += (dealt - mean) ** 2 / mean
            open_places[row] -= dealt
            left -= dealt
        statistic += (left - means[-1]) ** 2 / means[-1]
        open_places[-1] -= left
    return statistic


def _log_choose(size: int, value: Counts) -> Floats:
    result: Floats = (
        special.gammaln(size + 1.0) - special.gammaln(value + 1.0) - special.gammaln(size - value + 1.0)
    )
    return result
