"""Where in the latest values their mean moved, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.results import Interval

Floats = NDArray[np.float64]

_FEWEST = 5  # values on either side of a change
_EVIDENCE = 12.0  # squared standardised difference of the ranks below which there is no change to be placed
_FAR = 4.0  # times the squares of all that are nearer: the square of a value that outweighs them
_Z = 1.959963984540054  # 97.5 % of a normal distribution lies below


class Move(NamedTuple):
    """A change of the mean: how many values lie before and after it, and how far the mean moved."""

    n_before: int
    n_after: int
    mean: Interval


def last_move(values: Iterable[float], width: int) -> Move | None:
    """Return the most likely change among the last `width` of `values`, or None where none is to be seen.

    The place with the largest difference of the mean ranks, in units of its standard error. A detector keeps
    more than the values after the change, since it cuts only as long as it must; and it may have alarmed for
    one enormous value alone, which no rank shows.
    """
    given = np.fromiter(values, dtype=np.float64)
    n = len(given)
    places = np.arange(max(n - width, _FEWEST), n - _FEWEST + 1)
    if not len(places):
        return None
    ranks = _ranks(given)
    sums = np.cumsum(ranks - ranks.mean())[places - 1]
    evidence = n * sums**2 / (places * (n - places) * max(float(ranks.var()), 1.0 / n))
    best = int(evidence.argmax())
    if evidence[best] < _EVIDENCE:
        return None
    place = max(int(places[best]), _last_outlier(given) + 1)
    if n - place < _FEWEST:
        return None
    return Move(place, n - place, _difference(given[:place], given[place:]))


def _ranks(values: Floats) -> Floats:
    """Return the ranks of the values; equal ones have the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _last_outlier(values: Floats) -> int:
    """Return the place of the last value that outweighs all nearer ones together, or -1.

    Such a value would hide every later change from a detector that goes by the variance of its window.
    """
    squares = (values - np.median(values)) ** 2
    order = np.argsort(squares, kind="stable")
    nearer = np.cumsum(squares[order])[:-1]
    half = len(values) // 2
    far = (squares[order][1:] > _FAR * nearer) & (nearer > 0.0) & (np.arange(1, len(values)) >= half)
    return int(order[int(far.argmax()) + 1 :].max()) if far.any() else -1


def _difference(before: Floats, after: Floats) -> Interval:
    """Return the mean of `after` minus that of `before`, with a normal interval."""
    estimate = float(after.mean() - before.mean())
    half = _Z * math.sqrt(float(before.var(ddof=1)) / len(before) + float(after.var(ddof=1)) / len(after))
    return Interval(estimate, estimate - half, estimate + half, 0.95)
