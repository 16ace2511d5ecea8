"""RiskDetector takes losses in every form in which a user holds them, one by one as many at once."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from contlearn.drift import RiskDetector
from contlearn.exceptions import InvalidInputError

LOSSES = [1.0, 0.0, 0.25, 1.0]
FORMS = {
    "tuple": tuple(LOSSES),
    "array of one column": np.array(LOSSES)[:, None],
    "array of long doubles": np.array(LOSSES, dtype=np.longdouble),
    "rows of one value": [[x] for x in LOSSES],
    "arrays without dimensions": [np.array(x) for x in LOSSES],
    "some without dimensions": [1.0, np.array(0.0), 0.25, np.float32(1.0)],
    "pandas series": pd.Series(LOSSES, index=list("abcd")),
    "pandas frame": pd.DataFrame({"loss": LOSSES}),
    "dictionary": {"loss": LOSSES},
    "polars series": pl.Series(LOSSES),
    "polars frame": pl.DataFrame({"loss": LOSSES}),
    "arrow array": pa.array(LOSSES),
    "chunked arrow array": pa.chunked_array([LOSSES[:2], LOSSES[2:]]),
    "arrow table": pa.table({"loss": LOSSES}),
}
NO_COLUMNS = {
    "two columns": np.zeros((4, 2)),
    "one row": np.zeros((1, 4)),
    "frame of two": pd.DataFrame({"a": [0.0], "b": [1.0]}),
    "dictionary of two": {"a": [0.0], "b": [1.0]},
    "one number": np.array(1.0),
    "text": "0101",
}


def fed(values):
    detector = RiskDetector(limit=0.3)
    for x in values:
        detector.update(x)
    return detector


@pytest.mark.parametrize("values", FORMS.values(), ids=FORMS)
def test_every_form_is_taken_as_the_numbers_in_it(values):
    many = RiskDetector(limit=0.3)
    many.update_many(values)
    assert many.result == fed(LOSSES).result
    learned, expected = (RiskDetector(confidence=0.5).fit(each).limit_ for each in (values, LOSSES))
    assert learned == expected


@pytest.mark.parametrize("values", NO_COLUMNS.values(), ids=NO_COLUMNS)
def test_what_is_not_one_column_is_refused(values):
    detector = fed(LOSSES)
    with pytest.raises(InvalidInputError, match="losses must"):
        detector.update_many(values)
    assert detector.result == fed(LOSSES).result


def test_an_array_without_dimensions_is_the_loss_in_it():
    assert fed([np.array(1.0), np.array(0.25)]).result == fed([1.0, 0.25]).result
    with pytest.raises(InvalidInputError, match=r"x must be a loss between 0 and 1, got 1.5"):
        RiskDetector(limit=0.3).update(np.array(1.5))


@pytest.mark.parametrize("form", [list, np.array, pd.Series], ids=lambda form: form.__name__)
def test_a_wider_number_beyond_the_floats_is_refused_without_a_warning(form):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidInputError, match=r"losses\[1\] must be a loss between 0 and 1"):
            RiskDetector(limit=0.3).update_many(form([np.longdouble(0.5), np.finfo(np.longdouble).max]))


def test_of_a_table_that_is_no_loss_nothing_is_told():
    for table in (pd.DataFrame({"a": [123456.5]}), [123456.5], np.array([123456.5])):
        with pytest.raises(InvalidInputError, match="x must be a loss between 0 and 1, got") as refused:
            RiskDetector(limit=0.3).update(table)
        assert "123456" not in str(refused.value)
