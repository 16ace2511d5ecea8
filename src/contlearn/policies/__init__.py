"""When to train: rules over a frozen record of what is known, joined with `&`, `|` and `~`.

A policy is pure and explains itself. What is not known is not a no: a rule without its evidence is unknown,
and neither it nor its negation retrains.
"""

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.policies._ages import MaxAge, MinAge
    from contlearn.policies._base import Policy, PolicyLike
    from contlearn.policies._budget import Budget
    from contlearn.policies._cost_aware import CostAware
    from contlearn.policies._costs import Costs
    from contlearn.policies._enough_labels import EnoughLabels
    from contlearn.policies._evidence import Episode, Evidence
    from contlearn.policies._evidential import Evidential
    from contlearn.policies._forecast import Forecast
    from contlearn.policies._hysteresis import Hysteresis
    from contlearn.policies._limits import LossAbove, LossIncrease, LowConfidence, MinLabels
    from contlearn.policies._loss_cusum import LossCUSUM
    from contlearn.policies._memory import AtMost, Sustained
    from contlearn.policies._money import Money
    from contlearn.policies._on_drift import OnDrift
    from contlearn.policies._pays_off import PaysOff, win_rate
    from contlearn.policies._period import BestPeriod, best_period
    from contlearn.policies._replay import Replay, replay
    from contlearn.policies._votes import AtLeast
    from contlearn.results import Decision

__all__ = [
    "AtLeast",
    "AtMost",
    "BestPeriod",
    "Budget",
    "CostAware",
    "Costs",
    "Decision",
    "EnoughLabels",
    "Episode",
    "Evidence",
    "Evidential",
    "Forecast",
    "Hysteresis",
    "LossAbove",
    "LossCUSUM",
    "LossIncrease",
    "LowConfidence",
    "MaxAge",
    "MinAge",
    "MinLabels",
    "Money",
    "OnDrift",
    "PaysOff",
    "Policy",
    "PolicyLike",
    "Replay",
    "Sustained",
    "best_period",
    "replay",
    "win_rate",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "AtLeast": "._votes",
        "AtMost": "._memory",
        "BestPeriod": "._period",
        "Budget": "._budget",
        "CostAware": "._cost_aware",
        "Costs": "._costs",
        "Decision": "..results",
        "EnoughLabels": "._enough_labels",
        "Episode": "._evidence",
        "Evidence": "._evidence",
        "Evidential": "._evidential",
        "Forecast": "._forecast",
        "Hysteresis": "._hysteresis",
        "LossAbove": "._limits",
        "LossCUSUM": "._loss_cusum",
        "LossIncrease": "._limits",
        "LowConfidence": "._limits",
        "MaxAge": "._ages",
        "MinAge": "._ages",
        "MinLabels": "._limits",
        "Money": "._money",
        "OnDrift": "._on_drift",
        "PaysOff": "._pays_off",
        "Policy": "._base",
        "PolicyLike": "._base",
        "Replay": "._replay",
        "Sustained": "._memory",
        "best_period": "._period",
        "replay": "._replay",
        "win_rate": "._pays_off",
    },
)
