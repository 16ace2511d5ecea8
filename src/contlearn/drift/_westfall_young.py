"""The rows that a correction by shared relabelings needs, and what it makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn._tables import Column
from contlearn.drift._seeds import seed_of
from contlearn.drift._two_samples import TwoSampleTest
from contlearn.stats._westfall_young import Coded, Sides, numbers_in_cells, scores, step_down

Cells: TypeAlias = Literal["ordered", "bins", "categories"]
"""Compared are distribution functions, the shares of bins between quantiles, or the shares of categories."""

NAME = "westfall-young"
WHY_NOT = 'use correction="holm", which needs no rows'

BINS = 10
"""Bins of a column of numbers of which the shares are compared."""

MOST_ROWS = 10_000
"""Rows of either side that are compared: of more, a random subset."""

FEWEST, MOST = 999, 9_999
"""Relabelings that are drawn: as many as the level asks for, within these bounds."""


FEW = 64
"""Blocks of which there are so many that nobody has to count how they can be divided."""


class Kept(NamedTuple):
    """Reference rows, column by column, with the cells that each is compared in; and how many there were."""

    columns: tuple[Column, ...]
    cells: tuple[Cells, ...]
    n_rows: int
    block: int
    seed: int | None


class Corrected(NamedTuple):
    """Corrected p-values of the values and of what is missing, per column; and what to know about them."""

    values: dict[str, float]
    missing: dict[str, float]
    enough: bool
    remarks: tuple[str, ...]


def keep(groups: Sequence[tuple[TwoSampleTest, Sequence[Column]]], seed: int | None) -> Kept:
    """Return the reference rows that are kept for later comparisons, at most `MOST_ROWS` of them."""
    for detector, _ in groups:
        if getattr(detector, "minimum_effect", False):
            got, cure = f"correction={NAME!r}", 'relabelings know nothing of it: use correction="holm"'
            _checks.fail("minimum_effect", "be False", got, cure)
    columns = [column for _, group in groups for column in group]
    cells = tuple(_cells(detector) for detector, group in groups for _ in group)
    block = max(int(getattr(detector, "block", None) or 1) for detector, _ in groups)
    rows = _subset(columns[0].n_rows, block, np.random.default_rng(seed))
    return Kept(tuple(_taken(each, rows) for each in columns), cells, columns[0].n_rows, block, seed)


def correct(kept: Kept, columns: Sequence[Column], alpha: float) -> Corrected:
    """Return the p-values of all columns, corrected for each other by one shared set of relabelings."""
    rng = np.random.default_rng(kept.seed)
    n_current = columns[0].n_rows
    rows = _subset(n_current, kept.block, rng)
    sides = Sides(kept.columns[0].n_rows, len(rows), kept.block)
    if not sides.n or not sides.m:
        return Corrected({}, {}, False, ())
    names, coded = [], []
    for before, cells, after in zip(kept.columns, kept.cells, columns, strict=True):
        for aspect, codes in _aspects(before, _taken(after, rows), cells):
            names.append((aspect, before.name))
            coded.append(codes)
    count = min(MOST, max(FEWEST, math.ceil(4.0 / alpha) - 1))
    rng = np.random.default_rng(seed_of(kept.seed, (each.codes for each in coded)))
    p_values = step_down(scores(coded, sides, count, rng)).tolist()
    by_name: dict[str, dict[str, float]] = {"values": {}, "missing": {}}
    for (aspect, name), p_value in zip(names, p_values, strict=True):
        by_name[aspect][name] = p_value
    blocks = (sides.n + sides.m) // sides.block
    ways = math.comb(blocks, sides.n // sides.block) if blocks < FEW else math.inf
    smallest = max(1.0 / (count + 1), 1.0 / ways)
    return Corrected(
        by_name["values"], by_name["missing"], smallest <= alpha, _left_out(kept, sides, n_current)
    )


def _cells(detector: TwoSampleTest) -> Cells:
    if not hasattr(detector, "_cells"):
        got = type(detector).__name__
        _checks.fail(f"correction {NAME!r}", "correct tests of single columns, such as KS()", got)
    found: Cells = detector._cells
    return found


def _aspects(before: Column, after: Column, cells: Cells) -> list[tuple[str, Coded]]:
    """Return the cells of the values of a column, and of whether they are missing where any is."""
    gone = np.concatenate([_gaps(before), _gaps(after)])
    found = [("values", _coded(before, after, cells, ~gone))]
    if before.missing is not None or after.missing is not None:
        found.append(("missing", Coded(gone.astype(np.int64), 2, False)))
    return found


def _coded(before: Column, after: Column, cells: Cells, present: NDArray[np.bool_]) -> Coded:
    kind = after.kind if before.kind == "unknown" else before.kind
    if kind in ("categorical", "unknown"):
        return _categories_in_cells([*before.values.tolist(), *after.values.tolist()], present)
    values = _numbers(before, after)
    if cells == "categories":
        return _categories_in_cells(values.tolist(), present)
    if cells == "ordered":
        return numbers_in_cells(values, present)
    return numbers_in_cells(values, present, BINS)._replace(ordered=False)


def _categories_in_cells(values: list[Any], present: NDArray[np.bool_]) -> Coded:
    places: dict[Any, int] = {}
    codes = [
        places.setdefault(value, len(places)) if there else -1
        for value, there in zip(values, present.tolist(), strict=True)
    ]
    return Coded(np.array(codes, dtype=np.int64), len(places), False)


def _numbers(before: Column, after: Column) -> NDArray[Any]:
    """Return the values of both sides in one type: integers as they are, floats in the lower precision."""
    sides = [side.values for side in (before, after) if side.kind != "unknown"]
    values = [
        np.zeros(side.n_rows, dtype=sides[0].dtype) if side.kind == "unknown" else side.values
        for side in (before, after)
    ]
    kinds = {each.dtype.kind for each in sides}
    if kinds == {"i", "u"}:
        return np.concatenate([each.astype(object) for each in values])
    if "f" not in kinds:
        return np.concatenate(values)
    bits = min(side.bits for side in (before, after) if side.values.dtype.kind == "f")
    with np.errstate(over="ignore"):
        return np.concatenate(values).astype(f"f{bits // 8}")


def _gaps(column: Column) -> NDArray[np.bool_]:
    return np.zeros(column.n_rows, dtype=bool) if column.missing is None else column.missing


def _subset(n_rows: int, block: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return at most `MOST_ROWS` positions in order: whole blocks of consecutive ones."""
    blocks = n_rows // block
    most = max(1, MOST_ROWS // block)
    chosen = np.arange(blocks) if blocks <= most else np.sort(rng.choice(blocks, most, replace=False))
    return (chosen[:, np.newaxis] * block + np.arange(block)).ravel()


def _taken(column: Column, rows: NDArray[np.intp]) -> Column:
    missing = None if column.missing is None else column.missing[rows]
    return replace(column, plain=column.values[rows], codes=None, missing=missing)


def _left_out(kept: Kept, sides: Sides, n_current: int) -> tuple[str, ...]:
    """Say how many rows of a side were relabeled, where that was not nearly all of them."""
    counts = (("reference", sides.n, kept.n_rows), ("current", sides.m, n_current))
    return tuple(
        f"{used} of {rows} {side} rows relabeled" for side, used, rows in counts if used < 0.9 * rows
    )
