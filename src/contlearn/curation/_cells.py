"""Cells of class and error, and equal draws from them.

A cell is numbered 2 * class + error; a class that is not divided keeps the even number. Classes are coded in
order of first appearance, so that no draw depends on how the labels are spelled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SMALLEST_CELL = 8
FEWEST_DRAWS = 50
LEFT_OUT = -1


def make_cells(
    codes: NDArray[np.intp], errors: NDArray[np.bool_], left_out: NDArray[np.bool_] | None = None
) -> NDArray[np.intp]:
    """Return the cell of each row; a class with a cell below `SMALLEST_CELL` rows stays whole.

    Rows in `left_out` get `LEFT_OUT`, unless a class would vanish with them.
    """
    cells = np.empty(len(codes), dtype=np.intp)
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        if left_out is not None and not left_out[rows].all():
            cells[rows[left_out[rows]]] = LEFT_OUT
            rows = rows[~left_out[rows]]
        wrong = errors[rows]
        divided = SMALLEST_CELL <= wrong.sum() <= len(rows) - SMALLEST_CELL
        cells[rows] = 2 * code + (wrong if divided else 0)
    return cells


def are_divided(cells: NDArray[np.intp]) -> bool:
    """Return whether any class was divided into right and wrong."""
    return bool(np.any((cells != LEFT_OUT) & (cells % 2 == 1)))


def draw_equal(
    cells: NDArray[np.intp], weights: NDArray[np.float64] | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return an ascending index map with equally many rows from every cell, drawn with replacement.

    As many as the smallest cell has, but at least `FEWEST_DRAWS`; within a cell in proportion to `weights`.
    """
    members = [np.flatnonzero(cells == cell) for cell in np.unique(cells[cells != LEFT_OUT])]
    size = max(FEWEST_DRAWS, min(map(len, members)))
    drawn = [rng.choice(rows, size, p=_shares(weights, rows)) for rows in members]
    return np.sort(np.concatenate(drawn))


def equal_weights(cells: NDArray[np.intp], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return by what to multiply `weights` so that every cell weighs as much as the heaviest: at least 1."""
    _, number = np.unique(cells, return_inverse=True)
    totals = np.bincount(number, weights=weights)
    return np.asarray(totals.max() / totals[number], dtype=np.float64)


def _shares(weights: NDArray[np.float64] | None, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
    return None if weights is None else weights[rows] / weights[rows].sum()
