"""Chi-squared against published tables, scipy and full enumeration, and how far shares lie apart."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact, ncx2

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import chi_squared
from contlearn.stats._chi_squared import (
    total_variation_detectable,
    total_variation_interval,
)

small_tables = st.integers(2, 4).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(0, 4), min_size=k, max_size=k).filter(any)] * 2)
)


def pearson(table):
    table = np.asarray(table, dtype=float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / np.where(expected > 0, expected, 1)).sum())


def enumerated(table):
    """Return the exact conditional p-value, from every table with the same margins."""
    table = np.asarray(table)
    columns, rows, observed = table.sum(axis=0).tolist(), int(table[0].sum()), pearson(table)
    as_large = possible = 0
    for first in product(*(range(column + 1) for column in columns)):
        if sum(first) == rows:
            ways = math.prod(math.comb(column, chosen) for column, chosen in zip(columns, first, strict=True))
            possible += ways
            as_large += ways * (pearson([first, np.subtract(columns, first)]) >= observed - 1e-9)
    return as_large / possible


@pytest.mark.parametrize(
    ("table", "statistic", "p"),
    [
        (
            [[762, 327, 468], [484, 239, 477]],
            30.0701,
            2.953589e-07,
        ),  # Agresti (2007), p. 39: party and gender
        (
            [[90, 60, 104, 95], [30, 50, 51, 20], [30, 40, 45, 35]],
            24.5712,
            4.098e-04,
        ),  # Wikipedia: occupation
    ],
)
def test_published_tables_give_their_published_p_values(table, statistic, p):
    result = chi_squared(table)
    assert result.statistic == pytest.approx(statistic, rel=5e-6)
    assert result.p_value == pytest.approx(p, rel=2e-4)
    assert result.method == "asymptotic"


def test_the_lady_tasting_tea_is_fishers_exact_test():
    result = chi_squared([[3, 1], [1, 3]])
    assert (result.method, result.statistic) == ("exact", 2.0)
    assert result.p_value == pytest.approx(34 / 70, rel=1e-12)
    twins = [[2, 15], [10, 3]]  # Fisher's criminal twins
    assert chi_squared(twins, method="permutation").p_value == pytest.approx(
        fisher_exact(twins).pvalue, rel=1e-9
    )


@given(small_tables)
@settings(derandomize=True, deadline=None, max_examples=80)
def test_small_expected_counts_are_answered_by_listing_every_table(rows):
    result = chi_squared(rows)
    assert result.method == "exact"
    assert result.statistic == pytest.approx(pearson(rows), abs=1e-9)
    assert result.p_value == pytest.approx(enumerated(rows), rel=1e-9)


@pytest.mark.parametrize("shape", [(2, 2), (2, 9), (4, 3)])
def test_large_counts_are_answered_as_scipy_does_without_yates_correction(shape):
    table = np.random.default_rng(1).integers(20, 60, size=shape)
    theirs = chi2_contingency(table, correction=False)
    ours = chi_squared(table)
    assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    assert ours.degrees_of_freedom == theirs.dof


@pytest.mark.parametrize("table", [[[9, 4, 2, 6], [3, 8, 7, 1]], [[40, 9, 3], [18, 11, 0]]])
def test_drawn_tables_agree_with_listed_ones(table, monkeypatch):
    listed = chi_squared(table).p_value
    monkeypatch.setattr("contlearn.stats._chi_squared.ENUMERABLE", 0)
    drawn = chi_squared(table, n_permutations=20_000)
    assert drawn.method == "permutation"
    assert abs(drawn.p_value - listed) < 5 * math.sqrt(listed * (1 - listed) / 20_000)


def test_more_than_two_samples_with_small_counts_are_drawn():
    table = [[3, 1, 0], [1, 4, 1], [0, 2, 5]]
    theirs = chi2_contingency(table)
    ours = chi_squared(table, n_permutations=4999)
    assert ours.method == "permutation"
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert 0.3 * theirs.pvalue < ours.p_value < 3 * theirs.pvalue


def test_drawn_tables_have_a_p_value_of_one_more_than_counted_over_one_more_than_drawn():
    far = chi_squared(np.diag([3] * 8), n_permutations=99)
    assert far.p_value == pytest.approx(1 / 100)
    same = np.tile(np.arange(1, 30), (2, 1))
    assert chi_squared(same, method="permutation", n_permutations=99).p_value == 1.0


def test_the_same_question_has_the_same_answer_unless_fresh_draws_are_asked_for():
    table = np.vstack((np.arange(30) % 4, np.arange(30) % 5))
    assert chi_squared(table) == chi_squared(table) == chi_squared(table, rng=np.random.default_rng(0))
    assert len({chi_squared(table, rng=None).p_value for _ in range(10)}) > 1


def test_columns_of_zeros_and_their_order_do_not_matter():
    table = np.array([[30, 0, 12, 40], [22, 0, 25, 31]])
    assert chi_squared(table) == chi_squared(table[:, [0, 2, 3]])
    assert chi_squared(table[:, ::-1]).p_value == pytest.approx(chi_squared(table).p_value)
    assert chi_squared([[5, 0], [9, 0]])[:3] == (0.0, 1.0, 0)


def test_ten_thousand_categories_are_answered():
    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, 10_001)
    shares /= shares.sum()
    reference, current = rng.multinomial(100_000, shares), rng.multinomial(1000, shares)
    assert chi_squared([reference, current], n_permutations=99).p_value > 0.01
    moved = chi_squared([reference, current[::-1]], n_permutations=99)
    assert moved.p_value == 0.01
    assert moved.total_variation > 0.5


def test_a_p_value_below_the_range_of_floats_is_not_zero():
    assert 0.0 < chi_squared([[10_000, 10], [10, 10_000]]).p_value < 1e-300


def test_total_variation_is_the_share_of_rows_that_would_have_to_move():
    assert chi_squared([[50, 50, 0], [20, 50, 30]]).total_variation == pytest.approx(0.3)
    assert chi_squared([[50, 50], [20, 20]]).total_variation == pytest.approx(0.0)
    assert chi_squared([[5, 0], [0, 7]]).total_variation == pytest.approx(1.0)
    assert chi_squared([[4, 0], [2, 2], [0, 4]]).total_variation == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ([1, 2], "one row per sample"),
        ([[1, 2]], "one row per sample"),
        ([[1, 2], [3]], "rows of one length"),
        ([[0, 0], [1, 2]], "none in row 0"),
        (np.zeros((2, 0)), "observation in every row"),
        ([[0.5, 0.5], [1, 2]], "pass counts, not shares"),
        ([[1, -2], [1, 2]], "at least 0"),
        ([[1, math.nan], [1, 2]], "whole numbers"),
        ([["a", "b"], ["c", "d"]], "hold numbers"),
    ],
)
def test_what_is_no_table_of_counts_is_refused(table, says):
    with pytest.raises(InvalidInputError, match=says):
        chi_squared(table)


@pytest.mark.parametrize("wrong", [{"method": "exact"}, {"n_permutations": 0}, {"n_permutations": True}])
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(InvalidParameterError, match=next(iter(wrong))):
        chi_squared([[1, 2], [3, 4]], **wrong)


def test_the_interval_of_total_variation_allows_for_chance_and_for_its_bias():
    few = total_variation_interval(0.4, 500, 500, 2, 0.9)
    many = total_variation_interval(0.4, 500, 500, 50, 0.9)
    known = total_variation_interval(0.4, 500, 500, 50, 0.9, shares=np.r_[0.951, np.full(49, 0.001)])
    assert few.high == many.high == pytest.approx(0.4 + math.sqrt(0.5 * math.log(20) * 2 / 500))
    assert many.low < known.low < few.low < 0.4
    assert total_variation_interval(0.9, 10, 10, 5, 0.9).high == 1.0
    assert total_variation_interval(0.1, 10, 10, 5, 0.9).low == 0.0


def test_what_is_detectable_puts_the_noncentral_law_at_its_power():
    for k, alpha in ((2, 0.05), (10, 0.01), (5000, 0.001)):
        noncentrality = 4 * 500 * total_variation_detectable(1000, 1000, k, alpha) ** 2
        assert ncx2.sf(ncx2.isf(alpha, k - 1, 0.0), k - 1, noncentrality) == pytest.approx(0.8, abs=1e-6)
    assert total_variation_detectable(100, 100, 1, 0.05) == total_variation_detectable(100, 100, 2, 0.05)
    assert 1.0 < total_variation_detectable(1, 1, 10, 1e-9) < math.inf


@pytest.mark.parametrize("rng", [-1, "a", 2.5, math.nan, True])
def test_what_seeds_no_generator_is_refused_by_name(rng):
    with pytest.raises(InvalidParameterError, match="rng must be None, an integer"):
        chi_squared([[1, 2], [3, 4]], rng=rng)


def test_counts_that_floats_cannot_count_are_refused():
    with pytest.raises(InvalidInputError, match=r"table must hold at most 2\*\*53 observations, got 4e\+18"):
        chi_squared([[1e18, 1e18], [1e18, 1e18 + 1e10]])
    with pytest.raises(InvalidInputError, match="2"):
        chi_squared([[1e300, 1.0], [1.0, 1.0]])
