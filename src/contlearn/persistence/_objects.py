"""Objects of contlearn: what is written of each kind, and how it is made again and checked."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields
from types import MethodType
from typing import Any

from contlearn.persistence import _classes
from contlearn.persistence._refusals import damaged
from contlearn.windows import PendingLabels, Reservoir, TimeWindow

_FITTED = frozenset(
    {"reference_", "rows_", "fingerprint_", "schema_", "place_", "n_features_in_", "feature_names_in_"}
)


def _of_trial(trial: Any) -> tuple[Any, ...]:
    slices = None if trial.slices is None else dict(trial.slices)
    start = (trial.champion_losses, trial.challenger_losses, slices, trial.groups, trial.seconds)
    return (*start, trial.approvals, trial.y, trial.champion, trial.challenger)


def _trial(kind: type, arguments: tuple[Any, ...]) -> Any:
    *start, y, champion, challenger = arguments
    return kind(*start, y=y, champion=champion, challenger=challenger)


_TAKEN: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "answer.Parts": lambda parts: (dict(parts),),
    "Trial": _of_trial,
    "AtLeast": lambda rule: (rule.k, *rule.policies),
    "Summary": lambda summary: (summary._maker, summary._groups),
    "ks.Reference": lambda reference: (reference.sample,),
    "ks.Marginal": lambda found: (found.name, found.precision, found.values, found.cells),
}
"""By id: the arguments from which the constructor makes an equal object."""


def state_of(id_: str, value: Any) -> Any:
    """Return what is written of an object, in values that can be written in turn."""
    if id_ in _classes.TUPLES:
        return tuple(value)
    if id_ in _classes.RECORDS:
        return {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    if id_ in _classes.ARGUMENTS:
        return _TAKEN[id_](value)
    if id_ in _classes.STATES:
        state = value.__getstate__()
        if id_ == "PendingLabels":
            state["waiting"] = OrderedDict(state["waiting"])  # its keys are then read as keys
        return state
    return {name: each for name, each in vars(value).items() if not _own_method(value, each)}


def made(id_: str, state: Any) -> Any:
    """Return the object of a state; whatever does not fit raises."""
    kind = _classes.named(id_)
    if id_ in _classes.TUPLES:
        return kind(*_sequence(state))
    if id_ in _classes.RECORDS:
        return kind(**_mapping(state))
    if id_ in _classes.ARGUMENTS:
        return _trial(kind, _sequence(state)) if id_ == "Trial" else kind(*_sequence(state))
    if id_ in _classes.STATES:
        if id_ == "PendingLabels" and type(state["waiting"]) is not OrderedDict:
            damaged("predictions by their keys", type(state["waiting"]).__name__)
        value = kind.__new__(kind)
        value.__setstate__(state)
        _check_rows(value)
        return value
    return _part(kind, _mapping(state)) if id_ in _classes.PARTS else _with_attributes(kind, _mapping(state))


def _check_rows(window: Any) -> None:
    """Refuse a window whose rows, ids, times or keys are not as many as they must be."""
    if isinstance(window, PendingLabels):
        right = len(window) <= window.size
    elif isinstance(window, TimeWindow):
        right = _fits(window._line._rows, len(window._line._times))
    elif isinstance(window, Reservoir):
        right = _fits(window._sample._rows, len(window._sample.keys))
    else:
        right = _fits(window._rows, len(window)) and len(window) <= window.size
    if not right:
        damaged("as many rows as the window can have", "another number")


def _fits(rows: Any, n: int) -> bool:
    return len(rows) == n == len(rows.ids)


def _with_attributes(kind: Any, state: dict[str, Any]) -> Any:
    """Return an object that its constructor has made of the parameters, with the other attributes set."""
    names = list(inspect.signature(kind).parameters)
    _check_sizes({name: state[name] for name in names if name in state})
    value = kind(**{name: state[name] for name in names if name in state})
    fresh = vars(value)
    optional = _FITTED if hasattr(kind, "detect") else frozenset()
    needed = {name for name, each in fresh.items() if not _own_method(value, each)}
    if not needed <= state.keys() <= needed | optional:
        odd = sorted(map(str, (needed ^ state.keys()) - optional))
        damaged(f"the attributes of {kind.__name__}", f"a difference in {', '.join(odd)[:80]}")
    for name, each in state.items():
        if name in fresh and name not in names and not _alike(fresh[name], each):
            damaged(f"{kind.__name__}.{name} as {type(fresh[name]).__name__}", type(each).__name__)
    if "reference_" in state:
        value._check_parameters()
    fresh.update(state)
    return value


_SIZES = frozenset({"max_buckets", "window", "window_size", "stat_size", "warm_up", "n_features", "size"})
_LARGEST = 10_000_000
_MOST_BUCKETS = 10_000


def _check_sizes(parameters: dict[str, Any]) -> None:
    """Refuse sizes for which a constructor would allocate what no machine has; compiled code then aborts."""
    for name in _SIZES & parameters.keys():
        value = parameters[name]
        most = _MOST_BUCKETS if name == "max_buckets" else _LARGEST
        if isinstance(value, (int, float)) and not value <= most:
            damaged(f"{name} up to {most}", repr(value)[:40])


def _part(kind: Any, state: dict[str, Any]) -> Any:
    """Return a part of an object; its attributes may be any but the names of its methods."""
    value = kind.__new__(kind)
    taken = [name for name in state if not name.isidentifier() or hasattr(kind, name)]
    if taken:
        damaged(f"the attributes of {kind.__name__}", repr(taken[0])[:40])
    vars(value).update(state)
    return value


def _own_method(value: Any, attribute: Any) -> bool:
    """Return whether an attribute is a method of the object: the constructor puts it there again."""
    return isinstance(attribute, MethodType) and attribute.__self__ is value


_NUMBERS = (int, float)


def _alike(fresh: Any, given: Any) -> bool:
    """Return whether a saved attribute may stand where a new object has `fresh`; None stands for any."""
    if fresh is None or given is None:
        return True
    if isinstance(fresh, bool) or isinstance(given, bool):
        return isinstance(fresh, bool) and isinstance(given, bool)
    both = isinstance(fresh, _NUMBERS) and isinstance(given, _NUMBERS)
    return both or type(fresh) is type(given)


def _sequence(state: Any) -> tuple[Any, ...]:
    if type(state) is not tuple:
        damaged("the fields of an object", type(state).__name__)
    return state


def _mapping(state: Any) -> dict[str, Any]:
    if type(state) is not dict or not all(isinstance(name, str) for name in state):
        damaged("the attributes of an object", type(state).__name__)
    return state
