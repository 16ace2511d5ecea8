"""Whether a file is a ledger, and whether anything in it was changed."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from contlearn.exceptions import DamagedLedger, LedgerError
from contlearn.ledger import _bytes, _schema, _wal
from contlearn.ledger._entry import FIRST, digest_of
from contlearn.ledger._pages import Image

BIRTH = 0
"""The number of the entry with which every ledger begins: who made it."""

_ABSURD = 1_000
"""No layout will ever have a number as high."""

_PAUSE = 0.02  # seconds between two looks at a file that others are writing


class Seen(NamedTuple):
    """The bytes of the file, of its log, and of the index of the log that a kill has left."""

    file: bytes
    log: bytes = b""
    counted: bytes = b""


def look(path: Path) -> Seen:
    """Return what is in the file and in its log, without a lock and without touching them."""
    index = _bytes.read_beside(path, f"{path.name}-shm")  # first: the log only grows meanwhile
    file = _bytes.read(path)
    try:
        log = path.with_name(f"{path.name}-wal").read_bytes()
    except FileNotFoundError:
        return Seen(file, counted=index)
    return Seen(file, log, index if log else b"")


def require_sound(path: Path, timeout: float, look_closely: bool = True) -> None:
    """Refuse a file that is no ledger, or, looking closely, one in which something was changed.

    Nobody is asked to wait meanwhile: what looks damaged because others were writing is looked at again.
    """
    seen = None
    for _ in range(int(timeout / _PAUSE) + 2):
        seen, before = look(path), seen
        try:
            audit(seen) if look_closely else require_ours(seen)
        except DamagedLedger:
            if seen == before:
                raise
            time.sleep(_PAUSE)
        else:
            return
    raise LedgerError(f"{path} is written to all the time, so that it cannot be read")


def audit(seen: Seen) -> list[list[Any]]:
    """Return the entries of a file and its log, or say what was changed."""
    require_ours(seen)
    try:
        rows = _audited(_together(seen))
        _require_newest(seen, rows)
        return rows
    except (struct.error, IndexError, ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, DamagedLedger):
            raise
        raise DamagedLedger(f"the ledger was changed: {error}") from error


def _audited(whole: bytes) -> list[list[Any]]:
    image = Image(whole)
    root = _require_declared(image)
    rows = [[key, *values[1:]] for key, values in image.rows(root) if _require_columns(key, values)]
    image.finish()
    require_chain(rows)
    if image.header.library not in _libraries(rows):
        raise DamagedLedger("the header of the ledger was changed: another version of SQLite wrote it")
    return rows


def _require_newest(seen: Seen, rows: list[list[Any]]) -> None:
    """Refuse a log that would take back entries which the file already holds: one of an older copy."""
    if not _wal.committed(seen.log, _page_size(seen.file)).pages:
        return
    try:
        alone = _audited(seen.file)
    except (struct.error, IndexError, ValueError, KeyError, TypeError, RecursionError):
        return  # half of the log is in the file already, as a kill may leave it
    if len(alone) > len(rows):
        raise DamagedLedger(
            f"the -wal file is older than the ledger, whose {len(alone) - 1} entries it would cut to "
            f"{len(rows) - 1}; put the right one back, or remove it"
        )


def require_ours(seen: Seen) -> None:
    """Refuse a file that is no ledger of a version that is known."""
    file = seen.file
    if file[:16] != b"SQLite format 3\x00":
        raise DamagedLedger("the file is no ledger: it is no SQLite file")
    if len(file) < 512:
        raise DamagedLedger(f"the ledger was cut: {len(file)} bytes are left")
    if int.from_bytes(file[68:72], "big") != _schema.APPLICATION_ID:
        raise DamagedLedger("the file is no ledger: it is an SQLite file of something else")
    version = int.from_bytes(file[60:64], "big")
    if version > _ABSURD:
        raise DamagedLedger(f"the header of the ledger was changed: there is no layout {version}")
    if version > _schema.VERSION:
        raise LedgerError(
            f"the ledger was written by a newer contlearn (layout {version}, known up to {_schema.VERSION}); "
            "update contlearn"
        )
    _wal.require_whole(seen.log, seen.counted, _page_size(file))


def require_chain(rows: Iterable[list[Any]]) -> str:
    """Return the digest of the last entry, or name the first that was changed."""
    previous, expected = FIRST, BIRTH
    for row in rows:
        id_, *rest, digest = row
        if id_ != expected:
            raise DamagedLedger(f"entry {expected} is missing from the ledger: {id_} is in its place")
        if digest_of(previous, id_, *rest) != digest:
            raise DamagedLedger(f"entry {id_} of the ledger was changed: its digest does not fit")
        previous, expected = digest, expected + 1
    if expected == BIRTH:
        raise DamagedLedger("the ledger was cut: even its first entry is missing")
    return previous


def _together(seen: Seen) -> bytes:
    """Return the file as SQLite shows it: with the committed pages of the log in their places."""
    file, size = seen.file, _page_size(seen.file)
    pages, count = _wal.committed(seen.log, size)
    if count is None:
        return file
    if len(file) > count * size:
        raise DamagedLedger(f"the ledger was changed: {len(file)} bytes where its log knows {count * size}")
    image = bytearray(file.ljust(count * size, b"\0")[: count * size])
    for number, page in pages.items():
        image[(number - 1) * size : number * size] = page
    return bytes(image)


def _page_size(file: bytes) -> int:
    size = int.from_bytes(file[16:18], "big")
    return 65536 if size == 1 else size


def _require_declared(image: Image) -> int:
    """Return the first page of the entries, or refuse a file that declares anything else."""
    version = image.header.version
    numbers, declared = zip(*image.rows(1), strict=True)
    expected = _schema.declared(version)
    roots = [values[3] for values in declared if values[0] == "table"]
    found = [[*values[:3], values[4]] for values in declared if values[3] == (values[0] == "table") * 2]
    if (
        numbers != tuple(range(1, len(expected) + 1))
        or found != expected
        or len(found) != len(declared)
        or image.header.cookie != len(expected)
    ):
        raise DamagedLedger(f"the ledger was changed: its tables are not those of layout {version}")
    return int(roots[0])


def _require_columns(key: int, values: list[Any]) -> bool:
    id_, kind, at, model_id, text, digest = values if len(values) == 6 else [0] * 6
    always = all(isinstance(value, str) for value in (kind, text, digest))
    if id_ is not None or not always or not all(isinstance(each, str | None) for each in (at, model_id)):
        raise DamagedLedger(f"entry {key} of the ledger was changed: its values are of other kinds")
    return True


def _libraries(rows: list[list[Any]]) -> set[int]:
    """Return the versions of SQLite that have written to the file, as numbers."""
    written = [json.loads(text)["sqlite"] for _, kind, _, _, text, _ in rows if kind == _schema.SOFTWARE]
    return {_number(version) for version in written}


def _number(version: str) -> int:
    major, minor, patch = map(int, version.split(".")[:3])
    return major * 1_000_000 + minor * 1_000 + patch
