"""The gate that asks another gate about every slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from contlearn import _checks
from contlearn.gates._base import (
    AllOf,
    Gate,
    GateLike,
    ask,
    joint_needed,
    largest_p_value,
    tightened,
    weakest,
)
from contlearn.gates._comparison import examine, fewest_rows, zeros_and_ones
from contlearn.gates._gain import Gain
from contlearn.gates._settled import plural
from contlearn.gates._trial import Trial
from contlearn.results import Outcome, Verdict
from contlearn.stats import _columns

_TOLD = 3  # slices whose whole reason is told; the others are named


@dataclass(frozen=True, slots=True, repr=False)
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
    margins
        Margins of some slices, by name, in the place of the gate's own: `{"apac": -0.1}`. They must have
        rows, too, so that a misspelt name does not pass unseen. For gates with a `margin`, such as `Gain`.

    Notes
    -----
    An intersection-union test: every slice is asked at the gate's own alpha, without a correction, and the
    rate of wrong promotions is still no larger than that alpha, since a promotion needs them all. The price
    is power: the smallest slice decides how many rows are needed; `needed` counts rows of the whole trial.
    A slice with zero-one losses that is too small for `Gain` to pass it, even if every one of its rows were
    better, is CONTINUE with the rows that it lacks, whatever its rows say.

    Simpson's paradox: the gain of mean losses on the whole is the mean of the slices' gains, so the two never
    contradict each other. AUC, F1 and other metrics that are no means of rows can rise on the whole and fall
    in every slice, or the other way round. For gates other than `Gain` the whole is asked, too; such a
    contradiction is told, its verdict on all rows added to `because`, and never promoted.

    The verdict's `gain` and `p_value` are those of the slice with the largest p-value; `because` holds one
    verdict per slice, sorted, "(missing)" after the others, then those required without rows. A trial
    without the column `by` answers CONTINUE.

    Cost: that of the gate for every slice, and a copy of the trial; for gates other than `Gain` once more for
    all rows where the slices agree about the sign of the gain.

    Threads may share it, as far as the gate is pure.

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
    margins: Mapping[Any, float] | None = None

    def __post_init__(self) -> None:
        if not callable(self.gate) or isinstance(self.gate, type):
            _checks.fail(
                "gate", "be a gate or a callable of a trial", self.gate, "such as Gain(margin=-0.05)"
            )
        _checks.instance("by", self.by, str, "the name of a column in the trial's slices")
        if self.required is not None:
            _checks.instance("required", self.required, (tuple, list, set, frozenset), "a tuple of slices")
        if self.margins is not None:
            _check_margins(self.margins, self.gate)

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
        outcome, reason = weakest(verdicts), self._reason(parts, _closest(verdicts))
        whole = self._contradiction(trial, verdicts)
        needed = joint_needed(outcome, verdicts)
        if whole is not None:
            outcome, needed = (Outcome.CONTINUE if outcome is Outcome.PROMOTE else outcome), None
            reason += f"; {_paradox(whole)}"
        return Verdict(
            outcome,
            reason,
            gain=_closest(verdicts).gain,
            p_value=largest_p_value(verdicts),
            needed=needed,
            because=verdicts if whole is None else (*verdicts, whole),
        )

    def tightened(self, alpha: float) -> EverySlice:
        """Return the same question, the gate of every slice at most at `alpha`."""
        return replace(self, gate=tightened(self.gate, alpha))

    def __repr__(self) -> str:
        told = [f"gate={self.gate!r}", f"by={self.by!r}"]
        told += [f"required={self.required!r}"] if self.required is not None else []
        told += [f"margins={self.margins!r}"] if self.margins is not None else []
        return f"EverySlice({', '.join(told)})"

    def __hash__(self) -> int:
        margins = frozenset((self.margins or {}).items())  # dictionaries and lists have no hash of their own
        return hash((self.gate, self.by, frozenset(self.required or ()), margins))

    def _ask_each(self, trial: Trial, column: Any) -> Iterator[tuple[Any, Verdict]]:
        """Yield each slice with its verdict, whose `needed` is translated into rows of the whole trial."""
        labels = _columns.labels(self.by, column)
        for code, name in enumerate(labels.names):
            rows = np.flatnonzero(labels.codes == code)
            verdict = _ask(self._gate_of(name), trial.take(rows))
            needed = verdict.needed and math.ceil(verdict.needed * trial.n_samples / rows.size)
            yield name, replace(verdict, reason=f"{self._slice(name)}: {verdict.reason}", needed=needed)
        for name in dict.fromkeys((*(self.required or ()), *(self.margins or ()))):
            if name not in labels.names:
                why = "it is required" if name in (self.required or ()) else "it has a margin"
                yield name, Verdict(Outcome.CONTINUE, f"{self._slice(name)}: no rows, though {why}")

    def _gate_of(self, name: Any) -> GateLike:
        if self.margins is None or name not in self.margins:
            return self.gate
        return replace(self.gate, margin=self.margins[name])  # type: ignore[type-var]

    def _contradiction(self, trial: Trial, verdicts: Iterable[Verdict]) -> Verdict | None:
        """Return the verdict on all rows where its gain has one sign and that of every slice the other."""
        gains = [verdict.gain for verdict in verdicts]
        if isinstance(self.gate, Gain) or len(gains) < 2:
            return None
        signs = {0.0 if gain is None else np.sign(gain.estimate) for gain in gains}
        if len(signs) > 1 or 0.0 in signs:
            return None
        whole = ask(self.gate, trial)
        if whole.gain is None or np.sign(whole.gain.estimate) != -signs.pop():
            return None
        return replace(whole, reason=f"all rows: {whole.reason}")

    def _slice(self, name: Any) -> str:
        return f"{_checks.called(self.by)}={_checks.called(name)}"

    def _reason(self, parts: dict[Any, Verdict], closest: Verdict) -> str:
        by = _checks.called(self.by)
        failed = [name for name, verdict in parts.items() if not verdict]
        if not failed:
            told = f"; the least sure, {closest.reason}" if closest.p_value is not None else ""
            return f"all {len(parts)} slices of {by} passed{told}"
        # first what is shown to be worse, then that of which nothing is known
        failed.sort(key=lambda name: (not parts[name].final, parts[name].gain is not None))
        told = "; ".join(parts[name].reason for name in failed[:_TOLD])
        rest = f"; nor did {', '.join(map(_checks.called, failed[_TOLD:]))}" if len(failed) > _TOLD else ""
        return f"{len(failed)} of {len(parts)} slices of {by} did not pass: {told}{rest}"


def _closest(verdicts: Iterable[Verdict]) -> Verdict:
    return max(verdicts, key=lambda verdict: -1.0 if verdict.p_value is None else verdict.p_value)


def _ask(gate: GateLike, part: Trial) -> Verdict:
    """Return the verdict on one slice; one that could not pass, whatever its rows said, is open."""
    verdict = ask(gate, part)
    fewest, n = _fewest_rows(gate), part.n_samples
    if n >= fewest or examine(part) != ("", None) or not zeros_and_ones(part):
        return verdict
    why = f"{n} {plural(n, 'row')} cannot pass even if every one were better, {fewest} can"
    return replace(verdict, outcome=Outcome.CONTINUE, reason=why, needed=fewest - n)


def _fewest_rows(gate: GateLike) -> int:
    """Return with how many rows zero-one losses can pass at all; 0 if that is not known."""
    if isinstance(gate, AllOf):
        return max(map(_fewest_rows, gate.parts))
    if not isinstance(gate, Gain) or gate.bounds is not None:
        return 0
    return fewest_rows(float(gate.margin), float(gate.alpha)) or 0


def _paradox(whole: Verdict) -> str:
    gain = whole.gain
    rises = gain is not None and gain.estimate > 0.0
    ways = "above 0 on all rows and below 0 in" if rises else "below 0 on all rows and above 0 in"
    return (
        f"Simpson's paradox: the gain is {ways} every slice, so that it comes from how the rows are "
        f"spread over the slices (all rows: {gain}); decide which of the two counts"
    )


def _check_margins(margins: object, gate: GateLike) -> None:
    _checks.instance("margins", margins, Mapping, "a mapping of slices to margins")
    if not is_dataclass(gate) or "margin" not in {field.name for field in fields(gate)}:
        _checks.fail("gate", "have a margin where there are margins", gate, "such as Gain(margin=-0.05)")
    for name, margin in margins.items():  # type: ignore[attr-defined]
        _checks.number(f"margins[{_checks.called(name)!r}]", margin)
