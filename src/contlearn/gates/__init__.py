"""Is the new model really better: gates read a trial of both models on the same rows and answer with a
reason.

A gate promotes, rejects, or says that the evidence does not settle it; it states the rate of wrong promotions
that it keeps, and it never promotes for want of data.
"""

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.gates._base import Gate
    from contlearn.gates._every_slice import EverySlice
    from contlearn.gates._gain import Gain
    from contlearn.gates._sign_off import SignOff
    from contlearn.gates._trial import Trial
    from contlearn.results import Interval, Outcome, Verdict

__all__ = ["EverySlice", "Gain", "Gate", "Interval", "Outcome", "SignOff", "Trial", "Verdict"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "EverySlice": "._every_slice",
        "Gain": "._gain",
        "Gate": "._base",
        "Interval": "..results",
        "Outcome": "..results",
        "SignOff": "._sign_off",
        "Trial": "._trial",
        "Verdict": "..results",
    },
)
