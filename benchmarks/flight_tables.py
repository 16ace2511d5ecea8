"""The table of delays on the losses of the flights example, as Markdown; it needs the figures alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "guarantees.md"
BEGIN, END = "<!-- flights: begin (benchmarks/flight_losses.py) -->", "<!-- flights: end -->"
Figures = Mapping[str, Any]


def write(figures: Figures) -> None:
    """Put the table into the page, between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{section(figures)}\n\n{END}{after}", encoding="utf-8")


def section(figures: Figures) -> str:
    """Return what stands between the marks."""
    return "\n\n".join([_explained(figures), _table(figures["kinds"]), _caveats(figures["kinds"])])


def _explained(figures: Figures) -> str:
    losses = next(iter(figures["kinds"].values()))["losses"]
    return f"""The {losses:,} losses of the model of the flights example that is never trained again. In
shuffled order nothing changes: the threshold of each detector is set so that it alarms there once in
{figures["run_length"]:,} updates, as nearly as it can. Then, at {figures["places"]} places, a risk of
{figures["added"]:g} is added. Told are the mean delay with its standard error, the median, and the alarms on
the losses as they came. `RiskDetector` learns its limit from the first {figures["history"]:,} shuffled
losses."""


def _table(kinds: Mapping[str, Any]) -> str:
    header = ["detector"]
    for kind in kinds:
        header += [f"{kind}: delay", "median", "alarms, shuffled", "alarms, as they came"]
    rows = [header, ["---"] * len(header)]
    for name in next(iter(kinds.values()))["detectors"]:
        row = [name]
        for kind in kinds.values():
            row += _cells(kind["detectors"].get(name))
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(figure: Mapping[str, Any] | None) -> list[str]:
    if figure is None:
        return ["–"] * 4
    missed = f", {figure['missed']} missed" if figure["missed"] else ""
    delay = f"{figure['mean']:,.0f} ± {figure['error']:,.0f}{missed}"
    return [delay, f"{figure['median']:,.0f}", f"{figure['shuffled']:,}", f"{figure['came']:,}"]


def _caveats(kinds: Mapping[str, Any]) -> str:
    sentences = ["A dash: the detector takes zeros and ones only."]
    for name, kind in kinds.items():
        ours, others = _divided(kind)
        came = [each["came"] for each in others.values()]
        sentences.append(
            f"On the {name} as they came, `RiskDetector` raises {ours['came']:,} alarms, the others "
            f"{min(came):,} to {max(came):,}: its limit stays where it was learned, "
            "the others go by what they saw last."
        )
        sentences += _compared(name, "mean", ours, others)
        sentences += _compared(name, "median", ours, others)
    return "\n".join(sentences)


def _compared(kind: str, what: str, ours: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    best = min(others, key=lambda name: others[name][what])
    place = "behind" if ours[what] > others[best][what] else "ahead of"
    figures = f"{ours[what]:,.0f} against {others[best][what]:,.0f}"
    return [f"Its {what} delay on the {kind} is {place} that of the best of the others ({best}): {figures}."]


def _divided(kind: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Mapping[str, Any]]]:
    """Return the figures of RiskDetector, and those of the others."""
    found = dict(kind["detectors"])
    return found.pop("RiskDetector"), found
