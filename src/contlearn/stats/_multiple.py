"""Corrections for having asked several questions at once."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.stats import _columns

__all__ = ["CORRECTIONS", "adjust"]

CORRECTIONS = ("holm", "bonferroni", "hochberg", "bh", "by")


def adjust(
    p_values: ArrayLike, method: Literal["holm", "bonferroni", "hochberg", "bh", "by"] | None = "holm"
) -> NDArray[np.float64]:
    """Correct p-values that were found beside each other, so that each can be compared with alpha.

    Rejecting where the adjusted p-value is at most alpha keeps, whatever the truth:

    - ``"holm"``, ``"bonferroni"``: the probability of any false rejection at most alpha, under any
      dependence; Holm rejects everything that Bonferroni does, and more;
    - ``"hochberg"``: the same for independent or positively dependent tests;
    - ``"bh"``: the expected share of false rejections among all rejections at most alpha, for independent or
      positively dependent tests; its smallest adjusted p-value is Simes' p-value of "nothing changed";
    - ``"by"``: the same share under any dependence.

    Parameters
    ----------
    p_values : array-like of numbers between 0 and 1, one-dimensional
        One per test, in any order. None at all is fine.
    method : {"holm", "bonferroni", "hochberg", "bh", "by"} or None
        The correction; None returns the p-values as they are.

    Returns
    -------
    ndarray of float
        Adjusted p-values, in the order given and at most 1.

    Raises
    ------
    InvalidParameterError
        `method` is not one of the above.
    InvalidInputError
        A p-value is missing or outside 0 to 1.

    References
    ----------
    Holm (1979); Hochberg (1988); Benjamini & Hochberg (1995); Benjamini & Yekutieli (2001).

    Examples
    --------
    >>> from contlearn.stats import adjust
    >>> adjust([0.01, 0.04, 0.03], "holm").tolist()
    [0.03, 0.06, 0.06]
    """
    _checks.one_of("method", method, (*CORRECTIONS, None))
    p = _p_values(p_values)
    count = len(p)
    if method is None or count == 0:
        return p
    if method == "bonferroni":
        return np.minimum(1.0, p * count)
    order = np.argsort(p, kind="stable")
    ranks = np.arange(1, count + 1)
    factors = {
        "holm": count - ranks + 1.0,
        "hochberg": count - ranks + 1.0,
        "bh": count / ranks,
        "by": count / ranks * np.sum(1.0 / ranks),
    }[method]
    steps = p[order] * factors
    steps = np.maximum.accumulate(steps) if method == "holm" else np.minimum.accumulate(steps[::-1])[::-1]
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(1.0, steps)
    return adjusted


def _p_values(p_values: ArrayLike) -> NDArray[np.float64]:
    p = _columns.numbers("p_values", p_values)
    wrong = np.flatnonzero(~((p >= 0.0) & (p <= 1.0)))
    if len(wrong):
        got = f"{p[wrong[0]]} at position {wrong[0]}"
        _checks.bad_data("p_values", "lie between 0 and 1", got, "leave out what is not known")
    return p
