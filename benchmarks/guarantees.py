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
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from guarantee_cells import CELLS, SIGHTS, look, measure
from guarantee_tables import write

FIGURES = Path(__file__).with_suffix(".json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=None, help="names of detectors")
    parser.add_argument("--write", action="store_true", help="measure nothing")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--figures", type=Path, default=FIGURES, help="where they are kept")
    arguments = parser.parse_args()
    kept: Path = arguments.figures
    figures: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    if not arguments.write:
        known = {each.key for each in (*CELLS, *SIGHTS)}
        figures = {key: value for key, value in figures.items() if key in known}
        for what, function in ((CELLS, measure), (SIGHTS, look)):
            wanted = [each for each in what if arguments.only is None or each.detector in arguments.only]
            figures.update(measured(wanted, function, arguments.processes))
        kept.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    exceeded = [
        key for key, figure in figures.items() if figure.get("rate", 0.0) > figure.get("highest", 1.0)
    ]
    write(figures)
    for key in exceeded:
        print("EXCEEDED", key, figures[key])
    return 1 if exceeded else 0


def measured(wanted: list[Any], function: Callable[[Any], Any], processes: int) -> dict[str, Any]:
    """Measure side by side, the slow ones first."""
    found: dict[str, Any] = {}
    with ProcessPoolExecutor(processes) as pool:
        for each, figure in zip(wanted, pool.map(function, wanted), strict=True):
            found[each.key] = figure
            print(each.key, {name: value for name, value in figure.items() if name != "text"}, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
