"""The rows of the last hours, days or ticks, whatever order they arrive in."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.windows._rows import Store, read_ids
from contlearn.windows._timeline import Timeline
from contlearn.windows._times import Point, TimeAxis, comparable, is_timed, span

Outcome = Literal["added", "late", "dropped"]
_OUTCOMES: tuple[Outcome, ...] = ("added", "late", "dropped")
_FEW = 8  # rows below which numpy is slower than taking them one by one


@final
class TimeWindow:
    """Keep the rows of the last `duration` of event time.

    A row is in the window while the newest time seen is less than `duration` ahead of it. Time is what `at`
    says; there is no clock. Each `append` says what became of its row:

    - ``"added"``: at the newest time or after it;
    - ``"late"``: behind the newest by at most `allowed_lateness`, and put at its place in the order of time;
    - ``"dropped"``: later than that, or older than the window: not stored, and nothing inside changes.

    Parameters
    ----------
    duration
        Length of the window: a timedelta when `at` is a datetime (with or without a zone, but not mixed), a
        `numpy.datetime64` or a `pandas.Timestamp`; otherwise a number above 0 in the unit of `at`.
    allowed_lateness
        How far behind the newest time a row may come, in the unit of `duration`; at least 0.
    size
        Most rows to keep; the oldest go first, counted as ``"evicted"``. At least 1.
    horizon
        How far ahead of the newest time a row may come, in the unit of `duration`. None: any distance.

    Notes
    -----
    **One wrong time in the far future empties the window**: it becomes the newest, everything else is old,
    and the rows that follow are dropped. Where times come from outside, set `horizon`: a row further ahead
    raises an error and leaves the window as it was; after a true gap, `expire` moves the newest time on by
    hand. Without a `horizon`, rising ``counts["dropped"]`` is the sign, and `clear` the cure.

    Rows come back as they went in, see `SlidingWindow`; rows of the same time in the order of arrival. Cost,
    arrays: about two microseconds per row; a late row waits until somebody reads, and all that wait are then
    merged by one copy of the window. Memory is at most about ``2 * size`` rows. Not to be shared by threads
    without a lock.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> from contlearn.windows import TimeWindow
    >>> window = TimeWindow(timedelta(hours=2), allowed_lateness=timedelta(minutes=30))
    >>> window.append("AA 11", at=datetime(2013, 1, 1, 12, 0))
    'added'
    >>> window.append("UA 7", at=datetime(2013, 1, 1, 13, 0))
    'added'
    >>> window.append("DL 4", at=datetime(2013, 1, 1, 12, 45))
    'late'
    >>> window.append("B6 9", at=datetime(2013, 1, 1, 12, 15))
    'dropped'
    >>> window.rows()
    ['AA 11', 'DL 4', 'UA 7']
    """

    def __init__(
        self, duration: Any, allowed_lateness: Any = 0, size: int = 1_000_000, *, horizon: Any = None
    ) -> None:
        self._duration = span("duration", duration, above=True)
        self._lateness = span("allowed_lateness", allowed_lateness, like=duration)
        self._horizon = None if horizon is None else span("horizon", horizon, like=duration)
        _checks.count("size", size)
        self.duration = duration
        self.allowed_lateness = allowed_lateness
        self.size = size
        self.horizon = horizon
        self.clear()

    def clear(self) -> None:
        """Become as new: no rows, no newest time, counts at 0; the next row may be of another kind."""
        self._line = Timeline()
        self._newest: Point | None = None
        self._axis = TimeAxis(is_timed(self.duration))
        self._counts = dict.fromkeys((*_OUTCOMES, "evicted"), 0)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows were ``added``, ``late`` and ``dropped``, and ``evicted`` for want of room."""
        return dict(self._counts)

    def append(self, row: Any, id: Hashable = None, *, at: Any) -> Outcome:  # noqa: A002
        """Take in one row of time `at`; return ``"added"``, ``"late"`` or ``"dropped"``.

        Parameters
        ----------
        row
            The row.
        id
            A name by which `forget` finds the row. None: none.
        at
            When it happened.

        Raises
        ------
        InvalidInputError
            `at` is not finite, not comparable with the times before it, or beyond the `horizon`; or the row
            is not of the kind of the others (`SchemaError`). The window is as it was.
        """
        zone, time = self._axis.read(at)
        store, fitted = self._line.fit(row, id)
        if self._horizon is not None:
            self._refuse_beyond([time])
        outcome = self._take(time, store, fitted, id)
        self._axis.zone = zone
        return outcome

    def extend(self, rows: Any, ids: Iterable[Hashable] | None = None, *, at: Any) -> dict[str, int]:
        """Take in many rows in the order in which they arrived, exactly as repeated `append` would.

        Parameters
        ----------
        rows
            An array with one row along its first axis, a frame, or an iterable of rows. All are checked
            before the first is stored.
        ids
            One id per row. None: none.
        at
            One time per row, or one for all.

        Returns
        -------
        dict
            How many of the rows were ``added``, ``late`` and ``dropped``.
        """
        store, block, n = self._line.block(rows)
        zone, times = self._axis.read_many(at, n)
        names = None if ids is None else read_ids(ids, n)
        if store is None or n == 0:
            return dict.fromkeys(_OUTCOMES, 0)
        if self._horizon is not None:
            self._refuse_beyond(times)
        before = dict(self._counts)
        if n < _FEW or not self._take_block(times, store, block, names):
            for position, time in enumerate(times):
                id_ = None if names is None else names[position]
                self._take(time, store, store.one(block, position), id_)
        self._axis.zone = zone
        return {outcome: self._counts[outcome] - before[outcome] for outcome in _OUTCOMES}

    def expire(self, at: Any) -> int:
        """Move the newest time on to `at`, so that old rows go though no new ones come; return how many went.

        A time behind the newest changes nothing. The `horizon` does not apply: this is how a true gap is
        told.
        """
        zone, time = self._axis.read(at)
        self._axis.zone = zone
        before = len(self)
        if self._newest is None or time > self._newest:
            self._newest = time
            self._line.drop_old(time, self._duration)
        return before - len(self)

    def rows(self) -> Any:
        """Return the rows in order of time, in the form in which they came; an empty list at first."""
        return self._line.settled().rows()

    def forget(self, ids: Iterable[Hashable]) -> int:
        """Let every row go whose id is one of `ids`; return how many went."""
        return self._line.forget(ids)

    def _refuse_beyond(self, times: list[Point]) -> None:
        """Refuse times that lie further ahead than the horizon of those before them."""
        newest = times[0] if self._newest is None else self._newest
        for position, time in enumerate(times):
            if time - newest > self._horizon:  # type: ignore[operator]
                _checks.bad_data(
                    "at",
                    f"be at most the horizon of {self.horizon!r} ahead of the newest time",
                    f"a time further ahead at position {position}",
                    "call expire(at) first if so much time has really passed",
                )
            newest = max(newest, time)

    def _take(self, time: Point, store: Store, row: Any, id_: Hashable) -> Outcome:
        """Find the place of one checked row."""
        newest, line = self._newest, self._line
        if newest is None or time >= newest:
            line.append(time, store, row, id_)
            self._newest = time
            line.drop_old(time, self._duration)
            outcome: Outcome = "added"
        elif newest - time > self._lateness or newest - time >= self._duration:
            outcome = "dropped"
        else:
            line.insert(time, store, row, id_)
            outcome = "late"
        if len(line) > self.size:
            line.drop_oldest()
            self._counts["evicted"] += 1
        self._counts[outcome] += 1
        return outcome

    def _take_block(self, times: list[Point], store: Store, block: Any, ids: list[Hashable] | None) -> bool:
        """Find the place of all rows of a block at once; return False if that cannot be done exactly."""
        points = comparable(times, self._newest)
        if points is None:
            return False
        behind, newest = self._behind(points)
        added = behind <= 0
        stored = added | ((behind <= self._lateness) & (behind < self._duration))
        n_added, n_stored = int(added.sum()), int(stored.sum())
        crowded = len(self) + n_stored > self.size
        in_order = n_added == len(times)
        if crowded and (not in_order or self._line.waiting):
            return False  # who goes for want of room depends on who had come by then
        if crowded:
            self._counts["evicted"] += self._line.extend_bounded(
                times, store, block, ids, duration=self._duration, size=self.size
            )
        elif in_order:
            self._line.extend(times, store, block, ids)
        else:
            alive = np.flatnonzero(stored & (newest - points < self._duration))
            kept = alive.tolist()
            names = None if ids is None else [ids[position] for position in kept]
            self._line.merge([times[position] for position in kept], store, store.pick(block, alive), names)
        self._newest = newest
        self._line.drop_old(newest, self._duration)
        for outcome, n in zip(_OUTCOMES, (n_added, n_stored - n_added, len(times) - n_stored), strict=True):
            self._counts[outcome] += n
        return True

    def _behind(self, points: NDArray[Any]) -> tuple[NDArray[Any], Point]:
        """Return how far each time is behind the newest before it, and the newest of all."""
        start = points[:1] if self._newest is None else np.array([self._newest], points.dtype)
        newest = np.maximum.accumulate(np.concatenate([start, points]))
        with np.errstate(over="ignore"):  # then it is further behind than any length of time
            return newest[:-1] - points, newest[-1].item()

    def __len__(self) -> int:
        return len(self._line)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._line.settled())

    def __repr__(self) -> str:
        settings = (
            f"duration={self.duration!r}, allowed_lateness={self.allowed_lateness!r}, size={self.size!r}"
        )
        return f"TimeWindow({settings}" + (
            f", horizon={self.horizon!r})" if self.horizon is not None else ")"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {
            "arguments": (self.duration, self.allowed_lateness, self.size, self.horizon),
            "line": self._line.__getstate__(),
            "newest": self._newest,
            "zone": self._axis.zone,
            "counts": dict(self._counts),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        *arguments, horizon = state["arguments"]
        self.__init__(*arguments, horizon=horizon)  # type: ignore[misc]
        self._line.__setstate__(state["line"])
        self._newest = state["newest"]
        self._axis.zone = state["zone"]
        self._counts = dict(state["counts"])
