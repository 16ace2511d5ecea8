"""Who does what against whom, how much of it, and what contlearn promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OURS = "contlearn"


@dataclass(frozen=True)
class Entry:
    """One side of a contest.

    Of `Contest.steps` it does `steps` per round; the rest is taken to last as long as these. With
    `permutations` (few, more) the job is run twice, and every permutation beyond is taken to last as long
    as those between the two.
    """

    library: str
    job: str
    options: dict[str, Any] = field(default_factory=dict)
    label: str = ""
    steps: int | None = None
    permutations: tuple[int, int] | None = None
    rounds: int = 5
    test: bool = True  # False: it gives a distance, and no p-value
    least: float | None = None  # what is promised against this one alone


@dataclass(frozen=True)
class Contest:
    name: str
    title: str
    entries: tuple[Entry, ...]
    steps: int = 1
    permutations: int | None = None
    least: float | None = None  # what is promised against the fastest peer that makes the test


def ks() -> Contest:
    options = {"batches": "ks_batches"}
    return Contest(
        "W1",
        "KS: 100 batches of 1,000 x 50 against 100,000 x 50",
        (
            Entry(OURS, "ks", options, rounds=5),
            Entry("scipy", "ks", options, steps=3),
            Entry("alibi", "ks", options, steps=3),
            Entry("frouros", "ks", options, steps=3),
            Entry("evidently", "ks", options, steps=1, rounds=1),
            Entry("nannyml", "ks", options, steps=10, rounds=1, test=False),
            Entry("deepchecks", "ks", options, steps=2, rounds=3, test=False),
        ),
        steps=100,
        least=40.0,
    )


def ks_once() -> Contest:
    options = {"batches": "ks_once"}
    peers = (Entry(library, "ks", options, rounds=3) for library in ("scipy", "alibi", "frouros"))
    title = "KS: one batch of 10,000 x 50 against 100,000 x 50"
    return Contest("W1 once", title, (Entry(OURS, "ks", options), *peers))


def chi_squared() -> Contest:
    known = "scipy, codes known to be 0 to k-1"
    return Contest(
        "W2",
        "Chi-squared: 10 batches of 1,000 x 30 categorical columns (2 to 200 levels) against 100,000",
        (
            Entry(OURS, "chi_squared", rounds=9),
            Entry("scipy", "chi_squared", {"count": "np.unique"}, "scipy", 2, least=20.0),
            Entry("scipy", "chi_squared", {"count": "bincount"}, known, 10),
            Entry("alibi", "chi_squared", steps=1, rounds=3),
            Entry("frouros", "chi_squared", steps=1, rounds=3),
            Entry("evidently", "chi_squared", steps=1, rounds=1),
            Entry("nannyml", "chi_squared", steps=10, rounds=1),
        ),
        steps=10,
    )


def mmd(rows: int, few: int, more: int, rounds: int, least: float | None) -> Contest:
    options = {"rows": rows}
    part = None if more >= 500 else (few, more)
    return Contest(
        f"W3 n={rows}",
        f"MMD, {rows:,} against {rows:,} rows x 32, 500 permutations",
        (
            Entry(OURS, "mmd", {**options, "permutations": 500}, rounds=7),
            Entry("alibi", "mmd", options, permutations=part, rounds=rounds),
            Entry("frouros", "mmd", options, permutations=part, rounds=rounds),
        ),
        permutations=500,
        least=least,
    )


def report() -> Contest:
    return Contest(
        "W6",
        "Report: 10,000 against 100,000 rows of 50 numeric and 20 text columns, a pandas frame",
        (
            Entry(OURS, "report", rounds=9),
            Entry("scipy", "report"),
            Entry("alibi", "report"),
            Entry("frouros", "report"),
            Entry("evidently", "report", rounds=2, least=30.0),
            Entry("nannyml", "report", rounds=3),
            Entry("deepchecks", "report"),
        ),
        least=2.0,
    )


def contests(quick: bool) -> list[Contest]:
    found = [
        ks(),
        ks_once(),
        chi_squared(),
        mmd(500, 0, 500, 2, None),
        mmd(1000, 5, 30, 3, None),
        mmd(2000, 2, 10, 3, 200.0),
        mmd(5000, 1, 3, 1, None),
        report(),
    ]
    spare = ("W1 once", "W3 n=500", "W3 n=1000", "W3 n=5000")
    return [plan for plan in found if not (quick and plan.name in spare)]


IMPORTS = {
    OURS: "from contlearn.drift import KS",
    "scipy": "import scipy.stats",
    "river": "import river.drift",
    "alibi": "from alibi_detect.cd import KSDrift",
    "frouros": "from frouros.detectors.data_drift import KSTest",
    "evidently": "from evidently import Report; from evidently.presets import DataDriftPreset",
    "nannyml": "import nannyml",
    "deepchecks": "from deepchecks.tabular.checks import FeatureDrift",
}
BASE_IMPORT, IMPORT_MOST = "import sklearn.base", 1.15

PEAK_ROWS, PEAK_MOST = 5000, 150e6
"""Rows on either side where memory is measured, and the bytes that contlearn promises to stay below."""

PEAK = {OURS: 500, "alibi": 4, "frouros": 4}
"""Permutations of the test whose memory is measured."""

JOINT = (OURS, "alibi", "frouros")
TABLES = (OURS, "scipy", "alibi", "frouros", "evidently", "nannyml", "deepchecks")
REPETITIONS = {library: 60 if library == "evidently" else 200 for library in TABLES}
