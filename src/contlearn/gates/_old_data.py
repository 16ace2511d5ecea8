"""The gate against forgetting: another gate asked about named sets of old rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from contlearn import _checks
from contlearn.gates._base import Gate, GateLike, ask, joint_needed, largest_p_value, tightened, weakest
from contlearn.gates._gain import Gain
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict

_NOT_WORSE = Gain(margin=-0.01)
_TOLD = 3  # sets whose whole reason is told; the others are named
_CURE = "pass old_data={name: Trial(...)} to the trial"


@dataclass(frozen=True, slots=True)
class OldData(Gate):
    """Promote when a gate promotes on every named set of old rows: what used to work still does.

    A model trained on what is new can forget what is old, and a holdout of new rows does not show it. Keep
    sets of old rows by name (a season, an incident, a rare kind of customer), none of which the challenger
    was trained on, and pass a trial of both models on each: ``Trial(..., old_data={"winter": Trial(...)})``.

    Parameters
    ----------
    gate
        The gate, or callable, asked about each set. The default asks that the challenger be not worse by more
        than 0.01, in the unit of the loss.
    required
        Names that must be there; without one of them nothing is promoted. None: whichever there are, at least
        one.

    Notes
    -----
    An intersection-union test [1]_: each set is asked at the gate's own alpha, without a correction,
    and the rate of wrong promotions is no larger than that alpha, whatever the sets have in common. The
    smallest set decides about the power: ask `plan` about `gate` and its rows. The verdict's `gain` and
    `p_value` are those of the set with the largest p-value; `because` holds one verdict per set, in the order
    of `old_data`, then those required but missing, sorted. `needed` counts rows of the set that lacks most.
    `forgetting` shows the same by slice.

    A set that is asked for every challenger wears out like any holdout: `HoldoutBudget` keeps the account.

    Cost: that of the gate on every set.

    Threads may share it, as far as a function inside is pure.

    References
    ----------
    .. [1] R. L. Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982).

    Examples
    --------
    >>> from contlearn.gates import Gain, OldData, Trial
    >>> winter = Trial([0] * 90 + [1] * 10, [0] * 70 + [1] * 30)
    >>> summer = Trial([1] * 20 + [0] * 80, [0] * 15 + [1] * 5 + [0] * 80)
    >>> trial = Trial([1, 0], [0, 0], old_data={"winter": winter, "summer": summer})
    >>> print(OldData(Gain(margin=-0.05))(trial))
    reject: 1 of 2 sets of old data did not pass: winter: gain -0.2 [-0.2733, -0.1425] (90 %) is not above
    margin -0.05 (100 rows, 0 better and 20 worse; exact score test, p = 1 > 0.05)
    """

    gate: GateLike = _NOT_WORSE
    required: Iterable[str] | None = None

    def __post_init__(self) -> None:
        if not callable(self.gate) or isinstance(self.gate, type):
            _checks.fail(
                "gate", "be a gate or a callable of a trial", self.gate, "such as Gain(margin=-0.01)"
            )
        if self.required is not None:
            _checks.instance("required", self.required, (tuple, list, set, frozenset), "a tuple of names")

    def __call__(self, trial: Trial) -> Verdict:
        """Return whether the gate promotes on every set."""
        _checks.instance("trial", trial, Trial, "a Trial")
        if not trial.old_data and not self.required:
            return Verdict(Outcome.CONTINUE, f"the trial has no old data; {_CURE}")
        parts = {name: _asked(self.gate, name, old) for name, old in (trial.old_data or {}).items()}
        for name in sorted(map(str, self.required or ())):
            if name not in parts:
                absent = f"{_checks.called(name)}: not there, though it is required; {_CURE}"
                parts[name] = Verdict(Outcome.CONTINUE, absent)
        verdicts = tuple(parts.values())
        outcome = weakest(verdicts)
        closest = max(verdicts, key=lambda verdict: -1.0 if verdict.p_value is None else verdict.p_value)
        return Verdict(
            outcome,
            _reason(parts, closest),
            gain=closest.gain,
            p_value=largest_p_value(verdicts),
            needed=joint_needed(outcome, verdicts),
            because=verdicts,
        )

    def tightened(self, alpha: float) -> OldData:
        """Return the same question, the gate of every set at most at `alpha`."""
        return replace(self, gate=tightened(self.gate, alpha))


def _asked(gate: GateLike, name: str, old: Trial) -> Verdict:
    verdict = ask(gate, old)
    return replace(verdict, reason=f"{_checks.called(name)}: {verdict.reason}")


def _reason(parts: dict[str, Verdict], closest: Verdict) -> str:
    failed = [name for name, verdict in parts.items() if not verdict]
    if not failed:
        told = f"; the least sure, {closest.reason}" if closest.p_value is not None else ""
        return f"nothing forgotten on {len(parts)} {_sets(parts)} of old data{told}"
    failed.sort(key=lambda name: parts[name].outcome is not Outcome.REJECT)  # what was forgotten, first
    told = "; ".join(parts[name].reason for name in failed[:_TOLD])
    rest = f"; nor did {', '.join(map(_checks.called, failed[_TOLD:]))}" if len(failed) > _TOLD else ""
    return f"{len(failed)} of {len(parts)} {_sets(parts)} of old data did not pass: {told}{rest}"


def _sets(parts: dict[str, Verdict]) -> str:
    return "set" if len(parts) == 1 else "sets"
