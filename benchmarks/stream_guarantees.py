"""Measure the run lengths and delays of stream detectors, ours and river's, on the same streams.

    python benchmarks/stream_guarantees.py                       # measure all (some minutes), write
    python benchmarks/stream_guarantees.py --only RankCUSUM      # measure these again, keep the others
    python benchmarks/stream_guarantees.py --write               # write the tables from the figures at hand

Figures are kept in benchmarks/stream_guarantees.json. Seeds are fixed: the same versions give the same
figures. Ends with status 1 where a promise was not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from stream_cells import KINDS, cells, measure
from stream_tables import write

FIGURES = Path(__file__).with_suffix(".json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=None, choices=list(KINDS), help="names of detectors")
    parser.add_argument("--write", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    figures: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    figures = {key: value for key, value in figures.items() if key in {cell.key for cell in cells()}}
    for cell in [] if arguments.write else cells():
        if arguments.only is None or cell.detector in arguments.only:
            figures[cell.key] = measure(cell)
            print(cell.key, figures[cell.key], flush=True)
            FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    write(figures)
    missed = [key for key, figure in figures.items() if figure["missed"]]
    for key in missed:
        print("MISSED", key, figures[key])
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
