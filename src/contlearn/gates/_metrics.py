"""The metrics that `MetricGain` knows by name, and how each is read from a trial."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.gates import _predictions, _rank_metrics, _scorers
from contlearn.gates import _sum_metrics as sums
from contlearn.gates._bootstrap import Slack
from contlearn.gates._resampling import OfCalls, OfRanks, OfSums, Paired
from contlearn.gates._trial import Trial
from contlearn.stats import _calibration_error

Codes = NDArray[np.intp]
Bools = NDArray[np.bool_]
_Metric = Callable[[Any, Any], sums.Sums]
_Reader = Callable[[Any, Any, Any], tuple[Any, tuple[Any, ...]]]


class Reading(NamedTuple):
    """How a metric is read from a trial, and resampled.

    Attributes
    ----------
    paired
        Both models' values from resample weights.
    scarce
        Rows on which the metric rests, such as the positives.
    slack
        Bias, and what the spread does not show, that are held against either claim.
    """

    paired: Paired
    scarce: tuple[Bools, ...] = ()
    slack: Slack = Slack()


class Known(NamedTuple):
    """A metric that is known by name."""

    plan: Callable[[Trial, Codes | None, float], Reading]
    greater_is_better: bool


def named(name: str) -> Known | None:
    """Return the metric of that name; None if it is not one of ours."""
    quantile = re.fullmatch(r"(?:quantile_loss|pinball)\((0?\.\d+)\)", name)
    if quantile and float(quantile[1]) > 0.0:
        return Known(
            partial(_of_sums, _predictions.numbers, partial(sums.quantile_loss, float(quantile[1]))), False
        )
    return METRICS.get(_ALIASES.get(name, name))


def brought(metric: Any, trial: Trial, codes: Codes | None) -> Reading:
    """Return how a metric is resampled that the user brought."""
    predictions = trial.champion, trial.challenger
    if not _scorers.is_scorer(metric):
        champion, challenger = (_scorers.per_row(metric, trial.y, each) for each in predictions)
        if champion is not None and challenger is not None:
            return Reading(OfSums(champion, challenger, codes))
    asked = _scorers.scored if _scorers.is_scorer(metric) else _scorers.weighted
    models = tuple(asked(metric, trial.y, each) for each in predictions)
    return Reading(OfCalls(models[0], models[1], trial.n_samples, codes))


def _of_sums(read: _Reader, metric: _Metric, trial: Trial, codes: Codes | None, alpha: float) -> Reading:
    """Return how a metric of sums is resampled whose labels and predictions come by `read`."""
    y, predictions = read(trial.y, trial.champion, trial.challenger)
    champion, challenger = (metric(y, each) for each in predictions)
    slack = _slack(champion, challenger, codes, alpha)
    return Reading(OfSums(champion, challenger, codes), champion.scarce + challenger.scarce, slack)


def _slack(champion: sums.Sums, challenger: sums.Sums, codes: Codes | None, alpha: float) -> Slack:
    """Return how far the gain may lie above and below the truth without showing it at the level `alpha`."""
    if champion.biased:  # the champion's bias makes the gain look larger, the challenger's smaller
        gaps = (_calibration_error.gaps_of(model.columns, codes) for model in (champion, challenger))
        return Slack(*(_calibration_error.largest_bias(*each) for each in gaps))
    if champion.shares is None or challenger.shares is None:
        return Slack()
    (champion_under, champion_over), (under, over) = (
        model.shares.beyond(alpha) for model in (champion, challenger) if model.shares is not None
    )
    return Slack(under + champion_over, over + champion_under)


def _ranks(
    metric: Callable[[Bools, Any], _rank_metrics.Ranked],
    both: bool,
    trial: Trial,
    codes: Codes | None,
    _: float,
) -> Reading:
    positive, said = _predictions.scores(trial.y, trial.champion, trial.challenger)
    champion, challenger = (metric(positive, each) for each in said)
    scarce = (positive, ~positive) if both else (positive,)
    return Reading(OfRanks(champion, challenger, positive.size, codes), scarce)


_ALIASES = {"mean_absolute_error": "absolute_error", "mean_squared_error": "squared_error"}
"""What scikit-learn's users say: its names of scorers have "neg_" before them, these have none."""

METRICS: dict[str, Known] = {
    "accuracy": Known(partial(_of_sums, _predictions.labels, sums.accuracy), True),
    "balanced_accuracy": Known(partial(_of_sums, _predictions.labels, sums.balanced_accuracy), True),
    "f1": Known(partial(_of_sums, _predictions.binary_labels, sums.f1), True),
    "f1_macro": Known(partial(_of_sums, _predictions.labels, sums.f1_macro), True),
    "f1_weighted": Known(partial(_of_sums, _predictions.labels, sums.f1_weighted), True),
    "precision": Known(partial(_of_sums, _predictions.binary_labels, sums.precision), True),
    "precision_macro": Known(partial(_of_sums, _predictions.labels, sums.precision_macro), True),
    "recall": Known(partial(_of_sums, _predictions.binary_labels, sums.recall), True),
    "recall_macro": Known(partial(_of_sums, _predictions.labels, sums.recall_macro), True),
    "roc_auc": Known(partial(_ranks, _rank_metrics.RankedArea, True), True),
    "average_precision": Known(partial(_ranks, _rank_metrics.RankedPrecision, False), True),
    "log_loss": Known(partial(_of_sums, _predictions.probabilities, sums.log_loss), False),
    "brier": Known(partial(_of_sums, _predictions.probabilities, sums.brier), False),
    "expected_calibration_error": Known(
        partial(_of_sums, _predictions.probabilities, sums.calibration_error), False
    ),
    "absolute_error": Known(partial(_of_sums, _predictions.numbers, sums.absolute_error), False),
    "squared_error": Known(partial(_of_sums, _predictions.numbers, sums.squared_error), False),
    "root_mean_squared_error": Known(
        partial(_of_sums, _predictions.numbers, sums.root_mean_squared_error), False
    ),
    "quantile_loss": Known(partial(_of_sums, _predictions.numbers, partial(sums.quantile_loss, 0.5)), False),
    "r2": Known(partial(_of_sums, _predictions.numbers, sums.r2), True),
}
