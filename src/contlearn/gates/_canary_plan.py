"""The steps by which a challenger gets more of the traffic."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from contlearn import _checks
from contlearn.exceptions import InvalidParameterError
from contlearn.gates._guardrail import Guardrail


class Step(NamedTuple):
    """Share of the traffic that goes to the challenger, and rows of the challenger to see before the next."""

    share: float
    rows: int


def steps_of(plan: Any) -> tuple[Step, ...]:
    """Return the steps of a plan of pairs (share, rows), or refuse it."""
    if isinstance(plan, (str, bytes, Mapping)) or not isinstance(plan, Iterable):
        _checks.fail("plan", "hold pairs of a share and a number of rows", plan, _SUCH_AS)
    steps = tuple(_step(position, each) for position, each in enumerate(plan))
    if not steps:
        _checks.fail("plan", "have at least one step", plan, _SUCH_AS)
    for before, after in pairwise(steps):
        if after.share <= before.share:
            got = f"{after.share:g} after {before.share:g}"
            _checks.fail("plan", "give the challenger a larger share in each step", got)
    return steps


def guardrails_of(guardrails: Any) -> dict[str, Guardrail]:
    """Return the guardrails by name; a number is the limit of one with bound 1."""
    if guardrails is None:
        return {}
    _checks.instance("guardrails", guardrails, Mapping, "a mapping of names to Guardrail")
    found = {}
    for name, each in guardrails.items():
        _checks.instance("every name of guardrails", name, str, "a text")
        found[name] = each if isinstance(each, Guardrail) else _guardrail(name, each)
    return found


def _guardrail(name: str, limit: Any) -> Guardrail:
    """Return the guardrail of a metric with bound 1, or say which of them has an impossible limit."""
    try:
        return Guardrail(limit)
    except InvalidParameterError:
        cure = "where values may be above 1, pass a Guardrail(limit=..., bound=...)"
        if isinstance(limit, numbers.Real) and limit <= 0:
            cure = "no finite number of rows shows that nothing rises at all"
        must = "be a Guardrail, or a limit above 0 and below 1"
        return _checks.fail(f"guardrails[{_checks.called(name)!r}]", must, limit, cure)


_SUCH_AS = "such as ((0.05, 500), (0.2, 1000), (0.5, 2000))"


def _step(position: int, pair: Any) -> Step:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        _checks.fail(f"plan[{position}]", "be a pair (share, rows)", pair, _SUCH_AS)
    cure = "" if pair[0] != 1 else "with all the traffic there is nothing left to compare with"
    share = _checks.number(f"the share of plan[{position}]", pair[0])
    if not 0.0 < share < 1.0:
        _checks.fail(f"the share of plan[{position}]", "be strictly between 0 and 1", pair[0], cure)
    return Step(share, _checks.count(f"the rows of plan[{position}]", pair[1]))
