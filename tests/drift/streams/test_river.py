"""RiverDetector: what reaches river's detector, what is kept after an alarm, and what the answer says."""

import copy
import math
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from river import drift
from river.drift import binary

from contlearn.drift import DriftState, RiskDetector, RiverDetector
from contlearn.exceptions import InvalidInputError, InvalidParameterError

ALL = [
    drift.ADWIN(),
    drift.ADWIN(delta=0.1, clock=1, grace_period=40),
    drift.PageHinkley(threshold=20.0),
    drift.KSWIN(alpha=0.001, seed=3),
    drift.DummyDriftDetector(t_0=90, seed=2),
    drift.NoDrift(),
    binary.DDM(),
    binary.EDDM(),
    binary.HDDMA(two_sided_test=True),
    binary.HDDMW(),
    binary.FHDDM(),
]
WITHOUT_WINDOW = [detector for detector in ALL if not isinstance(detector, drift.ADWIN)]
NAN = float("nan")


def named(value):
    return type(value).__name__ if not isinstance(value, str) else value


def errors(rng, *parts):
    """Return zeros and ones; each part is a rate and a number of them."""
    return np.concatenate([(rng.random(n) < rate).astype(float) for rate, n in parts]).tolist()


def alarms(detector, values):
    found = []
    for i, x in enumerate(values):
        detector.update(x)
        if detector.drift_detected:
            found.append(i)
    return found


STREAM = errors(np.random.default_rng(0), (0.1, 600), (0.7, 300), (0.2, 300))


@pytest.mark.parametrize("detector", WITHOUT_WINDOW, ids=named)
def test_alarms_and_warnings_are_those_of_river(detector):
    bare, guarded = detector.clone(), RiverDetector(detector)
    for x in STREAM:
        bare.update(int(x))
        guarded.update(x)
        assert guarded.drift_detected == bool(bare.drift_detected)
        if not bare.drift_detected:
            assert guarded.warning_detected == bool(getattr(bare, "warning_detected", False))


@pytest.mark.parametrize("seed", range(5))
def test_the_first_alarm_of_adwin_is_that_of_river(seed):
    values = errors(np.random.default_rng(seed), (0.1, 700), (0.3, 500))
    assert alarms(RiverDetector(drift.ADWIN()), values)[0] == alarms(drift.ADWIN(), values)[0]


def again(make, first, second, n=60):
    """Return further alarms for the first change, delays of the second one, and how many were missed."""
    rng = np.random.default_rng(0)
    further, delays, missed = 0, [], 0
    for _ in range(n):
        values = errors(rng, (0.1, 1_000), (first, 250), (second, 1_000))
        found = alarms(make(), values)
        further += len([i for i in found if 1_000 <= i < 1_250]) - 1
        seen = [i - 1_250 for i in found if i >= 1_250]
        delays += seen[:1]
        missed += not seen
    return further, np.mean(delays), missed


def test_a_second_change_soon_after_the_first_is_no_longer_missed_and_no_alarm_is_repeated():
    further, delay, missed = again(lambda: RiverDetector(drift.ADWIN()), 0.3, 0.6)
    bare_further, bare_delay, bare_missed = again(drift.ADWIN, 0.3, 0.6)
    assert further <= bare_further + 1
    assert missed <= bare_missed / 3
    assert delay < bare_delay


def test_after_a_change_a_long_quiet_stream_stays_quiet():
    rng, false = np.random.default_rng(0), 0
    for _ in range(40):
        values = [*rng.normal(size=1_000).tolist(), *rng.normal(loc=0.5, size=5_000).tolist()]
        false += len(RiverDetector(drift.ADWIN()).update_many(values)) - 1
    assert false <= 4  # with all of ADWIN's window, a hundred: the old values in it alarm again


