"""The rule that waits until the gate could find what is worth finding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from contlearn import _checks
from contlearn.policies._base import Rule, unknown
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision


@dataclass(frozen=True, slots=True, repr=False)
class EnoughLabels(Rule):
    """Allow retraining once the gate will have enough labelled rows to see that the challenger is better.

    A challenger whose holdout is too small is not promoted however good it is: its training is wasted.
    ``contlearn.gates.plan`` tells how many rows the gate needs for a gain that is worth it. Unknown when
    `n_labels` is.

    Parameters
    ----------
    needed
        Labelled rows that the gate needs, at least 1; or a plan, whose `needed` is taken.
    holdout
        The share of the labelled rows that the gate will see, above 0 and at most 1: 0.3 where seven in ten
        are trained on.

    Raises
    ------
    InvalidParameterError
        If no number of rows is enough, according to the plan.

    Examples
    --------
    >>> from contlearn.policies import EnoughLabels, Evidence
    >>> rule = EnoughLabels(926, holdout=0.3)
    >>> print(rule(Evidence(n_labels=2_000)))
    wait: 600 of 2000 labels are for the gate (need 926)
    >>> print(rule(Evidence(n_labels=3_100)))
    retrain: 930 of 3100 labels are for the gate (need 926)
    """

    needed: Any
    holdout: float = 1.0

    def __post_init__(self) -> None:
        needed = self.needed
        if hasattr(needed, "needed"):
            needed = needed.needed
            if needed is None:
                cure = "plan for a larger gain, or for less power"
                _checks.fail("needed", "be a plan that some number of rows fulfils", "None", cure)
        object.__setattr__(self, "needed", _checks.count("needed", needed))
        object.__setattr__(self, "holdout", _checks.number("holdout", self.holdout, low=0.0, high=1.0))
        if self.holdout == 0.0:
            _checks.fail("holdout", "be above 0", self.holdout)

    def __call__(self, evidence: Evidence) -> Decision:
        if evidence.n_labels is None:
            return unknown(["n_labels"])
        rows = math.floor(evidence.n_labels * self.holdout * (1.0 + 1e-12))
        reason = f"{rows} of {evidence.n_labels} labels are for the gate (need {self.needed})"
        return Decision(rows >= self.needed, reason)
