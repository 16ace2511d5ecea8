"""Do neighbours in a stream depend on each other? Then false alarms come sooner than stated."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FEW = 100  # values below which nothing is said about their dependence
_CHANCE = 1.0 / 400.0  # of a remark where there is no dependence
_SURE = 3.0  # standard errors, at least


def lag_one(pieces: list[Floats], questions: int = 1) -> float | None:
    """Return the correlation of neighbours within pieces, where it is surely not 0; else None.

    Parameters
    ----------
    pieces
        Values that follow each other.
    questions
        How many times this is asked for one answer: together they are wrong in one of 400 answers.

    Notes
    -----
    Where neighbours do not depend on each other, the sum of products of neighbours is as skewed as the square
    of the skewness of the values over the root of their number: very much so where one value is common and
    another rare. Its tail is taken from the gamma distribution of this skewness.
    """
    centred = [piece - piece.mean() for piece in pieces if len(piece) > 1]
    n = sum(len(piece) - 1 for piece in centred)
    variance = sum(float(piece @ piece) for piece in centred)
    if n < _FEW or variance <= 0.0:
        return None
    together = sum(float(piece[1:] @ piece[:-1]) for piece in centred)
    correlation = together / variance
    errors = abs(correlation) * math.sqrt(n)
    if errors <= _SURE:
        return None
    cubes = sum(float(np.sum(piece**3)) for piece in centred)
    skewness = (cubes / n) ** 2 / (variance / n) ** 3 / math.sqrt(n)
    return correlation if 2.0 * _beyond(errors, skewness) <= _CHANCE / questions else None


def _beyond(errors: float, skewness: float) -> float:
    """Return the chance of so many standard deviations above the mean, for a gamma law of this skewness."""
    from scipy.special import gammaincc

    shape = 4.0 / max(skewness, 1e-3) ** 2
    return float(gammaincc(shape, shape + errors * math.sqrt(shape)))


def dependent(whose: str, lag: float) -> str:
    """Return what to say about values that depend on their neighbours."""
    how = f"{whose} values depend on their neighbours (lag-1 correlation {lag:.2f})"
    return how if lag < 0.0 else f"{how}: false alarms come sooner than stated"


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