def test_an_alarm_of_adwin_tells_when_and_by_how_much():
    rng, places, inside = np.random.default_rng(0), [], 0
    for _ in range(100):
        detector = RiverDetector(drift.ADWIN())
        values = [*rng.normal(size=900).tolist(), *rng.normal(loc=2.0, size=200).tolist()]
        n = 0
        while not detector.drift_detected:
            detector.update(values[n])
            n += 1
        result = detector.result
        places.append(result.changed_at - (n - 900))
        effect = result.effects["mean"]
        assert result.score == abs(effect.estimate)
        assert result.n_current == result.changed_at
        assert effect.low < effect.estimate < effect.high
        inside += effect.low <= 2.0 <= effect.high
    assert abs(np.median(places)) <= 1
    assert np.mean(np.abs(places) <= 3) > 0.9
    assert inside >= 80  # 95 % if the place were known; after a search, less


def test_the_window_after_an_alarm_holds_the_values_since_the_change():
    detector = RiverDetector(drift.ADWIN())
    for x in [0.0] * 1_000 + [10.0] * 24:
        detector.update(x)
    assert detector.drift_detected
    assert detector.result.changed_at == 24
    detector.update(10.0)
    assert not detector.drift_detected
    assert detector.result.n_current == 25
    assert detector.result.changed_at is None


@pytest.mark.parametrize("huge", [[50.0], [1e6], [1e130], [1e9, 1e20, 1e130]], ids=str)
@pytest.mark.parametrize("before", [0.0, 3.0], ids=["alone", "after a change"])
def test_huge_values_are_not_kept_to_hide_the_next_change(huge, before):
    rng = np.random.default_rng(0)
    values = [*rng.normal(loc=before, size=500).tolist(), *rng.normal(size=5).tolist(), *huge]
    values += rng.normal(size=1_000).tolist()
    late = rng.normal(loc=2.0, size=200).tolist()
    for detector in (drift.ADWIN(), RiverDetector(drift.ADWIN())):
        alarms(detector, values)
        assert alarms(detector, late)[0] < 100


def test_many_numbers_of_the_largest_size_do_not_overflow():
    rng = np.random.default_rng(0)
    detector = RiverDetector(drift.ADWIN())
    assert detector.update_many(1e139 * np.clip(rng.normal(size=5_000), -5.0, 5.0)) == []
    assert detector.update_many(1e139 * np.clip(rng.normal(loc=4.0, size=200), 0.0, 8.0))[0] < 64


@pytest.mark.parametrize("detector", ALL, ids=named)
@pytest.mark.parametrize("mode", ["raise", "skip", "flag"])
def test_many_at_once_are_as_one_by_one(detector, mode):
    single, many = RiverDetector(detector, mode), RiverDetector(detector, mode)
    values = STREAM if mode == "raise" else [NAN if i % 7 == 3 else x for i, x in enumerate(STREAM)]
    expected, found = alarms(single, values), []
    for start in range(0, len(values), 100):
        chunk = values[start : start + 100]
        kind = (list, tuple, np.array, pd.Series, iter)[start // 100 % 5]
        found += [start + i for i in many.update_many(kind(chunk))]
        assert isinstance(found, list)
    assert found == expected
    assert many.result == single.result
    assert many.invalid == single.invalid


BAD = [
    (None, "missing"),
    (NAN, "missing"),
    (np.float32("nan"), "missing"),
    (Decimal("NaN"), "not a number"),
    (math.inf, "infinite"),
    (-np.inf, "infinite"),
    (1e308, "too large"),
    (-1.01e140, "too large"),
    (10**400, "too large"),
    ("0.5", "not a number"),
    (b"1", "not a number"),
    (1 + 0j, "not a number"),
    (Decimal(1), "not a number"),
    ([1.0], "not a number"),
    (np.array([1.0]), "not a number"),
    (np.datetime64("2024-03-01"), "not a number"),
    (pd.NaT, "not a number"),
    (pd.NA, "missing"),
]
GOOD = [0, 1, True, np.True_, 0.0, np.int8(1), np.float16(1.0), Fraction(1, 1)]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=lambda value: repr(value)[:20])
def test_a_bad_value_is_refused_or_counted_by_its_reason(bad, reason):
    detector = RiverDetector(drift.ADWIN())
    detector.update_many(STREAM[:50])
    before = pickle.dumps(detector)
    for refused in (lambda: detector.update(bad), lambda: detector.update_many([1.0, bad])):
        with pytest.raises(InvalidInputError, match=r"pass on_invalid='skip' or 'flag'"):
            refused()
        assert pickle.dumps(detector) == before
    for mode in ("skip", "flag"):
        detector = RiverDetector(drift.ADWIN(), mode)
        detector.update(bad)
        detector.update_many([1.0, bad, 0.0])
        assert {name: n for name, n in detector.invalid.items() if n} == {reason: 2}
        assert detector.result.n_current == 2


