"""Joint tests of rows of numbers: the rows that are kept, brought to one scale, where they lie.

Rows are a numpy array, made of the columns that the caller's table was read into; or an array of another
library (torch, CuPy, JAX, ...), which is neither read into columns nor moved: it is checked, compared and
kept on the device where it lies.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Column, Kind, Schema, TableLike
from contlearn.drift._batch import SingleTest
from contlearn.drift._rows import subset
from contlearn.drift._summary import Described
from contlearn.drift._two_samples import Remembered, check_kinds, own_seed
from contlearn.stats._array_api import (
    HERE,
    floats,
    is_foreign,
    is_single,
    kind,
    namespace,
    place,
    quantiles,
    refuse_other_place,
    taken,
    to_numpy,
)
from contlearn.stats._dependence import ROWS, Neighbours

_FAR = 1e200  # spreads beyond which a value is held, so that nothing overflows
_FAR_SINGLE = 1e30  # the same where a device has no float64


class Kept(NamedTuple):
    """The rows that are kept of the reference, and how many complete ones there were."""

    rows: Any
    n_complete: int


class Read(NamedTuple):
    """An array of another library: its complete rows, their places, and what was missing."""

    rows: Any
    n_rows: int
    missing: tuple[int, ...]
    complete: NDArray[np.intp]


class RowTest(SingleTest):
    """A joint test of rows of numbers, wherever they lie.

    A subclass fills in `_learn_rows` and `_compare`, whose rows are two-dimensional, complete and in float64
    (in float32 where a device has nothing wider).
    """

    _joint = True
    _share_effect = False
    _kinds = frozenset({"numeric", "boolean"})
    _cure = "leave it out, encode it as numbers, or use ByColumn for a mixed table"

    @abc.abstractmethod
    def _learn_rows(self, rows: Any, seed: int | None) -> Any:
        """Return what to remember of complete rows of the reference."""

    def _describe_rows(self, reference: Any, rows: Any) -> Any:  # noqa: ARG002
        """Return what `_compare` needs to know of complete current rows: by default the rows."""
        return rows

    def fit(self, X: TableLike, y: object = None) -> Self:
        """Learn what is normal; a later call forgets the earlier reference.

        Parameters
        ----------
        X : array of shape (n_samples,) or (n_samples, n_features), data frame, or dict of columns
            The reference rows, at least one. Missing values are allowed, infinities are not. A tensor of
            torch, or an array of any library that keeps the array API standard, stays where it lies.
        y : object
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        InvalidParameterError
            A constructor argument can never work.
        InvalidInputError
            X cannot be used; the message names the column and the cure. An earlier reference is kept.
        MissingDependencyError
            X is a tensor of torch or an array of CuPy, and the package array-api-compat is missing.
        """
        if not is_foreign(X):
            super().fit(X, y)
            self.place_ = HERE
            return self
        self._check_parameters()
        found = read_array(X, "X_reference")
        if found.n_rows == 0:
            _checks.bad_data("X_reference", "have at least one row", "0 sample(s)")
        names = tuple(map(str, range(len(found.missing))))
        seed, n_complete = own_seed(self, names[0]), found.rows.shape[0]
        kept = self._learn_rows(found.rows, seed) if n_complete else None
        dependence = {} if self.block is not None else _dependence(found.rows, names)
        memory = Remembered(names, None, seed, kept, found.n_rows, n_complete, found.missing, dependence)
        self.reference_, self.rows_, self.fingerprint_ = (memory,), None, ""
        kinds: tuple[Kind, ...] = tuple("numeric" for _ in names)
        self.schema_ = Schema(names, kinds, tuple(range(len(names))), len(names), False)
        self.n_features_in_, self.place_ = len(names), place(found.rows)
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self

    def _described(self, X: TableLike) -> tuple[Described, ...]:
        if self.place_ == HERE:
            return super()._described(X)
        (memory,) = self.reference_
        found = self._found(X)
        n_complete = found.rows.shape[0]
        known = n_complete and memory.statistics is not None
        rows = self._describe_rows(memory.statistics, found.rows) if known else None
        return (Described(found.n_rows, n_complete, found.missing, rows),)

    def _found(self, X: TableLike) -> Read:
        """Return the complete rows of a batch, wherever it lies, or refuse it as `detect` does."""
        (memory,) = self.reference_
        if self.place_ != HERE:
            if not is_foreign(X) or place(X) != self.place_:
                refuse_other_place("X", X, self.place_, "the reference")
            return read_array(X, "X", len(memory.names))
        matched = self._matched(X)
        columns = [matched[name] for name in memory.names]
        check_kinds(self, columns)
        masks = [column.missing for column in columns if column.missing is not None]
        gone = np.logical_or.reduce(masks) if masks else np.zeros(columns[0].n_rows, dtype=np.bool_)
        rows = _stacked([column.take(~gone) for column in columns])
        missing = tuple(column.n_missing for column in columns)
        return Read(rows, columns[0].n_rows, missing, np.flatnonzero(~gone))

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Any:
        return self._learn_rows(_stacked(columns), seed)

    def _describe(self, reference: Any, columns: Sequence[Column]) -> Any:
        return self._describe_rows(reference, _stacked(columns))


def read_array(X: Any, name: str, n_columns: int | None = None) -> Read:
    """Return the complete rows of an array of another library, in floats, where it lies; or refuse it."""
    if X.ndim not in (1, 2):
        cure = "pass rows by columns"
        _checks.bad_data(name, "be an array of one or two dimensions", f"{X.ndim} dimensions", cure)
    if kind(X) == "c":
        _checks.bad_data(name, "hold real numbers", f"dtype {X.dtype}", "pass real and imaginary parts")
    table = X[:, None] if X.ndim == 1 else X
    n_rows, width = table.shape
    if n_columns is not None and width != n_columns and n_rows:
        _checks.bad_schema(name, f"have {n_columns} columns, as in fit", f"{width}")
    if not width:
        _checks.bad_data(name, "have at least one column", "0 feature(s)")
    if not n_rows:
        return Read(floats(table), 0, (0,) * (n_columns or width), np.arange(0))
    rows = floats(table)
    xp = namespace(rows)
    gone = xp.isnan(rows)
    missing = tuple(_counts(gone, rows).tolist())
    _refuse_infinite(_counts(xp.isinf(rows), rows), n_rows)
    complete = np.arange(n_rows)
    if any(missing):
        complete = to_numpy(xp.nonzero(~xp.any(gone, axis=1))[0])
        rows = taken(rows, complete)
    return Read(rows, n_rows, missing, complete)


def _counts(marked: Any, rows: Any) -> NDArray[np.int64]:
    """Return how many are marked in each column; in floats on the way, which every device has."""
    xp = namespace(rows)
    return to_numpy(xp.sum(xp.astype(marked, rows.dtype), axis=0)).astype(np.int64)


def _refuse_infinite(counts: NDArray[Any], n_rows: int) -> None:
    for position in np.flatnonzero(counts)[:1]:
        _checks.bad_data(
            f"column '{position}'",
            "be finite",
            f"{counts[position]} infinite of {n_rows} values",
            "replace an infinity by NaN, which is tested as missing, or by a large finite number",
        )


def at_most(rows: Any, most: int, rng: np.random.Generator, block: int | None = None) -> Any:
    """Return `rows`, or a random subset of `most` of them in their order: whole blocks, if there are any."""
    places = subset(rows.shape[0], most, rng, block)
    return rows if places is None else taken(rows, places)


def standardized(before: Any, after: Any, farthest: float = math.inf) -> tuple[Any, Any]:
    """Return both sides with every column divided by its spread: half the distance between its quartiles.

    Where half of a column is one value, the mean distance from the median takes its place (times 0.85, the
    ratio of the two for normal data). A constant column stays constant. The largest floats do not overflow;
    values more than `farthest` spreads from the median are held there.
    """
    xp = namespace(before)
    rows = xp.concat([before, after]) / 4.0
    low, middle, high = quantiles(rows, (0.25, 0.5, 0.75))
    spread = (high - low) / 2.0
    distance = 0.85 * xp.sum(xp.abs(rows - middle) / rows.shape[0], axis=0)
    spread = xp.where(spread > 0.0, spread, distance)
    far = min(farthest, _FAR_SINGLE if is_single(rows) else _FAR)
    with np.errstate(over="ignore"):
        rows = xp.clip((rows - middle) / xp.where(spread > 0.0, spread, xp.ones_like(spread)), -far, far)
    return rows[: before.shape[0], ...], rows[before.shape[0] :, ...]


def left_out(used: tuple[int, int], rows: tuple[int, int]) -> tuple[str, ...]:
    """Say how many rows of the reference and of the batch were compared, where far from all were."""
    return tuple(
        f"{few} of {many} {side} rows compared, drawn at random"
        for side, few, many in zip(("reference", "current"), used, rows, strict=True)
        if few < 0.75 * many
    )


def _stacked(columns: Sequence[Column]) -> Any:
    return np.column_stack([np.asarray(column.values, dtype=np.float64) for column in columns])


def _dependence(rows: Any, names: Sequence[str]) -> dict[str, float]:
    """Return the correlation of neighbouring rows, of the columns in which they follow each other."""
    rows = rows[: min(ROWS, rows.shape[0]), :]
    n_rows = rows.shape[0]
    if n_rows < 3:
        return {}
    xp = namespace(rows)
    ranks = [xp.unique_inverse(rows[:, place])[1] for place in range(len(names))]
    away = xp.astype(xp.stack(ranks, axis=1), rows.dtype)
    away = away - xp.mean(away, axis=0, keepdims=True)
    squares = to_numpy(xp.sum(away * away, axis=0))
    products = to_numpy(xp.sum(away[1:, :] * away[:-1, :], axis=0))
    correlations = (products / np.where(squares > 0.0, squares, 1.0)).tolist()
    found = {
        name: Neighbours(each, each * n_rows**0.5) for name, each in zip(names, correlations, strict=True)
    }
    return {name: each.correlation for name, each in found.items() if each.follow_each_other(len(names))}
