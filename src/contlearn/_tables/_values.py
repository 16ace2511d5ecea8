"""One column out of an array of any type, or out of Python objects."""

from __future__ import annotations

import datetime as dt
import decimal
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables._column import Column, Kind, exact, from_block, masked

_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)


def from_array(name: str, array: NDArray[Any]) -> Column:
    """Return the column of a one-dimensional array."""
    code = array.dtype.kind
    if code in "fiub":
        return from_block([name], exact(array)[np.newaxis])[0]
    if code in "Mm":
        return _from_times(name, array)
    if code in "cV":
        _checks.bad_data(f"column {name!r}", "hold one real value per row", f"dtype {array.dtype}")
    if code == "U":
        kind: Kind = "categorical" if array.size else "unknown"
        return Column(name, kind, array.astype(object))
    return from_objects(name, array.tolist())


def from_objects(name: str, values: Sequence[Any]) -> Column:
    """Return the column of Python objects of one kind, with gaps."""
    types = set(map(type, values))
    if types and types <= {str}:
        return Column(name, "categorical", _objects(values))
    missing = _missing(values, types)
    present = list(values)
    if missing.any():
        present = [value for value, gone in zip(values, missing.tolist(), strict=True) if not gone]
        types = set(map(type, present))
    if not present:
        return masked(name, "unknown", _objects(values), missing)
    kind = _common_kind(name, types)
    filled: NDArray[Any] = _CONVERT[kind](present, types)
    if missing.any():
        spread = np.zeros(len(values), dtype=filled.dtype)
        spread[~missing] = filled
        filled = spread
    if filled.dtype == np.float64:
        filled[missing] = np.nan
        return from_block([name], filled[np.newaxis])[0]
    return masked(name, kind, filled, missing)


def from_labels(name: str, labels: Sequence[Any]) -> Column:
    """Return the column of categories that the caller declared as such, numbers included."""
    missing = _missing(labels, set(map(type, labels)))
    return masked(name, "categorical", _objects(labels), missing)


def _from_times(name: str, array: NDArray[Any]) -> Column:
    kind: Kind = "datetime" if array.dtype.kind == "M" else "duration"
    missing = np.isnat(array)
    unit = "datetime64[us]" if kind == "datetime" else "timedelta64[us]"
    return masked(name, kind, np.array(array.astype(unit).view(np.int64)), missing)


def _missing(values: Sequence[Any], types: set[type]) -> NDArray[np.bool_]:
    """Return which values are missing; asking each of them what it is would be ten times slower."""
    if types <= {str, bool, int}:
        return np.zeros(len(values), dtype=np.bool_)
    if types <= {str, bool, int, float, type(None)}:
        return np.array([value is None or value != value for value in values], dtype=np.bool_)
    return np.fromiter(map(_is_missing, values), dtype=np.bool_, count=len(values))


def _is_missing(value: object) -> bool:
    """Whether `value` is None, NaN, NaT or pandas' NA, none of which equals itself or may be compared."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, float | np.floating | decimal.Decimal | np.datetime64 | np.timedelta64):
        return bool(value != value)
    return False


def _kind_of(kind: type) -> Kind | None:
    if issubclass(kind, bool | np.bool_):
        return "boolean"
    if issubclass(kind, np.timedelta64 | dt.timedelta):
        return "duration"
    if issubclass(kind, numbers.Real | decimal.Decimal):
        return "numeric"
    if issubclass(kind, str | bytes):
        return "categorical"
    if issubclass(kind, dt.date | np.datetime64):
        return "datetime"
    return None


def _common_kind(name: str, types: set[type]) -> Kind:
    """Return the kind that all `types` share, or refuse."""
    kinds: dict[Kind, str] = {}
    for kind in sorted(types, key=lambda each: each.__name__):
        known = _kind_of(kind)
        if known is None:
            _checks.bad_schema(
                f"column {name!r}: each argument",
                "be a string, a number, a boolean or a date",
                kind.__name__,
                "convert the column, or leave it out",
            )
        kinds.setdefault(known, kind.__name__)
    if len(kinds) > 1:
        _checks.bad_schema(
            f"column {name!r}",
            "hold values of one kind",
            " and ".join(sorted(kinds.values())),
            "convert the whole column, for example with str",
        )
    return next(iter(kinds))


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _numbers(values: list[Any], types: set[type]) -> NDArray[Any]:
    """Return integers as integers where they fit, everything else as float64."""
    if all(issubclass(kind, numbers.Integral) for kind in types):
        whole = [int(value) for value in values]
        for dtype in (np.int64, np.uint64):
            if np.iinfo(dtype).min <= min(whole) and max(whole) <= np.iinfo(dtype).max:
                return np.array(whole, dtype=dtype)
    return np.array([_float(value) for value in values], dtype=np.float64)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond 1e308 is as infinite as a float can say
        return float("inf")


def _datetimes(values: list[Any], _: set[type]) -> NDArray[np.int64]:
    return np.array([_instant(value) for value in values], dtype=np.int64)


def _instant(value: Any) -> int:
    """Return microseconds since 1970 in UTC; a time without a zone is taken as it stands."""
    if isinstance(value, np.datetime64):
        return int(value.astype("datetime64[us]").astype(np.int64))
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    return int((value - _EPOCH) // _MICROSECOND)


def _durations(values: list[Any], _: set[type]) -> NDArray[np.int64]:
    return np.array([np.timedelta64(value, "us").astype(np.int64) for value in values], dtype=np.int64)


_CONVERT: dict[Kind, Any] = {
    "boolean": lambda values, _: np.array(values, dtype=np.bool_),
    "numeric": _numbers,
    "categorical": lambda values, _: _objects(values),
    "datetime": _datetimes,
    "duration": _durations,
}
