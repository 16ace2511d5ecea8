"""The evidence that regions are no longer visited as a reference says: an urn, and bets against it.

The reference's n values cut the line into n + 1 gaps, and region k owns a_k of them. As long as later values
are exchangeable with the reference, the next one falls into region k with probability
(a_k + c_k) / (n + 1 + t), where c_k of the t values before it fell there: exactly Polya's urn, whatever the
distribution. A bet Q against P multiplies its stake by Q(k) / P(k), whose mean is 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import add, mul, truediv
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._streams._bets import Stakes, advance

Floats = NDArray[np.float64]

BLOCK = (
    256  # updates after which products start again at 1: no bet loses more than four fifths in one of them
)
_HALF_LIVES = (25.0, 100.0, 400.0)
_WEIGHTS = ((0.9, 0.1), (0.75, 0.25), (0.5, 0.5))  # of the urn and of recent frequencies
_SIZES = (0.1, -0.1, 0.2, -0.2, 0.4, -0.4, 0.8, -0.8)  # of the bets on a shape
_BETS = len(_HALF_LIVES) * len(_WEIGHTS) + 2 * len(_SIZES)

_LAMBDAS = 0.5 ** (1.0 / np.array(_HALF_LIVES))
_DECAY = _LAMBDAS[:, np.newaxis] ** np.arange(BLOCK + 1)
_GAIN = (1.0 - _LAMBDAS)[:, np.newaxis] / _DECAY[:, 1:]
_DECAYS = tuple(tuple(row) for row in _DECAY.T.tolist())  # the same numbers, position by position
_GAINS = tuple(tuple(row) for row in _GAIN.T.tolist())
_KEPT = np.array(_WEIGHTS)[:, 0, np.newaxis]
_MOVED = np.array(_WEIGHTS)[:, 1, np.newaxis]
_ONES = (1.0,) * _BETS
_BETS_ON_SHAPE = np.array(_SIZES)[:, np.newaxis]


class _State(NamedTuple):
    """All that an update changes."""

    seen: int
    total: float
    position: int
    masses: list[float]
    recent: list[list[float]]
    shape: list[float]
    sums: list[float]
    inverses: list[float]


class Urn:
    """The wealth of all bets against the urn of a reference.

    Parameters
    ----------
    gaps
        How many of the reference's gaps each region owns.
    """

    def __init__(self, gaps: tuple[int, ...]) -> None:
        self.gaps = gaps
        total = float(sum(gaps))
        ends = np.cumsum(gaps) / total
        middle = 2.0 * ends - np.array(gaps) / total - 1.0
        bowl = 1.5 * middle**2 - 0.5
        bowl -= np.average(bowl, weights=gaps)
        self._phi = tuple(zip(middle.tolist(), bowl.tolist(), strict=True))
        self.restart()

    def restart(self) -> None:
        """Forget what was seen."""
        total = sum(self.gaps)
        self.seen = 0
        self._total = float(total)
        self._position = 0
        self._masses = [float(gap) for gap in self.gaps]
        self._recent = [[gap / total for gap in self.gaps] for _ in _HALF_LIVES]
        self._shape = [0.0, 0.0]
        self._sums = [0.0] * _BETS
        self._inverses = [1.0] * _BETS

    @property
    def room(self) -> int:
        """How many values `advance` can take in one go."""
        return BLOCK - self._position if self._position < BLOCK else BLOCK

    def checkpoint(self) -> _State:
        """Return all that an update changes."""
        recent = [row.copy() for row in self._recent]
        bets = (self._shape.copy(), self._sums.copy(), self._inverses.copy())
        return _State(self.seen, self._total, self._position, self._masses.copy(), recent, *bets)

    def rollback(self, state: Any) -> None:
        """Go back to a checkpoint, which may be used once."""
        self.seen, self._total, self._position, self._masses, self._recent, *bets = state
        self._shape, self._sums, self._inverses = bets

    def step(self, region: int) -> float:
        """Take in one value; return the mean wealth of the bets."""
        if self._position == BLOCK:
            self._rebase()
        j, total, mass = self._position, self._total, self._masses[region]
        recent, phi, shape = self._recent, self._phi[region], self._shape
        growth = _growth(
            [each[region] for each in recent], _DECAYS[j], total / mass,
            0.5 * (phi[0] - shape[0] / total), 0.5 * (phi[1] - shape[1] / total),
        )  # fmt: skip
        for each, gain in zip(recent, _GAINS[j], strict=True):
            each[region] += gain
        self._shape = [shape[0] + phi[0], shape[1] + phi[1]]
        self._masses[region] = mass + 1.0
        self._total = total + 1.0
        self.seen += 1
        self._position = j + 1
        self._sums = list(map(add, self._sums, self._inverses))
        self._inverses = list(map(mul, self._inverses, map(truediv, _ONES, growth)))
        return self.wealth

    @property
    def wealth(self) -> float:
        """The mean wealth of the bets, as after the last update."""
        wealth = 0.0
        try:
            for each in map(truediv, self._sums, self._inverses):
                wealth += each
        except ZeroDivisionError:  # a bet that has gained more than floats can say
            return math.inf
        return wealth / _BETS

    def advance(self, regions: NDArray[np.intp]) -> Floats:
        """Take in at most `room` values; return the mean wealth after each."""
        if self._position == BLOCK:
            self._rebase()
        n, j = len(regions), self._position
        totals = np.arange(n, dtype=np.float64) + self._total
        growth = np.empty((_BETS, n))
        self._plug_in(growth, regions, totals, j)
        for i, phi in enumerate(np.array(self._phi).T):
            drawn = phi[regions]
            running = np.cumsum(np.concatenate(([self._shape[i]], drawn)))
            lean = 0.5 * (drawn - running[:-1] / totals)
            first = 9 + 8 * i
            np.multiply(_BETS_ON_SHAPE, lean, out=growth[first : first + 8])
            growth[first : first + 8] += 1.0
            self._shape[i] = float(running[-1])
        self.seen += n
        self._total += float(n)
        self._position = j + n
        return self._wealth(growth)

    def _plug_in(self, growth: Floats, regions: NDArray[np.intp], totals: Floats, j: int) -> None:
        """Write how much the bets on recent frequencies grow.

        Sums over the visits of a region are formed in a row of its own, as long as the most visited needs.
        """
        n = len(regions)
        order = np.argsort(regions.astype(np.int16), kind="stable")
        visits = np.bincount(regions, minlength=len(self.gaps))
        before = np.empty(n, dtype=np.intp)  # earlier visits of the same region
        before[order] = np.arange(n) - np.repeat(np.cumsum(visits) - visits, visits)
        masses = np.array(self._masses)
        odds = totals / (masses[regions] + before)
        self._masses = (masses + visits).tolist()
        sums = np.zeros((len(_HALF_LIVES), len(self.gaps), int(visits.max()) + 1))
        sums[:, :, 0] = self._recent
        sums[:, regions, before + 1] = _GAIN[:, j : j + n]
        np.cumsum(sums, axis=2, out=sums)
        drawn = _DECAY[:, j : j + n] * sums[:, regions, before] * odds
        self._recent = sums[:, :, -1].tolist()
        plugged = growth[:9].reshape(len(_HALF_LIVES), len(_WEIGHTS), n)
        np.multiply(_MOVED, drawn[:, np.newaxis], out=plugged)
        plugged += _KEPT

    def _wealth(self, growth: Floats) -> Floats:
        """Return the mean wealth of the bets over time."""
        with np.errstate(all="ignore"):
            ratios = np.divide(1.0, growth, out=growth)
        total, (sums, inverses) = advance(Stakes(tuple(self._sums), tuple(self._inverses)), ratios)
        self._sums, self._inverses = list(sums), list(inverses)
        return total / _BETS

    def _rebase(self) -> None:
        """Begin a new block with the same wealth and the same frequencies."""
        self._sums = [s / q if q else math.inf for s, q in zip(self._sums, self._inverses, strict=True)]
        self._inverses = [1.0] * _BETS
        for row, decay in zip(self._recent, _DECAYS[BLOCK], strict=True):
            row[:] = [decay * each for each in row]
        self._position = 0


def _growth(
    recent: Sequence[float], decays: Sequence[float], odds: float, lean: float, bend: float
) -> list[float]:
    """Return how much every bet grows by one value; written out, since this is most of an update's time."""
    a, b, c = decays[0] * recent[0] * odds, decays[1] * recent[1] * odds, decays[2] * recent[2] * odds
    u, v, w, x = 0.1 * lean, 0.2 * lean, 0.4 * lean, 0.8 * lean
    p, q, r, s = 0.1 * bend, 0.2 * bend, 0.4 * bend, 0.8 * bend
    return [
        0.9 + 0.1 * a, 0.75 + 0.25 * a, 0.5 + 0.5 * a,
        0.9 + 0.1 * b, 0.75 + 0.25 * b, 0.5 + 0.5 * b,
        0.9 + 0.1 * c, 0.75 + 0.25 * c, 0.5 + 0.5 * c,
        1.0 + u, 1.0 - u, 1.0 + v, 1.0 - v, 1.0 + w, 1.0 - w, 1.0 + x, 1.0 - x,
        1.0 + p, 1.0 - p, 1.0 + q, 1.0 - q, 1.0 + r, 1.0 - r, 1.0 + s, 1.0 - s,
    ]  # fmt: skip
