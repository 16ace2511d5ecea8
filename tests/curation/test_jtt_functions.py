from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from contlearn.curation import jtt_indices, jtt_weights
from contlearn.exceptions import InvalidInputError, InvalidParameterError

ARRAYS = np.array([np.ones(2), np.ones(3)], dtype=object)
labels = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=40)


@given(labels, st.floats(1, 50))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_a_weight_is_the_factor_where_the_prediction_is_wrong_and_one_elsewhere(pairs, factor):
    y, y_pred = [a for a, _ in pairs], [b for _, b in pairs]
    weights = jtt_weights(y, y_pred, factor)
    assert weights.dtype == np.float64
    assert weights.tolist() == [1.0 if a == b else factor for a, b in pairs]


@given(labels, st.floats(1, 50), st.integers(0, 2**32))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_copies_differ_from_the_weights_by_less_than_one_per_row_and_in_total(pairs, factor, seed):
    y, y_pred = [a for a, _ in pairs], [b for _, b in pairs]
    weights, indices = jtt_weights(y, y_pred, factor), jtt_indices(y, y_pred, factor, seed)
    counts = np.bincount(indices, minlength=len(pairs))
    assert (np.abs(counts - weights) < 1).all()
    assert abs(len(indices) - weights.sum()) < 1 + 1e-9
    assert (np.diff(indices) >= 0).all()


def test_the_expected_number_of_copies_is_the_factor_for_every_row():
    y, y_pred, draws = np.zeros(7), np.array([1, 0, 1, 1, 0, 1, 1]), 3000
    rng = np.random.default_rng(0)
    extra = sum(np.bincount(jtt_indices(y, y_pred, 2.3, rng), minlength=7) for _ in range(draws)) - draws
    wrong = y_pred == 1
    assert (extra[~wrong] == 0).all()
    tail = 1e-6 / 10
    drawn = extra[wrong] - draws
    assert (drawn >= binom.ppf(tail, draws, 0.3)).all()
    assert (drawn <= binom.isf(tail, draws, 0.3)).all()


def test_a_whole_factor_draws_nothing_and_counts_as_the_paper_does():
    y, y_pred = np.array([0, 1, 1, 0, 1]), np.array([0, 0, 1, 1, 1])
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    indices = jtt_indices(y, y_pred, 4, rng)
    assert rng.bit_generator.state == before
    assert indices.tolist() == [0, 1, 1, 1, 1, 2, 3, 3, 3, 3, 4]
    # the authors' program appends the error set k more times: its k is our k + 1
    published = np.concatenate([np.arange(5), np.tile(np.flatnonzero(y != y_pred), 3)])
    assert sorted(published) == indices.tolist()


@pytest.mark.parametrize("model", [GaussianNB(), LogisticRegression(tol=1e-10, max_iter=10_000)])
def test_a_model_that_honours_weights_learns_the_same_from_copies(model):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.integers(3, size=200)
    y_pred = rng.integers(3, size=200)
    by_weight = model.fit(X, y, sample_weight=jtt_weights(y, y_pred, 7)).predict_proba(X)
    rows = jtt_indices(y, y_pred, 7)
    by_copies = model.fit(X[rows], y[rows]).predict_proba(X)
    # GaussianNB weights its variances by sums, copies by counts: only rounding differs
    np.testing.assert_allclose(by_weight, by_copies, atol=1e-6)


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        np.array,
        pd.Series,
        pl.Series,
        lambda v: pd.Series(v, index=range(10, 10 + len(v))),
        lambda v: pd.Series(v, dtype="category"),
        lambda v: np.array(v, dtype=object),
    ],
)
@pytest.mark.parametrize(
    ("y", "y_pred"),
    [(["a", "b", "a"], ["a", "a", "a"]), ([0, 1, 0], [0, 0, 0]), ([True, False, True], [1, 1, 1])],
)
def test_every_kind_of_column_is_taken(kind, y, y_pred):
    assert jtt_weights(kind(y), kind(y_pred), 3).tolist() == [1, 3, 1]
    assert jtt_weights(y, kind(y_pred), 3).tolist() == [1, 3, 1]
    assert jtt_indices(kind(y), kind(y_pred), 3).tolist() == [0, 1, 1, 1, 2]


def test_text_of_different_widths_and_no_rows_at_all_are_fine():
    assert jtt_weights(["a", "bbb"], np.array(["a", "b"], dtype=object)).tolist() == [1, 5]
    assert jtt_weights([], []).tolist() == []
    assert jtt_indices([], [], 1.5).tolist() == []


