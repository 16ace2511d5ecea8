"""The kernel two-sample test: maximum mean discrepancy over a ladder of kernels, by permutation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contlearn import _checks
from contlearn.stats._kernels import (
    N_GAUSSIAN,
    STEP,
    Floats,
    bin_pair_sums,
    conditioned,
    median_squared_distance,
)
from contlearn.stats._relabelings import Bins, binned, divided, plan, relabelings, smallest_p_value
from contlearn.stats._samples import samples

__all__ = ["MMDResult", "Measured", "measured", "mmd", "smallest_p_value"]

_TIE = 1e-9  # two relabelings with the same statistic differ by rounding only


class MMDResult(NamedTuple):
    """The outcome of `mmd`.

    Attributes
    ----------
    statistic
        Largest standardised discrepancy over the kernels: standard deviations above the mean of the
        relabelings. No unit; where nothing differs about 0.6, and above 2.7 once in twenty times.
    p_value
        ``(1 + k) / (B + 1)``, with k of B relabelings at least as extreme as the samples; or the exact share,
        the samples included, where so few relabelings exist that all of them were looked at.
    effect
        MMD under the Gaussian kernel with the median bandwidth, cut off at 0: from 0 (no difference) to at
        most the square root of 2 (samples far apart). The root of the first of `mmd_squared`.
    mmd_squared
        Unbiased estimates of the squared MMD, which can be negative: one for each of `bandwidths`, then that
        of the energy kernel, which is the energy distance in the unit of the data.
    bandwidths
        Bandwidths of the Gaussian kernels ``exp(-|x - y|**2 / (2 * bandwidth**2))``, in the unit of the data,
        the median distance first.
    bandwidth
        Bandwidth of the kernel that gave the statistic; None where that was the energy kernel.
    n_x, n_y
        Rows of each sample that were used.
    n_permutations
        Relabelings that the samples were compared with.
    """

    statistic: float
    p_value: float
    effect: float
    mmd_squared: tuple[float, ...]
    bandwidths: tuple[float, ...]
    bandwidth: float | None
    n_x: int
    n_y: int
    n_permutations: int


def mmd(
    X: ArrayLike,
    Y: ArrayLike,
    n_permutations: int = 999,
    rng: int | np.random.Generator | None = 0,
    *,
    block: int | None = None,
) -> MMDResult:
    """Test whether two samples of rows come from the same distribution, by maximum mean discrepancy.

    The discrepancy is measured with six kernels at once: Gaussian ones with 1, 1/2, 1/4, 1/8 and 1/16 of the
    median distance as bandwidth, and the energy kernel, which has none. A wide kernel sees shifts of the
    mean, a narrow one changes of spread, of dependence and within clusters. The statistic is the largest of
    the six after each was standardised by its relabelings. With exchangeable rows the rate of p <= alpha is
    at most alpha at every sample size, and equal to it but for ties and for p taking steps.

    Relabelings move whole bins of rows, of one size in both samples, so that their number hardly costs
    anything. Rows are put into bins at random. Left out at random are less than one bin of either sample, and
    what the larger sample has beyond eight times the smaller and beyond 256 rows.

    Parameters
    ----------
    X, Y
        The samples, shape (rows, columns) or (rows,): finite numbers, at least two rows each. Distances are
        Euclidean in the units given, so a column of large numbers outweighs the others: bring columns that
        are not comparable to a common scale first. Tensors of torch, and arrays of any library that keeps
        the array API standard, are computed with on the device where they lie, both on the same.
    n_permutations
        Number of random relabelings; the smallest possible p-value is 1 / (n_permutations + 1). Where no more
        distinct relabelings exist, all are enumerated instead.
    rng
        Seed or generator for bins and relabelings. The same seed gives the same answer.
    block
        For rows in order of time, of which those nearer than `block` rows depend on each other: blocks of so
        many consecutive rows stay together in every relabeling, and pairs within a bin are not counted.

    Returns
    -------
    MMDResult
        A named tuple that begins with `statistic` and `p_value`. Where all rows are equal, 0.0 and 1.0.

    Raises
    ------
    InvalidInputError
        If a sample is not a table of finite numbers, has less than two rows or less than one block, or other
        columns than the other.
    InvalidParameterError
        If `n_permutations` or `block` is not a positive integer, or `rng` seeds no generator.
    MissingDependencyError
        If a tensor of torch or an array of CuPy comes without the package array-api-compat.

    Notes
    -----
    Time is O((n + m)² (d + 20)), half of it saved by symmetry, and some milliseconds per 1000 relabelings,
    whatever the number of rows. Memory is that of some copies of the rows, and some megabytes. All arithmetic
    is in float64 on centred rows: a constant added to every row changes nothing but the last digits.

    References
    ----------
    Gretton, Borgwardt, Rasch, Schölkopf and Smola (2012), "A kernel two-sample test", for the discrepancy.
    Domingo-Enrich, Dwivedi and Mackey (2025), "Cheap permutation testing", arXiv 2502.07672, for the bins.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.stats import mmd
    >>> rng = np.random.default_rng(7)
    >>> X = rng.normal(size=(300, 2))
    >>> mmd(X, rng.normal(size=(200, 2))).p_value > 0.05
    True
    >>> shared = rng.normal(size=(200, 1))  # the same two distributions, but no longer independent
    >>> mmd(X, np.hstack([shared, shared])).p_value
    0.001
    """
    x, y = samples(X, Y, block)
    n_permutations = _checks.count("n_permutations", n_permutations)
    return measured(x, y, n_permutations, _checks.generator("rng", rng), block).result


class Measured(NamedTuple):
    """All that `mmd` looked at.

    Attributes
    ----------
    result
        What `mmd` returns.
    sums
        Kernel values summed over pairs of bins, shape (kernels, bins, bins); those within a bin are 0 where
        rows come in blocks.
    bins
        How many bins of which size the samples were divided into; those of X come first.
    squared
        Unbiased squared MMD of every kernel and relabeling; the samples as they are come first.
    largest
        The statistic of every relabeling.
    """

    result: MMDResult
    sums: Floats
    bins: Bins
    squared: Floats
    largest: Floats


def measured(
    x: Any, y: Any, n_permutations: int, rng: np.random.Generator, block: int | None = None
) -> Measured:
    """Return all that `mmd` looks at, for samples whose rows are known to be usable."""
    bins = plan(x.shape[0], y.shape[0], block or 1)
    n, m = bins.size * bins.x, bins.size * bins.y
    rows, size = conditioned(binned(x, y, bins, rng, block or 1))
    if size == 0.0:
        return _nothing_differs(bins)
    median = median_squared_distance(rows, rng)
    sums = bin_pair_sums(rows / math.sqrt(2.0 * median), bins.size)
    own = 1
    if block is not None and block > 1:  # what depends within a block is no discrepancy
        own = bins.size
        sums[:, np.arange(bins.x + bins.y), np.arange(bins.x + bins.y)] = 0.0
    drawn = relabelings(bins, n_permutations, rng)
    squared = np.concatenate([_mmd_squared(sums, members, n, m, own) for members in drawn], axis=1)
    scores = _scores(squared, np.abs(sums).sum(axis=(1, 2)) / (n + m) ** 2)
    result = _result(squared[:, 0], scores, size * math.sqrt(median), n, m)
    return Measured(result, sums, bins, squared, scores.max(axis=0))


def _nothing_differs(bins: Bins) -> Measured:
    """Return the answer for rows that are all equal."""
    n, m = bins.size * bins.x, bins.size * bins.y
    result = MMDResult(0.0, 1.0, 0.0, (0.0,) * (N_GAUSSIAN + 1), (0.0,) * N_GAUSSIAN, 0.0, n, m, 0)
    sums = np.zeros((N_GAUSSIAN + 1, bins.x + bins.y, bins.x + bins.y))
    return Measured(result, sums, bins, np.zeros((N_GAUSSIAN + 1, 1)), np.zeros(1))


def _mmd_squared(sums: Floats, members: Floats, n: int, m: int, own: int) -> Floats:
    """Return the unbiased squared MMD, one row per kernel and one column per column of `members`.

    A row is paired with all others of its sample but for `own` ones, itself included.
    """
    inside, across, outside = divided(sums, members)
    pairs_inside, pairs_outside = max(1, n * (n - own)), max(1, m * (m - own))
    squared: Floats = inside / pairs_inside + outside / pairs_outside - 2.0 * across / (n * m)
    return squared


def _scores(squared: Floats, size: Floats) -> Floats:
    """Return `squared` standardised over the relabelings, the samples themselves included.

    Since every column is treated alike, the largest score is as exchangeable as the relabelings are. A kernel
    whose values differ by rounding only (`size` is its mean absolute value) says nothing and scores 0.
    """
    spread = squared.std(axis=1, keepdims=True)
    speaks = spread > 1e-12 * size[:, None]
    away = squared - squared.mean(axis=1, keepdims=True)
    scores: Floats = np.divide(away, spread, out=np.zeros_like(away), where=speaks)
    return scores


def _result(squared: Floats, scores: Floats, median_distance: float, n: int, m: int) -> MMDResult:
    largest = scores.max(axis=0)
    as_extreme = np.count_nonzero(largest >= largest[0] - _TIE * (1.0 + abs(largest[0])))
    bandwidths = tuple(median_distance * STEP**-k for k in range(N_GAUSSIAN))
    energy = float(squared[-1]) * math.sqrt(2.0) * median_distance
    return MMDResult(
        statistic=float(largest[0]),
        p_value=float(as_extreme / len(largest)),
        effect=math.sqrt(max(0.0, float(squared[0]))),
        mmd_squared=(*squared[:-1].tolist(), energy),
        bandwidths=bandwidths,
        bandwidth=(*bandwidths, None)[int(scores[:, 0].argmax())],
        n_x=n,
        n_y=m,
        n_permutations=len(largest) - 1,
    )
