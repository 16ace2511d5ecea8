"""From what one test found to what is said about it: the order in which a state is settled, once for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from contlearn.results import DriftResult, DriftState, Interval
from contlearn.stats._chi_squared import (
    chi_squared,
    total_variation_detectable,
    total_variation_interval,
)


class Finding(NamedTuple):
    """What one test found, before it is known how many tests were made beside it.

    Attributes
    ----------
    n_reference, n_current
        Usable rows on the two sides.
    score
        Effect; None where it could not be computed.
    p_value
        Not corrected; None where it could not be computed.
    interval
        Of the effect, where one is known.
    detectable
        Smallest effect that these numbers of rows would have caught with 80 % power at the level of the
        test; None for detectors that have no such unit.
    enough
        False where these numbers of rows cannot bring the p-value to the level of the test.
    remarks
        What a reader should know before acting on the numbers.
    effects
        What changed, in the units of the column: current minus reference.
    """

    n_reference: int
    n_current: int
    score: float | None = None
    p_value: float | None = None
    interval: Interval | None = None
    detectable: float | None = None
    enough: bool = True
    remarks: tuple[str, ...] = ()
    effects: Mapping[str, Interval] = {}


def confidence(alpha: float) -> float:
    """Return the confidence of the interval that goes with a test at `alpha`: below 1, however small."""
    return min(1.0 - alpha, math.nextafter(1.0, 0.0))


def known(p_value: float | None) -> float:
    """Return a p-value for a correction: what was not computed is evidence of nothing."""
    return 1.0 if p_value is None else p_value


def settle(
    finding: Finding, p_value: float, alpha: float, tolerance: float, must_detect: float | None
) -> DriftResult:
    """Return the result of one test, whose corrected p-value is `p_value`.

    Below two rows on either side nothing is ever decided. Else DRIFT comes first: evidence is evidence,
    however few the rows. Only the absence of evidence asks whether there could have been any.
    """
    alpha, tolerance = float(alpha), float(tolerance)
    if min(finding.n_reference, finding.n_current) < 2 or finding.p_value is None:
        state = DriftState.UNDECIDED
    elif p_value <= alpha and finding.score is not None and finding.score >= tolerance:
        state = DriftState.DRIFT
    elif not finding.enough or _too_coarse(finding.detectable, must_detect):
        state = DriftState.UNDECIDED
    else:
        state = DriftState.STABLE
    return DriftResult(
        state=state,
        score=finding.score,
        interval=finding.interval,
        p_value=None if finding.p_value is None else p_value,
        alpha=alpha,
        tolerance=tolerance,
        detectable=finding.detectable,
        equivalent=finding.interval is not None and finding.interval.high < tolerance and tolerance > 0.0,
        n_reference=finding.n_reference,
        n_current=finding.n_current,
        effects=finding.effects,
        remarks=finding.remarks,
    )


def combine(
    parts: Mapping[str, DriftResult], alpha: float, tolerance: float | None, leading: str | None = None
) -> DriftResult:
    """Return one result over `parts`, whose p-values are already corrected for each other.

    `score`, its interval and `detectable` are those of the part `leading`, for parts whose effects are in
    different units; by default the largest.
    """
    results = tuple(parts.values())
    weighed = (parts[leading],) if leading is not None else results
    furthest = max(weighed, key=lambda part: -1.0 if part.score is None else part.score)
    states = {part.state for part in results}
    return DriftResult(
        state=next(state for state in _BY_WEIGHT if state in states),
        score=furthest.score,
        interval=furthest.interval,
        p_value=min((part.p_value for part in results if part.p_value is not None), default=None),
        alpha=float(alpha),
        tolerance=None if tolerance is None else float(tolerance),
        detectable=max((part.detectable for part in weighed if part.detectable is not None), default=None),
        equivalent=all(part.equivalent for part in results),
        n_reference=max(part.n_reference for part in results),
        n_current=max(part.n_current for part in results),
        parts=parts,
        remarks=() if leading is None else parts[leading].remarks,
    )


def missing_share(missing: Sequence[int], rows: Sequence[int], alpha: float) -> Finding:
    """Compare the shares of missing values of the reference and the current rows, by an exact test.

    The effect is the difference of the shares: the share of rows that went missing, or came back.
    """
    n, m = rows
    if not n or not m:
        return Finding(n, m)
    table = [[gone, all_ - gone] for gone, all_ in zip(missing, rows, strict=True)]
    p_value = 1.0
    if 0 < sum(missing) < n + m:
        small = min(*rows, sum(missing), n + m - sum(missing))
        p_value = chi_squared(table, method="permutation" if small < 100_000 else "asymptotic").p_value
    distance = abs(missing[0] / n - missing[1] / m)
    return Finding(
        n,
        m,
        score=distance,
        p_value=p_value,
        interval=total_variation_interval(distance, n, m, 2, confidence(alpha)),
        detectable=total_variation_detectable(n, m, 2, alpha),
    )


_BY_WEIGHT = (DriftState.DRIFT, DriftState.UNDECIDED, DriftState.STABLE)


def _too_coarse(detectable: float | None, must_detect: float | None) -> bool:
    return detectable is not None and must_detect is not None and detectable > must_detect
