"""Five bets against "the mean loss, given the past, is at most `limit`", one by one and in array form.

A bet of size b multiplies its stake by L = 1 + b (loss - limit), b below 1 / limit, so that its mean given
the past is at most 1 while the mean loss is at most `limit`. With a new stake w_t put down before every
update, its wealth is M_t = L_t (M_{t-1} + w_t). Two ways to stake (Shin, Ramdas and Rinaldo, 2023):

- w_t = 1, Shiryaev-Roberts: the mean of M_t is at most t, so "M_t >= c" takes at least c updates on average;
- w_t = 1 / (t (t + 1)), which adds up to 1: by Ville's inequality M_t ever reaches 1 / alpha with probability
  at most alpha, and a change after t updates is found as if its stake had been w_t.

Here M_t = P_t S_t with P_t = P_{t-1} L_t and S_t = S_{t-1} + w_t / P_{t-1}: a running product and a running
sum, which a loop and an array form alike, bit for bit. P runs over a block of updates only, and starts at 1
again, so that it does not vanish; if it overflows, so does the evidence, and stays infinite.

This is `_bets` once more, for the sake of speed: with five bets by name, and `step` written out again in
`Betting.update`, a loss costs less than half a microsecond; with any number of them in `_bets.Stakes`, two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Five = tuple[float, float, float, float, float]
Ten = tuple[float, float, float, float, float, float, float, float, float, float]  # S and P of five bets

# As shares of 1 / limit: each suits rises within a factor of about two, from a twentieth of the limit on.
# The most that a loss of 0 can cost is the last one; after a block of `BLOCK` such losses its product is
# 0.6^1024 = 1e-227, which a float still holds to full precision.
SHARES: Five = (0.01, 0.025, 0.06, 0.15, 0.4)
BLOCK = 1024
# The most that a loss of 1 can win: four times the stake. Larger leaps, at limits below 0.13, overshoot what
# raises an alarm: at a limit of 0.02, false alarms were 16,000 updates apart where 10,000 were promised.
_LARGEST = 3.0

NOTHING: Ten = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0)


def bets(limit: float) -> Five:
    """Return the sizes of the bets against a mean of at most `limit`."""
    a, b, c, d, e = [min(share / limit, _LARGEST) for share in SHARES]
    return a, b, c, d, e


def factors(sizes: Five, above: float) -> Five:
    """Return what a loss that lies `above` the limit multiplies the stakes by."""
    a, b, c, d, e = sizes
    return 1.0 + a * above, 1.0 + b * above, 1.0 + c * above, 1.0 + d * above, 1.0 + e * above


def step(wealth: Ten, by: Five, stake: float) -> tuple[Ten, float]:
    """Return S and P after one update whose `factors` are `by`, and the wealth of all bets.

    Written out because it is what every update costs: a loop over the bets takes three times as long.
    """
    s, t, u, v, w, a, b, c, d, e = wealth
    f, g, h, i, j = by
    s += stake / a
    t += stake / b
    u += stake / c
    v += stake / d
    w += stake / e
    a *= f
    b *= g
    c *= h
    d *= i
    e *= j
    return (s, t, u, v, w, a, b, c, d, e), s * a + t * b + u * c + v * d + w * e


def rebased(wealth: Ten) -> Ten:
    """Return the same wealth at the beginning of a new block, where every P is 1."""
    s, t, u, v, w, a, b, c, d, e = wealth
    return s * a, t * b, u * c, v * d, w * e, 1.0, 1.0, 1.0, 1.0, 1.0


def advance(wealth: Ten, sizes: Five, above: Floats, stakes: Floats | float) -> tuple[Ten, Floats]:
    """Return S and P after many updates of one block, and the wealth of all bets after each of them."""
    running = np.empty((len(sizes), above.size + 1))
    running[:, 0] = wealth[5:]
    grown = running[:, 1:]
    np.multiply(np.array(sizes)[:, np.newaxis], above, out=grown)
    grown += 1.0
    with np.errstate(over="ignore"):
        np.multiply.accumulate(running, axis=1, out=running)
        owned = stakes / running[:, :-1]
        owned[:, 0] += wealth[:5]
        np.add.accumulate(owned, axis=1, out=owned)
        s, t, u, v, w = owned[:, -1].tolist()
        a, b, c, d, e = grown[:, -1].tolist()
        owned *= grown
        total = owned[0]
        for each in owned[1:]:  # one after another, as in `step`; `sum` adds a single column in pairs
            total = total + each
    return (s, t, u, v, w, a, b, c, d, e), total
