"""DistributionDetector: run lengths where nothing changes, delays where something does, and what they cost.

Updates per alarm are counted over streams with a fresh reference each, restarts after alarms included.
Measured at a run length of 10,000 (1,000 reference values each, 200 streams of 20,000 values):

- normal, lognormal, t2 11,200; Poisson 12,000; rounded normal 11,600; categories with new ones all the time 12,100;
- mean delays for mean + 0.5 sd, + 1 sd, sd x 1.5, sd x 0.7: 100, 44, 97, 128.
"""

import time

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
    for seed in range(200):
        detector = DistributionDetector(RUN_LENGTH, seed=seed).fit(rng.normal(size=1_000))
        values = np.concatenate([rng.normal(size=500), shift(rng.normal(size=4_000))])
        delays.append(next(each - 499 for each in detector.update_many(values) if each >= 500))
    assert np.mean(delays) <= most


class Empty:
    def update(self, x):
        pass


def fastest(work, times=7):
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def test_an_update_costs_at_most_400_empty_calls_and_one_of_many_a_tenth_of_that():
    rng = np.random.default_rng(0)
    values, empty = rng.normal(size=10_000), Empty()
    detector = DistributionDetector(1e9).fit(rng.normal(size=1_000))
    listed = values.tolist()
    call = fastest(lambda: [empty.update(x) for x in listed])
    assert fastest(lambda: [detector.update(x) for x in listed]) <= 400 * call
    assert fastest(lambda: detector.update_many(values)) <= 40 * call
