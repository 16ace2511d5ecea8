"""What a canary has seen, what follows from it, and in which words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from contlearn import _checks
from contlearn.gates._canary_answer import CanaryAction
from contlearn.gates._canary_plan import Step
from contlearn.gates._two_arms import TwoArms
from contlearn.results import Interval, Outcome, Verdict


class Seen(NamedTuple):
    """All that a decision rests on; `metrics` begins with the loss, whose name is empty."""

    steps: tuple[Step, ...]
    step: int
    counts: tuple[tuple[int, int], ...]
    aborted: str
    metrics: Mapping[str, TwoArms]
    gains: Mapping[str, Interval | None]
    ratio_p_value: float
    alpha: float
    ratio_alpha: float

    @property
    def mismatch(self) -> bool:
        """Whether the shares are not those of the plan, which later rows do not repair."""
        return self.ratio_p_value <= self.ratio_alpha

    @property
    def abort_level(self) -> float:
        """The share of alpha at which any one metric may be called worse."""
        return self.alpha / len(self.metrics)

    @property
    def p_value(self) -> float:
        """P-value of "any metric is worse than its limit"."""
        return max(arms.p_above for arms in self.metrics.values())

    @property
    def needed(self) -> int | None:
        """About how many more rows would show every metric good; None where nothing speaks for one yet."""
        more = [needed(arms, self.alpha) for arms in self.metrics.values()]
        known = [rows for rows in more if rows is not None]
        return max(known) if len(known) == len(more) else None


def decide(seen: Seen) -> tuple[CanaryAction, str]:
    """Return what to do next, and why."""
    if seen.aborted:
        return CanaryAction.ABORT, f"aborted: {seen.aborted}"
    broken = [name for name, arms in seen.metrics.items() if arms.p_below <= seen.abort_level]
    if broken:
        return CanaryAction.ABORT, f"shown worse: {_said(seen, broken)}"
    action, reason = _at_step(seen)
    where = f"step {seen.step + 1} of {len(seen.steps)}, share {seen.steps[seen.step].share:g}"
    return action, f"{where}: {reason}"


def _at_step(seen: Seen) -> tuple[CanaryAction, str]:
    if seen.mismatch:
        return CanaryAction.HOLD, _mismatch(seen)
    served, wanted = seen.counts[seen.step][1], seen.steps[seen.step].rows
    rows = f"{served} of {wanted} rows of the challenger"
    if served < wanted:
        return CanaryAction.HOLD, rows
    if seen.step + 1 < len(seen.steps):
        return CanaryAction.ADVANCE, f"{rows}, nothing shown worse; {_said(seen, seen.metrics)}"
    unknown = [name for name, arms in seen.metrics.items() if arms.p_above > seen.alpha]
    if not unknown:
        return CanaryAction.DONE, f"{_said(seen, seen.metrics)} (p = {seen.p_value:.3g} <= {seen.alpha:g})"
    more = "" if seen.needed is None else f"; about {seen.needed} more rows"
    return CanaryAction.HOLD, f"{rows}, not shown yet: {_said(seen, unknown)}{more}"


def _mismatch(seen: Seen) -> str:
    champion, challenger = map(sum, zip(*seen.counts, strict=True))
    planned = sum(sum(rows) * step.share for rows, step in zip(seen.counts, seen.steps, strict=True))
    return (
        f"sample-ratio mismatch: {challenger} of {champion + challenger} rows are the challenger's where the "
        f"plan has {planned:.0f} (p = {seen.ratio_p_value:.3g} <= {seen.ratio_alpha:g}); this holds for "
        f"good: find the rows that are lost or in the wrong arm, and begin anew"
    )


def _said(seen: Seen, names: Iterable[str]) -> str:
    return "; ".join(said(seen, name) for name in names)


def said(seen: Seen, name: str) -> str:
    """Return what is known about a metric, as a clause; the loss has no name."""
    gain, limit = seen.gains[name], float(seen.metrics[name].margin)
    if gain is None:
        return f"{_checks.called(name) or 'gain'} unknown"
    if not name:
        return f"gain {gain} against margin {limit:g}"
    rise = gain._replace(estimate=0.0 - gain.estimate, low=0.0 - gain.high, high=0.0 - gain.low)
    return f"{_checks.called(name)} rises by {rise} against limit {-limit:g}"


def verdict(seen: Seen, name: str) -> Verdict:
    """Return what is shown about a guardrail: PROMOTE within its limit, REJECT beyond it."""
    arms = seen.metrics[name]
    if arms.p_below <= seen.abort_level:
        outcome, p = Outcome.REJECT, f"shown beyond, p = {arms.p_below:.3g} <= {seen.abort_level:.3g}"
    elif arms.p_above <= seen.alpha:
        outcome, p = Outcome.PROMOTE, f"shown within, p = {arms.p_above:.3g} <= {seen.alpha:g}"
    else:
        outcome, p = Outcome.CONTINUE, f"not shown yet, p = {arms.p_above:.3g} > {seen.alpha:g}"
    more = needed(arms, seen.alpha) if outcome is Outcome.CONTINUE else None
    return Verdict(
        outcome, f"{said(seen, name)}: {p}", gain=seen.gains[name], p_value=arms.p_above, needed=more
    )


def needed(arms: TwoArms, alpha: float) -> int | None:
    """Return about how many more rows would show a metric good; None where nothing speaks for it yet."""
    if arms.p_above <= alpha:
        return 0
    rows, evidence = arms.n_champion + arms.n_challenger, arms.e_above
    if evidence <= 2.0:
        return None
    # the log of the evidence grows by about the same with every row
    return max(1, math.ceil(rows * (math.log(1.0 / alpha) / math.log(evidence) - 1.0)))
