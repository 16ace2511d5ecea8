"""The Kolmogorov-Smirnov test against enumeration, scipy, R and its own laws."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from contlearn.exceptions import InvalidInputError
from contlearn.stats import KSResult, ks
from contlearn.stats._ks import ks_compare, ks_compare_all, ks_detectable, ks_excess, ks_interval, ks_of_rows
from contlearn.stats._ks_atoms import atoms, places, places_in_rows
from contlearn.stats._ks_cells import bounds, cells_of, counted, together
from contlearn.stats._ks_law import SMALLEST, equal_sizes, exact, p_value
from contlearn.stats._ks_limit import lightly_tied, limit

few_values = st.lists(st.integers(0, 4), min_size=1, max_size=7)
many_values = st.lists(st.floats(-5, 5), min_size=1, max_size=60)


def distance(x, y):
    """Return the largest difference of the two distribution functions, exactly."""
    return max(
        abs(Fraction(sum(a <= v for a in x), len(x)) - Fraction(sum(b <= v for b in y), len(y)))
        for v in (*x, *y)
    )


def enumerated(x, y):
    """Return the share of all splits of the pooled rows that are at least as far apart."""
    pooled, observed = [*x, *y], distance(x, y)
    splits = list(combinations(range(len(pooled)), len(x)))
    far = sum(
        distance([pooled[i] for i in split], [pooled[i] for i in range(len(pooled)) if i not in split])
        >= observed
        for split in splits
    )
    return far / len(splits)


def pooled_ends(values):
    return np.cumsum(np.unique(values, return_counts=True)[1])


def attainable(z, n, m, ends):
    """Return the integer distance nearest above `z` that the middle of the pooled sample can show."""
    total, seen = n + m, int(ends[len(ends) // 2 - (len(ends) == 2)])
    wanted = int(z * math.sqrt(float(n) * m * total))
    return total * -(-(wanted + m * seen) // total) - m * seen


@pytest.mark.parametrize(
    ("n", "m"),
    [(1, 1), (1, 9), (5, 7), (10, 10), (30, 20), (100, 99), (100, 100), (300, 60), (1000, 30), (700, 500)],
)
@pytest.mark.parametrize("shift", [0.0, 0.3, 1.5])
def test_without_ties_the_p_value_is_scipys_exact_one(n, m, shift):
    rng = np.random.default_rng(n * m)
    x, y = rng.normal(size=n), rng.normal(shift, size=m)
    theirs = ks_2samp(x, y, method="exact")
    assert ks(x, y) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9, abs=1e-300)


def test_with_ties_the_p_value_is_the_one_r_documents_for_ozone_in_may_and_august():
    may = [41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115, 37]
    august = [
        39,
        9,
        16,
        78,
        35,
        66,
        122,
        89,
        110,
        44,
        28,
        65,
        22,
        59,
        23,
        31,
        44,
        21,
        9,
        45,
        168,
        73,
        76,
        118,
        84,
        85,
    ]
    result = ks(may, august)
    assert result.statistic == pytest.approx(0.53846, abs=5e-6)
    assert result.p_value == pytest.approx(0.0006919, abs=5e-8)


@given(few_values, few_values)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_with_ties_the_p_value_is_the_share_of_all_splits(x, y):
    assert ks(x, y) == pytest.approx((float(distance(x, y)), enumerated(x, y)), rel=1e-9)


@given(many_values, many_values)
@settings(derandomize=True, deadline=None, max_examples=100)
def test_the_statistic_is_the_largest_difference_whatever_ties_there_are(x, y):
    assert ks(x, y).statistic == pytest.approx(float(distance(x, y)), abs=1e-12)


@given(many_values, many_values, st.randoms(use_true_random=False))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_sides_order_and_monotone_scale_do_not_matter(x, y, random):
    shuffled = random.sample(x, len(x))
    assert ks(y, shuffled) == pytest.approx(ks(x, y), rel=1e-9)
    assert ks(np.arctan(np.round(x)), np.arctan(np.round(y))) == pytest.approx(
        ks(np.round(x), np.round(y)), rel=1e-9
    )


@pytest.mark.parametrize(("n", "m"), [(40, 40), (60, 50), (150, 21)])
def test_two_samples_without_overlap_have_the_smallest_p_value_there_is(n, m):
    p = ks(np.arange(n), np.arange(n, n + m)).p_value
    assert p == pytest.approx(2 / math.comb(n + m, n), rel=1e-10)


@pytest.mark.parametrize("n", [1, 2, 17, 400])
def test_equal_sizes_have_a_closed_form(n):
    distances = sorted({n, n * n, n * max(1, n // 3), n * max(1, n // 10)})
    assert [equal_sizes(d, n) for d in distances] == pytest.approx(
        [exact(d, n, n) for d in distances], rel=1e-9
    )


def test_a_small_batch_against_a_large_reference_is_exact():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=100_000), rng.normal(0.6, size=30)
    theirs = ks_2samp(x[:9_990], y, method="exact").pvalue
    assert ks(x[:9_990], y).p_value == pytest.approx(theirs, rel=1e-9)
    result = ks(x, y)
    assert result.p_value == exact(round(result.statistic * 3e6), 100_000, 30)


@pytest.mark.parametrize(
    ("n", "m", "within"),
    [(1000, 999, 0.03), (1501, 1000, 0.02), (2000, 1000, 0.01), (20_000, 700, 0.01), (100_000, 600, 0.01)],
)
@pytest.mark.parametrize("z", [0.7, 1.0, 1.36, 1.9])
def test_without_ties_the_limit_is_within_percents_of_the_exact_law(n, m, within, z):
    reached = int(z * math.sqrt(float(n) * m * (n + m))) // math.gcd(n, m) * math.gcd(n, m)
    assert limit(reached, n, m) == pytest.approx(exact(reached, n, m), rel=within)


@pytest.mark.parametrize(("n", "m"), [(1200, 1200), (3001, 1000), (20_000, 800)])
@pytest.mark.parametrize(
    "kind",
    [
        "poisson",
        "coin",
        "ten",
        "hundred",
        "rounded",
        "rounded finely",
        "zeros and the rest",
        "clipped",
        "zipf",
    ],
)
def test_with_ties_the_limit_is_within_five_percent_of_the_exact_law(n, m, kind):
    rng = np.random.default_rng(8)
    total = n + m
    values = {
        "poisson": lambda: rng.poisson(1, total),
        "coin": lambda: rng.integers(2, size=total),
        "ten": lambda: rng.integers(10, size=total),
        "hundred": lambda: rng.integers(100, size=total),
        "rounded": lambda: np.round(2 * rng.normal(size=total)),
        "rounded finely": lambda: np.round(20 * rng.normal(size=total)),
        "zeros and the rest": lambda: np.maximum(0, np.round(50 * rng.normal(size=total))),
        "clipped": lambda: np.clip(np.round(50 * rng.normal(size=total)), -50, 50),
        "zipf": lambda: np.minimum(rng.zipf(1.5, total), 1000),
    }[kind]()
    ends = pooled_ends(values)
    for z in (0.5, 0.8, 1.1, 1.5):
        reached = attainable(z, n, m, ends)
        assert limit(reached, n, m, ends) == pytest.approx(exact(reached, n, m, ends), rel=0.05)


def test_the_limit_falls_as_the_distance_grows_across_heavy_and_light_values():
    rng = np.random.default_rng(0)
    ends = pooled_ends(np.concatenate((np.zeros(40_000), rng.normal(size=160_000).round(3))))
    p = [limit(int(z * math.sqrt(1e10 * 2e5)), 100_000, 100_000, ends) for z in np.linspace(0.3, 12, 40)]
    assert all(a > b > 0 for a, b in pairwise(p))
    assert p[0] > 0.9


def test_a_p_value_below_the_range_of_floats_is_not_zero():
    n = 5_000
    assert ks(np.arange(n), np.arange(n, 2 * n)).p_value == SMALLEST
    assert ks(np.arange(n), np.arange(n, 2 * n + 1)).p_value == SMALLEST
    assert ks(np.arange(n) % 3, 3 + np.arange(n) % 3).p_value == SMALLEST


def test_samples_that_are_equal_or_constant_have_p_value_one():
    assert ks([4.0, 2.0, 2.0], [2.0, 2.0, 4.0]) == (0.0, 1.0)
    assert ks(np.zeros(100_000), np.zeros(1000)) == (0.0, 1.0)


def test_atoms_are_the_distinct_values_with_the_rows_at_or_below_each():
    sample = atoms(np.array([3.0, 1.0, 3.0, -0.0, 0.0]))
    assert sample.values.tolist() == [0.0, 1.0, 3.0]
    assert sample.cumulative.tolist() == [2, 3, 5]
    assert sample.rows == 5


def test_comparing_atoms_and_comparing_samples_is_the_same():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=3000).round(1), rng.normal(size=400).round(1)
    assert ks_compare(atoms(x), atoms(y)) == ks(x, y) == ks_compare(atoms(y), atoms(x))


@pytest.mark.parametrize(
    "change", [lambda x: x[::2], lambda x: x.astype(np.float32), lambda x: x.astype(int), list]
)
def test_any_kind_of_one_dimensional_numbers_will_do(change):
    x = np.arange(40.0)
    x.flags.writeable = False
    assert isinstance(ks(change(x), [1, 2, 3]), KSResult)
    assert type(ks(change(x), [1, 2, 3]).p_value) is float


@pytest.mark.parametrize(
    ("x", "says"),
    [
        ([], "x must have at least one row"),
        ([[1.0]], "x must be one-dimensional"),
        ([1.0, None], "x must be finite, got 1 missing"),
        ([1.0, math.inf], "x must be finite"),
        (["1", "2"], "x must hold numbers"),
        (3.0, "x must hold one value per row"),
    ],
)
def test_a_sample_that_cannot_be_used_is_refused_by_name(x, says):
    with pytest.raises(InvalidInputError, match=says):
        ks(x, [1.0, 2.0])


def test_the_interval_holds_the_estimate_and_stays_within_zero_and_one():
    interval = ks_interval(0.3, 400, 100, 0.95)
    margin = 1.3581 * math.sqrt(1 / 400 + 1 / 100)
    assert interval == pytest.approx((0.3, 0.3 - margin, 0.3 + margin, 0.95), abs=1e-4)
    assert ks_interval(0.02, 400, 100, 0.95).low == 0.0
    assert ks_interval(0.98, 400, 100, 0.95).high == 1.0
    assert ks_interval(0.3, 400, 100, 0.99).low < interval.low


def test_what_is_detectable_follows_the_rows_the_level_and_the_power():
    assert ks_detectable(1000, 1000, 0.05) == pytest.approx(1.51 / math.sqrt(500), rel=0.01)
    assert ks_detectable(1000, 1000, 0.05) < ks_detectable(1000, 1000, 0.001)
    assert ks_detectable(1000, 1000, 0.05) < ks_detectable(1000, 1000, 0.05, power=0.95)
    assert ks_detectable(1_000_000, 1000, 0.05) < ks_detectable(1000, 1000, 0.05)
    assert 1.0 < ks_detectable(1, 1, 1e-12) < math.inf


def test_the_law_is_chosen_by_the_data_and_both_laws_agree_at_the_border():
    for n, m in ((10_000, 500), (50_000, 200)):
        reached = int(1.36 * math.sqrt(float(n) * m * (n + m))) // m * m
        inside, outside = p_value(reached, n, m), limit(reached, n, m)
        assert inside == exact(reached, n, m)
        assert outside == pytest.approx(inside, rel=0.01)


@pytest.mark.parametrize(("n", "m"), [(50_000, 700), (10_000, 3000)])
@pytest.mark.parametrize("share", [0.95, 0.97, 0.99])
def test_where_nearly_all_rows_share_one_value_the_law_is_exact(n, m, share):
    light = round((1 - share) * (n + m))
    ends = np.concatenate((np.arange(1, light // 2 + 1), np.arange(n + m - light // 2, n + m + 1)))
    for z in (0.3, 0.5):
        reached = attainable(z, n, m, ends)
        assert p_value(reached, n, m, ends) == exact(reached, n, m, ends)


@pytest.mark.parametrize("size", [2047, 2048, 2111, 2112, 2113, 5000])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint64])
def test_a_long_sample_is_searched_as_a_short_one_is(size, dtype):
    rng = np.random.default_rng(size)
    values = np.unique(rng.integers(10, 10 * size, 3 * size))[:size].astype(dtype)
    sample = atoms(values)
    wanted = np.sort(np.concatenate((values, values + dtype(1), [values[0] - dtype(1)]))).astype(dtype)
    assert (places(sample, wanted) == values.searchsorted(wanted)).all()
    if sample.marks is not None:
        assert (places_in_rows([sample] * 3, np.array([wanted] * 3)) == values.searchsorted(wanted)).all()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.lists(st.integers(-9, 70), min_size=1))
@settings(derandomize=True, deadline=None, max_examples=80)
def test_cells_say_on_which_value_or_in_which_gap_a_number_is(x, y):
    sample, y = atoms(np.array(x, dtype=float)), np.sort(np.array(y) / 2.0)
    cells, values = cells_of(sample, y), sample.values
    inside = (y >= values[0]) & (y <= values[-1])
    assert (cells[inside] == (2 * values.searchsorted(y) + np.isin(y, values))[inside]).all()
    assert (np.diff(cells) >= 0).all()
    assert (cells[y < values[0]] < 0).all()
    assert (cells[y > values[-1]] > 2 * len(values)).all()
    _, low, high = bounds([sample], np.zeros((1, 1), dtype=int), cells[np.newaxis])
    assert (low[0] <= y).all()
    assert (y <= high[0]).all()
    assert ((high - low)[0][np.isin(y, values)] == 0.0).all()


@pytest.mark.parametrize("far", [1e-300, 1e-9, 0.3, 7.0, 1e9, 1e300])
def test_how_far_beyond_all_values_a_number_is_stays_known_to_a_sixteenth(far):
    sample = atoms(np.array([0.0, 0.0]))
    y = far * np.linspace(1.0, 1.9, 30)
    for numbers in (y, -y[::-1]):
        _, low, high = bounds([sample], np.zeros((1, 1), dtype=int), cells_of(sample, numbers)[np.newaxis])
        assert (low[0] <= numbers).all()
        assert (numbers <= high[0]).all()
        assert ((high - low)[0] <= np.abs(numbers) / 15.0).all()


@given(many_values, many_values, many_values)
@settings(derandomize=True, deadline=None, max_examples=60)
def test_counts_add_up_in_any_order(x, y, z):
    one, two, three = (counted(np.sort(np.round(each))) for each in (x, y, z))
    whole = counted(np.sort(np.round(np.concatenate((x, y, z)))))
    for total in (together(together(one, two), three), together(three, together(two, one))):
        assert (total.keys == whole.keys).all()
        assert (total.ends == whole.ends).all()


@given(many_values, many_values, st.integers(0, 2))
@settings(derandomize=True, deadline=None, max_examples=80)
def test_counts_on_cells_know_the_distance_and_make_no_p_value_smaller(x, y, digits):
    x, y = np.sort(np.round(x, digits)), np.sort(np.round(y, digits))
    sample = atoms(x)
    (found,) = ks_compare_all([sample], [counted(cells_of(sample, y))], [False])
    known = ks(x, y)
    assert found.statistic == known.statistic
    assert found.p_value >= known.p_value * (1.0 - 1e-9)


def test_rows_that_the_reference_cannot_tell_apart_make_p_values_only_larger():
    rng, larger = np.random.default_rng(0), 0
    for _ in range(100):
        x, y = rng.integers(0, 40, 25) / 4.0, rng.integers(0, 80, 60) // 2 / 4.0
        sample = atoms(x)
        (found,) = ks_compare_all([sample], [counted(cells_of(sample, np.sort(y)))], [False])
        known = ks(x, y)
        assert found.statistic == known.statistic
        assert found.p_value >= known.p_value * (1.0 - 1e-9)
        larger += found.p_value > known.p_value * 1.01
    assert larger > 0


@pytest.mark.parametrize("size", [2048, 2300, 20_000])
@pytest.mark.parametrize("digits", [None, 3])
@pytest.mark.parametrize("shift", [0.0, 0.1, 9.0, -9.0])
def test_most_values_need_not_be_found_to_know_the_largest_difference(size, digits, shift):
    rng = np.random.default_rng(size)
    x, y = rng.normal(size=(3, size)), rng.normal(shift, size=(3, 700))
    if digits is not None:
        x, y = np.exp(x).round(digits), np.exp(np.clip(y, -9, 9)).round(digits)
    y.sort(axis=1)
    samples = [atoms(each) for each in x]
    cells = [counted(cells_of(*pair)) for pair in zip(samples, y, strict=True)]
    slow = [each.statistic for each in ks_compare_all(samples, cells, [False] * 3)]
    assert (samples[0].marks is not None) == (digits is None or size == 20_000)
    if samples[0].marks is not None:
        assert [each.statistic for each in ks_of_rows(samples, y, [1.0] * 3)] == slow
    for statistic, *pair in zip(slow, x, y, strict=True):
        assert statistic == pytest.approx(ks_2samp(*pair, method="asymp").statistic, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(17_000, 700), (17_000, 17_000), (60_000, 500)])
@pytest.mark.parametrize("kind", ["rounded", "rounded finely", "skewed", "counts"])
def test_the_ties_of_the_reference_tell_those_of_the_pooled_rows(n, m, kind):
    rng = np.random.default_rng(n)
    draw = {
        "rounded": lambda size: np.round(30 * rng.normal(size=size)),
        "rounded finely": lambda size: rng.normal(size=size).round(3),
        "skewed": lambda size: rng.lognormal(size=size).round(2),
        "counts": lambda size: rng.poisson(1000, size),
    }[kind]
    x, y = draw(n), draw(m)
    ends = pooled_ends(np.concatenate((x, y)))
    for z in (0.8, 1.1, 1.36, 1.8):
        reached = np.array([attainable(z, n, m, ends)])
        found = lightly_tied(reached, n, m, atoms(x).ties[np.newaxis])
        assert found[0] == pytest.approx(exact(int(reached[0]), n, m, ends), rel=0.02)


def test_rows_that_are_worth_less_count_for_fewer_ties_included():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=4000).round(1), np.sort(rng.normal(0.05, size=1000).round(1))
    sample = atoms(x)
    cells = cells_of(sample, y)
    found = [
        ks_compare_all([sample], [counted(cells)], [False], [worth])[0] for worth in (1.0, 2.0, 4.0, 40.0)
    ]
    assert len({each.statistic for each in found}) == 1
    assert all(a.p_value < b.p_value for a, b in pairwise(found))
    four_times = atoms(np.repeat(x, 4)), counted(np.repeat(cells, 4))
    (again,) = ks_compare_all([four_times[0]], [four_times[1]], [False], [4.0])
    assert again == pytest.approx(found[0], rel=0.02)
    assert ks_compare_all([sample], [counted(cells)], [False], [1e6])[0].p_value == 1.0


def test_the_p_value_of_an_excess_is_one_within_the_tolerance_and_falls_beyond():
    rows = np.array([1000.0])
    p = [float(ks_excess(np.array([d]), 0.1, rows, rows)[0]) for d in (0.02, 0.1, 0.13, 0.15, 0.2, 1.0)]
    assert p[:2] == [1.0, 1.0]
    assert all(a > b for a, b in pairwise(p[1:]))
    assert p[-1] == pytest.approx(2 * math.exp(-2 * 0.9**2 * 500), rel=1e-9)


def test_sizes_with_a_large_common_divisor_have_the_limit_at_the_distances_that_can_occur():
    for z in (0.8, 1.36, 1.8):
        reached = int(z * math.sqrt(1002.0 * 501 * 1503)) // 501 * 501
        assert limit(reached, 1002, 501) == pytest.approx(exact(reached, 1002, 501), rel=0.01)
