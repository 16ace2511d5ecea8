"""Values without parts of their own: numbers, text, times, numpy's scalars. One tag each, there and back."""

from __future__ import annotations

import datetime as dt
import math
import uuid
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from contlearn.persistence import _arrays, _pytz
from contlearn.persistence._refusals import damaged

_EXACT = 2**53  # integers up to here survive every JSON reader
_MOST_DIGITS = 4000
_MOST_TEXT = 10_000
_LONGEST_RANGE = 2**20  # a range takes no memory, but time
_INFINITIES = {math.inf: "inf", -math.inf: "-inf"}
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def integer(value: int) -> Any:
    """Return an integer as JSON holds it: itself, or its digits."""
    return value if -_EXACT <= value <= _EXACT else {"int": str(value)}


def real(value: float) -> Any:
    """Return a float as JSON holds it: itself, or its name."""
    return value if math.isfinite(value) else {"float": _INFINITIES.get(value, "nan")}


def fits(value: Any) -> bool:
    """Return whether an integer or a fraction has few enough digits to be written."""
    parts = (value.numerator, value.denominator) if isinstance(value, Fraction) else (value,)
    return all(part.bit_length() < 3 * _MOST_DIGITS for part in parts)


def _range(value: range) -> list[str]:
    if not _is_short(value):
        raise LookupError
    return [str(value.start), str(value.stop), str(value.step)]


def _range_of(given: Any) -> range:
    value = range(*map(_integer_of, given))
    return value if _is_short(value) else damaged("a short range", "a long one")


def _is_short(value: range) -> bool:
    return abs(value.stop - value.start) <= _LONGEST_RANGE


def _time_zone(zone: dt.tzinfo | None) -> Any:
    if zone is None:
        return None
    if type(zone) is dt.timezone:
        name, offset = zone.tzname(None), zone.utcoffset(None)
        plain = dt.timezone(offset).tzname(None)
        return {"offset": _span(offset), "name": None if name == plain else name}
    if type(zone) is zoneinfo.ZoneInfo and zone.key is not None:
        return {"zone": zone.key}
    if _pytz.is_zone(zone):
        return {"pytz": _pytz.named(zone)}
    raise LookupError


def _zone_of(given: Any) -> dt.tzinfo | None:
    if given is None:
        return None
    if "zone" in given:
        return zoneinfo.ZoneInfo(_text(given["zone"], 100))
    if "pytz" in given:
        name = given["pytz"]
        return _pytz.zone(name if type(name) is int else _text(name, 100))
    offset = _span_of(given["offset"])
    if given["name"] is None:
        return dt.UTC if not offset else dt.timezone(offset)
    return dt.timezone(offset, _text(given["name"], 100))


