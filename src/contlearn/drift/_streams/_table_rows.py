"""Rows of a stream as they come, one at a time or as a table, read into floats; NaN where one is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Schema, read
from contlearn.drift._streams import _entries

_CURE = "leave it out, or encode it as numbers"

Floats = NDArray[np.float64]


def one_row(x: Any, schema: Schema | None) -> Floats:
    """Return one row, or refuse it: an array, a sequence, a number, or a mapping of names to values."""
    named = isinstance(x, Mapping)
    names = schema.names if schema is not None else tuple(map(str, x)) if named else None
    if named:
        values = _by_name({str(name): value for name, value in x.items()}, names or ())
    elif isinstance(x, str | bytes) or (hasattr(x, "ndim") and x.ndim > 1):
        _checks.bad_data("row", "be one row of numbers", type(x).__name__, "use update_many for many rows")
    else:
        values = list(x) if hasattr(x, "__len__") and getattr(x, "ndim", None) != 0 else [x]
    if names is None:
        names = tuple(map(str, range(len(values))))
    if not names or len(values) != len(names):
        wanted = "one value or more" if schema is None else f"{len(names)} values, as in fit"
        _checks.bad_schema("row", f"have {wanted}", len(values))
    pairs = zip(names, values, strict=True)
    row = np.array([_entries.one(value, "numeric", f"column {name!r}") for name, value in pairs])
    row[row == _entries.MISSING] = np.nan
    return row


def many_rows(X: Any, schema: Schema | None, name: str = "rows") -> tuple[Floats, Schema]:
    """Return rows and their columns, or refuse them all."""
    if isinstance(X, list | tuple) and bool in set(map(type, X)):
        X = np.array(X, dtype=object)  # or numpy would make numbers of booleans that stand alone
    table = read(X, name)
    columns = table.columns if schema is None else schema.match(table, name)
    if not columns:
        _checks.bad_data(name, "have at least one column", "0")
    for column in columns:
        if column.kind not in ("numeric", "unknown"):
            _checks.bad_schema(f"column {column.name!r}", "hold numbers", column.kind, _CURE)
    rows = np.empty((columns[0].n_rows, len(columns)))
    for place, column in enumerate(columns):
        rows[:, place] = np.nan if column.kind == "unknown" else column.values
        if column.missing is not None:
            rows[column.missing, place] = np.nan
    return rows, schema or Schema.of(table, columns)


def schema_of(x: Any) -> Schema:
    """Return the columns of the first row of a stream."""
    names = tuple(map(str, x)) if isinstance(x, Mapping) else None
    if names is None:
        names = tuple(map(str, range(len(x) if hasattr(x, "__len__") else 1)))
        named = False
    else:
        named = True
    kinds = ("numeric",) * len(names)
    return Schema(names, kinds, tuple(range(len(names))), len(names), named)  # type: ignore[arg-type]


def _by_name(values: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    lost = [name for name in names if name not in values]
    extra = [name for name in values if name not in set(names)]
    if lost or extra:
        got = f"{lost[0]!r} missing" if lost else f"{extra[0]!r} in addition"
        _checks.bad_schema("row", "have the columns of the reference", got, "pass each column once")
    return [values[name] for name in names]
