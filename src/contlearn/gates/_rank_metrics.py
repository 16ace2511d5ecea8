"""Metrics of ranks over many resamples at once, from scores that are sorted once."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Ranked(Protocol):
    """A metric of one model's ranks: from weights, of shape (resamples, rows), to values."""

    def __call__(self, weights: Floats) -> Floats: ...


class RankedArea:
    """The area under the ROC curve: for each positive, the weight of the negatives below it, ties half."""

    def __init__(self, positive: Bools, scores: Floats) -> None:
        self._negatives = np.flatnonzero(~positive)
        self._negatives = self._negatives[np.argsort(scores[~positive], kind="stable")]
        below = scores[self._negatives]
        self._positives = np.flatnonzero(positive)
        self._left = np.searchsorted(below, scores[positive], side="left")
        self._right = np.searchsorted(below, scores[positive], side="right")
        self._tied = bool((self._left != self._right).any())

    def __call__(self, weights: Floats) -> Floats:
        below = np.zeros((len(weights), self._negatives.size + 1))
        np.cumsum(weights[:, self._negatives], axis=1, out=below[:, 1:])
        own = weights[:, self._positives]
        passed = np.einsum("ij,ij->i", own, below[:, self._left])
        if self._tied:
            passed = 0.5 * (passed + np.einsum("ij,ij->i", own, below[:, self._right]))
        with np.errstate(invalid="ignore", divide="ignore"):
            area: Floats = passed / (own.sum(axis=1) * below[:, -1])
        return area


class RankedPrecision:
    """Average precision: the precision at each threshold, weighted by the recall that it adds."""

    def __init__(self, positive: Bools, scores: Floats) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ranked, places = scores[self._order], np.flatnonzero(positive[self._order])
        self._positives = self._order[places]
        found = ranked[places]  # only thresholds at which positives are found add anything
        self._last = np.flatnonzero(np.append(found[1:] != found[:-1], True))
        self._end = np.searchsorted(-ranked, -found[self._last], side="right") - 1

    def __call__(self, weights: Floats) -> Floats:
        asked = np.cumsum(weights[:, self._order], axis=1)[:, self._end]
        found = np.cumsum(weights[:, self._positives], axis=1)
        if self._last.size < self._positives.size:
            found = found[:, self._last]
        added = np.diff(found, axis=1, prepend=0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.divide(found, asked, out=np.zeros_like(found), where=asked > 0.0)
            average: Floats = np.einsum("ij,ij->i", precision, added) / found[:, -1]
        return average
