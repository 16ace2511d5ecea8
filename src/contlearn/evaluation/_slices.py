"""The mean loss of each slice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from contlearn import _checks
from contlearn.results import Interval
from contlearn.stats import _columns, _mean


def by_slice(
    losses: ArrayLike, slices: ArrayLike, confidence: float = 0.9, groups: ArrayLike | None = None
) -> dict[Any, Interval]:
    """Return the mean loss of each slice with its confidence interval.

    Parameters
    ----------
    losses : array of shape (n_samples,)
        One finite loss per row; at least one.
    slices : array of shape (n_samples,)
        The slice of every row, such as its region. Rows without one form the slice "(missing)".
    confidence
        Coverage of each single interval, strictly between 0 and 1. Among twenty slices some interval misses
        its truth more often than that: look here for where to look, and let a gate decide.
    groups : array of shape (n_samples,), optional
        The cluster of every row, as in `mean_loss`.

    Returns
    -------
    dict
        From the slice to its `Interval`, sorted by slice, "(missing)" last.

    Raises
    ------
    InvalidInputError
        If a loss is NaN or infinite, if there is none, if a row has no group, or if the lengths differ.

    Examples
    --------
    >>> from contlearn.evaluation import by_slice
    >>> for name, loss in by_slice([0, 1, 0, 1, 1], ["eu", "us", "eu", "us", None]).items():
    ...     print(name, loss)
    eu 0 [0, 0.7764] (90 %)
    us 1 [0.2236, 1] (90 %)
    (missing) 1 [0.05, 1] (90 %)
    """
    rows = _columns.finite("losses", losses)
    named = _columns.labels("slices", slices)
    _checks.same_length(losses=rows, slices=named.codes)
    codes = None if groups is None else _mean.clusters(groups, rows)
    found = {}
    for code, name in enumerate(named.names):
        here = np.flatnonzero(named.codes == code)
        found[name] = _mean.interval_of(rows[here], None if codes is None else codes[here], confidence)
    return found
