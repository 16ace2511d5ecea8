"""Rows of one kind, in order, with the ids that callers gave them.

The first row decides the kind: an array, a frame, or any other object. A store of that kind keeps the rows
and gives them back as they came; `Rows` adds what all kinds share, ids and the choice of the store.

Every change comes in two steps. `fit` and `block` look at what the caller handed in and refuse what does not
belong; `add` and `extend` put it away, arrays and frames as a copy. So a window can check rows, ids and times
before it changes anything. Putting away fails for want of memory only, and then changes nothing either; nor
does Ctrl-C part rows from their ids: a store gets everything ready and returns the steps that make it so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.windows._arrays import ArrayRows
from contlearn.windows._frames import FrameRows, frame_kind
from contlearn.windows._steps import Step, setting, take

Positions = NDArray[np.intp]

# Types that are certainly neither arrays nor frames: the check of one row then costs one look-up.
_PLAIN = frozenset({tuple, dict, list, str, bytes, int, float, complex, bool, type(None)})


class Store(Protocol):
    """What every kind of storage can do; a block is many checked rows in the form the store likes best."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def fit(self, row: Any) -> Any: ...
    def add(self, row: Any) -> int: ...
    def copy(self, row: Any) -> Any: ...
    def block(self, rows: Any) -> Any: ...
    def extending(self, block: Any, drop: int = 0) -> list[Step]: ...  # and let the first `drop` rows go
    def pick(self, block: Any, positions: Positions | slice) -> Any: ...
    def one(self, block: Any, position: int) -> Any: ...
    def drop(self, n: int) -> None: ...
    def keeping(self, positions: Positions) -> list[Step]: ...
    def rows(self) -> Any: ...
    def content(self) -> Any: ...
    @classmethod
    def of(cls, content: Any) -> Self: ...


State = tuple[tuple[type[Store], Any] | None, list[Hashable] | None]


