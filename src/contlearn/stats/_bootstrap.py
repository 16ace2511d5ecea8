"""Resamples as counts: how often each row, cell or cluster is drawn, many resamples at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Statistic = Callable[[Floats], Floats]

_NUMBERS_AT_ONCE = 500_000  # 4 MB per array of weights; what is made of it takes a few times as much
_ROWS_PER_CELL = 8  # above it, a multinomial draw over cells costs less than drawing rows


def resampled(
    statistic: Statistic, counts: NDArray[np.intp], n_resamples: int, rng: np.random.Generator, width: int = 0
) -> Floats:
    """Return `statistic` of `n_resamples` resamples of units that are there `counts` times.

    `statistic` takes an array of shape (resamples, units), how often each unit is drawn, and returns one
    number per resample. Memory is bounded, whatever the number of resamples; `width` is
    how many numbers per resample `statistic` handles, where these are more than units.
    """
    import numpy as np

    return np.concatenate([statistic(weights) for weights in _draws(counts, n_resamples, rng, width)])


def without_each(
    statistic: Statistic, counts: NDArray[np.intp], blocks: NDArray[np.intp], width: int = 0
) -> Floats:
    """Return `statistic` without each block of units in turn; `blocks` numbers the block of every unit."""
    import numpy as np

    found, last = [], int(blocks.max()) + 1
    step = max(1, _NUMBERS_AT_ONCE // max(width, counts.size))
    for start in range(0, last, step):
        left_out = np.arange(start, min(start + step, last))
        found.append(statistic(np.where(blocks[None, :] == left_out[:, None], 0.0, counts)))
    return np.concatenate(found)


def _draws(
    counts: NDArray[np.intp], n_resamples: int, rng: np.random.Generator, width: int
) -> Iterator[Floats]:
    import numpy as np

    units, rows = counts.size, int(counts.sum())
    by_cells = rows > _ROWS_PER_CELL * units
    owner = None if rows == units else np.repeat(np.arange(units), counts)
    step = max(1, _NUMBERS_AT_ONCE // max(width, units if by_cells else rows))
    for start in range(0, n_resamples, step):
        many = min(step, n_resamples - start)
        if by_cells:
            yield rng.multinomial(rows, counts / rows, size=many).astype(np.float64)
            continue
        drawn = rng.integers(0, rows, size=(many, rows), dtype=np.int32 if rows < 2**31 else np.int64)
        chosen = drawn if owner is None else owner[drawn]
        places = chosen + np.arange(0, many * units, units)[:, None]
        tally = np.bincount(places.ravel(), minlength=many * units)
        yield tally.reshape(many, units).astype(np.float64)
