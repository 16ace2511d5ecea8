"""contlearn against its peers, each in an environment of its own: ``python3 noxfile.py -s peers``.

    python benchmarks/peers.py ENVIRONMENTS [--quick] [--only W1 W6] [--save FILE]
    python benchmarks/peers.py --write-docs        # docs/benchmarks.md from the saved measurements

ENVIRONMENTS is a file that says which Python has which library, or why there is none; the nox session writes
it. Ends with status 1 when a promised ratio is missed. A peer that cannot be installed or fails has a line
that says so.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import peer_data
import peer_docs
import peer_errors
import peer_measure
import peer_plan
import peer_text
from peer_process import PeerError, Worker

HERE = Path(__file__).resolve().parent
SAVED = HERE / "peers.json"


def main() -> int:
    arguments = parsed()
    if arguments.write_docs:
        peer_docs.write(SAVED, HERE / "bench.json", HERE.parent / "docs" / "benchmarks.md")
        return 0
    environments = json.loads(Path(arguments.environments).read_text())
    found = measure(environments, arguments)
    print(peer_text.text(found))
    missed = peer_text.missed(found)
    print(f"\n{len(missed)} promises missed" + "".join(f"\n  MISSED {each}" for each in missed))
    return 1 if missed else 0


def parsed() -> Any:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environments", nargs="?")
    parser.add_argument("--quick", action="store_true", help="a few minutes: fewer contests and repetitions")
    parser.add_argument("--only", nargs="*", help="the contests to run, such as W1 W6 W10 import memory")
    parser.add_argument("--save", help="where to write what was measured")
    parser.add_argument("--write-docs", action="store_true", help="only write the page of what was saved")
    arguments = parser.parse_args()
    if not arguments.environments and not arguments.write_docs:
        parser.error("ENVIRONMENTS is missing; the nox session writes it")
    return arguments


def measure(environments: dict[str, dict[str, str]], arguments: Any) -> dict[str, Any]:
    repetitions = {
        library: 20 if arguments.quick else times for library, times in peer_plan.REPETITIONS.items()
    }

    def wanted(name: str) -> bool:
        return not arguments.only or name.split()[0] in arguments.only

    begin = time.perf_counter()
    found: dict[str, Any] = {"date": dt.date.today().isoformat(), "quick": arguments.quick, **machine()}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        peer_data.write(Path(folder), max(repetitions.values()))
        workers, failed, found["peers"] = start(environments, Path(folder), stack)
        pythons = {library: environments[library]["python"] for library in workers}

        def keep(what: str, part: Any) -> None:
            found[what], found["minutes"] = part, (time.perf_counter() - begin) / 60
            if arguments.save:
                Path(arguments.save).write_text(json.dumps(found, indent=1) + "\n")

        keep("contests", [])
        for plan in filter(lambda plan: wanted(plan.name), peer_plan.contests(arguments.quick)):
            said(f"{plan.name}: {plan.title}", begin)
            keep("contests", [*found["contests"], peer_measure.contest(plan, workers, failed)])
            rows = peer_text.contest_rows(found["contests"][-1])
            print(peer_text.table(peer_text.CONTEST, rows), flush=True)
        if wanted("import"):
            said("imports", begin)
            keep("imports", peer_measure.imports(pythons, 1 if arguments.quick else 2))
        if wanted("memory"):
            said("memory", begin)
            keep("memory", peer_measure.memory(pythons, failed, Path(folder)))
        if wanted("W10"):
            said("W10: false alarms and power", begin)
            keep("streams", peer_errors.streams(workers, failed))
            times = peer_data.TIMES * max(repetitions.values())
            keep("joint", peer_errors.joint(workers, failed, times))
            keep("tables", peer_errors.tables(workers, failed, repetitions))
    return found


def start(
    environments: dict[str, dict[str, str]], folder: Path, stack: contextlib.ExitStack
) -> tuple[dict[str, Worker], dict[str, str], dict[str, Any]]:
    """Return the workers, why there is none of some, and what everybody is."""
    workers, failed, peers = {}, {}, {}
    for library, where in environments.items():
        if "failed" not in where:
            workers[library] = stack.enter_context(Worker(library, where["python"], folder))
    for library, where in environments.items():
        try:
            if library not in workers:
                raise PeerError(where["failed"])
            peers[library] = workers[library].ask("hello", limit=600.0)
        except PeerError as error:
            workers.pop(library, None)
            failed[library] = str(error)
            peers[library] = {"failed": str(error)}
            print(f"{library}: NOT MEASURED, {error}", flush=True)
    return workers, failed, peers


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "machine": platform.machine(), "system": platform.system()}


def said(what: str, begin: float) -> None:
    print(f"[{time.perf_counter() - begin:5.0f} s] {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
