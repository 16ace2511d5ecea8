"""The ledger for other tools: data frames, and lines of JSON that can be checked without it."""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from contlearn import _checks
from contlearn.exceptions import DamagedLedger, MissingDependencyError
from contlearn.ledger import _audit, _moments
from contlearn.ledger._entry import Entry
from contlearn.ledger._store import Row

LIBRARIES = ("pandas", "polars")

_BREAKS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"}  # lines end there for some


def frame(entries: Iterable[Entry], library: str) -> Any:
    """Return entries as a data frame."""
    _checks.one_of("library", library, LIBRARIES)
    try:
        module = importlib.import_module(library)
    except ImportError as error:
        raise MissingDependencyError(f"a {library} frame needs {library}; install it") from error
    columns: dict[str, list[Any]] = {
        name: [] for name in ("id", "kind", "at", "model_id", "said", "text", "digest")
    }
    for entry in entries:
        values = (entry.id, entry.kind, _moments.text_of(entry.at), entry.model_id, entry.said())
        for name, value in zip(columns, (*values, entry.text, entry.digest), strict=True):
            columns[name].append(value)
    return module.DataFrame(columns)


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield one JSON object per entry, with what its digest is made from."""
    for row in rows:
        found = {**row._asdict(), "text": json.loads(row.text)}
        line = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        yield line.translate(_BREAKS) + "\n"


def read_json_lines(
    source: str | os.PathLike[str] | Iterable[str], head: str | None = None
) -> tuple[Entry, ...]:
    """Return the entries that `Ledger.to_json_lines` wrote, after following the chain of their digests.

    Parameters
    ----------
    source
        A path, or an iterable of lines, such as an open file.
    head
        The digest that must be among them, such as `Ledger.head` on the day of the export: it tells whether
        the end was cut off.

    Returns
    -------
    tuple of Entry
        All of them, the first of which, number 0, says which software made the ledger.

    Raises
    ------
    DamagedLedger
        If a line was changed, removed, added or moved; the message names the entry.

    Notes
    -----
    Cost: O(characters), one SHA-256 of every line; all entries are in memory.

    Examples
    --------
    >>> from contlearn.ledger import Ledger, read_json_lines
    >>> ledger = Ledger()
    >>> _ = ledger.record({"note": "holidays"}, at=3)
    >>> for entry in read_json_lines(ledger.to_json_lines().splitlines(), head=ledger.head)[1:]:
    ...     print(entry)
    1 note at 3.0: {'note': 'holidays'}
    """
    require_digest(head)
    if isinstance(source, (str, os.PathLike)):
        found = Path(source).read_text(encoding="utf-8").split("\n")
    else:
        _checks.instance("source", source, Iterable, "a path or an iterable of lines")
        found = list(source)
    rows = [_row(number, line) for number, line in enumerate(line for line in found if line.strip())]
    _audit.require_chain([list(row) for row in rows])
    if head is not None and all(row.digest != head for row in rows):
        raise DamagedLedger(f"the export was cut: no entry has the digest {head}")
    return tuple(Entry(row.id, row.kind, _moments.of_text(row.at), *row[3:]) for row in rows)


def require_digest(head: str | None) -> None:
    """Refuse what can be no digest."""
    if head is not None and not (isinstance(head, str) and re.fullmatch("[0-9a-f]{64}", head)):
        _checks.fail("head", "be a digest, as ledger.head was, or None", head)


def _row(number: int, line: str) -> Row:
    try:
        found = json.loads(line)
        text = json.dumps(found.pop("text"), ensure_ascii=False, separators=(",", ":"))
        return Row(**found, text=text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedLedger(f"entry {number} of the export was changed: {error}") from error
