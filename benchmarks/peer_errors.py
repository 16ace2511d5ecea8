"""False alarms and power of what every library does by default, on the same tables and streams."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import peer_data
import peer_plan
from peer_process import PeerError, Worker

Row = dict[str, Any]
PART = 20
TOO_SHORT = {("nannyml", "small"): "a reference of two chunks says nothing about its thresholds"}


def tables(
    workers: Mapping[str, Worker], failed: Mapping[str, str], repetitions: Mapping[str, int]
) -> list[Row]:
    """Return, per library and size: alarms of the whole table and per column, before and after a change."""
    asked = [(library, size) for size in peer_data.SIZES for library in peer_plan.TABLES]
    groups = [[each for each in asked if (each[0] == "evidently") == slow] for slow in (True, False)]

    def judge(pair: tuple[str, str]) -> Row:
        library, size = pair
        return _table(library, size, workers.get(library), failed, repetitions[library])

    with ThreadPoolExecutor(2) as pool:  # the slow one beside all the others: nothing is timed here
        found = [
            row for rows in pool.map(lambda group: [judge(each) for each in group], groups) for row in rows
        ]
    return sorted(found, key=lambda row: asked.index((row["library"], row["size"])))


def _table(
    library: str, size: str, worker: Worker | None, failed: Mapping[str, str], repetitions: int
) -> Row:
    row: Row = {"library": library, "size": size, "repetitions": repetitions}
    if (library, size) in TOO_SHORT:
        return {**row, "error": TOO_SHORT[library, size]}
    try:
        if worker is None:
            raise PeerError(failed.get(library, "not asked for"))
        found: list[Any] = []
        for first in range(0, repetitions, PART):
            last = min(first + PART, repetitions)
            found += worker.ask("judge", size=size, first=first, last=last, limit=600.0)["found"]
    except PeerError as error:
        return {**row, "error": str(error)}
    return {**row, **counted(found)}


def counted(found: list[Any]) -> Row:
    times = len(found)
    numbers, texts = peer_data.NUMBERS, peer_data.TEXTS
    quiet = [names for (_, names), _ in found]
    changed = [names for _, (_, names) in found]
    return {
        "any": sum(drift for (drift, _), _ in found) / times,
        "number": sum(name.startswith("number") for names in quiet for name in names) / times / numbers,
        "text": sum(name.startswith("text") for names in quiet for name in names) / times / texts,
        "power_number": sum("number 0" in names for names in changed) / times,
        "power_text": sum("text 0" in names for names in changed) / times,
    }


def joint(workers: Mapping[str, Worker], failed: Mapping[str, str], repetitions: int) -> list[Row]:
    """Return the alarms of one test of all columns, before and after a change of every mean."""
    rows = []
    for library in peer_plan.JOINT:
        row: Row = {"library": library, "repetitions": repetitions}
        try:
            if library not in workers:
                raise PeerError(failed.get(library, "not asked for"))
            said = workers[library].ask("judge_joint", first=0, last=repetitions, limit=600.0)["found"]
            row["any"], row["power"] = (sum(each) / len(said) for each in zip(*said, strict=True))
        except PeerError as error:
            row["error"] = str(error)
        rows.append(row)
    return rows


def streams(workers: Mapping[str, Worker], failed: Mapping[str, str]) -> Row:
    try:
        if "river" not in workers:
            raise PeerError(failed.get("river", "not asked for"))
        return workers["river"].ask("streams", limit=600.0)
    except PeerError as error:
        return {"error": str(error)}
