"""What an update is: one value, or one row of a table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Column, Kind, read
from contlearn._tables._schema import Schema
from contlearn.drift._streams import _entries
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
        cells = enumerate(self._cells(x, called))
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
        rows = isinstance(values, Sequence) and len(values) and not isinstance(values, str | bytes)
        try:
            columns = schema.match(read(self._turned(values) if rows else values, "values"), "values")
        except ContlearnError:
            for place, row in enumerate(values if rows or isinstance(values, np.ndarray) else ()):
                self.one(row, f"values[{place}]")
            raise
        return _stack([_entries.plain(each, kind) for each, kind in zip(columns, self.kinds, strict=True)])

    def _turned(self, rows: Sequence[Any]) -> Any:
        """Return rows as columns; each of them is one kind of values or refused."""
        cells = [self._cells(row, f"values[{place}]") for place, row in enumerate(rows)]
        return dict(zip(self.names or (), map(list, zip(*cells, strict=True)), strict=True))

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
        return [_objects(column) for column in columns]

    def _cells(self, x: Any, called: str) -> Sequence[Any]:
        row = _row(x)
        if isinstance(row, Mapping) and self.named:
            lost = [name for name in self.names or () if name not in row]
            if lost or len(row) != len(self.kinds):
                got = f"no {lost[0]!r}" if lost else f"{len(row)} columns"
                wanted = f"have the {len(self.kinds)} columns of the reference"
                _checks.bad_schema(called, wanted, got, "a value that is missing is None")
            return [row[name] for name in self.names or ()]
        if isinstance(row, Mapping) or np.ndim(row) != 1 or len(row) != len(self.kinds):
            got = (
                f"{len(row)} values"
                if not isinstance(row, Mapping) and np.ndim(row) == 1
                else type(x).__name__
            )
            must = "be a dictionary or a row" if self.named else "be a row"
            _checks.bad_schema(called, f"{must} of {len(self.kinds)} values, as the reference has", got)
        return list(row)


def _row(x: Any) -> Any:
    """Return a row of a pandas frame as a dictionary, anything else as it is."""
    return x.to_dict() if hasattr(x, "to_dict") and np.ndim(x) == 1 else x


SINGLE = Intake(None, (None,))


def intake_of(x: Any) -> Intake:
    """Return the intake of a stream that begins with `x`."""
    x = _row(x)
    if isinstance(x, Mapping):
        if not x:
            _checks.bad_data("x", "have at least one column", "none")
        for name in x:
            _checks.instance("each column name", name, str, "text")
        return Intake(tuple(x), (None,) * len(x), named=True)
    if isinstance(x, list | tuple | np.ndarray) and np.ndim(x) == 1:
        if not len(x):
            _checks.bad_data("x", "have at least one column", "none")
        return Intake(tuple(map(str, range(len(x)))), (None,) * len(x))
    return SINGLE


def intake_of_many(values: Any) -> Intake:
    """Return the intake of a stream that begins with `values`."""
    if isinstance(values, Sequence) and not isinstance(values, str | bytes) and len(values):
        return intake_of(values[0])
    table = isinstance(values, Mapping) or hasattr(values, "columns") or np.ndim(values) == 2
    if not table:
        return SINGLE
    columns = read(values, "values")
    if not columns.named and len(columns.names) == 1:
        return SINGLE
    return Intake(columns.names, (None,) * len(columns.names), columns.named)


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
    return np.column_stack([_objects(each) for each in columns])


def _objects(values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """Return values as objects; one by one, since numpy would turn its times into Python's."""
    objects = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        objects[place] = value
    return objects
