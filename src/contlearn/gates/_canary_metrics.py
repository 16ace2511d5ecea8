"""The values of guardrails, as a canary takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    odd = sorted(map(_checks.called, given.keys() ^ rails.keys()))
    if odd:
        wanted = ", ".join(map(_checks.called, rails)) or "none, as there are no guardrails"
        _checks.bad_data("metrics", f"hold exactly the guardrails: {wanted}", f"a difference in {odd[0]}")
    return {name: _capped(name, given[name], float(rail.bound)) for name, rail in rails.items()}


def _capped(name: str, values: Any, bound: float) -> NDArray[np.float64]:
    return _within(name, np.minimum(_columns.numbers(name, values), bound), 0.0, bound)
