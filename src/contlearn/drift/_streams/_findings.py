"""What a stream's last values say about a change: when it was, and what it was."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._streams._entries import MISSING
from contlearn.drift._streams._line import UNSEEN, Line
from contlearn.results import Interval

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
_SHOWN = 5
_MISSING, _UNSEEN = "share missing", "share rare or unseen"


def since_change(regions: NDArray[np.integer], gaps: tuple[int, ...], *, shape: bool) -> int:
    """Return how many of the last values came after the change, if there was one: the most likely number.

    The likelihood of the regions after it is compared with that of the reference's shares, for every number:
    with any shares, which costs something for each of them; with one region that is visited more often, be
    it as rare as a category that was never seen; and where regions have an order with shares that bend or
    lean. The last two cost little.
    """
    n = len(regions)
    if n == 0:
        return 0
    backwards, sizes = regions[::-1], np.arange(1.0, n + 1.0)
    shares = np.array(gaps) / sum(gaps)
    counts = np.cumsum(backwards == np.arange(len(gaps))[:, np.newaxis], axis=1)
    inside = _log_ratios(counts, sizes, shares)
    score = inside.sum(axis=0) - 0.5 * (len(gaps) - 1) * np.log1p(sizes)
    more = inside + _log_ratios(sizes - counts, sizes, 1.0 - shares)
    more[counts <= sizes * shares[:, np.newaxis]] = 0.0
    score = np.maximum(score, more.max(axis=0) - 0.5 * np.log1p(sizes) - math.log(len(gaps)))
    if shape:
        middle = 2.0 * (np.cumsum(shares) - 0.5 * shares) - 1.0
        bowl = middle**2 - np.sum(shares * middle**2)
        leans = [np.cumsum(each[backwards]) ** 2 / np.sum(shares * each**2) for each in (middle, bowl)]
        score = np.maximum(score, 0.5 * (leans[0] + leans[1]) / sizes - np.log1p(sizes))
    return int(np.argmax(score)) + 1


def _log_ratios(counts: Floats, sizes: Floats, shares: Floats) -> Floats:
    """Return the part of each region (row) in the log-likelihood ratio of its share among `sizes` values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = counts * np.log(counts / (sizes * shares[:, np.newaxis]))
    found: Floats = np.where(counts > 0, ratios, 0.0)
    return found


def effects(line: Line, places: Floats) -> dict[str, Interval]:
    """Return what has changed from the reference to the values at these places, with intervals."""
    if not len(places):
        return {}
    missing = int(np.count_nonzero(places == MISSING))
    found = _quantiles(line, places) if line.ordered else _shares(line, places)
    if missing or line.missing:
        found |= _changes({_MISSING: (line.missing, missing)}, line.n, len(places), 1)
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
    """Return the changes of the shares of the categories that changed most; the intervals hold for all.

    Which categories are told apart was settled by the reference's first half, which therefore has none of
    the others: how common those are, only the second half can say.
    """
    n, m = line.n, len(places)
    now = [int(np.count_nonzero(places == code)) for code in range(len(line.labels))]
    pairs = dict(zip(_names(line.labels), zip(line.counts, now, strict=True), strict=True))
    ranked = sorted(pairs, key=lambda name: -abs(pairs[name][1] / m - pairs[name][0] / n))[:_SHOWN]
    asked = len(pairs) + 1
    found = _changes({name: pairs[name] for name in ranked}, n, m, asked)
    if unseen := int(np.count_nonzero(places == UNSEEN)):
        found |= _changes({_UNSEEN: (line.others, unseen)}, line.n_second, m, asked)
    return found


def _names(labels: tuple[Any, ...]) -> list[str]:
    """Return a name for each category, which no other and no other effect has: quoted where it must be."""
    names: dict[Any, str] = {}
    taken = {_MISSING, _UNSEEN}
    for label in sorted(labels, key=lambda label: isinstance(label, str)):  # text is what quotes are for
        name = str(label)
        while name in taken:
            name = repr(name)
        names[label] = name
        taken.add(name)
    return [names[label] for label in labels]


def _changes(pairs: dict[str, tuple[int, int]], n: int, m: int, asked: int) -> dict[str, Interval]:
    """Return the changes of shares, of n values and of m, with intervals that hold for so many at once."""
    from contlearn.stats._shares import shifts

    if not pairs:
        return {}
    before, after = (np.array(side) for side in zip(*pairs.values(), strict=True))
    ones = np.ones(len(pairs), dtype=np.int64)
    moved = shifts(before, n * ones, after, m * ones, np.full(len(pairs), (1.0 - CONFIDENCE) / asked))
    rows = zip(pairs, *(each.tolist() for each in moved), strict=True)
    return {name: Interval(change, low, high, CONFIDENCE) for name, change, low, high in rows}
