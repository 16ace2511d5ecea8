"""The gain of a metric as a function of resample weights: of sums, of ranks, or of a callable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contlearn.gates._rank_metrics import Ranked
from contlearn.gates._sum_metrics import Sums

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_FEW_SUMS = 62  # columns of zeros and ones that fit into the bits of one integer


class Paired(Protocol):
    """Both models' values of a metric, from how often each unit is drawn.

    Attributes
    ----------
    counts
        How often each unit is there: ones for rows and clusters, numbers of rows for cells of equal rows.
    blocks_at_most
        Into how many blocks the units are joined before they are left out in turn; 0: each unit by itself.
    width
        Numbers per resample that `values` handles, where these are more than units.
    """

    counts: Codes
    blocks_at_most: int
    width: int

    def values(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the values of champion and challenger, each of shape (resamples,)."""
        ...


class OfSums:
    """Metrics of sums: one matrix product of weights with what each row, cell or cluster adds."""

    blocks_at_most = 0
    width = 0

    def __init__(self, champion: Sums, challenger: Sums, codes: Codes | None) -> None:
        rows = np.ones((len(champion.columns), 1))
        table = np.hstack([rows, champion.columns, challenger.columns])
        self.counts, self._table = _by_cell(table) if codes is None else _by_cluster(table, codes)
        self._split = 1 + champion.columns.shape[1]
        self._finish = champion.finish, challenger.finish

    def values(self, weights: Floats) -> tuple[Floats, Floats]:
        return self._of(weights @ self._table)

    def without_each(self) -> tuple[Floats, Floats]:
        """Return the values without one of each unit in turn."""
        return self._of(self.counts @ self._table - self._table)

    def _of(self, sums: Floats) -> tuple[Floats, Floats]:
        rows, (one, other) = sums[:, 0], self._finish
        with np.errstate(invalid="ignore", divide="ignore"):
            return one(sums[:, 1 : self._split], rows), other(sums[:, self._split :], rows)


class OfRanks:
    """Metrics of ranks: counts on scores that are sorted once."""

    blocks_at_most = 1_000

    def __init__(self, champion: Ranked, challenger: Ranked, n: int, codes: Codes | None) -> None:
        self._models, self._codes, self.width = (champion, challenger), codes, n
        self.counts = np.ones(n if codes is None else int(codes.max()) + 1, dtype=np.intp)

    def values(self, weights: Floats) -> tuple[Floats, Floats]:
        drawn = weights if self._codes is None else weights[:, self._codes]
        champion, challenger = self._models
        return champion(drawn), challenger(drawn)


class OfCalls:
    """Any functions of row weights, one per model, asked once per resample."""

    blocks_at_most = 200

    def __init__(
        self,
        champion: Callable[[Floats], float],
        challenger: Callable[[Floats], float],
        n: int,
        codes: Codes | None,
    ) -> None:
        self._models, self._codes, self.width = (champion, challenger), codes, n
        self.counts = np.ones(n if codes is None else int(codes.max()) + 1, dtype=np.intp)

    def values(self, weights: Floats) -> tuple[Floats, Floats]:
        drawn = weights if self._codes is None else weights[:, self._codes]
        one, other = (np.array([model(each) for each in drawn], dtype=np.float64) for model in self._models)
        return one, other


def _by_cell(table: Floats) -> tuple[Codes, Floats]:
    """Return equal rows as one cell, where the rows are zeros and ones: there are few kinds of them."""
    n, columns = table.shape
    if columns > _FEW_SUMS or not ((table == 0.0) | (table == 1.0)).all():
        ones: Codes = np.ones(n, dtype=np.intp)
        return ones, table
    code = table.astype(np.int64) @ (1 << np.arange(columns, dtype=np.int64))
    _, first, counts = np.unique(code, return_index=True, return_counts=True)
    many: Codes = counts.astype(np.intp)
    cells: Floats = table[first]
    return many, cells


def _by_cluster(table: Floats, codes: Codes) -> tuple[Codes, Floats]:
    sums = np.column_stack([np.bincount(codes, weights=column) for column in table.T]).astype(np.float64)
    return np.ones(len(sums), dtype=np.intp), sums
