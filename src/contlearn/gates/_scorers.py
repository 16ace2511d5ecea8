"""Metrics that the user brings: a function, a loss per row, or a scikit-learn scorer."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.gates._sum_metrics import Sums, mean
from contlearn.stats import _columns

Floats = NDArray[np.float64]
Value = Callable[[Any, Floats], float]


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
    said = np.asarray(metric(y, predictions))
    if said.ndim == 0:
        return None
    if said.shape != (len(y),):
        _checks.bad_data("metric", "return one number, or one per row", f"shape {said.shape}")
    return mean(_columns.finite("the metric of the rows", said))


def weighted(metric: Callable[..., Any], y: Any) -> Value:
    """Return a function of predictions and row weights, however `metric` can be asked."""
    if _takes_weights(metric):
        return lambda predictions, weights: _number(metric, y, predictions, sample_weight=weights)

    def drawn(predictions: Any, weights: Floats) -> float:
        rows = np.repeat(np.arange(weights.size), weights.astype(np.intp))
        return _number(metric, y[rows], predictions[rows])

    return drawn


def scored(scorer: Any, y: Any) -> Value:
    """Return a function of predictions and row weights that asks a scorer about stored predictions."""
    positions = np.arange(len(y))[:, None]

    def drawn(predictions: Any, weights: Floats) -> float:
        rows = np.repeat(positions, weights.astype(np.intp), axis=0)
        return _number(scorer, _stored(predictions, y), rows, y[rows[:, 0]])

    return drawn


def _takes_weights(metric: Callable[..., Any]) -> bool:
    try:
        return "sample_weight" in inspect.signature(metric).parameters
    except (TypeError, ValueError):
        return False


def _number(metric: Callable[..., Any], *arguments: Any, **named: Any) -> float:
    """Return what `metric` says, NaN where it cannot: a resample may lack a class."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = float(metric(*arguments, **named))
    except (ValueError, ZeroDivisionError):
        return math.nan
    return said if math.isfinite(said) else math.nan


def _stored(predictions: Any, y: Any) -> Any:
    """Return an estimator that predicts what is stored for a row, given the position of the row."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    labelled = predictions.ndim == 2 or _is_classification(y)
    classes = np.unique(y) if labelled else None

    class Stored(ClassifierMixin if labelled else RegressorMixin, BaseEstimator):  # type: ignore[misc]
        def fit(self, X: Any, y: Any = None) -> Any:  # noqa: ARG002
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, X: Any) -> Any:
            said = predictions[X[:, 0]]
            if said.ndim == 2:
                return self.classes_[said.argmax(axis=1)]
            fractions = labelled and said.dtype.kind == "f" and bool((said != np.floor(said)).any())
            return self.classes_[(said > 0.5).astype(np.intp)] if fractions else said

        def predict_proba(self, X: Any) -> Any:
            said = predictions[X[:, 0]]
            return said if said.ndim == 2 else np.column_stack([1.0 - said, said])

    if labelled:
        Stored.classes_ = classes
    return Stored()


def _is_classification(y: Any) -> bool:
    return y.dtype.kind in "biuOUS" or bool((y == np.floor(y)).all())
