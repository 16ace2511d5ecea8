"""Ctrl-C at any moment leaves every row with its own id, and no more of them than there may be."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import contlearn
from contlearn.windows import SlidingWindow

ROOT = str(Path(contlearn.__file__).parent)
KINDS = {
    "array": np.arange,
    "text": lambda start, stop: np.array(["x" * (n > 99) + str(n) for n in range(start, stop)]),
    "frame": lambda start, stop: pd.DataFrame({"n": range(start, stop)}),
    "object": lambda start, stop: [{"n": n} for n in range(start, stop)],
}


def numbers(rows):
    """Return the number in every row."""
    if isinstance(rows, pd.DataFrame):
        return rows["n"].tolist()
    if isinstance(rows, list):
        return [row["n"] for row in rows]
    return [int(str(row).strip("x")) for row in rows.tolist()]


def one(make, n):
    found = make(n, n + 1)
    return found if isinstance(found, pd.DataFrame) else found[0]


class Interruption(KeyboardInterrupt):
    pass


def interrupted(at, action, *arguments):
    """Run `action`, interrupted before the line of ours that comes as number `at`; return whether it was."""
    passed = 0

    def trace(frame, event, _):
        nonlocal passed
        if not frame.f_code.co_filename.startswith(ROOT):
            return None
        if event == "line":
            passed += 1
            if passed == at:
                raise Interruption
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action(*arguments)
    except Interruption:
        return True
    finally:
        sys.settrace(before)
    return False


ACTIONS = {
    "extend": lambda window, make: window.extend(make(100, 107), ids=range(100, 107)),
    "extend by more than there is room": lambda window, make: window.extend(
        make(100, 130), ids=range(100, 130)
    ),
    "forget": lambda window, make: window.forget([15, 17, 25]),
}


def filled(make, n=30):
    window = SlidingWindow(20)
    window.extend(make(0, n), ids=range(n))
    return window


@pytest.mark.parametrize("n", [0, 5, 18, 30])
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_an_interrupted_change_was_made_completely_or_not_at_all(make, action, n):
    before, whole = filled(make, n), filled(make, n)
    action(whole, make)
    allowed = [numbers(each.rows()) if len(each) else [] for each in (before, whole)]
    for at in itertools.count(1):
        window = filled(make, n)
        if not interrupted(at, action, window, make):
            break
        found = numbers(window.rows()) if len(window) else []
        assert found in allowed, at
        assert window._rows.ids == found, at
        action(window, make)  # it works as before
    assert at > 5


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_an_interrupted_append_parts_no_row_from_its_id(make):
    for at in itertools.count(1):
        window = filled(make)
        if not interrupted(at, window.append, one(make, 100), 100):
            break
        assert window._rows.ids == numbers(window.rows()), at
        window.append(one(make, 100), 100)
        assert len(window) == 20  # a row too many goes with the next one
    assert at > 5
