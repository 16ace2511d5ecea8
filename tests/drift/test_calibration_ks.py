"""False-alarm rates of KS beside the largest rate that its law can attain, and what dependence does to them.

Every column of a table is a repetition of its own (`correction=None`). Bands are those of the exact binomial
law, at one in a million on each side: a failure is a defect, not chance. Where values are tied or few, no
test can spend all of its level: the lower end is that of the band around the largest level that the
conditional law attains at these sizes and ties, as found by asking it for the distance just rejected.

Measured, size (largest level attainable), for continuous values, values rounded to half a deviation, Poisson:

- 30 against 30: .034 (.035), .027 (.033), .032 (.034);
- 150 against 30: .047 (.050), .039 (.043), .038 (.041);
- 300 against 300: .038 (.042), .043 (.044), .040 (.043);
- 1500 against 300: .049 (.048), .042 (.048), .041 (.046).
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom, norm

from contlearn.drift import KS
from contlearn.stats._ks_law import exact
from contlearn.stats._quantiles import QUANTILES, shifts_of_samples

pytestmark = pytest.mark.calibration

ALPHA = 0.05
REPETITIONS = 2000

KINDS = {
    "continuous": lambda rng, shape: rng.normal(size=shape),
    "rounded to half a deviation": lambda rng, shape: np.round(2.0 * rng.normal(size=shape)) / 2.0,
    "poisson": lambda rng, shape: rng.poisson(1.0, shape).astype(float),
    "rounded finely": lambda rng, shape: rng.normal(size=shape).round(2),
}


def band(probability, repetitions=REPETITIONS):
    """Return the lowest and the highest rate that chance leaves possible."""
    return (
        binom.ppf(1e-6, repetitions, probability) / repetitions,
        binom.isf(1e-6, repetitions, probability) / repetitions,
    )


def rejected(detector, reference, current):
    """Return the share of columns that drifted."""
    return len(detector.fit(reference).detect(current).drifted) / current.shape[1]


def attainable(reference, current, repetitions=100):
    """Return the largest level that the conditional law attains, and the standard error of this mean."""
    found = []
    for x, y in zip(reference.T[:repetitions], current.T[:repetitions], strict=True):
        n, m = len(x), len(y)
        ends = np.cumsum(np.unique(np.concatenate((x, y)), return_counts=True)[1])
        ends = None if len(ends) == n + m else ends
        inside, outside, level = 0, n * m + 1, 0.0
        while outside - inside > 1:
            middle = (inside + outside) // 2
            p = exact(middle, n, m, ends)
            inside, outside, level = (inside, middle, p) if p <= ALPHA else (middle, outside, level)
        found.append(level)
    return np.mean(found), np.std(found) / math.sqrt(repetitions)


@pytest.mark.parametrize("kind", ["continuous", "rounded to half a deviation", "poisson"])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (150, 30), (300, 300), (1500, 300)])
def test_the_exact_law_spends_what_it_can_of_its_level(n, m, kind):
    rng = np.random.default_rng(n + m)
    reference, current = KINDS[kind](rng, (n, REPETITIONS)), KINDS[kind](rng, (m, REPETITIONS))
    rate = rejected(KS(correction=None, tolerance=0.0), reference, current)
    largest, error = attainable(reference, current)
    assert band(max(largest - 4.0 * error, 1e-9))[0] <= rate <= band(ALPHA)[1]


@pytest.mark.parametrize("kind", ["continuous", "rounded finely"])
@pytest.mark.parametrize(("n", "m"), [(5000, 1000), (20_000, 1000), (3000, 3000)])
def test_the_limit_law_keeps_and_spends_its_level(n, m, kind):
    rng, rates = np.random.default_rng(n + m), []
    for _ in range(REPETITIONS // 100):
        tables = KINDS[kind](rng, (n, 100)), KINDS[kind](rng, (m, 100))
        rates.append(rejected(KS(correction=None, tolerance=0.0), *tables))
    lowest, highest = band(ALPHA)
    assert lowest <= np.mean(rates) <= highest


def test_a_hundred_columns_rest_on_a_tail_that_holds():
    rng, repetitions, alarms = np.random.default_rng(1), 700, 0
    detector = KS(tolerance=0.0)
    for _ in range(repetitions):
        detector.fit(rng.normal(size=(2000, 100)))
        alarms += detector.detect(rng.normal(size=(700, 100))).detected
    lowest, highest = band(ALPHA, repetitions)
    assert lowest <= alarms / repetitions <= highest


@pytest.mark.parametrize(("phi", "block"), [(0.0, 10), (0.5, 20), (0.8, 40)])
@pytest.mark.parametrize("rounding", [None, 0])
def test_blocks_keep_the_level_where_rows_follow_each_other(phi, block, rounding):
    """Measured: without blocks .22 at phi = .5 and .53 at .8; with them, every cell between .024 and .058."""
    rng, rates, blind = np.random.default_rng(int(10 * phi)), [], []

    def series(rows):
        noise = rng.normal(size=(rows + 100, 100))
        values = lfilter([1.0], [1.0, -phi], noise, axis=0)[100:]
        return values if rounding is None else (values * 2.0).round(rounding)

    for _ in range(REPETITIONS // 100):
        reference, current = series(2000), series(500)
        rates.append(rejected(KS(correction=None, tolerance=0.0, block=block), reference, current))
        if phi > 0.0:
            blind.append(rejected(KS(correction=None, tolerance=0.0), reference, current))
    assert np.mean(rates) <= band(ALPHA)[1]
    assert np.mean(rates) >= 0.01
    assert phi == 0.0 or np.mean(blind) > 0.15


def moved(rng, shape, share):
    """Return uniform numbers of which a share has left for a place beyond all others."""
    values = rng.random(shape)
    return values + (rng.random(shape) < share)


@pytest.mark.parametrize("tolerance", [0.05, 0.2])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (1500, 300), (20_000, 1000)])
@pytest.mark.parametrize(
    "boundary", [lambda rng, shape, by: rng.random(shape) + by, moved], ids=["shift", "moved share"]
)
def test_an_effect_at_the_tolerance_is_not_called_larger(n, m, tolerance, boundary):
    """Measured at level .05: at most .033 for shifts, .015 for moved shares, .01 for tied values."""
    rng, columns, rates = np.random.default_rng(n), 200, []
    detector = KS(correction=None, tolerance=tolerance, minimum_effect=True)
    for _ in range(REPETITIONS // columns):
        reference = rng.random((n, columns))
        rates.append(rejected(detector, reference, boundary(rng, (m, columns), tolerance)))
    assert np.mean(rates) <= band(ALPHA)[1]


@pytest.mark.parametrize(("n", "m"), [(200, 200), (5000, 1000)])
def test_detectable_beyond_a_minimum_effect_is_detected(n, m):
    rng, columns = np.random.default_rng(n), 500
    detector = KS(correction=None, tolerance=0.1, minimum_effect=True)
    reference = rng.random((n, columns))
    promised = detector.fit(reference).detect(rng.random((m, columns))).detectable
    current = rng.random((m, columns)) + promised
    assert len(detector.detect(current).drifted) / columns >= band(0.8, columns)[0]


@pytest.mark.parametrize("confidence", [0.95, 0.8])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (150, 30), (1500, 300)])
@pytest.mark.parametrize("kind", ["normal", "skewed", "rounded", "counts"])
def test_intervals_of_quantile_shifts_hold_the_true_shift(kind, n, m, confidence):
    """Measured at .95: continuous .947 to .976 from 300 rows on (.96 and more below), tied .985 and more."""
    rng, runs, missed = np.random.default_rng(n + m), 800, np.zeros(3)
    q = np.array(list(QUANTILES.values()))
    before, after, true = {
        "normal": (rng.normal, lambda k: rng.normal(0.3, 1.5, k), 0.3 + 0.5 * norm.ppf(q)),
        "skewed": (rng.lognormal, lambda k: 2.0 * rng.lognormal(size=k), np.exp(norm.ppf(q))),
        "rounded": (
            lambda size: np.round(2.0 * rng.normal(size=size)) / 2.0,
            lambda k: np.round(2.0 * rng.normal(0.6, 1.0, k)) / 2.0,
            np.array([1.0, 0.5, 0.5]),
        ),
        "counts": (lambda size: rng.poisson(1.0, size), lambda k: rng.poisson(3.0, k), np.array([1, 2, 3])),
    }[kind]
    for _ in range(runs):
        ordered = np.sort(before(size=n)), np.sort(after(m))
        for place, shift in enumerate(shifts_of_samples(*ordered, confidence).values()):
            missed[place] += not shift.low <= true[place] + 1e-12 or not true[place] - 1e-12 <= shift.high
    assert (missed / runs <= band(1.0 - confidence, runs)[1]).all()
