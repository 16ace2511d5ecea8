"""What the other columns say about a column, learnt from the reference, and what they leave unexplained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from contlearn import _checks
from contlearn._tables import Column
from contlearn.drift._rows import MOST_CATEGORIES, Numbers, Places

_FAR = 1e150
_CLIPPED = 1e6
_ORDINARY = 5.0  # spreads; a straight line is fitted to what lies within
_RIDGE = 1e-3

Truth = NDArray[np.bool_]


class Scale(NamedTuple):
    """How a column of numbers becomes one of centre 0 and spread 1: times `factor`, less `centre`, ..."""

    factor: float
    centre: float
    spread: float

    def encode(self, column: Column) -> Numbers:
        """Return the numbers of a column."""
        values = np.asarray(column.values, dtype=np.float64) * self.factor
        with np.errstate(over="ignore"):
            scaled: Numbers = np.clip((values - self.centre) / self.spread, -_CLIPPED, _CLIPPED)
        return scaled


class Ranks(NamedTuple):
    """Which number, by frequency, a category becomes; what is rare or new shares the last."""

    rank: dict[Any, int]

    def encode(self, column: Column) -> Numbers:
        """Return the numbers of a column."""
        last = len(self.rank)
        return np.array([self.rank.get(label, last) for label in column.values.tolist()], dtype=np.float64)


class Encoder(NamedTuple):
    """Columns as numbers, in a way that was settled by the reference."""

    columns: tuple[Scale | Ranks, ...]

    @property
    def categorical(self) -> Truth:
        """Which columns hold categories."""
        return np.array([isinstance(each, Ranks) for each in self.columns])

    def encode(self, columns: Sequence[Column]) -> Numbers:
        """Return rows of numbers."""
        return np.column_stack([one.encode(each) for one, each in zip(self.columns, columns, strict=True)])


def encoder(columns: Sequence[Column]) -> Encoder:
    """Return how to encode `columns`, learnt from them."""
    return Encoder(
        tuple(_ranks(each) if each.kind in ("categorical", "boolean") else _scale(each) for each in columns)
    )


def _scale(column: Column) -> Scale:
    values = np.asarray(column.values, dtype=np.float64)
    most = float(np.abs(values).max())
    factor = 1.0 / most if most > _FAR else 1.0
    values = values * factor
    low, centre, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    spread = (high - low) / 1.349 or float(values.std()) or 1.0
    return Scale(factor, centre, spread)


def _ranks(column: Column) -> Ranks:
    counts = Counter(column.values.tolist())
    order = sorted(counts, key=lambda label: (-counts[label], type(label).__name__, str(label)))
    return Ranks({label: place for place, label in enumerate(order[: MOST_CATEGORIES - 1])})


class Line(NamedTuple):
    """A linear model: for each column a slope, or an amount per category.

    Summed column by column, so that the prediction for a row does not depend on the rows beside it.
    """

    level: float
    slopes: tuple[float | Numbers, ...]

    def predict(self, rows: Numbers) -> Numbers:
        """Return one prediction per row."""
        total = np.full(len(rows), self.level)
        for values, slope in zip(rows.T, self.slopes, strict=True):
            total += (
                np.clip(values, -_CLIPPED, _CLIPPED) * slope
                if isinstance(slope, float)
                else slope[values.astype(int)]
            )
        return total


def fitted_line(rows: Numbers, target: Numbers, categorical: Truth) -> Line:
    """Return the ridge regression of `target`, with hardly any penalty."""
    blocks = [
        np.eye(MOST_CATEGORIES)[values.astype(int)]
        if is_category
        else np.clip(values, -_ORDINARY, _ORDINARY)[:, None]
        for values, is_category in zip(rows.T, categorical, strict=True)
    ]
    design = np.hstack(blocks)
    means, level = design.mean(axis=0), float(target.mean())
    away = design - means
    penalty = _RIDGE * len(rows) * np.eye(design.shape[1])
    found = np.linalg.solve(away.T @ away + penalty, away.T @ (target - level))
    slopes: list[float | Numbers] = []
    for part, is_category in zip(
        np.split(found, np.cumsum([b.shape[1] for b in blocks])[:-1]), categorical, strict=True
    ):
        slopes.append(part if is_category else float(part[0]))
    return Line(level - float(means @ found), tuple(slopes))


class Regression(NamedTuple):
    """A model of a number given the other columns: a line, and boosting for what the line leaves."""

    line: Line | None
    model: Any

    def explain(self, rows: Numbers, target: Numbers) -> tuple[Numbers, Numbers]:
        """Return predictions, and what is left of `target`."""
        predicted = _predictions("regressor", self.model.predict(rows), len(rows))
        if self.line is not None:
            predicted = predicted + self.line.predict(rows)
        return predicted, target - predicted


class Classification(NamedTuple):
    """A model of a category given the other columns; `classes` are the categories that it knows.

    What is left is the middle of the category's span in the distribution function that the others predict:
    between 0 and 1, higher for rarer categories than expected. A category it does not know is at 1.
    """

    model: Any
    classes: Numbers

    def explain(self, rows: Numbers, target: Numbers) -> tuple[Numbers, Numbers]:
        """Return the expected category, by number, and where in its distribution function `target` lies."""
        shares = np.ones((len(rows), 1))
        if self.model is not None:
            shares = np.asarray(self.model.predict_proba(rows), dtype=np.float64)
            _predictions("classifier", shares.sum(axis=1), len(rows))
        place = np.minimum(np.searchsorted(self.classes, target), len(self.classes) - 1)
        middle = (np.cumsum(shares, axis=1) - 0.5 * shares)[np.arange(len(rows)), place]
        expected = np.zeros(len(rows))
        for share, value in zip(shares.T, self.classes.tolist(), strict=True):
            expected += share * value
        return expected, np.where(self.classes[place] == target, middle, 1.0)


def regression(
    rows: Numbers, target: Numbers, categorical: Truth, regressor: Any, seed: int | None
) -> Regression:
    """Return the model of a number."""
    target = np.clip(target, -2.0 * _ORDINARY, 2.0 * _ORDINARY)
    if regressor is not None:
        return Regression(None, _fit("regressor", clone(regressor), rows, target))
    from sklearn.ensemble import HistGradientBoostingRegressor

    line = fitted_line(rows, target, categorical)
    boosting = HistGradientBoostingRegressor(**_settings(len(rows), categorical, seed))
    return Regression(line, boosting.fit(rows, target - line.predict(rows)))


def classification(
    rows: Numbers, target: Numbers, categorical: Truth, classifier: Any, seed: int | None
) -> Classification:
    """Return the model of a category."""
    classes = np.unique(target)
    if len(classes) == 1:
        return Classification(None, classes)
    if classifier is not None:
        return Classification(_fit("classifier", clone(classifier), rows, target), classes)
    from sklearn.ensemble import HistGradientBoostingClassifier

    boosting = HistGradientBoostingClassifier(**_settings(len(rows), categorical, seed))
    return Classification(boosting.fit(rows, target), classes)


def inside(rows: Numbers, low: Numbers, high: Numbers) -> Places:
    """Return the places of the rows that lie within the limits."""
    return np.flatnonzero(((rows >= low) & (rows <= high)).all(axis=1))


def limits(rows: Numbers, categorical: Truth, left_out: float) -> tuple[Numbers, Numbers]:
    """Return limits of each column, so that about a share `left_out` of the rows lies outside of any side.

    Categories have none.
    """
    tail = left_out / rows.shape[1]
    low, high = np.quantile(rows, [tail, 1.0 - tail], axis=0)
    return np.where(categorical, -np.inf, low), np.where(categorical, np.inf, high)


def _settings(n_rows: int, categorical: Truth, seed: int | None) -> dict[str, Any]:
    return {
        "learning_rate": 0.05,
        "max_iter": 100,
        "max_leaf_nodes": 8,
        "min_samples_leaf": max(1, min(20, n_rows // 10)),
        "categorical_features": categorical,
        "early_stopping": False,
        "random_state": seed,
    }


def _fit(name: str, model: Any, rows: Numbers, target: Numbers) -> Any:
    try:
        return model.fit(rows, target)
    except Exception as error:
        shape = f"{len(rows)} rows of {rows.shape[1]} columns"
        _checks.fail(name, f"be able to learn from {shape}", f"{type(error).__name__}: {error}")


def _predictions(name: str, predicted: Any, n_rows: int) -> Numbers:
    values = np.asarray(predicted, dtype=np.float64)
    if values.shape != (n_rows,) or not np.isfinite(values).all():
        _checks.fail(name, "give one finite prediction per row", f"an array of shape {values.shape}")
    return values
