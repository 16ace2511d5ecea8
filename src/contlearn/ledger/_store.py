"""The file: a chain of entries in SQLite, appended to by any number of threads and processes."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from contlearn.exceptions import DamagedLedger, LedgerError
from contlearn.ledger import _file, _schema
from contlearn.ledger._entry import FIRST, digest_of

_COLUMNS = "id, kind, at, model_id, text, digest"


class Row(NamedTuple):
    """One entry as it stands in the file."""

    id: int
    kind: str
    at: str | None
    model_id: str | None
    text: str
    digest: str


class New(NamedTuple):
    """An entry that has no number yet."""

    kind: str
    at: str | None
    model_id: str | None
    text: str


class Store:
    """A connection for each process, a lock for its threads; what `append` has returned is on disk."""

    def __init__(self, path: Path | None, timeout: float) -> None:
        self.path = path
        self._timeout = timeout
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._left_behind: list[sqlite3.Connection] = []  # a parent's: closing it here would take its locks
        self._closed = False
        if path is not None:
            _file.prepare(path, timeout)
        self._connection = self._connect()

    def append(self, make: Callable[[], New]) -> Row:
        """Append what `make` returns, which it is asked while nobody else can write."""
        with self._transaction() as connection:
            last = self._last(connection)
            new = make()
            row = _chained(last, new)
            connection.execute(f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", row)
        return row

    def rows(self, condition: str = "1", values: tuple[Any, ...] = (), tail: str = "") -> list[Row]:
        """Return the entries for which an SQL condition holds, each compared with its digest."""
        previous = "(SELECT digest FROM entries AS e WHERE e.id = entries.id - 1)"
        query = f"SELECT {previous}, {_COLUMNS} FROM entries WHERE {condition} {tail}"
        with self._open() as connection:
            found = connection.execute(query, values).fetchall()
        return [_checked(previous, Row(*row)) for previous, *row in found]

    def head(self) -> str:
        """Return the digest of the last entry."""
        with self._open() as connection:
            last = self._last(connection)
        return FIRST if last is None else last.digest

    def last_id(self) -> int:
        """Return the number of the last entry, 0 where there is none."""
        with self._open() as connection:
            return int(connection.execute("SELECT max(id) FROM entries").fetchone()[0] or 0)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if not self._closed:
                self._closed = True
                if self._process == os.getpid():
                    self._connection.close()

    def _last(self, connection: sqlite3.Connection) -> Row | None:
        query = f"SELECT {_COLUMNS} FROM entries ORDER BY id DESC LIMIT 2"
        rows = [Row(*row) for row in connection.execute(query)]
        if not rows:
            return None
        return _checked(rows[1].digest if len(rows) == 2 else None, rows[0])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            if self.path is not None:
                _file.still_there(self.path, self._identity)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._closed:
                raise LedgerError("this Ledger is closed; open another")
            if self._process != os.getpid():
                self._left_behind.append(self._connection)
                self._connection, self._process = self._connect(), os.getpid()
            with _file.told(self.path):
                yield self._connection

    def _connect(self) -> sqlite3.Connection:
        name = ":memory:" if self.path is None else str(self.path)
        with _file.told(self.path):
            connection = sqlite3.connect(
                name, timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            if self.path is None:
                _schema.migrate(connection)
            else:
                self._identity = _file.identity(self.path)
                _file.migrate(connection)
        return connection


def _chained(last: Row | None, new: New) -> Row:
    id = 1 if last is None else last.id + 1
    return Row(id, *new, digest_of(FIRST if last is None else last.digest, id, *new))


def _checked(previous: str | None, row: Row) -> Row:
    """Return `row` if it is what was written after the entry with the digest `previous`."""
    before = FIRST if row.id == 1 else previous
    if before is None:
        raise DamagedLedger(
            f"entry {row.id - 1} is missing from the ledger, though entry {row.id} follows it"
        )
    if digest_of(before, *row[:-1]) != row.digest:
        raise DamagedLedger(f"entry {row.id} of the ledger was changed: its digest does not fit")
    return row
