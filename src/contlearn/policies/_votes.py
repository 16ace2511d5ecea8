"""The rule that counts votes."""

from __future__ import annotations

from dataclasses import dataclass

from contlearn import _checks
from contlearn.policies._base import Policy, PolicyLike, ask, expression, require_policy, tally
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision


@dataclass(frozen=True, slots=True, repr=False, init=False)
class AtLeast(Policy):
    """Retrain when at least `k` of the policies say so.

    Unknown while the policies that are unknown could still make up the number.

    Parameters
    ----------
    k
        Yeses needed; at least 1, at most the number of policies.
    *policies
        Policies or functions; every one is asked.

    Examples
    --------
    >>> from contlearn.policies import AtLeast, Evidence, LossAbove, LowConfidence, OnDrift
    >>> policy = AtLeast(2, OnDrift(), LossAbove(0.3), LowConfidence(0.8))
    >>> print(policy(Evidence(loss=0.4, confidence=0.7)))
    retrain: 2 of 3 (need 2): loss 0.4 (limit 0.3) and confidence 0.7 (limit 0.8)
    """

    k: int
    policies: tuple[PolicyLike, ...]

    def __init__(self, k: int, *policies: PolicyLike) -> None:
        k = _checks.count("k", k)
        if len(policies) < k:
            _checks.fail("k", "be at most the number of policies", f"{k} of {len(policies)}")
        for position, policy in enumerate(policies):
            require_policy(f"policies[{position}]", policy)
        object.__setattr__(self, "k", k)
        object.__setattr__(self, "policies", policies)

    def __call__(self, evidence: Evidence) -> Decision:
        votes = [ask(policy, evidence) for policy in self.policies]
        yes = sum(vote.retrain for vote in votes)
        return tally(votes, self.k, f"{yes} of {len(votes)} (need {self.k}): ")

    def __repr__(self) -> str:
        return f"AtLeast({', '.join([str(self.k), *map(expression, self.policies)])})"
