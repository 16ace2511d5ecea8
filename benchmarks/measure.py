"""Two ways to do the same thing, measured in turns: only the ratio means anything on another machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Contest:
    """`ours` against `theirs`; `ours_done` and `theirs_done` say how much of the whole work one call does."""

    name: str
    rival: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    least: float | None = None  # None: for information
    rounds: int = 15
    ours_done: float = 1.0
    theirs_done: float = 1.0


@dataclass(frozen=True)
class Row:
    name: str
    rival: str
    ours: str
    theirs: str
    ratio: float
    least: float | None

    @property
    def missed(self) -> bool:
        return self.least is not None and not self.ratio >= self.least


def run(contest: Contest) -> Row:
    """Return the medians of both sides, run in turns (A B A B ...) after one unmeasured call of each."""
    contest.ours()
    contest.theirs()
    pairs = [(seconds(contest.ours), seconds(contest.theirs)) for _ in range(contest.rounds)]
    ours = statistics.median(pair[0] for pair in pairs) / contest.ours_done
    theirs = statistics.median(pair[1] for pair in pairs) / contest.theirs_done
    return Row(contest.name, contest.rival, clock(ours), clock(theirs), theirs / ours, contest.least)


def seconds(call: Callable[[], object]) -> float:
    """Return the processor time of a call: with one thread that is the time it takes on an idle machine."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def clock(value: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1.0:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def table(rows: list[Row]) -> str:
    header = ("what", "against", "contlearn", "other", "ratio", "at least", "")
    body = [
        (
            row.name,
            row.rival,
            row.ours,
            row.theirs,
            f"{row.ratio:.3g}",
            "" if row.least is None else f"{row.least:g}",
            "MISSED" if row.missed else "",
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in (header, *body)) for i in range(len(header))]
    lines = (
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in (header, tuple("-" * width for width in widths), *body)
    )
    return "\n".join(line.rstrip() for line in lines)
