"""Chi-squared: do categories still come in the same shares?"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np

from contlearn._tables import Column
from contlearn.drift._batch import ColumnTest
from contlearn.drift._finding import Finding, confidence
from contlearn.drift._tally import Counts, Pairs, Tally, merged, pairs, tally
from contlearn.drift._two_samples import Question
from contlearn.stats._chi_squared import (
    SMALL_EXPECTATION,
    chi_squared_compare,
    total_variation_detectable,
    total_variation_interval,
)
from contlearn.stats._chi_squared_columns import compare_columns


@final
class ChiSquared(ColumnTest):
    """Detect that the shares of categories have changed, by the chi-squared test of each column.

    The effect is the total variation distance: the share of rows that would have to change category to make
    the shares equal. Categories are taken from both sides, so that one never seen before is evidence, not an
    error. Columns of text, categories, booleans, numbers and dates are all taken as categories: equal values
    are one category (1 and 1.0 are equal, 1 and "1" are not).

    Parameters
    ----------
    alpha : float
        False-alarm rate of one `detect`, over all columns: with exchangeable rows, unchanged data raise DRIFT
        at most this often. Where an expected count is below 5, or below 200 and the p-value not far from the
        level that it is held to, it is that of the permutation test (all tables listed, or up to 100,000
        drawn), else that of the chi-squared limit.
    correction : {"holm", "bonferroni", "hochberg", "bh", "by"} or None
        Correction for testing many columns. "holm" and "bonferroni" hold under any dependence; "bh" and "by"
        keep the share of false ones among the drifted columns; None keeps `alpha` for each column alone.
    tolerance : float
        Smallest total variation worth reporting, a share of rows between 0 and 1: a smaller one is never
        DRIFT.
    must_detect : float
        A total variation this large must have been findable; else the answer is UNDECIDED instead of
        STABLE.
    random_state : int, numpy generator or None
        Seed of the drawn tables: the same question has the same answer. None draws afresh for each question.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    Cost: `fit` counts each column once and keeps the counts, O(categories) per column; `detect` counts the
    current rows, and draws tables only where the limit will not do: some milliseconds for such a column, two
    seconds at most. Where so many tables cannot bring p to the level, `remarks` say so, and a column that
    might have been below it is UNDECIDED.

    Many categories need many rows: with k of them the distance of two samples of the same source is about
    0.4 sqrt(k (1/n + 1/m)) without any change. The p-value allows for that, and `interval` and `detectable`
    say how much could have been seen.

    References
    ----------
    Pearson (1900); Agresti (2013), "Categorical Data Analysis", 3.2, for the conditional law.

    Examples
    --------
    >>> from contlearn.drift import ChiSquared
    >>> detector = ChiSquared().fit({"plan": ["free"] * 700 + ["paid"] * 300})
    >>> print(detector.detect({"plan": ["free"] * 120 + ["paid"] * 60 + ["trial"] * 20}))
    drift: in plan, score 0.1 (tolerance 0.05), p = 4.883e-17 (alpha 0.05), 200 rows against 1000
    """

    _kinds = frozenset({"numeric", "boolean", "categorical", "datetime", "duration"})
    _cure = "convert it to text or numbers"

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Tallied:  # noqa: ARG002
        (column,) = columns
        return Tallied(tally(column.values))

    def _describe(self, reference: Tallied, columns: Sequence[Column]) -> Tallied:  # noqa: ARG002
        return self._learn(columns, None)

    def _compare(self, reference: Tallied, current: Tallied, alpha: float, seed: int | None) -> Finding:
        return _findings(pairs([reference.counts], [current.counts]), [alpha], [seed])[0]

    def _compare_all(self, questions: Sequence[Question]) -> list[Finding]:
        counted = pairs(
            [each.reference.counts for each in questions], [each.current.counts for each in questions]
        )
        return _findings(counted, [each.alpha for each in questions], [each.seed for each in questions])


class Tallied(NamedTuple):
    """Rows per category."""

    counts: Tally

    def merge(self, other: Tallied) -> Tallied:
        """Return the counts of both samples."""
        return Tallied(merged(self.counts, other.counts))


CELLS = 10_000_000
"""Cells that may be drawn for one p-value, about a second of work, ..."""

MOST_TABLES, FEWEST_OF_MOST = 100_000, 20_000
"""... but no more than so many tables, and always so many where the level asks for them."""

LARGE_EXPECTATION = 200.0
"""From this expected count on in every cell, the limit law holds as far out as corrected tests look."""

CLEAR = 0.2
"""A limit p-value above this is never near a level; the exact one is above 0.1."""

BODY = 0.05
"""A limit p-value above this is right within a tenth or so where expected counts are 5 or more."""

MANY = 12
"""Categories with two rows each of which there are too many tables to list them all."""


class Drawn(NamedTuple):
    """A conditional p-value, and what kept it from being as small as it had to be."""

    p_value: float
    enough: bool = True
    remarks: tuple[str, ...] = ()


def _findings(counted: Pairs, alphas: Sequence[float], seeds: Sequence[int | None]) -> list[Finding]:
    """Compare the two samples of every column."""
    before, after, sizes = counted
    found = compare_columns(before, after, np.array(sizes))
    findings = []
    start = 0
    for size, alpha, seed, n, m, p_value, distance, k, effective, expected in zip(
        sizes, alphas, seeds, *(each.tolist() for each in found), strict=True
    ):
        result = Drawn(p_value)
        if not _limit_stands(p_value, alpha, k, expected):
            rows = slice(start, start + size)
            result = _conditional(before[rows], after[rows], alpha, seed)
        start += size
        interval = total_variation_interval(distance, n, m, effective, confidence(alpha))
        detectable = _detectable(k, alpha) * math.sqrt(1.0 / n + 1.0 / m)
        findings.append(
            Finding(n, m, distance, result.p_value, interval, detectable, result.enough, result.remarks)
        )
    return findings


def _limit_stands(p_value: float, level: float, k: int, expected: float) -> bool:
    """Whether the limit p-value of `k` categories stands where `expected` is the smallest expected count.

    Far out, chance makes large distances several times more often than the limit law says. So nothing near
    the `level` rests on it, only what is clearly above or clearly below, or in the body of the law.

    Above: a p-value that does not reject cannot hurt the level. Ten times the level is above what most later
    steps of a correction ask for. With many categories, among which chance averages out, twice will do.
    Below an expected count of 5 only `CLEAR` is clear, with two rows of each of many categories: the law may
    be narrower there than the limit, but not by more than to 0.87 of its width.

    Below: from an expected count of 5 on, the exact p-value is less than the square root of the limit one
    (checked to 1e-24), so what is below the square of the level would be rejected by the exact one as well.
    """
    if k == 1 or expected >= LARGE_EXPECTATION:
        return True
    if expected < SMALL_EXPECTATION:
        return p_value > CLEAR and expected >= 2.0 and k > MANY
    near = max(level, min(BODY, (2.0 if k > MANY else 10.0) * level))
    return not level * level < p_value <= near


def _conditional(before: Counts, after: Counts, level: float, seed: int | None) -> Drawn:
    """Return the p-value by listing or drawing tables: more of them, the smaller it is.

    Drawing goes on, afresh, while fewer than ten tables were as far off, until p could fall well below
    `level`. That keeps the level: p <= t needs, for a t at which drawing would have stopped, such a p from
    this draw, and for a smaller t from the next.
    """
    # Only the pairs of counts matter: sorted, neither names nor the order of rows decide what is drawn.
    order = np.lexsort((after, before))
    before, after = before[order], after[order]
    rng = np.random.default_rng(seed)
    most = min(MOST_TABLES, max(FEWEST_OF_MOST, CELLS // len(before)))
    for drawn in (99, 999, min(most, math.ceil(4.0 / level) - 1)):
        result = chi_squared_compare(before, after, rng, drawn, "permutation")
        fine_enough = drawn >= 999 and 4.0 / (drawn + 1) <= level
        if result.method != "permutation" or result.p_value > 10.0 / (drawn + 1) or fine_enough:
            return Drawn(result.p_value)
    if 1.0 / (drawn + 1) <= level:
        return Drawn(result.p_value)
    return Drawn(
        result.p_value, False, (f"p cannot fall below {1.0 / (drawn + 1):.2g}: {drawn} tables drawn",)
    )


@functools.lru_cache(maxsize=4096)
def _detectable(k: int, alpha: float) -> float:
    """Return the detectable total variation of k categories where 1/n + 1/m = 1: the costly part of it."""
    return total_variation_detectable(2, 2, k, alpha)
