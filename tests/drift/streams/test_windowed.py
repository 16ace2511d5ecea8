"""A batch detector on a stream: its windows, its rows in every form, and what is refused at once."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn.base import clone

from contlearn.drift import KS, MMD, ByColumn, ChiSquared, DriftState, Windowed
from contlearn.exceptions import ContlearnError, InvalidInputError, InvalidParameterError, NotFittedError
from contlearn.results import DriftResult

RNG = np.random.default_rng(0)
REFERENCE = RNG.normal(size=2_000)


def table(rows, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    day = dt.datetime(2024, 3, 1)
    return {
        "amount": rng.normal(shift, size=rows),
        "count": rng.poisson(3, size=rows),
        "city": rng.choice(["Oslo", "Rome", "Lima"], rows),
        "member": rng.random(rows) < 0.4,
        "at": np.array([day + dt.timedelta(hours=int(h)) for h in rng.integers(0, 99, rows)], dtype="M8[us]"),
    }


def rows_of(columns):
    plain = {name: each.tolist() for name, each in columns.items()}
    return [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]


def test_each_full_window_is_one_question():
    detector = KS().fit(REFERENCE)
    watch = Windowed(detector, 50)
    x = RNG.normal(size=200)
    x[100:150] += 2.0
    for n, each in enumerate(x.tolist(), start=1):
        watch.update(each)
        if n % 50 == 0:
            assert watch.result == detector.detect(x[n - 50 : n])
        assert watch.drift_detected == bool(watch.result) == (n == 150)


def test_between_windows_the_last_answer_holds_unless_it_was_an_alarm():
    watch = Windowed(KS().fit(REFERENCE), 100)
    assert watch.result.state is DriftState.UNDECIDED
    watch.update_many(REFERENCE[:99])
    assert watch.result.state is DriftState.UNDECIDED
    assert watch.result.remarks == ("99 of 100 rows",)
    watch.update(0.0)
    stable = watch.result
    assert stable.state is DriftState.STABLE
    watch.update(0.0)
    assert watch.result == stable
    watch.update_many(np.full(99, 9.0))
    assert watch.drift_detected
    watch.update(0.0)
    assert not watch.drift_detected
    assert watch.result.state is DriftState.UNDECIDED
    assert watch.result.n_reference == 2_000


def test_its_run_length_is_size_over_alpha():
    assert Windowed(KS(alpha=0.01), 200).run_length == pytest.approx(20_000)


FORMS = {
    "numbers": (KS(), REFERENCE, REFERENCE.tolist(), REFERENCE),
    "gaps": (
        KS(),
        REFERENCE,
        [None, 1.0, float("nan"), 2.0] * 100,
        np.array([np.nan, 1.0, np.nan, 2.0] * 100),
    ),
    "narrow floats": (KS(), REFERENCE, list(REFERENCE.astype("f4")), REFERENCE.astype("f4")),
    "integers": (KS(), REFERENCE.astype(int), REFERENCE.astype(int).tolist(), REFERENCE.astype(int)),
    "texts": (
        ChiSquared(),
        ["a", "b"] * 50,
        ["a", "b", "b", "c"] * 100,
        np.array(["a", "b", "b", "c"] * 100),
    ),
    "matrix": (
        MMD(n_permutations=49),
        REFERENCE.reshape(-1, 2),
        list(REFERENCE.reshape(-1, 2)),
        REFERENCE.reshape(-1, 2),
    ),
    "tuples": (
        MMD(n_permutations=49),
        REFERENCE.reshape(-1, 2),
        [tuple(row) for row in REFERENCE.reshape(-1, 2).tolist()],
        REFERENCE.reshape(-1, 2),
    ),
    "rows by name": (ByColumn(), table(300), rows_of(table(400, 0.5, 1)), table(400, 0.5, 1)),
    "list of rows by name": (
        ByColumn(),
        table(300),
        rows_of(table(400, 0.5, 1)),
        rows_of(table(400, 0.5, 1)),
    ),
}


@pytest.mark.parametrize("name", FORMS)
@given(cuts=st.lists(st.tuples(st.booleans(), st.integers(0, 130)), min_size=1, max_size=5))
@settings(derandomize=True, deadline=None, max_examples=8)
def test_many_rows_are_one_after_another(name, cuts):
    detector, reference, rows, many = FORMS[name]
    detector = detector.fit(reference)
    one, mixed, start = Windowed(detector, 60), Windowed(detector, 60), 0
    for together, n in cuts:
        stop = min(start + n, len(rows))
        alarms = []
        for position, row in enumerate(rows[start:stop]):
            one.update(row)
            alarms += [position] * one.drift_detected
            if not together:
                mixed.update(row)
        if together:
            block = (
                {k: v[start:stop] for k, v in many.items()} if isinstance(many, dict) else many[start:stop]
            )
            assert mixed.update_many(block) == alarms
        assert mixed.result == one.result
        assert mixed.drift_detected == one.drift_detected
        start = stop


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_are_windows_too(library):
    pytest.importorskip(library)
    columns = table(500, 0.8, seed=2)
    if library == "pandas":
        import pandas as pd

        frame = pd.DataFrame(columns, index=range(900, 1400))
    elif library == "polars":
        import polars as pl

        frame = pl.DataFrame(columns)
    else:
        import pyarrow as pa

        frame = pa.table(columns)
    detector = ByColumn().fit(table(600))
    one, many = Windowed(detector, 120), Windowed(detector, 120)
    first = rows_of(table(30, seed=3))
    for watch in (one, many):
        watch.update_many(first)
    alarms = []
    for position, row in enumerate(rows_of(columns)):
        one.update(row)
        alarms += [position] * one.drift_detected
    assert many.update_many(frame) == alarms
    assert alarms
    assert many.result == one.result


def test_it_keeps_nothing_of_the_callers():
    x, row, named = RNG.normal(size=30), np.zeros(2), {"a": 1.0, "b": 2.0}
    for watch, give, spoil in (
        (Windowed(KS().fit(REFERENCE), 50), lambda w: w.update_many(x), lambda: x.fill(99.0)),
        (Windowed(KS().fit(REFERENCE.reshape(-1, 2)), 50), lambda w: w.update(row), lambda: row.fill(99.0)),
        (
            Windowed(KS().fit({"a": REFERENCE, "b": REFERENCE}), 50),
            lambda w: w.update(named),
            lambda: named.update(a="no number"),
        ),
    ):
        give(watch)
        before = pickle.dumps(watch)
        spoil()
        assert pickle.dumps(watch) == before


BAD = [
    (
        KS(), REFERENCE, 0.5,
        [np.inf, 10**400, "x", [1.0, 2.0], {"a": 1.0, "b": 2.0}, b"1", 1j, np.zeros(2), object()],
    ),
    (
        KS(), REFERENCE.reshape(-1, 2), (0.5, 1.0),
        [0.5, (1.0,), (1.0, 2.0, 3.0), (1.0, np.inf), ("a", 1.0), np.zeros((2, 2))],
    ),
    (
        ByColumn(),
        table(200),
        rows_of(table(1))[0],
        [
            {"amount": 1.0},
            rows_of(table(1))[0] | {"more": 1},
            rows_of(table(1))[0] | {"amount": "much"},
            rows_of(table(1))[0] | {"amount": -np.inf},
            rows_of(table(1))[0] | {"city": 3},
            0.5,
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("detector", "reference", "good", "poison"), BAD, ids=["values", "matrix", "table"])
def test_a_bad_row_is_refused_at_once_and_the_window_stays(detector, reference, good, poison):
    watch = Windowed(detector.fit(reference), 10)
    for fresh in (True, False):
        if not fresh:
            watch.update_many([good] * 4)
        before = pickle.dumps(watch)
        for bad in poison:
            with pytest.raises(ContlearnError):
                watch.update(bad)
            with pytest.raises(ContlearnError):
                watch.update_many([good] * 20 + [bad])
            assert pickle.dumps(watch) == before
    for _ in range(6):
        watch.update(good)
    assert watch.result.n_current == 10


def test_rows_of_another_form_are_refused_while_rows_wait():
    watch = Windowed(KS().fit({"a": REFERENCE}), 10)
    watch.update({"a": 1.0})
    for other in (1.0, (1.0,), np.zeros(1)):
        with pytest.raises(ContlearnError, match="as the rows before"):
            watch.update(other)
    watch.reset()
    watch.update(1.0)
    with pytest.raises(ContlearnError, match="as the rows before"):
        watch.update_many({"a": [1.0]})
    assert watch.result.remarks == ("1 of 10 rows",)


def test_missing_values_are_tested_not_refused():
    watch = Windowed(KS().fit(REFERENCE), 100)
    assert watch.update_many([None, 0.5] * 50) == [99]
    assert watch.result.parts["0"].parts["missing"].detected


def test_a_fitted_detector_is_used_as_it_is_and_clones_forget_it():
    detector = KS().fit(REFERENCE)
    watch = Windowed(detector, 20)
    watch.update_many(REFERENCE[:15])
    for fresh in (watch.clone(), clone(watch), Windowed(KS(), 20)):
        assert repr(fresh) == repr(watch)
        with pytest.raises(NotFittedError, match="fit"):
            fresh.update(0.5)
        with pytest.raises(NotFittedError, match="fit"):
            fresh.update_many([0.5])
    detector.fit(REFERENCE + 9.0)  # the user's own affair
    assert watch.update_many(REFERENCE[15:200]) == []


def test_reset_and_fit():
    watch = Windowed(KS(), 20).fit(REFERENCE)
    watch.update_many(REFERENCE[:15])
    watch.reset()
    assert watch.result.n_current == 0
    assert watch.update_many(REFERENCE[:20] + 5.0) == [19]
    with pytest.raises(InvalidInputError):
        watch.fit([np.inf])
    assert watch.drift_detected
    assert watch.fit(REFERENCE + 5.0) is watch
    assert watch.update_many(REFERENCE[:20] + 5.0) == []


def test_parameters():
    watch = Windowed(KS(tolerance=0.1), 20)
    assert watch.get_params()["detector__tolerance"] == 0.1
    assert watch.set_params(size=30, detector__alpha=0.2).run_length == pytest.approx(150)
    for bad in ({"detector": KS, "size": 9}, {"detector": 1, "size": 9}):
        with pytest.raises(InvalidParameterError, match="detector"):
            Windowed(**bad)
    for size in (1, 2.5, True, None):
        with pytest.raises(InvalidParameterError, match="size"):
            Windowed(KS(), size)


class Own:
    """A batch detector of somebody else's: no schema."""

    def __init__(self, alpha=0.05):
        self.alpha = alpha

    def fit(self, X):
        self.mean_ = np.mean(X)
        return self

    def detect(self, X):
        far = abs(np.mean(X) - self.mean_) > 1.0
        return DriftResult(state=DriftState.DRIFT if far else DriftState.STABLE, n_current=len(X))


