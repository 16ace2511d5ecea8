"""The gate that asks another gate about every slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from contlearn import _checks
from contlearn.gates._base import Gate, GateLike, ask, joint_needed, largest_p_value, tightened, weakest
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict
from contlearn.stats import _columns

_TOLD = 3  # slices whose whole reason is told; the others are named


@dataclass(frozen=True, slots=True)
class EverySlice(Gate):
    """Promote when a gate promotes in every slice.

    An average can hide a slice that got worse. Asking for "not worse by more than 0.05 in any region"
    beside a gain on the whole is `Gain() & EverySlice(Gain(margin=-0.05), by="region")`.

    Parameters
    ----------
    gate
        The gate, or callable, that is asked about the rows of each slice.
    by
        Name of the column in the trial's `slices`. Rows without a value form the slice "(missing)".
    required
        Slices that must have rows; one that has none is never promoted. None: whichever slices have rows.

    Notes
    -----
    An intersection-union test: every slice is asked at the gate's own alpha, without a correction, and the
    rate of wrong promotions is still no larger than that alpha, since a promotion needs them all. The price
    is power: the smallest slice decides how many rows are needed; `needed` counts rows of the whole trial.

    The verdict's `gain` and `p_value` are those of the slice with the largest p-value; `because` holds one
    verdict per slice, sorted, "(missing)" after the others, then those required without rows. A trial
    without the column `by` answers CONTINUE.

    References
    ----------
    .. [1] R. L. Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982).

    Examples
    --------
    >>> from contlearn.gates import EverySlice, Gain, Trial
    >>> region = ["eu"] * 60 + ["us"] * 40
    >>> trial = Trial([1] * 30 + [0] * 70, [0] * 70 + [1] * 30, slices={"region": region})
    >>> verdict = EverySlice(Gain(), by="region", required=("eu", "us"))(trial)
    >>> [part.outcome.value for part in verdict.because]
    ['promote', 'reject']
    >>> print(verdict)
    reject: 1 of 2 slices of region did not pass: region=us: gain -0.75 [-0.8443, -0.624] (90 %) is not above
    margin 0 (40 rows, 0 better and 30 worse; exact McNemar test, p = 1 > 0.05)
    """

    gate: GateLike
    by: str
    required: Iterable[Any] | None = None

    def __post_init__(self) -> None:
        if not callable(self.gate) or isinstance(self.gate, type):
            _checks.fail(
                "gate", "be a gate or a callable of a trial", self.gate, "such as Gain(margin=-0.05)"
            )
        _checks.instance("by", self.by, str, "the name of a column in the trial's slices")
        if self.required is not None:
            _checks.instance("required", self.required, (tuple, list, set, frozenset), "a tuple of slices")

    def __call__(self, trial: Trial) -> Verdict:
        """Return whether the gate promotes in every slice."""
        _checks.instance("trial", trial, Trial, "a Trial")
        if trial.slices is None or self.by not in trial.slices:
            there = ", ".join(repr(_checks.called(name)) for name in trial.slices or ()) or "none"
            by = repr(_checks.called(self.by))
            reason = (
                f"the trial has no slices named {by}, only {there}; pass slices={{{by}: ...}} to the trial"
            )
            return Verdict(Outcome.CONTINUE, reason)
        parts = dict(self._ask_each(trial, trial.slices[self.by]))
        if not parts:
            return Verdict(
                Outcome.CONTINUE, f"the trial has no rows, so no slice of {_checks.called(self.by)!r} either"
            )
        verdicts = tuple(parts.values())
        outcome = weakest(verdicts)
        closest = max(verdicts, key=lambda verdict: -1.0 if verdict.p_value is None else verdict.p_value)
        return Verdict(
            outcome,
            self._reason(parts, closest),
            gain=closest.gain,
            p_value=largest_p_value(verdicts),
            needed=joint_needed(outcome, verdicts),
            because=verdicts,
        )

    def tightened(self, alpha: float) -> EverySlice:
        """Return the same question, the gate of every slice at most at `alpha`."""
        return replace(self, gate=tightened(self.gate, alpha))

    def _ask_each(self, trial: Trial, column: Any) -> Iterator[tuple[Any, Verdict]]:
        """Yield each slice with its verdict, whose `needed` is translated into rows of the whole trial."""
        labels = _columns.labels(self.by, column)
        for code, name in enumerate(labels.names):
            rows = np.flatnonzero(labels.codes == code)
            verdict = ask(self.gate, trial.take(rows))
            needed = verdict.needed and math.ceil(verdict.needed * trial.n_samples / rows.size)
            yield name, replace(verdict, reason=f"{self._slice(name)}: {verdict.reason}", needed=needed)
        for name in self.required or ():
            if name not in labels.names:
                yield name, Verdict(Outcome.CONTINUE, f"{self._slice(name)}: no rows, though it is required")

    def _slice(self, name: Any) -> str:
        return f"{_checks.called(self.by)}={_checks.called(name)}"

    def _reason(self, parts: dict[Any, Verdict], closest: Verdict) -> str:
        by = _checks.called(self.by)
        failed = [name for name, verdict in parts.items() if not verdict]
        if not failed:
            told = f"; the least sure, {closest.reason}" if closest.p_value is not None else ""
            return f"all {len(parts)} slices of {by} passed{told}"
        failed.sort(key=lambda name: parts[name].gain is not None)  # first those of which nothing is known
        told = "; ".join(parts[name].reason for name in failed[:_TOLD])
        rest = f"; nor did {', '.join(map(_checks.called, failed[_TOLD:]))}" if len(failed) > _TOLD else ""
        return f"{len(failed)} of {len(parts)} slices of {by} did not pass: {told}{rest}"
