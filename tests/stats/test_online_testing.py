"""Online procedures against the formulas of their papers, the numbers of the R package, and their promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from contlearn import stats
from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import addis, lord, saffron
from contlearn.stats._online_testing import MARKS, RULES, Fortune

PROCEDURES = {"lord++": lord, "saffron": saffron, "addis": addis}

# The example of the R package onlineFDR, and what it answers with alpha 0.05 and half of it at the start.
EXAMPLE = [2.90e-14, 0.00143, 0.06514, 0.00174, 0.00171, 3.61e-05, 0.79149, 0.27201, 0.28295, 7.59e-08]
EXAMPLE += [0.69274, 0.30443, 0.000487, 0.72342, 0.54757]
SAFFRON = [0.005469, 0.010937, 0.021875, 0.021875, 0.032812, 0.043749, 0.054686, 0.01804, 0.01804, 0.01804]
SAFFRON += [0.028977, 0.013037, 0.013037, 0.023975, 0.011445]
ADDIS = [0.002734, 0.005469, 0.010937, 0.010937, 0.016406, 0.021875, None, 0.027343, 0.00902, 0.004715]
ADDIS += [None, 0.010183, 0.004779, None, None]  # None: discarded, and not compared with anything there
LORD = [0.001338, 0.001629, 0.003215, 0.001036, 0.000876, 0.000738, 0.003309, 0.001136, 0.000987, 0.000854]
LORD += [0.003426, 0.001251, 0.0011, 0.003639, 0.001438]

several = st.lists(st.one_of(st.floats(0, 1), st.floats(0, 0.01)), max_size=40)


def slow(j):
    return 0.07720838 * math.log(max(j, 2)) / (j * math.exp(math.sqrt(math.log(j))))


def quick(j):
    return 0.4374901658 * j**-1.6


def by_definition(name, p, alpha):
    """The formulas of the three papers, with a sum over all rejections before every test (times from 1)."""
    alphas = []
    for t in range(1, len(p) + 1):
        times = [i for i in range(1, t) if p[i - 1] <= alphas[i - 1]]
        if name == "lord++":
            level = 0.1 * alpha * slow(t)
            level += sum((0.9 if j == 0 else 1.0) * alpha * slow(t - tau) for j, tau in enumerate(times))
        elif name == "saffron":

            def candidates(after, t=t):
                return sum(p[i - 1] <= 0.5 for i in range(after + 1, t))

            level = 0.5 * alpha * quick(t - candidates(0))
            for j, tau in enumerate(times):
                level += (0.5 if j == 0 else 1.0) * alpha * quick(t - tau - candidates(tau))
            level = min(0.5, 0.5 * level)
        else:

            def count(limit, after, until):
                return sum(p[i - 1] <= limit for i in range(after + 1, until))

            selected = 1 + count(0.5, 0, t)
            level = 0.5 * alpha * quick(selected - count(0.25, 0, t))
            for j, tau in enumerate(times):
                step = selected - count(0.5, 0, tau + 1) - count(0.25, tau, t)
                level += (0.5 if j == 0 else 1.0) * alpha * quick(step)
            level = min(0.25, 0.25 * level)
        alphas.append(level)
    return alphas


@pytest.mark.parametrize("name", PROCEDURES)
@given(p=several, alpha=st.sampled_from([0.01, 0.05, 0.3, 0.99]))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_alphas_are_the_direct_sum_over_all_rejections(name, p, alpha):
    rejected, alphas = PROCEDURES[name](p, alpha)
    expected = by_definition(name, p, alpha)
    np.testing.assert_allclose(alphas, expected, rtol=1e-10)
    assert rejected.tolist() == [each <= level for each, level in zip(p, alphas, strict=True)]


def test_alphas_and_rejections_are_those_of_the_r_package():
    assert saffron(EXAMPLE).alphas.round(6).tolist() == SAFFRON
    assert np.flatnonzero(saffron(EXAMPLE).rejected).tolist() == [0, 1, 3, 4, 5, 9, 12]
    ours = [
        None if p > 0.5 else round(level, 6)
        for p, level in zip(EXAMPLE, addis(EXAMPLE).alphas.tolist(), strict=True)
    ]
    assert ours == ADDIS
    assert np.flatnonzero(addis(EXAMPLE).rejected).tolist() == [0, 1, 3, 4, 5, 9, 12]
    assert alphas_of(RULES["lord++"]._replace(start=0.5), EXAMPLE) == pytest.approx(LORD, abs=5.01e-7)
    for each in PROCEDURES.values():  # of its tests
        assert each([1e-7, 3e-4, 0.1, 6e-4]).rejected.tolist() == [True, True, False, True]


def alphas_of(rule, p, alpha=0.05):
    fortune, alphas = Fortune.new(rule), []
    for each in p:
        alphas.append(fortune.alpha(rule, alpha))
        fortune = fortune.after(rule, each, each <= alphas[-1])
    return alphas


@pytest.mark.parametrize("name", PROCEDURES)
@given(p=several)
@settings(derandomize=True, deadline=None, max_examples=60)
def test_a_machine_that_remembers_rejections_only_has_the_same_alphas(name, p):
    np.testing.assert_allclose(alphas_of(RULES[name], p), PROCEDURES[name](p).alphas, rtol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_the_machine_stays_small_and_what_it_forgets_makes_it_stricter(name):
    rng = np.random.default_rng(0)
    rule, fortune = RULES[name], Fortune.new(RULES[name])
    p = np.where(rng.random(3_000) < 0.6, 0.0, rng.random(3_000))
    bounded, full = [], PROCEDURES.get(name, lord)(p).alphas
    for each in p.tolist():
        bounded.append(fortune.alpha(rule, 0.05))
        fortune = fortune.after(rule, each, each <= bounded[-1])
        assert len(fortune.marks) == len(fortune.amounts) <= MARKS
    if name != "spending":
        assert (np.array(bounded) <= full * (1 + 1e-12)).all()


@pytest.mark.parametrize("name", RULES)
def test_a_fortune_is_spent_in_falling_parts_and_never_twice(name):
    rule, steps = RULES[name], np.arange(1, 1_000_001)
    shares = rule.gamma(steps)
    assert (np.diff(shares[1:]) < 0.0).all()
    assert (shares > 0.0).all()
    assert shares.sum() < 1.0
    # with an upper bound of the rest: the integral of gamma beyond the last step
    last = float(steps[-1])
    rest = 0.4374901658 / 0.6 * last**-0.6
    if rule.slow:  # 2 s^3 exp(-s) with s = sqrt(log j)
        rest = 0.07720838 * 2 * 6 * float(special.gammaincc(4, math.sqrt(math.log(last))))
    assert shares.sum() + rest <= 1.0 + 1e-4


@pytest.mark.parametrize("each", PROCEDURES.values())
def test_the_next_alpha_is_settled_before_the_p_value_is_seen(each):
    rng = np.random.default_rng(1)
    p = rng.random(50) ** 4
    for cut in (0, 1, 20, 49):
        other = np.concatenate((p[:cut], rng.random(50 - cut)))
        assert each(p).alphas[: cut + 1].tolist() == each(other).alphas[: cut + 1].tolist()


@pytest.mark.parametrize("each", PROCEDURES.values())
def test_nothing_at_all_and_the_callers_array(each):
    assert [len(one) for one in each([])] == [0, 0]
    p = np.array([0.0, 1.0, 0.2])
    rejected, alphas = each(p)
    assert (rejected.dtype, alphas.dtype) == (np.dtype(bool), np.dtype(float))
    assert p.tolist() == [0.0, 1.0, 0.2]
    assert rejected.tolist() == [True, False, False]


@pytest.mark.parametrize("each", PROCEDURES.values())
@pytest.mark.parametrize("p", [[0.1, np.nan], [1.1], [-0.1], [[0.1]], "abc", [None], [np.inf]])
def test_what_is_no_p_value_is_refused(each, p):
    with pytest.raises(InvalidInputError, match="p_values"):
        each(p)


@pytest.mark.parametrize("each", PROCEDURES.values())
@pytest.mark.parametrize("alpha", [0.0, 1.0, -1, np.nan, "0.05", True])
def test_what_is_no_alpha_is_refused(each, alpha):
    with pytest.raises(InvalidParameterError, match="alpha"):
        each([0.1], alpha)


def test_ten_thousand_rejections_cost_no_square_of_python():
    assert lord(np.zeros(10_000)).rejected.all()


def days(share, shift, repetitions, seed=0, tests=1_000):
    """Return p-values of one-sided normal tests, and where something had changed."""
    rng = np.random.default_rng(seed)
    changed = rng.random((repetitions, tests)) < share
    return special.ndtr(-(rng.normal(size=changed.shape) + shift * changed)), changed


@pytest.mark.calibration
@pytest.mark.parametrize(("name", "power"), [("lord++", 0.40), ("saffron", 0.48), ("addis", 0.52)])
def test_the_share_of_false_alarms_stays_below_alpha(name, power):
    p, changed = days(0.05, 3.5, 300)
    shares, found = [], []
    for one, truth in zip(p, changed, strict=True):
        rejected = PROCEDURES[name](one).rejected
        shares.append((rejected & ~truth).sum() / max(1, rejected.sum()))
        found.append((rejected & truth).sum() / truth.sum())
    error = np.std(shares) / math.sqrt(len(shares))
    assert np.mean(shares) <= 0.05 + 4.8 * error  # tail 1e-6
    assert np.mean(found) >= power


@pytest.mark.calibration
@pytest.mark.parametrize("name", PROCEDURES)
def test_where_nothing_changes_any_alarm_is_as_rare_as_alpha(name):
    p, _ = days(0.0, 0.0, 1_000, seed=1)
    alarmed = sum(bool(PROCEDURES[name](one).rejected.any()) for one in p)
    assert alarmed <= special.bdtrik(1 - 1e-6, 1_000, 0.05)


def test_they_are_public():
    assert {"lord", "saffron", "addis"} <= set(stats.__all__)
