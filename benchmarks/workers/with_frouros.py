"""frouros, as its documentation says: one detector per column, one permutation test for MMD."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from data import Data, textual
from frouros.callbacks import PermutationTestDistanceBased
from frouros.detectors.data_drift import MMD, ChiSquareTest, KSTest
from frouros.utils.kernels import rbf_kernel
from job import Job, Judged

PACKAGES = ["frouros", "numpy", "scipy", "pandas"]


def by_column(test: type, reference: Any) -> list[Any]:
    detectors = [test() for _ in reference.T]
    for detector, column in zip(detectors, np.asfortranarray(reference).T, strict=True):
        detector.fit(X=column)
    return detectors


def compare(detectors: list[Any], batch: Any) -> list[Any]:
    return [each.compare(X=column)[0] for each, column in zip(detectors, batch.T, strict=True)]


def ks(data: Data, batches: str) -> Job:
    reference, rows = data.array("ks_reference"), data.array(batches)
    return Job(
        lambda: by_column(KSTest, reference),
        lambda learnt, i: compare(learnt, rows[i]),
        lambda found: [each.statistic for each in found],
        "KSTest per column",
    )


def chi_squared(data: Data) -> Job:
    reference, rows = data.array("chi_reference"), data.array("chi_batches")
    return Job(
        lambda: by_column(ChiSquareTest, reference),
        lambda learnt, i: compare(learnt, rows[i]),
        how="ChiSquareTest per column",
    )


def mmd(data: Data, rows: int, permutations: int) -> Job:
    x, y = data.array("mmd_reference")[:rows], data.array("mmd_current")[:rows]
    return Job(
        lambda: fitted_mmd(x, permutations),
        lambda learnt, _: learnt.compare(X=y),
        how="MMD with PermutationTestDistanceBased",
    )


def fitted_mmd(x: Any, permutations: int, **kernel: Any) -> Any:
    test = PermutationTestDistanceBased(
        num_permutations=permutations, random_state=31, num_jobs=1, name="permutation_test"
    )
    detector = MMD(kernel=partial(rbf_kernel, **kernel) if kernel else rbf_kernel, callbacks=[test])
    detector.fit(X=x)
    return detector


def report(data: Data) -> Job:
    reference, current = data.frame("reference"), data.frame("current")
    return Job(lambda: fit(reference), lambda learnt, _: check(learnt, current), how="a test per column")


def fit(reference: Any) -> dict[str, Any]:
    text = set(textual(reference))
    detectors = {name: ChiSquareTest() if name in text else KSTest() for name in reference.columns}
    for name, detector in detectors.items():
        detector.fit(X=reference[name].to_numpy())
    return detectors


def check(detectors: dict[str, Any], current: Any) -> dict[str, Any]:
    return {name: each.compare(X=current[name].to_numpy())[0] for name, each in detectors.items()}


JOBS = {"ks": ks, "chi_squared": chi_squared, "mmd": mmd, "report": report}


def judge(reference: Any, current: Any) -> Judged:
    found = tuple(name for name, each in check(fit(reference), current).items() if each.p_value < 0.05)
    return Judged(bool(found), found)


def judge_joint(reference: Any, current: Any) -> bool:
    _, logs = fitted_mmd(reference, 100).compare(X=current)
    return bool(logs["permutation_test"]["p_value"] < 0.05)
