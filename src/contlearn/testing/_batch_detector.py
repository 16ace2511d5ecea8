"""Laws of batch detectors."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.base import clone

from contlearn import _checks
from contlearn.results import DriftResult, DriftState
from contlearn.testing._laws import Law, one_line, rebuilt, repickled, run, snapshot, twin

_ROWS = 300
# The order of rows may move what is sampled from them: permutations, and the rows that set a bandwidth.
_MONTE_CARLO = 0.1
_SAMPLED = 0.01


@dataclass(frozen=True)
class _Case:
    detector: Any
    columns: str

    def sample(self, seed: int, n: int = _ROWS, shifted: bool = False) -> Any:
        """Return `n` rows; all of them far away where `shifted`."""
        rng = np.random.default_rng(seed)
        numbers = rng.normal(size=(n, 3)) + (1000.0 if shifted else 0.0)
        words = rng.choice(["u", "v", "w"] if shifted else ["a", "b", "c"], size=(n, 2)).astype(object)
        if self.columns == "numeric":
            return numbers
        if self.columns == "categorical":
            return words
        return {"amount": numbers[:, 0], "age": numbers[:, 1], "city": words[:, 0], "kind": words[:, 1]}

    def fitted(self, reference: Any = None) -> Any:
        return clone(self.detector).fit(self.sample(0) if reference is None else reference)


def check_batch_detector(
    detector: Any,
    *,
    columns: Literal["numeric", "categorical", "mixed"] = "numeric",
    skip: Collection[str] = (),
) -> None:
    """Check that a batch detector obeys the laws of its kind.

    Parameters
    ----------
    detector
        A scikit-learn estimator with `fit(X_reference)` and `detect(X) -> DriftResult`. It is cloned, never
        fitted itself, and has to be seeded.
    columns
        What it is shown: a numeric array, an array of words, or a dictionary with columns of both kinds.
    skip
        Names of laws that do not apply.

    Raises
    ------
    AssertionError
        A law is broken; the message names it.

    Notes
    -----
    The laws: `fit_returns_the_detector`, `parameters_stay_untouched`, `a_clone_is_fresh`,
    `questions_change_nothing`, `answers_repeat`, `answers_are_one_line_of_builtins`, `p_values_are_in_range`,
    `data_is_neither_changed_nor_kept`, `pickles_answer_alike`, `repr_rebuilds`, `row_order_does_not_matter`,
    `columns_go_by_name`, `an_enormous_shift_is_seen`, `the_reference_has_not_drifted`,
    `too_few_rows_are_undecided`, `nothing_but_missing_is_not_stable`, `refused_input_does_no_harm`.

    Examples
    --------
    >>> from contlearn.drift import KS
    >>> from contlearn.testing import check_batch_detector
    >>> check_batch_detector(KS(alpha=0.01))
    """
    _checks.one_of("columns", columns, ("numeric", "categorical", "mixed"))
    laws = _LAWS if columns == "mixed" else [law for law in _LAWS if law is not columns_go_by_name]
    run(detector, _Case(detector, columns), laws, skip)


def fit_returns_the_detector(case: _Case) -> str | None:
    fresh = clone(case.detector)
    return None if fresh.fit(case.sample(0)) is fresh else "fit must return self"


def parameters_stay_untouched(case: _Case) -> str | None:
    fresh = clone(case.detector)
    before = fresh.get_params(deep=False)
    shown = snapshot(before)
    fresh.fit(case.sample(0)).detect(case.sample(1))
    after = fresh.get_params(deep=False)
    changed = [name for name in before if after[name] is not before[name]]
    if changed:
        return f"fit or detect replaced {', '.join(changed)}"
    return None if snapshot(after) == shown else "fit or detect changed the content of a parameter"


def a_clone_is_fresh(case: _Case) -> str | None:
    detector = case.fitted()
    before = snapshot(detector.detect(case.sample(1)))
    copy = clone(detector)
    try:
        copy.detect(case.sample(1))
    except (ValueError, AttributeError):
        pass
    else:
        return "a clone answers before it was fitted"
    copy.fit(case.sample(2, shifted=True))
    after = snapshot(detector.detect(case.sample(1)))
    return None if after == before else "fitting a clone changed the answers of the original"


def questions_change_nothing(case: _Case) -> str | None:
    detector = case.fitted()
    before = snapshot(detector)
    detector.detect(case.sample(1))
    detector.detect(case.sample(2, shifted=True))
    return None if snapshot(detector) == before else "detect changed the detector"


def answers_repeat(case: _Case) -> str | None:
    detector, X = case.fitted(), case.sample(1)
    first = detector.detect(X)
    detector.detect(case.sample(2))
    if detector.detect(X) != first:
        return "the same question had two answers; seed it"
    return None if case.fitted().detect(X) == first else "two detectors with the same seed disagree"


def answers_are_one_line_of_builtins(case: _Case) -> str | None:
    detector = case.fitted()
    for X in (case.sample(1), case.sample(1, shifted=True), case.sample(1, n=0)):
        result = detector.detect(X)
        if not isinstance(result, DriftResult):
            return f"detect returned {type(result).__name__}, not a DriftResult"
        if broken := one_line(str(result), "str(result)"):
            return broken
        if not all(type(value) in (type(None), float, int) for value in _numbers(result)):
            return "the result holds numbers that are no builtins"
    return None


def p_values_are_in_range(case: _Case) -> str | None:
    detector = case.fitted()
    samples = [case.sample(seed, n=n) for seed in (0, 1) for n in (2, 10, _ROWS)]
    for X in [*samples, case.sample(2, shifted=True)]:
        result = detector.detect(X)
        for part in (result, *result.parts.values()):
            if part.p_value is not None and not 0.0 < part.p_value <= 1.0:
                return f"p = {part.p_value} is not above 0 and at most 1"
    return None


def data_is_neither_changed_nor_kept(case: _Case) -> str | None:
    reference, current = case.sample(0), case.sample(1)
    before = snapshot(reference, current)
    detector = clone(case.detector).fit(reference)
    first = detector.detect(current)
    if snapshot(reference, current) != before:
        return "fit or detect changed the caller's data"
    state = snapshot(detector)
    for column in [*_arrays(reference), *_arrays(current)]:
        column[...] = column[0]
    if snapshot(detector) != state or detector.detect(case.sample(1)) != first:
        return "the detector keeps the caller's array: writing into it changed the answers"
    for column in _arrays(protected := case.sample(1)):
        column.flags.writeable = False
    return None if detector.detect(protected) == first else "a read-only array has another answer"


def pickles_answer_alike(case: _Case) -> str | None:
    repickled(case.detector)
    detector, X = case.fitted(), case.sample(1)
    return (
        None if repickled(detector).detect(X) == detector.detect(X) else "a pickled copy answers differently"
    )


def repr_rebuilds(case: _Case) -> str | None:
    again = rebuilt(case.detector)
    if type(again) is type(case.detector) and repr(again.get_params()) == repr(case.detector.get_params()):
        return None
    return f"{case.detector!r} became {again!r}"


def row_order_does_not_matter(case: _Case) -> str | None:
    order = np.random.default_rng(0).permutation(_ROWS)
    results = []
    for turn in (slice(None), order):
        detector = case.fitted(_rows(case.sample(0), turn))
        results += [detector.detect(_rows(case.sample(1), turn))]
    one, other = results
    if one.score is not None and not np.isclose(one.score, other.score, rtol=_SAMPLED, atol=1e-9):
        return f"score {one.score} became {other.score}"
    if one.p_value is not None and abs(one.p_value - other.p_value) > _MONTE_CARLO:
        return f"p = {one.p_value} became {other.p_value}"
    return None


def columns_go_by_name(case: _Case) -> str | None:
    detector, X = case.fitted(), case.sample(1)
    swapped = {name: X[name] for name in reversed(X)}
    one, other = detector.detect(X), detector.detect(swapped)
    return None if dict(one.parts) == dict(other.parts) else "swapping columns changed the answer"


def an_enormous_shift_is_seen(case: _Case) -> str | None:
    result = case.fitted().detect(case.sample(1, shifted=True))
    return None if result.detected else f"all rows moved far away, and the answer is {result}"


def the_reference_has_not_drifted(case: _Case) -> str | None:
    result = case.fitted().detect(case.sample(0))
    return f"the reference itself is called drifted: {result}" if result.detected else None


def too_few_rows_are_undecided(case: _Case) -> str | None:
    detector = case.fitted()
    for n in (0, 1):
        result = detector.detect(case.sample(1, n=n))
        if result.state is not DriftState.UNDECIDED:
            return f"{n} rows are called {result.state.value}"
    return None


def nothing_but_missing_is_not_stable(case: _Case) -> str | None:
    X = case.sample(1)
    for column in _arrays(X):
        column[...] = np.nan if column.dtype.kind == "f" else None
    detector = case.fitted()
    try:
        result = detector.detect(X)
    except ValueError:
        return None
    return "a batch of missing values is called stable" if result.state is DriftState.STABLE else None


def refused_input_does_no_harm(case: _Case) -> str | None:
    detector = case.fitted()
    before, answer = snapshot(detector), detector.detect(case.sample(1))
    bad = [("a batch of another shape", _narrow(case.sample(1)))]
    if case.columns != "categorical":
        bad.append(("an infinity", twin(case.sample(1))))
        _arrays(bad[-1][1])[0].flat[0] = np.inf
    for words, X in bad:
        try:
            detector.detect(X)
        except (ValueError, TypeError):
            pass
        else:
            return f"{words} was not refused"
    try:
        detector.fit(bad[-1][1])
    except (ValueError, TypeError):
        if snapshot(detector) != before:
            return "a refused fit changed the detector"
    else:
        detector = case.fitted()
    if detector.detect(case.sample(1)) != answer or not detector.detect(case.sample(1, shifted=True)):
        return "after refused input the detector answers differently"
    return None


_LAWS: list[Law[_Case]] = [
    fit_returns_the_detector,
    parameters_stay_untouched,
    a_clone_is_fresh,
    questions_change_nothing,
    answers_repeat,
    answers_are_one_line_of_builtins,
    p_values_are_in_range,
    data_is_neither_changed_nor_kept,
    pickles_answer_alike,
    repr_rebuilds,
    row_order_does_not_matter,
    columns_go_by_name,
    an_enormous_shift_is_seen,
    the_reference_has_not_drifted,
    too_few_rows_are_undecided,
    nothing_but_missing_is_not_stable,
    refused_input_does_no_harm,
]


def _arrays(X: Any) -> list[Any]:
    return list(X.values()) if isinstance(X, dict) else [X]


def _rows(X: Any, index: Any) -> Any:
    return {name: column[index] for name, column in X.items()} if isinstance(X, dict) else X[index]


def _narrow(X: Any) -> Any:
    """Return `X` without its last column."""
    return {name: X[name] for name in list(X)[:-1]} if isinstance(X, dict) else X[:, :-1]


def _numbers(result: DriftResult) -> list[object]:
    names = ("score", "p_value", "alpha", "threshold", "detectable", "n_reference", "n_current")
    return [getattr(result, name) for name in names]
