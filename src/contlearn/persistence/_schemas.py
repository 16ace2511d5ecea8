"""The form of what is written, by number, and how an older form becomes the present one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contlearn.persistence._refusals import damaged

FORMAT = "contlearn"
SCHEMA = 1

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""By the number of a schema: what turns a document of that schema into one of the next."""


def migrated(document: Any) -> dict[str, Any]:
    """Return a document in the present schema, or refuse one that is newer or none at all."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        damaged("a document of contlearn", "another", "give what dump or save has written")
    schema = check_number(document.get("schema"))
    for step in range(schema, SCHEMA):
        document = MIGRATIONS[step](document)
    return dict(document)


def check_number(schema: Any) -> int:
    """Return the number of a schema, or refuse what is no number of a schema, or that of a newer one."""
    if type(schema) is not int or schema < 1:
        damaged("the number of its schema", repr(schema)[:40])
    if schema > SCHEMA:
        damaged(f"a schema up to {SCHEMA}", f"{schema}", "it was written by a newer contlearn: upgrade")
    return schema
