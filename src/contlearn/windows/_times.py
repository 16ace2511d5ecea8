"""Turn a caller's time into a number, exactly, and refuse what cannot be compared with the times before it.

Numbers stay numbers. Dates become whole nanoseconds since 1970, in Python integers, so that nothing is
rounded and no year is out of reach; with a zone they are counted in UTC, so that a change of the clocks is no
change of time.
"""

from __future__ import annotations

import math
import numbers
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.windows._rows import is_collection

Zone = Literal["number", "naive", "aware"]
Point = int | float

_NAIVE_EPOCH = datetime(1970, 1, 1)
_AWARE_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS = {
    "W": 604_800 * 10**9,
    "D": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}
_EXACT_INT = 2**62  # differences of two such integers still fit into an int64
_LARGEST = int(sys.float_info.max)  # the difference to a float fails beyond
_EXACT_FLOAT = 2**53  # up to here a float64 holds every integer


class TimeAxis:
    """One kind of time: numbers, or dates without a zone, or dates with one; the first date decides."""

    __slots__ = ("timed", "zone")

    def __init__(self, timed: bool) -> None:
        self.timed = timed
        self.zone: Zone | None = None

    def read(self, at: Any) -> tuple[Zone, Point]:
        """Return the kind and the number of one time; changes nothing."""
        if not self.timed:
            return "number", _number(at)
        zone, point = _moment(at)
        if self.zone is not None and zone != self.zone:
            _mixed(self.zone, zone)
        return zone, point

    def read_many(self, at: Any, n: int) -> tuple[Zone | None, list[Point]]:
        """Return the kind and the numbers of `n` times, one each or one for all; changes nothing."""
        if isinstance(at, (numbers.Real, date, np.generic)):
            zone, point = self.read(at)
            return zone, [point] * n
        if isinstance(at, (str, bytes)) or not is_collection(at):
            _checks.bad_data("at", "be one time, or one per row", at)
        dtype = getattr(at, "dtype", None)
        if isinstance(dtype, np.dtype) and dtype.kind in ("M" if self.timed else "iuf"):
            points = _from_array(np.asarray(at))
            found: set[Zone] = {"naive" if self.timed else "number"}
        else:
            pairs = [self.read(each) for each in at]
            points = [point for _, point in pairs]
            found = {zone for zone, _ in pairs}
        if len(points) != n:
            _checks.bad_data("at", f"be one time, or {n} times, one per row", f"{len(points)}")
        expected = self.zone or next(iter(found), None)
        for zone in found - {expected}:
            _mixed(expected, zone)
        return expected, points


def span(name: str, value: Any, *, like: Any = None, above: bool = False) -> Point:
    """Return a length of time as a number: a timedelta in nanoseconds, anything else as it is.

    `like` is another length that must be of the same sort; 0 is a length of every sort. `above`: more than 0.
    """
    timed = is_timed(value if like is None else like)
    if timed and is_timed(value):
        if value != value:
            _checks.fail(name, "be a length of time", value)
        length: Point = _nanoseconds(value)
    elif timed and value != 0:
        _checks.fail(name, "be a timedelta", value)
    elif is_timed(value):
        _checks.fail(name, "be a number", value, "or make the duration a timedelta")
    else:
        _checks.number(name, value)
        length = int(value) if isinstance(value, numbers.Integral) else float(value)
    if length < 0 or (above and length == 0):
        _checks.fail(name, "be above 0" if above else "be at least 0", value)
    return length


def is_timed(length: Any) -> bool:
    """Return whether `length` is a timedelta, so that times are dates."""
    return isinstance(length, (timedelta, np.timedelta64))


def comparable(points: list[Point], other: Point | None) -> NDArray[Any] | None:
    """Return `points` as an array whose differences, also to `other`, are exact as in Python; or None."""
    values = points if other is None else [*points, other]
    kinds = set(map(type, values))
    low, high = min(values), max(values)
    if kinds == {int}:
        return np.array(points, np.int64) if max(-low, high) < _EXACT_INT else None
    if int in kinds and max(-low, high) > _EXACT_FLOAT:
        return None
    return np.array(points, np.float64)


