from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from sklearn.datasets import load_digits


class Problem(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    groups_test: np.ndarray
    y_true: np.ndarray  # of the training rows, before labels were made wrong


def accuracies(model, problem: Problem) -> tuple[float, float]:
    """Average and worst-group accuracy on the test rows."""
    right = model.predict(problem.X_test) == problem.y_test
    worst = min(right[problem.groups_test == group].mean() for group in np.unique(problem.groups_test))
    return float(right.mean()), float(worst)


def shortcut_rows(n: int, rng, minority: float, shortcut: bool, positives: float):
    y = (rng.random(n) < positives).astype(int)
    reversed_ = rng.random(n) < minority
    core = y[:, None] - 0.5 + rng.normal(size=(n, 6))
    pair = rng.normal(size=(n, 2))
    if shortcut:
        pair += 5.0 * (np.where(reversed_, 1 - y, y)[:, None] - 0.5)
    return np.hstack([core, pair, rng.normal(size=(n, 4))]), y, 2 * y + (reversed_ & shortcut)


def make_generated(
    seed: int,
    n: int = 3000,
    noise: float = 0.0,
    shortcut: bool = True,
    positives: float = 0.5,
    n_test: int = 8000,
) -> Problem:
    """Six weak core columns, two columns that carry a shortcut reversed in 5 % of the rows, four of noise."""
    rng = np.random.default_rng(seed)
    X, y_true, _ = shortcut_rows(n, rng, 0.05, shortcut, positives)
    y = np.where(rng.random(n) < noise, 1 - y_true, y_true)
    X_test, y_test, groups = shortcut_rows(n_test, rng, 0.5, shortcut, 0.5)
    return Problem(X, y, X_test, y_test, groups, y_true)


def make_digits(seed: int, shortcut: bool = True) -> Problem:
    """Digits, 5 and above against the rest; half to train on, and a column that gives the label away.

    The column is wrong for 5 % of the training rows and for half of the test rows.
    """
    rng = np.random.default_rng(seed)
    X, digit = load_digits(return_X_y=True)
    order = rng.permutation(len(X))
    X, y = X[order], (digit[order] >= 5).astype(int)
    half = len(X) // 2
    reversed_ = rng.random(len(X)) < np.where(np.arange(len(X)) < half, 0.05, 0.5)
    column = 5.0 * np.where(reversed_, 1 - y, y) + rng.normal(size=len(X))
    if shortcut:
        X = np.column_stack([X, column])
    groups = 2 * y + (reversed_ & shortcut)
    return Problem(X[:half], y[:half], X[half:], y[half:], groups[half:], y[:half])


@pytest.fixture(scope="session")
def generated() -> Callable[..., Problem]:
    return make_generated


@pytest.fixture(scope="session")
def digits() -> Callable[..., Problem]:
    return make_digits


@pytest.fixture(scope="session")
def accuracy() -> Callable[..., tuple[float, float]]:
    return accuracies


@pytest.fixture(scope="module")
def shortcut(generated):
    return generated(0, n=1500, n_test=2000)
