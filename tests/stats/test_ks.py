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
from contlearn.stats._ks import atoms, ks_compare, ks_detectable, ks_interval
from contlearn.stats._ks_law import SMALLEST, equal_sizes, exact, p_value
from contlearn.stats._ks_limit import limit

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


def test_sizes_with_a_large_common_divisor_have_the_limit_at_the_distances_that_can_occur():
    for z in (0.8, 1.36, 1.8):
        reached = int(z * math.sqrt(1002.0 * 501 * 1503)) // 501 * 501
        assert limit(reached, 1002, 501) == pytest.approx(exact(reached, 1002, 501), rel=0.01)
