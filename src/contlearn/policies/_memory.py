"""Rules that look back: at what was seen before, and at what was decided."""

from __future__ import annotations

from dataclasses import dataclass

from contlearn import _checks
from contlearn._time import Duration, duration, words
from contlearn.policies._base import PolicyLike, Rule, ask, require_policy, tally, unknown
from contlearn.policies._evidence import Evidence, rewritten
from contlearn.policies._window import WithinTime
from contlearn.results import Decision


@dataclass(frozen=True, slots=True, repr=False)
class Sustained(Rule):
    """Retrain when `policy` says so for `k` of the last `of` evidences, the present one included.

    The policy is asked again of each past evidence, with the history that had come before it, whatever was
    decided then. Evidences that the history does not hold are unknown, not no.

    Parameters
    ----------
    policy
        A policy or a function, asked `of` times.
    k
        Yeses needed; at least 1.
    of
        Evidences looked at; at least `k`, at most 1,001, which is the present one and the longest history.

    Notes
    -----
    Pure: a retraining is no reason to forget, so that the rule says so again at the next evidence, until the
    yeses of before are out of sight; join it with `MinAge` for a pause between two trainings.

    Cost: `policy` for `of` evidences.

    Examples
    --------
    >>> from contlearn.policies import Episode, Evidence, LossAbove, Sustained
    >>> rule = Sustained(LossAbove(0.3), k=2, of=3)
    >>> history = ()
    >>> for loss in (0.2, 0.4, 0.35):
    ...     evidence = Evidence(loss=loss, history=history)
    ...     decision = rule(evidence)
    ...     history += (Episode(evidence, decision),)
    >>> print(decision)
    retrain: 2 of the last 3 (need 2): loss 0.4 (limit 0.3) and loss 0.35 (limit 0.3)
    """

    policy: PolicyLike
    k: int
    of: int

    def __post_init__(self) -> None:
        require_policy("policy", self.policy)
        object.__setattr__(self, "k", _checks.count("k", self.k))
        object.__setattr__(self, "of", _checks.count("of", self.of, low=self.k))
        if self.of > Evidence.MAX_EPISODES + 1:
            _checks.fail("of", f"be at most {Evidence.MAX_EPISODES + 1}", self.of, "no history is longer")

    def __call__(self, evidence: Evidence) -> Decision:
        history = evidence.history
        first = max(0, len(history) - self.of + 1)
        seen = [rewritten(history[i].evidence, history=history[:i]) for i in range(first, len(history))]
        votes = [ask(self.policy, past) for past in (*seen, evidence)]
        yes = sum(vote.retrain for vote in votes)
        prefix = f"{yes} of the last {self.of} (need {self.k}): "
        return tally(votes, self.k, prefix, absent=self.of - len(votes))


@dataclass(frozen=True, slots=True, repr=False)
class AtMost(WithinTime):
    """Allow retraining while fewer than `n` retrainings lie within the last `per`.

    Counted are the episodes of `history` whose decision retrained, promoted or not; one that lies exactly
    `per` back no longer counts. Unknown when the history is empty, when an uncounted retraining could fill
    the budget because its time is not known, or when the history is full and does not reach back to `per`.

    Parameters
    ----------
    n
        Retrainings allowed; at least 1.
    per
        A timedelta above 0 (a number above 0 where moments are numbers).

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> from contlearn.policies import AtMost, Episode, Evidence
    >>> from contlearn.results import Decision
    >>> past = Episode(Evidence(now=datetime(2024, 1, 1)), Decision(True, "drift"))
    >>> rule = AtMost(1, per=timedelta(days=7))
    >>> print(rule(Evidence(now=datetime(2024, 1, 5), history=(past,))))
    wait: 1 retraining in the last 7 days (limit 1)
    """

    n: int
    per: Duration

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _checks.count("n", self.n))
        object.__setattr__(self, "per", duration("per", self.per))

    def __call__(self, evidence: Evidence) -> Decision:
        lacking = self._lacking(evidence)
        if lacking is not None:
            return lacking
        within = [self._within(past, evidence) for past in evidence.history if past.decision.retrain]
        counted, undated = within.count(True), within.count(None)
        noun = "retraining" if counted == 1 else "retrainings"
        reason = f"{counted} {noun} in the last {words(self.per)} (limit {self.n})"
        if counted >= self.n:
            return Decision(False, reason)
        if counted + undated >= self.n:
            return unknown(["history"], f"{reason}, and {undated} at times that are not known")
        if self._cut_short(evidence):
            return unknown(["history"], f"{reason}, but the history does not reach back so far")
        return Decision(True, reason)
