"""Maximum mean discrepancy from sums of random features: the form that merges."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._mmd_effect import Precision
from contlearn.stats._quadratic_form import quadratic_form_limit, quadratic_form_tail
from contlearn.stats._random_features import ONE, FeatureMap, Moments, block_sums

Floats = NDArray[np.float64]

NOTHING_VARIES = 1e-9
"""A total variance of features, at most 1, below which all rows are equal."""

_HALVINGS = 60


class Law(NamedTuple):
    """What decides how far the means of two samples lie apart by chance, for each bandwidth.

    Attributes
    ----------
    weights
        Eigenvalues of the covariance of the features of one row, freed from what the noise of few rows adds;
        shape (bandwidths, features). Divided among independent rows they are the weights of the law.
    variance
        Total variance of the features of one row.
    squares
        Sum of the squared eigenvalues, free from noise.
    """

    weights: Floats
    variance: Floats
    squares: Floats


def law_of_rows(before: Moments, after: Moments) -> Law:
    """Return the law for independent rows, from the moments of all rows of both samples."""
    both = before.merge(after)
    n, unit = both.n, _unit(both.sums)
    means, products = both.sums / (n * unit), both.products / unit**2
    lengths = (means**2).sum(axis=1)
    # A row has length 1, so that its distance from the mean is known from its product with the mean.
    across = np.einsum("ki,kij,kj->k", means, products, means)
    fourth = n * (1.0 + lengths) ** 2 - 4.0 * (1.0 + lengths) * n * lengths + 4.0 * across
    return _law(products - n * means[:, :, None] * means[:, None, :], fourth, before.n, after.n)


def law_of_blocks(features: FeatureMap, rows: Floats, block: int) -> Law | None:
    """Return the law for rows that depend on those nearer than `block`; None below two blocks of `rows`.

    The covariance of sums over blocks of consecutive rows, per row, has the dependence within a block in it.
    """
    n_blocks = len(rows) // block
    if n_blocks < 2:
        return None
    sums = block_sums(features, rows, block)
    sums /= _unit(sums)
    sums = (sums - sums.mean(axis=1, keepdims=True)) / math.sqrt(block)
    fourth = ((sums**2).sum(axis=2) ** 2).sum(axis=1)
    law = _law(np.matmul(sums.transpose(0, 2, 1), sums), fourth, n_blocks // 2, n_blocks - n_blocks // 2)
    # Rows at the ends of neighbouring blocks depend on each other too; and few blocks know the noise badly.
    neighbours = (sums[:, 1:] * sums[:, :-1]).sum(axis=(1, 2))
    within = np.maximum((sums**2).sum(axis=(1, 2)), NOTHING_VARIES)
    factor = (1.0 + 2.0 * np.maximum(neighbours / within, 0.0)) * (1.0 + 2.0 / n_blocks)
    return Law(law.weights * factor[:, None], law.variance * factor, law.squares * factor**2)


def p_values(apart: Floats, law: Law, n: float, m: float) -> Floats:
    """Return the p-value for each bandwidth, from the squared distance of the means of `n` and `m` rows."""
    share = 1.0 / n + 1.0 / m
    beyond = apart / share - law.variance + law.weights.sum(axis=1)
    return np.where(law.variance > NOTHING_VARIES, quadratic_form_tail(beyond, law.weights), 1.0)


def squared_distances(before: Moments, after: Moments) -> Floats:
    """Return the squared distance of the mean features, for each bandwidth."""
    apart = (before.sums / before.n - after.sums / after.n) / _unit(after.sums)
    squared: Floats = (apart**2).sum(axis=1)
    return squared


def squared_effect(before: Moments, after: Moments) -> float:
    """Return the unbiased squared MMD under the widest kernel."""
    own = sum((1.0 - _length(each)) / each.n for each in (before, after))
    return float(squared_distances(before, after)[0]) - own


def inflation_of(law: Law, rows: Moments) -> float:
    """Return how many dependent rows are worth one independent row, at least 1, under the widest kernel."""
    independent = 1.0 - _length(rows)
    return max(1.0, float(law.variance[0]) / independent) if independent > NOTHING_VARIES else 1.0


def precision(before: Moments, after: Moments, law: Law, inflation: float) -> Precision:
    """Return how well `squared_effect` is known, where `inflation` dependent rows are worth one."""
    n, m = before.n, after.n
    apart = (before.sums[0] / n - after.sums[0] / m) / _unit(before.sums)
    witness = 4.0 * inflation * (_spread(before, apart) / n + _spread(after, apart) / m)
    share = 1.0 / n + 1.0 / m
    null = 2.0 * share**2 * float(law.squares[0])
    return Precision(null, witness, 4.0 * share * float(law.weights[0].max()))


def critical_effect(law: Law, n: float, m: float, level: float) -> float:
    """Return the squared MMD under the widest kernel at which its p-value is `level`."""
    weights = law.weights[0]
    mean = float(weights.sum())
    return (1.0 / n + 1.0 / m) * (quadratic_form_limit(level, weights) - mean)


def _unit(features: NDArray[np.generic]) -> float:
    """Return what features are divided by, so that those of a row have length 1."""
    return ONE * math.sqrt(features.shape[-1] / 2)


def _length(each: Moments) -> float:
    """Return the squared length of the expected features under the widest kernel, without bias."""
    total = float((each.sums[0].astype(np.float64) ** 2).sum()) / _unit(each.sums) ** 2
    return (total - each.n) / (each.n * (each.n - 1))


def _spread(each: Moments, direction: Floats) -> float:
    """Return the variance of the features along `direction` under the widest kernel."""
    square = direction @ (each.products[0] / _unit(each.sums) ** 2) @ direction / each.n
    mean = float(direction @ each.sums[0]) / (each.n * _unit(each.sums))
    return max(0.0, float(square) - mean**2) * each.n / (each.n - 1)


def _law(centred: Floats, fourth: Floats, n: int, m: int) -> Law:
    """Return the law from samples of `n` and `m` units: products of features, and sum of their lengths**4."""
    eigenvalues = np.maximum(np.linalg.eigvalsh(centred / (n + m - 1)), 0.0)
    total, trace = ((n + m - 1) * eigenvalues) ** 2, (n + m - 1) * eigenvalues
    squares = _squares(total.sum(axis=1), trace.sum(axis=1), fourth, n, m)
    return Law(_freed(eigenvalues, squares), eigenvalues.sum(axis=1), squares)


def _squares(total: Floats, trace: Floats, fourth: Floats, n: int, m: int) -> Floats:
    """Return the sum of squared eigenvalues that gives the statistic the variance it has under relabeling.

    `total` is the sum of all squared centred kernel values, `trace` and `fourth` are the sums of those of a
    unit with itself and of their squares. The variance is that over all divisions of the units into `n` and
    `m`, exact and free from the noise that few units add to the eigenvalues.
    """
    factors = [(n - i) / (n + m - i) if n > i and n + m > i else 0.0 for i in range(4)]
    one, two, three, four = np.cumprod(factors)  # that one, two, ... units are all called X
    square = fourth * (one - 7.0 * two + 12.0 * three - 6.0 * four)
    square += (trace**2 + 2.0 * total) * (two - 2.0 * three + four)
    variance = np.maximum(square - (trace * (one - two)) ** 2, 0.0)
    return np.asarray(variance / (2.0 * (n * m / (n + m)) ** 2))


def _freed(eigenvalues: Floats, squares: Floats) -> Floats:
    """Return `eigenvalues` less what makes their squares sum to `squares`, none below 0.

    Noise of few units spreads over all eigenvalues alike, which would make chance look larger than it is.
    """
    low, high = np.zeros(len(eigenvalues)), eigenvalues.max(axis=1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        above = (np.maximum(eigenvalues - middle[:, None], 0.0) ** 2).sum(axis=1) > squares
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.maximum(eigenvalues - low[:, None], 0.0)
