"""Values that no column can hold are refused by the name of the column, and the others are read exactly."""

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from contlearn._tables import read
from contlearn.exceptions import InvalidInputError, SchemaError

FAR = 2**62
EAST, WEST = (dt.timezone(dt.timedelta(hours=hours)) for hours in (3, -3))

NESTED = {
    "polars struct series": pl.Series("x", [{"a": 1}] * 60),
    "polars struct": pl.DataFrame({"x": [{"a": 1}] * 60}),
    "polars list": pl.DataFrame({"x": [[1, 2], [1]]}),
    "polars array": pl.DataFrame({"x": pl.Series([[1, 2]] * 60, dtype=pl.Array(pl.Int64, 2))}),
    "arrow struct": pa.table({"x": [{"a": 1}] * 60}),
    "arrow list": pa.table({"x": [[1, 2]] * 60}),
    "objects that are lists": pd.DataFrame({"x": [[1, 2]] * 60}),
    "objects that are dictionaries": pd.DataFrame({"x": [{"a": 1}] * 60}),
    "objects that are arrays": {"x": np.array([None, *[np.arange(2)] * 3, "a"], dtype=object)[:4]},
}

TIMES = {
    "the last time of all in the west": [dt.datetime.max.replace(tzinfo=WEST)],
    "the first time of all in the east": [None, dt.datetime.min.replace(tzinfo=EAST)],
    "far seconds": np.array([FAR], dtype="M8[s]"),
    "far seconds among objects": np.array([None, np.datetime64(FAR, "s")], dtype=object),
    "a long duration": np.array([FAR], dtype="m8[s]"),
    "a long duration among objects": np.array([None, np.timedelta64(FAR, "s")], dtype=object),
}


@pytest.mark.parametrize("kind", NESTED)
def test_nested_columns_are_refused_by_name_with_a_cure(kind):
    refused = r"column 'x': each argument must be .* got .*; convert the column, or leave it out"
    with pytest.raises(SchemaError, match=refused):
        _ = read(NESTED[kind]).columns


@pytest.mark.parametrize("case", TIMES)
def test_times_that_do_not_fit_are_refused_instead_of_wrapped_around(case):
    with pytest.raises(InvalidInputError, match=r"column 'x' must hold times that fit .*; replace"):
        _ = read({"x": TIMES[case]}).columns


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "s", "ms", "us", "ns", "ps"])
def test_times_that_fit_keep_their_microseconds_in_every_unit(unit):
    days = np.array([-40, -1, 0, 1, 40], dtype=f"M8[{unit}]")
    (column,) = read({"x": days}).columns
    assert (column.values.view("M8[us]") == days.astype("M8[us]")).all()
    durations = np.array([-40, -1, 0, 1, 40], dtype=f"m8[{unit}]")
    (column,) = read({"x": durations.astype(object) if unit == "us" else durations}).columns
    assert (column.values.view("m8[us]") == durations.astype("m8[us]")).all()


def test_the_widest_times_of_python_are_read():
    times = [dt.datetime.min, dt.datetime.max, dt.datetime.max.replace(tzinfo=dt.UTC)]
    (column,) = read({"x": times}).columns
    assert column.values.view("M8[us]").tolist() == [dt.datetime.min, dt.datetime.max, dt.datetime.max]
    (column,) = read({"x": [dt.timedelta.min // 1000, dt.timedelta(microseconds=7)]}).columns
    assert column.values.view("m8[us]").tolist() == [dt.timedelta.min // 1000, dt.timedelta(microseconds=7)]


def test_integers_of_128_bits_are_numbers():
    (column,) = read(pl.DataFrame({"x": pl.Series([1, None, 2**60 + 1], dtype=pl.Int128)})).columns
    assert column.kind == "numeric"
    assert column.complete().values.tolist() == [1, 2**60 + 1]
    (column,) = read(pl.DataFrame({"x": pl.Series([1, 2**100], dtype=pl.Int128)})).columns
    assert column.values.tolist() == [1.0, 2.0**100]


def test_a_signalling_nan_is_missing():
    (column,) = read({"x": [decimal.Decimal("sNaN"), decimal.Decimal(1), decimal.Decimal("NaN")]}).columns
    assert (column.n_missing, column.complete().values.tolist()) == (2, [1.0])


def test_the_precision_that_floats_came_in_is_kept():
    x = [1.5, float("nan"), 2.5]
    for bits in (16, 32, 64):
        array = np.array(x, dtype=f"f{bits // 8}")
        for table in (array, {"0": array}, pd.DataFrame({"0": array}), np.stack([array, array], axis=1)):
            column = read(table).columns[0]
            assert (column.bits, column.complete().bits, column.renamed("y").bits) == (bits,) * 3
            assert column.values.dtype == np.float64
    assert read({"x": np.arange(3, dtype=np.int16)}).columns[0].bits == 64


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize(
    "library",
    [
        lambda values: pd.DataFrame({"id": pd.array(values, dtype="Int64")}),
        lambda values: pd.DataFrame({"id": pd.array(values, dtype="UInt64")}),
        lambda values: pl.DataFrame({"id": values}),
        lambda values: pa.table({"id": values}),
    ],
)
def test_integers_with_gaps_stay_integers(library, many):
    frame = library([None, 2**60 + 1, 2**60 + 2] * many)
    for column in (read(frame).columns[0], read({"id": frame["id"]}).columns[0]):
        assert column.values.dtype == np.int64
        assert column.missing.tolist() == [True, False, False] * many
        assert column.complete().values.tolist() == [2**60 + 1, 2**60 + 2] * many
