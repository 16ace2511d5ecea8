"""Values of a stream as they come, read or refused.

What is read is a float (infinity where a number is missing), a numpy time, or a label (None where it is
missing, and where nothing tells of what kind it would have been).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import WORDS, Column, Kind, read
from contlearn._tables._values import from_array, from_labels
from contlearn.exceptions import ContlearnError

MISSING = math.inf  # of a number: behind all others; infinities themselves are refused
_EXACT = 2**53  # integers below are floats to the last digit
LABELS = ("categorical", "boolean", "unknown")

_CURE = "replace an infinity by NaN, which is tested as missing, or by a large finite number"
_TIMES = {"datetime": "M8[us]", "duration": "m8[us]"}


def one(x: Any, kind: Kind | None, name: str = "x") -> Any:
    """Return a value as it is read, or refuse it.

    `kind` is that of the values before; None where there were none but missing ones.
    """
    if kind == "numeric" and type(x) in (float, np.float64):
        x = float(x)
        if x - x == 0.0:
            return x
        if x != x:
            return MISSING
    if (kind == "categorical" and type(x) is str) or (kind == "boolean" and type(x) is bool):
        return x
    if kind == "numeric" and type(x) is int and -_EXACT < x < _EXACT:
        return float(x)
    if np.ndim(x) != 0 or isinstance(x, dict):
        _checks.bad_data(name, "be one value", type(x).__name__, "pass one value at a time")
    if isinstance(x, float | np.floating) and math.isinf(x):
        _checks.bad_data(name, "be finite", float(x), _CURE)
    holder = np.empty(1, dtype=object)
    holder[0] = x.item() if isinstance(x, np.ndarray) else x
    try:
        column = from_array(name, holder)
    except ContlearnError as error:
        words = str(error).replace(f"column {name!r}: each argument", name).replace(f"column {name!r}", name)
        _checks.reword(words, error)
    _same_kind(column, kind, name)
    value = plain(column, kind)[0]
    return value.item() if isinstance(value, np.float64) else value


def label(x: Any) -> Any:
    """Return a value as a category, of whatever type it is; None where it is missing."""
    holder = np.empty(1, dtype=object)
    holder[0] = x.item() if isinstance(x, np.generic) else x
    return plain(from_labels("x", holder.tolist()), "categorical")[0]


def many(values: Any, kind: Kind | None, name: str = "values") -> NDArray[Any]:
    """Return values as they are read, or refuse them all."""
    if kind == "numeric" and isinstance(values, np.ndarray) and values.dtype == np.float64:
        array = _floats(values)
        if array is not None:
            return array
    if kind == "numeric" and isinstance(values, list | tuple) and bool in set(map(type, values)):
        _blame(values, kind, name)  # numpy would make numbers of them
    try:
        columns = read(values, name).columns
        if len(columns) != 1:
            _checks.bad_schema(name, "have one value per update", f"{len(columns)} columns")
        _same_kind(columns[0], kind, name)
    except ContlearnError:
        _blame(values, kind, name)
        raise
    return plain(columns[0], kind)


def plain(column: Column, kind: Kind | None) -> NDArray[Any]:
    """Return the values of a column as they are read."""
    if column.kind == "unknown" and kind in (None, *LABELS):
        return np.full(column.n_rows, None, dtype=object)
    known = kind if column.kind == "unknown" else column.kind
    values, missing = column.values, column.missing
    if known in LABELS or kind == "unknown":
        labels = np.empty(column.n_rows, dtype=object)
        labels[:] = values.tolist()
        if missing is not None:
            labels[missing] = None
        return labels
    if column.kind == "unknown":
        values, missing = np.zeros(column.n_rows, dtype=np.int64), np.ones(column.n_rows, dtype=np.bool_)
    if known in _TIMES:
        times = values.astype(np.int64).view(_TIMES[known])
        return times if missing is None else np.where(missing, np.array("NaT", dtype=times.dtype), times)
    numbers = values.astype(np.float64)
    return numbers if missing is None else np.where(missing, MISSING, numbers)


def kind_of(values: NDArray[Any]) -> Kind | None:
    """Return the kind of values that were read; None where all of them are missing labels."""
    kinds: dict[str, Kind] = {"f": "numeric", "M": "datetime", "m": "duration"}
    if values.dtype.kind in kinds:
        return kinds[values.dtype.kind]
    first = next((value for value in values if value is not None), None)
    if first is None:
        return None
    if isinstance(first, float):
        return "numeric"
    if isinstance(first, np.datetime64 | np.timedelta64):
        return kinds[first.dtype.kind]
    return "boolean" if type(first) in (bool, np.bool_) else "categorical"


def numbers(values: NDArray[Any], kind: Kind) -> NDArray[np.float64]:
    """Return what was read of a column with an order as floats: times as microseconds."""
    if values.dtype == np.float64:
        return values
    if kind == "numeric":
        return np.array([MISSING if value is None else value for value in values], dtype=np.float64)
    gone = np.array("NaT", dtype=_TIMES[kind])
    times = np.array([gone if value is None else value for value in values], dtype=_TIMES[kind])
    return np.where(np.isnat(times), MISSING, times.view(np.int64).astype(np.float64))


def number(value: Any, kind: Kind) -> float:
    """Return what was read of a value with an order as a float."""
    return value if type(value) is float else float(numbers(np.array([value], dtype=object), kind)[0])


def _floats(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return a copy in which infinity stands for missing; None where that is not so simple."""
    if values.ndim != 1 or isinstance(values, np.ma.MaskedArray):
        return None
    if np.isfinite(values).all():
        return values.copy()
    return None if np.isinf(values).any() else np.where(np.isnan(values), MISSING, values)


def _same_kind(column: Column, kind: Kind | None, name: str) -> None:
    if kind not in (None, "unknown") and column.kind not in (kind, "unknown"):
        must = f"hold {WORDS[kind]}, as the reference does"
        _checks.bad_schema(name, must, WORDS[column.kind], "convert them, or fit anew")
    if column.kind == "categorical" and column.codes is None:
        for label in {type(label): label for label in column.values}.values():
            _checks.instance(name, label, Hashable, "hashable")


def _blame(values: Any, kind: Kind | None, name: str) -> None:
    """Refuse the first of `values` that is to blame, if it is one alone."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist() if values.dtype.kind not in "mM" else list(values)
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        return
    for position, value in enumerate(values):
        found = np.empty(1, dtype=object)
        found[0] = one(value, kind, f"{name}[{position}]")
        kind = kind or kind_of(found)
