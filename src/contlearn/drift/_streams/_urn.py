"""The evidence that regions are no longer visited as a reference says: an urn, and bets against it.

The reference's n values cut the line into n + 1 gaps, and region k owns a_k of them. As long as later values
are exchangeable with the reference, the next one falls into region k with probability
(a_k + c_k) / (n + 1 + t), where c_k of the t values before it fell there: exactly Polya's urn, whatever the
distribution. A bet Q against P multiplies its stake by Q(k) / P(k), whose mean is 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCK = 512  # updates after which products and frequencies start again at 1
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
_BETS_ON_SHAPE = np.array(_SIZES)[:, np.newaxis]


class _State(NamedTuple):
    """All that an update changes."""

    seen: int
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
        self._phi = (middle.tolist(), (bowl - np.average(bowl, weights=gaps)).tolist())
        self.restart()

    def restart(self) -> None:
        """Forget what was seen."""
        total = sum(self.gaps)
        self.seen = 0
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
        lists = (self._masses.copy(), recent, self._shape.copy(), self._sums.copy(), self._inverses.copy())
        return _State(self.seen, self._position, *lists)

    def rollback(self, state: Any) -> None:
        """Go back to a checkpoint, which may be used once."""
        self.seen, self._position, self._masses, self._recent, self._shape, self._sums, self._inverses = state

    def step(self, region: int) -> float:
        """Take in one value; return the mean wealth of the bets."""
        if self._position == BLOCK:
            self._rebase()
        j, total, mass = self._position, float(sum(self.gaps) + self.seen), self._masses[region]
        odds = total / mass
        growth = []
        for row, decay, gain in zip(self._recent, _DECAYS[j], _GAINS[j], strict=True):
            drawn = decay * row[region] * odds
            growth += [kept + moved * drawn for kept, moved in _WEIGHTS]
            row[region] += gain
        for i, phi in enumerate(self._phi):
            lean = 0.5 * (phi[region] - self._shape[i] / total)
            growth += [1.0 + size * lean for size in _SIZES]
            self._shape[i] += phi[region]
        self._masses[region] = mass + 1.0
        self.seen += 1
        self._position = j + 1
        self._sums = sums = [s + q for s, q in zip(self._sums, self._inverses, strict=True)]
        self._inverses = inverses = [q * (1.0 / g) for q, g in zip(self._inverses, growth, strict=True)]
        wealth = 0.0
        for s, q in zip(sums, inverses, strict=True):
            wealth += s / q if q else np.inf
        return wealth / _BETS

    @property
    def wealth(self) -> float:
        """The mean wealth of the bets, as after the last update."""
        wealth = 0.0
        for s, q in zip(self._sums, self._inverses, strict=True):
            wealth += s / q if q else np.inf
        return wealth / _BETS

    def advance(self, regions: NDArray[np.intp]) -> Floats:
        """Take in at most `room` values; return the mean wealth after each."""
        if self._position == BLOCK:
            self._rebase()
        n, j = len(regions), self._position
        totals = np.arange(n, dtype=np.float64) + float(sum(self.gaps) + self.seen)
        here = np.arange(n)
        hits = np.zeros((len(self.gaps), n + 1))
        hits[regions, here + 1] = 1.0
        growth = np.empty((_BETS, n))
        self._plug_in(growth, regions, hits, totals, j)
        for i, phi in enumerate(self._phi):
            drawn = np.array(phi)[regions]
            running = np.cumsum(np.concatenate(([self._shape[i]], drawn)))
            lean = 0.5 * (drawn - running[:-1] / totals)
            first = 9 + 8 * i
            np.multiply(_BETS_ON_SHAPE, lean, out=growth[first : first + 8])
            growth[first : first + 8] += 1.0
            self._shape[i] = float(running[-1])
        self.seen += n
        self._position = j + n
        return self._wealth(growth)

    def _plug_in(
        self, growth: Floats, regions: NDArray[np.intp], hits: Floats, totals: Floats, j: int
    ) -> None:
        """Write how much the bets on recent frequencies grow."""
        n = len(regions)
        here = np.arange(n)
        sums = hits.copy()
        sums[:, 0] = self._masses
        np.cumsum(sums, axis=1, out=sums)
        odds = totals / sums[regions, here]
        self._masses = sums[:, -1].tolist()
        for i, row in enumerate(self._recent):
            np.multiply(hits[:, 1:], _GAIN[i, j : j + n], out=sums[:, 1:])
            sums[:, 0] = row
            np.cumsum(sums, axis=1, out=sums)
            drawn = _DECAY[i, j : j + n] * sums[regions, here] * odds
            np.multiply(_MOVED, drawn, out=growth[3 * i : 3 * i + 3])
            growth[3 * i : 3 * i + 3] += _KEPT
            self._recent[i] = sums[:, -1].tolist()

    def _wealth(self, growth: Floats) -> Floats:
        """Return the mean wealth of the bets over time."""
        n = growth.shape[1]
        inverses = np.empty((_BETS, n + 1))
        inverses[:, 0] = self._inverses
        with np.errstate(all="ignore"):
            np.divide(1.0, growth, out=inverses[:, 1:])
            np.cumprod(inverses, axis=1, out=inverses)
            sums = inverses[:, :-1].copy()
            sums[:, 0] += self._sums
            np.cumsum(sums, axis=1, out=sums)
            wealth = sums / inverses[:, 1:]
            total = np.zeros(n)
            for each in wealth:  # one after another, as `step` does
                total += each
        self._sums, self._inverses = sums[:, -1].tolist(), inverses[:, -1].tolist()
        return np.where(np.isnan(total), np.inf, total) / _BETS

    def _rebase(self) -> None:
        """Begin a new block with the same wealth and the same frequencies."""
        self._sums = [s / q if q else np.inf for s, q in zip(self._sums, self._inverses, strict=True)]
        self._inverses = [1.0] * _BETS
        for row, decay in zip(self._recent, _DECAYS[BLOCK], strict=True):
            row[:] = [decay * each for each in row]
        self._position = 0
