"""Text and categories of a frame as codes: telling integers apart is far cheaper than telling text apart."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn._tables._column import Codes, Column, masked

Encoded = tuple[NDArray[Any], list[Any]]
"""For each row the place of its label among the labels, -1 where it is missing; and the labels."""


def from_codes(name: str, series: Any, *, declared: bool) -> Column | None:
    """Return the column of a pandas, polars or pyarrow series of text or of categories.

    None where its library is another one, where one label equals another, or where a label is no text
    although its column was not `declared` to be one of categories.
    """
    encode = _ENCODERS.get(type(series).__module__.partition(".")[0])
    encoded = encode(series) if encode is not None else None
    if encoded is None:
        return None
    places, labels = encoded
    plain = set(map(type, labels)) <= {str}
    if not (plain or (declared and _all_different(labels))):
        return None
    missing = places < 0
    if missing.all():
        return masked(name, "unknown", np.full(len(places), None), missing)
    names = np.empty(len(labels), dtype=object)
    names[:] = labels
    own = np.array(places, dtype=np.int64)
    own[missing] = 0
    codes = Codes(own, names)
    return masked(name, "categorical", None, missing, codes)


def _all_different(labels: list[Any]) -> bool:
    try:
        return len(set(labels)) == len(labels)  # 1 and True are not
    except TypeError:
        return False


def _pandas(series: Any) -> Encoded | None:
    if hasattr(series, "cat"):
        return series.cat.codes.to_numpy(), series.cat.categories.tolist()
    if getattr(series.dtype, "storage", None) == "pyarrow":
        return _pyarrow(series.array.__arrow_array__())
    codes, labels = importlib.import_module("pandas").factorize(series)
    return codes, labels.tolist()


def _polars(series: Any) -> Encoded:
    polars = importlib.import_module("polars")
    text = series.cast(polars.String)
    labels = text.drop_nulls().unique(maintain_order=True)
    codes = text.cast(polars.Enum(labels)).to_physical().cast(polars.Int64).fill_null(-1)
    return codes.to_numpy(), labels.to_list()


def _pyarrow(series: Any) -> Encoded | None:
    pyarrow = importlib.import_module("pyarrow")
    if pyarrow.types.is_dictionary(series.type):
        series = series.cast(series.type.value_type)  # its dictionary may name a label twice
    encoded = series.dictionary_encode()
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.combine_chunks()
    if isinstance(encoded, pyarrow.ChunkedArray):  # as old ones answer where there are no rows
        return None
    return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()


_ENCODERS: dict[str, Callable[[Any], Encoded | None]] = {
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _pyarrow,
}
