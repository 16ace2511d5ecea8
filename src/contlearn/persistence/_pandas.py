"""pandas frames: the index, the labels, and of each column its values and its dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from contlearn.persistence._columns import UnknownColumn, flat, gaps, texts
from contlearn.persistence._refusals import damaged

_MOST_EMPTY = 2**24  # rows that have no columns: they take no memory, but time
_ANYTHING = "biufcSUMmO"
_MASKED = frozenset(
    {"boolean", "Float32", "Float64"}
    | {f"{sign}{size}" for sign in ("Int", "UInt") for size in (8, 16, 32, 64)}
)


def content(frame: Any) -> dict[str, Any]:
    """Return what is written of a frame."""
    return {
        "index": _index(frame.index),
        "labels": _index(frame.columns),
        "columns": [_column(frame.columns[place], frame.iloc[:, place]) for place in range(frame.shape[1])],
    }


def made(given: Any) -> Any:
    """Return the frame of its content."""
    import pandas as pd

    index, labels = _index_of(given["index"]), _index_of(given["labels"])
    values = [_values(each) for each in given["columns"]]
    if len(labels) != len(values):
        damaged("a label for each column", f"{len(labels)} for {len(values)}")
    if any(len(each) != len(index) for each in values) or (not values and len(index) > _MOST_EMPTY):
        damaged("columns of as many values as there are rows", "another number")
    columns = [pd.Series(each, index=index, copy=False) for each in values]
    frame = pd.DataFrame(dict(enumerate(columns)), index=index)
    frame.columns = labels
    return frame


def _index(index: Any) -> tuple[Any, ...]:
    import pandas as pd

    if isinstance(index, pd.MultiIndex):
        raise UnknownColumn("index", "an index of several levels")
    if isinstance(index, pd.RangeIndex):
        return ("range", index.name, index.start, index.stop, index.step)
    frequency = getattr(index, "freqstr", None) if isinstance(index, pd.DatetimeIndex) else None
    return ("values", index.name, _column("index", index.to_series()), frequency)


def _index_of(given: Any) -> Any:
    import pandas as pd

    if given[0] == "range":
        start, stop, step = given[2:]
        return pd.RangeIndex(start, stop, step, name=given[1])
    index: Any = pd.Index(_values(given[2]), name=given[1])
    if given[3] is not None and isinstance(index, pd.DatetimeIndex):
        index = pd.DatetimeIndex(index, freq=given[3])
    return index


def _column(name: Any, series: Any) -> tuple[Any, ...]:
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return ("array", series.to_numpy().copy())
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ("zoned", series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(), dtype.tz)
    if isinstance(dtype, pd.StringDtype):
        missing = "NA" if dtype.na_value is pd.NA else "nan"
        values = [None if lost else text for text, lost in zip(series, series.isna(), strict=True)]
        return ("text", values, dtype.storage, missing)
    if isinstance(dtype, pd.CategoricalDtype):
        names = _column(name, dtype.categories.to_series())
        return ("categories", series.cat.codes.to_numpy().copy(), names, bool(dtype.ordered))
    if str(dtype) in _MASKED:
        lost = series.isna().to_numpy()
        filled = series.fillna(False if str(dtype) == "boolean" else 0)
        return ("masked", filled.to_numpy(dtype=dtype.numpy_dtype), lost, str(dtype))
    raise UnknownColumn(name, f"{dtype}")


def _values(given: Any) -> Any:
    import pandas as pd

    kind = given[0]
    if kind == "array":
        return flat(given[1], _ANYTHING)
    if kind == "zoned":
        return pd.DatetimeIndex(flat(given[1], "M")).tz_localize("UTC").tz_convert(given[2])
    if kind == "text":
        dtype = pd.StringDtype(given[2], na_value=np.nan if given[3] == "nan" else pd.NA)
        return pd.array(texts(given[1]), dtype=dtype)
    if kind == "categories":
        names = pd.Index(_values(given[2]))
        return pd.Categorical.from_codes(flat(given[1], "iu"), categories=names, ordered=given[3])
    if kind == "masked" and given[3] in _MASKED:
        array = pd.array(flat(given[1], given[3].lower().replace("boolean", "bool")), dtype=given[3])
        array[gaps(given[2], len(array))] = pd.NA
        return array
    return damaged("a column of a known kind", repr(kind)[:40])
