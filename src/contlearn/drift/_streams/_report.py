"""What a DistributionDetector says: how much evidence there is, since when, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from contlearn.drift._streams._findings import effects, since_change
from contlearn.drift._streams._neighbours import dependent, lag_one, middles
from contlearn.drift._streams._reach import few, patience, too_few, urn_finds, values_for_urn
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
    bins
        Regions that were asked for.
    """

    state: DriftState
    evidence: float
    limit: float
    warning_limit: float
    block: int
    begun: int
    lag: float | None
    names: tuple[str, ...] | None
    bins: int


def report(sight: Sight, asked: Asked) -> DriftResult:
    """Return the result of a detector that has a reference."""
    asked = asked._replace(state=_known(sight, asked))
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


def _known(sight: Sight, asked: Asked) -> DriftState:
    """Return the state, which is not stable where nothing was seen, or nothing at all would be found."""
    if asked.state is DriftState.STABLE and (not sight.seen or not urn_finds(*_demand(sight, asked))):
        return DriftState.UNDECIDED
    return asked.state


def _demand(sight: Sight, asked: Asked) -> tuple[tuple[int, ...], float, int]:
    """Return the gaps of one column, the wealth that alarms if it has all of it, and how soon it must."""
    weight = 1.0 / len(sight.lines) * (0.5 if sight.trees else 1.0)
    updates = max(patience(asked.limit) // asked.block, patience(0.0))
    return sight.edges[0].gaps, asked.limit / asked.block / weight, updates


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
    if state in (DriftState.DRIFT, DriftState.WARNING) and evidence < asked.limit:
        state = DriftState.WARNING if evidence >= asked.warning_limit else DriftState.STABLE
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
    remarks += _limits_of(sight, asked)
    questions = sum(line.ordered for line in sight.lines) + (asked.names is None)  # and of the reference
    found = [("the reference's", asked.lag)]
    for column, line in enumerate(sight.lines):
        if not line.ordered:
            continue
        places = middles(sight.urns[column].gaps)[sight.recent.regions(column, sight.seen)]
        whose = "the" if asked.names is None else f"{asked.names[column]!r}: the"
        pieces = [places[: len(places) - since], places[len(places) - since :]]
        found.append((whose, lag_one(pieces, questions)))
    for whose, lag in found:
        if lag is not None:
            cure = "; a larger block= averages it out" if asked.names is None and lag > 0.0 else ""
            remarks.append(dependent(whose, lag) + cure)
    return tuple(remarks)


def _limits_of(sight: Sight, asked: Asked) -> list[str]:
    """Return what to say where little or nothing can be known."""
    n = sight.n_reference * asked.block
    remarks = []
    if asked.begun and not sight.seen:
        remarks.append("no whole block yet")
    gaps, limit, updates = _demand(sight, asked)
    if urn_finds(gaps, limit, updates):
        remarks += few(n)
    else:
        enough = values_for_urn(asked.bins, limit, updates)
        halves = 1 if all(line.ordered for line in sight.lines) else 2
        remarks.append(too_few(n, updates * asked.block, enough and enough * halves * asked.block))
    for name, line in zip(asked.names or ("the reference",), sight.lines, strict=True):
        if line.missing == line.n:
            whose = name if asked.names is None else f"column {name!r} of the reference"
            remarks.append(f"{whose} has missing values only: what is not missing is all that can be told")
    return remarks


def undecided(waiting: Sequence[Any], limit: float) -> DriftResult:
    """Return the result of a detector that is still learning its reference."""
    return DriftResult(state=DriftState.UNDECIDED, threshold=limit, n_reference=len(waiting))
