"""What is done to the file around SQLite: made whole or not at all, recognised, and errors in our words."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contlearn import _checks
from contlearn.exceptions import ContlearnError, DamagedLedger, LedgerError
from contlearn.ledger import _audit, _bytes, _schema

# A split page of pointers keeps bytes that mean nothing. With pages this large there is none below 100 MB.
_PAGE_SIZE = 32768
_MOST_IN_LOG = 16 * _PAGE_SIZE
_DAMAGE = ("no such table", "no such column", "Could not decode")


def prepare(path: Path, timeout: float, verify: bool) -> None:
    """Make the file if there is none, or refuse one that is no ledger, without touching it."""
    try:
        if not path.exists():
            _make(path)
        if path.is_dir():
            raise LedgerError(f"{path} is a folder; give the path of a file")
        if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            raise LedgerError(f"{path} or its folder is read-only; make both writable, or open a copy")
        if path.with_name(f"{path.name}-journal").exists():
            raise LedgerError(f"a journal of something else lies beside {path}; remove {path.name}-journal")
        with named(path):
            _audit.require_sound(path, timeout, look_closely=verify)
    except OSError as error:
        if isinstance(error, ContlearnError):
            raise
        raise LedgerError(f"{path} cannot be opened as a ledger: {error.strerror or error}") from error


def _make(path: Path) -> None:
    """Put an empty ledger at `path`, whole from the first moment; whoever comes second finds the first's."""
    if path.with_name(f"{path.name}-wal").exists():
        raise LedgerError(
            f"{path} is gone, but its {path.name}-wal is there; put the file back, or remove both"
        )
    name = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    try:
        connection = sqlite3.connect(name, isolation_level=None)
        with contextlib.closing(connection):
            connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA application_id = {_schema.APPLICATION_ID}")
            _schema.bring_up_to_date(connection)
            connection.execute("PRAGMA journal_mode = WAL")
        _put(name, path)
        _sync(path.parent)
    finally:
        name.unlink(missing_ok=True)


def _put(name: Path, path: Path) -> None:
    """Give the file its name, unless there is one of this name by now."""
    try:
        os.link(name, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links: then between this question and its answer lies a risk
        if not path.exists():
            name.replace(path)


def _sync(folder: Path) -> None:
    """Have the name of a new file on disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def connect(path: Path | None, timeout: float) -> sqlite3.Connection:
    """Return a connection to the file, its layout up to date."""
    name = ":memory:" if path is None else f"{path.as_uri()}?mode=rw"  # never a new file in its place
    connection = sqlite3.connect(
        name, timeout=timeout, isolation_level=None, check_same_thread=False, uri=path is not None
    )
    for setting in ("synchronous = FULL", "secure_delete = ON", "wal_autocheckpoint = 0"):
        connection.execute(f"PRAGMA {setting}")
    _schema.bring_up_to_date(connection)
    return connection


def tidy(path: Path, connection: sqlite3.Connection, timeout: float) -> None:
    """Move what the log holds into the file and empty the log, once it is long and if nobody is reading."""
    with contextlib.suppress(OSError, sqlite3.OperationalError):
        if path.with_name(f"{path.name}-wal").stat().st_size <= _MOST_IN_LOG:
            return
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(1000 * timeout)}")


def require_there(path: Path, expected: _bytes.Identity) -> None:
    """Refuse to write where nobody would find it."""
    try:
        same = _bytes.identity(path) == expected
    except FileNotFoundError:
        same = False
    if not same:
        raise LedgerError(f"{path} was removed or replaced while it was open; open it again")


@contextmanager
def told(path: Path | None) -> Iterator[None]:
    """Raise SQLite's errors in our words."""
    where = path or "the ledger in memory"
    try:
        yield
    except sqlite3.OperationalError as error:
        if any(words in str(error) for words in _DAMAGE):
            raise DamagedLedger(f"{where} is damaged: {error}") from error
        raise LedgerError(f"{where} cannot be used now: {error}") from error
    except sqlite3.DatabaseError as error:
        raise DamagedLedger(f"{where} is damaged: {error}") from error


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Say of which file an error is."""
    try:
        yield
    except (DamagedLedger, LedgerError) as error:
        if str(path) in str(error):
            raise
        _checks.retell(str(path), error)
