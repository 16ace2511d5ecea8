"""Brownian motion that stops at limits of its own at a few times: how likely it is to stop at each.

The score at information t is normal with mean drift x t and variance t, and z is the score over sqrt(t). The
density of the score among those that have not stopped is kept on Gauss-Legendre nodes and carried from look
to look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FAR = 9.0  # standard deviations beyond which there is nothing: 1e-19
_PANEL = 2.0  # width of a panel of nodes, in standard deviations of the next or the last step
_NODES = 16


class Look(NamedTuple):
    """One look: its time and limit, the chance to stop there, and where those are that go on.

    `mass` is the density at the `nodes` times their quadrature weights.
    """

    time: float
    bound: float
    crossing: float
    nodes: Floats
    mass: Floats


def tail(z: float) -> float:
    """Return the chance that a standard normal lies above `z`."""
    from scipy.special import ndtr

    return float(ndtr(-z))


def quantile(chance: float) -> float:
    """Return the z above which a standard normal lies with the given chance."""
    from scipy.special import ndtri

    return -float(ndtri(chance))


def looks(times: Sequence[float], bounds: Sequence[float], both: bool, drift: float = 0.0) -> list[Look]:
    """Return all looks, given their times and limits."""
    found: list[Look] = []
    for time, bound, after in zip(times, bounds, [*times[1:], None], strict=True):
        found.append(look(found[-1] if found else None, time, after, bound, both, drift))
    return found


def look(
    before: Look | None, time: float, after: float | None, bound: float, both: bool, drift: float = 0.0
) -> Look:
    """Return the look at `time`, following `before`; those that go on are carried to `after`, if any."""
    crossing = _crossing(before, time, bound, both, drift)
    if after is None:
        return Look(time, bound, crossing, np.empty(0), np.empty(0))
    spread = math.sqrt(time)
    step = math.sqrt(time - before.time) if before else spread
    low, high = drift * time - _FAR * spread, drift * time + _FAR * spread
    low = max(low, -bound * spread) if both else low
    nodes, weights = _grid(low, min(high, bound * spread), min(step, math.sqrt(after - time)))
    return Look(time, bound, crossing, nodes, weights * _density(before, time, nodes, drift))


def limit(before: Look | None, time: float, allowed: float, both: bool) -> float:
    """Return the limit of z that stops, at `time`, with the chance `allowed`; infinite where that is nil."""
    if allowed < 1e-17:
        return math.inf
    low, high = (0.0 if both else -_FAR), 2.0 * _FAR
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _crossing(before, time, middle, both, 0.0) > allowed:
            low = middle
        else:
            high = middle
    return high


def _crossing(before: Look | None, time: float, bound: float, both: bool, drift: float) -> float:
    from scipy.special import ndtr

    score = bound * math.sqrt(time)
    start, mass = (np.zeros(1), np.ones(1)) if before is None else (before.nodes, before.mass)
    step = time - (before.time if before else 0.0)
    mean, spread = start + drift * step, math.sqrt(step)
    chance = ndtr((mean - score) / spread)
    if both:
        chance = chance + ndtr((-score - mean) / spread)
    return float(mass @ chance)


def _density(before: Look | None, time: float, nodes: Floats, drift: float) -> Floats:
    start, mass = (np.zeros(1), np.ones(1)) if before is None else (before.nodes, before.mass)
    step = time - (before.time if before else 0.0)
    away = np.subtract.outer(nodes, start + drift * step)
    away *= away
    away *= -0.5 / step
    np.exp(away, out=away)
    density: Floats = away @ mass / math.sqrt(2.0 * math.pi * step)
    return density


def _grid(low: float, high: float, step: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of panels that are no wider than `_PANEL` steps."""
    points, weights = _legendre()
    if high <= low:
        return np.empty(0), np.empty(0)
    panels = max(1, math.ceil((high - low) / (_PANEL * step)))
    half = 0.5 * (high - low) / panels
    middles = low + half * (2.0 * np.arange(panels) + 1.0)
    return np.add.outer(middles, half * points).ravel(), np.tile(half * weights, panels)


@cache
def _legendre() -> tuple[Floats, Floats]:
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    return points, weights
