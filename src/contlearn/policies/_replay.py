"""What a policy would have done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from contlearn import _checks, _html
from contlearn.policies._base import PolicyLike, ask, expression, require_policy
from contlearn.policies._costs import Costs
from contlearn.policies._evidence import Episode, Evidence, evidence_of, rewritten
from contlearn.policies._money import Money
from contlearn.results import Decision, Outcome, Verdict

if TYPE_CHECKING:
    from contlearn.policies._world import Losses, World

_REMARK = (
    "trained_at and history are what this policy would have made of them, every retraining promoted; "
    "all other evidence, the losses of the models that really served included, is as recorded"
)
_WORLD = (
    "trained_at, history, loss and baseline_loss are what this policy would have made of them, "
    "every retraining promoted at once; all other evidence is as recorded"
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
    money : Money or None
        What the policy cost beside the best plans, where `costs` were given.

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
    money: Money | None = None

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
            "money": None if self.money is None else self.money.to_dict(),
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
        money = () if self.money is None else (str(self.money),)
        return "; ".join((counts, *money, *self.remarks))

    def _repr_html_(self) -> str:
        rows = [(i, decision.word, decision.reason) for i, decision in enumerate(self.decisions)]
        plans = "" if self.money is None else self.money._repr_html_()
        return plans + _html.table(str(self), ("", "decision", "reason"), rows)


def replay(
    policy: PolicyLike,
    history: Iterable[Evidence | Episode],
    costs: Costs | None = None,
    *,
    losses: Losses | None = None,
) -> Replay:
    """Return what `policy` would have decided on recorded evidence, one `Decision` each, and what it cost.

    The policy takes over at the first evidence, with its `trained_at` and its history. From there on both
    are rewritten: a retraining is assumed to be promoted, so that `trained_at` becomes its `now`. Without
    `costs` and `losses`, every other field stays as recorded, above all the loss and the baseline loss, which
    belong to the models that really served: such a replay compares how often and when policies retrain, not
    how good their models would have been.

    With `losses`, the loss and the baseline loss, too, are those of the model that this policy would have had
    by then, and with `costs` the result has `money`: the regret against the cheapest of all sequences of
    retrainings (exact, by dynamic programming), the best calendar, and never retraining. With `costs` alone,
    the losses are estimated: each as recorded, moved by the age of the model in the replay times the decay of
    the models on record, a straight line. `remarks` states that decay with its interval; where it is not
    clear, the money is not either, and it says nothing of ages never seen.

    Parameters
    ----------
    policy
        A policy or a function.
    history
        Evidences or episodes, oldest first, such as one per week of last year, or those that a ledger holds:
        ``[entry.evidence for entry in ledger.history("decision")]``. Of an episode, its evidence. Any
        iterable; the last 1,000 decisions are what the policy remembers.
    costs
        What a training costs and what a loss costs. A loss stands for the time since the evidence before it;
        a retraining serves from the next evidence on.
    losses
        What each model would have lost: a function of `trained_at` and `now`, or a table of numbers with a
        column per evidence and a row per model, row i trained at evidence i; the first champion is row 0, or
        has a row of its own before all others. Needed where `now` is later than `trained_at`; where both are
        equal, it is the baseline. A recorded interval keeps its width. Costs a call per pair.

    Returns
    -------
    Replay
        A sequence of decisions that says in `remarks` what was assumed.

    Raises
    ------
    InvalidInputError
        Costs are given, and evidences have no comparable `now`, or losses are neither given nor to be
        estimated, for which champions must be seen at three ages or more.

    Notes
    -----
    Cost: one call of the policy per evidence; with `costs`, O(n^2) beside: about a second and 30 MB for 1,000
    evidences.

    References
    ----------
    Mahadevan, Mathioudakis, "Cost-aware retraining for machine learning", Knowledge-Based Systems 2024.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> from contlearn.policies import Costs, CostAware, Evidence, MaxAge, replay
    >>> start = datetime(2024, 1, 1)
    >>> weeks = [Evidence(now=start + timedelta(weeks=i), trained_at=start) for i in range(12)]
    >>> replay(MaxAge(timedelta(weeks=4)), weeks).retrained
    (4, 8)

    Each day of age raises the loss by 0.001:

    >>> def aged(trained_at, now):
    ...     return 0.1 + 0.001 * (now - trained_at).days
    >>> result = replay(MaxAge(timedelta(weeks=4)), weeks, Costs(100, loss_cost=500), losses=aged)
    >>> print(result.money)
    cost 4687, regret 22.5: optimum 4664.5 (3 retrainings), best calendar 4711.5 (every 5), never 5467
    """
    require_policy("policy", policy)
    _checks.instance("history", history, Iterable, "an iterable of Evidence or Episode")
    records = [evidence_of("history", entry) for entry in history]
    if costs is not None:
        _checks.instance("costs", costs, Costs, "Costs(retrain_cost, loss_cost) or None")
    world = None
    if records and (costs is not None or losses is not None):
        from contlearn.policies._world import World  # loads numpy

        world = World(records, losses)
    decisions = _decided(policy, records, world)
    if world is None:
        return Replay(policy, decisions)
    remarks = (_WORLD, world.remark) if world.remark else (_WORLD,)
    retrained = [position for position, decision in enumerate(decisions) if decision]
    return Replay(policy, decisions, remarks, None if costs is None else world.money(retrained, costs))


def _decided(policy: PolicyLike, records: Sequence[Evidence], world: World | None) -> tuple[Decision, ...]:
    """Return the answers one by one, each with the past that the ones before it have made."""
    if not records:
        return ()
    past = deque(records[0].history, maxlen=Evidence.MAX_EPISODES)
    trained_at, model = records[0].trained_at, 0
    decisions = []
    for position, recorded in enumerate(records):
        evidence = rewritten(recorded, trained_at=trained_at, history=tuple(past))
        if world is not None:
            evidence = world.seen(evidence, position, model)
        decision = ask(policy, evidence)
        decisions.append(decision)
        past.append(Episode(rewritten(evidence, history=()), decision, _ASSUMED if decision else None))
        if decision:
            trained_at, model = evidence.now, position + 1
    return tuple(decisions)
