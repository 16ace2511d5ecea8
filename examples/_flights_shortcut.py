"""Where training twice does help: a column that gives the answer away, until it does not.

Handwritten digits, is it 5 or more? One added column says the answer in 95 of 100 training rows and nothing
in the test rows. A model that leans on it fails exactly where it is wrong: that group is the worst one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from contlearn.curation import JTTClassifier

AGREEMENT = 0.95
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Shortcut:
    """Accuracy of a random forest, plain and trained twice: in the worst group, and on average."""

    plain_worst: float
    plain_average: float
    jtt_worst: float
    jtt_average: float

    @classmethod
    def measure(cls) -> Shortcut:
        """Train both on the same rows, over a few seeds, and return the means."""
        return cls(*(float(figure) for figure in np.mean([_compare(seed) for seed in SEEDS], axis=0)))

    def __str__(self) -> str:
        return (
            "on handwritten digits with a column that gives the answer away in 95 of 100 training rows, "
            f"JTTClassifier lifts a random forest from {self.plain_worst:.2f} to {self.jtt_worst:.2f} in "
            f"the group where that column is wrong, and from {self.plain_average:.2f} to "
            f"{self.jtt_average:.2f} on average over balanced groups (means of {len(SEEDS)} seeds)."
        )


def _compare(seed: int) -> tuple[float, float, float, float]:
    X, digit = load_digits(return_X_y=True)
    y = (digit >= 5).astype(int)
    rng = np.random.default_rng(seed)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=seed, stratify=y)
    X_train, _ = with_hint(X_train, y_train, AGREEMENT, rng)
    X_test, agrees = with_hint(X_test, y_test, 0.5, rng)
    forest = RandomForestClassifier(random_state=seed)
    plain = _accuracy(forest.fit(X_train, y_train), X_test, y_test, agrees)
    jtt = JTTClassifier(RandomForestClassifier(random_state=seed), random_state=seed)
    return *plain, *_accuracy(jtt.fit(X_train, y_train), X_test, y_test, agrees)


def with_hint(
    X: np.ndarray, y: np.ndarray, agreement: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return X with a column more, the label in a share `agreement` of the rows, and where it is right."""
    agrees = rng.random(len(y)) < agreement
    return np.column_stack([X, 16.0 * np.where(agrees, y, 1 - y)]), agrees


def _accuracy(
    model: ClassifierMixin, X: np.ndarray, y: np.ndarray, agrees: np.ndarray
) -> tuple[float, float]:
    """Return the accuracy in the worst of the groups (label, whether the hint is right), and their mean."""
    right = model.predict(X) == y
    groups = [right[(y == label) & (agrees == hint)].mean() for label in (0, 1) for hint in (False, True)]
    return min(groups), float(np.mean(groups))
