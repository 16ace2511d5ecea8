"""Rows for McNemar's test: Connor's formula, and the power that the test really has."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from contlearn.exceptions import InvalidParameterError
from contlearn.stats import mcnemar, sample_size_mcnemar
from contlearn.stats._margin import margin_test
from contlearn.stats._paired_power import power, region

modest = settings(derandomize=True, deadline=None, max_examples=60)


def connor(p01, p10, alpha, chance):
    psi, d = p01 + p10, p01 - p10
    z_alpha, z_beta = norm.isf(alpha), norm.ppf(chance)
    return (z_alpha * math.sqrt(psi) + z_beta * math.sqrt(psi - d**2)) ** 2 / d**2


@pytest.mark.parametrize("alpha", [0.001, 0.025, 0.05, 0.2])
@pytest.mark.parametrize("chance", [0.5, 0.8, 0.95])
@pytest.mark.parametrize(("p01", "p10"), [(0.04, 0.02), (0.02, 0.04), (0.3, 0.0), (0.6, 0.4)])
def test_it_is_connors_formula(p01, p10, alpha, chance):
    found = sample_size_mcnemar(p01, p10, alpha, chance)
    assert isinstance(found, float)
    assert found == pytest.approx(connor(p01, p10, alpha, chance), rel=1e-12)


def test_the_rows_for_four_percent_against_two_are_926():
    assert math.ceil(sample_size_mcnemar(0.04, 0.02, 0.05, 0.8)) == 926


def test_the_defaults_are_one_sided_five_percent_and_eighty_percent_power():
    assert sample_size_mcnemar(0.04, 0.02) == pytest.approx(925.2885998010446, abs=1e-9)


@modest
@given(st.floats(0.001, 0.4), st.floats(0.0, 0.4), st.floats(0.001, 0.2), st.floats(0.5, 0.99))
def test_more_power_a_smaller_alpha_and_a_smaller_difference_need_more_rows(p01, p10, alpha, chance):
    if abs(p01 - p10) < 1e-3:
        return
    n = sample_size_mcnemar(p01, p10, alpha, chance)
    assert n == sample_size_mcnemar(p10, p01, alpha, chance)
    assert n < sample_size_mcnemar(p01, p10, alpha / 2, chance)
    assert n < sample_size_mcnemar(p01, p10, alpha, chance + 0.005)
    psi, d = p01 + p10, 0.9 * (p01 - p10)
    assert n < sample_size_mcnemar((psi + d) / 2, (psi - d) / 2, alpha, chance)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.1, 0.1), "p01 must differ from p10"),
        ((0.7, 0.4), "at most 1"),
        ((-0.1, 0.1), "p01 must be"),
        ((0.1, math.nan), "p10 must be"),
        ((0.1, 0.2, 0.5), "alpha must be strictly between 0 and 0.5"),
        ((0.1, 0.2, 0.1, 0.1), "power must be above alpha"),
        ((0.1, 0.2, 0.1, 1.0), "power must be strictly between 0 and 1"),
        (("a", 0.2), "p01 must be a number"),
    ],
)
def test_what_no_number_of_rows_can_do_is_refused(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        sample_size_mcnemar(*arguments)


def brute(n, psi, gain, rejects):
    """Return the power by asking the test about every table."""
    total = 0.0
    for s in range(n + 1):
        share = min(1.0, max(0.0, 0.5 * (1 + gain / psi)))
        reached = sum(binom.pmf(b, s, share) for b in range(s + 1) if rejects(b, s - b))
        total += binom.pmf(s, n, psi) * reached
    return total


@pytest.mark.parametrize("method", ["exact", "mid-p"])
@pytest.mark.parametrize(
    ("n", "psi", "gain"), [(7, 0.5, 0.4), (40, 0.3, 0.1), (40, 1.0, 0.3), (25, 0.2, 0.2)]
)
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_power_of_mcnemar_is_counted_over_all_tables(n, psi, gain, alpha, method):
    found = power(region(n, psi, 0.0, alpha, method == "mid-p"), n, psi, gain)
    expected = brute(n, psi, gain, lambda b, c: mcnemar(b, c, method, "greater").p_value <= alpha)
    assert found == pytest.approx(expected, abs=1e-8)


def test_the_power_known_for_four_percent_against_two():
    """Figures of an independent count: 0.771 at 925 rows, 0.802 at 1000."""
    powers = [power(region(n, 0.06, 0.0, 0.05), n, 0.06, 0.02) for n in (925, 1000, 3000)]
    assert [round(each, 3) for each in powers] == [0.771, 0.802, 0.998]


@pytest.mark.parametrize(("n", "psi", "margin"), [(60, 0.1, -0.05), (45, 0.6, 0.1), (60, 0.4, 0.2)])
def test_the_power_with_a_margin_is_that_of_the_exact_score_test(n, psi, margin):
    found = region(n, psi, margin, 0.05)
    tables = {}

    def rejects(b, c):
        if (b, c) not in tables:
            likely = abs(b + c - n * psi) < 5 * math.sqrt(n * psi * (1 - psi))
            tables[b, c] = likely and margin_test(b, c, n, margin).p_value <= 0.05
        return tables[b, c]

    for gain in (margin, margin + 0.1):
        if abs(gain) <= psi:
            assert power(found, n, psi, gain) == pytest.approx(brute(n, psi, gain, rejects), abs=1e-3)


def test_a_margin_that_nothing_can_exceed_rejects_nothing():
    found = region(50, 0.2, 1.0, 0.05)
    assert np.all(found.least > found.totals)
    assert power(found, 50, 0.2, 0.2) == 0.0
