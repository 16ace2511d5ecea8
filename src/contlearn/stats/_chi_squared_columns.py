"""Pearson's statistic of many pairs of samples at once: the price of one call of numpy for all of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

SMALLEST = float(np.finfo(np.float64).tiny)


class Homogeneity(NamedTuple):
    """What `compare_columns` found, one entry per column.

    Attributes
    ----------
    n, m
        Rows of the two samples.
    p_value
        By the limit law; to be trusted where `smallest_expected` is not small.
    total_variation
        Share of rows that would have to change category to make the two samples alike.
    categories
        Number of categories that occur.
    effective_categories
        The number of equally likely categories in which chance makes the same total variation.
    smallest_expected
        The smallest expected count of a cell.
    """

    n: Counts
    m: Counts
    p_value: Floats
    total_variation: Floats
    categories: NDArray[np.int64]
    effective_categories: Floats
    smallest_expected: Floats


def compare_columns(before: Counts, after: Counts, sizes: NDArray[np.int64]) -> Homogeneity:
    """Compare two samples in many columns.

    Parameters
    ----------
    before, after
        Counts per category of the two samples, those of one column after those of another, both over the
        same categories. A category that does not occur changes nothing. Every column needs an observation
        on both sides.
    sizes
        Number of entries of each column.
    """
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    n, m = np.add.reduceat(before, starts), np.add.reduceat(after, starts)
    pooled = before + after
    occurs = pooled > 0
    difference = before / np.repeat(n, sizes) - after / np.repeat(m, sizes)
    weighed = np.divide(difference * difference, pooled, out=np.zeros(len(pooled)), where=occurs)
    statistic = n.astype(np.float64) * m * np.add.reduceat(weighed, starts)
    categories = np.add.reduceat(occurs.astype(np.int64), starts)
    rarest = np.minimum.reduceat(np.where(occurs, pooled, n.max() + m.max()), starts)
    p_value = special.chdtrc(np.maximum(categories - 1, 1), statistic)
    shares = pooled / np.repeat(n + m, sizes)
    spread = np.add.reduceat(np.sqrt(shares * (1.0 - shares)), starts)
    return Homogeneity(
        n=n,
        m=m,
        p_value=np.where(categories == 1, 1.0, np.clip(p_value, SMALLEST, 1.0)),
        total_variation=_total_variation(before, after, n, m, sizes, starts),
        categories=categories,
        effective_categories=1.0 + spread * spread,
        smallest_expected=rarest * (np.minimum(n, m) / (n + m)),
    )


def _total_variation(
    before: Counts, after: Counts, n: Counts, m: Counts, sizes: Counts, starts: Counts
) -> Floats:
    """Return the distance of the shares, in whole numbers where they fit: equal shares have distance 0."""
    if float(n.max()) * float(m.max()) < 2.0**61:
        gaps = np.abs(before * np.repeat(m, sizes) - after * np.repeat(n, sizes))
        exact: Floats = np.add.reduceat(gaps, starts) / (2 * n * m)
        return exact
    differences = np.abs(before / np.repeat(n, sizes) - after / np.repeat(m, sizes))
    distance: Floats = 0.5 * np.add.reduceat(differences, starts)
    return distance
