"""Wasserstein: how far have numbers moved, in standard deviations of the reference?"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, final

from contlearn import _checks
from contlearn.drift._finding import Finding, confidence
from contlearn.drift._ordered import Drawn, Learnt, OrderedTest
from contlearn.drift._values import Values
from contlearn.results import Interval
from contlearn.stats import _wasserstein as w1
from contlearn.stats._pooled import Deal, Pooled, can_be_listed

SCALES = ("sd", "iqr")


@final
class Wasserstein(OrderedTest):
    """Detect that numeric columns have changed, by how far their rows have moved.

    The effect is the Wasserstein distance, the area between the two distribution functions, in standard
    deviations of the reference: how far a row has to be moved, on average, to turn one sample into the other.
    A shift by half a standard deviation has 0.5. Values far out count by how far out they are, so this finds
    that a few rows have gone astray, which tests of ranks (`KS`, `CramerVonMises`) hardly see.

    Parameters
    ----------
    alpha : float
        False-alarm rate of one `detect`, over all columns: with exchangeable rows, unchanged data raise DRIFT
        at most this often, whatever ties and outliers there are.
    correction : {"holm", "bonferroni", "hochberg", "bh", "by", "westfall-young"} or None
        Correction for testing many columns. "holm" and "bonferroni" hold under any dependence; "bh" and "by"
        keep the share of false ones among the drifted columns; None keeps `alpha` for each column alone.
        "westfall-young" uses the dependence between columns and needs rows, see `ByColumn`.
    tolerance : float
        Smallest effect worth reporting: a smaller one is never DRIFT.
    must_detect : float or None
        An effect this large must have been findable; else the answer is UNDECIDED instead of STABLE. None:
        UNDECIDED only where so few rows cannot bring p to the level.
    scale : {"sd", "iqr"}
        Unit of the effect: standard deviation of the reference, or the distance of its quartiles, which
        outliers do not change. The p-value does not depend on it.
    n_permutations : int
        Relabelings drawn for a p-value. More are drawn where it is near the level that it is held to.
    block : int or None
        Rows come in the order of time, and those nearer than `block` rows depend on each other. The distance
        is divided by the root of the number of rows that are worth one independent row, learnt from the
        reference.
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
    Where the reference has no spread in the unit asked for (more than half of its rows equal, for "iqr"),
    the unit is its standard deviation, and where all its rows are equal, that of both sides together, which
    `remarks` say. So a constant column that has changed is as visible as any other.

    The p-value is that of the permutation test, exact given the pooled values (beyond 512 distinct ones, of
    the area as seen from 150 places). Far below the level, it is the upper bound of Bousquet's inequality,
    which needs no draws.

    `interval` uses the triangle inequality: the true effect lies in it more often than its confidence says.
    `detectable` is the smallest shift that is found in 80 % of cases.

    Kept of either side are the distinct values with their counts, which merge exactly. `effects` are the
    shifts of the quantiles in the unit of the column (dates and durations: seconds).

    Cost: `fit` sorts each column once; `detect` sorts the current rows and puts both in order, O(n + m) per
    column, and draws for about a millisecond, 40 where p is near a level of 0.001. Columns whose ties lie
    alike, such as those without ties, share what is drawn.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Ramdas, García Trillos and Cuturi (2017), "On Wasserstein two-sample testing and related families of
    nonparametric tests"; Bousquet (2002), "A Bennett concentration inequality and its application to suprema
    of empirical processes"; Hoeffding (1963) for sampling without replacement.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import Wasserstein
    >>> rng = np.random.default_rng(0)
    >>> detector = Wasserstein(alpha=0.01).fit({"age": rng.normal(40, 10, 2000)})
    >>> result = detector.detect({"age": rng.normal(44, 10, 500)})
    >>> result.detected, round(result.score, 2)
    (True, 0.4)
    """

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        correction: str | None = "holm",
        tolerance: float = 0.0,
        must_detect: float | None = None,
        scale: Literal["sd", "iqr"] = "sd",
        n_permutations: int = 999,
        block: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.alpha = alpha
        self.correction = correction
        self.tolerance = tolerance
        self.must_detect = must_detect
        self.scale = scale
        self.n_permutations = n_permutations
        self.block = block
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        _checks.one_of("scale", self.scale, SCALES)

    def _learn_more(self, values: Values) -> w1.Spread:
        return w1.spread(values.values, values.counts)

    def _test(self, pooled: Pooled, reference: Learnt, alpha: float, deal: Deal) -> Finding:
        line, worth = w1.on_a_line(pooled.values), reference.worth
        away = w1.distance(pooled, line)
        found = self._p_value(pooled, line, away, worth, alpha, deal)
        unit = _unit(reference.more, pooled, line, self.scale)
        few = w1.seen(pooled, line, w1.COARSE, w1.COARSE)
        together = w1.margins(few, together=True)
        interval = w1.interval(away, (w1.margins(few), together), confidence(alpha), worth)
        return Finding(
            pooled.n,
            pooled.m,
            score=unit.of(away),
            p_value=found.p_value,
            interval=Interval(
                unit.of(away), unit.of(interval.low), unit.of(interval.high), interval.confidence
            ),
            detectable=unit.of(w1.detectable(together, alpha, worth)),
            enough=found.enough,
            remarks=(*unit.remarks, *found.remarks),
        )

    def _p_value(
        self,
        pooled: Pooled,
        line: w1.Line,
        away: float,
        worth: float,
        alpha: float,
        deal: Deal,
    ) -> Drawn:
        seen = w1.seen(pooled, line)
        return self._drawn(
            lambda drawn: w1.permutation_p_value(seen, drawn, deal, worth),
            can_be_listed(seen.pooled),
            len(seen.pooled.ends),
            alpha,
            lambda: w1.upper_bound(pooled, line, away, worth),
        )


class Unit(NamedTuple):
    """What distances are divided by, and what a reader should know about it."""

    size: float
    remarks: tuple[str, ...] = ()

    def of(self, distance: float) -> float:
        """Return a distance in this unit, as far as that is a float."""
        if distance == 0.0 or self.size == 0.0:
            return 0.0
        return min(distance / self.size, w1.LARGEST)


def _unit(reference: w1.Spread, pooled: Pooled, line: w1.Line, scale: str) -> Unit:
    """Return the spread of the reference; where it has none, that of something that has."""
    if size := reference.on(line, scale):
        return Unit(size)
    if size := reference.on(line, "sd"):
        return Unit(size, ("half of the reference is equal: effect in standard deviations",))
    if len(line.offsets) == 1:
        return Unit(0.0)
    both = w1.spread(pooled.values, pooled.sizes).on(line, "sd")
    return Unit(both, ("the reference is constant: effect in standard deviations of both sides",))
