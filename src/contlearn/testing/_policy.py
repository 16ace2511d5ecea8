"""Laws of policies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from contlearn import _checks
from contlearn.policies._base import Policy
from contlearn.policies._evidence import Episode, Evidence, rewritten
from contlearn.results import Decision, DriftResult, DriftState, Interval
from contlearn.testing._laws import Law, one_line, rebuilt, repickled, run, snapshot


@dataclass(frozen=True)
class _Case:
    policy: Any
    evidences: list[Evidence]


def check_policy(
    policy: Any, *, evidences: Iterable[Evidence] | None = None, skip: Collection[str] = ()
) -> None:
    """Check that a policy obeys the laws of its kind.

    Parameters
    ----------
    policy
        A `Policy` or any function `Evidence -> Decision`.
    evidences
        What it is asked about; each of them also with every single field removed. Give some where the policy
        reads fields of an `Evidence` of your own; let the champion be trained by a retraining that is in the
        history, or before it begins. None: about thirty, from empty to complete.
    skip
        Names of laws that do not apply.

    Raises
    ------
    AssertionError
        A law is broken; the message names it.

    Notes
    -----
    The laws: `every_evidence_has_an_answer`, `questions_change_nothing`, `answers_repeat`,
    `what_is_removed_is_never_a_reason` (with less known, neither the policy nor its negation retrains unless
    it would with the field), `pickles_answer_alike`, `repr_rebuilds` (policies, not functions).

    Examples
    --------
    >>> from contlearn.policies import MinLabels, OnDrift
    >>> from contlearn.testing import check_policy
    >>> check_policy(OnDrift() & MinLabels(500))
    """
    given = list(_default_evidences() if evidences is None else evidences)
    if not given:
        _checks.bad_data("evidences", "have at least one", "none")
    for evidence in given:
        _checks.instance("evidences", evidence, Evidence, "a collection of Evidence")
    laws = _LAWS if isinstance(policy, Policy) else [law for law in _LAWS if law is not repr_rebuilds]
    run(policy, _Case(policy, given), laws, skip)


def every_evidence_has_an_answer(case: _Case) -> str | None:
    for evidence in _all(case):
        decision = case.policy(evidence)
        if not isinstance(decision, Decision):
            return f"it returned {type(decision).__name__}, not a Decision, for {evidence}"
        if broken := one_line(decision.reason, "the reason"):
            return broken
    return None


def questions_change_nothing(case: _Case) -> str | None:
    for evidence in case.evidences:
        before = snapshot(case.policy, evidence)
        case.policy(evidence)
        if snapshot(case.policy, evidence) != before:
            return "asking changed the policy or the evidence"
    return None


def answers_repeat(case: _Case) -> str | None:
    first = [case.policy(evidence) for evidence in case.evidences]
    again = [case.policy(evidence) for evidence in reversed(case.evidences)]
    return None if first == again[::-1] else "the same evidence had two answers"


def what_is_removed_is_never_a_reason(case: _Case) -> str | None:
    for evidence in case.evidences:
        full = case.policy(evidence)
        for name, less in _removals(evidence):
            decision = case.policy(less)
            if decision.retrain and not full.retrain:
                return f"without {name} it retrains, with it it does not: {full.reason}"
            if _negated(decision) and not _negated(full):
                return f"without {name} its negation retrains, with it it does not: {full.reason}"
    return None


def pickles_answer_alike(case: _Case) -> str | None:
    copy = repickled(case.policy)
    same = all(copy(evidence) == case.policy(evidence) for evidence in case.evidences)
    return None if same else "a pickled copy answers differently"


def repr_rebuilds(case: _Case) -> str | None:
    again = rebuilt(case.policy)
    if again == case.policy and repr(again) == repr(case.policy):
        return None
    return f"{case.policy!r} became {again!r}, which is not equal to it"


_LAWS: list[Law[_Case]] = [
    every_evidence_has_an_answer,
    questions_change_nothing,
    answers_repeat,
    what_is_removed_is_never_a_reason,
    pickles_answer_alike,
    repr_rebuilds,
]


def _negated(decision: Decision) -> bool:
    return not decision.retrain and not decision.missing


def _all(case: _Case) -> Iterator[Evidence]:
    for evidence in case.evidences:
        yield evidence
        yield from (less for _, less in _removals(evidence))


def _removals(evidence: Evidence) -> Iterator[tuple[str, Evidence]]:
    """Return `evidence` without each of the facts that it holds."""
    for field in fields(evidence):
        if getattr(evidence, field.name) not in (None, ()):
            yield field.name, rewritten(evidence, **{field.name: () if field.name == "history" else None})


def _default_evidences() -> Iterator[Evidence]:
    yield Evidence()
    yield Evidence(now=datetime(2024, 6, 1), trained_at=datetime(2024, 1, 1, tzinfo=UTC))  # two clocks
    yield Evidence(now=5.0, trained_at=2, n_labels=0, loss=float("inf"), drift={})
    start = datetime(2024, 1, 1, tzinfo=UTC)
    drifts: list[Any] = [DriftResult(state=state, score=0.3) for state in DriftState]
    mappings: list[Any] = [{"a": drifts[2], "b": drifts[3]}, {"a": drifts[0], "b": None}]
    losses: list[Any] = [
        0.1,
        Interval(0.4, 0.2, 0.6, 0.9),
        0.4,
        Interval(0.2, -float("inf"), float("inf"), 0.9),
    ]
    for i, drift in enumerate([*drifts, *mappings]):
        for j, loss in enumerate(losses):
            now = start + timedelta(weeks=10 * i)
            history = _history(now, n=2 * j, retrained=i % 3)
            yield Evidence(
                now=now,
                trained_at=_trained_at(now, history),
                n_labels=(10, 400, 10_000)[(i + j) % 3],
                drift=drift,
                loss=loss,
                baseline_loss=0.15,
                confidence=0.5 + 0.1 * j,
                history=history,
            )


def _history(now: datetime, n: int, retrained: int) -> tuple[Episode, ...]:
    """Return `n` weekly episodes before `now`, of which the last `retrained` decided to retrain."""
    return tuple(
        Episode(
            Evidence(now=now - timedelta(weeks=n - i), n_labels=100 * i, loss=0.1 * i),
            Decision(i >= n - retrained, "as recorded"),
        )
        for i in range(n)
    )


def _trained_at(now: datetime, history: tuple[Episode, ...]) -> Any:
    """Return when the champion was trained: by a retraining on record, or before the record begins."""
    recorded = [episode.evidence.now for episode in history if episode.decision.retrain]
    return recorded[0] if recorded else now - timedelta(weeks=9)
