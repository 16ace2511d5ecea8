import math

import numpy as np
import pandas as pd
import pytest

from contlearn.evaluation import by_slice, mean_loss
from contlearn.exceptions import InvalidInputError
from contlearn.results import Interval
from contlearn.stats import mean_interval


def test_mean_loss_is_the_mean_interval_of_the_losses():
    losses = np.random.default_rng(0).random(60)
    groups = np.repeat(range(12), 5)
    assert mean_loss(losses) == mean_interval(losses, 0.9)
    assert mean_loss(losses, 0.99, groups) == mean_interval(losses, 0.99, groups)
    assert type(mean_loss(losses)) is Interval
    assert all(type(value) is float for value in mean_loss(losses))


def test_few_rows_do_not_look_certain():
    assert mean_loss([0, 0, 0, 0, 0]).high == pytest.approx(1 - 0.05 ** (1 / 5))
    assert mean_loss([0.3]).high == math.inf


def test_days_as_groups_widen_the_interval():
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(14), 200)
    losses = rng.random(14)[day] + 0.1 * rng.random(day.size)
    rows, days = mean_loss(losses), mean_loss(losses, groups=day)
    assert days.estimate == pytest.approx(rows.estimate)
    assert days.high - days.low > 5 * (rows.high - rows.low)


@pytest.mark.parametrize("losses", [[], [math.nan], [1.0, math.inf], ["a"], [[0.0]]])
def test_losses_that_are_none_are_refused_by_name(losses):
    with pytest.raises(InvalidInputError, match="losses must"):
        mean_loss(losses)
    with pytest.raises(InvalidInputError, match="losses must"):
        by_slice(losses, ["a"])


def test_slices_are_sorted_and_rows_without_one_are_a_slice():
    found = by_slice([0.5, 0.1, 0.3, 0.2, 0.7], pd.Series(["us", "eu", None, "eu", "us"]))
    assert list(found) == ["eu", "us", "(missing)"]
    assert found["eu"] == mean_loss([0.1, 0.2])
    assert found["us"] == mean_loss([0.5, 0.7])
    assert found["(missing)"] == mean_loss([0.3])


def test_groups_are_carried_into_the_slices():
    rng = np.random.default_rng(2)
    losses, slices, groups = rng.random(40), np.tile(["a", "b"], 20), np.repeat(np.arange(8), 5)
    found = by_slice(losses, slices, 0.8, groups)
    here = slices == "b"
    assert found["b"] == mean_loss(losses[here], 0.8, groups[here])


def test_slices_and_losses_have_one_length():
    with pytest.raises(InvalidInputError, match="same length"):
        by_slice([0.1, 0.2], ["a"])
    with pytest.raises(InvalidInputError, match="slices must hold one value per row"):
        by_slice([0.1, 0.2], None)
