"""Has the risk of a model risen above its limit? Asked after every label."""

from __future__ import annotations

import math
from typing import Any, Literal, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from contlearn import _checks
from contlearn.drift._streams import _changed, _losses, _risk_bets, _risk_limit
from contlearn.drift._streams._betting import Betting
from contlearn.drift._streams._risk_bets import BLOCK
from contlearn.drift._streams._watch import warning_limit
from contlearn.results import DriftResult, DriftState, Interval


class RiskDetector(Betting):
    """Watch a loss between 0 and 1, and alarm when its mean has risen above a limit.

    While the mean of every loss, given all that came before it, is at most `limit`, there are at least
    `run_length` updates between false alarms on average, whatever the distribution of the losses and however
    they depend on each other. How large a rise will be need not be known.

    Parameters
    ----------
    limit
        The largest mean loss that is acceptable, strictly between 0 and 1. None: `fit` learns it.
    run_length
        Expected number of updates between false alarms, at least 1. None: `alpha` says what is promised.
    side
        "above", or "both": alarm as well when the mean falls below the limit, or below what `fit` learned.
        A given limit then is what the mean must be, given the past, for the promise to hold.
    alpha
        A promise for life, strictly between 0 and 1: the probability that there is ever a false alarm is at
        most this. Needs `run_length=None`. After an alarm or a `reset` the promise begins anew.
    confidence
        Of the limit that `fit` learns, and of the interval in `result.effects`. With `alpha`, half of alpha
        goes to the learned limit and half to the stream, and this says nothing about the limit.
    tolerance
        What is added to a learned limit, in units of loss, from 0 to 1.
    warning_run_length
        Expected number of updates between false warnings, at least 1. None: a tenth of `run_length`; with
        `alpha`, warnings begin at a tenth of the evidence of an alarm, and this must be None.

    Attributes
    ----------
    limit_ : float
        The limit in use, given or learned.
    lower_limit_ : float or None
        What the mean must not fall below; None for one side.

    See Also
    --------
    contlearn.evaluation.mean_loss : The mean of losses with its interval, for one batch.

    Notes
    -----
    `result.score` is the evidence, in updates: evidence as large as this is reached once in so many updates
    when nothing has changed; with `alpha`, its inverse is a p-value that may be read at any time.
    `result.changed_at` is the start after which the losses speak most against the limit. It rather comes too
    late: for a limit of 0.10, an error rate that rises to 0.15, 0.20 and 0.30 is found after 390, 150 and 55
    updates on average (340, 120 and 45 where it had been at the limit before), and half of the estimates miss
    the change by at most 115, 30 and 6 updates. Starts more than 1,024 to 2,048 updates ago are told apart by
    blocks of 1,024, those more than 67,000 ago not at all.
    `result.effects["mean loss minus limit"]` is that of the losses since then. If independent, its interval
    holds for all possible starts at once, but at one time of looking: an alarm chose its time. Of the
    intervals at the alarms just named, 85, 91 and 94 of 100 held the rise, at a confidence of 95 %.

    Measured at a promise of 10,000: 11,600 to 15,200 updates between false alarms, for zeros and ones and
    beta losses with means from 0.005 to 0.9. Rises by less than a twentieth of the limit are found no faster
    than false alarms come. The promise is about means given the past: where the mean itself wanders around
    the limit, it is above the limit half of the time, and every such time is a change. Zeros and ones whose
    probability is an AR(1) process of mean 0.10, sd 0.02: 14,100 updates between alarms with a coefficient of
    0, 9,300 with 0.9, 4,900 with 0.99, 3,200 with 0.999; a chain of zeros and ones with a share of ones of
    0.10: 5,300, 2,200 and 450 with a lag-1 correlation of 0.1, 0.2 and 0.5. Room below the limit helps.
    A learned limit lies above the true mean with probability `confidence`, and only then is the promise kept.

    Threads: not to be shared without a lock.
    State: at most about 19,000 bytes; it grows by less than 1,000 after 2,048 updates, and not at all after
    68,000.
    Cost: half a microsecond per `update` of zeros and ones, half more for other losses, three to five times
    as much for two sides or with `alpha`; below a tenth of a microsecond per loss in `update_many`.

    References
    ----------
    .. [1] J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: a nonparametric framework for sequential change
       detection", New England Journal of Statistics in Data Science (2023).
    .. [2] A. Podkopaev, A. Ramdas, "Tracking the risk of a deployed model and detecting harmful distribution
       shifts", ICLR (2022).
    .. [3] I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", Journal of
       the Royal Statistical Society B 86 (2024).

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import RiskDetector
    >>> rng = np.random.default_rng(0)
    >>> errors = np.concatenate((rng.random(2000) < 0.1, rng.random(300) < 0.25))
    >>> detector = RiskDetector(limit=0.1)
    >>> for number, error in enumerate(errors):
    ...     detector.update(error)
    ...     if detector.drift_detected:
    ...         break
    >>> number, detector.result.changed_at
    (2032, 42)

    The limit of a model that erred 40 times in 500, and many losses at once:

    >>> detector = RiskDetector().fit(np.arange(500) < 40)
    >>> round(detector.limit_, 3)
    0.103
    >>> detector.update_many(errors)
    [2042, 2097, 2164, 2262]
    """

    def __init__(
        self,
        limit: float | None = None,
        run_length: float | None = 10_000,
        side: Literal["above", "both"] = "above",
        alpha: float | None = None,
        confidence: float = 0.95,
        tolerance: float = 0.0,
        warning_run_length: float | None = None,
    ) -> None:
        if limit is not None:
            _checks.fraction("limit", limit)
        _checks.one_of("side", side, ("above", "both"))
        _checks.fraction("confidence", confidence)
        _checks.number("tolerance", tolerance, low=0.0, high=1.0)
        _check_promise(run_length, alpha, warning_run_length)
        self.limit = limit
        self.run_length = run_length
        self.side = side
        self.alpha = alpha
        self.confidence = confidence
        self.tolerance = tolerance
        self.warning_run_length = warning_run_length
        self._learned: _risk_limit.Learned | None = None
        self.reset()

    def fit(self, losses: ArrayLike, y: object = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the limit: the upper confidence bound of the mean of independent losses, plus `tolerance`.

        Parameters
        ----------
        losses
            Labelled reference, in [0, 1], at least one. Exact for zeros and ones (Clopper and Pearson); a
            bound by betting for others, valid for every sample size.
        y
            Ignored.

        Raises
        ------
        InvalidParameterError
            A limit was given to the constructor.
        InvalidInputError
            A loss is missing or lies outside [0, 1], or the bound is 1: no loss could exceed it.
        """
        if self.limit is not None:
            _checks.fail("limit", "be None for fit to learn it", self.limit, "leave out the limit, or fit")
        values = _losses.losses(losses)
        if not values.size:
            _checks.bad_data("losses", "hold at least one row", "none")
        missed = 1.0 - float(self.confidence) if self.alpha is None else float(self.alpha) / 2.0
        level = 1.0 - (missed / 2.0 if self.side == "both" else missed)
        tolerance = float(self.tolerance)
        bound = _risk_limit.upper_bound(values, level)
        high = min(bound + tolerance, 1.0)
        low = max(1.0 - _risk_limit.upper_bound(1.0 - values, level) - tolerance, 0.0)
        if high == 1.0 and (low == 0.0 or self.side == "above"):
            cure = "give more rows, a smaller tolerance, or a limit"
            _checks.bad_data("losses", "leave room for a change", f"a limit of {high:.4g}", cure)
        remark = _risk_limit.remark(values, bound, level)
        self._learned = _risk_limit.Learned(low, high, values.size, remark)
        self.reset()
        return self

    def reset(self) -> None:
        """Become as new: as after `fit` if there was one, else as after the constructor."""
        low, high = self._limits or (0.0, 1.0)
        self._bet(low if self.side == "both" else 0.0, high, lifelong=self.alpha is not None)
        self._limit = self._threshold()
        self._warning_limit = warning_limit(self.warning_run_length, self._limit)
        self._restart()

    def _threshold(self) -> float:
        """Return the evidence that raises an alarm."""
        if self.alpha is None:
            return float(self.run_length)  # type: ignore[arg-type] # one of the two is given
        return (1.0 if self._learned is None else 2.0) / float(self.alpha)

    @property
    def _limits(self) -> tuple[float, float] | None:
        if self.limit is not None:
            return float(self.limit), float(self.limit)
        return None if self._learned is None else self._learned[:2]

    @property
    def limit_(self) -> float:
        """The limit in use, given or learned."""
        if self._limits is None:
            self._refuse_unfitted()
        return self._limits[1]

    @property
    def lower_limit_(self) -> float | None:
        """The limit that the mean must not fall below; None for one side."""
        if self._limits is None:
            self._refuse_unfitted()
        return self._limits[0] if self.side == "both" else None

    def _refuse_unfitted(self) -> NoReturn:
        _checks.not_fitted("RiskDetector()", "give it a limit, or call fit with the losses of a reference")

    @property
    def result(self) -> DriftResult:
        """What is known after the last update; UNDECIDED before there is any."""
        if not self._sides:
            return DriftResult(state=DriftState.UNDECIDED, remarks=("no limit yet",))
        state = self._state if self._n else DriftState.UNDECIDED
        told = state in (DriftState.DRIFT, DriftState.WARNING)
        change = self._change() if told else None
        return DriftResult(
            state=state,
            score=self._evidence if math.isfinite(self._evidence) else None,
            threshold=self._limit,
            alpha=self.alpha,
            p_value=self._p_value,
            n_reference=self._learned.n if self._learned else 0,
            n_current=self._n,
            changed_at=None if change is None else change[0].n,
            effects={} if change is None else {"mean loss minus limit": change[1]},
            remarks=self._learned.remarks if self._learned else (),
        )

    @property
    def _p_value(self) -> float | None:
        """By Ville's inequality, at any time; at most `alpha` exactly where the evidence raises an alarm."""
        if self.alpha is None:
            return None
        return min(1.0, float(self.alpha) * self._limit / max(self._evidence, 1.0))

    def _change(self) -> tuple[_changed.Change, Interval]:
        recent = np.concatenate((self._before, self._block))[::-1]
        counts = np.concatenate((np.ones(recent.size), np.full(len(self._older), BLOCK), [self._rest[0]]))
        sums = np.concatenate((recent, self._older[::-1], [self._rest[1]]))
        used = counts > 0
        totals = [sum(_risk_bets.rebased(each)[:5]) for each in self._wealth]
        side = self._sides[totals.index(max(totals))]
        found = _changed.since(counts[used].cumsum(), sums[used].cumsum(), side.limit, side.sign)
        low, high = _changed.interval(found, float(self.confidence))
        limit = side.limit
        return found, Interval(found.mean - limit, low - limit, high - limit, float(self.confidence))


def _check_promise(run_length: Any, alpha: Any, warning: Any) -> None:
    if alpha is not None:
        _checks.fraction("alpha", alpha)
        for name, value in (("run_length", run_length), ("warning_run_length", warning)):
            if value is not None:
                _checks.fail(name, "be None where alpha is given", value, "choose one promise")
        return
    if run_length is None:
        _checks.fail("run_length", "be a number where alpha is None", run_length, "choose a promise")
    warning_limit(warning, _checks.number("run_length", run_length, low=1.0))
