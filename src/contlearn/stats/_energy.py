"""The energy distance between two samples of rows: its test by permutation, and how far apart they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contlearn import _checks
from contlearn.stats._array_api import namespace, taken
from contlearn.stats._kernels import Floats, bin_pair_sums, conditioned, distance_sum, line_pair_sums
from contlearn.stats._relabelings import Bins, divided, drawn, plan, relabelings
from contlearn.stats._samples import samples

_TIE = 1e-12  # two relabelings whose distances differ by so little of the mean distance differ by rounding
_MOST_PAIRED = 20_000  # rows in both samples together up to which all pairs are worth their time


class EnergyResult(NamedTuple):
    """The outcome of `energy`.

    Attributes
    ----------
    statistic
        Energy distance ``2 E|X - Y| - E|X - X'| - E|Y - Y'|`` of the two samples, in the unit of the data,
        each mean over all pairs of rows, those of a row with itself included. At least 0; no root is taken.
    p_value
        ``(1 + k) / (B + 1)``, with k of B relabelings at least as extreme as the samples; or the exact share,
        the samples included, where so few relabelings exist that all of them were looked at.
    coefficient
        `statistic` in units of ``2 E|X - Y|``: between 0 (the same) and 1 (each sample is one point).
    n_x, n_y
        Rows of each sample that went into the statistic.
    n_permutations
        Relabelings that the samples were compared with.
    """

    statistic: float
    p_value: float
    coefficient: float
    n_x: int
    n_y: int
    n_permutations: int


def energy(
    X: ArrayLike,
    Y: ArrayLike,
    n_permutations: int = 999,
    rng: int | np.random.Generator | None = 0,
    *,
    block: int | None = None,
) -> EnergyResult:
    """Test whether two samples come from the same distribution, by the energy distance.

    The energy distance is 0 for equal distributions and above 0 for all others with finite means. It has
    nothing to be chosen, and is strongest where the mean has shifted; for changes of spread or of dependence
    in many columns `mmd` is. With exchangeable rows the rate of p <= alpha is at most alpha at every sample
    size, and equal to it but for ties and for p taking steps.

    Relabelings move whole bins of rows, of one size in both samples, so that their number hardly costs
    anything. Rows are put into bins at random. The p-value leaves out at random less than one bin of either
    sample, and what the larger sample has beyond eight times the smaller and beyond 256 rows.

    Parameters
    ----------
    X, Y
        The samples, shape (rows, columns) or (rows,): finite numbers, at least two rows each. Distances are
        Euclidean in the units given, so a column of large numbers outweighs the others. Tensors of torch, and
        arrays of any library that keeps the array API standard, are computed with on the device where they
        lie, both on the same.
    n_permutations
        Number of random relabelings; the smallest possible p-value is 1 / (n_permutations + 1). Where no more
        distinct relabelings exist, all are enumerated instead.
    rng
        Seed or generator for bins and relabelings. The same seed gives the same answer.
    block
        For rows in order of time, of which those nearer than `block` rows depend on each other: blocks of so
        many consecutive rows stay together in every relabeling, and for the p-value pairs within a bin are
        not counted.

    Returns
    -------
    EnergyResult
        A named tuple that begins with `statistic` and `p_value`. Where all rows are equal, 0.0 and 1.0.

    Raises
    ------
    InvalidInputError
        If a sample is not a table of finite numbers, has less than two rows or less than one block, or other
        columns than the other.
    InvalidParameterError
        If `n_permutations` or `block` is not a positive integer, or `rng` seeds no generator.
    MissingDependencyError
        If a tensor of torch or an array of CuPy comes without the package array-api-compat.

    Notes
    -----
    In one column time is O(N log N) for N rows in both samples, in more it is O(N² d). There, of more than
    20,000 rows only those that the p-value is about go into the statistic (`n_x` and `n_y` say how many).
    Memory is that of some copies of the rows, and some megabytes. All arithmetic is in float64 on centred
    rows: a constant added to every row changes nothing but the last digits.

    References
    ----------
    Székely and Rizzo (2013), "Energy statistics: a class of statistics based on distances". Domingo-Enrich,
    Dwivedi and Mackey (2025), "Cheap permutation testing", arXiv 2502.07672, for the bins.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.stats import energy
    >>> energy([0.0, 1.0], [0.0, 3.0]).statistic
    1.0
    >>> rng = np.random.default_rng(7)
    >>> X = rng.normal(size=(300, 2))
    >>> energy(X, rng.normal(size=(200, 2))).p_value > 0.05
    True
    >>> energy(X, rng.normal(size=(200, 2)) + 0.5).p_value
    0.001
    """
    x, y = samples(X, Y, block)
    n_permutations = _checks.count("n_permutations", n_permutations)
    everything = x.shape[1] == 1 or x.shape[0] + y.shape[0] <= _MOST_PAIRED
    rng = _checks.generator("rng", rng)
    return measured(x, y, n_permutations, rng, block, everything=everything).result


class Measured(NamedTuple):
    """All that `energy` looked at.

    Attributes
    ----------
    result
        What `energy` returns.
    distances
        Summed over pairs of bins, shape (bins, bins); 0 within a bin where rows come in blocks.
    bins
        How many bins of which size the samples were divided into; those of X come first.
    members
        Shape (bins, 1 + relabelings): 1 where a bin is called X; the samples as they are come first.
    """

    result: EnergyResult
    distances: Floats
    bins: Bins
    members: Floats


def measured(
    x: Any,
    y: Any,
    n_permutations: int,
    rng: np.random.Generator,
    block: int | None = None,
    *,
    everything: bool = False,
) -> Measured:
    """Return all that `energy` looks at, for samples whose rows are known to be usable.

    `everything`: whether the statistic is over all rows, or over those that the p-value is about.
    """
    bins = plan(x.shape[0], y.shape[0], block or 1)
    rows, n, m = _arranged(x, y, bins, rng, block or 1, everything=everything)
    rows, size = conditioned(rows)
    n_bins = bins.x + bins.y
    if size == 0.0:
        result = EnergyResult(0.0, 1.0, 0.0, n, m, 0)
        return Measured(result, np.zeros((n_bins, n_bins)), bins, np.ones((n_bins, 1)))
    compared = rows[: n_bins * bins.size, ...]
    line = isinstance(rows, np.ndarray) and rows.shape[1] == 1
    distances = line_pair_sums(compared[:, 0], bins.size) if line else _pair_sums(compared, bins.size)
    statistic, across = (_on_a_line if line else _over_pairs)(rows, distances, bins, (n, m))
    own = 0
    if block is not None and block > 1:  # what depends within a block is no distance between samples
        own = bins.size
        np.fill_diagonal(distances, 0.0)
    members = np.concatenate(list(relabelings(bins, n_permutations, rng)), axis=1)
    p_value = _p_value(distances, members, bins, own)
    coefficient = min(1.0, statistic / (2.0 * across)) if across > 0.0 else 0.0
    result = EnergyResult(statistic * size, p_value, coefficient, n, m, members.shape[1] - 1)
    return Measured(result, distances, bins, members)


def _arranged(
    x: Any, y: Any, bins: Bins, rng: np.random.Generator, block: int, *, everything: bool
) -> tuple[Any, int, int]:
    """Return the rows to compare, bin after bin, then the others of `x` and of `y`; and how many of each."""
    parts, rest, counts = [], [], []
    for side, n_bins in ((x, bins.x), (y, bins.y)):
        chosen = drawn(side.shape[0], bins.size * n_bins, rng, block)
        parts.append(taken(side, chosen))
        counts.append(side.shape[0] if everything else len(chosen))
        if everything:
            rest.append(taken(side, np.setdiff1d(np.arange(side.shape[0]), chosen)))
    return namespace(x).concat([*parts, *rest]), *counts


def _pair_sums(rows: Any, bin_size: int) -> Floats:
    distances: Floats = -bin_pair_sums(rows, bin_size, n_gaussian=0)[0]
    return distances


def _over_pairs(rows: Any, distances: Floats, bins: Bins, counts: tuple[int, int]) -> tuple[float, float]:
    """Return the energy distance and the mean distance across, over all pairs of `rows`."""
    n, m = counts
    first, second = bins.x * bins.size, bins.y * bins.size
    labels = np.arange(bins.x + bins.y) < bins.x
    inside, across, outside = (
        float(distances[labels][:, labels].sum()),
        float(distances[labels][:, ~labels].sum()),
        float(distances[~labels][:, ~labels].sum()),
    )
    x, y = rows[:first, ...], rows[first : first + second, ...]
    x_rest, y_rest = rows[first + second : second + n, ...], rows[second + n :, ...]
    inside += 2.0 * distance_sum(x, x_rest) + distance_sum(x_rest, x_rest)
    outside += 2.0 * distance_sum(y, y_rest) + distance_sum(y_rest, y_rest)
    across += distance_sum(x, y_rest) + distance_sum(x_rest, y) + distance_sum(x_rest, y_rest)
    statistic = 2.0 * across / (n * m) - inside / n**2 - outside / m**2
    return max(0.0, statistic), across / (n * m)


def _on_a_line(rows: Floats, _: Floats, bins: Bins, counts: tuple[int, int]) -> tuple[float, float]:
    """Return the same for rows of one column, from their distribution functions."""
    n, m = counts
    first, second = bins.x * bins.size, bins.y * bins.size
    labels = np.zeros(n + m)
    labels[:first] = labels[first + second : second + n] = 1.0
    order = np.argsort(rows[:, 0])
    gaps = np.diff(rows[order, 0])
    below_x = np.cumsum(labels[order])[:-1] / n
    below_y = np.cumsum(1.0 - labels[order])[:-1] / m
    across = gaps @ (below_x * (1.0 - below_y) + below_y * (1.0 - below_x))
    return float(2.0 * gaps @ (below_x - below_y) ** 2), float(across)


def mean_distances(distances: Floats, members: Floats, bins: Bins, own: int) -> tuple[Floats, Floats, Floats]:
    """Return the mean distances inside X, across, and inside Y, one per relabeling.

    A row is paired with all others of its sample but for `own` ones.
    """
    n, m = bins.size * bins.x, bins.size * bins.y
    inside, across, outside = (sums[0] for sums in divided(distances[np.newaxis], members))
    return inside / max(1, n * (n - own)), across / (n * m), outside / max(1, m * (m - own))


def _p_value(distances: Floats, members: Floats, bins: Bins, own: int) -> float:
    inside, across, outside = mean_distances(distances, members, bins, own)
    energies = 2.0 * across - inside - outside
    tie = _TIE * (inside + 2.0 * across + outside).max()
    return float(np.count_nonzero(energies >= energies[0] - tie) / len(energies))
