"""What of river lives in compiled code as a run of bytes: checked byte by byte, or refused.

That is the window of ADWIN and the weighted mean of HDDM_W. Compiled code believes what it is handed, so
every length and every index is compared with what river itself writes before it sees them.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from contlearn.persistence import _arrays
from contlearn.persistence._refusals import damaged

_SETTINGS = struct.Struct("<dIQ")  # delta, clock, buckets per row
_LIMITS = struct.Struct("<2d")  # shortest window, grace period
_SUMS = struct.Struct("<4d4I")  # total, variance, width, sum of widths; ticks and detections
_ROW = struct.Struct("<3Q")  # buckets per row, buckets in use, length of the list that follows
_LENGTH = struct.Struct("<Q")
_TAIL = struct.Struct("<dIQ2I")  # the settings again
_MEAN = struct.Struct(
    "<3d?d"
)  # mean, weight of the next value, weight of the others, begun; the weight again
_MOST_ROWS = 60
_MOST_BUCKETS = 10_000


def window_state(window: Any) -> str:
    """Return the window of an ADWIN; `LookupError` for a river that keeps it in another form."""
    content = bytes(window.__getstate__())
    if _settings(content) is None:
        raise LookupError
    return _arrays.text_of(content)


def window_of(given: Any) -> Any:
    """Return the window of an ADWIN, or refuse."""
    from river.drift import ADWIN

    content = _arrays.bytes_of(given)
    settings = _settings(content)
    if settings is None:
        damaged("the window of an ADWIN", "other bytes")
    window: Any = ADWIN(*settings)._helper
    window.__setstate__(content)
    if bytes(window.__getstate__()) != content:
        damaged("the window of an ADWIN", "other bytes")
    return window


def mean_state(mean: Any) -> list[Any]:
    """Return the numbers in a weighted mean; `LookupError` for a river that keeps it in another form."""
    content = bytes(mean.__getstate__())
    if len(content) != _MEAN.size:
        raise LookupError
    *numbers, begun, weight = _MEAN.unpack(content)
    if not _is_mean(numbers, begun, weight) or _MEAN.pack(*numbers, begun, weight) != content:
        raise LookupError
    return [numbers[0], weight, begun]


def mean_of(given: Any) -> Any:
    """Return the weighted mean of its numbers, or refuse."""
    from river.stats import EWMean

    value, weight, begun = given
    if not all(type(each) in (int, float) for each in (value, weight)):
        damaged("the numbers of a weighted mean", "other values")
    numbers = [value, weight, 1.0 - weight]
    if not _is_mean(numbers, begun, weight):
        damaged("the numbers of a weighted mean", "other numbers")
    mean: Any = EWMean(weight)._ewmean
    mean.__setstate__(_MEAN.pack(*numbers, begun, weight))
    return mean


def _is_mean(numbers: list[float], begun: Any, weight: float) -> bool:
    value, first, rest = numbers
    return (
        type(begun) is bool
        and math.isfinite(value)
        and 0 <= weight <= 1
        and (first, rest) == (weight, 1 - weight)
    )


def _settings(content: bytes) -> tuple[Any, ...] | None:
    """Return the settings in the bytes of a window, None where one of them is not as it must be."""
    start = _SETTINGS.size + _LIMITS.size
    if len(content) < start + _SUMS.size + _LENGTH.size + _TAIL.size:
        return None
    *settings, buckets = _SETTINGS.unpack_from(content)
    shortest, grace = _LIMITS.unpack_from(content, _SETTINGS.size)
    width = _SUMS.unpack_from(content, start)[2]
    (rows,) = _LENGTH.unpack_from(content, start + _SUMS.size)
    place = start + _SUMS.size + _LENGTH.size
    size = _ROW.size + _LENGTH.size + 16 * (buckets + 1)
    if not (1 <= rows <= _MOST_ROWS and 1 <= buckets <= _MOST_BUCKETS):
        return None
    if len(content) != place + rows * size + _TAIL.size:
        return None
    found = 0
    for row in range(rows):
        used = _used(content, place + row * size, buckets)
        if used is None:
            return None
        found += used << row
    tail = _TAIL.unpack_from(content, place + rows * size)
    arguments = (*settings, buckets, int(shortest), int(grace))
    return arguments if found == width and tail == arguments else None


def _used(content: bytes, place: int, buckets: int) -> int | None:
    """Return how many buckets of a row are in use, None where its lengths are wrong."""
    most, used, length = _ROW.unpack_from(content, place)
    (again,) = _LENGTH.unpack_from(content, place + _ROW.size + 8 * (buckets + 1))
    right = most == buckets and used <= buckets and length == again == buckets + 1
    return used if right else None
