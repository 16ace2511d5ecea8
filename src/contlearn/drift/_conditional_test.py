"""The test of a column given the others: what models left of the reference against what they leave now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from contlearn.drift._explained import (
    Classification,
    Regression,
    Truth,
    classification,
    inside,
    limits,
    regression,
)
from contlearn.drift._finding import Finding, confidence
from contlearn.drift._rows import Numbers, Places, two_parts
from contlearn.stats._dependence import design_effect
from contlearn.stats._ks import ks_detectable, ks_interval
from contlearn.stats._matched_ks import Binned, Seen, matched_ks

ROWS_PER_BIN, MOST_BINS = 40, 30
"""Rows of the reference in a bin of like predictions, and the most bins."""

LEFT_OUT = 0.06
"""Share of rows with another column outside the limits within which models are trusted, on either side."""

DIGITS = 2.0**20
"""What is left over is told apart to this part of its spread: last digits of a float mean nothing."""

EXPLAINED = 0.01
"""What is left of a number is not told apart below this part of its spread: the others determine it."""

FEW = 0.1
"""Share of current rows without like in the reference that is worth a remark."""


class Explained(NamedTuple):
    """A column given the others, as the reference has it.

    Attributes
    ----------
    others
        Places of the other columns.
    model
        What predicts the column from them.
    low, high
        Limits of the other columns, within which the model is trusted.
    edges
        Limits of the bins of predictions, the outermost included.
    unit
        To what the rest is rounded.
    rest
        What the model left of rows that it had not seen, and the bins of their predictions.
    worth
        Dependent rows that are worth an independent one.
    """

    others: tuple[int, ...]
    model: Regression | Classification
    low: Numbers
    high: Numbers
    edges: Numbers
    unit: float
    rest: Binned
    worth: float


def learnt(
    rows: Numbers,
    categorical: Truth,
    models: tuple[Any, Any],
    share: float,
    block: int | None,
    rng: np.random.Generator,
) -> tuple[Explained | None, ...]:
    """Return each column given the others; None where there are too few rows, or no others."""
    parts = two_parts(rows, share, rng, block)
    seed = int(rng.integers(2**31))
    places = range(rows.shape[1])
    if parts is None or len(places) < 2:
        return tuple(None for _ in places)
    return tuple(_explained(rows, place, parts, categorical, models, block, seed) for place in places)


def seen(explained: Sequence[Explained | None], rows: Numbers) -> tuple[Seen | None, ...]:
    """Return what is left of each column of current rows, counted where the reference has rows like them."""
    return tuple(None if each is None else _seen(each, place, rows) for place, each in enumerate(explained))


def compared(explained: Explained | None, current: Seen | None, n: int, m: int, alpha: float) -> Finding:
    """Compare a column given the others with the reference."""
    if explained is None or current is None:
        return Finding(n, m, remarks=("too few rows or columns to explain one by the others",))
    found = matched_ks(explained.rest, current, explained.worth)
    outside = current.n_outside / max(1, m)
    remarks = () if outside < FEW else (f"{100 * outside:.0f} % of rows have no like in the reference",)
    n, m = len(explained.rest.places), current.n_inside
    if found is None or min(n, m) < 2:
        return Finding(n, m, remarks=remarks)
    size = found.n_reference * found.n_current / (found.n_reference + found.n_current)
    return Finding(
        n,
        m,
        score=found.statistic,
        p_value=found.p_value,
        interval=ks_interval(found.statistic, found.n_reference, found.n_current, confidence(alpha)),
        detectable=ks_detectable(found.n_reference, found.n_current, alpha),
        enough=float(special.kolmogorov(size**0.5)) <= alpha,
        remarks=remarks,
    )


def _explained(
    rows: Numbers,
    place: int,
    parts: tuple[Places, Places],
    categorical: Truth,
    models: tuple[Any, Any],
    block: int | None,
    seed: int,
) -> Explained | None:
    others = np.delete(np.arange(rows.shape[1]), place)
    known, held = rows[parts[0]], rows[parts[1]]
    given, kinds = known[:, others], categorical[others]
    model: Regression | Classification
    if categorical[place]:
        model = classification(given, known[:, place], kinds, models[1], seed)
    else:
        model = regression(given, known[:, place], kinds, models[0], seed)
    low, high = limits(given, kinds, LEFT_OUT)
    like = held[inside(held[:, others], low, high)]
    if not len(like):
        return None
    predicted, rest = model.explain(like[:, others], like[:, place])
    edges = _edges(predicted)
    unit = _unit(rest) if categorical[place] else max(EXPLAINED, _unit(rest))
    whole, bins = _whole(rest, unit), _bins(predicted, edges)
    atoms, places = np.unique(whole, return_inverse=True)
    binned = Binned(atoms, places, bins, max(1, len(edges) - 1))
    return Explained(tuple(others.tolist()), model, low, high, edges, unit, binned, _worth(whole, block))


def _seen(explained: Explained, place: int, rows: Numbers) -> Seen:
    others = rows[:, list(explained.others)]
    trusted = inside(others, explained.low, explained.high)
    if not len(trusted):
        return explained.rest.seen(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), len(rows))
    predicted, rest = explained.model.explain(others[trusted], rows[trusted, place])
    slack = 1e-9 * (1.0 + np.abs(explained.edges[[0, -1]]))
    like = (predicted >= explained.edges[0] - slack[0]) & (predicted <= explained.edges[-1] + slack[1])
    whole, bins = _whole(rest[like], explained.unit), _bins(predicted[like], explained.edges)
    return explained.rest.seen(whole, bins, len(rows) - len(whole))


def _edges(predicted: Numbers) -> Numbers:
    n_bins = min(MOST_BINS, max(1, len(predicted) // ROWS_PER_BIN))
    return np.unique(np.quantile(predicted, np.linspace(0.0, 1.0, n_bins + 1), method="higher"))


def _bins(predicted: Numbers, edges: Numbers) -> Places:
    return np.searchsorted(edges[1:-1], predicted)


def _unit(rest: Numbers) -> float:
    low, high = np.quantile(rest, [0.25, 0.75]).tolist()
    return float(high - low or rest.std() or 1.0) / DIGITS


def _whole(rest: Numbers, unit: float) -> Places:
    return np.rint(np.clip(rest / unit, -(2.0**62), 2.0**62)).astype(np.int64)


def _worth(whole: Places, block: int | None) -> float:
    if block is None:
        return 1.0
    deciles = np.unique(np.quantile(whole, np.linspace(0.1, 0.9, 9)))
    return design_effect(np.searchsorted(deciles, whole), len(deciles) + 1, block, cumulative=True)
