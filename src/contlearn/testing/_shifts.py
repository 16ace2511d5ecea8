"""Changes of a known size, made to rows that had none: what a detector is asked to find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks

Columns: TypeAlias = dict[str, NDArray[Any]]
Change: TypeAlias = Callable[[Columns, float, np.random.Generator], Columns]
"""A function of a batch (a dictionary of columns), a size and a generator that returns the changed batch."""

OneColumn: TypeAlias = Callable[[NDArray[Any], float, np.random.Generator], NDArray[Any]]


def move_mean(values: NDArray[Any], size: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return numbers moved up by `size` standard deviations; whole numbers by whole steps, at random."""
    return _added(values, np.full(len(values), size * _deviation(values)), rng)


def stretch(values: NDArray[Any], size: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return numbers with distances from their mean that are longer by the share `size`."""
    scaled, largest = _scaled(values)
    return _added(values, (scaled - np.nanmean(scaled)) * size * largest, rng)


def crowd(values: NDArray[Any], size: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return categories of which the share `size` of rows, at random, became the rarest one."""
    present = [value for value in values.tolist() if value is not None]
    if not present:
        return values
    counts = {value: present.count(value) for value in sorted(set(present), key=str)}
    moved = values.copy()
    moved[rng.random(len(values)) < size] = min(counts, key=lambda value: counts[value])
    return moved


def lose(values: NDArray[Any], size: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return values of which the share `size` is missing, at random."""
    lost = values.astype(np.float64) if values.dtype.kind in "iu" else values.copy()
    if lost.dtype.kind == "b":
        lost = lost.astype(object)
    nothing: Any = np.nan if lost.dtype.kind == "f" else None
    if lost.dtype.kind in "mM":
        nothing = np.array("NaT", lost.dtype)
    lost[rng.random(len(lost)) < size] = nothing
    return lost


def add_risk(values: NDArray[Any], size: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return losses between 0 and 1 whose mean is higher by `size`: some of them, at random, became 1."""
    risk = float(np.nanmean(values))
    worse = values.copy()
    worse[rng.random(len(values)) < size / max(1.0 - risk, size)] = 1
    return worse


Kinds: TypeAlias = dict[str, tuple[OneColumn, str, tuple[float, ...]]]

BUILT_IN: Kinds = {
    "mean": (move_mean, "iuf", (0.1, 0.2, 0.5, 1.0)),
    "spread": (stretch, "iuf", (0.1, 0.25, 0.5, 1.0)),
    "category": (crowd, "bO", (0.05, 0.1, 0.2, 0.4)),
    "missing": (lose, "biufOmM", (0.02, 0.05, 0.1, 0.2)),
}
"""By name: what is done to one column, to which kinds (of numpy), and the sizes that are tried by default."""

STREAM_BUILT_IN: Kinds = BUILT_IN | {"risk": (add_risk, "biuf", (0.02, 0.05, 0.1))}
"""The same for streams, whose values may be losses between 0 and 1."""


def plan_for_stream(
    shifts: Mapping[str, Any] | Sequence[str] | None, columns: Columns
) -> dict[str, tuple[Change, tuple[float, ...]]]:
    """Return every shift to be tried on a stream; by default, those that do not lose values."""
    if shifts is None:
        losses = all(_are_losses(values) for values in columns.values())
        usual = ("risk",) if losses else ("mean", "spread", "category")
        shifts = [name for name in usual if _suitable(columns, STREAM_BUILT_IN[name][1])]
    return plan(shifts, columns, STREAM_BUILT_IN)


def is_built_in(change: Change) -> bool:
    """Return whether a shift is one of ours, which make of one column a column and know no order of rows."""
    return getattr(change, "__module__", "") == __name__


def plan(
    shifts: Mapping[str, Any] | Sequence[str] | None, columns: Columns, built_in: Kinds = BUILT_IN
) -> dict[str, tuple[Change, tuple[float, ...]]]:
    """Return every shift to be tried, with its sizes, as functions of a whole batch."""
    if shifts is None:
        shifts = [name for name in built_in if _suitable(columns, built_in[name][1])]
    if isinstance(shifts, str) or not isinstance(shifts, Mapping | Sequence):
        words = "be a sequence of names or a mapping of names to sizes"
        _checks.fail(
            "shifts", words, repr(shifts), 'for example ["mean"] or {"mean": 0.5} or {"mean": (0.1, 0.5)}'
        )
    wanted = dict(shifts) if isinstance(shifts, Mapping) else dict.fromkeys(shifts)
    return {str(name): _planned(str(name), how, columns, built_in) for name, how in wanted.items()}


def _planned(name: str, how: Any, columns: Columns, built_in: Kinds) -> tuple[Change, tuple[float, ...]]:
    change, sizes = how if isinstance(how, tuple) and how and callable(how[0]) else (None, how)
    if change is None:
        _checks.one_of(f"shift {name!r}", name, tuple(built_in))
        one_column, kinds, usual = built_in[name]
        names = _suitable(columns, kinds)
        if one_column is add_risk:
            names = [each for each in names if _are_losses(columns[each])]
        if not names:
            _checks.bad_data("reference", f"have a column to which the shift {name!r} applies", "none")
        change, sizes = _of_one_column(one_column, names), usual if sizes is None else sizes
    if isinstance(sizes, np.ndarray):
        sizes = sizes.tolist()  # a number, where it has no dimensions
    if isinstance(sizes, Real):
        sizes = (sizes,)
    if isinstance(sizes, str) or not isinstance(sizes, Iterable):
        _checks.fail(f"sizes of the shift {name!r}", "be a number or a sequence of numbers", repr(sizes))
    return change, tuple(_checks.positive(f"size of the shift {name!r}", size) for size in sizes)


def _of_one_column(change: OneColumn, names: Sequence[str]) -> Change:
    """Return the shift of one column, drawn anew for each batch, among those that it applies to."""

    def changed(batch: Columns, size: float, rng: np.random.Generator) -> Columns:
        name = names[int(rng.integers(len(names)))]
        return batch | {name: change(batch[name], size, rng)}

    return changed


def _suitable(columns: Columns, kinds: str) -> list[str]:
    return [name for name, each in columns.items() if each.dtype.kind in kinds and not _missing(each).all()]


def _are_losses(values: NDArray[Any]) -> bool:
    present = values[~_missing(values)]
    return values.dtype.kind in "biuf" and bool(((present >= 0) & (present <= 1)).all())


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.zeros(len(values), dtype=bool)
    if values.dtype.kind == "O":
        found = np.array([value is None for value in values.tolist()])
    elif values.dtype.kind in "fmM":
        found = values != values  # NaN and NaT are not equal to themselves
    return found


def _added(values: NDArray[Any], steps: NDArray[np.float64], rng: np.random.Generator) -> NDArray[Any]:
    """Return the sum; whole numbers stay whole, their rounding is left to chance."""
    moved: NDArray[Any]
    if values.dtype.kind in "iu":
        wide = np.dtype(np.int64) if values.dtype.itemsize < 8 else values.dtype
        moved = values.astype(wide) + np.floor(steps + rng.random(len(values))).astype(np.int64).astype(wide)
        return moved
    with np.errstate(over="ignore"):
        moved = np.clip(values + steps, *_limits(values)).astype(values.dtype)
    return moved


def _limits(values: NDArray[Any]) -> tuple[float, float]:
    limits = np.finfo(values.dtype)
    return float(limits.min), float(limits.max)


def _scaled(values: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
    """Return the values between -1 and 1, and what they were divided by: their squares stay finite."""
    numbers = values.astype(np.float64)
    largest = float(np.nanmax(np.abs(numbers))) or 1.0
    return numbers / largest, largest


def _deviation(values: NDArray[Any]) -> float:
    scaled, largest = _scaled(values)
    return float(np.nanstd(scaled)) * largest or 1.0
