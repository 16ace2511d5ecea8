"""Chi-squared: do categories still come in the same shares?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Column
from contlearn.drift._batch import BatchDetector, Finding
from contlearn.stats._chi_squared import (
    chi_squared_compare,
    total_variation_detectable,
    total_variation_interval,
)

Counts = NDArray[np.int64]

_WIDEST = 2**16
"""Integer categories that lie within a range this wide are counted in place, without looking any up."""


class Dense(NamedTuple):
    """Rows per category, for integer categories: `counts[i]` rows of category `low + i`, none included."""

    low: int
    counts: Counts

    def by_category(self) -> dict[Hashable, int]:
        """Return the number of rows of every category that occurs."""
        return {self.low + place: count for place, count in enumerate(self.counts.tolist()) if count}


class Tally(NamedTuple):
    """Rows in all, and rows per category."""

    rows: int
    counts: Dense | dict[Hashable, int]


@final
class ChiSquared(BatchDetector):
    """Detect that the shares of categories have changed, by the chi-squared test of each column.

    The effect is the total variation distance: the share of rows that would have to change category to make
    the shares equal. Categories are taken from both sides, so that one never seen before is evidence, not an
    error. Columns of text, categories, booleans, numbers and dates are all taken as categories: equal values
    are one category (1 and 1.0 are equal, 1 and "1" are not).

    Parameters
    ----------
    alpha : float
        False-alarm rate of one `detect`, over all columns: with exchangeable rows, unchanged data raise DRIFT
        at most this often. Where an expected count is below 5, the p-value is that of the permutation
        test (all tables listed, or 999 drawn), else that of the chi-squared limit.
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
    current rows, and draws tables only where counts are too small for the limit.

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
    drift: in plan, score 0.1 (tolerance 0.05), p = 1.93e-21 (alpha 0.05), 200 rows against 1000
    """

    _kinds = frozenset({"numeric", "boolean", "categorical", "datetime", "duration"})
    _cure = "convert it to text or numbers"

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        correction: str | None = "holm",
        tolerance: float = 0.05,
        must_detect: float = 0.2,
        random_state: Any = 0,
    ) -> None:
        self.alpha = alpha
        self.correction = correction
        self.tolerance = tolerance
        self.must_detect = must_detect
        self.random_state = random_state

    def _summary(self, columns: Sequence[Column]) -> Tally:
        (column,) = columns
        return _tally(column.values)

    def _compare(
        self, reference: Tally, columns: Sequence[Column], alpha: float, seed: int | None
    ) -> Finding:
        current = self._summary(columns)
        before, after = _aligned(reference, current)
        # Only the pairs of counts matter. In this order, neither names nor the order of rows decide what is drawn.
        order = np.lexsort((after, before))
        before, after = before[order], after[order]
        result = chi_squared_compare(before, after, seed)
        n, m, k = reference.rows, current.rows, len(before)
        shares = (before + after) / (n + m)
        return Finding(
            n,
            m,
            score=result.total_variation,
            p_value=result.p_value,
            interval=total_variation_interval(result.total_variation, n, m, k, 1.0 - alpha, shares),
            detectable=total_variation_detectable(n, m, k, alpha),
        )


def _tally(values: NDArray[Any]) -> Tally:
    """Count the rows of every category in `values`."""
    if values.dtype == object:
        return Tally(len(values), dict(Counter(values.tolist())))
    whole = _narrow_integers(values)
    if whole is not None:
        low = int(whole.min())
        return Tally(len(values), Dense(low, np.bincount(whole - low)))
    labels, counts = np.unique(values, return_counts=True)
    return Tally(len(values), dict(zip(labels.tolist(), counts.tolist(), strict=True)))


def _narrow_integers(values: NDArray[Any]) -> Counts | None:
    """Return `values` as integers, if that is what they are and they lie within a narrow range."""
    if not len(values):
        return None
    if values.dtype == np.bool_:
        return values.astype(np.int64)
    low, high = values.min().item(), values.max().item()
    if high - low >= _WIDEST or max(abs(low), abs(high)) > 2**53:
        return None
    whole = values.astype(np.int64)
    return whole if values.dtype.kind == "i" or (whole == values).all() else None


def _aligned(reference: Tally, current: Tally) -> tuple[Counts, Counts]:
    """Return the counts of both sides over the categories that occur in either."""
    before, after = reference.counts, current.counts
    if isinstance(before, Dense) and isinstance(after, Dense):
        low = min(before.low, after.low)
        size = max(side.low + len(side.counts) for side in (before, after)) - low
        if size <= 2 * _WIDEST:
            table = np.zeros((2, size), dtype=np.int64)
            for row, side in zip(table, (before, after), strict=True):
                row[side.low - low : side.low - low + len(side.counts)] = side.counts
            occurring = table[:, table.any(axis=0)]
            return occurring[0], occurring[1]
    return _looked_up(
        before.by_category() if isinstance(before, Dense) else before,
        after.by_category() if isinstance(after, Dense) else after,
    )


def _looked_up(before: dict[Hashable, int], after: dict[Hashable, int]) -> tuple[Counts, Counts]:
    every = before | after
    return (
        np.fromiter((before.get(each, 0) for each in every), dtype=np.int64, count=len(every)),
        np.fromiter((after.get(each, 0) for each in every), dtype=np.int64, count=len(every)),
    )
