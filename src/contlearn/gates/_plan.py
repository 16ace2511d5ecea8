"""Before looking: what a gate can find with the rows there are, and how many it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import ArrayLike

from contlearn import _checks, _doors, _html
from contlearn._answers import KINDS, Answer
from contlearn.gates._base import Gate
from contlearn.gates._plan_questions import MOST_ROWS, Joint, Leaf, Question, fewest_rows, least_gain
from contlearn.gates._plan_supposed import Supposed, question_of, sizes_of, world_of
from contlearn.gates._plan_worlds import Errors
from contlearn.gates._trial import Trial
from contlearn.results import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Answer):
    """What `plan` found. True exactly when the rows there are find the gain with the power asked for.

    Attributes
    ----------
    gate : str
        The gate that is planned.
    gain : float
        The true gain that is supposed.
    target : float
        The power asked for: the chance that a challenger with this gain is promoted.
    n : int or None
        The rows there are.
    power : float or None
        The power that they give; None where `n` is not known.
    needed : int or None
        The rows, in all, that give the power asked for; None if no number up to a billion does.
    detectable : float or None
        The smallest true gain that `n` rows find with the power asked for.
    basis : str
        What is supposed about the losses, and the test.
    of : str
        The slice that a part is about.
    parts : tuple of Plan
        The plans of the slices and gates that this one joins; rows are those of the part.
    whole : bool
        Whether every gate that reads the rows was planned. Where one was not, which the remarks name, the
        power is at most that stated, the rows are at least those stated, and the plan is never true.
    remarks : tuple of str
        What a reader should know before relying on the numbers.

    Examples
    --------
    >>> from contlearn.gates import Gain, plan
    >>> planned = plan(Gain(), gain=0.02, spread=0.3, n=500)
    >>> bool(planned), planned.needed
    (False, 1409)
    """

    gate: str
    gain: float
    target: float
    n: int | None = None
    power: float | None = None
    needed: int | None = None
    detectable: float | None = None
    basis: str = ""
    of: str = ""
    parts: tuple[Plan, ...] = ()
    whole: bool = True
    remarks: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether `n` rows give the power asked for; False where `n`, or what a gate needs, is not known."""
        return self.whole and self.power is not None and self.power >= self.target

    def __bool__(self) -> bool:
        return self.enough

    def __str__(self) -> str:
        told = [self._found(), self._lacking()]
        if self.detectable is not None:
            told.append(f"with that, {self.n} rows find a gain of {self.detectable:.3g}")
        told.append(self._weakest())
        told += [f"{self.gate}, {self.basis}" if self.basis else self.gate, *self.remarks]
        return _checks.one_line("plan: " + "; ".join(clause for clause in told if clause))

    def _found(self) -> str:
        if self.power is None:
            return ""
        return f"{self.n} rows find a gain of {self.gain:.4g} with power {self.power:.3g}"

    def _lacking(self) -> str:
        power = f"power {self.target:.3g}"
        if self.needed is None:
            return f"no number of rows finds a gain of {self.gain:.4g} with {power}"
        if self.power is None:
            return f"{self.needed} rows find a gain of {self.gain:.4g} with {power}"
        return f"{power} needs {self.needed}"

    def _weakest(self) -> str:
        known = [part for part in self.parts if part.power is not None]
        if not known:
            return ""
        part = min(known, key=lambda part: part.power or 0.0)
        return f"the weakest part, {part.of}: {part._found()}, {part._lacking()}"

    def _repr_html_(self) -> str:
        header = ("", "rows", "power", "rows needed", "gain", "detectable", "gate")
        rows = [
            (plan.of or "all", plan.n, plan.power, plan.needed, plan.gain, plan.detectable, plan.gate)
            for plan in (self, *self.parts)
        ]
        return _html.table(str(self), header, rows)


KINDS["tuple[Plan, ...]"] = (frozenset(), _doors.tuple_of(Plan))


