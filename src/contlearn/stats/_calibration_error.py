"""The expected calibration error of few rows: how far it lies above the true one, and what that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SURE = 1.6448536269514722  # standard errors by which a gap is taken to be smaller than it looks


def mean_absolute(r: Floats) -> Floats:
    """Return E|r + Z|, Z standard normal: a true gap of `r` standard errors looks like that on average."""
    import numpy as np
    from scipy.special import ndtr

    looks: Floats = r * (2.0 * ndtr(r) - 1.0) + np.sqrt(2.0 / np.pi) * np.exp(-0.5 * r * r)
    return looks


def largest_bias(gaps: Floats, errors: Floats) -> float:
    """Return how far the sum of |gaps| may lie above its true value, on average.

    `errors` are the standard errors of the gaps. A gap of 0 looks like 0.8 standard errors; one that is
    beyond doubt looks as large as it is.
    """
    import numpy as np

    r = np.divide(np.abs(gaps), errors, out=np.zeros_like(gaps), where=errors > 0.0)
    least = np.maximum(r - _SURE, 0.0)
    return float((errors * (mean_absolute(least) - least)).sum())


def gaps_of(columns: Floats, codes: NDArray[np.intp] | None) -> tuple[Floats, Floats]:
    """Return the mean of each column and its standard error, by rows or by clusters."""
    import numpy as np

    n = len(columns)
    gaps = columns.sum(axis=0) / n
    sums = columns
    if codes is not None:
        sums = np.column_stack([np.bincount(codes, weights=column) for column in columns.T])
    units = len(sums)
    spread = ((sums - sums.mean(axis=0)) ** 2).sum(axis=0) * units / max(units - 1, 1)
    return gaps, np.sqrt(spread) / n
