"""The common laws, over every public class of every package."""

import copy
import dataclasses
import datetime as dt
import importlib
import importlib.util
import inspect
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import contlearn
from contlearn import testing
from contlearn.exceptions import ContlearnError
from contlearn.results import Outcome


def load_registry():
    """Import the file beside this one under a name of its own, so that what it defines can be pickled."""
    spec = importlib.util.spec_from_file_location(
        "contlearn_registry", Path(__file__).with_name("registry.py")
    )
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


registry = load_registry()
NAMES = {
    name: getattr(package, name)
    for package in (importlib.import_module(f"contlearn.{each}") for each in contlearn.__all__)
    for name in package.__all__
}


def of_kind(*kinds):
    entries = [entry for entry in registry.REGISTRY if entry.kind in kinds]
    return pytest.mark.parametrize("entry", entries, ids=str)


def test_every_public_class_is_registered():
    classes = {name: value for name, value in NAMES.items() if inspect.isclass(value)}
    registered = {entry.cls for entry in registry.REGISTRY}
    assert {name for name, value in classes.items() if value not in registered} == set()
    assert registered <= set(classes.values())


def test_every_other_public_name_is_a_function_or_a_known_alias():
    for name, value in NAMES.items():
        assert inspect.isclass(value) or inspect.isfunction(value) or name in registry.ALIASES, name


def test_every_skipped_law_has_its_reason():
    for entry in registry.REGISTRY:
        assert all(len(reason) > 10 for reason in entry.skip.values()), entry


@of_kind(registry.POLICY)
def test_policies_obey_their_laws(entry):
    testing.check_policy(entry.make(), skip=entry.skip, **entry.arguments)


@of_kind(registry.GATE)
def test_gates_obey_their_laws(entry):
    testing.check_gate(entry.make(), skip=entry.skip, **entry.arguments)


@of_kind(registry.BATCH)
def test_batch_detectors_obey_their_laws(entry):
    testing.check_batch_detector(entry.make(), skip=entry.skip, **entry.arguments)


@of_kind(registry.STREAM)
def test_stream_detectors_obey_their_laws(entry):
    testing.check_stream_detector(entry.make(), skip=entry.skip, **entry.arguments)


@of_kind(registry.STREAM, registry.COMBINATION)
def test_stream_detectors_are_rebuilt_by_their_repr(entry):
    if "repr" in entry.skip:
        pytest.skip(entry.skip["repr"])
    detector = entry.make()
    assert repr(eval(repr(detector), NAMES | registry.RIVER_NAMES)) == repr(detector)


@of_kind(registry.WINDOW)
def test_windows_obey_their_laws(entry):
    testing.check_window(entry.make(), skip=entry.skip, **entry.arguments)


@of_kind(registry.VALUE, registry.MEASUREMENT, registry.POLICY, registry.GATE, registry.SUMMARY)
def test_values_are_equal_by_content_hash_and_pickle(entry):
    one, other = entry.make(), entry.make()
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.deepcopy(one) == one
    assert one != object()


@of_kind(registry.VALUE, registry.POLICY, registry.GATE)
def test_values_are_frozen_and_slotted(entry):
    value = entry.make()
    field = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, None)
    assert not hasattr(value, "__dict__")


@of_kind(registry.VALUE, registry.MEASUREMENT, registry.POLICY, registry.GATE)
def test_repr_rebuilds_values(entry):
    if "repr" in entry.skip:
        pytest.skip(entry.skip["repr"])
    value = entry.make()
    scope = NAMES | {"datetime": dt, "timedelta": dt.timedelta}
    assert eval(repr(value), scope) == value


@of_kind(
    *(registry.VALUE, registry.MEASUREMENT, registry.RECORD, registry.MACHINE, registry.WINDOW),
    *(registry.SUMMARY, registry.STREAM, registry.COMBINATION),
)
def test_str_is_one_line(entry):
    if "one line" in entry.skip:
        pytest.skip(entry.skip["one line"])
    assert len(str(entry.make()).splitlines()) == 1


@of_kind(registry.VALUE, registry.MEASUREMENT)
def test_values_hold_builtins_only(entry):
    def parts(value):
        yield value
        inner = value if isinstance(value, tuple) else value.values() if hasattr(value, "values") else ()
        if dataclasses.is_dataclass(value):
            inner = [getattr(value, field.name) for field in dataclasses.fields(value)]
        for part in inner:
            yield from parts(part)

    assert not [part for part in parts(entry.make()) if isinstance(part, (np.generic, np.ndarray))]


@of_kind(registry.VALUE)
def test_dictionaries_are_ready_for_json(entry):
    value = entry.make()
    if hasattr(value, "to_dict"):
        assert json.loads(json.dumps(value.to_dict(), allow_nan=False)) == value.to_dict()
    else:
        assert entry.cls.__name__ in ("Evidence", "Episode")  # the ledger writes those


@of_kind(registry.VALUE)
def test_html_needs_neither_script_nor_network(entry):
    value = entry.make()
    if hasattr(value, "_repr_html_"):
        html = value._repr_html_()
        assert "<table" in html
        assert not any(word in html for word in ("<script", "http:", "https:", "onclick"))


@of_kind(registry.RECORD)
def test_records_protect_their_arrays_and_pickle(entry):
    record = entry.make()
    again = pickle.loads(pickle.dumps(record))
    assert repr(again) == repr(record)
    arrays = 0
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, np.ndarray):
            arrays += 1
            assert not value.flags.writeable
            assert not getattr(again, field.name).flags.writeable
            np.testing.assert_array_equal(value, getattr(again, field.name))
    assert arrays


