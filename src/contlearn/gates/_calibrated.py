"""The gate on calibration: do promised probabilities come true."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contlearn import _checks
from contlearn.exceptions import InvalidInputError
from contlearn.gates import _settled
from contlearn.gates._base import Gate
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict

if TYPE_CHECKING:
    from contlearn.stats._calibration_error import Binned

_MOST_BINS = 15
_MOST_BINS_OF_CLUSTERS = 10  # all signs of the bins are tried: 512
_POWER_QUANTILE = 0.8416212335729143


@dataclass(frozen=True, slots=True)
class Calibrated(Gate):
    """Promote a challenger whose probabilities are shown to come true, up to a limit.

    The calibration error is the mean over rows of the distance between the share that came true and the mean
    probability promised, by bins of rows with similar promises. PROMOTE when the test rejects an error of at
    least `limit`; REJECT when it rejects an error of at most `limit`; else CONTINUE. The champion is not
    asked; join it by `&` to a gate that compares.

    Parameters
    ----------
    limit
        Largest error that may be served, strictly between 0 and 1.
    alpha
        Rate of wrong promotions, one-sided, strictly between 0 and 0.5.
    bins
        Bins with about equal numbers of rows, 1 to 15; rows with equal promises stay in one bin. None: the
        cube root of the number of rows, at most 15; with `groups` at most 10.

    Notes
    -----
    Asks for a trial with `y` (0 and 1, or positions of columns) and the challenger's probabilities, of shape
    (n_samples,) or (n_samples, n_classes). Of two classes, what is promised is class 1; of more, the most
    likely class.

    The error found in few rows lies above the true one, since noise counts as error [1]_: with 1,000 rows and
    10 bins, a perfect forecaster shows about 0.03. The test therefore compares with the errors that a
    forecaster at the limit would show in the least favourable case, equal gaps in all bins, on average and by
    their spread; the spread of a bin comes from the exact binomial limits. With `groups` in the trial, the
    jackknife over clusters, with the signs of the gaps that vary most, and Student's law. The verdict has no
    gain; the reason tells the error and its interval. Bins can hide gaps of opposite sign in one of them.
    Measured rates of wrong promotion of an error at the limit 0.05, alpha 0.05, 600 trials each: 0 % with 10
    to 50 rows, 0-3 % with 200, 1-4 % with 1,000, 3-6.5 % with 5,000; with 7, 14 and 50 clusters 0-5 %. A
    perfect forecaster of promises between 0 and 1 is promoted by 1 % of trials of 200 rows, 41 % of 1,000 and
    all of 5,000.
    Cost: O(n log n).

    Threads may share it.

    References
    ----------
    .. [1] J. Bröcker, "Estimating reliability and resolution of probability forecasts through decomposition
       of the empirical score", Climate Dynamics 39 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.evaluation import brier
    >>> from contlearn.gates import Calibrated, Trial
    >>> rng = np.random.default_rng(0)
    >>> promised = rng.beta(2, 5, size=3000)
    >>> y = rng.random(3000) < promised
    >>> print(Calibrated()(Trial.from_predictions(y, promised, promised, loss=brier)))
    promote: calibration error 0.02147 [0, 0.02845] (90 %) is below the limit 0.05 (3000 rows, 14 bins,
    p = 0.000119 <= 0.05)
    >>> print(Calibrated()(Trial.from_predictions(y, promised, promised**0.5, loss=brier)))
    reject: calibration error 0.2329 [0.2191, 0.2466] (90 %) is above the limit 0.05 (3000 rows, 14 bins,
    p = 1 > 0.05)
    """

    limit: float = 0.05
    alpha: float = 0.05
    bins: int | None = None

    def __post_init__(self) -> None:
        _checks.fraction("limit", self.limit)
        _checks.level("alpha", self.alpha)
        if self.bins is not None:
            _checks.count("bins", self.bins, high=_MOST_BINS)

    def __call__(self, trial: Trial) -> Verdict:
        """Return whether the challenger's calibration error is below the limit."""
        _checks.instance("trial", trial, Trial, "a Trial")
        lacks = _settled.lacking(trial, "y", "challenger")
        if lacks:
            return _settled.unsettled(lacks)
        try:
            return self._judge(trial)
        except InvalidInputError as error:
            return _settled.unsettled(str(error))

    def _judge(self, trial: Trial) -> Verdict:
        import numpy as np

        from contlearn.gates import _predictions, _sum_metrics
        from contlearn.stats import _calibration_error

        alpha, n = float(self.alpha), trial.n_samples
        y, (table,) = _predictions.probabilities(trial.y, trial.challenger)
        codes = _settled.clusters_of(trial)
        units = n if codes is None else np.unique(codes).size
        enough = _settled.fewest(alpha)
        basis = _settled.counted(n, "row")
        if codes is not None:
            basis += f" in {_settled.counted(units, 'group')}"
        if units < enough:
            why = f"{basis} cannot show a calibration error at alpha {alpha:g}, {enough} can"
            return _settled.unsettled(why, math.ceil((enough / units - 1.0) * n))
        said, right = _sum_metrics.confidence(y, table)
        most = _MOST_BINS if codes is None else _MOST_BINS_OF_CLUSTERS
        bins = min(most, int(self.bins) if self.bins is not None else max(1, math.floor(n ** (1 / 3) + 1e-9)))
        found = _calibration_error.binned(said, right, bins, codes, alpha)
        return self._settle(found, f"{basis}, {_settled.counted(found.gaps.size, 'bin')}", n)

    def _settle(self, found: Binned, basis: str, n: int) -> Verdict:
        limit, alpha = float(self.limit), float(self.alpha)
        p_above, p_below = found.p_above(limit), found.p_below(limit)
        outcome, what = Outcome.CONTINUE, "is not settled against"
        if p_above <= alpha:
            outcome, what = Outcome.PROMOTE, "is below"
        elif p_below <= alpha:
            outcome, what = Outcome.REJECT, "is above"
        sign = "<=" if outcome is Outcome.PROMOTE else ">"
        reason = (
            f"calibration error {found.interval(_settled.confidence(alpha))} {what} the limit {limit:g} "
            f"({basis}, p = {p_above:.3g} {sign} {alpha:g})"
        )
        needed = _needed(found, n, limit, alpha) if outcome is Outcome.CONTINUE else None
        if needed is not None:
            reason += f"; about {needed} more rows would settle it"
        return Verdict(outcome, reason, p_value=p_above, needed=needed)


def _needed(found: Binned, n: int, limit: float, alpha: float) -> int | None:
    """Return how many more rows make the noise small against the gap between limit and error.

    The error less its largest bias stands for the true one.
    """
    interval = found.interval(_settled.confidence(alpha))
    noise = interval.high - interval.estimate + (1.0 + _POWER_QUANTILE) * found.spread
    true = max(0.0, interval.estimate - float(found.noise.sum()) * 0.8)
    gap = abs(limit - true)
    return max(1, math.ceil(min(n * (noise / gap) ** 2, 1e9) - n)) if gap > 1e-9 else None
