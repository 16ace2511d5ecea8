"""What each way of testing the maximum mean discrepancy finds, and how much of it is known."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._finding import Finding, confidence
from contlearn.stats._cauchy import cauchy_combination
from contlearn.stats._mmd import measured, smallest_p_value
from contlearn.stats._mmd_cross import FEWEST, detectable_cross, least_independent, mmd_cross
from contlearn.stats._mmd_effect import detectable_effect, effect_interval, precision_of_bins
from contlearn.stats._mmd_features import (
    NOTHING_VARIES,
    Law,
    critical_effect,
    inflation_of,
    law_of_blocks,
    law_of_rows,
    p_values,
    precision,
    squared_distances,
    squared_effect,
)
from contlearn.stats._random_features import (
    FeatureMap,
    Moments,
    centre_and_spread,
    feature_map,
    moments,
    tails,
)

Rows = NDArray[np.float64]

_FEWEST_BINS = 8  # that a variance is estimated from
_FEWEST_ROWS = 25  # on either side, for the law of the features' means
_SHARED = 2.0  # about so many independent tests the kernels of a ladder are worth
_EXCESS = 1.15  # p-values that are neither independent nor equal: their combination rejects .06 of the time
_ROWS_BY_ROOT = 20.0  # per root of the number of columns: fewer make their own scale look special


class Learnt(NamedTuple):
    """What is kept of the reference for `method="features"`.

    `tails` says how much worse than for normal columns the spreads of these are known; `law` is that of
    blocks of rows, where they are given.
    """

    features: FeatureMap
    moments: Moments
    block: int
    tails: float
    law: Law | None


def by_permutation(
    before: Rows, after: Rows, n_permutations: int, alpha: float, block: int | None, rng: np.random.Generator
) -> Finding:
    """Return what relabelings of the rows (or of blocks of them) find."""
    n, m = before.shape[0], after.shape[0]
    if min(n, m) < (block or 1):
        return Finding(n, m, enough=False, remarks=(f"less than one block of {block} rows",))
    found = measured(before, after, n_permutations, rng, block)
    enough = smallest_p_value(n, m, n_permutations, block or 1) <= alpha
    result = found.result
    finding = Finding(result.n_x, result.n_y, result.effect, result.p_value, enough=enough)
    if min(found.bins.x, found.bins.y) < 2 or result.n_permutations == 0:
        return finding
    own = found.bins.size if (block or 1) > 1 else 1
    known = precision_of_bins(found.sums[0], found.bins, own)
    limit = float(np.quantile(found.largest, 1.0 - alpha, method="higher"))
    interval = effect_interval(float(found.squared[0, 0]), known, confidence(alpha))
    return finding._replace(
        interval=interval if min(found.bins.x, found.bins.y) >= _FEWEST_BINS else None,
        detectable=math.sqrt(detectable_effect(limit * math.sqrt(known.null), known)),
    )


def by_halves(
    before: Rows, after: Rows, alpha: float, block: int | None, rng: np.random.Generator
) -> Finding:
    """Return what one half of the rows finds in the direction that the other half shows."""
    n, m = len(before), len(after)
    least = least_independent(n, m, block)
    if least < 2:
        return Finding(n, m, enough=False, remarks=(_too_few(2 * FEWEST * (block or 1)),))
    found = mmd_cross(before, after, rng, block)
    finding = Finding(n, m, score=math.sqrt(max(0.0, found.squared)))
    if least < FEWEST:
        return finding._replace(enough=False, remarks=(_too_few(2 * FEWEST * (block or 1)),))
    return finding._replace(
        p_value=found.p_value,
        interval=effect_interval(found.squared, found.precision, confidence(alpha)),
        detectable=math.sqrt(detectable_cross(found, alpha / _SHARED)),
    )


def learnt(rows: Rows, standardize: bool, block: int | None, rng: np.random.Generator) -> Learnt:
    """Return what `by_features` needs to know of the reference."""
    centre, spread = centre_and_spread(rows, alike=not standardize)
    features = feature_map(rows, centre, spread, rng)
    block = block or 1
    law = law_of_blocks(features, rows, block) if block > 1 else None
    return Learnt(features, moments(features, rows), block, tails(rows, centre, spread), law)


def by_features(reference: Learnt, current: Moments, alpha: float) -> Finding:
    """Return what the means of random features find."""
    before, after = reference.moments, current
    n, m = before.n, after.n
    law = law_of_rows(before, after) if reference.block == 1 else reference.law
    remarks = _fewest(reference, m)
    if min(n, m) < 2 or law is None:
        return Finding(n, m, enough=False, remarks=remarks)
    apart, inflation = squared_distances(before, after), 1.0
    squared = squared_effect(before, after)
    if reference.block > 1:
        inflation = inflation_of(law, before)
        squared = float(apart[0]) - (1.0 / n + 1.0 / m) * float(law.variance[0])
    finding = Finding(n, m, score=math.sqrt(max(0.0, squared)), enough=not remarks, remarks=remarks)
    if remarks:
        return finding
    combined = cauchy_combination(p_values(apart, law, n, m))
    finding = finding._replace(p_value=min(1.0, _EXCESS * combined))
    if law.variance[0] <= NOTHING_VARIES:
        return finding
    known = precision(before, after, law, inflation)
    critical = critical_effect(law, n, m, alpha / _SHARED)
    return finding._replace(
        interval=effect_interval(squared, known, confidence(alpha)),
        detectable=math.sqrt(detectable_effect(critical, known)),
    )


def _fewest(reference: Learnt, m: int) -> tuple[str, ...]:
    """Say which rows are too few for the law to hold; nothing where they suffice."""
    n, m = reference.moments.n // reference.block, m // reference.block
    if min(n, m) < _FEWEST_ROWS:
        return (_too_few(_FEWEST_ROWS * reference.block),)
    n_columns = len(reference.features.centre)
    if n * (n + m) / (2 * m) < _ROWS_BY_ROOT * math.sqrt(n_columns) * reference.tails**2:
        return (f"{n_columns} columns need more reference rows for method='features'",)
    return ()


def _too_few(rows: int) -> str:
    return f"fewer than the {rows} rows on each side that the law of this method needs"
