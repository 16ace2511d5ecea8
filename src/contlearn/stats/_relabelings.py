"""Which rows make up a bin, and which bins change places: what a permutation test of whole bins draws.

Bins have one size in both samples, so that they are exchangeable and the test is exact; and they are few, so
that the number of relabelings hardly costs anything.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._array_api import namespace, taken

Floats = NDArray[np.float64]

_N_BINS = 128  # in both samples together: more of them gain no power that could be measured
_SMALLER_BINS = 32  # about so many in the smaller sample at least, as far as it has the rows
_MOST_UNEQUAL = 8  # rows of the larger sample per row of the smaller: more of them add less than an eighth
_ALWAYS_USED = 256  # rows of the larger sample that cost nothing
_AT_ONCE = 1024  # relabelings in one matrix product, which bounds the memory


class Bins(NamedTuple):
    """How two samples are divided into bins of one size."""

    size: int
    x: int
    y: int


def plan(n: int, m: int, block: int = 1) -> Bins:
    """Return the bins for samples of `n` and `m` rows; a bin is made of whole blocks of `block` rows.

    A sample of less than one block has no bin.
    """
    most = max(_MOST_UNEQUAL * min(n, m), _ALWAYS_USED)
    n, m = min(n, most) // block, min(m, most) // block
    blocks = max(1, min((n + m) // _N_BINS, round(min(n, m) / _SMALLER_BINS)))
    return Bins(block * blocks, n // blocks, m // blocks)


def drawn(n_rows: int, n: int, rng: np.random.Generator, block: int = 1) -> NDArray[np.intp]:
    """Return `n` of `n_rows` positions in random order, so that consecutive ones make a random bin.

    Whole blocks of `block` consecutive positions stay together. Rows that fill no block are left out at one
    end or the other, at random.
    """
    order = rng.permutation(n_rows // block)[: n // block]
    if block == 1:
        return order
    first = rng.integers(n_rows % block + 1)
    return (first + block * order[:, np.newaxis] + np.arange(block)).ravel()


def binned(x: Any, y: Any, bins: Bins, rng: np.random.Generator, block: int = 1) -> Any:
    """Return the rows of both samples, one bin after the other, those of `x` first; where they lie."""
    n, m = bins.size * bins.x, bins.size * bins.y
    sides = [taken(x, drawn(x.shape[0], n, rng, block)), taken(y, drawn(y.shape[0], m, rng, block))]
    return namespace(x).concat(sides)


def relabelings(bins: Bins, n_permutations: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield matrices whose columns mark with 1 the bins called X: the samples as they are come first.

    Where no more than `n_permutations` others exist, all of them are enumerated.
    """
    n_bins = bins.x + bins.y
    as_it_is = np.arange(n_bins) < bins.x
    if math.comb(n_bins, bins.x) <= n_permutations + 1:
        every = np.array(list(itertools.combinations(range(n_bins), bins.x)))
        marks = np.zeros((len(every), n_bins))
        np.put_along_axis(marks, every, 1.0, axis=1)
        yield marks.T  # in lexicographic order, which begins with the first bins
        return
    yield as_it_is[:, None].astype(np.float64)
    for begin in range(0, n_permutations, _AT_ONCE):
        rows = np.tile(as_it_is, (min(_AT_ONCE, n_permutations - begin), 1))
        yield rng.permuted(rows, axis=1, out=rows).T.astype(np.float64)


def divided(sums: Floats, members: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the sums over pairs inside X, across, and inside Y: one row per kernel, a column per relabeling.

    Parameters
    ----------
    sums
        Kernel values summed over pairs of bins, shape (kernels, bins, bins), symmetric.
    members
        Shape (bins, relabelings): 1 where a bin is called X.
    """
    of_bins = sums.sum(axis=2)
    inside = np.stack([np.einsum("ij,ij->j", members, kernel @ members) for kernel in sums])
    across = of_bins @ members - inside
    outside = of_bins.sum(axis=1, keepdims=True) - 2.0 * across - inside
    return inside, across, outside


def smallest_p_value(n: int, m: int, n_permutations: int, block: int = 1) -> float:
    """Return the smallest p-value that relabelings of samples of `n` and `m` rows can give."""
    if min(n, m) < max(2, block):
        return 1.0
    bins = plan(n, m, block)
    alike = 2 if bins.x == bins.y else 1  # exchanging equally large samples changes nothing
    return max(1.0 / (n_permutations + 1), alike / math.comb(bins.x + bins.y, bins.x))
