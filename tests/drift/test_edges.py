"""The edge matrix: for every batch detector and every odd input, what comes out; and nobody goes blind.

Each row gives a reference, an odd batch, and what each detector makes of it: a state, or an error and the
words that its message must hold. Whatever came out, the input is unchanged, and the next real shift is seen.
"""

import copy
import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from contlearn.drift import KS, MMD, ByColumn, ChiSquared, DriftState, Energy
from contlearn.exceptions import InvalidInputError, SchemaError

DETECTORS = {
    "KS": KS(),
    "ChiSquared": ChiSquared(),
    "MMD": MMD(n_permutations=79, max_rows=300),
    "ByColumn": ByColumn(),
    "Energy": Energy(n_permutations=79, max_rows=300, random_state=1),
}

STABLE, DRIFT, UNDECIDED = DriftState.STABLE, DriftState.DRIFT, DriftState.UNDECIDED


def rows(n, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 6, (n, 2)).astype(float)


def batch(**changes):
    """A hundred and fifty ordinary rows of columns a and b, with `changes` to the first column."""
    plain = rows(150, 1)
    return {"a": changes.get("a", plain[:, 0]), "b": plain[:, 1]}


def with_first(value, count=1):
    values = rows(150, 1)[:, 0].astype(object)
    values[:count] = value
    return values.tolist()


def frozen(array):
    array.flags.writeable = False
    return array


