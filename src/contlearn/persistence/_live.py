"""What belongs together in the machines that watch live traffic, asked of what a file says they have seen."""

from __future__ import annotations

import math
from typing import Any

from contlearn.gates import _canary_plan

_MOST_ROWS = 2**62
_LARGEST = 1e100  # of a sum over rows: far beyond what can be added up, and its square is still a number


def looks_fit(state: dict[str, Any]) -> bool:
    """Return whether the looks of a GroupSequentialGain are in order."""
    rows, p = state["_rows"], state["_p"]
    rising = all(before < after for before, after in zip((0, *rows), rows, strict=False))
    told = (state["_verdict"] is None) is (not rows)
    return rising and all(n < state["max_samples"] for n in rows[:-1]) and 0.0 <= p <= 1.0 and told


def arms_fit(state: dict[str, Any]) -> bool:
    """Return whether evidence from two arms is such as rows can leave."""
    served = state["_n_champion"], state["_n_challenger"]
    if not all(0 <= n <= _MOST_ROWS for n in served):
        return False
    sums, some = state["_sums"], sum(served) > 0
    bounded = all(abs(each) <= _LARGEST for each in sums)
    # of u, u^2 and u^2 d^2, on either side
    never_negative = all(sums[place] >= 0.0 for place in (0, 2, 4, 5, 7, 9))
    known = all((sums[place] > 0.0) is some for place in (0, 2, 5, 7))
    wealth = all(each >= 0.0 for each in state["_owned"]) and min(state["_best"]) >= 1.0
    return bounded and never_negative and known and wealth and 0.0 <= state["_total"] <= sum(served)


def canary_fits(state: dict[str, Any]) -> bool:
    """Return whether the steps of a Canary are those of its plan, and its evidence that of its metrics."""
    steps, rails = _canary_plan.steps_of(state["plan"]), _canary_plan.guardrails_of(state["guardrails"])
    if state["_shares"] != tuple(step.share for step in steps) or not 0 <= state["_step"] < len(steps):
        return False
    counts, logs = state["_counts"], state["_ratio_logs"]
    if not len(steps) == len(counts) == len(logs) or min(map(min, counts)) < 0:
        return False
    if not all(map(math.isfinite, (*logs, state["_mismatch"]))) or state["_mismatch"] < 0.0:
        return False
    if state["_guarded"].keys() != rails.keys():
        return False
    metrics = [(state["_loss"], state["margin"], state["bound"])]
    metrics += [(state["_guarded"][name], -rail.limit, rail.bound) for name, rail in rails.items()]
    served = tuple(map(sum, zip(*counts, strict=True)))
    return all(
        (arms.margin, arms.alpha, arms.bound) == (margin, state["alpha"], bound)
        and (arms.n_champion, arms.n_challenger) == served
        for arms, margin, bound in metrics
    )
