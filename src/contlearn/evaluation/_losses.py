"""Losses: one number per row, lower is better, NaN where the label or the prediction is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.evaluation._probabilities import probability_of_truth
from contlearn.stats import _columns

Loss: TypeAlias = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]
"""Any callable of labels and predictions that returns one number per row, lower is better."""


def zero_one(y: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    """Return 1 where the predicted label is wrong, 0 where it is right.

    Parameters
    ----------
    y, y_pred : array of shape (n_samples,)
        True and predicted labels: numbers, booleans or text, but both of one kind.

    Returns
    -------
    array of shape (n_samples,)
        Zeros and ones; NaN where either label is missing, since a missing label is not a wrong prediction.

    Raises
    ------
    InvalidInputError
        If the lengths differ, text is compared with numbers, or fractions (such as probabilities) with
        labels that are whole numbers.

    Examples
    --------
    >>> from contlearn.evaluation import zero_one
    >>> zero_one(["cat", "dog", None], ["cat", "cat", "dog"])
    array([ 0.,  1., nan])
    """
    truth, predicted = _columns.column("y", y), _columns.column("y_pred", y_pred)
    _checks.same_length(y=truth, y_pred=predicted)
    known = ~(_columns.missing(truth) | _columns.missing(predicted))
    truth, predicted = truth[known], predicted[known]
    kinds = _kind(truth), _kind(predicted)
    if truth.size and kinds[0] != kinds[1]:
        _checks.bad_data("y_pred", "hold labels of the same kind as y", f"{kinds[1]} against {kinds[0]}")
    if kinds[0] == "numbers" and _whole(truth) and not _whole(predicted):
        cure = "pass model.predict(X), or use brier or log_loss for probabilities"
        _checks.bad_data("y_pred", "hold labels like those of y", "fractions against whole numbers", cure)
    losses = np.full(known.shape, np.nan)
    losses[known] = truth != predicted
    return losses


def log_loss(y: ArrayLike, proba: ArrayLike, *, clip: float = 1e-6) -> NDArray[np.float64]:
    """Return minus the logarithm of the probability that was given to the true class.

    Parameters
    ----------
    y : array of shape (n_samples,)
        True classes: 0 and 1 (or booleans) beside probabilities of class 1, else positions of columns.
    proba : array of shape (n_samples,) or (n_samples, n_classes)
        Probability of class 1, or of each class.
    clip
        Smallest probability that counts, strictly between 0 and 1: a row costs at most -log(`clip`), 13.8
        nats at the default, so that one confident mistake cannot outweigh thousands of rows.

    Returns
    -------
    array of shape (n_samples,)
        Nats, from 0 to -log(`clip`); NaN where the label or the prediction is missing.

    Raises
    ------
    InvalidInputError
        If a label is no class, a probability lies outside [0, 1], or a row does not add up to 1.

    Examples
    --------
    >>> from contlearn.evaluation import log_loss
    >>> log_loss([1, 0], [0.5, 0.9]).round(3)
    array([0.693, 2.303])
    """
    clip = _checks.fraction("clip", clip)
    given = probability_of_truth(y, proba)[0]
    return -np.log(np.maximum(given, clip)) + 0.0  # no negative zero


def brier(y: ArrayLike, proba: ArrayLike) -> NDArray[np.float64]:
    """Return half the squared distance between the probabilities and the true class.

    Parameters
    ----------
    y : array of shape (n_samples,)
        True classes: 0 and 1 (or booleans) beside probabilities of class 1, else positions of columns.
    proba : array of shape (n_samples,) or (n_samples, n_classes)
        Probability of class 1, or of each class.

    Returns
    -------
    array of shape (n_samples,)
        From 0 to 1; NaN where the label or the prediction is missing. For two classes it is (1 - p)², p the
        probability of the true class. The half keeps it there for more classes, too; scikit-learn leaves it
        out for those.

    Raises
    ------
    InvalidInputError
        If a label is no class, a probability lies outside [0, 1], or a row does not add up to 1.

    Examples
    --------
    >>> from contlearn.evaluation import brier
    >>> brier([1, 0], [0.5, 0.9]).round(2)
    array([0.25, 0.81])
    >>> brier([2], [[0.2, 0.2, 0.6]]).round(2)
    array([0.12])
    """
    given, squares = probability_of_truth(y, proba)
    return 0.5 * ((1.0 - given) ** 2 + np.maximum(squares - given**2, 0.0))


def absolute_error(y: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    """Return the distance between prediction and label.

    Parameters
    ----------
    y, y_pred : array of shape (n_samples,)
        True and predicted numbers.

    Returns
    -------
    array of shape (n_samples,)
        At least 0, in the unit of `y`; NaN where either is missing.

    Examples
    --------
    >>> from contlearn.evaluation import absolute_error
    >>> absolute_error([1.0, 2.0], [1.5, 0.0])
    array([0.5, 2. ])
    """
    return np.abs(_residuals(y, y_pred))


def squared_error(y: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    """Return the squared distance between prediction and label.

    Parameters
    ----------
    y, y_pred : array of shape (n_samples,)
        True and predicted numbers.

    Returns
    -------
    array of shape (n_samples,)
        At least 0, in the squared unit of `y`; NaN where either is missing.

    Examples
    --------
    >>> from contlearn.evaluation import squared_error
    >>> squared_error([1.0, 2.0], [1.5, 0.0])
    array([0.25, 4.  ])
    """
    with np.errstate(over="ignore"):  # beyond the floats: infinite, and gates ask for finite losses
        return _residuals(y, y_pred) ** 2


def pinball(q: float) -> Loss:
    """Return the loss whose best prediction is the quantile `q`.

    Parameters
    ----------
    q
        Level of the quantile, strictly between 0 and 1; 0.5 gives half the absolute error.

    Returns
    -------
    Loss
        A callable of `y` and `y_pred`, in the unit of `y`; it pickles and compares by `q`.

    Examples
    --------
    >>> from contlearn.evaluation import pinball
    >>> loss = pinball(0.9)
    >>> loss
    pinball(0.9)
    >>> loss([10.0, 10.0], [8.0, 12.0]).round(2)
    array([1.8, 0.2])
    """
    return _Pinball(q)


@dataclass(frozen=True, slots=True, repr=False)
class _Pinball:
    q: float

    def __post_init__(self) -> None:
        _checks.fraction("q", self.q)

    def __call__(self, y: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
        short = _residuals(y, y_pred)
        q = float(self.q)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.maximum(q * short, (q - 1.0) * short)

    def __repr__(self) -> str:
        return f"pinball({self.q!r})"


def as_loss(score: Callable[[Any, Any], ArrayLike]) -> Loss:
    """Return the loss that is minus `score`, a function of rows for which higher is better.

    Parameters
    ----------
    score
        A callable of `y` and `y_pred` that returns one number per row. A function that returns one number for
        all rows, such as `sklearn.metrics.accuracy_score`, is refused when it is called: a gate needs to know
        how the rows vary.

    Returns
    -------
    Loss
        It pickles if `score` does, and compares by `score`.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.evaluation import as_loss
    >>> profit = as_loss(lambda y, bid: np.where(np.asarray(bid) >= y, np.asarray(y) * 0.1, 0.0))
    >>> profit([10, 20], [15, 15])
    array([-1., -0.])
    """
    return _Negated(score)


@dataclass(frozen=True, slots=True, repr=False)
class _Negated:
    score: Callable[[Any, Any], ArrayLike]

    def __post_init__(self) -> None:
        if not callable(self.score):
            _checks.fail("score", "be a function of y and y_pred", self.score)

    def __call__(self, y: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
        scores = np.asarray(self.score(y, y_pred))
        rows = len(_columns.column("y", y))
        if scores.shape != (rows,):
            cure = "give a function that scores every row by itself"
            _checks.fail("score", f"return one number for each of {rows} rows", f"shape {scores.shape}", cure)
        return -_columns.floats("score", scores)

    def __repr__(self) -> str:
        return f"as_loss({getattr(self.score, '__qualname__', repr(self.score))})"


def _whole(labels: NDArray[Any]) -> bool:
    numbers = labels.astype(np.float64)
    return bool((numbers == np.floor(numbers)).all())


def _kind(labels: NDArray[Any]) -> str:
    """Return what the labels are, as far as comparing them goes."""
    if labels.dtype.kind in "biufc":
        return "numbers"
    if labels.dtype.kind in "US":
        return "text"
    if labels.dtype.kind == "O":
        kinds = {type(label) for label in labels}
        if all(issubclass(kind, str) for kind in kinds):
            return "text"
        if all(issubclass(kind, (bool, int, float, np.number, np.bool_)) for kind in kinds):
            return "numbers"
        return "objects"
    return str(labels.dtype)


def _residuals(y: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    truth, predicted = _columns.numbers("y", y), _columns.numbers("y_pred", y_pred)
    _checks.same_length(y=truth, y_pred=predicted)
    with np.errstate(invalid="ignore", over="ignore"):  # infinite on both sides: unknown, and NaN says so
        return truth - predicted
