"""Labels that two models predict: never guessed from what may be something else."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from contlearn.exceptions import InvalidInputError
from contlearn.gates._trial import Trial
from contlearn.stats import _columns

Marked: TypeAlias = NDArray[np.bool_]

_ROW_SUM = 1e-3  # how far the probabilities of a row may be from 1, as half precision leaves them


class UnreadableError(Exception):
    """There are no labels to read; the message says why, and the cure."""


def differing(trial: Trial, threshold: float | None) -> Marked:
    """Return the rows for which the two models predict different labels."""
    champion, challenger = _both(trial, threshold)
    one, other = _codes(("champion", champion), ("challenger", challenger))
    changed: Marked = one != other
    return changed


def correct(trial: Trial, threshold: float | None) -> tuple[Marked, Marked]:
    """Return the rows that each model labels as `y` does."""
    if trial.y is None:
        raise UnreadableError("the trial has no labels y")
    models = _both(trial, threshold)
    y = _column("y", trial.y)
    if _is_fraction(y):
        raise UnreadableError("y holds fractions, not labels")
    positions = _positions(trial, threshold)
    if positions:
        classes = _numbers(y)
        if classes is None or ((classes < 0) | (classes >= positions)).any():
            raise UnreadableError(
                f"y must hold the classes 0 to {positions - 1}, where predictions are no labels"
            )
    truth, champion, challenger = _codes(("y", y), *zip(("champion", "challenger"), models, strict=True))
    return champion == truth, challenger == truth


def _both(trial: Trial, threshold: float | None) -> tuple[NDArray[Any], NDArray[Any]]:
    if trial.champion is None or trial.challenger is None:
        raise UnreadableError("the trial has no predictions; make it by Trial.from_predictions")
    return (
        _labels("champion", trial.champion, threshold),
        _labels("challenger", trial.challenger, threshold),
    )


def _positions(trial: Trial, threshold: float | None) -> int:
    """Return the number of classes where labels are positions of columns, or sides of a threshold; else 0."""
    found = 0
    for predictions in (trial.champion, trial.challenger):
        if predictions is not None and predictions.ndim == 2 and predictions.shape[1] > 1:
            found = max(found, predictions.shape[1])
        elif threshold is not None and predictions is not None and predictions.dtype.kind == "f":
            found = max(found, 2)
    return found


def _labels(name: str, predictions: NDArray[Any], threshold: float | None) -> NDArray[Any]:
    """Return one label per row: as they are, the likeliest class, or the side of the threshold."""
    if predictions.ndim == 2 and predictions.shape[1] > 1:
        table = _probabilities(name, predictions)
        if threshold is not None and table.shape[1] == 2:
            return (table[:, 1] >= threshold).astype(np.intp)
        likeliest: NDArray[np.intp] = table.argmax(axis=1)
        return likeliest
    column = _column(name, predictions)
    if threshold is not None and column.dtype.kind == "f":
        return (column >= threshold).astype(np.intp)
    if _is_fraction(column):
        cure = "pass predicted labels, or a threshold to the gate"
        raise UnreadableError(f"the {name} predicts fractions, not labels; {cure}")
    return column


def _probabilities(name: str, predictions: NDArray[Any]) -> NDArray[np.float64]:
    try:
        table = _columns.floats(name, predictions)
    except InvalidInputError as error:
        raise UnreadableError(str(error)) from None
    bad = int((~np.isfinite(table)).any(axis=1).sum())
    if bad:
        raise UnreadableError(f"{bad} of {len(table)} rows where the {name} predicts NaN or infinity")
    if (np.abs(table.sum(axis=1) - 1.0) > _ROW_SUM).any() or (table < 0.0).any():
        cure = "pass predicted labels"
        raise UnreadableError(
            f"the {name} predicts rows that are no probabilities, which add up to 1; {cure}"
        )
    return table


def _column(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise UnreadableError(f"{name} must hold one label per row, got shape {values.shape}")
    absent = _columns.missing(values)
    if absent.any():
        raise UnreadableError(f"{int(absent.sum())} of {values.size} rows of {name} are missing")
    return values


def _numbers(column: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return a column of numbers as floats; None where it holds anything else."""
    try:
        return _columns.floats("labels", column)
    except InvalidInputError:
        return None


def _is_fraction(column: NDArray[Any]) -> bool:
    numbers = _numbers(column) if column.dtype.kind in ("f", "O") else None
    return numbers is not None and bool((numbers != np.floor(numbers)).any())


def _codes(*columns: tuple[str, NDArray[Any]]) -> list[NDArray[np.intp]]:
    """Return the labels of several columns as positions in one list of all labels."""
    kinds = {name: _kind(column) for name, column in columns}
    if len(set(kinds.values())) > 1:
        told = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        raise UnreadableError(f"labels must be of one kind, got {told}")
    try:
        codes = _columns.labels("labels", _joined([column for _, column in columns])).codes
    except InvalidInputError as error:
        raise UnreadableError(str(error)) from None
    return np.split(codes, len(columns))


def _kind(column: NDArray[Any]) -> str:
    if column.dtype.kind == "S":
        return "bytes"
    return "text" if _numbers(column) is None else "numbers"


def _joined(columns: list[NDArray[Any]]) -> NDArray[Any]:
    """Return the columns one after the other; as objects where a common type would round large numbers."""
    kinds = {column.dtype.kind for column in columns}
    if len(kinds) == 1 or kinds <= {"i", "b"}:
        return np.concatenate(columns)
    return np.concatenate([column.astype(object) for column in columns])
