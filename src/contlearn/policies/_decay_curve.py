"""Decay of any shape that never falls: isotonic regression, and the period at which it costs least."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contlearn.policies._decay import Ages

_ROUNDS = 20
_RESAMPLES = 199

_Floats = NDArray[np.float64]


def best_age(data: Ages, price: float) -> tuple[float, float]:
    """Return the age at which retraining costs least, and that least cost in units of loss.

    `price` is what a training costs in days of one unit of loss. Retraining at age T costs
    (price + the integral of f - f(0) up to T) / T a day, least where the integral of s df(s) reaches the
    price; between two knots of the curve, that is a quadratic equation. Infinite where the curve is flat.
    """
    age, height = _curve(data)
    slopes = np.append(np.diff(height) / np.diff(age), _last_slope(age, height))
    reached = 0.0
    for start, end, slope in zip(age, np.append(age[1:], math.inf), slopes, strict=True):
        if slope > 0.0:
            root = math.sqrt(start * start + 2.0 * (price - reached) / slope)
            if root <= end:
                # at the optimum the cost rate equals the excess of the oldest model in use
                return root, float(np.interp(start, age, height) + slope * (root - start) - height[0])
            reached += 0.5 * slope * (end * end - start * start)
    return math.inf, 0.0


def bootstrapped(
    data: Ages, price: float, confidence: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the interval of the best age over curves with resampled residuals."""
    fitted, level = _fit(data)
    rest = (data.loss - fitted - level[data.champion]) * np.sqrt(data.weight)
    rest *= math.sqrt(len(rest) / max(1, len(rest) - len(level) - 2))
    found = []
    for _ in range(_RESAMPLES):
        noise = rng.choice(rest, len(rest)) / np.sqrt(data.weight)
        found.append(best_age(data._replace(loss=fitted + level[data.champion] + noise), price)[0])
    found.sort()  # by order alone: some may be infinite
    low = int((0.5 - 0.5 * confidence) * len(found))
    return found[low], found[-1 - low]


def _curve(data: Ages) -> tuple[_Floats, _Floats]:
    """Return knots of the curve from age 0 on: the middles of the steps that isotonic regression finds."""
    fitted, _ = _fit(data)
    values = np.unique(fitted)
    step = np.searchsorted(values, fitted)
    age = np.bincount(step, weights=data.weight * data.age) / np.bincount(step, weights=data.weight)
    youngest = float(data.age.min())
    if age[0] > youngest:
        age, values = np.insert(age, 0, youngest), np.insert(values, 0, values[0])
    if youngest > 0.0:  # no model was seen younger: the curve begins as it goes on
        first = (values[1] - values[0]) / (age[1] - age[0]) if len(age) > 1 else 0.0
        age, values = np.insert(age, 0, 0.0), np.insert(values, 0, values[0] - first * youngest)
    return age, values


def _last_slope(age: _Floats, height: _Floats) -> float:
    """Return the slope beyond the oldest model: that of the whole curve."""
    return float((height[-1] - height[0]) / (age[-1] - age[0])) if age[-1] > age[0] else 0.0


def _fit(data: Ages) -> tuple[_Floats, _Floats]:
    """Return the curve at every loss and the level of every champion: least squares, by turns."""
    weights = np.bincount(data.champion, weights=data.weight)
    fitted = np.zeros_like(data.loss)
    for _ in range(_ROUNDS):
        level = np.bincount(data.champion, weights=data.weight * (data.loss - fitted)) / weights
        fitted = _isotonic(data.age, data.loss - level[data.champion], data.weight)
    return fitted, level


def _isotonic(age: _Floats, loss: _Floats, weight: _Floats) -> _Floats:
    """Return the non-decreasing function of age nearest to the losses; equal ages share a value."""
    _, place = np.unique(age, return_inverse=True)
    mass = np.bincount(place, weights=weight)
    mean = np.bincount(place, weights=weight * loss) / mass
    blocks: list[tuple[float, float, int]] = []
    for value, size in zip(mean.tolist(), mass.tolist(), strict=True):
        blocks.append((value, size, 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (a, p, m), (b, q, n) = blocks[-2:]
            blocks[-2:] = [((a * p + b * q) / (p + q), p + q, m + n)]
    return np.repeat([block[0] for block in blocks], [block[2] for block in blocks])[place]
