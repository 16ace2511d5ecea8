"""The energy distance against loops, exact values and edge cases."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import energy_distance

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import energy
from contlearn.stats._energy import measured
from contlearn.stats._energy_effect import effect
from contlearn.stats._kernels import bin_pair_sums, line_pair_sums


def mean_distance(x, y):
    return float(np.mean([math.dist(a, b) for a in x for b in y]))


def by_loops(x, y):
    across = mean_distance(x, y)
    statistic = 2.0 * across - mean_distance(x, x) - mean_distance(y, y)
    return statistic, statistic / (2.0 * across)


@pytest.mark.parametrize(
    ("n", "m", "d"), [(2, 2, 1), (7, 3, 2), (40, 30, 3), (150, 30, 1), (150, 31, 2), (300, 13, 4)]
)
@pytest.mark.parametrize("decimals", [12, 0], ids=["continuous", "rounded"])
def test_the_statistic_is_that_of_all_pairs_of_all_rows(n, m, d, decimals):
    rng = np.random.default_rng(n + m)
    x = np.round(2.0 * rng.normal(size=(n, d)), decimals)
    y = np.round(2.0 * rng.normal(size=(m, d)) + 1.0, decimals)
    result = energy(x, y, 19)
    statistic, coefficient = by_loops(x, y)
    assert result.statistic == pytest.approx(statistic, rel=1e-9)
    assert result.coefficient == pytest.approx(coefficient, rel=1e-9)
    assert (result.n_x, result.n_y) == (n, m)


def test_in_one_column_it_is_the_square_of_what_scipy_returns():
    rng = np.random.default_rng(1)
    x, y = rng.poisson(3.0, 5000), rng.poisson(3.2, 700)
    assert energy(x, y, 19).statistic == pytest.approx(energy_distance(x, y) ** 2, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "d"), [(3, 3, 1), (4, 4, 2), (6, 3, 1), (2, 7, 3)])
@pytest.mark.parametrize("decimals", [12, 0], ids=["continuous", "rounded"])
def test_every_relabeling_agrees_with_loops_over_pairs(n, m, d, decimals):
    rows = np.round(np.random.default_rng(n).normal(size=(n + m, d)) * 2.0, decimals)
    rows[n:] += 0.7
    every = [
        by_loops(rows[list(x)], rows[[i for i in range(n + m) if i not in x]])[0]
        for x in itertools.combinations(range(n + m), n)
    ]
    result = energy(rows[:n], rows[n:])
    assert result.n_permutations == math.comb(n + m, n) - 1
    assert result.p_value == pytest.approx(np.mean(np.array(every) >= every[0] - 1e-9), abs=1e-12)


def test_two_points_each_have_coefficient_one_and_equal_rows_zero():
    apart = energy(np.zeros(30), np.full(30, 4.0))
    assert apart == (8.0, 0.001, 1.0, 30, 30, 999)
    same = energy(np.full((20, 3), 0.1), np.full((9, 3), 0.1))
    assert same[:3] == (0.0, 1.0, 0.0)


@pytest.mark.parametrize(("n_bins", "bin_size"), [(7, 1), (130, 7), (3, 400), (2, 1), (1, 5)])
@pytest.mark.parametrize("decimals", [12, 0], ids=["continuous", "rounded"])
def test_sums_along_a_line_are_those_of_all_pairs(n_bins, bin_size, decimals):
    values = np.round(np.random.default_rng(4).normal(size=n_bins * bin_size) * 3.0, decimals)
    sums = line_pair_sums(values, bin_size)
    apart = np.abs(values[:, None] - values)
    expected = apart.reshape(n_bins, bin_size, n_bins, bin_size).sum(axis=(1, 3))
    np.testing.assert_allclose(sums, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        -bin_pair_sums(values[:, None], bin_size, 0)[0], expected, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("offset", [1e6, -1e9])
def test_a_common_offset_changes_nothing_material(offset, d):
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(150, d)), rng.normal(size=(120, d)) + 0.2
    plain, moved = energy(x, y), energy(x + offset, y + offset)
    assert moved.p_value == plain.p_value
    assert moved[::2] == pytest.approx(plain[::2], rel=1e-4)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1e9, 1e300])
def test_the_statistic_is_in_the_unit_of_the_data(unit, d):
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(60, d)), rng.normal(size=(40, d)) + 0.3
    plain, scaled = energy(x, y), energy(x * unit, y * unit)
    assert scaled.statistic == pytest.approx(plain.statistic * unit, rel=1e-9)
    assert scaled[1:] == pytest.approx(plain[1:], rel=1e-9)


@pytest.mark.parametrize("d", [1, 2])
def test_outliers_of_any_size_neither_overflow_nor_hide_a_shift(d):
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(200, d)), rng.normal(size=(200, d)) + 1.0
    y[0], y[1] = 1e150, 5e-324
    with np.errstate(all="raise", under="ignore"):
        result = energy(x, y)
    assert np.isfinite(result).all()
    x[0], x[1] = 1.7e308, -1.7e308
    assert np.isfinite(energy(x, y)).all()


def test_types_are_no_matter_and_whole_numbers_are_numbers():
    x, y = np.arange(40), np.arange(25, 60)
    expected = energy(x[:, None].astype(float), y[:, None].astype(float))
    assert energy(x, y) == energy(x.astype(np.uint8), y.tolist()) == expected
    assert energy(x > 20, y > 20).p_value < 0.05
    assert [type(value) for value in expected] == [float, float, float, int, int, int]


def test_the_same_seed_gives_the_same_answer_and_inputs_stay_as_they_are():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(90, 2)), rng.normal(size=(70, 2))
    x.flags.writeable = y.flags.writeable = False
    assert energy(x, y, rng=5) == energy(x, y, rng=np.random.default_rng(5))
    assert energy(x, y, rng=5).p_value != energy(x, y, rng=6).p_value


def test_a_million_numbers_in_one_column_are_compared_in_full():
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=300_000), rng.normal(size=50) + 2.0
    result = energy(x, y)
    assert (result.n_x, result.n_y, result.p_value) == (300_000, 50, 0.001)


def test_of_very_many_rows_those_that_are_compared_are_counted():
    rng = np.random.default_rng(11)
    result = energy(rng.normal(size=(30_000, 2)), rng.normal(size=(20, 2)) + 2.0)
    assert (result.n_x, result.n_y, result.p_value) == (256, 20, 0.001)


def test_in_blocks_pairs_within_a_bin_say_nothing():
    rng = np.random.default_rng(18)
    walks = [np.repeat(rng.normal(size=12), 10)[:, None] for _ in range(2)]
    found = measured(*walks, 99, np.random.default_rng(0), block=10)
    assert found.bins == (10, 12, 12)
    assert (np.diag(found.distances) == 0.0).all()
    assert energy(*walks, 199, block=10).p_value > energy(*walks, 199).p_value


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    n=st.integers(2, 12),
    rows=arrays(np.float64, st.tuples(st.integers(14, 20), st.integers(1, 3)), elements=st.integers(-2, 2)),
    permutations=st.integers(1, 60),
    seed=st.integers(0, 5),
    alpha=st.sampled_from([0.2, 0.05, 1e-9]),
)
def test_any_small_table_gives_sane_numbers(n, rows, permutations, seed, alpha):
    found = measured(rows[:n], rows[n:], permutations, np.random.default_rng(seed), everything=True)
    result = found.result
    assert 0.0 < result.p_value <= 1.0
    steps = result.p_value * (result.n_permutations + 1)
    assert steps == pytest.approx(round(steps))
    assert 0.0 <= result.coefficient <= 1.0
    assert result.statistic >= 0.0
    far = effect(found, alpha)
    assert 0.0 <= far.interval.low <= far.interval.estimate <= far.interval.high <= 1.0
    assert 0.0 < far.detectable <= 1.0


@pytest.mark.parametrize("d", [1, 5])
def test_the_effect_is_free_of_bias_and_grows_like_the_shift(d):
    rng = np.random.default_rng(20)
    found = {}
    for shift in (0.0, 0.1, 0.2, 1.0):
        x, y = rng.normal(size=(4000, d)), rng.normal(size=(4000, d)) + shift
        found[shift] = effect(measured(x, y, 99, rng), 0.05).interval
    assert found[0.0].low == 0.0
    assert found[0.0].high < 0.05
    assert found[0.1].low < 0.05 < found[0.1].high
    assert found[0.2].low < 0.0994 + 0.002 * (d > 1) < found[0.2].high
    assert found[1.0].estimate == pytest.approx(0.43, abs=0.02)


def test_rows_that_never_varied_may_still_hide_rare_others():
    found = measured(np.ones((300, 1)), np.ones((100, 1)), 99, np.random.default_rng(0))
    few, many = effect(found, 0.05), effect(found, 0.001)
    assert few.interval[:2] == (0.0, 0.0)
    assert few.interval.high == pytest.approx(math.sqrt(1.0 - 0.025 ** (1.0 / 99.0)))
    assert few.detectable < many.detectable < 1.0


@pytest.mark.parametrize(
    ("x", "y", "error", "words"),
    [
        ([[0.0], [1.0]], [[0.0, 1.0], [1.0, 0.0]], InvalidInputError, "Y must have 1 columns"),
        ([1.0], [1.0, 2.0], InvalidInputError, "X must have at least 2 rows"),
        ([1.0, np.nan], [1.0, 2.0], InvalidInputError, "X must be finite"),
        (["a", "b"], [1.0, 2.0], InvalidInputError, "X must be numeric"),
        ([1j, 2j], [1.0, 2.0], InvalidInputError, "X must be numeric"),
        (np.zeros((2, 2, 2)), [1.0, 2.0], InvalidInputError, "X must be a table"),
    ],
)
def test_what_is_no_sample_is_refused(x, y, error, words):
    with pytest.raises(error, match=words):
        energy(x, y)


@pytest.mark.parametrize(("name", "value"), [("n_permutations", 0), ("block", 1.5), ("rng", "a")])
def test_impossible_settings_are_refused_by_name(name, value):
    with pytest.raises(InvalidParameterError, match=name):
        energy([1.0, 2.0], [3.0, 4.0], **{name: value})
