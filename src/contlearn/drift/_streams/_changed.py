"""When a mean loss left its limit, from the losses that are still remembered.

The estimate is the start after which the losses speak most against the limit: n KL(mean, limit) is largest,
the log-likelihood ratio of zeros and ones, which by convexity bounds that of any losses in [0, 1].
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Change(NamedTuple):
    """The losses since the estimated change: their number and their mean."""

    n: int
    mean: float


def since(counts: Floats, sums: Floats, limit: float, sign: float) -> Change:
    """Return the start with the most evidence of a mean above (`sign` 1) or below (-1) the `limit`.

    `counts` and `sums` are the numbers of losses since every possible start, latest first, and their sums.
    """
    means = np.clip(sums / counts, 0.0, 1.0)
    evidence = np.where((means - limit) * sign > 0.0, counts * divergence(means, limit), -1.0)
    best = int(evidence.argmax())
    return Change(int(counts[best]), float(means[best]))


def divergence(means: Floats, limit: float) -> Floats:
    """Return the Kullback-Leibler divergence of zeros and ones of these means from those of mean `limit`."""
    from scipy.special import rel_entr

    found: Floats = rel_entr(means, limit) + rel_entr(1.0 - means, 1.0 - limit)
    return found


def interval(change: Change, confidence: float) -> tuple[float, float]:
    """Return limits of the mean since the change that hold for all starts at once, at one time of looking.

    Looking back from now, independent losses are a sequence like any other, and the wealth of Jeffreys'
    mixture of bets against their true mean ever exceeds 1 / (1 - confidence) with probability at most
    1 - confidence (Ville).
    """
    n, mean = change
    best = n * mean * math.log(mean or 1.0) + n * (1.0 - mean) * math.log((1.0 - mean) or 1.0)
    mixture = _log_beta(n * mean + 0.5, n * (1.0 - mean) + 0.5) - _log_beta(0.5, 0.5)
    allowed = (best - mixture - math.log1p(-confidence)) / n
    return _end(mean, allowed, 0.0), _end(mean, allowed, 1.0)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _end(mean: float, allowed: float, end: float) -> float:
    """Return the furthest value towards `end` whose divergence from `mean` is at most `allowed`."""
    inside, outside = mean, end
    for _ in range(60):
        middle = (inside + outside) / 2.0
        if _divergence(mean, middle) <= allowed:
            inside = middle
        else:
            outside = middle
    return outside


def _divergence(mean: float, other: float) -> float:
    if not 0.0 < other < 1.0:
        return 0.0 if mean == other else math.inf
    found = mean * math.log(mean / other) if mean > 0.0 else 0.0
    return found + ((1.0 - mean) * math.log((1.0 - mean) / (1.0 - other)) if mean < 1.0 else 0.0)
