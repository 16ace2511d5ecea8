"""How far chance alone takes two samples of one source apart, in bins that were cut from one of them."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._binomial import log_choose
from contlearn.stats._divergences import Divergence, Floats

Whole = NDArray[np.int64]

CELLS = 20_000_000
"""Cells that may be drawn for one p-value, about a second of work, ..."""

MOST_DRAWS, FEWEST_OF_MOST = 100_000, 999
"""... but no more than so many samples, and always so many where the level asks for them."""

OWN, SHARED = 4.0, 40.0
"""So many draws may be expected beyond the level: more where columns and batches share their luck."""

CELLS_AT_ONCE = 500_000
"""Cells held in memory at a time: 4 MB for each of a few arrays."""

ROUNDING = 1e-9
"""Relative difference below which two statistics are taken for equal."""


class Law(Protocol):
    """What can be drawn under the hypothesis that both samples have one source."""

    @property
    def cells(self) -> int:
        """Cells of one draw."""

    def draw(self, divergence: Divergence, draws: int, rng: np.random.Generator) -> Floats:
        """Return the divergence of so many pairs of samples."""

    def least(self, divergence: Divergence) -> float:
        """Return a p-value below which no sample of this size can come."""


class Chance(NamedTuple):
    """A p-value of drawn samples, and what kept it from being as small as it had to be."""

    p_value: float
    enough: bool = True
    remarks: tuple[str, ...] = ()


class Gaps(NamedTuple):
    """Bins whose limits are quantiles of a reference without ties: the law is known, whatever the source.

    The n values of the reference leave n + 1 gaps, and new values of the same source fall into them as
    balls into Polya's urn; a bin is a run of gaps, the last has one more than it has values. So has a bin
    without values, next to one that is a bin of its own.

    Attributes
    ----------
    before
        Rows of the reference in each bin; fractions where they are worth fewer.
    rows
        Rows that are new.
    """

    before: tuple[float, ...]
    rows: int

    @property
    def cells(self) -> int:
        """Cells of one draw."""
        return 3 * len(self.before)

    @property
    def _gaps(self) -> Floats:
        gaps = np.array(self.before, dtype=np.float64)
        gaps[:-1][gaps[:-1] == 0.0] = 1.0
        gaps[-1] += 1.0
        return gaps

    def draw(self, divergence: Divergence, draws: int, rng: np.random.Generator) -> Floats:
        """Return the divergence of so many pairs of samples."""
        shares = rng.standard_gamma(self._gaps, size=(draws, len(self.before)))
        shares /= shares.sum(axis=1, keepdims=True)
        return divergence.of_counts(np.array(self.before)[None, :], rng.multinomial(self.rows, shares))

    def least(self, divergence: Divergence) -> float:
        """Return the smallest p-value, that of all rows in the bin where this is most extreme."""
        corners = self.rows * np.eye(len(self.before))
        statistic = divergence.of_counts(np.array(self.before)[None, :], corners)
        gaps = self._gaps
        total = float(gaps.sum())
        logarithms = [_log_rising(gap, self.rows) - _log_rising(total, self.rows) for gap in gaps.tolist()]
        extreme = statistic >= statistic.max() * (1.0 - ROUNDING)
        return min(1.0, float(np.exp(np.array(logarithms)[extreme]).sum()))


class Dealt(NamedTuple):
    """Categories, each a bin of its own: given how often each occurs, all deals are equally likely.

    Which categories the reference has, and which of them are rare there, is found anew in every deal.

    Attributes
    ----------
    pooled
        Rows of each category on both sides together.
    n
        Rows of the reference.
    rarest
        Categories with at most so many rows of the reference share one bin; those without any share another.
    """

    pooled: Whole
    n: int
    rarest: int

    @property
    def cells(self) -> int:
        """Cells of one draw."""
        return int(np.count_nonzero(self.pooled > 1)) + 3

    def draw(self, divergence: Divergence, draws: int, rng: np.random.Generator) -> Floats:
        """Return the divergence of so many pairs of samples."""
        # Of categories with one row it is enough to know on which side how many of them are.
        several = np.sort(self.pooled[self.pooled > 1])
        single = int(np.count_nonzero(self.pooled == 1))
        available = np.append(several, single)
        after = _deal(available, int(available.sum()) - self.n, draws, rng)
        before = available - after
        single_before, single_after = before[:, -1], after[:, -1]
        before, after = before[:, :-1], after[:, :-1]
        new, rare = before == 0, (before > 0) & (before <= self.rarest)
        few = np.zeros((4, draws), dtype=np.int64)  # before and after: rare, new
        few[0], few[2] = (before * rare).sum(axis=1), (after * rare).sum(axis=1)
        few[3] = (after * new).sum(axis=1) + single_after
        few[0] += single_before if self.rarest else 0
        one, none = np.ones((draws, 1), dtype=np.int64), np.zeros((draws, 1), dtype=np.int64)
        single_bins = none if self.rarest else single_before[:, None]
        return divergence.of_counts(
            np.hstack((one, few[:2].T, before)),
            np.hstack((none, few[2:].T, after)),
            times=np.hstack((single_bins, one, one, ~(new | rare))),
        )

    def least(self, divergence: Divergence) -> float:  # noqa: ARG002 - no sample of this size does better
        """Return the probability of one deal."""
        total = int(self.pooled.sum())
        return math.exp(-float(log_choose(total, self.n))) * (2.0 if total == 2 * self.n else 1.0)


class DealtInOrder(NamedTuple):
    """Numbers with ties: all ways to deal them are equally likely, and every deal cuts its own bins.

    A reference of few distinct values has each of them as a bin, like categories; others have quantiles.

    Attributes
    ----------
    pooled
        Rows of each distinct value on both sides together, in the order of the values.
    n
        Rows of the reference.
    bins
        Bins that the quantiles of the reference are to make.
    """

    pooled: Whole
    n: int
    bins: int

    @property
    def cells(self) -> int:
        """Cells of one draw."""
        return 4 * len(self.pooled) + self.bins

    def draw(self, divergence: Divergence, draws: int, rng: np.random.Generator) -> Floats:
        """Return the divergence of so many pairs of samples."""
        after = _deal(self.pooled, int(self.pooled.sum()) - self.n, draws, rng)
        before = self.pooled - after
        few = np.count_nonzero(before, axis=1) <= self.bins
        found = np.empty(draws)
        found[few] = divergence.of_counts(*_with_new(before[few], after[few]))
        before, after = before[~few], after[~few]
        if len(before):
            cuts = _edges(before, self.bins)
            found[~few] = divergence.of_counts(_between_cuts(before, cuts), _between_cuts(after, cuts))
        return found

    def least(self, divergence: Divergence) -> float:  # noqa: ARG002 - no sample of this size does better
        """Return the probability of one deal."""
        total = int(self.pooled.sum())
        return math.exp(-float(log_choose(total, self.n))) * (2.0 if total == 2 * self.n else 1.0)


def cut_places(counts: Whole, bins: int) -> Whole:
    """Return which values, by their place, are the upper limits of the bins but the last one.

    Parameters
    ----------
    counts
        Rows of each value of the reference, in the order of the values, along the last axis.
    bins
        Bins to be made of about equal numbers of rows; some limits may be the same. The largest value that
        occurs is one only if it has more rows than a bin should have; else the one below it is taken instead,
        -1 if there is none.
    """
    n = int(counts[0].sum())
    reached = np.cumsum(counts, axis=1)
    ranks = -(-np.arange(1, bins) * n // bins)
    apart = (n + 1) * np.arange(len(counts))[:, None]  # so that all rows together are sorted
    found = np.searchsorted((reached + apart).ravel(), (ranks + apart).ravel())
    places = found.reshape(len(counts), -1) - counts.shape[1] * np.arange(len(counts))[:, None]
    top, below = _last(counts), _last(np.where(reached < n, counts, 0))
    last = np.where(_alone(counts, top[:, None], bins)[:, 0], top, below)
    limits: Whole = np.minimum(places, last[:, None])
    return limits


def _edges(counts: Whole, bins: int) -> Whole:
    """Return the limits, and those right below each value that has more rows than a bin should have.

    Such a value is a bin of its own, whatever comes to lie next to it.
    """
    limits = cut_places(counts, bins)
    edges: Whole = np.sort(np.hstack((limits, limits - _alone(counts, limits, bins))), axis=1)
    return edges


def _alone(counts: Whole, places: Whole, bins: int) -> NDArray[np.bool_]:
    found = np.take_along_axis(counts, np.maximum(places, 0), axis=1)
    alone: NDArray[np.bool_] = (found * bins > int(counts[0].sum())) & (places >= 0)
    return alone


def _with_new(before: Whole, after: Whole) -> tuple[Whole, Whole]:
    """Return the counts with those of values that the reference does not have put into one bin, the last."""
    new = np.where(before == 0, after, 0)
    return (
        np.hstack((before, np.zeros((len(before), 1), dtype=np.int64))),
        np.hstack((after - new, new.sum(axis=1, keepdims=True))),
    )


def _last(counts: Whole) -> Whole:
    """Return the last place that is not empty, -1 if all are."""
    last = counts.shape[1] - 1 - np.argmax(counts[:, ::-1] > 0, axis=1)
    return np.where(counts.any(axis=1), last, -1)


def _between_cuts(counts: Whole, cuts: Whole) -> Whole:
    reached = np.zeros((len(counts), counts.shape[1] + 1), dtype=np.int64)
    np.cumsum(counts, axis=1, out=reached[:, 1:])
    at_cuts = np.take_along_axis(reached, cuts + 1, axis=1)
    return np.diff(at_cuts, axis=1, prepend=0, append=reached[:, -1:])


def chance(divergence: Divergence, law: Law, statistic: float, level: float, seed: int | None) -> Chance:
    """Return how often chance makes the divergence at least `statistic`, by drawing.

    Drawing goes on, afresh, while fewer than ten draws were as far off, until p could fall well below
    `level`. That keeps the level: p <= t needs, for a t at which drawing would have stopped, such a p from
    this draw, and for a smaller t from the next.
    """
    least = statistic * (1.0 - ROUNDING) - ROUNDING * ROUNDING
    most = min(MOST_DRAWS, max(FEWEST_OF_MOST, CELLS // law.cells))
    fine = SHARED if isinstance(law, Gaps) else OWN
    last = min(most, max(999, math.ceil(fine / level) - 1))
    for draws in (99, 999, last):
        drawn = _sorted_draws(divergence, law, draws, seed)
        p_value = (1 + draws - int(np.searchsorted(drawn, least))) / (1 + draws)
        if p_value > 10.0 / (draws + 1) or (draws >= 999 and fine / (draws + 1) <= level):
            break
    # Asked of the most draws that there could have been: a batch in which nothing happens, and drawing stops
    # early, must not look as if a change would have been found.
    if 1.0 / (last + 1) <= level:
        return Chance(p_value)
    return Chance(p_value, False, (f"p cannot fall below {1.0 / (last + 1):.2g}: {last} samples drawn",))


def _sorted_draws(divergence: Divergence, law: Law, draws: int, seed: int | None) -> Floats:
    # The law of gaps depends on no data but the numbers of rows: many columns and batches can share draws.
    if isinstance(law, Gaps) and seed is not None:
        return _remembered_draws(divergence, law, draws, seed >> 32)
    rng = np.random.default_rng(None if seed is None else (seed, draws))
    return _draws(divergence, law, draws, rng)


@functools.lru_cache(maxsize=32)
def _remembered_draws(divergence: Divergence, law: Gaps, draws: int, seed: int) -> Floats:
    return _draws(divergence, law, draws, np.random.default_rng((seed, draws)))


def _draws(divergence: Divergence, law: Law, draws: int, rng: np.random.Generator) -> Floats:
    block = max(1, CELLS_AT_ONCE // law.cells)
    parts = [law.draw(divergence, min(block, draws - start), rng) for start in range(0, draws, block)]
    drawn = np.sort(np.concatenate(parts))
    drawn.flags.writeable = False
    return drawn


def _deal(available: Whole, rows: int, draws: int, rng: np.random.Generator) -> Whole:
    """Deal `rows` of those `available` by category, row by row or category by category."""
    by_row = rows <= 10 * len(available) and int(available.sum()) <= 1_000_000
    dealt: Whole = rng.multivariate_hypergeometric(
        available, rows, draws, method="count" if by_row else "marginals"
    )
    return dealt


def _log_rising(start: float, steps: int) -> float:
    return math.lgamma(start + steps) - math.lgamma(start)