@pytest.mark.parametrize("good", GOOD, ids=repr)
@pytest.mark.parametrize("detector", [drift.ADWIN(), binary.DDM()], ids=named)
def test_numbers_of_every_kind_are_taken(good, detector):
    guarded = RiverDetector(detector)
    guarded.update(good)
    guarded.update_many([good, good])
    guarded.update_many(np.array([good, good], dtype=object))
    assert guarded.result.n_current == 5


@pytest.mark.parametrize("bad", [0.5, 2, -1, 1e308, 1e-300])
@pytest.mark.parametrize("detector", [each for each in ALL if "binary" in type(each).__module__], ids=named)
def test_detectors_of_binary_data_are_given_nothing_else(bad, detector):
    with pytest.raises(InvalidInputError, match="x must be 0 or 1 for a detector of binary data, got"):
        RiverDetector(detector).update(bad)
    with pytest.raises(InvalidInputError, match=r"values\[1\] must be 0 or 1"):
        RiverDetector(detector).update_many([1, bad])
    skipping = RiverDetector(detector, "skip")
    skipping.update(bad)
    assert skipping.invalid["not 0 or 1"] == 1


def test_the_message_names_the_place_and_the_value():
    detector = RiverDetector(drift.ADWIN())
    with pytest.raises(InvalidInputError, match=r"^values\[2\] must be a number, got 'late'; leave it out"):
        detector.update_many([1.0, 2.0, "late", 3.0])
    with pytest.raises(InvalidInputError, match=r"^x must be at most 1e\+140 in size, got 1e\+308; "):
        detector.update(1e308)


NO_SEQUENCES = ["0101", b"01", {"a": 1}, {1, 0}, 3.0, None, np.array(1.0)]
NO_COLUMNS = [
    np.zeros((3, 2)),
    np.zeros((1, 3)),
    [[1.0, 2.0], [3.0, 4.0]],
    pd.DataFrame({"a": [1], "b": [2]}),
]


@pytest.mark.parametrize("values", [*NO_SEQUENCES, *NO_COLUMNS], ids=repr)
def test_what_is_no_sequence_is_refused_in_every_mode(values):
    with pytest.raises(InvalidInputError, match="values must be a sequence of numbers, got"):
        RiverDetector(drift.ADWIN(), "skip").update_many(values)


COLUMN = [1.0, None, 0.0, 1.0]
NANS = [1.0, NAN, 0.0, 1.0]
FORMS = {
    "array of one column": np.array(NANS)[:, None],
    "rows of one value": [[x] for x in COLUMN],
    "masked array": np.ma.masked_array([1.0, 9.0, 0.0, 1.0], [False, True, False, False]),
    "array of long doubles": np.array(NANS, dtype=np.longdouble),
    "pandas series": pd.Series(COLUMN),
    "pandas series of integers": pd.Series([1, None, 0, 1], dtype="Int64"),
    "pandas series of booleans": pd.Series([True, None, False, True], dtype="boolean"),
    "pandas frame": pd.DataFrame({"loss": COLUMN}),
    "dictionary": {"loss": COLUMN},
    "polars series": pl.Series(COLUMN),
    "polars frame": pl.DataFrame({"loss": COLUMN}),
    "arrow array": pa.array(COLUMN),
    "chunked arrow array": pa.chunked_array([COLUMN[:2], COLUMN[2:]]),
    "arrow table": pa.table({"loss": COLUMN}),
    "arrow batch": pa.record_batch({"loss": [True, None, False, True]}),
}


