"""What a policy would have done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

from contlearn import _checks, _html
from contlearn.policies._base import PolicyLike, ask, expression, require_policy
from contlearn.policies._evidence import MAX_EPISODES, Episode, Evidence, rewritten
from contlearn.results import Decision, Outcome, Verdict

_REMARK = (
    "trained_at and history are what this policy would have made of them, every retraining promoted; "
    "all other evidence, the losses of the models that really served included, is as recorded"
)
_ASSUMED = Verdict(Outcome.PROMOTE, "assumed: no trial was held in this replay")


@dataclass(frozen=True, slots=True)
class Replay(Sequence[Decision]):
    """The decisions that a policy would have made, one per evidence: a sequence of `Decision`.

    Attributes
    ----------
    policy
        Who decided.
    decisions : tuple of Decision
        The answers, oldest first.
    retrained : tuple of int
        Positions of the decisions that retrained.
    unknown : tuple of int
        Positions of the decisions that lacked evidence.
    remarks : tuple of str
        What was assumed.

    Examples
    --------
    >>> from contlearn.policies import Evidence, MinLabels, replay
    >>> result = replay(MinLabels(500), [Evidence(n_labels=n) for n in (100, 600, 700)])
    >>> result.retrained
    (1, 2)
    >>> print(result[0])
    wait: 100 labels (need 500)
    """

    policy: PolicyLike
    decisions: tuple[Decision, ...]
    remarks: tuple[str, ...] = (_REMARK,)

    @property
    def retrained(self) -> tuple[int, ...]:
        """Positions of the decisions that retrained."""
        return tuple(i for i, decision in enumerate(self.decisions) if decision.retrain)

    @property
    def unknown(self) -> tuple[int, ...]:
        """Positions of the decisions that lacked evidence."""
        return tuple(i for i, decision in enumerate(self.decisions) if decision.missing)

    def to_dict(self) -> dict[str, Any]:
        """Return the replay as JSON-ready builtins."""
        return {
            "policy": expression(self.policy),
            "decisions": [decision.to_dict() for decision in self.decisions],
            "remarks": list(self.remarks),
        }

    @overload
    def __getitem__(self, index: int) -> Decision: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Decision, ...]: ...
    def __getitem__(self, index: int | slice) -> Decision | tuple[Decision, ...]:
        return self.decisions[index]

    def __len__(self) -> int:
        return len(self.decisions)

    def __str__(self) -> str:
        counts = f"{len(self.retrained)} retrainings in {len(self)} decisions, {len(self.unknown)} unknown"
        return "; ".join((counts, *self.remarks))

    def _repr_html_(self) -> str:
        rows = [(i, decision.word, decision.reason) for i, decision in enumerate(self.decisions)]
        return _html.table(str(self), ("", "decision", "reason"), rows)


def replay(policy: PolicyLike, history: Iterable[Evidence]) -> Replay:
    """Return what `policy` would have decided on recorded evidence, one `Decision` each.

    The policy takes over at the first evidence, with its `trained_at` and its history. From there on both
    are rewritten: a retraining is assumed to be promoted, so that `trained_at` becomes its `now`. Every other
    field stays as recorded, above all the loss and the baseline loss, which belong to the models that really
    served: a replay compares how often and when policies retrain, not how good their models would have been.

    Parameters
    ----------
    policy
        A policy or a function.
    history
        Evidences, oldest first, such as one per week of last year. Any iterable; the last 1,000 decisions are
        what the policy remembers.

    Returns
    -------
    Replay
        A sequence of decisions that says in `remarks` what was assumed.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> from contlearn.policies import Evidence, MaxAge, replay
    >>> start = datetime(2024, 1, 1)
    >>> weeks = [Evidence(now=start + timedelta(weeks=i), trained_at=start) for i in range(12)]
    >>> replay(MaxAge(timedelta(weeks=4)), weeks).retrained
    (4, 8)
    """
    require_policy("policy", policy)
    _checks.instance("history", history, Iterable, "an iterable of Evidence")
    past: deque[Episode] | None = None
    trained_at = None
    decisions = []
    for recorded in history:
        _checks.instance("history", recorded, Evidence, "an iterable of Evidence")
        if past is None:
            past, trained_at = deque(recorded.history, maxlen=MAX_EPISODES), recorded.trained_at
        evidence = rewritten(recorded, trained_at=trained_at, history=tuple(past))
        decision = ask(policy, evidence)
        decisions.append(decision)
        past.append(Episode(rewritten(evidence, history=()), decision, _ASSUMED if decision else None))
        trained_at = evidence.now if decision else trained_at
    return Replay(policy, tuple(decisions))
