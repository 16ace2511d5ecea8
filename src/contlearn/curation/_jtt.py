"""The second half of Just Train Twice: the rows that a model got wrong, as weights or as an index map."""

from __future__ import annotations

import sys
from collections.abc import Sized
from numbers import Number
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.stats import _columns

Rng = int | np.random.Generator | np.random.SeedSequence | None

_MOST_COPIES = sys.maxsize / np.dtype(np.intp).itemsize
_KINDS = {
    "b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex",
    "U": "text", "S": "bytes", "M": "datetime", "m": "timedelta",
}  # fmt: skip
_NUMBERS = {"bool", "int", "float", "complex", "numbers"}
_PLAIN = "use plain labels, such as numbers or text"


def jtt_weights(y: ArrayLike, y_pred: ArrayLike, factor: float = 5) -> NDArray[np.float64]:
    """Return a training weight per row: `factor` where the prediction was wrong, 1 elsewhere.

    Which predictions to pass is what matters. Predictions of rows that the model was trained on contain few
    errors or none for forests and boosting; pass predictions for rows it had not seen: out of fold, or those
    that the champion made in production before the label arrived.

    Parameters
    ----------
    y : array-like of n labels
        What was true: numbers, strings or booleans in a list, an array, or a pandas or polars series.
    y_pred : array-like of n labels
        What the model said, as labels (not probabilities).
    factor : float, at least 1
        Total weight of a misidentified row, so that n + (factor - 1) * errors is the weight of all rows. The
        authors' published program appends the error set `factor` more times; its setting k is our k + 1.

    Returns
    -------
    array of n floats

    Raises
    ------
    InvalidInputError
        For labels that are missing, of different lengths, or not comparable.
    InvalidParameterError
        For a factor that is no number of at least 1.

    Notes
    -----
    A weight acts on models that cannot fit every row: linear models, shallow trees, small boosting, neural
    networks that stop early. A default random forest, extra trees or large boosting fits its rows whatever
    they weigh: no weight between 5 and 50 replaced balanced cells there (worst group 0.63, 0.34 and 0.57
    against 0.81 to 0.83 on the study's generated data). `JTTClassifier` is made for those.

    References
    ----------
    Liu et al., "Just Train Twice: Improving Group Robustness without Training Group Information", ICML 2021.

    Examples
    --------
    >>> from contlearn.curation import jtt_weights
    >>> jtt_weights(["late", "on time", "late"], ["late", "late", "late"], factor=5)
    array([1., 5., 1.])
    """
    factor = _checks.number("factor", factor, low=1)
    return error_weights(misidentified(y, y_pred), factor)


def jtt_indices(y: ArrayLike, y_pred: ArrayLike, factor: float = 5, rng: Rng = None) -> NDArray[np.intp]:
    """Return the index map of the upsampled set, for models that take no `sample_weight`.

    Every row is there once, a misidentified row `factor` times: X[indices], y[indices] is what
    `jtt_weights` says with weights. The order of the rows is kept and copies stand side by side, so that
    time order survives; shuffle the map for a model that learns row by row.

    Parameters
    ----------
    y, y_pred : array-like of n labels
        As for `jtt_weights`.
    factor : float, at least 1
        Expected number of copies of a misidentified row. The integer part is exact; with a fractional part
        each misidentified row gets one more copy with that probability, and the total differs from
        n + (factor - 1) * errors by less than 1.
    rng : None, int, or numpy Generator
        Draws the fractional part; an integer `factor` draws nothing.

    Returns
    -------
    array of integers, ascending

    Raises
    ------
    InvalidInputError, InvalidParameterError
        As for `jtt_weights`; also for a factor whose map would not fit in memory, and for what seeds nothing.

    Examples
    --------
    >>> from contlearn.curation import jtt_indices
    >>> jtt_indices([0, 1, 0], [0, 0, 0], factor=3)
    array([0, 1, 1, 1, 2])
    """
    factor = _checks.number("factor", factor, low=1)
    generator = _checks.generator("rng", rng)
    return copies(error_weights(misidentified(y, y_pred), factor), generator)


def error_weights(errors: NDArray[np.bool_], factor: float) -> NDArray[np.float64]:
    """Return `factor` where `errors`, else 1."""
    return np.where(errors, float(factor), 1.0)


def copies(weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return an ascending index map in which row i is expected exactly `weights[i]` times.

    Fractions are drawn systematically over the rows in random order, so the total is within 1 of the sum.
    """
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if total > _MOST_COPIES:
        _too_many(total)
    whole = np.floor(weights)
    fractions = weights - whole
    counts = whole.astype(np.intp)
    if fractions.any():
        order = rng.permutation(len(weights))
        ladder = np.floor(np.cumsum(fractions[order]) + rng.random())
        counts[order] += np.diff(ladder, prepend=0.0).astype(np.intp)
    try:
        return np.repeat(np.arange(len(weights)), counts)
    except MemoryError:
        _too_many(total)


def _too_many(total: float) -> NoReturn:
    cure = "choose a smaller factor, or weights in the place of copies"
    _checks.fail("factor", "give an index map that fits in memory", f"{total:.3g} rows", cure)


def misidentified(y: ArrayLike, y_pred: ArrayLike) -> NDArray[np.bool_]:
    """Return where `y_pred` differs from `y`, after refusing what cannot be compared."""
    truth, said = _labels("y", y), _labels("y_pred", y_pred)
    _checks.same_length(y=cast(Sized, truth), y_pred=cast(Sized, said))
    kinds = _kind(truth), _kind(said)
    if len(truth) and kinds[0] != kinds[1] and not _NUMBERS.issuperset(kinds):
        _checks.bad_data(
            "y and y_pred",
            "hold labels of one kind",
            f"y of {kinds[0]} and y_pred of {kinds[1]}",
            "map predictions to the labels of y",
        )
    if truth.dtype.kind in "biu" and said.dtype.kind == "f" and np.any(said != np.floor(said)):
        _checks.bad_data(
            "y_pred", "hold predicted labels", "fractions", "turn probabilities into labels first"
        )
    try:
        return np.asarray(truth != said, dtype=bool)
    except (TypeError, ValueError):  # such as arrays, which answer with as many truths as they have values
        _checks.bad_data("y and y_pred", "hold labels that can be compared", kinds[0], _PLAIN)


def _labels(name: str, values: ArrayLike) -> NDArray[Any]:
    labels = _columns.column(name, values)
    if labels.dtype.kind not in {*_KINDS, "O"}:
        _checks.bad_data(name, "hold one label per row", f"dtype {labels.dtype}", _PLAIN)
    absent = int(_columns.missing(labels).sum())
    if absent:
        got = f"{absent} of {len(labels)} rows without one"
        _checks.bad_data(name, "have no missing labels", got, "leave rows without a label out")
    return labels


def _kind(labels: NDArray[Any]) -> str:
    """Return what the labels are, as far as comparing them goes."""
    if labels.dtype.kind != "O":
        return _KINDS[labels.dtype.kind]
    types = {type(label) for label in labels}
    if all(issubclass(each, str) for each in types):
        return "text"
    if all(issubclass(each, (Number, np.bool_)) for each in types):
        return "numbers"
    return " and ".join(sorted(each.__name__ for each in types))
