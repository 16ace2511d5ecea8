"""What the tests of distribution functions have in common: what they keep, what they draw, what has moved."""

from __future__ import annotations

import abc
import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn import _checks
from contlearn._tables import Column
from contlearn.drift._batch import SingleTest
from contlearn.drift._finding import Finding, confidence
from contlearn.drift._seeds import digest
from contlearn.drift._two_samples import Question
from contlearn.drift._values import Values, inflation, sides, values_of
from contlearn.results import Interval
from contlearn.stats._pooled import Deal, Dealer, Pooled, pool
from contlearn.stats._quantiles import Quantiles, all_ranks, intervals, quantile_shifts

CELLS = 10_000_000
"""Cells that may be drawn for one p-value, about a second of work, ..."""

MOST, FEWEST_OF_MOST = 100_000, 20_000
"""... but no more than so many relabelings, and always so many where the level asks for them."""

FIRST = 99
"""Relabelings after which most columns are known to be far from the level."""

UNITS = {"numeric": 1.0, "datetime": 1e6, "duration": 1e6}


class Learnt(NamedTuple):
    """What is kept of a column of the reference.

    Attributes
    ----------
    values
        Its distinct values with their counts.
    unit
        What its shifts are divided by: microseconds become seconds. None: they are not given.
    worth
        Dependent rows that are worth one independent row.
    more
        What else the test keeps.
    """

    values: Values
    unit: float | None
    worth: float
    more: Any = None


class Drawn(NamedTuple):
    """A p-value, and what kept it from being as small as it had to be."""

    p_value: float
    enough: bool = True
    remarks: tuple[str, ...] = ()


