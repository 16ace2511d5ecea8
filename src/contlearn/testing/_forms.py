"""Rows that were handed in, as columns of numpy arrays, and back in the form in which they came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn._tables import Column, TableLike, read
from contlearn.testing._shifts import Columns


def form_of(reference: Any) -> Callable[[Columns], TableLike]:
    """Return what makes of columns the form in which they were given: a bare array, or a dictionary."""
    given = reference(np.random.default_rng(0), 2) if callable(reference) else reference
    if isinstance(given, np.ndarray):
        return lambda columns: np.column_stack(list(columns.values()))
    return dict


def columns_of(table: TableLike, name: str = "reference") -> Columns:
    """Return a table as named arrays that say by themselves what is missing."""
    return {column.name: _array(column) for column in read(table, name).columns}


def _array(column: Column) -> NDArray[Any]:
    """Return a column as a numpy array that says by itself what is missing."""
    values: NDArray[Any] = column.values
    if column.kind in ("datetime", "duration"):
        values = values.astype("M8[us]" if column.kind == "datetime" else "m8[us]")
    elif column.kind == "numeric" and values.dtype.kind == "f":
        values = values.astype(f"f{column.bits // 8}")
    if column.missing is None:
        return values
    if values.dtype.kind in "iub":
        values = values.astype(np.float64 if values.dtype.kind in "iu" else object)
    values = values.copy()
    nothing: Any = np.nan if values.dtype.kind == "f" else None
    values[column.missing] = np.array("NaT", values.dtype) if values.dtype.kind in "mM" else nothing
    return values
