"""How laws are run, and what they have in common.

A law is a function of one case. It returns None, or says how the law was broken; an exception that it did not
expect breaks it as well. Its name is the name of the law.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import io
import pickle
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

from contlearn import _checks

Case = TypeVar("Case")
Law = Callable[[Case], str | None]


def run(subject: object, case: Case, laws: Sequence[Law[Case]], skip: Collection[str]) -> None:
    """Run `case` through `laws`, without those in `skip`, and raise at the first that is broken."""
    names = [law.__name__ for law in laws]
    _checks.instance("skip", skip, (tuple, list, set, frozenset, dict), "a collection of names of laws")
    for name in skip:
        _checks.one_of("skip", name, names)
    for law in laws:
        if law.__name__ not in skip:
            _hold(subject, case, law)


def _hold(subject: object, case: Case, law: Law[Case]) -> None:
    title = f"{_title(subject)} breaks the law {law.__name__}"
    try:
        broken = law(case)
    except Exception as error:
        raise AssertionError(f"{title}: {type(error).__name__}: {error}") from error
    if broken:
        raise AssertionError(f"{title}: {broken}")


def _title(subject: object) -> str:
    return getattr(subject, "__name__", type(subject).__name__)


def snapshot(*objects: object) -> object:
    """Return something that is equal exactly when nothing in `objects` differs.

    Pickled without memory of what was seen before, so that two equal parts may as well be one.
    """
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer)
    pickler.fast = True
    try:
        pickler.dump(objects)
        return buffer.getvalue()
    except Exception:  # a lambda does not pickle; what it can show still has to stay the same
        return [repr(vars(value)) if hasattr(value, "__dict__") else repr(value) for value in objects]


def twin(value: Any) -> Any:
    """Return an independent copy."""
    return copy.deepcopy(value)


def repickled(value: Any) -> Any:
    """Return `value` after a round trip through pickle."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - it was made one line above


def one_line(text: str, what: str) -> str | None:
    """Say why `text` is no log line."""
    if not text.strip():
        return f"{what} is empty"
    return f"{what} has {len(text.splitlines())} lines: {text[:80]!r}" if len(text.splitlines()) > 1 else None


def rebuilt(value: object) -> Any:
    """Return what `repr(value)` makes, evaluated where its classes and functions are known."""
    scope: dict[str, Any] = {"datetime": dt, "timedelta": dt.timedelta}
    scope.update((part.__name__, part) for part in _named(value))
    return eval(repr(value), scope)  # noqa: S307 - the text comes from an object that the caller trusts


def _named(value: Any) -> Iterator[Any]:
    """Return the classes and functions that occur in `value`."""
    if type(value) in (tuple, list, dict):
        for part in value.values() if type(value) is dict else value:
            yield from _named(part)
    elif hasattr(value, "__name__"):
        yield value
    elif not isinstance(value, (str, int, float, type(None))):
        yield type(value)
        for part in _parameters(value).values():
            yield from _named(part)


def _parameters(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "get_params"):
        return dict(value.get_params(deep=False))
    return dict(getattr(value, "__dict__", {}))
