"""The door for tables: the same data mean the same wherever they come from, and a refusal says why."""

import datetime as dt
import decimal
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn._tables import Schema, read
from contlearn.exceptions import InvalidInputError, MissingDependencyError, SchemaError

GAPS = {
    "count": [1, None, 3],
    "amount": [1.5, None, 2.5],
    "ok": [True, None, False],
    "city": ["Oslo", None, "Rome"],
    "at": [dt.datetime(2020, 1, 1), None, dt.datetime(2020, 1, 2, 12)],
    "took": [dt.timedelta(seconds=1), None, dt.timedelta(days=2)],
}
KINDS = {
    "count": "numeric",
    "amount": "numeric",
    "ok": "boolean",
    "city": "categorical",
    "at": "datetime",
    "took": "duration",
}
BACKENDS = {
    "dict of lists": lambda data: data,
    "dict of arrays": lambda data: {name: np.array(values, dtype=object) for name, values in data.items()},
    "pandas": pd.DataFrame,
    "pandas, nullable": lambda data: pd.DataFrame(data).convert_dtypes(),
    "pandas, objects": lambda data: pd.DataFrame(data, dtype=object),
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "array of objects": lambda data: np.array(list(data.values()), dtype=object).T,
}


def content(table):
    """What a table says: for each column its kind and its values, None where missing."""
    return [
        (
            column.kind,
            [None if gone else value for value, gone in zip(column.values.tolist(), mask, strict=True)],
        )
        for column in table.columns
        for mask in [column.missing if column.missing is not None else [False] * column.n_rows]
    ]


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_tells_the_same_with_gaps(backend):
    table = read(BACKENDS[backend](GAPS))
    assert content(table) == content(read(GAPS))
    assert [column.kind for column in table.columns] == list(KINDS.values())
    assert all(column.n_missing == 1 for column in table.columns)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_tells_the_same_without_gaps(backend):
    whole = {name: [values[0], values[2]] for name, values in GAPS.items()}
    table = read(BACKENDS[backend](whole))
    assert content(table) == content(read(whole))
    assert all(column.missing is None for column in table.columns)


def test_null_nan_none_and_nat_are_all_missing():
    assert read([1.0, None, float("nan")]).columns[0].n_missing == 2
    assert read(pl.DataFrame({"x": [1.0, None, float("nan")]})).columns[0].n_missing == 2
    assert read(pa.table({"x": pa.array([1.0, None, float("nan")])})).columns[0].n_missing == 2
    assert read(["a", None, float("nan"), pd.NA]).columns[0].n_missing == 3
    assert read(np.array(["2020-01-01", "NaT"], dtype="M8[D]")).columns[0].n_missing == 1
    assert read([decimal.Decimal("1.5"), decimal.Decimal("NaN")]).columns[0].n_missing == 1
    assert read(pd.Series([pd.Timestamp("2020"), pd.NaT], dtype=object)).columns[0].n_missing == 1


@pytest.mark.parametrize(
    "values",
    [
        [],
        [None, None],
        np.full(3, np.nan),
        np.zeros(0, dtype=int),
        pl.Series([None, None]),
        np.array([], dtype="U3"),
    ],
)
def test_nothing_known_is_of_unknown_kind(values):
    (column,) = read(values).columns
    assert column.kind == "unknown"
    assert column.n_missing == column.n_rows


@pytest.mark.parametrize(
    ("zoned", "utc_hour"),
    [
        (pd.Series(pd.to_datetime(["2020-01-01 00:00"]).tz_localize("America/New_York")), 5),
        (pl.Series([dt.datetime(2020, 1, 1)]).dt.replace_time_zone("America/New_York"), 5),
        ([dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-5)))], 5),
        ([dt.datetime(2020, 1, 1)], 0),
        ([dt.date(2020, 1, 1)], 0),
        (pl.Series([dt.date(2020, 1, 1)]), 0),
        (np.array(["2020-01-01"], dtype="M8[ns]"), 0),
        ([np.datetime64("2020-01-01")], 0),
    ],
)
def test_times_are_microseconds_in_utc(zoned, utc_hour):
    (column,) = read(zoned).columns
    expected = dt.datetime(2020, 1, 1, utc_hour, tzinfo=dt.UTC).timestamp() * 1e6
    assert (column.kind, column.values.tolist()) == ("datetime", [expected])


def test_declared_categories_stay_categories_even_when_they_are_numbers():
    for frame in (
        pd.DataFrame({"x": pd.Categorical([1, None, 2])}),
        pl.DataFrame({"x": pl.Series(["1", None, "2"], dtype=pl.Categorical)}),
        pa.table({"x": pa.array(["1", None, "2"]).dictionary_encode()}),
    ):
        (column,) = read(frame).columns
        assert (column.kind, column.n_missing) == ("categorical", 1)
        assert [str(int(value)) for value in column.complete().values] == ["1", "2"]


