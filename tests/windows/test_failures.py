"""An error leaves a window as it was, whether the rows were bad or the memory ran out."""

import contextlib
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from contlearn.exceptions import InvalidInputError
from contlearn.windows import PendingLabels, Reservoir, SlidingWindow, TimeWindow
from contlearn.windows._arrays import ArrayRows
from contlearn.windows._frames import FrameRows
from contlearn.windows._rows import ListRows

WINDOWS = {
    "sliding": lambda: SlidingWindow(10),
    "reservoir": lambda: Reservoir(10),
    "time": lambda: TimeWindow(1000, 1000),
    "crowded": lambda: TimeWindow(1000, 1000, 10),
}
KINDS = {
    "array": lambda n, start=0: np.arange(start, start + n, dtype=float).reshape(n, 1),
    "frame": lambda n, start=0: pd.DataFrame({"a": np.arange(start, start + n)}),
    "object": lambda n, start=0: [(i,) for i in range(start, start + n)],
}
UNPICKABLE = {
    "string_view": pa.table({"k": range(50), "c": pa.array(["a"] * 50, type=pa.string_view())}),
    ">f8": pd.DataFrame({"k": range(50), "c": np.arange(50, dtype=">f8")}),
}


def extend(window, rows, start=0):
    times = {"at": range(start, start + len(rows))} if isinstance(window, TimeWindow) else {}
    window.extend(rows, ids=range(start, start + len(rows)), **times)


def break_stores(monkeypatch):
    def out_of_memory(*_):
        raise MemoryError

    for store in (ArrayRows, FrameRows, ListRows):
        for method in ("extending", "add", "copy"):
            monkeypatch.setattr(store, method, out_of_memory)


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("dtype", UNPICKABLE)
@pytest.mark.parametrize("name", WINDOWS)
def test_a_dtype_that_its_library_cannot_pick_from_is_refused_by_name(name, dtype, one):
    window, frame = WINDOWS[name](), UNPICKABLE[dtype]
    with contextlib.suppress(pa.ArrowNotImplementedError, ValueError):
        frame.take([0, 0])
        pytest.skip("this version of the library can pick it")
    before = pickle.dumps(window)
    with pytest.raises(InvalidInputError, match=f"column 'c' must have a dtype .* got {dtype}; convert"):
        extend(window, frame[:1] if one else frame)
    assert pickle.dumps(window) == before
    extend(window, KINDS["object"](10))
    assert len(window) == 10


@pytest.mark.parametrize(
    "frame",
    [pd.DataFrame([[1, 2]], columns=["a", "a"]), pa.table([[1], [2]], names=["a", "a"])],
    ids=["pandas", "pyarrow"],
)
@pytest.mark.parametrize("name", WINDOWS)
def test_two_columns_of_one_name_are_refused(name, frame):
    with pytest.raises(InvalidInputError, match="columns must have names of their own, got a twice; rename"):
        extend(WINDOWS[name](), frame)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(WINDOWS.keys() - {"reservoir"}))
@pytest.mark.parametrize("held", [0, 5, 40])
@pytest.mark.parametrize("n", [1, 3, 30])
def test_a_store_that_fails_takes_nothing_in_and_lets_nothing_go(name, kind, held, n, monkeypatch):
    window = WINDOWS[name]()
    extend(window, KINDS[kind](held))
    before = pickle.dumps(window)
    with monkeypatch.context() as broken:
        break_stores(broken)
        with pytest.raises(MemoryError):
            extend(window, KINDS[kind](n), held)
        if held and name == "time":
            with pytest.raises(MemoryError):  # into the middle
                extend(window, KINDS[kind](n), held - 3 if n == 30 else 1)
    assert pickle.dumps(window) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_reservoir_that_could_not_store_goes_on_as_if_it_had_not_been_asked(kind, monkeypatch):
    reservoir, twin = Reservoir(3), Reservoir(3)
    make = KINDS[kind]
    with monkeypatch.context() as broken:
        break_stores(broken)
        for n in (50, 1):
            with pytest.raises(MemoryError):
                reservoir.extend(make(n))
        with pytest.raises(MemoryError):
            reservoir.append(make(1) if kind == "frame" else make(1)[0])
    for each in (reservoir, twin):
        for start in range(10):
            each.append(make(1, start) if kind == "frame" else make(1, start)[0])
    assert len(reservoir) == 3
    assert pickle.dumps(reservoir) == pickle.dumps(twin)


@pytest.mark.parametrize("far", [10**400, -(10**400), 10**5000, Fraction(10**400)], ids=range(4))
def test_a_time_beyond_what_a_float_holds_is_refused_and_changes_nothing(far):
    window, pending = TimeWindow(3), PendingLabels(3, max_age=2)
    for call in (
        lambda: window.append("a", at=far),
        lambda: window.extend(["a"], at=[far]),
        lambda: window.expire(at=far),
        lambda: pending.put("a", 1, at=far),
        lambda: pending.pop("a", at=far),
    ):
        with pytest.raises(InvalidInputError, match="at must be finite, got"):
            call()
    assert window.append("b", at=1.5) == "added"
    pending.put("a", 1, at=1)
    assert pending.pop("a", at=1.5) == 1
    assert (window.rows(), len(pending), pending.counts["answered"]) == (["b"], 0, 1)


def test_times_at_both_ends_of_what_a_float_holds_are_only_far_apart():
    window, most = TimeWindow(3), 1.7e308
    assert window.extend(range(20), at=np.repeat([-most, most], 10))["added"] == 20
    assert window.rows() == list(range(10, 20))
    assert window.append(20, at=-int(most)) == "dropped"


@pytest.mark.parametrize("ids", [np.array(3), [[1]], [np.array(1)], np.ones((1, 1))])
@pytest.mark.parametrize("name", WINDOWS)
def test_ids_that_are_no_ids_are_refused(name, ids):
    window, at = WINDOWS[name](), {"at": 0} if name in ("time", "crowded") else {}
    for call in (
        lambda: window.forget(ids),
        lambda: window.extend([1], ids=ids, **at),
        lambda: window.append(1, id=np.array(3), **at),
    ):
        with pytest.raises(InvalidInputError, match=r"ids? must be (a collection of ids|hashable), got"):
            call()
    assert len(window) == 0


def test_keys_that_are_no_keys_are_refused():
    pending, single = PendingLabels(3), np.array(3)
    for call in (
        lambda: pending.put(single, 1),
        lambda: pending.pop(single),
        lambda: pending.put_many(single, [1]),
        lambda: pending.put_many([single], [1]),
        lambda: pending.pop_many(single),
        lambda: pending.forget(single),
        lambda: [] in pending,
    ):
        with pytest.raises(InvalidInputError, match=r"keys? must be (a collection of keys|hashable), got"):
            call()
    with pytest.raises(InvalidInputError, match="rows must be an array or an iterable of rows, got ndarray"):
        pending.put_many([1], single)
    with pytest.raises(InvalidInputError, match="at must be one time, or one per row, got array"):
        TimeWindow(3).extend(["a"], at=np.array("a", object))
    assert len(pending) == 0
