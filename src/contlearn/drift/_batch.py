"""What every batch detector does the same way: read, match, test what is missing, correct, and settle."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError as SklearnNotFittedError

from contlearn import _checks
from contlearn._tables import Column, Kind, Schema, Table, TableLike, read
from contlearn.drift import _westfall_young
from contlearn.drift._finding import Finding, combine, settle
from contlearn.drift._shared_alpha import aspects, lifted, missing_p_values
from contlearn.drift._summary import Described, Summary, fingerprint
from contlearn.drift._two_samples import (
    Tested,
    TwoSampleTest,
    answer,
    check_random_state,
    describe,
    remember,
)
from contlearn.exceptions import NotFittedError
from contlearn.results import DriftResult
from contlearn.stats._multiple import CORRECTIONS, adjust


class DetectorNotFittedError(NotFittedError, SklearnNotFittedError):  # type: ignore[misc]
    """Ours, and the one that users of scikit-learn catch."""


class BatchDetector(BaseEstimator, abc.ABC):  # type: ignore[misc]
    """A detector that compares a batch of rows with a reference.

    A subclass states its parameters in its own `__init__` (those of `_PARAMETERS` that it takes are checked
    here), the kinds of columns it can test, and by which tests (`_groups`).
    """

    _kinds: ClassVar[frozenset[Kind]]

    alpha: float

    @abc.abstractmethod
    def _groups(self, columns: Sequence[Column]) -> list[tuple[TwoSampleTest, Sequence[Column]]]:
        """Return which columns are tested together, and by which test."""

    def fit(self, X: TableLike, y: object = None) -> Self:  # noqa: ARG002
        """Learn what is normal; a later call forgets the earlier reference.

        Parameters
        ----------
        X : array of shape (n_samples,) or (n_samples, n_features), data frame, or dict of columns
            The reference rows, at least one. Missing values are allowed, infinities are not.
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
        """
        self._check_parameters()
        table = read(X, "X_reference")
        columns = table.load(self._chosen(table))
        if columns[0].n_rows == 0:
            _checks.bad_data("X_reference", "have at least one row", "0 sample(s)")
        groups = self._groups(columns)
        kept = _westfall_young.keep(groups, self._seed) if self._relabels else None
        self.reference_ = remember(groups, self)
        self.rows_ = kept
        self.fingerprint_ = "" if self._needs_rows else fingerprint(repr(self), self.reference_)
        self.schema_ = Schema.of(table, columns)
        self.n_features_in_ = len(table.names)
        if table.feature_names is not None:
            self.feature_names_in_ = np.array(table.feature_names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self

    def detect(self, X: TableLike | Summary) -> DriftResult:
        """Compare `X` with the reference; a question, which changes nothing.

        Parameters
        ----------
        X : array of shape (n_samples,) or (n_samples, n_features), data frame, dict of columns or Summary
            The current rows, none included, or what `summarize` made of them. Where both sides have column
            names, columns are matched by name, in any order; a bare array is matched by position.

        Returns
        -------
        DriftResult
            True exactly when drift was detected; `parts` has one result per column.

        Raises
        ------
        NotFittedError
            There is no reference yet.
        SchemaError
            Columns are missing, additional, or of another kind than in `fit`.
        InvalidInputError
            X cannot be used; the message names the column and the cure.
        """
        self._check_fitted()
        if isinstance(X, list | tuple) and any(isinstance(each, Summary) for each in X):
            _checks.bad_data("X", "be one Summary", f"{len(X)}", "merge them first: one.merge(other)")
        level = float(self.alpha) / (1 if self._correction is None else len(self.reference_))
        if self.rows_ is not None and not isinstance(X, Summary):
            result = self._relabeled_result(self.rows_, self._matched(X), level)
        else:
            described = X.made_by(self.fingerprint_) if isinstance(X, Summary) else self._described(X)
            result = self._result(answer(self.reference_, self, described, level))
        remarks = self._remarks(result)
        return dataclasses.replace(result, remarks=(*result.remarks, *remarks)) if remarks else result

    def summarize(self, X: TableLike) -> Summary:
        """Return what `detect` needs to know of the rows of `X`, in the place of the rows.

        Summaries of parts of a batch merge into that of the batch, so that a check can run where the rows
        are. `detect(X)` is `detect(summarize(X))`.

        Parameters
        ----------
        X : array of shape (n_samples,) or (n_samples, n_features), data frame, or dict of columns
            Some of the current rows, none included; as for `detect`.

        Returns
        -------
        Summary

        Raises
        ------
        NotFittedError
            There is no reference yet.
        SchemaError, InvalidInputError
            As for `detect`.
        InvalidParameterError
            This test needs the rows themselves; the message names one that does not.
        """
        self._check_fitted()
        if self._needs_rows is not None:
            name, cure = self._needs_rows
            _checks.fail("summarize", "have a test that can do without the rows", name, cure)
        return Summary(self.fingerprint_, self._described(X))

    def _matched(self, X: TableLike) -> dict[str, Column]:
        return {column.name: column for column in self.schema_.match(read(X))}

    def _described(self, X: TableLike) -> tuple[Described, ...]:
        return describe(self.reference_, self, self._matched(X))

    def _relabeled_result(
        self, rows: _westfall_young.Kept, columns: Mapping[str, Column], level: float
    ) -> DriftResult:
        """Return the result over columns that were tested by one shared set of relabelings."""
        tested = answer(self.reference_, self, describe(self.reference_, self, columns), level)
        corrected = _westfall_young.correct(rows, list(columns.values()), self.alpha)
        parts = {}
        for memory, each in zip(self.reference_, tested, strict=True):
            (name,) = memory.names
            values = each.values._replace(enough=each.values.enough and corrected.enough)
            p_values = [corrected.values.get(name, 1.0), corrected.missing.get(name, 1.0)]
            parts[name] = self._column_result(each._replace(values=values), p_values)
        result = combine(parts, self.alpha, getattr(self, "tolerance", None))
        return dataclasses.replace(result, remarks=(*result.remarks, *corrected.remarks))

    def _check_fitted(self) -> None:
        if not hasattr(self, "reference_"):
            _checks.not_fitted(type(self).__name__, "call fit(X_reference) first", DetectorNotFittedError)

    def _remarks(self, result: DriftResult) -> list[str]:
        """Return what a reader should know of the reference before acting on `result`."""
        remarks = []
        dependence = {name: r for memory in self.reference_ for name, r in memory.dependence.items()}
        if dependence:
            name = max(dependence, key=lambda each: dependence[each])
            found = f"{dependence[name]:.2f} in {_checks.called(name)}"
            remarks.append(f"rows of the reference follow each other (lag-1 correlation {found}): see block")
        if result.n_current and result.n_reference < _LARGE * result.n_current:
            remarks.append("reference below 10 times the batch")
        return remarks

    @property
    def _needs_rows(self) -> tuple[str, str] | None:
        """What needs the rows themselves, and what to do: (name, cure); None where nothing does."""
        if self._relabels:
            return f"correction={_westfall_young.NAME!r}", _westfall_young.WHY_NOT
        for memory in self.reference_:
            detector: Any = memory.detector or self
            if not detector._travels:
                return type(detector).__name__, detector._why_not
        return None

    @property
    def _relabels(self) -> bool:
        return bool(self._correction == _westfall_young.NAME)

    @property
    def _seed(self) -> int | None:
        random_state = getattr(self, "random_state", 0)
        return random_state if random_state is None or isinstance(random_state, int) else 0

    @property
    def _correction(self) -> Any:
        return getattr(self, "correction", "holm")

    def _check_parameters(self) -> None:
        for name, value in self.get_params(deep=False).items():
            if name in _PARAMETERS:
                _PARAMETERS[name](name, value)

    def _chosen(self, table: Table) -> Sequence[int]:
        """Return the positions of the columns that are tested."""
        return range(len(table.names))

    def _result(self, tested: Sequence[Tested]) -> DriftResult:
        """Return the result over columns that were tested one by one."""
        both = [aspects(each) for each in tested]
        corrected = adjust([min(p) for p in both], self._correction).tolist()
        tests = 1 if self._correction is None else len(tested)
        parts = {}
        for memory, each, p, least in zip(self.reference_, tested, both, corrected, strict=True):
            parts[memory.names[0]] = self._column_result(each, lifted(p, least, tests))
        return combine(parts, self.alpha, getattr(self, "tolerance", None))

    def _column_result(self, tested: Tested, p_values: Sequence[float]) -> DriftResult:
        detector = tested.detector
        values = self._settled(detector, tested.values, p_values[0])
        if not tested.missing:
            return values
        (finding,) = tested.missing.values()
        missing = self._settled_share(detector, finding, p_values[1])
        leading = None if detector._share_effect else "values"
        return combine({"values": values, "missing": missing}, self.alpha, values.tolerance, leading)

    def _settled(self, detector: Any, finding: Finding, p_value: float) -> DriftResult:
        return settle(
            finding, p_value, self.alpha, detector.tolerance, getattr(detector, "must_detect", None)
        )

    def _settled_share(self, detector: Any, finding: Finding, p_value: float) -> DriftResult:
        tolerance, must_detect = 0.0, _MUST_DETECT
        if detector._share_effect:
            tolerance, must_detect = detector.tolerance, detector.must_detect
        return settle(finding, p_value, self.alpha, tolerance, must_detect)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "reference_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = tags.input_tags.string = "categorical" in self._kinds
        return tags


class SingleTest(BatchDetector, TwoSampleTest):
    """A detector that tests every column, or all of them jointly, by one test: itself."""

    tolerance: float

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self._share_effect:
            _checks.number("must_detect", getattr(self, "must_detect", _MUST_DETECT), low=0.0)
        if self._share_effect and self.tolerance > 1.0:
            _checks.fail("tolerance", "be at most 1, a share of rows", self.tolerance)

    def _groups(self, columns: Sequence[Column]) -> list[tuple[TwoSampleTest, Sequence[Column]]]:
        return [(self, columns)] if self._joint else [(self, (column,)) for column in columns]

    def _result(self, tested: Sequence[Tested]) -> DriftResult:
        return self._joint_result(tested[0]) if self._joint else super()._result(tested)

    def _joint_result(self, tested: Tested) -> DriftResult:
        """Return the result of one test over all columns, and of the missing values in each beside it."""
        p = aspects(tested)
        values_p, missing_p = lifted(p, min(p), 1) if tested.missing else (p[0], 1.0)
        values = self._settled(self, tested.values, values_p)
        if not tested.missing:
            return values
        shares = lifted(missing_p_values(tested), missing_p, 2)
        parts = {
            name: self._settled_share(self, finding, p_value)
            for (name, finding), p_value in zip(tested.missing.items(), shares, strict=True)
        }
        missing = combine(parts, self.alpha, None)
        return combine({"values": values, "missing": missing}, self.alpha, values.tolerance, "values")


class ColumnTest(SingleTest):
    """A detector that tests each column by itself, and whose effect is a share of its rows.

    `_cells` says what of the columns is compared where rows are relabeled.
    """

    _cells: ClassVar[_westfall_young.Cells] = "ordered"

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        correction: str | None = "holm",
        tolerance: float = 0.05,
        must_detect: float | None = 0.2,
        minimum_effect: bool = False,
        block: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.alpha = alpha
        self.correction = correction
        self.tolerance = tolerance
        self.must_detect = must_detect
        self.minimum_effect = minimum_effect
        self.block = block
        self.random_state = random_state


_LARGE = 10
"""So many times the batch, the noise of the reference hardly matters."""

_MUST_DETECT = 0.2
"""Share of rows that must have been findable to go missing, where a detector has another unit."""


def _optional(check: Callable[..., object]) -> Callable[[str, Any], object]:
    return lambda name, value: value is None or check(name, value)


_PARAMETERS: dict[str, Callable[[str, Any], object]] = {
    "alpha": _checks.fraction,
    "correction": lambda name, value: _checks.one_of(name, value, (*CORRECTIONS, _westfall_young.NAME, None)),
    "tolerance": lambda name, value: _checks.number(name, value, low=0.0),
    "must_detect": _optional(lambda name, value: _checks.number(name, value, low=0.0)),
    "minimum_effect": lambda name, value: _checks.instance(name, value, bool, "True or False"),
    "block": _optional(_checks.count),
    "random_state": check_random_state,
}
