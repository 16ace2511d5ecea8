"""Rules that compare one fact with one limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from contlearn import _checks
from contlearn.policies._base import Rule, unknown
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision, Interval


@dataclass(frozen=True, slots=True, repr=False)
class LossIncrease(Rule):
    """Retrain when the loss lies more than `by` above the baseline loss.

    Of an `Interval` the lower end is asked, so that fifty noisy rows do not retrain: the chance of retraining
    where the loss rose by no more than `by` is then half of what the interval leaves out (5 % at 90 %).
    Unknown when `loss` or `baseline_loss` is.

    Of an `Interval` the decision states a p-value, that of the hypothesis that the loss rose by no more than
    `by`. An interval tells its error rate at its own end alone: inside it the p-value is that of the chord
    from 1 at the estimate to the rate of the lower end, beyond it that of Cauchy's law, the heaviest of
    Student's. So it holds for normal and Student intervals of any number of rows and for Clopper and
    Pearson's, and is hardly ever far below the rate of the end: for a small p-value, give an interval of high
    confidence, such as `mean_loss(losses, confidence=0.998)`, whose lower end is p = 0.001. Cost: O(1).

    Parameters
    ----------
    by
        The tolerated rise, in the unit of the loss; at least 0.

    Examples
    --------
    >>> from contlearn.policies import Evidence, LossIncrease
    >>> from contlearn.results import Interval
    >>> rule = LossIncrease(0.02)
    >>> print(rule(Evidence(loss=0.311, baseline_loss=0.28)))
    retrain: loss rose by 0.031 (limit 0.02)
    >>> print(rule(Evidence(loss=Interval(0.311, 0.27, 0.352, 0.9), baseline_loss=0.28)))
    wait: loss rose by 0.031, lower end -0.01 (limit 0.02)
    """

    by: float
    states_evidence: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", _checks.number("by", self.by, low=0.0))

    def __call__(self, evidence: Evidence) -> Decision:
        loss, baseline = _estimate_and_low(evidence.loss), evidence.baseline_loss
        if loss is None or baseline is None:
            known = {"loss": loss, "baseline_loss": baseline}
            return unknown(name for name, value in known.items() if value is None)
        rise, sure = loss[0] - baseline, loss[1] - baseline
        if sure != sure:  # infinity minus infinity
            return unknown(["loss", "baseline_loss"], "the rise of an infinite loss is not known")
        reason = f"loss {'fell' if rise < 0 else 'rose'} by {abs(rise):.4g}"
        if isinstance(evidence.loss, Interval):
            reason += f", lower end {sure:.4g}"
        p_value = _p_value(evidence.loss, baseline + self.by)
        return Decision(sure > self.by, f"{reason} (limit {self.by:.4g})", p_value=p_value)


@dataclass(frozen=True, slots=True, repr=False)
class LossAbove(Rule):
    """Retrain when the loss lies above `limit`.

    Of an `Interval` the lower end is asked and a p-value stated, as in `LossIncrease`. Unknown when `loss`
    is.

    Parameters
    ----------
    limit
        The highest tolerated loss, in its unit.

    Examples
    --------
    >>> from contlearn.policies import Evidence, LossAbove
    >>> print(LossAbove(0.3)(Evidence(loss=0.25)))
    wait: loss 0.25 (limit 0.3)
    """

    limit: float
    states_evidence: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", _checks.number("limit", self.limit))

    def __call__(self, evidence: Evidence) -> Decision:
        loss = _estimate_and_low(evidence.loss)
        if loss is None:
            return unknown(["loss"])
        end = f", lower end {loss[1]:.4g}" if isinstance(evidence.loss, Interval) else ""
        reason = f"loss {loss[0]:.4g}{end} (limit {self.limit:.4g})"
        return Decision(loss[1] > self.limit, reason, p_value=_p_value(evidence.loss, self.limit))


@dataclass(frozen=True, slots=True, repr=False)
class LowConfidence(Rule):
    """Retrain when the model's mean confidence lies below `limit`.

    A sign that needs no labels, and a weak one: a model can be sure and wrong. Unknown when `confidence` is.

    Parameters
    ----------
    limit
        The lowest tolerated confidence, in its unit.

    Examples
    --------
    >>> from contlearn.policies import Evidence, LowConfidence
    >>> print(LowConfidence(0.8)(Evidence(confidence=0.71)))
    retrain: confidence 0.71 (limit 0.8)
    """

    limit: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", _checks.number("limit", self.limit))

    def __call__(self, evidence: Evidence) -> Decision:
        confidence = evidence.confidence
        if confidence is None:
            return unknown(["confidence"])
        return Decision(confidence < self.limit, f"confidence {confidence:.4g} (limit {self.limit:.4g})")


@dataclass(frozen=True, slots=True, repr=False)
class MinLabels(Rule):
    """Allow retraining once `n` labelled rows are there to train on.

    Unknown when `n_labels` is.

    Parameters
    ----------
    n
        Labelled rows needed; at least 1.

    Examples
    --------
    >>> from contlearn.policies import Evidence, MinLabels
    >>> print(MinLabels(500)(Evidence(n_labels=120)))
    wait: 120 labels (need 500)
    """

    n: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _checks.count("n", self.n))

    def __call__(self, evidence: Evidence) -> Decision:
        if evidence.n_labels is None:
            return unknown(["n_labels"])
        return Decision(evidence.n_labels >= self.n, f"{evidence.n_labels} labels (need {self.n})")


def _p_value(loss: object, limit: float) -> float | None:
    """Return the p-value of a loss of at most `limit`; None without a usable interval."""
    if not isinstance(loss, Interval) or not 0.0 < loss.confidence < 1.0:
        return None
    below, gap = loss.estimate - loss.low, loss.estimate - limit
    if not (0.0 < below < math.inf and math.isfinite(gap)):
        return None
    tail, ends = 0.5 - 0.5 * loss.confidence, gap / below
    if ends <= 1.0:  # where the p-value is convex, as of every unimodal law, the chord lies above it
        return min(1.0, 1.0 - (1.0 - tail) * ends)
    return math.atan(math.tan(math.pi * tail) / ends) / math.pi


def _estimate_and_low(loss: float | Interval | None) -> tuple[float, float] | None:
    """Return the estimate and the end that a rule may trust; None where either is not known."""
    pair = (loss.estimate, loss.low) if isinstance(loss, Interval) else (loss, loss)
    if pair[0] is None or pair[1] is None or pair[0] != pair[0] or pair[1] != pair[1]:
        return None
    return pair[0], pair[1]
