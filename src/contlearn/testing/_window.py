"""Laws of windows."""

from __future__ import annotations

import gc
import inspect
import pickle
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from contlearn.testing._laws import Law, one_line, rebuilt, repickled, run, snapshot, twin

_ROUNDS = 50
_SLACK = 4_000  # bytes: what an empty window may weigh beside its rows
_Append = Callable[[Any, Any, int], object]


@dataclass(frozen=True)
class _Case:
    window: Any
    append: _Append
    size: int

    def fed(self, n: int, start: int = 0, window: Any = None) -> Any:
        """Return a window that has taken in the rows `start` to `start + n`."""
        window = twin(self.window) if window is None else window
        for i in range(start, start + n):
            self.append(window, _row(i), i)
        return window


def check_window(
    window: Any,
    *,
    append: Callable[[Any, Any, int], object] | None = None,
    size: int | None = None,
    skip: Collection[str] = (),
) -> None:
    """Check that a window obeys the laws of its kind.

    Parameters
    ----------
    window
        An empty window with `append`, `rows`, `clear`, `len` and iteration, which may hold numeric arrays.
        It is copied and stays as it is. A small one is checked faster.
    append
        Puts a row, the `i`-th, into a window; None: `window.append(row)`, with `at=i` where it takes that.
        Mappings of pending rows are windows too: `lambda window, row, i: window.put(i, row, at=i)`; laws
        about `rows` are left out where there are none.
    size
        Most rows that may be inside. None: `window.size`.
    skip
        Names of laws that do not apply.

    Raises
    ------
    AssertionError
        A law is broken; the message names it.

    Notes
    -----
    The laws: `an_empty_window_is_empty`, `never_more_than_size`, `length_rows_and_iteration_agree`,
    `what_was_read_never_changes`, `rows_are_not_the_callers`, `questions_change_nothing`, `equal_runs_agree`,
    `copies_are_independent`, `pickles_go_on_alike`, `memory_is_bounded`, `clear_empties`,
    `refused_rows_do_no_harm`, `repr_rebuilds_an_empty_window`.

    Examples
    --------
    >>> from contlearn.testing import check_window
    >>> from contlearn.windows import SlidingWindow
    >>> check_window(SlidingWindow(20))
    """
    most = window.size if size is None else size
    laws = _LAWS if hasattr(window, "rows") else [law for law in _LAWS if law not in _OF_ROWS]
    run(window, _Case(window, append or _appender(window), most), laws, skip)


def an_empty_window_is_empty(case: _Case) -> str | None:
    fresh = twin(case.window)
    return None if len(fresh) == 0 else f"{len(fresh)} rows before the first"


def never_more_than_size(case: _Case) -> str | None:
    window = twin(case.window)
    for i in range(3 * case.size + 1):
        case.append(window, _row(i), i)
        if len(window) > case.size:
            return f"{len(window)} rows after {i + 1}, more than {case.size}"
    return None if len(window) else f"empty after {3 * case.size + 1} rows"


def length_rows_and_iteration_agree(case: _Case) -> str | None:
    for n in (1, case.size, 2 * case.size + 1):
        window = case.fed(n)
        rows = window.rows()
        if not len(window) == len(rows) == len(list(window)):
            return f"len is {len(window)}, rows() has {len(rows)}, iteration {len(list(window))}"
        if not np.array_equal(rows, np.array(list(window))):
            return "rows() and iteration differ"
        fed = {tuple(_row(i)) for i in range(n)}
        if not all(tuple(row) in fed for row in rows):
            return "rows() has a row that was never put in"
    return None


def what_was_read_never_changes(case: _Case) -> str | None:
    window = case.fed(case.size)
    read = window.rows()
    before = np.array(read)
    if isinstance(read, np.ndarray) and read.flags.writeable and np.shares_memory(read, window.rows()):
        return "rows() hands out memory that the caller could write into"
    case.fed(3 * case.size, start=case.size, window=window).rows()
    window.clear()
    case.fed(case.size, start=9 * case.size, window=window).rows()
    return None if np.array_equal(read, before) else "what rows() returned changed afterwards"


def rows_are_not_the_callers(case: _Case) -> str | None:
    window = twin(case.window)
    row = _row(0)
    case.append(window, row, 0)
    kept = row.copy()
    row[...] = -1.0
    inside = np.array(window.rows())
    return None if np.array_equal(inside, [kept]) else "writing into an appended row changed the window"


