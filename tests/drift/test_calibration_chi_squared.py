"""How often ChiSquared alarms without a change, misses a change, and is right about its size: counted.

Bands are those of the exact binomial law, at one in a million on each side: a failure is a defect, not
chance. Every repetition is a column of its own, since columns are compared all at once.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from contlearn.drift import ChiSquared
from contlearn.stats._chi_squared import total_variation_detectable
from contlearn.stats._chi_squared_cells import STATISTICS, categories
from contlearn.stats._chi_squared_columns import Pairs, compare_columns
from contlearn.stats._chi_squared_distance import compare_distances
from contlearn.stats._chi_squared_tail import tail
from contlearn.stats._shares import shifts

ALPHA = 0.05
REPETITIONS = 2000
SIZES = [(30, 30), (300, 300), (150, 30), (1500, 300)]

calibration = pytest.mark.calibration
statistics = pytest.mark.parametrize("statistic", STATISTICS)


def zipf(levels):
    weights = 1.0 / np.arange(1, levels + 1)
    return weights / weights.sum()


def rounded(width=0.5):
    """Shares of a normal number rounded to half a standard deviation."""
    edges = np.exp(-0.5 * (np.arange(-4.0, 4.1, width)) ** 2)
    return edges / edges.sum()


def poisson():
    weights = np.exp(-1.0) / np.cumprod(np.r_[1.0, np.arange(1.0, 8.0)])
    return weights / weights.sum()


SHARES = {
    "coin": np.full(2, 0.5),
    "10 equal": np.full(10, 0.1),
    "100 equal": np.full(100, 0.01),
    "50 zipf": zipf(50),
    "rounded": rounded(),
    "poisson": poisson(),
    "one dominant, 9 rare": np.r_[0.91, np.full(9, 0.01)],
}


def band(probability, repetitions=REPETITIONS):
    return (
        binom.ppf(1e-6, repetitions, probability) / repetitions,
        binom.isf(1e-6, repetitions, probability) / repetitions,
    )


def drawn(rng, n, m, before, after=None, repetitions=REPETITIONS):
    """Return both samples of many columns."""
    after = before if after is None else after
    first, second = (rng.multinomial(size, p, size=repetitions) for size, p in ((n, before), (m, after)))
    return Pairs(first.ravel(), second.ravel(), np.full(repetitions, len(before)))


def rejections(pairs, statistic="pearson", level=ALPHA):
    return compare_columns(pairs, np.full(len(pairs.sizes), level), statistic).p_value <= level


def attainable(rng, pairs, statistic, margins=25):
    """Return the mean over some margins of the largest level up to ALPHA that the conditional law attains."""
    levels = []
    for place in range(margins):
        before, after = pairs.column(place)
        total, rows = before + after, int(after.sum())
        if len(total) == 1:
            levels.append(0.0)
            continue
        mean = total * (rows / total.sum())
        tables = rng.multivariate_hypergeometric(total, rows, 4000)
        found = np.sort(np.round(categories(statistic, tables, total, mean, total - mean).sum(axis=1), 9))
        first = np.unique(found, return_index=True)[1]
        chances = 1.0 - first / len(found)
        levels.append(float(max(chances[chances <= ALPHA], default=0.0)))
    return float(np.mean(levels))


def check_size(n, m, kind, statistic, repetitions):
    rng = np.random.default_rng(1)
    pairs = drawn(rng, n, m, SHARES[kind], repetitions=repetitions)
    rate = rejections(pairs, statistic).mean()
    within = attainable(rng, pairs, statistic)
    print(f"{statistic} {kind} {n}/{m}: size {rate:.4f}, attainable {within:.4f}")
    assert rate <= band(ALPHA, repetitions)[1]
    assert rate >= band(within, repetitions)[0]


@pytest.mark.parametrize("kind", ["10 equal", "one dominant, 9 rare"])
def test_unchanged_shares_rarely_alarm(kind):
    check_size(300, 100, kind, "pearson", 300)


@calibration
@statistics
@pytest.mark.parametrize("kind", SHARES)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_the_level_is_kept_and_used(n, m, kind, statistic):
    check_size(n, m, kind, statistic, REPETITIONS)


def test_values_that_never_repeat_never_alarm():
    rng = np.random.default_rng(2)
    detector = ChiSquared(tolerance=0.0).fit(rng.normal(size=1000))
    assert not any(detector.detect(rng.normal(size=100)) for _ in range(20))


@calibration
@statistics
@pytest.mark.parametrize(
    ("n", "m", "shares"),
    [
        (10_000, 100, [0.94, 0.06]),  # six of a hundred: 14 % by the limit law
        (10_000, 100, np.full(16, 1 / 16)),
        (100_000, 300, np.r_[0.91, np.full(9, 0.01)]),
        (100_000, 200, zipf(40)),
        (2000, 2000, np.full(8, 1 / 8)),
    ],
)
def test_the_smallest_of_a_hundred_columns_keeps_the_level(n, m, shares, statistic):
    repetitions = 100 if len(shares) == 10 else 300
    pairs = drawn(np.random.default_rng(3), n, m, np.asarray(shares), repetitions=100 * repetitions)
    rate = rejections(pairs, statistic, ALPHA / 100).reshape(-1, 100).any(axis=1).mean()
    print(f"{statistic} {n}/{m} {len(shares)}: {rate:.4f} over 100 columns")
    assert rate <= band(ALPHA, repetitions)[1]


@calibration
@statistics
@pytest.mark.parametrize(("n", "m", "kind"), [(10_000, 150, "50 zipf"), (5000, 200, "100 equal")])
def test_p_values_far_out_are_those_of_a_million_drawn_tables(n, m, kind, statistic):
    rng = np.random.default_rng(4)
    total = rng.multinomial(n + m, SHARES[kind])
    total = total[total > 0]
    mean = total * (m / total.sum())
    found = np.sort(
        np.concatenate(
            [
                categories(
                    statistic, rng.multivariate_hypergeometric(total, m, 20_000), total, mean, total - mean
                ).sum(axis=1)
                for _ in range(25)
            ]
        )
    )
    for p in (0.05, 0.01, 0.001, 0.0001):
        limit = found[int(len(found) * (1.0 - p))]
        true = float(np.mean(found >= limit - 1e-9))
        error = 4.0 * np.sqrt(true / len(found))
        assert 0.88 * (true - error) <= tail(total, m, limit, statistic) <= 1.4 * (true + error)


def distance(p, q):
    return 0.5 * np.sqrt((2.0 * (p - q) ** 2 / (p + q)).sum())


def moved(shares, direction, size):
    """Return the shares at this distance in this direction."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        there = (1.0 - middle) * shares + middle * direction
        low, high = (middle, high) if distance(shares, there) < size else (low, middle)
    return (1.0 - high) * shares + high * direction


