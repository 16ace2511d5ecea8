"""The gate that waits for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from contlearn import _checks
from contlearn.gates._base import Gate
from contlearn.gates._sign_off import SignOff
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict

_GIVEN = "pass approvals=ledger.approvals(model_id) to the trial"


@dataclass(frozen=True, slots=True)
class Approval(Gate):
    """Promote only what a person has approved: until then, it waits.

    Join it to gates that look at the data: ``Gain() & Approval(by="ada")``. By itself it knows nothing of
    losses, except that it lets nobody approve a trial without rows or with losses that are not numbers.

    Parameters
    ----------
    by
        Whose word counts: one name, or a tuple of names, all of whom must approve. None: anybody's.

    Notes
    -----
    CONTINUE until every person asked has approved; REJECT as soon as one of them refuses, with their reason;
    PROMOTE otherwise. The last word of a person counts, in the order of the trial's `approvals`, so somebody
    may take back an approval or a refusal. With `by=None` one approval is enough, and anybody's refusal
    stands until the same person takes it back. Others than those named may say what they want.

    Names are compared exactly, apart from blanks around them. A trial does not know the name of its model;
    ``ledger.approvals(model_id)`` gives the sign-offs of one model, and where those in the trial name several
    models, none of them counts. It keeps no error rate, so it has no alpha.

    Joined to other gates, and the only one that has not promoted, it is told with what they found: who is to
    approve should read it.

    Cost: O(number of sign-offs).

    Threads may share it.

    Examples
    --------
    >>> from contlearn.gates import Approval, SignOff, Trial
    >>> gate = Approval(by=("ada", "grace"))
    >>> print(gate(Trial([1, 0], [0, 0], approvals=[SignOff("ada")])))
    continue: not yet approved by grace (approved by ada)
    >>> refusal = SignOff("grace", granted=False, reason="the new region has no rows yet")
    >>> print(gate(Trial([1, 0], [0, 0], approvals=[SignOff("ada"), refusal])))
    reject: refused by grace: the new region has no rows yet
    """

    _asks_people = True

    by: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.by is None:
            return
        _checks.instance("by", self.by, (str, tuple, list), "a name, a tuple of names or None")
        if not self.by:
            _checks.fail("by", "name somebody", self.by, "None lets anybody approve")
        for name in _names(self.by):
            _checks.instance("every name in by", name, str, "a name")
            if not name.strip():
                _checks.fail("by", "hold names", self.by)

    def __call__(self, trial: Trial) -> Verdict:
        """Return what the people asked have said."""
        _checks.instance("trial", trial, Trial, "a Trial")
        if unfit := _unfit(trial):
            return Verdict(Outcome.CONTINUE, unfit)
        last = {said.by.strip(): said for said in trial.approvals or ()}
        asked = None if self.by is None else [name.strip() for name in _names(self.by)]
        heard = last if asked is None else {name: last[name] for name in asked if name in last}
        refused = [said for said in heard.values() if not said.granted]
        if refused:
            return Verdict(Outcome.REJECT, "; ".join(map(_told, refused)))
        waiting = [name for name in asked or () if name not in last]
        if waiting or not heard:
            return Verdict(Outcome.CONTINUE, _waiting(waiting, heard, trial.approvals is None))
        return Verdict(Outcome.PROMOTE, "; ".join(map(_told, heard.values())))


def _names(by: str | Iterable[str]) -> tuple[str, ...]:
    return (by,) if isinstance(by, str) else tuple(by)


def _unfit(trial: Trial) -> str:
    """Return why nobody could have approved this trial; empty where somebody could."""
    if trial.n_samples == 0:
        return "the trial has no rows, so there is nothing to approve"
    bad = int((~(np.isfinite(trial.champion_losses) & np.isfinite(trial.challenger_losses))).sum())
    if bad:
        return f"{bad} of {trial.n_samples} rows with a loss that is NaN or infinite: not to be approved"
    models = dict.fromkeys(said.model_id for said in trial.approvals or () if said.model_id)
    if len(models) > 1:
        named = ", ".join(map(_checks.called, models))
        return f"the approvals are of {len(models)} models ({named}), so none of them counts; {_GIVEN}"
    return ""


def _told(said: SignOff) -> str:
    return _checks.one_line(str(said))


def _cure(name: str) -> str:
    return f"record it by ledger.approve(model_id, by={_checks.called(name)!r}, at=...)"


def _waiting(waiting: list[str], heard: dict[str, SignOff], unasked: bool) -> str:
    """Return who is waited for, and how to go on; `unasked` where the trial has no approvals at all."""
    if not waiting:
        return f"nobody has approved yet; {_GIVEN if unasked else _cure('ada')}"
    so_far = f" (approved by {', '.join(map(_checks.called, heard))})" if heard else ""
    so_far = so_far or f"; {_GIVEN if unasked else _cure(waiting[0])}"
    return f"not yet approved by {', '.join(map(_checks.called, waiting))}{so_far}"
