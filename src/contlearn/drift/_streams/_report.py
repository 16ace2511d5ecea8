"""What a DistributionDetector says: how much evidence there is, since when, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from contlearn.drift._streams._findings import effects, lag_one, middles, since_change
from contlearn.drift._streams._sight import Sight
from contlearn.results import DriftResult, DriftState

_TOGETHER = "(together)"


class Asked(NamedTuple):
    """What a result is made for.

    Attributes
    ----------
    state, evidence
        Of the detector.
    limit, warning_limit
        Evidence that is an alarm, and that is worth a warning.
    block
        Updates per value of the sight.
    begun
        Updates after the last whole block.
    lag
        Correlation of neighbours in the reference, where there surely is one.
    names
        Of the columns; None where updates are single values.
    """

    state: DriftState
    evidence: float
    limit: float
    warning_limit: float
    block: int
    begun: int
    lag: float | None
    names: tuple[str, ...] | None


def report(sight: Sight, asked: Asked) -> DriftResult:
    """Return the result of a detector that has a reference."""
    moved = asked.state in (DriftState.DRIFT, DriftState.WARNING)
    strongest = int(np.argmax([urn.wealth for urn in sight.urns]))
    since = _since(sight, strongest) if moved else 0
    parts = _parts(sight, asked) if asked.names is not None else {}
    changes = effects(sight.lines[0], sight.recent.values(0, since)) if moved and not parts else {}
    return DriftResult(
        state=asked.state,
        score=asked.evidence,
        threshold=asked.limit,
        n_reference=sight.n_reference * asked.block,
        n_current=sight.seen * asked.block + asked.begun,
        changed_at=since * asked.block + asked.begun if moved else None,
        effects=changes,
        parts=parts,
        remarks=_remarks(sight, asked, since),
    )


def _since(sight: Sight, urn: int) -> int:
    """Return how many values came after the change that an urn shows."""
    regions = sight.recent.regions(urn, sight.seen)
    return since_change(regions, sight.urns[urn].gaps, shape=urn < len(sight.lines))


def _parts(sight: Sight, asked: Asked) -> dict[str, DriftResult]:
    """Return a result for every column, and one for what only several of them show."""
    names = asked.names or ()
    parts = {name: _part(sight, asked, [column]) for column, name in enumerate(names)}
    if sight.trees:
        parts[_TOGETHER] = _part(sight, asked, range(len(names), len(sight.urns)))
    return parts


def _part(sight: Sight, asked: Asked, urns: Sequence[int]) -> DriftResult:
    evidence = sum(sight.urns[urn].wealth for urn in urns) / len(urns)
    state = asked.state
    if evidence < asked.limit:
        warned = state is not DriftState.STABLE and evidence >= asked.warning_limit
        state = DriftState.WARNING if warned else DriftState.STABLE
    moved = state in (DriftState.DRIFT, DriftState.WARNING)
    since = _since(sight, max(urns, key=lambda urn: sight.urns[urn].wealth)) if moved else 0
    column = urns[0]
    known = moved and column < len(sight.lines)
    return DriftResult(
        state=state,
        score=evidence,
        threshold=asked.limit,
        n_reference=sight.n_reference,
        n_current=sight.seen,
        changed_at=since if moved else None,
        effects=effects(sight.lines[column], sight.recent.values(column, since)) if known else {},
    )


def _remarks(sight: Sight, asked: Asked, since: int) -> tuple[str, ...]:
    remarks = []
    if since and since >= min(sight.recent.size, sight.seen) and sight.seen > sight.recent.size:
        remarks.append("the change is at least this old: no earlier values are kept")
    found = [("the reference's", asked.lag)]
    for column, line in enumerate(sight.lines):
        if not line.ordered:
            continue
        places = middles(sight.urns[column].gaps)[sight.recent.regions(column, sight.seen)]
        whose = "the" if asked.names is None else f"{asked.names[column]!r}: the"
        found.append((whose, lag_one([places[: len(places) - since], places[len(places) - since :]])))
    for whose, lag in found:
        if lag is not None:
            remarks.append(_dependent(whose, lag, asked.names is None))
    return tuple(remarks)


def _dependent(whose: str, lag: float, single: bool) -> str:
    how = f"{whose} values depend on their neighbours (lag-1 correlation {lag:.2f})"
    if lag < 0.0:
        return how
    cure = ": false alarms come sooner than stated"
    return how + cure + ("; a larger block= averages it out" if single else "")


def undecided(waiting: Sequence[Any], limit: float) -> DriftResult:
    """Return the result of a detector that is still learning its reference."""
    return DriftResult(state=DriftState.UNDECIDED, threshold=limit, n_reference=len(waiting))
