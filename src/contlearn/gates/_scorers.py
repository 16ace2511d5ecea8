"""Metrics that the user brings: a function, a loss per row, or a scikit-learn scorer."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.gates._sum_metrics import Sums, mean
from contlearn.stats import _columns

Floats = NDArray[np.float64]
Value = Callable[[Floats], float]


def scorer_named(name: str, known: tuple[str, ...]) -> Any:
    """Return scikit-learn's scorer of that name, or refuse."""
    from sklearn.metrics import get_scorer, get_scorer_names

    if name not in get_scorer_names():
        own = ", ".join(known)
        _checks.fail(
            "metric", "be a metric", name, f"of its own: {own}; or the name of a scikit-learn scorer"
        )
    return get_scorer(name)


def is_scorer(metric: Any) -> bool:
    """Return whether `metric` is one of scikit-learn's scorers: they take an estimator, X and y."""
    try:
        names = [name for name, _ in zip(inspect.signature(metric).parameters, range(3), strict=False)]
    except (TypeError, ValueError):
        return False
    return names[:2] == ["estimator", "X"]


def per_row(metric: Callable[..., Any], y: Any, predictions: Any) -> Sums | None:
    """Return the mean of what `metric` says of each row; None if it says one number for all of them."""
    weights = {"sample_weight": np.ones(len(y))} if _takes_weights(metric) else {}
    said = np.asarray(_asked(metric, y, predictions, **weights))
    if said.ndim == 0:
        return None
    if said.shape != (len(y),):
        _checks.bad_data("metric", "return one number, or one per row", f"shape {said.shape}")
    return mean(_columns.finite("the metric of the rows", said))


def weighted(metric: Callable[..., Any], y: Any, predictions: Any) -> Value:
    """Return a function of row weights that asks `metric`, by `sample_weight` or by repeated rows."""
    if _takes_weights(metric):
        return lambda weights: _number(metric, y, predictions, sample_weight=weights)
    return lambda weights: _number(metric, *(column[_drawn(weights)] for column in (y, predictions)))


def scored(scorer: Any, y: Any, predictions: Any) -> Value:
    """Return a function of row weights that asks a scorer about stored predictions of repeated rows."""
    stored = _stored(predictions, y)

    def of(weights: Floats) -> float:
        rows = _drawn(weights)
        return _number(scorer, stored, rows[:, None], y[rows])

    if len(y):
        _asked(scorer, stored, np.arange(len(y))[:, None], y)
    return of


def _drawn(weights: Floats) -> NDArray[np.intp]:
    return np.repeat(np.arange(weights.size), weights.astype(np.intp))


def _takes_weights(metric: Callable[..., Any]) -> bool:
    try:
        return "sample_weight" in inspect.signature(metric).parameters
    except (TypeError, ValueError):
        return False


def _asked(metric: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Return what `metric` says of all rows; where it fails, that is the reason not to decide."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return metric(*arguments, **named)
    except Exception as error:  # a gate fails closed, whatever a function of others does
        _checks.bad_data("metric", "answer for these rows", f"{type(error).__name__}: {error}"[:200])


def _number(metric: Callable[..., Any], *arguments: Any, **named: Any) -> float:
    """Return what `metric` says, NaN where it cannot: a resample may lack a class."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = float(metric(*arguments, **named))
    except (ValueError, ZeroDivisionError, IndexError):
        return math.nan
    return said if math.isfinite(said) else math.nan


def _stored(predictions: Any, y: Any) -> Any:
    """Return an estimator that predicts what is stored for a row, given the position of the row."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    classes = _classes(predictions, y)

    class Stored(RegressorMixin if classes is None else ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, X: Any, y: Any = None) -> Any:  # noqa: ARG002
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, X: Any) -> Any:
            said = predictions[X[:, 0]]
            return self.classes_[said.argmax(axis=1)] if said.ndim == 2 else said

        def predict_proba(self, X: Any) -> Any:
            said = predictions[X[:, 0]]
            return said if said.ndim == 2 else np.column_stack([1.0 - said, said])

    if classes is not None:
        Stored.classes_ = classes
    return Stored()


def _classes(predictions: Any, y: Any) -> Any:
    """Return the classes of the labels, None for numbers; one per column of probabilities."""
    if predictions.ndim != 2:
        return np.unique(y) if _is_classification(y) else None
    found, columns = np.unique(y), np.arange(predictions.shape[1])
    return columns if found.dtype.kind in "biuf" and np.isin(found, columns).all() else found


def _is_classification(y: Any) -> bool:
    return y.dtype.kind in "biuOUS" or bool((y == np.floor(y)).all())
