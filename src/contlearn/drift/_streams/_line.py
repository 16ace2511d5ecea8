"""One column of a reference, laid out on a line: where each value lies among the reference's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Kind
from contlearn.drift._streams import _entries

Floats = NDArray[np.float64]

UNSEEN = -1.0  # place of a category that the reference's first half did not have: before all others


@dataclass(frozen=True, slots=True)
class Line:
    """Places of the values of a column: numbers are their own; categories have one by how common they are.

    Attributes
    ----------
    kind
        Of the values.
    labels
        Categories in the order of their places, the rarest first; none where values have an order.
    codes
        Their places.
    ascending
        Numbers of the reference that are not missing, sorted; with labels, none.
    counts
        How often the reference has each of the labels.
    missing
        How many values of the reference are missing.
    n, n_second
        How many values the reference has, and the half of it that did not settle which labels there are.
    """

    kind: Kind
    labels: tuple[Any, ...]
    codes: dict[Any, float]
    ascending: Floats
    counts: tuple[int, ...]
    missing: int
    n: int
    n_second: int

    @classmethod
    def of_numbers(cls, numbers: Floats, kind: Kind) -> Line:
        """Return the line of values that have an order."""
        known = np.sort(numbers[numbers != _entries.MISSING])
        n = len(numbers)
        return cls(kind, (), {}, known, (), n - len(known), n, 0)

    @classmethod
    def of_labels(cls, labels: NDArray[Any], first: NDArray[Any], kind: Kind) -> Line:
        """Return the line of categories; only those in `first`, a part of the labels, are told apart.

        The order comes from values that no edge is taken from. If it came from those, the common ones would
        look more common than they are, and new ones would have no place that exchangeable values have.
        """
        known = Counter(label for label in first if label is not None)
        ranked = sorted(known, key=lambda label: (known[label], *order(label)))
        every = Counter(label for label in labels if label is not None)
        counts = tuple(every[label] for label in ranked)
        codes = {label: float(place) for place, label in enumerate(ranked)}
        n = len(labels)
        return cls(kind, tuple(ranked), codes, np.empty(0), counts, n - every.total(), n, n - len(first))

    @property
    def others(self) -> int:
        """How many values of the second half have a label that the first one does not have."""
        return self.n - self.missing - sum(self.counts)

    @property
    def ordered(self) -> bool:
        """Whether the values have an order of their own."""
        return self.kind not in _entries.LABELS

    def place(self, value: Any) -> float:
        """Return the place of one value as it was read."""
        if self.ordered:
            return _entries.number(value, self.kind)
        return _entries.MISSING if value is None else self.codes.get(value, UNSEEN)

    def places(self, values: NDArray[Any]) -> Floats:
        """Return the place of each of many values as they were read."""
        if self.ordered:
            return _entries.numbers(values, self.kind)
        find = self.codes.get
        return np.array([_entries.MISSING if each is None else find(each, UNSEEN) for each in values])


def order(label: Any) -> tuple[str, str]:
    """Return a key by which labels of any types can be sorted."""
    return ("", "") if label is None else (type(label).__name__, str(label))
