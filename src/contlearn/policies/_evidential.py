"""The rule that adds up the evidence of others, whatever their dependence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from contlearn import _checks
from contlearn.policies._base import Policy, PolicyLike, Rule, ask, expression, require_policy
from contlearn.policies._evidence import Evidence
from contlearn.policies._votes import AtLeast
from contlearn.results import Decision


@dataclass(frozen=True, slots=True, repr=False, init=False)
class Evidential(Policy):
    """Retrain when the rules together show, at one error rate, that something calls for it.

    Joined by `|`, five rules at 5 % are wrong together in up to 25 % of cases; joined by `&`, they wait until
    every one of them is sure by itself. Here each rule gives its p-value or e-value, and the mean of the
    e-values decides: several weak signs add up, and one strong sign is enough. Where nothing calls for a
    retraining, one evidence retrains with probability at most `level`, however the rules depend on each
    other: the mean of e-values is an e-value, and reaches ``1 / level`` with at most that probability.

    Parameters
    ----------
    *rules
        Rules whose decisions state a `p_value` or an `e_value`: `OnDrift`, `LossIncrease` and `LossAbove` of
        an `Interval`, another `Evidential`, or functions of yours.
    level
        The rate of wrong retrainings, strictly between 0 and 1, of every single evidence.

    Raises
    ------
    InvalidParameterError
        For a rule of this package that never states its evidence, such as `MinLabels`: join that by `&`.

    Notes
    -----
    A p-value becomes the e-value ``(1 / p - 1 - t) / t ** 2`` with ``t = log(1 / p)``: the mean of the
    calibrators ``k * p ** (k - 1)`` over k from 0 to 1, admissible [1]_. 0.01 is worth 4.5, 0.001 is worth
    21, 0.0001 is worth 118. At the default level the mean has to reach 20, so that one rule of three fires
    alone at p = 0.0002.

    The p-value of a loss is hardly ever far below the error rate of its interval's end (see `LossIncrease`):
    a loss is worth 1.8 at the lower end of a 90 % interval, and 21 at that of a 99.8 % one. So give a loss
    that shall count an interval of high confidence. Measured with the true loss at the limit, one loss of
    2 to 30 rows by `mean_loss`, normal or exponential on either side, 8000 samples each, at level 5 %: fires
    in at most 0.2 % with 90 % intervals, in at most 0.5 % with 99.8 % ones; zeros and ones, computed for 1 to
    1000 rows and rates of 0.1 to 99.9 %: p-values below u have at most the probability u.

    Cost: that of the rules; the sum itself takes a few microseconds.

    A rule that is unknown counts as 0 and may still matter: the answer is unknown unless the others have
    reached the level without it. So is a rule that is known but states nothing, such as `LossAbove` of a loss
    without an interval. The decision states its own e-value.

    References
    ----------
    .. [1] V. Vovk and R. Wang, "E-values: calibration, combination and applications", Annals of Statistics
       49 (2021).

    Examples
    --------
    >>> from contlearn.policies import Evidence, Evidential, LossIncrease, OnDrift
    >>> from contlearn.results import DriftResult, DriftState, Interval
    >>> policy = Evidential(OnDrift(), LossIncrease(0.0), level=0.1)
    >>> drift = DriftResult(state=DriftState.STABLE, score=0.1, p_value=0.002, alpha=0.001)
    >>> loss = Interval(0.31, 0.275, 0.345, 0.99)
    >>> print(policy(Evidence(drift=drift, loss=loss, baseline_loss=0.262)))
    retrain: mean e-value 10.6 (need 10): 12.8 from stable: score 0.1, p = 0.002 (alpha 0.001), 0 rows;
    8.49 from loss rose by 0.048, lower end 0.013 (limit 0)
    """

    rules: tuple[PolicyLike, ...]
    level: float
    states_evidence: ClassVar[bool] = True

    def __init__(self, *rules: PolicyLike, level: float = 0.05) -> None:
        if not rules:
            _checks.fail("rules", "hold at least one rule", "none", "such as Evidential(OnDrift())")
        for position, rule in enumerate(rules):
            require_policy(f"rules[{position}]", rule)
            _require_evidence(f"rules[{position}]", rule)
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "level", _checks.fraction("level", level))

    def __call__(self, evidence: Evidence) -> Decision:
        votes = tuple(ask(rule, evidence) for rule in self.rules)
        found = [_e_value(vote) for vote in votes]
        mean = math.fsum(e for e in found if e is not None) / len(votes)
        told = "; ".join(_told(*pair) for pair in zip(found, votes, strict=True))
        reason = f"mean e-value {mean:.3g} (need {1.0 / self.level:.4g}): {told}"
        if mean >= 1.0 / self.level:
            return Decision(True, reason, votes, e_value=mean)
        missing = tuple(
            dict.fromkeys(
                name
                for e, vote in zip(found, votes, strict=True)
                if e is None
                for name in vote.missing or ("p_value",)
            )
        )
        return Decision(False, reason, votes, missing, e_value=mean)

    def __repr__(self) -> str:
        level = [f"level={self.level!r}"] if self.level != 0.05 else []
        return f"Evidential({', '.join([*map(expression, self.rules), *level])})"


def _require_evidence(name: str, rule: PolicyLike) -> None:
    ours = isinstance(rule, (Rule, AtLeast)) or type(rule).__module__ == Policy.__module__
    if ours and not getattr(rule, "states_evidence", False):
        cure = "join it with the Evidential by & instead"
        _checks.fail(name, "state a p-value or an e-value", expression(rule), cure)


def _e_value(vote: Decision) -> float | None:
    """Return the evidence of one rule; None where it is not known."""
    if vote.missing:
        return None
    if vote.e_value is not None:
        return vote.e_value
    return None if vote.p_value is None else calibrated(vote.p_value)


def calibrated(p_value: float) -> float:
    """Return the e-value of a p-value: the mean of k p**(k - 1) over k between 0 and 1."""
    if p_value <= 0.0:
        return math.inf
    t = -math.log(p_value)
    if t < 1e-3:  # where the difference below would lose its digits
        return 0.5 + t / 6.0 + t * t / 24.0
    if t > 700.0:  # where 1 / p is beyond the floats
        return math.inf
    return (math.expm1(t) - t) / (t * t)


def _told(e: float | None, vote: Decision) -> str:
    if e is not None:
        return f"{e:.3g} from {vote.reason}"
    return f"nothing from {vote.reason}" + (
        "" if vote.missing else ", which states no p-value and no e-value"
    )
