"""Poison, then a shift: no value may blind a detector, ours or river's behind our guard.

Each detector sees good values, then poison (once, or fifty times among good values), then a change that is
found at once without the poison. Either the poison is refused, and the detector goes on exactly as if it had
never come, or it is taken for what it is; in both cases the change is found within the delay stated here.
"""

import copy
import datetime as dt
import functools
import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from river import drift
from river.drift import binary

from contlearn.drift import RiverDetector
from contlearn.exceptions import ContlearnError, InvalidInputError, SchemaError


def load_registry():
    spec = importlib.util.spec_from_file_location(
        "contlearn_registry_of_poison", Path(__file__).parents[2] / "registry.py"
    )
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


registry = load_registry()

POISONS = {
    "NaN": float("nan"),
    "numpy NaN": np.float32("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "1e308": 1e308,
    "-1e308": -1e308,
    "beyond the floats": 10**400,
    "subnormal": 5e-324,
    "None": None,
    "text": "0.5",
    "bytes": b"1",
    "complex": 1 + 0j,
    "date": dt.datetime(2024, 3, 1, 12),
    "list": [0.5],
    "array": np.zeros(3),
    "True": True,
    "numpy False": np.False_,
}
WIDEST = np.finfo(np.longdouble).max  # beyond the floats, on most machines
NUMPY = [
    *(
        kind(value)
        for kind in (np.float32, np.float64, np.longdouble)
        for value in ("nan", "inf", "-inf", 0.5)
    ),
    *(np.float64(1e308), np.float64(-1e308), WIDEST, -WIDEST),
    *(np.int64(2**63 - 1), np.int64(-(2**63)), np.int64(1), np.True_, np.False_),
]
DELAY = 100  # updates that any detector here may need for the changes below, unless it is named
DELAYS = {"EDDM": 200, "FHDDM": 110}  # thirty errors first; a window of a hundred


class Data:
    """Good values, and values after the change."""

    def __init__(self, good, shifted):
        self.good, self.shifted = list(good), list(shifted)


RNG = np.random.default_rng(0)
ERRORS = Data(
    (RNG.random(3_000) < 0.1).astype(float).tolist(), (RNG.random(300) < 0.9).astype(float).tolist()
)
HITS = Data([1.0 - x for x in ERRORS.good], [1.0 - x for x in ERRORS.shifted])
NUMBERS = Data(RNG.normal(size=3_000).tolist(), RNG.normal(loc=5.0, size=300).tolist())
FEW_NUMBERS = Data(NUMBERS.good[:300], NUMBERS.shifted[:100])  # KSWIN takes a third of a millisecond each

GUARDED = {
    "ADWIN": (drift.ADWIN(), NUMBERS),
    "ADWIN of errors": (drift.ADWIN(), ERRORS),
    "PageHinkley": (drift.PageHinkley(), NUMBERS),
    "PageHinkley up": (drift.PageHinkley(mode="up"), NUMBERS),
    "KSWIN": (drift.KSWIN(alpha=0.0001, seed=1), FEW_NUMBERS),
    "DDM": (binary.DDM(), ERRORS),
    "EDDM": (binary.EDDM(), ERRORS),
    "HDDM_A": (binary.HDDMA(), ERRORS),
    "HDDM_W": (binary.HDDMW(), ERRORS),
    "FHDDM": (binary.FHDDM(), HITS),
    "FHDDM stacked": (binary.FHDDM(short_window_size=20), HITS),
    "DummyDriftDetector": (drift.DummyDriftDetector(t_0=70, seed=1), NUMBERS),
}


def ours():
    """Yield every registered stream detector with every kind of data that it takes."""
    for entry in registry.REGISTRY:
        if entry.kind == registry.STREAM and entry.cls is not RiverDetector:  # that comes below
            if {"quiet", "shifted"} <= set(entry.arguments):
                data = Data(entry.arguments["quiet"], entry.arguments["shifted"])
                yield pytest.param(entry.make, data, id=str(entry))
                continue
            yield pytest.param(entry.make, ERRORS, id=f"{entry} of errors")
            if takes(entry.make(), -1.5):
                yield pytest.param(entry.make, NUMBERS, id=f"{entry} of numbers")


def takes(detector, value):
    try:
        detector.update(value)
    except ValueError:
        return False
    return True


def guards():
    for name, (detector, data) in GUARDED.items():
        for mode in ("raise", "skip", "flag"):
            make = functools.partial(RiverDetector, detector, mode)
            yield pytest.param(make, data, id=f"{name} {mode}")


SEEN = {}


def primed(make, data):
    """Return a detector that has seen the good values; it is made once."""
    key = repr(make()), id(data)
    if key not in SEEN:
        detector = make()
        if isinstance(data.good[0], dict):  # many of those come as columns
            alarms(detector, data.good)
        else:
            detector.update_many(data.good)
        SEEN[key] = detector
    return copy.deepcopy(SEEN[key])


def delay_of(detector):
    name = type(getattr(detector, "detector", detector)).__name__
    return DELAYS.get(name, DELAY)


def alarms(detector, values):
    """Return the positions of the alarms; where a value is refused, nobody updates."""
    found = []
    for i, x in enumerate(values):
        detector.update(x)
        if detector.drift_detected:
            found.append(i)
    return found


def poisoned_rows(poison, data):
    """Return what carries the poison: the value itself; in streams of rows also rows that hold it."""
    row = data.good[0]
    if isinstance(row, dict):
        return [poison, dict.fromkeys(row, poison), row | {next(iter(row)): poison}]
    if isinstance(row, (list, tuple)):
        return [poison, [poison] * len(row), [poison, *row[1:]]]
    if isinstance(row, np.ndarray):
        return [poison, [poison] * len(row), [poison, *row[1:].tolist()]]
    return [poison]


def give(detector, poison):
    """Give the detector poison; return whether it was refused."""
    try:
        detector.update(poison)
    except (InvalidInputError, SchemaError):
        return True
    return False


@pytest.mark.parametrize(("make", "data"), [*ours(), *guards()])
@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_a_shift_is_found_after_one_poisonous_value(make, data, poison):
    clean = primed(make, data)
    expected, state = alarms(clean, data.shifted), clean.result
    for bad in poisoned_rows(poison, data):
        detector = primed(make, data)
        refused = give(detector, bad)
        found = alarms(detector, data.shifted)
        assert found[0] < delay_of(detector)
        if refused:
            assert found == expected
            assert detector.result == state


@pytest.mark.parametrize(("make", "data"), [*ours(), *guards()])
@pytest.mark.parametrize("once", [True, False], ids=["one by one", "at once"])
def test_a_shift_is_found_after_fifty_poisonous_values_among_good_ones(make, data, once):
    bad = [row for poison in POISONS.values() for row in poisoned_rows(poison, data)]
    rng = np.random.default_rng(0)
    poison = [bad[i] for i in rng.integers(len(bad), size=50)]
    detector = primed(make, data)
    for value, good in zip(poison, data.good, strict=False):
        if once:
            give(detector, value)
            detector.update(good)
        else:
            take_many(detector, [good, value])
    found = alarms(detector, data.shifted)
    assert found[0] < delay_of(detector)


def take_many(detector, values):
    """Give values at once; where they are refused, only the good one that comes first."""
    good, bad = values
    if isinstance(good, dict):
        if not (isinstance(bad, dict) and bad.keys() == good.keys()):
            give(detector, bad)
            bad = good
        values = {name: [good[name], bad[name]] for name in good}
    try:
        detector.update_many(values)
    except (InvalidInputError, SchemaError):
        detector.update(good)


@pytest.mark.parametrize(("make", "data"), [*ours(), *guards()])
def test_scalars_of_numpy_are_taken_or_refused_and_nothing_is_warned_of(make, data):
    """Where warnings are errors, a warning that slips out is an error that nobody expects."""
    used = primed(make, data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in NUMPY:
            for bad in poisoned_rows(number, data):
                single, listed, array = (copy.deepcopy(used) for _ in range(3))
                refused = [
                    refuses(single.update, bad),
                    refuses(listed.update_many, [bad]),
                    refuses(array.update_many, np.array([bad])),
                ]
                if not isinstance(data.good[0], dict):  # many of those come as columns
                    assert len(set(refused)) == 1, f"{number!r}: refused {refused}"


def refuses(command, given):
    try:
        command(given)
    except ContlearnError:
        return True
    return False


REFUSED = {
    name: poison for name, poison in POISONS.items() if name not in ("subnormal", "True", "numpy False")
}


@pytest.mark.parametrize(("detector", "data"), GUARDED.values(), ids=GUARDED)
def test_a_guarded_detector_never_sees_poison_and_counts_it(detector, data):
    expected = primed(functools.partial(RiverDetector, detector), data)
    positions = alarms(expected, data.shifted)
    for mode in ("skip", "flag"):
        guarded = primed(functools.partial(RiverDetector, detector, mode), data)
        for poison in REFUSED.values():
            guarded.update(poison)
            assert not guarded.drift_detected
            assert (guarded.result.state == "undecided") == (mode == "flag")
        assert alarms(guarded, data.shifted) == positions
        assert sum(guarded.invalid.values()) == len(REFUSED)
        assert any("values not used" in remark for remark in guarded.result.remarks)


@pytest.mark.parametrize("make", [drift.ADWIN, drift.PageHinkley])
@pytest.mark.parametrize("poison", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_river_without_a_guard_is_blind_after_one_value_so_that_this_matrix_can_fail(make, poison):
    control, blind = make(), make()
    alarms(control, NUMBERS.good)
    alarms(blind, NUMBERS.good)
    assert alarms(control, NUMBERS.shifted)
    blind.update(poison)
    assert alarms(blind, 10 * NUMBERS.shifted) == []


def test_adwin_without_a_guard_is_blind_after_1e308():
    blind = drift.ADWIN()
    alarms(blind, [*NUMBERS.good, 1e308])
    assert alarms(blind, 10 * NUMBERS.shifted) == []
