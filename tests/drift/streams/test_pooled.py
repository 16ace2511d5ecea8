"""One run length over many streams: which evidence, who is named, and that many are one after another."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn.base import clone

from contlearn.drift import KS, DistributionDetector, DriftState, Latched, OverTime, Pooled, RiskDetector
from contlearn.drift._streams._e_bh import e_bh
from contlearn.exceptions import ContlearnError, InvalidInputError, InvalidParameterError, NotFittedError

RNG = np.random.default_rng(0)
NAMES = ("a", "b", "c")


def risks(run_length=100, **arguments):
    return Pooled({name: RiskDetector(limit=0.1, run_length=run_length) for name in NAMES}, **arguments)


def mixed():
    """A risk, a distribution with a reference, and one that learns its own."""
    return Pooled(
        {
            "a": RiskDetector(limit=0.1, run_length=150),
            "b": DistributionDetector(run_length=150),
            "c": DistributionDetector(run_length=150, warm_up=70, seed=1),
        }
    ).fit({"b": np.random.default_rng(1).normal(size=300)})


def values(n, shift, rng):
    return {
        "a": (rng.random(n) < 0.1 + 0.2 * shift).astype(float),
        "b": rng.normal(shift, size=n),
        "c": rng.normal(size=n),
    }


def test_the_evidence_is_the_mean_over_the_streams():
    pool = risks(run_length=10_000)
    alone = {name: RiskDetector(limit=0.1) for name in NAMES}
    for x in (RNG.random((40, 3)) < 0.2).tolist():
        pool.update(dict(zip(NAMES, x, strict=True)))
        for name, each in zip(NAMES, x, strict=True):
            alone[name].update(each)
        mean = sum(alone[name].result.score for name in NAMES) / 3
        assert pool.result.score == pytest.approx(mean, rel=1e-12)
        assert pool.result.parts["a"].score == alone["a"].result.score


@given(
    spells=st.lists(
        st.tuples(st.sets(st.sampled_from(NAMES)), st.sampled_from([0.0, 1.5]), st.integers(0, 300)),
        min_size=1,
        max_size=5,
    ),
    seed=st.integers(0, 99),
)
@settings(derandomize=True, deadline=None, max_examples=25)
def test_many_updates_are_one_after_another_to_the_last_bit(spells, seed):
    one, many = mixed(), mixed()
    rng = np.random.default_rng(seed)
    for names, shift, n in spells:
        given_ = {name: each for name, each in values(n, shift, rng).items() if name in names}
        alarms = []
        for position in range(n if names else 0):
            one.update({name: each[position] for name, each in given_.items()})
            alarms += [position] * one.drift_detected
        assert many.update_many(given_) == alarms
        assert many._evidence == one._evidence
        assert many.result == one.result
        assert many.drift_detected == bool(many.result)
        assert (many.drift_detected, many.warning_detected) == (one.drift_detected, one.warning_detected)


def test_the_stream_that_moved_is_named_and_says_since_when():
    pool = Pooled({name: DistributionDetector() for name in NAMES}).fit(
        {name: RNG.normal(size=1_000) for name in NAMES}
    )
    assert pool.update_many({name: RNG.normal(size=500) for name in NAMES}) == []
    for _ in range(200):
        pool.update({name: RNG.normal(2.0 if name == "b" else 0.0) for name in NAMES})
        if pool.drift_detected:
            break
    n = pool.result.n_current - 500
    assert pool.result.drifted == ("b",)
    assert pool.result.changed_at == pytest.approx(n, abs=8)
    assert pool.result.threshold == 10_000
    assert pool.result.parts["b"].score >= pool.result.parts["b"].threshold == 30_000
    assert pool.result.parts["a"].state is DriftState.STABLE
    assert 1 < n < 60


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12), st.sampled_from([10.0, 1e4]))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_who_is_named_is_e_bh_and_naming_anyone_needs_an_alarm(evidence, limit):
    named = e_bh({str(i): each for i, each in enumerate(evidence)}, limit)
    total = len(evidence)
    largest = sorted(evidence, reverse=True)
    k = max((k for k in range(1, total + 1) if largest[k - 1] >= limit * total / k), default=0)
    assert sorted((evidence[int(name)] for name in named), reverse=True) == largest[:k]
    if named:
        assert sum(evidence) / total >= limit * (1 - 1e-12)


def test_an_alarm_of_many_in_which_none_can_be_named_says_so():
    """The mean can reach the limit where no k streams reach theirs: 2/3 of it spread as 1, 1/2, 1/3."""
    assert e_bh({"a": 29.0, "b": 14.0, "c": 9.0}, 10.0) == set()
    pool = risks(run_length=100)
    seen = set()
    for _ in range(400):
        pool.update({name: float(RNG.random() < 0.3) for name in NAMES})
        if pool.drift_detected:
            result = pool.result
            seen.add(bool(result.drifted))
            if not result.drifted:
                largest = max(result.parts, key=lambda name: result.parts[name].score)
                assert (
                    f"no single stream can be named; most of the evidence is in '{largest}'" in result.remarks
                )
                assert result.parts[largest].state is DriftState.WARNING
    assert seen == {True, False}


def test_silent_streams_keep_their_evidence_and_an_update_counts_once():
    pool = risks(run_length=10_000)
    pool.update({"a": 1.0, "b": 1.0})
    before = pool.result.parts["b"].score
    pool.update({"a": 1.0})
    assert pool.result.parts["b"].score == before
    assert pool.result.n_current == 2
    pool.update({})
    assert pool.result.n_current == 3


def test_an_alarm_restarts_all():
    pool = risks()
    while not pool.drift_detected:
        pool.update({"a": 1.0, "b": 0.0})
    pool.update({"b": 0.0})
    assert pool.result.n_current == 1
    assert pool.result.parts["a"].score == 0.0
    assert pool.result.state is DriftState.UNDECIDED  # of the others, nothing is known since
    pool.update(dict.fromkeys(pool.detectors, 0.0))
    assert pool.result.state is DriftState.STABLE


def test_bad_values_name_their_stream_and_change_nothing():
    pool = mixed()
    pool.update_many(values(100, 0.0, RNG))
    before = pickle.dumps(pool)
    for bad in ({"a": 2.0}, {"a": None}, {"b": float("inf")}, {"b": "x"}):
        (name,) = bad
        with pytest.raises(InvalidInputError, match=f"stream '{name}'"):
            pool.update({"c": 0.0, **bad})
        with pytest.raises(InvalidInputError, match=f"stream '{name}'"):
            pool.update_many({"c": [0.0, 0.0], name: [0.5, bad[name]]})
    for bad in ({"d": 1.0}, 3.0, [1.0]):
        with pytest.raises((InvalidInputError, InvalidParameterError)):
            pool.update(bad)
    with pytest.raises(InvalidInputError, match="same length"):
        pool.update_many({"a": [0.0], "b": [0.0, 1.0]})
    assert pickle.dumps(pool) == before
    assert pool.update_many(values(300, 1.5, RNG))


def test_missing_values_are_evidence_where_the_detector_tests_them():
    pool = mixed()
    alarms = pool.update_many({"b": [np.nan] * 200})
    assert alarms
    assert pool.result.state is not DriftState.UNDECIDED or pool.drift_detected


def test_states_before_a_reference():
    pool = Pooled({"a": DistributionDetector(warm_up=50), "b": RiskDetector()})
    assert pool.result.state is DriftState.UNDECIDED
    for method in (pool.update, pool.update_many):
        with pytest.raises(NotFittedError, match="stream 'b'"):
            method({"b": 0.0} if method == pool.update else {"b": [0.0]})
    pool.fit({"b": np.zeros(100)})
    pool.update_many({"a": RNG.normal(size=60), "b": np.zeros(60)})
    assert pool.result.state is DriftState.STABLE


def test_fit_is_all_or_nothing_and_reset_keeps_references():
    pool = mixed()
    before = pickle.dumps(pool)
    with pytest.raises(InvalidInputError, match="stream 'c'"):
        pool.fit({"b": RNG.normal(size=100), "c": [1.0, np.inf]})
    with pytest.raises(ContlearnError, match="'x'"):
        pool.fit({"x": [1.0, 2.0]})
    assert pickle.dumps(pool) == before
    pool.update_many(values(100, 1.5, RNG))
    pool.reset()
    assert pickle.loads(before).result == pool.result


def test_frames_are_read_by_column():
    pd = pytest.importorskip("pandas")
    rows = values(200, 1.0, np.random.default_rng(3))
    one, other = mixed(), mixed()
    assert one.update_many(pd.DataFrame(rows, index=range(7, 207))) == other.update_many(rows)
    assert one.result == other.result


def test_clones_parameters_and_the_users_detectors():
    inner = {"a": RiskDetector(limit=0.1), "b__x": DistributionDetector().fit(RNG.normal(size=50))}
    pool = Pooled(inner, run_length=500)
    pool.update_many({"a": [1.0] * 50, "b__x": RNG.normal(size=50)})
    assert inner["a"].result.n_current == 0
    for fresh in (pool.clone(), clone(pool)):
        assert repr(fresh) == repr(pool)
        assert fresh.result.parts["b__x"].state is DriftState.UNDECIDED
    assert pool.get_params()["detectors__b__x__seed"] == 0
    assert clone(pool).set_params(detectors__a__limit=0.3).detectors["a"].limit == 0.3
    assert (
        clone(pool).set_params(detectors__b__x__seed=5, run_length=7).get_params()["detectors__b__x__seed"]
        == 5
    )
    with pytest.raises(InvalidParameterError):
        pool.set_params(detectors__d=1)
    assert inner["a"].limit == 0.1


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"detectors": {}}, "at least one"),
        ({"detectors": [RiskDetector(limit=0.1)]}, "mapping"),
        ({"detectors": {1: RiskDetector(limit=0.1)}}, "text"),
        ({"detectors": {"a": KS()}}, "run length"),
        ({"detectors": {"a": OverTime(KS())}}, "RiskDetector or a DistributionDetector"),
        ({"detectors": {"a": Latched(RiskDetector(limit=0.1))}}, "RiskDetector"),
        ({"detectors": {"a": RiskDetector(limit=0.1, run_length=None, alpha=0.1)}}, "run_length"),
        (
            {"detectors": {"a": RiskDetector(limit=0.1), "b": RiskDetector(limit=0.1, run_length=5)}},
            "run_length",
        ),
        ({"detectors": {"a": RiskDetector(limit=0.1)}, "run_length": 0.5}, "run_length"),
    ],
)
def test_what_can_never_work_is_refused(arguments, match):
    with pytest.raises(InvalidParameterError, match=match):
        Pooled(**arguments)


def test_the_state_is_flat_and_a_pickle_goes_on_alike():
    pool = mixed()
    sizes = []
    for _ in range(8):
        pool.update_many(values(1_000, 0.0, RNG))
        sizes.append(len(pickle.dumps(pool)))
    assert max(sizes[4:]) <= max(sizes[:4]) + 500
    again = pickle.loads(pickle.dumps(pool))
    more = values(200, 1.0, RNG)
    assert again.update_many(more) == pool.update_many(more)
    assert again.result == pool.result


@pytest.mark.calibration
def test_the_run_length_of_many_streams_is_that_of_one():
    """Ten streams whose errors come together: as many alarms as one may have, in 20 x 20,000 updates."""
    rng = np.random.default_rng(0)
    names = [str(i) for i in range(10)]
    alarms = 0
    for _ in range(20):
        pool = Pooled({name: RiskDetector(limit=0.1, run_length=2_000) for name in names})
        shared, own = rng.random(20_000), rng.random((10, 20_000))
        together = rng.random(20_000) < 0.5
        errors = np.where(together, shared, own) < 0.1
        rows = dict(zip(names, errors.astype(float), strict=True))
        alarms += len(pool.update_many(rows))
    assert alarms <= special.pdtrik(1 - 1e-6, 200.0)  # 400,000 updates, one in 2,000


@pytest.mark.calibration
def test_thirty_columns_delay_one_by_little():
    """One of 30 columns moves by half a standard deviation; the run length stays what it was."""
    rng = np.random.default_rng(0)
    names = [str(i) for i in range(30)]
    delays = []
    for _ in range(15):
        pool = Pooled({name: DistributionDetector() for name in names})
        pool.fit({name: rng.normal(size=1_000) for name in names})
        for n in (300, 600):
            rows = {name: rng.normal(size=n) for name in names}
            if n == 600:
                rows["7"] += 0.5
            alarms = pool.update_many(rows)
        delays.append(alarms[0] + 1 if alarms else 600)
    assert np.mean(delays) <= 200


def test_it_warns_at_the_run_length_that_is_asked_for():
    early, late, usual = risks(warning_run_length=2), risks(warning_run_length=100), risks()
    first = {}
    for n in range(60):
        for name, pool in (("early", early), ("late", late), ("usual", usual)):
            pool.update(dict.fromkeys(NAMES, float(n % 3 == 0)))
            score, limit = pool.result.score, {"early": 2, "late": 100, "usual": 10}[name]
            assert pool.warning_detected == (limit <= score < 100)
            if pool.warning_detected:
                first.setdefault(name, n)
    assert first["early"] < first["usual"]
    assert "late" not in first
    assert early.get_params()["warning_run_length"] == early.clone().warning_run_length == 2
    for bad in (0.5, 101, "often"):
        with pytest.raises(InvalidParameterError, match="warning_run_length"):
            risks(warning_run_length=bad)


def test_many_rows_name_the_same_streams_or_none_is_taken_in():
    pool = risks()
    before = pickle.dumps(pool)
    with pytest.raises(InvalidInputError, match=r"values\[1\] must name the streams of values\[0\]"):
        pool.update_many([{"a": 0.0}, {"b": 0.0}])
    with pytest.raises(
        InvalidInputError, match=r"values\[1\] must be a mapping of names to values, got list"
    ):
        pool.update_many([{"a": 0.0}, [0.123]])
    with pytest.raises(InvalidInputError, match=r"x must be a mapping of names to values, got ndarray"):
        pool.update(np.array([0.123]))
    assert pool.update_many([]) == []
    assert pickle.dumps(pool) == before


def test_streams_with_one_seed_draw_other_numbers_and_the_same_ones_again():
    """With the draws of one, somewhat later, the past of a stream would foretell those of another."""
    values = np.random.default_rng(0).normal(size=1_000)
    sizes = {"a": 500, "b": 700, "c": 1_000}

    def drawn(pool):
        return {name: stream._generator.random(3_000) for name, stream in pool._streams.items()}

    def pool():
        return Pooled({name: DistributionDetector() for name in sizes})

    fitted = {name: DistributionDetector().fit(values[:n]) for name, n in sizes.items()}
    for make in (
        pool,
        lambda: pool().fit({name: values[:n] for name, n in sizes.items()}),
        lambda: Pooled(fitted),
    ):
        first, again = drawn(make()), drawn(make())
        assert all(np.array_equal(first[name], again[name]) for name in sizes)
        assert len(set(np.concatenate(list(first.values())).tolist())) == 9_000
        watch = make()
        drawn(watch)
        watch.reset()
        if watch.result.n_reference:
            assert all(np.array_equal(first[name], each) for name, each in drawn(watch).items())
