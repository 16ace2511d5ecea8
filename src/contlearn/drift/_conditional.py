"""Conditional drift: which columns moved by themselves, and which only follow others?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self, final

import numpy as np

from contlearn import _checks
from contlearn._tables import Column, Kind
from contlearn.drift._batch import SingleTest
from contlearn.drift._chi_squared import ChiSquared
from contlearn.drift._conditional_test import Explained, compared, learnt, seen
from contlearn.drift._explained import Encoder, encoder
from contlearn.drift._finding import Finding, combine, known, settle
from contlearn.drift._ks import KS
from contlearn.drift._rows import at_most
from contlearn.drift._two_samples import Tested
from contlearn.results import DriftResult, DriftState
from contlearn.stats._matched_ks import Seen
from contlearn.stats._multiple import CORRECTIONS, adjust


class Learnt(NamedTuple):
    """What is kept of the reference: statistics of each column by itself, and given the others."""

    n_rows: int
    kinds: tuple[Kind, ...]
    marginal: tuple[Any, ...]
    encoder: Encoder
    explained: tuple[Explained | None, ...]


class Both(NamedTuple):
    """The same of current rows; partitions merge."""

    n_rows: int
    marginal: tuple[Any, ...]
    given: tuple[Seen | None, ...]

    def merge(self, other: Self) -> Both:
        """Return the statistics of both sets of rows."""
        marginal = tuple(one.merge(two) for one, two in zip(self.marginal, other.marginal, strict=True))
        given = tuple(
            None if one is None or two is None else one.merge(two)
            for one, two in zip(self.given, other.given, strict=True)
        )
        return Both(self.n_rows + other.n_rows, marginal, given)


class Found(Finding):
    """What was found over all columns, and in each of them: (marginal, conditional)."""

    columns: tuple[tuple[Finding, Finding], ...] = ()


@final
class ConditionalDrift(SingleTest):
    """Tell columns that moved by themselves from columns that only follow others.

    When one column changes, every column that depends on it changes as well. For each column this makes two
    tests: of its distribution (`parts[name].parts["marginal"]`), and of its distribution given all other
    columns (`parts["conditional"]`). A column in which both moved is a *source*: its change is not explained
    by the others. A column in which only the marginal distribution moved *follows*: given the others it is
    what it was. `remarks` name them.

    The effect of both tests is a share of rows: the KS distance or the total variation; for the conditional
    test, the KS distance of what is left of the column once the others have explained it.

    Parameters
    ----------
    regressor : scikit-learn regressor or None
        Predicts a column of numbers from the other columns, which it is given as a float array: numbers with
        centre 0 and spread 1, categories as numbers from 0, the most frequent first. None is a linear model,
        and boosting (`HistGradientBoostingRegressor`) for what it leaves.
    classifier : scikit-learn classifier or None
        Predicts, by `predict_proba`, a column of categories or booleans. None is boosting
        (`HistGradientBoostingClassifier`).
    train_share : float
        Share of the reference that the models learn from, strictly between 0 and 1. What they leave
        unexplained of the rest is what current rows are compared with.
    max_rows : int
        Most rows of the reference that models learn from and are judged by; of a longer one, a random subset.
        The marginal tests use all rows.
    alpha : float
        False-alarm rate of one `detect`, over all tests of all columns.
    correction : {"holm", "bonferroni", "hochberg", "bh", "by"} or None
        Correction over all marginal and conditional tests, and those of missing values.
    tolerance : float
        Smallest effect worth reporting, a share of rows.
    must_detect : float
        An effect this large must have been findable, else a test is UNDECIDED instead of STABLE, and a column
        whose conditional test is UNDECIDED is not said to follow.
    block : int or None
        Rows come in order of time, and those nearer than `block` rows depend on each other: models learn from
        the earlier rows of the reference, and rows count for less.
    random_state : int, numpy generator or None
        Seed of the parts and of the default models: the same question has the same answer.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    What is claimed. A column's distribution given *all* others changes only if the column itself, or one that
    depends on it directly, came to depend on its causes in another way. So under any acyclic dependence a
    column that merely passes a change on keeps its conditional distribution, and is not named a source.

    What is not claimed. (1) A cause outside the table makes every column that depends on it directly a
    source. (2) Where two sources lie behind each other, a column between them is named too. (3) A direct
    cause of a source has a changed conditional distribution, but not a changed marginal one: `remarks` call
    that a changed relation. (4) Where columns determine each other, or nearly so, none is named. (5) In a
    cycle nothing can be told apart. It is a statement about distributions, not proof of a cause.

    Models are wrong where they have seen few rows, and a column that moved takes its followers there. So the
    conditional test compares like with like: rows whose other columns lie within the range of the rows that
    the model has learnt from (without the outermost 6 % on either side, over all columns), and among them
    rows for which the model predicts the same (in up to 30 bins of the prediction). A model that is too high
    somewhere is then too high on both sides. Current rows without such rows in the reference are left out;
    `remarks` say how many, and where hardly any are left the answer is UNDECIDED.

    Measured with 2,000 reference and 500 current rows (40 tables each of eight kinds: chains and forks of
    three or four columns, linear, with a sine, a product, a changing spread, or categories; the source moved
    by one or two standard deviations): the source was named in all of them, another column as well in 0 to
    5 % (17 % where a category follows a source that moved by two).

    Cost: `fit` trains one model per column, about 0.1 s each; `detect` asks each of them. The statistics are
    counts: `summarize` works, and no row of the reference is kept.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Kulinski, Bagchi and Inouye (2020), "Feature shift detection: localizing which features have shifted via
    conditional distribution tests". Hansen (2008), "The prognostic analogue of the propensity score".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import ConditionalDrift
    >>> rng = np.random.default_rng(0)
    >>> def day(rows, celsius):
    ...     heat = rng.normal(celsius, 5.0, rows)
    ...     sales = 3.0 * heat + rng.normal(0.0, 10.0, rows)
    ...     return {"sales": sales, "heat": heat, "staff": 0.1 * sales + rng.normal(0.0, 1.0, rows)}
    >>> result = ConditionalDrift().fit(day(2000, 15.0)).detect(day(500, 20.0))
    >>> result.drifted
    ('sales', 'heat', 'staff')
    >>> result.remarks[0]
    'moved by itself: heat; follows: sales, staff'
    """

    _joint = True
    _kinds = frozenset({"numeric", "boolean", "categorical", "datetime", "duration"})
    _cure = "leave it out, or convert it to text or numbers"

    def __init__(
        self,
        regressor: Any = None,
        classifier: Any = None,
        *,
        train_share: float = 0.5,
        max_rows: int = 10_000,
        alpha: float = 0.05,
        correction: str | None = "holm",
        tolerance: float = 0.05,
        must_detect: float = 0.2,
        block: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.regressor = regressor
        self.classifier = classifier
        self.train_share = train_share
        self.max_rows = max_rows
        self.alpha = alpha
        self.correction = correction
        self.tolerance = tolerance
        self.must_detect = must_detect
        self.block = block
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        _checks.one_of("correction", self.correction, (*CORRECTIONS, None))
        for name, needed in (("regressor", "predict"), ("classifier", "predict_proba")):
            model = getattr(self, name)
            if model is not None and (isinstance(model, type) or not hasattr(model, needed)):
                _checks.fail(name, f"be a scikit-learn {name} with {needed}, or None", model)
        _checks.fraction("train_share", self.train_share)
        _checks.count("max_rows", self.max_rows, low=4)

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Learnt:
        kinds = tuple(column.kind for column in columns)
        marginal = tuple(self._marginal(each.kind)._learn([each], seed) for each in columns)
        rng = np.random.default_rng(seed)
        used = at_most(columns, self.max_rows, rng, self.block)
        how = encoder(used)
        models = (self.regressor, self.classifier)
        explained = learnt(
            how.encode(used), how.categorical, models, float(self.train_share), self.block, rng
        )
        return Learnt(columns[0].n_rows, kinds, marginal, how, explained)

    def _describe(self, reference: Learnt, columns: Sequence[Column]) -> Both:
        marginal = tuple(
            self._marginal(kind)._describe(statistics, [column])
            for kind, statistics, column in zip(reference.kinds, reference.marginal, columns, strict=True)
        )
        return Both(columns[0].n_rows, marginal, seen(reference.explained, reference.encoder.encode(columns)))

    def _compare(self, reference: Learnt, current: Both, alpha: float, seed: int | None) -> Finding:
        n, m = reference.n_rows, current.n_rows
        level = alpha if self.correction is None else alpha / (2 * len(reference.kinds))
        found = Found(n, m)
        found.columns = tuple(
            (
                self._marginal(kind)._compare(before, after, level, seed),
                compared(explained, given, n, m, level),
            )
            for kind, before, after, explained, given in zip(
                reference.kinds,
                reference.marginal,
                current.marginal,
                reference.explained,
                current.given,
                strict=True,
            )
        )
        return found

    def _marginal(self, kind: Kind) -> Any:
        settings: dict[str, Any] = {
            "tolerance": self.tolerance,
            "must_detect": self.must_detect,
            "block": self.block,
        }
        return ChiSquared(**settings) if kind in ("categorical", "boolean") else KS(**settings)

    def _result(self, tested: Sequence[Tested]) -> DriftResult:
        (each,) = tested
        names = self.reference_[0].names
        nothing = Finding(each.values.n_reference, each.values.n_current)
        pairs = getattr(each.values, "columns", ()) or [(nothing, nothing)] * len(names)
        findings = {
            name: {"marginal": marginal, "conditional": conditional}
            | ({"missing": each.missing[name]} if name in each.missing else {})
            for name, (marginal, conditional) in zip(names, pairs, strict=True)
        }
        flat = [known(finding.p_value) for group in findings.values() for finding in group.values()]
        correction: Any = self.correction
        corrected = iter(adjust(flat, correction).tolist())
        parts = {
            name: self._column({aspect: (finding, next(corrected)) for aspect, finding in group.items()})
            for name, group in findings.items()
        }
        remarks = _in_words(parts)
        return dataclasses.replace(combine(parts, self.alpha, self.tolerance), remarks=remarks)

    def _column(self, group: Mapping[str, tuple[Finding, float]]) -> DriftResult:
        parts = {
            aspect: settle(finding, p_value, self.alpha, self.tolerance, self.must_detect)
            for aspect, (finding, p_value) in group.items()
        }
        return combine(parts, self.alpha, self.tolerance)


def _in_words(parts: Mapping[str, DriftResult]) -> tuple[str, ...]:
    """Return which columns moved by themselves, and which follow."""
    said: dict[str, list[str]] = {}
    for name, part in parts.items():
        word = _WORDS.get((part.parts["marginal"].detected, part.parts["conditional"].state))
        if word is not None:
            said.setdefault(word, []).append(_checks.called(name))
    if not {_ALONE, _UNCLEAR} & set(said) and _FOLLOWS in said:
        said[_TOGETHER] = said.pop(_FOLLOWS)
    clauses = [f"{word}: {', '.join(said[word])}" for word in _ORDER if word in said]
    return ("; ".join(clauses),) if clauses else ()


_ALONE, _FOLLOWS, _UNCLEAR = "moved by itself", "follows", "moved, by itself or not"
_TOGETHER, _RELATION = "moved, but none by itself", "moved only in relation to the others"
_ORDER = (_ALONE, _FOLLOWS, _UNCLEAR, _TOGETHER, _RELATION)
_WORDS = {
    (True, DriftState.DRIFT): _ALONE,
    (True, DriftState.STABLE): _FOLLOWS,
    (True, DriftState.UNDECIDED): _UNCLEAR,
    (False, DriftState.DRIFT): _RELATION,
}
