"""Two samples of rows at the door of a test: tables of finite numbers, with the same columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from contlearn import _checks
from contlearn.stats._array_api import floats, is_foreign, kind, namespace, place, refuse_other_place


def samples(X: Any, Y: Any, block: int | None = None) -> tuple[Any, Any]:
    """Return copies of both samples as tables of floats where they lie, or refuse."""
    least = 2 if block is None else max(2, _checks.count("block", block))
    x, y = _table("X", X, least), _table("Y", Y, least)
    if place(x) != place(y):
        refuse_other_place("Y", y, place(x), "X")
    if x.shape[1] != y.shape[1]:
        _checks.bad_data("Y", f"have {x.shape[1]} columns as X has", f"{y.shape[1]}")
    return x, y


def _table(name: str, values: Any, least: int) -> Any:
    array = values if is_foreign(values) else np.asarray(values)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        _checks.bad_data(name, "be a table of rows and columns", f"an array of shape {tuple(array.shape)}")
    if array.shape[0] < least:
        _checks.bad_data(name, f"have at least {least} rows", f"{array.shape[0]}")
    if (array.dtype.kind if isinstance(array, np.ndarray) else kind(array)) not in "biuf":
        _checks.bad_data(name, "be numeric", f"dtype {array.dtype}", "encode it as numbers first")
    table = floats(array)
    xp = namespace(table)
    if not xp.all(xp.isfinite(table)):
        _checks.bad_data(name, "be finite", "NaN or infinity", "drop or impute these rows first")
    return table
