import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from contlearn.exceptions import InvalidParameterError
from contlearn.gates import AUCGain, Outcome, Trial
from contlearn.stats import delong

modest = settings(derandomize=True, deadline=None, max_examples=60)
ALPHA = 0.05


def trial(y, champion, challenger, groups=None):
    nothing = np.zeros(len(y))
    return Trial(nothing, nothing, y=y, champion=champion, challenger=challenger, groups=groups)


def drawn(rng, n, prevalence=0.3, skill=(1.0, 1.0), groups=None):
    """Scores of two models that share most of what they know; whole groups may suit one of them."""
    y = rng.random(n) < prevalence
    noise = 0.7 * rng.normal(size=n) + 0.7 * rng.normal(size=(2, n))
    if groups is not None:
        noise += 0.8 * rng.normal(size=(2, groups.max() + 1))[:, groups] * y
    return trial(y, *(np.array(skill)[:, None] * y + noise), groups=groups)


@given(st.integers(0, 10_000), st.sampled_from([40, 200]), st.sampled_from([0.0, 0.5, 1.5]), st.booleans())
@modest
def test_the_test_decides_and_the_interval_explains(seed, n, skill, grouped):
    groups = np.arange(n) // 4 if grouped else None
    t = drawn(np.random.default_rng(seed), n, 0.4, (1.0, skill), groups)
    for margin in (-0.05, 0.0, 0.05):
        verdict = AUCGain(margin)(t)
        if verdict.p_value is None:
            assert verdict.outcome is Outcome.CONTINUE
            continue
        areas = delong(t.y, t.challenger, t.champion)
        assert verdict.gain.estimate == pytest.approx(areas.auc_a - areas.auc_b, abs=1e-12)
        assert verdict.promote == (verdict.p_value <= ALPHA) == (verdict.gain.low >= margin)
        assert (verdict.outcome is Outcome.REJECT) == (verdict.gain.high <= margin)
        assert (verdict.needed is None) or verdict.outcome is Outcome.CONTINUE
        back = AUCGain(margin)(trial(t.y, t.challenger, t.champion, groups))
        assert back.gain[:3] == pytest.approx(
            (-verdict.gain.estimate, -verdict.gain.high, -verdict.gain.low), abs=1e-9
        )


def test_many_rows_are_delongs_test():
    t = drawn(np.random.default_rng(1), 20_000, skill=(1.0, 1.03))
    assert AUCGain()(t).p_value == pytest.approx(
        norm.sf(delong(t.y, t.challenger, t.champion).statistic), rel=0.05
    )


def test_few_positives_make_it_more_careful_than_the_normal_limit():
    rng = np.random.default_rng(2)
    for _ in range(20):
        t = drawn(rng, 100, 0.08)
        verdict = AUCGain()(t)
        if verdict.p_value is not None:
            z = delong(t.y, t.challenger, t.champion).statistic
            assert verdict.p_value >= norm.sf(z) - 1e-12 or z < 0


@pytest.mark.parametrize("swap", [False, True])
def test_a_better_ranking_is_promoted_and_a_worse_one_rejected(swap):
    skill = (1.0, 2.0)
    verdict = AUCGain()(drawn(np.random.default_rng(3), 500, skill=skill[::-1] if swap else skill))
    assert verdict.outcome is (Outcome.REJECT if swap else Outcome.PROMOTE)


def test_probabilities_of_two_classes_are_scores():
    t = drawn(np.random.default_rng(4), 300)
    p, q = (1 / (1 + np.exp(-s)) for s in (t.champion, t.challenger))
    table = trial(t.y, np.column_stack([1 - p, p]), np.column_stack([1 - q, q]))
    assert AUCGain()(table).p_value == pytest.approx(AUCGain()(t).p_value, rel=1e-9)


