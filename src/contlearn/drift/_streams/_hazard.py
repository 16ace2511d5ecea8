"""Limits for a CUSUM of which the law is known: the same chance of a false alarm at every update.

A CUSUM W = max(0, W + step) whose steps are independent whole numbers of a known law is a Markov chain on
whole numbers. The law of W among the paths that have not alarmed is followed exactly from update to update,
and the limit of each update is set so that the paths lose the same share at each of them. The time of the
first false alarm is then geometric, from the first update on: nothing is simulated.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UNIT = 64  # whole numbers in a standard deviation of the scores
SCORES = 2**15  # scores that are told apart

_LONGEST = 4096  # updates after which the limit no longer moves, at most
_RELAXATIONS = (
    40.0  # a CUSUM forgets its start within about 2 / allowance**2 updates; so many times half of it
)
_ABOVE = 60.0  # heights are told apart up to e**60 times as rare as an alarm

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Limits(NamedTuple):
    """When a CUSUM alarms, and how rare its heights are.

    Attributes
    ----------
    start
        The limit at update 1, 2, ... after a start at 0.
    steady
        The limit at every later update.
    rarity
        By height above the limit, from `lowest` on: how many times as rare as an alarm such a height is
        while nothing changes; 1 at the limit.
    lowest
        Height, relative to the limit, of the first entry of `rarity`; a negative number.
    """

    start: Integers
    steady: int
    rarity: Floats
    lowest: int


@lru_cache(maxsize=1)
def normal_scores() -> Integers:
    """Return the normal score of each of `SCORES` equal parts of (0, 1), times `UNIT`, rounded; read-only."""
    quantile = NormalDist().inv_cdf
    upper = [round(UNIT * quantile((part + 0.5) / SCORES)) for part in range(SCORES // 2, SCORES)]
    scores = np.array([-score for score in reversed(upper)] + upper, dtype=np.int64)
    scores.flags.writeable = False
    return scores


@lru_cache(maxsize=128)  # up to 8 MB: a detector asks at every update, and does not keep them
def two_sided_limits(run_length: float, allowance: int) -> Limits:
    """Return the limits of two CUSUMs of normal scores, one for each direction, that alarm together.

    Parameters
    ----------
    run_length
        Mean number of updates until the first of the two alarms.
    allowance
        What each loses at every update, in units of 1 / `UNIT`.

    Notes
    -----
    While one of the two is high the other is mostly 0, so their chances of an alarm add up: mean times of
    200 and 2000 come out as 194 and 2002.
    """
    steps = normal_scores() - allowance
    lowest = int(steps.min())
    law = np.bincount(steps - lowest) / SCORES
    rate = -math.log1p(-1.0 / run_length) / 2.0
    updates = min(_LONGEST, 64 + math.ceil(_RELAXATIONS * (UNIT / allowance) ** 2))
    start, steady = _limits(law, lowest, rate, updates)
    exponent = _exponent(law, lowest)
    below, above = int(max(start.max(), steady)), math.ceil(_ABOVE / exponent)
    rarity = np.exp(exponent * np.arange(-below, above + 1))
    for array in (start, rarity):
        array.flags.writeable = False
    return Limits(start, steady, rarity, -below)


def _limits(law: Floats, lowest: int, rate: float, updates: int) -> tuple[Integers, int]:
    """Return the limits that let a share of exp(-`rate`) of the paths pass each update."""
    heights, spent = np.ones(1), 0.0
    start: list[int] = []
    for update in range(1, updates + 1):
        after = _stepped(heights, law, lowest)
        # Heights are whole numbers: what one update could not spend of its share is left to the next.
        start.append(_lowest_limit(after, -math.expm1(spent - update * rate)))
        kept = after[: start[-1]]
        left = float(kept.sum())
        spent -= math.log(left)
        heights = kept / left
    return np.array(start), _lowest_limit(_stepped(heights, law, lowest), -math.expm1(-rate))


def _stepped(heights: Floats, law: Floats, lowest: int) -> Floats:
    """Return the law of W after one more step, given that before it."""
    moved = np.convolve(heights, law)
    after = moved[-lowest:].copy()
    after[0] += moved[:-lowest].sum()
    return after


def _lowest_limit(after: Floats, share: float) -> int:
    """Return the lowest height that at most a `share` of the paths reaches; at least 1."""
    reached = np.cumsum(after[::-1])[::-1]
    return max(1, int(np.count_nonzero(reached > share)))


def _exponent(law: Floats, lowest: int) -> float:
    """Return r > 0 with E[exp(r step)] = 1: heights are reached at a rate of about exp(-r height)."""
    steps = np.arange(lowest, lowest + len(law))
    low, high = 0.0, 1.0
    while float(law @ np.exp(high * steps)) < 1.0:
        high *= 2.0
    low = high / 2.0
    while low > 0.0 and float(law @ np.exp(low * steps)) > 1.0:
        low, high = low / 2.0, low
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(law @ np.exp(middle * steps)) < 1.0 else (low, middle)
    return (low + high) / 2.0