def test_huge_integers_stay_different():
    big = 2**53
    for values in ([big, big + 1], np.array([big, big + 1]), [big, big + 1, None], pl.Series([big, big + 1])):
        assert len(set(read(values).columns[0].complete().values.tolist())) == 2
    huge = np.array([2**63, 2**63 + 1], dtype=np.uint64)
    assert read(huge).columns[0].values.tolist() == [2**63, 2**63 + 1]
    assert read({"x": huge, "y": [1, 2]}).columns[0].values.tolist() == [2**63, 2**63 + 1]
    assert read(pd.DataFrame({"x": huge, "y": [1, 2]})).columns[0].values.tolist() == [2**63, 2**63 + 1]
    assert read([2**64, 1]).columns[0].values.tolist() == [2.0**64, 1.0]


def test_a_gap_in_one_integer_column_of_a_frame_does_not_round_another():
    frame = pl.DataFrame({"id": [2**53 + 1, 2**53 + 2], "n": [1, None]})
    assert read(frame).columns[0].values.tolist() == [2**53 + 1, 2**53 + 2]


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros((3, 0)), "0 feature"),
        ({}, "at least one column"),
        (pd.DataFrame(), "at least one column"),
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (np.array([1j]), "omplex"),
        ({"x": np.array([1j])}, "column 'x'"),
        (np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), "name: X"),
        (np.ma.array([1.0, 2.0], mask=[True, False]), "filled"),
        ({"x": np.ma.array([1.0, 2.0], mask=[True, False])}, "filled"),
        (scipy.sparse.eye_array(3).tocsr(), "toarray"),
        (scipy.sparse.eye_array(3).todok(), "toarray"),
        (scipy.sparse.csr_matrix(np.eye(3)), "toarray"),
        (pl.DataFrame({"a": [1]}).lazy(), "collect"),
        ([[1, 2], [3]], "list that is no table"),
        ({"x": [[1], [2, 3]]}, "column 'x'"),
        ({"a": 1}, "one row is"),
        ({"a": "text"}, "column 'a'"),
        ({"a": np.zeros((2, 2))}, "column 'a'"),
        ({"a": {"b": [1]}}, "column 'a'"),
        ({"a": [1, 2], "b": [1]}, "'b' with 1"),
        (5, "got int"),
        (None, "got NoneType"),
        ("text", "got str"),
        ({"x": [1.0, float("inf")]}, "column 'x' must be finite, got 1 infinite of 2"),
        ({"x": np.array([1e39, 1.0], dtype=np.longdouble) * 1e300}, "column 'x'"),
        (pl.DataFrame({"x": [-float("inf"), 1.0, None]}), "column 'x'"),
        (np.array([[0.0, 1.0], [0.0, np.inf]]), "column '1'"),
        ({"x": [10**400, 1]}, "column 'x'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(X, words):
    with pytest.raises(InvalidInputError, match="must") as refused:
        _ = read(X).columns
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ({"x": [1, "a"]}, "column 'x' must hold values of one kind, got int and str"),
        ([1, "a", None], "int and str"),
        ({"x": [True, "a"]}, "bool and str"),
        ({"x": [dt.datetime(2020, 1, 1), 5]}, "datetime and int"),
        ({"x": [{"a": 1}]}, "column 'x'"),
        (pl.DataFrame({"x": [[1], [2]]}), "column 'x'"),
        ({"x": [object()]}, "got object"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' more than once"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), "'1' more than once"),
        (pa.table([[1], [2]], names=["a", "a"]), "'a' more than once"),
        ({1: [1], "1": [2]}, "'1' more than once"),
    ],
)
def test_columns_that_are_no_columns_are_a_schema_error(X, words):
    with pytest.raises(SchemaError) as refused:
        _ = read(X).columns
    assert words in str(refused.value)


def test_messages_never_hold_rows():
    with pytest.raises(InvalidInputError) as refused:
        _ = read({"x": ["secret"] * 1000 + [5]}).columns
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) < 300


def schema_of(X):
    table = read(X)
    return Schema.of(table, table.columns)


def test_named_tables_are_matched_by_name_whatever_their_order():
    schema = schema_of({"a": [1, 2], "b": ["x", "y"]})
    for table in (
        {"b": ["p", "q"], "a": [3, 4]},
        pd.DataFrame({"b": ["p", "q"], "a": [3, 4]}),
        pl.DataFrame({"b": ["p", "q"], "a": [3, 4]}),
    ):
        columns = schema.match(read(table))
        assert [column.name for column in columns] == ["a", "b"]
        assert columns[0].values.tolist() == [3, 4]


