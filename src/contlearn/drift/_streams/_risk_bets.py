"""Seven bets against "the mean loss, given the past, is at most `limit`", one by one and in array form.

A bet of size b multiplies its stake by L = 1 + b (loss - limit), b below 1 / limit, so that its mean given the
past is at most 1 while the mean loss is at most `limit`. With a new stake w_t put down before every update,
its wealth is M_t = L_t (M_{t-1} + w_t). Two ways to stake (Shin, Ramdas and Rinaldo, 2023):

- w_t = 1, Shiryaev-Roberts: the mean of M_t is at most t, so "M_t >= c" takes at least c updates on average;
- w_t = 1 / (t (t + 1)), which adds up to 1: by Ville's inequality M_t ever reaches 1 / alpha with probability
  at most alpha, and a change after t updates is found as if its stake had been w_t.

Here M_t = P_t S_t with P_t = P_{t-1} L_t and S_t = S_{t-1} + w_t / P_{t-1}: a running product and a running
sum, which a loop and an array form alike, bit for bit. P runs over a block of updates only, and starts at 1
again, so that it does not vanish; if it overflows, so does the evidence, and stays infinite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Seven = tuple[float, float, float, float, float, float, float]

# As shares of 1 / limit. The most that a loss of 0 can cost is the last one; after a block of `BLOCK` such
# losses its product is 0.6^1024 = 1e-227, which a float still holds to full precision.
SHARES: Seven = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
BLOCK = 1024


NOTHING: Seven = (0.0,) * 7
ONES: Seven = (1.0,) * 7


def bets(limit: float) -> Seven:
    """Return the sizes of the bets against a mean of at most `limit`."""
    a, b, c, d, e, f, g = (share / limit for share in SHARES)
    return a, b, c, d, e, f, g


def factors(sizes: Seven, above: float) -> Seven:
    """Return what a loss that lies `above` the limit multiplies the stakes by."""
    a, b, c, d, e, f, g = sizes
    return (
        1.0 + a * above, 1.0 + b * above, 1.0 + c * above, 1.0 + d * above,
        1.0 + e * above, 1.0 + f * above, 1.0 + g * above,
    )  # fmt: skip


def step(sums: Seven, products: Seven, by: Seven, stake: float) -> tuple[Seven, Seven, float]:
    """Return S and P after one update whose `factors` are `by`, and the wealth of all bets.

    Written out because it is what every update costs: a loop over the bets takes three times as long.
    """
    s, t, u, v, w, x, y = sums
    a, b, c, d, e, f, g = products
    h, i, j, k, l, m, n = by  # noqa: E741
    s += stake / a
    t += stake / b
    u += stake / c
    v += stake / d
    w += stake / e
    x += stake / f
    y += stake / g
    a *= h
    b *= i
    c *= j
    d *= k
    e *= l
    f *= m
    g *= n
    total = s * a + t * b + u * c + v * d + w * e + x * f + y * g
    return (s, t, u, v, w, x, y), (a, b, c, d, e, f, g), total


def rebased(sums: Seven, products: Seven) -> Seven:
    """Return the S of the same wealth at the beginning of a new block, where P is `ONES`."""
    s, t, u, v, w, x, y = sums
    a, b, c, d, e, f, g = products
    return s * a, t * b, u * c, v * d, w * e, x * f, y * g


def advance(
    sums: Seven, products: Seven, sizes: Seven, above: Floats, stakes: Floats | float
) -> tuple[Seven, Seven, Floats]:
    """Return S and P after many updates of one block, and the wealth of all bets after each of them.

    After a wealth that has become infinite, nothing is said.
    """
    running = np.empty((len(sizes), above.size + 1))
    running[:, 0] = products
    grown = running[:, 1:]
    np.multiply(np.array(sizes)[:, np.newaxis], above, out=grown)
    grown += 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        np.cumprod(running, axis=1, out=running)
        added = stakes / running[:, :-1]
        added[:, 0] += sums
        np.cumsum(added, axis=1, out=added)
        last_sums, last_products = tuple(added[:, -1].tolist()), tuple(grown[:, -1].tolist())
        added *= grown
        total = added[0]
        for each in added[1:]:  # one after another, as `step` does
            total = total + each
    return last_sums, last_products, np.where(np.isnan(total), np.inf, total)
