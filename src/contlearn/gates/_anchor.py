"""A challenger asked against two models: the champion, and the anchor, the best model ever promoted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contlearn import _checks
from contlearn.exceptions import InvalidInputError
from contlearn.gates import _settled
from contlearn.gates._base import joint_needed, weakest
from contlearn.gates._trial import Trial
from contlearn.results import Verdict


def of_both(champion: Verdict, anchor: Verdict) -> Verdict:
    """Return the verdict against two models: the challenger has to pass against each."""
    both = tuple(
        replace(verdict, reason=f"against the {name}, {verdict.reason}")
        for name, verdict in (("champion", champion), ("anchor", anchor))
    )
    outcome = weakest(both)
    known = [verdict.p_value for verdict in both if verdict.p_value is not None]
    return Verdict(
        outcome,
        "; ".join(verdict.reason for verdict in both),
        gain=champion.gain,
        p_value=max(known) if len(known) == len(both) else None,
        needed=joint_needed(outcome, both),
        because=both,
    )


def by_predictions(judge: Callable[[Trial], Verdict], trial: Trial, margin: float) -> Verdict:
    """Return the verdict of `judge`, which reads predictions; below 0, against the anchor, too.

    What the trial lacks, and what `judge` refuses to read, is told and promotes nothing.
    """
    _checks.instance("trial", trial, Trial, "a Trial")
    lacks = _settled.lacking(trial, "y", "champion", "challenger")
    if lacks:
        return _settled.unsettled(lacks)
    verdict = _asked(judge, trial)
    if margin >= 0.0 or (trial.anchor is None and trial.anchor_losses is None):
        return verdict
    if trial.anchor is None:
        why = "the trial has the anchor's losses and not its predictions; pass anchor= to the trial"
        return of_both(verdict, _settled.unsettled(why))
    anchored = Trial(
        trial.champion_losses if trial.anchor_losses is None else trial.anchor_losses,
        trial.challenger_losses,
        groups=trial.groups,
        y=trial.y,
        champion=trial.anchor,
        challenger=trial.challenger,
    )
    return of_both(verdict, _asked(judge, anchored))


def _asked(judge: Callable[[Trial], Verdict], trial: Trial) -> Verdict:
    try:
        return judge(trial)
    except InvalidInputError as error:
        return _settled.unsettled(str(error))
