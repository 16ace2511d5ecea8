"""The answers: frozen records of Python builtins, true exactly when they say yes.

`DriftResult` answers a detector, `Decision` a policy, `Verdict` a gate; `Interval` is a number with its
uncertainty. All compare by value, pickle, print as one log line, and turn into JSON-ready dictionaries.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contlearn import _checks, _doors, _html
from contlearn._answers import KINDS, NONE, Answer, Parts, Word, plain

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
        told = 1.0 - self.confidence  # enough digits that 99.9999 % is not 100 %
        digits = max(4, 1 + math.ceil(-math.log10(told))) if told > 0.0 else 4
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}] ({100 * self.confidence:.{digits}g} %)"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-ready dictionary; an infinite limit becomes None."""
        return {name: plain(value) for name, value in self._asdict().items()}


class DriftState(Word):
    """What a detector concluded. UNDECIDED: not enough good data to say, and never reported as stable."""

    STABLE = "stable"
    WARNING = "warning"
    DRIFT = "drift"
    UNDECIDED = "undecided"


class Outcome(Word):
    """What a gate concluded. CONTINUE: not enough evidence yet, so the champion stays."""

    PROMOTE = "promote"
    REJECT = "reject"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftResult(Answer):
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
    effects : mapping of str to Interval
        What changed, in the units of the column: shifts of quantiles, changes of the shares of categories;
        current minus reference.
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
    parts: Mapping[str, DriftResult] = field(default_factory=lambda: _NO_PARTS)
    effects: Mapping[str, Interval] = field(default_factory=lambda: _NO_EFFECTS)
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
        if self.detected:
            yield from self._shifts()
        if self.p_value is not None:
            yield f"p = {self.p_value:.4g}" + _aside("alpha", self.alpha)
        if self.threshold is not None:
            yield f"threshold {self.threshold:.4g}"
        if self.state is DriftState.UNDECIDED and self.detectable is not None and not self.parts:
            yield f"only an effect of {self.detectable:.4g} would have been found"
        if self.equivalent and self.state is DriftState.STABLE:
            yield "shown stable"
        if self.changed_at is not None:
            yield f"changed about {_counted(self.changed_at, 'update')} ago"
        against = f" against {self.n_reference}" if self.n_reference else ""
        yield _counted(self.n_current, "row") + against
        yield from self.remarks

    def _shifts(self, most: int = 2) -> list[str]:
        """Return the first effects that are surely not zero, as text."""
        sure = [(name, shift) for name, shift in self.effects.items() if shift.low > 0.0 or shift.high < 0.0]
        return [
            f"{_checks.called(name)} {shift.estimate:+.4g} [{shift.low:+.4g}, {shift.high:+.4g}]"
            for name, shift in sure[:most]
        ]

    def _repr_html_(self) -> str:
        header = ("", "state", "score", "shift", "p", "alpha", "detectable", "rows", "reference rows")
        rows = [
            (
                _checks.called(name),
                r.state.value,
                r.score,
                "; ".join(r._shifts()),
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
class Decision(Answer):
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
    p_value, e_value : float or None
        Of the hypothesis that nothing calls for a retraining, where the rule states one: small p-values and
        large e-values speak against it.

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
    p_value: float | None = None
    e_value: float | None = None

    def __post_init__(self) -> None:
        Answer.__post_init__(self)
        if self.retrain and self.missing:
            _checks.fail("missing", "be empty when retrain is True", ", ".join(self.missing))
        if self.p_value is not None:
            _checks.number("p_value", self.p_value, low=0.0, high=1.0)
        if self.e_value is not None and self.e_value < 0.0:
            _checks.fail("e_value", "be at least 0", self.e_value)

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
class Verdict(Answer):
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


def _parts_of(kind: type, words: str) -> _doors.Door:
    """Return the door that makes a read-only dictionary of a mapping that holds nothing but `kind`."""

    def door(name: str, value: Any) -> Parts[Any]:
        _checks.instance(name, value, Mapping, f"a mapping of names to {words}")
        for part in value.values():
            _checks.instance(f"every value of {name}", part, kind, f"a {kind.__name__}")
        return Parts(value)

    return door


_NO_PARTS: Parts[DriftResult] = Parts({})
_NO_EFFECTS: Parts[Interval] = Parts({})

KINDS.update(
    {
        "DriftState": (frozenset({DriftState}), _doors.word_of(DriftState)),
        "Outcome": (frozenset({Outcome}), _doors.word_of(Outcome)),
        "Interval | None": (frozenset({NONE}), _interval),
        "Mapping[str, DriftResult]": (frozenset({Parts}), _parts_of(DriftResult, "results")),
        "Mapping[str, Interval]": (frozenset({Parts}), _parts_of(Interval, "intervals")),
        "tuple[Decision, ...]": (frozenset(), _doors.tuple_of(Decision)),
        "tuple[Verdict, ...]": (frozenset(), _doors.tuple_of(Verdict)),
    }
)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _aside(name: str, value: float | None) -> str:
    return "" if value is None else f" ({name} {value:.4g})"
