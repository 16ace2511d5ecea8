"""How large the mean of a bounded loss may be, from a labelled reference, with finite-sample confidence."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.stats import _mean

Floats = NDArray[np.float64]

_MORE = 10  # times as many labels
_MOST = 0.75  # of the stake is risked on one loss


class Learned(NamedTuple):
    """Limits that were learned from n losses, and what is to be said about them."""

    low: float
    high: float
    n: int
    remarks: tuple[str, ...]


def remark(losses: Floats, bound: float, confidence: float) -> tuple[str, ...]:
    """Return what to say about a bound that is far above the mean, and what more labels would do."""
    mean = float(losses.mean())
    if bound <= 2.0 * mean:
        return ()
    n = _MORE * losses.size
    nearer = upper_bound(np.tile(losses, _MORE), confidence)
    how = f"the learned limit is far above the mean of its reference, {bound:.3g} to {mean:.3g}"
    return (f"{how}, and lesser rises raise no alarm; {n:,} labels like these would make it {nearer:.3g}",)


def upper_bound(losses: Floats, confidence: float) -> float:
    """Return a bound that lies above the mean of losses in [0, 1] with probability at least `confidence`.

    Zeros and ones: that of Clopper and Pearson, exact. Others: the smallest mean that a gambler, who bets on
    losses being smaller, refutes; every bet is chosen from the losses before it, so that his wealth reaches
    1 / (1 - confidence) by luck with probability at most 1 - confidence (Waudby-Smith and Ramdas, 2024).
    """
    if _mean.zeros_and_ones(losses):
        return _mean.proportion(int(losses.sum()), losses.size, 2.0 * confidence - 1.0).high
    target = -math.log1p(-confidence)
    stakes = _stakes(losses, target)
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2.0
        # The wealth grows with the mean that is bet against, since no stake depends on it.
        wealth = np.cumsum(np.log1p(stakes * (middle - losses)))
        low, high = (low, middle) if wealth.max() >= target else (middle, high)
    return high


def _stakes(losses: Floats, target: float) -> Floats:
    """Return the bet on every loss, from the variance of those before it."""
    n = np.arange(1, losses.size + 1)
    means = (0.5 + np.cumsum(losses)) / (n + 1)
    variances = (0.25 + np.cumsum((losses - means) ** 2)) / (n + 1)
    before = np.concatenate(([0.25], variances[:-1]))
    return np.minimum(np.sqrt(2.0 * target / (losses.size * before)), _MOST)
