"""The layout of the file, and how an older one becomes this one."""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x436C4C67  # "ClLg"

TABLE = (
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at TEXT, model_id TEXT, "
    "text TEXT NOT NULL, digest TEXT NOT NULL)"
)
ONLY_APPENDED = tuple(
    f"CREATE TRIGGER no_{action.lower()} BEFORE {action} ON entries "
    f"BEGIN SELECT RAISE(ABORT, 'a ledger is append-only'); END"
    for action in ("UPDATE", "DELETE")
)
MIGRATIONS: tuple[tuple[str, ...], ...] = ((TABLE,), ONLY_APPENDED)
"""The statements that lead from each version of the layout to the next. Only ever append to it."""

VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the layout of a file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the layout up to this version, inside the transaction that the caller has begun."""
    for version in range(version_of(connection), VERSION):
        for statement in MIGRATIONS[version]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version + 1}")


def statements() -> set[str]:
    """Return what the file must declare, and nothing else."""
    return {statement for step in MIGRATIONS for statement in step}