def test_a_trial_keeps_none_of_the_callers_arrays():
    from contlearn.gates import Gain, Trial

    champion, challenger = np.ones(50), np.zeros(50)
    region = np.array(["eu"] * 50)
    trial = Trial(champion, challenger, slices={"region": region})
    verdict = Gain()(trial)
    champion[:], challenger[:], region[:] = 0.0, 1.0, "us"
    assert Gain()(trial) == verdict
    assert set(trial.slices["region"]) == {"eu"}
    assert champion.flags.writeable


LOSSES = np.random.default_rng(0).normal(size=(3_000, 2))


@of_kind(registry.MACHINE)
def test_machines_resume_reset_and_clone(entry):
    machine = entry.make()
    for y, y_pred in LOSSES[:100]:
        machine.update(y, y_pred)
    resumed, before = pickle.loads(pickle.dumps(machine)), machine.result
    fresh = [machine.clone(), clone(machine)]
    machine.reset()
    fresh.append(machine)
    assert all(each.result is None and each.n == 0 for each in fresh)
    assert resumed.result == before
    whole = entry.make()
    for each, rows in ((whole, LOSSES[:300]), (resumed, LOSSES[100:300])):
        assert each.update_many(rows[:, 0], rows[:, 1]) is None
    assert resumed.result == whole.result


@of_kind(registry.MACHINE)
def test_machines_stay_small_and_their_questions_change_nothing(entry):
    machine, sizes = entry.make(), []
    for position, (y, y_pred) in enumerate(LOSSES):
        assert machine.update(y, y_pred) is None
        if position in (300, len(LOSSES) - 1):
            sizes.append(len(pickle.dumps(machine)))
    assert sizes[1] <= sizes[0] + 50
    before = pickle.dumps(machine)
    assert machine.result == machine.result
    assert (str(machine), repr(machine)) == (str(machine), repr(machine))
    assert pickle.dumps(machine) == before


@of_kind(registry.LIVE)
def test_live_gates_resume_reset_and_clone(entry):
    gate, take = entry.make(), entry.arguments["take"]
    new = gate.verdict
    assert new.outcome is Outcome.CONTINUE
    for step in range(10):
        assert take(gate, step) is None
    resumed, before = pickle.loads(pickle.dumps(gate)), gate.verdict
    fresh = [gate.clone(), clone(gate)]
    assert gate.reset() is None
    assert all(each.verdict == new and repr(each) == repr(gate) for each in [gate, *fresh])
    assert resumed.verdict == before
    whole = entry.make()
    for each, first in ((whole, 0), (resumed, 10)):
        for step in range(first, 30):
            take(each, step)
    assert vars(whole).keys() == vars(gate).keys()
    assert resumed.verdict == whole.verdict


@of_kind(registry.LIVE)
def test_live_gates_stay_small_and_their_questions_change_nothing(entry):
    gate, take, sizes = entry.make(), entry.arguments["take"], []
    for step in range(60):
        take(gate, step)
        if step in (9, 59):
            sizes.append(len(pickle.dumps(gate)))
    assert sizes[1] <= sizes[0] + 250  # a group-sequential gate keeps a number per look, fifty at most
    before = pickle.dumps(gate)
    assert gate.verdict == gate.verdict
    assert (str(gate), repr(gate)) == (str(gate), repr(gate))
    assert pickle.dumps(gate) == before


def classification():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 4))
    return X, (X[:, 0] + 0.5 * rng.normal(size=240) > 0).astype(int)


@of_kind(registry.ESTIMATOR)
def test_estimators_clone_fresh_and_leave_parameters_and_data_alone(entry):
    estimator, (X, y) = entry.make(), classification()
    before, parameters = (X.copy(), y.copy()), estimator.get_params(deep=False)
    assert estimator.fit(X, y) is estimator
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    after = estimator.get_params(deep=False)
    assert all(after[name] is parameters[name] for name in parameters)
    fresh = clone(estimator)
    assert not [name for name in vars(fresh) if name.endswith("_")]
    assert repr(fresh) == repr(estimator)
    answers = estimator.predict(X)
    X[...] = 0.0
    np.testing.assert_array_equal(estimator.predict(before[0]), answers)


@of_kind(registry.ESTIMATOR)
def test_estimators_repeat_pickle_and_do_not_change_when_asked(entry):
    X, y = classification()
    one, other = entry.make().fit(X, y), entry.make().fit(X, y)
    state = pickle.dumps(one)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert pickle.dumps(one) == state
    np.testing.assert_array_equal(pickle.loads(state).predict_proba(X), one.predict_proba(X))


@of_kind(registry.ERROR)
def test_errors_are_ours_and_a_builtin(entry):
    assert issubclass(entry.cls, ContlearnError)
    builtin = [
        base
        for base in entry.cls.__mro__
        if base in (ValueError, TypeError, AttributeError, ImportError, OSError)
    ]
    assert builtin or entry.cls is ContlearnError
    assert str(pickle.loads(pickle.dumps(entry.cls("x must be y, got z")))) == "x must be y, got z"


@of_kind(registry.ENUM)
def test_enums_are_text(entry):
    for member in entry.cls:
        assert member == member.value
        assert json.loads(json.dumps(member)) == member.value
        assert pickle.loads(pickle.dumps(member)) is member
