"""Moments and durations as rules and the ledger see them: two that cannot be compared have no distance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from contlearn import _checks

Moment: TypeAlias = datetime | float
Duration: TypeAlias = timedelta | float

_UNITS = (
    ("days", timedelta(days=1)),
    ("hours", timedelta(hours=1)),
    ("minutes", timedelta(minutes=1)),
    ("seconds", timedelta(seconds=1)),
)


def builtin(value: Any) -> Any:
    """Return `value` without numpy or pandas in it; NaN and NaT become None, for they mean "not known"."""
    if getattr(value, "shape", None) == ():
        kind = getattr(getattr(value, "dtype", None), "kind", "")
        value = value.astype(f"{kind}8[us]").item() if kind in ("m", "M") else value.item()
    if type(value).__name__ == "NAType":  # pandas.NA, which refuses to say whether it equals itself
        return None
    if isinstance(value, float | datetime | timedelta) and value != value:
        return None
    for convert in ("to_pydatetime", "to_pytimedelta"):  # pandas: subclasses of the builtins
        if isinstance(value, datetime | timedelta) and hasattr(value, convert):
            return getattr(value, convert)(**({"warn": False} if isinstance(value, datetime) else {}))
    return value


def moment(name: str, value: Any) -> Moment | None:
    """Return `value` as a datetime, a number or None, or refuse it."""
    if value is None or isinstance(value, datetime):
        return value
    _checks.instance(name, value, (int, float), "a datetime, a number or None")
    return _checks.number(name, value)


def duration(name: str, value: Any) -> Duration:
    """Return `value` as a timedelta or a number, above 0, or refuse it."""
    value = builtin(value)
    if isinstance(value, timedelta):
        if value <= timedelta(0):
            _checks.fail(name, "be above 0", value)
        return value
    _checks.instance(name, value, (int, float), "a timedelta (or a number where moments are numbers)")
    return _checks.positive(name, value)


def elapsed(since: Moment | None, now: Moment | None, like: Duration) -> Any:
    """Return the time from `since` to `now` in the kind of `like`; None where it is not known.

    Datetimes with a time zone are compared as instants, so that a log read back with fixed offsets gives
    the answer that the live clock gave, also across a change of the clock.
    """
    if isinstance(since, datetime) and isinstance(now, datetime) and isinstance(like, timedelta):
        if (since.utcoffset() is None) != (now.utcoffset() is None):
            return None
        return instant(now) - instant(since)
    if any(value is None or isinstance(value, datetime | timedelta) for value in (since, now, like)):
        return None
    return now - since  # type: ignore[operator]


def words(value: Duration) -> str:
    """Return `value` in the largest unit that it fills, such as "30 days"."""
    if not isinstance(value, timedelta):
        return f"{value:.6g}"
    for unit, size in _UNITS:
        if abs(value) >= size or unit == "seconds":
            number = f"{value / size:.6g}"
            return f"{number} {unit[:-1] if number == '1' else unit}"
    return str(value)  # pragma: no cover - the seconds catch everything


def instant(value: datetime) -> datetime:
    """Return a moment in UTC, so that it can be compared; one without a time zone as it is."""
    offset = value.utcoffset()
    if offset is None:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:  # the first and last day that Python knows have no neighbours
        return value.replace(tzinfo=UTC)
