"""False-alarm rates, coverage and power of the univariate tests, counted over thousands of repetitions.

Bands are those of the exact binomial law, at one in a million on each side: a failure is a defect, not
chance. Where values are tied or few, a test cannot spend all of its level, and only the upper end binds.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from contlearn.stats._chi_squared import (
    chi_squared,
    total_variation_detectable,
    total_variation_interval,
)
from contlearn.stats._ks import atoms, ks_compare, ks_detectable, ks_interval

pytestmark = pytest.mark.calibration

ALPHA = 0.05
REPETITIONS = 2000
SIZES = [(30, 30), (150, 30), (300, 300), (1500, 300)]

NUMBERS = {
    "continuous": lambda rng, n: rng.normal(size=n),
    "rounded": lambda rng, n: np.round(2.0 * rng.normal(size=n)) / 2.0,
    "poisson": lambda rng, n: rng.poisson(1.0, n).astype(float),
    "coin": lambda rng, n: rng.integers(2, size=n).astype(float),
    "zeros and the rest": lambda rng, n: np.maximum(0.0, rng.normal(size=n)),
    "rounded finely": lambda rng, n: rng.normal(size=n).round(2),
}


def zipf(levels):
    weights = 1.0 / np.arange(1, levels + 1)
    return weights / weights.sum()


SHARES = {
    "2 equal": np.full(2, 1 / 2),
    "10 equal": np.full(10, 1 / 10),
    "100 equal": np.full(100, 1 / 100),
    "2 zipf": zipf(2),
    "10 zipf": zipf(10),
    "100 zipf": zipf(100),
    "one dominant, 9 rare": np.r_[0.91, np.full(9, 0.01)],
}


def band(probability, repetitions=REPETITIONS):
    """Return the lowest and the highest rate that chance leaves possible."""
    return (
        binom.ppf(1e-6, repetitions, probability) / repetitions,
        binom.isf(1e-6, repetitions, probability) / repetitions,
    )


def ks_rejections(rng, n, m, draw_reference, draw_current, repetitions=REPETITIONS):
    return np.mean(
        [
            ks_compare(atoms(draw_reference(rng, n)), atoms(draw_current(rng, m))).p_value <= ALPHA
            for _ in range(repetitions)
        ]
    )


def largest_gap(x, y):
    """Return the KS distance of two sorted samples, without its p-value."""
    at = np.concatenate((x, y))
    return np.abs(
        np.searchsorted(x, at, side="right") / len(x) - np.searchsorted(y, at, side="right") / len(y)
    ).max()


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize(("n", "m"), [*SIZES, (5000, 1000), (3000, 3000)])
def test_ks_keeps_its_level(n, m, kind):
    draw = NUMBERS[kind]
    rate = ks_rejections(np.random.default_rng(1), n, m, draw, draw)
    lowest, highest = band(ALPHA)
    assert rate <= highest
    if min(n, m) >= 300:
        assert rate >= (lowest if kind == "continuous" else 0.02)


@pytest.mark.parametrize("kind", ["poisson", "zeros and the rest"])
def test_ks_keeps_its_level_where_ties_need_the_limit_law(kind):
    draw = NUMBERS[kind]
    rate = ks_rejections(np.random.default_rng(2), 100_000, 60_000, draw, draw, repetitions=400)
    assert 0.02 <= rate <= band(ALPHA, 400)[1]


@pytest.mark.parametrize("kind", SHARES)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_chi_squared_keeps_its_level(n, m, kind):
    rng, shares = np.random.default_rng(1), SHARES[kind]
    p = [
        chi_squared(
            [rng.multinomial(n, shares), rng.multinomial(m, shares)], n_permutations=99, rng=rng
        ).p_value
        for _ in range(REPETITIONS)
    ]
    rate = np.mean(np.array(p) <= ALPHA)
    lowest, highest = band(ALPHA)
    assert rate <= highest
    if min(n, m) >= 300 and "equal" in kind:
        assert rate >= lowest


@pytest.mark.parametrize(("n", "m"), [(200, 200), (4000, 1000)])
@pytest.mark.parametrize("kind", ["shift", "moved share", "three values", "coin"])
def test_ks_finds_what_it_calls_detectable(n, m, kind):
    effect = ks_detectable(n, m, ALPHA)
    shift = 2.0 * norm.ppf(0.5 + effect / 2.0)
    before, changed = {
        "shift": (NUMBERS["continuous"], lambda rng, size: rng.normal(shift, size=size)),
        "moved share": (
            NUMBERS["continuous"],
            lambda rng, size: np.where(rng.random(size) < effect, 9.0, 0.0) + rng.normal(size=size),
        ),
        "three values": (
            lambda rng, size: rng.choice(3, size),
            lambda rng, size: rng.choice(3, size, p=[1 / 3 - effect, 1 / 3 + effect, 1 / 3]),
        ),
        "coin": (
            NUMBERS["coin"],
            lambda rng, size: (rng.random(size) < 0.5 + effect).astype(float),
        ),
    }[kind]
    power = ks_rejections(np.random.default_rng(3), n, m, before, changed)
    assert power >= band(0.8)[0]
    assert power < 0.96


@pytest.mark.parametrize("kind", ["equal", "shift", "spread", "moved share", "coin"])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (150, 30), (1000, 300)])
def test_the_interval_of_the_ks_distance_covers_the_true_one(n, m, kind):
    draws, distance = {
        "equal": ((NUMBERS["continuous"], NUMBERS["continuous"]), 0.0),
        "shift": ((NUMBERS["continuous"], lambda rng, k: rng.normal(0.5, size=k)), 2 * norm.cdf(0.25) - 1),
        "spread": (
            (NUMBERS["continuous"], lambda rng, k: rng.normal(scale=2.0, size=k)),
            norm.cdf(math.sqrt(8 * math.log(2) / 3)) - norm.cdf(math.sqrt(8 * math.log(2) / 3) / 2),
        ),
        "moved share": (
            (NUMBERS["continuous"], lambda rng, k: rng.normal(size=k) + 9 * (rng.random(k) < 0.2)),
            0.2,
        ),
        "coin": ((NUMBERS["coin"], lambda rng, k: (rng.random(k) < 0.6).astype(float)), 0.1),
    }[kind]
    rng, covered = np.random.default_rng(4), 0
    for _ in range(REPETITIONS):
        found = largest_gap(np.sort(draws[0](rng, n)), np.sort(draws[1](rng, m)))
        interval = ks_interval(found, n, m, 0.9)
        covered += interval.low - 1e-3 <= distance <= interval.high
    assert covered / REPETITIONS >= band(0.9)[0]


@pytest.mark.parametrize("kind", ["2 equal", "100 zipf", "one dominant, 9 rare"])
@pytest.mark.parametrize("moved", [0.0, 0.15])
def test_the_interval_of_total_variation_covers_the_true_one(kind, moved):
    rng, shares = np.random.default_rng(5), SHARES[kind]
    changed = shares + moved * (np.arange(len(shares)) == len(shares) - 1)
    changed[0] -= moved
    if changed[0] < 0:
        changed = np.roll(changed, 1)
    distance, covered = 0.5 * np.abs(shares - changed).sum(), 0
    for _ in range(REPETITIONS):
        found = 0.5 * np.abs(rng.multinomial(1000, shares) / 1000 - rng.multinomial(200, changed) / 200).sum()
        interval = total_variation_interval(found, 1000, 200, len(shares), 0.9)
        covered += interval.low <= distance <= interval.high
    assert covered / REPETITIONS >= band(0.9)[0]


@pytest.mark.parametrize(("k", "direction"), [(2, "hardest"), (10, "hardest"), (10, "one category")])
def test_chi_squared_finds_what_it_calls_detectable_wherever_it_lies(k, direction):
    n, m = 2000, 1000
    effect = total_variation_detectable(n, m, k, ALPHA)
    shares = np.full(k, 1.0 / k)
    if direction == "hardest":
        changed = shares + 2.0 * effect / k * np.where(np.arange(k) < k // 2, 1.0, -1.0)
    else:
        changed = shares * (1.0 - effect * k / (k - 1)) + effect * k / (k - 1) * np.eye(k)[0]
    rng = np.random.default_rng(6)
    p = [
        chi_squared([rng.multinomial(n, shares), rng.multinomial(m, changed)]).p_value
        for _ in range(REPETITIONS)
    ]
    power = np.mean(np.array(p) <= ALPHA)
    assert power >= band(0.78)[0]
    if direction == "hardest":
        assert power <= band(0.82)[1]
