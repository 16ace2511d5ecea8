import datetime as dt
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from contlearn.exceptions import InvalidInputError
from contlearn.stats._columns import MISSING, finite, labels, numbers


@pytest.mark.parametrize(
    "column",
    [
        [1, 2, None],
        [1.0, 2.0, float("nan")],
        np.array([1, 2, None], dtype=object),
        np.ma.masked_array([1.0, 2.0, 9.0], mask=[0, 0, 1]),
        pd.Series([1, 2, None]),
        pd.Series([1, 2, None], dtype="Int64"),
        pd.array([1.0, 2.0, None], dtype="Float32"),
        pl.Series([1, 2, None]),
        pa.array([1, 2, None]),
        pa.chunked_array([[1, 2], [None]]),
    ],
)
def test_numbers_come_from_every_kind_of_column_and_what_is_missing_becomes_nan(column):
    found = numbers("x", column)
    assert found.dtype == np.float64
    assert found.flags.owndata or found.base is None
    np.testing.assert_array_equal(found, [1.0, 2.0, np.nan])


@pytest.mark.parametrize(
    "column",
    [
        ["b", "a", None, "b"],
        np.array(["b", "a", None, "b"], dtype=object),
        ["b", "a", MISSING, "b"],
        ["b", "a", float("nan"), "b"],
        pd.Series(["b", "a", None, "b"]),
        pd.Series(["b", "a", None, "b"], dtype="category"),
        pd.Series(["b", "a", None, "b"], dtype=object),
        pl.Series(["b", "a", None, "b"]),
        pl.Series(["b", "a", None, "b"], dtype=pl.Categorical),
        pa.array(["b", "a", None, "b"]),
    ],
)
def test_labels_are_sorted_and_what_is_missing_has_a_name(column):
    found = labels("x", column)
    assert found.names == ("a", "b", MISSING)
    assert found.codes.tolist() == [1, 0, 2, 1]
    assert found.missing == 1


def test_labels_keep_their_python_kind():
    assert labels("x", np.array([3, 1, 3])).names == (1, 3)
    assert labels("x", [True, False]).names == (False, True)
    assert labels("x", [2.5, float("nan")]).names == (2.5, MISSING)
    assert labels("x", np.array(["2013-01-02", "NaT"], dtype="M8[D]")).names == ("2013-01-02", MISSING)
    days = [dt.date(2013, 1, 2), dt.date(2013, 1, 1)]
    assert labels("x", days).names == tuple(sorted(days))
    assert labels("x", np.array(["a", 1, "b"], dtype=object)).names == (1, "a", "b")
    assert labels("x", []).names == ()


def test_labels_do_not_depend_on_the_order_of_the_rows():
    rng = np.random.default_rng(0)
    column = rng.choice(["eu", "us", "apac"], 50)
    order = rng.permutation(50)
    there, here = labels("x", column), labels("x", column[order])
    assert there.names == here.names
    assert there.codes[order].tolist() == here.codes.tolist()


@pytest.mark.parametrize("bad", ["abc", 3, None, [[1, 2], [3]], np.zeros((3, 2)), np.float64(1.0)])
def test_what_is_no_column_is_refused(bad):
    with pytest.raises(InvalidInputError, match="x must"):
        labels("x", bad)


def test_the_cure_for_a_column_vector_is_told():
    with pytest.raises(InvalidInputError, match=r"shape \(3, 1\); use its \.ravel\(\)"):
        numbers("x", np.zeros((3, 1)))


@pytest.mark.parametrize(
    "bad", [["a"], ["1"], [object()], np.array([1 + 2j]), np.array(["2013-01-01"], dtype="M8[D]"), [b"1"]]
)
def test_what_is_no_number_is_refused(bad):
    with pytest.raises(InvalidInputError, match="x must hold numbers"):
        numbers("x", bad)


def test_unhashable_labels_are_refused():
    bad = np.empty(2, dtype=object)
    bad[:] = [{1}, [2]]
    with pytest.raises(InvalidInputError, match="x must hold hashable labels"):
        labels("x", bad)


def test_rows_that_are_not_finite_are_counted():
    with pytest.raises(InvalidInputError, match="2 of 4 rows"):
        finite("x", [1.0, float("nan"), float("inf"), 2.0])
    with pytest.raises(InvalidInputError, match="at least one row"):
        finite("x", [])


def test_a_number_beyond_the_floats_is_infinite_where_its_kind_is_wider_and_else_refused():
    assert numbers("x", np.array([np.longdouble("1e4000")])).tolist() == [np.inf]
    for column in ([10**400], [Fraction(10**400), 0.5], np.array([None, -(10**400)], dtype=object)):
        with pytest.raises(InvalidInputError, match=r"^x must hold numbers of at most 1\.8e308 in size"):
            numbers("x", column)
