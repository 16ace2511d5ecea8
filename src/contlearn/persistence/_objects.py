"""Objects of contlearn: what is written of each kind, and how it is made again and checked."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields
from types import MethodType
from typing import Any

from contlearn.persistence import _classes, _kinds, _parts, _windows
from contlearn.persistence._refusals import damaged

_BESIDE = ("y", "champion", "challenger", "anchor_losses", "old_data", "ids", "anchor")  # given by name


def _of_trial(trial: Any) -> tuple[Any, ...]:
    slices = None if trial.slices is None else dict(trial.slices)
    start = (trial.champion_losses, trial.challenger_losses, slices, trial.groups, trial.seconds)
    old = None if trial.old_data is None else dict(trial.old_data)
    return (
        *start,
        trial.approvals,
        *(old if name == "old_data" else getattr(trial, name) for name in _BESIDE),
    )


def _trial(kind: type, arguments: tuple[Any, ...]) -> Any:
    start, beside = arguments[:6], arguments[6:]
    return kind(*start, **dict(zip(_BESIDE, beside, strict=False)))  # older files have fewer


def _evidential(kind: Any, arguments: tuple[Any, ...]) -> Any:
    level, *rules = arguments
    return kind(*rules, level=level)


_MADE: dict[str, Callable[[Any, tuple[Any, ...]], Any]] = {"Trial": _trial, "Evidential": _evidential}
"""By id: what makes an object of its arguments, where that is not its constructor."""

_TAKEN: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "answer.Parts": lambda parts: (dict(parts),),
    "Trial": _of_trial,
    "AtLeast": lambda rule: (rule.k, *rule.policies),
    "Evidential": lambda rule: (rule.level, *rule.rules),
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
        return _tuple(kind, _sequence(state))
    if id_ in _classes.RECORDS:
        return _record(kind, _mapping(state))
    if id_ in _classes.ARGUMENTS:
        if id_.startswith("ks."):
            _kinds.check_arguments(kind, _sequence(state))
        made_of = _MADE.get(id_)
        return made_of(kind, _sequence(state)) if made_of else kind(*_sequence(state))
    if id_ in _classes.STATES:
        _windows.check_state(id_, state)
        value = kind.__new__(kind)
        value.__setstate__(state)
        _windows.check_rows(value)
        return value
    return (_part if id_ in _classes.PARTS else _with_attributes)(id_, kind, _mapping(state))


def _record(kind: Any, state: dict[str, Any]) -> Any:
    known = [field for field in fields(kind) if field.init]
    needed = {field.name for field in known} - _classes.ADDED.get(kind.__name__, frozenset())
    odd = sorted(map(str, (state.keys() - {field.name for field in known}) | (needed - state.keys())))
    if odd:
        damaged(f"the fields of {kind.__name__}", f"a difference in {', '.join(odd)[:80]}")
    _kinds.check(kind, state)
    return kind(**state)


def _tuple(kind: Any, fields_: tuple[Any, ...]) -> Any:
    if len(fields_) != len(kind._fields):
        damaged(f"{len(kind._fields)} fields of {kind.__name__}", f"{len(fields_)}")
    value = kind(*fields_)
    _kinds.check(kind, value._asdict())
    return value


def _with_attributes(id_: str, kind: Any, state: dict[str, Any]) -> Any:
    """Return an object that its constructor has made of the parameters, with the other attributes set."""
    names = list(inspect.signature(kind).parameters)
    _check_sizes({name: state[name] for name in names if name in state})
    value = kind(**{name: state[name] for name in names if name in state})
    fresh = vars(value)
    needed = {name for name, each in fresh.items() if not _own_method(value, each)}
    odd = sorted(map(str, state.keys() ^ (needed | _parts.learned_by(id_, kind, state))))
    if odd:
        damaged(f"the attributes of {kind.__name__}", f"a difference in {', '.join(odd)[:80]}")
    for name, each in state.items():
        if name in names or name not in fresh or (each is None and name in _parts.BECOMES_NONE):
            continue
        if not _parts.alike(fresh[name], each):
            damaged(f"{kind.__name__}.{name} as {type(fresh[name]).__name__}", type(each).__name__)
    _parts.check_attributes(id_, kind, state)
    if hasattr(kind, "update"):
        _parts.check_numbers(kind, state)
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


def _part(id_: str, kind: Any, state: dict[str, Any]) -> Any:
    """Return a part of an object, made without its constructor: its attributes are exactly those it has."""
    _parts.check_part(id_, kind, state)
    value = kind.__new__(kind)
    vars(value).update(state)
    return value


def _own_method(value: Any, attribute: Any) -> bool:
    """Return whether an attribute is a method of the object: the constructor puts it there again."""
    return isinstance(attribute, MethodType) and attribute.__self__ is value


def _sequence(state: Any) -> tuple[Any, ...]:
    if type(state) is not tuple:
        damaged("the fields of an object", type(state).__name__)
    return state


def _mapping(state: Any) -> dict[str, Any]:
    if type(state) is not dict or not all(isinstance(name, str) for name in state):
        damaged("the attributes of an object", type(state).__name__)
    return state
