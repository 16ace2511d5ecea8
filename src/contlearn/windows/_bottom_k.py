"""The rows with the smallest random keys: what every reservoir is made of.

Give each row a random key and keep the `size` rows with the smallest: the keys decide the law, and the
smallest keys of a whole are among the smallest of its parts, so two such samples merge exactly.

Rows are taken in as candidates while their key lies below the last known limit, and cut down to `size` when
there are twice as many, or when someone looks. So a row costs a few hundred nanoseconds however large the
sample is, and the rows keep their order of arrival.

The limit is the key that comes next after those of the sample. When rows are forgotten it becomes the rate at
which new ones are taken in, and has to be on average the rate k / n of those held. Of n uniform keys the k-th
is k / (n + 1) on average and the next (k + 1) / (n + 1): the point k / n of the way from the one to the other
is right.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.windows._rows import Rows, Store


class BottomK:
    """All rows seen whose key lies below `limit`, but at most the `size` rows with the smallest keys."""

    __slots__ = ("_rows", "base", "keys", "limit", "passed", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.limit = 1.0
        self.base = 1.0  # the limit when rows were last forgotten
        self.passed: float = 0  # rows seen whose key lies below `base`, less those forgotten
        self.keys: list[float] = []
        self._rows = Rows()

    def __len__(self) -> int:
        return min(len(self.keys), self.size)

    def __iter__(self) -> Iterator[Any]:
        self.settle()
        return iter(self._rows)

    def fit(self, row: Any, id_: Hashable) -> tuple[Store, Any]:
        return self._rows.fit(row, id_)

    def block(self, rows: Any) -> tuple[Store | None, Any, int]:
        return self._rows.block(rows)

    def add(self, key: float, store: Store, row: Any, id_: Hashable) -> None:
        """Take in one checked row with its key; an error leaves everything as it was."""
        if len(self.keys) >= 2 * self.size + 32:
            self.settle()
        if key < self.limit:
            self._rows.add(store, row, id_)
            self.keys.append(key)
        self.passed += key < self.base

    def extend(self, keys: NDArray[np.float64], store: Store, block: Any, ids: list[Hashable] | None) -> None:
        """Take in a checked block of rows with their keys, as repeated `add` would."""
        if len(self.keys) >= 2 * self.size + 32:
            self.settle()
        limit = self.limit
        chosen = np.flatnonzero(keys < limit)
        if len(chosen) > self.size:
            best, limit = _smallest(keys[chosen], self.size)
            chosen = chosen[best]
        names = None if ids is None else [ids[position] for position in chosen.tolist()]
        self._rows.extend(store, store.pick(block, chosen), names)
        self.keys += keys[chosen].tolist()
        self.limit = limit
        self.passed += int(np.count_nonzero(keys < self.base))

    def settle(self) -> None:
        """Cut the candidates down to the sample; nothing that anybody can see changes."""
        if len(self.keys) > self.size:
            keys = np.array(self.keys)
            best, following = _smallest(keys, self.size)
            self._rows.keep(best)
            self.keys = keys[best].tolist()
            self.limit = min(self.limit, following)

    def rows(self) -> Any:
        self.settle()
        return self._rows.rows()

    def forget(self, ids: Iterable[Hashable]) -> int:
        """Let rows go by id. The others remain all that lie below the limit."""
        self.settle()
        stay = self._rows.without(ids)
        gone = len(self.keys) - len(stay)
        if gone:
            self._rows.keep(stay)
            if self.passed > self.size == len(self.keys):  # rows were turned away since `base` was set
                last = max(self.keys)
                self.limit = last + (self.limit - last) * self.size / self.passed
            self.base = self.limit
            self.keys = [self.keys[position] for position in stay.tolist()]
            self.passed = len(stay)
        return gone

    def merge(self, other: BottomK) -> BottomK:
        """Return the bottom of both together: complete below the lower of the two limits."""
        whole = BottomK(min(self.size, other.size))
        for part in (self, other):
            part.settle()
            if whole._rows.store is None:
                whole._rows.__setstate__(part._rows.__getstate__())
            else:
                store, block, _ = whole._rows.block(part._rows.rows())
                whole._rows.extend(store, block, part._rows.ids)
            whole.keys += part.keys
        whole.limit = min(self.limit, other.limit)
        whole.base = min(self.base, other.base)
        whole.passed = self._passed_below(whole.base) + other._passed_below(whole.base)
        below = np.flatnonzero(np.array(whole.keys) < whole.limit)
        if len(below) < len(whole.keys):
            whole._rows.keep(below)
            whole.keys = [whole.keys[position] for position in below.tolist()]
        whole.settle()
        return whole

    def redrawn(self, rng: np.random.Generator) -> BottomK:
        """Return the same sample with fresh keys of the same law: given the limit they are uniform below it.

        Where nothing was forgotten, the limit is drawn afresh as well: the key that comes next of all seen.
        """
        self.settle()
        twin = BottomK(self.size)
        twin.__setstate__(self.__getstate__())
        if self.base == 1.0 and self.passed > self.size:
            twin.limit = float(rng.beta(self.size + 1.0, self.passed - self.size))
        twin.keys = (twin.limit * rng.random(len(self.keys))).tolist()
        return twin

    def _passed_below(self, base: float) -> float:
        """Return how many rows were seen below `base`; an estimate where some were turned away."""
        if self.base <= base or base > self.limit:
            return self.passed * base / self.base
        return sum(key < base for key in self.keys)

    def __getstate__(self) -> tuple[Any, ...]:
        self.settle()
        return self.size, self.limit, self.base, self.passed, list(self.keys), self._rows.__getstate__()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.size, self.limit, self.base, self.passed, self.keys, rows = state
        self._rows = Rows()
        self._rows.__setstate__(rows)


def _smallest(keys: NDArray[np.float64], n: int) -> tuple[NDArray[np.intp], float]:
    """Return the positions of the `n` smallest keys, in the order in which they stand, and the next key."""
    order = np.argpartition(keys, n)
    return np.sort(order[:n]), float(keys[order[n]])
