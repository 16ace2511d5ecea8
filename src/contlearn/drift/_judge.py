"""A classifier is taught to tell two sides apart, and judged by rows that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from contlearn._tables import Column
from contlearn.drift._classifier import scored, trained
from contlearn.drift._rows import Numbers, Places, at_most, canonical, encoded, subset, two_parts
from contlearn.drift._seeds import seed_of
from contlearn.results import Interval
from contlearn.stats._mann_whitney import (
    Placements,
    auc_inflation,
    auc_p_value,
    mean_variance,
    placements,
)

TIMES = 8
"""More reference rows than so many times the batch add less than an eighth to the effective sample size."""

FEWEST = 256
"""So many reference rows are always used."""

REPEATS = 10
"""Shufflings of a column for its importance."""

FOLDS = 5
"""Parts of the current rows, each scored by a model that saw the others."""


class Kept(NamedTuple):
    """Rows of the reference, and how many complete ones there were."""

    columns: tuple[Column, ...]
    n_complete: int


class Judged(NamedTuple):
    """A classifier that was taught on some rows of both sides, and the other rows, by which it was judged.

    `inflation` says how many times less than independent ones dependent rows are worth.
    """

    model: Any
    reference: Numbers
    current: Numbers
    placed: Placements
    p_value: float
    inflation: float
    remarks: tuple[str, ...]


class Judge(NamedTuple):
    """How to teach and to judge: the parameters of `DomainClassifier`, and the seed of one answer."""

    estimator: Any
    train_share: float
    max_rows: int
    block: int | None
    seed: int | None

    def judged(self, reference: Kept, current: Sequence[Column]) -> Judged | None:
        """Teach a classifier on one part of both sides, and let it score the other; None: too few rows."""
        rng = np.random.default_rng(self.seed)
        used = at_most(current, self.max_rows, rng, self.block)
        before, after, categorical = encoded(reference.columns, used)
        # Rows are put in order before they are divided, so that the order they came in does not matter. Were
        # they divided at the same places for all data, the parts of the two sides would differ for ever.
        both = (before, after) if self.block else [side[canonical(side)] for side in (before, after)]
        rng = np.random.default_rng(seed_of(self.seed, both))
        before = self._worthwhile(before, len(after), rng)
        old = two_parts(before, self.train_share, rng, self.block)
        new = two_parts(after, self.train_share, rng, self.block)
        if old is None or new is None:
            return None
        model = trained(self.estimator, before[old[0]], after[new[0]], categorical, self._drawn(rng))
        scores = scored(model, before[old[1]]), scored(model, after[new[1]])
        placed, block = placements(*scores), self.block or 1
        return Judged(
            model,
            before[old[1]],
            after[new[1]],
            placed,
            auc_p_value(*scores, block),
            1.0 if self.block is None else max(1.0, auc_inflation(placed, block)),
            _left_out((len(before), len(after)), (reference.n_complete, current[0].n_rows)),
        )

    def importance(self, judged: Judged, place: int, level: float) -> Interval:
        """Return the drop of the AUC when one column is shuffled among the held-out rows."""
        rng = np.random.default_rng(self.seed)
        rows = np.concatenate((judged.reference, judged.current))
        n = len(judged.reference)
        drops, lost = [], np.concatenate(judged.placed[1:])
        for _ in range(REPEATS):
            shuffled = rows.copy()
            shuffled[:, place] = rng.permutation(rows[:, place])
            scores = scored(judged.model, shuffled)
            placed = placements(scores[:n], scores[n:])
            drops.append(judged.placed.auc - placed.auc)
            lost -= np.concatenate(placed[1:]) / REPEATS
        variance = float(np.var(drops, ddof=1)) / REPEATS
        variance += sum(
            mean_variance(side, self.block or 1)
            for side in np.split(lost, [n])
            if len(side) >= 2 * (self.block or 1)
        )
        estimate = float(np.mean(drops))
        margin = float(special.ndtri(0.5 + level / 2.0)) * math.sqrt(variance)
        return Interval(estimate, estimate - margin, estimate + margin, level)

    def cross_scored(self, reference: Kept, current: Sequence[Column]) -> Numbers:
        """Return one score per current row, from models that have not seen the row."""
        rng = np.random.default_rng(self.seed)
        before, after, categorical = encoded(reference.columns, current)
        before = self._worthwhile(before, min(len(after), self.max_rows), rng)
        order = np.arange(len(after)) if self.block else canonical(after)[rng.permutation(len(after))]
        scores = np.empty(len(after))
        for fold in np.array_split(order, min(FOLDS, len(after))):
            taught = after[self._others(order, fold, rng)]
            model = trained(self.estimator, before, taught, categorical, self._drawn(rng))
            scores[fold] = scored(model, after[fold])
        return scores

    def _others(self, order: Places, fold: Places, rng: np.random.Generator) -> Places:
        """Return the places to learn from while those of `fold` are scored: with `block`, not near them."""
        others = order[~np.isin(order, fold)]
        if self.block is not None:
            far = (others <= fold[0] - self.block) | (others >= fold[-1] + self.block)
            others = others[far] if far.any() else others
        drawn = subset(len(others), self.max_rows, rng)
        return others if drawn is None else others[drawn]

    def _worthwhile(self, before: Numbers, m: int, rng: np.random.Generator) -> Numbers:
        """Return the reference rows, or as many of them as are worth learning from."""
        if self.block is None:
            before = before[canonical(before)]
        rows = subset(len(before), max(FEWEST, TIMES * m), rng, self.block)
        return before if rows is None else before[rows]

    def _drawn(self, rng: np.random.Generator) -> int | None:
        return None if self.seed is None else int(rng.integers(2**31))


def _left_out(used: tuple[int, int], rows: tuple[int, int]) -> tuple[str, ...]:
    return tuple(
        f"{few} of {all_} {side} rows used, drawn at random"
        for side, few, all_ in zip(("reference", "current"), used, rows, strict=True)
        if few < 0.9 * all_
    )
