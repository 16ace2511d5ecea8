"""The tables of measured error rates, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guarantee_cells import CELLS, POWER_SIZES, SIGHTS

PAGE = Path(__file__).parents[1] / "docs" / "guarantees.md"
SIGHTS_EXPLAINED = """The size of a change of one column that is found in 80 % of batches, {1} rows against
{0}, at a level of 5 %: a mean moved by so many standard deviations, a spread longer by such a share, such a
share of rows turned into one category, or lost. A dash: not within the sizes tried. Times are those of one
core."""
BEGIN, END = "<!-- tables: begin (benchmarks/guarantees.py) -->", "<!-- tables: end -->"


def write(figures: Mapping[str, Any]) -> None:
    """Put the tables into the page, between its marks."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables(figures)}\n{END}{after}")


def tables(figures: Mapping[str, Any]) -> str:
    detectors = list(dict.fromkeys(cell.detector for cell in CELLS))
    order = sorted(detectors, key=lambda name: (name.startswith("ByColumn"), _rank(name)))
    return "\n".join([*(_table(name, figures) for name in order), *_sights(figures)])


def _rank(name: str) -> int:
    names = ["KS", "CramerVonMises", "Wasserstein", "ChiSquared", "PSI", "JensenShannon", "MMD", "Energy"]
    return next((place for place, each in enumerate(names) if name.startswith(each)), len(names))


def _table(detector: str, figures: Mapping[str, Any]) -> str:
    cells = [cell for cell in CELLS if cell.detector == detector and cell.key in figures]
    if not cells:
        return ""
    sizes = list(dict.fromkeys((cell.n_reference, cell.n_current) for cell in cells))
    head = " | ".join(f"{n}/{m}" for n, m in sizes)
    lines = [f"**{detector}**", "", f"| data | {head} |", "|---" * (1 + len(sizes)) + "|"]
    for data in dict.fromkeys(cell.data for cell in cells):
        entries = [
            _entry(figures[cell.key])
            for size in sizes
            for cell in cells
            if cell.data == data and (cell.n_reference, cell.n_current) == size
        ]
        lines.append(f"| {data} | {' | '.join(entries)} |")
    return "\n".join([*lines, ""])


def _sights(figures: Mapping[str, Any]) -> list[str]:
    """Return the table of what is found in 80 % of batches."""
    shifts = ("mean", "spread", "category", "missing")
    lines = [
        "## What is found, and what it costs",
        "",
        SIGHTS_EXPLAINED.format(*POWER_SIZES),
        "",
        f"| detector | data | {' | '.join(shifts)} | a check | a fit |",
        "|---" * (4 + len(shifts)) + "|",
    ]
    for each in SIGHTS:
        if each.key in figures:
            figure = figures[each.key]
            sizes = [figure["detectable"].get(shift, "") for shift in shifts]
            cells = ["–" if size is None else size and f"{size:.2g}" for size in sizes]
            times = [f"{1000 * figure[name]:.2g} ms" for name in ("detect_seconds", "fit_seconds")]
            lines.append(f"| {' | '.join([each.detector, each.data, *cells, *times])} |")
    return [*lines, ""]


def _entry(figure: Mapping[str, float]) -> str:
    rate = f"{figure['rate']:.3f}".lstrip("0")
    reach = "" if figure["attainable"] > 0.0495 else f" (of {figure['attainable']:.3f})".replace("0.", ".")
    undecided = f", {100 * figure['undecided']:.0f} % undecided" if figure["undecided"] > 0.005 else ""
    return rate + reach + undecided
