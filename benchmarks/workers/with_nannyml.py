"""NannyML, as its documentation says: a univariate drift calculator over chunks."""

from __future__ import annotations

import os
from typing import Any

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml as nml
from data import Data, mixed
from job import Job, Judged

PACKAGES = ["nannyml", "numpy", "scipy", "pandas"]
TESTS = {"continuous_methods": ["kolmogorov_smirnov"], "categorical_methods": ["chi2"]}


def calculator(reference: Any, chunk_size: int, **methods: Any) -> Any:
    names = list(reference.columns)
    return nml.UnivariateDriftCalculator(column_names=names, chunk_size=chunk_size, **methods).fit(reference)


def ks(data: Data, batches: str) -> Job:
    reference, size = data.numbers("ks_reference"), data.array(batches).shape[1]
    rows = [data.numbers(batches, i) for i in range(min(20, len(data.array(batches))))]
    return Job(
        lambda: calculator(reference, size, **TESTS),
        lambda learnt, i: learnt.calculate(rows[i]),
        lambda found: list(analysis(found).xs("value", axis=1, level=2).iloc[0]),
        "UnivariateDriftCalculator, kolmogorov_smirnov: D on bins, no p-value",
    )


def chi_squared(data: Data) -> Job:
    reference, *rows = (
        mixed(codes[:, :0], codes) for codes in (data.array("chi_reference"), *data.array("chi_batches"))
    )
    return Job(
        lambda: calculator(reference, len(rows[0]), **TESTS),
        lambda learnt, i: learnt.calculate(rows[i]),
        how="UnivariateDriftCalculator, chi2",
    )


def report(data: Data) -> Job:
    reference, current = data.frame("reference"), data.frame("current")
    return Job(
        lambda: calculator(reference, len(current), **TESTS),
        lambda learnt, _: learnt.calculate(current),
        how="UnivariateDriftCalculator, kolmogorov_smirnov (D on bins, no p-value) and chi2",
    )


def analysis(found: Any) -> Any:
    table = found.filter(period="analysis").to_df()
    return table.drop(columns="chunk", level=0)


JOBS = {"ks": ks, "chi_squared": chi_squared, "report": report}


def judge(reference: Any, current: Any) -> Judged:
    found = analysis(calculator(reference, len(current)).calculate(current))
    alerts = found.xs("alert", axis=1, level=2).iloc[0]
    flagged = tuple(name for (name, _), alert in alerts.items() if alert)
    return Judged(bool(flagged), flagged)
