"""Random Fourier features in whole numbers: sums of them are the same in any order.

A row becomes cosines and sines of random projections, one set for each bandwidth of a ladder. Rows,
frequencies and values are rounded to integers on the way, so that no sum ever rounds: the totals of a table
do not depend on how its rows were split, ordered or multiplied.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ONE = 2**14  # what a cosine of 1 becomes

_MOST_BANDWIDTHS = 5
_N_FREQUENCIES = 320  # over all bandwidths: as many cosines and as many sines
_STRANGERS = 0.02  # mean value of a kernel below which its features see nothing but their noise

_ROW_BITS = 16  # binary digits behind the point of a standardised value
_FARTHEST = 2**12  # spreads from the centre beyond which a value is held
_FREQUENCY_BITS = 20
_EXACT_BITS = 53
_TABLE_BITS = 12  # a turn has so many different cosines
_AT_ONCE = 1024  # rows: their features take 5 MB, and sums of their products are far below 2**53
_HELD = 8.0
_SHRINK, _FINITE = 2.0**10, 1e305  # so that differences of the largest floats stay finite
_SUBSET = 512  # rows that the bandwidths are found from
_LOW, _HIGH = 2.0**-4, 2.0**20  # typical distances, in spreads, that the ladder can start from

_TURN = np.arange(2**_TABLE_BITS) * (2.0 * np.pi / 2**_TABLE_BITS)
_COSINES = np.rint(ONE * np.cos(_TURN))


class FeatureMap(NamedTuple):
    """How a row becomes features, fixed by the reference and a seed.

    Attributes
    ----------
    centre, spread
        Of each column: a row is centred and divided by them.
    frequencies
        Whole numbers, shape (columns, bandwidths * frequencies), in turns per spread times ``2**digits``.
    digits
        Of each bandwidth: binary digits of its frequencies behind the point.
    bandwidth
        The widest one, in spreads; each next is half of it.
    """

    centre: Floats
    spread: Floats
    frequencies: Floats
    digits: tuple[int, ...]
    bandwidth: float


class Moments(NamedTuple):
    """Sums over some rows of their features, in units of ``1 / ONE``, for each bandwidth by itself.

    Attributes
    ----------
    n
        Number of rows.
    sums
        Shape (bandwidths, features).
    products
        Of pairs of features, shape (bandwidths, features, features).
    """

    n: int
    sums: Integers
    products: Integers

    def merge(self, other: Moments) -> Moments:
        """Return the sums over the rows of both."""
        return Moments(self.n + other.n, self.sums + other.sums, self.products + other.products)


def feature_map(rows: Floats, centre: Floats, spread: Floats, rng: np.random.Generator) -> FeatureMap:
    """Return a map with bandwidths from the typical distance of `rows` down to a sixteenth of it.

    Where so narrow a kernel is 0 for nearly all pairs of rows, as in many columns, its features would see
    nothing: the ladder ends before, and those that are left share the frequencies.
    """
    few = rows if len(rows) <= _SUBSET else rows[rng.choice(len(rows), _SUBSET, replace=False)]
    squares = _squared_distances(_scaled(few, centre, spread) / 2.0**_ROW_BITS)
    bandwidth = min(max(_typical(squares), _LOW), _HIGH)
    n_bandwidths = _useful(squares / (2.0 * bandwidth**2))
    n_columns = rows.shape[1]
    bits = min(_FREQUENCY_BITS, _EXACT_BITS - _ROW_BITS - 12 - max(1, (n_columns - 1).bit_length()))
    whole, digits = [], []
    for step in range(n_bandwidths):
        turns = rng.normal(size=(n_columns, _N_FREQUENCIES // n_bandwidths))
        turns *= 2.0**step / (2.0 * np.pi * bandwidth)
        digits.append(bits - math.frexp(float(np.abs(turns).max()))[1])
        whole.append(np.rint(np.ldexp(turns, digits[-1])))
    return FeatureMap(centre, spread, np.hstack(whole), tuple(digits), bandwidth)


def centre_and_spread(rows: Floats, *, alike: bool) -> tuple[Floats, Floats]:
    """Return the median of each column, and its standard deviation with far values held.

    Values are held at eight times half the distance of the quartiles; or, where half of a column is one
    value, of the mean distance from the median. With `alike`, all columns have the largest spread.
    """
    centre = np.median(rows, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        away = np.clip(rows / _SHRINK - centre / _SHRINK, -_FINITE, _FINITE)
    low, high = np.quantile(away, [0.25, 0.75], axis=0)
    typical = (high - low) / 2.0
    typical = np.where(typical > 0.0, typical, np.abs(away).mean(axis=0))
    typical = np.where(typical > 0.0, typical, 1.0)
    spread = np.clip(away / typical, -_HELD, _HELD).std(axis=0) * typical * _SHRINK
    spread = np.where(spread > 0.0, spread, 0.0)
    if alike:
        spread = np.full_like(spread, spread.max())
    return centre, np.where(spread > 0.0, spread, 1.0)


def tails(rows: Floats, centre: Floats, spread: Floats) -> float:
    """Return the variance of the columns' squares over that of normal ones, at least 1.

    The spread of a column of few values far from the others is known from those few rows only. A map that is
    scaled by it makes the reference look narrower than it is, and with many columns that shows.
    """
    with np.errstate(over="ignore"):
        away = np.clip((rows - centre) / spread, -_HELD, _HELD)
    squares = (away - away.mean(axis=0)) ** 2
    variance = squares.mean(axis=0)
    vary = variance > 0.0
    if not vary.any():
        return 1.0
    kurtosis = (squares[:, vary] ** 2).mean(axis=0) / variance[vary] ** 2
    return max(1.0, (float(kurtosis.mean()) - 1.0) / 2.0)


def _squared_distances(rows: Floats) -> Floats:
    """Return those of all pairs of `rows`."""
    squares = (rows**2).sum(axis=1)
    distances = squares[:, None] + squares - 2.0 * rows @ rows.T
    both = squares[:, None] + squares
    distances[distances <= 1e-12 * both] = 0.0
    pairs: Floats = distances[np.triu_indices(len(rows), k=1)]
    return pairs


def _typical(squares: Floats) -> float:
    """Return the geometric mean of the distances that are not 0.

    It moves little with single rows, also where few values are possible. A median jumps there, and a map
    that depends much on the rows of the reference makes these look special.
    """
    different = squares[squares > 0.0]
    return math.exp(float(np.log(different).mean()) / 2.0) if len(different) else 1.0


def _useful(squares: Floats) -> int:
    """Return how many bandwidths see more than strangers, given squared distances in units of the widest."""
    with np.errstate(under="ignore"):
        kernels = [
            float(np.exp(-squares * 4.0**step).mean()) if len(squares) else 0.0
            for step in range(1, _MOST_BANDWIDTHS)
        ]
    return 1 + sum(1 for mean in kernels if mean > _STRANGERS)


def moments(features: FeatureMap, rows: Floats) -> Moments:
    """Return the sums over `rows` of their features and of the products of these: exact whole numbers."""
    n_bandwidths = len(features.digits)
    width = 2 * features.frequencies.shape[1] // n_bandwidths
    sums = np.zeros((n_bandwidths, width), dtype=np.int64)
    products = np.zeros((n_bandwidths, width, width), dtype=np.int64)
    for begin in range(0, len(rows), _AT_ONCE):
        values = values_of(features, rows[begin : begin + _AT_ONCE])
        sums += values.sum(axis=1).astype(np.int64)
        products += np.matmul(values.transpose(0, 2, 1), values).astype(np.int64)
    return Moments(len(rows), sums, products)


def block_sums(features: FeatureMap, rows: Floats, block: int) -> Floats:
    """Return the features summed over blocks of consecutive rows, shape (bandwidths, blocks, features)."""
    n_blocks, step = len(rows) // block, max(1, _AT_ONCE // block)
    parts = []
    for begin in range(0, n_blocks, step):
        end = min(begin + step, n_blocks)
        values = values_of(features, rows[begin * block : end * block])
        parts.append(values.reshape(len(values), end - begin, block, -1).sum(axis=2))
    return np.concatenate(parts, axis=1)


def values_of(features: FeatureMap, rows: Floats) -> Floats:
    """Return the features of `rows` as whole numbers, shape (bandwidths, rows, features).

    The projections are sums of products of whole numbers below 2**53, and the cosines come from a table:
    a row has the same features whatever stands beside it.
    """
    n_bandwidths = len(features.digits)
    projections = _scaled(rows, features.centre, features.spread) @ features.frequencies
    turns = projections.astype(np.int64).reshape(len(rows), n_bandwidths, -1)
    n_frequencies = turns.shape[2]
    values = np.empty((n_bandwidths, len(rows), 2 * n_frequencies))
    quarter, whole = 2 ** (_TABLE_BITS - 2), 2**_TABLE_BITS - 1
    for each, digits in enumerate(features.digits):
        places = _shifted(turns[:, each], _ROW_BITS + digits - _TABLE_BITS) & whole
        values[each, :, :n_frequencies] = _COSINES[places]
        values[each, :, n_frequencies:] = _COSINES[(places - quarter) & whole]
    return values


def _scaled(rows: Floats, centre: Floats, spread: Floats) -> Floats:
    """Return `rows` centred and divided by the spread, in whole numbers."""
    with np.errstate(over="ignore"):
        away = np.clip((rows - centre) / spread, -_FARTHEST, _FARTHEST)
    whole: Floats = np.rint(away * 2.0**_ROW_BITS)
    return whole


def _shifted(turns: Integers, digits: int) -> Integers:
    return turns >> digits if digits >= 0 else turns << -digits
