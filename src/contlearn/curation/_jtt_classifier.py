"""Just Train Twice as a scikit-learn classifier that also works on models without training errors."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, is_regressor
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from contlearn import _checks
from contlearn.curation._judge import RIGHT, WRONG, Verdicts, judge_by_identifier, judge_by_tree
from contlearn.curation._members import average, bag_size, fitted, joint_labels, weight_parameter
from contlearn.curation._numbers import Numbers
from contlearn.curation._recipe import Automatic, Plan, fixed_plan, plain_plan, too_small
from contlearn.curation._training_data import TrainingData
from contlearn.stats import _columns


def _wrapped_has(method: str) -> Any:
    """Expose a method exactly when the wrapped estimator has it; fitted members know best."""

    def check(self: JTTClassifier) -> bool:
        members = getattr(self, "estimators_", None)
        getattr(members[0] if members else self.estimator, method)
        return True

    return available_if(check)


class JTTClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Train a classifier a second time, with more weight on rows that an easy pattern gets wrong.

    Where a shortcut predicts the label for most training rows (the background of the picture, the depot of
    the driver), a model relies on it and fails for the rest. Just Train Twice (JTT) finds such rows without
    being told the groups: they are those that a simple model gets wrong.

    With ``factor="auto"`` rows are identified by a depth-2 tree out of fold; every class is divided into its
    right and its wrong rows (cells); a cheap probe model, small boosting, measures out of fold whether
    balancing the cells helps. If it does, the result is the average of a few clones of `estimator`, each
    fitted to an equal bootstrap of every cell. If it does not, `estimator` is fitted as it stands (or on
    balanced classes, where that lifts the worst class) and ``report_`` says "JTT did not help".

    **The gate sees errors that balancing repairs, not where they come from**: clusters that are hard by
    themselves look like a shortcut that fails. It stayed shut on 27 sets without a shortcut in the study that
    fixed its limits. Of scikit-learn's `make_classification` it opened on 8 of 60 and, in a second draw, on
    11 of 100 sets of mixed size and difficulty, and on 19 of 24 sets of 2,000 rows with two clusters per
    class in 4 informative columns. On held-out rows that cost 0 to 15 points of accuracy, mostly 2 to 8, and
    balanced accuracy fell as well. Where no shortcut is known, read the price in ``report_``
    (`accuracy_base`, `accuracy_balanced`) before you use the result. The gate is nearly blind when 20 % of
    labels are wrong, and weak below about 1,000 rows.

    Parameters
    ----------
    estimator : classifier
        What to train. A pipeline is fine, text columns included, if it encodes them itself.
    identifier : classifier, optional
        What tells easy rows from others, by its errors out of fold. None: a tree of depth 2, on numbers; the
        preprocessing of a pipeline given as `identifier` or `estimator` is used, fitted in every fold. The
        probe uses the same columns.
    factor : "auto", "balance", or a number of at least 1
        A number is the method of the paper: total weight of a misidentified row, as `sample_weight` where
        `estimator` takes one, through pipelines and searches, else by copies. ``"balance"`` weights every
        cell equally. **Models that interpolate** (default forests, extra trees, large boosting) **mostly
        ignore both**: they fit every row whatever it weighs. Neither is gated: judge the result yourself.
    cv : int, splitter, or iterable of (train, test), default 5
        Folds for identification. An integer: stratified and shuffled, whole groups where `groups` is given,
        and 3 folds for the probe. A splitter (time order, for instance) serves both; rows that it never tests
        count as not misidentified.
    n_estimators : "auto" or int
        Clones in the balanced average; "auto": 3 for forests, 5 for boosting, 10 for others.
    gate : "probe" or "off"
        "off" balances the cells whatever the probe says: for users who know that there is a shortcut.
    random_state : int, None, Generator, SeedSequence or RandomState
        Seeds folds, draws and every open `random_state` in `estimator`; members of an average are all seeded
        anew. None: fresh each time.

    Attributes
    ----------
    estimators_ : list of classifiers
        One, or the members of the average.
    sample_indices_, sample_weights_ : list of arrays; of arrays or None
        Member i was fitted to the rows ``sample_indices_[i]`` of X with weights ``sample_weights_[i]``.
    misidentified_ : array of n booleans, read-only
        The error set.
    report_ : JTTReport
        What was measured and done, and the suspects for a person to look at.
    classes_, n_features_in_, feature_names_in_
        As everywhere in scikit-learn; `feature_names_in_` where X has column names.

    Notes
    -----
    Expect lower accuracy on data like the training set, typically by 4 to 9 points (``report_`` states it):
    JTT is for users who expect the shortcut to break. Wrong labels gather among the errors: when the balanced
    probe still fails on more than 40 % of them, those that the balanced `estimator` gets wrong as well are
    left out and listed as ``report_.suspects``.

    Cost of "auto": 5 small trees, 15 small boostings on two thirds of the rows, and the final fits: one, or
    the members on equal draws (with suspects, 9 more). Rows of weight 0 are treated as absent; in an average
    rows are drawn in proportion to their weights. Below 60 rows nothing is measured and `estimator` fitted.

    With metadata routing this class consumes `sample_weight`, `misidentified` and `groups` itself
    (``set_fit_request``); what it passes to `estimator` needs no request.

    Threads: several may ask one fitted classifier at once if its `estimator` allows that, but not while it is
    being fitted.

    References
    ----------
    Liu et al., "Just Train Twice: Improving Group Robustness without Training Group Information", ICML 2021.
    The authors' program appends the error set `factor` more times: its setting k is ``factor=k + 1``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from contlearn.curation import JTTClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(2, size=2000)
    >>> shortcut = np.where(rng.random(2000) < 0.05, 1 - y, y)    # right for 95 % of the rows
    >>> X = np.column_stack([shortcut + 0.1 * rng.normal(size=2000), y[:, None] + rng.normal(size=(2000, 4))])
    >>> model = JTTClassifier(RandomForestClassifier(30)).fit(X, y)
    >>> model.report_.helped, model.report_.method, len(model.estimators_)
    (True, 'balanced cells', 3)
    """

    def __init__(
        self,
        estimator: Any,
        identifier: Any = None,
        factor: float | Literal["auto", "balance"] = "auto",
        *,
        cv: int | Any = 5,
        n_estimators: int | Literal["auto"] = "auto",
        gate: Literal["probe", "off"] = "probe",
        random_state: Any = 0,
    ) -> None:
        self.estimator = estimator
        self.identifier = identifier
        self.factor = factor
        self.cv = cv
        self.n_estimators = n_estimators
        self.gate = gate
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        misidentified: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Identify, decide, and train.

        Parameters
        ----------
        X : array, sparse matrix, or pandas or polars frame with n rows
        y : array-like of n labels
        sample_weight : array-like of n floats, optional
            At least 0; `estimator` must take them.
        misidentified : array-like of n booleans, optional
            Ready errors, such as the rows that the champion got wrong in production; no identification then.
        groups : array-like of n labels, optional
            Rows of one group are never on both sides of a fold.

        Returns
        -------
        self

        Raises
        ------
        InvalidParameterError, InvalidInputError
            For settings, weights, masks and columns that cannot be used; the message names the cure.
        """
        n_members, generator = self._checked_settings(sample_weight), _generator(self.random_state)
        data = TrainingData.of(X, y, sample_weight, groups, self.cv)
        validate_data(self, X, skip_check_array=True)
        ready = None if misidentified is None else _ready(misidentified, data)
        identify_rng, plan_rng, fit_rng = generator.spawn(3)
        small = too_small(data) if self.factor == "auto" else ""
        if small:
            verdicts, plan = _unjudged(data) if ready is None else ready, plain_plan(data, small)
        else:
            verdicts = self._identified(data, identify_rng) if ready is None else ready
            plan = self._plan(data, verdicts, n_members, plan_rng)
        self._fit_members(data, plan, fit_rng)
        self.misidentified_ = _frozen(_spread(data, verdicts == WRONG))
        self.report_ = plan.report
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of each row: of the highest mean probability, else decision, else most votes."""
        check_is_fitted(self)
        if len(self.estimators_) == 1:
            return np.asarray(self.estimators_[0].predict(X))
        return joint_labels(self.estimators_, X, self.classes_)

    @_wrapped_has("predict_proba")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the mean probability of each class, columns as in `classes_`."""
        check_is_fitted(self)
        return average(self.estimators_, X, self.classes_, "predict_proba")

    @_wrapped_has("decision_function")  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the mean decision value, in the shape that `estimator` gives."""
        check_is_fitted(self)
        return average(self.estimators_, X, self.classes_, "decision_function")

    def _checked_settings(self, sample_weight: ArrayLike | None) -> int:
        """Refuse settings that can never work, and return the number of members of an average."""
        _must_classify("estimator", self.estimator)
        if self.identifier is not None:
            _must_classify("identifier", self.identifier)
        if isinstance(self.factor, str):
            if self.factor not in ("auto", "balance"):
                _checks.fail("factor", "be 'auto', 'balance' or a number of at least 1", repr(self.factor))
        else:
            _checks.number("factor", self.factor, low=1)
        _checks.one_of("gate", self.gate, ("probe", "off"))
        if sample_weight is not None and weight_parameter(self.estimator) is None:
            cure = "leave sample_weight out, or choose an estimator that takes it"
            _checks.fail("estimator", "take sample_weight", type(self.estimator).__name__, cure)
        if isinstance(self.n_estimators, str) and self.n_estimators == "auto":
            return bag_size(self.estimator)
        return _checks.count("n_estimators", self.n_estimators)

    def _identified(self, data: TrainingData, rng: np.random.Generator) -> Verdicts:
        splits = data.splits(self.cv if isinstance(self.cv, int) else 5, rng)
        if self.identifier is not None:
            return judge_by_identifier(data, self.identifier, splits, rng)
        return judge_by_tree(data, self._numbers(data), splits, rng)

    def _plan(self, data: TrainingData, verdicts: Verdicts, n: int, rng: np.random.Generator) -> Plan:
        if self.factor != "auto":
            return fixed_plan(data, verdicts, self.factor, self.estimator, rng)
        numbers = self._numbers(data)
        return Automatic(data, verdicts, numbers, self.estimator, n, self.gate == "probe").plan(rng)

    def _numbers(self, data: TrainingData) -> Numbers:
        return Numbers(data, self.estimator, self.identifier)

    def _fit_members(self, data: TrainingData, plan: Plan, rng: np.random.Generator) -> None:
        several = len(plan.fits) > 1
        everything = np.arange(len(data))
        self.estimators_ = []
        for rows, weights in plan.fits:
            whole = np.array_equal(rows, everything)
            X, y = (data.X, data.y) if whole else (data.take(rows), data.y[rows])
            self.estimators_.append(fitted(self.estimator, X, y, weights, rng, reseed=several))
        self.sample_indices_ = [_frozen(data.rows[rows]) for rows, _ in plan.fits]
        self.sample_weights_ = [None if w is None else _frozen(w) for _, w in plan.fits]
        self.classes_ = np.unique(data.y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        wrapped = get_tags(self.estimator)
        tags.input_tags = wrapped.input_tags
        tags.non_deterministic = wrapped.non_deterministic
        if wrapped.classifier_tags is not None:
            tags.classifier_tags.multi_class = wrapped.classifier_tags.multi_class
        return tags


def _generator(random_state: Any) -> np.random.Generator:
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31 - 1))
    return _checks.generator("random_state", random_state)


