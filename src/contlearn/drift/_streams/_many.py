"""Many values in whatever holds them: how many there are, some of them, and what is called what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from contlearn import _checks
from contlearn.exceptions import ContlearnError


def sized(values: Any) -> Any:
    """Return `values` in a form that `count` and `part` can use."""
    if isinstance(values, Mapping):
        return {name: sized(each) for name, each in values.items()}
    refuse_one(values)
    return values if hasattr(values, "__len__") else list(values)


def refuse_one(values: Any) -> None:
    """Refuse what is one value, not many."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        _checks.bad_data("values", "be many values", type(values).__name__, "use update for one")


def count(values: Any) -> int:
    """Return how many values there are; of a mapping of columns, in each."""
    return len(next(iter(values.values()), ())) if isinstance(values, Mapping) else len(values)


def part(values: Any, start: int, stop: int) -> Any:
    """Return the values from `start` up to `stop`, in the form they have."""
    if isinstance(values, Mapping):
        return {name: part(each, start, stop) for name, each in values.items()}
    if hasattr(values, "iloc"):  # pandas, where [] may mean labels
        return values.iloc[start:stop]
    return values[start:stop]  # of lists, arrays, and the frames and columns of polars and pyarrow


def columns_by_name(values: Any) -> Mapping[str, Any]:
    """Return columns by name, from a mapping or a frame."""
    if isinstance(values, Mapping):
        return values
    names = getattr(values, "column_names", getattr(values, "columns", None))
    if names is None:
        _checks.bad_data("values", "be a mapping of names to values, or a frame", type(values).__name__)
    return {str(name): values[name] for name in names}  # type: ignore[union-attr]


def within(name: str, read: Any, value: Any) -> Any:
    """Return `read(value)`; an error says whose value it was."""
    try:
        return read(value)
    except ContlearnError as error:
        told(name, error)


def told(name: str, error: ContlearnError) -> NoReturn:
    """Raise an error of one stream again, so that it says of which."""
    _checks.retell(f"stream {name!r}", error)
