"""Arrays of other libraries: the same answers as from numpy, computed where they lie.

array-api-strict refuses whatever the standard does not promise; torch has its own file in `integrations`.
"""

import pickle
import subprocess
import sys
from dataclasses import asdict

import array_api_strict as strict
import numpy as np
import pytest

from contlearn.drift import KS, MMD, DriftState, Energy
from contlearn.exceptions import InvalidInputError, MissingDependencyError, SchemaError
from contlearn.stats import energy, mmd

DETECTORS = [
    detector(**settings)
    for detector in (MMD, Energy)
    for settings in ({}, {"standardize": False}, {"max_rows": 90}, {"block": 10, "max_rows": 200})
]
OTHER = strict.Device("device1")


def tables(kind, n=400, m=150, d=3):
    rng = np.random.default_rng(5)
    if kind == "numbers":
        return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.2
    if kind == "whole numbers":
        return rng.integers(0, 5, (n, d)), rng.integers(0, 6, (m, d))
    if kind == "booleans":
        return rng.random((n, d)) < 0.3, rng.random((m, d)) < 0.5
    if kind == "gaps":
        x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
        x[rng.random((n, d)) < 0.02] = y[rng.random((m, d)) < 0.2] = np.nan
        return x, y
    if kind == "offset":
        return rng.normal(size=(n, d)) + 1e9, rng.normal(size=(m, d)) + 1e9
    if kind == "single":
        return rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=(m, d)).astype(np.float32)
    if kind == "walk":
        return np.cumsum(rng.normal(size=(n, d)), axis=0), rng.normal(size=(m, d))
    return np.ones((n, d)), np.ones((m, d))


KINDS = ["numbers", "whole numbers", "booleans", "gaps", "offset", "single", "walk", "constant"]


def close(one, other):
    """Whether two results are equal but for rounding: floats of any depth to 1e-9, all else exactly."""
    one, other = flat(asdict(one)), flat(asdict(other))
    assert [type(value) for value in one] == [type(value) for value in other]
    return all(
        value == pytest.approx(twin, rel=1e-9, abs=1e-9) if isinstance(value, float) else value == twin
        for value, twin in zip(one, other, strict=True)
    )


def flat(value):
    if isinstance(value, dict):
        value = [part for name in value for part in (name, value[name])]
    if isinstance(value, list | tuple):
        return [part for each in value for part in flat(each)]
    if hasattr(value, "items"):
        return flat(dict(value.items()))
    return flat(asdict(value)) if hasattr(value, "__dataclass_fields__") else [value]


