"""How a model is trained: two recipes, each a function from matured rows to a fitted model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from _flights_data import CATEGORICAL, FEATURES, Rows
from _flights_records import day_of, moment
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import KFold, cross_val_predict

from contlearn.curation import jtt_weights

Recipe = Callable[[Rows], Any]
FOLDS = 3


def boosting() -> HistGradientBoostingClassifier:
    """Return the model of all strategies, not yet trained."""
    return HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.1,
        max_leaf_nodes=15,
        min_samples_leaf=50,
        categorical_features=[FEATURES.index(name) for name in CATEGORICAL],
        early_stopping=False,
        random_state=0,
    )


def plain(rows: Rows) -> HistGradientBoostingClassifier:
    """Train on the rows as they are."""
    return boosting().fit(rows.X, rows.late)


def jtt(rows: Rows) -> HistGradientBoostingClassifier:
    """Train twice: count the rows double that a first model gets wrong.

    Its errors are taken out of fold, since boosting makes few on rows that it has seen; the folds are whole
    stretches of time, since a model that saw the other flights of a day knows that day's storm.
    """
    first = cross_val_predict(boosting(), rows.X, rows.late, cv=KFold(FOLDS))
    return boosting().fit(rows.X, rows.late, sample_weight=jtt_weights(rows.late, first, factor=2))


FITS = {plain: 1, jtt: FOLDS + 1}


def name_of(recipe: Recipe, now: float) -> str:
    """Return the name of a model that is trained by a recipe on a day."""
    return f"{recipe.__name__} of {day_of(moment(now))}"


def forecast(model: HistGradientBoostingClassifier, X: np.ndarray) -> np.ndarray:
    """Return the probability of being late."""
    return model.predict_proba(X)[:, 1]
