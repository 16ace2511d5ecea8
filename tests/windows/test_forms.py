"""Windows give back what they were given, and refuse what does not belong."""

import copy
import datetime as dt
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from contlearn.exceptions import InvalidInputError, InvalidParameterError, SchemaError
from contlearn.windows import PendingLabels, Reservoir, SlidingWindow, TimeWindow

N = 12


def windows(size=1000):
    """One of each kind, with a function that shows it many rows and one that shows it one."""
    sliding, reservoir, timed = SlidingWindow(size), Reservoir(size), TimeWindow(10.0, size=size)
    return [
        (sliding, sliding.extend, sliding.append),
        (reservoir, reservoir.extend, reservoir.append),
        (timed, lambda rows: timed.extend(rows, at=0), lambda row: timed.append(row, at=0)),
    ]


def pandas_frame():
    return pd.DataFrame(
        {
            "int": np.arange(N, dtype=np.int32),
            "nullable": pd.array([None, *range(N - 1)], dtype="Int64"),
            "float": np.array([np.nan, *range(N - 1)]),
            "flag": np.arange(N) % 2 == 0,
            "category": pd.Categorical(["a", "b", "c"] * (N // 3), categories=["c", "b", "a", "never"]),
            "text": [f"row {i}" for i in range(N)],
            "when": pd.date_range("2024-03-30", periods=N, freq="6h", tz="Europe/Berlin"),
            "object": [{"n": i} for i in range(N)],
        },
        index=[f"id {i}" for i in range(N)],
    )


def polars_frame():
    return pl.DataFrame(
        {
            "int": pl.Series(range(N), dtype=pl.UInt8),
            "nullable": [None, *range(N - 1)],
            "text": [f"row {i}" for i in range(N)],
            "category": pl.Series(["a", "b", "c"] * (N // 3), dtype=pl.Enum(["c", "b", "a", "never"])),
            "when": [dt.datetime(2024, 1, 1, i, tzinfo=dt.UTC) for i in range(N)],
            "nested": [[i, i] for i in range(N)],
        }
    )


def arrow_table():
    return pa.table(
        {
            "int": pa.array(range(N), pa.int16()),
            "text": [None, *(f"row {i}" for i in range(N - 1))],
            "decimal": pa.array([f"{i}.50" for i in range(N)]).cast(pa.decimal128(10, 2)),
            "category": pa.array(["a", "b", "c"] * (N // 3)).dictionary_encode(),
        }
    )


FRAMES = {"pandas": pandas_frame, "polars": polars_frame, "pyarrow": arrow_table}


def cut(frame, start, stop):
    return frame.slice(start, stop - start) if isinstance(frame, pa.Table) else frame[start:stop]


def same(left, right):
    assert type(left) is type(right)
    if isinstance(left, pd.DataFrame):
        pd.testing.assert_frame_equal(left, right)
    elif isinstance(left, pa.Table):
        assert left.schema == right.schema
        assert left.to_pylist() == right.to_pylist()
    else:
        assert left.schema == right.schema
        assert left.equals(right)
    return True


@pytest.mark.parametrize("library", FRAMES)
def test_frames_come_back_as_frames_with_their_dtypes(library):
    frame = FRAMES[library]()
    for window, extend, append in windows():
        extend(cut(frame, 0, 7))
        append(cut(frame, 7, 8))
        extend([cut(frame, 8, 9), cut(frame, 9, 10)])
        extend(cut(frame, 10, N))
        assert same(window.rows(), frame)
        assert len(window) == N
        assert all(same(row, cut(frame, i, i + 1)) for i, row in enumerate(window))


@pytest.mark.parametrize("library", FRAMES)
def test_a_window_of_frames_keeps_the_last_rows(library):
    frame = FRAMES[library]()
    window = SlidingWindow(5)
    for i in range(N):
        window.append(cut(frame, i, i + 1), f"id {i}")
        assert same(window.rows(), cut(frame, max(0, i - 4), i + 1))
    assert window.forget([f"id {N - 2}", f"id {N - 4}"]) == 2
    window.extend(cut(frame, 0, 3))
    column = window.rows()["int"]
    assert list(column.to_pylist() if library == "pyarrow" else column) == [N - 3, N - 1, 0, 1, 2]
    window.extend(frame)
    assert same(window.rows(), cut(frame, N - 5, N))


@pytest.mark.parametrize("library", FRAMES)
def test_late_rows_of_frames_are_put_in_their_place(library):
    frame = FRAMES[library]()
    window = TimeWindow(N + 1, N + 1)
    window.append(cut(frame, 0, 1), at=0)
    window.extend(cut(frame, 6, N), at=np.arange(6, N))
    window.append(cut(frame, 3, 4), at=3)
    order = [2, 1, 5, 4]
    for i in order:
        window.append(cut(frame, i, i + 1), at=i)
    assert same(window.rows(), frame)


@pytest.mark.parametrize("library", FRAMES)
def test_windows_of_frames_copy_and_pickle(library):
    frame = FRAMES[library]()
    for window, extend, _ in windows(5):
        extend(frame)
        for twin in (copy.copy(window), copy.deepcopy(window), pickle.loads(pickle.dumps(window))):
            assert same(twin.rows(), window.rows())


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_neither_the_callers_frame_nor_the_returned_one_is_shared(library):
    frame = cut(FRAMES[library](), 0, N)[["int", "text"]]
    original = frame.copy() if library == "pandas" else frame.clone()
    for window, extend, append in windows():
        mine = frame.copy() if library == "pandas" else frame.clone()
        first = cut(mine, 0, 1)
        append(first)
        extend(cut(mine, 1, N))
        seen = window.rows()
        for each in (mine, first, seen):
            if library == "pandas":
                each.iloc[0, 0] = 99
            else:
                each[0, "int"] = 99
        assert same(window.rows(), original)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_a_slice_of_a_large_frame_does_not_keep_it_alive(library):
    n = 200_000
    make = pl.DataFrame if library == "polars" else pa.table
    for window, extend, append in windows(10):
        for _ in range(2):
            frame = make(
                {"x": np.arange(n), "text": [f"a text of some length, number {i}" for i in range(n)]}
            )
            extend(cut(frame, n - 20, n))
            append(cut(frame, n - 1, n))
            extend(frame)
        assert len(pickle.dumps(window)) < 20_000


def test_columns_in_another_order_are_matched_by_name():
    window = SlidingWindow(5)
    window.extend(pd.DataFrame({"a": [1], "b": ["x"]}))
    window.extend(pd.DataFrame({"b": ["y"], "a": [2]}))
    assert same(window.rows().reset_index(drop=True), pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        (np.array([1.0, np.nan]), np.array([[2.0, np.inf], [3.0, -np.inf]])),
        (np.zeros((2, 2), np.uint8), np.ones((3, 2, 2), np.uint8)),
        (np.float32(1.5), np.array([2.5, np.nan], np.float32)),
        (np.bool_(True), np.array([False, True])),
        (np.datetime64("2024-01-01"), np.array(["2024-01-02", "NaT"], "M8[D]")),
        (np.array(["a", 1.5], object), np.array([["b", None]], object)),
        (np.array([(1, 2.0)], "i4,f8")[0], np.array([(3, 4.0), (5, 6.0)], "i4,f8")),
        (np.str_("a"), np.array(["long text", "b"])),
        (np.array([1.0, 2.0])[::-1], np.ones((4, 4))[::2, ::2]),
    ],
)
def test_arrays_come_back_as_one_contiguous_read_only_array(first, rows):
    expected = np.concatenate([np.asarray(first)[np.newaxis], rows])
    for window, extend, append in windows():
        append(first)
        extend(rows)
        result = window.rows()
        np.testing.assert_array_equal(result, expected)
        assert result.dtype == expected.dtype
        assert result.flags.c_contiguous
        assert not result.flags.writeable
        one_by_one = type(window)(window.duration) if isinstance(window, TimeWindow) else type(window)(10)
        for row in expected:
            one_by_one.append(row, **({"at": 0} if isinstance(window, TimeWindow) else {}))
        np.testing.assert_array_equal(one_by_one.rows(), expected)
        with pytest.raises(ValueError, match="read-only"):
            result[:] = result[:]


@pytest.mark.parametrize(
    "rows",
    [
        [1.5, 2, True],
        [(np.zeros(2), "label"), ({"x": 1}, None)],
        [{"a": 1}, {"b": 2}],
        [[1.0, 2.0], [3.0]],
        ["text", b"bytes", None],
        [1.5, np.float64(2.5), np.bool_(True)],
        [pd.Series([1, 2]), pd.Timestamp("2024-01-01")],
    ],
)
def test_other_objects_come_back_themselves_in_a_list(rows):
    for window, extend, append in windows():
        append(rows[0])
        extend(iter(rows[1:]))
        result = window.rows()
        assert isinstance(result, list)
        assert all(a is b for a, b in zip(result, rows, strict=True))
        result.clear()
        assert len(window.rows()) == len(rows)


def test_a_python_number_among_numpy_scalars_takes_their_dtype():
    window = SlidingWindow(5)
    window.append(np.float32(0.5))
    window.extend([1, 0.25, True])
    assert window.rows().dtype == np.float32
    assert window.rows().tolist() == [0.5, 1.0, 0.25, 1.0]


ARRAY, FRAME = np.zeros(2), pd.DataFrame({"a": [1], "b": ["x"]})
REFUSED = [
    (ARRAY, np.zeros(3), "row must have shape (2,), as the rows before, got (3,); clear() the window"),
    (ARRAY, np.zeros(2, np.float32), "row must have dtype float64, as the rows before, got float32; convert"),
    (ARRAY, np.float64(1), "row must have shape (2,), as the rows before, got ()"),
    (ARRAY, [0.0, 0.0], "row must be an array, as the rows before, got list; convert it with numpy.asarray"),
    (ARRAY, FRAME, "row must be an array, as the rows before, got DataFrame"),
    (ARRAY, np.ma.masked_invalid([np.nan, 1.0]), "row must be an array, as the rows before, got MaskedArray"),
    (np.int64(1), 1.5, "row must be an array, as the rows before, got float"),
    (np.uint8(1), 300, "row must be an array, as the rows before, got int"),
    ((1, 2), ARRAY, "row must be a plain object, as the rows before it, got ndarray; clear() the window"),
    ((1, 2), FRAME, "row must be a plain object, as the rows before it, got DataFrame"),
    (FRAME, {"a": 1, "b": "x"}, "row must be a frame, as the rows before, got dict; make it a frame"),
    (FRAME, ARRAY, "row must be a frame, as the rows before, got ndarray"),
    (
        FRAME,
        pl.DataFrame({"a": [1], "b": ["x"]}),
        "row must be a pandas frame, as the rows before, got polars",
    ),
    (FRAME, FRAME[["a"]], "row must have the columns of the rows before, got a difference in b"),
    (FRAME, FRAME.assign(c=1), "row must have the columns of the rows before, got a difference in c"),
    (FRAME, FRAME.astype({"a": "Int64"}), "column 'a' must have dtype int64, as before, got Int64; convert"),
    (FRAME, pd.concat([FRAME, FRAME]), "row must be a frame of one row, got 2 rows; extend() takes many"),
    (FRAME, pl.LazyFrame({"a": [1]}), "rows must be in memory, got a lazy LazyFrame; collect() them first"),
    (None, pl.LazyFrame({"a": [1]}), "rows must be in memory, got a lazy LazyFrame; collect() them first"),
    (None, pd.concat([FRAME, FRAME]), "row must be a frame of one row, got 2 rows; extend() takes many"),
]


@pytest.mark.parametrize(("first", "bad", "message"), REFUSED)
def test_a_row_that_does_not_belong_is_refused_and_changes_nothing(first, bad, message):
    for window, extend, append in windows():
        if first is not None:
            append(first)
        before = pickle.dumps(window)
        with pytest.raises(InvalidInputError) as caught:
            append(bad)
        assert message in str(caught.value)
        good = [] if first is None else [first]
        with pytest.raises(InvalidInputError):
            extend([*good, bad])
        assert pickle.dumps(window) == before
        if first is not None:
            append(first)
            assert len(window) == 2
        window.clear()
        append(np.zeros(7))  # after clear() rows of any kind are welcome
        assert window.rows().shape == (1, 7)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("text", "rows must be an array, a frame or an iterable of rows, got str; append() takes one row"),
        ({"a": [1, 2]}, "rows must be an array, a frame or an iterable of rows, got dict"),
        (5, "rows must be an array, a frame or an iterable of rows, got int"),
        (np.array(5), "rows must hold one row each, got a single number"),
        (np.zeros((2, 3)), "rows must have shape (n, 2), as the rows before, got (2, 3)"),
        (np.zeros((2, 2), int), "rows must have dtype float64, as the rows before, got int64"),
        (np.ma.zeros((2, 2)), "rows must be an array, as the rows before, got MaskedArray"),
        (
            pa.RecordBatch.from_pydict({"a": [1]}),
            "rows must be a table, got a RecordBatch; use pyarrow.Table",
        ),
    ],
)
def test_a_block_that_does_not_belong_is_refused_and_changes_nothing(rows, message):
    for window, extend, append in windows():
        append(np.zeros(2))
        before = pickle.dumps(window)
        with pytest.raises(InvalidInputError) as caught:
            extend(rows)
        assert message in str(caught.value)
        assert pickle.dumps(window) == before


def test_kind_errors_are_schema_errors():
    window = SlidingWindow(3)
    window.append(np.zeros(2))
    with pytest.raises(SchemaError):
        window.append(np.zeros(3))
    with pytest.raises(TypeError):
        window.append((1, 2))


def test_an_empty_block_is_no_row_and_decides_no_kind():
    for window, extend, append in windows():
        for empty in ([], np.empty((0, 3)), pd.DataFrame({"a": []}), np.array([])):
            extend(empty)
        assert window.rows() == []
        assert list(window) == []
        append((1, 2))
        assert window.rows() == [(1, 2)]


def test_an_emptied_window_still_knows_the_form_of_its_rows():
    window = SlidingWindow(5)
    window.extend(np.ones((2, 3), np.float32), ids=["a", "b"])
    assert window.forget(["a", "b"]) == 2
    assert window.rows().shape == (0, 3)
    assert window.rows().dtype == np.float32


@pytest.mark.parametrize("ids", ["abc", b"abc", {"a": 1}, 5])
def test_forget_takes_a_collection_of_ids(ids):
    for window, *_ in windows():
        window.append((1, 2), "a", **({"at": 0} if isinstance(window, TimeWindow) else {}))
        with pytest.raises(InvalidInputError, match="ids must be a collection of ids"):
            window.forget(ids)
        assert len(window) == 1
        assert window.forget(np.array(["b", "a"])) == 1


def test_rows_without_an_id_are_never_forgotten():
    window = SlidingWindow(5)
    window.append((1,))
    window.append((2,), "a")
    window.append((3,), None)
    assert window.forget([None, "a"]) == 1
    assert window.rows() == [(1,), (3,)]


def test_ids_are_checked_before_anything_is_stored():
    for window, *_ in windows():
        more = {"at": 0} if isinstance(window, TimeWindow) else {}
        with pytest.raises(InvalidInputError, match="ids must be 2 ids, one per row, got 1"):
            window.extend([1, 2], ids=["a"], **more)
        with pytest.raises(InvalidInputError, match="ids must be hashable"):
            window.extend([1, 2], ids=["a", []], **more)
        with pytest.raises(InvalidInputError, match="id must be hashable"):
            window.append(1, [], **more)
        assert len(window) == 0


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "5", None])
def test_sizes_are_whole_numbers_of_at_least_one(size):
    for make in (SlidingWindow, Reservoir, PendingLabels, lambda n: TimeWindow(5, size=n)):
        with pytest.raises(InvalidParameterError, match="size must be"):
            make(size)


def test_repr_makes_an_equal_window():
    for window in (
        SlidingWindow(5),
        Reservoir(5, seed=3),
        Reservoir(5, seed=None),
        PendingLabels(5),
        PendingLabels(5, max_age=dt.timedelta(hours=2)),
        TimeWindow(5),
        TimeWindow(dt.timedelta(days=1), dt.timedelta(hours=1), 50, horizon=dt.timedelta(days=2)),
    ):
        names = {**globals(), "datetime": dt}
        assert repr(eval(repr(window), names)) == repr(window)


def test_nothing_but_numpy_is_loaded():
    code = (
        "import sys, numpy as np; from contlearn.windows import *\n"
        "w = SlidingWindow(5); w.append(np.zeros(2)); w.rows(); Reservoir(3).append((1, 2))\n"
        "TimeWindow(3).append({}, at=0); PendingLabels(3).put(1, 2)\n"
        "heavy = {'scipy', 'sklearn', 'river', 'pandas', 'polars', 'pyarrow', 'narwhals'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
