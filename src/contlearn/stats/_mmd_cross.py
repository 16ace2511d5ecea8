"""Maximum mean discrepancy across halves: a studentised mean with a limit law, and no relabelings.

One half of each sample says in which direction the two differ, the other half whether they differ there.
Given the former, the latter is a difference of two means.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn.stats._cauchy import cauchy_combination
from contlearn.stats._kernels import (
    N_GAUSSIAN,
    _values_here,
    conditioned,
    factors,
    median_squared_distance,
)
from contlearn.stats._mmd_effect import Precision, detectable_effect

Floats = NDArray[np.float64]

FEWEST = 25
"""Independent rows (or blocks) in each half below which the law does not hold."""

_FEWEST_CARRIERS = 10.0  # values without which a mean has no normal law
_TILE = 384  # rows: a tile of kernel values stays within the cache
_ROUNDING = 1e-12  # relative standard error that rounding alone can make
_LOOKED_AT = 64  # rows of each sample from which the largest eigenvalue of the kernel is estimated


class CrossResult(NamedTuple):
    """The outcome of `mmd_cross`.

    Attributes
    ----------
    statistic
        The largest of the studentised discrepancies, one for each kernel.
    p_value
        The Cauchy combination of the p-values of all kernels.
    squared
        Estimate of the squared MMD under the Gaussian kernel with the median bandwidth; it can be negative.
    precision
        How well `squared` is known.
    bandwidth
        That bandwidth, in the unit of the data.
    """

    statistic: float
    p_value: float
    squared: float
    precision: Precision
    bandwidth: float


class _Halves(NamedTuple):
    """Rows of both samples: first halves, second halves, and how many of X are in each."""

    first: Floats
    second: Floats
    x_first: int
    x_second: int


class _Means(NamedTuple):
    """Mean kernel values of single rows with the other half, for each kernel.

    Attributes
    ----------
    at_first, at_second
        Shape (kernels, rows, 2): the mean over the X rows and over the Y rows of the other half.
    squares
        Of the widest kernel: sums of its squares over X or Y rows of the first and of the second half.
    """

    at_first: Floats
    at_second: Floats
    squares: Floats


class _Difference(NamedTuple):
    """A difference of two means, with its variance in several ways, and the degrees of freedom of `pooled`.

    `carriers` is how many values carry the variance: the inverse of the sum of their squared shares.
    `plain` takes rows for independent; `pooled` takes both samples for one, which they are without a change.
    """

    mean: float
    variance: float
    plain: float
    pooled: float
    freedom: float
    carriers: float


def mmd_cross(x: Floats, y: Floats, rng: np.random.Generator, block: int | None = None) -> CrossResult:
    """Test whether two samples of rows come from the same distribution, by the cross-MMD.

    The statistic is that of Shekhar, Kim and Ramdas for the kernels of `contlearn.stats.mmd`, compared with
    Student's law; the p-values of the kernels are combined by Cauchy's law. Kernels so narrow that a handful
    of rows has all the variance have no such law, and are left out.

    Parameters
    ----------
    x, y
        Finite numbers, shape (rows, columns); at least two rows (or two blocks) in each half.
    rng
        Draws the halves.
    block
        Rows are in the order of time, and those nearer than `block` depend on each other: halves are earlier
        and later rows, and the noise is that of means over blocks.

    References
    ----------
    Shekhar, Kim and Ramdas (2022), "A permutation-free kernel two-sample test", arXiv 2211.14908.
    """
    size_of_block = block or 1
    halves = _halved(x, y, rng, size_of_block)
    rows, size = conditioned(np.concatenate([halves.first, halves.second]))
    if size == 0.0:
        return CrossResult(0.0, 1.0, 0.0, Precision(0.0, 0.0, 0.0), 0.0)
    median = median_squared_distance(rows, rng)
    rows = rows / math.sqrt(2.0 * median)
    halves = halves._replace(first=rows[: len(halves.first)], second=rows[len(halves.first) :])
    means = _mean_kernels(halves)
    there = [_difference(each, halves.x_first, size_of_block) for each in means.at_first]
    back = _difference(means.at_second[0], halves.x_second, size_of_block)
    least = _rarest(len(halves.first) // size_of_block, halves.x_first // size_of_block)
    heard = [each for each in there if each is there[0] or each.carriers >= _FEWEST_CARRIERS]
    scores = [_studentised(each) for each in heard]
    p_values = [_p_value(score, each.freedom) for score, each in zip(scores, heard, strict=True)]
    within, plain = there[0].variance + back.variance, there[0].plain + back.plain
    inflation = within / plain if plain > 0.0 else 1.0
    return CrossResult(
        statistic=max(scores),
        p_value=max(least, cauchy_combination(p_values)),
        squared=there[0].mean,
        precision=Precision(
            null=min(_expected_square(halves, means) * inflation**2, within / 2.0),
            witness=within,
            largest=2.0 * _largest_eigenvalue(halves) * _share(halves) * inflation,
        ),
        bandwidth=size * math.sqrt(median),
    )


def least_independent(n: int, m: int, block: int | None = None) -> int:
    """Return how many independent rows (or blocks) the smallest half of samples of so many rows has."""
    return min(n, m) // (block or 1) // 2


def detectable_cross(result: CrossResult, level: float) -> float:
    """Return the squared MMD that is found four times in five at `level`."""
    quantile = -float(special.ndtri(level))
    found = 0.0
    for _ in range(60):  # the limit grows with the discrepancy, since noise does
        noise = result.precision.null + result.precision.largest * found / 2.0
        found = detectable_effect(quantile * math.sqrt(noise), result.precision)
    return found


def _halved(x: Floats, y: Floats, rng: np.random.Generator, block: int) -> _Halves:
    """Return halves of whole blocks: rows at random, or earlier and later blocks."""
    direction = rng.normal(size=(x.shape[1],))
    parts: list[Floats] = []
    for sample in (x, y):
        used = len(sample) // block
        half = used // 2 * block
        rows = sample[: used * block]
        if block == 1:
            rows = _in_an_order(rows, direction)[rng.permutation(used)]
        parts += [rows[:half], rows[half:]]
    x_first, x_second, y_first, y_second = parts
    first, second = np.concatenate([x_first, y_first]), np.concatenate([x_second, y_second])
    return _Halves(first, second, len(x_first), len(x_second))


def _in_an_order(rows: Floats, direction: Floats) -> Floats:
    """Return `rows` in an order of their own, so that the same rows make the same halves."""
    with np.errstate(over="ignore", invalid="ignore"):
        return rows[np.argsort(rows @ direction, kind="stable")]


def _mean_kernels(halves: _Halves) -> _Means:
    """Return mean kernel values, from tiles of kernel values that are used at once and forgotten."""
    left, right = factors(halves.first)[0], factors(halves.second)[1]
    own, other = _members(len(left), halves.x_first), _members(len(right), halves.x_second)
    at_first, at_second = (np.zeros((N_GAUSSIAN + 1, len(rows), 2)) for rows in (left, right))
    squares = np.zeros((2, 2))
    for i in range(0, len(left), _TILE):
        rows = slice(i, i + _TILE)
        for j in range(0, len(right), _TILE):
            columns = slice(j, j + _TILE)
            tile = left[rows] @ right[columns].T
            for kernel, values in enumerate(_values_here(tile, N_GAUSSIAN, same_rows=False)):
                at_first[kernel, rows] += values @ other[columns]
                at_second[kernel, columns] += values.T @ own[rows]
                if kernel == 0:
                    squares += own[rows].T @ values**2 @ other[columns]
    return _Means(at_first / other.sum(axis=0), at_second / own.sum(axis=0), squares)


def _members(n_rows: int, x_rows: int) -> Floats:
    """Return 1 in the first column for the rows of X, and in the second for those of Y."""
    of_x = (np.arange(n_rows) < x_rows).astype(np.float64)
    return np.column_stack([of_x, 1.0 - of_x])


def _difference(means: Floats, x_rows: int, block: int) -> _Difference:
    """Return the difference of the means of the witness at the rows of X and of Y, in means over blocks."""
    witness = means[:, 0] - means[:, 1]
    blocks = witness.reshape(-1, block).mean(axis=1)
    x, y = blocks[: x_rows // block], blocks[x_rows // block :]
    if min(len(x), len(y)) < 2:
        return _Difference(float(x.mean() - y.mean()), 0.0, 0.0, 0.0, 1.0, math.inf)
    variance = float(x.var(ddof=1)) / len(x) + float(y.var(ddof=1)) / len(y)
    plain = sum(float(each.var()) / len(each) for each in (witness[:x_rows], witness[x_rows:]))
    freedom = len(x) + len(y) - 2
    pooled = (len(x) * float(x.var()) + len(y) * float(y.var())) / freedom * (1.0 / len(x) + 1.0 / len(y))
    squares = np.concatenate([x - x.mean(), y - y.mean()]) ** 2
    carriers = float(squares.sum()) ** 2 / float((squares**2).sum() or 1.0) or math.inf
    return _Difference(float(x.mean() - y.mean()), variance, plain, pooled, freedom, carriers)


def _studentised(difference: _Difference) -> float:
    """Return the difference in standard errors; what differs without any spread is infinitely many away."""
    mean, pooled = difference.mean, difference.pooled
    if pooled <= (_ROUNDING * mean) ** 2:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / math.sqrt(pooled)


def _rarest(units: int, of_x: int) -> float:
    """Return the share of one relabeling among all: no test of exchangeable units can show more."""
    logarithm = special.gammaln(of_x + 1) + special.gammaln(units - of_x + 1) - special.gammaln(units + 1)
    return max(math.exp(logarithm), 1e-300)


def _p_value(score: float, freedom: float) -> float:
    return float(special.stdtr(freedom, -score)) if math.isfinite(score) else float(score < 0.0)


def _expected_square(halves: _Halves, means: _Means) -> float:
    """Return the variance of the squared MMD that its noise has by itself, from centred kernel values."""
    own, other = _members(len(halves.first), halves.x_first), _members(len(halves.second), halves.x_second)
    total = 0.0
    for i, first in enumerate(own.T > 0.0):
        for j, second in enumerate(other.T > 0.0):
            rows, columns = means.at_first[0, first, j], means.at_second[0, second, i]
            n, m = len(rows), len(columns)
            centred = means.squares[i, j] - m * (rows**2).sum() - n * (columns**2).sum()
            total += max(0.0, float(centred + n * m * rows.mean() ** 2)) / (n * m) ** 2
    return total


def _largest_eigenvalue(halves: _Halves) -> float:
    """Return the most that a witness of length 1 can vary over rows, under the widest kernel."""
    x, y = (half[:_LOOKED_AT] for half in (halves.first[: halves.x_first], halves.first[halves.x_first :]))
    rows = np.concatenate([x, y])
    with np.errstate(under="ignore"):
        kernel = np.exp(-np.maximum(factors(rows)[0] @ factors(rows)[1].T, 0.0))
    for side in (slice(0, len(x)), slice(len(x), len(rows))):
        kernel[side] -= kernel[side].mean(axis=0)
        kernel[:, side] -= kernel[:, side].mean(axis=1, keepdims=True)
    return float(np.linalg.eigvalsh(kernel)[-1]) / len(rows)


def _share(halves: _Halves) -> float:
    return 1.0 / halves.x_first + 1.0 / (len(halves.first) - halves.x_first)