class ListRows:
    """Plain objects, kept as they are handed in and given back in a list."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: deque[Any] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._items))

    def fit(self, row: Any) -> Any:
        if type(row) not in _PLAIN and _kind(row) != "object":
            _checks.bad_schema(
                "row",
                "be a plain object, as the rows before it",
                type(row).__name__,
                "clear() the window before changing the kind of its rows",
            )
        return row

    def add(self, row: Any) -> int:
        self._items.append(row)
        return len(self._items)

    def copy(self, row: Any) -> Any:
        return row

    def block(self, rows: Any) -> list[Any]:
        if not isinstance(rows, list):
            self.fit(rows)
        if not set(map(type, rows)) <= _PLAIN:
            for row in rows:
                self.fit(row)
        return list(rows)

    def extending(self, block: list[Any], drop: int = 0) -> list[Step]:
        return [(self._items.extend, block), *([(self._items.popleft,)] * drop)]

    def pick(self, block: list[Any], positions: Positions | slice) -> list[Any]:
        if isinstance(positions, slice):
            return block[positions]
        return [block[position] for position in positions.tolist()]

    def one(self, block: list[Any], position: int) -> Any:
        return block[position]

    def drop(self, n: int) -> None:
        for _ in range(min(n, len(self._items))):
            self._items.popleft()

    def keeping(self, positions: Positions) -> list[Step]:
        return setting(self, _items=deque(self.pick(list(self._items), positions)))

    def rows(self) -> list[Any]:
        return list(self._items)

    def content(self) -> list[Any]:
        return list(self._items)

    @classmethod
    def of(cls, content: list[Any]) -> Self:
        store = cls()
        store._items.extend(content)
        return store


class Rows:
    """A store that chooses its kind with the first row, and the ids of its rows."""

    __slots__ = ("_ids", "store")

    def __init__(self) -> None:
        self.store: Store | None = None
        # None until the first id is given: rows without ids cost nothing. None inside: a row without an id.
        self._ids: deque[Hashable] | None = None

    def __len__(self) -> int:
        return 0 if self.store is None else len(self.store)

    def __iter__(self) -> Iterator[Any]:
        return iter(()) if self.store is None else iter(self.store)

    def rows(self) -> Any:
        """Return the rows in the form in which they came; an empty list before the first."""
        return [] if self.store is None else self.store.rows()

    def fit(self, row: Any, id_: Hashable = None) -> tuple[Store, Any]:
        """Return the store for `row` and the row as `add` takes it; changes nothing."""
        if id_ is not None:
            hashable("id", id_)
        store = _store_for(row) if self.store is None else self.store
        return store, store.fit(row)

    def add(self, store: Store, row: Any, id_: Hashable = None) -> int:
        """Put away what `fit` returned; return the number of rows."""
        if id_ is None and self._ids is None:
            length = store.add(row)
            self.store = store
            return length
        ids: deque[Hashable] = deque([None] * len(self)) if self._ids is None else self._ids
        try:
            length = store.add(row)
            self.store = store
            ids.append(id_)
            self._ids = ids
        except BaseException:
            self._even_out_the_end(ids)
            raise
        return length

    def append(self, row: Any, id_: Hashable = None) -> int:
        """`fit` and `add` in one step."""
        store = self.store
        if store is None or id_ is not None or self._ids is not None:
            return self.add(*self.fit(row, id_), id_)
        return store.add(store.fit(row))

    def block(self, rows: Any) -> tuple[Store | None, Any, int]:
        """Return the store for many `rows`, the rows as `extend` takes them, and their number; pure."""
        whole = _kind(rows)
        if whole == "object":
            rows = _listed(rows)
        elif whole == "array" and np.ndim(rows) == 0:
            _checks.bad_data("rows", "hold one row each", "a single number", "append() takes one row")
        if len(rows) == 0:
            return self.store, [], 0
        store = self.store
        if store is None:
            store = _store_for(rows[0] if whole == "object" else rows, many=whole != "object")
        return store, store.block(rows), len(rows)

    def extend(
        self, store: Store | None, block: Any, ids: list[Hashable] | None = None, *, drop: int = 0
    ) -> None:
        """Put away what `block` returned and let the oldest `drop` of the rows before it go, or neither."""
        if store is None or len(block) == 0:
            return
        steps = store.extending(block, drop)
        if ids is not None or self._ids is not None:
            steps += self._noting([None] * len(block) if ids is None else ids, drop)
        take([*steps, (setattr, self, "store", store)])

    def drop(self, n: int) -> None:
        """Let the oldest `n` rows go."""
        if self.store is None or n <= 0:
            return
        ids = self._ids
        if ids is None:
            self.store.drop(n)
            return
        left = max(0, len(ids) - n)
        try:
            self.store.drop(n)
            _shorten(ids, left)
        except BaseException:
            self.store.drop(len(self.store) - left)
            _shorten(ids, left)
            raise

    def keep(self, positions: Positions) -> None:
        """Keep the rows at `positions`, in that order, and let the others go."""
        if self.store is None:
            return
        steps = self.store.keeping(positions)
        if self._ids is not None:
            ids = list(self._ids)
            steps += setting(self, _ids=deque(ids[position] for position in positions.tolist()))
        take(steps)

    def forget(self, ids: Iterable[Hashable]) -> int:
        """Let the rows go whose id is one of `ids`; return how many."""
        stay = self.without(ids)
        gone = len(self) - len(stay)
        if gone:
            self.keep(stay)
        return gone

    def without(self, ids: Iterable[Hashable]) -> Positions:
        """Return the positions of the rows whose id is none of `ids`."""
        doomed = set(read_ids(ids))
        doomed.discard(None)
        if self._ids is None or not doomed:
            return np.arange(len(self))
        return np.flatnonzero([each not in doomed for each in self._ids])

    @property
    def ids(self) -> list[Hashable]:
        """One id per row, None where there is none."""
        return [None] * len(self) if self._ids is None else list(self._ids)

    def _noting(self, ids: list[Hashable], drop: int) -> list[Step]:
        """Return the steps that note the ids of new rows and let the oldest `drop` of all go."""
        line = deque([None] * len(self)) if self._ids is None else self._ids
        return [(line.extend, ids), (setattr, self, "_ids", line), *([(line.popleft,)] * drop)]

    def _even_out_the_end(self, ids: deque[Hashable]) -> None:
        """Let go what was interrupted on its way in: a row without a place among the ids, or an id."""
        n = min(len(self), len(ids))
        if self.store is not None and len(self) > n:
            take(self.store.keeping(np.arange(n)))
        while len(ids) > n:
            ids.pop()

    def __getstate__(self) -> State:
        # The content, not the store: a shallow copy that shared a buffer would write into its original's
        # rows.
        content = None if self.store is None else (type(self.store), self.store.content())
        return content, None if self._ids is None else list(self._ids)

    def __setstate__(self, state: State) -> None:
        content, ids = state
        self.store = None if content is None else content[0].of(content[1])
        self._ids = None if ids is None else deque(ids)


def read_ids(ids: Any, n: int | None = None, name: str = "ids") -> list[Hashable]:
    """Return `ids` as a list of hashable values, `n` of them if given."""
    if isinstance(ids, (str, bytes, Mapping)) or not is_collection(ids):
        _checks.bad_data(name, f"be a collection of {name}", ids, "put a single one into a list")
    listed = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
    if n is not None and len(listed) != n:
        _checks.bad_data(name, f"be {n} {name}, one per row", f"{len(listed)}")
    try:
        set(listed)
    except TypeError:
        for each in listed:
            hashable(name, each)
    return listed


def is_collection(value: Any) -> bool:
    """Return whether one can iterate over `value`; an array without a dimension only looks like it."""
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0


def _shorten(line: deque[Any], length: int) -> None:
    """Let the first go, down to a `length`."""
    while len(line) > length:
        line.popleft()


def hashable(name: str, value: object) -> None:
    """Refuse a `value` that is not hashable."""
    try:
        hash(value)
    except TypeError:
        _checks.bad_data(name, "be hashable", value, "use a string, a number or a tuple of them")


def _kind(value: Any) -> str:
    """Return "array", "frame" or "object"; refuse what looks like rows but would lose some of them."""
    if type(value) in _PLAIN:
        return "object"
    if isinstance(value, np.ndarray):
        return "array"
    return frame_kind(value)


def _store_for(sample: Any, *, many: bool = False) -> Store:
    """Return an empty store for rows like `sample`, one row or `many` of them."""
    if isinstance(sample, (np.ndarray, np.generic)):
        return ArrayRows(sample.dtype, sample.shape[1:] if many else sample.shape)
    return FrameRows(sample) if _kind(sample) == "frame" else ListRows()


def _listed(rows: Any) -> Collection[Any]:
    if isinstance(rows, (str, bytes, Mapping)) or not is_collection(rows):
        _checks.bad_data(
            "rows",
            "be an array, a frame or an iterable of rows",
            f"{type(rows).__name__}",
            "append() takes one row",
        )
    return list(rows)
