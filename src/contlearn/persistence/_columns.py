"""What the columns of all frame libraries share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.persistence._refusals import damaged


class UnknownColumn(Exception):  # noqa: N818 - never leaves the package: it carries a name and a type
    """A column of a type that is not written."""


_TYPES = frozenset(
    {f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)} | {"float32", "float64", "bool"}
)
TEXT = (str, type(None))


def texts(values: Any) -> list[object]:
    """Return values that must be text or missing."""
    if type(values) is not list or not all(isinstance(each, TEXT) for each in values):
        damaged("a column of text", "other values")
    return values


def flat(values: Any, kinds: str, n: int | None = None) -> NDArray[Any]:
    """Return what must be an array of one dimension and `n` values, of one of the kinds `kinds` or of the
    type of that name.

    Compiled code of the libraries reads as many bytes as the type that it is told has.
    """
    if type(values) is not np.ndarray or values.ndim != 1 or n not in (None, len(values)):
        damaged("a column of as many values as there are rows", type(values).__name__)
    if values.dtype.name != kinds and (kinds in _TYPES or values.dtype.kind not in kinds):
        damaged(f"a column of {kinds}", f"{values.dtype}"[:40])
    return values


def gaps(lost: Any, n: int) -> NDArray[np.bool_] | None:
    """Return what must say of each of `n` values whether it is missing, or be None."""
    return None if lost is None else flat(lost, "bool", n)
