"""What an update is: one value, or one row of a table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import WORDS, Column, Kind, read
from contlearn._tables._schema import Schema
from contlearn.drift._streams import _entries, _row
from contlearn.exceptions import ContlearnError


class Intake(NamedTuple):
    """The columns of a stream: `names` is None where an update is one value, not a row.

    `kinds` are None where nothing is known but missing values. `named` is false for bare rows. `declared`
    are the places of columns with categories that are no text, such as numbers that a frame calls categories.
    """

    names: tuple[str, ...] | None
    kinds: tuple[Kind | None, ...]
    named: bool = False
    declared: tuple[int, ...] = ()

    def one(self, x: Any, called: str = "x") -> Any:
        """Return one value as it is read, or a tuple of them for a row; or refuse."""
        if self.names is None:
            return self._cell(x, 0, called)
        cells = enumerate(self.cells(x, called))
        return tuple(
            [self._cell(cell, place, f"column {self.names[place]!r} of {called}") for place, cell in cells]
        )

    def _cell(self, x: Any, place: int, called: str) -> Any:
        if place in self.declared and isinstance(x, Hashable):
            return _entries.label(x)
        return _entries.one(x, self.kinds[place], called)

    def many(self, values: Any) -> NDArray[Any]:
        """Return many values or rows as they are read, one row each, or refuse them all."""
        if self.names is None:
            return _entries.many(values, self.kinds[0])
        kinds: tuple[Kind, ...] = tuple([kind or "unknown" for kind in self.kinds])
        schema = Schema(self.names, kinds, tuple(range(len(kinds))), len(kinds), self.named)
        rows = _row.are_rows(values) and len(values) > 0
        try:
            table = self._turned(values) if rows else _row.as_table(values)
            columns = schema.match(read(table, "values"), "values")
        except ContlearnError:
            for place, row in enumerate(values if rows or isinstance(values, np.ndarray) else ()):
                self.one(row, f"values[{place}]")
            raise
        return _stack([_entries.plain(each, kind) for each, kind in zip(columns, self.kinds, strict=True)])

    def _turned(self, rows: Sequence[Any]) -> Any:
        """Return rows as columns; each of them is one kind of values or refused."""
        cells = [self.cells(row, f"values[{place}]") for place, row in enumerate(rows)]
        columns = map(_row.unmixed, map(list, zip(*cells, strict=True)))
        return dict(zip(self.names or (), columns, strict=True))

    def learn(self, given: Sequence[Any]) -> Intake:
        """Return the intake with the kinds that these values or rows tell."""
        if None not in self.kinds or not given:
            return self
        pairs = zip(self.kinds, self.columns(given), strict=True)
        return self._replace(kinds=tuple([kind or _entries.kind_of(each) for kind, each in pairs]))

    def known(self) -> Intake:
        """Return the intake of a reference: a column with nothing but missing values is of no kind."""
        return self._replace(kinds=tuple([kind or "unknown" for kind in self.kinds]))

    def columns(self, given: Sequence[Any]) -> list[NDArray[Any]]:
        """Return the columns of values or rows that were read."""
        columns = [given] if self.names is None else zip(*given, strict=True)
        return [_row.objects(column) for column in columns]

    def cells(self, x: Any, called: str) -> list[Any]:
        """Return the cells of a row in the order of the columns, as they came, or refuse."""
        row, names = _row.by_name(x, called), self.names or ()
        if row is not None and (self.named or set(map(str, row)) == set(names)):
            return _row.pick(row, names, called)
        if row is not None or not _row.in_order(x) or len(x) != len(names):
            got = f"{len(x)} values" if row is None and _row.in_order(x) else type(x).__name__
            must = "be a dictionary or a row" if self.named else "be a row"
            cure = "" if row is None else "fit a reference with names, or pass the values in order"
            _checks.bad_schema(called, f"{must} of {len(names)} values, as the reference has", got, cure)
        return list(x)


SINGLE = Intake(None, (None,))


def intake_of(x: Any) -> Intake:
    """Return the intake of a stream that begins with `x`."""
    row = _row.by_name(x)
    if row is not None:
        for name in row:
            _checks.instance("each column name", name, str, "text")
        return _begun(tuple(row), named=True)
    if isinstance(x, list | tuple | np.ndarray) and np.ndim(x) == 1:
        return _begun(tuple(map(str, range(len(x)))), named=False)
    return SINGLE


def _begun(names: tuple[str, ...], *, named: bool) -> Intake:
    if not names:
        _checks.bad_data("x", "have at least one column", "none")
    return Intake(names, (None,) * len(names), named)


def intake_of_many(values: Any) -> Intake:
    """Return the intake of a stream that begins with `values`."""
    if _row.are_rows(values) and len(values):
        return intake_of(values[0])
    values = _row.as_table(values)
    table = isinstance(values, Mapping) or hasattr(values, "columns") or np.ndim(values) == 2
    if not table:
        return SINGLE
    columns = read(values, "values")
    if not columns.named and len(columns.names) == 1:
        return SINGLE
    return Intake(columns.names, (None,) * len(columns.names), columns.named)


def of_single_numbers(intake: Intake) -> Intake:
    """Return the intake where averages of numbers are taken, or refuse."""
    kind = intake.kinds[0] or "unknown"
    if intake.names is not None or kind not in ("numeric", "unknown"):
        got = "a table" if intake.names is not None else WORDS[kind]
        _checks.bad_schema("values", "be single numbers where block is set", got, "leave out block")
    return intake._replace(kinds=("numeric",))


def single(each: Any) -> Any:
    """Return one value or one row out of many."""
    return tuple(each.tolist()) if isinstance(each, np.ndarray) else each


def read_reference(reference: Any) -> tuple[Intake, list[NDArray[Any]]]:
    """Return the intake of a stream that is to be like this reference, and its columns as they are read."""
    begun = intake_of_many(reference)
    if begun.names is None:
        columns = [_entries.many(reference, None, "reference")]
    else:
        read_columns: Sequence[Column] = read(reference, "reference").columns
        columns = [_entries.plain(column, None) for column in read_columns]
    kinds = tuple([_entries.kind_of(each) for each in columns])
    declared = [
        place
        for place, (values, kind) in enumerate(zip(columns, kinds, strict=True))
        if kind == "categorical" and not set(map(type, values)) <= {str, bytes, type(None)}
    ]
    return begun._replace(kinds=kinds, declared=tuple(declared)).known(), columns


def _stack(columns: Sequence[Any]) -> NDArray[Any]:
    """Return columns side by side: floats where all are, objects otherwise."""
    if all(isinstance(each, np.ndarray) and each.dtype == np.float64 for each in columns):
        return np.column_stack(columns)
    return np.column_stack([_row.objects(each) for each in columns])
