"""Tails of weighted sums of chi-squared variables against closed forms and simulation."""

import numpy as np
import pytest
from scipy import stats

from contlearn.stats._cauchy import cauchy_combination
from contlearn.stats._quadratic_form import quadratic_form_limit, quadratic_form_tail


@pytest.mark.parametrize("terms", [1, 2, 3, 10, 200])
def test_equal_weights_are_a_chi_squared_law_however_far_out(terms):
    tails = np.array([0.5, 0.05, 1e-3, 1e-6, 1e-12, 1e-100, 1e-250])
    limits = stats.chi2.isf(tails, terms)
    found = quadratic_form_tail(7.0 * limits, np.full((len(tails), terms), 7.0))
    np.testing.assert_allclose(found, tails, rtol=1e-6)


def test_pairs_of_equal_weights_are_a_sum_of_exponentials():
    scales = np.array([3.0, 2.0, 0.5])
    for limit in (0.5, 5.0, 20.0, 80.0, 400.0):
        terms = [
            np.prod([a / (a - b) for b in scales if b != a]) * np.exp(-limit / (2.0 * a)) for a in scales
        ]
        found = quadratic_form_tail(limit, np.repeat(scales, 2))
        assert found == pytest.approx(sum(terms), rel=1e-5)


def test_any_weights_agree_with_simulation():
    weights = 1.0 / np.arange(1, 41) ** 1.5
    draws = np.random.default_rng(0).chisquare(1, size=(200_000, 40)) @ weights
    for limit in (0.8, 2.0, 4.0, 8.0):
        share = float((draws > limit).mean())
        error = np.sqrt(share * (1.0 - share) / len(draws))
        assert quadratic_form_tail(limit, weights) == pytest.approx(share, abs=5.0 * error)


def test_the_middle_and_the_lower_end_are_right_to_some_thousandths():
    for terms in (1, 2, 3, 10):
        limits = stats.chi2.isf([0.99999, 0.9, 0.7], terms)
        found = quadratic_form_tail(limits, np.ones((3, terms)))
        np.testing.assert_allclose(found, [0.99999, 0.9, 0.7], atol=0.002)


def test_what_cannot_be_exceeded_and_what_always_is():
    weights = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.0, 1.0]])
    found = quadratic_form_tail([-1.0, 1.0, 0.0, 0.0], weights)
    assert found.tolist() == [1.0, 0.0, 1.0, 1.0]


def test_weights_of_nothing_change_nothing_and_the_unit_cancels():
    weights = np.array([1.0, 0.3, 0.1])
    padded = np.concatenate([weights, np.zeros(5)])
    tail = float(quadratic_form_tail(4.0, weights))
    assert quadratic_form_tail(4.0, padded) == pytest.approx(tail, rel=1e-12)
    for unit in (1e-200, 1e200):
        assert quadratic_form_tail(4.0 * unit, weights * unit) == pytest.approx(tail, rel=1e-9)


def test_the_tail_falls_as_the_limit_grows():
    weights = np.random.default_rng(1).exponential(size=30)
    limits = np.linspace(0.1, 500.0, 300)
    tails = quadratic_form_tail(limits, np.tile(weights, (300, 1)))
    assert (np.diff(tails) <= 1e-9).all()
    assert ((tails >= 0.0) & (tails <= 1.0)).all()


@pytest.mark.parametrize("terms", [1, 2, 7, 300])
def test_limits_are_those_of_the_chi_squared_law(terms):
    for tail in (0.5, 0.3, 0.05, 1e-4, 1e-10, 1e-40):
        found = quadratic_form_limit(tail, np.full(terms, 3.0))
        assert found == pytest.approx(3.0 * stats.chi2.isf(tail, terms), rel=1e-6)
    assert quadratic_form_limit(0.05, np.zeros(terms)) == 0.0


def test_the_cauchy_combination_of_equal_p_values_is_that_value():
    for p in (0.9, 0.5, 0.05, 1e-8, 1e-40, 1e-290):
        assert cauchy_combination([p] * 6) == pytest.approx(p, rel=1e-6)


def test_one_tiny_p_value_counts_as_often_as_there_are_others_and_no_large_one_undoes_it():
    assert cauchy_combination([1e-30, 0.5]) == pytest.approx(2e-30)
    assert cauchy_combination([1e-6, 1.0]) == pytest.approx(2e-6, rel=1e-3)
    assert cauchy_combination([0.0, 1.0]) == pytest.approx(2e-300)
    assert 0.0 < cauchy_combination([1.0, 1.0]) <= 1.0
