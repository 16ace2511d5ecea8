"""The values of guardrails, as a canary takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.gates._guardrail import Guardrail
from contlearn.gates._two_arms import _challengers, _within
from contlearn.stats import _columns


def named(metrics: Any) -> Mapping[str, Any]:
    """Return a mapping of names to values, or refuse what is none."""
    _checks.instance("metrics", metrics, Mapping, "a mapping of names to values")
    return metrics  # type: ignore[no-any-return]


def read(metrics: Any, rails: Mapping[str, Guardrail]) -> dict[str, NDArray[np.float64]]:
    """Return the values of every guardrail, capped at its bound, or refuse them all."""
    given = {} if metrics is None else named(metrics)
    _check_names(given, rails)
    return {name: _capped(name, given[name], float(rail.bound)) for name, rail in rails.items()}


def read_one(metrics: Any, rails: Mapping[str, Guardrail]) -> dict[str, float]:
    """Return one value of every guardrail, as `read` returns many."""
    if metrics is None and not rails:
        return {}
    given = {} if metrics is None else named(metrics)
    _check_names(given, rails)
    return {name: _capped_one(name, given[name], float(rail.bound)) for name, rail in rails.items()}


def one(name: str, value: Any, bound: float) -> float:
    """Return a number between 0 and `bound`, or refuse it."""
    if type(value) is float and 0.0 <= value <= bound:
        return value
    return float(_within(name, [value], 0.0, bound)[0])


def is_challenger(arm: Any) -> bool:
    """Return whether an arm is the challenger, or refuse what is neither arm."""
    if type(arm) is str and arm in ("champion", "challenger"):
        return arm == "challenger"
    return bool(_challengers([arm])[0])


def _check_names(given: Mapping[str, Any], rails: Mapping[str, Guardrail]) -> None:
    if given.keys() == rails.keys():
        return
    odd = sorted(map(_checks.called, given.keys() ^ rails.keys()))
    wanted = ", ".join(map(_checks.called, rails)) or "none, as there are no guardrails"
    _checks.bad_data("metrics", f"hold exactly the guardrails: {wanted}", f"a difference in {odd[0]}")


def _capped_one(name: str, value: Any, bound: float) -> float:
    if type(value) is float and value >= 0.0:
        return min(value, bound)
    return float(_capped(name, [value], bound)[0])


def _capped(name: str, values: Any, bound: float) -> NDArray[np.float64]:
    return _within(name, np.minimum(_columns.numbers(name, values), bound), 0.0, bound)
