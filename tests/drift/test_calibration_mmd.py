"""Measured error rates of the kernel test: 2,000 repetitions at the level, 1,000 at each shift."""

import numpy as np
import pytest
from scipy.stats import binom

from contlearn.drift import MMD
from contlearn.stats import mmd

pytestmark = pytest.mark.calibration

REPETITIONS = 2000
PERMUTATIONS = 199
ALPHA = 0.05
TAIL = 1e-6
BAND = (binom.ppf(TAIL, REPETITIONS, ALPHA), binom.isf(TAIL, REPETITIONS, ALPHA))

LAWS = {
    "continuous": lambda rng, shape: rng.normal(size=shape),
    "rounded": lambda rng, shape: np.round(rng.normal(size=shape), 1),
    "Poisson": lambda rng, shape: rng.poisson(3.0, size=shape).astype(float),
    "heavy tails": lambda rng, shape: rng.standard_cauchy(size=shape),
}


def alarms(draw, p_value):
    rng = np.random.default_rng(20)
    return sum(p_value(*draw(rng), seed) <= ALPHA for seed in range(REPETITIONS))


@pytest.mark.parametrize(("n", "m"), [(30, 30), (100, 20)], ids=["equal sizes", "five to one"])
@pytest.mark.parametrize("d", [1, 4, 32])
@pytest.mark.parametrize("law", LAWS)
def test_the_level_is_kept_and_used(law, d, n, m):
    def draw(rng):
        return LAWS[law](rng, (n, d)), LAWS[law](rng, (m, d))

    count = alarms(draw, lambda x, y, seed: mmd(x, y, PERMUTATIONS, seed).p_value)
    assert BAND[0] <= count <= BAND[1]


@pytest.mark.parametrize(("n", "m"), [(170, 100), (260, 52)], ids=["bins of two", "five to one"])
def test_the_level_is_kept_and_used_when_rows_are_binned_and_left_over(n, m):
    def draw(rng):
        return rng.normal(size=(n, 3)), rng.normal(size=(m, 3))

    count = alarms(draw, lambda x, y, seed: mmd(x, y, PERMUTATIONS, seed).p_value)
    assert BAND[0] <= count <= BAND[1]


@pytest.mark.parametrize("law", ["continuous", "Poisson"])
def test_the_detector_keeps_the_level_with_standardised_columns_and_subsets(law):
    def draw(rng):
        unit = np.array([1.0, 1000.0, 0.01])
        return LAWS[law](rng, (150, 3)) * unit, LAWS[law](rng, (24, 3)) * unit

    def p_value(x, y, seed):
        detector = MMD(n_permutations=PERMUTATIONS, max_rows=80, random_state=seed)
        return detector.fit(x).detect(y).p_value

    assert BAND[0] <= alarms(draw, p_value) <= BAND[1]


def test_missing_values_tested_beside_the_rows_raise_no_more_alarms():
    def draw(rng):
        x, y = rng.normal(size=(80, 3)), rng.normal(size=(40, 3))
        for side in (x, y):
            side[rng.random(side.shape) < 0.1] = np.nan
        return x, y

    def p_value(x, y, seed):
        detector = MMD(n_permutations=PERMUTATIONS, random_state=seed)
        return detector.fit(x).detect(y).p_value

    assert alarms(draw, p_value) <= BAND[1]


def halves_correlated(rows):
    rows[:, 16:] = 0.5 * rows[:, :16] + np.sqrt(0.75) * rows[:, 16:]
    return rows


@pytest.mark.parametrize(
    ("shift", "least"),
    [
        (lambda rows: rows + 0.1, 0.80),
        (lambda rows: rows * 1.08, 0.94),
        (halves_correlated, 0.93),
    ],
    ids=["mean", "spread", "correlation"],
)
def test_power_at_stated_shifts_of_200_rows_in_32_columns(shift, least):
    rng = np.random.default_rng(21)
    found = sum(
        mmd(rng.normal(size=(200, 32)), shift(rng.normal(size=(200, 32))), PERMUTATIONS, seed).p_value
        <= ALPHA
        for seed in range(1000)
    )
    assert found >= least * 1000