def questions_change_nothing(case: _Case) -> str | None:
    window = case.fed(2 * case.size)
    before = snapshot(window)
    for _ in range(2):
        len(window), repr(window), str(window)
        if hasattr(window, "rows"):
            window.rows(), list(window)
        if hasattr(window, "weights"):
            window.weights()
    return None if snapshot(window) == before else "reading changed the window"


def equal_runs_agree(case: _Case) -> str | None:
    return None if _content(case.fed(2 * case.size)) == _content(case.fed(2 * case.size)) else "they differ"


def copies_are_independent(case: _Case) -> str | None:
    window = case.fed(case.size)
    before = snapshot(window)
    case.fed(2 * case.size, start=case.size, window=twin(window))
    return None if snapshot(window) == before else "feeding a copy changed the original"


def pickles_go_on_alike(case: _Case) -> str | None:
    window = case.fed(case.size + 1)
    copy = repickled(window)
    if _content(copy) != _content(window):
        return "a pickled copy holds other rows"
    for each in (window, copy):
        case.fed(case.size, start=case.size + 1, window=each)
    return None if _content(copy) == _content(window) else "a pickled copy goes on differently"


def memory_is_bounded(case: _Case) -> str | None:
    window = case.fed(3 * case.size)
    before = weight(window), len(pickle.dumps(window))
    case.fed((_ROUNDS - 3) * case.size, start=3 * case.size, window=window)
    after = weight(window), len(pickle.dumps(window))
    if any(late > 2 * early + _SLACK for early, late in zip(before, after, strict=True)):
        return f"{before[0]} bytes after 3 times its size, {after[0]} after {_ROUNDS} times"
    return None


def clear_empties(case: _Case) -> str | None:
    window = case.fed(2 * case.size)
    window.clear()
    if len(window):
        return f"{len(window)} rows after clear"
    return None if len(case.fed(1, window=window)) == 1 else "after clear it takes no rows"


def refused_rows_do_no_harm(case: _Case) -> str | None:
    window = case.fed(case.size)
    before = _content(window)
    try:
        case.append(window, np.zeros((2, 2, 2)), case.size)
    except (ValueError, TypeError):
        if _content(window) != before:
            return "a refused row changed the window"
        case.fed(1, start=case.size, window=window)
    return None


def repr_rebuilds_an_empty_window(case: _Case) -> str | None:
    window = case.fed(case.size)
    if broken := one_line(repr(window), "repr"):
        return broken
    again = rebuilt(window)
    if type(again) is not type(window) or len(again) or repr(again) != repr(window):
        return f"{window!r} became {again!r} with {len(again)} rows"
    return None


_LAWS: list[Law[_Case]] = [
    an_empty_window_is_empty,
    never_more_than_size,
    length_rows_and_iteration_agree,
    what_was_read_never_changes,
    rows_are_not_the_callers,
    questions_change_nothing,
    equal_runs_agree,
    copies_are_independent,
    pickles_go_on_alike,
    memory_is_bounded,
    clear_empties,
    refused_rows_do_no_harm,
    repr_rebuilds_an_empty_window,
]
_OF_ROWS = (
    length_rows_and_iteration_agree,
    what_was_read_never_changes,
    rows_are_not_the_callers,
    clear_empties,
)


def _row(i: int) -> Any:
    return np.array([i, i + 0.5, -i], dtype=np.float64)


def _appender(window: Any) -> _Append:
    timed = "at" in inspect.signature(window.append).parameters
    return (lambda w, row, i: w.append(row, at=i)) if timed else (lambda w, row, _: w.append(row))


def _content(window: Any) -> object:
    """Return what the window holds; without `rows`, its state."""
    return snapshot(np.array(window.rows())) if hasattr(window, "rows") else snapshot(window)


def weight(root: object) -> int:
    """Return the bytes of everything that is reachable from `root` and belongs to it."""
    seen: dict[int, object] = {}
    stack = [root]
    while stack:
        value = stack.pop()
        if id(value) in seen or isinstance(value, (type, ModuleType, FunctionType)):
            continue
        seen[id(value)] = value
        stack.extend(gc.get_referents(value))
        if isinstance(value, np.ndarray) and value.base is not None:  # a view weighs what it keeps alive
            stack.append(value.base)
    return sum(sys.getsizeof(value) for value in seen.values())
