"""The same rows, the same name: what a training run was made from, without keeping it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from contlearn import _checks

_PLAIN = (bool, int, float, complex, str, bytes, timedelta)


def fingerprint(rows: Any) -> str:
    """Return the SHA-256 of rows or weights, the same in every process and on every platform.

    Equal are the same values in the same order, with the same names and types of columns. The index of a
    pandas frame and how the memory is laid out do not count; every kind of missing value in a column of
    Python objects counts as the same.

    Parameters
    ----------
    rows
        An array, a frame (pandas, polars or arrow), a mapping of columns, or a sequence of numbers, text,
        moments and sequences or mappings of these: also what the `rows` of a window returns.

    Raises
    ------
    InvalidInputError
        For values of other kinds, such as objects whose text says where they lie in memory.

    Notes
    -----
    Cost: one pass over the bytes, for arrays without a copy unless they lie in memory in another order.

    Examples
    --------
    >>> from contlearn.ledger import fingerprint
    >>> fingerprint([1, 2, 3]) == fingerprint((1, 2, 3))
    True
    >>> fingerprint([1, 2, 3])[:8]
    '...'
    """
    found = hashlib.sha256()
    try:
        _take(found, rows)
    except RecursionError:
        _checks.bad_data("rows", "be nested less deeply", type(rows).__name__, "does a list hold itself?")
    return found.hexdigest()


def _take(found: Any, value: Any) -> None:
    value = value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value
    if hasattr(value, "tocsr"):
        _checks.bad_data("rows", "be dense", type(value).__name__, "give data, indices and indptr")
    names = _names_of(value)
    if names is not None:
        _say(found, "table", len(names))
        for name in names:
            _take(found, name)
            _take(found, _column(value[name]))
    elif hasattr(value, "dtype"):
        _take_array(found, _column(value))
    elif isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "__array__"):
        _take_all(found, _in_order(value))
    else:
        _take_one(found, value)


def _names_of(value: Any) -> list[Any] | None:
    """Return the names of the columns of a frame or a mapping, None for anything else."""
    if isinstance(value, Mapping):
        return list(value)
    names = getattr(value, "column_names", getattr(value, "columns", None))
    return None if names is None or callable(names) else list(names)


def _column(values: Any) -> Any:
    """Return the column of a frame as an array."""
    return values.to_numpy() if hasattr(values, "to_numpy") else values


def _in_order(value: Any) -> list[Any]:
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    return list(value)


def _take_array(found: Any, array: Any) -> None:
    if array.dtype.kind in "biufcmM":
        kind = array.dtype.newbyteorder("<")
        _say(found, "array", kind.str, array.shape)
        found.update(array.astype(kind, order="C", copy=False).tobytes())
    else:
        _say(found, "values", array.shape)
        _take_all(found, array.ravel().tolist())


def _take_all(found: Any, values: Iterable[Any]) -> None:
    listed = list(values)
    _say(found, "list", len(listed))
    for each in listed:
        _take(found, each)


def _take_one(found: Any, value: Any) -> None:
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        _say(found, "missing")
    elif isinstance(value, _PLAIN):
        kind: Any = next(each for each in _PLAIN if isinstance(value, each))  # numpy's floats are floats, too
        _say(found, kind.__name__, value if isinstance(value, timedelta) else kind(value))
    elif isinstance(value, date):
        _say(found, "date", value.isoformat())
    else:
        _checks.bad_data(
            "rows", "hold numbers, text, moments and sequences of them", type(value).__name__, "convert them"
        )


def _say(found: Any, *words: Any) -> None:
    """Take in words so that no other words look the same."""
    for word in words:
        data = word if isinstance(word, bytes) else repr(word).encode("utf-8", "backslashreplace")
        found.update(b"%d:" % len(data))
        found.update(data)
