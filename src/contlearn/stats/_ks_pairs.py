"""Many pairs of a reference and current rows at once: their distances, and the shifts of their quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.results import Interval
from contlearn.stats._ks import KSResult, ks_compare_all, ks_of_rows
from contlearn.stats._ks_atoms import Atoms, Integers
from contlearn.stats._ks_cells import bounds, cells_in_rows, from_origin
from contlearn.stats._ks_sample import Marginal, Placed
from contlearn.stats._quantiles import Quantiles, all_ranks, intervals, quantile_shifts

__all__ = ["Pair", "ks_of_pairs", "shifts_of_pairs"]

Floats = NDArray[np.float64]


class Pair(NamedTuple):
    """Current rows of a column, and the reference that they are compared with.

    Attributes
    ----------
    reference, current
        The two sides, in one precision.
    worth
        Dependent rows that are worth one independent row.
    confidence
        Of the intervals of the shifts.
    unit
        What shifts are divided by; None where there are none to be given.
    """

    reference: Atoms
    current: Marginal
    worth: float
    confidence: float
    unit: float | None


def ks_of_pairs(
    pairs: Sequence[Pair], placed: Sequence[Placed | None], tolerance: float = 0.0
) -> list[KSResult]:
    """Return the test of each pair; `placed` has the current rows that are counted, None for pending ones.

    The hypothesis is that the true distance is at most `tolerance`.
    """
    found: dict[int, KSResult] = {}
    counted = [place for place, each in enumerate(placed) if each is not None]
    if counted:
        rows = [each for each in placed if each is not None]
        results = ks_compare_all(
            [pairs[place].reference for place in counted],
            [each.counts for each in rows],
            [each.values is not None for each in rows],
            [pairs[place].worth for place in counted],
            tolerance,
        )
        found.update(zip(counted, results, strict=True))
    for places in _alike(pairs, placed):
        samples, ordered = _pending([pairs[place] for place in places])
        results = ks_of_rows(samples, ordered, [pairs[place].worth for place in places], tolerance)
        found.update(zip(places, results, strict=True))
    return [found[place] for place in range(len(pairs))]


def shifts_of_pairs(pairs: Sequence[Pair], placed: Sequence[Placed | None]) -> list[dict[str, Interval]]:
    """Return for each pair how far its quantiles have moved, in its unit: current minus reference.

    Of rows in a gap between two values of the reference it is known only that they are there: the estimate is
    the middle of the gap, and the interval has room for all of it.
    """
    asked = [place for place, pair in enumerate(pairs) if pair.unit is not None]
    found: list[dict[str, Interval]] = [{} for _ in pairs]
    if asked:
        own = [pairs[place] for place in asked]
        shifts = intervals(
            quantile_shifts(*_quantiles(own, [placed[place] for place in asked])),
            [pair.confidence for pair in own],
        )
        for place, each in zip(asked, shifts, strict=True):
            found[place] = each
    return found


def _alike(pairs: Sequence[Pair], placed: Sequence[Placed | None]) -> list[list[int]]:
    """Return the places of pending pairs, those together that can be compared together."""
    groups: dict[tuple[int, str], list[int]] = {}
    for place, pair in enumerate(pairs):
        if placed[place] is None:
            groups.setdefault((pair.current.rows, pair.current.precision), []).append(place)
    return list(groups.values())


def _pending(pairs: Sequence[Pair]) -> tuple[list[Atoms], NDArray[Any]]:
    both = [pair.current.pending for pair in pairs]
    ordered = np.concatenate([each[1] for each in both if each is not None])
    return [each[0] for each in both if each is not None], ordered.reshape(len(both), -1)


def _quantiles(pairs: Sequence[Pair], placed: Sequence[Placed | None]) -> tuple[Quantiles, Quantiles]:
    """Return the quantiles of both sides."""
    samples = [pair.reference for pair in pairs]
    before = _ranks([sample.rows for sample in samples], pairs)
    after = _ranks([pair.current.rows for pair in pairs], pairs)
    cells, exact = _cells_of_ranks(pairs, placed, after)
    places = before - 1
    for row, sample in enumerate(samples):
        if sample.ends is not None:
            places[row] = sample.ends.searchsorted(before[row])
    values, low, high = bounds(samples, places, cells)
    for row, known in exact.items():
        low[row] = high[row] = from_origin(samples[row], known)
    unit = np.array([[pair.unit] for pair in pairs])
    n, m = np.array([(pair.reference.rows, pair.current.rows) for pair in pairs]).T
    values /= unit
    return (
        Quantiles.of(values, values, before, n, places),
        Quantiles.of(low / unit, high / unit, after, m, cells >> 1),
    )


def _ranks(rows: Sequence[int], pairs: Sequence[Pair]) -> Integers:
    return np.array(
        [all_ranks(each, pair.confidence, pair.worth) for each, pair in zip(rows, pairs, strict=True)]
    )


def _cells_of_ranks(
    pairs: Sequence[Pair], placed: Sequence[Placed | None], ranks: Integers
) -> tuple[Integers, dict[int, NDArray[Any]]]:
    """Return the cells of the current rows with these ranks, and their values where values travel."""
    cells = np.empty_like(ranks)
    exact: dict[int, NDArray[Any]] = {}
    for row, each in enumerate(placed):
        if each is not None:
            entries = each.counts.ends.searchsorted(ranks[row])
            each.counts.keys.take(entries, out=cells[row], mode="clip")
            if each.values is not None:
                exact[row] = each.values.take(entries, mode="clip")
    for rows in _alike(pairs, placed):
        samples, ordered = _pending([pairs[row] for row in rows])
        asked = np.clip(ranks[rows], 1, ordered.shape[1]) - 1
        order = np.argsort(asked, axis=1, kind="stable")
        wanted = np.take_along_axis(ordered, np.take_along_axis(asked, order, axis=1), axis=1)
        found = np.empty_like(asked)
        np.put_along_axis(found, order, cells_in_rows(samples, wanted), axis=1)
        cells[rows] = found
    return cells, exact
