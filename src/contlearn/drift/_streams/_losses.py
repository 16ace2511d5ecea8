"""Losses between 0 and 1, one or many of them, or an error that says what to do."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.drift._streams._only_column import only_column
from contlearn.stats import _columns

_CURE = "leave out rows whose label is missing, and watch their share; scale other losses into [0, 1]"


def loss(x: Any, name: str = "x") -> float:
    """Return a loss as a float, or refuse."""
    if isinstance(x, (bool, np.bool_)):
        return float(x)
    if isinstance(x, np.ndarray) and x.ndim == 0:
        return loss(x.item(), name)
    try:
        value = _checks.real(name, float(x) if isinstance(x, Decimal) else x)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        _checks.bad_data(name, "be a loss between 0 and 1", _shown(x), _CURE)
    return value


def losses(values: Any) -> NDArray[np.float64]:
    """Return many losses, or refuse them all."""
    array = _columns.column("losses", only_column(values))
    if array.dtype.kind not in "biuf":
        listed = [loss(x, f"losses[{i}]") for i, x in enumerate(array.tolist())]
        return np.array(listed, dtype=np.float64)
    with np.errstate(over="ignore"):  # a wider float beyond the range is infinite
        found = array.astype(np.float64)
    bad = ~((found >= 0.0) & (found <= 1.0))
    if bad.any():
        first = int(bad.argmax())
        loss(float(found[first]), f"losses[{first}]")
    return found


def _shown(x: Any) -> object:
    """Return what a message tells of a value that was refused: of a table, never the values."""
    if isinstance(x, str):
        return _checks.one_line(repr(x), 80)
    return type(x).__name__ if hasattr(x, "__len__") else x
