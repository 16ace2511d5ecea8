"""One worker: does for one library what the driver asks, one line of JSON in, one line out.

``python serve.py alibi FOLDER`` where FOLDER has the data. Standard output belongs to the answers; whatever
a library prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from data import Data, mixed
from job import Job

Reply = dict[str, Any]


class Server:
    def __init__(self, library: str, folder: str) -> None:
        self.library = importlib.import_module(f"with_{library}")
        self.data = Data(folder)
        self.jobs: dict[str, Job] = {}

    def hello(self) -> Reply:
        versions = {}
        for package in self.library.PACKAGES:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                versions[package] = importlib.metadata.version(package)
        return {"versions": versions, "python": platform.python_version(), "jobs": sorted(self.library.JOBS)}

    def prepare(self, key: str, job: str, options: dict[str, Any]) -> Reply:
        self.jobs[key] = self.library.JOBS[job](self.data, **options)
        return {"how": self.jobs[key].how}

    def round(self, key: str, first: int, steps: int) -> Reply:
        """Begin, and do `steps` steps from the one numbered `first` on; processor time and wall clock."""
        job = self.jobs[key]
        gc.collect()
        start = clocks()
        learnt = job.begin()
        begun = clocks()
        for number in range(first, first + steps):
            found = job.step(learnt, number)
        ended = clocks()
        answer = [float(each) for each in job.answer(found)] if job.answer and steps else []
        return {
            "begin": [b - a for a, b in zip(start, begun, strict=True)],
            "steps": [b - a for a, b in zip(begun, ended, strict=True)],
            "answer": answer,
        }

    def peak(self, key: str) -> Reply:
        """Return the largest resident memory during a job, above what it was before; Linux only.

        Of a library that works in child processes, it is that of the largest process.
        """
        import resource

        gc.collect()
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        self.round(key, 0, 1)
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return {"bytes": max(status("VmHWM"), children) - before}

    def judge(self, size: str, first: int, last: int) -> Reply:
        """Check tables in which nothing changed, and the same with two columns changed; by the defaults."""
        found = []
        for number in range(first, last):
            reference, *currents = (
                mixed(*(self.data.mapped(f"{size}_{side}_{kind}")[number] for kind in ("numbers", "codes")))
                for side in ("reference", "same", "changed")
            )
            both = [self.library.judge(reference, current) for current in currents]
            found.append([[each.drift, list(each.columns)] for each in both])
        return {"found": found}

    def judge_joint(self, first: int, last: int) -> Reply:
        """The same for one test of all columns together: whether it said drift, before and after."""
        rows = self.data.array
        return {
            "found": [
                [
                    bool(self.library.judge_joint(rows("joint_reference")[i], rows(f"joint_{side}")[i]))
                    for side in ("same", "changed")
                ]
                for i in range(first, last)
            ]
        }

    def streams(self) -> Reply:
        return self.library.streams(self.data)


def clocks() -> tuple[float, float]:
    """Return processor time, that of finished child processes included, and wall clock."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system, time.perf_counter()


def status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {field} here")


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    server, broken = None, ""
    try:
        server = Server(*sys.argv[1:])
    except Exception as error:
        broken = words(error)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(server, request.pop("do"))(**request) if server else {"error": broken}
        except Exception as error:
            reply = {"error": words(error)}
        print(json.dumps(reply), file=answers, flush=True)


def words(error: Exception) -> str:
    """Return what the driver is told about an error, which goes to standard error as a whole."""
    traceback.print_exception(error)
    said = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {said[0]}"[:300]


if __name__ == "__main__":
    main()
