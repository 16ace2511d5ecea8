"""The conditional law of the chi-squared statistics, against all tables, and the changes of shares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from contlearn.stats import chi_squared
from contlearn.stats._chi_squared_cells import STATISTICS, categories, cells
from contlearn.stats._chi_squared_columns import Pairs, compare_columns
from contlearn.stats._chi_squared_distance import compare_distances
from contlearn.stats._chi_squared_tail import tail
from contlearn.stats._contingency import chance_as_large, chance_below, draw_statistics
from contlearn.stats._shares import furthest, shifts

statistics = pytest.mark.parametrize("statistic", STATISTICS)
POWERS = {"pearson": "pearson", "g": "log-likelihood", "cressie-read": "cressie-read"}


def zipf(levels):
    weights = 1.0 / np.arange(1, levels + 1)
    return weights / weights.sum()


def of_tables(tables, total, rows, statistic):
    """Return the statistic of every table, given the counts of the current sample."""
    mean = total * (rows / total.sum())
    return categories(statistic, tables, total, mean, total - mean).sum(axis=1)


@statistics
@pytest.mark.parametrize("shape", [(2, 2), (2, 7), (4, 3)])
def test_statistics_agree_with_scipy(statistic, shape):
    table = np.random.default_rng(1).integers(0, 60, size=shape) + np.eye(*shape, dtype=int)
    theirs = stats.chi2_contingency(table, correction=False, lambda_=POWERS[statistic])
    ours = chi_squared(table, "asymptotic", statistic=statistic)
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


@statistics
def test_what_categories_add_is_never_negative_and_grows_with_the_distance(statistic):
    total, mean = np.full(101, 100.0), np.full(101, 30.0)
    added = categories(statistic, np.arange(101.0), total, mean, total - mean)
    assert added.min() >= 0.0
    assert np.all(np.diff(added[30:]) > 0.0)
    assert np.all(np.diff(added[:31]) < 0.0)


@statistics
@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.data())
def test_listing_what_is_below_and_what_is_not_agree(statistic, total, data):
    total = np.array(total)
    rows = data.draw(st.integers(1, int(total.sum()) - 1))
    tables = np.stack([each.ravel() for each in np.meshgrid(*[np.arange(c + 1) for c in total])], axis=1)
    tables = tables[tables.sum(axis=1) == rows]
    chance = np.exp(
        (special.gammaln(total + 1) - special.gammaln(tables + 1) - special.gammaln(total - tables + 1)).sum(
            axis=1
        )
        - np.log(math.comb(int(total.sum()), rows))
    )
    found = of_tables(tables, total, rows, statistic)
    limit = found[data.draw(st.integers(0, len(found) - 1))] - 1e-9
    expected = chance[found >= limit].sum()
    assert chance_as_large(total, rows, limit, statistic) == pytest.approx(expected, rel=1e-9)
    below = chance_below(np.sort(total).astype(float), float(rows), limit, statistic)
    assert below == pytest.approx(1.0 - expected, abs=1e-12)
    assert tail(total, rows, limit + 1e-9, statistic) == pytest.approx(expected, rel=1e-6)


@statistics
@pytest.mark.parametrize(
    ("total", "rows"),
    [
        ([40, 60, 50, 30, 45, 75], 60),  # ten of each
        ([900, 12, 8, 15, 11, 9, 14, 10, 7], 120),  # one dominant and eight rare
        ([60] * 12, 72),  # all alike
    ],
)
def test_the_saddlepoint_agrees_with_drawn_tables(statistic, total, rows):
    total, rng = np.array(total), np.random.default_rng(2)
    drawn = np.sort(of_tables(rng.multivariate_hypergeometric(total, rows, 200_000), total, rows, statistic))
    for p in (0.2, 0.05, 0.01, 0.001):
        found = drawn[int(len(drawn) * (1.0 - p))]
        true = np.mean(drawn >= found * (1.0 - 1e-9))
        error = 5.0 * math.sqrt(true / len(drawn))
        assert 0.88 * (true - error) <= tail(total, rows, found, statistic) <= 1.3 * (true + error)


@statistics
def test_far_out_the_law_stays_positive_and_never_rises(statistic):
    total = np.array([500, 300, 100, 60, 25, 10, 5] * 3)
    p = [tail(total, 300, found, statistic) for found in np.linspace(15.0, 900.0, 60)]
    assert min(p) > 0.0
    assert np.all(np.diff(p) <= 0.0)
    assert p[-1] < 1e-40
    assert tail(total, 300, 0.0, statistic) == 1.0


@statistics
@pytest.mark.parametrize("counts", [[1] * 300, [2] * 40, [10**6, 1, 1], [1, 1], [10**9, 10**9, 10**9]])
def test_degenerate_sums_are_answered(statistic, counts):
    total = np.array(counts)
    for rows in (1, 2, int(total.sum()) // 2, int(total.sum()) - 1):
        if 0 < rows < total.sum():
            for found in (0.0, 1.0, 30.0, 1e6):
                assert 0.0 < tail(total, rows, found, statistic) <= 1.0


@statistics
def test_drawn_tables_have_the_law_of_listed_ones(statistic):
    table = np.array([[9, 4, 2, 6], [3, 8, 7, 1]])
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    found = float(cells(statistic, table, expected).sum())
    drawn = draw_statistics(table, expected, 20_000, np.random.default_rng(3), statistic)
    listed = chi_squared(table, "permutation", statistic=statistic)
    assert listed.method == "exact"
    assert abs(np.mean(drawn >= found - 1e-9) - listed.p_value) < 5 * math.sqrt(listed.p_value / 20_000)


def test_the_likelihood_ratio_has_no_limit_law_where_many_counts_are_small():
    table = np.random.default_rng(4).multinomial(2000, np.full(200, 1 / 200), size=2) + 5
    assert chi_squared(table).method == "asymptotic"
    assert chi_squared(table, statistic="g", n_permutations=99).method == "permutation"
    assert chi_squared(table[:, :4], statistic="g").method == "asymptotic"


@statistics
def test_columns_compared_together_are_compared_as_alone(statistic):
    rng = np.random.default_rng(5)
    sizes = np.array([2, 9, 40, 1, 15])
    before = np.concatenate([rng.multinomial(500, zipf(size)) for size in sizes])
    after = np.concatenate([rng.multinomial(120, zipf(size)[::-1]) for size in sizes])
    levels, effects = np.full(5, 0.01), np.array([1.0, 1.0, 3.0, 1.0, 1.5])
    together = compare_columns(Pairs(before, after, sizes), levels, statistic, effects)
    starts = np.cumsum(sizes) - sizes
    for place, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        one = Pairs(before[start : start + size], after[start : start + size], np.array([size]))
        alone = compare_columns(one, levels[:1], statistic, effects[place : place + 1])
        for mine, whole in zip(alone, together, strict=True):
            assert mine[0] == pytest.approx(whole[place], rel=1e-12)


def test_the_interval_of_a_change_is_newcombes():
    """Newcombe (1998), table II, method 10, case (a): 56/70 against 48/80."""
    found = shifts(np.array([48]), np.array([80]), np.array([56]), np.array([70]), np.array([0.05]))
    assert found.change[0] == pytest.approx(0.2)
    assert (found.low[0], found.high[0]) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    nothing = shifts(np.array([0]), np.array([10]), np.array([0]), np.array([10]), np.array([0.05]))
    assert nothing.low[0] == -nothing.high[0] == pytest.approx(-0.2775, abs=5e-5)  # Wilson's of 0/10
    dependent = shifts(np.array([48]), np.array([80]), np.array([56]), np.array([70]), np.array([0.05]), 4.0)
    assert dependent.change == found.change
    assert dependent.high[0] - dependent.low[0] > 1.8 * (found.high[0] - found.low[0])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(-1, 6), min_size=1, max_size=12), min_size=1, max_size=6))
def test_the_furthest_are_the_largest_and_those_equal_to_the_last(columns):
    sizes = np.array([len(column) for column in columns])
    distance = np.concatenate([np.array(column) / 6 for column in columns])
    distance[distance < 0.0] = -1.0
    places, counts = furthest(distance, sizes, 3)
    start = taken = 0
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        own = distance[start : start + size]
        least = np.sort(own)[::-1][: min(3, size)][-1]
        assert sorted(places[taken : taken + count] - start) == list(
            np.flatnonzero((own >= least) & (own >= 0.0))
        )
        start, taken = start + size, taken + count


def test_the_distance_lies_between_the_total_variation_and_its_root():
    rng = np.random.default_rng(6)
    shares = rng.dirichlet(np.full(6, 0.4), size=(40, 2))
    counts = np.rint(shares * 10**9).astype(np.int64)
    found = compare_distances(
        Pairs(counts[:, 0].ravel(), counts[:, 1].ravel(), np.full(40, 6)),
        0.0,
        np.full(40, 0.05),
        np.full(40, 0.9),
    )
    variation = 0.5 * np.abs(shares[:, 0] - shares[:, 1]).sum(axis=1)
    assert np.all(found.distance >= variation - 1e-4)
    assert np.all(found.distance <= np.sqrt(variation) + 1e-4)