def test_detectors_of_others_join_in():
    watch = Windowed(Own().fit(REFERENCE), 10)
    assert watch.update_many([0.0] * 10 + [5.0] * 10) == [19]
    with pytest.raises(ContlearnError):
        watch.update(np.inf)
    watch.update(5.0)
    assert watch.result.state is DriftState.UNDECIDED


def test_memory_is_one_window():
    watch = Windowed(KS().fit(REFERENCE), 100)
    sizes = []
    for n in range(1_000):
        watch.update(float(n % 7))
        sizes.append(len(pickle.dumps(watch)))
    assert max(sizes) - min(sizes) < 100 * 20 + 2_000
    watch.update_many(RNG.normal(size=10_099))
    assert len(pickle.dumps(watch)) < max(sizes) + 2_000


def test_the_module_itself_loads_no_scikit_learn():
    code = "import sys, contlearn.drift; contlearn.drift.Windowed, contlearn.drift.OverTime; "
    code += "print(*[m for m in ('sklearn', 'pandas', 'scipy.stats', 'river.drift') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.calibration
def test_windows_alarm_no_more_often_than_alpha():
    rng = np.random.default_rng(0)
    windows = alarms = 0
    for _ in range(20):
        watch = Windowed(KS(tolerance=0.0, alpha=0.1).fit(rng.normal(size=2_000)), 100)
        alarms += len(watch.update_many(rng.normal(size=2_000)))
        windows += 20
    assert alarms <= special.bdtrik(1 - 1e-6, windows, 0.1)


def test_numbers_that_a_frame_declares_as_categories_may_wait():
    pd = pytest.importorskip("pandas")
    shops = pd.DataFrame({"amount": REFERENCE[:300], "shop": pd.Categorical([1, 2, 3] * 100)})
    detector = ByColumn().fit(shops)
    whole, parts = Windowed(detector, 40), Windowed(detector, 40)
    whole.update_many(shops.iloc[:80])
    for start in range(0, 80, 16):
        parts.update_many(shops.iloc[start : start + 16])
    assert parts.result == whole.result
    assert pickle.loads(pickle.dumps(parts)).result == whole.result
