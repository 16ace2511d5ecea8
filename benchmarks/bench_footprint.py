"""What contlearn costs before it does anything, and the memory of its hungriest test; fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from measure import Row, clock

IMPORT = "import time; begin = time.perf_counter(); {0}; print(time.perf_counter() - begin)"

PEAK = """
import tracemalloc
import numpy as np
from contlearn.drift import MMD
rng = np.random.default_rng(0)
reference, batch = rng.normal(size=(5000, 32)), rng.normal(size=(5000, 32))
MMD().fit(reference[:64]).detect(batch[:64])
tracemalloc.start()
MMD().fit(reference).detect(batch)
print(tracemalloc.get_traced_memory()[1])
"""


def rows() -> Iterator[Row]:
    yield imports("import contlearn", "import numpy", least=2.0)
    yield imports("from contlearn.windows import SlidingWindow", "import numpy", least=None)
    yield imports("from contlearn.drift import KS", "import sklearn.base", least=1 / 1.15, rounds=5)
    yield peak()


def imports(statement: str, rival: str, least: float | None, rounds: int = 9) -> Row:
    pairs = [(child(IMPORT.format(statement)), child(IMPORT.format(rival))) for _ in range(rounds)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Row(statement, rival, clock(ours), clock(theirs), theirs / ours, least)


def peak() -> Row:
    """Peak of a fit and a detect, the kept reference included, above what the process had before."""
    ours, matrix = child(PEAK), 8.0 * 10_000**2
    megabytes = (f"{value / 1e6:.3g} MB" for value in (ours, matrix))
    return Row(
        "MMD, 5,000 against 5,000 x 32, memory", "one matrix of all pairs", *megabytes, matrix / ours, 15.0
    )


def child(code: str) -> float:
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(result.stdout)
