"""Two samples of numbers side by side, and all the ways in which their rows could have been dealt.

Given the pooled values, chance decides only which of them are in which sample. So what is drawn here are the
numbers of rows of one sample at or below each pooled value, ties and all, and everything computed from them
is exact whatever the values are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.stats import _columns
from contlearn.stats._binomial import log_choose
from contlearn.stats._ks_law import SMALLEST

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

EXACT = 512
"""Up to so many distinct pooled values, each is looked at, ..."""

PLACES = 128
"""... and beyond, about so many places among them, at equal numbers of rows apart, ..."""

EXTREMES = 8
"""... closer at the ends, where so many values are looked at one by one: they may be far away."""

AT_ONCE = 2_000_000
"""Cells of relabelings held in memory at a time: 16 MB for each of a few arrays."""

LISTED = 20_000
"""At most about so many relabelings are listed one by one instead of drawn."""

ROWS_LISTED = 10_000_000
"""Rows that may be listed one by one in order to draw from them: 80 MB."""


class Side(NamedTuple):
    """One sample: its distinct values, ascending, and how many rows have each."""

    values: NDArray[Any]
    counts: Counts


class Pooled(NamedTuple):
    """Two samples over the distinct values of both.

    Attributes
    ----------
    values
        The distinct values, ascending.
    ends
        Rows of both samples at or below each of them.
    first
        Rows of the first sample at or below each of them.
    """

    values: NDArray[Any]
    ends: Counts
    first: Counts

    @property
    def n(self) -> int:
        """Rows of the first sample."""
        return int(self.first[-1])

    @property
    def m(self) -> int:
        """Rows of the second sample."""
        return int(self.ends[-1]) - self.n

    @property
    def scale(self) -> float:
        """1/n + 1/m: by this, the square of a difference grows by chance."""
        return 1.0 / self.n + 1.0 / self.m

    @property
    def sizes(self) -> Counts:
        """Rows of both samples with each value."""
        return np.diff(self.ends, prepend=0)

    @property
    def differences(self) -> Floats:
        """Share of the first sample at or below each value but the last, minus that of the second."""
        return differences(self.first, self.ends, self.n)

    def at(self, places: NDArray[np.intp]) -> Pooled:
        """Return the samples as they are seen from these places, of which the last is the last value."""
        return Pooled(self.values[places], self.ends[places], self.first[places])


def side(name: str, x: ArrayLike) -> Side:
    """Return `x` as a sample of at least one finite number, or refuse."""
    values = _columns.floats(name, _columns.column(name, x))
    if not len(values):
        _checks.bad_data(name, "have at least one row", "none")
    wrong = int(len(values) - np.isfinite(values).sum())
    if wrong:
        _checks.bad_data(name, "be finite", f"{wrong} missing or infinite values", "test their share apart")
    return Side(*np.unique(values, return_counts=True))


Deal = Callable[[Pooled, int], Iterator[Floats]]


def pool(x: Side, y: Side) -> Pooled:
    """Return two samples over the distinct values of both: a search per value of the one with fewer."""
    few, many = (x, y) if len(x.values) < len(y.values) else (y, x)
    position = np.searchsorted(many.values, few.values)
    new = many.values[np.minimum(position, len(many.values) - 1)] != few.values
    values = np.insert(many.values, position[new], few.values[new])
    counts = np.insert(many.counts, position[new], 0)
    others = np.zeros_like(counts)
    others[position + np.cumsum(new) - new] = few.counts
    return Pooled(values, np.cumsum(counts + others), np.cumsum(others if few is x else counts))


def differences(first: Counts, ends: Counts, n: int) -> Floats:
    """Return the differences of two distribution functions at all but the last place, which has all rows.

    `n` rows are in the first sample, `first` of them at or below each place, among `ends` of both.
    """
    total = int(ends[-1])
    result: Floats = (first[..., :-1] - ends[:-1] * (n / total)) * (total / (float(n) * (total - n)))
    return result


def places(pooled: Pooled, exact: int = EXACT, about: int = PLACES) -> NDArray[np.intp]:
    """Return where two samples are looked at: everywhere, or `about` so often beyond `exact` distinct values.

    The places depend on the pooled values alone, so that a test of what is seen there is exact. A value that
    many rows share is a place of its own.
    """
    ends = pooled.ends
    if len(ends) <= exact:
        return np.arange(len(ends))
    total = int(ends[-1])
    equal = np.linspace(0.0, total, about + 1)[1:]
    near = np.concatenate((np.arange(1, EXTREMES + 1), np.geomspace(1.0, total / about, 2 * EXTREMES)))
    wanted = np.floor(np.concatenate((near, equal, total - near)))
    found = np.minimum(np.searchsorted(ends, wanted), len(ends) - 1)
    large = found[(np.diff(ends, prepend=0)[found] > total / about) & (found > 0)]
    return np.unique(np.concatenate((found, large - 1)))


class Dealer:
    """Deals rows by a seed: the same rows alike, and samples whose ties lie alike only once.

    So columns without ties share their relabelings, which is most of the work. Draws of different numbers are
    independent of each other.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = int(np.random.default_rng().integers(2**63)) if seed is None else seed
        self._dealt: dict[int, tuple[bytes, Floats]] = {}

    def __call__(self, pooled: Pooled, n_draws: int) -> Iterator[Floats]:
        """Return the differences in `n_draws` random relabelings, in chunks."""
        key = pooled.ends.tobytes() + bytes(f"{min(pooled.n, pooled.m)}", "ascii")
        found = self._dealt.get(n_draws)
        if found is not None and found[0] == key:
            return iter((found[1],))
        drawn = relabelings(pooled, n_draws, np.random.default_rng((self._seed, n_draws)))
        if n_draws * len(pooled.ends) > AT_ONCE:
            return drawn
        (every,) = drawn
        self._dealt[n_draws] = key, every
        return iter((every,))


