"""Rows that wait for their window to fill, in whatever form they came; and the table that they make.

A block is a list of rows (numbers, texts, tuples or dictionaries), an array of rows, or a dictionary of
columns. Blocks are copies: nothing of the caller's is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from contlearn import _checks
from contlearn._tables import Labels, Schema, read
from contlearn.drift._streams import _row
from contlearn.drift._streams._intake import Intake
from contlearn.drift._streams._many import columns_by_name, count, refuse_one


def checked_row(x: Any, schema: Schema | None, held: Sequence[Any], called: str = "x") -> Any:
    """Return a copy of one row, or refuse what could not be in a window with the others."""
    named = _row.by_name(x, called)
    if named is not None:
        row: Any = {str(name): cell for name, cell in named.items()}
        if schema is not None and not schema.named:  # whose columns are called "0", "1" and so on
            places = tuple(map(str, range(schema.width)))
            row = tuple(Intake(places, schema.kinds).cells(row, called))
            row = row[0] if len(row) == 1 else row
    elif getattr(x, "ndim", 1) > 1:
        _checks.bad_data(called, "be one row", f"shape {x.shape}", "update_many takes many")
    elif _row.in_order(x):  # one column is the same with or without a row
        row = x[0] if len(x) == 1 else tuple(x)
    else:
        row = x.item() if isinstance(x, np.ndarray) else x
    if held:
        _same_form(row, held[-1], called)
    if schema is None:
        table = read(_table([row]), called)
        table.load(range(len(table.names)))  # which refuses infinities
    else:
        _check_cells(row, schema, called)
    return row


def _check_cells(row: Any, schema: Schema, called: str) -> None:
    """Refuse a row that the reference could not have; columns that are not used are not looked at."""
    intake = Intake(schema.names, schema.kinds, schema.named)
    if isinstance(row, dict):
        whole = len(schema.names) == schema.width
        used = row if whole else {name: row[name] for name in schema.names if name in row}
        intake.one(used, called)
        return
    cells = row if isinstance(row, tuple) else (row,)
    if len(cells) == schema.width:
        cells = tuple(cells[place] for place in schema.positions)
    intake.one(cells, called)


def checked_many(values: Any, schema: Schema | None, held: Sequence[Any]) -> Any:
    """Return many rows as something that `part` can slice, or refuse them all."""
    if _row.are_rows(values) and len(values) and _row.by_name(values[0]) is not None:
        rows: list[Any] = []
        for place, row in enumerate(values):
            rows.append(checked_row(row, schema, [rows] if rows else held, f"values[{place}]"))
        return _table(rows)
    values = _row.as_table(values)
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
        values = {
            str(name): each if hasattr(each, "__getitem__") else list(each) for name, each in values.items()
        }
    if held and count(values):
        _same_form(values, held[-1], "values")
    return values


def _same_form(rows: Any, block: Any, called: str) -> None:
    """Refuse rows of another form than those that wait."""
    form, before = _form(rows), _form(block)
    words = [
        "row by name" if isinstance(each, list) else "single value" if each == 1 else "row by position"
        for each in (form, before)
    ]
    if words[0] != words[1]:
        must = f"be a {words[1]}, as the rows before"
        _checks.bad_schema(called, must, f"a {words[0]}", "reset() begins anew")
    if form != before:
        _checks.bad_schema(called, f"have the columns of the rows before, {before}", str(form))


def _form(rows: Any) -> list[str] | int:
    """Return the names that one row or a block of them has, or how many cells each row has without."""
    if isinstance(rows, list):
        return _form(rows[-1])
    if isinstance(rows, Mapping) or hasattr(rows, "columns"):
        return sorted(columns_by_name(rows))
    if isinstance(rows, tuple):
        return len(rows)
    return int(rows.shape[1]) if getattr(rows, "ndim", 0) == 2 else 1


def _array(values: Any) -> Any:
    """Return a list of rows, or a series, as an array; texts and numbers do not swallow others."""
    if not isinstance(values, list | tuple | range):
        refuse_one(values)
        return values if hasattr(values, "__getitem__") else list(values)
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):  # rows of different lengths: the reader says what is wrong
        return _row.objects(values)
    if array.dtype.kind in "US" or (array.dtype.kind in "iuf" and _holds_booleans(values)):
        return np.array(values, dtype=object)
    return array


def _holds_booleans(values: Sequence[Any]) -> bool:
    """Whether booleans are among numbers, of which numpy would make numbers too."""
    inner = (set(map(type, row)) for row in values if isinstance(row, list | tuple))
    return bool in set(map(type, values)).union(*inner)


def copied(block: Any) -> Any:
    """Return rows that must wait, as a block of our own."""
    if isinstance(block, Mapping) or hasattr(block, "columns"):
        return {name: _column(each) for name, each in columns_by_name(block).items()}
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
    if isinstance(_form(tables[0]), list):
        columns = [{name: _column(each) for name, each in columns_by_name(table).items()} for table in tables]
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
    if isinstance(rows[0], dict):
        return {name: [row[name] for row in rows] for name in rows[0]}
    return _array(list(rows))
