"""Measure every contest in turns, one process per library: A B C A B C ..., medians of processor time."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import peer_plan
from peer_plan import OURS, Contest, Entry
from peer_process import ONE_THREAD, QUIET, PeerError, Worker

Row = dict[str, Any]


def contest(plan: Contest, workers: Mapping[str, Worker], failed: Mapping[str, str]) -> Row:
    """Return what was measured, one row per entry, ratios against ours, and whether a promise was missed."""
    sides = [Side(entry, plan, place) for place, entry in enumerate(plan.entries)]
    for side in sides:
        library = side.entry.library
        side.attempt(lambda side=side, library=library: side.prepare(alive(workers, failed, library)))
    for number in range(max(side.entry.rounds for side in sides)):
        for side in sides:
            if number < side.entry.rounds and side.error is None:
                side.attempt(side.measure)
    rows = [side.row() for side in sides]
    return {"name": plan.name, "title": plan.title, **compared(plan, rows)}


def compared(plan: Contest, rows: list[Row]) -> Row:
    ours = rows[0].get("seconds")
    for row in rows[1:]:
        if ours and "seconds" in row:
            row["ratio"] = row["seconds"] / ours
            row["ratio_next"] = row["step"] / rows[0]["step"]
        row["missed"] = row["least"] is not None and not row.get("ratio", 0.0) >= row["least"]
    rivals = [row for row in rows[1:] if "ratio" in row and row["test"]]
    fastest = min(rivals, key=lambda row: row["ratio"], default=None)
    found = {"rows": rows, "least": plan.least, "fastest": fastest and fastest["label"]}
    found["ratio"] = fastest["ratio"] if fastest else None
    found["missed"] = plan.least is not None and not (fastest and fastest["ratio"] >= plan.least)
    return found


def alive(workers: Mapping[str, Worker], failed: Mapping[str, str], library: str) -> Worker:
    if library not in workers:
        raise PeerError(failed.get(library, "not asked for"))
    return workers[library]


class Side:
    """One entry of a contest while it is measured."""

    def __init__(self, entry: Entry, plan: Contest, place: int) -> None:
        self.entry, self.plan = entry, plan
        self.error: str | None = None
        self.how = ""
        self._keys = [f"{plan.name} {place} {part}" for part in ("few", "more")]
        self._rounds: list[dict[str, tuple[float, float]]] = []
        self._worker: Any = None
        self.answer: list[float] = []

    def attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except PeerError as error:
            self.error = str(error)

    def prepare(self, worker: Worker) -> None:
        """Make ready, and run once unmeasured: first calls import and compile things.

        What is measured only once takes so long that this does not matter.
        """
        self._worker = worker
        for key, number in self._parts():
            options = dict(self.entry.options)
            if number is not None:
                options["permutations"] = number
            self.how = worker.ask("prepare", key=key, job=self.entry.job, options=options)["how"]
        if self.entry.rounds > 1:
            worker.ask("round", key=self._parts()[0][0], first=0, steps=1, limit=900.0)

    def measure(self) -> None:
        found = [
            self._worker.ask("round", key=key, first=0, steps=self._steps, limit=900.0)
            for key, _ in self._parts()
        ]
        self.answer = found[-1]["answer"]
        self._rounds.append(
            {what: tuple(self._whole(found, what, clock) for clock in (0, 1)) for what in ("begin", "steps")}
        )

    def row(self) -> Row:
        entry = self.entry
        row: Row = {"library": entry.library, "label": entry.label or entry.library, "how": self.how}
        row |= {"test": entry.test, "least": entry.least, "extrapolated": self._extrapolated}
        if self.error is not None:
            return {**row, "error": self.error}
        begin, step = (
            [statistics.median(each[what][clock] for each in self._rounds) for clock in (0, 1)]
            for what in ("begin", "steps")
        )
        return {
            **row,
            "begin": begin[0],
            "step": step[0] / self.plan.steps,
            "seconds": begin[0] + step[0],
            "wall": begin[1] + step[1],
            "rounds": len(self._rounds),
        }

    @property
    def _steps(self) -> int:
        return self.entry.steps or self.plan.steps

    @property
    def _extrapolated(self) -> bool:
        return self._steps < self.plan.steps or self.entry.permutations is not None

    def _parts(self) -> list[tuple[str, int | None]]:
        if self.plan.permutations is None or "permutations" in self.entry.options:
            return [(self._keys[0], self.entry.options.get("permutations"))]
        if self.entry.permutations is None:
            return [(self._keys[0], self.plan.permutations)]
        return list(zip(self._keys, self.entry.permutations, strict=True))

    def _whole(self, found: list[Any], what: str, clock: int) -> float:
        """Return what all steps, or all permutations, take if the others are like those that were done."""
        last = found[-1][what][clock]
        if len(found) == 2:
            few, more = self.entry.permutations or (0, 1)
            slope = (last - found[0][what][clock]) / (more - few)
            return last + max(slope, 0.0) * ((self.plan.permutations or more) - more)
        return last if what == "begin" else last / self._steps * self.plan.steps


def memory(pythons: Mapping[str, str], failed: Mapping[str, str], folder: Path) -> list[Row]:
    """Return the peak of an MMD test of 5,000 against 5,000 rows, each in a fresh process."""
    rows = []
    for library, permutations in peer_plan.PEAK.items():
        row: Row = {"library": library, "permutations": permutations}
        try:
            if library not in pythons:
                raise PeerError(failed.get(library, "not asked for"))
            with Worker(library, pythons[library], folder) as worker:
                for key, size in (("warm", 64), ("all", peer_plan.PEAK_ROWS)):
                    options = {"rows": size, "permutations": permutations}
                    worker.ask("prepare", key=key, job="mmd", options=options)
                worker.ask("round", key="warm", first=0, steps=1)
                row["bytes"] = worker.ask("peak", key="all", limit=600.0)["bytes"]
        except PeerError as error:
            row["error"] = str(error)
        if library == OURS:
            row["most"], row["missed"] = peer_plan.PEAK_MOST, not row.get("bytes", 1e99) < peer_plan.PEAK_MOST
        rows.append(row)
    return rows


IMPORT = "import time; begin = time.process_time(); {0}; print(time.process_time() - begin)"


def imports(pythons: Mapping[str, str], rounds: int) -> list[Row]:
    """Return what it costs to import each library in a fresh process; the base is scikit-learn's.

    The workers have imported all of them before, so that nothing has to be compiled.
    """
    asked = [(OURS, peer_plan.BASE_IMPORT)]
    asked += [each for each in peer_plan.IMPORTS.items() if each[0] in pythons]
    times: dict[str, list[float]] = {statement: [] for _, statement in asked}
    for _ in range(rounds):
        for library, statement in asked:
            for _ in range(4 if library in (OURS, "scipy", "river") else 1):  # the cheap ones, more often
                times[statement].append(child(pythons[library], statement))
    base = statistics.median(times[peer_plan.BASE_IMPORT])
    rows = []
    for _, statement in asked:
        seconds = statistics.median(times[statement])
        row: Row = {"statement": statement, "seconds": seconds, "ratio": seconds / base}
        if statement == peer_plan.IMPORTS[OURS]:
            row["most"], row["missed"] = peer_plan.IMPORT_MOST, row["ratio"] > peer_plan.IMPORT_MOST
        rows.append(row)
    return rows


def child(python: str, statement: str) -> float:
    import os

    done = subprocess.run(
        [python, "-W", "ignore", "-c", IMPORT.format(statement)],
        capture_output=True,
        text=True,
        env={**os.environ, **ONE_THREAD, **QUIET},
        check=False,
    )
    return float(done.stdout.split()[-1]) if done.returncode == 0 else float("nan")
