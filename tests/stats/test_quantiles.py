"""Shifts of quantiles: the rows that tell them, and intervals that hold whatever the values are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from contlearn.stats._quantiles import QUANTILES, quantile_ranks, shifts_of_samples

laws = settings(derandomize=True, deadline=None, max_examples=80)
samples = st.lists(st.integers(-6, 6), min_size=1, max_size=40)


@pytest.mark.parametrize("rows", [1, 2, 5, 30, 31, 150, 1000, 100_000])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999, 1 - 1e-9])
def test_an_end_is_as_near_as_the_binomial_law_allows(rows, q, confidence):
    ranks, miss = quantile_ranks(rows, q, confidence), (1.0 - confidence) / 2.0
    assert ranks.low == 0 or binom.cdf(ranks.low - 1, rows, q) <= miss * (1 + 1e-9)
    assert binom.cdf(ranks.low, rows, q) > miss
    assert ranks.high == rows + 1 or binom.sf(ranks.high - 1, rows, q) <= miss * (1 + 1e-9)
    assert ranks.high == 1 or binom.sf(ranks.high - 2, rows, q) > miss
    assert 0 <= ranks.low <= ranks.left <= ranks.right <= ranks.high <= rows + 1


@pytest.mark.parametrize("rows", [1, 2, 7, 30, 101])
def test_the_quantile_of_a_sample_is_the_averaged_inverse_of_its_distribution(rows):
    x = np.sort(np.random.default_rng(rows).normal(size=rows))
    for q in QUANTILES.values():
        ranks = quantile_ranks(rows, q, 0.95)
        expected = np.quantile(x, q, method="averaged_inverted_cdf")
        assert 0.5 * (x[ranks.left - 1] + x[ranks.right - 1]) == pytest.approx(expected)


def test_dependent_rows_count_for_fewer():
    independent, dependent = quantile_ranks(1000, 0.5, 0.95), quantile_ranks(1000, 0.5, 0.95, 4.0)
    width = independent.high - independent.low
    assert dependent.high - dependent.low == pytest.approx(2.0 * width, rel=0.05)
    assert dependent[1:3] == independent[1:3]
    assert quantile_ranks(20, 0.1, 0.95, 10.0).low == 0
    assert quantile_ranks(20, 0.9, 0.95, 10.0).high == 21


def test_a_shift_is_the_difference_of_the_quantiles_of_the_samples():
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.normal(size=400)), np.sort(rng.normal(3, 2, size=101))
    shifts = shifts_of_samples(x, y, 0.95)
    assert list(shifts) == ["10 %", "median", "90 %"]
    assert shifts["median"].estimate == pytest.approx(np.median(y) - np.median(x))
    for true, shift in zip([3.0 - 1.2816, 3.0, 3.0 + 1.2816], shifts.values(), strict=True):
        assert true - 1.5 < shift.low < true < shift.high < true + 1.5
        assert shift.low < shift.estimate < shift.high
        assert shift.confidence == 0.95


@laws
@given(samples, samples, st.sampled_from([0.8, 0.99]))
def test_sides_and_signs_change_places_with_the_ends(x, y, confidence):
    x, y = np.sort(np.array(x, dtype=float)), np.sort(np.array(y, dtype=float))
    there, back = shifts_of_samples(x, y, confidence), shifts_of_samples(y, x, confidence)
    mirrored = shifts_of_samples(np.sort(-x), np.sort(-y), confidence)
    for name, opposite in (("10 %", "90 %"), ("median", "median"), ("90 %", "10 %")):
        shift = there[name]
        assert shift.low <= shift.estimate <= shift.high
        assert back[name][:3] == pytest.approx((-shift.estimate, -shift.high, -shift.low))
        assert mirrored[opposite][:3] == pytest.approx((-shift.estimate, -shift.high, -shift.low))


def test_too_few_rows_tell_nothing_of_one_side_and_say_so():
    few = shifts_of_samples(np.arange(30.0), np.arange(30.0), 0.95)
    assert (few["10 %"].low, few["90 %"].high) == (-math.inf, math.inf)
    assert math.isfinite(few["median"].low)
    assert shifts_of_samples(np.zeros(1), np.ones(1), 0.95)["median"] == (1.0, -math.inf, math.inf, 0.95)


def test_numbers_at_the_ends_of_the_floats_give_no_nan():
    huge = 1.7e308 * np.linspace(-1.0, 1.0, 50)
    far = np.abs(huge)
    for x, y in ((huge, huge), (-far, far), (far, -far), (huge * 0.0, huge)):
        for shift in shifts_of_samples(np.sort(x), np.sort(y), 0.9).values():
            assert shift.low <= shift.estimate <= shift.high
            assert math.isfinite(shift.estimate)


@pytest.mark.parametrize("n", [30, 300])
@pytest.mark.parametrize("draw", ["normal", "standard_cauchy"])
def test_intervals_hold_the_true_shift(n, draw):
    rng, missed = np.random.default_rng(n), np.zeros(3)
    for _ in range(400):
        x, y = (np.sort(getattr(rng, draw)(size=size)) for size in (n, 50))
        shifts = shifts_of_samples(x, y + 2.0, 0.9).values()
        missed += [not shift.low <= 2.0 <= shift.high for shift in shifts]
    assert (missed <= binom.isf(1e-6, 400, 0.1)).all()
