"""Three ways to add up how far counts are from those expected, all with the same limit law."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

Statistic = Literal["pearson", "g", "cressie-read"]

STATISTICS: tuple[Statistic, ...] = ("pearson", "g", "cressie-read")


def cells(statistic: Statistic, observed: NDArray[Any], expected: Floats) -> Floats:
    """Return what each cell adds to the statistic of a table; `expected` is above 0.

    Only the sum over a whole table means anything: what a single cell adds may be negative for the last two.
    """
    if statistic == "pearson":
        away: Floats = (observed - expected) ** 2 / expected
        return away
    ratio = observed / expected
    if statistic == "g":
        surprise: Floats = 2.0 * special.xlogy(observed, ratio)
        return surprise
    power: Floats = 1.8 * observed * (np.cbrt(ratio) ** 2 - 1.0)  # 2 / (2/3 * 5/3) = 1.8
    return power


def categories(
    statistic: Statistic, current: NDArray[Any], total: NDArray[Any], expected: Floats, rest: Floats
) -> Floats:
    """Return what each category adds: its cells of both samples, of which `current` is one.

    It is at least 0, and grows with the distance of `current` from `expected` on either side. `rest` is what
    is expected of the other sample; `total` is the sum of both.
    """
    if statistic == "pearson":
        away: Floats = (current - expected) ** 2 * (1.0 / expected + 1.0 / rest)
        return away
    return cells(statistic, current, expected) + cells(statistic, total - current, rest)


def excess(statistic: Statistic, rows: Floats, columns: Floats) -> float:
    """Return how far beyond its limit law the statistic of a table lies on average, relatively.

    `rows` and `columns` are the sums of the table. For the likelihood ratio it is Williams' correction, of
    first order in the reciprocals of the counts; the others have none of that order.
    """
    if statistic != "g":
        return 0.0
    total = float(rows.sum())
    across, along = total * float((1.0 / rows).sum()) - 1.0, total * float((1.0 / columns).sum()) - 1.0
    return across * along / (6.0 * total * max((len(rows) - 1) * (len(columns) - 1), 1))
