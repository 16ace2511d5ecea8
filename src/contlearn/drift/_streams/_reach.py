"""Can a detector find anything at all? How soon it finds a stream of which nothing is like its reference.

Evidence is limited by the reference: after so many values that lie above all of it, they are most of what is
known, and the next one is no surprise. Where a reference is too small for the run length, not even that is
found, and a detector that says nothing does not say that nothing has changed. Nothing here is random, and
nothing depends on values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from contlearn.drift._streams._edges import gaps_of
from contlearn.drift._streams._hazard import SCORES, normal_scores, two_sided_limits
from contlearn.drift._streams._urn import Urn

_SOONEST, _LATEST = 50, 10_000
_LARGEST = 2**24  # reference values
_FEW = (
    200  # reference values, below which shifts by half a standard deviation are missed for good now and then
)
_SURE = 2.0  # standard deviations


def patience(run_length: float) -> int:
    """Return within how many updates a complete change must be found: a tenth of the run length."""
    return int(min(max(run_length / 10.0, _SOONEST), _LATEST))


@lru_cache(maxsize=256)
def urn_finds(gaps: tuple[int, ...], limit: float, updates: int) -> bool:
    """Return whether the bets against an urn reach the limit when all values fall into an end region."""
    urn, left = Urn(gaps), updates
    while left > 0:
        n = min(left, urn.room)
        if (urn.advance(np.zeros(n, dtype=np.intp)) >= limit).any():
            return True
        left -= n
    return False


@lru_cache(maxsize=256)
def ranks_find(n_reference: int, run_length: float, allowance: int, updates: int) -> bool:
    """Return whether a CUSUM of sequential ranks surely reaches its limit when all values lie above.

    The t-th of them ranks anywhere among the reference's upper gap and the t - 1 before it; its mean score
    and the variance are known, and the sum is taken two standard deviations below its mean.
    """
    before = np.arange(updates)
    first = np.minimum(SCORES * (n_reference - 1.0) / (n_reference + 1.0 + before), SCORES - 1.0)
    scores = normal_scores()[::-1].astype(np.float64)
    size = SCORES - first.astype(np.int64)  # scores that it may have
    means = np.cumsum(scores)[size - 1] / size
    variances = np.cumsum(scores**2)[size - 1] / size - means**2
    lower = np.cumsum(means - allowance) - _SURE * np.sqrt(np.cumsum(np.maximum(variances, 0.0)))
    limits = two_sided_limits(run_length, allowance)
    start = limits.start[:updates]
    limit = np.concatenate((start, np.full(updates - len(start), limits.steady)))
    return bool((lower >= limit).any())


def needed(finds: Callable[[int], bool]) -> int | None:
    """Return the fewest reference values with which a complete change is found."""
    high = 2
    while not finds(high):
        high *= 2
        if high > _LARGEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if finds(middle) else (middle, high)
    return high


@lru_cache(maxsize=64)
def values_for_urn(bins: int, limit: float, updates: int) -> int | None:
    """Return the fewest reference values with which an urn finds a complete change."""
    return needed(lambda n: urn_finds(gaps_of(n, bins), limit, updates))


@lru_cache(maxsize=64)
def values_for_ranks(run_length: float, allowance: int, updates: int) -> int | None:
    """Return the fewest reference values with which a CUSUM of ranks finds a complete change."""
    return needed(lambda n: ranks_find(n, run_length, allowance, updates))


def about_ranks(n: int, run_length: float, allowance: int, updates: int) -> list[str]:
    """Return what to say about a reference of a CUSUM of ranks, if anything."""
    if ranks_find(n, run_length, allowance, updates):
        return few(n)
    return [too_few(n, updates, values_for_ranks(run_length, allowance, updates))]


def too_few(n: int, updates: int, enough: int | None) -> str:
    """Return what to say where not even a complete change is found."""
    how = f"a reference of {n} is too small: even if all changed, {updates:,} updates might not show it"
    more = "" if enough is None else f"a reference of at least {enough:,}, or "
    return f"{how}; give {more}a shorter run_length"


def few(n: int) -> list[str]:
    """Return what to say about a small reference with which complete changes are found, but few others."""
    if n >= _FEW:
        return []
    return [f"a reference of {n} is small: shifts by half a standard deviation may stay unseen; give {_FEW}"]
