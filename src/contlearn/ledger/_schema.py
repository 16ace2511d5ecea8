"""The layout of the file, and how an older one becomes this one."""

from __future__ import annotations

import json
import sqlite3

from contlearn import __version__
from contlearn.ledger._entry import FIRST, digest_of

APPLICATION_ID = 0x436C4C67  # "ClLg"
SOFTWARE = "software"
"""The kind of entry that says who writes from there on. Every ledger begins with one, number 0."""

COLUMNS = "id, kind, at, model_id, text, digest"
TABLE = (
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at TEXT, model_id TEXT, "
    "text TEXT NOT NULL, digest TEXT NOT NULL)"
)
ONLY_APPENDED = tuple(
    f"CREATE TRIGGER no_{action.lower()} BEFORE {action} ON entries "
    "BEGIN SELECT RAISE(ABORT, 'a ledger is append-only'); END"
    for action in ("UPDATE", "DELETE")
)
MIGRATIONS: tuple[tuple[str, ...], ...] = ((TABLE,), ONLY_APPENDED)
"""The statements that lead from each version of the layout to the next. Only ever append to it."""

VERSION = len(MIGRATIONS)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make what the file lacks, in one transaction, and have it say who writes from here on."""
    if _version(connection) == VERSION and _is_known(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    for version in range(_version(connection), VERSION):
        for statement in MIGRATIONS[version]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version + 1}")
    if not _is_known(connection):
        append(connection, SOFTWARE, None, None, _software())
    connection.execute("COMMIT")


def append(
    connection: sqlite3.Connection, kind: str, at: str | None, model_id: str | None, text: str
) -> tuple[int, str, str | None, str | None, str, str]:
    """Append an entry, inside the transaction that the caller has begun, and return it."""
    last = connection.execute("SELECT id, digest FROM entries ORDER BY id DESC LIMIT 1").fetchone()
    number, previous = (0, FIRST) if last is None else (last[0] + 1, last[1])
    row = (number, kind, at, model_id, text, digest_of(previous, number, kind, at, model_id, text))
    connection.execute(f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", row)  # noqa: S608 - constant
    return row


def declared(version: int) -> list[list[str]]:
    """Return kind, name, table and statement of all that a file of this layout declares, in order."""
    found = []
    for statement in (statement for step in MIGRATIONS[:version] for statement in step):
        kind, name = statement.split()[1:3]
        found.append([kind.lower(), name, "entries", statement])
    return found


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _software() -> str:
    return json.dumps({"contlearn": __version__, "sqlite": sqlite3.sqlite_version}, separators=(",", ":"))


def _is_known(connection: sqlite3.Connection) -> bool:
    """Return whether the file says that this version of SQLite, with this contlearn, writes to it."""
    query = "SELECT count(*) FROM entries WHERE kind = ? AND text = ?"
    return bool(connection.execute(query, (SOFTWARE, _software())).fetchone()[0])
