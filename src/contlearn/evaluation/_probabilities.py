"""The probability that a prediction gave to what came true."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.stats import _columns

_BEYOND = 1e-6  # how far rounding may carry a probability out of [0, 1]
_ROW_SUM = 1e-3  # and the sum of a row away from 1, in half precision


def probability_of_truth(y: ArrayLike, proba: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability given to the true class, and the sum of the squares of all of them."""
    truth = _columns.numbers("y", y)
    table = _probabilities(proba)
    _checks.same_length(y=truth, proba=table)
    unknown = np.isnan(truth) | np.isnan(table).any(axis=1)
    classes = np.where(unknown, 0.0, truth)
    bad = (classes != np.floor(classes)) | (classes < 0) | (classes >= table.shape[1])
    if bad.any():
        must = f"hold the classes 0 to {table.shape[1] - 1}"
        _checks.bad_data("y", must, float(classes[bad][0]), "encode labels as positions of columns")
    given = table[np.arange(len(table)), classes.astype(np.intp)]
    return np.where(unknown, np.nan, given), (table**2).sum(axis=1)


def _probabilities(proba: ArrayLike) -> NDArray[np.float64]:
    """Return probabilities of shape (n_samples, n_classes), checked; one column becomes two."""
    try:
        array = np.asarray(_columns.unmasked(proba))
    except ValueError:
        _checks.bad_data("proba", "have one or two dimensions", "rows of different lengths")
    table = _columns.floats("proba", array)
    if table.ndim not in (1, 2) or (table.ndim == 2 and table.shape[1] < 2):
        _checks.bad_data("proba", "have shape (n_samples,) or (n_samples, n_classes)", f"shape {table.shape}")
    outside = (table < -_BEYOND) | (table > 1.0 + _BEYOND)
    if outside.any():
        worst = float(table[outside][0])
        _checks.bad_data("proba", "lie between 0 and 1", worst, "pass probabilities, not labels")
    table = np.clip(table, 0.0, 1.0)
    if table.ndim == 1:
        return np.stack([1.0 - table, table], axis=1)
    sums = table.sum(axis=1)
    off = np.abs(sums - 1.0) > _ROW_SUM
    if off.any():
        _checks.bad_data("proba", "add up to 1 in each row", float(sums[off][0]), "pass one column per class")
    return table
