"""Whether a value is of the kind that an annotation says: a saved field must be what its class says it is."""

from __future__ import annotations

import collections.abc
import inspect
import types
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from contlearn.persistence._refusals import damaged

_NUMBERS: dict[Any, tuple[type, ...]] = {
    float: (float, int, np.floating, np.integer),
    int: (int, np.integer),
}


def check(kind: Any, values: dict[str, Any], hints: dict[str, Any] | None = None) -> None:
    """Refuse values by name that are not what the annotations of a class say, or `hints`."""
    expected = hints_of(kind) if hints is None else hints
    for name, value in values.items():
        if name in expected and not fits(value, expected[name]):
            damaged(f"{kind.__name__}.{name} of its kind", type(value).__name__)


def check_arguments(kind: Any, arguments: tuple[Any, ...]) -> None:
    """Refuse arguments of a constructor that are not what it says."""
    names = inspect.signature(kind).parameters
    check(kind, dict(zip(names, arguments, strict=False)), get_type_hints(kind.__init__))


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """Return the annotations of the fields of a class; none where one names what is there for tools only."""
    try:
        return get_type_hints(kind)
    except NameError:
        return {}


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of the kind that an annotation says, and all that is inside it."""
    if hint is Any:
        return True
    if isinstance(hint, type) and not isinstance(hint, types.GenericAlias):
        return _is_one(value, hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(fits(value, each) for each in arguments)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in arguments)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and _holds(value, arguments)
    if origin is collections.abc.Callable:
        return callable(value)
    if origin is tuple:
        return isinstance(value, tuple) and _tuple_fits(value, arguments)
    return not isinstance(origin, type) or (isinstance(value, origin) and _all_fit(value, arguments))


def _is_one(value: Any, kind: type) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return kind in (bool, object)
    return isinstance(value, _NUMBERS.get(kind, kind))


def _holds(array: Any, arguments: tuple[Any, ...]) -> bool:
    """Return whether an array is of numbers of the kind that is said, where one is."""
    inner = get_args(arguments[1]) if len(arguments) > 1 else ()
    if not inner or not isinstance(inner[0], type) or not issubclass(inner[0], np.generic):
        return True
    return bool(np.issubdtype(array.dtype, inner[0]))


def _tuple_fits(value: tuple[Any, ...], arguments: tuple[Any, ...]) -> bool:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return all(fits(each, arguments[0]) for each in value)
    if not arguments:
        return True
    return len(value) == len(arguments) and all(map(fits, value, arguments))


def _all_fit(value: Any, arguments: tuple[Any, ...]) -> bool:
    """Return whether the keys and values of a mapping fit, or the items of a collection."""
    if len(arguments) == 2 and isinstance(value, collections.abc.Mapping):
        return all(fits(key, arguments[0]) and fits(each, arguments[1]) for key, each in value.items())
    if len(arguments) == 1 and isinstance(value, collections.abc.Collection):
        return isinstance(value, str) or all(fits(each, arguments[0]) for each in value)
    return True
