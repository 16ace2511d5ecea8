"""How often PSI and JensenShannon raise an alarm when nothing changed, and what their intervals cover.

Bands are exact binomial ones with tails of 1e-6 around the level, or around the largest level that the law
can attain with such numbers of rows and such ties; the seeds are fixed.
"""

import numpy as np
import pytest
from scipy import signal, stats

from contlearn._tables import read
from contlearn.drift import PSI, JensenShannon
from contlearn.drift._bins import count, learn
from contlearn.stats import jensen_shannon, psi
from contlearn.stats._divergence_laws import Law

pytestmark = pytest.mark.calibration

RUNS, COLUMNS = 2000, 50
ALPHA = 0.05
HIGH = stats.binom.isf(1e-6, RUNS, ALPHA) / RUNS
DETECTORS = pytest.mark.parametrize("cls", [PSI, JensenShannon])
SIZES = pytest.mark.parametrize(("n", "m"), [(30, 30), (150, 30), (300, 300), (1500, 300)])
SPARSE = [0.91] + [0.01] * 9
SOURCES = {
    "continuous": lambda rng, shape: rng.normal(size=shape),
    "rounded": lambda rng, shape: np.round(2.0 * rng.normal(size=shape)) / 2.0,
    "many ties": lambda rng, shape: np.round(rng.normal(size=shape), 1),
    "Poisson": lambda rng, shape: rng.poisson(1.0, shape),
    "sparse": lambda rng, shape: rng.choice(np.array(list("abcdefghij"), dtype=object), shape, p=SPARSE),
}


