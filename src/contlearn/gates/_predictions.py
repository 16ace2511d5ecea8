"""Labels and predictions of a trial, read the way a metric needs them; what does not fit is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.exceptions import InvalidInputError
from contlearn.stats import _columns, _delong

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.intp]

_BEYOND = 1e-6  # how far rounding may carry a probability out of [0, 1]
_ROW_SUM = 1e-3  # and the sum of a row away from 1, in half precision

# Text is fine wherever labels are compared. A metric that needs numbers says how to make them of text.
_AS_LABELS = "pass predicted labels, model.predict(X)"
_AS_BINARY = "label positives 1 and the others 0, such as (y == 'yes').astype(int)"
_AS_POSITIONS = "encode labels as positions of columns, such as np.searchsorted(model.classes_, y)"


def labels(y: Any, *predictions: Any) -> tuple[Codes, tuple[Codes, ...]]:
    """Return labels and predicted labels as positions in one list of classes."""
    columns = [_labels_of(name, each) for name, each in _named(y, predictions)]
    kinds = {"text" if column.dtype.kind in "USO" else "numbers" for column in columns}
    if len(kinds) > 1:
        got = " beside ".join(sorted(kinds))
        _checks.bad_data("predictions", "hold labels of the same kind as y", got, _AS_LABELS)
    if kinds == {"numbers"}:
        columns = [_columns.finite("labels", column) for column in columns]
        _refuse_fractions(columns)
    named = _columns.labels("labels", np.concatenate(columns))
    if named.missing:
        _checks.bad_data("labels", "be there in every row", f"{named.missing} missing ones")
    size = columns[0].size
    truth, *said = (named.codes[i * size : (i + 1) * size] for i in range(len(columns)))
    return truth, tuple(said)


def binary_labels(y: Any, *predictions: Any) -> tuple[Bools, tuple[Bools, ...]]:
    """Return labels and predicted labels of two classes as "is positive"; positives are labelled 1."""
    cure = f"{_AS_BINARY}; or choose f1_macro and its like, which read text"
    columns = [_numbers_of(name, _labels_of(name, each), cure) for name, each in _named(y, predictions)]
    for (name, _), column in zip(_named(y, predictions), columns, strict=True):
        odd = column[(column != 0.0) & (column != 1.0)]
        if odd.size:
            cure = "pass predicted labels, positives as 1; for more classes there are f1_macro and its like"
            _checks.bad_data(name, "hold 0 and 1", f"{float(odd[0]):g}", cure)
    truth, *said = (column == 1.0 for column in columns)
    return truth, tuple(said)


def scores(y: Any, *predictions: Any) -> tuple[Bools, tuple[Floats, ...]]:
    """Return which rows are positives, both classes being there, and the scores of each model."""
    _numbers_of("y", y, _AS_BINARY)
    positive = _delong.positives("y", y)
    return positive, tuple(score(name, each) for name, each in _named(y, predictions)[1:])


def score(name: str, predictions: Any) -> Floats:
    """Return one score per row: as they are, or the probability of class 1 of two."""
    if predictions.ndim == 2 and predictions.shape[1] == 2:
        predictions = predictions[:, 1]
    if predictions.ndim != 1:
        must = "hold one score per row, or probabilities of two classes"
        _checks.bad_data(name, must, f"shape {predictions.shape}", "ranks have two classes")
    return _columns.finite(name, predictions)


def probabilities(y: Any, *predictions: Any) -> tuple[Codes, tuple[Floats, ...]]:
    """Return the classes of the rows and the probability that each model gives to each class."""
    truth = _numbers_of("y", y, _AS_POSITIONS)
    tables = tuple(_table(name, each) for name, each in _named(y, predictions)[1:])
    classes = tables[0].shape[1]
    if any(table.shape[1] != classes for table in tables):
        _checks.bad_data("challenger", f"have {classes} classes like the champion", tables[1].shape[1])
    odd = truth[(truth != np.floor(truth)) | (truth < 0) | (truth >= classes)]
    if odd.size:
        _checks.bad_data("y", f"hold the classes 0 to {classes - 1}", f"{float(odd[0]):g}", _AS_POSITIONS)
    return truth.astype(np.intp), tables


def numbers(y: Any, *predictions: Any) -> tuple[Floats, tuple[Floats, ...]]:
    """Return true and predicted numbers, all of them finite."""
    truth, *said = (_columns.finite(name, each) for name, each in _named(y, predictions))
    return truth, tuple(said)


def _named(y: Any, predictions: tuple[Any, ...]) -> list[tuple[str, Any]]:
    names = ("champion", "challenger") if len(predictions) == 2 else ("challenger",)
    return [("y", y), *zip(names, predictions, strict=True)]


def _labels_of(name: str, values: Any) -> Any:
    """Return one label per row, whatever its kind."""
    array = np.asarray(values)
    if array.ndim > 1 and array.shape[1] > 1:
        _checks.bad_data(name, "hold one label per row", f"shape {array.shape}", _AS_LABELS)
    return _columns.column(name, array[:, 0] if array.ndim > 1 else values)


def _numbers_of(name: str, values: Any, cure: str) -> Floats:
    """Return a column of finite numbers; `cure` says how to make them of text."""
    try:
        _columns.floats(name, values)
    except InvalidInputError:
        _checks.bad_data(name, "hold numbers", "text or other objects", cure)
    return _columns.finite(name, values)


def _table(name: str, predictions: Any) -> Floats:
    array = _columns.floats(name, predictions)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] < 2):
        must = "hold probabilities of shape (n_samples,) or (n_samples, n_classes)"
        _checks.bad_data(name, must, f"shape {array.shape}")
    bad = int((~np.isfinite(array)).reshape(len(array), -1).any(axis=1).sum())
    if bad:
        _checks.bad_data(name, "be finite", f"{bad} of {len(array)} rows that are NaN or infinite")
    outside = array[(array < -_BEYOND) | (array > 1.0 + _BEYOND)]
    if outside.size:
        cure = "pass probabilities, not labels"
        _checks.bad_data(name, "lie between 0 and 1", f"{float(outside[0]):g}", cure)
    array = np.clip(array, 0.0, 1.0)
    if array.ndim == 1:
        return np.stack([1.0 - array, array], axis=1)
    off = array.sum(axis=1)
    off = off[np.abs(off - 1.0) > _ROW_SUM]
    if off.size:
        _checks.bad_data(name, "add up to 1 in each row", f"{float(off[0]):g}", "pass one column per class")
    return array


def _refuse_fractions(columns: list[Floats]) -> None:
    if all((columns[0] == np.floor(columns[0])).tolist()):
        for column in columns[1:]:
            odd = column[column != np.floor(column)]
            if odd.size:
                cure = "pass model.predict(X), or choose a metric of probabilities, such as log_loss"
                _checks.bad_data("predictions", "hold labels like those of y", f"{float(odd[0]):g}", cure)
