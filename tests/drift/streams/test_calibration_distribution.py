"""DistributionDetector: run lengths where nothing changes, and delays where something does.

Updates per alarm are counted over streams with a fresh reference each, restarts after alarms included.
Measured at a run length of 10,000 (1,000 reference values each, 200 streams of 20,000 values):

- normal and lognormal 11,200, t2 10,900, Poisson 9,800, rounded normal 11,500;
- categories with new ones all the time 11,200 (100 streams), rows of a mixed table 12,000 (60 streams);
- mean delays for mean + 0.5 sd, + 1 sd, sd x 1.5, sd x 0.7: 97, 44, 103, 131, and
  at the most 276, 67, 266, 254 over 200 streams.
"""

import numpy as np
import pytest
from scipy.signal import lfilter

from contlearn.drift import DistributionDetector

pytestmark = pytest.mark.calibration

RUN_LENGTH = 10_000


def autoregressive(rng, n, phi):
    return lfilter([np.sqrt(1.0 - phi**2)], [1.0, -phi], rng.normal(size=n + 100))[100:]


def updates_per_alarm(draw, streams, n=20_000, **parameters):
    alarms, rng = 0, np.random.default_rng(2026)
    for seed in range(streams):
        detector = DistributionDetector(RUN_LENGTH, seed=seed, **parameters).fit(draw(rng, 1_000))
        alarms += len(detector.update_many(draw(rng, n)))
    return streams * n / alarms


NULLS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "t2": lambda rng, n: rng.standard_t(2, size=n),
    "poisson": lambda rng, n: rng.poisson(3.0, n).astype(float),
    "rounded": lambda rng, n: np.round(rng.normal(size=n)),
}


@pytest.mark.parametrize("name", NULLS)
def test_false_alarms_are_as_rare_as_promised(name):
    assert 8_000 <= updates_per_alarm(NULLS[name], 200) <= 16_000


def test_false_alarms_are_as_rare_where_new_categories_never_end():
    found = updates_per_alarm(lambda rng, n: np.floor(10 * rng.pareto(1.0, n)).astype(str), 100)
    assert 8_000 <= found <= 16_000


def test_false_alarms_are_as_rare_over_the_rows_of_a_table():
    def draw(rng, n):
        numbers = np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n))
        return {"a": numbers, "b": np.nan_to_num(numbers) + rng.normal(size=n), "c": rng.poisson(2.0, n)}

    assert 8_000 <= updates_per_alarm(draw, 60) <= 18_000


def test_averages_of_blocks_keep_the_run_length_where_neighbours_depend_on_each_other():
    def draw(rng, n):
        return autoregressive(rng, n, 0.5)

    assert updates_per_alarm(draw, 20) < 2_000
    assert updates_per_alarm(draw, 100, block=20) >= 8_000


SHIFTS = {
    "mean + 0.5 sd": (lambda z: z + 0.5, 130),
    "mean + 1 sd": (lambda z: z + 1.0, 55),
    "sd x 1.5": (lambda z: 1.5 * z, 150),
    "sd x 0.7": (lambda z: 0.7 * z, 160),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_changes_of_mean_and_spread_are_found_soon(name):
    shift, most = SHIFTS[name]
    rng, delays = np.random.default_rng(7), []
    for seed in range(100):
        detector = DistributionDetector(RUN_LENGTH, seed=seed).fit(rng.normal(size=1_000))
        values = np.concatenate([rng.normal(size=500), shift(rng.normal(size=4_000))])
        delays.append(next(each - 499 for each in detector.update_many(values) if each >= 500))
    assert np.mean(delays) <= most
