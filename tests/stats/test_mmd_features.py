"""Random features in whole numbers, and the law of the distance of their means, against loops."""

import itertools
import math

import numpy as np
import pytest

from contlearn.stats._mmd_features import (
    critical_effect,
    law_of_blocks,
    law_of_rows,
    p_values,
    squared_distances,
    squared_effect,
)
from contlearn.stats._quadratic_form import quadratic_form_tail
from contlearn.stats._random_features import ONE, centre_and_spread, feature_map, moments, values_of


def a_map(rows, seed=0, *, alike=False):
    return feature_map(rows, *centre_and_spread(rows, alike=alike), np.random.default_rng(seed))


def lengths_one(features, rows):
    """Features of the widest kernel, so that those of a row have length 1."""
    values = values_of(features, rows)[0]
    return values / (ONE * math.sqrt(values.shape[1] / 2))


@pytest.mark.parametrize("d", [1, 3, 20])
def test_products_of_features_approach_the_gaussian_kernel(d):
    rows = np.random.default_rng(0).normal(size=(60, d)) * 3.0 + 5.0
    features = a_map(rows)
    scaled = (rows - features.centre) / features.spread
    squared = ((scaled[:, None] - scaled[None]) ** 2).sum(axis=2)
    kernel = np.exp(-squared / (2.0 * features.bandwidth**2))
    values = lengths_one(features, rows)
    error = values @ values.T - kernel
    n_frequencies = values.shape[1] // 2
    assert np.abs(np.diag(error)).max() < 1e-3
    assert np.sqrt((error**2).mean()) < 1.2 / math.sqrt(2 * n_frequencies)
    assert abs(error.mean()) < 4.0 / math.sqrt(n_frequencies) / 4.0


def test_moments_are_sums_over_rows():
    rows = np.random.default_rng(1).normal(size=(2500, 2))
    features = a_map(rows)
    values = values_of(features, rows)
    found = moments(features, rows)
    assert found.n == 2500
    assert (found.sums == values.sum(axis=1)).all()
    assert (found.products[0] == values[0].T @ values[0]).all()
    assert found.sums.dtype == found.products.dtype == np.int64


def test_a_row_has_the_same_features_whatever_stands_beside_it():
    rows = np.random.default_rng(2).normal(size=(1003, 37)) * 1e3
    features = a_map(rows)
    whole = values_of(features, rows)
    for part in ([0], [1002, 5, 77], range(100, 419)):
        assert (values_of(features, rows[list(part)]) == whole[:, list(part)]).all()
    assert (values_of(features, np.asfortranarray(rows)) == whole).all()


@pytest.mark.parametrize("d", [1, 2, 64, 3000])
def test_projections_stay_below_what_floats_hold_exactly(d):
    rng = np.random.default_rng(3)
    rows = rng.standard_cauchy(size=(40, d)) * 1e6
    rows[0] = 1.7e308
    rows[1] = -1.7e308
    features = a_map(rows)
    assert (features.frequencies == np.rint(features.frequencies)).all()
    most = np.abs(features.frequencies).sum(axis=0).max() * 2.0**28
    assert most <= 2.0**53
    assert np.isfinite(values_of(features, rows)).all()


def test_many_columns_have_fewer_bandwidths_and_share_all_frequencies():
    rng = np.random.default_rng(4)
    few, many = a_map(rng.normal(size=(300, 1))), a_map(rng.normal(size=(300, 32)))
    assert len(few.digits) == 5
    assert len(many.digits) == 2
    assert few.frequencies.shape[1] == many.frequencies.shape[1] == 320


def test_spreads_are_those_of_the_bulk_and_never_zero():
    rng = np.random.default_rng(5)
    rows = np.column_stack([rng.normal(size=4000) * 9.0, np.full(4000, 3.0), rng.random(4000) < 0.1])
    rows[0, 0] = 1e300
    _, spread = centre_and_spread(rows, alike=False)
    assert spread[0] == pytest.approx(9.0, rel=0.1)
    assert spread[1] == 1.0
    assert 0.2 < spread[2] < 0.4
    assert (centre_and_spread(rows, alike=True)[1] == spread[0]).all()


@pytest.mark.parametrize("n", [4, 3])
def test_the_law_has_the_mean_and_variance_of_all_relabelings(n):
    rows = np.random.default_rng(6).normal(size=(8, 2))
    features = a_map(rows)
    m = 8 - n
    every = [
        squared_distances(moments(features, rows[list(x)]), moments(features, np.delete(rows, x, axis=0)))
        for x in itertools.combinations(range(8), n)
    ]
    share = 1.0 / n + 1.0 / m
    law = law_of_rows(moments(features, rows[:n]), moments(features, rows[n:]))
    np.testing.assert_allclose(share * law.variance, np.mean(every, axis=0), rtol=1e-3)
    np.testing.assert_allclose(2.0 * share**2 * law.squares, np.var(every, axis=0), rtol=1e-2)
    np.testing.assert_allclose((law.weights**2).sum(axis=1), law.squares, rtol=1e-6)


def test_the_effect_is_the_mean_over_pairs_of_different_rows():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(12, 2)), rng.normal(size=(9, 2)) + 0.5
    features = a_map(x)
    of_x, of_y = lengths_one(features, x), lengths_one(features, y)
    inside = [
        np.mean([a[i] @ a[j] for i, j in itertools.permutations(range(len(a)), 2)]) for a in (of_x, of_y)
    ]
    expected = sum(inside) - 2.0 * (of_x @ of_y.T).mean()
    assert squared_effect(moments(features, x), moments(features, y)) == pytest.approx(expected, abs=1e-3)


def test_blocks_of_independent_rows_have_nearly_the_law_of_the_rows():
    rows = np.random.default_rng(8).normal(size=(4000, 2))
    features = a_map(rows)
    half = moments(features, rows[:2000]), moments(features, rows[2000:])
    plain, blocked = law_of_rows(*half), law_of_blocks(features, rows, 10)
    np.testing.assert_allclose(blocked.variance, plain.variance, rtol=0.1)
    assert law_of_blocks(features, rows, 2001) is None


def test_rows_that_come_ten_at_a_time_are_worth_a_tenth():
    rows = np.repeat(np.random.default_rng(9).normal(size=(400, 2)), 10, axis=0)
    features = a_map(rows)
    half = moments(features, rows[:2000]), moments(features, rows[2000:])
    ratio = law_of_blocks(features, rows, 20).variance / law_of_rows(*half).variance
    np.testing.assert_allclose(ratio, 10.0, rtol=0.15)


def test_the_critical_effect_is_where_the_p_value_is_the_level():
    rows = np.random.default_rng(10).normal(size=(300, 3))
    features = a_map(rows)
    law = law_of_rows(moments(features, rows[:200]), moments(features, rows[200:]))
    critical = critical_effect(law, 200, 100, 0.01)
    share = 1.0 / 200 + 1.0 / 100
    tail = quadratic_form_tail(critical / share + law.weights[0].sum(), law.weights[0])
    assert tail == pytest.approx(0.01, rel=1e-6)


def test_equal_rows_everywhere_have_a_p_value_of_one():
    rows = np.full((60, 2), 0.1)
    features = a_map(rows)
    sides = moments(features, rows[:30]), moments(features, rows[30:])
    assert (p_values(squared_distances(*sides), law_of_rows(*sides), 30, 30) == 1.0).all()
