"""The rows that are trained on, and the folds they are judged in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import _safe_indexing, check_consistent_length, column_or_1d, indexable
from sklearn.utils.multiclass import check_classification_targets

from contlearn import _checks
from contlearn.stats import _columns

Split = tuple[NDArray[np.intp], NDArray[np.intp]]

MOST_WEIGHT = 1e30
"""What all weights may add up to: boosting multiplies and adds them in single precision, up to 3e38."""


@dataclass(frozen=True)
class TrainingData:
    """X and y without the rows of weight 0: such a row is absent, wherever rows are counted."""

    X: Any
    y: NDArray[Any]
    codes: NDArray[np.intp]
    weights: NDArray[np.float64] | None
    groups: NDArray[Any] | None
    rows: NDArray[np.intp]
    n_given: int
    given_splits: list[Split] | None

    def __len__(self) -> int:
        return len(self.y)

    @classmethod
    def of(cls, X: Any, y: ArrayLike, weights: Any, groups: Any, cv: Any) -> TrainingData:
        """Check what the user gave and leave rows of weight 0 out."""
        labels = _labels(y)
        check_consistent_length(X, labels)
        (X,) = indexable(X)
        n_given = len(labels)
        given_weights = None if weights is None else _weights(weights, n_given)
        given_groups = None if groups is None else _groups(groups, n_given)
        rows = np.arange(n_given) if given_weights is None else np.flatnonzero(given_weights)
        kept = labels[rows]
        return cls(
            X=X if len(rows) == n_given else _safe_indexing(X, rows),
            y=kept,
            codes=_codes(kept),
            weights=None if given_weights is None else given_weights[rows],
            groups=None if given_groups is None else given_groups[rows],
            rows=rows,
            n_given=n_given,
            given_splits=_given_splits(cv, X, labels, given_groups, rows),
        )

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Return those rows of X, in the kind that X is."""
        return _safe_indexing(self.X, rows)

    def take_weights(self, rows: NDArray[np.intp]) -> NDArray[np.float64] | None:
        """Return the weights of those rows."""
        return None if self.weights is None else self.weights[rows]

    def splits(self, n_folds: int, rng: np.random.Generator) -> list[Split]:
        """Return the user's splits, or `n_folds` that are stratified and keep groups whole."""
        if self.given_splits is not None:
            return self.given_splits
        if self.groups is not None:
            return _group_splits(self.codes, self.groups, n_folds, rng)
        return stratified_splits(self.codes, n_folds, rng)


def stratified_splits(codes: NDArray[np.intp], n_folds: int, rng: np.random.Generator) -> list[Split]:
    """Deal the shuffled rows of one class after the other round the folds; no class is too small for that."""
    if len(codes) < 2:
        return []
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(len(codes), dtype=np.intp)
    fold[order] = np.arange(len(codes)) % n_folds
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(min(n_folds, len(codes)))]


def _group_splits(
    codes: NDArray[np.intp], groups: NDArray[Any], n_folds: int, rng: np.random.Generator
) -> list[Split]:
    members = _columns.labels("groups", groups).codes  # names of several kinds cannot be sorted
    n_groups = len(np.unique(members))
    if n_groups < 2:
        _checks.bad_data("groups", "name at least 2 groups", n_groups, "leave groups out")
    folds = min(n_folds, n_groups, int(np.bincount(codes).max()))
    splitter = StratifiedGroupKFold(max(folds, 2), shuffle=True, random_state=int(rng.integers(2**31)))
    return [(train, test) for train, test in splitter.split(codes, codes, members) if len(test)]


def _given_splits(
    cv: Any, X: Any, y: NDArray[Any], groups: NDArray[Any] | None, rows: NDArray[np.intp]
) -> list[Split] | None:
    if isinstance(cv, (int, np.integer)):
        _checks.count("cv", cv, low=2)
        return None
    if not (hasattr(cv, "split") or hasattr(cv, "__iter__")) or isinstance(cv, str):
        _checks.fail("cv", "be a number of folds, a splitter, or pairs of train and test rows", cv)
    place = np.full(len(y), -1, dtype=np.intp)
    place[rows] = np.arange(len(rows))
    splits = [(_kept(place, train), _kept(place, test)) for train, test in check_cv(cv).split(X, y, groups)]
    tested = np.concatenate([place[:0], *(test for _, test in splits)])
    if len(np.unique(tested)) < len(tested):
        _checks.fail("cv", "test each row at most once", cv, "use a splitter that does not repeat")
    return [(train, test) for train, test in splits if len(train) and len(test)]


def _kept(place: NDArray[np.intp], rows: Any) -> NDArray[np.intp]:
    places = place[rows]
    return np.asarray(places[places >= 0])


def _codes(labels: NDArray[Any]) -> NDArray[np.intp]:
    """Number the classes in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse])


def _labels(y: ArrayLike) -> NDArray[Any]:
    """Return `y` as scikit-learn reads it, after refusing what that reading would turn into a label."""
    given = _columns.unmasked(y)
    labels = column_or_1d(y, warn=True)
    as_given = _columns.column("y", given) if isinstance(given, (list, tuple)) else np.asarray(given)
    unusable = _columns.missing(as_given)
    if as_given.dtype.kind == "f":
        unusable = ~np.isfinite(as_given)
    if unusable.any():
        got = f"{int(unusable.sum())} of {len(labels)} rows with missing or infinite ones"
        _checks.bad_data("y", "hold finite labels", got, "leave rows without a label out")
    with np.errstate(invalid="ignore"):  # whole numbers are recognised by a cast, beyond integers as well
        check_classification_targets(labels)
    return np.asarray(labels)


def _groups(values: Any, n: int) -> NDArray[Any]:
    groups = _of_length("groups", values, n)
    absent = _columns.labels("groups", groups).missing
    if absent:
        got = f"{absent} of {n} rows without one"
        _checks.bad_data("groups", "name the group of every row", got, "give such rows groups of their own")
    return groups


def _weights(values: Any, n: int) -> NDArray[np.float64]:
    weights = _columns.floats("sample_weight", _of_length("sample_weight", values, n))
    if not np.isfinite(weights).all() or (weights < 0).any():
        _checks.bad_data("sample_weight", "be finite and at least 0", "other values")
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if total > MOST_WEIGHT:
        cure = "divide all weights by the largest"
        _checks.bad_data("sample_weight", f"add up to at most {MOST_WEIGHT:g}", f"{total:.3g}", cure)
    if not weights.any():
        _checks.bad_data("sample_weight", "be above 0 for at least one row", "zero for every row")
    return weights


def _of_length(name: str, values: Any, n: int) -> NDArray[Any]:
    # what is an array by protocol only has no length, and is none of the lists that `asarray` reads wrongly
    column = _columns.column(name, values if hasattr(values, "__len__") else np.asarray(values))
    if len(column) != n:
        _checks.bad_data(name, f"have one value for each of the {n} rows", f"shape {column.shape}")
    return column
