"""The file: a chain of entries in SQLite, appended to by any number of threads and processes."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from contlearn.exceptions import DamagedLedger, LedgerError
from contlearn.ledger import _audit, _bytes, _file, _schema
from contlearn.ledger._entry import FIRST, digest_of


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

    def __init__(self, path: Path | None, timeout: float, verify: bool) -> None:
        self.path = None if path is None else path.resolve()  # beside the file itself lies its log
        self.lock = threading.RLock()
        self._timeout = timeout
        self._left_behind: list[sqlite3.Connection] = []
        self._closed = True
        with _Forks.lock:
            _Forks.stores.add(self)
        with self.lock:
            if self.path is not None:
                _file.prepare(self.path, timeout, verify)
                self._identity = _bytes.identity(self.path)
            self._connect()
            self._closed = False

    def __del__(self) -> None:
        """Close what nobody closed: SQLite would do it, but not without a warning from 3.13 on."""
        self.close()

    def append(self, make: Callable[[], New]) -> Row:
        """Append what `make` returns, which it is asked while nobody else can write."""
        with self.lock:
            with self.transaction() as connection:
                self._require_sound_end(connection)
                row = Row(*_schema.append(connection, *make()))
            if self.path is not None:
                _file.tidy(self.path, connection, self._timeout)
        return row

    def rows(self, condition: str = "1", values: tuple[Any, ...] = (), tail: str = "") -> list[Row]:
        """Return the entries for which an SQL condition holds, oldest first, each checked by its digest."""
        previous = "(SELECT e.digest FROM entries AS e WHERE e.id = entries.id - 1)"
        wanted = f"{previous}, {_schema.COLUMNS}"
        query = f"SELECT {wanted} FROM entries WHERE {condition} ORDER BY id {tail}"  # noqa: S608
        with self._open() as connection:
            found = connection.execute(query, values).fetchall()
        return [_checked(previous, Row(*row)) for previous, *row in found]

    def new_rows(self, read: int, condition: str) -> tuple[int, list[Row]]:
        """Return the number of the last entry, and those after `read` for which an SQL condition holds."""
        with self._open() as connection:
            last = int(connection.execute("SELECT max(id) FROM entries").fetchone()[0] or 0)
            rows = self.rows(f"id > ? AND id <= ? AND {condition}", (read, last)) if last > read else []
        return last, rows

    def last(self) -> Row:
        """Return the last entry."""
        with self._open() as connection:
            return self._require_sound_end(connection)

    def audit(self) -> list[Row]:
        """Return all entries after every byte of the file has been accounted for."""
        if self.path is None:
            with self._open() as connection:
                query = f"SELECT {_schema.COLUMNS} FROM entries ORDER BY id"  # noqa: S608 - a constant
                rows = [list(row) for row in connection.execute(query)]
            _audit.require_chain(rows)
        else:
            with self.transaction():  # nobody writes while we look
                seen = _audit.look(self.path)
            with _file.named(self.path):
                rows = _audit.audit(seen)
        return [Row(*row) for row in rows]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Keep everyone else from writing, and commit."""
        with self._open() as connection:
            if self.path is not None:
                _file.require_there(self.path, self._identity)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            closed, self._closed = self._closed, True
            if not closed and self._process == os.getpid():
                self._connection.close()
                if self.path is not None:
                    _bytes.release(self._identity)

    def _require_sound_end(self, connection: sqlite3.Connection) -> Row:
        query = f"SELECT {_schema.COLUMNS} FROM entries ORDER BY id DESC LIMIT 2"  # noqa: S608 - a constant
        rows = [Row(*row) for row in connection.execute(query)]
        if not rows:
            raise DamagedLedger("the ledger was cut: even its first entry is missing")
        return _checked(rows[1].digest if len(rows) == 2 else None, rows[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self.lock:
            if self._closed:
                raise LedgerError("this Ledger is closed; open another")
            if self._process != os.getpid():
                if self.path is None:
                    raise LedgerError("a Ledger in memory stays in its process; give it a path")
                _file.require_there(self.path, self._identity)
                self._left_behind.append(self._connection)  # the parent's: closing it here would do harm
                self._connect()
            with _file.told(self.path):
                yield self._connection

    def _connect(self) -> None:
        if self.path is not None:
            _bytes.hold(self._identity)
        try:
            with _file.told(self.path):
                self._connection = _file.connect(self.path, self._timeout)
        except BaseException:
            if self.path is not None:
                _bytes.release(self._identity)
            raise
        self._process = os.getpid()


class _Forks:
    """A fork waits until no thread is inside SQLite: a lock of C that is held then stays so in the child."""

    lock = threading.Lock()
    stores: ClassVar[weakref.WeakSet[Store]] = weakref.WeakSet()
    waiting: tuple[Store, ...] = ()  # whose locks the forking thread has taken

    @classmethod
    def before(cls) -> None:
        cls.lock.acquire()
        cls.waiting = tuple(sorted(cls.stores, key=id))
        for store in cls.waiting:
            store.lock.acquire()
        _bytes.Shared.lock.acquire()

    @classmethod
    def after_in_parent(cls) -> None:
        _bytes.Shared.lock.release()
        for store in reversed(cls.waiting):
            store.lock.release()
        cls.waiting = ()
        cls.lock.release()

    @classmethod
    def after_in_child(cls) -> None:
        _bytes.Shared.lock = threading.Lock()
        for store in cls.waiting:
            store.lock = threading.RLock()
        cls.waiting = ()
        cls.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_Forks.before,
        after_in_parent=_Forks.after_in_parent,
        after_in_child=_Forks.after_in_child,
    )


def _checked(previous: str | None, row: Row) -> Row:
    """Return `row` if it is what was written after the entry with the digest `previous`."""
    before = FIRST if row.id == 0 else previous
    if before is None:
        raise DamagedLedger(
            f"entry {row.id - 1} is missing from the ledger, though entry {row.id} follows it"
        )
    if digest_of(before, *row[:-1]) != row.digest:
        raise DamagedLedger(f"entry {row.id} of the ledger was changed: its digest does not fit")
    return row
