"""When something was, as text, and which of two moments comes first."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from contlearn import _checks
from contlearn._time import Moment, builtin, instant, moment


def checked(name: str, value: Any, *, needed: bool = False) -> Moment | None:
    """Return a moment as the caller gave it, without pandas or numpy in it."""
    if type(value) is date:
        _checks.fail(
            name, "be a datetime or a number", value, "datetime(year, month, day) is its first moment"
        )
    found = moment(name, builtin(value))
    if needed and found is None:
        _checks.fail(name, "be a datetime or a number", value, "the ledger has no clock")
    return found


def text_of(value: Moment | None) -> str | None:
    """Return a moment as it is written: ISO 8601, or a number."""
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def of_text(text: str | None) -> Moment | None:
    """Return the moment that was written as `text`; a zone comes back as its offset."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text)


def is_before(name: str, one: Moment, other: Moment) -> bool:
    """Return whether `one`, the argument `name`, lies before `other`, or say that nobody can tell."""
    if _kind(one) != _kind(other):
        _checks.bad_data(
            name,
            f"be a moment that can be compared with {other}, which is in the ledger",
            str(one),
            "use one kind of time, with a time zone everywhere or nowhere",
        )
    return bool(_instant(one) < _instant(other))  # type: ignore[operator]


def _kind(value: Moment) -> str:
    if not isinstance(value, datetime):
        return "number"
    return "naive" if value.utcoffset() is None else "aware"


def _instant(value: Moment) -> Moment:
    return instant(value) if isinstance(value, datetime) else value


def lies_within(at: Moment | None, since: Moment | None, until: Moment | None) -> bool:
    """Return whether a moment is neither before `since` nor at or after `until`."""
    if since is None and until is None:
        return True
    if at is None or (since is not None and is_before("since", at, since)):
        return False
    return until is None or is_before("until", at, until)