def directions(k):
    yield "to one", np.eye(k)[0]
    yield "to the last", np.eye(k)[-1]
    halves = np.where(np.arange(k) % 2 == 0, 1.0, 0.0)
    yield "to half", halves / halves.sum()


@calibration
@pytest.mark.parametrize("kind", ["coin", "10 equal", "50 zipf", "one dominant, 9 rare"])
@pytest.mark.parametrize(("n", "m"), [(100_000, 1000), (1000, 1000), (5000, 200)])
@pytest.mark.parametrize("limit", [0.05, 0.15])
def test_a_distance_at_the_tolerance_rarely_is_beyond_it(n, m, kind, limit):
    rng, repetitions = np.random.default_rng(5), 500
    shares = SHARES[kind]
    for name, direction in directions(len(shares)):
        pairs = drawn(rng, n, m, shares, moved(shares, direction, limit), repetitions)
        every = np.ones(repetitions)
        found = compare_distances(pairs, limit, ALPHA * every, 0.9 * every)
        size = np.mean(found.p_value <= ALPHA)
        coverage = np.mean((found.low <= limit) & (limit <= found.high))
        print(f"{kind} {n}/{m} {name} {limit}: size {size:.4f}, coverage {coverage:.4f}")
        assert size <= band(0.06, repetitions)[1]
        assert coverage >= band(0.88, repetitions)[0]


