"""The law of the Kolmogorov-Smirnov distance in large samples: a Brownian bridge, seen where the samples are.

Without ties, the difference of the two distribution functions is a Brownian bridge that must stay in a band.
Ties hide it between the distinct values. Where these are many and small, that acts like a band wider by the
mean overshoot of a random walk (Siegmund 1985), and Kolmogorov's series still holds. Where one value holds
more than 3 % of all rows, the bridge really is followed from one such value to the next.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

HEAVY = 0.03
"""Share of rows above which a value is stepped over, and not counted in with its neighbours."""

FEW = 100
"""Distinct values up to which each of them is looked at."""

STRETCHES, EIGHTHS = 64, 8
"""Parts of a sample whose ties are averaged: along it, and by how heavily rows are tied."""

TINY = 0.002
"""Shortest stretch between two heavy values that is followed; a shorter one is taken for this long."""

OVERSHOOT = 0.5825971579390107
"""Mean overshoot of a standard normal random walk: -zeta(1/2) / sqrt(2 pi)."""


class Pooled(NamedTuple):
    """The pooled sample: rows up to and including each distinct value, and their summed overshoot."""

    ends: NDArray[np.int64]
    overshoots: Floats

    def rows(self, start: int, stop: int) -> int:
        """Return the number of rows of the values `start` to `stop`."""
        return int(self.ends[stop - 1]) - (int(self.ends[start - 1]) if start else 0)

    def overshoot(self, start: int, stop: int, z: float) -> float:
        """Return the mean overshoot over these values, weighted by where the bridge would touch `z`."""
        first = int(self.ends[start - 1]) if start else 0
        grid = np.linspace(first, int(self.ends[stop - 1]), 65)[1:]
        places = np.unique(np.searchsorted(self.ends, grid))
        ends = np.concatenate(([first], self.ends[places]))
        sums = np.concatenate(([self.overshoots[start - 1] if start else 0.0], self.overshoots[places]))
        done = 0.5 * (ends[1:] + ends[:-1]) / self.ends[-1]
        variance = done * (1.0 - done)
        touches = variance**-1.5 * np.exp(-0.5 * z**2 * (1.0 / variance - 1.0 / variance.max()))
        return float(np.diff(sums) @ touches / (np.diff(ends) @ touches))


class Piece(NamedTuple):
    """A stretch of the pooled sample: one heavy value (`band` None), or light ones seen within `band`."""

    mass: float
    band: float | None
    above: float  # where the band ends when the piece does, in both directions
    below: float


class Paths(NamedTuple):
    """Where the bridge is among those still in the band: points and the masses that stand for them."""

    at: Floats
    mass: Floats


def limit(distance: int, n: int, m: int, ends: NDArray[np.int64] | None = None) -> float:
    """Return about P(D >= distance); `ends` as in `exact`.

    Measured against the exact law, at distances that can occur (multiples of the common divisor of the
    sizes), from 500 rows on the smaller side, for p-values above 0.001: within 2 % without ties (3 % for
    sizes that differ by a few rows), within 3 % with them, 5 % where a rare value stands between two heavy
    ones. With ties, that takes a thousand rows of the smaller side outside heavy values, or a fifth of it
    with 200 rows: where nearly all rows share one value, the tail is several times too small.
    """
    n, m = max(n, m), min(n, m)
    scale = math.sqrt(float(n) * m * (n + m))
    z = distance / scale
    if ends is None:
        return float(untied(distance, n, m))
    pooled = Pooled(ends, np.cumsum(np.diff(ends, prepend=0) * _overshoot(np.diff(ends, prepend=0), n, m)))
    heavy = np.flatnonzero(np.diff(ends, prepend=0) >= HEAVY * (n + m))
    if not len(heavy):
        return _kolmogorov(_band(z, n, m, pooled.overshoot(0, len(ends), z)))
    return _follow(_pieces(distance, n, m, pooled, heavy.tolist()))


def untied(distance: NDArray[np.int64] | int, n: int, m: int) -> Floats:
    """Return about P(D >= distance) without ties, for one distance or many."""
    n, m = max(n, m), min(n, m)
    z = np.asarray(distance) / math.sqrt(float(n) * m * (n + m))
    result: Floats = special.kolmogorov(_band(z, n, m, float(_overshoot(1, n, m))))
    return result


def tie_profile(ends: NDArray[np.int64]) -> Floats | None:
    """Return how many other rows are equal to a row, along a large sample of many light values.

    One line for each of 64 stretches of equally many rows, which has the means of the eighths of its rows.
    None for samples with a heavy value, few values or few rows.
    """
    sizes, rows = np.diff(ends, prepend=0), int(ends[-1])
    if len(sizes) <= FEW or rows < 32 * STRETCHES * EIGHTHS or sizes.max() >= HEAVY * rows:
        return None
    width = rows // (STRETCHES * EIGHTHS) * EIGHTHS
    equal = np.repeat(sizes - 1, sizes)[: STRETCHES * width].reshape(STRETCHES, width)
    equal.sort(axis=1)
    profile: Floats = equal.reshape(STRETCHES, EIGHTHS, -1).mean(axis=2)
    return profile


def lightly_tied(distance: NDArray[np.int64], n: int, m: int, ties: Floats) -> Floats:
    """Return about P(D >= distance) for many pairs, where ties are those of the sample of `n` rows.

    `ties` has a `tie_profile` for each pair: a row that is equal to r others there is taken to be equal to
    r (n + m) / n others of the pooled rows, as it is on average where both come from one distribution. Rows
    that are equal to each other in the other sample only count as different.
    """
    z = (distance / math.sqrt(float(n) * m * (n + m)))[:, np.newaxis]
    overshoot = _overshoot(1.0 + ties * (n + m) / n, max(n, m), min(n, m)).mean(axis=2)
    done = (np.arange(STRETCHES) + 0.5) / STRETCHES
    variance = done * (1.0 - done)
    touches = variance**-1.5 * np.exp(-0.5 * z**2 * (1.0 / variance - 4.0))
    mean = (overshoot * touches).sum(axis=1) / touches.sum(axis=1)
    result: Floats = special.kolmogorov(_band(z[:, 0], max(n, m), min(n, m), mean))
    return result


def _kolmogorov(band: float) -> float:
    return float(special.kolmogorov(band))


def _overshoot(sizes: NDArray[Any] | int, n: int, m: int) -> Floats:
    """Return by how much the walk overshoots a boundary, on average, when it is seen every `sizes` rows.

    For single rows this is exact for lattices: m/2 one way and m/2 + (n-m)/3 the other.
    """
    single = m / 2.0 + (n - m) / 6.0
    result: Floats = np.sqrt(single**2 + OVERSHOOT**2 * (np.asarray(sizes) - 1.0) * float(n) * m)
    return result


def _band(z: Any, n: int, m: int, overshoot: Any) -> Any:
    """Return the band of the bridge that stands for `z`: corrected for overshoot, lattice and finite size."""
    scale = math.sqrt(float(n) * m * (n + m))
    curvature = (z**3 / 11.0 - 0.11) * (1.0 / n + 1.0 / m)
    return np.maximum(0.0, z + (overshoot - 0.5 * math.gcd(n, m)) / scale + curvature)


def _pieces(distance: int, n: int, m: int, pooled: Pooled, heavy: list[int]) -> list[Piece]:
    """Cut the pooled sample into heavy values and the stretches between them."""
    total, scale = n + m, math.sqrt(float(n) * m * (n + m))
    z = distance / scale
    pieces: list[Piece] = []
    start = 0
    for stop in [*heavy, len(pooled.ends)]:
        if stop > start:
            band = _band(z, n, m, pooled.overshoot(start, stop, z))
            pieces.append(Piece(max(pooled.rows(start, stop) / total, TINY), band, band, band))
        if stop < len(pooled.ends):
            seen = int(pooled.ends[stop])
            first_above = -((-distance - m * seen) // total)
            first_below = (m * seen - distance) // total
            above, below = (first_above - 0.5) * total - m * seen, m * seen - (first_below + 0.5) * total
            pieces.append(Piece(pooled.rows(stop, stop + 1) / total, None, above / scale, below / scale))
        start = stop + 1
    mass = sum(piece.mass for piece in pieces)
    return [piece._replace(mass=piece.mass / mass) for piece in pieces]


def _follow(pieces: list[Piece]) -> float:
    """Return the chance that the bridge leaves the band, piece by piece; what leaves is added up."""
    narrowest = math.sqrt(0.5 * min(piece.mass for piece in pieces))
    widest = max(piece.above + piece.below for piece in pieces)
    nodes, weights = _gauss(2 ** min(9, max(5, math.ceil(math.log2(8.0 + 1.6 * widest / narrowest)))))
    paths, left, gone = Paths(np.zeros(1), np.ones(1)), 1.0, 0.0
    for piece in pieces[:-1]:
        rest = left - piece.mass
        mean, spread = paths.at * (rest / left), math.sqrt(piece.mass * rest / left)
        outside = special.ndtr((mean - piece.above) / spread) + special.ndtr((-piece.below - mean) / spread)
        gone += float(paths.mass @ outside)
        half = 0.5 * (piece.above + piece.below)
        at: Floats = half * nodes + 0.5 * (piece.above - piece.below)
        moves = np.exp(-0.5 * ((at - mean[:, None]) / spread) ** 2)
        moves *= half / (spread * math.sqrt(2.0 * math.pi)) * weights
        if piece.band is not None:
            crossing = _crossing(paths.at[:, None], at, piece.mass, piece.band)
            gone += float(paths.mass @ (moves * crossing).sum(axis=1))
            moves *= 1.0 - crossing
        paths, left = Paths(at, paths.mass @ moves), rest
        if left < 0.5 and math.exp(-0.5 * half**2 / (left * (1.0 - left))) < 1e-9 * gone:
            return gone
    last = pieces[-1].band
    return gone if last is None else gone + float(paths.mass @ _crossing(paths.at, np.zeros(1), left, last))


def _crossing(start: Floats, stop: Floats, time: float, band: float) -> Floats:
    """Return the chance that a Brownian bridge from `start` to `stop` leaves [-band, band] within `time`."""
    gap, mirrored = stop - start, 2.0 * band - stop - start
    images = (0, -1) if band**2 > 8.0 * time else (0, -1, 1, -2)
    chance = np.zeros(np.broadcast_shapes(start.shape, stop.shape))
    for image in images:
        far = mirrored + 4.0 * image * band
        chance += np.exp(-0.5 / time * (far - gap) * (far + gap))
    for image in images[2:]:
        shift = math.copysign(4.0 * band, image)
        chance -= np.exp(-0.5 / time * shift * (shift + 2.0 * gap))
    return np.clip(chance, 0.0, 1.0)


@cache
def _gauss(count: int) -> tuple[Floats, Floats]:
    """Return the nodes and weights of Gauss-Legendre quadrature on [-1, 1]."""
    return np.polynomial.legendre.leggauss(count)
