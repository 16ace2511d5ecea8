"""What promotions by one gate can add up to: read off its fields, since a gate is data."""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from contlearn.gates._auc_gain import AUCGain
from contlearn.gates._base import Gate
from contlearn.gates._metric_gain import MetricGain
from contlearn.gates._old_data import OldData
from contlearn.gates._trial import Trial

_OF_PREDICTIONS = (AUCGain, MetricGain)
_NOTHING_OF_LOSS = "the gate says nothing about the loss, and a promotion was made; join it to Gain()"
_LOSSES = "pass anchor_losses, those of the best model ever promoted"
_PREDICTIONS = "pass anchor, the predictions of the best model ever promoted"


def keeps_a_rate(gate: Any) -> bool:
    """Return whether a gate, or any gate that must promote with it or inside it, has an alpha."""
    if getattr(gate, "alpha", None) is not None:
        return True
    return any(keeps_a_rate(inner) for inner in inside(gate))


def lacking(gate: Any, trial: Trial) -> str:
    """Return what a promotion by this gate lacks, after another, so that losses cannot add up; "" if nothing.

    A margin below 0 allows its loss again at every promotion, in its own measure: the mean loss, or a metric.
    A margin of 0 or more for the same measure of all rows forbids that, and so does a test against the best
    model ever promoted. A gate that has limits and no margin holds no model against another.
    """
    if not _compares(gate):
        return _NOTHING_OF_LOSS if _limits(gate) else ""
    kept = [
        _measure(part) for part in _parts(gate) if (margin := _margin(part)) is not None and margin >= 0.0
    ]
    for allowing, trials in _allowing(gate, (trial,)):
        name, cure = (
            ("anchor", _PREDICTIONS) if isinstance(allowing, _OF_PREDICTIONS) else ("anchor_losses", _LOSSES)
        )
        if _measure(allowing) not in kept and any(getattr(each, name, None) is None for each in trials):
            return f"a margin below 0 allows its loss again at every promotion, and one was made; {cure}"
    return ""


_Allowing: TypeAlias = tuple[Any, tuple[Trial, ...]]


def _allowing(gate: Any, trials: tuple[Trial, ...], allowed: bool = False) -> Iterator[_Allowing]:
    """Yield the gates with a margin below 0, or with one given for a slice, and what each is asked about."""
    margin = _margin(gate)
    if margin is not None and (allowed or margin < 0.0):
        yield gate, trials
    given = getattr(gate, "margins", None) or {}
    if isinstance(gate, OldData):
        trials = tuple(old for trial in trials for old in (trial.old_data or {}).values())
    for inner in inside(gate):
        yield from _allowing(inner, trials, allowed or any(each < 0.0 for each in given.values()))


def _parts(gate: Any) -> tuple[Any, ...]:
    """Return the gates that are joined by `&`; each is asked about all rows, or says of which."""
    joined = getattr(gate, "parts", None)
    return joined if isinstance(gate, Gate) and isinstance(joined, tuple) else (gate,)


def inside(gate: Any) -> Iterator[Any]:
    """Yield the gates that are fields of a gate."""
    if not (isinstance(gate, Gate) and is_dataclass(gate)):
        return
    for field in fields(gate):
        value = getattr(gate, field.name)
        yield from (each for each in (value if isinstance(value, tuple) else (value,)) if callable(each))


def _margin(gate: Any) -> float | None:
    margin = getattr(gate, "margin", None)
    return float(margin) if isinstance(margin, numbers.Real) else None


def _measure(gate: Any) -> tuple[Any, ...]:
    """Return what a gate with a margin measures: those of one kind, and with one metric, measure the same."""
    return type(gate), getattr(gate, "metric", None), getattr(gate, "greater_is_better", None)


def _compares(gate: Any) -> bool:
    """Return whether a gate, or one inside it, holds the challenger against the champion by a margin."""
    return _margin(gate) is not None or any(map(_compares, inside(gate)))


def _limits(gate: Any) -> bool:
    return hasattr(gate, "limit") or any(map(_limits, inside(gate)))
