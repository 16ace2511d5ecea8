"""OnlineMMD: a twin by brute force, one by one as in one go, missing values, the run length on fresh rows."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.drift import DriftState, OnlineMMD
from contlearn.drift._streams._draws import own_generator
from contlearn.drift._streams._row_features import RowFeatures
from contlearn.drift._streams._window_limits import window_limits
from contlearn.exceptions import InvalidInputError, InvalidParameterError, SchemaError

SMALL = {"run_length": 300, "window": 20, "warm_up": 100, "n_features": 32}

LAWS = {
    "normal": lambda rng, n: rng.normal(size=(n, 5)),
    "lognormal": lambda rng, n: rng.lognormal(size=(n, 5)),
    "t2": lambda rng, n: rng.standard_t(2, size=(n, 5)),
    "poisson": lambda rng, n: rng.poisson(4, size=(n, 5)),
    "rounded": lambda rng, n: np.round(rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, 5)), 1),
}


def by_one(detector, rows):
    alarms = []
    for position, row in enumerate(rows):
        detector.update(row)
        if detector.drift_detected:
            alarms.append(position)
    return alarms


def everything(detector):
    window = detector._window
    shares = [share.checkpoint() for share in detector._missing]
    return window.ring.tolist(), window.sums.tolist(), window[2:], shares, detector._evidence


# --- features and limits


def test_products_of_features_are_a_kernel_of_the_distance():
    """Rows equally far apart have the same product, up to some noise, and nearer ones a larger one."""
    rng = np.random.default_rng(1)
    reference = rng.normal(size=(500, 3))
    features = RowFeatures(reference, 640, rng)
    start = rng.normal(size=(200, 3))
    step = rng.normal(size=(200, 3))
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    products = []
    for size in (0.0, 0.5, 1.0, 2.0, 4.0):
        one = features.of(start) + features._mean
        other = features.of(start + size * step) + features._mean
        products.append((one * other).mean(axis=1) / 2.0**20 * 2)
    assert np.allclose(products[0], 1.0, atol=0.01)
    assert all(np.std(product) < 0.1 for product in products)
    assert (np.diff([np.mean(product) for product in products]) < 0).all()


def test_features_are_whole_numbers_whose_sums_are_exact():
    rng = np.random.default_rng(2)
    features = RowFeatures(rng.normal(size=(300, 4)), 64, rng).of(rng.normal(size=(500, 4)))
    assert (features == np.rint(features)).all()
    assert np.abs(features).max() <= 2**11
    assert features.shape == (500, 64)


def test_limits_keep_the_run_length_among_simulated_rows_of_a_known_law():
    """Features that are normal noise: fresh streams pass the limits about once in the run length."""
    rng = np.random.default_rng(3)
    limits = window_limits(rng.normal(scale=500, size=(5000, 8)), 10, 500, rng).limits
    assert (np.diff(limits) >= 0).all()
    times = []
    for _ in range(1500):
        rows = rng.normal(scale=500, size=(1500, 8))
        sums = np.cumsum(np.concatenate((np.zeros((1, 8)), rows)), axis=0)
        begin = np.maximum(np.arange(1, 1501) - 10, 0)
        squares = ((sums[1:] - sums[begin]) ** 2).sum(axis=1)
        passed = np.flatnonzero(squares >= limits[np.minimum(np.arange(1500), 9)])
        times.append(passed[0] + 1 if len(passed) else math.inf)
    times = np.array(times)
    mean = np.minimum(times, 1500).sum() / np.isfinite(times).sum()
    assert 400 <= mean / 1.15 <= 600


# --- the detector


def test_evidence_follows_the_definition_by_brute_force():
    """The squared distance of mean features, with no ring, no running sum and no table."""
    rng = np.random.default_rng(4)
    reference, rows = rng.normal(size=(200, 2)), rng.normal(size=(80, 2))
    detector = OnlineMMD(**SMALL).fit(reference)
    generator = own_generator(0)
    features = RowFeatures(reference, 32, generator)
    limits = window_limits(features.of(reference), 20, 300 / 0.95, generator)
    for t, row in enumerate(rows, start=1):
        detector.update(row)
        last = features.of(rows[max(0, t - 20) : t])
        squared = float((last.mean(axis=0) ** 2).sum()) * len(last) ** 2
        ratio = squared / limits.limits[min(t, 20) - 1]
        expected = 300 * math.exp(limits.steepness * (ratio - 1))
        assert expected * math.exp(-limits.steepness / 256) * (1 - 1e-9) <= detector.result.score
        assert detector.result.score <= expected * (1 + 1e-9)
        if detector.drift_detected:
            break


@settings(derandomize=True, deadline=None, max_examples=12)
@given(st.data())
def test_one_by_one_and_many_at_once_are_equal_to_the_last_bit(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    rows = rng.normal(size=(400, 2))
    rows[250:] += data.draw(st.sampled_from([0.0, 0.8]))
    rows[rng.random((400, 2)) < data.draw(st.sampled_from([0.0, 0.01, 0.2]))] = np.nan
    one, many = OnlineMMD(**SMALL), OnlineMMD(**SMALL)
    if data.draw(st.booleans()):
        one.fit(rows[::-1])
        many.fit(rows[::-1])
    cuts = sorted(data.draw(st.lists(st.integers(0, 400), max_size=5)))
    alarms = [
        begin + position
        for begin, end in zip([0, *cuts], [*cuts, 400], strict=True)
        for position in many.update_many(rows[begin:end])
    ]
    assert by_one(one, rows) == alarms
    assert everything(one) == everything(many)
    assert one.result == many.result


def test_rows_may_be_arrays_lists_mappings_or_frames():
    rng = np.random.default_rng(5)
    reference, rows = rng.normal(size=(150, 2)), rng.normal(loc=0.5, size=(60, 2))
    frame = pd.DataFrame(reference, columns=["a", "b"])
    table = pd.DataFrame(rows, columns=["a", "b"])
    detectors = [OnlineMMD(**SMALL).fit(frame) for _ in range(5)]
    by_one(detectors[0], rows)
    by_one(detectors[1], rows.tolist())
    by_one(detectors[2], [{"b": row[1], "a": row[0]} for row in rows])
    detectors[3].update_many(table[["b", "a"]])
    detectors[4].update_many({"a": rows[:, 0], "b": rows[:, 1]})
    assert all(everything(each) == everything(detectors[0]) for each in detectors[1:])


def test_numbers_are_rows_of_one_column():
    rng = np.random.default_rng(6)
    values = rng.normal(size=200)
    one, many = OnlineMMD(**SMALL), OnlineMMD(**SMALL)
    by_one(one, values)
    many.update_many(values)
    assert everything(one) == everything(many)


@pytest.mark.parametrize(
    ("change", "within"),
    [
        (lambda rows: rows + np.array([1.0, 0, 0, 0, 0]), 60),
        (lambda rows: rows + 0.5, 60),
        (lambda rows: rows * 1.5, 70),
        (lambda rows: rows * 0.6, 80),
        (lambda rows: np.column_stack((rows[:, 0], rows[:, 0] + 0.2 * rows[:, 1:2].T[0], rows[:, 2:])), 150),
    ],
    ids=["one mean", "all means", "wider", "narrower", "correlation"],
)
def test_changes_of_any_kind_are_found(change, within):
    """Mean delay over 20 streams, change after 300 rows, promise 2,000."""
    rng = np.random.default_rng(7)
    detector = OnlineMMD(2000).fit(rng.normal(size=(1000, 5)))
    delays = []
    for _ in range(20):
        detector.reset()
        detector.update_many(rng.normal(size=(300, 5)))
        alarms = detector.update_many(change(rng.normal(size=(1500, 5))))
        assert alarms
        delays.append(alarms[0] + 1)
    assert np.mean(delays) <= within


@pytest.mark.calibration
@pytest.mark.parametrize("law", LAWS)
def test_run_length_on_fresh_rows_is_at_least_four_fifths_of_the_promise(law):
    """Over 24 references of 1,000 rows, five columns, promise 1,000; about 250 alarms."""
    alarms = 0
    for seed in range(24):
        rng = np.random.default_rng([8, seed])
        detector = OnlineMMD(1000, window=50, seed=seed).fit(LAWS[law](rng, 1000))
        for _ in range(3):
            detector.reset()
            alarms += len(detector.update_many(LAWS[law](rng, 4000)))
    assert 24 * 12_000 / alarms >= 800


def test_an_alarm_stands_for_one_update_and_the_next_starts_afresh():
    rng = np.random.default_rng(9)
    detector = OnlineMMD(**SMALL).fit(rng.normal(size=(200, 2)))
    alarms = by_one(detector, np.full((40, 2), 5.0))
    assert len(alarms) > 1
    detector.reset()
    by_one(detector, np.full((alarms[0] + 1, 2), 5.0))
    assert detector.result.state is DriftState.DRIFT
    assert detector.result.score >= 300
    detector.update([0.0, 0.0])
    assert not detector.drift_detected
    assert detector.result.n_current == 1


def test_warm_up_is_undecided_and_reset_forgets_it_but_not_what_was_fitted():
    rng = np.random.default_rng(10)
    rows = rng.normal(size=(300, 2))
    detector = OnlineMMD(**SMALL)
    detector.update_many(rows[:99])
    assert detector.result.state is DriftState.UNDECIDED
    detector.update(rows[99])
    assert (detector.result.state, detector.result.n_reference) == (DriftState.UNDECIDED, 100)
    detector.update(rows[0])
    assert detector.result.state is not DriftState.UNDECIDED
    detector.reset()
    assert detector.result.state is DriftState.UNDECIDED
    detector.fit(rows)
    first = detector.update_many(rows + 0.5)
    detector.reset()
    assert detector.update_many(rows + 0.5) == first


# --- missing values


def test_a_column_that_goes_missing_raises_an_alarm():
    rng = np.random.default_rng(11)
    detector = OnlineMMD(**SMALL).fit(rng.normal(size=(500, 3)))
    rows = rng.normal(size=(100, 3))
    rows[:, 1] = np.nan
    assert detector.update_many(rows)[0] < 10
    detector.reset()
    by_one(detector, rows[:3])
    assert set(detector.result.parts) == {"rows", "missing"}
    assert set(detector.result.parts["missing"].parts) == {"1"}


def test_the_column_that_went_missing_is_named():
    rng = np.random.default_rng(19)
    detector = OnlineMMD(**SMALL).fit(rng.normal(size=(500, 3)))
    for _ in range(20):
        detector.update([0.0, None, 0.0])
        if detector.drift_detected:
            break
    assert detector.result.drifted == ("missing",)
    assert detector.result.parts["missing"].drifted == ("1",)


def test_the_time_of_the_change_is_estimated_within_the_window():
    errors = []
    rng = np.random.default_rng(20)
    detector = OnlineMMD(**SMALL | {"window": 60}).fit(rng.normal(size=(500, 3)))
    for _ in range(20):
        detector.reset()
        detector.update_many(rng.normal(size=(100, 3)))
        for delay in range(1, 60):
            detector.update(rng.normal(loc=0.7, size=3))
            if detector.drift_detected:
                errors.append(detector.result.changed_at - delay)
                break
    assert abs(np.median(errors)) <= 4


def test_incomplete_rows_do_not_blind_it():
    rng = np.random.default_rng(12)
    reference = rng.normal(size=(500, 3))
    reference[rng.random((500, 3)) < 0.1] = np.nan
    detector = OnlineMMD(**SMALL).fit(reference)
    rows = rng.normal(loc=1.0, size=(200, 3))
    rows[rng.random((200, 3)) < 0.1] = np.nan
    assert detector.update_many(rows)[0] < 40


def test_rows_missing_as_often_as_before_keep_the_run_length():
    alarms = 0
    for seed in range(10):
        rng = np.random.default_rng([13, seed])
        reference, rows = rng.normal(size=(1000, 3)), rng.normal(size=(3000, 3))
        reference[rng.random((1000, 3)) < 0.1] = np.nan
        rows[rng.random((3000, 3)) < 0.1] = np.nan
        alarms += len(OnlineMMD(**SMALL, seed=seed).fit(reference).update_many(rows))
    assert 10 * 3000 / alarms >= 0.8 * 300


# --- errors


@pytest.mark.parametrize(
    "arguments",
    [
        {"run_length": 1}, {"run_length": math.nan}, {"run_length": "x"},
        {"window": 1}, {"window": 2.5}, {"window": 10**6}, {"warm_up": 50},
        {"n_features": 4}, {"n_features": 10_000}, {"seed": -1}, {"warning_run_length": 0},
    ],
)  # fmt: skip
def test_arguments_that_cannot_work_are_refused(arguments):
    with pytest.raises(InvalidParameterError, match=next(iter(arguments))):
        OnlineMMD(**arguments)


@pytest.mark.parametrize(
    "bad",
    [
        [1.0], [1.0, 2.0, 3.0], [1.0, math.inf], [-math.inf, 0.0], ["a", "b"], "ab", 1.0, [True, 1.0],
        {"0": 1.0}, {"0": 1.0, "1": 2.0, "2": 3.0}, [[1.0, 2.0]], np.ones((1, 2)), None,
    ],
)  # fmt: skip
def test_bad_rows_are_refused_and_the_detector_works_on(bad):
    rng = np.random.default_rng(14)
    reference, rows = rng.normal(size=(100, 2)), rng.normal(size=(50, 2))
    detector, twin = OnlineMMD(**SMALL).fit(reference), OnlineMMD(**SMALL).fit(reference)
    for row in rows:
        with pytest.raises(InvalidInputError):
            detector.update(bad)
        detector.update(row)
        twin.update(row)
    assert everything(detector) == everything(twin)


@pytest.mark.parametrize("bad", [np.ones((5, 3)), np.full((5, 2), np.inf), [["a", "b"]], {"0": [1.0]}])
def test_tables_that_cannot_be_used_are_refused_whole(bad):
    rng = np.random.default_rng(15)
    detector = OnlineMMD(**SMALL).fit(rng.normal(size=(100, 2)))
    before = everything(detector)
    with pytest.raises(InvalidInputError):
        detector.update_many(bad)
    assert everything(detector) == before


def test_columns_are_matched_by_name():
    rng = np.random.default_rng(16)
    detector = OnlineMMD(**SMALL).fit(pd.DataFrame(rng.normal(size=(100, 2)), columns=["a", "b"]))
    with pytest.raises(SchemaError, match="no 'b'"):
        detector.update({"a": 1.0})
    with pytest.raises(SchemaError, match="'c' in addition"):
        detector.update({"a": 1.0, "b": 1.0, "c": 1.0})


def test_a_reference_of_less_than_a_window_is_refused_and_an_earlier_one_kept():
    rng = np.random.default_rng(17)
    detector = OnlineMMD(**SMALL).fit(rng.normal(size=(100, 2)))
    with pytest.raises(InvalidInputError, match="complete rows"):
        detector.fit(rng.normal(size=(19, 2)))
    assert detector.result.n_reference == 100
    with pytest.raises(InvalidInputError):
        detector.fit(np.full((100, 2), np.nan))


def test_constant_columns_and_enormous_values_do_no_harm():
    rng = np.random.default_rng(18)
    reference = np.column_stack((rng.normal(size=300), np.ones(300)))
    detector = OnlineMMD(**SMALL).fit(reference)
    detector.update_many(reference[:10])
    for row in ([1e308, 1.0], [5e-324, 1.0], [-1e308, 1e308]):
        detector.update(row)
    detector.reset()
    assert detector.update_many(np.column_stack((rng.normal(size=100), np.full(100, 2.0))))[0] < 40
