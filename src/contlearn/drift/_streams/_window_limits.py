"""Limits for the sum of features over a sliding window, by simulation from the reference alone.

A simulated stream draws rows of the reference with replacement. It is compared with the mean of as many
drawn rows as the reference has, one draw per stream: the mean of a reference is as far from the truth as
that. False alarms come in clusters, since windows overlap; a level is passed by a new cluster about once in
so many updates, and the limit is the level at which this is the run length.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_PATH = 2048  # rows of one simulated stream
_LEAST, _MOST = 20_000, 1_200_000  # rows simulated
_EVENTS = 100  # clusters above the limit that are wanted among them
_COUNTS = (300, 200, 130, 90, 60, 40)  # clusters at the levels through which the tail is drawn
_WHOLE = 4  # every so many streams are looked at for the limits of windows that are not full yet
_CAUTION = 1.15  # a reference knows less of what is rare than there is: measured on fresh rows of five laws
_STEEP = 10.0  # log-rarity over a level of which nothing is known
_UPPER = 0.05  # share of the updates that is kept of a series

Floats = NDArray[np.float64]


class WindowLimits(NamedTuple):
    """When the squared length of a sum over a window is an alarm.

    Attributes
    ----------
    limits
        For windows of 1, 2, ... rows; the last one is that of a full window.
    steepness
        By how much the logarithm of the rarity grows as the squared length grows by its limit.
    """

    limits: Floats
    steepness: float


class _Tail(NamedTuple):
    """The updates of simulated streams whose statistic is high, and the number of all updates."""

    places: NDArray[np.int64]
    values: Floats
    updates: int


def window_limits(features: Floats, window: int, run_length: float, rng: np.random.Generator) -> WindowLimits:
    """Return the limits for windows over rows that are like a reference.

    Parameters
    ----------
    features
        Of the reference, centred, shape (rows, features).
    window
        Rows in a full window.
    run_length
        Mean number of updates between alarms.
    """
    wanted = min(_MOST, max(_LEAST, _EVENTS * run_length * _CAUTION))
    n_paths = max(_WHOLE, round(wanted / _PATH))
    sizes = sorted({window, *(round(window ** (step / 6)) for step in range(6))})
    tails = _simulated(features, sizes, window, n_paths, rng)
    # A window that grows drops nothing: once it has some rows it changes half as fast as one that slides.
    run_length *= _CAUTION
    lengths = [run_length * ((size + 1.0) / (2.0 * size) if size < window else 1.0) for size in sizes]
    found = [_level(tails[size], size, length) for size, length in zip(sizes, lengths, strict=True)]
    logs = np.interp(np.log(np.arange(1, window + 1)), np.log(sizes), np.log([level for level, _ in found]))
    limits = np.exp(logs)
    limits[-1], slope = found[-1]
    return WindowLimits(np.maximum.accumulate(limits), slope * float(limits[-1]))


def _simulated(
    features: Floats, sizes: list[int], window: int, n_paths: int, rng: np.random.Generator
) -> dict[int, _Tail]:
    """Return the high values of the statistic for each size of the window."""
    n, width = features.shape
    known = features.astype(np.float32)
    series: dict[int, list[Floats]] = {size: [] for size in sizes}
    sums = np.zeros((_PATH + 1, width), dtype=np.float32)
    for path in range(n_paths):
        offset = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float32) @ known / np.float32(n)
        np.cumsum(known[rng.integers(0, n, _PATH)] - offset, axis=0, out=sums[1:])
        for size in sizes:
            if size == window or path % _WHOLE == 0:
                moved = sums[size:] - sums[:-size]
                series[size].append(np.einsum("ij,ij->i", moved, moved).astype(np.float64))
    return {size: _tail(series[size], window) for size in sizes}


def _tail(series: list[Floats], window: int) -> _Tail:
    """Return what is high in streams, which are laid one after the other, more than a window apart."""
    stacked = np.array(series)
    kept = stacked >= np.quantile(stacked, 1.0 - _UPPER)
    paths, updates = np.nonzero(kept)
    places = paths * (stacked.shape[1] + window + 1) + updates
    return _Tail(places, stacked[kept], stacked.size)


def _level(tail: _Tail, size: int, run_length: float) -> tuple[float, float]:
    """Return the level that a new cluster passes once in `run_length` updates, and log-rarity per unit."""
    wanted = tail.updates / run_length
    if wanted > _COUNTS[0]:
        return _passed(tail, size, wanted), _STEEP / _passed(tail, size, _COUNTS[0])
    levels = np.array([_passed(tail, size, count) for count in _COUNTS])
    highest = float(levels[-1])
    if levels[0] > 0.99 * highest:  # few different rows
        slope, at_highest = _STEEP, float(np.log(_COUNTS[-1]))
    else:
        line = np.polyfit(levels / highest - 1.0, np.log(_COUNTS), 1, w=np.sqrt(_COUNTS))
        slope, at_highest = -float(line[0]), float(line[1])
    return highest * (1.0 + (at_highest - float(np.log(wanted))) / slope), slope / highest


def _passed(tail: _Tail, size: int, count: float) -> float:
    """Return the level that about `count` clusters pass, by bisection."""
    low, high = float(tail.values.min()), float(tail.values.max())
    for _ in range(40):
        middle = (low + high) / 2.0
        places = tail.places[tail.values >= middle]
        clusters = 1 + int(np.count_nonzero(np.diff(places) > size)) if len(places) else 0
        low, high = (middle, high) if clusters > count else (low, middle)
    return (low + high) / 2.0
