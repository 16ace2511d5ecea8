"""Rates of wrong promotion, measured: never above the upper end of the exact binomial band (tail 1e-6)."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from contlearn.evaluation import brier, log_loss, mean_loss
from contlearn.gates import EverySlice, Gain, Trial
from contlearn.stats._margin import margin_test

pytestmark = pytest.mark.calibration

ALPHA = 0.05
REPEATS = 4_000


def most(repeats=REPEATS, rate=ALPHA):
    """Return the largest count that a true `rate` exceeds with a chance of 1e-6 only."""
    return int(binom.isf(1e-6, repeats, rate))


def errors(n, better, worse):
    """Return a zero-one trial with so many rows on which only one of the models errs."""
    champion, challenger = np.zeros(n), np.zeros(n)
    champion[:better] = 1.0
    challenger[better : better + worse] = 1.0
    return champion, challenger


@pytest.mark.parametrize("disagreement", [0.06, 0.3])
@pytest.mark.parametrize("n", [20, 100, 500, 3000])
def test_equal_models_with_zero_one_losses(n, disagreement):
    rng = np.random.default_rng([1, n])
    shares = [disagreement / 2, disagreement / 2, 1 - disagreement]
    drawn = rng.multinomial(n, shares, size=REPEATS)
    wrong = sum(Gain(alpha=ALPHA)(Trial(*errors(n, b, c))).promote for b, c, _ in drawn)
    assert wrong <= most()
    if n * disagreement >= 150:
        assert wrong >= REPEATS * 0.025


@cache
def promotes(b, c, n, margin):
    return margin_test(b, c, n, margin).p_value <= ALPHA


@pytest.mark.parametrize("margin", [-0.1, -0.05, -0.01, 0.01, 0.05, 0.1])
@pytest.mark.parametrize("n", [20, 100, 300, 1000])
def test_models_that_differ_by_exactly_the_margin(n, margin):
    """At the rates of disagreement where the score test itself exceeds its level, and at ordinary ones."""
    rng = np.random.default_rng([2, n])
    for rate in (abs(margin), abs(margin) + 1.0 / n, max(0.15, abs(margin)), 1.0):
        rate = min(rate, 1.0)
        shares = [(rate + margin) / 2, (rate - margin) / 2, 1.0 - rate]
        drawn, times = np.unique(rng.multinomial(n, shares, size=REPEATS), axis=0, return_counts=True)
        wrong = sum(
            k for (b, c, _), k in zip(drawn.tolist(), times, strict=True) if promotes(b, c, n, margin)
        )
        assert wrong <= most()


@pytest.mark.parametrize("loss", [brier, log_loss])
@pytest.mark.parametrize("n", [20, 100, 500])
def test_equally_good_forecasters(n, loss):
    rng = np.random.default_rng([3, n])
    wrong = 0
    for _ in range(REPEATS):
        y = rng.random(n) < 0.3
        logit = np.where(y, 0.6, -1.0) + rng.standard_normal(n)
        champion, challenger = 1 / (1 + np.exp(-(logit + 0.3 * rng.standard_normal((2, n)))))
        wrong += Gain(alpha=ALPHA)(Trial.from_predictions(y, champion, challenger, loss=loss)).promote
    assert wrong <= most()
    if n >= 100:
        assert wrong >= REPEATS * 0.02


EFFECTS = {
    "none": lambda rng, size: np.zeros(size),
    "normal": lambda rng, size: rng.standard_normal(size),
    "heavy tails": lambda rng, size: rng.standard_t(3, size),
    "skewness -0.5": lambda rng, size: (16 - rng.gamma(16, size=size)) / 4,
    "skewness -1": lambda rng, size: (4 - rng.gamma(4, size=size)) / 2,
    "skewness +1": lambda rng, size: (rng.gamma(4, size=size) - 4) / 2,
}


def sizes(kind, clusters):
    if kind == "equal":
        return np.full(clusters, 20)
    if kind == "unequal":
        spread = np.random.default_rng(1).standard_normal(clusters)
        return np.maximum(1, np.round(20 * np.exp(0.8 * spread))).astype(int)
    return np.r_[200, np.full(clusters - 1, 20)]


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("kind", ["equal", "unequal", "one of ten times the size"])
@pytest.mark.parametrize("clusters", [7, 14, 50])
def test_no_gain_in_clusters_that_vary_as_a_whole(clusters, kind, effect):
    """No gain on average, but whole days that go better or worse together."""
    rng = np.random.default_rng([4, clusters])
    rows = sizes(kind, clusters)
    groups = np.repeat(np.arange(clusters), rows)
    wrong = 0
    for _ in range(REPEATS // 2):
        gains = np.repeat(EFFECTS[effect](rng, clusters), rows) + 0.5 * rng.standard_normal(groups.size)
        wrong += Gain(alpha=ALPHA)(Trial(gains, np.zeros(groups.size), groups=groups)).promote
    assert wrong <= most(REPEATS // 2)


def test_a_strongly_skewed_gain_of_few_clusters_is_promoted_too_often_but_not_by_much():
    """The limit of what is claimed: skewness 2 and 7 clusters, where plain Student promotes 14 %."""
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(7), 5)
    gains = [np.repeat(1.0 - rng.exponential(size=7), 5) for _ in range(REPEATS)]
    wrong = sum(Gain(alpha=ALPHA)(Trial(g, np.zeros(35), groups=groups)).promote for g in gains)
    assert wrong <= 0.09 * REPEATS


def test_fourteen_days_still_find_a_gain():
    """A gain of three standard errors: plain Student would find 88 % of them."""
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(14), 5)
    found = 0
    for _ in range(2_000):
        gains = np.repeat(rng.standard_normal(14) + 3.0 / np.sqrt(14), 5)
        found += Gain(alpha=ALPHA)(Trial(gains, np.zeros(70), groups=groups)).promote
    assert found >= 0.7 * 2_000


def test_pairing_makes_3000_rows_enough_for_two_points_of_accuracy():
    """.80 against .82 with 6 % of rows on which the models differ: power above .99."""
    rng = np.random.default_rng(7)
    drawn = rng.multinomial(3000, [0.04, 0.02, 0.94], size=REPEATS)
    found = sum(Gain(alpha=ALPHA)(Trial(*errors(3000, b, c))).promote for b, c, _ in drawn)
    assert found >= 0.99 * REPEATS


@pytest.mark.parametrize("others", [0.0, 0.2])
def test_slices_need_no_correction(others):
    """Four slices, one of them without a gain; the others without one, or with a large one."""
    rng = np.random.default_rng(8)
    region = np.repeat(list("abcd"), 150)
    gate = EverySlice(Gain(alpha=ALPHA), by="region")
    gain = np.where(region == "a", 0.0, others)
    wrong = 0
    for _ in range(REPEATS // 2):
        losses = rng.random((2, region.size)) < np.array([0.3 + gain, np.full(region.size, 0.3)])
        wrong += gate(Trial(*losses, slices={"region": region})).promote
    assert wrong <= most(REPEATS // 2)
    if others:
        assert wrong >= 0.02 * REPEATS // 2


def test_mean_losses_lie_in_their_intervals():
    rng = np.random.default_rng(9)
    cases = {
        "few errors": (lambda: rng.random(30) < 0.05, 0.05),
        "skewed": (lambda: rng.gamma(1.0, size=40), 1.0),
        "heavy": (lambda: np.abs(rng.standard_t(3, size=40)), 2 * np.sqrt(3) / np.pi),
    }
    for draw, truth in cases.values():
        found = [mean_loss(draw(), confidence=0.9) for _ in range(REPEATS)]
        below = sum(truth < interval.low for interval in found)
        above = sum(truth > interval.high for interval in found)
        assert below <= most()
        assert above <= 1.6 * most()  # the side of the long tail
        assert below + above <= most(rate=0.1)
