"""What one row of a stream is: cells with names, cells in order, or a single value.

The one place where a row gets its names. A dictionary, a row of a pandas frame (a Series), a named tuple and
a record of numpy have names and are read by them, in whatever order they come; lists, tuples and arrays have
none and are read in order. The columns of a reference without names are called "0", "1" and so on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks


def by_name(x: Any, called: str = "x") -> Mapping[Any, Any] | None:
    """Return the cells of a row by name; None where it has no names."""
    if isinstance(x, Mapping):
        return x
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return dict(zip(x._fields, x, strict=True))
    if isinstance(x, np.ndarray) and x.ndim == 0:
        x = x[()]
    if isinstance(x, np.void):
        return {name: x[name] for name in x.dtype.names} if x.dtype.names else None
    if hasattr(x, "to_dict") and hasattr(x, "index") and np.ndim(x) == 1:
        twice = [name for name, times in Counter(map(str, x.index)).items() if times > 1]
        if twice:
            _checks.bad_schema(called, "have each column once", f"{twice[0]!r} twice", "rename one of them")
        return {str(name): cell for name, cell in x.to_dict().items()}
    return None


def in_order(x: Any) -> bool:
    """Whether a row without names is one: a list, a tuple or anything of one dimension."""
    return isinstance(x, list | tuple) or np.ndim(x) == 1


def pick(row: Mapping[Any, Any], names: Sequence[str], called: str) -> list[Any]:
    """Return the cells of a row with names in the order of `names`, which it must have, and no others."""
    if len(row) == len(names) and all(name in row for name in names):
        return [row[name] for name in names]
    texts = {str(name): cell for name, cell in row.items()}
    lost = [name for name in names if name not in texts]
    extra = [name for name in texts if name not in set(names)]
    if lost or extra or len(row) != len(names):
        wanted = f"have the {len(names)} columns of the reference"
        got = f"no {lost[0]!r}" if lost else f"{len(row)} columns"
        got += f", {extra[0]!r} in addition" if extra and not lost else ""
        _checks.bad_schema(called, wanted, got, "a value that is missing is None")
    return [texts[name] for name in names]


def are_rows(values: Any) -> TypeGuard[Sequence[Any]]:
    """Whether many values are a list of them, one after another."""
    return isinstance(values, Sequence) and not isinstance(values, str | bytes | range)


def as_table(values: Any) -> Any:
    """Return many rows that are no list of rows so that the reader of tables mixes no kinds in silence."""
    if isinstance(values, np.ndarray) and values.dtype.names is not None:
        return {name: values[name] for name in values.dtype.names}
    if isinstance(values, Mapping):
        return {name: unmixed(each) for name, each in values.items()}
    return values


def unmixed(column: Any) -> Any:
    """Return a list with booleans among others as objects, since numpy would make numbers of them."""
    if not isinstance(column, list | tuple):
        return column
    kinds = set(map(type, column))
    return objects(column) if len(kinds) > 1 and bool in kinds else column


def objects(values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """Return values as objects; one by one, since numpy would turn its times into Python's."""
    found = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        found[place] = value
    return found
