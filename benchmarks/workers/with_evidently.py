"""evidently, as its documentation says: a Report with the DataDriftPreset."""

from __future__ import annotations

import os
from typing import Any

os.environ["DO_NOT_TRACK"] = "1"

from data import Data, mixed, numeric, textual
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from job import Job, Judged

PACKAGES = ["evidently", "numpy", "scipy", "pandas"]


def run(reference: Any, current: Any, **tests: str) -> Any:
    schema = DataDefinition(numerical_columns=numeric(reference), categorical_columns=textual(reference))
    before, after = (Dataset.from_pandas(side, data_definition=schema) for side in (reference, current))
    return Report([DataDriftPreset(**tests)]).run(after, before)


def values(snapshot: Any) -> dict[str, tuple[float, dict[str, Any]]]:
    """Return the value of every column, and how it was computed."""
    columns = (each for each in snapshot.dict()["metrics"] if "column" in each["config"])
    return {each["config"]["column"]: (float(each["value"]), each["config"]) for each in columns}


def ks(data: Data, batches: str) -> Job:
    reference = data.numbers("ks_reference")
    rows = [data.numbers(batches, i) for i in range(min(4, len(data.array(batches))))]
    return Job(
        nothing,
        lambda _, i: run(reference, rows[i], num_method="ks"),
        how='Report([DataDriftPreset(num_method="ks")])',
    )


def chi_squared(data: Data) -> Job:
    reference, *rows = (
        mixed(codes[:, :0], codes) for codes in (data.array("chi_reference"), *data.array("chi_batches")[:4])
    )
    return Job(
        nothing,
        lambda _, i: run(reference, rows[i], cat_method="chisquare"),
        how='Report([DataDriftPreset(cat_method="chisquare")])',
    )


def report(data: Data) -> Job:
    reference, current = data.frame("reference"), data.frame("current")
    return Job(
        nothing,
        lambda *_: run(reference, current, num_method="ks", cat_method="chisquare"),
        how="DataDriftPreset, ks and chisquare",
    )


def nothing() -> None:
    """A report starts from the rows."""


JOBS = {"ks": ks, "chi_squared": chi_squared, "report": report}

DISTANCES = ("Wasserstein", "Jensen", "wasserstein", "jensen")


def judge(reference: Any, current: Any) -> Judged:
    flagged = []
    for name, (value, config) in values(run(reference, current)).items():
        distance = any(word in config["method"] for word in DISTANCES)
        if value >= config["threshold"] if distance else value < config["threshold"]:
            flagged.append(name)
    return Judged(bool(flagged), tuple(flagged))