N = 60
Y = np.arange(N) % 2
S = np.sin(np.arange(N)) + Y
T = np.cos(np.arange(N)) + 2 * Y
ODD = {
    "identical models": (Y, S, S, None, "rank all rows alike"),
    "the same ranking": (Y, S, np.exp(S), None, "rank all rows alike"),
    "all NaN": (Y, np.full(N, np.nan), np.full(N, np.nan), None, "60 of 60 rows that are NaN"),
    "one NaN": (Y, S, np.where(np.arange(N) == 3, np.nan, T), None, "challenger must be finite"),
    "one infinity": (Y, S, np.where(np.arange(N) == 3, np.inf, T), None, "challenger must be finite"),
    "empty": ([], [], [], None, "no rows"),
    "one row": ([1], [0.0], [1.0], None, "both classes"),
    "two rows": ([1, 0], [0.0, 1.0], [1.0, 0.0], None, "1 rows of the rarer class"),
    "four of a class": (np.arange(N) < 4, S, T, None, "4 rows of the rarer class"),
    "both perfect": (Y, Y + 0.1 * S / 9, Y + 0.1 * T / 9, None, "rank all rows alike"),
    "perfect against constant": (Y, np.zeros(N), Y, None, "the spread of the gain is unknown"),
    "perfect against perfectly wrong": (Y, -Y, Y, None, "the spread of the gain is unknown"),
    "one class": (np.ones(N), S, T, None, "60 positives and 0 negatives"),
    "three classes": (np.arange(N) % 3, S, T, None, "y must hold 0 and 1"),
    "three columns": (Y, np.ones((N, 3)) / 3, np.ones((N, 3)) / 3, None, "probabilities of two classes"),
    "texts": (Y, ["a"] * N, ["b"] * N, None, "must hold numbers"),
    "a row without a group": (Y, S, T, [None, *["a"] * (N - 1)], "groups must name the group of every row"),
    "one group": (Y, S, T, ["a"] * N, "1 groups with rows of the rarer class"),
    "four groups": (Y, S, T, np.arange(N) // 15, "4 groups with rows of the rarer class"),
}


@pytest.mark.parametrize("case", ODD)
def test_want_of_data_continues_and_says_why(case):
    y, champion, challenger, groups, words = ODD[case]
    verdict = AUCGain()(trial(y, champion, challenger, groups))
    assert verdict.outcome is Outcome.CONTINUE
    assert words in verdict.reason
    assert "\n" not in verdict.reason


def test_a_trial_of_losses_only_is_told_what_it_lacks():
    verdict = AUCGain()(Trial([1, 0], [0, 0]))
    assert verdict.outcome is Outcome.CONTINUE
    assert "no y, champion, challenger" in verdict.reason
    assert "Trial.from_predictions" in verdict.reason


@pytest.mark.parametrize("bad", [{"alpha": 0.5}, {"alpha": 0.0}, {"margin": math.nan}, {"margin": 1.5}])
def test_bad_arguments_are_refused(bad):
    with pytest.raises(InvalidParameterError, match=next(iter(bad))):
        AUCGain(**bad)


def test_needed_rows_are_about_enough():
    rng = np.random.default_rng(5)
    t = drawn(rng, 400, skill=(1.0, 1.15))
    verdict = AUCGain()(t)
    assert verdict.needed is not None
    again = [AUCGain()(drawn(rng, 400 + verdict.needed, skill=(1.0, 1.15))).promote for _ in range(30)]
    assert sum(again) >= 8  # the estimate of 400 rows is noisy; a wrong formula would be off by far more


def most(repeats, rate=ALPHA):
    return int(binom.isf(1e-6, repeats, rate))


@pytest.mark.calibration
@pytest.mark.parametrize("prevalence", [0.02, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("n", [30, 100, 300, 1000, 3000])
def test_equal_areas_are_promoted_at_most_at_alpha(n, prevalence):
    rng = np.random.default_rng([1, n])
    repeats = 1_000
    wrong = sum(AUCGain()(drawn(rng, n, prevalence)).promote for _ in range(repeats))
    assert wrong <= most(repeats)
    if n * prevalence >= 100:
        assert wrong >= 0.02 * repeats


def sizes(kind, clusters):
    if kind == "equal":
        return np.full(clusters, 20)
    if kind == "unequal":
        spread = np.random.default_rng(1).standard_normal(clusters)
        return np.maximum(1, np.round(20 * np.exp(0.8 * spread))).astype(int)
    return np.r_[200, np.full(clusters - 1, 20)]


@pytest.mark.calibration
@pytest.mark.parametrize("kind", ["equal", "unequal", "one of ten times the size"])
@pytest.mark.parametrize("clusters", [7, 14, 50])
@pytest.mark.parametrize("prevalence", [0.1, 0.4])
def test_clusters_that_suit_one_model_are_promoted_at_most_at_alpha(clusters, kind, prevalence):
    rng = np.random.default_rng([2, clusters])
    groups = np.repeat(np.arange(clusters), sizes(kind, clusters))
    repeats = 1_000
    wrong = sum(AUCGain()(drawn(rng, groups.size, prevalence, groups=groups)).promote for _ in range(repeats))
    assert wrong <= most(repeats)


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("clusters", "size", "first", "shares"),
    [
        (14, 200, 3, (0.5, 0.02)),
        (14, 200, 1, (0.5, 0.05)),
        (7, 600, 1, (0.5, 0.05)),
        (7, 60, 100, (0.5, 0.05)),
        (50, 20, 1, (0.5, 0.1)),
    ],
)
def test_a_cluster_that_holds_most_positives_promotes_at_most_at_alpha(clusters, size, first, shares):
    rng = np.random.default_rng([3, clusters])
    groups = np.repeat(np.arange(clusters), np.r_[size * first, np.full(clusters - 1, size)])
    repeats, wrong = 400, 0
    for _ in range(repeats):
        y = rng.random(groups.size) < np.where(groups == 0, *shares)
        suits = 1.0 + rng.normal(0.0, 0.8, (2, clusters))[:, groups]
        wrong += AUCGain()(trial(y, *(rng.normal(size=(2, y.size)) + suits * y), groups)).promote
    assert wrong <= most(repeats)


@pytest.mark.calibration
@pytest.mark.parametrize(("n", "failing"), [(1000, 0.1), (2000, 0.05)])
def test_five_rare_failures_expected_are_enough(n, failing):
    """The challenger ranks some positives last and the others first; the areas are equal."""
    rng = np.random.default_rng([4, n])
    apart, repeats = -math.sqrt(2.0) * norm.ppf(failing), 500
    wrong = 0
    for _ in range(repeats):
        y = rng.random(n) < 0.05
        fails = rng.random(n) < failing
        champion = rng.normal(size=n) + apart * y
        wrong += AUCGain()(trial(y, champion, rng.normal(size=n) + np.where(fails, -99.0, 99.0) * y)).promote
    assert wrong <= most(repeats)
