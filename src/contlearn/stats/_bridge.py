"""The law of a squared Brownian bridge: sums of lambda_j Z_j^2 for independent standard normal Z_j."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

PAIRS = 4
"""Pairs of eigenvalues whose shares of the tail are integrated: the fifth has less than 1e-12 of it."""

NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(32)

BRIDGE: Floats = np.square(1.0 / (math.pi * np.arange(1.0, 101.0)))
"""The largest eigenvalues of the Brownian bridge on [0, 1], ..."""

BRIDGE_MEAN = 1.0 / 6.0
BRIDGE_REST = BRIDGE_MEAN - float(BRIDGE.sum())
"""... and the sum of the others, which is as good as a constant."""

FAR = 74.0
"""Twice the logarithm of what no float sees beside 1."""


class Law(NamedTuple):
    """The law of `scale` times (`rest` plus the sum of eigenvalues times squared standard normals).

    Attributes
    ----------
    eigenvalues
        From the largest; None for those of the Brownian bridge on [0, 1], 1 / (pi j)^2.
    scale, rest
        As above.
    """

    eigenvalues: Floats | None = None
    scale: float = 1.0
    rest: float = 0.0

    @property
    def largest(self) -> float:
        """Variance of the direction in which it varies most."""
        return self.scale * float((BRIDGE if self.eigenvalues is None else self.eigenvalues)[0])

    @property
    def mean(self) -> float:
        """Expectation."""
        total = BRIDGE_MEAN if self.eigenvalues is None else float(self.eigenvalues.sum())
        return self.scale * (total + self.rest)

    def tail(self, x: float) -> float:
        """Return the probability of more than `x`, right to many digits however small."""
        x = x / self.scale - self.rest
        if self.eigenvalues is None:
            return _tail(x - BRIDGE_REST, BRIDGE)
        return _tail(x, self.eigenvalues)

    def quantile(self, chance: float) -> float:
        """Return the value that is exceeded with probability `chance`, at most a half."""
        if self.eigenvalues is None:
            return self.scale * (_bridge_quantile(chance) + self.rest)
        return self.scale * (_quantile(chance, self.eigenvalues) + self.rest)


def tied(shares: Floats, weights: Floats) -> Floats:
    """Return the eigenvalues of the bridge seen at `shares`, which ascend between 0 and 1, with `weights`.

    Costs O(k^3) for k of them.
    """
    root = np.sqrt(weights)
    covariance = np.minimum.outer(shares, shares) - np.outer(shares, shares)
    eigenvalues = np.linalg.eigvalsh(root[:, None] * covariance * root)[::-1]
    present: Floats = eigenvalues[eigenvalues > 1e-12 * eigenvalues[0]]
    return present


def _tail(x: float, eigenvalues: Floats) -> float:
    """Return the tail of the sum, by Smirnov's formula.

    Between the reciprocals of the first and second, third and fourth eigenvalue and so on lie its terms, of
    alternating sign.
    """
    if x <= 0.0:
        return 1.0
    roots = 1.0 / eigenvalues[: 2 * PAIRS]
    if len(roots) % 2:  # one so small that it does not matter closes the last pair
        roots = np.append(roots, 1e6 * (roots[-1] + FAR / x))
    start, end = roots[0::2, None], roots[1::2, None]
    angle = np.arcsin(np.sqrt(np.minimum(1.0, FAR / (x * (end - start)))))
    y = start + (end - start) * np.sin(angle * 0.5 * (NODES + 1.0)) ** 2
    own = np.arange(len(start))[:, None, None] == np.arange(len(eigenvalues)) // 2
    others = np.prod(np.where(own, 1.0, np.abs(1.0 - eigenvalues * y[:, :, None])), axis=2)
    inside = np.exp(-0.5 * x * (y - start)) * np.sqrt(start * end) / (y * np.sqrt(others))
    terms = np.exp(-0.5 * x * start[:, 0]) * angle[:, 0] * (inside @ NODE_WEIGHTS) / math.pi
    return min(1.0, max(0.0, float(terms[0::2].sum() - terms[1::2].sum())))


def _quantile(chance: float, eigenvalues: Floats) -> float:
    largest = 2.0 * float(eigenvalues[0])
    x = max(_quantile_by_moments(chance, eigenvalues), 0.1 * largest)
    for _ in range(20):
        step = largest * math.log(max(_tail(x, eigenvalues), 1e-300) / max(chance, 1e-300))
        x += step
        if abs(step) < 1e-6 * x:
            break
    return x


@functools.lru_cache(maxsize=256)
def _bridge_quantile(chance: float) -> float:
    return _quantile(chance, BRIDGE) + BRIDGE_REST


def _quantile_by_moments(chance: float, eigenvalues: Floats) -> float:
    """Return the quantile of a shifted gamma law of the same first three moments (Buckley, Eagleson)."""
    first, second, third = (float((eigenvalues**power).sum()) for power in (1, 2, 3))
    freedom = second**3 / third**2
    away = float(special.chdtri(freedom, chance)) - freedom
    return first + math.sqrt(second / freedom) * away
