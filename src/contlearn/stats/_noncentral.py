"""The noncentral chi-squared law: what is left of a true effect in a statistic of samples."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

SMALLEST = float(np.finfo(np.float64).tiny)

FAR = 1e5
"""Statistics beyond which the law is normal, in its root, to more digits than anybody needs."""

STEPS = 40
"""At most, of Newton's method in the root: there the normal quantile of the law is almost a straight line."""


def upper_tail(statistic: ArrayLike, freedom: ArrayLike, noncentrality: ArrayLike) -> Floats:
    """Return how rarely chance makes `statistic` this large, or larger; above 0."""
    x, k, effect = _together(statistic, freedom, noncentrality)
    central = np.asarray(special.chdtrc(k, x))
    shifted = 1.0 - _cumulative(x, k, effect)
    # one minus almost one has no digits: what can still be told is the normal tail of the root
    rest = special.ndtr(-_normal(x, k, effect))
    shifted = np.where(shifted > 1e-10, shifted, np.minimum(rest, 1e-10))
    tail: Floats = np.where(effect <= 0.0, central, shifted)
    return np.clip(tail, SMALLEST, 1.0)


def noncentrality(statistic: ArrayLike, freedom: ArrayLike, quantile: ArrayLike) -> Floats:
    """Return the noncentrality with which `statistic` is where `quantile` is in the normal law.

    0 where it is less likely than that even without any effect.
    """
    x, k, target = _together(statistic, freedom, quantile)
    offset = 0.5 * (k - 1.0)
    root = np.maximum(_root(x - offset) - target, np.sqrt(offset))
    for _ in range(STEPS):
        step = np.clip(_quantile(x, k, root * root - offset) - target, -2.0, 2.0)
        root = np.maximum(root + step, np.sqrt(offset))
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    none = _quantile(x, k, np.zeros_like(x)) <= target
    return np.where(none, 0.0, np.maximum(root * root - offset, 0.0))


def detectable_noncentrality(
    level: float, freedom: float, tolerated: float = 0.0, power: float = 0.8
) -> float:
    """Return the noncentrality that a test at `level` of "at most `tolerated`" finds with that `power`."""
    critical = float(special.chdtri(freedom, level))
    if tolerated > 0.0:
        critical = _critical(level, freedom, tolerated)
    return float(noncentrality(critical, freedom, special.ndtri(1.0 - power)))


def _critical(level: float, freedom: float, tolerated: float) -> float:
    offset = 0.5 * (freedom - 1.0)
    low, high = 0.0, 1.0 + offset + (math.sqrt(tolerated + offset) + 40.0) ** 2
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if upper_tail(middle, freedom, tolerated) > level else (low, middle)
    return high


def _together(*values: ArrayLike) -> list[Floats]:
    return list(np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in values)))


def _quantile(x: Floats, k: Floats, effect: Floats) -> Floats:
    """Return the normal quantile of the probability of at most `x`."""
    chance = _cumulative(x, k, effect)
    exact = special.ndtri(np.clip(chance, 1e-300, 1.0))
    usable = (chance > 1e-14) & (chance < 1.0 - 1e-14) & (x < FAR)
    found: Floats = np.where(usable, exact, _normal(x, k, effect))
    return found


def _cumulative(x: Floats, k: Floats, effect: Floats) -> Floats:
    near = x < FAR
    chance = special.chndtr(np.where(near, x, 1.0), k, np.where(near, effect, 0.0))
    result: Floats = np.where(near & (effect < 4.0 * FAR), chance, special.ndtr(_normal(x, k, effect)))
    return result


def _normal(x: Floats, k: Floats, effect: Floats) -> Floats:
    offset = 0.5 * (k - 1.0)
    return _root(x - offset) - np.sqrt(np.maximum(effect + offset, 0.0))


def _root(value: Floats) -> Floats:
    """Return the root, and below 0 its mirror image, so that it keeps falling."""
    return np.sign(value) * np.sqrt(np.abs(value))
