"""Many values in whatever holds them: how many there are, and some of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def sized(values: Any) -> Any:
    """Return `values` in a form that `count` and `part` can use."""
    if isinstance(values, Mapping):
        return {name: sized(each) for name, each in values.items()}
    return values if hasattr(values, "__len__") else list(values)


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
