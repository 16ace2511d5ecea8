"""An alarm stands until it is dealt with; its life; the cool-down; detectors of ours and of river."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift as river_drift
from sklearn.base import clone

from contlearn.drift import (
    KS,
    Alarm,
    DistributionDetector,
    DriftState,
    Latched,
    Pooled,
    RiskDetector,
    Windowed,
)
from contlearn.exceptions import ContlearnError, InvalidInputError, InvalidParameterError
from contlearn.results import DriftResult

RNG = np.random.default_rng(0)
ERRORS = [1.0] * 60
RISK = RiskDetector(limit=0.1, run_length=1_000)


def watch(**arguments):
    return Latched(RiskDetector(limit=0.1, run_length=1_000), **arguments)


def alarmed(**arguments):
    detector = watch(**arguments)
    detector.update_many(ERRORS[:30])
    assert detector.drift_detected
    return detector


def test_an_alarm_stands_until_reset_and_describes_what_raised_it():
    detector, bare = watch(), RiskDetector(limit=0.1, run_length=1_000)
    raised = None
    for n, x in enumerate([*ERRORS[:30], *[0.0] * 500], start=1):
        detector.update(x)
        bare.update(x)
        if raised is None and bare.drift_detected:
            raised = (n, bare.result)
        assert detector.drift_detected == (raised is not None) == bool(detector.result)
        assert not (detector.warning_detected and detector.drift_detected)
    assert raised is not None
    assert (detector.alarm.raised_at, detector.alarm.result) == raised
    assert detector.result == raised[1]
    detector.reset()
    assert not detector.drift_detected
    assert detector.alarm is None
    detector.update(0.0)
    assert detector.result.state is DriftState.STABLE


def test_before_the_alarm_it_says_what_the_detector_says():
    detector, bare = watch(), RiskDetector(limit=0.1, run_length=1_000)
    warned = 0
    for x in [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]:
        detector.update(x)
        bare.update(x)
        assert detector.result == bare.result
        assert detector.warning_detected == bare.warning_detected
        warned += detector.warning_detected
    assert warned


def test_the_life_of_an_alarm():
    detector = alarmed()
    assert detector.alarm.state == "raised"
    detector.acknowledge(by="Ada", note="new sensor")
    assert (detector.alarm.state, detector.alarm.acknowledged_by) == ("acknowledged", "Ada")
    assert detector.drift_detected
    detector.update(1.0)
    detector.resolve()
    assert detector.alarm is None
    (past,) = detector.alarms
    assert (past.state, past.acknowledged_at, past.resolved_at) == ("resolved", 30, 31)
    assert "acknowledged by Ada at 30 (new sensor), resolved at 31" in str(past)
    for method in (detector.acknowledge, detector.resolve):
        with pytest.raises(InvalidParameterError, match="alarm must stand"):
            method()
    detector.reset()  # nothing stands: no error, nothing filed
    assert len(detector.alarms) == 1


def test_the_detector_alarms_on_underneath_and_is_counted():
    detector = alarmed()
    bare = RiskDetector(limit=0.1, run_length=1_000)
    times = len(bare.update_many([*ERRORS[:30], *ERRORS]))
    detector.update_many(ERRORS)
    assert times > 2
    assert detector.alarm.repeats == times - 1
    assert detector.alarms == (detector.alarm,)


def test_resolve_goes_on_and_reset_begins_anew():
    resolved, reset = alarmed(), alarmed()
    for detector in (resolved, reset):
        while detector._inner.drift_detected:
            detector.update(1.0)
        detector.update_many([1.0] * 3)
    resolved.resolve()
    reset.reset()
    assert resolved.result.n_current > 0
    assert reset.result.n_current == 0


def test_an_alarm_that_was_resolved_at_once_does_not_stand():
    detector = watch()
    while not detector.drift_detected:
        detector.update(1.0)
    detector.resolve()
    assert not detector.drift_detected
    assert detector.result.state is DriftState.WARNING
    assert "does not stand" in detector.result.remarks[-1]


def test_no_alarm_within_the_cool_down():
    detector = alarmed(cool_down=100)
    detector.resolve()
    states = set()
    for _ in range(100):
        detector.update(1.0)
        assert not detector.drift_detected
        states.add(detector.result.state)
    assert DriftState.WARNING in states
    assert DriftState.DRIFT not in states
    assert detector.suppressed > 3
    detector.update_many(ERRORS[:30])
    assert detector.drift_detected
    assert detector.alarm.raised_at > 130


def test_the_last_alarms_are_kept_and_no_more():
    detector = watch()
    sizes = []
    for n in range(60):
        detector.update_many(ERRORS[:30])
        detector.acknowledge(by=f"{n:03}")
        detector.reset()
        sizes.append(len(pickle.dumps(detector)))
    assert [alarm.acknowledged_by for alarm in detector.alarms] == [f"{n:03}" for n in range(40, 60)]
    assert max(sizes[30:]) <= sizes[29] + 100


COLUMNS = {"a": RiskDetector(limit=0.1, run_length=100), "b": RiskDetector(limit=0.2, run_length=100)}
MANY = {
    "risk": (RISK, lambda x: x),
    "distribution": (DistributionDetector(run_length=200, warm_up=20), lambda x: x),
    "windowed": (Windowed(KS(alpha=0.2).fit(RNG.random(300) < 0.1), 20), lambda x: x),
    "pooled": (Pooled(COLUMNS), lambda x: {"a": x, "b": x}),
    "river": (river_drift.binary.DDM(), lambda x: x),
    "ADWIN": (river_drift.ADWIN(), lambda x: x),
}


@pytest.mark.parametrize("name", MANY)
@given(
    spells=st.lists(st.tuples(st.sampled_from([0.05, 0.9]), st.integers(1, 120)), min_size=1, max_size=6),
    cool_down=st.sampled_from([0, 30]),
    seed=st.integers(0, 99),
)
@settings(derandomize=True, deadline=None, max_examples=15)
def test_many_values_are_one_after_another(name, spells, cool_down, seed):
    inner, shape = MANY[name]
    one, many = Latched(inner, cool_down=cool_down), Latched(inner, cool_down=cool_down)
    rng = np.random.default_rng(seed)
    for rate, n in spells:
        values = (rng.random(n) < rate).astype(float if name != "windowed" else bool)
        raised = []
        for position, x in enumerate(values):
            before = one.alarm is not None
            one.update(shape(x if name == "windowed" else float(x)))
            raised += [position] * (one.drift_detected and not before)
        assert many.update_many(shape(values)) == raised
        assert many.alarms == one.alarms
        assert many.result == one.result
        assert (many.n, many.suppressed) == (one.n, one.suppressed)
        assert (many.drift_detected, many.warning_detected) == (one.drift_detected, one.warning_detected)
        if one.drift_detected and seed % 2:
            one.resolve()
            many.resolve()


def test_a_refused_value_changes_nothing_and_many_are_refused_together():
    for detector in (watch(), alarmed(), alarmed(cool_down=10)):
        before = pickle.dumps(detector)
        for bad in (float("nan"), 2.0, "x", None, float("inf")):
            with pytest.raises(InvalidInputError):
                detector.update(bad)
            with pytest.raises(InvalidInputError):
                detector.update_many([1.0] * 30 + [bad])
        assert pickle.dumps(detector) == before
        detector.update_many(ERRORS)
        assert detector.drift_detected


def test_the_reference_changes_by_fit_only():
    reference = RNG.normal(size=500)
    shifted = RNG.normal(loc=2.0, size=100)
    detector = Latched(DistributionDetector(run_length=1_000).fit(reference))
    for end in (detector.resolve, detector.reset):
        assert detector.update_many(shifted)
        end()
    assert detector.update_many(shifted)
    with pytest.raises(ContlearnError):
        detector.fit([np.inf, 1.0])
    assert detector.drift_detected
    assert detector.fit(RNG.normal(loc=2.0, size=500)) is detector
    assert not detector.drift_detected
    assert len(detector.alarms) == 3
    assert detector.update_many(shifted) == []
    with pytest.raises(InvalidParameterError, match="fitted"):
        Latched(river_drift.ADWIN()).fit([1.0])


def test_the_users_detector_stays_as_it_is_and_clones_have_seen_nothing():
    inner = RiskDetector(limit=0.1, run_length=1_000)
    inner.update_many(ERRORS)
    before = pickle.dumps(inner)
    detector = Latched(inner, cool_down=3)
    assert detector.result.n_current == 0
    detector.update_many(ERRORS)
    assert pickle.dumps(inner) == before
    for fresh in (detector.clone(), clone(detector)):
        assert (repr(fresh), fresh.n, fresh.alarms) == (repr(detector), 0, ())
    detector.set_params(detector__limit=0.3)
    assert (detector.detector.limit, detector.n, inner.limit) == (0.3, 0, 0.1)
    assert detector.get_params()["detector__run_length"] == 1_000


def test_detectors_of_river_are_held_too():
    detector = Latched(river_drift.binary.DDM())
    for x in [*(RNG.random(1_000) < 0.05).astype(int).tolist(), *[1] * 100]:
        detector.update(x)
    assert detector.drift_detected
    assert detector.alarm.result.state is DriftState.DRIFT
    detector.reset()
    assert not detector.drift_detected
    detector.update(0)
    assert detector.result.state is DriftState.STABLE


@pytest.mark.parametrize("arguments", [{"detector": RiskDetector}, {"detector": KS()}, {"detector": None}])
def test_what_is_no_stream_detector_is_refused(arguments):
    with pytest.raises(InvalidParameterError, match="detector"):
        Latched(**arguments)


def test_other_arguments_that_cannot_work():
    for bad in (-1, 1.5, True, None):
        with pytest.raises(InvalidParameterError, match="cool_down"):
            watch(cool_down=bad)
    with pytest.raises(InvalidParameterError, match="detector"):
        Latched(watch())
    with pytest.raises(InvalidParameterError, match="result"):
        Alarm(raised_at=1, result=None)
    assert Alarm(raised_at=1, result=DriftResult(state=DriftState.DRIFT)).state == "raised"


def test_an_alarm_is_shown_as_a_table_with_everything_escaped():
    watch = Latched(RiskDetector(limit=0.1, run_length=100))
    watch.update_many([1] * 30)
    watch.acknowledge(by="<script>", note="<b>late</b>")
    html = watch.alarm._repr_html_()
    assert html.startswith("<table>")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;late" in html
    assert "acknowledged" in html
