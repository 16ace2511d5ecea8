"""False-alarm rates, coverage and power of CramerVonMises and Wasserstein, counted over many repetitions.

Bands are those of the exact binomial law, at one in a million on each side: a failure is a defect, not
chance. Where values are tied or few, a test cannot spend all of its level: the lower end is that of the
largest rate which the ties of each repetition leave attainable.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, norm

from contlearn.drift import CramerVonMises, Wasserstein
from contlearn.stats import _cramer_von_mises as cvm
from contlearn.stats import _wasserstein as w1
from contlearn.stats._pooled import EXACT, Dealer, every_relabeling, places, pool, relabelings, side

ALPHA = 0.05
REPETITIONS = 2000
SIZES = [(30, 30), (150, 30), (300, 300), (1500, 300)]
DETECTORS = {"CramerVonMises": CramerVonMises, "Wasserstein": Wasserstein}
TESTS = pytest.mark.parametrize("name", DETECTORS)

KINDS = {
    "continuous": lambda rng, n: rng.normal(size=n),
    "rounded": lambda rng, n: np.round(2.0 * rng.normal(size=n)) / 2.0,
    "poisson": lambda rng, n: rng.poisson(1.0, n),
    "one dominant, 9 rare": lambda rng, n: np.where(rng.random(n) < 0.91, 0, rng.integers(1, 10, n)),
    "heavy tails": lambda rng, n: rng.standard_t(1.5, n),
}


def band(probability, repetitions=REPETITIONS):
    """Return the lowest and the highest rate that chance leaves possible."""
    return (
        binom.ppf(1e-6, repetitions, probability) / repetitions,
        binom.isf(1e-6, repetitions, probability) / repetitions,
    )


def attainable(name, x, y, rng, level=ALPHA):
    """Return the largest p-value of at most `level` that relabelings of these rows have."""
    pooled = pool(side("x", x), side("y", y))
    line = w1.on_a_line(pooled.values)
    here = w1.seen(pooled, line)
    listed = every_relabeling(here.pooled)
    if listed is None:
        found = np.concatenate(list(relabelings(here.pooled, 999, rng)))
        chances = np.full(len(found), 1 / 1000)
    else:
        found, chances = listed
    weights = cvm._weights(here.pooled) if name == "CramerVonMises" else here.widths
    away = np.round((found**2 if name == "CramerVonMises" else np.abs(found)) @ weights, 12)
    where = np.unique(away, return_inverse=True)[1]
    tails = np.bincount(where, chances)[::-1].cumsum()
    return float(tails[tails <= level].max(initial=0.0))


def p_value(name, x, y, deal):
    """Return the p-value of a detector that is held to `ALPHA`, without all else that it reports."""
    pooled = pool(side("x", x), side("y", y))
    if name == "CramerVonMises":
        statistic = cvm.distance(pooled) ** 2 / pooled.scale
        return CramerVonMises()._p_value(pooled, cvm.law(pooled), statistic, 1.0, ALPHA, deal).p_value
    line = w1.on_a_line(pooled.values)
    return Wasserstein()._p_value(pooled, line, w1.distance(pooled, line), 1.0, ALPHA, deal).p_value


def rate(name, n, m, draw, repetitions, seed=1, **settings):
    rng = np.random.default_rng(seed)
    detector = DETECTORS[name](**settings)
    return np.mean(
        [detector.fit(draw(rng, n)).detect(draw(rng, m)).p_value <= ALPHA for _ in range(repetitions)]
    )


@TESTS
@pytest.mark.parametrize("kind", ["continuous", "poisson"])
def test_the_level_is_kept_in_a_few_repetitions(name, kind):
    assert rate(name, 60, 30, KINDS[kind], 150) <= band(ALPHA, 150)[1]


@pytest.mark.calibration
@TESTS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_the_level_is_kept_and_used(name, n, m, kind):
    draw, rng = KINDS[kind], np.random.default_rng(2)
    found = np.mean(
        [p_value(name, draw(rng, n), draw(rng, m), Dealer(seed)) <= ALPHA for seed in range(REPETITIONS)]
    )
    largest = np.mean([attainable(name, draw(rng, n), draw(rng, m), rng) for _ in range(40)])
    print(f"{name} {kind} {n}/{m}: {found:.4f}, attainable {largest:.4f}")
    assert band(0.9 * largest)[0] <= found <= band(ALPHA)[1]


@pytest.mark.calibration
@TESTS
@pytest.mark.parametrize("kind", ["continuous", "poisson", "heavy tails"])
def test_a_level_of_many_columns_is_kept(name, kind):
    draw, level, repetitions = KINDS[kind], 5e-4, 40
    rng = np.random.default_rng(3)
    below = 0
    for _ in range(repetitions):
        reference = np.column_stack([draw(rng, 300) for _ in range(100)])
        batch = np.column_stack([draw(rng, 60) for _ in range(100)])
        result = DETECTORS[name](correction="bonferroni").fit(reference).detect(batch)
        below += sum(part.p_value <= ALPHA for part in result.parts.values())
    assert below <= binom.isf(1e-6, repetitions * 100, level)


@pytest.mark.calibration
@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_law_holds_where_it_stands_alone(kind):
    rng, draw = np.random.default_rng(4), KINDS[kind]
    pooled = pool(side("x", draw(rng, 3000)), side("y", draw(rng, 700)))
    null = cvm.law(pooled)
    here = pooled.at(places(pooled, EXACT, EXACT))
    weights = cvm._weights(here)
    drawn = np.concatenate([found**2 @ weights for found in relabelings(here, 40_000, rng)]) / pooled.scale
    for chance in (0.2, 0.05, 0.01, 0.001):
        lowest, highest = band(chance, 40_000)
        share = float(np.mean(drawn > null.quantile(chance)))
        assert 0.9 * lowest <= share <= 1.1 * highest


@pytest.mark.calibration
@TESTS
@pytest.mark.parametrize(("n", "m"), [(200, 200), (2000, 200), (30, 30)])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_what_is_called_detectable_is_found_four_times_in_five(name, n, m, alpha):
    rng = np.random.default_rng(5)
    detector = DETECTORS[name](alpha=alpha)
    shift = effect = detector.fit(rng.normal(size=n)).detect(rng.normal(size=m)).detectable
    if name == "CramerVonMises":
        x = np.linspace(-8.0, 12.0, 4001)
        step = x[1] - x[0]

        def distance(by):
            density = (n * norm.pdf(x) + m * norm.pdf(x - by)) / (n + m)
            return np.sqrt(np.sum((norm.cdf(x) - norm.cdf(x - by)) ** 2 * density) * step)

        shift = brentq(lambda by: distance(by) - effect, 0.0, 6.0)
    repetitions = 300
    found = sum(
        detector.fit(rng.normal(size=n)).detect(rng.normal(shift, 1.0, size=m)).detected
        for _ in range(repetitions)
    )
    assert 0.65 <= found / repetitions <= 0.97


@pytest.mark.calibration
@TESTS
@pytest.mark.parametrize("kind", ["continuous", "poisson", "one dominant, 9 rare"])
@pytest.mark.parametrize("change", ["nothing", "shift", "scale"])
def test_the_interval_holds_the_true_effect(name, kind, change):
    draw = KINDS[kind]

    def changed(rng, size):
        rows = draw(rng, size)
        moved = rows if change == "nothing" else rows * 1.5 if change == "scale" else rows + 0.3
        return np.array(moved, dtype=float)

    n, m, repetitions = 400, 200, 400
    rng = np.random.default_rng(6)
    many = pool(side("x", draw(rng, 400_000).astype(float)), side("y", changed(rng, 200_000)))
    if name == "CramerVonMises":
        true = cvm.distance(many)
    else:
        line = w1.on_a_line(many.values)
        true = line.in_units(w1.distance(many, line)) / np.std(draw(rng, 400_000))
    true = 0.0 if change == "nothing" else true
    held = 0
    for _ in range(repetitions):
        found = DETECTORS[name]().fit(draw(rng, n).astype(float)).detect(changed(rng, m)).interval
        held += found.low <= true + 1e-9 and true <= found.high
    assert held >= binom.ppf(1e-6, repetitions, 0.94)


@pytest.mark.calibration
@TESTS
def test_blocks_keep_the_level_where_rows_follow_each_other(name):
    def follow(rng, n):
        noise, rows = rng.normal(size=n + 50), np.zeros(n + 50)
        for i in range(1, n + 50):
            rows[i] = 0.5 * rows[i - 1] + noise[i]
        return rows[50:]

    plain = rate(name, 2000, 300, follow, 400)
    blocks = rate(name, 2000, 300, follow, 400, block=20)
    assert plain > 0.15
    assert blocks <= 0.11
