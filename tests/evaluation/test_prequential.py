import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from contlearn.evaluation import (
    Prequential,
    absolute_error,
    brier,
    log_loss,
    mean_loss,
    pinball,
    squared_error,
    zero_one,
)
from contlearn.exceptions import InvalidInputError, InvalidParameterError

rows = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=1, max_size=30)


@given(rows)
@settings(derandomize=True, deadline=None, max_examples=50)
def test_the_running_result_is_that_of_all_rows_at_once(pairs):
    y, y_pred = map(list, zip(*pairs, strict=True))
    running = Prequential(absolute_error)
    for label, prediction in pairs:
        running.update(label, prediction)
    together = mean_loss(absolute_error(y, y_pred))
    assert running.n == len(pairs)
    assert running.mean == pytest.approx(together.estimate, rel=1e-9, abs=1e-9)
    if len(pairs) > 3 and together.high - together.low > 1e-3:
        assert running.result[:3] == pytest.approx(together[:3], rel=1e-6, abs=1e-6)


@given(rows, st.integers(0, 30))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_update_many_equals_repeated_update(pairs, cut):
    y, y_pred = map(list, zip(*pairs, strict=True))
    one, many = Prequential(pinball(0.3)), Prequential(pinball(0.3))
    for label, prediction in pairs:
        one.update(label, prediction)
    many.update_many(y[:cut], y_pred[:cut])
    many.update_many(y[cut:], y_pred[cut:])
    assert pickle.dumps(one) == pickle.dumps(many)


def test_zeros_and_ones_have_the_exact_interval_until_another_loss_comes():
    running = Prequential(squared_error, confidence=0.8)
    running.update_many([1, 1, 0, 1, 0], [1, 0, 0, 1, 0])
    assert running.result == mean_loss([0, 1, 0, 0, 0], 0.8)
    running.update(0.0, 0.5)
    assert running.result[:3] == pytest.approx(mean_loss([0, 1, 0, 0, 0, 0.25], 0.8)[:3])


def test_labels_may_be_text_and_predictions_probabilities():
    words = Prequential(zero_one)
    words.update("cat", "dog")
    words.update("cat", "cat")
    assert words.mean == 0.5
    shares = Prequential(log_loss)
    shares.update(2, [0.25, 0.25, 0.5])
    shares.update(0, np.array([0.5, 0.25, 0.25]))
    assert shares.mean == pytest.approx(math.log(2.0))


def test_nothing_is_known_before_the_first_row():
    running = Prequential(brier)
    assert (running.n, running.mean, running.result) == (0, None, None)
    assert str(running) == "no loss over 0 rows"


@pytest.mark.parametrize("y", [None, math.nan])
def test_a_missing_label_is_refused_and_nothing_is_counted(y):
    running = Prequential(brier)
    running.update(1, 0.75)
    before = pickle.dumps(running)
    with pytest.raises(InvalidInputError, match="whose label is missing"):
        running.update(y, 0.5)
    with pytest.raises(InvalidInputError, match="1 that are not, of 3"):
        running.update_many([1, y, 0], [0.5, 0.5, 0.5])
    assert pickle.dumps(running) == before
    running.update(0, 0.25)
    assert running.n == 2


def test_clones_are_fresh_and_reset_equals_fresh():
    running = Prequential(pinball(0.9), confidence=0.5)
    running.update_many([1.0, 2.0], [2.0, 1.0])
    for fresh in (clone(running), running.clone(), copy.deepcopy(running)):
        fresh.reset()
        assert fresh.n == 0
        assert (fresh.loss, fresh.confidence) == (running.loss, 0.5)
    assert clone(running).n == running.clone().n == 0
    assert running.n == 2
    running.reset()
    assert pickle.dumps(running) == pickle.dumps(Prequential(pinball(0.9), confidence=0.5))


def test_questions_change_nothing_and_memory_is_bounded():
    running = Prequential(absolute_error)
    running.update_many(np.arange(10.0), np.zeros(10))
    size = len(pickle.dumps(running))
    before = pickle.dumps(running)
    assert running.mean == 4.5
    assert running.result.estimate == 4.5
    assert str(running).endswith("over 10 rows")
    assert pickle.dumps(running) == before
    running.update_many(np.arange(10_000.0), np.zeros(10_000))
    assert abs(len(pickle.dumps(running)) - size) < 20


def test_the_parameters_are_checked():
    with pytest.raises(InvalidParameterError, match="loss must be a function"):
        Prequential("brier")
    with pytest.raises(InvalidParameterError, match="confidence must"):
        Prequential(brier, confidence=90)
    assert repr(Prequential(brier)) == "Prequential(brier, confidence=0.9)"
    assert repr(Prequential(pinball(0.5))) == "Prequential(pinball(0.5), confidence=0.9)"


@pytest.mark.parametrize("power", [-1060, -550, -340, 0, 340, 1000, 1022])
def test_the_result_of_losses_of_any_size_is_that_of_modest_ones_scaled(power):
    unit = 2.0**power
    modest, other = Prequential(absolute_error), Prequential(absolute_error)
    for loss in (0.0, 0.25, 1.5, 0.75, 1.25, 0.5, 1.0):
        modest.update(loss, 0.0)
        other.update(loss * unit, 0.0)
    assert other.mean == modest.mean * unit
    if power > -1060:  # where numbers thin out, the ends cannot agree to many digits
        assert np.divide(other.result[:3], unit).tolist() == pytest.approx(modest.result[:3], rel=1e-12)
    assert other.result.low <= other.mean <= other.result.high


def test_losses_may_grow_from_the_smallest_to_the_largest_float():
    running = Prequential(absolute_error)
    losses = [5e-324, 1e-160, 1.0, 1e103, 1e300, 1.7e308]
    running.update_many(losses, [0.0] * 6)
    assert running.mean == pytest.approx(1.7e308 / 6)
    assert running.result[:3] == pytest.approx(mean_loss(losses)[:3], rel=1e-9)


def test_confidence_may_be_a_fraction():
    thirds = [Prequential(absolute_error, kind(3, 4)) for kind in (Fraction, lambda a, b: a / b)]
    for running in thirds:
        running.update_many([1.0, 2.5, 3.0], [0.0] * 3)
    assert thirds[0].result == thirds[1].result
