"""Current rows of one column as they travel: counts of values, or of cells of a reference."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.stats._ks_atoms import Atoms
from contlearn.stats._ks_cells import Counts, cells_in_rows, cells_of, counted, counts_of_rows, together
from contlearn.stats._ks_law import few_rows

__all__ = ["Marginal", "Placed", "keeps_values", "summarized"]

MOST_VALUES = 10_000
"""Rows beyond which values are not kept, however few rows the reference has."""


class Placed(NamedTuple):
    """Rows at or below cells of a reference; and, for each entry, the value where values are known."""

    counts: Counts
    values: NDArray[Any] | None


class Marginal:
    """What the test needs to know of some current rows of one column.

    Attributes
    ----------
    name
        Of the column.
    precision
        In which its values are compared with those of the reference.
    rows
        How many there are.
    values
        The distinct values and their counts, of parts so small that the exact law may be used; else None.
    pending
        Ascending rows, and the reference on whose cells they are counted as soon as they are merged, pickled
        or printed: one comparison, here and now, is faster with the rows.
    """

    __slots__ = ("_cells", "name", "pending", "precision", "rows", "values")

    def __init__(
        self,
        name: str,
        precision: str,
        values: Counts | None = None,
        cells: Counts | None = None,
        pending: tuple[Atoms, NDArray[Any]] | None = None,
    ) -> None:
        self.name = name
        self.precision = precision
        self.values = values
        self._cells = cells
        self.pending = pending
        counts = [each.rows for each in (values, cells) if each is not None]
        self.rows = sum(counts) if pending is None else len(pending[1])

    @property
    def cells(self) -> Counts | None:
        """Counts on the cells of the reference, of all larger parts."""
        if self._cells is None and self.pending is not None:
            self._cells = counted(cells_of(*self.pending))
        return self._cells

    def merge(self, other: Marginal) -> Marginal:
        """Return what is known of both sets of rows; exact, so that order and grouping do not matter."""
        if self.precision != other.precision:
            _checks.bad_data(
                f"column {self.name!r}",
                "have one precision in all parts of a batch",
                " and ".join(sorted((self.precision, other.precision))),
                "convert the parts to one type before they are summarized",
            )
        return Marginal(
            self.name, self.precision, _sum(self.values, other.values), _sum(self.cells, other.cells)
        )

    def placed(self, reference: Atoms) -> Placed:
        """Return where these rows are among those of the reference: the same for all ways to part them.

        Values are used as such when all rows are so few that no part of them can have been counted on cells.
        """
        if self.values is not None and keeps_values(reference.rows, self.rows):
            return Placed(Counts(cells_of(reference, self.values.keys), self.values.ends), self.values.keys)
        if self.values is None:
            return Placed(_sum(self.cells, None), None)
        distinct = counted(cells_of(reference, self.values.keys))
        own = Counts(distinct.keys, self.values.ends[distinct.ends - 1])
        return Placed(_sum(own, self.cells), None)

    def __reduce__(self) -> tuple[Any, ...]:
        return Marginal, (self.name, self.precision, self.values, self.cells)

    def __repr__(self) -> str:
        check = 0
        for counts in (self.values, self.cells):
            for part in counts or ():
                check = zlib.crc32(np.ascontiguousarray(part).view(np.uint8).data, check)
        return f"<{self.rows} rows of {self.name!r} in {self.precision}, {check:08x}>"


def keeps_values(n: int, m: int) -> bool:
    """Whether `m` rows travel as values: while the exact law, which needs to know their ties, is in use."""
    return m <= MOST_VALUES and few_rows(n, m)


def summarized(
    names: Sequence[str], references: Sequence[Atoms], columns: Sequence[NDArray[Any]]
) -> list[Marginal]:
    """Return what travels of columns of one length, each in the precision of its reference."""
    ordered = np.concatenate(columns).reshape(len(columns), -1)
    ordered.sort(axis=1)
    precision, rows = ordered.dtype.name, ordered.shape[1]
    kept = [keeps_values(reference.rows, rows) for reference in references]
    waiting = [each.marks is not None and (each.ends is None or each.ties is not None) for each in references]
    found: dict[int, Marginal] = {}
    for place, (name, reference) in enumerate(zip(names, references, strict=True)):
        if waiting[place] and not kept[place]:
            found[place] = Marginal(name, precision, pending=(reference, ordered[place]))
    values = [place for place, each in enumerate(kept) if each]
    if values:
        for place, counts in zip(values, counts_of_rows(ordered[values]), strict=True):
            found[place] = Marginal(names[place], precision, values=counts)
    rest = [place for place in range(len(names)) if place not in found]
    if rest:
        cells = cells_in_rows([references[place] for place in rest], ordered[rest])
        for place, counts in zip(rest, counts_of_rows(cells), strict=True):
            found[place] = Marginal(names[place], precision, cells=counts)
    return [found[place] for place in range(len(names))]


def _sum(one: Counts | None, two: Counts | None) -> Any:
    if one is None or two is None:
        return two if one is None else one
    return together(one, two)