def _number(at: Any) -> Point:
    kind = type(at)
    if kind is not float and kind is not int:
        if isinstance(at, (bool, np.bool_)) or not isinstance(at, numbers.Real):
            cure = "give the length of time as a timedelta" if isinstance(at, (date, np.datetime64)) else ""
            _checks.bad_data("at", "be a number", at, cure)
        at = int(at) if isinstance(at, numbers.Integral) else _as_float(at)
    if not -_LARGEST <= at <= _LARGEST:  # nor is NaN
        got = at if isinstance(at, float) else "a whole number beyond 1.8e308"
        _checks.bad_data("at", "be finite", got)
    return at  # type: ignore[no-any-return]


def _as_float(at: numbers.Real) -> float:
    try:
        return float(at)
    except OverflowError:  # a fraction of huge integers
        return math.inf


def _moment(at: Any) -> tuple[Zone, Point]:
    if isinstance(at, datetime):
        if at != at:
            _checks.bad_data("at", "be a time", "NaT")
        aware = at.utcoffset() is not None
        if aware:
            return "aware", _nanoseconds(at - _AWARE_EPOCH)
        return "naive", _nanoseconds((at if at.tzinfo is None else at.replace(tzinfo=None)) - _NAIVE_EPOCH)
    if isinstance(at, np.datetime64):
        return "naive", _from_array(np.asarray(at)[np.newaxis])[0]
    if isinstance(at, date):
        return "naive", (at - _NAIVE_EPOCH.date()).days * _NANOSECONDS["D"]
    cure = "give the length of time as a number too" if isinstance(at, numbers.Real) else ""
    return _checks.bad_data("at", "be a datetime, as the length of time is a timedelta", at, cure)


def _nanoseconds(length: Any) -> Point:
    if isinstance(length, np.timedelta64):
        return _from_array(np.asarray(length)[np.newaxis])[0]
    seconds: int = length.days * 86_400 + length.seconds
    nanoseconds: int = getattr(length, "nanoseconds", 0)  # pandas counts them beside the microseconds
    return seconds * 10**9 + int(length.microseconds) * 1_000 + nanoseconds


def _from_array(values: NDArray[Any]) -> list[Point]:
    """Return an array of numbers, dates or lengths as a list of exact numbers; refuse NaN, NaT, infinity."""
    if values.ndim != 1:
        _checks.bad_data("at", "be one-dimensional", f"shape {values.shape}")
    if values.dtype.kind in "iu":
        return values.tolist()  # type: ignore[no-any-return]
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            values = values.astype(np.float64)
    good = np.isfinite(values)
    if not good.all():
        worst = int(np.flatnonzero(~good)[0])
        _checks.bad_data("at", "be finite", f"{values[worst]} at position {worst}", "drop such rows first")
    if values.dtype.kind == "f":
        return values.tolist()  # type: ignore[no-any-return]
    unit, step = np.datetime_data(values.dtype)
    if unit in ("Y", "M") and values.dtype.kind == "M":
        values, unit, step = values.astype("datetime64[D]"), "D", 1
    if unit in ("ps", "fs", "as"):
        values, unit, step = values.astype(f"{values.dtype.kind}8[ns]"), "ns", 1
    if unit not in _NANOSECONDS:
        _checks.bad_data("a length of time", "have a unit from weeks to nanoseconds", str(values.dtype))
    factor = _NANOSECONDS[unit] * step
    return [factor * value for value in values.astype(np.int64).tolist()]


def _mixed(expected: Zone | None, found: Zone) -> None:
    words = {"naive": "without a time zone", "aware": "with a time zone", "number": "a number"}
    _checks.bad_data(
        "at",
        f"be {words[expected or found]}, as the times before it",
        f"one {words[found]}",
        "convert all times to UTC with .astimezone(datetime.timezone.utc), or all to naive",
    )