def _must_classify(name: str, estimator: Any) -> None:
    if isinstance(estimator, type) or not all(
        hasattr(estimator, method) for method in ("fit", "predict", "get_params")
    ):
        _checks.fail(name, "be a classifier, with fit, predict and get_params", estimator)
    if is_regressor(estimator):
        _checks.fail(name, "be a classifier", f"the regressor {type(estimator).__name__}")


def _ready(misidentified: ArrayLike, data: TrainingData) -> Verdicts:
    mask = np.asarray(_columns.unmasked(misidentified))
    numbers = mask.dtype.kind in "biufO" and not _columns.missing(mask).any()
    if mask.shape != (data.n_given,) or not numbers or not np.isin(mask, (False, True)).all():
        cure = "pass the errors as a mask without missing values, and not as row numbers"
        _checks.bad_data("misidentified", f"be {data.n_given} booleans", f"shape {mask.shape}", cure)
    return np.where(mask[data.rows].astype(bool), WRONG, RIGHT).astype(np.int8)


def _unjudged(data: TrainingData) -> Verdicts:
    return np.full(len(data), RIGHT, dtype=np.int8)


def _spread(data: TrainingData, errors: NDArray[np.bool_]) -> NDArray[np.bool_]:
    mask = np.zeros(data.n_given, dtype=bool)
    mask[data.rows] = errors
    return mask


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
