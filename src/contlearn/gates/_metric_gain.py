"""The gate on any metric, by a paired bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from contlearn import _checks
from contlearn.gates import _anchor, _settled
from contlearn.gates._base import Gate
from contlearn.gates._trial import Trial
from contlearn.results import Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from contlearn.gates._bootstrap import Resampled
    from contlearn.gates._metrics import Reading

_EXTREME = 20  # resamples expected beyond the quantile in question, at least
_MOST_RESAMPLES = 200_000


@dataclass(frozen=True, slots=True, repr=False)
class MetricGain(Gate):
    """Promote a challenger that is shown to be better by a metric of all rows, by more than a margin.

    For metrics that are no mean over rows: F1, precision, average precision, calibration error, and whatever
    you can compute from labels and predictions. (`Gain` judges means, `AUCGain` the area under the ROC curve;
    both are sharper there.) The gain is the challenger's metric minus the champion's where greater is better,
    else the champion's minus the challenger's. PROMOTE when the test rejects a gain of at most `margin`;
    REJECT when the whole interval lies at or below it; else CONTINUE.

    Parameters
    ----------
    metric
        A name: "accuracy", "balanced_accuracy", "f1", "precision", "recall" (positives are labelled 1),
        "f1_macro", "f1_weighted", "precision_macro", "recall_macro", "roc_auc", "average_precision",
        "log_loss", "brier", "expected_calibration_error" (10 bins of equal width; class 1 of two classes,
        the most likely one of more), "absolute_error", "squared_error", "root_mean_squared_error",
        "quantile_loss" (the median's) or "quantile_loss(0.9)", "r2". Or the name of a scikit-learn scorer,
        or a scorer: greater is better. Or a function of `y` and predictions, with `sample_weight` if it can,
        that returns one number, or one per row, whose mean counts.
    margin
        Smallest gain worth a promotion, in the unit of the metric; a negative one asks only that the metric
        be not worse by more than that.
    alpha
        Rate of wrong promotions, one-sided, strictly between 0 and 0.5.
    n_resamples
        Resamples, at least 100; a small `alpha` raises them to 20 / `alpha`.
    greater_is_better
        Direction of a function, which must say so; None for names, scorers and the losses of
        ``contlearn.evaluation``, which are known.
    random_state
        Seed of the resamples; the same question has the same answer. None for fresh draws.

    Raises
    ------
    InvalidParameterError
        If the metric is not known, or `greater_is_better` is missing for a function or contradicts a name.

    Notes
    -----
    Asks for a trial with `y` and what both models predicted, in the form that the metric takes. Two accounts
    are given of how sure the gain is, and the more cautious one counts: the percentile bootstrap over rows,
    p = (1 + resamples whose gain is at most the margin) / (1 + resamples) [1]_, and the jackknife with
    Student's law, guarded against skewness and with fewer degrees of freedom where few rows make up the
    variance. With `groups` in the trial, clusters are drawn and left out. A resample on which the metric is
    undefined, such as one without positives, counts against either claim. Fewer rows or clusters than
    log2(1 / `alpha`), 5 at the default, never promote, nor do fewer of the kind on which the metric rests
    (positives; each class). The calibration error of few rows lies above the true one, the more the finer the
    forecasts are; the largest bias that the data leave open is held against either claim.
    A few flags that are all right have no spread: how far the exact limits of each precision lie beyond those
    that its spread shows is held against either claim.

    Where the trial has the predictions of an `anchor`, the best model ever promoted, a gate with a negative
    margin asks for the same margin against it, too, as `Gain` does; a trial with its losses only: CONTINUE.

    Measured rates of wrong promotion at alpha 0.05, 300 to 1,000 trials each, 50, 200 and 1,000 rows, normal
    scores: F1 0.5-5 %, precision 0-5 %, average precision 0.2-5 %, quantile loss 3.5-4.5 %, calibration error
    0-3 %; precision of 10 to 100 flags against 300, both 0.9: below 2 %; with 7, 14 and 50 clusters that suit
    one of the models as a whole 2-5 %, below 1 % where one cluster is ten times as large as the others.
    Rare failures: no resample can see the cost of rows that the trial happens to lack, in log loss, ranks or
    any other metric. With one disaster in ten clusters, 49 % of trials of 7 clusters and 25 % of 14 promoted
    a challenger whose accuracy is equal; for rare rows see `Gain` and `AUCGain`. What helps is more rows, or
    clusters, until about five of the rare kind are expected.

    Cost: metrics of sums one matrix product of weights, or one multinomial draw where the rows are of few
    kinds (10,000 resamples of the accuracy of 10,000 rows: 4 ms); ranks one pass over sorted scores per
    resample, a function or a scorer one call. Memory stays below 100 MB.

    Threads may share it as far as the metric is pure.

    References
    ----------
    .. [1] A. C. Davison, D. V. Hinkley, "Bootstrap methods and their application", Cambridge (1997).

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.evaluation import zero_one
    >>> from contlearn.gates import MetricGain, Trial
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(400) < 0.3
    >>> champion, challenger = (np.where(rng.random(400) < right, y, ~y) for right in (0.7, 0.8))
    >>> trial = Trial.from_predictions(y, champion, challenger, loss=zero_one)
    >>> print(MetricGain("f1")(trial))
    promote: gain in f1 0.1191 [0.04878, 0.1895] (90 %) is above margin 0 (400 rows, 105 of the rarest kind;
    2000 resamples, p = 0.0035 <= 0.05)
    >>> MetricGain("f1", margin=0.05)(trial).outcome.value
    'continue'
    """

    metric: str | Callable[..., Any]
    margin: float = 0.0
    alpha: float = 0.05
    n_resamples: int = 2000
    greater_is_better: bool | None = None
    random_state: int | None = 0

    def __post_init__(self) -> None:
        _checks.number("margin", self.margin)
        _checks.level("alpha", self.alpha)
        _checks.count("n_resamples", self.n_resamples, low=100, high=_MOST_RESAMPLES)
        if self.greater_is_better is not None:
            _checks.instance("greater_is_better", self.greater_is_better, bool, "True, False or None")
        if self.random_state is not None:
            _checks.count("random_state", self.random_state, low=0)
        _direction(self.metric, self.greater_is_better)

    def __repr__(self) -> str:
        metric = getattr(self.metric, "__name__", None)
        told = [repr(self.metric) if metric is None else metric]  # a function is its name, not its address
        others = [field for field in fields(self) if field.name != "metric"]
        told += [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in others
            if field.name in ("margin", "alpha") or getattr(self, field.name) != field.default
        ]
        return f"MetricGain({', '.join(told)})"

    def __call__(self, trial: Trial) -> Verdict:
        """Return whether the challenger's gain in the metric exceeds the margin."""
        return _anchor.by_predictions(self._judge, trial, float(self.margin))

    def _judge(self, trial: Trial) -> Verdict:
        from contlearn.gates import _bootstrap

        margin, alpha, n = float(self.margin), float(self.alpha), trial.n_samples
        codes = _settled.clusters_of(trial)
        plan = _plan(self.metric, trial, codes, alpha)
        basis, least = _counted(plan, codes, n)
        enough = _settled.fewest(alpha)
        if least < enough:
            why = f"{least} of what the metric counts cannot show a gain at alpha {alpha:g}, {enough} can"
            return _settled.unsettled(f"{why} ({basis})", math.ceil((enough / max(least, 1) - 1.0) * n))
        sign = 1.0 if _direction(self.metric, self.greater_is_better) else -1.0
        resamples = self._resamples()
        if alpha * (1.0 + resamples) < 1.0:
            why = f"{resamples} resamples cannot show p <= {alpha:g}; AUCGain and Gain can"
            return _settled.unsettled(f"{why} ({basis})")
        rng = _checks.generator("random_state", self.random_state)
        sizes = _sizes(plan, codes)
        found = _bootstrap.gather(plan.paired, sign, sizes, least, resamples, rng, plan.slack)
        if found is None:
            why = f"{_name(self.metric)} is undefined for these rows, or without a few of them ({basis})"
            return _settled.unsettled(why)
        if found.mean.standard_error == 0.0:
            why = f"{_name(self.metric)} of both models moves alike with every row, so the spread is unknown"
            return _settled.unsettled(f"{why} ({basis})")
        return _settled.settle(
            _found(found, f"{basis}; {resamples} resamples", n, margin, alpha),
            _name(self.metric),
            margin,
            alpha,
        )

    def _resamples(self) -> int:
        wanted = math.ceil(_EXTREME / float(self.alpha))
        return max(int(self.n_resamples), min(wanted, _MOST_RESAMPLES))


def _direction(metric: Any, greater_is_better: bool | None) -> bool:
    """Return whether greater is better, or refuse a metric that nobody knows."""
    from contlearn.gates import _metrics, _scorers

    known = None
    if isinstance(metric, str):
        own = _metrics.named(metric)
        known = own.greater_is_better if own else bool(_scorers.scorer_named(metric, tuple(_metrics.METRICS)))
    elif not callable(metric) or isinstance(metric, type):
        _checks.fail("metric", "be a name, a scikit-learn scorer or a function of y and predictions", metric)
    elif _scorers.is_scorer(metric):
        known = True
    elif _is_own_loss(metric):
        known = False
    if known is None and greater_is_better is None:
        cure = "say greater_is_better=True or False: a function does not tell"
        _checks.fail("greater_is_better", "be given with a function", None, cure)
    if known is not None and greater_is_better not in (None, known):
        _checks.fail("greater_is_better", f"be {known} or None for {_name(metric)}", greater_is_better)
    return bool(greater_is_better) if known is None else known


def _is_own_loss(metric: Any) -> bool:
    """Return whether `metric` is a loss of ``contlearn.evaluation``, which this package never imports."""
    home = metric.__module__ if hasattr(metric, "__module__") else ""
    return str(home).startswith("contlearn.evaluation.")


def _plan(metric: Any, trial: Trial, codes: NDArray[np.intp] | None, alpha: float) -> Reading:
    from contlearn.gates import _metrics, _scorers

    if not isinstance(metric, str):
        return _metrics.brought(metric, trial, codes)
    own = _metrics.named(metric)
    if own is not None:
        return own.plan(trial, codes, alpha)
    return _metrics.brought(_scorers.scorer_named(metric, ()), trial, codes)


def _name(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    return _checks.called(getattr(metric, "__name__", None) or repr(metric))


def _counted(plan: Reading, codes: NDArray[np.intp] | None, n: int) -> tuple[str, int]:
    """Return what the verdict rests on, in words, and the units of which there are fewest."""
    import numpy as np

    if codes is None:
        least = min((int(rows.sum()) for rows in plan.scarce), default=n)
        return _settled.counted(n, "row") + (f", {least} of the rarest kind" if least < n else ""), least
    groups = np.unique(codes).size
    least = min((np.unique(codes[rows]).size for rows in plan.scarce), default=groups)
    few = f", {least} with the rarest kind" if least < groups else ""
    return f"{_settled.counted(n, 'row')} in {_settled.counted(groups, 'group')}{few}", least


def _sizes(plan: Reading, codes: NDArray[np.intp] | None) -> NDArray[np.intp]:
    import numpy as np

    return np.ones(plan.paired.counts.size, dtype=np.intp) if codes is None else np.bincount(codes)


def _found(evidence: Resampled, basis: str, n: int, margin: float, alpha: float) -> _settled.Found:
    side = evidence if evidence.gain > margin else evidence.mirrored()
    needed = _settled.rows_needed(evidence.mean, side.gain - side.low(alpha), n, margin)
    return _settled.Found(
        evidence.interval(_settled.confidence(alpha)),
        evidence.p_above(margin),
        evidence.mirrored().p_above(-margin),
        basis,
        needed,
    )
