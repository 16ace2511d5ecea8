"""Metrics that are functions of sums over rows, by what each row adds to the sums."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.gates._exact_limits import Shares

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.intp]
Finish = Callable[[Floats, Floats], Floats]

BINS = 10  # of the expected calibration error, of equal width
_CLIP = 1e-6  # smallest probability that counts in the log loss, as in `evaluation.log_loss`


class Sums(NamedTuple):
    """A metric of one model as a function of sums.

    Attributes
    ----------
    columns
        What each row adds to each sum.
    finish
        From sums, of shape (..., columns), and numbers of rows, of shape (...), to values; NaN if undefined.
    scarce
        Rows on which the metric rests, such as the positives; too few of any of them say nothing.
    biased
        Whether the metric of few rows is too large: a sum of absolute values.
    shares
        Those of which the metric is made, where few of them may hide how uncertain it is.
    """

    columns: Floats
    finish: Finish
    scarce: tuple[Bools, ...] = ()
    biased: bool = False
    shares: Shares | None = None


def mean(values: Floats) -> Sums:
    """Return the mean over rows."""
    return Sums(values[:, None], _mean)


def root_mean(values: Floats) -> Sums:
    """Return the root of the mean over rows."""
    return Sums(values[:, None], _root_mean)


def accuracy(truth: Codes, said: Codes) -> Sums:
    return mean((truth == said).astype(np.float64))


def f1(truth: Bools, said: Bools) -> Sums:
    return Sums(_columns(truth & said, truth, said), _f1, (truth,))


def precision(truth: Bools, said: Bools) -> Sums:
    shares = Shares(_count(truth & said), _count(said), np.ones(1))
    return Sums(_columns(truth & said, said), _ratio, (said,), shares=shares)


def recall(truth: Bools, said: Bools) -> Sums:
    return Sums(_columns(truth & said, truth), _ratio, (truth,))


def by_class(finish: Finish, truth: Codes, said: Codes) -> Sums:
    """Return the metric that `finish` makes of hits, labels and predictions of each class."""
    labelled, predicted = _of_classes(truth, said)
    scarce = tuple(rows for rows in labelled.T if rows.any())
    return Sums(np.hstack([labelled & predicted, labelled, predicted]).astype(np.float64), finish, scarce)


def precision_macro(truth: Codes, said: Codes) -> Sums:
    labelled, predicted = _of_classes(truth, said)
    there = (labelled | predicted).any(axis=0)
    hits, flagged = _count((labelled & predicted)[:, there]), _count(predicted[:, there])
    shares = Shares(hits, flagged, np.full(hits.size, 1.0 / hits.size))
    return by_class(_precision_macro, truth, said)._replace(shares=shares)


balanced_accuracy = partial(by_class, lambda sums, _: _mean_of_classes(*_ratios(sums, "recall")))
recall_macro = balanced_accuracy
f1_macro = partial(by_class, lambda sums, _: _mean_of_classes(*_ratios(sums, "f1")))
f1_weighted = partial(by_class, lambda sums, _: _weighted(sums))


def log_loss(truth: Codes, proba: Floats) -> Sums:
    given = proba[np.arange(truth.size), truth]
    return mean(-np.log(np.maximum(given, _CLIP)))


def brier(truth: Codes, proba: Floats) -> Sums:
    given = proba[np.arange(truth.size), truth]
    return mean(0.5 * ((1.0 - given) ** 2 + np.maximum((proba**2).sum(axis=1) - given**2, 0.0)))


def calibration_error(truth: Codes, proba: Floats) -> Sums:
    """Return the mean over bins of |what came true - what was promised|, weighted by their rows."""
    said, right = confidence(truth, proba)
    bins = np.minimum((said * BINS).astype(np.intp), BINS - 1)
    columns = np.zeros((truth.size, BINS))
    columns[np.arange(truth.size), bins] = right - said
    return Sums(columns[:, np.bincount(bins, minlength=BINS) > 0], _absolute, biased=True)


def confidence(truth: Codes, proba: Floats) -> tuple[Floats, Floats]:
    """Return what was promised and whether it came true: class 1 of two, the most likely class of more."""
    if proba.shape[1] == 2:
        return proba[:, 1], (truth == 1).astype(np.float64)
    top = proba.argmax(axis=1)
    return proba[np.arange(truth.size), top], (truth == top).astype(np.float64)


def absolute_error(truth: Floats, said: Floats) -> Sums:
    return mean(np.abs(truth - said))


def squared_error(truth: Floats, said: Floats) -> Sums:
    return mean((truth - said) ** 2)


def root_mean_squared_error(truth: Floats, said: Floats) -> Sums:
    return root_mean((truth - said) ** 2)


def quantile_loss(q: float, truth: Floats, said: Floats) -> Sums:
    short = truth - said
    return mean(np.maximum(q * short, (q - 1.0) * short))


def r2(truth: Floats, said: Floats) -> Sums:
    apart = truth - truth.mean()  # sums of squares of large numbers would lose the digits that count
    return Sums(np.column_stack([(truth - said) ** 2, apart, apart**2]), _r2)


def _of_classes(truth: Codes, said: Codes) -> tuple[Bools, Bools]:
    """Return which rows are labelled and predicted as each class, of shape (rows, classes)."""
    classes = np.arange(int(max(truth.max(), said.max())) + 1)
    return truth[:, None] == classes, said[:, None] == classes


def _count(mask: Bools) -> Floats:
    """Return the number of rows, of each column if there are columns."""
    return np.atleast_1d(mask.sum(axis=0)).astype(np.float64)


def _columns(*masks: Bools) -> Floats:
    return np.column_stack(masks).astype(np.float64)


def _mean(sums: Floats, rows: Floats) -> Floats:
    return sums[..., 0] / rows


def _root_mean(sums: Floats, rows: Floats) -> Floats:
    return np.sqrt(np.maximum(sums[..., 0], 0.0) / rows)


def _ratio(sums: Floats, _: Floats) -> Floats:
    return sums[..., 0] / sums[..., 1]


def _f1(sums: Floats, _: Floats) -> Floats:
    value: Floats = 2.0 * sums[..., 0] / (sums[..., 1] + sums[..., 2])
    return value


def _absolute(sums: Floats, rows: Floats) -> Floats:
    value: Floats = np.abs(sums).sum(axis=-1) / rows
    return value


def _r2(sums: Floats, rows: Floats) -> Floats:
    return 1.0 - sums[..., 0] / (sums[..., 2] - sums[..., 1] ** 2 / rows)


def _ratios(sums: Floats, kind: str) -> tuple[Floats, Bools]:
    """Return the ratio of each class, 0 where it has no denominator, and which classes count."""
    classes = sums.shape[-1] // 3
    hits, labelled, predicted = (sums[..., i * classes : (i + 1) * classes] for i in range(3))
    below = {"recall": labelled, "precision": predicted, "f1": 0.5 * (labelled + predicted)}[kind]
    ratio = np.divide(hits, below, out=np.zeros_like(hits), where=below > 0)
    return ratio, labelled > 0 if kind == "recall" else labelled + predicted > 0


def _precision_macro(sums: Floats, _: Floats) -> Floats:
    return _mean_of_classes(*_ratios(sums, "precision"))


def _mean_of_classes(ratio: Floats, there: Bools) -> Floats:
    value: Floats = np.where(there, ratio, 0.0).sum(axis=-1) / there.sum(axis=-1)
    return value


def _weighted(sums: Floats) -> Floats:
    classes = sums.shape[-1] // 3
    labelled = sums[..., classes : 2 * classes]
    value: Floats = (_ratios(sums, "f1")[0] * labelled).sum(axis=-1) / labelled.sum(axis=-1)
    return value
