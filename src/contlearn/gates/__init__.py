"""Is the new model really better: gates read a trial of both models on the same rows and answer with a
reason.

A gate promotes, rejects, or says that the evidence does not settle it; it states the rate of wrong promotions
that it keeps, and it never promotes for want of data.
"""

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.gates._approval import Approval
    from contlearn.gates._auc_gain import AUCGain
    from contlearn.gates._base import Gate
    from contlearn.gates._calibrated import Calibrated
    from contlearn.gates._canary import Canary
    from contlearn.gates._canary_answer import CanaryAction, CanaryAnswer
    from contlearn.gates._churn import Churn
    from contlearn.gates._every_slice import EverySlice
    from contlearn.gates._faster import Faster
    from contlearn.gates._forgetting import Forgetting, ForgettingCell, forgetting
    from contlearn.gates._gain import Gain
    from contlearn.gates._group_sequential_gain import GroupSequentialGain
    from contlearn.gates._guardrail import Guardrail
    from contlearn.gates._holdout_budget import HoldoutBudget
    from contlearn.gates._metric_gain import MetricGain
    from contlearn.gates._negative_flips import NegativeFlips
    from contlearn.gates._old_data import OldData
    from contlearn.gates._plan import Plan, plan
    from contlearn.gates._sequential_gain import SequentialGain
    from contlearn.gates._sign_off import SignOff
    from contlearn.gates._trial import Trial
    from contlearn.gates._worse_slices import SliceGain, WorseSlices, worse_slices
    from contlearn.results import Interval, Outcome, Verdict

__all__ = [
    "AUCGain",
    "Approval",
    "Calibrated",
    "Canary",
    "CanaryAction",
    "CanaryAnswer",
    "Churn",
    "EverySlice",
    "Faster",
    "Forgetting",
    "ForgettingCell",
    "Gain",
    "Gate",
    "GroupSequentialGain",
    "Guardrail",
    "HoldoutBudget",
    "Interval",
    "MetricGain",
    "NegativeFlips",
    "OldData",
    "Outcome",
    "Plan",
    "SequentialGain",
    "SignOff",
    "SliceGain",
    "Trial",
    "Verdict",
    "WorseSlices",
    "forgetting",
    "plan",
    "worse_slices",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "AUCGain": "._auc_gain",
        "Approval": "._approval",
        "Calibrated": "._calibrated",
        "Canary": "._canary",
        "CanaryAction": "._canary_answer",
        "CanaryAnswer": "._canary_answer",
        "Churn": "._churn",
        "EverySlice": "._every_slice",
        "Faster": "._faster",
        "Forgetting": "._forgetting",
        "ForgettingCell": "._forgetting",
        "Gain": "._gain",
        "Gate": "._base",
        "GroupSequentialGain": "._group_sequential_gain",
        "Guardrail": "._guardrail",
        "HoldoutBudget": "._holdout_budget",
        "Interval": "..results",
        "MetricGain": "._metric_gain",
        "NegativeFlips": "._negative_flips",
        "OldData": "._old_data",
        "Outcome": "..results",
        "Plan": "._plan",
        "SequentialGain": "._sequential_gain",
        "SignOff": "._sign_off",
        "SliceGain": "._worse_slices",
        "Trial": "._trial",
        "Verdict": "..results",
        "WorseSlices": "._worse_slices",
        "forgetting": "._forgetting",
        "plan": "._plan",
        "worse_slices": "._worse_slices",
    },
)