@pytest.mark.parametrize(
    ("y", "y_pred", "words"),
    [
        ([0, 1], [0], "y and y_pred must have the same length, got y with 2, y_pred with 1"),
        ([0, 1], [[0.2, 0.8], [0.1, 0.9]], "y_pred must be one-dimensional"),
        ([0, 1], [0.2, 0.8], "turn probabilities into labels"),
        ([0, 1], ["0", "1"], "y of int and y_pred of text"),
        ([0.0, np.nan], [0, 1], "y must have no missing labels"),
        (["a", None], ["a", "b"], "y must have no missing labels"),
        (["a", "b"], pd.Series(["a", pd.NA], dtype="string"), "y_pred must have no missing labels"),
        (pd.Series([0, None], dtype="Int64"), [0, 1], "y must have no missing labels"),
        (pl.Series([0, None]), [0, 1], "y must have no missing labels"),
        (np.ma.array([1, 0, 1], mask=[1, 0, 0]), [0, 0, 1], "no missing labels, got 1 of 3 rows without one"),
        (["a", "b"], np.ma.array(["a", "b"], mask=[0, 1]), "y_pred must have no missing labels, got 1 of 2"),
        (["late", float("nan")], ["late", "late"], "y must have no missing labels, got 1 of 2"),
        (["late", "late"], [pd.NA, None], "y_pred must have no missing labels, got 2 of 2"),
        (["a", 1], ["a", "1"], "y of int and str and y_pred of text"),
        ([b"a", b"b"], ["a", "b"], "y of bytes and y_pred of text"),
        ([1, 2], np.array(["2024", "2025"], dtype="M8[Y]"), "y of int and y_pred of datetime"),
        ([(1, 2), (3,)], [0, 1], "y must be one-dimensional, got rows of different lengths"),
        ([(1, 2), (3, 4)], [0, 1], "y must be one-dimensional, got shape (2, 2"),
        (np.array([(1, 2.0)], dtype="i4,f8"), [0], "y must hold one label per row, got dtype"),
        (ARRAYS, ARRAYS.copy(), "y and y_pred must hold labels that can be compared, got ndarray"),
        ("late", ["late"], "y must hold one value per row"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused(y, y_pred, words):
    for function in (jtt_weights, jtt_indices):
        with pytest.raises(InvalidInputError, match=words.replace("(", r"\(")):
            function(y, y_pred)


@pytest.mark.parametrize("factor", [0.5, 0, -3, np.nan, np.inf, "5", True, None])
def test_a_factor_below_one_or_no_number_is_refused(factor):
    for function in (jtt_weights, jtt_indices):
        with pytest.raises(InvalidParameterError, match="factor must"):
            function([0, 1], [0, 0], factor)


def test_labels_of_one_kind_are_compared_however_they_are_stored():
    days = np.array(["2024-01-01", "2024-01-02"], dtype="M8[D]")
    assert jtt_weights(days, days.astype("M8[s]")).tolist() == [1, 1]
    assert jtt_weights(np.array([1, 0], dtype=object), [True, True]).tolist() == [1, 5]
    assert jtt_weights(["a", 1], ["a", 2]).tolist() == [1, 5]
    assert jtt_weights(np.ma.array([1, 0], mask=False), [1, 1]).tolist() == [1, 5]


@pytest.mark.parametrize("factor", [1e15, 1e19, 1e308])
def test_an_index_map_that_cannot_fit_in_memory_is_refused(factor):
    with pytest.raises(InvalidParameterError, match="factor must give an index map that fits in memory, got"):
        jtt_indices([0, 1, 0], [1, 1, 1], factor)
    assert jtt_weights([0, 1], [1, 1], factor).tolist() == [factor, 1]


@pytest.mark.parametrize("rng", [-1, "a", 2.5, np.nan, True])
def test_what_seeds_nothing_is_refused(rng):
    with pytest.raises(InvalidParameterError, match="rng must be None, an integer of at least 0 or a numpy"):
        jtt_indices([0, 1], [1, 1], 2.5, rng)


def test_the_arguments_are_left_alone():
    y, y_pred = np.array([0, 1]), np.array([1, 1])
    y.flags.writeable = y_pred.flags.writeable = False
    weights = jtt_weights(y, y_pred)
    weights[0] = 9
    assert y.tolist() == [0, 1]


def test_weights_cost_no_scikit_learn():
    program = "import sys; from contlearn.curation import jtt_weights; jtt_weights([0], [1])"
    program += "; print('sklearn' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
