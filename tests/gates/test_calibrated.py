import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from contlearn.exceptions import InvalidParameterError
from contlearn.gates import Calibrated, Outcome, Trial

modest = settings(derandomize=True, deadline=None, max_examples=60)
ALPHA = 0.05


def trial(y, challenger, groups=None):
    nothing = np.zeros(len(y))
    return Trial(nothing, nothing, y=y, challenger=challenger, groups=groups)


def outcomes(rng, said, by=0.0):
    return (rng.random(said.size) < np.clip(said + by, 0, 1)).astype(int)


def plain_error(y, said, bins):
    """The error by bins of equal numbers of rows, for promises without ties."""
    order = np.argsort(said)
    parts = np.array_split(order, bins)
    return sum(abs((y - said)[part].sum()) for part in parts) / len(y)


@given(st.integers(0, 10_000), st.sampled_from([100, 600]), st.sampled_from([0.0, 0.05, 0.3]), st.booleans())
@modest
def test_the_test_decides_and_the_interval_explains(seed, n, by, grouped):
    rng = np.random.default_rng(seed)
    said = rng.beta(2, 3, n)
    t = trial(outcomes(rng, said, by), said, np.arange(n) // 10 if grouped else None)
    verdict = Calibrated(0.1)(t)
    assert verdict == Calibrated(0.1)(t)
    assert verdict.promote == (verdict.p_value <= ALPHA)
    assert verdict.gain is None
    assert "\n" not in verdict.reason
    assert (verdict.needed is None) or verdict.outcome is Outcome.CONTINUE
    if verdict.promote:
        assert Calibrated(0.2)(t).promote
    if verdict.outcome is Outcome.REJECT:
        assert not Calibrated(0.05)(t).promote


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_the_error_is_the_mean_gap_of_bins_of_equal_numbers(bins):
    rng = np.random.default_rng(1)
    said = rng.random(200)
    y = outcomes(rng, said**2)
    assert f"error {plain_error(y, said, bins):.4g} " in Calibrated(bins=bins)(trial(y, said)).reason


def test_equal_promises_stay_in_one_bin():
    said = np.repeat([0.2, 0.7], 150)
    assert "2 bins" in Calibrated(bins=10)(trial(np.arange(300) % 2, said)).reason
    assert "1 bin," in Calibrated()(trial(np.arange(300) % 2, np.full(300, 0.5))).reason


def test_one_bin_of_many_rows_is_the_normal_test_of_a_share():
    rng = np.random.default_rng(2)
    said = np.full(50_000, 0.3)
    y = outcomes(rng, said, 0.02)
    gap = abs(y.mean() - 0.3)
    z = (gap - 0.022) / math.sqrt(y.mean() * (1 - y.mean()) / y.size)
    assert Calibrated(0.022)(trial(y, said)).p_value == pytest.approx(norm.cdf(z), rel=0.1)


def test_probabilities_of_two_columns_and_of_the_likeliest_class():
    rng = np.random.default_rng(3)
    said = rng.beta(2, 3, 500)
    y = outcomes(rng, said)
    assert Calibrated()(trial(y, np.c_[1 - said, said])) == Calibrated()(trial(y, said))
    proba = rng.dirichlet([1, 1, 1], 2_000)
    classes = np.array([rng.choice(3, p=row) for row in proba])
    assert Calibrated(0.1)(trial(classes, proba)).promote
    assert Calibrated(0.1)(trial((classes + 1) % 3, proba)).outcome is Outcome.REJECT


def test_whole_clusters_that_go_wrong_take_away_what_rows_seemed_to_show():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(14), 200)
    said = rng.beta(2, 3, groups.size)
    effect = 0.15 * rng.standard_normal(14)[groups]
    y = outcomes(rng, said, effect)
    alone, grouped = Calibrated(0.06)(trial(y, said)), Calibrated(0.06)(trial(y, said, groups))
    assert grouped.outcome is Outcome.CONTINUE
    assert grouped.p_value > alone.p_value


