"""The columns of a reference, and how to find them again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contlearn import _checks
from contlearn._tables._column import Column, Kind, Table

WORDS: dict[Kind, str] = {
    "numeric": "numbers",
    "boolean": "booleans",
    "categorical": "categories",
    "datetime": "dates",
    "duration": "durations",
    "unknown": "nothing",
}


@dataclass(frozen=True, slots=True)
class Schema:
    """Names in order, and the kind of each.

    Kinds, not dtypes, are compared: integers that became floats because of a gap are still numbers. A column
    of kind "unknown" (no rows, or nothing but missing values) fits every kind.
    """

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    named: bool

    @classmethod
    def of(cls, table: Table) -> Schema:
        """Return the schema of `table`."""
        return cls(
            tuple(column.name for column in table.columns),
            tuple(column.kind for column in table.columns),
            table.named,
        )

    def match(self, table: Table, name: str = "X") -> tuple[Column, ...]:
        """Return the columns of `table` in this order, or refuse.

        Tables with names are matched by name, in any order. Where one side has no names (a bare array), the
        columns are matched by position, and only if there are equally many.
        """
        if self.named and table.named:
            columns = self._by_name(table.columns, name)
        else:
            columns = self._by_position(table.columns, name)
        for column, kind in zip(columns, self.kinds, strict=True):
            if column.kind != kind and "unknown" not in (column.kind, kind):
                _checks.bad_schema(
                    f"column {column.name!r}",
                    f"hold {WORDS[kind]}, as in fit",
                    WORDS[column.kind],
                    "convert it, or fit again",
                )
        return columns

    def _by_name(self, columns: tuple[Column, ...], name: str) -> tuple[Column, ...]:
        found = {column.name: column for column in columns}
        if found.keys() != set(self.names):
            self._refuse_names(found, name)
        return tuple(found[each] for each in self.names)

    def _by_position(self, columns: tuple[Column, ...], name: str) -> tuple[Column, ...]:
        if len(columns) == 1 and columns[0].n_rows == 0:
            columns *= len(self.names)  # an empty list says nothing about its width
        if len(columns) != len(self.names):
            _checks.bad_schema(
                name,
                f"have {len(self.names)} {_plural(len(self.names))}, as in fit ({_few(self.names)})",
                str(len(columns)),
            )
        return tuple(
            Column(own, column.kind, column.values, column.missing) if own != column.name else column
            for own, column in zip(self.names, columns, strict=True)
        )

    def _refuse_names(self, found: dict[str, Column], name: str) -> None:
        lost = [each for each in self.names if each not in found]
        extra = [each for each in found if each not in set(self.names)]
        got = [f"{_plural(len(lost))} {_few(lost)} missing"] if lost else []
        got += [f"{_plural(len(extra))} {_few(extra)} in addition"] if extra else []
        cure = "add what is missing" if lost else "drop what was not fitted"
        _checks.bad_schema(name, "have the columns seen in fit", ", ".join(got), f"{cure}, or fit again")


def _plural(count: int) -> str:
    return "column" if count == 1 else "columns"


def _few(names: Iterable[str], most: int = 5) -> str:
    shown = [repr(each) for each in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
