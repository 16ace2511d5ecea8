import math
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.metrics import brier_score_loss, mean_pinball_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from contlearn.evaluation import absolute_error, as_loss, brier, log_loss, pinball, squared_error, zero_one
from contlearn.exceptions import InvalidInputError, InvalidParameterError


def name_of(rule: object) -> str:
    """Return a test id that is the same in every process: the `repr` of a function is not."""
    return getattr(rule, "__name__", repr(rule))


LOSSES = [zero_one, log_loss, brier, absolute_error, squared_error, pinball(0.3)]
KINDS = [
    list,
    tuple,
    np.array,
    pd.Series,
    pl.Series,
    pa.array,
    lambda x: pd.Series(x, index=range(5, 5 + len(x))),
]


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
@pytest.mark.parametrize("kind", KINDS)
def test_every_loss_takes_every_kind_of_column_and_gives_one_float_per_row(loss, kind):
    y, y_pred = [1, 0, 0, 1], [1.0, 1.0, 0.0, 0.0 if loss is zero_one else 0.25]
    found = loss(kind(y), kind(y_pred))
    assert type(found) is np.ndarray
    assert found.dtype == np.float64
    assert found.shape == (4,)
    np.testing.assert_array_equal(found, loss(np.array(y), np.array(y_pred)))
    assert found[0] == 0.0
    assert found[1] > 0.0


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
def test_no_rows_give_no_losses(loss):
    assert loss([], []).shape == (0,)
    assert loss([], []).dtype == np.float64


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
def test_different_lengths_are_refused_and_never_broadcast(loss):
    with pytest.raises(InvalidInputError, match="same length"):
        loss([1, 0, 1], [1.0])
    with pytest.raises(InvalidInputError, match=r"one-dimensional|same length"):
        loss(np.ones((3, 1)), np.ones(3))


@pytest.mark.parametrize("loss", LOSSES, ids=name_of)
@pytest.mark.parametrize("missing", [None, math.nan, pd.NA])
def test_a_missing_label_or_prediction_is_neither_right_nor_wrong(loss, missing):
    by_label = loss(np.array([1, missing, 0], dtype=object), [1.0, 1.0, 1.0])
    by_prediction = loss([1, 0, 0], np.array([1.0, missing, 1.0], dtype=object))
    for found in (by_label, by_prediction):
        assert np.isnan(found).tolist() == [False, True, False]
        assert found[0] == 0.0
        assert found[2] > 0.0


def test_zero_one_compares_labels_of_every_kind():
    assert zero_one(["a", "b"], np.array(["a", "a"], dtype=object)).tolist() == [0.0, 1.0]
    assert zero_one(pd.Series(["a", "b"], dtype="category"), pl.Series(["a", "a"])).tolist() == [0.0, 1.0]
    assert zero_one([True, False], [1, 1]).tolist() == [0.0, 1.0]
    assert zero_one([2**60], [2**60 + 1]).tolist() == [1.0]
    days = np.array(["2013-01-01", "2013-01-02"], dtype="M8[D]")
    assert zero_one(days, days[[0, 0]]).tolist() == [0.0, 1.0]
    assert np.isnan(zero_one(["nan", math.nan], ["nan", "nan"])).tolist() == [False, True]


def test_text_is_not_silently_unequal_to_numbers():
    with pytest.raises(InvalidInputError, match="numbers against text"):
        zero_one(["1", "0"], [1, 0])
    with pytest.raises(InvalidInputError, match="text against numbers"):
        zero_one([1, 0], np.array(["1", None], dtype=object))


def test_a_column_of_probabilities_where_labels_belong_is_refused():
    with pytest.raises(InvalidInputError, match=r"y_pred must be one-dimensional, got shape \(2, 2\)"):
        zero_one([0, 1], [[0.2, 0.8], [0.4, 0.6]])


def test_probabilistic_losses_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 200), rng.uniform(0.01, 0.99, 200)
    assert log_loss(y, p).mean() == pytest.approx(sklearn_log_loss(y, p), rel=1e-12)
    assert brier(y, p).mean() == pytest.approx(brier_score_loss(y, p), rel=1e-12)
    table = rng.dirichlet(np.ones(4), 200)
    classes = rng.integers(0, 4, 200)
    assert log_loss(classes, table).mean() == pytest.approx(
        sklearn_log_loss(classes, table, labels=range(4)), rel=1e-9
    )
    onehot = np.eye(4)[classes]
    assert brier(classes, table).mean() == pytest.approx(((table - onehot) ** 2).sum(axis=1).mean() / 2.0)


def test_one_column_is_the_second_of_two():
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, 2, 50), rng.random(50)
    both = np.column_stack([1 - p, p])
    for loss in (log_loss, brier):
        np.testing.assert_allclose(loss(y, p), loss(y, both), rtol=1e-12)
        np.testing.assert_allclose(loss(y, p), loss(y, pd.DataFrame(both)), rtol=1e-12)
        np.testing.assert_allclose(loss(y, p), loss(y, both.tolist()), rtol=1e-12)


def test_one_confident_mistake_costs_no_more_than_the_clip():
    assert log_loss([1], [0.0])[0] == pytest.approx(-math.log(1e-6))
    assert log_loss([1], [0.0], clip=0.01)[0] == pytest.approx(-math.log(0.01))
    assert log_loss([0, 1], [0.0, 1.0]).tolist() == [0.0, 0.0]
    assert not np.signbit(log_loss([1], [1.0]))[0]
    with pytest.raises(InvalidParameterError, match="clip must"):
        log_loss([1], [0.5], clip=0)


