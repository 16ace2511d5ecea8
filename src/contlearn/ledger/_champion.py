"""Who serves, since when, and why."""

from __future__ import annotations

from dataclasses import dataclass

from contlearn import _checks, _html
from contlearn._answers import Answer
from contlearn._time import Moment
from contlearn.gates._sign_off import SignOff
from contlearn.ledger import _moments
from contlearn.results import Decision, Verdict


@dataclass(frozen=True, slots=True)
class Champion(Answer):
    """The model that served, since when, and why.

    Parameters
    ----------
    model_id
        Which model.
    since
        When it began to serve, or was put back by a rollback.
    reason
        Why, in the words given to `promote` or `rollback`; where `promote` was given none, the reason of the
        verdict.
    until
        When another took over; None while it serves, and where nobody has yet.
    trained_at
        When it was trained; where `promote` was not told, by its last `TrainingRun`.
    baseline_loss
        Its loss when it was promoted.
    decision
        The decision that asked for it, where the ledger has one.
    verdict
        The verdict that promoted it, where the ledger has one.
    approvals
        What people had said about it; see `overruled`.
    entry
        Number of the promotion or rollback in the ledger.
    promotion
        Number of its promotion; another than `entry` after a rollback.

    Examples
    --------
    >>> from contlearn.ledger import Ledger
    >>> ledger = Ledger()
    >>> ledger.promote("7", at=1, reason="the first model")
    >>> print(ledger.champion())
    7 since 1.0: the first model
    """

    model_id: str
    since: Moment
    reason: str = ""
    until: Moment | None = None
    trained_at: Moment | None = None
    baseline_loss: float | None = None
    decision: Decision | None = None
    verdict: Verdict | None = None
    approvals: tuple[SignOff, ...] = ()
    entry: int = 0
    promotion: int = 0

    def __str__(self) -> str:
        until = "" if self.until is None else f" until {_moments.text_of(self.until)}"
        said = f"{self.model_id} since {_moments.text_of(self.since)}{until}"
        although = "".join(f" (although {said})" for said in self.overruled)
        return _checks.one_line(f"{said}: {self.reason}{although}" if self.reason else f"{said}{although}")

    @property
    def overruled(self) -> tuple[SignOff, ...]:
        """The refusals that stood when it was promoted: of each person, the last word."""
        last = {said.by.strip(): said for said in self.approvals}
        return tuple(said for said in last.values() if not said.granted)

    def _repr_html_(self) -> str:
        names = [name for name in self.__dataclass_fields__ if getattr(self, name) not in (None, ())]
        return _html.table(str(self), ("", ""), [(name, str(getattr(self, name))) for name in names])
