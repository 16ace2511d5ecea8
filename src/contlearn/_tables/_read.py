"""The door: find out what was handed in, and read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn._tables._column import Column, Table, build, from_block
from contlearn._tables._values import from_array, from_labels


class Frame(Protocol):
    """A data frame, as far as a type checker can tell: pandas, polars and pyarrow all have columns."""

    @property
    def columns(self) -> Any:
        """The columns or their names."""


class Labels(list[Any]):
    """A column of categories that were declared as such, numbers included."""


TableLike: TypeAlias = ArrayLike | Mapping[str, Any] | Frame
"""An array, a list of rows, a dictionary of columns, or a data frame."""


def read(X: TableLike, name: str = "X") -> Table:
    """Read a table of any supported type; nothing of the caller's is kept or changed.

    Parameters
    ----------
    X
        A one- or two-dimensional array or list, a dictionary of columns, or a pandas, polars or pyarrow
        frame or series.
    name
        What messages call it.

    Raises
    ------
    InvalidInputError
        X is of another type or shape, or holds an infinity.
    SchemaError
        Two columns share a name, or a column mixes kinds.
    """
    if isinstance(X, np.ndarray):
        return _from_ndarray(X, name)
    if type(X).__module__.startswith("scipy.sparse"):  # one of its formats is a dictionary, too
        _refuse(name, "sparse data", "pass X.toarray()")
    if isinstance(X, Mapping):
        return _from_mapping(X, name)
    if isinstance(X, list | tuple | range):
        return _from_ndarray(_array(X, name), name)
    from contlearn._tables._frames import from_frame

    return from_frame(X, name) or _from_ndarray(_array(X, name), name)


def _from_ndarray(X: NDArray[Any], name: str) -> Table:
    if isinstance(X, np.ma.MaskedArray):
        _refuse(name, "a masked array", "pass X.filled(np.nan)")
    if X.dtype.names is not None:
        _refuse(name, "a structured array", "pass {name: X[name] for name in X.dtype.names}")
    if X.dtype.kind == "c":
        _refuse(name, "complex numbers", "Complex data not supported: pass X.real and X.imag")
    if X.ndim not in (1, 2):
        _refuse(name, f"{X.ndim} dimensions", "pass rows by columns, for example X.reshape(len(X), -1)")
    matrix = np.asarray(X)[:, np.newaxis] if X.ndim == 1 else np.asarray(X)
    names = [str(position) for position in range(matrix.shape[1])]
    if not names:  # in scikit-learn's words, which its users search for
        few = f"0 feature(s) (shape={X.shape}) while a minimum of 1 is required."
        _checks.bad_data(name, "have at least one column", few)

    def load(positions: Sequence[int]) -> list[Column]:
        chosen = [names[position] for position in positions]
        if matrix.dtype.kind in "fiub":
            block = matrix.T if len(chosen) == len(names) else matrix.T[list(positions)]
            return from_block(chosen, block)
        return [from_array(names[position], matrix[:, position]) for position in positions]

    return build(names, load, name, named=False)


def _from_mapping(X: Mapping[Any, Any], name: str) -> Table:
    labels, values = list(X), list(X.values())

    def load(positions: Sequence[int]) -> list[Column]:
        columns = [_from_any(str(labels[position]), values[position]) for position in positions]
        odd = next((each for each in columns if each.n_rows != columns[0].n_rows), None)
        if odd is not None:
            lengths = f"{columns[0].name!r} with {columns[0].n_rows} and {odd.name!r} with {odd.n_rows}"
            _checks.bad_data(f"columns of {name}", "have the same length", lengths)
        return columns

    return build(labels, load, name, named=True)


def _from_any(name: str, values: Any) -> Column:
    """Return one column of a dictionary."""
    if isinstance(values, Labels):
        return from_labels(name, values)
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        _checks.bad_data(
            f"column {name!r}", "be a sequence of values", type(values).__name__, "one row is {name: [value]}"
        )
    if not isinstance(values, np.ndarray | list | tuple | range | Mapping):
        from contlearn._tables._frames import from_series

        column = from_series(name, values)
        if column is not None:
            return column
    array = values if isinstance(values, np.ndarray) else _array(values, f"column {name!r}")
    if isinstance(array, np.ma.MaskedArray):
        _refuse(f"column {name!r}", "a masked array", "pass its .filled(np.nan)")
    if array.ndim != 1:
        _checks.bad_data(f"column {name!r}", "have one dimension", f"{array.ndim} dimensions")
    return from_array(name, array)


def _array(X: Any, name: str) -> NDArray[Any]:
    """Return a list, or anything that numpy understands, as an array that mixes no kinds in silence."""
    try:
        array = np.asarray(X)
        if array.dtype.kind in "US" and isinstance(X, Sequence):
            array = np.array(X, dtype=object)  # numpy would have turned [1, "a", None] into text
    except (ValueError, TypeError) as error:
        _refuse(name, f"a {type(X).__name__} that is no table ({error})")
    if array.ndim == 0:
        _refuse(name, type(X).__name__)
    return array


def _refuse(name: str, got: str, cure: str = "") -> NoReturn:
    _checks.bad_data(name, "be an array, a data frame or a dictionary of columns", got, cure)
