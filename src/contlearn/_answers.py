"""What all answers are made of: words, read-only dictionaries, and fields that are what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar

from contlearn import _doors

Item = TypeVar("Item")


class Word(StrEnum):
    """A word of an answer; its `repr` is the expression that makes it, so that answers can be rebuilt."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


class Parts(Mapping[str, Item], Generic[Item]):
    """A read-only dictionary by name: comparable with any mapping, and picklable."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Mapping[str, Item]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, name: str) -> Item:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __hash__(self) -> int:
        return hash(frozenset(self._parts.items()))

    def __repr__(self) -> str:
        return repr(self._parts)


class Answer:
    """What all answers share: fields that are what they say, builtins inside, a dictionary outside."""

    __slots__ = ()

    def __post_init__(self) -> None:
        kind: Any = type(self)
        for name, kinds, door in _doors_of(kind):
            value = getattr(self, name)
            if type(value) not in kinds:
                object.__setattr__(self, name, door(name, value))
            elif type(value) is float and value != value:
                _doors.refuse_nan(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready builtins: no NaN, no infinity, no numpy."""
        names = self.__dataclass_fields__  # type: ignore[attr-defined]
        return {name: plain(getattr(self, name)) for name in names}


NONE = type(None)

KINDS: dict[Any, tuple[frozenset[type], _doors.Door]] = {
    "bool": (frozenset({bool}), _doors.truth),
    "int": (frozenset({int}), _doors.integer),
    "int | None": (frozenset({int, NONE}), _doors.integer),
    "float | None": (frozenset({float, NONE}), _doors.number),
    "str": (frozenset({str}), _doors.text),
    "tuple[str, ...]": (frozenset(), _doors.tuple_of(str)),
}
"""By annotation of a field: the kinds that are right as they are, and the door for everything else.

`contlearn.results` adds those of the answers themselves.
"""

_ANYTHING = (frozenset({NONE, bool, int, float, str}), _doors.builtin)


@cache
def _doors_of(kind: Any) -> tuple[tuple[str, frozenset[type], _doors.Door], ...]:
    """Return each field of a kind of answer with what needs no door, and the door."""
    return tuple((field.name, *KINDS.get(field.type, _ANYTHING)) for field in fields(kind))


def plain(value: Any) -> Any:
    """Return `value` as JSON-ready builtins; an infinite number becomes None."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value  # a datetime, too, is a date
