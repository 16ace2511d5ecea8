"""Data frames and series of any library that narwhals knows; narwhals is loaded for nothing else."""

from __future__ import annotations

import importlib
from typing import Any

from contlearn import _checks
from contlearn._tables._column import Column, Table, build, exact, from_block, refuse_duplicates
from contlearn._tables._values import from_array, from_labels, from_objects
from contlearn.exceptions import MissingDependencyError


def from_frame(X: Any, name: str) -> Table | None:
    """Return the table of a frame or series, or None if `X` is neither."""
    narwhals = _narwhals(type(X).__name__)
    try:
        frame = narwhals.from_native(X, pass_through=True, allow_series=True)
    except importlib.import_module("narwhals.exceptions").DuplicateError:
        refuse_duplicates([str(label) for label in X.columns], name)
    if isinstance(frame, narwhals.LazyFrame):
        cure = "collect it first, for example with .collect() or .to_arrow()"
        _checks.bad_data(name, "be a data frame that holds its rows", type(X).__name__, cure)
    if isinstance(frame, narwhals.Series):
        label = frame.name
        unnamed = label is None or label == ""
        column = _from_series("0" if unnamed else str(label), frame)
        return build([column], len(frame), name, labels=None if unnamed else [label])
    if isinstance(frame, narwhals.DataFrame):
        return _from_dataframe(frame, name)
    return None


def _narwhals(what: str) -> Any:
    try:
        return importlib.import_module("narwhals.stable.v2")
    except ImportError as error:
        raise MissingDependencyError(
            f"reading a {what} needs narwhals, got no such package; pip install narwhals, or pass an array"
        ) from error


def _from_dataframe(frame: Any, name: str) -> Table:
    """Read the number columns of one family as one block: a hundred times faster than one by one."""
    labels = list(frame.columns)
    families: dict[str, list[int]] = {}
    for position, dtype in enumerate(frame.schema.values()):
        families.setdefault(_family(dtype), []).append(position)
    columns: dict[int, Column] = {}
    for family in ("float", "integer"):
        positions = families.pop(family, [])
        columns.update(_block(frame, positions, labels, family))
    for position in (each for positions in families.values() for each in positions):
        columns[position] = _from_series(str(labels[position]), frame[:, position])
    ordered = [columns[position] for position in range(len(labels))]
    return build(ordered, len(frame), name, labels=labels)


def _family(dtype: Any) -> str:
    if dtype.is_float():
        return "float"
    if dtype.is_integer() and str(dtype) not in ("UInt64", "Int128", "UInt128"):
        return "integer"
    return "other"


def _block(frame: Any, positions: list[int], labels: list[Any], family: str) -> dict[int, Column]:
    if not positions:
        return {}
    whole = frame if len(positions) == len(labels) else frame[:, positions]
    block = whole.to_numpy()
    names = [str(labels[position]) for position in positions]
    if block.dtype.kind == ("f" if family == "float" else "i"):
        return dict(zip(positions, from_block(names, exact(block.T)), strict=True))
    # Gaps turn a whole block of integers into floats: one by one, only the columns that have them do.
    return {
        position: _from_series(each, frame[:, position])
        for position, each in zip(positions, names, strict=True)
    }


def _from_series(name: str, series: Any) -> Column:
    kind = str(series.dtype).partition("(")[0]
    if kind in ("Categorical", "Enum"):
        return from_labels(name, series.to_list())
    if kind == "String":
        return from_objects(name, series.to_list())
    return from_array(name, series.to_numpy())
