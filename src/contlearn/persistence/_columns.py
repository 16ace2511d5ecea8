"""What the columns of all frame libraries share."""

from __future__ import annotations

from contlearn.persistence._refusals import damaged


class UnknownColumn(Exception):  # noqa: N818 - never leaves the package: it carries a name and a type
    """A column of a type that is not written."""


TEXT = (str, type(None))


def texts(values: list[object]) -> list[object]:
    """Return values that must be text or missing."""
    if not all(isinstance(each, TEXT) for each in values):
        damaged("a column of text", "other values")
    return values
