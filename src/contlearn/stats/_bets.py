"""Mixtures of bets against a bound on a mean: what they weigh, and the interval that they leave open.

A bet of share s multiplies its stake by 1 + s x, where x >= -1 has a mean, given the past, of at most 0 under
the hypothesis: its wealth is then a nonnegative supermartingale, and so is that of a few bets together. By
Ville's inequality it ever reaches 1 / alpha with probability at most alpha.

Where the wealth is wanted at many hypothetical means, it is bounded from below by power sums instead:
log(1 + s x) >= s x - (-log(1 - s) - s) x^2 for x >= -1 and 0 <= s < 1 (Fan, Grama and Liu, 2015), so that
sums of x and x^2 are enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 256  # hypothetical means that are looked at first
_HALVINGS = 40


def log_wealth(shares: Floats, weights: Floats, first: Floats, second: Floats) -> Floats:
    """Return a lower bound of the log of the wealth of all bets, per column of the sums of x and of x^2."""
    costs = -np.log1p(-shares) - shares
    each = np.multiply.outer(shares, first) - np.multiply.outer(costs, second)
    each += np.log(weights)[:, np.newaxis]
    top = each.max(axis=0)
    total: Floats = top + np.log(np.exp(each - top).sum(axis=0))
    return total


def furthest(evidence: Callable[[Floats], Floats], start: float, end: float, level: float) -> float:
    """Return the limit, seen from `end`, of the values whose log `evidence` reaches `level`; `end` if none.

    Of all values between `start`, which is open, and `end`, the one nearest to `start` that is refused.
    """
    tried = np.linspace(start, end, _STEPS + 1)
    refused = evidence(tried) >= level
    if not refused.any():
        return end
    first = int(refused.argmax())
    if first == 0:
        return start
    open_, closed = float(tried[first - 1]), float(tried[first])
    for _ in range(_HALVINGS):
        middle = 0.5 * (open_ + closed)
        if middle in (open_, closed):
            break
        if evidence(np.array([middle]))[0] >= level:
            closed = middle
        else:
            open_ = middle
    return closed


def p_value(evidence: float) -> float:
    """Return the anytime-valid p-value of the largest `evidence` so far."""
    return 1.0 if evidence <= 1.0 else 1.0 / evidence


def log_level(alpha: float) -> float:
    """Return what the log of the evidence must reach."""
    return -math.log(alpha)
