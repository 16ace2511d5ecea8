"""Measured error rates of MMD across halves and by features, and of what every method says of itself."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom

from contlearn.drift import MMD

pytestmark = pytest.mark.calibration

ALPHA, TAIL = 0.05, 1e-6


def band(repetitions, rate=ALPHA):
    return binom.ppf(TAIL, repetitions, rate), binom.isf(TAIL, repetitions, rate)


LAWS = {
    "continuous": lambda rng, shape: rng.normal(size=shape),
    "rounded": lambda rng, shape: np.round(2.0 * rng.normal(size=shape)) / 2.0,
    "Poisson": lambda rng, shape: rng.poisson(1.0, size=shape).astype(float),
    "heavy tails": lambda rng, shape: rng.standard_cauchy(size=shape),
    "sparse": lambda rng, shape: (rng.random(shape) < 0.1) * rng.integers(1, 10, size=shape),
}


def alarms(method, law, n, m, d, repetitions):
    rng = np.random.default_rng(30)
    found = 0
    for seed in range(repetitions):
        detector = MMD(method=method, random_state=seed).fit(LAWS[law](rng, (n, d)))
        found += detector.detect(LAWS[law](rng, (m, d))).detected
    return found


# The laws are continuous, so that the level they could reach is ALPHA itself.
@pytest.mark.parametrize(
    ("method", "law", "n", "m", "d"),
    [
        ("cross", "continuous", 50, 50, 32),
        ("cross", "heavy tails", 50, 50, 1),
        ("cross", "Poisson", 100, 100, 5),
        ("cross", "sparse", 50, 50, 3),
        ("cross", "rounded", 150, 50, 5),
        ("cross", "Poisson", 300, 60, 32),
        ("features", "continuous", 50, 50, 2),
        ("features", "Poisson", 60, 60, 1),
        ("features", "sparse", 5000, 500, 4),
        ("features", "rounded", 150, 30, 5),
    ],
)
def test_the_level_is_kept_and_used(method, law, n, m, d):
    low, high = band(2000)
    assert low <= alarms(method, law, n, m, d, 2000) <= high


@pytest.mark.parametrize("law", ["Poisson", "sparse"])
def test_features_keep_the_level_in_many_columns_from_the_fewest_rows_on(law):
    n = 300 if law == "Poisson" else 1000
    assert alarms("features", law, n, n, 32, 500) <= band(500)[1]


def halves_correlated(rows):
    rows[:, 16:] = 0.5 * rows[:, :16] + np.sqrt(0.75) * rows[:, 16:]
    return rows


SHIFTS = {"mean": lambda rows: rows + 0.1, "spread": lambda rows: rows * 1.08, "halves": halves_correlated}


@pytest.mark.parametrize(
    ("method", "shift", "least"),
    [
        ("permutation", "mean", 0.80),
        ("permutation", "spread", 0.94),
        ("permutation", "halves", 0.93),
        ("cross", "mean", 0.58),
        ("cross", "spread", 0.62),
        ("cross", "halves", 0.60),
        ("features", "mean", 0.75),
        ("features", "spread", 0.70),
        ("features", "halves", 0.30),
    ],
)
def test_power_at_stated_shifts_of_200_rows_in_32_columns(method, shift, least):
    rng = np.random.default_rng(31)
    found = 0
    for seed in range(300):
        detector = MMD(method=method, n_permutations=199, random_state=seed)
        batch = SHIFTS[shift](rng.normal(size=(200, 32)))
        found += detector.fit(rng.normal(size=(200, 32))).detect(batch).detected
    assert found >= least * 300


def effect_of(method, shift, d):
    """The effect of a shift of every column, from many rows."""
    rng = np.random.default_rng(32)
    reference, batch = rng.normal(size=(4000, d)), rng.normal(size=(4000, d)) + shift
    return MMD(method=method, n_permutations=19).fit(reference).detect(batch).score


@pytest.mark.parametrize("method", ["permutation", "cross", "features"])
def test_the_detectable_effect_is_detected_and_intervals_cover_the_effect(method):
    rng = np.random.default_rng(33)
    n, d, repetitions = 200, 5, 200
    results = []
    detectable = MMD(method=method).fit(rng.normal(size=(n, d))).detect(rng.normal(size=(n, d))).detectable
    low, high = 0.0, 1.0
    for _ in range(9):
        middle = (low + high) / 2.0
        low, high = (middle, high) if effect_of(method, middle, d) < detectable else (low, middle)
    effect = effect_of(method, high, d)
    for seed in range(repetitions):
        detector = MMD(method=method, n_permutations=199, random_state=seed)
        batch = rng.normal(size=(n, d)) + high
        results.append(detector.fit(rng.normal(size=(n, d))).detect(batch))
    power = np.mean([each.detected for each in results])
    covered = np.mean([each.interval.low <= effect <= each.interval.high for each in results])
    assert 0.70 <= power <= 0.99
    assert covered >= 0.95


def effect_in_closed_form(shift, sd, n, m):
    """The effect of a shift or a spread of both columns of normal rows, under the median bandwidth."""
    rng = np.random.default_rng(34)
    of_y = rng.random((2, 400_000, 1)) * (n + m) > n
    first, second = rng.normal(size=(2, 400_000, 2)) * np.where(of_y, sd, 1.0) + np.where(of_y, shift, 0.0)
    median = np.median(((first - second) ** 2).sum(axis=1))

    def mean_kernel(variance, apart):
        return median / (median + variance) * np.exp(-(apart**2) / (median + variance))

    squared = mean_kernel(2.0, 0.0) + mean_kernel(2.0 * sd**2, 0.0) - 2.0 * mean_kernel(1.0 + sd**2, shift)
    return np.sqrt(squared)


@pytest.mark.parametrize("method", ["permutation", "cross", "features"])
@pytest.mark.parametrize(("shift", "sd"), [(0.25, 1.0), (0.0, 1.3)])
@pytest.mark.parametrize(("n", "m", "most"), [(200, 100, 2.2), (400, 200, 1.8), (2000, 400, 1.5)])
def test_the_upper_end_is_below_the_effect_as_rarely_as_it_says(method, shift, sd, n, m, most):
    rng = np.random.default_rng(35)
    # The bandwidth comes from both sides together, and from the reference alone for "features".
    effect = effect_in_closed_form(shift, sd, n, 0 if method == "features" else m)
    highs = []
    for seed in range(300):
        detector = MMD(method=method, n_permutations=19, random_state=seed).fit(rng.normal(size=(n, 2)))
        highs.append(detector.detect(rng.normal(shift, sd, size=(m, 2))).interval.high)
    assert np.mean(highs < effect) <= 0.025
    assert np.median(highs) <= most * effect


def autoregressive(rng, n, d, correlation):
    noise = rng.normal(size=(n + 100, d))
    return lfilter([np.sqrt(1.0 - correlation**2)], [1.0, -correlation], noise, axis=0)[100:]


@pytest.mark.parametrize("method", ["permutation", "cross", "features"])
def test_blocks_keep_the_level_where_rows_follow_each_other(method):
    rng = np.random.default_rng(34)
    found = 0
    for seed in range(200):
        detector = MMD(method=method, block=25, n_permutations=99, random_state=seed)
        reference = autoregressive(rng, 2500, 2, 0.5)
        found += detector.fit(reference).detect(autoregressive(rng, 1300, 2, 0.5)).detected
    assert found <= band(200, 0.07)[1]
