"""The columns of a reference, and how to find them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """The columns that are used: their names and kinds in order, and their positions among all `width`.

    Kinds, not dtypes, are compared: integers that became floats because of a gap are still numbers. A column
    of kind "unknown" (no rows, or nothing but missing values) fits every kind.
    """

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    positions: tuple[int, ...]
    width: int
    named: bool

    @classmethod
    def of(cls, table: Table, columns: Sequence[Column]) -> Schema:
        """Return the schema of those `columns` of `table`."""
        names = tuple(column.name for column in columns)
        kinds = tuple(column.kind for column in columns)
        positions = tuple(table.names.index(name) for name in names)
        return cls(names, kinds, positions, len(table.names), table.named)

    def match(self, table: Table, name: str = "X") -> list[Column]:
        """Read these columns of `table` in this order, or refuse.

        Tables with names are matched by name, in any order. Where one side has no names (a bare array), the
        columns are matched by position, and only if there are equally many. Where not all columns are used,
        the others are not looked at.
        """
        by_name = self.named and table.named
        positions = self._by_name(table, name) if by_name else self._by_position(table, name)
        columns = [column.renamed(own) for own, column in zip(self.names, table.load(positions), strict=True)]
        for column, kind in zip(columns, self.kinds, strict=True):
            if column.kind != kind and "unknown" not in (column.kind, kind):
                _checks.bad_schema(
                    f"column {column.name!r}",
                    f"hold {WORDS[kind]}, as in fit",
                    WORDS[column.kind],
                    "convert it, or fit again",
                )
        return columns

    def _by_name(self, table: Table, name: str) -> Sequence[int]:
        if table.names == self.names:
            return range(len(self.names))
        place = {each: position for position, each in enumerate(table.names)}
        lost = [each for each in self.names if each not in place]
        whole = len(self.names) == self.width
        extra = [each for each in table.names if each not in set(self.names)] if whole else []
        if lost or extra:
            got = [f"{_plural(len(lost))} {_few(lost)} missing"] if lost else []
            got += [f"{_plural(len(extra))} {_few(extra)} in addition"] if extra else []
            cure = "add what is missing" if lost else "drop what was not fitted"
            _checks.bad_schema(name, "have the columns seen in fit", ", ".join(got), f"{cure}, or fit again")
        return [place[each] for each in self.names]

    def _by_position(self, table: Table, name: str) -> Sequence[int]:
        if len(table.names) == 1 and table.load([0])[0].n_rows == 0:
            return [0] * len(self.names)  # an empty list says nothing about its width
        if len(table.names) != self.width:
            wanted = f"have {self.width} {_plural(self.width)}, as in fit"
            _checks.bad_schema(name, wanted, str(len(table.names)))
        return self.positions


def _plural(count: int) -> str:
    return "column" if count == 1 else "columns"


def _few(names: Iterable[str], most: int = 5) -> str:
    shown = [repr(each) for each in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
