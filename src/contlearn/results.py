"""The answers: frozen records of Python builtins, true exactly when they say yes.

`DriftResult` answers a detector, `Decision` a policy, `Verdict` a gate; `Interval` is a number with its
uncertainty. All compare by value, pickle, print as one log line, and turn into JSON-ready dictionaries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from contlearn import _checks, _doors, _html

__all__ = ["Decision", "DriftResult", "DriftState", "Interval", "Outcome", "Verdict"]


class Interval(NamedTuple):
    """An estimate with the limits of its confidence interval.

    Attributes
    ----------
    estimate, low, high
        The estimate and the limits, in the unit of what was estimated. A limit may be infinite.
    confidence
        Coverage of [`low`, `high`], between 0 and 1.

    Examples
    --------
    >>> from contlearn.results import Interval
    >>> print(Interval(0.02, 0.01, 0.03, 0.9))
    0.02 [0.01, 0.03] (90 %)
    """

    estimate: float
    low: float
    high: float
    confidence: float

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}] ({100 * self.confidence:.4g} %)"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-ready dictionary; an infinite limit becomes None."""
        return {name: _plain(value) for name, value in self._asdict().items()}


class _Word(StrEnum):
    """A word of an answer; its `repr` is the expression that makes it, so that answers can be rebuilt."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


class DriftState(_Word):
    """What a detector concluded. UNDECIDED: not enough good data to say, and never reported as stable."""

    STABLE = "stable"
    WARNING = "warning"
    DRIFT = "drift"
    UNDECIDED = "undecided"


class Outcome(_Word):
    """What a gate concluded. CONTINUE: not enough evidence yet, so the champion stays."""

    PROMOTE = "promote"
    REJECT = "reject"
    CONTINUE = "continue"


class Parts(Mapping[str, "DriftResult"]):
    """A read-only dictionary of results by name: comparable with any mapping, and picklable."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Mapping[str, DriftResult]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, name: str) -> DriftResult:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __hash__(self) -> int:
        return hash(frozenset(self._parts.items()))

    def __repr__(self) -> str:
        return repr(self._parts)