REFERENCE = {"a": rows(500, 0)[:, 0], "b": rows(500, 0)[:, 1]}
SHIFTED = {"a": rows(150, 2)[:, 0] // 2 + 3, "b": rows(150, 2)[:, 1] // 2 + 3}
NUMBERS_ONLY = {
    "KS": (SchemaError, "ChiSquared"),
    "MMD": (SchemaError, "ByColumn"),
    "Energy": (SchemaError, "ByColumn"),
}

# name: (batch, outcome of all detectors, outcomes of some that differ)
BATCHES = {
    "ordinary": (batch(), STABLE, {}),
    "one NaN": (batch(a=with_first(np.nan)), STABLE, {}),
    "one None": (batch(a=with_first(None)), STABLE, {}),
    "one pandas NA": (batch(a=with_first(pd.NA)), STABLE, {}),
    "a third missing": (batch(a=with_first(None, 50)), DRIFT, {}),
    "all missing": (batch(a=[None] * 150), DRIFT, {}),
    "one infinity": (
        batch(a=with_first(np.inf)),
        (InvalidInputError, "column 'a' must be finite, got 1 infinite of 150 values; replace"),
        {},
    ),
    "minus infinity in a frame": (
        pl.DataFrame({"a": [-np.inf] * 3, "b": [1.0] * 3}),
        (InvalidInputError, "column 'a' must be finite, got 3 infinite of 3 values"),
        {},
    ),
    "huge but finite": (batch(a=with_first(1e308)), STABLE, {}),
    "smallest float": (batch(a=with_first(5e-324)), STABLE, {}),
    "2**63": (batch(a=with_first(2**63)), STABLE, {}),
    "an integer that no float holds": (batch(a=with_first(10**400)), (InvalidInputError, "column 'a'"), {}),
    "empty batch": (batch()["a"][:0], UNDECIDED, {}),
    "empty columns": ({"a": [], "b": []}, UNDECIDED, {}),
    "empty frame": (pd.DataFrame({"a": [], "b": []}, dtype=object), UNDECIDED, {}),
    "one row": ({"a": [3.0], "b": [4.0]}, UNDECIDED, {}),
    "one odd row": ({"a": [1e9], "b": [1e9]}, UNDECIDED, {}),
    "one row, missing": ({"a": [None], "b": [4.0]}, UNDECIDED, {}),
    # The effect of joint tests is no share of rows: two rows are few, but could bring p down to alpha.
    "two rows": ({"a": [3.0, 4.0], "b": [4.0, 1.0]}, UNDECIDED, {"MMD": STABLE, "Energy": STABLE}),
    "constant column": (batch(a=[3.0] * 150), DRIFT, {}),
    "unseen category": (batch(a=with_first(9.5, 30)), DRIFT, {}),
    "vanished category": (batch(a=np.where(rows(150, 1)[:, 0] < 4, rows(150, 1)[:, 0], 0.0)), DRIFT, {}),
    "swapped columns": ({"b": batch()["b"], "a": batch()["a"]}, STABLE, {}),
    "missing column": ({"a": batch()["a"]}, (SchemaError, "column 'b' missing"), {}),
    "additional column": (batch() | {"c": [1] * 150}, (SchemaError, "column 'c' in addition"), {}),
    "no columns": ({}, (InvalidInputError, "at least one column, got none"), {}),
    "no features": (np.zeros((5, 0)), (InvalidInputError, "0 feature(s)"), {}),
    "another width": (np.zeros((5, 3)), (SchemaError, "2 columns, as in fit, got 3"), {}),
    "duplicate names": (
        pd.DataFrame(rows(5, 1), columns=["a", "a"]),
        (SchemaError, "'a' more than once; rename"),
        {},
    ),
    "columns of unequal length": ({"a": [1.0, 2.0], "b": [1.0]}, (InvalidInputError, "same length"), {}),
    "text instead of numbers": (
        batch(a=["x"] * 150),
        (SchemaError, "column 'a' must hold numbers, as in fit, got categories; convert"),
        {},
    ),
    "numbers as text": (batch(a=with_first("3", 150)), (SchemaError, "column 'a' must hold numbers"), {}),
    "booleans instead of numbers": (batch(a=[True] * 150), (SchemaError, "got booleans"), {}),
    "dates instead of numbers": (batch(a=[dt.date(2020, 1, 1)] * 150), (SchemaError, "got dates"), {}),
    "mixed types": (batch(a=with_first("x")), (SchemaError, "column 'a' must hold values of one kind"), {}),
    "objects": (batch(a=with_first(int)), (SchemaError, "column 'a': each argument must be"), {}),
    "integers instead of floats": ({name: v.astype(int) for name, v in batch().items()}, STABLE, {}),
    "small integers": ({name: v.astype(np.int8) for name, v in batch().items()}, STABLE, {}),
    "half precision": ({name: v.astype(np.float16) for name, v in batch().items()}, STABLE, {}),
    "objects that are numbers": ({name: v.astype(object) for name, v in batch().items()}, STABLE, {}),
    "nullable integers": (pd.DataFrame(batch()).astype("Int64"), STABLE, {}),
    "read-only": (frozen(rows(150, 1)), STABLE, {}),
    "Fortran order": (np.asfortranarray(rows(150, 1)), STABLE, {}),
    "every other row backwards": (np.repeat(rows(150, 1), 2, axis=0)[::-2], STABLE, {}),
    "a view of columns": (np.hstack([rows(150, 1)] * 3)[:, 2:4], STABLE, {}),
    "a masked array": (np.ma.array(rows(5, 1), mask=True), (InvalidInputError, "filled"), {}),
    "three dimensions": (np.zeros((2, 2, 2)), (InvalidInputError, "3 dimensions"), {}),
    "complex numbers": (np.zeros((3, 2), dtype=complex), (InvalidInputError, "omplex"), {}),
    "a lazy frame": (pl.DataFrame(batch()).lazy(), (InvalidInputError, "collect"), {}),
    "nothing at all": (None, (InvalidInputError, "got NoneType"), {}),
}


def snapshot(X):
    if isinstance(X, np.ndarray):
        return X.copy()
    return X.clone() if isinstance(X, pl.DataFrame | pl.LazyFrame) else copy.deepcopy(X)


def same(X, before):
    if isinstance(X, pl.LazyFrame):
        X, before = X.collect(), before.collect()
    if isinstance(X, pl.DataFrame | pd.DataFrame):
        return X.equals(before)
    if isinstance(X, dict):
        return list(X) == list(before) and all(same(X[name], before[name]) for name in X)
    return repr(X) == repr(before)


def check(fitted, X, outcome):
    before = snapshot(X)
    if isinstance(outcome, tuple):
        error, words = outcome
        with pytest.raises(error) as refused:
            fitted.detect(X)
        assert words in str(refused.value)
    else:
        result = fitted.detect(X)
        assert result.state is outcome, str(result)
        assert str(result)
        assert result == fitted.detect(X)
    assert same(X, before)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("case", BATCHES)
def test_an_odd_batch_has_a_defined_outcome_and_the_next_shift_is_seen(name, case):
    X, outcome, others = BATCHES[case]
    fitted = clone(DETECTORS[name]).fit(REFERENCE)
    check(fitted, X, others.get(name, outcome))
    assert fitted.detect(SHIFTED).detected
    assert not fitted.detect(batch()).detected


def columns(reference, same_again, shifted):
    """A reference, a batch like it, and one that is not, all of one column."""
    return {"x": reference}, {"x": same_again}, {"x": shifted}


CYCLE = np.arange(1000)
DAYS = np.datetime64("2024-01-01", "D") + (CYCLE % 20).astype("m8[D]")
LATER = np.timedelta64(16, "D")
# name: (reference, batch like it, shifted batch), outcomes for the batch like it, {detector: error}
REFERENCES = {
    "text": (columns(["a", "b"] * 500, ["a", "b"] * 100, ["a", "c"] * 100), STABLE, NUMBERS_ONLY),
    "fixed-width text": (
        columns(np.array(["a", "bb"] * 500), np.array(["bb", "a"] * 100), np.array(["bb", "ccc"] * 100)),
        STABLE,
        NUMBERS_ONLY,
    ),
    "bytes": (columns([b"a", b"b"] * 500, [b"a", b"b"] * 100, [b"a", b"c"] * 100), STABLE, NUMBERS_ONLY),
    "categoricals": (
        columns(
            pd.Series(["a", "b"] * 500, dtype="category"),
            pd.Series(["a", "b"] * 100, dtype="category").cat.add_categories("unused"),
            pd.Series(["a", "c"] * 100, dtype="category"),
        ),
        STABLE,
        NUMBERS_ONLY,
    ),
    "booleans": (columns([True, False] * 500, [False, True] * 100, [True] * 200), STABLE, {}),
    "booleans with gaps": (
        columns(
            [True, False, None, True] * 250, [False, True, True, None] * 50, [True, None, True, True] * 50
        ),
        STABLE,
        {},
    ),
    "dates": (
        columns(DAYS, DAYS[:200], DAYS[:200] + LATER),
        STABLE,
        dict.fromkeys(("MMD", "Energy"), (SchemaError, "column 'x' must hold numbers")),
    ),
    "dates with zones": (
        columns(
            pd.Series(DAYS).dt.tz_localize("Europe/Oslo"),
            pd.Series(DAYS[:200]).dt.tz_localize("Europe/Oslo"),
            pd.Series(DAYS[:200] + LATER).dt.tz_localize("Europe/Oslo"),
        ),
        STABLE,
        dict.fromkeys(("MMD", "Energy"), (SchemaError, "column 'x' must hold numbers")),
    ),
    "durations": (
        columns(DAYS - DAYS[0], (DAYS - DAYS[0])[:200], (DAYS - DAYS[0])[:200] + LATER),
        STABLE,
        dict.fromkeys(("MMD", "Energy"), (SchemaError, "column 'x' must hold numbers")),
    ),
    "identifiers beyond 2**53": (
        columns(2**60 + CYCLE % 4 * 2**40, 2**60 + CYCLE[:200] % 4 * 2**40, 2**60 + CYCLE[:200] % 2 * 2**40),
        STABLE,
        {},
    ),
    "unsigned beyond 2**63": (
        columns(
            np.uint64(2**63) + (CYCLE % 4).astype(np.uint64) * np.uint64(2**50),
            np.uint64(2**63) + (CYCLE[:200] % 4).astype(np.uint64) * np.uint64(2**50),
            np.uint64(2**63) + (CYCLE[:200] % 2).astype(np.uint64) * np.uint64(2**50),
        ),
        STABLE,
        {},
    ),
    "constant": (columns([5.0] * 1000, [5.0] * 200, [6.0] * 200), STABLE, {}),
    "tiny": (columns([1e-300, 0.0] * 500, [0.0, 1e-300] * 100, [1e-300] * 200), STABLE, {}),
    "near the largest float": (
        columns([1e308, -1e308] * 500, [-1e308, 1e308] * 100, [1e308] * 200),
        STABLE,
        {},
    ),
    "nothing but missing": (columns([None] * 1000, [None] * 200, [1.0, 2.0] * 100), UNDECIDED, {}),
    "one row": (columns([3.0], [3.0] * 200, None), UNDECIDED, {}),
    "all but one row missing": (
        columns([None] * 999 + [3.0], [None] * 999 + [3.0], [3.0] * 200),
        UNDECIDED,
        {},
    ),
    "ten thousand categories": (
        columns(
            [f"item {i % 10_000}" for i in range(50_000)],
            [f"item {(7 * i) % 10_000}" for i in range(10_000)],
            [f"item {i % 100}" for i in range(10_000)],
        ),
        STABLE,
        NUMBERS_ONLY,
    ),
    "ten thousand integer categories": (
        columns(np.arange(50_000) % 10_000, np.arange(10_000), np.arange(10_000) % 100),
        STABLE,
        {},
    ),
}


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("case", REFERENCES)
def test_an_odd_reference_has_a_defined_outcome_and_its_shift_is_seen(name, case):
    (reference, same_again, shifted), outcome, errors = REFERENCES[case]
    before = snapshot(reference)
    if name in errors:
        error, words = errors[name]
        with pytest.raises(error) as refused:
            clone(DETECTORS[name]).fit(reference)
        assert words in str(refused.value)
        return
    fitted = clone(DETECTORS[name]).fit(reference)
    check(fitted, same_again, outcome)
    if shifted["x"] is not None:
        assert fitted.detect(shifted).detected
    assert same(reference, before)


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (np.zeros((0, 2)), InvalidInputError, "at least one row"),
        ({"a": [], "b": []}, InvalidInputError, "at least one row"),
        ([], InvalidInputError, "at least one row"),
        (np.zeros((3, 0)), InvalidInputError, "0 feature(s)"),
        ({"a": [1.0, np.inf]}, InvalidInputError, "column 'a' must be finite"),
        ({"a": [1.0, "x"]}, SchemaError, "column 'a' must hold values of one kind"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), SchemaError, "'a' more than once"),
    ],
)
def test_a_reference_that_cannot_be_one_is_refused(name, bad, error, words):
    with pytest.raises(error) as refused:
        clone(DETECTORS[name]).fit(bad)
    assert words in str(refused.value)
