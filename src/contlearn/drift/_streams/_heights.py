"""Two CUSUMs of whole numbers, one for each direction, in array form."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._streams._hazard import Limits


class Heights(NamedTuple):
    """The two CUSUMs, in units of 1 / `UNIT`.

    Attributes
    ----------
    up, down
        How high they are.
    up_since, down_since
        Updates since they were last 0.
    ranked
        Values since the start that were not missing.
    seen
        All values since the start.
    evidence
        Of the higher one.
    """

    up: int = 0
    down: int = 0
    up_since: int = 0
    down_since: int = 0
    ranked: int = 0
    seen: int = 0
    evidence: float = 0.0


def place(limits: Limits, above: int) -> int:
    """Return where `rarity` has so much above the limit."""
    return min(max(above - limits.lowest, 0), len(limits.rarity) - 1)


def cusum(steps: NDArray[np.int64], height: int, since: int) -> tuple[NDArray[np.int64], int]:
    """Return max(0, W + step) after each step, and for how many steps it has been above 0 at the end."""
    sums = np.cumsum(steps)
    heights = sums - np.minimum(np.minimum.accumulate(sums), -height)
    zeros = np.flatnonzero(heights == 0)
    return heights, len(steps) - 1 - int(zeros[-1]) if len(zeros) else since + len(steps)
