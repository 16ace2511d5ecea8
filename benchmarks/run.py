"""Measure the promises about speed: ``python benchmarks/run.py``, or ``python3 noxfile.py -s bench``.

Every contest runs in turns in one process, and medians are compared, so that the ratios hold on other
machines; the times do not. Ends with status 1 when a ratio that contlearn promises is missed.
"""

from __future__ import annotations

import os
import sys

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
    missed = [row.name for row in rows if row.missed]
    print(f"\n{len(missed)} of {sum(row.least is not None for row in rows)} promised ratios missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
