"""Rows of numbers as they come, one at a time or as a table, read into floats; NaN where one is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Kind, read
from contlearn.drift._streams import _entries, _intake, _row
from contlearn.drift._streams._intake import Intake

_CURE = "leave it out, or encode it as numbers"

Floats = NDArray[np.float64]


def begun_by(x: Any) -> Intake:
    """Return the intake of a stream of rows that begins with `x`; a number is a row of one."""
    return _numeric(_intake.intake_of(x))


def begun_by_many(values: Any) -> Intake:
    """Return the intake of a stream of rows that begins with `values`."""
    return _numeric(_intake.intake_of_many(values))


def one_row(x: Any, intake: Intake) -> Floats:
    """Return one row, or refuse it: an array, a sequence, a number, or cells by name."""
    if len(intake.kinds) == 1 and np.ndim(x) == 0 and _row.by_name(x) is None:
        x = [x]
    elif getattr(x, "ndim", 1) > 1:
        _checks.bad_data("row", "be one row of numbers", type(x).__name__, "use update_many for many rows")
    return _floats(np.array(intake.one(x, "row")))


def many_rows(values: Any, intake: Intake) -> Floats:
    """Return rows, or refuse them all."""
    if len(intake.kinds) == 1 and _row.are_rows(values):
        alone = [np.ndim(each) == 0 and _row.by_name(each) is None for each in values]
        values = [[each] if bare else each for each, bare in zip(values, alone, strict=True)]
    return _floats(intake.many(values))


def reference_rows(reference: Any) -> tuple[Floats, Intake]:
    """Return the rows of a reference and the intake of a stream that is to be like it, or refuse."""
    table = read(_row.unmixed(_row.as_table(reference)), "reference")
    columns = table.load(range(len(table.names)))
    for column in columns:
        if column.kind not in ("numeric", "unknown"):
            _checks.bad_schema(f"column {column.name!r}", "hold numbers", column.kind, _CURE)
    rows = np.column_stack([_entries.plain(column, "numeric") for column in columns])
    return _floats(rows), _of_numbers(table.names, table.named)


def _numeric(intake: Intake) -> Intake:
    names = ("0",) if intake.names is None else intake.names
    return _of_numbers(names, intake.named)


def _of_numbers(names: tuple[str, ...], named: bool) -> Intake:
    kind: Kind = "numeric"
    return Intake(names, (kind,) * len(names), named)


def _floats(rows: NDArray[np.float64]) -> Floats:
    rows[rows == _entries.MISSING] = np.nan
    return rows
