"""The kernel two-sample test against loops, laws and edge cases."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import mmd
from contlearn.stats._kernels import bin_pair_sums, conditioned, median_squared_distance
from contlearn.stats._mmd import measured
from contlearn.stats._relabelings import Bins, drawn, plan, relabelings, smallest_p_value

LADDER = (1.0, 2.0, 4.0, 8.0, 16.0)


def kernel_values(x, y, median):
    """All six kernels of two rows, written down as the documentation states them."""
    distance = math.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))
    bandwidths = [math.sqrt(median) / step for step in LADDER]
    return [math.exp(-(distance**2) / (2.0 * width**2)) for width in bandwidths] + [-distance]


def pairwise(rows):
    """The median squared distance of different rows, and all kernel values, by loops over pairs."""
    pairs = list(itertools.combinations(range(len(rows)), 2))
    squared = [sum((a - b) ** 2 for a, b in zip(rows[i], rows[j], strict=True)) for i, j in pairs]
    median = float(np.median([d for d in squared if d > 0.0]))
    return median, {(i, j): kernel_values(rows[i], rows[j], median) for i, j in pairs}


def unbiased(values, x_rows, y_rows):
    """Unbiased squared MMD of every kernel, by loops over pairs."""

    def mean(pairs):
        return np.mean([values[min(pair), max(pair)] for pair in pairs], axis=0)

    return (
        mean(list(itertools.combinations(x_rows, 2)))
        + mean(list(itertools.combinations(y_rows, 2)))
        - 2.0 * mean([(i, j) for i in x_rows for j in y_rows])
    )


@pytest.mark.parametrize(("n", "m", "d"), [(2, 2, 1), (3, 4, 2), (4, 4, 3), (6, 3, 1), (2, 7, 5)])
@pytest.mark.parametrize("decimals", [12, 0], ids=["continuous", "rounded"])
def test_every_relabeling_agrees_with_loops_over_pairs(n, m, d, decimals):
    rng = np.random.default_rng(n + 10 * m)
    rows = np.round(rng.normal(size=(n + m, d)) * 2.0, decimals)
    rows[n:, 0] += 1.0
    median, values = pairwise(rows)
    every = [
        unbiased(values, x, [i for i in range(n + m) if i not in x])
        for x in itertools.combinations(range(n + m), n)
    ]
    squared = np.transpose(every)  # the samples themselves are the first column
    spread = squared.std(axis=1, keepdims=True)
    spread[spread < 1e-14] = np.inf  # a kernel whose values never change says nothing
    largest = ((squared - squared.mean(axis=1, keepdims=True)) / spread).max(axis=0)

    result = mmd(rows[:n], rows[n:])

    assert result.n_permutations == math.comb(n + m, n) - 1
    assert result.statistic == pytest.approx(largest[0], abs=1e-9)
    assert result.p_value == pytest.approx(np.mean(largest >= largest[0] - 1e-9), abs=1e-12)
    assert result.mmd_squared == pytest.approx(squared[:, 0].tolist(), rel=1e-9, abs=1e-9)
    assert result.effect == pytest.approx(math.sqrt(max(0.0, squared[0, 0])), abs=1e-9)
    assert result.bandwidths == pytest.approx([math.sqrt(median) / step for step in LADDER], rel=1e-9)


def test_bins_change_which_relabelings_are_drawn_but_not_the_discrepancy():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(128, 3)), rng.normal(size=(128, 3)) * 1.2 + 0.1
    assert plan(128, 128) == (2, 64, 64)
    _, values = pairwise(np.concatenate([x, y]))
    expected = unbiased(values, range(128), range(128, 256))
    for seed in range(3):
        assert mmd(x, y, rng=seed).mmd_squared == pytest.approx(expected.tolist(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("n_bins", "bin_size"), [(7, 1), (500, 1), (130, 7), (3, 400), (5, 77)])
def test_tiles_and_bins_sum_what_the_whole_kernel_matrix_would(n_bins, bin_size):
    rows = np.random.default_rng(4).normal(size=(n_bins * bin_size, 3))
    squared = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    sums = bin_pair_sums(rows, bin_size)
    for k, step in enumerate(LADDER):
        whole = np.exp(-squared * step**2)
        np.fill_diagonal(whole, 0.0)
        expected = whole.reshape(n_bins, bin_size, n_bins, bin_size).sum(axis=(1, 3))
        np.testing.assert_allclose(sums[k], expected, rtol=1e-9, atol=1e-9)
    expected = -np.sqrt(squared).reshape(n_bins, bin_size, n_bins, bin_size).sum(axis=(1, 3))
    np.testing.assert_allclose(sums[-1], expected, rtol=1e-9, atol=1e-9)


def test_the_narrowest_kernel_keeps_its_digits_inside_a_bin():
    rows = np.random.default_rng(5).normal(size=(4, 200))
    squared = ((rows[:, None] - rows[None]) ** 2).sum(axis=2) / 20.0
    within = bin_pair_sums(rows / math.sqrt(20.0), 2)[1, 0, 0]
    assert 0.0 < within < 1e-20
    assert within == pytest.approx(2.0 * math.exp(-4.0 * squared[0, 1]), rel=1e-9)


def test_equal_rows_have_no_distance_even_where_squares_leave_rounding_behind():
    rows = np.random.default_rng(15).normal(size=(40, 30)) / math.sqrt(60.0)
    sums = bin_pair_sums(np.concatenate([rows, rows]), 1)
    twins = sums[:, np.arange(40), np.arange(40, 80)]
    assert (twins[:-1] == 1.0).all()
    assert (twins[-1] == 0.0).all()


def test_relabelings_keep_the_number_of_bins_and_begin_with_the_samples_as_they_are():
    few = np.concatenate(list(relabelings(Bins(1, 2, 3), 999, np.random.default_rng(0))), axis=1)
    assert few.shape == (5, math.comb(5, 2))
    assert len(np.unique(few, axis=1).T) == math.comb(5, 2)
    many = np.concatenate(list(relabelings(Bins(1, 20, 30), 2500, np.random.default_rng(0))), axis=1)
    assert many.shape == (50, 2501)
    for marks in (few, many):
        bins = int(marks[:, 0].sum())
        assert (marks.sum(axis=0) == bins).all()
        assert marks[:bins, 0].all()
    assert many[:, 1:].mean(axis=1) == pytest.approx(np.full(50, 0.4), abs=0.06)  # 6 standard errors


@pytest.mark.parametrize(
    ("n", "m"), [(2, 2), (31, 31), (47, 999), (48, 48), (320, 64), (10**6, 70), (10**5, 10**5)]
)
def test_bins_have_one_size_and_are_many_enough_in_the_smaller_sample(n, m):
    bin_size, x_bins, y_bins = plan(n, m)
    n, m = min(n, max(8 * m, 256)), min(m, max(8 * n, 256))
    assert bin_size * x_bins <= n < bin_size * (x_bins + 1)
    assert bin_size * y_bins <= m < bin_size * (y_bins + 1)
    assert min(x_bins, y_bins) >= min(21, n, m)
    assert x_bins + y_bins < 450


@pytest.mark.parametrize("offset", [1e6, -1e9])
def test_a_common_offset_changes_nothing_material(offset):
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(150, 4)), rng.normal(size=(120, 4)) + 0.2
    plain, moved = mmd(x, y), mmd(x + offset, y + offset)
    assert moved.p_value == plain.p_value
    assert moved.statistic == pytest.approx(plain.statistic, rel=1e-5)
    assert moved.mmd_squared == pytest.approx(plain.mmd_squared, abs=1e-6)


@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1e9, 1e300])
def test_the_unit_of_the_data_changes_the_bandwidths_only(unit):
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(40, 2)) + 0.3
    plain, scaled = mmd(x, y), mmd(x * unit, y * unit)
    assert scaled[:2] == pytest.approx(plain[:2], rel=1e-9)
    assert scaled.mmd_squared[:-1] == pytest.approx(plain.mmd_squared[:-1], rel=1e-9)
    assert scaled.mmd_squared[-1] == pytest.approx(plain.mmd_squared[-1] * unit, rel=1e-9)
    assert scaled.bandwidths == pytest.approx([width * unit for width in plain.bandwidths], rel=1e-9)


def test_equal_rows_everywhere_never_differ():
    result = mmd(np.full((20, 3), 0.1), np.full((9, 3), 0.1))
    assert (result.statistic, result.p_value, result.effect) == (0.0, 1.0, 0.0)
    assert not np.isnan([*result.mmd_squared, *result.bandwidths]).any()


def test_two_values_in_equal_shares_are_a_tie_and_not_evidence():
    rows = np.tile([[0.0, 5.0], [3.0, 5.0]], (40, 1))
    assert mmd(rows, rows).p_value > 0.5


def test_a_constant_sample_differs_from_another_constant():
    result = mmd(np.zeros((50, 2)), np.ones((50, 2)))
    assert result.p_value == 0.001
    assert result.effect == pytest.approx(math.sqrt(2.0 - 2.0 * math.exp(-0.5)))


def test_samples_far_apart_reach_the_largest_effect_and_the_smallest_p():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(500, 2)) * 1e-3
    result = mmd(np.concatenate([x, x + 1.0]), np.concatenate([x + 2.0, x + 3.0]), n_permutations=99)
    assert result.p_value == 0.01
    for n, m in [(2, 2), (3, 3), (3, 4), (4, 4), (2, 6)]:
        apart = mmd(np.arange(n) * 0.01, 5.0 + np.arange(m) * 0.01)
        assert apart.p_value == pytest.approx(smallest_p_value(n, m, 999))
    assert smallest_p_value(4, 4, 999) == pytest.approx(2 / 70)
    assert smallest_p_value(3, 4, 999) == pytest.approx(1 / 35)
    assert smallest_p_value(500, 500, 99) == 0.01
    assert smallest_p_value(1, 500, 99) == 1.0


def test_a_vector_is_a_single_column_whatever_its_type():
    x, y = np.arange(40), np.arange(25, 60)
    expected = mmd(x[:, None].astype(float), y[:, None].astype(float))
    assert mmd(x, y) == expected
    assert mmd(x.astype(np.uint8), y.tolist()) == expected
    assert mmd(x > 20, y > 20).p_value < 0.05


def test_the_same_seed_gives_the_same_answer_and_inputs_stay_as_they_are():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(90, 2)), rng.normal(size=(70, 2))
    x.flags.writeable = y.flags.writeable = False
    assert mmd(x, y) == mmd(x, y)
    assert mmd(x, y, rng=5) == mmd(x, y, rng=np.random.default_rng(5)) == mmd(x[::-1][::-1], y, rng=5)
    assert mmd(x, y, rng=5).p_value != mmd(x, y, rng=6).p_value


def test_more_relabelings_than_fit_in_one_product_refine_the_p_value():
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(40, 1)), rng.normal(size=(40, 1)) + 0.3
    many = mmd(x, y, n_permutations=5000)
    assert many.n_permutations == 5000
    assert many.p_value == pytest.approx(mmd(x, y, rng=1).p_value, abs=0.06)


def test_a_far_longer_sample_is_thinned_and_the_result_says_so():
    rng = np.random.default_rng(11)
    result = mmd(rng.normal(size=(50_000, 2)), rng.normal(size=(20, 2)) + 2.0)
    assert (result.n_x, result.n_y) == (256, 20)
    assert result.p_value == 0.001


def test_outliers_of_any_size_neither_overflow_nor_hide_a_shift():
    rng = np.random.default_rng(12)
    x, y = rng.standard_cauchy(size=(200, 2)), rng.standard_cauchy(size=(200, 2)) + 3.0
    x[0], x[1], y[0], y[1] = 1.7e308, -1.7e308, 1e150, 5e-324
    with np.errstate(all="raise", under="ignore"):
        result = mmd(x, y)
    assert result.p_value == 0.001
    assert np.isfinite(result.mmd_squared).all()


def test_the_largest_floats_on_both_sides_of_zero_are_a_sample_like_any_other():
    result = mmd(np.full(30, 1.7e308), np.full(30, -1.7e308))
    assert result.p_value == 0.001
    assert result.effect == pytest.approx(math.sqrt(2.0 - 2.0 * math.exp(-0.5)))


def test_rows_that_arrive_in_order_are_put_into_bins_at_random():
    rng = np.random.default_rng(16)
    x, y = np.sort(rng.normal(size=1000)), np.sort(rng.normal(size=1000) + 0.25)
    assert plan(1000, 1000).size > 10
    assert mmd(x, y).p_value <= 0.005
    assert mmd(x[::2], x[1::2]).p_value > 0.05


@pytest.mark.parametrize(("n", "m", "block"), [(60, 45, 7), (1000, 800, 3), (40, 2000, 10), (12, 12, 6)])
def test_blocks_of_consecutive_rows_stay_together_whole(n, m, block):
    bins = plan(n, m, block)
    assert bins.size % block == 0
    assert bins.size * bins.x <= n
    order = drawn(n, bins.size * bins.x, np.random.default_rng(1), block).reshape(-1, block)
    assert (np.diff(order, axis=1) == 1).all()
    assert len(np.unique(order)) == order.size == bins.size * bins.x
    assert order.min() >= 0
    assert order.max() < n


def test_rows_that_fill_no_block_are_left_out_at_either_end():
    firsts = {drawn(11, 8, np.random.default_rng(seed), 4).min() for seed in range(40)}
    assert firsts == {0, 1, 2, 3}


def test_in_blocks_pairs_within_a_bin_are_not_counted():
    rng = np.random.default_rng(18)
    x, y = rng.normal(size=(20, 2)), rng.normal(size=(15, 2)) + 0.5
    found = measured(x, y, 99, np.random.default_rng(0), block=5)
    assert found.bins == (5, 4, 3)
    assert found.result.n_permutations == math.comb(7, 3) - 1
    _, values = pairwise(np.concatenate([x, y]))

    def mean(rows, others):
        apart = [(i, j) for i in rows for j in others if i // 5 != j // 5]
        return np.mean([values[min(pair), max(pair)] for pair in apart], axis=0)

    first, second = range(20), range(20, 35)
    expected = mean(first, first) + mean(second, second) - 2.0 * mean(first, second)
    assert found.squared[:-1, 0] == pytest.approx(expected[:-1].tolist(), rel=1e-9)
    assert found.result.mmd_squared == pytest.approx(expected.tolist(), rel=1e-9)
    assert found.result == mmd(x, y, 99, block=5)
    assert mmd(x, y, 99, block=1) == mmd(x, y, 99)


@pytest.mark.parametrize("block", [0, 2.0, True])
def test_an_impossible_block_is_refused(block):
    with pytest.raises(InvalidParameterError, match="block"):
        mmd([1.0, 2.0], [3.0, 4.0], block=block)


def test_less_than_one_block_is_no_sample():
    with pytest.raises(InvalidInputError, match="Y must have at least 5 rows, got 4"):
        mmd(np.arange(20.0), np.arange(4.0), block=5)
    assert smallest_p_value(20, 4, 999, 5) == 1.0
    assert smallest_p_value(20, 5, 999, 5) == 1.0 / 5.0


def test_underflow_does_not_disturb_callers_who_trap_it():
    x = np.random.default_rng(13).normal(size=(60, 50))
    with np.errstate(all="raise"):
        assert mmd(x[:30], x[30:] + 30.0).p_value < 0.05


def test_no_matrix_of_all_pairs_is_stored():
    rng = np.random.default_rng(14)
    x, y = rng.normal(size=(3000, 4)), rng.normal(size=(3000, 4))
    tracemalloc.start()
    mmd(x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.1 * 8 * 6000**2


def test_the_median_ignores_equal_rows_and_a_common_offset():
    rng = np.random.default_rng(0)
    rows, size = conditioned(np.array([[0.0], [0.0], [0.0], [0.0], [0.0], [3.0]]) + 1e6)
    assert median_squared_distance(rows, rng) * size**2 == pytest.approx(9.0)
    assert conditioned(np.full((3, 2), 7.0))[1] == 0.0


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    n=st.integers(2, 12),
    rows=arrays(np.float64, st.tuples(st.integers(14, 20), st.integers(1, 3)), elements=st.integers(-2, 2)),
    permutations=st.integers(1, 60),
    seed=st.integers(0, 5),
)
def test_any_small_table_gives_a_p_value_on_the_lattice(n, rows, permutations, seed):
    result = mmd(rows[:n], rows[n:], permutations, seed)
    assert 0.0 < result.p_value <= 1.0
    steps = result.p_value * (result.n_permutations + 1)
    assert steps == pytest.approx(round(steps))
    assert np.isfinite([result.statistic, result.effect, *result.mmd_squared, *result.bandwidths]).all()
    assert result.bandwidth is None or result.bandwidth in (*result.bandwidths, 0.0)


@pytest.mark.parametrize(
    ("x", "y", "error", "words"),
    [
        ([[0.0], [1.0]], [[0.0, 1.0], [1.0, 0.0]], InvalidInputError, "Y must have 1 columns"),
        ([1.0], [1.0, 2.0], InvalidInputError, "X must have at least 2 rows"),
        ([1.0, 2.0], np.zeros((0, 1)), InvalidInputError, "Y must have at least 2 rows"),
        ([1.0, np.nan], [1.0, 2.0], InvalidInputError, "X must be finite"),
        ([1.0, 2.0], [1.0, np.inf], InvalidInputError, "Y must be finite"),
        (["a", "b"], [1.0, 2.0], InvalidInputError, "X must be numeric"),
        ([1j, 2j], [1.0, 2.0], InvalidInputError, "X must be numeric"),
        (np.zeros((2, 2, 2)), [1.0, 2.0], InvalidInputError, "X must be a table"),
        (np.zeros((2, 0)), np.zeros((2, 0)), InvalidInputError, "X must be a table"),
        (3.0, [1.0, 2.0], InvalidInputError, "X must be a table"),
    ],
)
def test_what_is_no_sample_is_refused(x, y, error, words):
    with pytest.raises(error, match=words):
        mmd(x, y)


@pytest.mark.parametrize("permutations", [0, -1, 9.0, True, "many"])
def test_an_impossible_number_of_permutations_is_refused(permutations):
    with pytest.raises(InvalidParameterError, match="n_permutations"):
        mmd([1.0, 2.0], [3.0, 4.0], permutations)


@pytest.mark.parametrize("rng", [-1, "a", 2.5, math.nan, True])
def test_what_seeds_no_generator_is_refused_by_name(rng):
    with pytest.raises(InvalidParameterError, match="rng must be None, an integer"):
        mmd([[1.0], [2.0]], [[3.0], [4.0]], rng=rng)
