"""Cramér-von Mises: do numbers still come from the same distribution, looked at as a whole?"""

from __future__ import annotations

from typing import Any, final

from contlearn.drift._finding import Finding, confidence
from contlearn.drift._ordered import Drawn, Learnt, OrderedTest
from contlearn.stats import _cramer_von_mises as cvm
from contlearn.stats._bridge import Law
from contlearn.stats._pooled import Deal, Pooled, can_be_listed, places

VARYING = 20.0
"""Expected rows besides the most frequent value from which the limit law is right in its body, ..."""

BODY = 0.05
"""... that is for p-values above this."""


@final
class CramerVonMises(OrderedTest):
    """Detect that numeric columns have changed, by the Cramér-von Mises test of each.

    The effect is the root mean squared difference of the two distribution functions, over the rows of both:
    the share of rows that has typically moved past a value. Equal samples have 0, samples without overlap
    0.58 (up to 0.71 where values are tied). Where `KS` looks at the largest difference, this looks at all of
    them: it finds shifts of the whole column with fewer rows, and changes in the tails with more.

    Parameters
    ----------
    alpha : float
        False-alarm rate of one `detect`, over all columns: with exchangeable rows, unchanged data raise DRIFT
        at most this often, whatever ties there are.
    correction : {"holm", "bonferroni", "hochberg", "bh", "by", "westfall-young"} or None
        Correction for testing many columns. "holm" and "bonferroni" hold under any dependence; "bh" and "by"
        keep the share of false ones among the drifted columns; None keeps `alpha` for each column alone.
        "westfall-young" uses the dependence between columns and needs rows, see `ByColumn`.
    tolerance : float
        Smallest effect worth reporting: a smaller one is never DRIFT.
    must_detect : float or None
        An effect this large must have been findable; else the answer is UNDECIDED instead of STABLE. None:
        UNDECIDED only where so few rows cannot bring p to the level.
    n_permutations : int
        Relabelings drawn where the limit law does not stand. More are drawn where p is near the level that it
        is held to.
    block : int or None
        Rows come in the order of time, and those nearer than `block` rows depend on each other. The statistic
        is divided by the number of rows that are worth one independent row, learnt from the reference.
    random_state : int, numpy generator or None
        Seed of the relabelings: the same question has the same answer. None draws afresh for each question.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    The p-value is that of the limit law given the ties, where either side is expected to have 200 rows
    besides the most frequent value; with fewer, where p is clearly above the level or far below; else that of
    the permutation test, exact given the pooled values (beyond 512 of them, as seen from 150 places).

    `interval` uses the triangle inequality: the true effect lies in it more often than its confidence says.
    `detectable` is the effect of the smallest shift that is found in 80 % of cases.

    Kept of either side are the distinct values with their counts, which merge exactly. `effects` are the
    shifts of the quantiles in the unit of the column (dates and durations: seconds).

    Cost: `fit` sorts each column once; `detect` sorts the current rows and puts both in order, O(n + m) per
    column, and needs some milliseconds more where relabelings are drawn.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Anderson (1962), "On the distribution of the two-sample Cramér-von Mises criterion".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import CramerVonMises
    >>> rng = np.random.default_rng(0)
    >>> detector = CramerVonMises(alpha=0.01).fit({"age": rng.normal(40, 10, 2000)})
    >>> result = detector.detect({"age": rng.normal(44, 10, 500)})
    >>> result.detected, round(result.score, 2)
    (True, 0.11)
    >>> print(result.parts["age"].effects["median"])
    3.385 [1.778, 5.215] (99 %)
    """

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        correction: str | None = "holm",
        tolerance: float = 0.0,
        must_detect: float | None = None,
        n_permutations: int = 999,
        block: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.alpha = alpha
        self.correction = correction
        self.tolerance = tolerance
        self.must_detect = must_detect
        self.n_permutations = n_permutations
        self.block = block
        self.random_state = random_state

    def _test(self, pooled: Pooled, reference: Learnt, alpha: float, deal: Deal) -> Finding:
        null, away, worth = cvm.law(pooled), cvm.distance(pooled), reference.worth
        found = self._p_value(pooled, null, away**2 / pooled.scale / worth, worth, alpha, deal)
        return Finding(
            pooled.n,
            pooled.m,
            score=away,
            p_value=found.p_value,
            interval=cvm.interval(pooled, null, away, confidence(alpha), worth),
            detectable=cvm.detectable(pooled, null, alpha, worth),
            enough=found.enough,
            remarks=found.remarks,
        )

    def _p_value(
        self,
        pooled: Pooled,
        null: Law,
        statistic: float,
        worth: float,
        alpha: float,
        deal: Deal,
    ) -> Drawn:
        p_value = cvm.limit_p_value(null, statistic)
        if _limit_stands(pooled, p_value, alpha):
            return Drawn(p_value)
        seen = pooled.at(places(pooled))
        return self._drawn(
            lambda drawn: cvm.permutation_p_value(seen, drawn, deal, worth),
            can_be_listed(seen),
            len(seen.ends),
            alpha,
        )


def _limit_stands(pooled: Pooled, p_value: float, level: float) -> bool:
    """Whether the limit p-value stands: everywhere, or else where it is clearly above or below the level.

    A p-value that does not reject cannot hurt the level, and ten times the level is above what most later
    steps of a correction ask for. One below the square of the level would be below the level in any case.
    """
    if cvm.limit_holds(pooled):
        return True
    near = max(level, min(BODY, 10.0 * level))
    return cvm.rows_that_vary(pooled) >= VARYING and not level * level < p_value <= near
