"""How far the share of each category has moved between two samples, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class Shifts(NamedTuple):
    """Changes of shares, second sample minus first, with intervals."""

    change: Floats
    low: Floats
    high: Floats


def shifts(
    before: Counts, n: Counts, after: Counts, m: Counts, alpha: Floats, effects: Floats | float = 1.0
) -> Shifts:
    """Return the change of each share with Newcombe's interval for independent proportions.

    Parameters
    ----------
    before, after
        Rows of each category in the two samples.
    n, m
        All rows of the two samples, per category.
    alpha
        How often each interval may miss, per category: a confidence of 1 - 1e-17 would be 1.
    effects
        Design effect, per category: so many rows are worth one independent row.

    Notes
    -----
    Wilson's score intervals of both shares, joined by squaring and adding (Newcombe's method 10). They never
    leave [-1, 1] and have a width even where a category is in neither sample. Coverage is nominal on average,
    not in every case.

    References
    ----------
    Newcombe (1998), "Interval estimation for the difference between independent proportions".
    """
    z = -special.ndtri(0.5 * alpha)
    first, second = before / n, after / m
    first_low, first_high = _wilson(first, n / effects, z)
    second_low, second_high = _wilson(second, m / effects, z)
    change = second - first
    down = np.hypot(second - second_low, first_high - first)
    up = np.hypot(second_high - second, first - first_low)
    return Shifts(change, np.maximum(-1.0, change - down), np.minimum(1.0, change + up))


def _wilson(share: Floats, rows: Floats, z: Floats) -> tuple[Floats, Floats]:
    centre = (share + z * z / (2.0 * rows)) / (1.0 + z * z / rows)
    half = z * np.sqrt(share * (1.0 - share) / rows + (z / (2.0 * rows)) ** 2) / (1.0 + z * z / rows)
    return np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)


def furthest(distance: Floats, sizes: Counts, most: int) -> tuple[NDArray[np.intp], Counts]:
    """Return the places of the `most` largest distances of each column, and how many these are.

    They are more than `most` where the last are equal, and less where a column has fewer that are not
    negative. `distance` is at most 1 and has one column after the other; so have the places, in no order.
    """
    starts = np.cumsum(sizes) - sizes
    column = np.repeat(np.arange(len(sizes)), sizes)
    order = np.argsort(column - 0.4 * distance)  # a sort by two keys takes five times as long
    ranked = distance[order]
    first = np.arange(len(column)) - np.repeat(starts, sizes) < most
    last = np.minimum.reduceat(np.where(first, ranked, 1.0), starts)
    chosen = (ranked >= np.repeat(last, sizes)) & (ranked >= 0.0)
    return order[chosen], np.add.reduceat(chosen.astype(np.int64), starts)
