"""pyarrow tables: of each column its name, its values and its type, and the metadata of the schema."""

from __future__ import annotations

from typing import Any

import numpy as np

from contlearn.persistence._columns import UnknownColumn, flat, gaps, texts
from contlearn.persistence._refusals import damaged

_NUMBERS = frozenset(
    {f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)} | {"float", "double", "bool"}
)
_TEXT = frozenset({"string", "large_string"})
_UNITS = frozenset({"s", "ms", "us", "ns"})


def content(table: Any) -> dict[str, Any]:
    """Return what is written of a table."""
    columns = [
        (field.name, field.nullable, *_column(field.name, table.column(place)))
        for place, field in enumerate(table.schema)
    ]
    return {"columns": columns, "metadata": table.schema.metadata}


def made(given: Any) -> Any:
    """Return the table of its content."""
    import pyarrow as pa

    arrays = [_array(each) for _, _, *each in given["columns"]]
    fields = [
        pa.field(name, array.type, nullable=bool(nullable))
        for (name, nullable, *_), array in zip(given["columns"], arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=given["metadata"]))


def _column(name: str, column: Any) -> tuple[Any, ...]:
    import pyarrow as pa

    kind = column.type
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], kind)
    if str(kind) in _NUMBERS:
        return ("numbers", str(kind), *_filled(whole))
    if str(kind) in _TEXT:
        return ("text", str(kind), whole.to_pylist())
    if pa.types.is_date32(kind):
        return ("date32", None, *_filled(whole.cast(pa.int32())))
    if pa.types.is_timestamp(kind):
        return ("timestamp", (kind.unit, kind.tz), *_filled(whole.cast(pa.int64())))
    if pa.types.is_duration(kind):
        return ("duration", (kind.unit, None), *_filled(whole.cast(pa.int64())))
    if pa.types.is_dictionary(kind) and str(kind.value_type) in _TEXT and str(kind.index_type) in _NUMBERS:
        inner = _column(name, pa.chunked_array([whole.dictionary]))
        return ("dictionary", bool(kind.ordered), *_filled(whole.indices), inner)
    raise UnknownColumn(name, str(kind))


def _filled(whole: Any) -> tuple[Any, Any]:
    import pyarrow as pa

    lost = whole.is_null().to_numpy(zero_copy_only=False) if whole.null_count else None
    filler = pa.scalar(False) if pa.types.is_boolean(whole.type) else pa.scalar(0, pa.int8()).cast(whole.type)
    filled = whole if lost is None else whole.fill_null(filler)
    return np.array(filled.to_numpy(zero_copy_only=False)), lost


def _array(given: Any) -> Any:
    import pyarrow as pa

    kind, detail, values, *rest = given
    if kind == "numbers" and detail in _NUMBERS:
        return _numbers(values, rest[0], detail)
    if kind == "text" and detail in _TEXT:
        return pa.array(texts(values), type=pa.type_for_alias(detail))
    if kind == "date32":
        return _numbers(values, rest[0], "int32").cast(pa.date32())
    if kind in ("timestamp", "duration") and detail[0] in _UNITS:
        of = pa.timestamp(*detail) if kind == "timestamp" else pa.duration(detail[0])
        return _numbers(values, rest[0], "int64").cast(of)
    if kind == "dictionary":
        names = _array(rest[1])
        indices = _numbers(values, rest[0], flat(values, "iu").dtype.name)
        return pa.DictionaryArray.from_arrays(indices, names, ordered=detail, safe=True)
    return damaged("a column of a known kind", repr(kind)[:40])


def _numbers(values: Any, lost: Any, alias: str) -> Any:
    """Return the array of numbers of a type, some of them missing."""
    import pyarrow as pa

    kind = pa.type_for_alias(alias)
    given = flat(values, np.dtype(kind.to_pandas_dtype()).name)
    return pa.array(given, type=kind, mask=gaps(lost, len(given)), from_pandas=False)
