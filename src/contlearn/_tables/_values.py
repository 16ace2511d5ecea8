"""One column out of an array of any type, or out of Python objects."""

from __future__ import annotations

import datetime as dt
import decimal
import numbers
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables._column import Column, Kind, from_block, masked

_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)


def from_array(name: str, array: NDArray[Any]) -> Column:
    """Return the column of a one-dimensional array."""
    code = array.dtype.kind
    if code in "fiub":
        return from_block([name], array[np.newaxis])[0]
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
    filled: NDArray[Any] = _CONVERT[kind](name, present, types)
    if missing.any():
        spread = np.zeros(len(values), dtype=filled.dtype)
        spread[~missing] = filled
        filled = spread
    if filled.dtype == np.float64:
        filled[missing] = np.nan
        return from_block([name], filled[np.newaxis])[0]
    column = masked(name, kind, filled, missing)
    zoned = kind == "datetime" and any(getattr(value, "tzinfo", None) is not None for value in present)
    return replace(column, zoned=True) if zoned else column


def from_labels(name: str, labels: Sequence[Any]) -> Column:
    """Return the column of categories that the caller declared as such, numbers included."""
    missing = _missing(labels, set(map(type, labels)))
    return masked(name, "categorical", _objects(labels), missing)


def _from_times(name: str, array: NDArray[Any]) -> Column:
    kind: Kind = "datetime" if array.dtype.kind == "M" else "duration"
    return masked(name, kind, _microseconds(name, array), np.isnat(array))


def _microseconds(name: str, times: NDArray[Any]) -> NDArray[np.int64]:
    """Return dates or durations as microseconds; those that do not fit are refused."""
    try:
        whole = times.astype(f"{times.dtype.kind}8[us]")
    except OverflowError:  # numpy 2.5 says so; older ones wrap around
        _refuse_times(name)
    if np.datetime_data(times.dtype)[0] not in ("Y", "M", "W", "D", "h", "m", "s", "ms"):
        return np.array(whole.view(np.int64))
    coarse = f"{times.dtype.kind}8[D]"
    gap = np.abs((whole.astype(coarse) - times.astype(coarse)).astype(np.int64))
    if np.any(gap[~np.isnat(times)] > 1):
        _refuse_times(name)
    return np.array(whole.view(np.int64))


def _refuse_times(name: str) -> NoReturn:
    must = "hold times that fit in 64 bits of microseconds, and years 1 to 9999 where they have a zone"
    _checks.bad_data(f"column {name!r}", must, "others", "replace a far date by a missing one")


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
    if isinstance(value, decimal.Decimal):
        return value.is_nan()  # a signalling one may not even be compared
    if isinstance(value, float | np.floating | np.datetime64 | np.timedelta64):
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


def refuse_values(name: str, got: str) -> NoReturn:
    """Refuse a column whose values cannot be tested."""
    _checks.bad_schema(
        f"column {name!r}: each argument",
        "be a string, a number, a boolean or a date",
        got,
        "convert the column, or leave it out",
    )


def _common_kind(name: str, types: set[type]) -> Kind:
    """Return the kind that all `types` share, or refuse."""
    kinds: dict[Kind, str] = {}
    for kind in sorted(types, key=lambda each: each.__name__):
        known = _kind_of(kind)
        if known is None:
            refuse_values(name, kind.__name__)
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


def _times(name: str, values: list[Any], _: set[type]) -> NDArray[np.int64]:
    try:
        return np.array([_microsecond(name, value) for value in values], dtype=np.int64)
    except OverflowError:  # such as datetime.max in New York, which is in the year 10000 of UTC
        _refuse_times(name)


def _microsecond(name: str, value: Any) -> int:
    """Return a duration, or the time since 1970 in UTC; a time without a zone is taken as it stands."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return int(_microseconds(name, np.array([value]))[0])
    if isinstance(value, dt.timedelta):
        return value // _MICROSECOND
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    return int((value - _EPOCH) // _MICROSECOND)


_CONVERT: dict[Kind, Any] = {
    "boolean": lambda _, values, __: np.array(values, dtype=np.bool_),
    "numeric": lambda _, values, types: _numbers(values, types),
    "categorical": lambda _, values, __: _objects(values),
    "datetime": _times,
    "duration": _times,
}
