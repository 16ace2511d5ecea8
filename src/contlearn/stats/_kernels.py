"""Kernel values summed over pairs of bins: all that a permutation test of whole bins needs to know.

The matrix of all pairs is never stored. Tiles of it are computed in one small buffer, summed over the bins
and forgotten, so memory is O(tile + bins²), and each further kernel of the ladder costs one multiplication.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Squared bandwidths are the median squared distance times 1, 1/4, 1/16, 1/64, 1/256: each kernel is the one
# before to the fourth power, so that the whole ladder costs a single exponential. Steps of 1/2 down to 1/16
# have at most 0.02 more power where a distribution has one scale, and none where it has two (a change
# within clusters that are far apart: 0.38 against 0.04).
N_GAUSSIAN = 5
STEP = 2.0  # from one bandwidth to the next smaller

_TILE_SIDE = 384  # rows: two float64 buffers of 384 x 384 stay within the cache
_MEDIAN_ROWS = 512  # the pairs of so many rows fix the median distance to about a percent
_FARTHEST = 1e12  # typical sizes beyond which a coordinate is held, so that its square stays finite
_ROUNDING = 1e-13  # squared distance, in units of twice the median, that rounding alone can make


def conditioned(rows: Floats) -> tuple[Floats, float]:
    """Return `rows` centred and divided by their typical size, and that size (0.0 where all rows are equal).

    The centre is the median of each column. Subtracting it in float64 is what keeps a large common offset
    from eating the digits of the distances. The extremes of float64 neither overflow nor drown the bulk.
    """
    if np.abs(rows).max() > 1e300:
        smaller, size = conditioned(rows / 1024.0)
        return smaller, 1024.0 * size
    if (rows == rows[0]).all():
        return np.zeros_like(rows), 0.0
    rows = rows - np.median(rows, axis=0)
    reach = np.abs(rows).max(axis=1)
    size = float(np.median(reach)) or float(reach.max())
    with np.errstate(over="ignore"):
        return np.clip(rows / size, -_FARTHEST, _FARTHEST), size


def median_squared_distance(rows: Floats, rng: np.random.Generator) -> float:
    """Return the median squared distance of two different rows, over the pairs of a random subset of `rows`.

    Equal rows say nothing about the scale and are left out, else sparse data would have no bandwidth. The
    subset is drawn without regard to the sample that a row is from: the level of the test stays exact.
    """
    if len(rows) > _MEDIAN_ROWS:
        rows = rows[rng.choice(len(rows), _MEDIAN_ROWS, replace=False)]
    first, second = np.triu_indices(len(rows), k=1)
    squares = np.einsum("ij,ij->i", rows, rows)
    both = squares[first] + squares[second]
    distances = both - 2.0 * (rows @ rows.T)[first, second]
    different = distances[distances > 1e-12 * both]
    return float(np.median(different)) if len(different) else 1.0


def bin_pair_sums(rows: Floats, bin_size: int) -> Floats:
    """Return the sum of every kernel over the pairs of rows of every pair of bins.

    Parameters
    ----------
    rows
        Shape (bins * `bin_size`, columns), one bin after the other, in units of the square root of twice the
        median squared distance.
    bin_size
        Rows in a bin.

    Returns
    -------
    ndarray of shape (kernels, bins, bins)
        The Gaussian kernels, the widest first, then the energy kernel ``-|x - y|``. Symmetric. The pairing
        of a row with itself counts as 0.
    """
    n_bins = len(rows) // bin_size
    side = max(1, _TILE_SIDE // bin_size)
    sums = np.empty((N_GAUSSIAN + 1, n_bins, n_bins))
    left, right = _factors(rows)
    for i in range(0, n_bins, side):
        for j in range(i, n_bins, side):
            distances = _squared_distances(
                left[i * bin_size : (i + side) * bin_size], right[j * bin_size : (j + side) * bin_size]
            )
            for kernel, values in enumerate(_kernel_values(distances, same_rows=i == j)):
                tile = _summed(values, bin_size)
                sums[kernel, i : i + side, j : j + side] = tile
                sums[kernel, j : j + side, i : i + side] = tile.T
    return sums


def _factors(rows: Floats) -> tuple[Floats, Floats]:
    """Return two matrices whose product holds the squared distances, less what rounding alone can make."""
    squares = np.einsum("ij,ij->i", rows, rows)[:, None]
    ones = np.ones_like(squares)
    return np.hstack([-2.0 * rows, squares - _ROUNDING, ones]), np.hstack([rows, ones, squares])


def _squared_distances(left: Floats, right: Floats) -> Floats:
    distances: Floats = left @ right.T
    return np.maximum(distances, 0.0, out=distances)


def _kernel_values(distances: Floats, *, same_rows: bool) -> Iterator[Floats]:
    """Yield the tile under the Gaussian kernels, the widest first, then under the energy kernel.

    Every tile overwrites the one before: use it at once. The ones on the diagonal are left out here, not
    subtracted later, since the narrow kernels are far below the rounding of a sum with ones in it.
    """
    values = np.negative(distances)
    with np.errstate(under="ignore"):
        np.exp(values, out=values)
        if same_rows:
            np.fill_diagonal(values, 0.0)
            np.fill_diagonal(distances, 0.0)
        yield values
        for _ in range(N_GAUSSIAN - 1):
            np.multiply(values, values, out=values)
            np.multiply(values, values, out=values)
            yield values
    np.sqrt(distances, out=distances)
    yield np.negative(distances, out=distances)


def _summed(values: Floats, bin_size: int) -> Floats:
    """Return `values` summed over squares of `bin_size` rows and columns; down first, which is fast."""
    if bin_size == 1:
        return values
    n_rows, n_columns = values.shape
    thin = values.reshape(n_rows // bin_size, bin_size, n_columns).sum(axis=1)
    summed: Floats = thin.reshape(len(thin), n_columns // bin_size, bin_size).sum(axis=2)
    return summed
