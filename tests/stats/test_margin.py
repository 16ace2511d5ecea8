import math
from itertools import pairwise

import numpy as np
import pytest

from contlearn.stats import mcnemar
from contlearn.stats._margin import margin_test
from contlearn.stats._paired import score


def tables(n):
    return [(b, s - b) for s in range(n + 1) for b in range(s + 1)]


def log_ways(b, c, n):
    return math.lgamma(n + 1) - math.lgamma(b + 1) - math.lgamma(c + 1) - math.lgamma(n - b - c + 1)


def probability(b, c, n, more, less):
    """Of the table, when the champion alone errs with probability `more` and the challenger with `less`."""
    result = log_ways(b, c, n)
    for k, p in ((b, more), (c, less), (n - b - c, 1.0 - more - less)):
        if k:
            if p <= 0.0:
                return 0.0
            result += k * math.log(p)
    return math.exp(result)


def left_open(psi, disagreeing, n):
    """Whether the rate lies in the Clopper-Pearson interval of confidence 1 - 1e-6."""
    shares = [math.comb(n, k) * psi**k * (1.0 - psi) ** (n - k) for k in range(n + 1)]
    return min(sum(shares[: disagreeing + 1]), sum(shares[disagreeing:])) >= 5e-7


def rates(n, margin, count=60):
    """Rates of disagreement at the edge of the hypothesis, denser near the smallest possible one."""
    low = abs(margin) + 1e-12
    return np.unique(np.concatenate([np.linspace(low, 1.0, count), low + np.linspace(0.0, 5.0 / n, count)]))


@pytest.mark.parametrize("margin", [-0.1, -0.02, 0.02, 0.1])
def test_the_p_value_covers_every_rate_of_disagreement_that_the_data_leave_open(margin):
    n = 17
    for b, c in [(0, 0), (3, 1), (5, 0), (1, 4), (8, 6)]:
        z = score(b, c, n, margin)
        extreme = [table for table in tables(n) if score(*table, n, margin) >= z - 1e-9]
        worst = max(
            sum(probability(*table, n, (psi + margin) / 2, (psi - margin) / 2) for table in extreme)
            for psi in rates(n, margin, count=200)
            if psi <= 1.0 and left_open(psi, b + c, n)
        )
        found = margin_test(b, c, n, margin).p_value
        assert worst - 1e-12 <= found <= 1.01 * worst + 2e-6


@pytest.mark.parametrize("margin", [-0.1, -0.05, 0.01, 0.1])
@pytest.mark.parametrize("n", [5, 20])
def test_it_keeps_its_level_where_the_score_test_does_not(n, margin):
    kept = {
        alpha: [t for t in tables(n) if margin_test(*t, n, margin).p_value <= alpha] for alpha in (0.05, 0.2)
    }
    for alpha, rejected in kept.items():
        for psi in rates(n, margin):
            if psi <= 1.0:
                size = sum(probability(*t, n, (psi + margin) / 2, (psi - margin) / 2) for t in rejected)
                assert size <= alpha + 1e-9


def test_the_score_test_alone_would_exceed_its_level():
    """The reason for the exact test: 5 % nominal, 6.6 % true, at a rate of disagreement of the margin."""
    n, margin = 53, -0.05
    assert 0.5 * math.erfc(score(0, 0, n, margin) / math.sqrt(2.0)) < 0.05
    assert probability(0, 0, n, 0.0, 0.05) > 0.065
    assert margin_test(0, 0, n, margin).p_value == pytest.approx(0.95**n, rel=1e-4)


def test_more_evidence_never_raises_the_p_value():
    n, margin = 60, -0.05
    for s in (0, 4, 11, 30):
        found = [margin_test(b, s - b, n, margin).p_value for b in range(s + 1)]
        assert all(later <= earlier + 1e-12 for earlier, later in pairwise(found))


def test_at_margin_zero_it_is_close_to_mcnemar_and_never_far_above():
    for b, c, n in [(16, 6, 161), (60, 40, 1000), (9, 1, 40)]:
        unconditional = margin_test(b, c, n, 0.0).p_value
        exact = mcnemar(b, c, alternative="greater").p_value
        mid = mcnemar(b, c, method="mid-p", alternative="greater").p_value
        assert 0.8 * mid <= unconditional <= 1.1 * exact


def test_large_counts_pass_over_to_the_limit_without_a_jump():
    below = margin_test(10_060, 9_930, 10**6, -0.0001).p_value
    above = margin_test(10_070, 9_940, 10**6, -0.0001).p_value
    assert below == pytest.approx(above, rel=0.02)


def test_a_hypothesis_that_the_data_rule_out_altogether_has_a_tiny_p_value():
    assert margin_test(0, 0, 100_000, -0.05).p_value <= 2e-6


@pytest.mark.parametrize("table", [(0, 0, 1), (1, 0, 1), (0, 1, 1), (3, 0, 3), (0, 3, 3)])
@pytest.mark.parametrize("margin", [-0.9, -0.01, 0.01, 0.9])
def test_the_smallest_tables_have_an_honest_p_value(table, margin):
    found = margin_test(*table, margin).p_value
    assert 0.0 < found <= 1.0


@pytest.mark.parametrize("alpha", [5e-7, 1e-12, 1e-40])
def test_what_is_left_out_of_the_search_is_small_against_the_level(alpha):
    for margin in (-0.05, 0.05):
        assert margin_test(9_000, 0, 20_000, margin, alpha).p_value <= alpha
        assert margin_test(0, 9_000, 20_000, margin, alpha).p_value == pytest.approx(1.0)


def test_a_smaller_level_makes_the_test_no_laxer():
    n, margin, alpha = 30, -0.1, 1e-7
    rejected = [t for t in tables(n) if margin_test(*t, n, margin, alpha).p_value <= alpha]
    assert rejected  # and their chance is at most alpha, whatever the rate of disagreement
    for psi in rates(n, margin):
        if psi <= 1.0:
            size = sum(probability(*t, n, (psi + margin) / 2, (psi - margin) / 2) for t in rejected)
            assert size <= alpha * (1.0 + 1e-9)


def test_it_says_whether_it_is_exact_or_the_limit():
    assert margin_test(9_000, 8_000, 50_000, 0.01).exact
    assert not margin_test(11_000, 10_000, 50_000, 0.01).exact
    assert margin_test(11_000, 10_000, 50_000, 0.01, alpha=1e-6).exact
