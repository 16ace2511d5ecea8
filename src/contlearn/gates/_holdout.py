"""Which rows a holdout consists of, remembered in a bounded space: enough to know them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.gates._base import Gate
from contlearn.gates._trial import Trial
from contlearn.stats import _columns

Keys = NDArray[np.uint64]

EXACT = 2048  # keys that are remembered of one column; of more, those with the smallest hashes
_EXACT_INTEGERS = 2.0**53


class Rows(NamedTuple):
    """What is known of the rows of a trial, as sorted hashes of distinct values; None where nothing is.

    Attributes
    ----------
    ids
        Names of rows.
    groups
        Their clusters: rows of different clusters are different rows.
    labels
        Labels that are numbers, nearly all of them different, so that a different one is a different row.
    """

    ids: Keys | None = None
    groups: Keys | None = None
    labels: Keys | None = None


class Holdout(NamedTuple):
    """Rows that challengers were judged on, and how many.

    Attributes
    ----------
    rows
        As `Rows`, at most `EXACT` hashes each.
    sizes
        How many there were of each.
    judged
        How many challengers.
    place
        Place of the last of them: no row of the holdout was used more often until then.
    """

    rows: Rows
    sizes: tuple[int, int, int]
    judged: int
    place: int


def rows_of(trial: Trial) -> Rows | None:
    """Return what is known of the rows of a trial; None where an id is missing."""
    ids = groups = None
    if trial.ids is not None:
        if _columns.missing(trial.ids).any():
            return None
        ids = _keys(trial.ids)
    if trial.groups is not None and not _columns.missing(trial.groups).any():
        groups = _keys(trial.groups)
    return Rows(ids, groups, _labels(trial.y))


def remembered(rows: Rows, judged: int, place: int) -> Holdout:
    """Return what is kept of the rows of a trial."""
    kept = (None if keys is None else np.array(keys[:EXACT]) for keys in rows)
    return Holdout(Rows(*kept), _sizes(rows), judged, place)


def same(holdout: Holdout, rows: Rows) -> bool:
    """Return whether a trial has exactly the rows of a holdout, as far as both are known."""
    if holdout.sizes != _sizes(rows):
        return False
    pairs = zip(holdout.rows, rows, strict=True)
    return all(one is None or np.array_equal(one, other[:EXACT]) for one, other in pairs if other is not None)


def most_used(holdouts: Iterable[Holdout], rows: Rows) -> int:
    """Return how many challengers were judged on any one row of a trial, at most.

    Ids tell where both have them. Elsewhere different clusters, or labels of which none occurs in both, show
    that the rows are different; where nothing does, any row may have been there.
    """
    ids = rows.ids if rows.ids is not None else np.zeros(1, dtype=np.uint64)
    times = np.zeros(ids.size, dtype=np.int64)
    for holdout in holdouts:
        if rows.ids is not None and holdout.rows.ids is not None:
            times[_where(holdout.rows.ids, ids)] += holdout.judged
        elif _may_share(holdout, rows):
            times += holdout.judged
    return int(times.max())


def _may_share(holdout: Holdout, rows: Rows) -> bool:
    pairs = list(zip(holdout.rows, rows, strict=True))[1:]
    return all(_where(kept, keys).size for kept, keys in pairs if kept is not None and keys is not None)


def digest(gate: Any, trial: Trial) -> str:
    """Return what names a question: the gate, and everything that the trial says row by row.

    What is said beside the rows (latencies, approvals, old data, an anchor) does not count: a trial in which
    it was filled in later asks the same of the same rows.
    """
    text = hashlib.blake2b(_described(gate).encode(), digest_size=16)
    columns = {
        "champion_losses": trial.champion_losses,
        "challenger_losses": trial.challenger_losses,
        "ids": trial.ids,
        "groups": trial.groups,
        "y": trial.y,
        "champion": trial.champion,
        "challenger": trial.challenger,
        **{f"slices.{name}": column for name, column in sorted((trial.slices or {}).items())},
    }
    for name, column in columns.items():
        if column is not None:
            text.update(f"|{name}|{column.dtype}|{column.shape}|".encode())
            for piece in _bytes(column):
                text.update(piece)
    return text.hexdigest()


def _described(value: Any) -> str:
    """Return a text that is another one for another gate; for the same one in another process, it may be."""
    if isinstance(value, Gate) and is_dataclass(value):
        inner = ",".join(_described(getattr(value, field.name)) for field in fields(value))
        return f"{type(value).__module__}.{type(value).__qualname__}({inner})"
    if isinstance(value, tuple):
        return f"({','.join(map(_described, value))})"
    if isinstance(value, FunctionType):
        code, cells = value.__code__, value.__closure__ or ()
        inside = (code.co_code.hex(), code.co_consts, code.co_names, value.__defaults__, value.__kwdefaults__)
        return f"{value.__module__}.{value.__qualname__}{inside!r}{[cell.cell_contents for cell in cells]!r}"
    if " object at 0x" in repr(value):  # an address, where another object may live tomorrow
        return f"{value!r}{getattr(value, '__dict__', '')!r}"
    return repr(value)


def _sizes(rows: Rows) -> tuple[int, int, int]:
    ids, groups, labels = (0 if keys is None else int(keys.size) for keys in rows)
    return ids, groups, labels


def _where(kept: Keys, keys: Keys) -> NDArray[np.intp]:
    """Return which of the sorted `keys` are among those kept, as positions."""
    near = keys[: np.searchsorted(keys, kept[-1], side="right")]
    if near.size < kept.size:
        places = np.searchsorted(kept, near)  # none is beyond the end
        return np.flatnonzero(kept[places] == near)
    places = np.minimum(np.searchsorted(near, kept), near.size - 1)
    found: NDArray[np.intp] = places[near[places] == kept]
    return found


def _labels(y: NDArray[Any] | None) -> Keys | None:
    """Return the keys of labels that tell rows apart; a few classes, or others, are no proof of anything."""
    if y is None or y.ndim != 1 or y.dtype.kind != "f" or not np.isfinite(y).all():
        return None
    keys = _keys(y)
    return keys if 2 * keys.size > y.size else None


def _keys(column: NDArray[Any]) -> Keys:
    """Return the distinct hashes of the values of a column, sorted; 5, 5.0 and "5" are one value."""
    hashes = np.sort(_hashes(column))
    first = np.ones(hashes.size, dtype=np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes[first]


def _hashes(column: NDArray[Any]) -> Keys:
    kind = column.dtype.kind
    if kind == "u":
        return _mixed(column.astype(np.uint64))
    if kind in "bi":
        return _mixed(column.astype(np.int64).view(np.uint64))
    if kind == "f":
        values = column.astype(np.float64)
        whole = (values == np.floor(values)) & (np.abs(values) <= _EXACT_INTEGERS)
        integers = np.where(whole, values, 0.0).astype(np.int64).view(np.uint64)
        bits = (values + 0.0).view(np.uint64)
        return np.where(whole, _mixed(integers), _mixed(_mixed(bits)))
    if kind == "M":
        column = column.astype("M8[us]").astype(object)
    return np.fromiter(map(_hash, column.tolist()), np.uint64, column.size)


def _hash(value: Any) -> int:
    """Return the hash of one value that is no number of numpy's."""
    if isinstance(value, str):
        value = _integer_in(value)
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 64):
        return int(_hashes(np.asarray([value]))[0])
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _integer_in(text: str) -> str | int:
    """Return the integer that a text is, exactly as Python writes it; otherwise the text."""
    if len(text) > 18 or not (text.isascii() and text.removeprefix("-").isdigit()):
        return text
    number = int(text)
    return number if str(number) == text else text


def _mixed(values: Keys) -> Keys:
    """Return hashes of 64-bit integers, no two of them alike (the finaliser of SplitMix64)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _bytes(column: NDArray[Any]) -> Iterator[bytes]:
    """Yield the contents of a column."""
    if column.dtype.kind != "O":
        yield np.ascontiguousarray(column).tobytes()
        return
    for value in column.flat:
        yield f"{type(value).__name__} {value!r}\0".encode("utf-8", "replace")
