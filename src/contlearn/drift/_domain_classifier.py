"""Domain classifier: can anything that learns tell current rows from reference rows?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Column, TableLike
from contlearn.drift._batch import SingleTest
from contlearn.drift._classifier import check_classifier
from contlearn.drift._finding import Finding, confidence
from contlearn.drift._judge import Judge, Judged, Kept
from contlearn.drift._rows import MOST_CATEGORIES, at_most
from contlearn.results import Interval
from contlearn.stats import _mann_whitney as mann_whitney


@final
class DomainClassifier(SingleTest):
    """Detect that rows have changed as a whole, by a classifier that is taught to tell the two sides apart.

    A part of the reference and of the current rows teaches a classifier which is which; the other rows are
    scored by it. When nothing has changed it can only guess, and the area under its ROC curve (AUC) on these
    rows is 1/2 up to chance. It takes mixed tables, numbers and categories, and sees what no column shows by
    itself. `column_importances` says by which columns the classifier tells, `foreignness` which rows look
    most foreign.

    The effect is 2 AUC - 1: 0 when the classifier guesses, 1 when it always tells. It is that of the
    classifier, so a better one finds more; a value slightly below 0 is chance.

    Parameters
    ----------
    estimator : scikit-learn classifier or None
        What is taught: a clone of it, pipelines included, with `decision_function` or `predict_proba`. It is
        given a float array with the columns in the order of the reference; categories are numbered from 0,
        the most frequent first (those beyond 62 share a number). None is gradient boosting of small trees
        (`HistGradientBoostingClassifier`), which sees shifts, spreads, interactions and categories alike. A
        linear classifier would be blind to changed spreads and correlations.
    train_share : float
        Share of the rows of each side that the classifier learns from, strictly between 0 and 1; it is judged
        by the others.
    max_rows : int
        Most rows that are used on either side. Of a longer reference `fit` keeps a random subset of that
        many, which bounds the memory; of a longer batch a random subset is tested.
    alpha : float
        False-alarm rate of one `detect`, missing values included: with exchangeable rows it holds for every
        estimator and every number of rows.
    tolerance : float
        Smallest effect worth reporting, between 0 and 1: a smaller one is never DRIFT.
    must_detect : float or None
        An effect this large must have been findable, else the answer is UNDECIDED instead of STABLE. None:
        UNDECIDED only where so few rows cannot bring p to alpha.
    minimum_effect : bool
        Test the hypothesis that the true effect is at most `tolerance`, instead of that nothing has changed.
    block : int or None
        Rows come in order of time, and those nearer than `block` rows depend on each other. The classifier
        then learns from the earlier rows of each side and is judged, beyond a gap of one block, by the later
        ones, of which whole blocks are relabeled.
    random_state : int, numpy generator or None
        Seed of subsets, parts and classifiers without a seed of their own: the same question has the same
        answer, whatever the order of the rows. None draws afresh.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns of the reference.
    feature_names_in_ : ndarray of str
        Their names; only where all columns were named by text.

    Notes
    -----
    The p-value is that of the one-sided Mann-Whitney test on the rows that the classifier has not seen,
    conditional on its scores and their ties: exact for some tens of rows, by a limit law beyond. Scores of
    all rows from cross-validation are not offered: they depend on each other through the classifiers, and a
    test that ignores it raises twice as many false alarms as it says.

    The interval is DeLong's, `detectable` the effect that these numbers of rows find with 80 % power.

    The complete rows are tested. Beside them, where anything is missing, stands an exact test of the share of
    missing values in each such column; results are in `parts["values"]` and `parts["missing"]`. Of a
    reference of more than eight times the batch (and more than 256 rows) a random part of eight times the
    batch is used; `remarks` say so. Dates are numbers here: leave out a column that only says when.

    Cost: one fit of the classifier per `detect`; the default takes about 40 ms for some hundred rows.

    Threads: several may ask one fitted detector at once, but not while it is being fitted.

    References
    ----------
    Lopez-Paz and Oquab (2017), "Revisiting classifier two-sample tests", arXiv 1610.06545. DeLong, DeLong and
    Clarke-Pearson (1988), "Comparing the areas under two or more correlated ROC curves".

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import DomainClassifier
    >>> rng = np.random.default_rng(0)
    >>> def day(rows, share):
    ...     plan = np.where(rng.random(rows) < share, "paid", "free")
    ...     return {"hours": rng.gamma(np.where(plan == "paid", 3.0, 1.0)), "plan": plan}
    >>> detector = DomainClassifier().fit(day(2000, 0.3))
    >>> bool(detector.detect(day(300, 0.3)))
    False
    >>> result = detector.detect(later := day(300, 0.6))
    >>> result.detected, round(result.score, 1)
    (True, 0.3)
    >>> list(detector.column_importances(later))
    ['plan', 'hours']
    """

    _joint = True
    _share_effect = False
    _kinds = frozenset({"numeric", "boolean", "categorical", "datetime", "duration"})
    _why_not = "compare columns with KS and ChiSquared, or rows with MMD(method='features')"
    _cure = "leave it out, or convert it to text or numbers"

    @property
    def _travels(self) -> bool:
        return False

    def __init__(
        self,
        estimator: Any = None,
        *,
        train_share: float = 0.5,
        max_rows: int = 10_000,
        alpha: float = 0.05,
        tolerance: float = 0.0,
        must_detect: float | None = None,
        minimum_effect: bool = False,
        block: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.estimator = estimator
        self.train_share = train_share
        self.max_rows = max_rows
        self.alpha = alpha
        self.tolerance = tolerance
        self.must_detect = must_detect
        self.minimum_effect = minimum_effect
        self.block = block
        self.random_state = random_state

    def column_importances(self, X: TableLike) -> dict[str, Interval]:
        """Return by which columns the classifier tells the two sides apart, the most important first.

        The importance of a column is the drop of the AUC when its values are shuffled among the rows that the
        classifier has not seen: 0 or near it for a column that does not matter, at most about 1/2 for one
        that tells by itself. Columns that say the same share their importance, or one takes all of it.

        Parameters
        ----------
        X : array of shape (n_samples,) or (n_samples, n_features), data frame, or dict of columns
            The current rows, as for `detect`.

        Returns
        -------
        dict of str to Interval
            One per column. The confidence is 1 - `alpha` for each, not for all of them together; the interval
            allows for the chance of the held-out rows and of the shuffling, given the classifier.

        Raises
        ------
        NotFittedError, SchemaError
            As for `detect`.
        InvalidInputError
            As for `detect`, or there are not two complete rows on either side (with `block`: three blocks).
        """
        kept, current, _ = self._asked(X)
        memory = self.reference_[0]
        judge = self._judge(memory.seed)
        judged = None if kept is None else judge.judged(kept, current)
        if judged is None:
            enough = "two complete rows" if self.block is None else "three blocks of complete rows"
            got = f"{memory.n_complete} and {current[0].n_rows} complete rows"
            _checks.bad_data("reference and X", f"have at least {enough} each", got)
        level = confidence(self.alpha)
        found = {name: judge.importance(judged, place, level) for place, name in enumerate(memory.names)}
        return dict(sorted(found.items(), key=lambda each: -each[1].estimate))

    def foreignness(self, X: TableLike) -> NDArray[np.float64]:
        """Return how foreign each current row looks: the score of a classifier that has not seen the row.

        The current rows are dealt into five parts (consecutive ones, with `block`). Each is scored by a
        classifier that was taught to tell the reference from the other four.

        Parameters
        ----------
        X : array of shape (n_samples,) or (n_samples, n_features), data frame, or dict of columns
            The current rows, as for `detect`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Higher is more foreign, in the unit of the classifier's scores (log odds, for the default). NaN
            for rows in which a value is missing, and for all rows where there are not two complete ones.

        Raises
        ------
        NotFittedError, SchemaError, InvalidInputError
            As for `detect`.
        """
        kept, current, complete = self._asked(X)
        scores = np.full(len(complete), np.nan)
        if kept is not None and current[0].n_rows >= 2:
            scores[complete] = self._judge(self.reference_[0].seed).cross_scored(kept, current)
        return scores

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_classifier("estimator", self.estimator)
        _checks.fraction("train_share", self.train_share)
        _checks.count("max_rows", self.max_rows, low=2)
        _checks.number("tolerance", self.tolerance, low=0.0, high=1.0)

    def _learn(self, columns: Sequence[Column], seed: int | None) -> Kept:
        rows = at_most(columns, self.max_rows, np.random.default_rng(seed), self.block)
        return Kept(rows, columns[0].n_rows)

    def _describe(self, reference: Kept, columns: Sequence[Column]) -> Sequence[Column]:  # noqa: ARG002
        return columns

    def _compare(self, reference: Kept, current: Sequence[Column], alpha: float, seed: int | None) -> Finding:
        n, m = reference.n_complete, current[0].n_rows
        judged = self._judge(seed).judged(reference, current)
        if judged is None:
            few = min(n, m) > 1
            return Finding(n, m, enough=False, remarks=("fewer than three blocks of rows",) if few else ())
        finding, blind = self._finding(judged, n, m, alpha), _blind(judged, current)
        return finding._replace(enough=finding.enough and not blind, remarks=(*finding.remarks, *blind))

    def _finding(self, judged: Judged, n: int, m: int, alpha: float) -> Finding:
        placed, block = judged.placed, self.block or 1
        units = [len(rows) // block for rows in (judged.reference, judged.current)]
        interval = mann_whitney.auc_interval(placed, confidence(alpha), block)
        margin, p_value = 0.5, judged.p_value
        if self.minimum_effect:
            margin = 0.5 * (1.0 + self.tolerance)
            p_value = mann_whitney.auc_margin_p_value(placed, margin, block)
        effective = [max(1, round(rows / judged.inflation)) for rows in map(len, judged[1:3])]
        detectable = mann_whitney.auc_detectable(effective[0], effective[1], alpha, margin=margin)
        return Finding(
            n,
            m,
            score=_effect(placed.auc),
            p_value=p_value,
            interval=Interval(
                _effect(placed.auc), _effect(interval.low), _effect(interval.high), interval[3]
            ),
            detectable=_effect(detectable),
            enough=mann_whitney.smallest_p_value(units[0], units[1]) <= alpha,
            remarks=judged.remarks,
        )

    def _judge(self, seed: int | None) -> Judge:
        return Judge(self.estimator, float(self.train_share), self.max_rows, self.block, seed)

    def _asked(self, X: TableLike) -> tuple[Kept | None, Sequence[Column], NDArray[np.bool_]]:
        """Return the reference, the complete current rows, and which rows of `X` these are."""
        self._check_fitted()
        columns = list(self._matched(X).values())
        missing = np.zeros(columns[0].n_rows, dtype=bool)
        for column in columns:
            if column.missing is not None:
                missing |= column.missing
        return self.reference_[0].statistics, [column.take(~missing) for column in columns], ~missing


def _effect(auc: float) -> float:
    return 2.0 * auc - 1.0


def _blind(judged: Judged, current: Sequence[Column]) -> tuple[str, ...]:
    """Say in which columns most rows share one number, so that a change among them could not be seen."""
    rows = np.concatenate((judged.reference, judged.current))
    shared = np.mean(rows == MOST_CATEGORIES - 1, axis=0).tolist()
    return tuple(
        f"{100 * share:.0f} % of rows of {_checks.called(column.name)} are in categories beyond the "
        f"{MOST_CATEGORIES - 1} most frequent, which are not told apart"
        for column, share in zip(current, shared, strict=True)
        if column.kind == "categorical" and share > 0.5
    )
