"""Changes of a known size, made to rows that had none: what a detector is asked to find."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    middle = np.nanmean(values.astype(np.float64))
    return _added(values, (values.astype(np.float64) - middle) * size, rng)


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


BUILT_IN: dict[str, tuple[OneColumn, str, tuple[float, ...]]] = {
    "mean": (move_mean, "iuf", (0.1, 0.2, 0.5, 1.0)),
    "spread": (stretch, "iuf", (0.1, 0.25, 0.5, 1.0)),
    "category": (crowd, "bO", (0.05, 0.1, 0.2, 0.4)),
    "missing": (lose, "biufOmM", (0.02, 0.05, 0.1, 0.2)),
}
"""By name: what is done to one column, to which kinds (of numpy), and the sizes that are tried by default."""


def plan(
    shifts: Mapping[str, Any] | Sequence[str] | None, columns: Columns
) -> dict[str, tuple[Change, tuple[float, ...]]]:
    """Return every shift to be tried, with its sizes, as functions of a whole batch."""
    if shifts is None:
        shifts = [name for name in BUILT_IN if _suitable(columns, BUILT_IN[name][1])]
    wanted = dict(shifts) if isinstance(shifts, Mapping) else dict.fromkeys(shifts)
    return {str(name): _planned(str(name), how, columns) for name, how in wanted.items()}


def _planned(name: str, how: Any, columns: Columns) -> tuple[Change, tuple[float, ...]]:
    change, sizes = how if isinstance(how, tuple) and how and callable(how[0]) else (None, how)
    if change is None:
        _checks.one_of(f"shift {name!r}", name, tuple(BUILT_IN))
        one_column, kinds, usual = BUILT_IN[name]
        names = _suitable(columns, kinds)
        if not names:
            _checks.bad_data("reference", f"have a column to which the shift {name!r} applies", "none")
        change, sizes = _of_one_column(one_column, names), usual if sizes is None else sizes
    return change, tuple(_checks.positive(f"size of the shift {name!r}", size) for size in sizes)


def _of_one_column(change: OneColumn, names: Sequence[str]) -> Change:
    """Return the shift of one column, drawn anew for each batch, among those that it applies to."""

    def changed(batch: Columns, size: float, rng: np.random.Generator) -> Columns:
        name = names[int(rng.integers(len(names)))]
        return batch | {name: change(batch[name], size, rng)}

    return changed


def _suitable(columns: Columns, kinds: str) -> list[str]:
    return [name for name, values in columns.items() if values.dtype.kind in kinds]


def _added(values: NDArray[Any], steps: NDArray[np.float64], rng: np.random.Generator) -> NDArray[Any]:
    """Return the sum in the type of `values`; of whole numbers the rounding is left to chance."""
    if values.dtype.kind in "iu":
        steps = np.floor(steps + rng.random(len(values)))
    moved: NDArray[Any] = (values + steps).astype(values.dtype)
    return moved


def _deviation(values: NDArray[Any]) -> float:
    return float(np.nanstd(values.astype(np.float64))) or 1.0
