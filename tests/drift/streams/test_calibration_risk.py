"""RiskDetector's promises, measured: run length, delays, the alarm for life, and the cost beside ADWIN.

At a run length of 10,000 and a mean that is exactly the limit, 400 streams of 20,000 losses: 11,700 to 15,200
updates between alarms (zeros and ones with limits .02, .05, .1, .5, .9: 14,200, 13,600, 12,700, 11,800,
11,700; beta losses 11,800 to 13,100). Mean delays from the first update on, limit .10: 1,360 to .12, 387 to
.15, 152 to .20, 56 to .30; where 1,000 losses at the limit came before: 1,170, 336, 124, 45.
"""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from river.drift import ADWIN
from scipy.stats import binom

from contlearn.drift import RiskDetector

pytestmark = pytest.mark.calibration

STREAMS, LENGTH = 250, 20_000


def zeros_and_ones(mean):
    return lambda rng, n: rng.random(n) < mean


def beta(a, b):
    return lambda rng, n: rng.beta(a, b, n)


def run_length(draw, seed=0, streams=STREAMS, **arguments):
    """Return the number of updates per alarm; detectors go on after an alarm."""
    rng = np.random.default_rng(seed)
    alarms = sum(len(RiskDetector(**arguments).update_many(draw(rng, LENGTH))) for _ in range(streams))
    return streams * LENGTH / alarms


@pytest.mark.parametrize("side", ["above", "both"])
@pytest.mark.parametrize(
    ("limit", "draw"),
    [
        (0.02, zeros_and_ones(0.02)),
        (0.05, zeros_and_ones(0.05)),
        (0.1, zeros_and_ones(0.1)),
        (0.5, zeros_and_ones(0.5)),
        (0.9, zeros_and_ones(0.9)),
        (0.1, beta(1, 9)),
        (0.2, beta(0.2, 0.8)),
        (0.5, beta(5, 5)),
        (0.05, beta(2, 38)),
    ],
)
def test_the_run_length_is_kept_where_the_mean_is_exactly_the_limit(limit, draw, side):
    assert 8_000 <= run_length(draw, limit=limit, side=side) <= 16_000


def test_losses_may_depend_on_the_past_in_any_way_that_keeps_their_mean_given_it():
    def adversary(rng, n):
        """Return losses whose spread follows the losses before, around one and the same mean."""
        signs = rng.random(n) < 0.5
        spread = np.concatenate(([0.1], np.where(signs[:-1], 0.1, 0.01)))
        return np.where(signs, 0.1 + spread, 0.1 - spread)

    assert run_length(adversary, limit=0.1) >= 8_000


def test_below_the_limit_alarms_are_rare():
    assert run_length(lambda rng, n: np.append(rng.random(n - 9) < 0.08, np.ones(9)), limit=0.1) > 15_000


@pytest.mark.parametrize("before", [0, 1000])
@pytest.mark.parametrize(("risk", "most"), [(0.15, 420), (0.2, 160)])
def test_a_rise_is_found_in_time_and_never_missed(risk, most, before):
    rng, delays = np.random.default_rng(1), []
    for _ in range(400):
        losses = np.concatenate((rng.random(before) < 0.1, rng.random(5_000) < risk))
        alarms = [position for position in RiskDetector(0.1).update_many(losses) if position >= before]
        delays.append(alarms[0] + 1 - before if alarms else math.inf)
    assert np.mean(delays) <= most


@pytest.mark.parametrize("side", ["above", "both"])
def test_an_alarm_for_life_is_ever_false_with_probability_alpha_at_most(side):
    rng, alpha = np.random.default_rng(2), 0.1
    ever = sum(
        bool(RiskDetector(0.1, run_length=None, alpha=alpha, side=side).update_many(rng.random(5_000) < 0.1))
        for _ in range(1_000)
    )
    assert 10 <= ever <= binom.isf(1e-6, 1_000, alpha)


def test_a_learned_limit_and_the_stream_share_the_alarm_for_life():
    rng, alpha = np.random.default_rng(3), 0.1
    ever = 0
    for _ in range(1_000):
        detector = RiskDetector(run_length=None, alpha=alpha).fit(rng.random(500) < 0.1)
        ever += bool(detector.update_many(rng.random(5_000) < 0.1))
    assert ever <= binom.isf(1e-6, 1_000, alpha)


def test_an_alarm_for_life_finds_late_rises_too():
    rng, delays, alpha = np.random.default_rng(4), [], 0.01
    for _ in range(200):
        losses = np.concatenate((rng.random(5_000) < 0.1, rng.random(3_000) < 0.2))
        alarms = RiskDetector(0.1, run_length=None, alpha=alpha).update_many(losses)
        delays += [next((position - 4_999 for position in alarms if position >= 5_000), math.inf)]
    wealth = math.log(5 * 5_000**2 / alpha)  # that one of five bets must win from the stake of update 5,000
    growth = 0.2 * math.log(0.2 / 0.1) + 0.8 * math.log(0.8 / 0.9)
    assert np.mean(delays) <= wealth / growth


@pytest.mark.parametrize("draw", [zeros_and_ones(0.1), beta(1, 9)], ids=["zeros and ones", "beta"])
def test_learned_limits_hold(draw):
    rng = np.random.default_rng(5)
    below = sum(RiskDetector().fit(draw(rng, 200)).limit_ < 0.1 for _ in range(1_000))
    assert below <= binom.isf(1e-6, 1_000, 0.05)


def test_updates_cost_at_most_five_and_arrays_less_than_one_of_rivers_adwin():
    losses = (np.random.default_rng(0).random(100_000) < 0.1).tolist()
    array, seconds = np.array(losses), {"ADWIN": [], "update": [], "update_many": []}
    for _ in range(5):
        for name, detector in (("ADWIN", ADWIN()), ("update", RiskDetector(0.1))):
            update = detector.update
            began = time.process_time()
            for loss in losses:
                update(loss)
            seconds[name].append(time.process_time() - began)
        detector = RiskDetector(0.1)
        began = time.process_time()
        detector.update_many(array)
        seconds["update_many"].append(time.process_time() - began)
    assert min(seconds["update"]) <= 5.0 * min(seconds["ADWIN"])
    assert min(seconds["update_many"]) <= 0.8 * min(seconds["ADWIN"])
