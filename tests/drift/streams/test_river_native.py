"""Stream detectors are river's own kind, and scikit-learn's: their checks, their clones, their wrappers."""

import importlib.util
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
from river import base, drift, dummy, naive_bayes
from river.checks import common
from sklearn.base import clone

from contlearn.drift import RiskDetector, RiverDetector


def load_registry():
    spec = importlib.util.spec_from_file_location(
        "contlearn_registry_of_streams", Path(__file__).parents[2] / "registry.py"
    )
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


registry = load_registry()
STREAMS = [entry for entry in registry.REGISTRY if entry.kind == registry.STREAM]
NATIVE = [entry for entry in registry.REGISTRY if issubclass(entry.cls, base.DriftDetector)]
CHECKS = [
    common.check_repr,
    common.check_str,
    common.check_clone_same_class,
    common.check_clone_is_idempotent,
    common.check_clone_changes_memory_addresses,
    common.check_clone_with_new_params_applies,
    common.check_get_params_matches_signature,
    common.check_init_default_params_are_not_mutable,
    common.check_repr_roundtrips_clone,
    common.check_pickling_supports_roundtrip,
    common.check_doc,
    common.check_mutate_can_be_idempotent,
]
ERRORS = (np.random.default_rng(0).random(3_000) < 0.1).astype(int).tolist()
MORE_ERRORS = (np.random.default_rng(1).random(1_000) < 0.9).astype(int).tolist()

each_stream = pytest.mark.parametrize("entry", STREAMS, ids=str)
each_native = pytest.mark.parametrize("entry", NATIVE, ids=str)


def takes_errors(entry):
    """Return whether the entry is fed with errors of a classifier, as river's wrappers do."""
    return not {"quiet", "shifted"} & set(entry.arguments)


each_of_errors = pytest.mark.parametrize("entry", [e for e in STREAMS if takes_errors(e)], ids=str)


@each_stream
def test_every_stream_detector_is_a_drift_detector_of_river(entry):
    assert isinstance(entry.make(), base.DriftDetector)
    assert isinstance(entry.make(), base.DriftAndWarningDetector)


@each_native
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_detectors_pass_the_checks_of_river(entry, check):
    check(entry.make())


@each_native
def test_river_clones_with_other_parameters_and_refuses_unknown_ones(entry):
    detector = entry.make()
    assert repr(detector.clone({})) == repr(detector)
    if detector.get_params().get("run_length") is not None:
        longer = detector.clone({"run_length": 3 * detector.run_length})
        assert longer.run_length == 3 * detector.run_length
        assert repr(longer.clone({"run_length": detector.run_length})) == repr(detector)
    with pytest.raises((TypeError, ValueError)):
        detector.clone({"no_such_parameter": 1})


@each_native
def test_scikit_learn_clones_and_reads_parameters(entry):
    detector = entry.make()
    twin = clone(detector)
    assert type(twin) is type(detector)
    assert twin is not detector
    assert repr(twin) == repr(detector)
    names = list(inspect.signature(entry.cls).parameters)
    assert [name for name in detector.get_params(deep=False) if name not in names] == []
    before = repr(detector)
    assert detector.set_params(**detector.get_params(deep=False)) is detector
    assert repr(detector) == before
    with pytest.raises(ValueError, match="no_such_parameter"):
        detector.set_params(no_such_parameter=1)
    assert repr(detector) == before


@each_native
def test_parameters_are_stored_untouched(entry):
    detector = entry.make()
    given = detector.get_params(deep=False)
    again = entry.cls(**given)
    assert all(getattr(again, name) is value for name, value in given.items())


def retraining(detector):
    model = drift.DriftRetrainingClassifier(
        model=naive_bayes.BernoulliNB(), drift_detector=detector, train_in_background=False
    )
    rng, swaps = np.random.default_rng(0), []
    for i in range(2_500):
        x = {"a": int(rng.random() < 0.5), "b": int(rng.random() < 0.5)}
        y = (x["a"] if i < 1_500 else 1 - x["a"]) ^ int(rng.random() < 0.05)
        before = model.model
        model.learn_one(x, y)
        if model.model is not before:
            swaps.append(i)
    return model, swaps


@each_of_errors
def test_detectors_drive_a_wrapper_of_river_and_its_clones_are_fresh(entry):
    model, swaps = retraining(entry.make())
    assert any(1_500 < i < 2_000 for i in swaps)
    twin = model.clone()
    assert twin.drift_detector is not model.drift_detector
    assert type(twin.drift_detector) is entry.cls
    assert repr(twin.drift_detector) == repr(entry.make())
    assert twin.drift_detector.result == entry.make().clone().result
    assert not twin.drift_detector.drift_detected


def test_a_model_trained_in_the_background_of_a_warning_takes_over():
    model = drift.DriftRetrainingClassifier(
        model=naive_bayes.BernoulliNB(), drift_detector=RiskDetector(limit=0.2)
    )
    rng, right = np.random.default_rng(0), []
    first = model.model
    for i in range(3_000):
        x = {"a": int(rng.random() < 0.5)}
        y = x["a"] if i < 2_000 else 1 - x["a"]
        right.append(model.predict_one(x) == y)
        model.learn_one(x, y)
    assert model.model is not first
    assert np.mean(right[2_000:2_010]) < 0.2
    assert np.mean(right[2_500:]) == 1.0


def test_a_wrapper_of_river_around_a_guarded_detector_clones_the_inner_one_too():
    guarded = RiverDetector(drift.ADWIN(delta=0.01), on_invalid="skip")
    model = drift.DriftRetrainingClassifier(model=dummy.PriorClassifier(), drift_detector=guarded)
    for error in MORE_ERRORS:
        model.drift_detector.update(error)
    twin = model.clone().drift_detector
    assert (twin.detector.delta, twin.on_invalid) == (0.01, "skip")
    assert twin.detector is not guarded.detector
    assert twin.result.n_current == 0


@each_of_errors
def test_memory_does_not_grow_with_the_stream(entry):
    """The twin of river's own check, which wants a model that learns rows."""
    detector = entry.make()
    values = [*ERRORS, *MORE_ERRORS]
    detector.update_many(values)
    warm = detector._raw_memory_usage
    for _ in range(8):
        detector.update_many(values)
    assert detector._raw_memory_usage <= 1.25 * warm + 2_000


@each_of_errors
def test_a_detector_and_its_clone_share_nothing(entry):
    for attributes in (False, True):  # with them, what was fitted is cloned too
        detector = entry.make()
        twin = detector.clone(include_attributes=attributes)
        before = twin.result
        detector.update_many([*ERRORS, *MORE_ERRORS])
        assert twin.result == before
    assert twin.update_many([*ERRORS, *MORE_ERRORS]) == entry.make().update_many([*ERRORS, *MORE_ERRORS])
