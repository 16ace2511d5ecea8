"""Columns: what is left of a table once it is known where it came from no longer matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks

Kind = Literal["numeric", "boolean", "categorical", "datetime", "duration", "unknown"]


class Codes(NamedTuple):
    """Categories by number: `labels[places]` are the values.

    No two labels are equal; some may have no row. Where a value is missing, its place means nothing.
    """

    places: NDArray[np.int64]
    labels: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column, copied from the caller's table.

    Attributes
    ----------
    name
        Its name, or its position as text.
    kind
        What its values are; "unknown" when there is no value to tell by (no rows, or all of them missing).
    plain
        The values, or None where `codes` say what they are.
    missing
        True where the value is missing (null, None, NaN or NaT); None when nothing is.
    bits
        Per float, before it became one of 64: what came in 32 has digits that mean nothing.
    codes
        Of categories, where the caller's frame knew them or could tell them apart faster than Python.
    zoned
        Times came with a zone; those without are taken as they stand.
    """

    name: str
    kind: Kind
    plain: Any
    missing: NDArray[np.bool_] | None = None
    bits: int = 64
    codes: Codes | None = None
    zoned: bool = False

    @property
    def values(self) -> NDArray[Any]:
        """One entry per row, whatever it is where `missing` says so.

        Numeric: float64, int64 or uint64; boolean: bool; categorical: object (the labels), put together anew
        each time where there are codes; datetime (UTC) and duration: int64 microseconds.
        """
        if self.codes is None:
            plain: NDArray[Any] = self.plain
            return plain
        return self.first(self.n_rows)

    def first(self, rows: int) -> NDArray[Any]:
        """Return the values of the first rows."""
        if self.codes is None:
            return self.values[:rows]
        return self.codes.labels[self.codes.places[:rows]]

    @property
    def n_rows(self) -> int:
        """Number of rows, missing ones included."""
        return len(self.plain) if self.codes is None else len(self.codes.places)

    @property
    def n_missing(self) -> int:
        """Number of missing values."""
        return 0 if self.missing is None else int(np.count_nonzero(self.missing))

    def renamed(self, name: str) -> Column:
        """Return the column under another name."""
        return self if name == self.name else replace(self, name=name)

    def complete(self) -> Column:
        """Return the column without its missing values."""
        return self if self.missing is None else self.take(~self.missing)

    def take(self, rows: NDArray[Any]) -> Column:
        """Return the column with these rows only, none of which may be missing."""
        if self.codes is not None:
            return replace(self, missing=None, codes=self.codes._replace(places=self.codes.places[rows]))
        return replace(self, plain=self.plain[rows], missing=None)


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a caller's table, by name; values are read when asked for, and only those.

    Attributes
    ----------
    names
        Names in the caller's order; positions as text for bare arrays.
    load
        Reads the columns at the given positions, of which it takes a copy.
    named
        False for bare arrays and lists, whose columns are known by position only.
    feature_names
        The names, when every one of them was text to begin with: what scikit-learn calls feature names.
    """

    names: tuple[str, ...]
    load: Callable[[Sequence[int]], Sequence[Column]]
    named: bool
    feature_names: tuple[str, ...] | None = None

    @property
    def columns(self) -> Sequence[Column]:
        """All columns, read anew each time."""
        return self.load(range(len(self.names)))


def build(
    labels: Sequence[object], load: Callable[[Sequence[int]], Sequence[Column]], name: str, *, named: bool
) -> Table:
    """Return the table whose columns the caller calls `labels`."""
    if not labels:
        _checks.bad_data(name, "have at least one column", "none")
    names = tuple(str(label) for label in labels)
    if len(set(names)) < len(names):
        refuse_duplicates(names, name)
    text = named and all(isinstance(label, str) for label in labels)
    return Table(names, load, named, names if text else None)


def refuse_duplicates(names: Sequence[str], name: str) -> NoReturn:
    """Refuse a table in which two columns have one name."""
    twice = next(each for each, times in Counter(names).items() if times > 1)
    _checks.bad_schema(
        f"columns of {name}", "have different names", f"{twice!r} more than once", "rename or drop one"
    )


def from_block(names: Sequence[str], array: NDArray[Any]) -> list[Column]:
    """Return one numeric or boolean column per row of `array`, which is copied."""
    block = exact(array)
    columns = _from_own(names, block)
    bits = 8 * array.dtype.itemsize
    if block.dtype != np.float64 or bits >= 64:
        return columns
    return [replace(column, bits=bits) for column in columns]


def _from_own(names: Sequence[str], block: NDArray[Any]) -> list[Column]:
    kind: Kind = "boolean" if block.dtype == np.bool_ else "numeric"
    if block.shape[1] == 0:
        return [Column(name, "unknown", row) for name, row in zip(names, block, strict=True)]
    if block.dtype != np.float64:
        return [Column(name, kind, row) for name, row in zip(names, block, strict=True)]
    finite = np.isfinite(block).all(axis=1).tolist()
    return [
        Column(name, kind, row) if clean else _with_gaps(name, row)
        for name, row, clean in zip(names, block, finite, strict=True)
    ]


def exact(array: NDArray[Any]) -> NDArray[Any]:
    """Return a number array as a C-contiguous copy in the widest type of its family.

    Integers stay integers, because identifiers beyond 2**53 would collapse as floats.
    """
    if array.dtype.kind == "b":
        return np.array(array, dtype=np.bool_, order="C")
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.array(array, dtype=np.float64, order="C")
    if array.dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
        return np.array(array, dtype=np.uint64, order="C")
    return np.array(array, dtype=np.int64, order="C")


def masked(
    name: str, kind: Kind, values: NDArray[Any] | None, missing: NDArray[np.bool_], codes: Codes | None = None
) -> Column:
    """Return a column whose kind is unknown if nothing in it is known."""
    if missing.all():
        return Column(name, "unknown", values, missing if missing.size else None)
    return Column(name, kind, values, missing if missing.any() else None, codes=codes)


def _with_gaps(name: str, values: NDArray[np.float64]) -> Column:
    infinite = int(np.count_nonzero(np.isinf(values)))
    if infinite:
        _checks.bad_data(
            f"column {name!r}",
            "be finite",
            f"{infinite} infinite of {len(values)} values",
            "replace an infinity by NaN, which is tested as missing, or by a large finite number",
        )
    return masked(name, "numeric", values, np.isnan(values))
