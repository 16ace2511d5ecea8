"""Which rows of a batch are most unlike the reference, by what a test of all of them saw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.drift._mmd_findings import Learnt
from contlearn.stats._array_api import taken
from contlearn.stats._kernels import N_GAUSSIAN
from contlearn.stats._mmd import measured
from contlearn.stats._mmd_features import law_of_rows, p_values, squared_distances
from contlearn.stats._random_features import ONE, moments, values_of
from contlearn.stats._witness import witness

Floats = NDArray[np.float64]

_AT_ONCE = 1024  # rows: their features take some megabytes


def foreign_rows(
    before: Any,
    current: Any,
    among: NDArray[np.intp],
    n_permutations: int,
    block: int | None,
    rng: np.random.Generator,
) -> Floats:
    """Return the witness function at rows, under the kernel whose discrepancy stands out most.

    `among` are the places of the current rows that stand for all of them.
    """
    if min(before.shape[0], len(among)) < max(2, block or 1):
        return np.full(current.shape[0], np.nan)
    result = measured(before, taken(current, among), n_permutations, rng, block).result
    kernel = N_GAUSSIAN if result.bandwidth is None else result.bandwidths.index(result.bandwidth)
    return witness(before, current, among, result.bandwidths[0], kernel, block or 1)


def foreign_features(reference: Learnt, rows: Floats) -> Floats:
    """Return the witness function at rows, from random features of the bandwidth that saw most."""
    before, after = reference.moments, moments(reference.features, rows)
    law = reference.law or law_of_rows(before, after)
    place = 0
    if law is not None:
        place = int(np.argmin(p_values(squared_distances(before, after), law, before.n, after.n)))
    width = len(before.sums[place]) / 2.0
    here, there = after.sums[place].astype(np.float64), before.sums[place] / before.n
    found = np.empty(len(rows))
    for begin in range(0, len(rows), _AT_ONCE):
        values = values_of(reference.features, rows[begin : begin + _AT_ONCE])[place]
        own = (values**2).sum(axis=1)
        found[begin : begin + _AT_ONCE] = (values @ here - own) / (after.n - 1) - values @ there
    return found / (width * ONE**2)
