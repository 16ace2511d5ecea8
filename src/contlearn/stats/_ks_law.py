"""The law of the two-sample Kolmogorov-Smirnov distance: exact, with ties, and in the limit.

Everywhere `distance` is an integer: the largest |n i - m j| over the places at which both samples have been
counted (i of m rows of one, j of n rows of the other), so that ties at the boundary are decided exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn.stats import _ks_limit

SMALLEST = float(np.finfo(np.float64).tiny)
"""What stands for a p-value below the range of floats: a p-value of 0 would claim certainty."""


Floats = NDArray[np.float64]


class Removed(NamedTuple):
    """Paths that left the band at one time: the mass of those with `first`, `first` + 1, ... rows."""

    time: int
    first: int
    mass: Floats


def p_value(distance: int, n: int, m: int, ends: NDArray[np.int64] | None = None) -> float:
    """Return P(D >= distance) by the law that fits; a function of the data, never of what will be decided.

    Exact for equal sizes without ties, and wherever that costs no more than some milliseconds. Beyond, the
    limit law, which is within a percent or three of the exact one there.
    """
    if ends is None and n == m:
        return equal_sizes(distance, n)
    if _affordable(n, m, ends):
        return exact(distance, n, m, ends)
    return _clip(_ks_limit.limit(distance, n, m, ends))


class Pair(NamedTuple):
    """What the law of a distance depends on: sizes, and ties by `ends` or roughly by `ties`, or none."""

    distance: int
    n: int
    m: int
    ends: NDArray[np.int64] | None = None
    ties: Floats | None = None


def p_values(pairs: Sequence[Pair]) -> list[float]:
    """Return `p_value` of many pairs of samples; those of many light values all at once."""
    found = [0.0] * len(pairs)
    alike: dict[tuple[int, int, bool], list[int]] = {}
    for place, (distance, n, m, ends, ties) in enumerate(pairs):
        if ends is not None or few_rows(n, m) or (n == m and ties is None):
            found[place] = p_value(distance, n, m, ends)
        else:
            alike.setdefault((n, m, ties is not None), []).append(place)
    for (n, m, tied), places in alike.items():
        distances = np.array([pairs[place].distance for place in places])
        if tied:
            p = _ks_limit.lightly_tied(distances, n, m, np.array([pairs[place].ties for place in places]))
        else:
            p = _ks_limit.untied(distances, n, m)
        for place, each in zip(places, p.tolist(), strict=True):
            found[place] = _clip(each)
    return found


def few_rows(n: int, m: int) -> bool:
    """Whether there are so few rows that the exact law is used whatever their values are."""
    few, many = min(n, m), max(n, m)
    return few <= 200 or (few <= 500 and many <= 10_000)


def _affordable(n: int, m: int, ends: NDArray[np.int64] | None) -> bool:
    """Whether the exact law costs some milliseconds only, or the limit is too far off.

    Few rows are affordable: at most 200 in the smaller sample, or 500 and 10,000 in the larger. So are few
    distinct values, and, in between, few rows outside heavy values. There the limit is wrong, too: where four
    rows in five share a few values, what counts is how many rows of the smaller sample are left.
    """
    few = min(n, m)
    if few_rows(n, m):
        return True
    if ends is None:
        return False
    shares = np.diff(ends, prepend=0) / (n + m)
    stepped_over = shares if len(shares) <= _ks_limit.FEW else shares[shares >= _ks_limit.HEAVY]
    light = 1.0 - float(stepped_over.sum())
    milliseconds = 0.04 * len(stepped_over) + 3e-5 * float(np.sqrt(stepped_over).sum()) * n * m / (n + m)
    return milliseconds <= 3.0 and (light * few <= 200.0 or (light <= 0.2 and light * few <= 1000.0))


def equal_sizes(distance: int, n: int) -> float:
    """Return P(D >= distance) for two samples of `n` rows without ties, by the reflection principle."""
    steps = -(-distance // n)
    if steps == 0:
        return 1.0
    reach = min(n, int(40.0 * math.sqrt(n)) + 40)
    i = np.arange(1.0, reach + 1.0)
    weights = np.concatenate(([1.0], np.cumprod((n - i + 1.0) / (n + i))))
    terms = weights[steps::steps]
    return _clip(2.0 * float(np.sum(terms[::2]) - np.sum(terms[1::2])))


def exact(distance: int, n: int, m: int, ends: NDArray[np.int64] | None = None) -> float:
    """Return P(D >= distance) given the pooled sample: every split into `n` and `m` rows equally likely.

    `ends` holds the number of pooled rows up to and including each distinct value; None: no ties.

    The number of rows from the smaller sample among the first t pooled rows is a Markov chain. It is followed
    only where leaving the band becomes possible, at most twice per row of the smaller sample; what leaves is
    removed and added up, so that a p-value of 1e-30 is as exact as one of 0.5.
    """
    n, m = max(n, m), min(n, m)
    if distance <= 0:
        return 1.0
    times = _checkpoints(distance, n, m, ends)
    low, high = _band(distance, n, m, times)
    share, depth = m / (n + m), _depth(distance, n, m, times)
    kernels: dict[int, tuple[int, Floats]] = {}
    gone: list[Removed] = []
    alive, first, now = np.ones(1), 0, 0
    for t, lo, hi in zip(times.tolist(), low.tolist(), high.tolist(), strict=True):
        if t - now not in kernels:
            kernels[t - now] = _binomial(t - now, share, depth)
        start, kernel = kernels[t - now]
        spread, first, now = np.convolve(alive, kernel), first + start, t
        below = min(len(spread), max(0, lo - first))
        stop = max(below, min(len(spread), hi + 1 - first))
        if below:
            gone.append(Removed(t, first, spread[:below]))
        if stop < len(spread):
            gone.append(Removed(t, first + stop, spread[stop:]))
        alive, first = spread[below:stop], first + below
        if not len(alive):
            break
    return _clip(_finishing(gone, n, m))


def _checkpoints(distance: int, n: int, m: int, ends: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the times at which a path that is about to leave the band must be caught."""
    i = np.arange(m + 1, dtype=np.int64)
    latest_above = ((n + m) * i - distance) // m
    earliest_below = -((-(n + m) * i - distance) // m)
    if ends is None:
        times = np.concatenate((latest_above[latest_above >= 1], earliest_below[earliest_below < n + m]))
        return np.unique(times)
    above = np.searchsorted(ends, latest_above, side="right") - 1
    below = np.searchsorted(ends, earliest_below, side="left")
    return ends[np.unique(np.concatenate((above[above >= 0], below[below < len(ends)])))]


def _band(
    distance: int, n: int, m: int, times: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the smallest and largest count of the smaller sample that has not left the band, per time."""
    low = (m * times - distance) // (n + m) + 1
    high = -((-m * times - distance) // (n + m)) - 1
    return low, high


def _depth(distance: int, n: int, m: int, times: NDArray[np.int64]) -> float:
    """Return the negative logarithm of probabilities so small that no digit of the p-value needs them."""
    done = times / (n + m)
    z_squared = distance / (float(n) * m) * distance / (n + m)
    return min(690.0, 60.0 + 0.6 * z_squared / max(float((done * (1.0 - done)).max(initial=0.0)), 1e-3))


def _binomial(size: int, share: float, depth: float) -> tuple[int, Floats]:
    """Return the first value and the probabilities of a binomial law, without those below exp(-depth)."""
    mode = min(size, int((size + 1) * share))
    reach = int(math.sqrt(2.0 * depth * size * share * (1.0 - share)) + depth) + 1
    up = np.arange(mode, min(size, mode + reach), dtype=np.float64)
    down = np.arange(mode, max(0, mode - reach), -1, dtype=np.float64)
    odds = share / (1.0 - share)
    rising = np.cumprod((size - up) / (up + 1.0) * odds)
    falling = np.cumprod(down / (size - down + 1.0) / odds)
    least = math.exp(-depth)
    rising, falling = rising[rising > least], falling[falling > least]
    masses = np.concatenate((falling[::-1], [1.0], rising))
    return mode - len(falling), masses / masses.sum()


def _finishing(gone: list[Removed], n: int, m: int) -> float:
    """Return the share of the removed paths among those that end with `m` rows of the smaller sample."""
    if not gone:
        return 0.0
    masses = np.concatenate([part.mass for part in gone])
    times = np.repeat([part.time for part in gone], [len(part.mass) for part in gone])
    counts = np.concatenate([np.arange(part.first, part.first + len(part.mass)) for part in gone])
    possible = (counts <= m) & (times - counts <= n)
    left, missing = (n + m - times)[possible], (m - counts)[possible]
    share = m / (n + m)
    weights = _log_binomial(left, missing, share) - _log_binomial(np.array([n + m]), np.array([m]), share)
    return float(masses[possible] @ np.exp(weights))


def _log_binomial(size: NDArray[np.int64], value: NDArray[np.int64], share: float) -> Floats:
    result: Floats = (
        special.gammaln(size + 1.0)
        - special.gammaln(value + 1.0)
        - special.gammaln(size - value + 1.0)
        + special.xlogy(value, share)
        + special.xlog1py(size - value, -share)
    )
    return result


def _clip(p: float) -> float:
    return min(1.0, max(SMALLEST, p))