def test_brier_stays_between_0_and_1_for_many_classes():
    assert brier([0], [[0.0, 0.0, 1.0]]).tolist() == [1.0]
    assert brier([2], [[0.0, 0.0, 1.0]]).tolist() == [0.0]


@pytest.mark.parametrize("loss", [log_loss, brier])
@pytest.mark.parametrize(
    ("y", "proba", "message"),
    [
        ([2], [0.5], "y must hold the classes 0 to 1, got 2"),
        ([-1], [0.5], "y must hold the classes 0 to 1, got -1"),
        ([0.5], [0.5], "y must hold the classes"),
        (["a"], [0.5], "y must hold numbers"),
        ([1], [1.5], "proba must lie between 0 and 1, got 1.5"),
        ([1], [math.inf], "proba must lie between 0 and 1"),
        ([1], [-0.1], "proba must lie between 0 and 1"),
        ([1], [[0.5, 0.2]], "proba must add up to 1"),
        ([1], [[0.5]], "proba must have shape"),
        ([1], [[[0.5, 0.5]]], "proba must have shape"),
        ([1], 0.5, "proba must have shape"),
        ([1, 1], [[0.5, 0.5], [1.0]], "proba must have one or two dimensions"),
        ([3], [[0.2, 0.3, 0.5]], "y must hold the classes 0 to 2, got 3"),
    ],
)
def test_probabilities_and_classes_that_cannot_be_are_refused(loss, y, proba, message):
    with pytest.raises(InvalidInputError, match=message):
        loss(y, proba)


def test_rounding_of_probabilities_is_forgiven():
    assert brier([1, 0], [1.0 + 1e-9, -1e-9]).tolist() == [0.0, 0.0]
    half = np.array([[0.3333, 0.3333, 0.3333]], dtype=np.float16)
    assert np.isfinite(log_loss([0], half)).all()


def test_pinball_agrees_with_scikit_learn_and_with_half_the_absolute_error():
    rng = np.random.default_rng(2)
    y, y_pred = rng.standard_normal((2, 100))
    assert pinball(0.8)(y, y_pred).mean() == pytest.approx(mean_pinball_loss(y, y_pred, alpha=0.8))
    np.testing.assert_allclose(pinball(0.5)(y, y_pred), absolute_error(y, y_pred) / 2)
    np.testing.assert_allclose(squared_error(y, y_pred), absolute_error(y, y_pred) ** 2)


def test_infinite_numbers_give_no_warning_and_no_finite_loss():
    for loss in (absolute_error, squared_error, pinball(0.5)):
        found = loss([math.inf, math.inf, 1.0], [math.inf, 0.0, 1.0])
        assert np.isfinite(found).tolist() == [False, False, True]


def test_made_losses_pickle_compare_and_print():
    assert pinball(0.9) == pinball(0.9) != pinball(0.8)
    assert eval(repr(pinball(0.9))) == pinball(0.9)
    assert hash(pinball(0.9)) == hash(pinball(0.9))
    profit = as_loss(brier)
    for loss in (pinball(0.9), profit):
        again = pickle.loads(pickle.dumps(loss))
        assert again == loss
        np.testing.assert_array_equal(again([1, 0], [0.25, 0.5]), loss([1, 0], [0.25, 0.5]))
    assert repr(profit) == "as_loss(brier)"
    np.testing.assert_array_equal(profit([1, 0], [0.25, 0.5]), -brier([1, 0], [0.25, 0.5]))
    for wrong in (0.0, 1.0, 5, "0.5"):
        with pytest.raises(InvalidParameterError, match="q must"):
            pinball(wrong)


def test_a_score_that_is_no_function_of_rows_is_refused():
    with pytest.raises(InvalidParameterError, match=r"one number for each of 2 rows, got shape \(\)"):
        as_loss(lambda y, y_pred: 0.9)([1, 0], [1, 1])
    with pytest.raises(InvalidParameterError, match="score must be a function"):
        as_loss(0.9)


def test_read_only_and_strided_columns_are_taken_and_left_alone():
    y, p = np.array([1, 0, 1, 0, 1, 0]), np.array([0.9, 0.1, 0.4, 0.4, 0.2, 0.3])
    before = p.copy()
    y.setflags(write=False)
    np.testing.assert_array_equal(log_loss(y[::2], p[::2]), log_loss([1, 1, 1], [0.9, 0.4, 0.2]))
    np.testing.assert_array_equal(p, before)


def test_a_loss_beyond_the_floats_is_infinite_without_a_warning():
    assert squared_error([1e200], [0]).tolist() == [math.inf]
    assert absolute_error([1e308], [-1e308]).tolist() == [math.inf]
    assert pinball(0.5)([1e308], [-1e308]).tolist() == [math.inf]


def test_pinball_takes_a_fraction():
    loss = pinball(Fraction(1, 4))([1.0, 2.0], [2.0, 1.0])
    assert loss.dtype == np.float64
    assert loss.tolist() == [0.75, 0.25]


def test_probabilities_are_not_taken_for_labels():
    labels, proba = [0, 1, 1], np.array([0.1, 0.9, 0.4])
    for y in (labels, np.array(labels, dtype=bool), np.array(labels, dtype=float)):
        with pytest.raises(InvalidInputError, match=r"y_pred must hold labels like .* use brier or log_loss"):
            zero_one(y, proba)
    assert zero_one([0.5, 1.5], [0.5, 1.0]).tolist() == [0.0, 1.0]  # labels that are fractions themselves
    assert zero_one(labels, [0.0, 1.0, 0.0]).tolist() == [0.0, 0.0, 1.0]
