"""Regions of a table: a tree of cuts at order statistics, whose leaves' shares have a known law.

Each cut goes through one row of the reference, which belongs to no leaf after that, and the rows on its two
sides are cut further. Whatever the columns are in which it is cut, as long as the rows inside did not choose
them, the leaves are statistically equivalent blocks (Tukey 1947): of n + 1 gaps, a leaf with k rows inside
owns k + 1. Cells of such a tree depend on several columns at once, and so see what no column shows by itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Tree(NamedTuple):
    """Cuts by node, breadth first: the children of node i are 2 i + 1 (below the cut) and 2 i + 2.

    Attributes
    ----------
    columns, values, draws
        Where each node cuts: rows whose pair (value, draw) is above goes to the second child.
    gaps
        How many of the reference's n + 1 gaps each leaf owns.
    depth
        Cuts on the way to every leaf.
    """

    columns: tuple[int, ...]
    values: tuple[float, ...]
    draws: tuple[float, ...]
    gaps: tuple[int, ...]
    depth: int

    @classmethod
    def grow(cls, rows: Floats, draws: Floats, depth: int, generator: np.random.Generator) -> Tree:
        """Return a tree over the rows of a reference, each with a uniform draw."""
        parts, paths = [np.arange(len(rows))], [np.zeros(rows.shape[1])]
        columns, values, drawn = [], [], []
        for _ in range(depth):
            below, turns = [], []
            for part, path in zip(parts, paths, strict=True):
                column = int(np.argmin(path + generator.random(rows.shape[1])))  # one that was cut least
                order = part[np.lexsort((draws[part], rows[part, column]))]
                middle = len(order) // 2
                columns.append(column)
                values.append(float(rows[order[middle], column]))
                drawn.append(float(draws[order[middle]]))
                below += [order[:middle], order[middle + 1 :]]
                turns += 2 * [path + (np.arange(rows.shape[1]) == column)]
            parts, paths = below, turns
        return cls(tuple(columns), tuple(values), tuple(drawn), tuple(len(part) + 1 for part in parts), depth)

    def region(self, row: tuple[float, ...], draw: float) -> int:
        """Return the leaf of one row."""
        node = 0
        for _ in range(self.depth):
            value, cut = row[self.columns[node]], self.values[node]
            node = 2 * node + (2 if value > cut or (value == cut and draw > self.draws[node]) else 1)
        return node - len(self.columns)

    def regions(self, rows: Floats, draws: Floats) -> NDArray[np.intp]:
        """Return the leaf of each of many rows."""
        columns, values, drawn = np.array(self.columns), np.array(self.values), np.array(self.draws)
        node, here = np.zeros(len(rows), dtype=np.intp), np.arange(len(rows))
        for _ in range(self.depth):
            value, cut = rows[here, columns[node]], values[node]
            node = 2 * node + np.where((value > cut) | ((value == cut) & (draws > drawn[node])), 2, 1)
        return node - len(self.columns)
