"""Zones of pytz, which frames of pandas 2 have; the package is loaded only for them."""

from __future__ import annotations

import datetime as dt
import importlib
import zoneinfo
from typing import Any

_MOST_MINUTES = 24 * 60


def is_zone(value: object) -> bool:
    """Return whether a value is a zone of pytz."""
    return isinstance(value, dt.tzinfo) and type(value).__module__.partition(".")[0] == "pytz"


def named(zone: Any) -> str | int:
    """Return the name of a zone, or its minutes ahead of UTC, or raise `LookupError`."""
    if getattr(zone, "zone", None) is not None:
        return str(zone.zone)
    minutes = getattr(zone, "_minutes", None)
    if type(minutes) is not int:
        raise LookupError
    return minutes


def zone(name: str | int) -> dt.tzinfo:
    """Return the zone of a name or of minutes; without pytz the zone of the same name of Python itself."""
    if isinstance(name, int) and abs(name) >= _MOST_MINUTES:
        raise LookupError
    try:
        pytz = importlib.import_module("pytz")
    except ImportError:
        return dt.timezone(dt.timedelta(minutes=name)) if isinstance(name, int) else zoneinfo.ZoneInfo(name)
    found: dt.tzinfo = pytz.FixedOffset(name) if isinstance(name, int) else pytz.timezone(name)
    return found


def moment(bare: dt.datetime, zone: Any, offset: dt.timedelta) -> dt.datetime:
    """Return the time on the clocks of `zone` at which they were `offset` ahead.

    A zone of pytz is many objects, one for each offset that it ever had, and a time holds one of them.
    """
    plain = bare.replace(tzinfo=zone)
    if plain.utcoffset() == offset:
        return plain
    if is_zone(zone):
        found: dt.datetime = zone.fromutc((bare - offset).replace(tzinfo=zone)).replace(fold=bare.fold)
    else:
        found = plain.replace(fold=1)  # the second of two times that are alike
    return found if found.utcoffset() == offset else plain
