"""Data frames as columns of arrays and text, with what their library needs to know of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contlearn.persistence import _arrow, _pandas, _polars
from contlearn.persistence._columns import UnknownColumn
from contlearn.persistence._refusals import damaged

__all__ = ["UnknownColumn", "content", "is_frame", "made"]

_LIBRARIES: dict[tuple[str, str], tuple[str, Callable[[Any], Any]]] = {
    ("pandas", "DataFrame"): ("pandas", _pandas.content),
    ("polars", "DataFrame"): ("polars", _polars.content),
    ("pyarrow", "Table"): ("pyarrow", _arrow.content),
}
_MAKERS: dict[str, Callable[[Any], Any]] = {
    "pandas": _pandas.made,
    "polars": _polars.made,
    "pyarrow": _arrow.made,
}


def is_frame(value: Any) -> bool:
    """Return whether a value is a frame that can be written."""
    return _key(value) in _LIBRARIES


def content(value: Any) -> dict[str, Any]:
    """Return what is written of a frame; raises `UnknownColumn`."""
    library, of = _LIBRARIES[_key(value)]
    return {"library": library, "content": of(value)}


def made(given: Any) -> Any:
    """Return the frame of its content."""
    if type(given) is not dict or given.get("library") not in _MAKERS:
        damaged("a frame of a known library", "another")
    return _MAKERS[given["library"]](given["content"])


def _key(value: Any) -> tuple[str, str]:
    return type(value).__module__.partition(".")[0], type(value).__name__
