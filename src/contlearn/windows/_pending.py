"""Predictions that wait for their labels."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Literal, final

import numpy as np

from contlearn import _checks
from contlearn.windows._frames import frame_kind
from contlearn.windows._rows import hashable, is_collection, read_ids
from contlearn.windows._times import Point, TimeAxis, is_timed, span

Gone = Literal["repeated", "late"]

_COUNTS = ("answered", "evicted", "expired", "late", "repeated", "replaced", "unknown")


@final
class PendingLabels:
    """Keep what was predicted, by key, until its label comes.

    `put` a row under a key when predicting, `pop` it when the label arrives. A label whose row is not there
    gets None and is counted by its reason; nothing is guessed, and the same label delivered twice is learnt
    once.

    Parameters
    ----------
    size
        Most rows to wait for. When one more comes, the row that was put first goes. At least 1.
    max_age
        Longest wait: a row put longer ago is no longer given out. A timedelta when `at` is a datetime,
        otherwise a number above 0 in the unit of `at`. None: any wait, and `at` is neither needed nor looked
        at.

    Notes
    -----
    `counts` says what became of rows and labels.

    ============  ==========================================================================================
    of rows
    ============  ==========================================================================================
    ``answered``  their label came in time
    ``evicted``   went for want of room, the oldest first
    ``expired``   went when they were found older than `max_age`: by `expire`, by `pop`, or when room was made
    ``replaced``  another row was put under the same key: the last one counts, and waits from its own `at`
    ============  ==========================================================================================

    ============  ==========================================================================================
    of labels
    ============  ==========================================================================================
    ``late``      came when their row had expired or been evicted, so also counted above
    ``repeated``  came once more for a row that had been answered
    ``unknown``   nothing known by this key
    ============  ==========================================================================================

    Keys that have gone are remembered, to tell ``late`` and ``repeated`` from ``unknown``: at least the last
    `size` of them and at most twice as many. A key that is put again waits again.

    Each `put` and `pop` looks at its own key only, so that a wrong `at` harms no other row; call `expire`
    from time to time, for until then rows that are too old take room. Threads may share one object:
    predictions may come in one and labels in another. A row that is an array is copied; a tuple or a dict is
    kept as it is, so do not change what is in it.

    Cost: about a microsecond per event, a little more with dates; `expire` looks at rows from the oldest on
    and stops at the first that may stay (at all of them where times did not come in order).

    Examples
    --------
    >>> from contlearn.windows import PendingLabels
    >>> pending = PendingLabels(size=1000, max_age=48)
    >>> pending.put("flight 11", (0.3, "late"), at=0)
    >>> pending.put("flight 12", (0.1, "on time"), at=1)
    >>> pending.pop("flight 11", at=5)
    (0.3, 'late')
    >>> pending.pop("flight 11", at=6) is None
    True
    >>> pending.expire(at=100)
    1
    >>> {reason: n for reason, n in pending.counts.items() if n}
    {'answered': 1, 'expired': 1, 'repeated': 1}
    """

    def __init__(self, size: int, max_age: Any = None) -> None:
        _checks.count("size", size)
        self._limit = None if max_age is None else span("max_age", max_age, above=True)
        self.size = size
        self.max_age = max_age
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Become as new: nothing waits, nothing is remembered, all counts are 0."""
        with self._lock:
            self._waiting: OrderedDict[Hashable, tuple[Any, Point]] = OrderedDict()
            self._ordered = True  # whether the times of the waiting rows never went back
            # keys that have gone, in two halves: when the first is full it becomes the second, which is let
            # go
            self._gone: dict[Hashable, Gone] = {}
            self._gone_before: dict[Hashable, Gone] = {}
            self._axis = TimeAxis(is_timed(self.max_age))
            self._counts = dict.fromkeys(_COUNTS, 0)

    @property
    def counts(self) -> dict[str, int]:
        """What became of rows and labels so far; see the notes of the class."""
        with self._lock:
            return dict(self._counts)

    def put(self, key: Hashable, row: Any, at: Any = None) -> None:
        """Let `row` wait under `key`.

        Parameters
        ----------
        key
            Any hashable name. If a row waits under it already, the new one takes its place.
        row
            What to give back when the label comes.
        at
            When the prediction was made; needed if there is a `max_age`.

        Raises
        ------
        InvalidInputError
            The key is not hashable, or `at` is missing, not finite, or not comparable with the times before
            it.
        """
        hashable("key", key)
        with self._lock:
            self._put(key, _own(row), self._read(at))

    def put_many(self, keys: Iterable[Hashable], rows: Any, at: Any = None) -> None:
        """Let many rows wait, exactly as repeated `put` would.

        Parameters
        ----------
        keys
            One key per row.
        rows
            An array with one row along its first axis, or an iterable of rows. Not a frame: its rows are slow
            to take apart; put ``frame.to_dict("records")``, or the numbers of its rows.
        at
            One time per row, or one for all.
        """
        keys = read_ids(keys, name="keys")
        listed = _listed(rows)
        _checks.same_length(keys=keys, rows=listed)
        with self._lock:
            for key, row, time in zip(keys, listed, self._read_many(at, len(keys)), strict=True):
                self._put(key, _own(row), time)

    def pop(self, key: Hashable, at: Any = None) -> Any:
        """Return the row that waits under `key` and let it go; None, and counted, if there is none.

        Parameters
        ----------
        key
            The key it was put under.
        at
            When the label came; needed if there is a `max_age`.
        """
        hashable("key", key)
        with self._lock:
            return self._pop(key, self._read(at))

    def pop_many(self, keys: Iterable[Hashable], at: Any = None) -> list[Any]:
        """Return for each key what `pop` would; `at` is one time per key, or one for all."""
        keys = read_ids(keys, name="keys")
        with self._lock:
            times = self._read_many(at, len(keys))
            return [self._pop(key, time) for key, time in zip(keys, times, strict=True)]

    def expire(self, at: Any = None) -> int:
        """Let the rows go that are older than `max_age` at the time `at`; return how many went.

        Without a `max_age` there are none.
        """
        with self._lock:
            if self._limit is None:
                return 0
            now = self._read(at)
            old = self._older(now, self._limit)
            for key in old:
                del self._waiting[key]
                self._remember(key, "late")
            self._counts["expired"] += len(old)
            return len(old)

    def forget(self, keys: Iterable[Hashable]) -> int:
        """Let the rows of `keys` go and remember nothing about them; return how many rows went."""
        doomed = read_ids(keys, name="keys")
        with self._lock:
            before = len(self._waiting)
            for key in doomed:
                for memory in (self._waiting, self._gone, self._gone_before):
                    memory.pop(key, None)
            return before - len(self._waiting)

    def _older(self, now: Point, limit: Point) -> list[Hashable]:
        """Return the keys that have waited longer than `limit`."""
        old: list[Hashable] = []
        previous, ordered = None, True
        for key, (_, time) in self._waiting.items():
            if now - time > limit:
                old.append(key)
            elif self._ordered:
                return old
            else:  # all must be looked at; see whether those that stay are in order at last
                ordered = ordered and (previous is None or previous <= time)
                previous = time
        self._ordered = ordered
        return old

    def _put(self, key: Hashable, row: Any, time: Point) -> None:
        waiting = self._waiting
        if key in waiting:
            del waiting[key]
            self._counts["replaced"] += 1
        elif len(waiting) >= self.size:
            oldest = next(iter(waiting))
            expired = self._limit is not None and time - waiting[oldest][1] > self._limit
            del waiting[oldest]
            self._counts["expired" if expired else "evicted"] += 1
            self._remember(oldest, "late")
        if not waiting:
            self._ordered = True
        elif self._ordered and self._limit is not None:
            self._ordered = waiting[next(reversed(waiting))][1] <= time
        waiting[key] = (row, time)

    def _pop(self, key: Hashable, time: Point) -> Any:
        found = self._waiting.get(key)
        if found is None:
            self._counts[self._gone.get(key) or self._gone_before.get(key) or "unknown"] += 1
            return None
        row, since = found
        expired = self._limit is not None and time - since > self._limit
        del self._waiting[key]
        if expired:
            self._counts["expired"] += 1
            self._counts["late"] += 1
            self._remember(key, "late")
            return None
        self._counts["answered"] += 1
        self._remember(key, "repeated")
        return row

    def _remember(self, key: Hashable, reason: Gone) -> None:
        """Remember what the next label for `key` is to be counted as."""
        if len(self._gone) >= self.size:
            self._gone, self._gone_before = {}, self._gone
        self._gone[key] = reason

    def _read(self, at: Any) -> Point:
        """Return `at` as a number; 0 where no age is asked for."""
        if self._limit is None:
            return 0
        self._axis.zone, time = self._axis.read(_given(at))
        return time

    def _read_many(self, at: Any, n: int) -> list[Point]:
        if self._limit is None:
            return [0] * n
        self._axis.zone, times = self._axis.read_many(_given(at), n)
        return times

    def __contains__(self, key: object) -> bool:
        hashable("key", key)
        with self._lock:
            return key in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Hashable]:
        """Iterate over the keys that wait, the oldest first, as they were when the iteration began."""
        with self._lock:
            return iter(list(self._waiting))

    def __repr__(self) -> str:
        return f"PendingLabels(size={self.size!r}, max_age={self.max_age!r})"

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {
                "arguments": (self.size, self.max_age),
                "waiting": list(self._waiting.items()),
                "ordered": self._ordered,
                "gone": (dict(self._gone), dict(self._gone_before)),
                "zone": self._axis.zone,
                "counts": dict(self._counts),
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(*state["arguments"])  # type: ignore[misc]
        self._waiting.update(state["waiting"])
        self._ordered = state["ordered"]
        self._gone, self._gone_before = map(dict, state["gone"])
        self._axis.zone = state["zone"]
        self._counts.update(state["counts"])


def _own(row: Any) -> Any:
    return row.copy() if isinstance(row, np.ndarray) else row


def _given(at: Any) -> Any:
    if at is None:
        _checks.bad_data("at", "be given, as there is a max_age", at)
    return at


def _listed(rows: Any) -> list[Any]:
    if isinstance(rows, (str, bytes, dict)) or not is_collection(rows) or frame_kind(rows) == "frame":
        _checks.bad_data(
            "rows", "be an array or an iterable of rows", type(rows).__name__, "put() takes one row"
        )
    return list(rows)
