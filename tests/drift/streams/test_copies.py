"""A copy of a detector is a detector of its own, however it was made."""

import copy

import numpy as np
import pytest
from river.drift import ADWIN

from contlearn.drift import (
    KS,
    DistributionDetector,
    Latched,
    OnlineMMD,
    OverTime,
    RankCUSUM,
    RiskDetector,
    RiverDetector,
    Windowed,
)

DETECTORS = {
    "risk": lambda: RiskDetector(0.3, run_length=500),
    "distribution": lambda: DistributionDetector(run_length=500, warm_up=50),
    "ranks": lambda: RankCUSUM(run_length=500),
    "mmd": lambda: OnlineMMD(run_length=500, warm_up=100),
    "river": lambda: RiverDetector(ADWIN(), on_invalid="skip"),
    "latched": lambda: Latched(RiskDetector(0.3, run_length=500)),
    "windowed": lambda: Windowed(KS(), 50).fit(np.arange(100.0) / 100),
}


@pytest.mark.parametrize("make", DETECTORS.values(), ids=DETECTORS)
@pytest.mark.parametrize("twin_of", [copy.copy, copy.deepcopy])
def test_what_a_copy_sees_does_not_reach_the_original(make, twin_of):
    values = np.random.default_rng(0).random(600).round()
    first, alone = make(), make()
    for each in (first, alone):
        each.update_many(values[:300])
    twin = twin_of(first)
    twin.update_many(np.ones(200))
    if isinstance(twin, RiverDetector):
        twin.update(None)
        assert first.invalid["missing"] == 0
    assert first.update_many(values[300:]) == alone.update_many(values[300:])
    assert repr(first.result) == repr(alone.result)


def test_a_copy_of_a_detector_over_time_has_spent_what_it_had_spent():
    draws = np.random.default_rng(0)
    detector = OverTime(KS()).fit(draws.random(100))
    detector.update(draws.random(100))
    before = repr(detector.result)
    twin = copy.copy(detector)
    twin.update(1.0 + draws.random(100))
    assert repr(detector.result) == before
