import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import betting_interval, betting_test
from contlearn.stats._betting_mean import Game

modest = settings(derandomize=True, deadline=None, max_examples=60)
units = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)
levels = st.sampled_from([0.001, 0.01, 0.05, 0.2, 0.45])


def slow_capital(values, weights, mean, alpha):
    """The capital of Waudby-Smith and Ramdas, one value after the other, in the order given."""
    capital = best = 1.0
    seen, total, squares = 0.25, 0.125, 0.0625
    for i, (x, w) in enumerate(zip(values, weights, strict=True)):
        variance = 0.25 if i == 0 else squares / (i + 0.25)
        bet = min(math.sqrt(-2.0 * math.log(alpha) / (len(values) * variance)), 0.75 / mean)
        capital *= 1.0 + bet * w * (x - mean)
        best = max(best, capital)
        squares += (w * (x - total / seen)) ** 2
        seen, total = seen + w, total + w * x
    return best


@given(units, st.floats(0.01, 0.99), levels, st.integers(0, 99))
@modest
def test_the_capital_is_that_of_one_bet_after_the_other(values, mean, alpha, seed):
    values = np.array(values)
    weights = np.random.default_rng(seed).uniform(0.1, 1.0, values.size)
    game = Game(values, weights, alpha, shuffle=False)
    assert game.log_capital(mean) == pytest.approx(
        math.log(slow_capital(values, weights, mean, alpha)), rel=1e-9, abs=1e-12
    )
    even = Game(values, None, alpha, shuffle=False)
    slow = slow_capital(values, np.ones_like(values), mean, alpha)
    assert even.log_capital(mean) == pytest.approx(math.log(slow), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("support", [(0.0, 1.0), (0.0, 0.3, 1.0), (0.1, 0.5)])
@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_every_law_on_a_few_values_is_rejected_no_more_often_than_alpha_by_counting_all_samples(
    support, alternative
):
    """Every sample of every law on a grid, with its probability: no simulation, no tolerance."""
    n = 8 if len(support) == 2 else 5
    samples = np.array(list(itertools.product(range(len(support)), repeat=n)))
    for shares in itertools.product([0.01, 0.1, 0.3, 0.6, 0.9], repeat=len(support) - 1):
        if sum(shares) >= 1.0:
            continue
        law = np.array([*shares, 1.0 - sum(shares)])
        mean = float(law @ support)
        chance = law[samples].prod(axis=1)
        p = [
            betting_test(np.take(support, sample), mean, alternative=alternative, alpha=0.2).p_value
            for sample in samples
        ]
        for level in (0.01, 0.05, 0.2, 0.5):
            assert chance[np.array(p) <= level].sum() <= level


@given(units, levels)
@modest
def test_the_interval_holds_the_means_that_the_test_does_not_reject(values, tail):
    interval = betting_interval(values, confidence=1.0 - 2.0 * tail)
    assert 0.0 <= interval.low <= interval.estimate <= interval.high <= 1.0
    assert interval.estimate == pytest.approx(np.mean(values), abs=1e-12)
    tail = (1.0 - (1.0 - 2.0 * tail)) / 2.0  # as the interval has it, to the last bit
    for mean in (interval.low - 1e-7, interval.low + 1e-7, interval.high - 1e-7, interval.high + 1e-7):
        if not 1e-6 < mean < 1.0 - 1e-6:
            continue
        rejected = any(
            betting_test(values, mean, alternative=side, alpha=tail).p_value <= tail
            for side in ("greater", "less")
        )
        assert rejected == (not interval.low < mean < interval.high)


@given(units, st.floats(-3.0, 3.0), st.floats(0.1, 50.0))
@modest
def test_the_scale_of_the_values_changes_nothing(values, low, width):
    inside, moved = np.array(values), low + width * np.array(values)
    moved = moved.clip(low, low + width)
    here = betting_interval(inside, confidence=0.9)
    there = betting_interval(moved, low, low + width, confidence=0.9)
    assert there[:3] == pytest.approx([low + width * end for end in here[:3]], abs=1e-6 * width)
    turned = betting_interval(1.0 - inside)
    assert turned[:3] == pytest.approx((1.0 - here.estimate, 1.0 - here.high, 1.0 - here.low), abs=1e-9)


@given(units, st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2))
@modest
def test_what_rejects_a_mean_rejects_those_beyond_it(values, means):
    low, high = sorted(means)
    assert betting_test(values, low).p_value <= betting_test(values, high).p_value + 1e-12
    less = [betting_test(values, mean, alternative="less").p_value for mean in (low, high)]
    assert less[1] <= less[0] + 1e-12


def test_the_p_value_is_one_over_the_capital():
    values = np.linspace(0.3, 1.0, 60)
    found = betting_test(values, 0.5)
    assert found.p_value == pytest.approx(1.0 / found.statistic, rel=1e-12)
    assert betting_test(values, 0.7) == (pytest.approx(1.0, abs=2.0), 1.0)  # beyond the sample mean


