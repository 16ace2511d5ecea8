"""Rows that follow each other are noticed, independent ones are not, and what they are worth is measured."""

import numpy as np
import pytest
from scipy.stats import binom, chi2

from contlearn.stats._dependence import MOST_BINS, caution, design_effect, inflation, neighbours


def autoregressive(rng, n, phi):
    noise = rng.normal(size=n)
    x = np.empty(n)
    x[0] = noise[0]
    for i in range(1, n):
        x[i] = phi * x[i - 1] + np.sqrt(1 - phi**2) * noise[i]
    return x


def test_the_correlation_of_numbers_is_that_of_their_ranks():
    x = autoregressive(np.random.default_rng(0), 2000, 0.7)
    ranks = np.argsort(np.argsort(x))
    assert neighbours(x).correlation == pytest.approx(np.corrcoef(ranks[1:], ranks[:-1])[0, 1], abs=0.005)
    assert neighbours(np.exp(5 * x)).correlation == pytest.approx(neighbours(x).correlation)


def test_the_agreement_of_two_categories_is_the_correlation_of_their_indicator():
    x = (autoregressive(np.random.default_rng(1), 2000, 0.8) > 0.5).astype(float)
    words = np.where(x > 0, "yes", "no").astype(object)
    assert neighbours(words).correlation == pytest.approx(neighbours(x).correlation, abs=0.005)
    assert neighbours(words).deviations == pytest.approx(neighbours(x).deviations, rel=0.02)


@pytest.mark.parametrize("kind", ["normal", "heavy", "coin", "words", "ids"])
def test_independent_rows_are_rarely_called_dependent(kind):
    rng = np.random.default_rng(2)
    make = {
        "normal": lambda: rng.normal(size=300),
        "heavy": lambda: rng.standard_cauchy(size=300),
        "coin": lambda: rng.integers(0, 2, 300),
        "words": lambda: rng.choice(list("abcdef"), 300).astype(object),
        "ids": lambda: rng.integers(0, 10_000, 300).astype(str).astype(object),
    }[kind]
    wrong = sum(neighbours(make()).follow_each_other() for _ in range(2000))
    assert wrong <= binom.isf(1e-6, 2000, 0.003)


def test_dependent_rows_are_noticed():
    rng = np.random.default_rng(3)
    assert neighbours(autoregressive(rng, 500, 0.5)).follow_each_other(columns=100)
    assert neighbours(np.repeat(list("abcab"), 40).astype(object)).follow_each_other(columns=100)
    assert neighbours(np.arange(50)).follow_each_other()


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [3.0] * 50, ["a"] * 50])
def test_too_little_to_tell_is_no_dependence(values):
    array = np.array(values, dtype=object if values and isinstance(values[0], str) else float)
    assert not neighbours(array).follow_each_other()


@pytest.mark.parametrize(("phi", "low", "high"), [(0.0, 1.0, 1.3), (0.5, 1.9, 2.8), (0.8, 4.5, 8.0)])
def test_the_design_effect_is_the_inflation_of_the_variance(phi, low, high):
    rng = np.random.default_rng(4)
    x = autoregressive(rng, 20_000, phi)
    codes = np.searchsorted(np.quantile(x, np.linspace(0.1, 0.9, 9)), x)
    found = design_effect(codes, 10, 50, cumulative=True)
    means = [np.mean(autoregressive(rng, 400, phi) > 0) for _ in range(300)]
    truth = np.var(means) / (0.25 / 400)
    assert low <= found <= high
    assert found == pytest.approx(truth, rel=0.3)
    assert 1.0 <= design_effect(codes, 10, 50) <= found + 0.2


def test_repeated_rows_are_worth_one():
    codes = np.repeat(np.random.default_rng(5).integers(0, 4, 500), 10)
    assert design_effect(codes, 4, 10) == pytest.approx(10, rel=0.15)


