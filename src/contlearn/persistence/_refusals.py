"""The words in which writing and reading are refused."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NoReturn

from contlearn import _checks
from contlearn.exceptions import PersistenceError

_WHAT = "what was saved"
_AGAIN = "it was damaged, forged, or not written by contlearn"


def damaged(must: str, got: object, cure: str = _AGAIN) -> NoReturn:
    """Refuse to read: `must` was expected at some place."""
    _checks.fail(_WHAT, f"hold {must}", got, cure, PersistenceError)


def unwritable(place: str, got: str, cure: str) -> NoReturn:
    """Refuse to write what stands at `place`."""
    _checks.fail(place, "be something that can be written without pickle", got, cure, PersistenceError)


@contextlib.contextmanager
def about(path: str) -> Iterator[None]:
    """Let what is refused meanwhile name the file, by its name alone: directories are nobody's business."""
    name = os.path.basename(path)
    try:
        yield
    except PersistenceError as error:
        error.args = (str(error).replace(_WHAT, f"{_WHAT} in {name!r}", 1),)
        raise
