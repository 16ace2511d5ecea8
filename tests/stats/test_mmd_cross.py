"""The test across halves against loops over pairs."""

import math

import numpy as np
import pytest
from scipy import stats

from contlearn.stats import mmd
from contlearn.stats._mmd_cross import _halved, least_independent, mmd_cross


def by_loops(first_x, first_y, second_x, second_y, kernel):
    """Student's statistic of the witness of the second halves at the rows of the first."""

    def witness(row):
        over_x = np.mean([kernel(row, other) for other in second_x])
        return over_x - np.mean([kernel(row, other) for other in second_y])

    of_x, of_y = [witness(row) for row in first_x], [witness(row) for row in first_y]
    return np.mean(of_x) - np.mean(of_y), float(stats.ttest_ind(of_x, of_y).statistic)


def test_the_statistic_is_that_of_loops_over_pairs(monkeypatch):
    monkeypatch.setattr("contlearn.stats._mmd_cross._FEWEST_CARRIERS", 0.0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(18, 2)), rng.normal(size=(14, 2)) + 0.7
    halves = _halved(x, y, np.random.default_rng(5), 1)
    parts = np.split(halves.first, [halves.x_first]) + np.split(halves.second, [halves.x_second])
    found = mmd_cross(x, y, np.random.default_rng(5))

    def gaussian(step):
        width = found.bandwidth / step
        return lambda a, b: math.exp(-((a - b) ** 2).sum() / (2.0 * width**2))

    kernels = [gaussian(step) for step in (1.0, 2.0, 4.0, 8.0, 16.0)]
    kernels.append(lambda a, b: -math.sqrt(((a - b) ** 2).sum()))
    every = [by_loops(*parts, kernel) for kernel in kernels]
    assert found.squared == pytest.approx(every[0][0], rel=1e-6)
    assert found.statistic == pytest.approx(max(score for _, score in every), rel=1e-6)


def test_it_estimates_the_same_discrepancy_as_all_pairs():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(1000, 3)), rng.normal(size=(900, 3)) + 0.5
    found = mmd_cross(x, y, np.random.default_rng(0))
    assert found.squared == pytest.approx(mmd(x, y).mmd_squared[0], rel=0.1)
    assert found.p_value < 1e-20


def test_the_same_rows_in_another_order_have_the_same_answer():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(80, 3)), rng.normal(size=(70, 3))
    one = mmd_cross(x, y, np.random.default_rng(3))
    other = mmd_cross(x[::-1], rng.permutation(y), np.random.default_rng(3))
    assert other.p_value == pytest.approx(one.p_value, rel=1e-9)
    assert other.squared == pytest.approx(one.squared, rel=1e-9)


def test_halves_are_whole_blocks_in_their_order_and_leave_none_out():
    x, y = np.arange(47.0)[:, None], np.arange(100.0, 161.0)[:, None]
    halves = _halved(x, y, np.random.default_rng(0), 10)
    assert halves.first[:, 0].tolist() == [*range(20), *range(100, 130)]
    assert halves.second[:, 0].tolist() == [*range(20, 40), *range(130, 160)]
    plain = _halved(x, y, np.random.default_rng(0), 1)
    assert sorted([*plain.first[:, 0], *plain.second[:, 0]]) == [*range(47), *range(100, 161)]
    assert least_independent(47, 61, 10) == 2
    assert least_independent(47, 61) == 23


def test_samples_without_any_spread_differ_or_do_not():
    rng = np.random.default_rng(0)
    same = mmd_cross(np.full((60, 2), 0.1), np.full((60, 2), 0.1), rng)
    assert (same.p_value, same.squared) == (1.0, 0.0)
    apart = mmd_cross(np.zeros((60, 2)), np.ones((60, 2)), rng)
    assert 0.0 < apart.p_value < 1e-10


def test_tiles_do_not_show():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(900, 2)), rng.normal(size=(800, 2)) * 1.1
    halves = _halved(x, y, np.random.default_rng(6), 1)
    found = mmd_cross(x, y, np.random.default_rng(6))
    squared = ((halves.first[:, None] - halves.second[None]) ** 2).sum(axis=2)
    kernel = np.exp(-squared / (2.0 * found.bandwidth**2))
    own = np.where(np.arange(850) < halves.x_first, 1.0 / halves.x_first, -1.0 / 400)
    other = np.where(np.arange(850) < halves.x_second, 1.0 / halves.x_second, -1.0 / 400)
    assert found.squared == pytest.approx(own @ kernel @ other, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-300, 1e9, 1e300])
def test_the_unit_of_the_data_changes_nothing(unit):
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(50, 2)) + 0.4
    plain, scaled = (mmd_cross(x * u, y * u, np.random.default_rng(0)) for u in (1.0, unit))
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-6)
