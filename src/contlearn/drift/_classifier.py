"""Any scikit-learn classifier, taught to tell reference rows from current ones; it is imported when used."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_regressor

from contlearn import _checks
from contlearn.drift._rows import MOST_CATEGORIES, Numbers

_MANY_ROWS = 2000
"""So many rows bear finer bins."""

_FEW_ROWS = 100
"""Boosting ignores categories of fewer than ten rows: among so few, their numbers do better as numbers."""


def check_classifier(name: str, estimator: Any) -> None:
    """Refuse what can never be used as a classifier."""
    if estimator is None:
        return
    if isinstance(estimator, type) or not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
        _checks.fail(name, "be a scikit-learn classifier or None", estimator)
    if is_regressor(estimator):
        _checks.fail(name, "be a classifier", f"the regressor {type(estimator).__name__}")


def trained(
    estimator: Any,
    reference: Numbers,
    current: Numbers,
    categorical: NDArray[np.bool_],
    seed: int | None,
) -> Any:
    """Return a clone of `estimator`, or the default one, that was taught which rows are current."""
    rows = np.concatenate((reference, current))
    is_current = np.repeat([0, 1], [len(reference), len(current)])
    if estimator is None:
        fewest = min(len(reference), len(current))
        return _boosting(categorical, len(rows), fewest, seed).fit(rows, is_current)
    model = _seeded(clone(estimator), seed)
    try:
        model.fit(rows, is_current)
    except Exception as error:
        shape = f"{len(rows)} rows of {rows.shape[1]} columns"
        _checks.fail("estimator", f"be able to learn from {shape}", f"{type(error).__name__}: {error}")
    return model


def scored(model: Any, rows: Numbers) -> Numbers:
    """Return one score per row, higher where the model takes the row for a current one."""
    if hasattr(model, "decision_function"):
        scores = model.decision_function(rows)
    elif hasattr(model, "predict_proba"):
        scores = model.predict_proba(rows)[:, -1]
    else:
        _checks.fail("estimator", "have decision_function or predict_proba", type(model).__name__)
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (len(rows),) or not np.isfinite(scores).all():
        _checks.fail("estimator", "give one finite score per row", f"an array of shape {scores.shape}")
    return scores


def _boosting(categorical: NDArray[np.bool_], n_rows: int, fewest: int, seed: int | None) -> Any:
    """Return gradient boosting of small trees: quick, sees interactions, takes categories as they are.

    `fewest` rows are on the smaller side: a leaf has to fit into it.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=100,
        max_leaf_nodes=8,
        min_samples_leaf=max(1, min(5, fewest // 2)),
        max_features=0.5,
        max_bins=MOST_CATEGORIES if n_rows < _MANY_ROWS else 255,
        categorical_features=categorical if n_rows >= _FEW_ROWS else None,
        early_stopping=False,
        random_state=seed,
    )


def _seeded(model: Any, seed: int | None) -> Any:
    """Give a seed to every part of `model` that would draw afresh: one question has one answer."""
    if seed is not None:
        unseeded = {
            name: seed
            for name, value in sorted(model.get_params(deep=True).items())
            if value is None and (name == "random_state" or name.endswith("__random_state"))
        }
        model.set_params(**unseeded)
    return model
