"""Values of a stream as they come, read into floats or labels; infinity stands for a missing number."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import WORDS, Kind, read
from contlearn._tables._column import Column
from contlearn._tables._values import from_array
from contlearn.exceptions import ContlearnError

MISSING = math.inf  # of a number: behind all others; infinities themselves are refused

_CURE = "replace an infinity by NaN, which is tested as missing, or by a large finite number"
_LABELS = ("categorical", "boolean", "unknown")


def one(x: Any, kind: Kind | None, name: str = "x") -> Any:
    """Return a value as a float or as a label (None where it is missing), or refuse it.

    `kind` is that of the values before; None where there were none but missing ones.
    """
    if kind == "numeric" and type(x) in (float, int, np.float64):
        value = float(x) if abs(x) <= 1.7976931348623157e308 or x != x else math.inf
        if value != value:
            return MISSING
        if value in (math.inf, -math.inf):
            _checks.bad_data(name, "be finite", x, _CURE)
        return value
    if kind == "categorical" and type(x) is str:
        return x
    holder = np.empty(1, dtype=object)
    holder[0] = x
    column = _column(holder, name)
    _same_kind(column, kind, name)
    value = _plain(column, kind)[0]
    return value.item() if isinstance(value, np.generic) else value


def many(values: Any, kind: Kind | None, name: str = "values") -> tuple[NDArray[Any], Kind | None]:
    """Return values as floats or as labels (None: missing), and their kind; or refuse them all."""
    if kind == "numeric" and isinstance(values, np.ndarray) and values.dtype == np.float64:
        array = _floats(values)
        if array is not None:
            return array, kind
    try:
        table = read(values, name)
        columns = table.columns
        if len(columns) != 1:
            _checks.bad_data(name, "have one value per update", f"{len(columns)} columns")
        _same_kind(columns[0], kind, name)
    except ContlearnError:
        _blame(values, kind, name)
        raise
    found = kind if columns[0].kind == "unknown" else columns[0].kind
    return _plain(columns[0], found), found


def _floats(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return a copy in which infinity stands for missing; None where that is not so simple."""
    if values.ndim != 1 or isinstance(values, np.ma.MaskedArray):
        return None
    if np.isfinite(values).all():
        return values.copy()
    return None if np.isinf(values).any() else np.where(np.isnan(values), MISSING, values)


def _column(array: NDArray[Any], name: str) -> Column:
    column = from_array(name, array)
    if column.kind == "categorical":
        for label in column.first(column.n_rows):
            _checks.instance(name, label, Hashable, "hashable")
    return column


def _same_kind(column: Column, kind: Kind | None, name: str) -> None:
    if kind in (None, "unknown") or column.kind in (kind, "unknown"):
        return
    wanted, got = WORDS[kind], WORDS[column.kind]
    _checks.bad_data(name, f"hold {wanted}, as the reference does", got, "convert, or fit anew")


def _plain(column: Column, kind: Kind | None) -> NDArray[Any]:
    """Return floats of what has an order, labels of everything else."""
    if column.kind == "unknown" and kind not in (None, *_LABELS):
        return np.full(column.n_rows, MISSING)
    values, missing = column.values, column.missing
    if column.kind in _LABELS:
        labels = np.empty(column.n_rows, dtype=object)
        labels[:] = [None] * len(labels) if column.kind == "unknown" else values.tolist()
        if missing is not None:
            labels[missing] = None
        return labels
    numbers = values.astype(np.float64)
    if missing is not None:
        numbers[missing] = MISSING
    return numbers


def _blame(values: Any, kind: Kind | None, name: str) -> None:
    """Refuse the first of `values` that is to blame, if it is one alone."""
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        singles: Sequence[Any] = values
    elif isinstance(values, np.ndarray) and values.ndim == 1:
        singles = values.tolist()
    else:
        return
    for position, value in enumerate(singles):
        single = one(value, kind, f"{name}[{position}]")
        if kind is None and single not in (None, MISSING):
            kind = _kind_of(value)


def _kind_of(value: Any) -> Kind:
    holder = np.empty(1, dtype=object)
    holder[0] = value
    return from_array("x", holder).kind
