"""Argument errors: what they accept, and the one pattern in which they speak."""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from contlearn import _checks
from contlearn.exceptions import (
    ContlearnError,
    InvalidInputError,
    InvalidParameterError,
    NotFittedError,
    SchemaError,
)

PATTERN = re.compile(r"^[\w\[\]' ]+ must [^;]+, got .+?(; .+)?$", re.DOTALL)
INF, NAN = float("inf"), float("nan")

REFUSED = [
    (lambda: _checks.number("x", True), "x must be a number, got True"),
    (lambda: _checks.number("x", None), "x must be a number, got None"),
    (lambda: _checks.number("x", Decimal(1)), "x must be a number, got Decimal('1')"),
    (lambda: _checks.number("x", NAN), "x must be finite, got nan"),
    (lambda: _checks.number("x", INF), "x must be finite, got inf"),
    (lambda: _checks.number("x", -1, low=0), "x must be finite and at least 0, got -1"),
    (lambda: _checks.number("x", 2, high=1), "x must be finite and at most 1, got 2"),
    (lambda: _checks.number("x", 2, low=0, high=1), "x must be between 0 and 1, got 2"),
    (lambda: _checks.number("x", np.array([1.0])), "x must be a number, got array([1.])"),
    (lambda: _checks.number("x", 10**400), "x must be finite, got 1" + 76 * "0" + "..."),
    (
        lambda: _checks.number("x", -(10**400), low=0),
        "x must be finite and at least 0, got -1" + 75 * "0" + "...",
    ),
    (lambda: _checks.number("x", Fraction(10**400)), "x must be finite, got Fraction(1" + 67 * "0" + "..."),
    (lambda: _checks.number("x", 10**5000), "x must be finite, got int without a repr"),
    (lambda: _checks.number("x", np.eye(2)), "x must be a number, got array([[1., 0.], [0., 1.]])"),
    (
        lambda: _checks.generator("seed", -1),
        "seed must be None, an integer of at least 0 or a numpy Generator, got -1",
    ),
    (lambda: _checks.fraction("alpha", 0), "alpha must be strictly between 0 and 1, got 0"),
    (lambda: _checks.fraction("alpha", 1.0), "alpha must be strictly between 0 and 1, got 1.0"),
    (lambda: _checks.fraction("alpha", 5), "alpha must be strictly between 0 and 1, got 5"),
    (lambda: _checks.positive("x", 0.0), "x must be above 0, got 0.0"),
    (lambda: _checks.count("n", 3.0), "n must be an integer, got 3.0"),
    (lambda: _checks.count("n", False), "n must be an integer, got False"),
    (lambda: _checks.count("n", 0), "n must be at least 1, got 0"),
    (lambda: _checks.count("n", 1, low=2), "n must be at least 2, got 1"),
    (lambda: _checks.one_of("kind", 3, ("a", "b")), "kind must be one of 'a', 'b', got 3"),
    (lambda: _checks.one_of("kind", 1, (True, None)), "kind must be one of True, None, got 1"),
    (lambda: _checks.instance("x", 3, str, "text"), "x must be text, got int 3"),
    (
        lambda: _checks.same_length(y=[1, 2], y_pred=[1]),
        "y and y_pred must have the same length, got y with 2, y_pred with 1",
    ),
    (
        lambda: _checks.bad_data("X", "be finite", "inf in 'a'", "drop it"),
        "X must be finite, got inf in 'a'; drop it",
    ),
]


@pytest.mark.parametrize(
    ("refuse", "message"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_errors_say_name_constraint_value_and_cure(refuse, message):
    with pytest.raises(ContlearnError) as caught:
        refuse()
    assert str(caught.value) == message
    assert PATTERN.match(str(caught.value))


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (lambda: _checks.number("x", np.float32(0.5)), 0.5),
        (lambda: _checks.number("x", 1, low=1, high=1), 1.0),
        (lambda: _checks.fraction("x", np.float64(0.05)), 0.05),
        (lambda: _checks.positive("x", 1e-300), 1e-300),
        (lambda: _checks.count("n", np.int64(7)), 7),
        (lambda: _checks.count("n", 0, low=0), 0),
        (lambda: _checks.same_length(a=[1], b="x"), 1),
    ],
)
def test_good_values_come_back_as_builtins(call, result):
    assert call() == result
    assert type(call()) is type(result)


@pytest.mark.parametrize("seed", [0, np.int64(0), np.random.SeedSequence(0), np.random.PCG64(0)])
def test_a_generator_draws_what_numpy_draws_from_the_same_seed(seed):
    assert _checks.generator("seed", seed).random() == np.random.default_rng(0).random()


def test_a_generator_stays_itself_and_none_is_fresh():
    mine = np.random.default_rng(0)
    assert _checks.generator("rng", mine) is mine
    assert _checks.generator("rng", None).random() != _checks.generator("rng", None).random()


@pytest.mark.parametrize("value", [True, 1.0, "0", [1, 2], -5, np.random.RandomState(0), np.bool_(1)])
def test_what_seeds_no_generator_is_refused(value):
    with pytest.raises(InvalidParameterError, match="rng must be None, an integer of at least 0"):
        _checks.generator("rng", value)


def test_one_of_tells_true_from_one_and_text_from_enum():
    _checks.one_of("x", None, (None, "a"))
    _checks.one_of("x", "a", (None, "a"))
    with pytest.raises(InvalidParameterError):
        _checks.one_of("x", 1, (True,))


def test_a_message_never_dumps_the_callers_rows():
    with pytest.raises(InvalidParameterError) as caught:
        _checks.number("x", list(range(10_000)))
    assert len(str(caught.value)) < 120


def test_every_kind_of_error_is_also_the_builtin_that_one_would_catch():
    for raise_it, kinds in (
        (lambda: _checks.fail("x", "be y", 1), (InvalidParameterError, ValueError)),
        (lambda: _checks.bad_data("x", "be y", 1), (InvalidInputError, ValueError)),
        (lambda: _checks.bad_schema("x", "be y", 1), (SchemaError, InvalidInputError, TypeError, ValueError)),
        (lambda: _checks.not_fitted("KS", "call fit"), (NotFittedError, ValueError, AttributeError)),
    ):
        for kind in kinds:
            with pytest.raises(kind):
                raise_it()


def test_not_fitted_names_the_object_and_the_cure():
    with pytest.raises(NotFittedError, match=r"^KS has no reference yet; call fit\(X_reference\) first$"):
        _checks.not_fitted("KS", "call fit(X_reference) first")
