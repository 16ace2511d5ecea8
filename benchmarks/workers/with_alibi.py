"""alibi-detect, as its documentation says; tables go in as arrays with ready-made category codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from alibi_detect.cd import ChiSquareDrift, KSDrift, MMDDrift, TabularDrift
from data import Data, numeric, textual
from job import Job, Judged

PACKAGES = ["alibi-detect", "torch", "numpy", "scipy", "pandas"]


def ks(data: Data, batches: str) -> Job:
    reference, rows = data.array("ks_reference"), data.array(batches)
    return Job(
        lambda: KSDrift(reference, p_val=0.05),
        lambda learnt, i: learnt.predict(rows[i]),
        lambda found: list(found["data"]["distance"]),
        "KSDrift(reference).predict(batch)",
    )


def chi_squared(data: Data) -> Job:
    reference, rows = data.array("chi_reference"), data.array("chi_batches")
    return Job(
        lambda: ChiSquareDrift(reference, p_val=0.05),
        lambda learnt, i: learnt.predict(rows[i]),
        how="ChiSquareDrift(reference).predict(batch)",
    )


def mmd(data: Data, rows: int, permutations: int) -> Job:
    x, y = data.array("mmd_reference")[:rows], data.array("mmd_current")[:rows]
    return Job(
        lambda: MMDDrift(x, backend="pytorch", n_permutations=permutations, device="cpu"),
        lambda learnt, _: learnt.predict(y),
        how='MMDDrift(x, backend="pytorch").predict(y), float32',
    )


def report(data: Data) -> Job:
    reference, current = data.coded("reference"), data.coded("current")
    width = data.array("reference_numbers").shape[1]
    categories = dict.fromkeys(range(width, reference.shape[1]))
    return Job(
        lambda: TabularDrift(reference, p_val=0.05, categories_per_feature=categories),
        lambda learnt, _: learnt.predict(current),
        how="TabularDrift, given arrays of ready-made codes",
    )


JOBS = {"ks": ks, "chi_squared": chi_squared, "mmd": mmd, "report": report}


def judge(reference: Any, current: Any) -> Judged:
    names, text = numeric(reference) + textual(reference), textual(reference)
    before, after = (
        np.column_stack([*(side[n] for n in numeric(side)), *(side[n].str[-3:].astype(int) for n in text)])
        for side in (reference, current)
    )
    categories = dict.fromkeys(range(len(names) - len(text), len(names)))
    said = TabularDrift(before, p_val=0.05, categories_per_feature=categories).predict(after)["data"]
    flagged = [name for name, p in zip(names, said["p_val"], strict=True) if p < said["threshold"]]
    return Judged(bool(said["is_drift"]), tuple(flagged))


def judge_joint(reference: Any, current: Any) -> bool:
    return bool(MMDDrift(reference, backend="pytorch", device="cpu").predict(current)["data"]["is_drift"])
