"""Which values a detector of numbers can use, and why it cannot use the others."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence, Set
from typing import Any, NoReturn

import numpy as np

from contlearn import _checks
from contlearn.drift._streams._only_column import only_column

LARGEST = 1e140  # the squares of more values than any stream has, added, stay below the largest float

MISSING, INFINITE, TOO_LARGE = "missing", "infinite", "too large"
NO_NUMBER, NOT_BINARY = "not a number", "not 0 or 1"
_MUST = {
    MISSING: "be a number",
    INFINITE: "be finite",
    TOO_LARGE: f"be at most {LARGEST:g} in size",
    NO_NUMBER: "be a number",
    NOT_BINARY: "be 0 or 1 for a detector of binary data",
}
REASONS = tuple(_MUST)

Judged = tuple[float, str]  # the value, and why it cannot be used: "" where it can


def judged(x: Any, binary: bool) -> Judged:
    """Return `x` as a float with the reason why it cannot be used."""
    if not binary and type(x) is float and -LARGEST <= x <= LARGEST:  # nearly every value there is
        return x, ""
    if isinstance(x, np.ndarray) and x.ndim == 0:
        x = x.item()
    value, reason = _as_float(x)
    if reason:
        return value, reason
    if math.isnan(value):
        return value, MISSING
    if math.isinf(value):
        return value, INFINITE if x == value else TOO_LARGE  # a wider float may be finite
    if binary:
        return value, "" if value in (0.0, 1.0) else NOT_BINARY
    return value, TOO_LARGE if abs(value) > LARGEST else ""


def judged_many(rows: Sequence[Any], binary: bool) -> list[Judged]:
    """Return `judged` of every value; good numbers are recognised all at once."""
    try:
        array = np.asarray(rows)
    except (ValueError, OverflowError):  # containers of different lengths among the values
        array = np.empty(0, dtype=object)
    if array.ndim == 1 and array.dtype.kind in "biuf":
        with np.errstate(over="ignore"):
            array = array.astype(np.float64)
        good = (array == 0.0) | (array == 1.0) if binary else np.abs(array) <= LARGEST
        if good.all():
            return [(value, "") for value in array.tolist()]
    return [judged(x, binary) for x in rows]


def refuse(name: str, value: Any, reason: str) -> NoReturn:
    """Raise for a `value` that cannot be used."""
    shown = value
    if isinstance(value, str | bytes):
        shown = _checks.one_line(repr(value), 80)
    elif hasattr(value, "__len__"):  # a container: of its values nothing is told
        shown = type(value).__name__
    _checks.bad_data(name, _MUST[reason], shown, "leave it out, or pass on_invalid='skip' or 'flag'")


def _as_float(x: Any) -> Judged:
    if x is None or type(x).__name__ == "NAType":  # pandas' NA
        return math.nan, MISSING
    if isinstance(x, np.bool_):
        return float(x), ""
    if not isinstance(x, numbers.Real):
        return math.nan, NO_NUMBER
    try:
        return float(x), ""
    except OverflowError:  # an integer or a fraction beyond the floats
        return math.nan, TOO_LARGE


def listed(values: Any) -> Sequence[Any]:
    """Return `values` as something with a length and an order, or refuse: no container is a bad value."""
    found = only_column(values)
    if isinstance(found, np.ndarray) and found.ndim != 1:
        got = f"shape {found.shape}" if found.ndim else type(values).__name__
        _checks.bad_data("values", "be a sequence of numbers", got, "pass one column")
    if isinstance(found, list | tuple | np.ndarray):
        return found  # type: ignore[return-value]
    if isinstance(found, str | bytes | Mapping | Set) or not hasattr(found, "__iter__"):
        _checks.bad_data("values", "be a sequence of numbers", type(values).__name__)
    return list(found)
