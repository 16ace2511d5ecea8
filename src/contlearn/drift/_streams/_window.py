"""Rows that wait for their window to fill, in whatever form they came; and the table that they make.

A block is a list of rows (numbers, texts, tuples, arrays or dictionaries), an array of rows, or a dictionary
of columns. Blocks are copies: nothing of the caller's is kept.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from contlearn import _checks
from contlearn._tables import Labels, Schema, read
from contlearn.drift._streams._many import by_name, count, refuse_one

# Types of single values that need no second look, by the kind of their column.
_PLAIN: dict[str, frozenset[type]] = {
    "numeric": frozenset({float, int, np.float64, np.float32, np.int64}),
    "boolean": frozenset({bool, np.bool_}),
    "categorical": frozenset({str}),
}


def checked_row(x: Any, schema: Schema | None, held: Sequence[Any]) -> Any:
    """Return a copy of one row, or refuse what could not be in a window with the others."""
    if isinstance(x, Mapping):
        row: Any = dict(x)
    elif isinstance(x, np.ndarray):
        row = x.item() if x.ndim == 0 else np.array(x)
        if x.ndim > 1:
            _checks.bad_data("x", "be one row", f"shape {x.shape}", "update_many takes many")
    else:
        row = tuple(x) if isinstance(x, list | tuple) else x
    if isinstance(row, tuple | np.ndarray) and len(row) == 1:  # one column is the same with or without a row
        row = row[0]
    if held:
        _same_form(_form_of_row(row), held[-1])
    if schema is None or not _plainly_right(row, schema):
        table = read(_table([row]), "x")
        if schema is not None:
            schema.match(table, "x")
        else:
            table.load(range(len(table.names)))  # which refuses infinities
    return row


def _plainly_right(row: Any, schema: Schema) -> bool:
    """Whether one row surely fits; False means that the reader of tables must decide."""
    if isinstance(row, dict):
        if tuple(row) != schema.names:
            return False
        values: Any = row.values()
    elif isinstance(row, tuple):
        if len(row) != schema.width or len(schema.names) != schema.width:
            return False
        values = row
    else:
        if schema.width != 1:
            return False
        values = (row,)
    for value, kind in zip(values, schema.kinds, strict=True):
        if type(value) not in _PLAIN.get(kind, ()) or (kind == "numeric" and _infinite(value)):
            return False
    return True


def _infinite(value: Any) -> bool:
    """Whether a number, or its float, is infinite."""
    return abs(value) > sys.float_info.max if type(value) is int else math.isinf(value)


def _same_form(form: tuple[str, Any], block: Any) -> None:
    """Refuse rows of another form than those that wait."""
    kind, columns = form
    before, others = _form_of_rows(block) if not isinstance(block, list) else _form_of_row(block[-1])
    if kind != before:
        _checks.bad_schema("x", f"be a {before}, as the rows before", f"a {kind}", "reset() begins anew")
    if columns != others:
        _checks.bad_schema("x", f"have the columns of the rows before, {others}", str(columns))


def _form_of_row(row: Any) -> tuple[str, Any]:
    """Return what one row is, and its columns."""
    if isinstance(row, Mapping):
        return "row by name", sorted(map(str, row))
    if isinstance(row, tuple | np.ndarray):
        return "row by position", len(row)
    return "single value", 1


def _form_of_rows(block: Any) -> tuple[str, Any]:
    """Return what each row of an array, a dictionary of columns or a frame is, and its columns."""
    if _names(block):
        return "row by name", sorted(map(str, _names(block)))
    if getattr(block, "ndim", 1) == 2:
        return "row by position", block.shape[1]
    return "single value", 1


def checked_many(values: Any, schema: Schema | None, held: Sequence[Any]) -> Any:
    """Return many rows as something that `part` can slice, or refuse them all."""
    if isinstance(values, list | tuple) and len(values) and isinstance(values[0], Mapping):
        first = values[0]
        for row in values:
            checked_row(row, schema, [[first]])
        return _table(values)
    if not isinstance(values, Mapping | np.ndarray) and not hasattr(values, "columns"):
        values = _array(values)
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    table = read(values, "values")
    if schema is not None:
        schema.match(table, "values")
    else:
        table.load(range(len(table.names)))
    if isinstance(values, Mapping):
        values = {name: each if hasattr(each, "__getitem__") else list(each) for name, each in values.items()}
    if held and count(values):
        _same_form(_form_of_rows(values), held[-1])
    return values


def _array(values: Any) -> Any:
    """Return a list of rows, or a series, as an array; texts do not swallow numbers."""
    if isinstance(values, list | tuple | range):
        try:
            array = np.asarray(values)
        except (ValueError, OverflowError):  # rows of different lengths: the reader says what is wrong
            return _objects(values)
        mixed = array.dtype.kind in "iuf" and bool in set(map(type, values))  # numpy makes numbers of them
        return np.array(values, dtype=object) if mixed or array.dtype.kind in "US" else array
    refuse_one(values)
    return values if hasattr(values, "__getitem__") else list(values)


def _objects(values: Sequence[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _names(block: Any) -> list[Any]:
    if isinstance(block, np.ndarray | list):
        return []
    return list(by_name(block)) if isinstance(block, Mapping) or hasattr(block, "columns") else []


def copied(block: Any) -> Any:
    """Return rows that must wait, as a block of our own."""
    if _names(block):
        return {name: _column(each) for name, each in by_name(block).items()}
    return _column(block)


def _column(values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return values.copy()
    return values.to_pylist() if hasattr(values, "to_pylist") else list(values)


def declared(values: Any, schema: Schema | None) -> tuple[str, ...]:
    """Return which columns of a frame hold categories, which its library may have been told."""
    if schema is None or not schema.named or isinstance(values, Mapping) or not hasattr(values, "columns"):
        return ()
    kinds = zip(schema.names, schema.kinds, strict=True)
    return tuple(name for name, kind in kinds if kind == "categorical")


def joined(blocks: Sequence[Any], categories: Collection[str] = ()) -> Any:
    """Return blocks one after another as a table that a detector can read.

    `categories` are columns of which some rows came as declared categories: numbers are labels there.
    """
    tables = [_table(block) if isinstance(block, list) else block for block in blocks]
    if len(tables) == 1 and not categories:
        return tables[0]
    if any(_names(each) for each in tables):
        columns = [{str(name): _column(each) for name, each in by_name(table).items()} for table in tables]
        whole = {name: _end_to_end([each[name] for each in columns]) for name in columns[0]}
        return {name: Labels(each) if name in categories else each for name, each in whole.items()}
    return _end_to_end([each if isinstance(each, np.ndarray) else _array(_column(each)) for each in tables])


def _end_to_end(pieces: Sequence[Any]) -> Any:
    if all(isinstance(each, np.ndarray) for each in pieces):
        if len({each.dtype.kind in "fiub" for each in pieces}) == 1 and pieces[0].dtype.kind in "fiub":
            return np.concatenate(pieces)
        if len({each.dtype for each in pieces}) == 1:
            return np.concatenate(pieces)
        if pieces[0].ndim > 1:
            return np.concatenate([each.astype(object) for each in pieces])
    return [value for each in pieces for value in each]


def _table(rows: Sequence[Any]) -> Any:
    """Return single rows as a table."""
    first = rows[0]
    if isinstance(first, Mapping):
        return {name: [row[name] for row in rows] for name in first}
    if isinstance(first, np.ndarray):
        return np.array(rows)
    return _array(list(rows))
