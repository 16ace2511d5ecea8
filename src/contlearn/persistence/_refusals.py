"""The words in which writing and reading are refused."""

from __future__ import annotations

from typing import NoReturn

from contlearn import _checks
from contlearn.exceptions import PersistenceError

_AGAIN = "it was damaged, forged, or not written by contlearn"


def damaged(must: str, got: object, cure: str = _AGAIN) -> NoReturn:
    """Refuse to read: `must` was expected at some place."""
    _checks.fail("what was saved", f"hold {must}", got, cure, PersistenceError)


def unwritable(place: str, got: str, cure: str) -> NoReturn:
    """Refuse to write what stands at `place`."""
    _checks.fail(place, "be something that can be written without pickle", got, cure, PersistenceError)
