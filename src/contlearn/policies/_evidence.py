"""What a policy may look at, and what became of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar, cast

from contlearn import _checks
from contlearn._answers import Parts
from contlearn._time import Moment, builtin, moment
from contlearn.results import Decision, DriftResult, Interval, Verdict

AnyEvidence = TypeVar("AnyEvidence", bound="Evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that a policy may look at, in one frozen record. What is not known is None.

    Numpy and pandas scalars become builtins on the way in, and NaN and NaT become None. Subclass it (again
    as a frozen, keyword-only dataclass) to give rules of your own facts of your own.

    Parameters
    ----------
    now
        The moment of the decision: a datetime, or a number for services that count rows instead of days.
        Datetimes with and without a time zone cannot be compared; a rule that would have to is unknown.
    trained_at
        When the champion was trained, in the same kind.
    n_labels
        Labelled rows that a training could use now.
    drift
        What a detector answered, or a mapping of names to such answers (None for one that is not known).
    loss
        The champion's loss now: a number, or an `Interval`, of which rules ask the lower end.
    baseline_loss
        The champion's loss when it was promoted.
    confidence
        The champion's mean confidence in its predictions now, higher is surer.
    history
        `Episode` after `Episode`, oldest first: what was decided before. The last 1,000 (`MAX_EPISODES`) are
        kept, and the histories inside them are emptied.

    Raises
    ------
    InvalidParameterError
        For a value of the wrong kind, such as a table where a number is meant.

    Examples
    --------
    >>> from contlearn.policies import Evidence
    >>> print(Evidence(n_labels=812, loss=0.31, baseline_loss=0.28))
    812 labels, loss 0.31, baseline_loss 0.28
    >>> Evidence(loss=float("nan")).loss is None
    True
    """

    # A history is bounded, so that an evidence stays small however long a service runs. Rules that count over
    # a time treat a full history as one whose beginning is lost.
    MAX_EPISODES: ClassVar[int] = 1000

    now: Moment | None = None
    trained_at: Moment | None = None
    n_labels: int | None = None
    drift: DriftResult | Mapping[str, DriftResult | None] | None = None
    loss: float | Interval | None = None
    baseline_loss: float | None = None
    confidence: float | None = None
    history: tuple[Episode, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            value = builtin(getattr(self, field.name))
            door = _DOORS.get(field.name)
            object.__setattr__(self, field.name, door(field.name, value) if door else value)

    def __str__(self) -> str:
        facts = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "history" or value is None:
                continue
            facts.append(f"{value} labels" if field.name == "n_labels" else f"{field.name} {_short(value)}")
        if self.history:
            facts.append(f"{len(self.history)} episodes before")
        return ", ".join(facts) or "nothing is known"


@dataclass(frozen=True, slots=True)
class Episode:
    """One decision of the past: what was known, what was decided, and what the gate said of the challenger.

    Parameters
    ----------
    evidence
        What the policy saw.
    decision
        What it answered.
    verdict
        What the gate said, if a challenger was trained and has been judged.

    Examples
    --------
    >>> from contlearn.policies import Episode, Evidence, MinLabels
    >>> evidence = Evidence(n_labels=10)
    >>> print(Episode(evidence, MinLabels(500)(evidence)))
    wait: 10 labels (need 500)
    """

    evidence: Evidence
    decision: Decision
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        _checks.instance("evidence", self.evidence, Evidence, "an Evidence")
        _checks.instance("decision", self.decision, Decision, "a Decision")
        if self.verdict is not None:
            _checks.instance("verdict", self.verdict, Verdict, "a Verdict or None")

    def __str__(self) -> str:
        return str(self.decision) if self.verdict is None else f"{self.decision}; {self.verdict}"


def evidence_of(name: str, entry: object) -> Evidence:
    """Return an evidence, or that of an episode."""
    evidence = entry.evidence if isinstance(entry, Episode) else entry
    _checks.instance(name, evidence, Evidence, "an iterable of Evidence or Episode")
    return cast("Evidence", evidence)


def rewritten(evidence: AnyEvidence, **values: Any) -> AnyEvidence:
    """Return `evidence` with other, already valid values: a copy, of any subclass."""
    twin = copy.copy(evidence)
    for name, value in values.items():
        object.__setattr__(twin, name, value)
    return twin


def _count(name: str, value: Any) -> int | None:
    return None if value is None else _checks.count(name, value, low=0)


def _number(name: str, value: Any) -> float | None:
    """Return a float, infinities included: a loss that exploded is evidence."""
    if value is None:
        return None
    cure = "give its estimate" if isinstance(value, Interval) else ""
    return _checks.real(name, value, "be a number or None", cure)


def _loss(name: str, value: Any) -> float | Interval | None:
    if not isinstance(value, Interval):
        return _number(name, value)
    ends = [_number(name, builtin(end)) for end in value]
    return None if None in ends else Interval(*cast("list[float]", ends))


def _drift(name: str, value: Any) -> DriftResult | Mapping[str, DriftResult | None] | None:
    if value is None or isinstance(value, DriftResult):
        return value
    _checks.instance(name, value, Mapping, "a DriftResult, a mapping of them, or None")
    for key, part in value.items():
        if part is not None:
            _checks.instance(f"{name}[{key!r}]", part, DriftResult, "a DriftResult or None")
    return value if type(value) is Parts else Parts(value)


def _history(name: str, value: Any) -> tuple[Episode, ...]:
    if value is None:
        return ()
    _checks.instance(name, value, (tuple, list), "a tuple of Episode")
    return tuple(_without_history(name, episode) for episode in value[-Evidence.MAX_EPISODES :])


def _without_history(name: str, episode: Any) -> Episode:
    _checks.instance(name, episode, Episode, "a tuple of Episode")
    if not episode.evidence.history:
        return cast("Episode", episode)
    return Episode(rewritten(episode.evidence, history=()), episode.decision, episode.verdict)


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return "(" + "; ".join(f"{_checks.called(name)} {part}" for name, part in value.items()) + ")"
    return f"{value:.6g}" if isinstance(value, float) else _checks.one_line(str(value))


_DOORS = {
    "now": moment,
    "trained_at": moment,
    "n_labels": _count,
    "drift": _drift,
    "loss": _loss,
    "baseline_loss": _number,
    "confidence": _number,
    "history": _history,
}
