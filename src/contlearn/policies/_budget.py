"""The rule that spends no more money on retrainings than was allowed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from contlearn import _checks
from contlearn._time import Duration, duration, words
from contlearn.policies._base import unknown
from contlearn.policies._evidence import Evidence
from contlearn.policies._window import WithinTime
from contlearn.results import Decision

_ROUNDING = 1e-9  # ten times 0.1 is 1


@dataclass(frozen=True, slots=True, repr=False)
class Budget(WithinTime):
    """Allow retraining while its cost and that of the retrainings within the last `per` fit into `amount`.

    Counted are the episodes of `history` whose decision retrained, promoted or not; one that lies exactly
    `per` back no longer counts. For a number of retrainings instead of money, see `AtMost`.

    Unknown when `now`, the history or a cost that could matter is not known, or when the history is full and
    does not reach back to `per`.

    Parameters
    ----------
    amount
        Money for one `per`; above 0, in any currency.
    per
        A timedelta above 0 (a number above 0 where moments are numbers).
    cost
        What one retraining costs, above 0 and at most `amount`; or the name of the field of your `Evidence`
        that says what a retraining at that moment costs.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> from contlearn.policies import Budget, Episode, Evidence
    >>> from contlearn.results import Decision
    >>> rule = Budget(500, per=timedelta(days=30), cost=200)
    >>> past = [Episode(Evidence(now=datetime(2024, 1, day)), Decision(True, "drift")) for day in (3, 9)]
    >>> print(rule(Evidence(now=datetime(2024, 1, 20), history=past)))
    wait: 400 spent in the last 30 days, a retraining costs 200 (budget 500)
    >>> print(rule(Evidence(now=datetime(2024, 2, 3), history=past)))
    retrain: 200 spent in the last 30 days, a retraining costs 200 (budget 500)

    A cost that changes, such as that of a spot instance, is a fact of the evidence:

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Priced(Evidence):
    ...     price: float | None = None
    >>> rule = Budget(500, per=timedelta(days=30), cost="price")
    >>> past = [Episode(Priced(now=datetime(2024, 1, 3), price=450.0), Decision(True, "drift"))]
    >>> print(rule(Priced(now=datetime(2024, 1, 20), price=40.0, history=past)))
    retrain: 450 spent in the last 30 days, a retraining costs 40 (budget 500)
    """

    amount: float
    per: Duration
    cost: float | str

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", _checks.positive("amount", self.amount))
        object.__setattr__(self, "per", duration("per", self.per))
        if isinstance(self.cost, str):
            if not self.cost.isidentifier():
                _checks.fail("cost", "be a number or the name of a field of the evidence", self.cost)
            return
        object.__setattr__(self, "cost", _checks.positive("cost", self.cost))
        if self.cost > self.amount:
            _checks.fail(
                "cost", f"be at most the amount, {self.amount:g}", self.cost, "nothing could be bought"
            )

    def __call__(self, evidence: Evidence) -> Decision:
        lacking = self._lacking(evidence)
        if lacking is not None:
            return lacking
        retrained = [past for past in evidence.history if past.decision.retrain]
        dated = [(self._within(past, evidence), self._cost_of(past.evidence)) for past in retrained]
        spent = math.fsum(cost for within, cost in dated if within and cost is not None)
        price = self._cost_of(evidence)
        reason = f"{spent:.6g} spent in the last {words(self.per)}"
        reason += f", a retraining costs {'an unknown amount' if price is None else f'{price:.6g}'}"
        reason += f" (budget {self.amount:.6g})"
        if not self._fits(spent + (price or 0.0)):
            return Decision(False, reason)
        if price is None:
            return unknown([str(self.cost)], reason)
        most = spent + math.fsum(self._unsure(within, cost) for within, cost in dated)
        if not self._fits(most + price):
            return unknown(["history"], f"{reason}, and retrainings whose time or cost is not known")
        if self._cut_short(evidence):
            return unknown(["history"], f"{reason}, but the history does not reach back so far")
        return Decision(True, reason)

    def _fits(self, cost: float) -> bool:
        return cost <= self.amount * (1.0 + _ROUNDING)

    def _cost_of(self, evidence: Any) -> float | None:
        """Return what a retraining at that moment costs; None where that is not known."""
        if not isinstance(self.cost, str):
            return float(self.cost)
        cost = getattr(evidence, self.cost, None)
        if isinstance(cost, bool) or not isinstance(cost, (int, float)) or not 0.0 <= cost < math.inf:
            return None
        return float(cost)

    def _unsure(self, within: bool | None, cost: float | None) -> float:
        """Return what a retraining may have cost within the time beyond what is counted."""
        if within is False or (within and cost is not None):
            return 0.0
        return math.inf if cost is None else cost