def parts(detector, source, n, m, runs, rng):
    """The results of `runs` columns of one source."""
    for _ in range(runs // COLUMNS):
        yield from detector.fit(source(rng, (n, COLUMNS))).detect(source(rng, (m, COLUMNS))).parts.values()


def attainable(cls, source, n, m, rng, repetitions=20, draws=1999):
    """The mean, over samples, of the largest level of at most ALPHA that the law of each can attain."""
    found = []
    for _ in range(repetitions):
        x, y = (read({"x": source(rng, rows)}).columns[0] for rows in (n, m))
        reference = learn(x, 10, None)
        current = count(reference, y)
        law: Law = reference.law(current, reference.both(current)[0])
        drawn = np.round(law.draw(cls._divergence, draws, rng), 9)
        _, times = np.unique(drawn, return_counts=True)
        tails = np.append(np.cumsum(times[::-1]) / draws, 0.0)
        found.append(max(tail for tail in [0.0, *tails.tolist()] if tail <= ALPHA))
    return float(np.mean(found))


@DETECTORS
@SIZES
@pytest.mark.parametrize("name", SOURCES)
def test_the_level_is_kept_and_used_up_to_what_ties_allow(cls, name, n, m):
    rng = np.random.default_rng(1)
    source = SOURCES[name]
    detector = cls(correction=None)
    alarms = sum(part.detected for part in parts(detector, source, n, m, RUNS, rng)) / RUNS
    largest = attainable(cls, source, n, m, rng)
    low = stats.binom.ppf(1e-6, RUNS, largest) / RUNS
    print(
        f"{cls.__name__:14} {name:10} {n:4} {m:4}  alarms {alarms:.4f}  band {low:.4f} to {HIGH:.4f}"
        f"  (attainable {largest:.4f})"
    )
    assert low <= alarms <= HIGH


@DETECTORS
@pytest.mark.parametrize("share", [0.6, 0.99])
@pytest.mark.parametrize(("n", "m"), [(300, 300), (6000, 600)])
def test_the_level_is_kept_where_a_value_is_a_bin_of_its_own(cls, share, n, m):
    def source(rng, shape):
        return np.where(rng.random(shape) < share, 0.0, 1.0 + rng.exponential(size=shape))

    rng, runs = np.random.default_rng(1), 1000
    alarms = sum(part.detected for part in parts(cls(correction=None), source, n, m, runs, rng))
    assert alarms <= stats.binom.isf(1e-6, runs, ALPHA)


@DETECTORS
@pytest.mark.parametrize(
    ("name", "n", "m"),
    [("continuous", 30, 30), ("many ties", 30, 30), ("sparse", 30, 30), ("continuous", 1000, 100)],
)
def test_far_in_the_tail_a_hundred_columns_keep_the_level(cls, name, n, m):
    rng, runs = np.random.default_rng(2), 300
    source = SOURCES[name]
    alarms = sum(cls().fit(source(rng, (n, 100))).detect(source(rng, (m, 100))).detected for _ in range(runs))
    print(f"{cls.__name__:14} {name:10} {n:4} {m:4}  any of a hundred columns {alarms / runs:.4f}")
    assert alarms <= stats.binom.isf(1e-6, runs, ALPHA)


def shares_behind(shift):
    """The shares of the deciles of a normal, and of one that is shifted."""
    q = np.diff(stats.norm.cdf(stats.norm.ppf(np.arange(11) / 10) - shift))
    return np.full(10, 0.1), q


@DETECTORS
@pytest.mark.parametrize(("n", "m"), [(300, 300), (1500, 300), (10_000, 1000)])
@pytest.mark.parametrize("shift", [0.3, 0.6])
def test_intervals_cover_and_minimum_effects_keep_the_level_at_their_edge(cls, shift, n, m):
    rng = np.random.default_rng(3)
    p, q = shares_behind(shift)
    true = {PSI: psi, JensenShannon: jensen_shannon}[cls](p, q)
    found = []
    for _ in range(RUNS // COLUMNS):
        x, y = rng.choice(10, (n, COLUMNS), p=p), rng.choice(10, (m, COLUMNS), p=q)
        detector = cls(correction=None, tolerance=true, minimum_effect=True).fit(x)
        found.extend(detector.detect(y).parts.values())
    covered = np.mean([part.interval.low <= true <= part.interval.high for part in found])
    alarms = np.mean([part.p_value <= ALPHA for part in found])
    print(f"{cls.__name__:14} {true:.4f} {n:5} {m:4}  covered {covered:.4f}  alarms at the edge {alarms:.4f}")
    assert stats.binom.ppf(1e-6, RUNS, 0.95) / RUNS <= covered
    assert alarms <= HIGH


@DETECTORS
@pytest.mark.parametrize(("n", "m"), [(300, 100), (5000, 500)])
def test_the_detectable_effect_is_found_four_times_in_five(cls, n, m):
    rng, runs = np.random.default_rng(4), 1000
    detectable = cls().fit(np.arange(n) % 10).detect(np.arange(m) % 10).detectable
    function = {PSI: psi, JensenShannon: jensen_shannon}[cls]
    shifts = np.linspace(0.0, 2.0, 4001)
    shift = shifts[np.searchsorted([function(*shares_behind(each)) for each in shifts], detectable)]
    alarms = 0
    for _ in range(runs // COLUMNS):
        detector = cls(correction=None).fit(rng.normal(size=(n, COLUMNS)))
        alarms += len(detector.detect(rng.normal(shift, 1.0, size=(m, COLUMNS))).drifted)
    assert 0.75 <= alarms / runs <= 0.97


@DETECTORS
@pytest.mark.parametrize("cells", [None, [-1.0, 0.0, 0.5, 2.0], np.linspace(-2.0, 2.0, 21)])
def test_dependent_rows_keep_the_level_with_blocks(cls, cells):
    rng, times = np.random.default_rng(5), 12

    def source(rows):
        noise = rng.normal(size=(rows, COLUMNS))
        for row in range(1, rows):
            noise[row] += 0.6 * noise[row - 1]
        return noise if cells is None else np.digitize(noise, cells)

    detector = cls(correction=None, block=50)
    alarms = sum(len(detector.fit(source(5000)).detect(source(500)).drifted) for _ in range(times))
    assert alarms / (times * COLUMNS) <= 0.1


@DETECTORS
@pytest.mark.parametrize(
    ("n", "m", "block", "bins"), [(5000, 2000, 40, 10), (5000, 2000, 40, 50), (1000, 500, 100, 10)]
)
def test_rows_that_follow_each_other_raise_no_more_alarms_than_the_level_with_a_block(cls, n, m, block, bins):
    rng = np.random.default_rng(41)
    detector, runs = cls(bins=bins, block=block), 500

    def rows(size):
        return signal.lfilter([1.0], [1.0, -0.8], rng.normal(size=size + 100))[100:]

    alarms = sum(detector.fit(rows(n)).detect(rows(m)).p_value <= ALPHA for _ in range(runs))
    assert alarms <= stats.binom.isf(1e-6, runs, ALPHA)
    assert alarms > 0
