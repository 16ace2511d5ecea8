"""How far the exact limits of precision lie beyond those that its spread shows.

Twelve flags of twelve that are right have no spread, and neither bootstrap nor jackknife sees that the true
precision may be 0.78. (Recall and F1 of two models rest on the same positives, and need none of this.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Shares(NamedTuple):
    """A metric as a weighted sum of shares.

    Attributes
    ----------
    hits, rows
        Of each share; whole numbers.
    weights
        Of each share in the sum.
    """

    hits: Floats
    rows: Floats
    weights: Floats

    def beyond(self, alpha: float) -> tuple[float, float]:
        """Return how far the exact lower and upper limits lie beyond those of the normal law, summed.

        The limits are Clopper and Pearson's at the one-sided level `alpha`; a share of no rows, which counts
        as 0, may be anything.
        """
        from scipy.special import betaincinv, ndtri

        misses = self.rows - self.hits
        low = np.where(self.hits > 0, betaincinv(np.maximum(self.hits, 1.0), misses + 1.0, alpha), 0.0)
        high = np.where(misses > 0, betaincinv(self.hits + 1.0, np.maximum(misses, 1.0), 1.0 - alpha), 1.0)
        share = self.hits / np.maximum(self.rows, 1.0)
        seen = -float(ndtri(alpha)) * np.sqrt(share * (1.0 - share) / np.maximum(self.rows, 1.0))
        under, over = (np.maximum(reach - seen, 0.0) for reach in (share - low, high - share))
        return float(self.weights @ under), float(self.weights @ over)
