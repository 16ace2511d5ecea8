"""One p-value from several of unknown dependence, by the Cauchy combination."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

_LARGEST = 0.99  # a p-value near 1 is no evidence against the others
_SMALLEST = 1e-15  # below, the tangent of its complement is its reciprocal to all digits


def cauchy_combination(p_values: ArrayLike) -> float:
    """Return the p-value of the mean of ``tan(pi * (1/2 - p))``, whose tail hardly depends on dependence.

    References
    ----------
    Liu and Xie (2020), "Cauchy combination test: a powerful test with analytic p-value calculation under
    arbitrary dependency structures".
    """
    given = np.asarray(p_values, dtype=np.float64)
    if given.min() >= _LARGEST:
        return float(given.min())
    p = np.clip(given, 1e-300, _LARGEST)
    tangents = np.where(p < _SMALLEST, 1.0 / (np.pi * p), np.tan(np.pi * (0.5 - p)))
    mean = float(tangents.mean())
    if mean > 1.0 / _SMALLEST:
        return 1.0 / (math.pi * mean)
    return 0.5 - math.atan(mean) / math.pi
