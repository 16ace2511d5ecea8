"""Data frames and series of any library that narwhals knows; narwhals is loaded for nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from contlearn import _checks
from contlearn._tables._codes import from_codes
from contlearn._tables._column import Column, Table, build, exact, from_block, masked, refuse_duplicates
from contlearn._tables._values import from_array, from_labels, from_objects, refuse_values
from contlearn.exceptions import MissingDependencyError


def from_frame(X: Any, name: str) -> Table | None:
    """Return the table of a frame or series, or None if `X` is neither."""
    frame, narwhals = _native(X, name)
    if isinstance(frame, narwhals.Series):
        named = frame.name is not None and frame.name != ""
        label = frame.name if named else "0"
        return build([label], lambda _: [_from_series(str(label), frame)], name, named=named)
    if isinstance(frame, narwhals.DataFrame):
        return build(frame.columns, lambda positions: _load(frame, positions), name, named=True)
    return None


def from_series(name: str, X: Any) -> Column | None:
    """Return the column of a series, or None if `X` is none."""
    series, narwhals = _native(X, f"column {name!r}")
    return _from_series(name, series) if isinstance(series, narwhals.Series) else None


def _native(X: Any, name: str) -> tuple[Any, Any]:
    """Return what narwhals makes of `X`, which is `X` itself if that is no frame, and narwhals."""
    narwhals = _narwhals(type(X).__name__)
    try:
        frame = narwhals.from_native(X, pass_through=True, allow_series=True)
    except importlib.import_module("narwhals.exceptions").DuplicateError:
        refuse_duplicates([str(label) for label in getattr(X, "column_names", X.columns)], name)
    if isinstance(frame, narwhals.LazyFrame):
        cure = "collect it first, for example with .collect() or .to_arrow()"
        _checks.bad_data(name, "be a data frame that holds its rows", type(X).__name__, cure)
    return frame, narwhals


def _narwhals(what: str) -> Any:
    try:
        return importlib.import_module("narwhals.stable.v2")
    except ImportError as error:
        raise MissingDependencyError(
            f"reading a {what} needs narwhals, got no such package; pip install narwhals, or pass an array"
        ) from error


def _load(frame: Any, positions: Sequence[int]) -> list[Column]:
    """Read the number columns of one family as one block: a hundred times faster than one by one."""
    names = [str(label) for label in frame.columns]
    dtypes = list(frame.schema.values())
    families: dict[str, list[int]] = {}
    for position in positions:
        families.setdefault(_family(dtypes[position]), []).append(position)
    columns: dict[int, Column] = {}
    for family, members in families.items():
        block = _block(frame, members, family) if family != "other" else None
        chosen = [names[position] for position in members]
        if block is not None:
            columns.update(zip(members, from_block(chosen, block.T), strict=True))
        else:
            columns.update((each, _from_series(names[each], frame[:, each])) for each in members)
    return [columns[position] for position in positions]


def _family(dtype: Any) -> str:
    if dtype.is_float():
        return "float"
    if dtype.is_integer() and str(dtype) not in ("UInt64", "Int128", "UInt128"):
        return "integer"
    return "other"


def _block(frame: Any, positions: list[int], family: str) -> Any:
    """Return number columns as one array; None where gaps would turn all its integers into floats."""
    whole = frame if positions == list(range(len(frame.columns))) else frame[:, positions]
    block = whole.to_numpy()
    return block if block.dtype.kind == ("f" if family == "float" else "i") else None


def _from_series(name: str, series: Any) -> Column:
    kind = str(series.dtype).partition("(")[0]
    if kind in ("Struct", "List", "Array"):
        refuse_values(name, f"nested values of type {kind}")
    if kind in ("Int128", "UInt128"):
        return from_objects(name, series.to_list())
    declared = kind in ("Categorical", "Enum")
    if declared or kind == "String":
        column = from_codes(name, series.to_native(), declared=declared)
        if column is not None:
            return column
    if declared:
        return from_labels(name, series.to_list())
    if kind == "String":
        return from_objects(name, series.to_list())
    if series.dtype.is_integer() and series.null_count():
        return _from_integers(name, series)
    column = from_array(name, series.to_numpy())
    zoned = kind == "Datetime" and series.dtype.time_zone is not None
    return replace(column, zoned=True) if zoned else column


def _from_integers(name: str, series: Any) -> Column:
    """Return integers with gaps as integers: as floats, identifiers beyond 2**53 would collapse."""
    missing = np.array(series.is_null().to_numpy(), dtype=np.bool_)
    return masked(name, "numeric", exact(series.fill_null(0).to_numpy()), missing)
