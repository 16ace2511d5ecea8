"""Rows of a mixed table as the numbers that a scikit-learn estimator takes, and which of them to use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Column

MOST_CATEGORIES = 63
"""Categories that are told apart in one column; the rarest ones share the last place."""

_FAR = 1e150  # beyond, sums and midpoints of values could leave the range of floats

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


class Encoded(NamedTuple):
    """Both sides of a comparison as numbers, one column each, and which columns hold categories."""

    reference: Numbers
    current: Numbers
    categorical: NDArray[np.bool_]


def at_most(
    columns: Sequence[Column], most: int, rng: np.random.Generator, block: int | None = None
) -> tuple[Column, ...]:
    """Return the columns, or those of a random subset of `most` rows, in the order of the rows.

    Where `block` is given the subset is one of whole blocks of consecutive rows.
    """
    rows = subset(columns[0].n_rows, most, rng, block)
    used = columns if rows is None else [column.take(rows) for column in columns]
    return tuple(replace(column, plain=column.values, codes=None) for column in used)


def subset(n_rows: int, most: int, rng: np.random.Generator, block: int | None = None) -> Places | None:
    """Return the places of about `most` rows drawn at random, ascending; None where all are to be used."""
    if n_rows <= most:
        return None
    if block is None:
        return np.sort(rng.choice(n_rows, most, replace=False))
    chosen = np.sort(rng.choice(n_rows // block, max(1, most // block), replace=False))
    return (chosen[:, None] * block + np.arange(block)).ravel()


def encoded(reference: Sequence[Column], current: Sequence[Column]) -> Encoded:
    """Return both sides as numbers.

    Categories become their rank by frequency over both sides together. That uses no row's side, so that
    nothing learnt from the numbers can have been learnt from the encoding.
    """
    pairs = [_numbers(*sides) for sides in zip(reference, current, strict=True)]
    return Encoded(
        np.column_stack([before for before, _ in pairs]),
        np.column_stack([after for _, after in pairs]),
        np.array(["categorical" in (a.kind, b.kind) for a, b in zip(reference, current, strict=True)]),
    )


def canonical(rows: Numbers) -> Places:
    """Return an order of the rows that does not depend on the one they came in."""
    return np.lexsort(rows.T[::-1])


def _numbers(before: Column, after: Column) -> tuple[Numbers, Numbers]:
    if "categorical" in (before.kind, after.kind):
        return _ranked(before.values.tolist(), after.values.tolist())
    sides = [np.asarray(column.values, dtype=np.float64) for column in (before, after)]
    if before.bits != after.bits:  # one side came in fewer digits, which would give it away
        coarse = np.float32 if min(before.bits, after.bits) == 32 else np.float16
        with np.errstate(over="ignore"):
            sides = [side.astype(coarse).astype(np.float64) for side in sides]
    most = max(float(np.abs(side).max(initial=0.0)) for side in sides)
    if most > _FAR:
        sides = [side / most for side in sides]
    return sides[0], sides[1]


def _ranked(before: list[Any], after: list[Any]) -> tuple[Numbers, Numbers]:
    counts = Counter(before)
    counts.update(after)
    order = sorted(counts, key=lambda label: (-counts[label], type(label).__name__, str(label)))
    rank = {label: min(place, MOST_CATEGORIES - 1) for place, label in enumerate(order)}
    return _looked_up(rank, before), _looked_up(rank, after)


def _looked_up(rank: dict[Any, int], labels: list[Any]) -> Numbers:
    return np.array([rank[label] for label in labels], dtype=np.float64)


def two_parts(
    rows: Numbers, share: float, rng: np.random.Generator, block: int | None
) -> tuple[Places, Places] | None:
    """Return the places of rows to learn from, about a `share` of them, and of others to judge by.

    Without `block` they are drawn at random, whatever the order of the rows. With it the earlier rows are for
    learning, and a gap of one block is left before the others, which are whole blocks: a model that knows a
    row must not be judged by its neighbours. None where there are not enough rows for that.
    """
    if block is None:
        if len(rows) < 2:
            return None
        drawn = canonical(rows)[rng.permutation(len(rows))]
        learnt = _inside(share * len(rows), len(rows) - 1)
        return drawn[:learnt], drawn[learnt:]
    blocks = len(rows) // block
    if blocks < 3:
        return None
    learnt = _inside(share * (blocks - 1), blocks - 2)
    return np.arange(learnt * block), np.arange((learnt + 1) * block, blocks * block)


def _inside(wanted: float, most: int) -> int:
    return min(most, max(1, round(wanted)))
