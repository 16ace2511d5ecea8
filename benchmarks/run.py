"""Measure the promises about speed: ``python benchmarks/run.py``, or ``python3 noxfile.py -s bench``.

Every contest runs in turns in one process, and medians are compared, so that the ratios hold on other
machines; the times do not. Ends with status 1 when a ratio that contlearn promises is missed. `--save FILE`
keeps what was measured for the page of the documentation.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # before numpy: one thread on both sides

import bench_drift  # noqa: E402
import bench_footprint  # noqa: E402
import bench_windows  # noqa: E402
import measure  # noqa: E402


def main() -> int:
    rows = [measure.run(contest) for contest in (*bench_drift.contests(), *bench_windows.contests())]
    rows += bench_footprint.rows()
    print(measure.table(rows))
    if "--save" in sys.argv:
        where = f"{os.cpu_count()} shared cores, {platform.machine()}, {versions()}, one thread"
        saved = {"where": where, "rows": [dataclasses.asdict(row) for row in rows]}
        Path(sys.argv[sys.argv.index("--save") + 1]).write_text(json.dumps(saved, indent=1) + "\n")
    missed = [row.name for row in rows if row.missed]
    print(f"\n{len(missed)} of {sum(row.least is not None for row in rows)} promised ratios missed")
    return 1 if missed else 0


def versions() -> str:
    named = (f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "scikit-learn"))
    return f"Python {platform.python_version()}, {', '.join(named)}"


if __name__ == "__main__":
    sys.exit(main())
