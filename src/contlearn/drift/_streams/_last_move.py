"""Where in the latest values their mean moved, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.results import Interval

_FEWEST = 5  # values after the change that a place is looked for with
_Z = 1.959963984540054  # 97.5 % of a normal distribution lies below


class Move(NamedTuple):
    """A change of the mean: how many values lie before and after it, and how far the mean moved."""

    n_before: int
    n_after: int
    mean: Interval


def last_move(values: Iterable[float], width: int) -> Move:
    """Return the most likely change of the mean of `values` that leaves at most `width` of them after it.

    The place with the largest difference of the two means, in units of its standard error: what a detector
    has kept begins before the change, for it cuts only as long as it must.
    """
    given = np.fromiter(values, dtype=np.float64)
    n = len(given)
    first = max(n - width, 1)
    place = first
    if n - _FEWEST > first:
        before = np.arange(first, n - _FEWEST)
        drift = np.cumsum(given - given.mean())[first - 1 : n - _FEWEST - 1]
        place = int(before[np.argmax(drift**2 / (before * (n - before)))])
    place = min(place, n)
    return Move(place, n - place, _difference(given[:place], given[place:]))


def _difference(before: NDArray[np.float64], after: NDArray[np.float64]) -> Interval:
    """Return the mean of `after` minus that of `before`, with a normal interval."""
    if not (len(before) and len(after)):
        return Interval(0.0, -math.inf, math.inf, 0.95)
    estimate = float(after.mean() - before.mean())
    if min(len(before), len(after)) < 2:
        return Interval(estimate, -math.inf, math.inf, 0.95)
    half = _Z * math.sqrt(float(before.var(ddof=1)) / len(before) + float(after.var(ddof=1)) / len(after))
    return Interval(estimate, estimate - half, estimate + half, 0.95)
