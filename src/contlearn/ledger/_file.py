"""What is done to the file around SQLite: made whole or not at all, recognised, and errors in our words."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contlearn.exceptions import ContlearnError, DamagedLedger, LedgerError
from contlearn.ledger import _schema

_MAGIC = b"SQLite format 3\x00"


def prepare(path: Path, timeout: float) -> None:
    """Make the file if there is none, or refuse one that is no ledger, without touching it."""
    try:
        if not path.exists():
            _make(path)
        with path.open("rb") as file:
            header = file.read(100)
        if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            raise LedgerError(f"{path} or its folder is read-only; make both writable, or open a copy")
    except OSError as error:
        if isinstance(error, ContlearnError):
            raise
        raise LedgerError(f"{path} cannot be opened as a ledger: {error.strerror or error}") from error
    if header[:16] != _MAGIC or len(header) < 100:
        raise DamagedLedger(f"{path} is no ledger: it is not a whole SQLite file")
    if int.from_bytes(header[68:72], "big") != _schema.APPLICATION_ID:
        raise DamagedLedger(f"{path} is no ledger, but some other SQLite file")
    version = int.from_bytes(header[60:64], "big")
    if version > _schema.VERSION:
        raise LedgerError(
            f"{path} was written by a newer contlearn (layout {version}, known up to {_schema.VERSION}); update contlearn"
        )


def _make(path: Path) -> None:
    """Put an empty ledger at `path`, whole from the first moment; whoever comes second finds the first's."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    os.close(handle)
    try:
        connection = sqlite3.connect(name, isolation_level=None)
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {_schema.APPLICATION_ID}")
        _schema.migrate(connection)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        try:
            os.link(name, path)
        except FileExistsError:
            pass
    finally:
        os.unlink(name)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an older layout up to date; the first of several processes does it."""
    if _schema.version_of(connection) == _schema.VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    _schema.migrate(connection)
    connection.execute("COMMIT")


def identity(path: Path) -> tuple[int, int]:
    """Return what tells this file from any other."""
    found = path.stat()
    return found.st_dev, found.st_ino


def still_there(path: Path, expected: tuple[int, int]) -> None:
    """Refuse to write where nobody would find it."""
    try:
        same = identity(path) == expected
    except FileNotFoundError:
        same = False
    if not same:
        raise LedgerError(f"{path} was removed or replaced while it was open; open it again")


@contextmanager
def told(path: Path | None) -> Iterator[None]:
    """Raise SQLite's errors in our words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise LedgerError(f"{path or 'the ledger'} cannot be used now: {error}") from error
    except sqlite3.DatabaseError as error:
        raise DamagedLedger(f"{path or 'the ledger'} is damaged: {error}") from error
