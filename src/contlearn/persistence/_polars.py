"""polars frames: of each column its name, its values and its dtype."""

from __future__ import annotations

from typing import Any

from contlearn.persistence._columns import UnknownColumn, flat, gaps, texts
from contlearn.persistence._refusals import damaged

_NUMBERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64")
_ANY = (-(2**63), 2**63 - 1)
_DAYS = 95_000_000  # before and after 1970 are dates; polars panics where a date beyond is printed
_RANGES = {
    ("Date", None): (-_DAYS, _DAYS),
    ("Time", None): (0, 86_400 * 10**9 - 1),
    ("Datetime", "ms"): (-_DAYS * 86_400 * 10**3, _DAYS * 86_400 * 10**3),
    ("Datetime", "us"): (-_DAYS * 86_400 * 10**6, _DAYS * 86_400 * 10**6),
}
_TIMES = {"Date": "Int32", "Time": "Int64", "Datetime": "Int64", "Duration": "Int64"}


def content(frame: Any) -> list[Any]:
    """Return what is written of a frame."""
    return [(series.name, *_column(series)) for series in frame]


def made(given: Any) -> Any:
    """Return the frame of its content."""
    import polars as pl

    if len({name for name, *_ in given}) < len(given):
        damaged("names of their own", "one twice")
    return pl.DataFrame([_series(name, each) for name, *each in given])


def _column(series: Any) -> tuple[Any, ...]:
    import polars as pl

    dtype = series.dtype
    name = str(dtype.base_type())
    if name in _NUMBERS or name == "Boolean":
        return ("numbers", name, *_filled(series, False if name == "Boolean" else 0))
    if name in _TIMES:
        unit, zone = getattr(dtype, "time_unit", None), getattr(dtype, "time_zone", None)
        return ("times", name, *_filled(series.to_physical(), 0), unit, zone)
    if name == "String":
        return ("text", name, series.to_list())
    if name == "Enum":
        return ("text", name, series.cast(pl.String).to_list(), dtype.categories.to_list())
    if name == "Categorical":
        return ("text", name, series.cast(pl.String).to_list())
    raise UnknownColumn(series.name, str(dtype))


def _filled(series: Any, filler: Any) -> tuple[Any, Any]:
    lost = series.is_null()
    mask = lost.to_numpy().copy() if lost.any() else None
    return (series.fill_null(filler) if mask is not None else series).to_numpy().copy(), mask


def _series(name: Any, given: Any) -> Any:
    import polars as pl

    kind, dtype, values, *rest = given
    if kind == "numbers" and (dtype in _NUMBERS or dtype == "Boolean"):
        given = flat(values, "bool" if dtype == "Boolean" else dtype.lower())
        return _with_gaps(pl.Series(name, given, dtype=getattr(pl, dtype)), rest[0])
    if kind == "times" and dtype in _TIMES:
        given = flat(values, _TIMES[dtype].lower())
        least, most = _RANGES.get((dtype, rest[1]), _ANY)
        if len(given) and not least <= int(given.min()) <= int(given.max()) <= most:
            damaged("dates and times that there are", "others")
        whole = _with_gaps(pl.Series(name, given, dtype=getattr(pl, _TIMES[dtype])), rest[0])
        return whole.cast(_time_type(dtype, *rest[1:]))
    if kind == "text" and dtype in ("String", "Categorical"):
        return pl.Series(name, texts(values), dtype=pl.String).cast(getattr(pl, dtype))
    if kind == "text" and dtype == "Enum":
        return pl.Series(name, texts(values), dtype=pl.Enum(texts(rest[0])))
    return damaged("a column of a known kind", repr(kind)[:40])


def _time_type(dtype: str, unit: Any, zone: Any) -> Any:
    import polars as pl

    if dtype == "Datetime":
        return pl.Datetime(unit, zone)
    return pl.Duration(unit) if dtype == "Duration" else getattr(pl, dtype)


def _with_gaps(series: Any, lost: Any) -> Any:
    import polars as pl

    mask = gaps(lost, len(series))
    if mask is None:
        return series
    return pl.select(pl.when(~pl.Series(mask)).then(series).alias(series.name)).to_series()
