"""Measure the promises about speed: ``python benchmarks/run.py``, or ``python3 noxfile.py -s bench``.

Every contest runs in turns in one process, and medians are compared, so that the ratios hold on other
machines; the times do not. Ends with status 1 when a ratio that contlearn promises is missed. `--save FILE`
keeps what was measured for the page of the documentation; with `--only streams`, or another part, the rows of
other parts stay there as they were.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # before numpy: one thread on both sides

import bench_drift  # noqa: E402
import bench_footprint  # noqa: E402
import bench_gates  # noqa: E402
import bench_streams  # noqa: E402
import bench_windows  # noqa: E402
import measure  # noqa: E402

PARTS: dict[str, Callable[[], Iterator[measure.Row]]] = {
    "drift": lambda: map(measure.run, bench_drift.contests()),
    "windows": lambda: map(measure.run, bench_windows.contests()),
    "streams": lambda: itertools.chain(map(measure.run, bench_streams.contests()), bench_streams.rows()),
    "gates": lambda: itertools.chain(map(measure.run, bench_gates.contests()), bench_gates.rows()),
    "footprint": bench_footprint.rows,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--save", type=Path, default=None, metavar="FILE")
    arguments = parser.parse_args()
    found = {name: list(PARTS[name]()) for name in PARTS if name in arguments.only}
    rows = [row for part in found.values() for row in part]
    print(measure.table(rows))
    if arguments.save:
        save(arguments.save, found)
    missed = [row.name for row in rows if row.missed]
    print(f"\n{len(missed)} of {sum(row.least is not None for row in rows)} promised ratios missed")
    return 1 if missed else 0


def save(path: Path, found: Mapping[str, list[measure.Row]]) -> None:
    """Write what was measured; parts that were not stay as they were."""
    kept = json.loads(path.read_text())["rows"] if path.exists() and len(found) < len(PARTS) else []
    rows = [row for row in kept if row.get("part") not in found]
    rows += [{"part": name, **dataclasses.asdict(row)} for name, part in found.items() for row in part]
    where = f"{os.cpu_count()} shared cores, {platform.machine()}, {versions()}, one thread"
    rows.sort(key=lambda row: list(PARTS).index(row["part"]))
    path.write_text(json.dumps({"where": where, "rows": rows}, indent=1) + "\n")


def versions() -> str:
    named = (f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "scikit-learn", "river"))
    return f"Python {platform.python_version()}, {', '.join(named)}"


if __name__ == "__main__":
    sys.exit(main())
