"""scipy in the loops that people write: everything is done again for every batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from data import Data, textual
from job import Job, Judged
from scipy import stats

PACKAGES = ["scipy", "numpy", "pandas"]


def ks(data: Data, batches: str) -> Job:
    reference, rows = np.asfortranarray(data.array("ks_reference")), data.array(batches)

    def step(_: object, number: int) -> list[Any]:
        return [stats.ks_2samp(x, y) for x, y in zip(reference.T, rows[number].T, strict=True)]

    return Job(nothing, step, lambda found: [each.statistic for each in found], "ks_2samp per column")


def chi_squared(data: Data, count: str) -> Job:
    reference, rows = np.asfortranarray(data.array("chi_reference")), data.array("chi_batches")
    table: Callable[[Any, Any], Any] = counted if count == "np.unique" else counted_codes

    def step(_: object, number: int) -> list[float]:
        return [
            stats.chi2_contingency(table(x, y), correction=False).pvalue
            for x, y in zip(reference.T, rows[number].T, strict=True)
        ]

    return Job(nothing, step, how=f"{count} and chi2_contingency per column")


def counted(x: Any, y: Any) -> Any:
    """Count categories that can be anything."""
    names, codes = np.unique(np.concatenate([x, y]), return_inverse=True)
    return np.stack([np.bincount(part, minlength=len(names)) for part in np.split(codes, [len(x)])])


def counted_codes(x: Any, y: Any) -> Any:
    """Count categories that happen to be 0, 1, 2, ... already: the fastest that numpy can do."""
    size = int(max(x.max(), y.max())) + 1
    table = np.stack([np.bincount(x, minlength=size), np.bincount(y, minlength=size)])
    return table[:, table.any(axis=0)]


def report(data: Data) -> Job:
    reference, current = data.frame("reference"), data.frame("current")
    return Job(nothing, lambda *_: p_values(reference, current), how="ks_2samp, value_counts per column")


def p_values(reference: Any, current: Any) -> dict[str, float]:
    found, text = {}, set(textual(reference))
    for name in reference.columns:
        x, y = reference[name], current[name]
        if name in text:
            before, after = x.value_counts(), y.value_counts()
            every = before.index.union(after.index)
            table = np.stack([side.reindex(every, fill_value=0) for side in (before, after)])
            found[name] = float(stats.chi2_contingency(table, correction=False).pvalue)
        else:
            found[name] = float(stats.ks_2samp(x.to_numpy(), y.to_numpy()).pvalue)
    return found


def nothing() -> None:
    """There is nothing to learn: the loop starts from the rows."""


JOBS = {"ks": ks, "chi_squared": chi_squared, "report": report}


def judge(reference: Any, current: Any) -> Judged:
    found = tuple(name for name, p in p_values(reference, current).items() if p < 0.05)
    return Judged(bool(found), found)
