"""Rows as centred random Fourier features in whole numbers: sums of them, and of their squares, are exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contlearn.stats._random_features import FeatureMap, centre_and_spread, feature_map, values_of

_COARSER = 16.0  # features of the map are whole numbers up to 2**14; up to 2**10 is fine enough, and exact
_BANDWIDTHS = 2  # the typical distance, which sees shifts best, and half of it, which sees spreads
_AT_ONCE = 1024

Floats = NDArray[np.float64]


class RowFeatures:
    """Features of rows, less their mean over a reference.

    The sum over a window of n rows is exact, and so is the sum of its squares as long as n**2 times the
    number of features is below 2**31.

    Parameters
    ----------
    reference
        Complete rows, shape (rows, columns).
    n_features
        How many features, cosines and sines together.
    """

    def __init__(self, reference: Floats, n_features: int, rng: np.random.Generator) -> None:
        centre, spread = centre_and_spread(reference, alike=False)
        whole = feature_map(reference, centre, spread, rng)
        self._map = _thinned(whole, n_features)
        self._mean = np.zeros(2 * self._map.frequencies.shape[1])
        self._mean = np.rint(self.of(reference).mean(axis=0))

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self._mean)

    def of(self, rows: Floats) -> Floats:
        """Return the features of rows, shape (rows, features)."""
        parts = [self._of(rows[begin : begin + _AT_ONCE]) for begin in range(0, len(rows), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, len(self._mean)))

    def _of(self, rows: Floats) -> Floats:
        values = values_of(self._map, rows)
        found: Floats = np.rint(np.concatenate(list(values), axis=1) / _COARSER) - self._mean
        return found


def _thinned(features: FeatureMap, n_features: int) -> FeatureMap:
    """Return the map with fewer bandwidths and frequencies."""
    n_bandwidths = min(_BANDWIDTHS, len(features.digits))
    width = features.frequencies.shape[1] // len(features.digits)
    kept = max(1, min(width, n_features // (2 * n_bandwidths)))
    columns = [features.frequencies[:, i * width : i * width + kept] for i in range(n_bandwidths)]
    return features._replace(frequencies=np.hstack(columns), digits=features.digits[:n_bandwidths])
