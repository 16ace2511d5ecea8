"""The chi-squared test of many pairs of samples at once: the price of one call of numpy for all of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn.stats._chi_squared_cells import Statistic, categories
from contlearn.stats._chi_squared_tail import tail
from contlearn.stats._ks_law import SMALLEST

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

SMALL_EXPECTATION, LARGE_EXPECTATION = 5.0, 200.0
"""Below the first, the limit law is not used; from the second on in every cell, it holds however far out."""

BODY = 0.05
"""A p-value of the limit law above this is right within a tenth or so where expected counts are not small."""

MANY = 12
"""Categories among which chance averages out, so that the limit law holds further out."""


class Pairs(NamedTuple):
    """Counts per category of two samples of several columns; one column after the other.

    Both samples are counted over the same categories. A category that occurs in neither changes nothing.
    Every column needs an observation on both sides.
    """

    before: Counts
    after: Counts
    sizes: Counts

    @property
    def starts(self) -> Counts:
        """Where each column begins."""
        starts: Counts = np.cumsum(self.sizes) - self.sizes
        return starts

    def column(self, place: int) -> tuple[Counts, Counts]:
        """Return the counts of one column, of the categories that occur."""
        end = int(self.sizes[: place + 1].sum())
        rows = slice(end - int(self.sizes[place]), end)
        before, after = self.before[rows], self.after[rows]
        occurs = before + after > 0
        return before[occurs], after[occurs]


class Homogeneity(NamedTuple):
    """What `compare_columns` found, one entry per column.

    Attributes
    ----------
    n, m
        Rows of the two samples.
    statistic
        Divided by the design effect.
    p_value
        Above 0.
    total_variation
        Share of rows that would have to change category to make the two samples alike.
    categories
        Number of categories that occur.
    effective_categories
        The number of equally likely categories in which chance makes the same total variation.
    """

    n: Counts
    m: Counts
    statistic: Floats
    p_value: Floats
    total_variation: Floats
    categories: Counts
    effective_categories: Floats


def compare_columns(
    pairs: Pairs, levels: Floats, statistic: Statistic = "pearson", effects: Floats | float = 1.0
) -> Homogeneity:
    """Compare two samples in many columns.

    Parameters
    ----------
    pairs
        The counts.
    levels
        Level at which each column is tested: p-values near it are those of the conditional law.
    statistic
        What is added up.
    effects
        Design effect of each column, at least 1: how many of its rows are worth one independent row. The
        statistic is divided by it (Rao and Scott), and its law is that of as many rows fewer.
    """
    before, after, sizes = pairs
    starts = pairs.starts
    n, m = np.add.reduceat(before, starts), np.add.reduceat(after, starts)
    pooled = before + after
    occurs = pooled > 0
    k = np.add.reduceat(occurs.astype(np.int64), starts)
    found = np.add.reduceat(_added(statistic, pairs, n, m, pooled, occurs), starts) / effects
    rarest = np.minimum.reduceat(np.where(occurs, pooled, n.max() + m.max()), starts)
    expected = rarest * (np.minimum(n, m) / (n + m)) / effects
    limit = special.chdtrc(np.maximum(k - 1, 1), found)
    p_value = _matched(limit, found, k, (n / effects, m / effects), expected, pairs, effects)
    for place in np.flatnonzero(_near(limit, p_value, levels, k, expected, statistic)).tolist():
        effect = float(np.broadcast_to(effects, len(sizes))[place])
        p_value[place] = _conditional(*pairs.column(place), float(found[place]), effect, statistic)
    shares = pooled / np.repeat(n + m, sizes)
    spread = np.add.reduceat(np.sqrt(shares * (1.0 - shares)), starts)
    return Homogeneity(
        n=n,
        m=m,
        statistic=found,
        p_value=np.where(k == 1, 1.0, np.clip(p_value, SMALLEST, 1.0)),
        total_variation=_total_variation(before, after, n, m, sizes, starts),
        categories=k,
        effective_categories=1.0 + spread * spread,
    )


def _added(
    statistic: Statistic, pairs: Pairs, n: Counts, m: Counts, pooled: Counts, occurs: NDArray[np.bool_]
) -> Floats:
    """Return what each category adds to the statistic."""
    sizes = pairs.sizes
    if statistic != "pearson":
        expected = np.where(occurs, pooled, 1) * np.repeat(m / (n + m), sizes)
        total = np.where(occurs, pooled, 1)
        added = categories(statistic, pairs.after, total, expected, total - expected)
        return np.where(occurs, np.maximum(added, 0.0), 0.0)
    difference = pairs.before / np.repeat(n, sizes) - pairs.after / np.repeat(m, sizes)
    weighed = np.divide(difference * difference, pooled, out=np.zeros(len(pooled)), where=occurs)
    scaled: Floats = weighed * np.repeat(n.astype(np.float64) * m, sizes)
    return scaled


def _matched(
    limit: Floats,
    found: Floats,
    k: Counts,
    rows: tuple[Floats, Floats],
    expected: Floats,
    pairs: Pairs,
    effects: Floats | float,
) -> Floats:
    """Return limit p-values; where expected counts are small, by the law of the same mean and variance.

    These are the exact ones of Pearson's statistic, given the sums of the table (Haldane).
    """
    small = expected < SMALL_EXPECTATION
    if not small.any():
        return limit.copy()
    n, m = rows
    total = n + m
    pooled = pairs.before + pairs.after
    reciprocals = np.divide(1.0, pooled, out=np.zeros(len(pooled)), where=pooled > 0)
    inverse = np.add.reduceat(reciprocals, pairs.starts) * effects
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total * (k - 1.0) / (total - 1.0)
        across, along = (total - 2.0) / (total - 1.0), (k - 1.0) * (total - k) / (total - 1.0)
        rare_rows = (total * (1.0 / n + 1.0 / m) - 4.0) / (total - 2.0)
        rare = (total * inverse - k * k) / (total - 2.0)
        variance = 2.0 * total / (total - 3.0) * (across - rare_rows) * (along - rare)
        variance += total**2 / (total - 1.0) * rare_rows * rare
        matched = special.gammaincc(mean * mean / variance, found * mean / variance)
    usable = small & (k > 1) & (total > 4.0) & (variance > 0.0)
    return np.where(usable, matched, limit)


def _near(
    limit: Floats, p_value: Floats, levels: Floats, k: Counts, expected: Floats, statistic: Statistic
) -> NDArray[np.bool_]:
    """Return which columns need the conditional law: those whose p-value may lie on either side of the level.

    Far out, chance makes large distances several times more often than the limit law says. So nothing near
    the level rests on it, only what is clearly above or clearly below, or in the body of the law.

    Above: a p-value that does not reject cannot hurt the level. Ten times the level is above what most later
    steps of a correction ask for. With many categories, among which chance averages out, three times will do.

    Where expected counts are small, the matched law is used for many categories only, and in its body: far
    out it is too small as well, never too large.

    Below: where expected counts are not small, the exact p-value is less than the square root of the limit
    one (checked to 1e-24), so what is below the square of the level would be rejected by the exact one, too.
    """
    small = expected < SMALL_EXPECTATION
    factor = np.where(k > MANY, 3.0, 10.0)
    near = p_value <= np.maximum(levels, np.minimum(BODY, factor * levels))
    near |= small & ((k <= MANY) | (p_value <= np.minimum(4.0 * BODY, 4.0 * levels)))
    if statistic != "pearson":
        near |= small
    settled = (expected >= LARGE_EXPECTATION) | (~small & (limit <= levels * levels))
    result: NDArray[np.bool_] = near & ~settled & (k > 1)
    return result


def _conditional(before: Counts, after: Counts, found: float, effect: float, statistic: Statistic) -> float:
    total, rows = independent(before + after, int(after.sum()), effect)
    return tail(total, rows, found, statistic)


def independent(total: Counts, rows: int, effect: float) -> tuple[Counts, int]:
    """Return the sums of a table of independent rows that says as much: `effect` times fewer of them."""
    if effect <= 1.0:
        return total, rows
    total = np.maximum(1, np.rint(total / effect).astype(np.int64))
    return total, min(max(1, round(rows / effect)), int(total.sum()) - 1)


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
