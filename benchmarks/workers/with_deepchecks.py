"""deepchecks, as its documentation says: the FeatureDrift check, without its plots."""

from __future__ import annotations

import os
from typing import Any

os.environ["DEEPCHECKS_DISABLE_LATEST"] = "1"

from data import Data, textual
from deepchecks.tabular import Dataset
from deepchecks.tabular.checks import FeatureDrift
from job import Job, Judged

PACKAGES = ["deepchecks", "numpy", "scipy", "pandas"]


def check(reference: Any, current: Any) -> Any:
    before, after = (Dataset(side, cat_features=textual(reference)) for side in (reference, current))
    return FeatureDrift().run(before, after, with_display=False)


def ks(data: Data, batches: str) -> Job:
    reference = data.numbers("ks_reference")
    rows = [data.numbers(batches, i) for i in range(min(4, len(data.array(batches))))]
    return Job(
        nothing,
        lambda _, i: check(reference, rows[i]),
        lambda found: [each["Drift score"] for each in found.value.values()],
        "FeatureDrift: the distance on 100,000 sampled rows, no p-value",
    )


def report(data: Data) -> Job:
    reference, current = data.frame("reference"), data.frame("current")
    return Job(
        nothing,
        lambda *_: check(reference, current),
        how="FeatureDrift, KS and Cramer's V: distances, no p-values",
    )


def nothing() -> None:
    """A check starts from the rows."""


JOBS = {"ks": ks, "report": report}


def judge(reference: Any, current: Any) -> Judged:
    """The thresholds are those of its own condition: 0.2 for numbers and for categories."""
    found = check(reference, current).value
    flagged = tuple(name for name, each in found.items() if each["Drift score"] >= 0.2)
    return Judged(bool(flagged), flagged)
