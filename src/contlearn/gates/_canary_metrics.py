"""The values of guardrails, as a canary takes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.gates._guardrail import Guardrail
from contlearn.gates._two_arms import _within
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
    number = _number(name, value)
    if not 0.0 <= number <= bound:
        _refuse(name, f"lie between 0 and {bound:g}", number)
    return number


def is_challenger(arm: Any) -> bool:
    """Return whether an arm is the challenger, or refuse what is neither arm."""
    if type(arm) is str and arm in ("champion", "challenger"):
        return arm == "challenger"
    if not isinstance(arm, str) or arm not in ("champion", "challenger"):
        shown = str(arm) if isinstance(arm, str) else arm
        _checks.bad_data("arm", "be 'champion' or 'challenger'", f"{shown!r:.40}")
    return str(arm) == "challenger"


def _check_names(given: Mapping[str, Any], rails: Mapping[str, Guardrail]) -> None:
    if given.keys() == rails.keys():
        return
    must = f"hold exactly the guardrails: {_listed(rails) or 'none, as there are no guardrails'}"
    missing, unknown = _listed(rails.keys() - given.keys()), _listed(given.keys() - rails.keys())
    got = "; ".join(filter(None, (missing and f"missing: {missing}", unknown and f"unknown: {unknown}")))
    example = ", ".join(f"{_checks.called(name)!r}: ..." for name in list(rails)[:3])
    more = ", ..." if len(rails) > 3 else ""
    cure = f"pass metrics={{{example}{more}}}" if missing else "leave it out, or name it in guardrails"
    _checks.bad_data("metrics", must, got, cure)


def _listed(names: Iterable[object]) -> str:
    return ", ".join(sorted(map(_checks.called, names)))


def _capped_one(name: str, value: Any, bound: float) -> float:
    if type(value) is float and value >= 0.0:
        return min(value, bound)
    number = _number(name, value)
    if not number >= 0.0:
        _refuse(name, f"lie between 0 and {bound:g}", number)
    return min(number, bound)


def _number(name: str, value: Any) -> float:
    """Return one number, or NaN for what is missing."""
    if np.ndim(value) or isinstance(value, (str, bytes)):
        _checks.bad_data(name, "be one number", f"{type(value).__name__} {value!r:.40}")
    return math.nan if np.ma.is_masked(value) else float(_columns.numbers(name, [value])[0])


def _refuse(name: str, must: str, number: float) -> NoReturn:
    if math.isnan(number):
        _checks.bad_data(name, must, "NaN", "hand the row in once the value is known")
    _checks.bad_data(name, must, f"{number:g}")


def _capped(name: str, values: Any, bound: float) -> NDArray[np.float64]:
    return _within(name, np.minimum(_columns.numbers(name, values), bound), 0.0, bound)
