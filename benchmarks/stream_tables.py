"""The tables of run lengths and delays, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stream_cells import (
    AFTER,
    BEFORE,
    KINDS,
    LENGTH,
    LOSS_CHANGES,
    LOSSES,
    NUMBER_CHANGES,
    NUMBERS,
    REFERENCE,
)

PAGE = Path(__file__).parents[1] / "docs" / "guarantees.md"
BEGIN, END = "<!-- streams: begin (benchmarks/stream_guarantees.py) -->", "<!-- streams: end -->"
Figures = Mapping[str, Mapping[str, Any]]

CALM_EXPLAINED = f"""Updates per alarm when nothing changes, over 200 streams of {LENGTH:,} values after
{REFERENCE:,} of reference (river's HDDM 50, its KSWIN, which is slow, 2), with the 95 % interval
of a Poisson count. Every detector sees the same streams; OnlineMMD has 10 references instead of 200."""
DELAYS_EXPLAINED = f"""Mean number of values from a change to the alarm: {REFERENCE:,} values of reference,
{BEFORE} without a change, then the change, looked at for {AFTER:,} values. "12 % before" is the share of
streams with a false alarm in the {BEFORE} quiet values, "30 % missed" that without any after the change;
those do not enter the mean. Over 400 streams, the same for all (OnlineMMD and Windowed 100, river's HDDM 200,
its KSWIN 8). The second column repeats what a delay is paid with: false alarms per 10,000 values without a
change. river's detectors have their default settings and see the values of the reference first."""


def write(figures: Figures) -> None:
    """Put the tables into the page, between its marks."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(figures)}\n\n{END}{after}")


def tables(figures: Figures) -> str:
    return "\n\n".join(
        [
            CALM_EXPLAINED,
            calm("losses", list(LOSSES), figures),
            calm("numbers", list(NUMBERS), figures),
            DELAYS_EXPLAINED,
            delays("rate of errors", next(iter(LOSSES)), LOSS_CHANGES, figures),
            delays("normal values", next(iter(NUMBERS)), NUMBER_CHANGES, figures),
        ]
    )


def calm(title: str, data: Sequence[str], figures: Figures) -> str:
    rows = []
    for name, kind in KINDS.items():
        found = [figures.get(f"{name} | {each}") for each in data]
        if any(found):
            promise = f"{kind.promise:,.0f}" if kind.promise < float("inf") else "none"
            rows.append([name, promise, *(_run_length(each) for each in found)])
    return _markdown([title, "promise", *data], rows)


def delays(title: str, quiet: str, data: Sequence[str], figures: Figures) -> str:
    rows = []
    for name in KINDS:
        found = [figures.get(f"{name} | {each}") for each in data]
        if any(found):
            paid = figures.get(f"{name} | {quiet}")
            rate = f"{1e4 * paid['alarms'] / (paid['streams'] * LENGTH):.2g}" if paid else ""
            rows.append([name, rate, *(_delay(each) for each in found)])
    return _markdown([title, "false alarms per 10,000", *data], rows)


def _run_length(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return ""
    low, high = f"{figure['low']:,.0f}", "–" if figure["high"] is None else f"{figure['high']:,.0f}"
    if figure["run_length"] is None:
        return f"no alarm (at least {low})"
    return f"{figure['run_length']:,.0f} [{low}, {high}]"


def _delay(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return ""
    words = ["–" if figure["delay"] is None else f"{figure['delay']:,.0f}"]
    for name, what in (("unfound", "missed"), ("before", "before")):
        if figure[name] > 0.0:
            words.append(f"{100 * figure[name]:.0f} % {what}")
    return ", ".join(words)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
