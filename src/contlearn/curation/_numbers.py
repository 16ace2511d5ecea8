"""Columns as numbers, for the small trees that look for errors: through the user's own preprocessing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array

from contlearn import _checks
from contlearn.curation._members import seeded
from contlearn.curation._training_data import Split, TrainingData

MOST_DENSE_VALUES = 200_000_000
_BIN_LIMITS = np.arange(1, 255) / 255
_CURE = "pass a Pipeline that encodes the columns first, as estimator or as identifier"


class Numbers:
    """Training and test rows of a split, as arrays of numbers; the encoder is fitted on training rows."""

    def __init__(self, data: TrainingData, estimator: Any, identifier: Any) -> None:
        self._data = data
        self._encoder = preprocessing(identifier) or preprocessing(estimator)
        self._array = as_numbers(data.X) if self._encoder is None else None

    def split(self, split: Split, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the training and the test rows of `split`."""
        train, test = split
        if self._array is not None:
            return self._array[train], self._array[test]
        encoder = seeded(clone(self._encoder), rng, reseed=False)
        seen = encoder.fit_transform(self._data.take(train), self._data.y[train])
        return as_numbers(seen), as_numbers(encoder.transform(self._data.take(test)))


def preprocessing(estimator: Any) -> Pipeline | None:
    """Return all steps before the last of the pipeline that `estimator` is or wraps."""
    if isinstance(estimator, Pipeline):
        return estimator[:-1] if len(estimator.steps) > 1 else None
    inner = getattr(estimator, "estimator", None)
    return preprocessing(inner) if hasattr(inner, "fit") else None


def as_numbers(X: Any) -> NDArray[Any]:
    """Return X as a dense array of floats, missing values allowed; text is refused by the column's name."""
    if issparse(X):
        if np.prod(X.shape, dtype=float) > MOST_DENSE_VALUES:
            cure = "reduce the columns in a Pipeline first, or give a number as factor and an identifier"
            _checks.bad_data("X", f"have at most {MOST_DENSE_VALUES:,} values when sparse", X.shape, cure)
        X = X.toarray()
    try:
        return np.asarray(
            check_array(
                X, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan", ensure_min_samples=0
            )
        )
    except (TypeError, ValueError) as error:
        names = _not_numbers(X)
        if names:
            shown = ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
            if isinstance(error, TypeError):
                _checks.bad_schema("X: each argument", "be a string or a number", f"others in {shown}", _CURE)
            _checks.bad_data(
                "X", "have numbers in every column to be identified", f"others in {shown}", _CURE
            )
        raise


def in_bins(seen: NDArray[Any], unseen: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both tables as bin numbers, bins being quantiles of `seen`; missing stays missing.

    Boosting would bin by itself, but with weights its quantiles cost more than all of its trees.
    """
    bins = np.empty(seen.shape), np.empty(unseen.shape)
    for j in range(seen.shape[1]):
        column = seen[:, j]
        present = column[~np.isnan(column)]
        edges = np.unique(np.quantile(present, _BIN_LIMITS)) if len(present) else present
        for table, binned in zip((seen, unseen), bins, strict=True):
            binned[:, j] = np.where(np.isnan(table[:, j]), np.nan, np.searchsorted(edges, table[:, j]))
    return bins


def _not_numbers(X: Any) -> list[str]:
    """Return the names of the columns that hold something else than numbers."""
    if hasattr(X, "columns"):
        return [str(name) for name in X.columns if not _is_number(X[name])]
    table = np.asarray(X, dtype=object)
    return [str(j) for j in range(table.shape[1]) if not _is_number(table[:, j])] if table.ndim == 2 else []


def _is_number(column: Any) -> bool:
    values = np.asarray(column)
    if values.dtype.kind != "O":
        return values.dtype.kind in "biufc"
    try:
        values.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True
