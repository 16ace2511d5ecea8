"""The witness function of the maximum mean discrepancy: where one sample is denser than the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._array_api import beside, namespace, on_host, taken, to_numpy
from contlearn.stats._kernels import N_GAUSSIAN, Floats, conditioned, factors

_SIDE, _DEVICE_SIDE = 384, 2048  # rows of a tile: as for sums over bins


def witness(
    x: Any,
    y: Any,
    among: NDArray[np.intp],
    median_distance: float,
    kernel: int,
    block: int = 1,
) -> Floats:
    """Return how much more alike each row of `y` is to other rows of `y` than to those of `x`.

    Parameters
    ----------
    x, y
        Rows with the same columns, in one place.
    among
        Positions of the rows of `y` that stand for all of them; ascending.
    median_distance
        Bandwidth of the widest kernel.
    kernel
        Which kernel of the ladder, the widest is 0; the one after the narrowest is that of the energy
        distance.
    block
        Rows of `y` that are nearer than so many rows are not compared; at 1, a row is not compared to itself.

    Returns
    -------
    ndarray of shape (rows of `y`,)
        Mean kernel value among the others in `y` less that in `x`; NaN where no others are left. For a
        Gaussian kernel between -1 and 1. The mean over `y` has expectation 0 where nothing differs.
    """
    xp, n = namespace(x), x.shape[0]
    rows, size = conditioned(xp.concat([x, y]))
    if size == 0.0 or median_distance == 0.0:
        return np.zeros(y.shape[0])
    left, right = factors(rows / (math.sqrt(2.0) * (median_distance / size)))
    lines, elsewhere, alike = left[n:, :], right[:n, :], taken(right[n:, :], among)
    side = _SIDE if isinstance(rows, np.ndarray) or on_host(rows) else _DEVICE_SIDE
    found = np.empty(y.shape[0])
    for begin in range(0, y.shape[0], side):
        places = np.arange(begin, min(begin + side, y.shape[0]))
        own = _mean_values(lines[begin : begin + len(places), :], alike, kernel, side, (places, among, block))
        other = _mean_values(lines[begin : begin + len(places), :], elsewhere, kernel, side)
        found[places] = own - other
    return found


def _mean_values(
    lines: Any,
    others: Any,
    kernel: int,
    side: int,
    apart: tuple[NDArray[np.intp], NDArray[np.intp], int] | None = None,
) -> Floats:
    """Return the mean kernel value of each row among `others`; only of those `apart`, where that counts."""
    xp = namespace(lines)
    sums, counts = np.zeros(lines.shape[0]), np.zeros(lines.shape[0])
    for begin in range(0, others.shape[0], side):
        end = min(begin + side, others.shape[0])
        values = _values(lines @ others[begin:end, :].T, kernel)
        counted = np.full(lines.shape[0], end - begin)
        if apart is not None:
            places, among, block = apart
            far = np.abs(places[:, np.newaxis] - among[begin:end]) >= block
            counted = np.count_nonzero(far, axis=1)
            if not far.all():
                values = values * beside(far.astype(np.float64), values)
        sums += to_numpy(xp.sum(values, axis=1))
        counts += counted
    means: Floats = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return means


def _values(squared: Any, kernel: int) -> Any:
    """Return kernel values from squared distances in units of twice the median squared distance."""
    xp = namespace(squared)
    squared = xp.maximum(squared, xp.zeros_like(squared))
    with np.errstate(under="ignore", over="ignore"):
        return -xp.sqrt(squared) if kernel == N_GAUSSIAN else xp.exp(-squared * 4.0**kernel)
