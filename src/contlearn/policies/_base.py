"""The policy, its three operators, and Kleene's logic of what is not known."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from typing import Any, ClassVar, NoReturn, TypeAlias

from contlearn import _checks
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision


class Policy(abc.ABC):
    """A pure rule `Evidence -> Decision` that joins others with `&`, `|` and `~`.

    Rules of your own are plain functions of the same shape, or subclasses of this class where parameters,
    a `repr` and equality are wanted: a frozen dataclass with `__call__`. A rule must not change anything,
    nor raise because something is not known: it then names that in `Decision.missing`.

    Every branch is evaluated, so that `Decision.because` is complete. A part whose evidence is not known is
    *unknown*, and the operators follow Kleene's logic: `yes | unknown` is yes, `no & unknown` is no, and
    everything else that an unknown part could still change is unknown, which does not retrain.

    Notes
    -----
    Frozen, so that threads may share it; that holds for the functions in it as far as they are pure.

    Examples
    --------
    >>> from contlearn.policies import Evidence, LossIncrease, MinLabels, OnDrift
    >>> policy = (OnDrift() | LossIncrease(0.02)) & MinLabels(500)
    >>> policy
    (OnDrift() | LossIncrease(0.02)) & MinLabels(500)
    >>> print(policy(Evidence(loss=0.31, baseline_loss=0.28, n_labels=812)))
    retrain: loss rose by 0.03 (limit 0.02) and 812 labels (need 500)
    >>> print(policy(Evidence(n_labels=812)))
    unknown: drift is not known and loss and baseline_loss are not known

    A function joins in:

    >>> from contlearn.results import Decision
    >>> def at_night(evidence):
    ...     return Decision(evidence.now.hour < 6, f"it is {evidence.now:%H:%M}")
    >>> OnDrift() & at_night
    OnDrift() & at_night
    """

    __slots__ = ()

    @abc.abstractmethod
    def __call__(self, evidence: Any) -> Decision:
        """Decide from `evidence` alone."""

    def __and__(self, other: PolicyLike) -> Policy:
        return _joined(_AllOf, self, other)

    def __rand__(self, other: PolicyLike) -> Policy:
        return _joined(_AllOf, other, self)

    def __or__(self, other: PolicyLike) -> Policy:
        return _joined(_AnyOf, self, other)

    def __ror__(self, other: PolicyLike) -> Policy:
        return _joined(_AnyOf, other, self)

    def __invert__(self) -> Policy:
        return _Not(self)

    def __bool__(self) -> NoReturn:
        # `OnDrift() and MinLabels(500)` would silently drop the first rule
        raise TypeError(
            "a policy is neither true nor false; ask policy(evidence), and join policies by &, | and ~"
        )


PolicyLike: TypeAlias = Policy | Callable[[Any], Decision]


class Rule(Policy):
    """A policy of this package: a dataclass whose `repr` is the expression that makes it."""

    __slots__ = ()

    def __repr__(self) -> str:
        given = []
        for position, field in enumerate(fields(self)):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.default is MISSING or value != field.default:
                given.append(expression(value) if position == 0 else f"{field.name}={expression(value)}")
        return f"{type(self).__name__}({', '.join(given)})"


def expression(value: object) -> str:
    """Return the text that makes `value`: a function is its name, a duration the call that makes it."""
    if isinstance(value, timedelta):
        return repr(value).removeprefix("datetime.")
    return repr(value) if isinstance(value, Policy) else getattr(value, "__name__", repr(value))


def require_policy(name: str, value: object) -> None:
    """Refuse what cannot be asked, and a class that was not called."""
    if isinstance(value, type):
        _checks.fail(name, "be a policy or a function", f"the class {value.__name__}", "call it first")
    if not callable(value):
        _checks.fail(name, "be a policy or a function", value)


def ask(policy: PolicyLike, evidence: Evidence) -> Decision:
    """Return the answer of `policy`, which must be a `Decision`: a bare yes carries no reason."""
    decision = policy(evidence)
    if not isinstance(decision, Decision):
        _checks.fail(
            expression(policy), "return a Decision", decision, "return Decision(retrain=..., reason=...)"
        )
    return decision


def unknown(missing: Iterable[str], reason: str = "", because: tuple[Decision, ...] = ()) -> Decision:
    """Return the decision of a rule that lacks the evidence named in `missing`."""
    names = tuple(dict.fromkeys(missing))
    verb = "is" if len(names) == 1 else "are"
    cure = _OF_THE_CHAMPION.get(names, "")
    return Decision(False, reason or f"{' and '.join(names)} {verb} not known{cure}", because, names)


# What nobody measures again: without it a rule stays unknown for ever.
_OF_THE_CHAMPION: dict[tuple[str, ...], str] = {
    (name,): f" (pass it, or promote(..., {name}=) on a ledger)" for name in ("trained_at", "baseline_loss")
}


def tally(votes: Sequence[Decision], needed: int, prefix: str = "", absent: int = 0) -> Decision:
    """Return whether at least `needed` of `votes` say retrain, in Kleene's logic.

    `absent` votes were never cast for want of history: any of them could have been a yes.
    """
    yes = [vote for vote in votes if vote.retrain]
    open_ = [vote for vote in votes if vote.missing]
    no = [vote for vote in votes if not vote.retrain and not vote.missing]
    because = tuple(votes)
    if len(yes) >= needed:
        return Decision(True, prefix + _reasons(yes), because)
    if len(yes) + len(open_) + absent < needed:
        return Decision(False, prefix + _reasons(no), because)
    missing = [name for vote in open_ for name in vote.missing] + ["history"] * bool(absent)
    lost = [Decision(False, f"{absent} earlier not known")] if absent else []
    return unknown(missing, prefix + _reasons([*open_, *lost]), because)


def _reasons(votes: Sequence[Decision]) -> str:
    return " and ".join(vote.reason for vote in votes)


class _Chain(Policy):
    """Policies joined by one operator."""

    __slots__ = ()
    parts: tuple[PolicyLike, ...]
    sign: ClassVar[str]

    def __repr__(self) -> str:
        return _chain_text(self.parts, f" {self.sign} ")


@dataclass(frozen=True, slots=True, repr=False)
class _AllOf(_Chain):
    parts: tuple[PolicyLike, ...]
    sign: ClassVar[str] = "&"

    def __call__(self, evidence: Evidence) -> Decision:
        return tally([ask(part, evidence) for part in self.parts], len(self.parts))


@dataclass(frozen=True, slots=True, repr=False)
class _AnyOf(_Chain):
    parts: tuple[PolicyLike, ...]
    sign: ClassVar[str] = "|"

    def __call__(self, evidence: Evidence) -> Decision:
        return tally([ask(part, evidence) for part in self.parts], 1)


@dataclass(frozen=True, slots=True, repr=False)
class _Not(Policy):
    policy: Policy

    def __call__(self, evidence: Evidence) -> Decision:
        inner = ask(self.policy, evidence)
        if inner.missing:
            return unknown(inner.missing, inner.reason, (inner,))
        return Decision(not inner.retrain, f"not ({inner.reason})", (inner,))

    def __invert__(self) -> Policy:
        return self.policy

    def __repr__(self) -> str:
        return f"~{_part_text(self.policy)}"


def _joined(kind: type[_AllOf] | type[_AnyOf], left: object, right: object) -> Policy:
    """Return the flat chain, or NotImplemented, from which Python makes a TypeError at that line."""
    parts: list[Any] = []
    for side in (left, right):
        if not callable(side):
            return NotImplemented  # type: ignore[no-any-return]
        require_policy("an operand", side)
        parts.extend(side.parts if isinstance(side, kind) else (side,))
    return kind(tuple(parts))


def _chain_text(parts: tuple[PolicyLike, ...], sign: str) -> str:
    """Return the expression of a chain; two leading functions need a policy to give them the operator."""
    if not isinstance(parts[0], Policy) and not isinstance(parts[1], Policy):
        return f"{_part_text(parts[0])}{sign}({_chain_text(parts[1:], sign)})"
    return sign.join(map(_part_text, parts))


def _part_text(part: PolicyLike) -> str:
    return f"({part!r})" if isinstance(part, _Chain) else expression(part)