def _span(value: dt.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _span_of(given: Any) -> dt.timedelta:
    days, seconds, microseconds = given
    return dt.timedelta(days, seconds, microseconds)


def _moment(value: dt.datetime) -> dict[str, Any]:
    bare = value.replace(tzinfo=None, fold=0)
    written = {"at": bare.isoformat(), "fold": value.fold, "in": _time_zone(value.tzinfo)}
    if not _pytz.is_zone(value.tzinfo):
        return written
    return written | {"offset": _span(value.utcoffset() or dt.timedelta())}


def _moment_of(given: Any) -> dt.datetime:
    bare = dt.datetime.fromisoformat(_text(given["at"], 40)).replace(fold=given["fold"])
    zone = _zone_of(given["in"])
    if "offset" in given:
        return _pytz.moment(bare, zone, _span_of(given["offset"]))
    return bare.replace(tzinfo=zone)


def _clock(value: dt.time) -> dict[str, Any]:
    bare = value.replace(tzinfo=None, fold=0)
    return {"at": bare.isoformat(), "fold": value.fold, "in": _time_zone(value.tzinfo)}


def _clock_of(given: Any) -> dt.time:
    bare = dt.time.fromisoformat(_text(given["at"], 40))
    return bare.replace(tzinfo=_zone_of(given["in"]), fold=given["fold"])


def _scalar(value: np.generic) -> dict[str, str]:
    array = np.asarray(value)
    if not _arrays.describable(array):
        raise LookupError
    return {"dtype": array.dtype.str, "data": _arrays.text_of(array.tobytes())}


def _scalar_of(given: Any) -> Any:
    description = {"dtype": given["dtype"], "shape": [], "fortran": False}
    return _arrays.made(*_arrays.checked(description), _arrays.bytes_of(given["data"]))[()]


def _text(given: Any, most: int = _MOST_TEXT) -> str:
    if not isinstance(given, str) or len(given) > most:
        damaged("a short text", type(given).__name__)
    return given


def _integer_of(given: Any) -> int:
    return int(_text(given, _MOST_DIGITS + 1))


def _fraction_of(given: Any) -> Fraction:
    return Fraction(_integer_of(given[0]), _integer_of(given[1]))


def _decimal(value: Decimal) -> str:
    if not _is_moderate(value):
        raise LookupError
    return str(value)


def _decimal_of(given: Any) -> Decimal:
    value = Decimal(_text(given))
    return value if _is_moderate(value) else damaged("decimals of at most 4,000 digits", "larger ones")


def _is_moderate(value: Decimal) -> bool:
    """Return whether it takes little time to make an integer of the decimal."""
    return not value.is_finite() or abs(value.adjusted()) <= _MOST_DIGITS


def _dtype(value: np.dtype[Any]) -> str:
    if not _arrays.describable(np.empty(0, value)):
        raise LookupError
    return value.str


def _dtype_of(given: Any) -> np.dtype[Any]:
    return _arrays.checked({"dtype": given, "shape": [], "fortran": False})[0]


LEAVES: dict[type, tuple[str, Callable[[Any], Any]]] = {
    complex: ("complex", lambda value: [real(value.real), real(value.imag)]),
    bytes: ("bytes", _arrays.text_of),
    bytearray: ("bytearray", _arrays.text_of),
    range: ("range", _range),
    dt.datetime: ("datetime", _moment),
    dt.date: ("date", dt.date.isoformat),
    dt.time: ("time", _clock),
    dt.timedelta: ("timedelta", _span),
    dt.timezone: ("timezone", _time_zone),
    zoneinfo.ZoneInfo: ("timezone", _time_zone),
    Fraction: ("fraction", lambda value: [str(value.numerator), str(value.denominator)]),
    Decimal: ("decimal", _decimal),
    uuid.UUID: ("uuid", str),
}
"""By exact type: the tag, and what stands behind it; `LookupError` where the value has no form."""


def leaf(value: Any) -> Any:
    """Return the node of a leaf, or raise `LookupError`."""
    if isinstance(value, np.generic):
        return {"scalar": _scalar(value)}
    if isinstance(value, np.dtype):
        return {"dtype": _dtype(value)}
    if _pytz.is_zone(value):
        return {"timezone": _time_zone(value)}
    tag, form = LEAVES[type(value)]
    return {tag: form(value)}


def _real_of(given: Any) -> float:
    if type(given) is float:
        return given
    return _FLOATS[given["float"]]


READERS: dict[str, Callable[[Any], Any]] = {
    "int": _integer_of,
    "float": lambda given: _FLOATS[given],
    "complex": lambda given: complex(_real_of(given[0]), _real_of(given[1])),
    "bytes": _arrays.bytes_of,
    "bytearray": lambda given: bytearray(_arrays.bytes_of(given)),
    "range": _range_of,
    "datetime": _moment_of,
    "date": lambda given: dt.date.fromisoformat(_text(given, 40)),
    "time": _clock_of,
    "timedelta": _span_of,
    "timezone": _zone_of,
    "fraction": _fraction_of,
    "decimal": _decimal_of,
    "uuid": lambda given: uuid.UUID(_text(given, 40)),
    "scalar": _scalar_of,
    "dtype": _dtype_of,
}
"""By tag: what makes the value again; any exception means that it does not fit."""
