"""Every law of batch detectors accepts a good detector and rejects one that breaks it."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from contlearn.exceptions import InvalidParameterError
from contlearn.results import DriftResult, DriftState
from contlearn.testing import check_batch_detector
from contlearn.testing._batch_detector import _LAWS


def state_of(p_value, n):
    if n < 2:
        return DriftState.UNDECIDED
    return DriftState.DRIFT if p_value <= 0.05 else DriftState.STABLE


class Mean(BaseEstimator):
    """A small detector that obeys every law: it compares the mean of each column."""

    def __init__(self, limit=1.0, names=("a",)):
        self.limit = limit
        self.names = names

    def read(self, X):
        if isinstance(X, dict):
            return {
                name: np.array(column, dtype=float)
                for name, column in sorted(X.items())
                if column.dtype != "O"
            }
        return {str(i): np.array(column, dtype=float) for i, column in enumerate(np.asarray(X).T)}

    def fit(self, X):
        columns = self.read(X)
        self.check(columns)
        self.means_ = {name: column.mean() for name, column in columns.items()}
        self.given_ = list(X) if isinstance(X, dict) else []
        return self

    def check(self, columns):
        for column in columns.values():
            if np.isinf(column).any() or np.isnan(column).any():
                raise ValueError("X must be finite")

    def detect(self, X):
        columns = self.read(X)
        self.check(columns)
        if set(columns) != set(self.means_) or (isinstance(X, dict) and set(X) != set(self.given_)):
            raise ValueError("X must have the columns of fit")
        n = len(next(iter(columns.values())))
        parts = {name: self.part(name, column, n) for name, column in columns.items()}
        worst = max(parts.values(), key=lambda part: part.score)
        return DriftResult(
            state=worst.state, score=worst.score, p_value=worst.p_value, n_current=n, parts=parts
        )

    def part(self, name, column, n):
        distance = abs(column.mean() - self.means_[name]) if n else 0.0
        p_value = self.p(float(distance))
        return DriftResult(state=state_of(p_value, n), score=distance, p_value=p_value, n_current=n)

    def p(self, distance):
        return 0.01 if distance > self.limit else 0.5


class FitReturnsNothing(Mean):
    def fit(self, X):
        super().fit(X)


class ReplacesAParameter(Mean):
    def fit(self, X):
        self.limit = np.float64(self.limit)
        return super().fit(X)


class ChangesAParameter(Mean):
    def __init__(self, limit=1.0, names=None):
        self.limit = limit
        self.names = names

    def detect(self, X):
        if self.names is not None:
            self.names.append("seen")
        return super().detect(X)


class AnswersBeforeFit(Mean):
    def detect(self, X):
        return super().detect(X) if hasattr(self, "means_") else DriftResult(state=DriftState.STABLE)


SHARED = {}


class SharesState(Mean):
    def fit(self, X):
        super().fit(X)
        SHARED.clear()
        SHARED.update(self.means_)
        return self

    def part(self, name, column, n):
        self.means_ = SHARED
        return super().part(name, column, n)


class Counts(Mean):
    def detect(self, X):
        self.asked_ = getattr(self, "asked_", 0) + 1
        return super().detect(X)


class DrawsFresh(Mean):
    def p(self, distance):
        return 0.01 if distance > self.limit else float(np.random.default_rng().uniform(0.45, 0.55))


class ReturnsABool(Mean):
    def detect(self, X):
        return bool(super().detect(X))


class TwoLineResult(DriftResult):
    def __str__(self):
        return "stable:\n80 rows against 900"


class TwoLines(Mean):
    def detect(self, X):
        result = super().detect(X)
        return TwoLineResult(state=result.state, score=result.score, p_value=result.p_value)


class ZeroP(Mean):
    def p(self, distance):
        return 0.0 if distance > self.limit else 0.5


class KeepsTheReference(Mean):
    def fit(self, X):
        self.X_ = X
        return super().fit(X)


class KeepsAView(Mean):
    def detect(self, X):
        self.check(self.read(X))
        super().fit(self.X_)
        return super().detect(X)

    def fit(self, X):
        self.X_ = X
        return super().fit(X)


class ChangesTheData(Mean):
    def detect(self, X):
        result = super().detect(X)
        X.sort(axis=0)
        return result


class NeedsToWrite(Mean):
    def detect(self, X):
        if len(X):
            X[0] = X[0]
        return super().detect(X)


class DoesNotPickle(Mean):
    def fit(self, X):
        self.close_ = lambda: None
        return super().fit(X)


class ForgetsInPickles(Mean):
    def __getstate__(self):
        return {
            "limit": self.limit,
            "names": self.names,
            "means_": dict.fromkeys(getattr(self, "means_", {}), 7.0),
        }


class OddRepr(Mean):
    def __repr__(self):
        return "OddRepr(limit=3.0)"


class LooksAtTheFirstRow(Mean):
    def part(self, name, column, n):
        return super().part(name, column[:1], n)


class GoesByPosition(Mean):
    def read(self, X):
        if isinstance(X, dict):
            X = np.array([column for column in X.values() if column.dtype != "O"]).T
        return super().read(X)


class Blind(Mean):
    def p(self, distance):
        return 0.5


class Paranoid(Mean):
    def p(self, distance):
        return 0.01


class NeverUndecided(Mean):
    def part(self, name, column, n):
        part = super().part(name, column, n)
        return DriftResult(state=DriftState.STABLE, score=part.score, p_value=part.p_value) if n < 2 else part


class DropsMissing(Mean):
    def check(self, columns):
        for name, column in columns.items():
            if np.isinf(column).any():
                raise ValueError("X must be finite")
            columns[name] = np.nan_to_num(column)


class TakesInfinities(Mean):
    def check(self, columns):
        for name, column in columns.items():
            columns[name] = np.where(np.isinf(column), 0.0, column)


class ForgetsWhenRefusing(Mean):
    def fit(self, X):
        self.means_ = dict.fromkeys(self.read(X), 0.0)
        return super().fit(X)


BROKEN = [
    (FitReturnsNothing(), "fit_returns_the_detector", "numeric"),
    (ReplacesAParameter(), "parameters_stay_untouched", "numeric"),
    (ChangesAParameter(names=[]), "parameters_stay_untouched", "numeric"),
    (AnswersBeforeFit(), "a_clone_is_fresh", "numeric"),
    (SharesState(), "a_clone_is_fresh", "numeric"),
    (Counts(), "questions_change_nothing", "numeric"),
    (DrawsFresh(), "answers_repeat", "numeric"),
    (ReturnsABool(), "answers_are_one_line_of_builtins", "numeric"),
    (TwoLines(), "answers_are_one_line_of_builtins", "numeric"),
    (ZeroP(), "p_values_are_in_range", "numeric"),
    (KeepsTheReference(), "data_is_neither_changed_nor_kept", "numeric"),
    (KeepsAView(), "data_is_neither_changed_nor_kept", "numeric"),
    (ChangesTheData(), "data_is_neither_changed_nor_kept", "numeric"),
    (NeedsToWrite(), "data_is_neither_changed_nor_kept", "numeric"),
    (DoesNotPickle(), "pickles_answer_alike", "numeric"),
    (ForgetsInPickles(), "pickles_answer_alike", "numeric"),
    (OddRepr(), "repr_rebuilds", "numeric"),
    (LooksAtTheFirstRow(), "row_order_does_not_matter", "numeric"),
    (GoesByPosition(), "columns_go_by_name", "mixed"),
    (Blind(), "an_enormous_shift_is_seen", "numeric"),
    (Paranoid(), "the_reference_has_not_drifted", "numeric"),
    (NeverUndecided(), "too_few_rows_are_undecided", "numeric"),
    (DropsMissing(), "nothing_but_missing_is_not_stable", "numeric"),
    (TakesInfinities(), "refused_input_does_no_harm", "numeric"),
    (ForgetsWhenRefusing(), "refused_input_does_no_harm", "numeric"),
]


@pytest.mark.parametrize("columns", ["numeric", "mixed"])
def test_a_good_detector_passes(columns):
    check_batch_detector(Mean(), columns=columns)


@pytest.mark.parametrize(("detector", "law", "columns"), BROKEN, ids=lambda value: type(value).__name__)
def test_a_broken_detector_is_rejected_by_the_law_it_breaks(detector, law, columns):
    others = [other.__name__ for other in _LAWS if other.__name__ != law]
    if columns == "numeric":
        others.remove("columns_go_by_name")
    with pytest.raises(AssertionError, match=f"^{type(detector).__name__} breaks the law {law}: "):
        check_batch_detector(detector, columns=columns, skip=others)


def test_every_law_has_a_detector_that_breaks_it():
    assert {law for _, law, _ in BROKEN} == {law.__name__ for law in _LAWS}
    documented = check_batch_detector.__doc__
    assert all(f"`{law.__name__}`" in documented for law in _LAWS)


def test_a_broken_detector_is_rejected_when_all_laws_run():
    with pytest.raises(AssertionError, match="Counts breaks the law"):
        check_batch_detector(Counts())


def test_the_detector_itself_is_never_fitted():
    detector = Mean()
    check_batch_detector(detector)
    assert vars(detector) == {"limit": 1.0, "names": ("a",)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"skip": ["a_law"]}, "skip must be one of"), ({"columns": "images"}, "columns must be one of")],
)
def test_unknown_laws_and_columns_are_refused(arguments, words):
    with pytest.raises(InvalidParameterError, match=words):
        check_batch_detector(Mean(), **arguments)


def test_an_error_inside_a_law_names_the_law_and_is_kept():
    with pytest.raises(AssertionError, match="fit_returns_the_detector: TypeError") as caught:
        check_batch_detector(ForgetsFit())
    assert isinstance(caught.value.__cause__, TypeError)


class ForgetsFit(Mean):
    def fit(self):
        return self