class _Answer:
    """What the three answers share: fields that are what they say, builtins inside, a dictionary outside."""

    __slots__ = ()

    def __post_init__(self) -> None:
        kind: Any = type(self)
        for name, kinds, door in _doors_of(kind):
            value = getattr(self, name)
            if type(value) not in kinds:
                object.__setattr__(self, name, door(name, value))
            elif type(value) is float and value != value:
                _doors.refuse_nan(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready builtins: no NaN, no infinity, no numpy."""
        names = self.__dataclass_fields__  # type: ignore[attr-defined]
        return {name: _plain(getattr(self, name)) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftResult(_Answer):
    """What a detector saw, and what it concluded. True exactly when drift was detected.

    Attributes
    ----------
    state : DriftState
        The conclusion.
    score : float or None
        Effect: how far the current rows are from the reference, in the unit that the detector documents;
        higher is further. None where it could not be computed.
    interval : Interval or None
        Confidence interval of the effect, where one is known.
    p_value : float or None
        Corrected for every test that was made beside it; compare it with `alpha`.
    alpha : float or None
        False-alarm rate that the decision keeps.
    threshold : float or None
        Limit of `score`, for detectors that compare the score and not a p-value.
    tolerance : float or None
        Smallest effect worth reporting: below it, the state is never DRIFT.
    detectable : float or None
        Smallest effect that these numbers of rows would have caught with 80 % power.
    equivalent : bool
        True when the whole interval lies below `tolerance`: shown stable, not merely nothing found.
    n_reference, n_current : int
        Usable rows on the two sides.
    changed_at : int or None
        Stream detectors: estimated number of updates since the change.
    parts : mapping of str to DriftResult
        One result per column or aspect.
    remarks : tuple of str
        What a reader should know before acting on the numbers.

    Examples
    --------
    >>> from contlearn.results import DriftResult, DriftState
    >>> result = DriftResult(
    ...     state=DriftState.DRIFT, score=0.31, p_value=0.001, alpha=0.05, n_reference=900, n_current=80
    ... )
    >>> bool(result)
    True
    >>> print(result)
    drift: score 0.31, p = 0.001 (alpha 0.05), 80 rows against 900
    """

    state: DriftState
    score: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    alpha: float | None = None
    threshold: float | None = None
    tolerance: float | None = None
    detectable: float | None = None
    equivalent: bool = False
    n_reference: int = 0
    n_current: int = 0
    changed_at: int | None = None
    parts: Mapping[str, DriftResult] = field(default_factory=lambda: Parts({}))
    remarks: tuple[str, ...] = ()

    @property
    def detected(self) -> bool:
        """Whether drift was detected."""
        return self.state is DriftState.DRIFT

    @property
    def drifted(self) -> tuple[str, ...]:
        """Names of the parts that drifted, in their order."""
        return tuple(name for name, part in self.parts.items() if part.detected)

    def __bool__(self) -> bool:
        return self.detected

    def __str__(self) -> str:
        return _checks.one_line(f"{self.state.value}: " + ", ".join(self._clauses()))

    def _clauses(self) -> Iterator[str]:
        decisive = [name for name, part in self.parts.items() if part.state is self.state]
        if decisive and self.state is not DriftState.STABLE:
            names = ", ".join(map(_checks.called, decisive[:5]))
            yield f"in {names}" + (" and others" if len(decisive) > 5 else "")
        if self.score is not None:
            yield f"score {self.score:.4g}" + _aside("tolerance", self.tolerance)
        if self.p_value is not None:
            yield f"p = {self.p_value:.4g}" + _aside("alpha", self.alpha)
        if self.threshold is not None:
            yield f"threshold {self.threshold:.4g}"
        if self.state is DriftState.UNDECIDED and self.detectable is not None and not self.parts:
            yield f"only an effect of {self.detectable:.4g} would have been found"
        if self.equivalent and self.state is DriftState.STABLE:
            yield "shown stable"
        if self.changed_at is not None:
            yield f"changed about {self.changed_at} updates ago"
        yield f"{self.n_current} rows against {self.n_reference}"
        yield from self.remarks

    def _repr_html_(self) -> str:
        header = ("", "state", "score", "p", "alpha", "detectable", "rows", "reference rows")
        rows = [
            (
                _checks.called(name),
                r.state.value,
                r.score,
                r.p_value,
                r.alpha,
                r.detectable,
                r.n_current,
                r.n_reference,
            )
            for name, r in (("all" if self.parts else "", self), *self.parts.items())
        ]
        return _html.table(str(self), header, rows)


@dataclass(frozen=True, slots=True)
class Decision(_Answer):
    """What a policy decided. True exactly when it says retrain.

    Attributes
    ----------
    retrain : bool
        Whether to train a challenger now.
    reason : str
        One sentence that can be pasted into an incident.
    because : tuple of Decision
        The answers that this one was made from.
    missing : tuple of str
        Evidence that was not known and could have changed the answer. A decision with something missing is
        *unknown*: it does not retrain, nor does its negation.

    Examples
    --------
    >>> from contlearn.results import Decision
    >>> print(Decision(retrain=True, reason="loss rose by 0.03 (limit 0.02)"))
    retrain: loss rose by 0.03 (limit 0.02)
    """

    retrain: bool
    reason: str
    because: tuple[Decision, ...] = ()
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _Answer.__post_init__(self)
        if self.retrain and self.missing:
            _checks.fail("missing", "be empty when retrain is True", ", ".join(self.missing))

    @property
    def unknown(self) -> bool:
        """Whether something that was not known could have changed the answer."""
        return bool(self.missing)

    @property
    def word(self) -> str:
        """The answer in one word: retrain, wait, or unknown."""
        return "retrain" if self.retrain else "unknown" if self.missing else "wait"

    def __bool__(self) -> bool:
        return self.retrain

    def __str__(self) -> str:
        return _checks.one_line(f"{self.word}: {self.reason}")

    def _repr_html_(self) -> str:
        rows = [(decision.word, decision.reason) for decision in (self, *self.because)]
        return _html.table(str(self), ("decision", "reason"), rows)


@dataclass(frozen=True, slots=True)
class Verdict(_Answer):
    """What a gate concluded. True exactly when it says promote.

    Attributes
    ----------
    outcome : Outcome
        PROMOTE, REJECT or CONTINUE.
    reason : str
        One sentence that can be pasted into an incident.
    gain : Interval or None
        Champion loss minus challenger loss; positive is good.
    p_value : float or None
        Of the hypothesis that the gain is at most the margin; the largest over the parts.
    needed : int or None
        About how many more rows would settle it: a plan, not a promise.
    because : tuple of Verdict
        The answers that this one was made from.

    Examples
    --------
    >>> from contlearn.results import Outcome, Verdict
    >>> print(Verdict(Outcome.CONTINUE, "30 rows cannot show a gain above 0"))
    continue: 30 rows cannot show a gain above 0
    """

    outcome: Outcome
    reason: str
    gain: Interval | None = None
    p_value: float | None = None
    needed: int | None = None
    because: tuple[Verdict, ...] = ()

    @property
    def promote(self) -> bool:
        """Whether the challenger should serve."""
        return self.outcome is Outcome.PROMOTE

    @property
    def final(self) -> bool:
        """Whether looking further is pointless: promoted or rejected."""
        return self.outcome is not Outcome.CONTINUE

    def __bool__(self) -> bool:
        return self.promote

    def __str__(self) -> str:
        return _checks.one_line(f"{self.outcome.value}: {self.reason}")

    def _repr_html_(self) -> str:
        rows = [
            (v.outcome.value, v.reason, v.gain and str(v.gain), v.p_value, v.needed)
            for v in (self, *self.because)
        ]
        return _html.table(str(self), ("outcome", "reason", "gain", "p", "rows needed"), rows)


def _interval(name: str, value: Any) -> Interval:
    _checks.instance(name, value, Interval, "an Interval or None")
    if set(map(type, value)) == {float} and not any(map(math.isnan, value)):
        return value  # type: ignore[no-any-return]
    return Interval(*(_doors.number(name, end) for end in value))


def _parts(name: str, value: Any) -> Parts:
    _checks.instance(name, value, Mapping, "a mapping of names to results")
    for part in value.values():
        _checks.instance(f"every value of {name}", part, DriftResult, "a DriftResult")
    return Parts(value)


_NONE = type(None)
# By annotation: the kinds that are right as they are, and the door for everything else.
_KINDS: dict[Any, tuple[frozenset[type], _doors.Door]] = {
    "DriftState": (frozenset({DriftState}), _doors.word_of(DriftState)),
    "Outcome": (frozenset({Outcome}), _doors.word_of(Outcome)),
    "bool": (frozenset({bool}), _doors.truth),
    "int": (frozenset({int}), _doors.integer),
    "int | None": (frozenset({int, _NONE}), _doors.integer),
    "float | None": (frozenset({float, _NONE}), _doors.number),
    "str": (frozenset({str}), _doors.text),
    "Interval | None": (frozenset({_NONE}), _interval),
    "Mapping[str, DriftResult]": (frozenset({Parts}), _parts),
    "tuple[str, ...]": (frozenset(), _doors.tuple_of(str)),
    "tuple[Decision, ...]": (frozenset(), _doors.tuple_of(Decision)),
    "tuple[Verdict, ...]": (frozenset(), _doors.tuple_of(Verdict)),
}
_ANYTHING = (frozenset({_NONE, bool, int, float, str}), _doors.builtin)


@cache
def _doors_of(kind: Any) -> tuple[tuple[str, frozenset[type], _doors.Door], ...]:
    """Return each field of a kind of answer with what needs no door, and the door."""
    return tuple((field.name, *_KINDS.get(field.type, _ANYTHING)) for field in fields(kind))


def _plain(value: Any) -> Any:
    if isinstance(value, (Interval, _Answer)):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: part.to_dict() for name, part in value.items()}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _aside(name: str, value: float | None) -> str:
    return "" if value is None else f" ({name} {value:.4g})"
