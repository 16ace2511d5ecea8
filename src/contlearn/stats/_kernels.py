"""Kernel values summed over pairs of bins: all that a permutation test of whole bins needs to know.

The matrix of all pairs is never stored. Tiles of it are computed in one small buffer, summed over the bins
and forgotten, so memory is O(tile + bins²), and each further kernel of the ladder costs one multiplication.

Rows may be a numpy array or one of another library. The latter are computed with where they lie, by the same
steps but for buffers being used twice; only the sums over bins are brought to numpy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._array_api import is_single, median, namespace, on_host, taken, to_numpy

Floats = NDArray[np.float64]

# Squared bandwidths are the median squared distance times 1, 1/4, 1/16, 1/64, 1/256: each kernel is the one
# before to the fourth power, so that the whole ladder costs a single exponential. Steps of 1/2 down to 1/16
# have at most 0.02 more power where a distribution has one scale, and none where it has two (a change
# within clusters that are far apart: 0.38 against 0.04).
N_GAUSSIAN = 5
STEP = 2.0  # from one bandwidth to the next smaller

_TILE_SIDE = 384  # rows: two float64 buffers of 384 x 384 stay within the cache
_DEVICE_TILE_SIDE = 2048  # rows: an accelerator wants much to do at once; some 32 MB a buffer
_GAPS_AT_ONCE = 4096  # gaps between numbers: some megabytes of counts
_MEDIAN_ROWS = 512  # the pairs of so many rows fix the median distance to about a percent
_FARTHEST = 1e12  # typical sizes beyond which a coordinate is held, so that its square stays finite
_ROUNDING = 1e-13  # squared distance, in units of twice the median, that rounding alone can make
_SINGLE_ROUNDING = 1e-6  # the same where a device has no float64


def conditioned(rows: Any) -> tuple[Any, float]:
    """Return `rows` centred and divided by their typical size, and that size (0.0 where all rows are equal).

    The centre is the median of each column. Subtracting it in float64 is what keeps a large common offset
    from eating the digits of the distances. The extremes of float64 neither overflow nor drown the bulk.
    """
    xp = namespace(rows)
    if not is_single(rows) and xp.max(xp.abs(rows)) > 1e300:
        smaller, size = conditioned(rows / 1024.0)
        return smaller, 1024.0 * size
    if xp.all(rows == rows[:1, :]):
        return xp.zeros_like(rows), 0.0
    rows = rows - median(rows)
    reach = xp.max(xp.abs(rows), axis=1)
    size = float(median(reach)) or float(xp.max(reach))
    with np.errstate(over="ignore"):
        return xp.clip(rows / size, -_FARTHEST, _FARTHEST), size


def median_squared_distance(rows: Any, rng: np.random.Generator) -> float:
    """Return the median squared distance of two different rows, over the pairs of a random subset of `rows`.

    Equal rows say nothing about the scale and are left out, else sparse data would have no bandwidth. The
    subset is drawn without regard to the sample that a row is from: the level of the test stays exact.
    """
    if rows.shape[0] > _MEDIAN_ROWS:
        rows = taken(rows, rng.choice(rows.shape[0], _MEDIAN_ROWS, replace=False))
    return (_median_here if isinstance(rows, np.ndarray) else _median_there)(rows)


def bin_pair_sums(rows: Any, bin_size: int, n_gaussian: int = N_GAUSSIAN) -> Floats:
    """Return the sum of every kernel over the pairs of rows of every pair of bins.

    Parameters
    ----------
    rows
        Shape (bins * `bin_size`, columns), one bin after the other, in units of the square root of twice the
        median squared distance.
    bin_size
        Rows in a bin.
    n_gaussian
        How many Gaussian kernels of the ladder to sum.

    Returns
    -------
    ndarray of shape (`n_gaussian` + 1, bins, bins)
        The Gaussian kernels, the widest first, then the energy kernel ``-|x - y|``. Symmetric. The pairing
        of a row with itself counts as 0.
    """
    n_bins = rows.shape[0] // bin_size
    here = isinstance(rows, np.ndarray)
    side = max(1, (_TILE_SIDE if here or on_host(rows) else _DEVICE_TILE_SIDE) // bin_size)
    kernel_values = _values_here if here else _values_there
    sums = np.empty((n_gaussian + 1, n_bins, n_bins))
    left, right = factors(rows)
    for i in range(0, n_bins, side):
        rows_i = left[i * bin_size : min(i + side, n_bins) * bin_size, :]
        for j in range(i, n_bins, side):
            distances = rows_i @ right[j * bin_size : min(j + side, n_bins) * bin_size, :].T
            for kernel, values in enumerate(kernel_values(distances, n_gaussian, same_rows=i == j)):
                tile = to_numpy(_summed(values, bin_size))
                sums[kernel, i : i + side, j : j + side] = tile
                sums[kernel, j : j + side, i : i + side] = tile.T
    return sums


def distance_sum(left: Any, right: Any) -> float:
    """Return the sum of the distances of all rows of `left` from all rows of `right`."""
    total = 0.0
    if not left.shape[0] or not right.shape[0]:
        return total
    side = _TILE_SIDE if isinstance(left, np.ndarray) or on_host(left) else _DEVICE_TILE_SIDE
    first, second = factors(left)[0], factors(right)[1]
    for i in range(0, left.shape[0], side):
        for j in range(0, right.shape[0], side):
            tile = first[i : min(i + side, left.shape[0]), :] @ second[j : min(j + side, right.shape[0]), :].T
            xp = namespace(tile)
            total += float(xp.sum(xp.sqrt(xp.maximum(tile, xp.zeros_like(tile)))))
    return total


def line_pair_sums(values: Floats, bin_size: int) -> Floats:
    """Return the distances of numbers summed over pairs of bins, in time that grows like their sorting.

    Two numbers are apart by the gaps between neighbours that lie between them, so a gap counts once for each
    pair that has one number at each side of it.
    """
    n_bins = len(values) // bin_size
    order = np.argsort(values)
    bins, gaps = order // bin_size, np.diff(values[order])
    sums, below = np.zeros((n_bins, n_bins)), np.zeros((n_bins, 1))
    for begin in range(0, len(gaps), _GAPS_AT_ONCE):
        width = len(gaps[begin : begin + _GAPS_AT_ONCE])
        steps = np.zeros((n_bins, width))
        steps[bins[begin : begin + width], np.arange(width)] = 1.0
        counts = below + np.cumsum(steps, axis=1)
        apart = (counts * gaps[begin : begin + width]) @ (bin_size - counts).T
        sums += apart + apart.T
        below = counts[:, -1:]
    return sums


def factors(rows: Any) -> tuple[Any, Any]:
    """Return two matrices whose product holds the squared distances, less what rounding alone can make."""
    xp = namespace(rows)
    squares = xp.sum(rows * rows, axis=1, keepdims=True)
    ones = xp.ones_like(squares)
    rounding = _SINGLE_ROUNDING if is_single(rows) else _ROUNDING
    left, right = [-2.0 * rows, squares - rounding, ones], [rows, ones, squares]
    return xp.concat(left, axis=1), xp.concat(right, axis=1)


def _values_here(distances: Floats, n_gaussian: int, *, same_rows: bool) -> Iterator[Floats]:
    """Yield the tile under the Gaussian kernels, the widest first, then under the energy kernel.

    Every tile overwrites the one before: use it at once. The ones on the diagonal are left out here, not
    subtracted later, since the narrow kernels are far below the rounding of a sum with ones in it.
    """
    np.maximum(distances, 0.0, out=distances)
    if n_gaussian:
        values = np.negative(distances)
        with np.errstate(under="ignore"):
            np.exp(values, out=values)
            if same_rows:
                np.fill_diagonal(values, 0.0)
            yield values
            for _ in range(n_gaussian - 1):
                np.multiply(values, values, out=values)
                np.multiply(values, values, out=values)
                yield values
    if same_rows:
        np.fill_diagonal(distances, 0.0)
    np.sqrt(distances, out=distances)
    yield np.negative(distances, out=distances)


def _values_there(distances: Any, n_gaussian: int, *, same_rows: bool) -> Iterator[Any]:
    """Yield the same for arrays of another library, of which nothing may be overwritten."""
    xp = namespace(distances)
    distances = xp.maximum(distances, xp.zeros_like(distances))
    others = 1.0
    if same_rows:
        n_rows = distances.shape[0]
        others = 1.0 - xp.eye(n_rows, dtype=distances.dtype, device=distances.device)
    if n_gaussian:
        values = xp.exp(-distances) * others
        yield values
        for _ in range(n_gaussian - 1):
            values = values * values
            values = values * values
            yield values
    yield -xp.sqrt(distances * others)


def _median_here(rows: Floats) -> float:
    first, second = np.triu_indices(len(rows), k=1)
    squares = np.einsum("ij,ij->i", rows, rows)
    both = squares[first] + squares[second]
    distances = both - 2.0 * (rows @ rows.T)[first, second]
    different = distances[distances > 1e-12 * both]
    return float(np.median(different)) if len(different) else 1.0


def _median_there(rows: Any) -> float:
    xp = namespace(rows)
    squares = xp.sum(rows * rows, axis=1, keepdims=True)
    both = squares + squares.T
    distances = both - 2.0 * (rows @ rows.T)
    places = xp.arange(rows.shape[0], device=rows.device)
    counted = (places[:, None] < places[None, :]) & (distances > (1e-6 if is_single(rows) else 1e-12) * both)
    n_counted = int(xp.sum(xp.astype(counted, rows.dtype)))
    if n_counted == 0:
        return 1.0
    far = xp.full_like(distances, math.inf)
    ordered = xp.sort(xp.reshape(xp.where(counted, distances, far), (-1,)))
    return (float(ordered[(n_counted - 1) // 2]) + float(ordered[n_counted // 2])) / 2.0


def _summed(values: Any, bin_size: int) -> Any:
    """Return `values` summed over squares of `bin_size` rows and columns; down first, which is fast."""
    if bin_size == 1:
        return values
    xp = namespace(values)
    n_rows, n_columns = values.shape
    thin = xp.sum(xp.reshape(values, (n_rows // bin_size, bin_size, n_columns)), axis=1)
    parts = (n_rows // bin_size, n_columns // bin_size, bin_size)
    return xp.sum(xp.reshape(thin, parts), axis=2)