def test_few_blocks_are_the_worst_case_and_single_rows_the_best():
    codes = np.arange(30) % 3
    assert design_effect(codes, 3, 20) == 20.0
    assert design_effect(codes, 3, 1) == 1.0
    assert design_effect(np.zeros(100, dtype=int), 1, 10) == 1.0


def test_inflation_is_that_of_mean_and_variance_of_the_statistic():
    rng = np.random.default_rng(6)
    x = autoregressive(rng, 400_000, 0.8)
    codes = np.searchsorted(np.quantile(x, np.linspace(0.1, 0.9, 9)), x)
    found = inflation(codes, 10, 100)
    counts = [np.bincount(each, minlength=10) for each in np.split(codes, 200)]
    statistics = [float(((rows - 200.0) ** 2 / 200.0).sum()) for rows in counts]
    assert found.mean * 9.0 == pytest.approx(np.mean(statistics), rel=0.15)
    assert found.freedom == 9.0
    assert 1.5 < found.effective < 6.0
    assert found.effective == pytest.approx(2.0 * np.mean(statistics) ** 2 / np.var(statistics), rel=0.5)
    assert found.at(0.05) * chi2.isf(0.05, 9) == pytest.approx(np.quantile(statistics, 0.95), rel=0.25)
    assert found.at(0.05) * chi2.isf(0.05, 9) > design_effect(codes, 10, 100) * chi2.isf(0.05, 9)


def test_inflation_of_independent_rows_is_small_and_of_repeated_rows_their_number():
    rng = np.random.default_rng(7)
    assert 1.0 <= inflation(rng.integers(0, 5, 20_000), 5, 20).at(0.05) < 1.15
    repeated = inflation(np.repeat(rng.integers(0, 4, 2000), 10), 4, 10)
    assert repeated.at(0.05) == pytest.approx(10.0, rel=0.1)
    assert repeated.effective == pytest.approx(3.0, rel=0.1)


def test_inflation_is_larger_at_smaller_levels_and_with_fewer_blocks():
    x = autoregressive(np.random.default_rng(8), 20_000, 0.8)
    codes = np.searchsorted(np.quantile(x, np.linspace(0.1, 0.9, 9)), x)
    found = inflation(codes, 10, 40)
    assert found.mean < found.at(0.05) < found.at(0.001) < found.at(1e-9) <= 40.0
    assert found._replace(known=3.0).at(0.05) > found.at(0.05)


def test_inflation_at_its_limits():
    codes = np.arange(50) % 3
    assert inflation(codes, 3, 20).at(0.05) == 20.0
    assert inflation(codes, 3, 1).at(0.05) == 1.0
    assert inflation(np.zeros(100, dtype=int), 1, 10).at(0.05) == 1.0
    assert inflation(np.zeros(100, dtype=int), 2, 10).at(0.05) == 1.0
    assert inflation(np.tile(np.arange(10), 50), 10, 10).at(0.05) == 1.0


def test_rare_bins_count_together_in_inflation():
    rng = np.random.default_rng(9)
    codes = rng.permutation(np.minimum(rng.geometric(0.01, 8000), 1000) - 1)
    found = inflation(codes, 1000, 20)
    assert found.freedom == min(MOST_BINS, len(np.unique(codes))) - 1.0
    assert found.at(0.05) < 1.2


def test_few_blocks_raise_the_design_effect_and_many_do_not():
    assert caution(2) > 40.0
    assert caution(4) == pytest.approx(3.182**2 / 1.96**2, rel=1e-3)
    assert caution(10_000) == pytest.approx(1.0, abs=1e-3)
    x = autoregressive(np.random.default_rng(10), 20_000, 0.8)
    codes = np.searchsorted(np.quantile(x, np.linspace(0.1, 0.9, 9)), x)
    few = [design_effect(each, 10, 100, cumulative=True) for each in np.split(codes, 50)]
    assert np.mean(few) > 1.5 * design_effect(codes, 10, 100, cumulative=True)