def plan(
    gate: Gate,
    gain: float,
    *,
    n: int | None = None,
    discordance: float | Interval | None = None,
    predictions: tuple[ArrayLike, ArrayLike] | None = None,
    spread: float | None = None,
    like: Trial | None = None,
    slices: Mapping[Any, float] | None = None,
    power: float = 0.8,
) -> Plan:
    """Return, before looking, what power a gate has for a gain, and how many rows it needs.

    Margin and alpha are the gate's own: ``Gain()`` plans for superiority, ``Gain(margin=-0.01)`` for
    non-inferiority, ``Gain(margin=0.01)`` for a minimum worthwhile gain. How the losses vary is said in one
    of four ways: `discordance`, `predictions`, `spread` or `like`.

    Parameters
    ----------
    gate
        `Gain`, `EverySlice` of one, or such gates joined by ``&``. Other gates in the joint are named in the
        remarks and not planned: the plan is then not `whole`. An `Approval` needs no rows. For `OldData`,
        plan its inner gate for the rows of the smallest set.
    gain
        The true gain to plan for, over all rows and in every slice: champion loss minus challenger loss.
    n
        The rows there are, if they are known.
    discordance
        0/1 losses: share of rows on which one of the two models errs alone; an `Interval` counts by its upper
        end.
    predictions
        0/1 losses: labels that the two models predict for the same unlabelled rows. They disagree at least as
        often as one of them errs alone, so the upper 95 % bound of their disagreement is taken for the
        discordance. No label is spent.
    spread
        Other losses: standard deviation of champion loss minus challenger loss over the rows. Where rows come
        in clusters: that of the means of clusters, and `n` then counts clusters.
    like
        An earlier trial of similar models: rows, clusters and slices vary as they do there.
    slices
        Rows, or shares of the rows, by slice, for `EverySlice`. None: those of `like`.
    power
        The power asked for, above alpha and below 1.

    Returns
    -------
    Plan
        Its `power`, `needed` and `detectable`; true exactly when `n` rows are enough.

    Raises
    ------
    InvalidParameterError
        If it is not said, or said twice, how the losses vary; if the gain is larger than the discordance, or
        the gate is one that cannot be planned.

    Notes
    -----
    0/1 losses: the probability of all tables that the gate's own test rejects (exact or mid-p McNemar; the
    exact score test at other margins). At a margin of 0 that is exact, and from `needed` rows on the power
    stays (an exact test can lose a little of it from one row to the next). At other margins, with many rows,
    the test is made at 16 numbers of disagreeing rows and where a table is near the boundary, and
    interpolated in between: within 0.002 of the power. There and beyond 10,000 rows, `needed` is within
    0.2 %, or a few rows on the safe side. Where the true discordance is below the one given, the power is
    larger.

    Other losses: the power of Student's t with its guard, for normal differences. Slices are independent, so
    their powers multiply; gates joined by ``&`` read the same rows, so the power stated is a lower bound,
    1 - sum of (1 - power). The smallest slice decides.

    Cost: milliseconds at a margin of 0, about a second for every `Gain` in the gate at others.

    References
    ----------
    .. [1] R. J. Connor, "Sample size for testing differences in proportions for the paired-sample design",
       Biometrics 43 (1987).

    Examples
    --------
    >>> from contlearn.gates import EverySlice, Gain, plan
    >>> print(plan(Gain(), gain=0.02, discordance=0.06, n=3000))
    plan: 3000 rows find a gain of 0.02 with power 0.998; power 0.8 needs 996; with that, 3000 rows find a
    gain of 0.0114; Gain(margin=0.0, alpha=0.05), 0/1 losses, one model alone errs on 6 % of rows; exact
    McNemar test
    >>> bool(plan(EverySlice(Gain(), by="region"), 0.05, discordance=0.1, slices={"eu": 2000, "us": 150}))
    False
    """
    _checks.instance("gate", gate, Gate, "a gate")
    gain, power = _checks.number("gain", gain), _checks.fraction("power", power)
    sizes = None if slices is None else sizes_of(slices)
    if n is not None:
        n = _checks.count("n", n, high=MOST_ROWS)
    elif sizes is not None and sum(sizes.values()) > 1.5:
        n = round(sum(sizes.values()))
    supposed = Supposed(world_of(discordance, predictions, spread, like), like, sizes)
    question, skipped = question_of(gate, supposed, gain)
    if question is None:
        cure = "plan for Gain, EverySlice of a Gain, or those joined by &"
        _checks.fail("gate", "be one that can be planned", repr(gate), cure)
    _check_reachable(question, gain, power)
    remarks = tuple(f"not planned: {part}" for part in skipped)
    if skipped:
        remarks += ("what they ask for comes on top: the power is not known to reach this",)
    elif isinstance(question, Joint) and not question.independent:
        remarks += ("the gates read the same rows, so their joint power is at least this",)
    return replace(_answer(question, gain, power, n, remarks), whole=not skipped)


def _check_reachable(question: Question, gain: float, power: float) -> None:
    for leaf in question.leaves():
        if power <= leaf.gate.alpha:
            _checks.fail("power", f"be above alpha = {float(leaf.gate.alpha):g}", power)
        if isinstance(leaf.world, Errors) and abs(gain) > leaf.world.discordance + 1e-12:
            share = f"{leaf.world.discordance:.4g}"
            cure = "models that seldom differ cannot differ by more"
            _checks.fail("gain", f"be at most the discordance of {share}", f"{gain:g}", cure)


def _answer(
    question: Question, gain: float, power: float, n: int | None, remarks: tuple[str, ...] = ()
) -> Plan:
    parts = question.parts if isinstance(question, Joint) else ()
    known = None if n is None else question.chance(n)
    return Plan(
        gate=question.told,
        gain=gain,
        target=power,
        n=n,
        power=None if known is None else min(1.0, max(0.0, known(gain))),
        needed=fewest_rows(question, gain, power),
        detectable=None if n is None else least_gain(question, n, power),
        basis=question.world.told(question.gate) if isinstance(question, Leaf) else "",
        of=question.name,
        parts=tuple(_part(part, gain, power, n) for part in parts),
        remarks=remarks,
    )


def _part(part: Question, gain: float, power: float, n: int | None) -> Plan:
    """Return the plan of a part, in rows of that part."""
    rows = None if n is None else part.rows(n)
    return _answer(part.alone(), gain, power, rows)
