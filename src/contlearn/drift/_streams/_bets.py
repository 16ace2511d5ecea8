"""Shiryaev-Roberts e-detectors: the evidence of a few bets against "nothing has changed", added over starts.

A bet multiplies its stake by L_t, whose mean given the past is at most 1 while nothing has changed. With one
new stake put down before every update, its wealth is M_t = L_t (M_{t-1} + 1), and the mean of M_t is at most
t. A stopping rule "M_t >= c" therefore stops after at least c updates on average, whatever the dependence
(Shin, Ramdas and Rinaldo, 2023).

Here M_t = S_t / Q_t with Q_t = Q_{t-1} / L_t and S_t = S_{t-1} + Q_{t-1}: a running product and a running
sum, which a loop and an array form alike, bit for bit. Q runs over a block of updates only and starts at 1
again, so that it neither overflows nor vanishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Stakes(NamedTuple):
    """The wealth of every bet, as the sum S and the inverse product Q of the present block."""

    sums: tuple[float, ...]
    inverses: tuple[float, ...]

    @classmethod
    def new(cls, n: int) -> Stakes:
        """Return `n` bets before the first update."""
        return cls((0.0,) * n, (1.0,) * n)

    def rebased(self) -> Stakes:
        """Return the same wealth at the beginning of a new block."""
        wealth = tuple(s / q for s, q in zip(self.sums, self.inverses, strict=True))
        return Stakes(wealth, (1.0,) * len(wealth))

    def after(self, ratios: Sequence[float]) -> Stakes:
        """Return the stakes after one update; `ratios` are 1 / L, one per bet."""
        sums = tuple([s + q for s, q in zip(self.sums, self.inverses, strict=True)])
        return Stakes(sums, tuple([q * r for q, r in zip(self.inverses, ratios, strict=True)]))

    @property
    def total(self) -> float:
        """The wealth of all bets together."""
        total = 0.0
        for s, q in zip(self.sums, self.inverses, strict=True):
            total += s / q
        return total


def advance(stakes: Stakes, ratios: Floats) -> tuple[Floats, Stakes]:
    """Return the wealth of all bets after each of many updates, and the stakes after the last.

    `ratios` has one row per bet and one column per update; all updates lie in one block. After a total that
    has become infinite, nothing is said.
    """
    bets, n = ratios.shape
    inverses = np.empty((bets, n + 1))
    inverses[:, 0] = stakes.inverses
    inverses[:, 1:] = ratios
    with np.errstate(all="ignore"):
        np.cumprod(inverses, axis=1, out=inverses)
        sums = inverses[:, :-1].copy()
        sums[:, 0] += stakes.sums
        np.cumsum(sums, axis=1, out=sums)
        wealth = sums / inverses[:, 1:]
        total = np.zeros(n)
        for each in wealth:  # one after another, as `Stakes.total` does
            total += each
    return np.where(np.isnan(total), np.inf, total), Stakes(
        tuple(sums[:, -1].tolist()), tuple(inverses[:, -1].tolist())
    )