@calibration
@pytest.mark.parametrize("k", [2, 10])
def test_what_is_called_detectable_is_found(k):
    rng, n, m = np.random.default_rng(6), 20_000, 1000
    shares = np.full(k, 1.0 / k)
    level = np.array([ALPHA])
    pairs = drawn(rng, n, m, shares, repetitions=1)
    beyond = float(compare_distances(pairs, 0.05, level, level).detectable[0])
    spread = 1.0 / k * np.where(np.arange(k) < k // 2, 1.0, -1.0)
    there = drawn(rng, n, m, shares, shares + 2.0 * beyond * spread)
    every = np.full(REPETITIONS, ALPHA)
    assert 0.75 <= np.mean(compare_distances(there, 0.05, every, every).p_value <= ALPHA) <= 0.85
    least = total_variation_detectable(n, m, k, ALPHA)
    power = rejections(drawn(rng, n, m, shares, shares + 2.0 * least * spread)).mean()
    print(f"{k}: power {power:.3f}")
    assert 0.75 <= power <= 0.85


@calibration
@pytest.mark.parametrize("kind", ["coin", "10 equal", "50 zipf", "one dominant, 9 rare"])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (1000, 200)])
def test_the_intervals_of_all_categories_hold_together(n, m, kind):
    rng, shares = np.random.default_rng(7), SHARES[kind]
    changed = 0.9 * shares + 0.1 * shares[::-1]
    pairs = drawn(rng, n, m, shares, changed)
    k = len(shares)
    found = shifts(pairs.before, np.array([n]), pairs.after, np.array([m]), np.array([0.1 / k]))
    true = np.tile(changed - shares, REPETITIONS)
    held = ((found.low <= true) & (true <= found.high)).reshape(-1, k).all(axis=1).mean()
    print(f"{kind} {n}/{m}: all intervals hold in {held:.4f}")
    assert held >= band(0.88)[0]


def sticky(rng, rows, stay, shares):
    fresh = np.flatnonzero(np.r_[True, rng.random(rows - 1) >= stay])
    return np.repeat(rng.choice(len(shares), len(fresh), p=shares), np.diff(np.r_[fresh, rows]))


@calibration
@pytest.mark.parametrize("stay", [0.5, 0.8])
def test_rows_that_depend_on_each_other_rarely_alarm_in_blocks(stay):
    rng, repetitions, shares = np.random.default_rng(8), 200, zipf(5)
    rates, covered = {None: 0.0, 100: 0.0}, 0.0
    for _ in range(repetitions):
        reference, batch = sticky(rng, 20_000, stay, shares), sticky(rng, 1000, stay, shares)
        for block in rates:
            detector = ChiSquared(tolerance=0.0, block=block).fit(reference)
            result = detector.detect(batch)
            rates[block] += bool(result) / repetitions
        covered += (result.interval.low <= 0.0) / repetitions
    print(f"stay {stay}: {rates}, the interval holds in {covered}")
    assert covered >= 0.95
    assert rates[100] <= band(0.06, repetitions)[1]
    assert rates[None] > 0.2


@calibration
@pytest.mark.parametrize(("n", "m"), [(6000, 2000), (20_000, 4000)])
def test_categories_that_stay_for_a_while_raise_no_more_alarms_than_the_level_with_a_block(n, m):
    rng = np.random.default_rng(42)
    detector, runs = ChiSquared(block=60, tolerance=0.0), 1000

    def rows(size):
        fresh = np.flatnonzero(np.r_[True, rng.random(size - 1) >= 0.9])
        drawn = rng.choice(6, len(fresh), p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05])
        return np.repeat(drawn, np.diff(np.r_[fresh, size]))

    alarms = sum(detector.fit(rows(n)).detect(rows(m)).p_value <= ALPHA for _ in range(runs))
    assert binom.ppf(1e-6, runs, ALPHA) <= alarms <= binom.isf(1e-6, runs, ALPHA)
