"""What a stream's last values say about a change: when it was, and what it was."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._streams._entries import MISSING
from contlearn.drift._streams._line import UNSEEN, Line
from contlearn.results import Interval

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
_SHOWN = 5
_FEW = 100  # values below which nothing is said about their dependence
_SURE = 3.0  # standard errors; with two, one stream of twenty without dependence would be remarked upon


def since_change(regions: NDArray[np.integer], gaps: tuple[int, ...], *, shape: bool) -> int:
    """Return how many of the last values came after the change, if there was one: the most likely number.

    The likelihood of the regions after it is compared with that of the reference's shares, for every number:
    with any shares, which costs something for each of them, and where regions have an order with shares that
    bend or lean, which costs little.
    """
    n, total = len(regions), float(sum(gaps))
    if n == 0:
        return 0
    backwards = regions[::-1]
    sizes = np.arange(1.0, n + 1.0)
    shares = np.array(gaps) / total
    counts = np.cumsum(backwards == np.arange(len(gaps))[:, np.newaxis], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = counts * np.log(counts / (sizes * shares[:, np.newaxis]))
    score = np.nansum(terms, axis=0) - 0.5 * (len(gaps) - 1) * np.log1p(sizes)
    if shape:
        middle = 2.0 * (np.cumsum(shares) - 0.5 * shares) - 1.0
        bowl = middle**2 - np.sum(shares * middle**2)
        leans = [np.cumsum(each[backwards]) ** 2 / np.sum(shares * each**2) for each in (middle, bowl)]
        score = np.maximum(score, 0.5 * (leans[0] + leans[1]) / sizes - np.log1p(sizes))
    return int(np.argmax(score)) + 1


def effects(line: Line, places: Floats) -> dict[str, Interval]:
    """Return what has changed from the reference to the values at these places, with intervals."""
    if not len(places):
        return {}
    missing = int(np.count_nonzero(places == MISSING))
    found = _quantiles(line, places) if line.ordered else _shares(line, places)
    if missing or line.missing:
        n = line.missing + len(line.ascending) + sum(line.counts)
        found |= _changes({"share missing": (line.missing, missing)}, max(n, 1), len(places))
    return found


def _quantiles(line: Line, places: Floats) -> dict[str, Interval]:
    from contlearn.stats._quantiles import shifts_of_samples

    current = np.sort(places[places != MISSING])
    if not len(current) or not len(line.ascending):
        return {}
    found = shifts_of_samples(line.ascending, current, CONFIDENCE)
    unit = 1.0 if line.kind == "numeric" else 1e6  # times are counted in microseconds and told in seconds
    return {
        name: Interval(shift.estimate / unit, shift.low / unit, shift.high / unit, CONFIDENCE)
        for name, shift in found.items()
    }


def _shares(line: Line, places: Floats) -> dict[str, Interval]:
    """Return the changes of the shares of the categories that changed most."""
    n, m = max(line.missing + sum(line.counts), 1), len(places)
    now = [int(np.count_nonzero(places == code)) for code in range(len(line.labels))]
    pairs = {
        str(label): (counted[0], counted[1])
        for label, *counted in zip(line.labels, line.counts, now, strict=True)
    }
    ranked = sorted(pairs, key=lambda name: -abs(pairs[name][1] / m - pairs[name][0] / n))[:_SHOWN]
    chosen = {name: pairs[name] for name in ranked}
    if unseen := int(np.count_nonzero(places == UNSEEN)):
        chosen["share unseen"] = (0, unseen)
    return _changes(chosen, n, m)


def _changes(pairs: dict[str, tuple[int, int]], n: int, m: int) -> dict[str, Interval]:
    from contlearn.stats._shares import shifts

    if not pairs:
        return {}
    before, after = (np.array(side) for side in zip(*pairs.values(), strict=True))
    ones = np.ones(len(pairs), dtype=np.int64)
    moved = shifts(before, n * ones, after, m * ones, np.full(len(pairs), 1.0 - CONFIDENCE))
    rows = zip(pairs, *(each.tolist() for each in moved), strict=True)
    return {name: Interval(change, low, high, CONFIDENCE) for name, change, low, high in rows}


def lag_one(pieces: list[Floats]) -> float | None:
    """Return the correlation of neighbours within pieces, where it is surely not 0; else None."""
    centred = [piece - piece.mean() for piece in pieces if len(piece) > 1]
    n = sum(len(piece) - 1 for piece in centred)
    variance = sum(float(piece @ piece) for piece in centred)
    if n < _FEW or variance <= 0.0:
        return None
    together = sum(float(piece[1:] @ piece[:-1]) for piece in centred)
    correlation = together / variance
    return correlation if abs(correlation) > _SURE / math.sqrt(n) else None


def middles(gaps: tuple[int, ...]) -> Floats:
    """Return the middle rank of each region, as a share of all."""
    shares = np.array(gaps) / sum(gaps)
    middle: Floats = np.cumsum(shares) - 0.5 * shares
    return middle


def ranks(values: Floats) -> Floats:
    """Return the middle rank of each of the values."""
    ascending = np.sort(values)
    low, high = np.searchsorted(ascending, values, "left"), np.searchsorted(ascending, values, "right")
    return 0.5 * (low + high).astype(np.float64)
