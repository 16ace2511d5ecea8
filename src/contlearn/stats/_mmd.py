"""The kernel two-sample test: maximum mean discrepancy over a ladder of kernels, by permutation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

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

_N_BINS = 128  # in both samples together: more of them gain no power that could be measured
_SMALLER_BINS = 32  # about so many in the smaller sample at least, as far as it has the rows
_MOST_UNEQUAL = 8  # rows of the larger sample per row of the smaller: more of them add less than an eighth
_ALWAYS_USED = 256  # rows of the larger sample that cost nothing
_AT_ONCE = 1024  # relabelings in one matrix product, which bounds the memory
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
        are not comparable to a common scale first.
    n_permutations
        Number of random relabelings; the smallest possible p-value is 1 / (n_permutations + 1). Where no more
        distinct relabelings exist, all are enumerated instead.
    rng
        Seed or generator for bins and relabelings. The same seed gives the same answer.

    Returns
    -------
    MMDResult
        A named tuple that begins with `statistic` and `p_value`. Where all rows are equal, 0.0 and 1.0.

    Raises
    ------
    InvalidInputError
        If a sample is not a table of finite numbers, has less than two rows, or other columns than the other.
    InvalidParameterError
        If `n_permutations` is not a positive integer, or `rng` seeds no generator.

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
    x, y = _samples(X, Y)
    n_permutations = _checks.count("n_permutations", n_permutations)
    rng = _checks.generator("rng", rng)
    bin_size, x_bins, y_bins = _plan(len(x), len(y))
    n, m = bin_size * x_bins, bin_size * y_bins
    rows, size = conditioned(np.concatenate([_drawn(x, n, rng), _drawn(y, m, rng)]))
    if size == 0.0:
        return MMDResult(0.0, 1.0, 0.0, (0.0,) * (N_GAUSSIAN + 1), (0.0,) * N_GAUSSIAN, 0.0, n, m, 0)
    median = median_squared_distance(rows, rng)
    sums = bin_pair_sums(rows / math.sqrt(2.0 * median), bin_size)
    relabelings = _relabelings(x_bins, y_bins, n_permutations, rng)
    squared = np.concatenate([_mmd_squared(sums, members, n, m) for members in relabelings], axis=1)
    scores = _scores(squared, np.abs(sums).sum(axis=(1, 2)) / (n + m) ** 2)
    return _result(squared[:, 0], scores, size * math.sqrt(median), n, m)


def smallest_p_value(n: int, m: int, n_permutations: int) -> float:
    """Return the smallest p-value that `mmd` can give for samples of `n` and `m` rows."""
    if min(n, m) < 2:
        return 1.0
    _, x_bins, y_bins = _plan(n, m)
    alike = 2 if x_bins == y_bins else 1  # exchanging equally large samples changes nothing
    return max(1.0 / (n_permutations + 1), alike / math.comb(x_bins + y_bins, x_bins))


def _samples(X: ArrayLike, Y: ArrayLike) -> tuple[Floats, Floats]:
    x, y = _table("X", X), _table("Y", Y)
    if x.shape[1] != y.shape[1]:
        _checks.bad_data("Y", f"have {x.shape[1]} columns as X has", f"{y.shape[1]}")
    return x, y


def _table(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        _checks.bad_data(name, "be a table of rows and columns", f"an array of shape {array.shape}")
    if len(array) < 2:
        _checks.bad_data(name, "have at least 2 rows", f"{len(array)}")
    if array.dtype.kind not in "biuf":
        _checks.bad_data(name, "be numeric", f"dtype {array.dtype}", "encode it as numbers first")
    table = array.astype(np.float64)
    if not np.isfinite(table).all():
        _checks.bad_data(name, "be finite", "NaN or infinity", "drop or impute these rows first")
    return table


def _plan(n: int, m: int) -> tuple[int, int, int]:
    """Return the common number of rows in a bin, and the number of bins of each sample."""
    most = max(_MOST_UNEQUAL * min(n, m), _ALWAYS_USED)
    n, m = min(n, most), min(m, most)
    bin_size = max(1, min((n + m) // _N_BINS, round(min(n, m) / _SMALLER_BINS)))
    return bin_size, n // bin_size, m // bin_size


def _drawn(sample: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Return `n` rows of `sample` in random order, so that consecutive rows make a random bin."""
    return sample[rng.permutation(len(sample))[:n]]


def _relabelings(x_bins: int, y_bins: int, n_permutations: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield matrices whose columns mark with 1 the bins called X: the samples as they are come first."""
    n_bins = x_bins + y_bins
    as_it_is = np.arange(n_bins) < x_bins
    if math.comb(n_bins, x_bins) <= n_permutations + 1:
        every = np.array(list(itertools.combinations(range(n_bins), x_bins)))
        marks = np.zeros((len(every), n_bins))
        np.put_along_axis(marks, every, 1.0, axis=1)
        yield marks.T  # in lexicographic order, which begins with the first bins
        return
    yield as_it_is[:, None].astype(np.float64)
    for begin in range(0, n_permutations, _AT_ONCE):
        rows = np.tile(as_it_is, (min(_AT_ONCE, n_permutations - begin), 1))
        yield rng.permuted(rows, axis=1, out=rows).T.astype(np.float64)


def _mmd_squared(sums: Floats, members: Floats, n: int, m: int) -> Floats:
    """Return the unbiased squared MMD, one row per kernel and one column per column of `members`."""
    of_bins = sums.sum(axis=2)
    inside = np.stack([np.einsum("ij,ij->j", members, kernel @ members) for kernel in sums])
    across = of_bins @ members - inside
    outside = of_bins.sum(axis=1, keepdims=True) - 2.0 * across - inside
    squared: Floats = inside / (n * (n - 1)) + outside / (m * (m - 1)) - 2.0 * across / (n * m)
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
