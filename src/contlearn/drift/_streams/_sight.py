"""All that is watched in a stream: every column by itself, and what several columns do together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Kind
from contlearn.drift._streams import _entries
from contlearn.drift._streams._edges import Edges
from contlearn.drift._streams._line import Line, order
from contlearn.drift._streams._recent import Recent
from contlearn.drift._streams._tree import Tree
from contlearn.drift._streams._urn import Urn

Floats = NDArray[np.float64]

_KEPT = (2048, 1024)  # updates that are remembered: of single values, of rows
_TREES = 4
_DEPTH = 4
_PER_LEAF = 8  # rows, at least, lest a leaf say nothing


class _State(NamedTuple):
    urns: tuple[Any, ...]
    recent: Any


class Sight:
    """A reference, and urns over the regions that later values fall into.

    The evidence is an average: of the columns, and where there are several, with the same weight of the
    trees. An average of e-detectors is one, however they depend on each other.

    Parameters
    ----------
    lines, edges
        Of the columns.
    trees
        Over all columns.
    n_reference
        Values or rows of the reference.
    """

    def __init__(self, lines: Sequence[Line], edges: Sequence[Edges], trees: Sequence[Tree], n: int) -> None:
        self.lines = tuple(lines)
        self.edges = tuple(edges)
        self.trees = tuple(trees)
        self.n_reference = n
        gaps = [edges.gaps for edges in self.edges] + [tree.gaps for tree in self.trees]
        self.urns = tuple(Urn(each) for each in gaps)
        self.recent = Recent(len(self.lines), len(self.urns), _KEPT[len(self.lines) > 1])

    @property
    def seen(self) -> int:
        """Updates since the last restart."""
        return self.urns[0].seen

    @property
    def room(self) -> int:
        """How many rows `advance` can take in one go."""
        return self.urns[0].room

    def row(self, x: Any) -> tuple[float, ...]:
        """Return the places of one value or of one row as it was read."""
        if type(x) is float:
            return (x,)
        cells = x if isinstance(x, tuple) else (x,)
        return tuple([line.place(cell) for line, cell in zip(self.lines, cells, strict=True)])

    def rows(self, values: NDArray[Any]) -> Floats:
        """Return the places of many values or rows as they were read, one row each."""
        if values.dtype == np.float64 and all(line.ordered for line in self.lines):
            return values.reshape(len(values), len(self.lines))
        columns = [values] if values.ndim == 1 else values.T
        return np.column_stack([line.places(each) for line, each in zip(self.lines, columns, strict=True)])

    def restart(self) -> None:
        """Forget what was seen."""
        for urn in self.urns:
            urn.restart()

    def checkpoint(self) -> _State:
        """Return all that an update changes."""
        return _State(tuple(urn.checkpoint() for urn in self.urns), self.recent.checkpoint())

    def rollback(self, state: _State) -> None:
        """Go back to a checkpoint, which may be used once."""
        for urn, each in zip(self.urns, state.urns, strict=True):
            urn.rollback(each)
        self.recent.rollback(state.recent)

    def step(self, row: tuple[float, ...], draw: float) -> float:
        """Take in the places of one row; return the evidence."""
        if len(row) == 1:  # the same, in less time
            region = self.edges[0].region(row[0], draw)
            self.recent.put_one(row[0], region)
            return self.urns[0].step(region)
        regions = [edges.region(place, draw) for edges, place in zip(self.edges, row, strict=True)]
        regions += [tree.region(row, draw) for tree in self.trees]
        self.recent.put(row, regions)
        wealth = [urn.step(region) for urn, region in zip(self.urns, regions, strict=True)]
        evidence: float = self._together(wealth, 0.0, 0.0)
        return evidence

    def advance(self, rows: Floats, draws: Floats) -> Floats:
        """Take in the places of many rows, at most `room`; return the evidence after each."""
        regions = [edges.regions(places, draws) for edges, places in zip(self.edges, rows.T, strict=True)]
        regions += [tree.regions(rows, draws) for tree in self.trees]
        self.recent.put_many(rows, regions)
        wealth = [urn.advance(each) for urn, each in zip(self.urns, regions, strict=True)]
        evidence: Floats = self._together(wealth, np.zeros(len(rows)), np.zeros(len(rows)))
        return evidence

    def _together(self, wealth: list[Any], evidence: Any, joint: Any) -> Any:
        """Return the evidence of all, of one update or of many, added in the same order."""
        n = len(self.lines)
        for each in wealth[:n]:
            evidence = evidence + each
        if not self.trees:
            return evidence / n
        for each in wealth[n:]:
            joint = joint + each
        return 0.5 * (evidence / n) + 0.5 * (joint / len(self.trees))


def learn(
    columns: Sequence[NDArray[Any]], kinds: Sequence[Kind], bins: int, generator: np.random.Generator
) -> Sight:
    """Return what to watch, learnt from the columns of a reference, whose rows may come in any order.

    Where there are categories, a random half of the rows settles their order, and the other half the edges.
    """
    keys = [_key(values, kind) for values, kind in zip(columns, kinds, strict=True)]
    rows = np.lexsort(keys[::-1])
    first = rows[:0]
    if any(kind in _entries.LABELS for kind in kinds):
        shuffled = generator.permutation(len(rows))
        half = len(rows) // 2
        first, rows = rows[shuffled[:half]], rows[np.sort(shuffled[half:])]
    lines = [
        Line.of_labels(values, values[first], kind)
        if kind in _entries.LABELS
        else Line.of_numbers(_entries.numbers(values, kind), kind)
        for values, kind in zip(columns, kinds, strict=True)
    ]
    pairs = zip(lines, columns, strict=True)
    places = np.column_stack([line.places(values[rows]) for line, values in pairs])
    draws = generator.random(len(places))
    edges = [Edges.of(column, draws, bins) for column in places.T]
    return Sight(lines, edges, _trees(places, draws, generator), len(keys[0]))


def _key(values: NDArray[Any], kind: Kind) -> Floats:
    """Return numbers by which rows can be sorted, whatever order they came in."""
    if kind not in _entries.LABELS:
        return _entries.numbers(values, kind)
    ranked = {label: float(place) for place, label in enumerate(sorted(set(values), key=order))}
    return np.array([ranked[label] for label in values])


def _trees(places: Floats, draws: Floats, generator: np.random.Generator) -> list[Tree]:
    depth = min(_DEPTH, int((len(places) + 1) / _PER_LEAF).bit_length() - 1)
    if places.shape[1] < 2 or depth < 1:
        return []
    return [Tree.grow(places, draws, depth, generator) for _ in range(_TREES)]
