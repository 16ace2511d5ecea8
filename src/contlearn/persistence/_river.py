"""river's ADWIN, whose window lives in compiled code as a run of bytes: checked byte by byte, or refused.

Compiled code believes what it is handed, so every length and every index is compared with what river's own
ADWIN writes before it sees them.
"""

from __future__ import annotations

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
