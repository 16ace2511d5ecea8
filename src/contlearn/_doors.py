"""What may stand in a field of an answer: each door converts what means the same, and refuses the rest."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

from contlearn import _checks

Door: TypeAlias = Callable[[str, Any], Any]
"""A function of the name of a field and its value that returns the value to keep."""


def number(name: str, value: Any) -> float:
    """Return a number, which may be infinite but not NaN, as a float."""
    found = _checks.real(name, _unboxed(value), "be a number or None")
    return refuse_nan(name) if math.isnan(found) else found


def integer(name: str, value: Any) -> int:
    """Return an integer."""
    value = _unboxed(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        _checks.fail(name, "be an integer", f"{value!r:.80}")
    return int(value)


def truth(name: str, value: Any) -> bool:
    """Return True or False; nothing else, since every word is true, "no" included."""
    value = _unboxed(value)
    _checks.one_of(name, value, (True, False))
    return bool(value)


def text(name: str, value: Any) -> str:
    """Return a text."""
    _checks.instance(name, value, str, "text")
    return str(value)


def word_of(kind: type[StrEnum]) -> Door:
    """Return the door that makes a `kind` of its words."""

    def door(name: str, value: Any) -> StrEnum:
        try:
            return kind(value)
        except ValueError:
            _checks.fail(name, f"be one of {', '.join(repr(word.value) for word in kind)}", f"{value!r:.80}")

    return door


def tuple_of(kind: type) -> Door:
    """Return the door that makes a tuple of a tuple or list that holds nothing but `kind`."""

    def door(name: str, value: Any) -> tuple[Any, ...]:
        if value == ():  # nearly always
            return ()
        _checks.instance(name, value, (tuple, list), f"a tuple of {kind.__name__}")
        for item in value:
            _checks.instance(f"every item of {name}", item, kind, f"a {kind.__name__}")
        return tuple(value)

    return door


def builtin(name: str, value: Any) -> Any:
    """Return a value of any kind without numpy in it and without a list that a caller could change."""
    value = tuple(value) if isinstance(value, list) else _unboxed(value)
    return refuse_nan(name) if isinstance(value, float) and math.isnan(value) else value


def refuse_nan(name: str) -> NoReturn:
    """Refuse NaN in the field `name`."""
    _checks.fail(name, "be a number or None", "NaN", "None says that it is not known")


def _unboxed(value: Any) -> Any:
    """Return the builtin inside a scalar of numpy, or of anything that behaves like it."""
    return value.item() if getattr(value, "ndim", None) == 0 else value
