"""Measured error rates of the energy distance: level, power, coverage, and what `detectable` means."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import hyp1f1
from scipy.stats import binom, norm, poisson

from contlearn.drift import Energy
from contlearn.stats import energy
from contlearn.stats._energy import measured
from contlearn.stats._energy_effect import effect

pytestmark = pytest.mark.calibration

REPETITIONS = 2000
PERMUTATIONS = 199
ALPHA = 0.05
TAIL = 1e-6
BAND = (binom.ppf(TAIL, REPETITIONS, ALPHA), binom.isf(TAIL, REPETITIONS, ALPHA))

LAWS = {
    "continuous": lambda rng, shape: rng.normal(size=shape),
    "rounded": lambda rng, shape: np.round(2.0 * rng.normal(size=shape)) / 2.0,
    "Poisson": lambda rng, shape: rng.poisson(1.0, size=shape).astype(float),
    "heavy tails": lambda rng, shape: rng.standard_cauchy(size=shape),
}


def alarms(draw, p_value, repetitions=REPETITIONS):
    rng = np.random.default_rng(20)
    return sum(p_value(*draw(rng), seed) <= ALPHA for seed in range(repetitions))


@pytest.mark.parametrize(("n", "m"), [(30, 30), (150, 30)], ids=["equal sizes", "five to one"])
@pytest.mark.parametrize("d", [1, 4, 32])
@pytest.mark.parametrize("law", LAWS)
def test_the_level_is_kept_and_used(law, d, n, m):
    """199 relabelings and 30 rows reach p = 0.05 exactly, ties in single values hardly matter: 0.05 it is."""

    def draw(rng):
        return LAWS[law](rng, (n, d)), LAWS[law](rng, (m, d))

    count = alarms(draw, lambda x, y, seed: energy(x, y, PERMUTATIONS, seed).p_value)
    assert BAND[0] <= count <= BAND[1]


@pytest.mark.parametrize(("n", "m"), [(300, 300), (1500, 300)])
def test_the_level_is_kept_and_used_when_rows_are_binned_and_left_over(n, m):
    def draw(rng):
        return rng.normal(size=(n, 2)), rng.normal(size=(m, 2))

    count = alarms(draw, lambda x, y, seed: energy(x, y, PERMUTATIONS, seed).p_value)
    assert BAND[0] <= count <= BAND[1]


@pytest.mark.parametrize("law", ["continuous", "Poisson", "heavy tails"])
def test_the_detector_keeps_the_level_with_standardised_columns_and_subsets(law):
    def draw(rng):
        unit = np.array([1.0, 1000.0, 0.01])
        return LAWS[law](rng, (150, 3)) * unit, LAWS[law](rng, (24, 3)) * unit

    def p_value(x, y, seed):
        detector = Energy(n_permutations=PERMUTATIONS, max_rows=80, random_state=seed)
        return detector.fit(x).detect(y).p_value

    assert BAND[0] <= alarms(draw, p_value) <= BAND[1]


def test_blocks_keep_the_level_where_rows_follow_each_other():
    """Correlation 0.7 from row to row, so that rows 30 apart have 0.00002."""

    def walk(rng, n):
        steps = rng.normal(size=(n + 50, 2))
        for i in range(1, len(steps)):
            steps[i] += 0.7 * steps[i - 1]
        return steps[50:]

    def p_value(x, y, seed):
        return energy(x, y, PERMUTATIONS, seed, block=30).p_value

    count = alarms(lambda rng: (walk(rng, 900), walk(rng, 600)), p_value, 500)
    assert count <= binom.isf(TAIL, 500, 0.06)  # rows at the borders of blocks still depend on each other
    assert count >= binom.ppf(TAIL, 500, ALPHA)


def normal_distance(shift, *spreads):
    """E|Z| of a normal Z with mean `shift` and the sum of these variances."""
    spread = math.hypot(*spreads)
    tail = norm.cdf(-shift / spread)
    return spread * math.sqrt(2.0 / math.pi) * math.exp(-((shift / spread) ** 2) / 2.0) + shift * (
        1.0 - 2.0 * tail
    )


def normal_effect(shift, spread):
    own = normal_distance(0.0, 1.0, 1.0) + normal_distance(0.0, spread, spread)
    return math.sqrt(1.0 - own / (2.0 * normal_distance(shift, 1.0, spread)))


def shifted_effect(shift, d):
    """The effect of the same shift in every one of `d` standard normal columns."""
    return math.sqrt(1.0 - 1.0 / hyp1f1(-0.5, d / 2.0, -d * shift**2 / 4.0))


def poisson_effect(one, two):
    values = np.arange(80)
    apart = np.abs(values[:, None] - values)
    first, second = poisson.pmf(values, one), poisson.pmf(values, two)
    own = first @ apart @ first + second @ apart @ second
    return math.sqrt(1.0 - own / (2.0 * first @ apart @ second))


def normals(shift, spread):
    return lambda rng, n, m: (rng.normal(size=(n, 1)), shift + spread * rng.normal(size=(m, 1)))


CHANGES = {
    "no change": (normals(0.0, 1.0), 0.0),
    "a fifth of a sd": (normals(0.2, 1.0), normal_effect(0.2, 1.0)),
    "half a sd": (normals(0.5, 1.0), normal_effect(0.5, 1.0)),
    "three sd": (normals(3.0, 1.0), normal_effect(3.0, 1.0)),
    "spread by 1.3": (normals(0.0, 1.3), normal_effect(0.0, 1.3)),
    "Poisson": (
        lambda rng, n, m: (rng.poisson(1.0, (n, 1)) * 1.0, rng.poisson(1.3, (m, 1)) * 1.0),
        poisson_effect(1.0, 1.3),
    ),
}


@pytest.mark.parametrize(("n", "m"), [(30, 30), (300, 300), (1500, 300)])
@pytest.mark.parametrize("change", CHANGES)
def test_intervals_cover_about_as_often_as_they_say(change, n, m):
    draw, true = CHANGES[change]
    rng = np.random.default_rng(21)
    covered = 0
    for _ in range(400):
        far = effect(measured(*draw(rng, n, m), PERMUTATIONS, rng), ALPHA).interval
        covered += far.low <= true <= far.high
    assert covered >= binom.ppf(TAIL, 400, 0.93)


@pytest.mark.parametrize("d", [1, 4, 32])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (300, 300), (1500, 300)])
def test_a_shift_of_the_detectable_size_is_found_in_about_four_of_five_batches(n, m, d):
    rng = np.random.default_rng(22)
    pairs = [(rng.normal(size=(n, d)), rng.normal(size=(m, d))) for _ in range(20)]
    detectable = np.median([effect(measured(*pair, PERMUTATIONS, rng), ALPHA).detectable for pair in pairs])
    shift = brentq(lambda each: shifted_effect(each, d) - detectable, 0.0, 2.0)
    found = sum(
        energy(rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift, PERMUTATIONS, rng).p_value <= ALPHA
        for _ in range(400)
    )
    assert 0.73 <= found / 400 <= 0.93
