"""One value or one label per row, from whatever holds it: lists, arrays, pandas, polars or arrow columns."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import TYPE_CHECKING, Any, NamedTuple

from contlearn import _checks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

MISSING = "(missing)"


class Labels(NamedTuple):
    """The label of every row as a position in `names`; rows without a label are named "(missing)", last."""

    codes: NDArray[np.intp]
    names: tuple[Any, ...]

    @property
    def missing(self) -> int:
        """How many rows have no label."""
        if not self.names or self.names[-1] != MISSING:
            return 0
        return int((self.codes == len(self.names) - 1).sum())


def column(name: str, data: ArrayLike) -> NDArray[Any]:
    """Return `data` as a one-dimensional array of its own kind, or refuse."""
    import numpy as np

    data = unmasked(data)
    if isinstance(data, (str, bytes)) or not isinstance(data, (Sized, Iterable)):
        _checks.bad_data(name, "hold one value per row", f"{type(data).__name__} {data!r:.40}")
    try:
        array = np.asarray(data)
    except ValueError:
        _checks.bad_data(name, "be one-dimensional", "rows of different lengths")
    if array.dtype.kind in "US" and not hasattr(data, "dtype") and not all(map(_is_text, data)):
        array = np.asarray(data, dtype=object)  # or a NaN among texts would have become the text "nan"
    if array.ndim == 0:
        _checks.bad_data(name, "hold one value per row", type(data).__name__, "pass a list or an array")
    if array.ndim != 1:
        cure = "use its .ravel()" if array.ndim == 2 and 1 in array.shape else ""
        _checks.bad_data(name, "be one-dimensional", f"shape {array.shape}", cure)
    return array


def _is_text(value: object) -> bool:
    return isinstance(value, (str, bytes))


def unmasked(data: Any) -> Any:
    """Return `data` with None in the place of what a masked array masks, which `asarray` would lay bare."""
    import numpy as np

    if not isinstance(data, np.ma.MaskedArray):
        return data
    bare = np.array(data.data, dtype=object)
    bare[np.ma.getmaskarray(data)] = None
    return bare


def missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which of the `values` are None, NaN, NaT or pandas' NA."""
    import numpy as np

    found = np.zeros(values.shape, dtype=np.bool_)
    if values.dtype.kind in "fc":
        found = np.isnan(values)
    elif values.dtype.kind in "mM":
        found = np.isnat(values)
    elif values.dtype.kind == "O":
        found = np.fromiter(map(_is_missing, values.flat), np.bool_, values.size).reshape(values.shape)
    return found


def _is_missing(value: object) -> bool:
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas' NA refuses to be true or false
        return type(value).__name__ == "NAType"


def numbers(name: str, data: ArrayLike) -> NDArray[np.float64]:
    """Return a float64 copy of a column of numbers; what is missing becomes NaN."""
    import numpy as np

    return np.array(floats(name, column(name, data)))


def floats(name: str, array: NDArray[Any]) -> NDArray[np.float64]:
    """Return `array` as float64, what is missing in it as NaN; refuse what is no number."""
    import numpy as np

    if array.dtype.kind not in "fiubO":
        _checks.bad_data(name, "hold numbers", f"dtype {array.dtype}")
    if array.dtype.kind != "O":
        with np.errstate(over="ignore"):  # a wider float beyond the range is infinite
            return array.astype(np.float64, copy=False)
    present = ~missing(array)
    result = np.full(array.shape, np.nan)
    if any(isinstance(value, (str, bytes)) for value in array[present]):
        _checks.bad_data(name, "hold numbers", "text")
    try:
        with np.errstate(over="ignore"):
            result[present] = array[present].astype(np.float64)
    except OverflowError:
        _checks.bad_data(name, "hold numbers of at most 1.8e308 in size", "a larger one")
    except (TypeError, ValueError):
        kinds = sorted({type(value).__name__ for value in array[present]})
        _checks.bad_data(name, "hold numbers", ", ".join(kinds[:3]))
    return result


def finite(name: str, data: ArrayLike) -> NDArray[np.float64]:
    """Return a column of finite numbers, at least one, as a float64 copy, or refuse."""
    import numpy as np

    values = numbers(name, data)
    if values.size == 0:
        _checks.bad_data(name, "hold at least one row", "none")
    bad = int(values.size - np.isfinite(values).sum())
    if bad:
        cure = "leave out the rows whose label or prediction is missing"
        _checks.bad_data(name, "be finite", f"{bad} of {values.size} rows that are NaN or infinite", cure)
    return values


def labels(name: str, data: ArrayLike) -> Labels:
    """Return the labels in `data`, sorted by value, so that the order of the rows does not matter."""
    import numpy as np

    array = column(name, data)
    absent = missing(array)
    if array.dtype.kind in "OU":  # somebody may already have written out that a label is missing
        absent[~absent] = array[~absent] == MISSING
    codes = np.empty(array.size, dtype=np.intp)
    names, codes[~absent] = _sorted_labels(name, array[~absent])
    if not absent.any():
        return Labels(codes, names)
    codes[absent] = len(names)
    return Labels(codes, (*names, MISSING))


def _sorted_labels(name: str, present: NDArray[Any]) -> tuple[tuple[Any, ...], NDArray[np.intp]]:
    import numpy as np

    if present.dtype.kind in "biufUS":
        values, codes = np.unique(present, return_inverse=True)
        return tuple(values.tolist()), codes.astype(np.intp, copy=False)
    listed = [str(value) for value in present] if present.dtype.kind in "mM" else present.tolist()
    try:
        names = sorted(set(listed))
    except TypeError:  # labels of several kinds: by kind, then by their text
        try:
            names = sorted(set(listed), key=lambda label: (type(label).__name__, str(label)))
        except TypeError:
            _checks.bad_data(name, "hold hashable labels, such as text", type(listed[0]).__name__)
    position = {label: code for code, label in enumerate(names)}
    return tuple(names), np.fromiter((position[label] for label in listed), np.intp, len(listed))
