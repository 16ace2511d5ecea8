"""A window that is read after every row."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
from measure import Contest

from contlearn.windows import SlidingWindow

SIZE, COLUMNS, TIMES = 10_000, 20, 200


def contests() -> Iterator[Contest]:
    rows = np.random.default_rng(3).normal(size=(SIZE, COLUMNS))
    window, queue = SlidingWindow(SIZE), deque(rows, maxlen=SIZE)
    window.extend(rows)
    target = np.empty_like(rows)

    def ours() -> None:
        for row in rows[:TIMES]:
            window.append(row)
            window.rows()

    def with_deque() -> None:
        for row in rows[:5]:
            queue.append(row)
            np.array(queue)

    def with_copy() -> None:
        for _ in range(TIMES):
            np.copyto(target, rows)

    what = "SlidingWindow(10,000), append a row and read all"
    yield Contest(what, "deque -> np.array", ours, with_deque, least=100, ours_done=TIMES, theirs_done=5)
    yield Contest(
        what, "one copy of the window", ours, with_copy, least=10, ours_done=TIMES, theirs_done=TIMES
    )
