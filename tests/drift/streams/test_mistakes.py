"""The mistakes that are easily made: each is refused in words that help, and does no harm."""

import contextlib

import numpy as np
import pandas as pd
import polars as pl
import pytest

from contlearn.drift import KS, Latched, OnlineMMD, OverTime, Pooled, RiskDetector, Windowed
from contlearn.exceptions import InvalidInputError

RNG = np.random.default_rng(0)
REFERENCE = RNG.normal(size=300)


def test_a_text_is_quoted_so_that_it_does_not_pass_for_a_number():
    with pytest.raises(InvalidInputError, match=r"between 0 and 1, got '0\.5'"):
        RiskDetector(limit=0.1).update("0.5")


@pytest.mark.parametrize("values", [(x for x in (0.0, 1.0)), {0.0, 1.0}, {"a": [0.0], "b": [1.0]}], ids=type)
def test_losses_that_are_no_sequence_are_named_with_a_cure(values):
    with pytest.raises(InvalidInputError, match=r"one value per row, got \w+; pass a list or an array"):
        RiskDetector(limit=0.1).update_many(values)


@pytest.mark.parametrize(
    "make",
    [
        lambda: OverTime(KS()).fit(REFERENCE),
        lambda: Windowed(KS(), 50).fit(REFERENCE),
        lambda: Latched(RiskDetector(limit=0.1)),
    ],
    ids=["OverTime", "Windowed", "Latched"],
)
@pytest.mark.parametrize("value", [0.5, None, "0.5"])
def test_one_value_is_not_many(make, value):
    with pytest.raises(InvalidInputError, match=r"be many values, got .*; use update for one"):
        make().update_many(value)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, dict])
def test_a_frame_is_one_batch_and_its_columns_are_not_batches(frame):
    batch = frame({"a": RNG.normal(size=50)})
    watch = OverTime(KS()).fit({"a": REFERENCE})
    with pytest.raises(InvalidInputError, match=r"one batch after another, got .*; use update for one batch"):
        watch.update_many(batch)
    watch.update(batch)
    assert watch.update_many([batch, batch]) == []
    assert "batch 3" in str(watch.result)


def test_a_row_of_numbers_may_be_an_array_without_dimensions():
    rows = RNG.normal(size=(400, 1))
    one, other = OnlineMMD(warm_up=200).fit(rows), OnlineMMD(warm_up=200).fit(rows)
    one.update(np.array(0.5))
    other.update(0.5)
    assert one.result == other.result


def test_a_reference_of_one_and_the_same_row_is_refused():
    with pytest.raises(InvalidInputError, match="have rows that differ"):
        OnlineMMD().fit(np.full((300, 2), 0.3))


def test_a_pool_is_told_which_value_is_whose():
    pool = Pooled({"a": RiskDetector(limit=0.1)})
    with pytest.raises(InvalidInputError, match="a mapping of names to values"):
        pool.update(0.5)


def test_after_every_mistake_the_next_shift_is_found():
    errors = RiskDetector(limit=0.1)
    for mistake in ("1", None, float("nan"), 2, [1], {"loss": 1}):
        with contextlib.suppress(InvalidInputError):
            errors.update(mistake)
    assert errors.result.n_current == 0
    assert errors.update_many([1] * 20)
