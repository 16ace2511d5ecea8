"""The gate on the area under the ROC curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contlearn import _checks
from contlearn.gates import _anchor, _predictions, _settled
from contlearn.gates._base import Gate
from contlearn.gates._trial import Trial
from contlearn.results import Verdict
from contlearn.stats import _delong, _mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AUCGain(Gate):
    """Promote a challenger whose area under the ROC curve is shown to be larger, by more than a margin.

    The gain is the challenger's area minus the champion's, on the rows of the trial. PROMOTE when the test
    rejects a gain of at most `margin`; REJECT when the whole interval lies at or below it; else CONTINUE.

    Parameters
    ----------
    margin
        Smallest gain worth a promotion, between -1 and 1; a negative one asks only that the area be not
        smaller by more than that.
    alpha
        Rate of wrong promotions, one-sided, strictly between 0 and 0.5.

    Notes
    -----
    Asks for a trial with `y` (1 for positives, 0 for negatives) and the scores of both models, of shape
    (n_samples,), higher for rows that are more likely positive, or probabilities of shape (n_samples, 2).
    More classes, missing or infinite scores, or a single class: CONTINUE, and the reason says so.

    DeLong's variance [1]_, with Student's law in the place of the normal one: Satterthwaite's degrees of
    freedom from the numbers of positives and negatives, and a guard against skewness that can only widen the
    interval. With `groups` in the trial, clusters are what is counted: the areas are computed anew without
    each cluster in turn, and the degrees of freedom are those of the clusters' shares of rows, of positives
    or of negatives, whichever leave fewest. (Sums of DeLong's contributions by cluster [2]_ take one cluster
    that holds most positives for many rows.) Fewer positives, negatives or clusters than log2(1 / `alpha`), 5
    at the default, never promote; nor do models that rank all rows alike.
    Where the trial has the predictions of an `anchor`, the best model ever promoted, a gate with a negative
    margin asks for the same margin against it, too, as `Gain` does; a trial with its losses only: CONTINUE.

    Measured rates of wrong promotion at alpha 0.05, 1,000 trials each. Normal scores: 0-6 % with 30 to 3,000
    rows and 2 to 50 % positives (1 % where 5 positives are expected); 2-5 % with 7, 14 and 50 clusters that
    suit one of the models as a whole, below 2 % where one cluster is ten times as large as the others or
    holds most positives.
    Rare failures: no test can see the cost of positives that the trial happens to lack. A challenger that
    ranks one positive in 50 last, and all others first, so that the areas are equal: promoted by 35 % of
    trials of 50 positives (none of them fails: it looks perfect), and likewise by 35 % where one in 100
    fails and there are 100 positives; by 3-4 % where five failures are expected. With one disaster in ten
    clusters: 48 % of trials of 7 clusters, 25 % of 14, 3 % of 30. What helps: more positives, or more
    clusters, until about five of the rare kind are
    expected; and `EverySlice` with the rare kind among `required`.

    Cost: O(n log n); milliseconds for 10,000 rows.

    Threads may share it.

    References
    ----------
    .. [1] E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated
       receiver operating characteristic curves: a nonparametric approach", Biometrics 44 (1988).
    .. [2] N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53 (1997).

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.evaluation import brier
    >>> from contlearn.gates import AUCGain, Trial
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(500) < 0.2
    >>> champion, challenger = (1 / (1 + np.exp(2 - s * y - rng.normal(size=500))) for s in (1.0, 2.0))
    >>> trial = Trial.from_predictions(y, champion, challenger, loss=brier)
    >>> AUCGain()(trial).outcome.value
    'promote'
    >>> print(AUCGain(margin=0.2)(trial))
    continue: gain in AUC 0.1666 [0.1153, 0.2201] (90 %) is not settled against margin 0.2 (areas 0.9316 and
    0.765; 96 positives, 404 negatives; DeLong's test, p = 0.87 > 0.05); about 2293 more rows would settle it
    """

    margin: float = 0.0
    alpha: float = 0.05

    def __post_init__(self) -> None:
        _checks.number("margin", self.margin, low=-1.0, high=1.0)
        _checks.level("alpha", self.alpha)

    def __call__(self, trial: Trial) -> Verdict:
        """Return whether the challenger's gain in area exceeds the margin."""
        return _anchor.by_predictions(self._judge, trial, float(self.margin))

    def _judge(self, trial: Trial) -> Verdict:
        """Return whether the challenger passes against one model."""
        return _judge(trial, float(self.margin), float(self.alpha))


def _judge(trial: Trial, margin: float, alpha: float) -> Verdict:
    positive, (champion, challenger) = _predictions.scores(trial.y, trial.champion, trial.challenger)
    areas = _delong.paired_areas(positive, challenger, champion)
    codes = _settled.clusters_of(trial)
    n, m = positive.size, int(positive.sum())
    basis = f"areas {areas.auc_a:.4g} and {areas.auc_b:.4g}; {m} positives, {n - m} negatives"
    counted = (m, n - m, n) if codes is None else _clusters_with(positive, codes)
    least, enough = min(counted), _settled.fewest(alpha)
    if codes is not None:
        basis += f" in {counted[2]} groups"
    if least < enough:
        what = "rows" if codes is None else "groups with rows"
        why = f"{least} {what} of the rarer class cannot show a gain at alpha {alpha:g}, {enough} can"
        return _settled.unsettled(f"{why} ({basis})", math.ceil((enough / least - 1.0) * n))
    mean = _of_rows(areas) if codes is None else _of_clusters(areas, (challenger, champion), codes)
    if mean.standard_error == 0.0:
        alike = "both models rank all rows alike" if not areas.difference.any() else "all rows gain the same"
        return _settled.unsettled(f"{alike}, so the spread of the gain is unknown ({basis})")
    gain = mean.interval(_settled.confidence(alpha))
    side = mean if mean.estimate > margin else mean.mirrored()
    needed = _settled.rows_needed(mean, side.estimate - side.low(alpha), n, margin)
    found = _settled.Found(
        gain, mean.p_above(margin) or 0.0, mean.p_below(margin) or 0.0, f"{basis}; DeLong's test", needed
    )
    return _settled.settle(found, "AUC", margin, alpha)


def _clusters_with(positive: NDArray[np.bool_], codes: NDArray[np.intp]) -> tuple[int, int, int]:
    """Return how many clusters have positives, negatives, and rows at all."""
    import numpy as np

    return np.unique(codes[positive]).size, np.unique(codes[~positive]).size, np.unique(codes).size


def _of_rows(areas: _delong.PairedAreas) -> _mean.Mean:
    """Return the gain with DeLong's error, Satterthwaite's degrees of freedom and its skewness."""
    variance, third, spread = 0.0, 0.0, 0.0
    for chosen in (areas.positive, ~areas.positive):
        part = areas.difference[chosen]
        own = float(part.var(ddof=1)) / part.size
        variance += own
        spread += own * own / (part.size - 1)
        third += float(((part - part.mean()) ** 3).mean()) / part.size**2
    gap = areas.auc_a - areas.auc_b
    if variance <= 1e-24:
        return _mean.Mean(gap, 0.0, 0.0, 0.0, 0)
    units = round(variance**2 / spread) + 1
    return _mean.Mean(
        gap, math.sqrt(variance), variance**2 / spread, third / variance**1.5 * math.sqrt(units), units
    )


def _of_clusters(
    areas: _delong.PairedAreas, scores: tuple[Floats, Floats], codes: NDArray[np.intp]
) -> _mean.Mean:
    """Return the gain with the error of areas that are computed anew without each cluster in turn.

    Clusters that hold much of the rows, of the positives or of the negatives leave few degrees of freedom.
    """
    import numpy as np

    gap, units = areas.auc_a - areas.auc_b, int(codes.max()) + 1
    pulls = gap - _delong.without_each(areas, scores, codes)
    squares = float((pulls**2).sum())
    if not squares > 1e-24 * units:
        return _mean.Mean(gap, 0.0, units - 1.0, 0.0, units)
    sizes = [np.bincount(codes[rows]) for rows in (areas.positive, ~areas.positive, slice(None))]
    degrees = min(_mean.degrees_of(each[each > 0].astype(np.float64)) for each in sizes)
    skewness = float((pulls**3).mean()) / (squares / units) ** 1.5
    return _mean.Mean(gap, math.sqrt((units - 1.0) / units * squares), degrees, skewness, units)
