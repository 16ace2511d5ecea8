"""Chi-squared: do categories still come in the same shares?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np

from contlearn import _checks
from contlearn._tables import Column
from contlearn.drift._aligned import align
from contlearn.drift._batch import ColumnTest
from contlearn.drift._category_findings import findings
from contlearn.drift._finding import Finding
from contlearn.drift._tally import Tally, codes_of, tallies, tally
from contlearn.drift._two_samples import Question
from contlearn.stats._chi_squared_cells import STATISTICS, Statistic
from contlearn.stats._dependence import Inflation, inflation


class Learned(NamedTuple):
    """What is kept of a column of the reference: rows per category, and how far they depend on each other."""

    tally: Tally
    dependence: Inflation | None

    def effect(self, level: float) -> float:
        """Return how many rows are worth one independent row, for a test at this level."""
        return 1.0 if self.dependence is None else self.dependence.at(level)


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
        at most this often. P-values are those of the chi-squared limit where that holds. Where an expected
        count is below 5, or below 200 and the p-value not clearly above or below the level that it is held
        to, they are those of the exact law given how often each category came: by listing the tables where
        few are possible, else by a saddlepoint approximation, within a tenth or two of what listing and
        drawing millions of tables give, down to p = 0.0001 and less than one expected row per category.
    correction : {"holm", "bonferroni", "hochberg", "bh", "by", "westfall-young"} or None
        Correction for testing many columns. "holm" and "bonferroni" hold under any dependence; "bh" and "by"
        keep the share of false ones among the drifted columns; "westfall-young" keeps the rows of the
        reference; None keeps `alpha` for each column alone.
    tolerance : float
        Smallest effect worth reporting, a share of rows between 0 and 1: a smaller one is never DRIFT.
    must_detect : float
        An effect this large must have been findable; else the answer is UNDECIDED instead of STABLE.
    statistic : {"pearson", "g", "cressie-read"}
        What is added up over the counts: Pearson's chi-squared, the likelihood ratio, or the power divergence
        of 2/3, which lies between. Each is calibrated the same way. Pearson's sees a few rows in a rare
        category best; the likelihood ratio is moved least by them.
    minimum_effect : bool
        Test the hypothesis that the effect is at most `tolerance`, instead of none at all: with many rows,
        everything has changed a little. The effect, its interval and `detectable` are then the chi-squared
        distance, half the root of the sum of (p - q)^2 / ((p + q) / 2), corrected for chance: the total
        variation where the change is spread in proportion to the shares, and never less. For "pearson" only.
    block : int or None
        Rows come in the order of time, and those nearer than so many rows depend on each other: the statistic
        is divided by how much that inflates it in blocks of the reference, where the level is that it is held
        to (Rao and Scott, second order). None: rows are independent.
    random_state : int, numpy generator or None
        Seed of the relabelings of "westfall-young"; nothing else is drawn.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    `effects` of a column has the five categories whose shares changed most: current minus reference, with
    intervals that hold together for all categories of the column (Newcombe, Bonferroni). A category that the
    reference does not have is among them like any other, and `remarks` count such rows.

    Cost: `fit` counts each column once and keeps the counts, O(categories) per column; `detect` counts the
    current rows and never looks at those of the reference: for 30 columns of 2 to 200 integer categories and
    1,000 rows, about a millisecond.

    Numbers that came in 32 bits are compared in 32 bits with those that came in 64. Bytes are no text: a
    SchemaError says so. Times without a zone are compared with times that have one as if they were UTC, and
    categories of one type with those of another as they are: `remarks` say so.

    Many categories need many rows: with k of them the distance of two samples of the same source is about
    0.4 sqrt(k (1/n + 1/m)) without any change. The p-value allows for that, and `interval` and `detectable`
    say how much could have been seen.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Pearson (1900); Agresti (2013), "Categorical Data Analysis", 3.2, for the conditional law; Skovgaard
    (1987), "Saddlepoint expansions for conditional distributions"; Rao and Scott (1981), "The analysis of
    categorical data from complex sample surveys".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import ChiSquared
    >>> rng = np.random.default_rng(0)
    >>> detector = ChiSquared().fit({"plan": rng.choice(["free", "paid"], 5000, p=[0.7, 0.3])})
    >>> result = detector.detect({"plan": rng.choice(["free", "paid", "trial"], 200, p=[0.6, 0.3, 0.1])})
    >>> print(result)
    drift: in plan, score 0.0836 (tolerance 0.05), p = 2.88e-21 (alpha 0.05), 200 rows against 5000
    >>> print(result.parts["plan"].effects["trial"])
    0.07 [0.03772, 0.1262] (95 %)
    >>> result.parts["plan"].remarks
    ('14 rows (7 %) in 1 category that the reference does not have',)
    """

    _kinds = frozenset({"numeric", "boolean", "categorical", "datetime", "duration"})
    _cells = "categories"
    _cure = "convert it to text or numbers"

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        correction: str | None = "holm",
        tolerance: float = 0.05,
        must_detect: float | None = 0.2,
        statistic: Statistic = "pearson",
        minimum_effect: bool = False,
        block: int | None = None,
        random_state: Any = 0,
    ) -> None:
        super().__init__(
            alpha=alpha,
            correction=correction,
            tolerance=tolerance,
            must_detect=must_detect,
            minimum_effect=minimum_effect,
            block=block,
            random_state=random_state,
        )
        self.statistic = statistic

    def _check_parameters(self) -> None:
        super()._check_parameters()
        _checks.one_of("statistic", self.statistic, STATISTICS)
        if self.minimum_effect and self.statistic != "pearson":
            _checks.fail("statistic", "be 'pearson' where minimum_effect is True", repr(self.statistic))

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Learned:  # noqa: ARG002
        (column,) = columns
        dependence = None if self.block is None else inflation(*codes_of(column), self.block)
        return Learned(tally(column), dependence)

    def _describe(self, reference: Learned, columns: Sequence[Column]) -> Tally:
        return self._describe_all([reference], [columns])[0]

    def _describe_all(self, references: Sequence[Learned], groups: Sequence[Sequence[Column]]) -> list[Tally]:
        counted = tallies([column for (column,) in groups])
        for (column,), reference, current in zip(groups, references, counted, strict=True):
            _check_bytes(column.name, reference.tally.types, current.types)
        return counted

    def _compare(self, reference: Learned, current: Tally, alpha: float, seed: int | None) -> Finding:
        return self._compare_all([Question(("",), reference, current, alpha, seed)])[0]

    def _compare_all(self, questions: Sequence[Question]) -> list[Finding]:
        aligned = align([each.reference.tally for each in questions], [each.current for each in questions])
        unlike = [each.current.unlike(each.reference.tally) for each in questions]
        return findings(
            aligned,
            np.array([each.alpha for each in questions]),
            np.array([each.reference.effect(each.alpha) for each in questions]),
            unlike,
            self.statistic,
            float(self.tolerance) if self.minimum_effect else None,
        )


def _check_bytes(name: str, before: frozenset[str], after: frozenset[str]) -> None:
    """Refuse bytes where the reference has text, and text where it has bytes: none would ever be equal."""
    words = {"bytes": "bytes", "str": "text"}
    for kind, other in (("bytes", "str"), ("str", "bytes")):
        if kind in before and kind not in after and other in after and other not in before:
            cure = "decode or encode one of them, or fit again"
            _checks.bad_schema(f"column {name!r}", f"hold {words[kind]}, as in fit", words[other], cure)