def chance(pooled: Pooled, statistic: Statistic, observed: float, n_draws: int, deal: Deal) -> float:
    """Return the probability that relabeled rows are at least as far off as `observed`.

    Exact where all relabelings can be listed, else (1 + as far off) / (1 + drawn).
    """
    limit = observed * (1.0 - 1e-9)
    listed = every_relabeling(pooled)
    if listed is not None:
        found, chances = listed
        far = statistic(found) >= limit
        return 1.0 if far.all() else min(1.0, max(SMALLEST, float(chances[far].sum())))
    drawn = deal(pooled, n_draws)
    return (1 + sum(int(np.count_nonzero(statistic(each) >= limit)) for each in drawn)) / (1 + n_draws)


def relabelings(pooled: Pooled, n_draws: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Return the differences in `n_draws` random relabelings, one row for each, in chunks.

    Which sample is called the first changes their signs only, so the smaller one is dealt.
    """
    sizes, dealt = pooled.sizes, min(pooled.n, pooled.m)
    by_row = dealt <= 10 * len(sizes) and pooled.ends[-1] <= ROWS_LISTED
    chunk = max(1, AT_ONCE // len(sizes))
    for start in range(0, n_draws, chunk):
        size = min(chunk, n_draws - start)
        drawn = rng.multivariate_hypergeometric(sizes, dealt, size, method="count" if by_row else "marginals")
        yield differences(np.cumsum(drawn, axis=1), pooled.ends, dealt)


def every_relabeling(pooled: Pooled) -> tuple[Floats, Floats] | None:
    """Return the differences in every relabeling and its probability; None where there are too many."""
    if not can_be_listed(pooled):
        return None
    sizes, total, n = pooled.sizes, int(pooled.ends[-1]), pooled.n
    first, weight = np.zeros((1, 1), dtype=np.int64), np.zeros(1)
    for size, end in zip(sizes.tolist(), pooled.ends.tolist(), strict=True):
        dealt = np.arange(size + 1)
        below = first[:, -1:] + dealt
        row, column = np.nonzero((below <= n) & (n - below <= total - end))
        first = np.column_stack((first[row], below[row, column]))
        weight = weight[row] + log_choose(size, dealt)[column]
    return differences(first[:, 1:], pooled.ends, n), np.exp(weight - log_choose(total, np.array(n)))


def can_be_listed(pooled: Pooled) -> bool:
    """Whether there are so few relabelings that all of them are looked at."""
    choices = np.log(np.minimum(pooled.sizes, min(pooled.n, pooled.m)) + 1.0)
    return bool(choices.sum() - choices.max() <= math.log(LISTED))
