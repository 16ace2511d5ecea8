"""The data of the contests with the peers, drawn once and written where every worker can read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"small": (1000, 500), "large": (5000, 500)}
"""Rows of the reference and of the batch, where error rates are measured."""

NUMBERS, TEXTS, LEVELS = 10, 5, 10
SHIFT = 0.25
"""Change of the mean of one column of numbers, in standard deviations."""

HEAVY = 0.16
"""New share of one level, of 0.10 before, in one column of text."""

JOINT = 100, 8, 0.25
"""Rows on either side, columns, and the change of every mean, where tests of all columns are judged."""

TIMES = 3
"""How many times the repetitions of the others these get: they are quick."""

STREAMS, CHANGE = 20, 10_000
"""Streams, and how many values of each come before the change."""


def write(folder: Path, repetitions: int) -> None:
    rng = np.random.default_rng(20)
    arrays = {
        "ks_reference": rng.normal(size=(100_000, 50)),
        "ks_batches": rng.normal(size=(100, 1000, 50)),
        "ks_once": rng.normal(size=(1, 10_000, 50)),
        "mmd_reference": rng.normal(size=(5000, 32)),
        "mmd_current": rng.normal(size=(5000, 32)),
        **categories(rng),
        **tables(rng),
        **streams(rng),
    }
    for size, rows in SIZES.items():
        arrays |= {f"{size}_{name}": array for name, array in checks(rng, *rows, repetitions).items()}
    rows, columns, shift = JOINT
    for side, mean in (("reference", 0.0), ("same", 0.0), ("changed", shift)):
        arrays[f"joint_{side}"] = rng.normal(mean, 1.0, size=(TIMES * repetitions, rows, columns))
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def categories(rng: Any) -> dict[str, Any]:
    """30 columns of 2 to 200 levels, all equally likely."""
    levels = np.geomspace(2, 200, 30).round().astype(int)
    return {
        "chi_reference": rng.integers(0, levels, size=(100_000, 30)),
        "chi_batches": rng.integers(0, levels, size=(10, 1000, 30)),
    }


def tables(rng: Any) -> dict[str, Any]:
    """50 columns of numbers and 20 of 2 to 50 levels; a tenth of them changed a little."""
    levels = np.linspace(2, 50, 20).round().astype(int)
    moved = np.where(np.arange(50) < 5, 0.1, 0.0)
    return {
        "reference_numbers": rng.normal(size=(100_000, 50)),
        "reference_codes": rng.integers(0, levels, size=(100_000, 20)),
        "current_numbers": rng.normal(moved, 1.0, size=(10_000, 50)),
        "current_codes": rng.integers(0, levels, size=(10_000, 20)),
    }


def checks(rng: Any, n: int, m: int, repetitions: int) -> dict[str, Any]:
    """Tables in which nothing changed, and the same in which the first column of either kind did."""
    shares = np.full(LEVELS, (1.0 - HEAVY) / (LEVELS - 1))
    shares[0] = HEAVY
    numbers = rng.normal(size=(repetitions, m, NUMBERS))
    codes = rng.integers(0, LEVELS, size=(repetitions, m, TEXTS), dtype=np.int16)
    moved, heavier = numbers.copy(), codes.copy()
    moved[:, :, 0] += SHIFT
    heavier[:, :, 0] = rng.choice(LEVELS, p=shares, size=(repetitions, m))
    return {
        "reference_numbers": rng.normal(size=(repetitions, n, NUMBERS)),
        "reference_codes": rng.integers(0, LEVELS, size=(repetitions, n, TEXTS), dtype=np.int16),
        "same_numbers": numbers,
        "same_codes": codes,
        "changed_numbers": moved,
        "changed_codes": heavier,
    }


def streams(rng: Any) -> dict[str, Any]:
    """Numbers whose mean rises by half a standard deviation, errors whose rate goes from 0.1 to 0.2."""
    after = np.arange(CHANGE + 1000) >= CHANGE
    return {
        "stream_change": np.array(CHANGE),
        "stream_numbers": rng.normal(0.5 * after, 1.0, size=(STREAMS, len(after))),
        "stream_errors": (rng.random((STREAMS, len(after))) < 0.1 + 0.1 * after).astype(float),
    }
