"""The rule that reads a drift detector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from contlearn import _checks
from contlearn.policies._base import Rule, tally, unknown
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision, DriftResult, DriftState

_SHOWN = 5  # a reason is a sentence, not a table; `because` has every entry


@dataclass(frozen=True, slots=True, repr=False)
class OnDrift(Rule):
    """Retrain when a detector reports drift.

    Drift alone is seldom a reason to train: weather and season move the inputs and leave the loss where it
    was. Join it with a sign of harm, such as `LossIncrease`, or with `MinLabels`.

    Unknown when `drift` is not known or UNDECIDED. Of a mapping, one drifted entry is enough; it is unknown
    only when none drifted and one of them is undecided or None. The error rate is the detector's: with
    several in a mapping, each brings its own.

    The decision states the detector's p-value, where it has one; of a mapping, the smallest times the number
    of entries, those without a p-value included.

    Parameters
    ----------
    name
        The entry of the mapping, or the part of the single result, to read; None for all.

    Examples
    --------
    >>> from contlearn.policies import Evidence, OnDrift
    >>> from contlearn.results import DriftResult, DriftState
    >>> amount = DriftResult(
    ...     state=DriftState.DRIFT, score=0.31, p_value=0.001, alpha=0.05, n_reference=900, n_current=80
    ... )
    >>> print(OnDrift("amount")(Evidence(drift={"amount": amount})))
    retrain: amount drift: score 0.31, p = 0.001 (alpha 0.05), 80 rows against 900
    >>> OnDrift("city")(Evidence(drift={"amount": amount})).missing
    ('drift',)
    """

    name: str | None = None
    states_evidence: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.name is not None:
            _checks.instance("name", self.name, str, "the name of a drift result, or None")

    def __call__(self, evidence: Evidence) -> Decision:
        drift = evidence.drift
        if drift is None:
            return unknown(["drift"])
        if self.name is not None:
            entries = drift if isinstance(drift, Mapping) else drift.parts
            return _read(self.name, entries.get(self.name))
        return _read_all(drift) if isinstance(drift, Mapping) else _read("", drift)


def _read(name: str, result: DriftResult | None) -> Decision:
    if result is None:
        return unknown(["drift"], f"drift of {_checks.called(name)} is not known")
    reason = f"{_checks.called(name)} {result}".strip()
    if result.state is DriftState.UNDECIDED:
        return unknown(["drift"], reason)
    return Decision(result.state is DriftState.DRIFT, reason, p_value=result.p_value)


def _read_all(entries: Mapping[str, DriftResult | None]) -> Decision:
    if not entries:
        return unknown(["drift"], "drift is not known: the mapping is empty")
    votes = [_read(str(name), result) for name, result in entries.items()]
    full = tally(votes, 1)
    told = [vote for vote in votes if (vote.retrain, vote.missing) == (full.retrain, full.missing)]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    reason = "; ".join(vote.reason for vote in told[:_SHOWN]) + more
    p_values = [vote.p_value for vote in votes if vote.p_value is not None]
    p_value = min(1.0, len(votes) * min(p_values)) if p_values and not full.missing else None
    return Decision(full.retrain, reason, full.because, full.missing, p_value)
