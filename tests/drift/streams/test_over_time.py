"""Batch after batch: whose alphas, whose decisions, what is spent, and that few alarms are false."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from scipy import special
from sklearn.base import clone

from contlearn import drift
from contlearn.drift import KS, MMD, PSI, ByColumn, ChiSquared, DriftState, OverTime
from contlearn.exceptions import ContlearnError, InvalidInputError, InvalidParameterError, NotFittedError
from contlearn.results import DriftResult
from contlearn.stats import addis, lord, saffron

RNG = np.random.default_rng(0)
REFERENCE = RNG.normal(size=3_000)
CONTROLS = ("lord++", "saffron", "addis", "spending")


class ByPValue:
    """A batch detector whose batch is its p-value, its effect and whether it can decide at all."""

    alpha = 0.05

    def __init__(self, alpha=0.05):
        self.alpha = alpha

    def get_params(self, deep=True):
        return {"alpha": self.alpha}

    def set_params(self, **params):
        self.__init__(**params)
        return self

    def fit(self, reference):
        self.reference_ = reference
        return self

    def detect(self, batch):
        p_value, score = batch if isinstance(batch, tuple) else (batch, 1.0)
        if isinstance(p_value, str):
            raise InvalidInputError("X must be a number, got text")
        if p_value is None:
            return DriftResult(state=DriftState.UNDECIDED, alpha=self.alpha)
        state = DriftState.DRIFT if p_value <= self.alpha and score >= 0.1 else DriftState.STABLE
        return DriftResult(state=state, p_value=p_value, score=score, alpha=self.alpha)


def some_p_values(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.2, rng.random(n) * 1e-4, rng.random(n)).tolist()


@pytest.mark.parametrize(("control", "function"), [("lord++", lord), ("saffron", saffron), ("addis", addis)])
def test_alphas_and_alarms_are_those_of_the_procedure(control, function):
    p = some_p_values()
    rejected, alphas = function(p, 0.1)
    watch = OverTime(ByPValue(), control, alpha=0.1).fit(0)
    for each, alarm, alpha in zip(p, rejected, alphas, strict=True):
        assert watch.result.state is DriftState.UNDECIDED or watch.result.p_value is not None
        watch.update(each)
        assert watch.drift_detected == bool(watch.result) == alarm
        assert watch.result.alpha == pytest.approx(alpha, rel=1e-12)
        assert watch.result.p_value == each


def test_spending_spends_no_more_than_alpha_in_all():
    watch = OverTime(ByPValue(), "spending", alpha=0.05).fit(0)
    spent = []
    for each in [0.0, *some_p_values(2_000)]:
        watch.update(each)
        spent.append(watch.result.alpha)
    assert 0.01 < sum(spent) <= 0.05
    assert (np.diff(spent) < 0).all()
    assert "any false alarm, ever, has a chance below 0.05" in watch.result.remarks[-1]


def test_an_effect_below_the_tolerance_is_no_alarm_and_earns_nothing():
    with_small, without = (OverTime(ByPValue()).fit(0) for _ in range(2))
    with_small.update((1e-9, 0.01))
    without.update((0.9, 1.0))
    assert not with_small.drift_detected
    with_small.update(0.5)
    without.update(0.5)
    assert with_small.result.alpha == without.result.alpha


def test_a_batch_without_a_p_value_is_not_counted_as_tested():
    one, other = (OverTime(ByPValue(), "saffron").fit(0) for _ in range(2))
    for each in (0.9, 0.001, 0.7):
        one.update(each)
        other.update(None)
        assert other.result.state is DriftState.UNDECIDED
        assert "not counted as tested" in other.result.remarks[0]
        other.update(each)
        assert one.result.alpha == other.result.alpha
    assert "batch 6, 3 tested" in other.result.remarks[-1]


DETECTORS = [
    KS(),
    KS(minimum_effect=True),
    ChiSquared(),
    drift.CramerVonMises(),
    drift.Wasserstein(n_permutations=199),
    drift.Energy(n_permutations=199),
    PSI(),
    drift.JensenShannon(),
    MMD(n_permutations=199),
    MMD(method="cross"),
    drift.DomainClassifier(),
    drift.ConditionalDrift(),
    ByColumn(),
    ByColumn(correction="westfall-young"),
]


def batch(detector, rows, shift, seed):
    rng = np.random.default_rng(seed)
    if isinstance(detector, ChiSquared):
        return {"a": rng.choice(list("xyz"), rows, p=[0.5 - shift / 2, 0.3, 0.2 + shift / 2])}
    return {"a": rng.normal(shift, size=rows), "b": rng.normal(size=rows)}


@pytest.mark.parametrize("detector", DETECTORS, ids=str)
@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_every_batch_detector_decides_at_the_alpha_it_is_given(detector, shift):
    """As if it had been fitted with that alpha: so its tolerance, must_detect and intervals hold."""
    reference, current = batch(detector, 400, 0.0, 1), batch(detector, 120, shift, 2)
    watch = OverTime(detector, alpha=0.2).fit(reference)
    for _ in range(2):
        watch.update(current)
        honest = clone(detector).set_params(alpha=watch.result.alpha).fit(reference).detect(current)
        ours = dataclasses.replace(watch.result, remarks=())
        assert ours == dataclasses.replace(honest, remarks=())
    assert clone(detector).get_params().keys() == watch.detector.get_params().keys()
    assert watch.detector.alpha == 0.05


def test_permutations_that_cannot_reach_alpha_are_undecided_and_say_so():
    watch = OverTime(MMD(n_permutations=999)).fit(REFERENCE[:500])
    watch.update(RNG.normal(3.0, size=100))
    assert watch.result.state is DriftState.UNDECIDED
    assert any("999 permutations cannot bring p to 0.00027" in each for each in watch.result.remarks)
    more = OverTime(MMD(n_permutations=9_999)).fit(REFERENCE[:500])
    more.update(RNG.normal(3.0, size=100))
    assert more.drift_detected


@pytest.mark.parametrize("detector", [MMD(), drift.Energy(), MMD(n_permutations=3_700)], ids=str)
def test_too_few_permutations_are_told_with_their_cure_right_after_fit(detector):
    watch = OverTime(detector).fit(REFERENCE[:100])
    (first,) = watch.result.remarks
    watch.update(RNG.normal(3.0, size=60))
    assert first in watch.result.remarks
    assert 'MMD(method="cross") and MMD(method="features") need none' in first
    needed = int(first.partition("n_permutations to ")[2].partition(" ")[0])
    assert (needed + 1) * watch.result.alpha >= 1.0 > needed * watch.result.alpha
    for enough in (clone(detector).set_params(n_permutations=needed), MMD(method="cross")):
        other = OverTime(enough).fit(REFERENCE[:100])
        assert other.result.remarks == ()
        other.update(RNG.normal(3.0, size=60))
        assert other.drift_detected


@pytest.mark.parametrize("detector", [KS(), drift.Wasserstein(), drift.CramerVonMises()], ids=str)
def test_detectors_that_are_not_bound_by_permutations_say_nothing_of_them(detector):
    assert OverTime(detector).fit(REFERENCE).result.remarks == ()


@pytest.mark.parametrize("ask", [lambda w: w.update(REFERENCE), lambda w: w.update_many([REFERENCE])])
def test_without_a_reference_it_names_itself(ask):
    with pytest.raises(NotFittedError, match=r"OverTime.*call fit"):
        ask(OverTime(KS()))


def test_it_finds_a_drifted_day_and_only_that():
    watch = OverTime(KS()).fit(REFERENCE)
    days = [RNG.normal(0.6 if day == 20 else 0.0, size=300) for day in range(40)]
    assert watch.update_many(days) == [20]
    assert "40 tested" in watch.result.remarks[-1]
    assert "1 drifted, of which at most 0.05 false on average" in watch.result.remarks[-1]


@pytest.mark.parametrize("control", CONTROLS)
def test_many_batches_are_one_after_another(control):
    one, many = (OverTime(ByPValue(), control).fit(0) for _ in range(2))
    p = some_p_values()
    alarms = []
    for position, each in enumerate(p):
        one.update(each)
        alarms += [position] * one.drift_detected
    assert many.update_many(iter(p)) == alarms
    assert many.result == one.result
    assert many.update_many([]) == []
    assert many.result == one.result


def test_a_refused_batch_spends_nothing_and_many_are_refused_together():
    watch = OverTime(KS()).fit(REFERENCE)
    watch.update(REFERENCE[:100])
    before = pickle.dumps(watch)
    for bad in ([np.inf, 1.0], ["a", "b"], {"a": [1.0], "b": [2.0]}, 0.5):
        with pytest.raises(ContlearnError):
            watch.update(bad)
        with pytest.raises(ContlearnError):
            watch.update_many([REFERENCE[:50], bad])
    assert pickle.dumps(watch) == before
    watch.update(REFERENCE[:100] + 2.0)
    assert watch.drift_detected


def test_missing_values_are_tested():
    watch = OverTime(KS()).fit(REFERENCE)
    watch.update(np.where(np.arange(300) < 150, np.nan, RNG.normal(size=300)))
    assert watch.drift_detected


def test_without_a_reference_it_says_so():
    watch = OverTime(KS())
    assert watch.result.state is DriftState.UNDECIDED
    with pytest.raises(NotFittedError, match="fit"):
        watch.update([1.0, 2.0])


def test_a_fitted_detector_is_used_as_it_is_and_a_clone_forgets_it():
    detector = KS().fit(REFERENCE)
    watch = OverTime(detector)
    watch.update(REFERENCE[:200] + 1.0)
    assert watch.drift_detected
    assert detector.detect(REFERENCE[:200] + 1.0).alpha == 0.05
    for fresh in (watch.clone(), clone(watch), OverTime(clone(detector))):
        assert repr(fresh) == repr(watch)
        with pytest.raises(NotFittedError):
            fresh.update(REFERENCE[:200])


def test_reset_keeps_the_reference_and_fit_begins_anew():
    watch = OverTime(KS()).fit(REFERENCE)
    fresh = watch.result
    watch.update(REFERENCE[:200] + 1.0)
    watch.reset()
    assert watch.result == fresh
    assert not watch.drift_detected
    watch.update(REFERENCE[:200] + 1.0)
    assert watch.drift_detected
    with pytest.raises(InvalidInputError):
        watch.fit([np.inf])
    assert watch.drift_detected
    assert watch.fit(REFERENCE + 1.0) is watch
    watch.update(REFERENCE[:200] + 1.0)
    assert not watch.drift_detected


def test_summaries_made_elsewhere_are_taken():
    watch = OverTime(KS()).fit(REFERENCE)
    there = KS().fit(REFERENCE)
    watch.update(there.summarize(REFERENCE[:300] + 1.0))
    assert watch.drift_detected


def test_parameters_nest():
    watch = OverTime(ByColumn(numeric=KS(tolerance=0.1)), "addis", alpha=0.1)
    assert watch.get_params()["detector__numeric__tolerance"] == 0.1
    watch.set_params(detector__numeric__tolerance=0.2, control="spending")
    assert (watch.detector.numeric.tolerance, watch.control) == (0.2, "spending")
    with pytest.raises(InvalidParameterError):
        watch.set_params(detektor=1)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"detector": KS}, "detector"),
        ({"detector": 3}, "detector"),
        ({"detector": drift.RiskDetector(limit=0.1)}, "detector"),
        ({"detector": KS(), "control": "bh"}, "control"),
        ({"detector": KS(), "alpha": 1.0}, "alpha"),
        ({"detector": KS(correction=None)}, "correction"),
    ],
)
def test_what_can_never_work_is_refused(arguments, name):
    with pytest.raises(InvalidParameterError, match=name):
        OverTime(**arguments)


def test_memory_is_bounded_however_many_alarms_there_are():
    watch = OverTime(ByPValue()).fit(0)
    sizes = []
    for n in range(2_400):
        watch.update(0.0)
        if n in (1_199, 2_399):
            sizes.append(len(pickle.dumps(watch)))
    assert sizes[1] <= sizes[0] + 200  # counters, and their digits


def test_a_pickled_machine_goes_on_alike():
    watch = OverTime(KS()).fit(REFERENCE)
    watch.update(REFERENCE[:100] + 1.0)
    again = pickle.loads(pickle.dumps(watch))
    for each in (watch, again):
        each.update(REFERENCE[100:200])
    assert again.result == watch.result


@pytest.mark.calibration
@pytest.mark.parametrize("control", ["lord++", "saffron", "addis"])
def test_with_one_shared_reference_few_alarms_are_false(control):
    """50 services of 60 days; one day in ten has drifted; each has one reference of ten times a day."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(50):
        watch = OverTime(KS(tolerance=0.0), control).fit(rng.normal(size=2_000))
        drifted = rng.random(60) < 0.1
        alarms = watch.update_many([rng.normal(0.5 * each, size=200) for each in drifted])
        false = sum(not drifted[each] for each in alarms)
        shares.append(false / max(1, len(alarms)))
    assert np.mean(shares) <= 0.05 + 4.8 * np.std(shares) / np.sqrt(len(shares))


@pytest.mark.calibration
def test_spending_keeps_the_chance_of_any_false_alarm():
    rng = np.random.default_rng(0)
    alarmed = 0
    for _ in range(100):
        detector = KS(tolerance=0.0, alpha=0.2)
        watch = OverTime(detector, "spending").fit(rng.normal(size=500))
        alarmed += bool(watch.update_many(rng.normal(size=(30, 200))))
    assert alarmed <= special.bdtrik(1 - 1e-6, 100, 0.2)