def test_integer_column_labels_are_names_too():
    schema = schema_of(pd.DataFrame({0: [1, 2], 1: [5, 6]}))
    swapped = schema.match(read(pd.DataFrame({1: [7, 8], 0: [3, 4]})))
    assert swapped[0].values.tolist() == [3, 4]
    assert schema.match(read(np.array([[3, 7], [4, 8]])))[0].values.tolist() == [3, 4]


def test_bare_arrays_are_matched_by_position_if_as_wide():
    schema = schema_of({"a": [1, 2], "b": [5, 6]})
    columns = schema.match(read(np.array([[3, 7], [4, 8]])))
    assert [(column.name, column.values.tolist()) for column in columns] == [("a", [3, 4]), ("b", [7, 8])]
    with pytest.raises(SchemaError, match="2 columns, as in fit, got 3"):
        schema.match(read(np.zeros((2, 3))))
    assert [column.n_rows for column in schema.match(read([]))] == [0, 0]


def test_missing_and_extra_columns_are_named():
    schema = schema_of({"age": [1], "pay": [2]})
    with pytest.raises(SchemaError, match=r"column 'pay' missing; add what is missing"):
        schema.match(read({"age": [1]}))
    with pytest.raises(SchemaError, match=r"column 'zip' in addition; drop"):
        schema.match(read({"age": [1], "pay": [2], "zip": [3]}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1, 2], [1.0, None]),
        ([1, 2], [1.5, 2.5]),
        ([True, False], np.array([True, None], dtype=object)),
        (["a", "b"], pd.Categorical(["a", None])),
        ([1, 2], [None, None]),
        ([1, 2], []),
        ([None, None], ["a", "b"]),
    ],
)
def test_the_same_kind_in_another_dtype_is_no_change(before, after):
    schema = schema_of({"x": before})
    assert schema.match(read({"x": pd.Series(after) if isinstance(after, pd.Categorical) else after}))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([1, 2], ["1", "2"], "hold numbers, as in fit, got categories"),
        (["1"], [1], "hold categories, as in fit, got numbers"),
        ([1, 0], [True, False], "hold numbers, as in fit, got booleans"),
        ([1.0], [dt.datetime(2020, 1, 1)], "hold numbers, as in fit, got dates"),
        ([dt.timedelta(1)], [dt.datetime(2020, 1, 1)], "hold durations, as in fit, got dates"),
    ],
)
def test_another_kind_is_a_schema_error_with_a_cure(before, after, words):
    with pytest.raises(SchemaError) as refused:
        schema_of({"x": before}).match(read({"x": after}))
    assert f"column 'x' must {words}; convert it, or fit again" == str(refused.value)


def test_columns_that_are_not_used_are_not_looked_at():
    table = read({"a": [1.0, 2.0], "broken": [object(), float("inf")]})
    schema = Schema.of(table, table.load([0]))
    assert [column.name for column in schema.match(table)] == ["a"]
    assert [column.name for column in schema.match(read({"a": [3.0], "new": [object()]}))] == ["a"]
    with pytest.raises(SchemaError, match="2 columns, as in fit, got 1"):
        schema.match(read(np.zeros((3, 1))))


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i2", "u1", "?", "M8[s]", "U3", "O"])
def test_columns_never_share_memory_with_the_caller(dtype):
    array = np.array([[1, 0], [0, 1], [1, 1]]).astype(dtype)
    before = array.copy()
    for given_array in (array, np.asfortranarray(array), array[::-1], array[:, ::-1]):
        given_array.flags.writeable = False
        for column in read(given_array).columns:
            assert not np.shares_memory(column.values, given_array)
    assert read({"x": array[:, 0]}).columns[0].values is not array
    assert (array == before).all()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(st.none(), st.integers(-(2**62), 2**62)) | st.just(float("nan")), min_size=1, max_size=20
    )
)
def test_lists_of_integers_with_gaps_keep_every_integer(values):
    (column,) = read(values).columns
    present = [value for value in values if value is not None and value == value]
    assert column.n_missing == len(values) - len(present)
    kept = column.complete().values.tolist()
    exact = len({type(value) for value in values} - {type(None)}) < 2 or all(abs(v) < 2**53 for v in present)
    assert not exact or kept == present


def test_narwhals_is_loaded_for_frames_only():
    code = (
        "import sys, numpy as np; from contlearn._tables import read;"
        "[read(x).columns for x in (np.zeros((2, 2)), [1, 2], {'a': [1], 'b': np.zeros(1)})];"
        "print('narwhals' in sys.modules, 'pandas' in sys.modules, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False"]


def test_without_narwhals_the_error_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals.stable.v2", None)
    with pytest.raises(MissingDependencyError, match="narwhals"):
        read(pd.DataFrame({"a": [1]}))