@pytest.mark.parametrize("detector", DETECTORS, ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_that_of_numpy(detector, kind):
    reference, batch = tables(kind)
    here = detector.fit(reference).detect(batch)
    there = detector.fit(strict.asarray(reference)).detect(strict.asarray(batch))
    assert close(there, here)


@pytest.mark.parametrize("test", [mmd, energy])
@pytest.mark.parametrize(("n", "m", "d"), [(30, 30, 1), (47, 200, 2), (700, 400, 8)])
def test_the_functions_give_the_numbers_of_numpy(test, n, m, d):
    x, y = (table.astype(float) for table in tables("numbers", n, m, d))
    here, there = test(x, y), test(strict.asarray(x), strict.asarray(y))
    assert there.p_value == here.p_value
    assert [type(value) for value in flat(list(there))] == [type(value) for value in flat(list(here))]
    numbers = [[value for value in flat(list(each)) if value is not None] for each in (there, here)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-9, abs=1e-9)
    assert test(strict.asarray(x), strict.asarray(y), block=5)[1] == test(x, y, block=5)[1]


@pytest.mark.parametrize("kind", ["numbers", "gaps", "single", "constant"])
@pytest.mark.parametrize("detector", [MMD(), Energy(), Energy(block=10)], ids=repr)
def test_a_device_without_wide_floats_gives_nearly_the_same(detector, kind):
    reference, batch = (table.astype(np.float32) for table in tables(kind))
    place = strict.Device("no_float64")
    here = detector.fit(reference).detect(batch)
    there = detector.fit(strict.asarray(reference, device=place)).detect(strict.asarray(batch, device=place))
    assert there.state is here.state
    assert there.p_value == pytest.approx(here.p_value, abs=0.005)
    assert there.score == pytest.approx(here.score, abs=1e-4)


def test_narrow_floats_with_a_large_offset_keep_what_digits_they_have():
    reference, batch = (np.float32(table + 1000.0) for table in tables("numbers"))
    place = strict.Device("no_float64")
    here = MMD().fit(reference).detect(batch)
    there = MMD().fit(strict.asarray(reference, device=place)).detect(strict.asarray(batch, device=place))
    assert there.score == pytest.approx(here.score, abs=1e-4)


def test_one_column_is_a_table_as_well():
    x, y = (table[:, 0] for table in tables("numbers"))
    for detector in (MMD(), Energy()):
        there = detector.fit(strict.asarray(x)).detect(strict.asarray(y))
        assert close(there, detector.fit(x).detect(y))


def test_a_reference_stays_where_it_was_and_pickles():
    reference, batch = tables("numbers")
    detector = Energy().fit(strict.asarray(reference, device=OTHER))
    (memory,) = detector.reference_
    assert memory.statistics.rows.device == OTHER
    result = detector.detect(strict.asarray(batch, device=OTHER))
    assert result == pickle.loads(pickle.dumps(result))
    assert close(result, Energy().fit(reference).detect(batch))
    again = detector.fit(reference)
    assert again.detect(batch) == Energy().fit(reference).detect(batch)


@pytest.mark.parametrize("place", ["numpy", "list", "other device"])
def test_a_batch_elsewhere_is_refused_with_the_cure_and_the_next_is_answered(place):
    reference, batch = tables("numbers")
    detector = Energy().fit(strict.asarray(reference))
    odd = {"numpy": batch, "list": batch.tolist(), "other device": strict.asarray(batch, device=OTHER)}[place]
    with pytest.raises(InvalidInputError, match=r"X must lie where the reference does.*CPU_DEVICE.*; move"):
        detector.detect(odd)
    assert detector.detect(strict.asarray(batch + 1.0)).detected


def test_samples_in_two_places_are_refused():
    with pytest.raises(InvalidInputError, match="Y must lie where X does"):
        energy(strict.asarray([1.0, 2.0]), np.array([1.0, 2.0]))
    with pytest.raises(InvalidInputError, match="Y must lie where X does"):
        mmd(strict.asarray([1.0, 2.0]), strict.asarray([1.0, 2.0], device=OTHER))


def test_a_batch_that_numpy_can_read_is_compared_with_a_reference_of_numpy():
    reference, batch = tables("numbers")
    assert Energy().fit(reference).detect(strict.asarray(batch)) == Energy().fit(reference).detect(batch)
    assert KS().fit(reference).detect(strict.asarray(batch)) == KS().fit(reference).detect(batch)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda x: x[:, :2], SchemaError, "X must have 3 columns, as in fit, got 2"),
        (lambda x: x[None, ...], InvalidInputError, "one or two dimensions, got 3"),
        (lambda x: strict.astype(x, strict.complex128), InvalidInputError, "X must hold real numbers"),
        (
            lambda x: x / strict.zeros_like(x),
            InvalidInputError,
            "column '0' must be finite, got 150 infinite",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_what_cannot_be_used_is_refused_and_the_next_shift_is_still_seen(change, error, words):
    reference, batch = (strict.asarray(table) for table in tables("numbers"))
    detector = Energy().fit(reference)
    with pytest.raises(error, match=words):
        detector.detect(change(batch))
    assert detector.detect(batch + 1.0).detected


@pytest.mark.parametrize("method", ["cross", "features"])
def test_methods_of_numpy_say_so(method):
    with pytest.raises(InvalidInputError, match=f"X_reference must be of numpy for method='{method}'"):
        MMD(method=method).fit(strict.asarray(tables("numbers")[0]))


def test_no_rows_and_no_complete_rows_decide_nothing():
    reference = tables("numbers")[0]
    detector = Energy().fit(strict.asarray(reference))
    for empty in (np.zeros((0, 3)), np.zeros(0)):
        result = detector.detect(strict.asarray(empty))
        assert (result.state, result.n_current) == (DriftState.UNDECIDED, 0)
    nothing = strict.asarray(np.full((40, 3), np.nan))
    assert close(detector.detect(nothing), Energy().fit(reference).detect(np.full((40, 3), np.nan)))
    with pytest.raises(InvalidInputError, match="X_reference must have at least one row"):
        detector.fit(strict.asarray(np.zeros((0, 3))))
    assert detector.detect(strict.asarray(reference[:50] + 1.0)).detected
    unknown = Energy().fit(nothing).detect(strict.asarray(reference))
    assert unknown.parts["values"].state is DriftState.UNDECIDED


def test_arrays_that_need_a_missing_package_name_the_extra(monkeypatch):
    torch = type("Tensor", (), {"__module__": "torch", "detach": None, "ndim": 2, "shape": (3, 1)})
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    with pytest.raises(MissingDependencyError, match=r"contlearn\[array-api\]"):
        Energy().fit(torch())
    with pytest.raises(MissingDependencyError, match=r"contlearn\[array-api\]"):
        energy(torch(), torch())


def test_numpy_needs_none_of_it():
    script = """
import sys
import numpy as np
from contlearn.drift import MMD, Energy
for detector in (MMD(), Energy()):
    detector.fit(np.zeros((9, 2))).detect(np.ones((9, 2)))
print(*[name for name in ("torch", "cupy", "array_api_compat", "array_api_strict") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