def test_means_that_no_law_can_have_are_settled():
    assert betting_test([0.5, 0.4], 1.0).p_value == 1.0
    assert betting_test([0.5, 0.4], 1.5).p_value == 1.0
    assert betting_test([0.5, 0.4], -0.5).p_value == 0.0
    assert betting_test([0.0, 0.0], 0.0).p_value == 1.0
    assert betting_test([0.5, 0.4], 1.5, alternative="less").p_value == 0.0


def test_constant_values_have_the_width_that_absent_values_ask_for():
    for value in (0.0, 0.3, 1.0):
        widths = []
        for n in (1, 30, 1000):
            interval = betting_interval([value] * n, confidence=0.9)
            assert interval.estimate == pytest.approx(value)
            widths.append(interval.high - interval.low)
        assert 1.0 >= widths[0] > widths[1] > widths[2] > 0.001
    assert betting_interval([1.0] * 100).high == 1.0
    # the exact limit for 0 of 59 is 0.05: nobody can do better
    assert 0.05 < betting_interval([0.0] * 59).high < 0.1


def test_the_same_question_has_the_same_answer():
    values = np.random.default_rng(0).random(50)
    assert betting_interval(values) == betting_interval(list(values))


def test_sorted_rows_have_an_interval_of_the_width_that_shuffled_ones_have():
    rng = np.random.default_rng(1)
    for order in (np.sort, lambda values: np.sort(values)[::-1], lambda values: values):
        arms = []
        for _ in range(60):
            values = rng.random(400)
            interval, error = betting_interval(order(values)), values.std() / 20.0
            arms.append(
                [(interval.estimate - interval.low) / error, (interval.high - interval.estimate) / error]
            )
        assert np.mean(arms, axis=0) == pytest.approx([2.08, 2.08], abs=0.25)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), InvalidInputError, "values must hold at least one row"),
        (([0.5, math.nan],), InvalidInputError, "values must be finite"),
        (([0.5, math.inf],), InvalidInputError, "values must be finite"),
        (([0.5, 1.5],), InvalidInputError, "values must lie between 0 and 1, got 1 of 2 values outside"),
        (([0.5], 1.0, 0.0), InvalidParameterError, "high must be above low"),
        (([0.5], 0.0, 0.0), InvalidParameterError, "high must be above low"),
        (([0.5], -1.7e308, 1.7e308), InvalidParameterError, "by a finite number"),
        (([0.5], 0.0, math.inf), InvalidParameterError, "high must be finite"),
        (([0.5], 0.0, 1.0, 1.0), InvalidParameterError, "confidence must be strictly between"),
        ((["a"],), InvalidInputError, "values must hold numbers"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        betting_interval(*arguments)


def test_parameters_of_the_test_are_checked():
    with pytest.raises(InvalidParameterError, match="alternative must be one of"):
        betting_test([0.5], 0.5, alternative="two-sided")
    with pytest.raises(InvalidParameterError, match="alpha must be"):
        betting_test([0.5], 0.5, alpha=0.0)
    with pytest.raises(InvalidParameterError, match="mean must be finite"):
        betting_test([0.5], math.nan)


LAWS = {
    "coin": (lambda rng, size: 1.0 * (rng.random(size) < 0.5), 0.5),
    "rare": (lambda rng, size: 1.0 * (rng.random(size) < 0.01), 0.01),
    "nearly always": (lambda rng, size: 1.0 * (rng.random(size) < 0.97), 0.97),
    "even": (lambda rng, size: rng.random(size), 0.5),
    "skewed": (lambda rng, size: rng.beta(0.2, 3.0, size), 0.0625),
    "narrow": (lambda rng, size: rng.beta(200, 300, size), 0.4),
}


@pytest.mark.calibration
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [5, 100, 1000])
def test_intervals_miss_on_either_side_no_more_often_than_they_say(law, n):
    draw, mean = LAWS[law]
    rng = np.random.default_rng([10, n])
    repeats = 1_000
    most = int(binom.isf(1e-6, repeats, 0.05))
    p = [
        [betting_test(values, mean, alternative=side).p_value for side in ("greater", "less")]
        for values in draw(rng, (repeats, n))
    ]
    assert ((np.array(p) <= 0.05).sum(axis=0) <= most).all()


@pytest.mark.calibration
def test_bets_find_most_of_what_student_finds():
    """A mean of 2.93 standard errors: Student's test would find 90 % of them, bets four of five."""
    rng = np.random.default_rng(11)
    found = 0
    for values in rng.beta(3.0, 3.0, (1_000, 400)):
        mean = 0.5 - 2.93 * math.sqrt(0.25 / 7.0 / 400)
        found += betting_test(values, mean).p_value <= 0.05
    assert found >= 0.72 * 1_000
