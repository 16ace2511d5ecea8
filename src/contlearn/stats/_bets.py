"""Mixtures of bets against a bound on a mean: what they weigh, and the interval that they leave open.

A bet of share s multiplies its stake by 1 + s x, where x >= -1 has a mean, given the past, of at most 0 under
the hypothesis: its wealth is then a nonnegative supermartingale, and so is that of a few bets together. By
Ville's inequality it ever reaches 1 / alpha with probability at most alpha.

Where the wealth is wanted at many hypothetical means, it is bounded from below by sums of powers of x. With
an even order q, log(1 + s x) is the sum of the first q - 1 terms of its series and of h(s x) (s x)^q, where
h(z) is minus the integral of t^(q - 1) / (1 + z t) over t in [0, 1], which rises with z; so h(-s) may stand
for it wherever x >= -1 (for q = 2 the inequality of Fan, Grama and Liu, 2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 256  # hypothetical means that are looked at first
_HALVINGS = 40


def coefficients(shares: Sequence[float], order: int) -> Floats:
    """Return what the sums of x, x^2, ..., x^`order` are multiplied by, one row per bet; `order` is even."""
    s, j = np.array(shares)[:, np.newaxis], np.arange(1, order)
    terms = s**j / j
    last = np.log1p(-s) + terms.sum(axis=1, keepdims=True)
    return np.concatenate([np.where(j % 2 == 1, terms, -terms), last], axis=1)


def log_wealth(weights: Sequence[float], factors: Floats, sums: Floats) -> Floats:
    """Return a lower bound of the log of the wealth of all bets, per column of sums of powers of x."""
    return log_sum(factors @ sums + np.log(np.array(weights))[:, np.newaxis])


def log_sum(each: Floats) -> Floats:
    """Return the log of the sum of what the rows are the logs of, per column."""
    top = each.max(axis=0)
    total: Floats = top + np.log(np.exp(each - top).sum(axis=0))
    return total


def furthest(evidence: Callable[[Floats], Floats], start: float, end: float, level: float) -> float:
    """Return the value nearest to `start` whose log `evidence` reaches `level`; `end` if none does."""
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


def rows_until(wealth: Sequence[float], weights: Sequence[float], n: int, level: float) -> float:
    """Return how many more rows like the `n` so far take one of the bets to the log `level`; inf if none."""
    fewest = math.inf
    for owned, stake in zip(wealth, weights, strict=True):
        growth = math.log(owned / stake) / n if owned > 0.0 else 0.0
        if growth > 0.0:
            fewest = min(fewest, max(0.0, level - math.log(owned)) / growth)
    return fewest


def log_level(alpha: float) -> float:
    """Return what the log of the evidence must reach."""
    return -math.log(alpha)
