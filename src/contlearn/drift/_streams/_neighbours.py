"""Do neighbours in a stream depend on each other? Then false alarms come sooner than stated."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FEW = 100  # values below which nothing is said about their dependence
_SURE = 3.0  # standard errors; with two, one stream of twenty without dependence would be remarked upon


def lag_one(pieces: list[Floats]) -> float | None:
    """Return the correlation of neighbours within pieces, where it is surely not 0; else None."""
    centred = [piece - piece.mean() for piece in pieces if len(piece) > 1]
    n = sum(len(piece) - 1 for piece in centred)
    variance = sum(float(piece @ piece) for piece in centred)
    if n < _FEW or variance <= 0.0:
        return None
    together = sum(float(piece[1:] @ piece[:-1]) for piece in centred)
    correlation = together / variance
    return correlation if abs(correlation) > _SURE / math.sqrt(n) else None


def ranks(values: Floats) -> Floats:
    """Return the middle rank of each of the values."""
    ascending = np.sort(values)
    low, high = np.searchsorted(ascending, values, "left"), np.searchsorted(ascending, values, "right")
    return 0.5 * (low + high).astype(np.float64)


def middles(gaps: tuple[int, ...]) -> Floats:
    """Return the middle rank of each region, as a share of all."""
    shares = np.array(gaps) / sum(gaps)
    middle: Floats = np.cumsum(shares) - 0.5 * shares
    return middle
