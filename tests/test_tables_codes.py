"""Text and categories of frames come with codes that say the same as the values."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn._tables import read

BACKENDS = {
    "pandas": lambda values: pd.DataFrame({"x": pd.Series(values, dtype="str")}),
    "pandas string": lambda values: pd.DataFrame({"x": pd.Series(values, dtype="string")}),
    "pandas object": lambda values: pd.DataFrame({"x": pd.Series(values, dtype=object)}),
    "pandas categorical": lambda values: pd.DataFrame({"x": pd.Categorical(values)}),
    "polars": lambda values: pl.DataFrame({"x": pl.Series(values, dtype=pl.String)}),
    "polars categorical": lambda values: pl.DataFrame({"x": pl.Series(values, dtype=pl.Categorical)}),
    "pyarrow": lambda values: pa.table({"x": pa.array(values, pa.string())}),
    "pyarrow chunks": lambda values: pa.table(
        {"x": pa.chunked_array([values[:1], values[1:]], type=pa.string())}
    ),
    "pyarrow dictionary": lambda values: pa.table({"x": pa.array(values, pa.string()).dictionary_encode()}),
}


def label_of(column):
    return column.codes.labels[column.codes.places].tolist()


@pytest.mark.parametrize("backend", BACKENDS)
@settings(derandomize=True, deadline=None, max_examples=25)
@given(values=st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "b", "ä", "nan"])), max_size=12))
def test_codes_tell_what_the_values_tell(backend, values):
    (column,) = read(BACKENDS[backend](values)).columns
    gaps = np.zeros(len(values), dtype=bool) if column.missing is None else column.missing
    assert gaps.tolist() == [value is None for value in values]
    known = [value for value in values if value is not None]
    if not known:
        assert (column.kind, column.codes) == ("unknown", None)
        return
    complete = column.complete()
    assert column.kind == "categorical"
    assert complete.values.tolist() == label_of(complete) == known
    assert len(set(complete.codes.labels.tolist())) == len(complete.codes.labels)
    assert complete.codes.places.dtype == np.int64


def test_text_that_is_none_further_down_is_still_refused():
    mixed = pd.DataFrame({"x": pd.Series(["a"] * 500 + [1], dtype=object)})
    with pytest.raises(ValueError, match="one kind"):
        _ = read(mixed).columns


def test_missing_values_of_every_sort_are_gaps_in_text():
    (column,) = read(pd.DataFrame({"x": pd.Series(["a", None, np.nan, pd.NA, "b"], dtype=object)})).columns
    assert column.missing.tolist() == [False, True, True, True, False]
    assert column.complete().values.tolist() == ["a", "b"]


def test_declared_categories_stay_what_they_are_one_and_its_text_apart():
    (column,) = read(pa.table({"x": pa.array([1, 2, 1]).dictionary_encode()})).columns
    assert label_of(column) == column.values.tolist() == [1, 2, 1]
    odd = pd.DataFrame({"x": pd.Categorical.from_codes([0, 1, 0], categories=["1", 1])})
    (column,) = read(odd).columns
    assert label_of(column) == ["1", 1, "1"]


def test_a_dictionary_that_names_a_label_twice_has_it_once():
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", "b", "a"]))
    (column,) = read(pa.table({"x": twice})).columns
    assert column.values.tolist() == ["a", "b", "a"]
    assert sorted(column.codes.labels) == ["a", "b"]


def test_codes_never_share_memory_with_the_caller():
    frame = pd.DataFrame({"x": pd.Categorical(["a", "b"] * 50)})
    (column,) = read(frame).columns
    frame.loc[:, "x"] = "b"
    assert label_of(column) == ["a", "b"] * 50