class OrderedTest(SingleTest):
    """A detector that compares the distribution functions of each column of numbers."""

    _kinds = frozenset({"numeric", "boolean", "datetime", "duration"})
    _cure = "use ChiSquared for it, or ByColumn for a mixed table"
    _share_effect = False
    _cells = "ordered"

    n_permutations: int
    block: int | None

    def _check_parameters(self) -> None:
        super()._check_parameters()
        _checks.count("n_permutations", self.n_permutations)

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Learnt:  # noqa: ARG002
        (column,) = columns
        values = values_of(column)
        return Learnt(values, UNITS.get(column.kind), inflation(column, self.block), self._learn_more(values))

    def _learn_more(self, values: Values) -> Any:  # noqa: ARG002
        return None

    def _describe(self, reference: Learnt, columns: Sequence[Column]) -> Values:  # noqa: ARG002
        return values_of(columns[0])

    def _compare(self, reference: Learnt, current: Values, alpha: float, seed: int | None) -> Finding:
        return self._compare_all([Question((), reference, current, alpha, seed)])[0]

    def _compare_all(self, questions: Sequence[Question]) -> list[Finding]:
        findings = []
        dealers: dict[int | None, Dealer] = {}
        pools = [pool(*sides(each.reference.values, each.current)) for each in questions]
        # The same draws serve all columns. They are those of the ranks in all of them, of both sides alike.
        ranks = (digest([each.first]) ^ digest([each.ends - each.first]) for each in pools)
        data = functools.reduce(operator.xor, ranks, 0)
        for each, pooled in zip(questions, pools, strict=True):
            seed = None if each.seed is None else ((each.seed >> 32) << 32) + data
            deal = dealers.setdefault(seed, Dealer(seed))
            finding = self._test(pooled, each.reference, each.alpha, deal)
            worth = each.reference.worth
            able = _can_reach(finding.n_reference / worth, finding.n_current / worth, each.alpha)
            if able and worth > 1.0:
                able = _limit_can_reach(finding.n_reference / worth, finding.n_current / worth, each.alpha)
            findings.append(finding._replace(enough=finding.enough and able))
        effects = _shifts(questions)
        return [one._replace(effects=moved) for one, moved in zip(findings, effects, strict=True)]

    @abc.abstractmethod
    def _test(self, pooled: Pooled, reference: Learnt, alpha: float, deal: Deal) -> Finding:
        """Return what one test finds in the reference and current rows, pooled."""

    def _drawn(
        self,
        draw: Callable[[int], float],
        listed: bool,
        cells: int,
        level: float,
        bound: Callable[[], float] = lambda: 1.0,
    ) -> Drawn:
        """Return the p-value by drawing relabelings: more of them, the nearer it is to the `level`.

        Drawing goes on, afresh, while p might be near the level or below it. That keeps the level: where p is
        at most a t at which drawing would not have stopped, it comes from the next draw. Nor is there more to
        draw where an upper `bound` of p is below the square of the level.
        """
        most = min(MOST, max(FEWEST_OF_MOST, CELLS // cells))
        finest = max(self.n_permutations, min(most, math.ceil(4.0 / level) - 1))
        for drawn in sorted({min(FIRST, self.n_permutations), self.n_permutations, finest}):
            p_value = draw(drawn)
            if listed or p_value > max(4.0, min(10.0, 10.0 * level * (drawn + 1))) / (drawn + 1):
                return Drawn(p_value)
            if drawn != finest and (least := bound()) <= level * level:
                return Drawn(least)
        if 1.0 / (drawn + 1) <= level:
            return Drawn(p_value)
        remark = f"p cannot fall below {1.0 / (drawn + 1):.2g}: {drawn} relabelings drawn"
        return Drawn(p_value, False, (remark,))


def _can_reach(n: float, m: float, level: float) -> bool:
    """Whether samples of these sizes, without overlap and ties, have a p-value of at most `level`."""
    ways = float(special.gammaln(n + m + 1.0) - special.gammaln(n + 1.0) - special.gammaln(m + 1.0))
    return math.log(2.0 if n == m else 1.0) - ways <= math.log(level)


def _limit_can_reach(n: float, m: float, level: float) -> bool:
    """Whether they have by the tail of the limit law, which a statistic divided by a design effect has.

    Without overlap the statistic of Cramér and von Mises is a third of 1 / (1/n + 1/m); its law is a sum of
    squared normals over (pi j)^2, which in the tail is the first of them, times the root of two.
    """
    furthest = math.pi**2 / 3.0 / (1.0 / n + 1.0 / m)
    return math.sqrt(2.0) * float(special.chdtrc(1.0, furthest)) <= level


def _shifts(questions: Sequence[Question]) -> list[Mapping[str, Interval]]:
    """Return the shifts of the quantiles; a column of booleans has none that says anything."""
    found: list[Mapping[str, Interval]] = [{} for _ in questions]
    chosen = [place for place, each in enumerate(questions) if each.reference.unit is not None]
    if not chosen:
        return found
    asked = [questions[place] for place in chosen]
    moved = quantile_shifts(
        _quantiles(asked, [each.reference.values for each in asked]),
        _quantiles(asked, [each.current for each in asked]),
    )
    shifts = intervals(moved, [confidence(each.alpha) for each in asked])
    for place, each in zip(chosen, shifts, strict=True):
        found[place] = each
    return found


def _quantiles(questions: Sequence[Question], samples: Sequence[Values]) -> Quantiles:
    rows = [sample.rows for sample in samples]
    ranks: list[NDArray[Any]] = [
        all_ranks(n, confidence(each.alpha), each.reference.worth)
        for n, each in zip(rows, questions, strict=True)
    ]
    places = [sample.places(rank) for sample, rank in zip(samples, ranks, strict=True)]
    values = np.array(
        [
            _from_origin(sample.values[place], each) / each.reference.unit
            for sample, place, each in zip(samples, places, questions, strict=True)
        ]
    )
    return Quantiles.of(values, values, np.array(ranks), np.array(rows), np.array(places))


def _from_origin(values: NDArray[Any], question: Question) -> NDArray[np.float64]:
    """Return values as floats; integers that floats would not tell apart, from one of the reference on."""
    before, after = question.reference.values.values, question.current.values
    if "f" in (before.dtype.kind, after.dtype.kind):
        return values.astype(np.float64)
    return (values.astype(object) - int(before[0])).astype(np.float64)
