"""Answers as readable JSON, exactly: what is read back equals what was written.

A value that JSON has no form for says what it is: ``{"is": "date", "value": "2024-03-01"}``.
Only what is listed here is ever made from a text, whatever the text says.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime, timedelta
from typing import Any

from contlearn import _checks
from contlearn._answers import Parts, Word
from contlearn._time import builtin
from contlearn.exceptions import ContlearnError
from contlearn.policies._evidence import Evidence
from contlearn.results import Interval

TAG = "is"

_KINDS = {
    "DriftResult": "drift",
    "Decision": "decision",
    "Verdict": "verdict",
    "CanaryAnswer": "canary",
    "TrainingRun": "training",
    "SignOff": "approval",
    "Alarm": "alarm",
    "JTTReport": "curation",
}
"""What entries are called, by the record that they hold."""

KINDS = (*_KINDS.values(), "promotion", "rollback", "note", "software")
"""What entries may be called."""

HOMES = {
    "DriftResult": "contlearn.results",
    "Decision": "contlearn.results",
    "Verdict": "contlearn.results",
    "DriftState": "contlearn.results",
    "Outcome": "contlearn.results",
    "SignOff": "contlearn.gates._sign_off",
    "TrainingRun": "contlearn.ledger._training_run",
    "CanaryAnswer": "contlearn.gates._canary_answer",
    "CanaryAction": "contlearn.gates._canary_answer",
    "Alarm": "contlearn.drift._streams._alarm",
    "JTTReport": "contlearn.curation._jtt_report",
    "JTTCell": "contlearn.curation._jtt_report",
}
"""The records that may stand in a ledger, by name; a record that moves keeps its name."""

Kinds = Mapping[str, type[Evidence]]


def written(value: object) -> str:
    """Return `value` as one line of JSON, or refuse it."""
    try:
        return json.dumps(
            _plain(value, "the answer"), ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except RecursionError:
        _checks.bad_data("the answer", "be nested less deeply", type(value).__name__)
    except ValueError as error:
        if isinstance(error, ContlearnError):
            raise
        _checks.bad_data("the answer", "be what JSON can write", str(error))


def read(text: str, kinds: Kinds | None = None) -> Any:
    """Return what was written as `text`; `kinds` are the subclasses of `Evidence` that may be made."""
    return _made(json.loads(text), kinds or {})


def kind_of(answer: object) -> str:
    """Return what an entry that holds `answer` is called, or refuse it."""
    name = type(answer).__name__
    known = _KINDS.get(name) if HOMES.get(name) == type(answer).__module__ else None
    if known is None and not isinstance(answer, Mapping):
        _checks.bad_data("answer", "be an answer of contlearn, or a mapping", name)
    return known or "note"


def class_name(kind: type) -> str:
    """Return the name by which a class of the user's is known again."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _plain(value: Any, where: str) -> Any:
    if value is None or type(value) in (bool, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {TAG: "float", "value": repr(value)}
    if type(value) is str:
        return encodable(value, where)
    unboxed = builtin(value)
    if unboxed is not value:
        return _plain(unboxed, where)
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value, where)
    name = type(value).__name__
    if HOMES.get(name) != type(value).__module__:
        _checks.bad_data(
            where, "be made of answers, numbers, text, moments, lists and mappings", name, "give its repr"
        )
    return _fields_of(value, name, where)


def encodable(text: str, where: str) -> str:
    """Return `text`, or refuse what UTF-8 cannot write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        _checks.bad_data(where, "be text that UTF-8 can write", "a lone surrogate")
    return text


def _fields_of(value: Any, name: str, where: str) -> dict[str, Any]:
    """Return the fields of a record, without those that are empty and are so by default."""
    found: dict[str, Any] = {TAG: name}
    for field in fields(value):
        part = getattr(value, field.name)
        if _is_empty(part) and (field.default is not MISSING or field.default_factory is not MISSING):
            continue
        part = list(part) if type(part) is tuple else part
        part = str(part) if isinstance(part, Word) else part
        found[field.name] = _plain(part, f"{field.name} of {where}")
    return found


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (tuple, Parts)) and not len(value))


def _evidence(value: Evidence, where: str) -> dict[str, Any]:
    found = {TAG: "Evidence"}
    if type(value) is not Evidence:
        found["class"] = class_name(type(value))
    for field in fields(value):
        part = getattr(value, field.name)
        if part is not None and field.name != "history":
            found[field.name] = _plain(part, f"{field.name} of {where}")
    return found


def _interval(value: Interval, where: str) -> dict[str, Any]:
    return {TAG: "Interval", **{name: _plain(end, where) for name, end in value._asdict().items()}}


def _mapping(value: Mapping[Any, Any], where: str) -> Any:
    if all(type(name) is str for name in value) and TAG not in value:
        return {
            encodable(name, where): _plain(part, f"{name} of {where}"[:200]) for name, part in value.items()
        }
    pairs = [[_plain(name, where), _plain(part, where)] for name, part in value.items()]
    return {TAG: "mapping", "items": pairs}


def _span(value: timedelta) -> dict[str, Any]:
    return {
        TAG: "timedelta",
        "days": value.days,
        "seconds": value.seconds,
        "microseconds": value.microseconds,
    }


_WRITERS: tuple[tuple[type, Callable[[Any, str], Any]], ...] = (
    (Interval, _interval),
    (Word, lambda value, _: {TAG: type(value).__name__, "value": str(value)}),
    (datetime, lambda value, _: {TAG: "datetime", "value": value.isoformat()}),
    (date, lambda value, _: {TAG: "date", "value": value.isoformat()}),
    (timedelta, lambda value, _: _span(value)),
    (Evidence, _evidence),
    (Mapping, _mapping),
    (list, lambda value, where: [_plain(part, where) for part in value]),
    (tuple, lambda value, where: {TAG: "tuple", "items": [_plain(part, where) for part in value]}),
)


def _made(value: Any, kinds: Kinds) -> Any:
    if isinstance(value, list):
        return [_made(part, kinds) for part in value]
    if not isinstance(value, dict):
        return value
    found = {name: _made(part, kinds) for name, part in value.items()}
    name = found.pop(TAG, None)
    if name is None:
        return found
    if name == "Evidence":
        return _made_evidence(found, kinds)
    if name in _MAKERS:
        return _MAKERS[name](found)
    if name not in HOMES:
        _checks.bad_data(
            "the entry", "hold answers that this version knows", f"{name!r:.60}", "update contlearn"
        )
    kind: Any = getattr(importlib.import_module(HOMES[name]), name)
    try:
        return kind(**found)
    except TypeError as error:
        if isinstance(error, ContlearnError):
            raise
        _checks.bad_data(
            "the entry", f"hold a {name} that this version knows", str(error), "update contlearn"
        )


def _made_evidence(found: dict[str, Any], kinds: Kinds) -> Evidence:
    kind = kinds.get(found.pop("class", ""), Evidence)
    known = {field.name for field in fields(kind)}
    try:
        return kind(**{name: value for name, value in found.items() if name in known})
    except Exception:
        if kind is Evidence:
            raise
        return _made_evidence(found, {})  # what the class refuses by now was recorded all the same


_MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "float": lambda found: float(found["value"]),
    "datetime": lambda found: datetime.fromisoformat(found["value"]),
    "date": lambda found: date.fromisoformat(found["value"]),
    "timedelta": lambda found: timedelta(**found),
    "Interval": lambda found: Interval(**found),
    "mapping": lambda found: {name: part for name, part in found["items"]},  # noqa: C416 - pairs are lists
    "tuple": lambda found: tuple(found["items"]),
}
