"""Rows in the order of their times, cheap at the end and correct in the middle."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Hashable, Iterable
from operator import itemgetter
from typing import Any

import numpy as np

from contlearn.windows._rows import Rows, Store
from contlearn.windows._times import Point

# (time, row, id) of a row that came late and waits for its place among the others
Late = tuple[Point, Any, Hashable]

_MOST_LATE = 1024  # late rows that may wait; putting them in their place copies all rows


class Timeline:
    """Rows sorted by time, those of one time by arrival.

    Rows in order go straight to the end. A late row waits aside until somebody looks, since putting it in its
    place moves every row behind it; all that wait are then put in their places by one copy.
    """

    __slots__ = ("_gone", "_late", "_rows", "_times")

    def __init__(self) -> None:
        self._rows = Rows()
        self._times: list[Point] = []  # of the rows; the first `_gone` belong to rows that have gone
        self._gone = 0
        self._late: list[Late] = []  # in order of time

    def __len__(self) -> int:
        return len(self._rows) + len(self._late)

    @property
    def waiting(self) -> bool:
        """Whether late rows wait for their place."""
        return bool(self._late)

    def settled(self) -> Rows:
        """Return the rows with every late one in its place."""
        store = self._rows.store
        if self._late and store is not None:
            for _, row, id_ in self._late:
                self._rows.add(store, row, id_)
            times = [time for time, *_ in self._late]
            self._late = []
            self._arrange(times)
        return self._rows

    def fit(self, row: Any, id_: Hashable) -> tuple[Store, Any]:
        return self._rows.fit(row, id_)

    def block(self, rows: Any) -> tuple[Store | None, Any, int]:
        return self._rows.block(rows)

    def append(self, time: Point, store: Store, row: Any, id_: Hashable) -> None:
        """Take in a row that is not older than any other."""
        self._rows.add(store, row, id_)
        self._times.append(time)

    def insert(self, time: Point, store: Store, row: Any, id_: Hashable) -> None:
        """Take in a row that came late."""
        late = (time, store.copy(row), id_)
        self._rows.store = store  # it may be the first row of all, after time was moved on by hand
        insort(self._late, late, key=itemgetter(0))
        if len(self._late) >= _MOST_LATE:
            self.settled()

    def extend(self, times: list[Point], store: Store, block: Any, ids: list[Hashable] | None) -> None:
        """Take in a block in order of time, not older than any other row."""
        self._rows.extend(store, block, ids)
        self._times += times

    def extend_bounded(
        self,
        times: list[Point],
        store: Store,
        block: Any,
        ids: list[Hashable] | None,
        *,
        duration: Point,
        size: int,
    ) -> int:
        """`extend`, letting rows go by age and for want of room just as they would go one by one.

        No late row may wait. Returns how many went for want of room.
        """
        held = len(self._rows)
        times = self._times[self._gone :] + times
        first = evicted = 0
        for stop in range(held + 1, len(times) + 1):
            newest = times[stop - 1]
            while newest - times[first] >= duration:
                first += 1
            if stop - first > size:
                first += 1
                evicted += 1
        skip = max(0, first - held)
        names = None if ids is None else ids[skip:]
        self._rows.extend(store, store.pick(block, slice(skip, None)), names, drop=min(first, held))
        self._times, self._gone = times[first:], 0
        return evicted

    def merge(self, times: list[Point], store: Store, block: Any, ids: list[Hashable] | None) -> None:
        """Take in a block that is in the order of arrival, not of time."""
        self.settled()
        order = sorted(range(len(times)), key=times.__getitem__)
        block = store.pick(block, np.array(order, np.intp))
        self._rows.extend(store, block, None if ids is None else [ids[position] for position in order])
        self._arrange([times[position] for position in order])

    def drop_old(self, newest: Point, duration: Point) -> None:
        """Let the rows go that lie `duration` or more behind `newest`."""
        # newest - time on purpose, not time < newest - duration: floats round the two differently
        times, first = self._times, self._gone
        while first < len(times) and newest - times[first] >= duration:
            first += 1
        if first > self._gone:
            self._drop_first(first - self._gone)
        if self._late:
            old = 0
            while old < len(self._late) and newest - self._late[old][0] >= duration:
                old += 1
            del self._late[:old]

    def drop_oldest(self) -> None:
        """Let one row go, the first in order."""
        if self._late and (not len(self._rows) or self._late[0][0] < self._times[self._gone]):
            del self._late[0]
        else:
            self._drop_first(1)

    def forget(self, ids: Iterable[Hashable]) -> int:
        """Let the rows go whose id is one of `ids`; return how many."""
        rows = self.settled()
        stay = rows.without(ids)
        gone = len(rows) - len(stay)
        if gone:
            rows.keep(stay)
            times = self._times[self._gone :]
            self._times, self._gone = [times[position] for position in stay.tolist()], 0
        return gone

    def _arrange(self, new: list[Point]) -> None:
        """Bring the last rows, whose times are `new` and in order, among the others."""
        times = self._times[self._gone :]
        places = [bisect_right(times, time) for time in new]
        order = np.insert(np.arange(len(times)), places, np.arange(len(times), len(times) + len(new)))
        self._rows.keep(order)
        times += new
        times.sort()  # stable, and quick on two sorted runs: the same order
        self._times, self._gone = times, 0

    def _drop_first(self, n: int) -> None:
        self._rows.drop(n)
        self._gone += n
        if 2 * self._gone > len(self._times):  # so that each time is moved about once
            del self._times[: self._gone]
            self._gone = 0

    def __getstate__(self) -> tuple[Any, list[Point]]:
        return self.settled().__getstate__(), self._times[self._gone :]

    def __setstate__(self, state: tuple[Any, list[Point]]) -> None:
        self.__init__()  # type: ignore[misc]
        self._rows.__setstate__(state[0])
        self._times = list(state[1])
