"""What is found when the categories of many columns are compared at once."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contlearn._answers import Parts
from contlearn.drift._aligned import Aligned, distinct
from contlearn.drift._finding import Finding, confidence
from contlearn.results import Interval
from contlearn.stats._chi_squared import total_variation_detectable, total_variation_interval
from contlearn.stats._chi_squared_cells import Statistic
from contlearn.stats._chi_squared_columns import Homogeneity, compare_columns
from contlearn.stats._chi_squared_distance import compare_distances
from contlearn.stats._shares import furthest, shifts

Floats = NDArray[np.float64]

SHOWN = 5
"""Categories of a column whose changes are reported."""


def findings(
    aligned: Aligned,
    levels: Floats,
    design: Floats,
    unlike: Sequence[str],
    statistic: Statistic,
    tolerance: float | None,
) -> list[Finding]:
    """Compare the two samples of every column.

    Parameters
    ----------
    aligned
        The counts.
    levels
        Level that each column is held to.
    design
        Its design effect: how many rows are worth one independent row.
    unlike
        What is to be said where its categories are of another type than those of the reference.
    statistic
        What is added up.
    tolerance
        The effect that may be there, where the hypothesis is that there is no more; else None.
    """
    found = compare_columns(aligned.pairs, levels, statistic, design)
    if tolerance is None:
        measured = _total_variation(found, levels, design)
    else:
        measured = _beyond(aligned, found, levels, design, tolerance)
    remarks = _remarks(aligned, found, unlike)
    if tolerance is not None:
        remarks = [(DISTANCE, *each) for each in remarks]
    effects = _effects(aligned, found, levels, design)
    rows = zip(found.n.tolist(), found.m.tolist(), measured, remarks, effects, strict=True)
    return [
        Finding(n, m, score, p_value, interval, detectable, True, said, changed)
        for n, m, (score, p_value, interval, detectable), said, changed in rows
    ]


DISTANCE = "score and tolerance are chi-squared distances, never below the total variation"
"""With a minimum effect; else they are total variations."""

Measured = tuple[float, float, Interval, float]


def _total_variation(found: Homogeneity, levels: Floats, design: Floats) -> list[Measured]:
    columns = zip(
        found.total_variation.tolist(),
        found.p_value.tolist(),
        (found.n / design).tolist(),
        (found.m / design).tolist(),
        found.categories.tolist(),
        found.effective_categories.tolist(),
        levels.tolist(),
        strict=True,
    )
    return [
        (
            distance,
            p_value,
            total_variation_interval(distance, n, m, effective, confidence(level)),
            _detectable(k, level) * math.sqrt(1.0 / n + 1.0 / m),
        )
        for distance, p_value, n, m, k, effective, level in columns
    ]


def _beyond(
    aligned: Aligned, found: Homogeneity, levels: Floats, design: Floats, tolerance: float
) -> list[Measured]:
    """Measure by the chi-squared distance; what chance alone may well have made is never beyond anything."""
    sure = np.array([confidence(level) for level in levels.tolist()])
    far = compare_distances(aligned.pairs, tolerance, levels, sure, design)
    p_value = np.maximum(far.p_value, found.p_value)
    columns = zip(*(each.tolist() for each in far._replace(p_value=p_value)), sure.tolist(), strict=True)
    return [
        (distance, p, Interval(distance, min(low, distance), max(distance, high), at), detectable)
        for distance, low, high, p, detectable, at in columns
    ]


@functools.lru_cache(maxsize=4096)
def _detectable(k: int, alpha: float) -> float:
    """Return the detectable total variation of k categories where 1/n + 1/m = 1: the costly part of it."""
    return total_variation_detectable(2, 2, k, alpha)


def _remarks(aligned: Aligned, found: Homogeneity, unlike: Sequence[str]) -> list[tuple[str, ...]]:
    """Say how many rows are in categories that the reference does not have, and what may be the reason."""
    pairs = aligned.pairs
    unseen = (pairs.before == 0) & (pairs.after > 0)
    rows = np.add.reduceat(np.where(unseen, pairs.after, 0), pairs.starts).tolist()
    categories = np.add.reduceat(unseen.astype(np.int64), pairs.starts).tolist()
    return [
        (*_unseen(*counted), *filter(None, (other,)))
        for *counted, other in zip(rows, categories, found.m.tolist(), unlike, strict=True)
    ]


def _unseen(rows: int, categories: int, m: int) -> tuple[str, ...]:
    if not rows:
        return ()
    what = "1 category" if categories == 1 else f"{categories} categories"
    which = f"{rows} row{'s' * (rows > 1)} ({100 * rows / m:.3g} %) in {what}"
    return (f"{which} that the reference does not have",)


def _effects(aligned: Aligned, found: Homogeneity, levels: Floats, design: Floats) -> list[Parts[Interval]]:
    """Return the largest changes of shares of each column, with simultaneous intervals."""
    pairs, sizes = aligned.pairs, aligned.pairs.sizes
    n, m = np.repeat(found.n.astype(np.float64), sizes), np.repeat(found.m.astype(np.float64), sizes)
    distance = np.abs(pairs.after * n - pairs.before * m) / (n * m)  # exactly equal where the changes are
    distance[pairs.before + pairs.after == 0] = -1.0
    ranked, counts = furthest(distance, sizes, SHOWN)
    names, chosen = _named(aligned, ranked.tolist(), counts.tolist(), distance)
    shown = [len(each) for each in names]
    moved = shifts(
        pairs.before[chosen],
        np.repeat(found.n, shown),
        pairs.after[chosen],
        np.repeat(found.m, shown),
        np.repeat(levels / found.categories, shown),
        np.repeat(design, shown),
    )
    sure = np.repeat([confidence(level) for level in levels.tolist()], shown)
    intervals = map(Interval._make, zip(*(each.tolist() for each in (*moved, sure)), strict=True))
    return [Parts({name: next(intervals) for name in each}) for each in names]


def _named(
    aligned: Aligned, ranked: list[int], counts: list[int], distance: Floats
) -> tuple[list[list[str]], list[int]]:
    """Return what the first of the `ranked` places of each column are called, and these; equals by name."""
    names, chosen = [], []
    far = (-distance[ranked]).tolist()
    end = 0
    for labels, count, start in zip(aligned.labels, counts, aligned.pairs.starts.tolist(), strict=True):
        here = slice(end, end + count)
        end += count
        named = sorted(
            (away, labels.text(place - start), place)
            for away, place in zip(far[here], ranked[here], strict=True)
        )[:SHOWN]
        names.append(distinct([text for _, text, _ in named]))
        chosen += [place for _, _, place in named]
    return names, chosen
