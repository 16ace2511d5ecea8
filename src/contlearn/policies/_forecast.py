"""The rule that retrains before the loss gets too high."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from contlearn import _checks
from contlearn._time import Duration, duration, words
from contlearn.policies._ages import unlike
from contlearn.policies._base import Rule, unknown
from contlearn.policies._cycle import DAY, cycle
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision

if TYPE_CHECKING:
    from contlearn.policies._trend import Prediction


@dataclass(frozen=True, slots=True, repr=False)
class Forecast(Rule):
    """Retrain when the trend of the loss leads above `limit` by the time a training would be ready.

    A straight line through the losses since the last training, weighted by the widths of their intervals
    where all have one, is drawn on to `now + lead_time`. The rule retrains when the line, there, lies above
    `limit` with a confidence of at least `confidence`, by Student's law: the noise of the measurements makes
    it wait, and is no loss of its own. On flat losses at `limit`, normal and independent, one decision fires
    with a probability of `1 - confidence`, and less below.

    Measured at the defaults with a lead time of 7 days and a noise of a tenth of the way to the limit, 300
    runs each: a loss that climbs there in 60 days is found 4 days before (0 to 7 in nine of ten cases); a
    flat loss asked about daily for 120 days fires falsely in 5 % of cases where it lies one standard
    deviation below the limit, in 1 % where it lies two below, and in 47 % where it lies at the limit itself.

    Losses that depend on the ones before fire more often, since Student's law takes them for independent: on
    20 flat losses at the limit, one decision fires in 5.0 % of 1500 cases where they are independent (4.0 %
    with medians), in 16.8 % where each correlates with the next by 0.5, in 28.1 % by 0.8, and there still in
    10 % one standard deviation below the limit.

    A line says little of a season, and nothing of a jump that is still to come: join it with `LossAbove`.

    Unknown when `now`, `loss` or the history is, when neither `trained_at` nor a retraining is on record, and
    with fewer than `min_losses` losses since the last training. The latest 200 of them are read. Cost:
    linear in the losses since the training, about 6 microseconds for each.

    Parameters
    ----------
    limit
        The highest tolerated loss, in its unit.
    lead_time
        How far ahead to look: as long as training and promotion take. A timedelta above 0 (a number above 0
        where moments are numbers).
    confidence
        How sure it must be, between 0 and 1.
    min_losses
        Losses needed since the last training, the present one included; at least 3.
    trend
        `"linear"`: least squares. `"theil-sen"`: medians of slopes and residuals, which a few odd days do not
        move; its confidence is approximate.

    References
    ----------
    Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 1968.

    Examples
    --------
    >>> from contlearn.policies import Decision, Episode, Evidence, Forecast
    >>> rule = Forecast(limit=0.3, lead_time=5, min_losses=5)
    >>> history = (Episode(Evidence(now=0), Decision(True, "first")),)
    >>> for day, loss in enumerate((0.21, 0.22, 0.24, 0.25, 0.27), start=1):
    ...     evidence = Evidence(now=day, loss=loss, history=history)
    ...     decision = rule(evidence)
    ...     history += (Episode(evidence, decision),)
    >>> print(decision)
    retrain: loss 0.343 expected in 5: above 0.3 with confidence 0.995 (need 0.95)
    """

    limit: float
    lead_time: Duration
    confidence: float = 0.95
    min_losses: int = 8
    trend: Literal["linear", "theil-sen"] = "linear"

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", _checks.number("limit", self.limit))
        object.__setattr__(self, "lead_time", duration("lead_time", self.lead_time))
        object.__setattr__(self, "confidence", _checks.fraction("confidence", self.confidence))
        object.__setattr__(self, "min_losses", _checks.count("min_losses", self.min_losses, low=3))
        _checks.one_of("trend", self.trend, ("linear", "theil-sen"))

    def __call__(self, evidence: Evidence) -> Decision:
        lead = self._lead(evidence)
        if lead is None:
            return unknown(["now"], unlike(evidence.now, self.lead_time))
        record = cycle(evidence)
        if isinstance(record, Decision):
            return record
        losses = [loss for loss in record.losses if math.isfinite(loss.loss)]
        if not math.isfinite(record.losses[-1].loss):
            return unknown(["loss"], "an infinite loss has no trend")
        if len(losses) < self.min_losses:
            reason = f"{len(losses)} of {self.min_losses} losses since the last training that a trend needs"
            return unknown(["history"], reason)
        from contlearn.policies._trend import predict  # loads numpy

        prediction = predict(losses, lead, self.trend)
        if prediction is None:
            return unknown(["history"], "the losses since the last training lie at one moment: no trend")
        return self._judge(prediction)

    def _judge(self, prediction: Prediction) -> Decision:
        sure = prediction.above(self.limit)
        reason = (
            f"loss {prediction.loss:.4g} expected in {words(self.lead_time)}: "
            f"above {self.limit:.4g} with confidence {sure:.3g} (need {self.confidence:.3g})"
        )
        return Decision(sure >= self.confidence, reason)

    def _lead(self, evidence: Evidence) -> float | None:
        """Return the lead time in days, or in units of `now`; 0 where `now` is not known."""
        if evidence.now is None:
            return 0.0
        if isinstance(evidence.now, datetime) is not isinstance(self.lead_time, timedelta):
            return None
        return self.lead_time / DAY if isinstance(self.lead_time, timedelta) else float(self.lead_time)
