"""Measure the error rates of every detector with `certify`, and write the tables of docs/guarantees.md.

    python benchmarks/guarantees.py                    # measure all cells (half an hour on two cores), write
    python benchmarks/guarantees.py --only KS PSI      # measure these again, keep the others
    python benchmarks/guarantees.py --write            # write the tables from the figures at hand

Figures are kept in benchmarks/guarantees.json. Seeds are fixed: the same versions give the same rates.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from guarantee_cells import CELLS, Cell, measure
from guarantee_tables import write

FIGURES = Path(__file__).with_suffix(".json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=None, help="names of detectors")
    parser.add_argument("--write", action="store_true", help="measure nothing")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    figures: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if not arguments.write:
        wanted = [cell for cell in CELLS if arguments.only is None or cell.detector in arguments.only]
        figures = {key: value for key, value in figures.items() if key in {cell.key for cell in CELLS}}
        figures.update(measured(wanted, arguments.processes))
        FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    exceeded = [key for key, figure in figures.items() if figure["rate"] > figure["highest"]]
    write(figures)
    for key in exceeded:
        print("EXCEEDED", key, figures[key])
    return 1 if exceeded else 0


def measured(cells: list[Cell], processes: int) -> dict[str, Any]:
    """Measure cells side by side, the slow ones first."""
    found: dict[str, Any] = {}
    with ProcessPoolExecutor(processes) as pool:
        for cell, figure in zip(cells, pool.map(measure, cells), strict=True):
            found[cell.key] = figure
            print(f"{cell.key}: {figure['rate']:.4f} of at most {figure['highest']:.4f}", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