@pytest.mark.parametrize("values", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("detector", [drift.ADWIN(), binary.DDM()], ids=named)
def test_one_column_is_taken_out_of_whatever_holds_it(detector, values):
    guarded = RiverDetector(detector, "skip")
    guarded.update_many(values)
    assert {reason: n for reason, n in guarded.invalid.items() if n} == {"missing": 1}
    assert guarded.result.n_current == 3
    with pytest.raises(InvalidInputError, match=r"^values\[1\] must be a number"):
        RiverDetector(detector).update_many(values)


def test_of_a_table_that_is_no_value_nothing_is_told():
    secret = 123456.5
    for table in (
        pd.DataFrame({"a": [secret]}),
        pd.Series([secret]),
        [secret],
        {"a": secret},
        np.array([secret]),
    ):
        with pytest.raises(InvalidInputError, match="x must be a number, got") as refused:
            RiverDetector(drift.ADWIN()).update(table)
        assert "123456" not in str(refused.value)
    with pytest.raises(InvalidInputError) as refused:
        RiverDetector(drift.ADWIN()).update("word " * 1_000)
    assert len(str(refused.value)) < 250


def test_an_array_without_dimensions_is_the_number_in_it():
    single, many = RiverDetector(drift.ADWIN()), RiverDetector(drift.ADWIN())
    single.update(np.array(1.0))
    many.update_many([np.array(1.0)])
    assert single.result == many.result
    assert single.result.n_current == 1


def test_flagged_values_show_in_the_result_until_a_good_one_comes():
    detector = RiverDetector(binary.DDM(), "flag")
    detector.update_many(STREAM[:100])
    assert detector.result.state is DriftState.STABLE
    detector.update(NAN)
    assert detector.result.state is DriftState.UNDECIDED
    assert not detector.warning_detected
    assert "the last value was not used: missing" in detector.result.remarks
    assert "values not used: 1 missing" in detector.result.remarks
    detector.update(0)
    assert detector.result.state is DriftState.STABLE


def test_an_alarm_is_told_once_even_if_a_bad_value_follows():
    for mode in ("skip", "flag"):
        detector = RiverDetector(drift.ADWIN(), mode)
        for x in [0.0] * 1_000 + [10.0] * 24:
            detector.update(x)
        assert detector.drift_detected
        detector.update(NAN)
        assert not detector.drift_detected
        assert detector.result.state is not DriftState.DRIFT


def test_the_state_is_undecided_until_the_detector_tests():
    for detector, n in [(drift.ADWIN(), 10), (binary.DDM(), 30), (drift.KSWIN(), 100), (binary.FHDDM(), 100)]:
        guarded = RiverDetector(detector)
        for _ in range(n - 1):
            guarded.update(0)
            assert guarded.result.state is DriftState.UNDECIDED
        guarded.update(0)
        assert guarded.result.state is DriftState.STABLE
        assert guarded.result.remarks == (f"{type(detector).__name__} states no run length",)


@pytest.mark.parametrize("detector", ALL, ids=named)
def test_the_detector_given_is_never_changed(detector):
    before = repr(detector), pickle.dumps(detector)
    guarded = RiverDetector(detector)
    guarded.update_many(STREAM)
    guarded.reset()
    guarded.clone().update_many(STREAM)
    assert guarded.detector is detector
    assert (repr(detector), pickle.dumps(detector)) == before


def test_a_used_detector_is_given_as_new():
    used = drift.ADWIN()
    alarms(used, [5.0] * 500)
    assert RiverDetector(used).update_many([0.0] * 500) == []


def test_a_detector_that_changes_itself_when_cloned_is_still_reset_to_the_same():
    source = drift.DummyDriftDetector(trigger_method="random", t_0=50, w=20, dynamic_cloning=True, seed=1)
    detector = RiverDetector(source)
    first = detector.update_many(STREAM)
    for fresh in (detector.clone(), detector.clone()):
        assert repr(fresh) == repr(RiverDetector(source).clone())
    detector.reset()
    assert detector.update_many(STREAM) == first


def test_parameters_of_the_detector_are_read_and_set_by_name():
    detector = RiverDetector(drift.ADWIN(), "skip")
    detector.update(NAN)
    assert detector.get_params()["detector__delta"] == 0.002
    assert set(detector.get_params(deep=False)) == {"detector", "on_invalid"}
    given = detector.detector
    assert detector.set_params(detector__delta=0.5, detector__clock=4) is detector
    assert (detector.detector.delta, detector.detector.clock, given.delta) == (0.5, 4, 0.002)
    assert detector.invalid["missing"] == 0
    detector.set_params(detector=binary.DDM(), detector__warm_start=7, on_invalid="flag")
    assert repr(detector) == "RiverDetector(detector=DDM(warm_start=7), on_invalid='flag')"
    for wrong in ({"detector__delta": 0.1}, {"delta": 0.1}, {"on_invalid": "drop"}, {"detector": 3}):
        with pytest.raises(InvalidParameterError):
            detector.set_params(**wrong)
        assert repr(detector) == "RiverDetector(detector=DDM(warm_start=7), on_invalid='flag')"


def test_a_detector_of_ours_can_be_guarded_too():
    detector = RiverDetector(RiskDetector(limit=0.2), "skip")
    assert detector.get_params()["detector__limit"] == 0.2
    assert detector.set_params(detector__limit=0.3).detector.limit == 0.3
    found = detector.update_many([NAN, *STREAM])
    assert found
    assert detector.clone().detector.limit == 0.3


class Peer:
    """Any object of river's shape."""

    drift_detected = False

    def update(self, x):
        self.drift_detected = x > 3.0

    def clone(self):
        return Peer()


def test_any_object_of_that_shape_is_guarded():
    assert RiverDetector(Peer(), "skip").update_many([1.0, 5.0, NAN, 2.0, 4.0]) == [1, 4]


@pytest.mark.parametrize("wrong", [drift.ADWIN, None, "ADWIN", 3.0, object()])
def test_what_is_no_detector_is_refused(wrong):
    with pytest.raises(
        InvalidParameterError, match=r"detector must be .*give an object such as river.drift.ADWIN"
    ):
        RiverDetector(wrong)


def test_an_unknown_mode_is_refused():
    with pytest.raises(InvalidParameterError, match="on_invalid must be one of 'raise', 'skip', 'flag'"):
        RiverDetector(drift.ADWIN(), "warn")


@pytest.mark.parametrize("detector", ALL, ids=named)
def test_copies_and_pickles_go_on_alike(detector):
    guarded = RiverDetector(detector, "skip")
    guarded.update_many(STREAM[:700])
    twins = [
        copy.deepcopy(guarded),
        pickle.loads(pickle.dumps(guarded)),
        guarded.clone(include_attributes=True),
    ]
    expected = guarded.update_many(STREAM[700:])
    assert all(twin.update_many(STREAM[700:]) == expected for twin in twins)


def test_memory_is_bounded_by_the_last_thousand_values():
    detector = RiverDetector(drift.ADWIN())
    detector.update_many(np.random.default_rng(0).normal(size=20_000))
    before = len(pickle.dumps(detector))
    detector.update_many(np.random.default_rng(1).normal(size=200_000))
    assert before < 40_000
    assert len(pickle.dumps(detector)) < before + 1_000


def test_counts_cannot_be_written_to():
    detector = RiverDetector(drift.ADWIN(), "skip")
    with pytest.raises(TypeError):
        detector.invalid["missing"] = 3
