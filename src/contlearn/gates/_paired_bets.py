"""Five bets that a paired gain lies above a margin, and five that it lies below it.

Everything is in units of the largest loss: the gain x of a row lies in [-1, 1]. A bet of share s on a gain
above m multiplies its stake by 1 + s (x - m) / (1 + m), one on a gain below m by 1 - s (x - m) / (1 - m).
Products alone are kept, which a loop (in `SequentialGain`) and an array form alike, bit for bit. They cannot
overflow: who reads them stops at 1 / alpha. One that vanishes stays 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contlearn.stats import _bets

Floats = NDArray[np.float64]
Five = tuple[float, float, float, float, float]
Ten = tuple[float, float, float, float, float, float, float, float, float, float]
Four = tuple[float, float, float, float]

# Each suits gains within a factor of about two: of rows that differ by a whole loss in 6 of 100, the first
# gains of 0.002, the last gains of 0.06. The last weighs most: where losses differ by little, larger bets
# would be better still, and nobody may make them.
SHARES: Five = (0.04, 0.12, 0.3, 0.65, 0.98)
WEIGHTS: Five = (0.1, 0.2, 0.25, 0.15, 0.3)
NEW: Ten = (*WEIGHTS, *WEIGHTS)
NOTHING: Four = (0.0, 0.0, 0.0, 0.0)
_FACTORS = _bets.coefficients(SHARES, 4)
_LEAST = -1.0 + 1e-9  # the lowest hypothetical gain that is looked at


def sizes(margin: float) -> Ten:
    """Return by what the bets multiply x - `margin`: five positive numbers, then five negative ones."""
    above = tuple(share / (1.0 + margin) for share in SHARES)
    below = tuple(-share / (1.0 - margin) for share in SHARES)
    return (*above, *below)  # type: ignore[return-value]


def advance(wealth: Ten, by: Ten, excess: Floats) -> Floats:
    """Return the wealth after each of many rows, one column per row."""
    running = np.empty((10, excess.size + 1))
    running[:, 0] = wealth
    np.multiply(np.array(by)[:, np.newaxis], excess, out=running[:, 1:])
    running[:, 1:] += 1.0
    with np.errstate(under="ignore", over="ignore"):  # beyond the row that decides
        np.multiply.accumulate(running, axis=1, out=running)
    return running[:, 1:]


def together(wealth: Floats) -> Floats:
    """Return the wealth of five bets after each row, added one after another as a loop does."""
    a, b, c, d, e = wealth
    total: Floats = a + b + c + d + e
    return total


def interval(sums: Four, n: int, level: float) -> tuple[float, float]:
    """Return the gains that bets of both sides leave open, given sums of x to its fourth power over n rows.

    `level` is the log of the evidence that refuses a gain.
    """
    negated = -sums[0], sums[1], -sums[2], sums[3]
    return _low(sums, n, level), -_low(negated, n, level)


def _low(sums: Four, n: int, level: float) -> float:
    mean = min(1.0, max(_LEAST, sums[0] / n))
    low = _bets.furthest(lambda m: _evidence(sums, n, m), mean, _LEAST, level)
    return -1.0 if low <= _LEAST else low


def _evidence(sums: Four, n: int, m: Floats) -> Floats:
    """Return the log of the evidence against gains of at most `m`, or a lower bound of it."""
    one, two, three, four = sums
    room = 1.0 + m
    if one == three and two == four:  # gains of -1, 0 and 1 only: their numbers tell everything
        shares, counts = np.array(SHARES)[:, np.newaxis], ((two + one) / 2.0, n - two, (two - one) / 2.0)
        each = np.log(np.array(WEIGHTS))[:, np.newaxis] + sum(
            count * np.log1p(shares * ((x - m) / room))
            for x, count in zip((1.0, 0.0, -1.0), counts, strict=True)
        )
        return _bets.log_sum(each)
    first = one - n * m
    second = two - m * (2.0 * one - n * m)
    third = three - m * (3.0 * two - m * (3.0 * one - n * m))
    fourth = four - m * (4.0 * three - m * (6.0 * two - m * (4.0 * one - n * m)))
    powers = np.array([first / room, second / room**2, third / room**3, fourth / room**4])
    return _bets.log_wealth(WEIGHTS, _FACTORS, powers)
