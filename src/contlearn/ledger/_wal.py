"""The log that SQLite keeps beside the file: which pages it holds, and whether something in it was changed.

SQLite itself takes a frame whose checksum is wrong for the end of the log, so that one changed byte would
silently undo every commit from there on. Here it is told from a write that a kill has cut short.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from contlearn.exceptions import DamagedLedger

_HEADER, _FRAME = 32, 24
_INDEX = 136  # the head of the -shm file
_MAGIC = (0x377F0682, 0x377F0683)  # the latter: checksums of big-endian words


class Pages(NamedTuple):
    """What committed frames say: pages by number, and how many the file then has; None: as it is."""

    pages: dict[int, bytes]
    n_pages: int | None


def committed(log: bytes, page_size: int) -> Pages:
    """Return the pages of a log that SQLite would read, or refuse a log in which a byte was changed."""
    if len(log) <= _HEADER or not any(log[:_HEADER]):
        return Pages({}, None)
    magic, _, size = struct.unpack(">III", log[:12])
    order = ">" if magic == _MAGIC[1] else "<"
    sums = _checksum(order, log[:24], (0, 0))
    if magic not in _MAGIC or size != page_size or sums != struct.unpack(">II", log[24:32]):
        raise DamagedLedger("the -wal file of the ledger was changed: its header does not fit")
    return _frames(log, order, sums, page_size)


def require_whole(log: bytes, index: bytes, page_size: int) -> None:
    """Refuse a log that lacks frames which its index counts; no log (no bytes) lacks those not yet copied.

    A kill leaves the index as it was at the last commit. One that does not say twice the same, or is of
    another log, such as after a power failure, proves nothing.
    """
    if len(index) < _INDEX or index[:48] != index[48:96] or index[12:13] != b"\x01":
        return
    n_frames, copied = struct.unpack("=I", index[16:20])[0], struct.unpack("=I", index[96:100])[0]
    if len(log) > _HEADER:
        is_cut = index[32:40] == log[16:24] and (len(log) - _HEADER) // (_FRAME + page_size) < n_frames
    else:
        is_cut = not log and copied < n_frames
    if is_cut:
        raise DamagedLedger(
            f"the -wal file of the ledger was cut or removed: {n_frames} pages were in it; put it back, or "
            "remove the -shm file to go on without the entries that only it held"
        )


def _frames(log: bytes, order: str, sums: tuple[int, int], page_size: int) -> Pages:
    salts = struct.unpack(">II", log[16:24])
    starts = range(_HEADER, len(log) - _FRAME - page_size + 1, _FRAME + page_size)
    pages: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    count = None
    for start in starts:
        header, page = log[start : start + _FRAME], log[start + _FRAME : start + _FRAME + page_size]
        number, size, *rest = struct.unpack(">IIIIII", header)
        now = _checksum(order, header[:8] + page, sums)
        if tuple(rest) != (*salts, *now):
            later = range(start + _FRAME + page_size, starts.stop, starts.step)
            _refuse_changed(log, salts, rest[:2], count is not None, later)
            break
        sums, pending[number] = now, page
        if size:
            pages, pending, count = pages | pending, {}, size
    return Pages(pages, count)


def _refuse_changed(
    log: bytes, salts: tuple[int, ...], found: list[int], is_after_commit: bool, later: range
) -> None:
    """Refuse a frame of this log that does not fit, unless a kill can have left it so.

    A kill leaves less than a frame at the end of the file; or, in the first transaction of a log that was
    begun over an older one, the head of a frame with the older one's page, as the last frame of this log.
    """

    def is_ours(pair: tuple[int, ...] | list[int]) -> bool:
        return any(one == other for one, other in zip(pair, salts, strict=True))

    if not is_ours(found):
        return
    follows = any(is_ours(struct.unpack(">II", log[start + 8 : start + 16])) for start in later)
    if is_after_commit or follows:
        raise DamagedLedger(
            "the -wal file of the ledger was changed, or a power failure cut off a write; "
            "restore it from a backup, or remove it to go on without the entries that only it holds"
        )


def _checksum(order: str, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    one, two = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for left, right in zip(words, words, strict=True):
        one = (one + left + two) & 0xFFFFFFFF
        two = (two + right + one) & 0xFFFFFFFF
    return one, two
