"""What detectors have in common that compare the shares of bins by a divergence."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn import _checks
from contlearn._tables import Column
from contlearn.drift._batch import ColumnTest
from contlearn.drift._bins import Bins, Counted, count, count_many, learn
from contlearn.drift._finding import Finding, confidence
from contlearn.drift._two_samples import Question
from contlearn.results import Interval
from contlearn.stats._divergence_laws import Chance, Gaps, chance
from contlearn.stats._divergences import HALF_A_ROW, Divergence
from contlearn.stats._noncentral import detectable_noncentrality, noncentrality, upper_tail
from contlearn.stats._shares import shifts

Floats = NDArray[np.float64]

LARGE_EXPECTATION = 200.0
"""From this expected count on in every bin, the limit law holds as far out as corrected tests look."""

SMALL_EXPECTATION = 20.0
"""Below this expected count in any bin, the limit law is trusted nowhere."""

BODY = 0.05
"""A limit p-value above this is right within a tenth or so in between."""

SURE = 1e-12
"""No p-value between these two is called smaller."""

TENTH_OF_A_ROW = 0.1
"""Added to every count for the upper limit of the effect: half a row would hide what empty bins may mean."""

MOST_EFFECTS = 5

BARELY = 0.005
"""Whether p could have come to the level is found out by drawing down to this, with 999 draws."""


class BinnedTest(ColumnTest):
    """A detector that compares the shares of bins, cut from the reference, by a divergence."""

    _divergence: ClassVar[Divergence]
    _share_effect = False
    _kinds = frozenset({"numeric", "boolean", "categorical", "datetime", "duration"})
    _cure = "convert it to text or numbers"

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        correction: str | None = "holm",
        tolerance: float = 0.0,
        must_detect: float | None = None,
        bins: int = 10,
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
        self.bins = bins

    def _check_parameters(self) -> None:
        super()._check_parameters()
        _checks.count("bins", self.bins, low=2, high=1000)

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Bins:  # noqa: ARG002
        return learn(columns[0], self.bins, self.block)

    def _describe(self, reference: Bins, columns: Sequence[Column]) -> Counted:
        return count(reference, columns[0])

    def _describe_all(self, references: Sequence[Bins], groups: Sequence[Sequence[Column]]) -> list[Counted]:
        return count_many(references, [columns[0] for columns in groups])

    def _compare(self, reference: Bins, current: Counted, alpha: float, seed: int | None) -> Finding:
        return self._compare_all([Question(("",), reference, current, alpha, seed)])[0]

    def _compare_all(self, questions: Sequence[Question]) -> list[Finding]:
        questions = [each._replace(reference=each.reference.at(each.alpha)) for each in questions]
        sides = _Sides.of(questions)
        tolerated = float(self.tolerance) if self.minimum_effect else 0.0
        measured = _Measured.of(self._divergence, sides, tolerated)
        effects = _effects(sides, questions)
        intervals = _intervals(self._divergence, sides, measured)
        return [
            Finding(
                n,
                m,
                score=score,
                p_value=found.p_value,
                interval=interval,
                detectable=_detectable(alpha, freedom, tolerated * scale) * dilution / scale,
                enough=found.enough,
                remarks=found.remarks,
                effects=effect,
            )
            for n, m, score, found, interval, alpha, freedom, scale, dilution, effect in zip(
                sides.n.tolist(),
                sides.m.tolist(),
                measured.score.tolist(),
                self._chances(questions, sides, measured, tolerated > 0.0),
                intervals,
                sides.alpha.tolist(),
                measured.freedom.tolist(),
                measured.scale.tolist(),
                measured.dilution.tolist(),
                effects,
                strict=True,
            )
        ]

    def _chances(
        self,
        questions: Sequence[Question],
        sides: _Sides,
        measured: _Measured,
        tolerant: bool,
    ) -> list[Chance]:
        """Return the p-value of each column: by the limit law where that stands, else of drawn samples."""
        found = []
        for place, (question, p_value) in enumerate(zip(questions, measured.limit.tolist(), strict=True)):
            reference: Bins = question.reference
            bins = int(measured.freedom[place]) + 1
            expected = float(measured.expected[place])
            enough = float(measured.extreme[place]) <= question.alpha
            if bins == 1 or tolerant:
                found.append(Chance(p_value if bins > 1 else 1.0, enough))
            elif limit := _by_limit(p_value, question.alpha, expected, reference, sides.after[place]):
                found.append(Chance(limit, enough))
            else:
                law = reference.law(question.current, sides.before[place, : len(reference.names)])
                drawn = chance(
                    self._divergence, law, float(measured.effective[place]), question.alpha, question.seed
                )
                able = law.least(self._divergence) <= question.alpha and (enough or reference.worth == 1.0)
                if able and drawn.p_value > question.alpha:
                    able = _can_reach(self._divergence, question, int(sides.m[place]))
                enough = drawn.enough and (drawn.p_value <= question.alpha or able)
                found.append(drawn._replace(enough=enough))
        return found


class _Sides(NamedTuple):
    """Rows per bin of many columns, one per row of a matrix; those with fewer bins end in empty ones."""

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    n: NDArray[np.int64]
    m: NDArray[np.int64]
    worth: Floats
    alpha: Floats

    @classmethod
    def of(cls, questions: Sequence[Question]) -> _Sides:
        both = [each.reference.both(each.current) for each in questions]
        shape = len(both), max(len(before) for before, _ in both)
        before, after = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, (one, other) in enumerate(both):
            before[row, : len(one)], after[row, : len(other)] = one, other
        return cls(
            before,
            after,
            before.sum(axis=1),
            after.sum(axis=1),
            np.array([each.reference.worth for each in questions]),
            np.array([each.alpha for each in questions]),
        )


class _Measured(NamedTuple):
    """What was measured in many columns.

    Attributes
    ----------
    score
        The divergence of the rows.
    effective
        The same of as many rows as they are worth: fewer where they depend on each other.
    scale
        What turns that into a statistic that is chi-squared for large samples.
    statistic
        That statistic.
    freedom
        Its degrees of freedom.
    dilution
        How much smaller a small divergence looks for the half row that is added to each bin.
    expected
        The smallest expected count of a bin on either side.
    limit
        The p-value of the limit law.
    extreme
        That of samples without anything in common: no smaller one can come.
    """

    score: Floats
    effective: Floats
    scale: Floats
    statistic: Floats
    freedom: Floats
    dilution: Floats
    expected: Floats
    limit: Floats
    extreme: Floats

    @classmethod
    def of(cls, divergence: Divergence, sides: _Sides, tolerated: float) -> _Measured:
        score = divergence.of_counts(sides.before, sides.after)
        effective = score
        if (sides.worth > 1.0).any():
            worth = sides.worth[:, None]
            effective = divergence.of_counts(sides.before / worth, sides.after / worth)
        n, m = sides.n / sides.worth, sides.m / sides.worth
        pooled = sides.before + sides.after
        rarest = np.where(pooled > 0, pooled, np.iinfo(np.int64).max).min(axis=1) / sides.worth
        freedom = np.maximum((pooled > 0).sum(axis=1) - 1.0, 0.0)
        scale = divergence.scale / (1.0 / n + 1.0 / m)
        zero = np.zeros_like(n)
        apart = divergence.of_counts(np.stack((n, zero), axis=1), np.stack((zero, m), axis=1))
        return cls(
            score,
            effective,
            scale,
            scale * effective,
            freedom,
            (1.0 + HALF_A_ROW * (freedom + 1.0) / np.minimum(n, m)) ** 2,
            rarest * np.minimum(n, m) / (n + m),
            upper_tail(scale * effective, np.maximum(freedom, 1.0), tolerated * scale),
            upper_tail(scale * apart, np.maximum(freedom, 1.0), tolerated * scale),
        )


def _by_limit(
    p_value: float, level: float, expected: float, reference: Bins, after: NDArray[np.int64]
) -> float | None:
    """Return the limit p-value, where it stands if `expected` is the smallest expected count; else None.

    Far out, chance makes large distances more often than the limit law says. So nothing near the `level`
    rests on it where counts are not large, only what is clearly above or below. Below, the root of the limit
    p-value, and at least `SURE`, is above the exact one (checked for two bins). Nor does anything rest on it
    about values that the reference has rarely or never: which these are is itself a matter of chance.
    """
    if reference.own and (reference.rarest or after[len(reference.names) - 1]):
        return None
    if expected >= LARGE_EXPECTATION:
        return p_value
    if expected < SMALL_EXPECTATION:
        return None
    if p_value > max(level, min(BODY, 10.0 * level)):
        return p_value
    bound = max(SURE, p_value**0.5)
    return bound if bound <= level else None


def _can_reach(divergence: Divergence, question: Question, rows: int) -> bool:
    """Whether so many current rows could have brought p to the level, had they been all the same."""
    reference: Bins = question.reference
    level = max(question.alpha, BARELY)
    for current in reference.extremes(rows):
        before, after = reference.both(current)
        law = reference.law(current, before)
        if law.least(divergence) > question.alpha:
            continue
        away = float(divergence.of_counts(before / reference.worth, after / reference.worth))
        if isinstance(law, Gaps) or chance(divergence, law, away, level, question.seed).p_value <= level:
            return True
    return False


@functools.lru_cache(maxsize=4096)
def _detectable(level: float, freedom: float, tolerated: float) -> float:
    return detectable_noncentrality(level, max(freedom, 1.0), tolerated)


def _intervals(divergence: Divergence, sides: _Sides, measured: _Measured) -> list[Interval]:
    """Return intervals of the true divergences, by all noncentral laws that could well have made this."""
    freedom = np.maximum(measured.freedom, 1.0)
    quantile = -special.ndtri(0.5 * sides.alpha)
    low = noncentrality(measured.statistic, freedom, quantile) / measured.scale
    worth = sides.worth[:, None]
    raised = divergence.of_counts(sides.before / worth, sides.after / worth, TENTH_OF_A_ROW)
    high = noncentrality(measured.scale * raised, freedom, -quantile) / measured.scale
    return [
        Interval(score, min(score, one), min(max(score, other), divergence.largest), confidence(alpha))
        for score, one, other, alpha in zip(
            measured.score.tolist(), low.tolist(), high.tolist(), sides.alpha.tolist(), strict=True
        )
    ]


def _effects(sides: _Sides, questions: Sequence[Question]) -> list[dict[str, Interval]]:
    """Return the changes of the shares of those bins of each column that changed most."""
    n, m, worth = sides.n[:, None], sides.m[:, None], sides.worth[:, None]
    distance = np.abs(sides.after / m - sides.before / n)
    order = np.argsort(-distance, axis=1, kind="stable")[:, :MOST_EFFECTS]
    before, after = (_worth_of(each, order, worth) for each in (sides.before, sides.after))
    rows: Any = n / worth, m / worth
    changed = shifts(before, rows[0], after, rows[1], sides.alpha[:, None])
    found = []
    for question, places, *changes in zip(
        questions, order.tolist(), *(each.tolist() for each in changed), strict=True
    ):
        level, names = confidence(question.alpha), question.reference.names
        found.append(
            {
                names[place]: Interval(change, least, largest, level)
                for place, change, least, largest in zip(places, *changes, strict=True)
                if change
            }
        )
    return found


def _worth_of(rows: NDArray[np.int64], order: NDArray[np.intp], worth: Floats) -> Any:
    return np.take_along_axis(rows, order, axis=1) / worth