N = 60
Y = np.arange(N) % 2
P = 0.5 + 0.4 * np.sin(np.arange(N))
ODD = {
    "all NaN": (Y, np.full(N, np.nan), None, "60 of 60 rows that are NaN"),
    "one NaN": (Y, np.where(np.arange(N) == 3, np.nan, P), None, "1 of 60 rows that are NaN"),
    "empty": ([], [], None, "no rows"),
    "one row": ([1], [1.0], None, "1 row cannot show"),
    "four rows": (Y[:4], Y[:4] * 1.0, None, "4 rows cannot show"),
    "perfect, but few": (Y[:20], Y[:20] * 1.0, None, "not settled"),
    "one class, promised, but few": (np.ones(30), np.full(30, 0.99), None, "not settled"),
    "labels beyond the columns": (Y + 1, P, None, "y must hold the classes 0 to 1"),
    "no probabilities": (Y, P * 5, None, "lie between 0 and 1"),
    "rows that do not add up": (Y, np.c_[P, P], None, "add up to 1"),
    "texts": (["a", "b"] * 30, P, None, "must hold numbers"),
    "a row without a group": (Y, P, [None] + ["a"] * (N - 1), "name the group of every row"),
    "one group": (Y, P, ["a"] * N, "in 1 group cannot show"),
    "four groups": (Y, P, np.arange(N) // 15, "in 4 groups cannot show"),
}


@pytest.mark.parametrize("case", ODD)
def test_want_of_data_continues_and_says_why(case):
    y, challenger, groups, words = ODD[case]
    verdict = Calibrated()(trial(y, challenger, groups))
    assert verdict.outcome is Outcome.CONTINUE
    assert words in verdict.reason


def test_a_trial_of_losses_only_is_told_what_it_lacks():
    assert "no y, challenger" in Calibrated()(Trial([1, 0], [0, 0])).reason


@pytest.mark.parametrize("bad", [{"limit": 0.0}, {"limit": 1.0}, {"alpha": 0.6}, {"bins": 0}, {"bins": 16}])
def test_bad_arguments_are_refused(bad):
    with pytest.raises(InvalidParameterError, match=next(iter(bad))):
        Calibrated(**bad)


@pytest.mark.parametrize("n", [1, 7, 40, 300])
def test_a_hopeless_forecaster_is_never_promoted(n):
    assert not Calibrated(0.5)(trial(np.ones(n), np.zeros(n)))


def most(repeats, rate=ALPHA):
    return int(binom.isf(1e-6, repeats, rate))


PROMISES = {
    "broad": lambda rng, n: rng.beta(2, 3, n),
    "rare": lambda rng, n: 0.1 * rng.beta(1, 5, n),
    "one": lambda rng, n: np.full(n, 0.02),
    "sure": lambda rng, n: np.where(rng.random(n) < 0.5, 0.02, 0.9),
}


@pytest.mark.calibration
@pytest.mark.parametrize("promises", PROMISES)
@pytest.mark.parametrize("n", [10, 20, 40, 70, 200, 1000, 5000])
def test_an_error_at_the_limit_is_promoted_at_most_at_alpha(n, promises):
    rng = np.random.default_rng([1, n])
    repeats, wrong = 600, 0
    for _ in range(repeats):
        said = PROMISES[promises](rng, n)
        wrong += Calibrated(0.05)(trial(outcomes(rng, said, 0.05), said)).promote
    assert wrong <= most(repeats)
    if n == 5000:
        assert wrong >= 0.005 * repeats


@pytest.mark.calibration
@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_gaps_of_both_signs_at_the_limit_and_an_error_within_it(n):
    rng = np.random.default_rng([2, n])
    repeats, wrong, rejected = 600, 0, 0
    for _ in range(repeats):
        said = rng.beta(2, 3, n)
        y = outcomes(rng, said, np.where(said > np.median(said), 0.05, -0.05))
        wrong += Calibrated(0.05, bins=8)(trial(y, said)).promote
        rejected += Calibrated(0.05)(trial(outcomes(rng, said), said)).outcome is Outcome.REJECT
        rejected += Calibrated(0.05)(trial(outcomes(rng, said, 0.05), said)).outcome is Outcome.REJECT
    assert wrong <= most(repeats)
    assert rejected <= most(2 * repeats)


@pytest.mark.calibration
@pytest.mark.parametrize("clusters", [7, 14, 50])
@pytest.mark.parametrize("rows", [20, 100])
@pytest.mark.parametrize("unequal", [False, True])
def test_clusters_that_go_wrong_as_a_whole(clusters, rows, unequal):
    rng = np.random.default_rng([3, clusters])
    spread = 0.8 * np.random.default_rng(1).standard_normal(clusters) * unequal
    groups = np.repeat(np.arange(clusters), np.maximum(1, np.round(rows * np.exp(spread))).astype(int))
    repeats, wrong, rejected = 300, 0, 0
    for _ in range(repeats):
        said = 0.25 + 0.4 * rng.beta(2, 3, groups.size)
        whole = 0.1 * rng.uniform(-1, 1, clusters)[groups]
        verdict = Calibrated(0.1)(trial(outcomes(rng, said, 0.1 + whole), said, groups))
        wrong += verdict.promote
        rejected += verdict.outcome is Outcome.REJECT
    assert wrong <= most(repeats)
    assert rejected <= most(repeats)


@pytest.mark.calibration
def test_a_calibrated_forecaster_is_found_to_be_one():
    rng = np.random.default_rng(4)
    for n, least in ((1000, 0.3), (3000, 0.95)):
        said = rng.beta(2, 3, (200, n))
        assert sum(Calibrated()(trial(outcomes(rng, p), p)).promote for p in said) >= least * 200
