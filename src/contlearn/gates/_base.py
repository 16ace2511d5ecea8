"""What a gate is, and how gates are joined."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Self, TypeAlias

from contlearn import _checks
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict

GateLike: TypeAlias = Callable[[Trial], Verdict]
"""A gate, or any callable that reads a trial and answers with a verdict."""

_NO_OR = (
    "whatever a joined gate promotes, each of its gates must promote, so that it keeps their rates of wrong "
    "promotions, which no or and no not would; write another rule as a function of a trial"
)

_WEAKEST_FIRST = (Outcome.REJECT, Outcome.CONTINUE, Outcome.PROMOTE)


class Gate(abc.ABC):
    """A rule that decides what to serve: a pure function from a trial to a verdict.

    Gates are joined by `&`, with each other and with plain callables. All of them must promote; so whatever
    the joined gates let pass wrongly, each of them let pass wrongly, and the joined rate of wrong promotions
    is no larger than the smallest of theirs. There is no `|`: "any of them" would keep no such rate.

    Write your own as a subclass with `__call__`, or as a function.

    Notes
    -----
    Frozen, so that threads may share it; that holds for the functions in it as far as they are pure.

    Examples
    --------
    >>> from contlearn.gates import Gain, Outcome, Trial, Verdict
    >>> def small_enough(trial):
    ...     return Verdict(Outcome.PROMOTE, "the challenger has 2 MB (limit 5)")
    >>> gate = Gain() & small_enough
    >>> gate
    Gain(margin=0.0, alpha=0.05) & small_enough
    >>> print(gate(Trial([1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0])))
    promote: gain 0.8333 [0.2636, 0.9619] (90 %) is above margin 0 (6 rows, 5 better and 0 worse; exact
    McNemar test, p = 0.0312 <= 0.05); the challenger has 2 MB (limit 5)
    """

    __slots__ = ()
    _asks_people = False  # whether its answer is a person's, who reads what the gates beside it found

    @abc.abstractmethod
    def __call__(self, trial: Trial) -> Verdict:
        """Return what the trial shows; change nothing."""

    def tightened(self, alpha: float) -> Self:
        """Return this gate at `alpha`, or as it is where its own is smaller or it keeps no error rate."""
        own: Any = getattr(self, "alpha", None)
        return self if own is None or own <= alpha else replace(self, alpha=alpha)  # type: ignore[type-var]

    def __and__(self, other: GateLike) -> Gate:
        return AllOf((*_parts(self), *_parts(other))) if _joins(other) else NotImplemented

    def __rand__(self, other: GateLike) -> Gate:
        return AllOf((*_parts(other), *_parts(self))) if _joins(other) else NotImplemented

    def __or__(self, other: object) -> NoReturn:
        raise TypeError(f"gates are joined by & only; {_NO_OR}")

    __ror__ = __or__

    def __invert__(self) -> NoReturn:
        raise TypeError(f"a gate cannot be turned round by ~; {_NO_OR}")

    def __bool__(self) -> NoReturn:
        # `first and second` would quietly drop the first gate
        raise TypeError("a gate is neither true nor false; ask gate(trial), and join gates by &")


@dataclass(frozen=True, slots=True, repr=False)
class AllOf(Gate):
    """Gates that must all promote; made by `&`."""

    parts: tuple[GateLike, ...]

    def __call__(self, trial: Trial) -> Verdict:
        verdicts = tuple(ask(part, trial) for part in self.parts)
        outcome = weakest(verdicts)
        return Verdict(
            outcome,
            self._reason(verdicts, outcome),
            gain=next((verdict.gain for verdict in verdicts if verdict.gain), None),
            p_value=largest_p_value(verdicts),
            needed=joint_needed(outcome, verdicts),
            because=verdicts,
        )

    def _reason(self, verdicts: tuple[Verdict, ...], outcome: Outcome) -> str:
        """Return the reasons that decide; where only a person is waited for, what that person should read."""
        asked = list(zip(self.parts, verdicts, strict=True))
        reason = "; ".join(verdict.reason for _, verdict in asked if verdict.outcome is outcome)
        passed = [verdict.reason for _, verdict in asked if verdict.promote]
        waited_for = [part for part, verdict in asked if not verdict.promote]
        if outcome is not Outcome.CONTINUE or not passed or not all(map(_asks_people, waited_for)):
            return reason
        return f"{reason}; passed: {'; '.join(passed)}"

    def tightened(self, alpha: float) -> AllOf:
        """Return the same gates, each at most at `alpha`."""
        return AllOf(tuple(tightened(part, alpha) for part in self.parts))

    def __repr__(self) -> str:
        return " & ".join(_name(part) for part in self.parts)


def tightened(gate: GateLike, alpha: float) -> GateLike:
    """Return `gate` at most at `alpha`; a plain function keeps no error rate and stays as it is."""
    return gate.tightened(alpha) if isinstance(gate, Gate) else gate


def ask(gate: GateLike, trial: Trial) -> Verdict:
    """Return the verdict of `gate`, or refuse whatever else it returned: a gate fails closed."""
    verdict = gate(trial)
    _checks.instance(f"the answer of {_name(gate)}", verdict, Verdict, "a Verdict")
    return verdict


def weakest(verdicts: Iterable[Verdict]) -> Outcome:
    """Return REJECT if any verdict says so, else CONTINUE if any does, else PROMOTE."""
    outcomes = {verdict.outcome for verdict in verdicts}
    return next(outcome for outcome in _WEAKEST_FIRST if outcome in outcomes)


def largest_p_value(verdicts: Iterable[Verdict]) -> float | None:
    """Return the largest p-value there is."""
    return max((verdict.p_value for verdict in verdicts if verdict.p_value is not None), default=None)


def joint_needed(outcome: Outcome, verdicts: Iterable[Verdict]) -> int | None:
    """Return how many more rows would settle every verdict that is open; None if one of them cannot say."""
    if outcome is not Outcome.CONTINUE:
        return None
    needed = [verdict.needed for verdict in verdicts if not verdict.final]
    known = [rows for rows in needed if rows is not None]
    return max(known) if len(known) == len(needed) else None


def _joins(other: object) -> bool:
    """Return whether `other` can be asked; a class is callable but is a gate nobody has made yet."""
    return callable(other) and not isinstance(other, type)


def _parts(gate: GateLike) -> tuple[GateLike, ...]:
    return gate.parts if isinstance(gate, AllOf) else (gate,)


def _asks_people(gate: GateLike) -> bool:
    return isinstance(gate, Gate) and gate._asks_people


def _name(gate: GateLike) -> str:
    return repr(gate) if isinstance(gate, Gate) else getattr(gate, "__name__", None) or repr(gate)
