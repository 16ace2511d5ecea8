"""Which rows a holdout consists of, remembered in a bounded space: enough to know them again."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import combinations
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from contlearn.gates import _row_keys
from contlearn.gates._base import Gate
from contlearn.gates._creep import inside
from contlearn.gates._old_data import OldData
from contlearn.gates._row_keys import Keys
from contlearn.gates._trial import Trial
from contlearn.stats import _columns

EXACT = 2048  # keys that are remembered of one column; of more, those with the smallest hashes


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


Sets: TypeAlias = tuple[Rows, ...]
"""The rows of a trial, and those of each of its old trials that a gate reads."""


class Holdout(NamedTuple):
    """Rows that challengers were judged on together, and how many.

    Attributes
    ----------
    sets
        As `Rows`, at most `EXACT` hashes each.
    sizes
        How many there were of each.
    judged
        How many challengers.
    place
        Place of the last of them: no row of the holdout was used more often until then.
    """

    sets: tuple[Rows, ...]
    sizes: tuple[tuple[int, int, int], ...]
    judged: int
    place: int


def sets_of(gate: Any, trial: Trial) -> Sets | None:
    """Return what is known of the rows that a gate reads; None where one of them has no id to know it by."""
    old = (trial.old_data or {}).values() if _reads_old_data(gate) else ()
    found = [rows_of(each) for each in (trial, *old)]
    return None if None in found else tuple(rows for rows in found if rows is not None)


def rows_of(trial: Trial) -> Rows | None:
    """Return what is known of the rows of a trial; None where an id is missing, or no text tells it."""
    ids = groups = None
    if trial.ids is not None:
        if _columns.missing(trial.ids).any():
            return None
        try:
            ids = _row_keys.keys(trial.ids)
        except _row_keys.NamelessError:
            return None
    if trial.groups is not None and not _columns.missing(trial.groups).any():
        with contextlib.suppress(_row_keys.NamelessError):
            groups = _row_keys.keys(trial.groups)
    return Rows(ids, groups, _labels(trial.y))


def remembered(sets: Sets, judged: int, place: int) -> Holdout:
    """Return what is kept of the rows of a trial."""
    kept = (Rows(*(None if keys is None else np.array(keys[:EXACT]) for keys in rows)) for rows in sets)
    return Holdout(tuple(kept), tuple(map(_sizes, sets)), judged, place)


def same(holdout: Holdout, sets: Sets) -> bool:
    """Return whether a trial has exactly the rows of a holdout, as far as both are known."""
    if holdout.sizes != tuple(map(_sizes, sets)):
        return False
    pairs = (pair for both in zip(holdout.sets, sets, strict=True) for pair in zip(*both, strict=True))
    return all(one is None or np.array_equal(one, other[:EXACT]) for one, other in pairs if other is not None)


def most_used(holdouts: Sequence[Holdout], sets: Sets) -> int:
    """Return how many challengers were judged on any one row, at most.

    Ids tell where both have them. Elsewhere different clusters, or labels of which none occurs in both, show
    that the rows are different; where nothing does, any row may have been there.
    """
    return max(_most_used(holdouts, rows) for rows in sets)


def _most_used(holdouts: Sequence[Holdout], rows: Rows) -> int:
    ids = rows.ids if rows.ids is not None else np.zeros(1, dtype=np.uint64)
    times = np.zeros(ids.size, dtype=np.int64)
    for holdout in holdouts:
        found = [_shared(kept, rows, ids) for kept in holdout.sets]
        if any(places is None for places in found):
            times += holdout.judged
        else:
            places = [each for each in found if each is not None]
            times[places[0] if len(places) == 1 else np.unique(np.concatenate(places))] += holdout.judged
    return int(times.max())


def _shared(kept: Rows, rows: Rows, ids: _row_keys.Keys) -> NDArray[np.intp] | None:
    """Return which of the ids were in rows of before, as positions; None where any of them may have been."""
    if rows.ids is not None and kept.ids is not None:
        return _row_keys.where(kept.ids, ids)
    pairs = list(zip(kept, rows, strict=True))[1:]
    apart = any(
        _row_keys.where(one, other).size == 0 for one, other in pairs if one is not None and other is not None
    )
    return np.zeros(0, dtype=np.intp) if apart else None


def questions(gate: Any, trial: Trial) -> list[str]:
    """Return what names a question, first as it is, then as it was before any evidence was filled in.

    It is the gate, and everything that the trial says, old data included. Latencies and the anchor may be
    filled in later, once: other ones are another question. Approvals do not count.
    """
    text = hashlib.blake2b(_described(gate).encode(), digest_size=16)
    _tell(text, trial)
    beside = {
        "seconds[0]": trial.seconds and trial.seconds[0],
        "seconds[1]": trial.seconds and trial.seconds[1],
        "anchor_losses": trial.anchor_losses,
        "anchor": getattr(trial, "anchor", None),
    }
    filled = [name for name, column in beside.items() if column is not None]
    names = []
    for left_out in (chosen for size in range(len(filled) + 1) for chosen in combinations(filled, size)):
        whole = text.copy()
        _tell_columns(whole, {name: beside[name] for name in filled if name not in left_out})
        names.append(whole.hexdigest())
    return names


def _tell(text: Any, trial: Trial) -> None:
    slices = {f"slices.{name}": column for name, column in sorted((trial.slices or {}).items())}
    names = ("champion_losses", "challenger_losses", "ids", "groups", "y", "champion", "challenger")
    _tell_columns(text, {**{name: getattr(trial, name) for name in names}, **slices})
    for name, old in sorted((trial.old_data or {}).items()):
        text.update(f"|old {name}|{questions(None, old)[0]}|".encode("utf-8", "surrogatepass"))


def _tell_columns(text: Any, columns: Mapping[str, NDArray[Any] | None]) -> None:
    for name, column in columns.items():
        if column is not None:
            text.update(f"|{name}|{column.dtype}|{column.shape}|".encode("utf-8", "surrogatepass"))
            for piece in _bytes(column):
                text.update(piece)


def _reads_old_data(gate: Any) -> bool:
    return isinstance(gate, OldData) or any(map(_reads_old_data, inside(gate)))


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


def _labels(y: NDArray[Any] | None) -> Keys | None:
    """Return the keys of labels that tell rows apart; a few classes, or others, are no proof of anything."""
    if y is None or y.ndim != 1 or y.dtype.kind != "f" or not np.isfinite(y).all():
        return None
    found = _row_keys.keys(y)
    return found if 2 * found.size > y.size else None


def _bytes(column: NDArray[Any]) -> Iterator[bytes]:
    """Yield the contents of a column."""
    if column.dtype.kind != "O":
        yield np.ascontiguousarray(column).tobytes()
        return
    for value in column.flat:
        yield f"{type(value).__name__} {value!r}\0".encode("utf-8", "replace")
