"""Memory is bounded by the constructor, and looking is not paid by copying the window."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from contlearn.windows import PendingLabels, Reservoir, SlidingWindow, TimeWindow

SIZE = 100
FRAME = pd.DataFrame({"a": np.arange(SIZE, dtype=float), "b": ["text"] * SIZE})


def feed(window, kind, n, start=0):
    """Show `n` rows to the window, singly and in blocks, with ids."""
    if isinstance(window, PendingLabels):
        for key in range(start, start + n):
            window.put(key, np.zeros(5), at=key)
            window.pop(key - 3, at=key)
        return
    if kind == "frame":
        for first in range(start, start + n, SIZE):
            more = {"at": np.arange(first, first + SIZE)} if isinstance(window, TimeWindow) else {}
            window.extend(FRAME, ids=range(SIZE), **more)
        return
    for number in range(start, start + n):
        row = np.full(5, float(number)) if kind == "array" else (float(number), 0)
        late = number - number % 4
        window.append(row, number % 10, **({"at": late} if isinstance(window, TimeWindow) else {}))


def make_windows():
    return {
        "sliding": SlidingWindow(SIZE),
        "time": TimeWindow(SIZE, 10, SIZE),
        "crowded": TimeWindow(1e9, 10, SIZE),
        "reservoir": Reservoir(SIZE),
        "pending": PendingLabels(SIZE, max_age=10),
    }


@pytest.mark.parametrize("kind", ["array", "object", "frame"])
@pytest.mark.parametrize("name", make_windows())
def test_state_does_not_grow_with_the_past(name, kind):
    window = make_windows()[name]
    feed(window, kind, 5 * SIZE)
    before = len(pickle.dumps(window))
    feed(window, kind, 50 * SIZE, start=5 * SIZE)
    assert len(pickle.dumps(window)) <= 1.2 * before


@pytest.mark.parametrize("kind", ["array", "object"])
@pytest.mark.parametrize("name", make_windows())
def test_memory_does_not_grow_with_the_past(name, kind):
    window = make_windows()[name]
    feed(window, kind, 20 * SIZE)
    tracemalloc.start()
    feed(window, kind, 20 * SIZE, start=20 * SIZE)
    before, _ = tracemalloc.get_traced_memory()
    feed(window, kind, 50 * SIZE, start=40 * SIZE)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 4 * SIZE * 200  # bytes: less than the rows of four windows


def test_reading_copies_nothing_and_appending_copies_each_row_about_once():
    size, width = 10_000, 20
    block, row = np.zeros((size, width)), np.ones(width)
    tracemalloc.start()
    window = SlidingWindow(size)
    window.extend(block)
    copied, previous = 0, window.rows()
    for _ in range(3 * size):
        window.append(row)
        rows = window.rows()
        copied += not np.shares_memory(rows[-2:-1], previous[-1:])
        previous = rows
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert copied <= 4  # the live rows moved to a new buffer about once per `size` rows
    assert peak < 5 * size * width * 8  # two buffers at a time, each of twice the window


def test_late_rows_are_put_in_place_together_when_somebody_looks():
    window = TimeWindow(1e6, 1e6)
    window.extend(np.zeros((10_000, 20)), at=np.arange(10_000))
    row = np.ones(20)
    tracemalloc.start()
    for at in range(1, 1000):
        window.append(row, at=at + 0.5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000 * 20 * 8  # not one copy of the window
    assert window.rows()[:6, 0].tolist() == [0, 0, 1, 0, 1, 0]
