"""The rule that retrains once waiting has cost as much as training."""

from __future__ import annotations

import math
from dataclasses import dataclass

from contlearn.policies._base import Rule, unknown
from contlearn.policies._costs import Costs
from contlearn.policies._cycle import Cycle, cycle
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision


@dataclass(frozen=True, slots=True, repr=False, init=False)
class CostAware(Rule):
    """Retrain once the excess loss since the last training has cost as much as a training.

    Rent or buy: a stale model is rent, a training is the price. Each loss stands for the time since the loss
    before it, and its excess over the baseline loss costs `loss_cost` a day. The debt is the sum of these
    costs; it begins at 0 with each training, promoted or not, and never falls below 0, so that an easy season
    pays for no hard one. Once the debt reaches `retrain_cost`, the rule retrains.

    Where models only get worse with age, and a loss shows what a newer model would save, this costs at most
    twice what the best sequence of retrainings would have cost, known afterwards, plus the last excess before
    each retraining. Under a steady decay it finds the best period by itself. What is the same for all models,
    such as a season, is no reason to train, but a single loss cannot tell: a swing of the loss about its
    baseline makes it retrain too early or too late.

    Of intervals, the lower end of the debt must reach the price: the losses are taken to be measured on rows
    of their own, so that their errors add up by squares; losses on overlapping rows make it too high. Numbers
    count as they are. Where nothing changes and the noise of five daily losses costs as much as a training,
    that is 9 retrainings a year for nothing from numbers, and one in two years from intervals at 90 %. The
    baseline is taken as exact.

    Unknown when `now`, `loss`, `baseline_loss` or the history is, or when the last training is: neither
    `trained_at` nor a retraining on record. What was not watched is not counted: not the time before the
    history begins, and a loss that is not known leaves its time to the next one.

    Parameters
    ----------
    retrain_cost
        What one training costs, in money; above 0. Or `Costs`, which hold both prices.
    loss_cost
        What one unit of mean loss costs a day (a unit of `now` where moments are numbers), in the same money;
        above 0. With a 0/1 loss: decisions a day, times the price of a wrong one.

    Notes
    -----
    Cost: one pass over the history, at most 1,000 episodes.

    References
    ----------
    Karlin, Manasse, Rudolph, Sleator, "Competitive snoopy caching", Algorithmica 1988. Mahadevan,
    Mathioudakis, "Cost-aware retraining for machine learning", Knowledge-Based Systems 2024.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> from contlearn.policies import CostAware, Episode, Evidence
    >>> rule = CostAware(retrain_cost=400, loss_cost=10_000)   # 10,000 decisions a day, 1 for a wrong one
    >>> start, history = datetime(2024, 1, 1), ()
    >>> for day, loss in enumerate((0.20, 0.21, 0.21, 0.23)):
    ...     now = start + timedelta(days=day)
    ...     evidence = Evidence(now=now, trained_at=start, loss=loss, baseline_loss=0.2, history=history)
    ...     decision = rule(evidence)
    ...     history += (Episode(evidence, decision),)
    >>> print(decision)
    retrain: excess loss since the last training cost 500 (a training 400)
    """

    retrain_cost: float
    loss_cost: float

    def __init__(self, retrain_cost: float | Costs, loss_cost: float | None = None) -> None:
        costs = Costs.of(retrain_cost, loss_cost)
        object.__setattr__(self, "retrain_cost", costs.retrain_cost)
        object.__setattr__(self, "loss_cost", costs.loss_cost)

    def __call__(self, evidence: Evidence) -> Decision:
        record = cycle(evidence)
        if isinstance(record, Decision):
            if evidence.baseline_loss is None:
                return unknown([*record.missing, "baseline_loss"])
            return record
        if evidence.baseline_loss is None:
            return unknown(["baseline_loss"])
        total, sure = (self.loss_cost * amount for amount in debt(record))
        if sure != sure:
            return unknown(["loss", "baseline_loss"], "the excess of an infinite loss is not known")
        end = f", lower end {sure:.6g}" if sure != total else ""
        reason = (
            f"excess loss since the last training cost {total:.6g}{end} (a training {self.retrain_cost:.6g})"
        )
        return Decision(sure >= self.retrain_cost, reason)


def debt(record: Cycle) -> tuple[float, float]:
    """Return the excess of the losses over their baselines times days, and its lower end.

    It is the reflected sum: what an easy season gave back is not kept for a hard one. The losses are measured
    on rows of their own, so that their errors add up by squares, from where the debt began.
    """
    since, total, spread = record.watched, 0.0, 0.0
    for loss in record.losses:
        days, since = max(0.0, since - loss.age), min(since, loss.age)
        if not days or loss.baseline is None:
            continue
        total += days * (loss.loss - loss.baseline)
        if loss.sure != loss.loss:  # two infinite ones have no difference
            spread += (days * (loss.loss - loss.sure)) ** 2
        if total <= 0.0:
            total = spread = 0.0
    return total, total - math.sqrt(spread)
