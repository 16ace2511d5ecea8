"""contlearn, as its own documentation says."""

from __future__ import annotations

from typing import Any

from data import Data
from job import Job, Judged

from contlearn.drift import KS, MMD, ByColumn, ChiSquared

PACKAGES = ["contlearn", "numpy", "scipy", "scikit-learn", "pandas"]


def ks(data: Data, batches: str) -> Job:
    reference, rows = data.array("ks_reference"), data.array(batches)
    return Job(
        lambda: KS().fit(reference),
        lambda learnt, i: learnt.detect(rows[i]),
        scores,
        "KS().fit(reference).detect(batch)",
    )


def chi_squared(data: Data) -> Job:
    reference, rows = data.array("chi_reference"), data.array("chi_batches")
    return Job(
        lambda: ChiSquared().fit(reference),
        lambda learnt, i: learnt.detect(rows[i]),
        how="ChiSquared().fit(reference).detect(batch)",
    )


def mmd(data: Data, rows: int, permutations: int) -> Job:
    x, y = data.array("mmd_reference")[:rows], data.array("mmd_current")[:rows]
    return Job(
        lambda: MMD(n_permutations=permutations).fit(x),
        lambda learnt, _: learnt.detect(y),
        how="MMD(n_permutations=...).fit(x).detect(y)",
    )


def report(data: Data) -> Job:
    reference, current = data.frame("reference"), data.frame("current")
    return Job(
        lambda: ByColumn().fit(reference),
        lambda learnt, _: learnt.detect(current),
        how="ByColumn().fit(frame).detect(frame)",
    )


JOBS = {"ks": ks, "chi_squared": chi_squared, "mmd": mmd, "report": report}


def scores(result: Any) -> list[float]:
    return [part.score for part in result.parts.values()]


def judge(reference: Any, current: Any) -> Judged:
    result = ByColumn().fit(reference).detect(current)
    return Judged(result.detected, result.drifted)


def judge_joint(reference: Any, current: Any) -> bool:
    return bool(MMD().fit(reference).detect(current))
