"""Values that name rows, as hashes: one value is one hash, however it is spelt."""

from __future__ import annotations

import hashlib
import numbers
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Keys: TypeAlias = NDArray[np.uint64]

_WHOLE = 2.0**63  # below it, a float that is whole is an integer
_ALL = 2**64 - 1
_ADDRESS = " at 0x"


class NamelessError(Exception):
    """A value that is not told by its text, such as an object of which only the address is shown."""


def keys(column: NDArray[Any]) -> Keys:
    """Return the distinct hashes of the values of a column, sorted.

    5, 5.0, "5", b"5" and numpy's are one value, and so are a date, its text and its midnight.
    """
    hashes = np.sort(_hashes(column))
    first = np.ones(hashes.size, dtype=np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes[first]


def where(kept: Keys, keys: Keys) -> NDArray[np.intp]:
    """Return which of the sorted `keys` are among those kept, as positions."""
    near = keys[: np.searchsorted(keys, kept[-1], side="right")]
    if near.size < kept.size:
        places = np.searchsorted(kept, near)  # none is beyond the end
        return np.flatnonzero(kept[places] == near)
    places = np.minimum(np.searchsorted(near, kept), near.size - 1)
    found: NDArray[np.intp] = places[near[places] == kept]
    return found


def _hashes(column: NDArray[Any]) -> Keys:
    kind = column.dtype.kind
    if kind == "u":
        return _mixed(column.astype(np.uint64))
    if kind in "bi":
        return _mixed(column.astype(np.int64).view(np.uint64))
    if kind == "f":
        values = column.astype(np.float64)
        whole = (values == np.floor(values)) & (np.abs(values) < _WHOLE)
        integers = np.where(whole, values, 0.0).astype(np.int64).view(np.uint64)
        bits = (values + 0.0).view(np.uint64)
        return np.where(whole, _mixed(integers), _mixed(_mixed(bits)))
    if kind in "mM":
        column = column.astype(f"{kind}8[us]").astype(object)
    return np.fromiter(map(_hash, column.tolist()), np.uint64, column.size)


def _hash(value: Any) -> int:
    """Return the hash of one value that is in no column of numbers."""
    if isinstance(value, str):
        value = _read(str.__str__(value))
    elif not isinstance(value, (int, float)):
        value = _plain(value)
    if isinstance(value, int) and -(2**63) <= value <= _ALL:
        return _mixed_integer(int(value) & _ALL)
    if isinstance(value, float):
        return int(_hashes(np.asarray([value]))[0])
    text = _text(value)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _plain(value: Any) -> Any:
    """Return a value as a builtin: numpy's, bytes, and numbers of every kind."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        return value.astype(f"{value.dtype.kind}8[us]").item()
    if isinstance(value, np.generic):
        return _read(value.item()) if isinstance(value.item(), str) else value.item()
    if isinstance(value, bytes | bytearray):
        return _read(bytes(value).decode("utf-8", "backslashreplace"))
    if isinstance(value, numbers.Number) and not isinstance(value, numbers.Complex):  # a Decimal is neither
        return _read(format(value, "f"))  # type: ignore[arg-type]
    if isinstance(value, numbers.Rational):
        return int(value.numerator) if value.denominator == 1 else float(value)
    return value


def _read(text: str) -> str | int | float | datetime:
    """Return the number or the moment that a text is, as Python writes it; otherwise the text."""
    if not text or not (text[0].isdigit() or text[0] == "-") or len(text) > 40 or not text.isascii():
        return text
    if text.removeprefix("-").isdigit():
        number = int(text)
        return number if str(number) == text else text
    if text[4:5] == "-":
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return text
    try:
        return float(text) if repr(float(text)) == text else text
    except ValueError:
        return text


def _text(value: Any) -> str:
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        aware = moment.utcoffset() is not None
        return datetime.isoformat(moment.astimezone(UTC).replace(tzinfo=None) if aware else moment, " ")
    if isinstance(value, tuple):
        return f"({','.join(str(_hash(each)) for each in value)})"
    text = value if isinstance(value, str) else str(value)
    if not isinstance(value, str | int | timedelta | uuid.UUID) and _ADDRESS in text:
        raise NamelessError(type(value).__name__)
    return text


def _mixed(values: Keys) -> Keys:
    """Return hashes of 64-bit integers, no two of them alike (the finaliser of SplitMix64)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _mixed_integer(value: int) -> int:
    """Return the same hash of one integer from 0 to 2**64 - 1."""
    value = (value + 0x9E3779B97F4A7C15) & _ALL
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _ALL
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _ALL
    return value ^ (value >> 31)
