"""The expected calibration error of few rows: how far it lies above the true one, and what that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from contlearn.results import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SURE = 1.6448536269514722  # standard errors by which a gap is taken to be smaller than it looks
_NEVER = 1e-6  # tail beyond which nothing is looked for
_STEPS = 4_001


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


class Binned(NamedTuple):
    """Promises and what came true, by bins of equal numbers of rows.

    Attributes
    ----------
    gaps
        Of each bin: what came true less what was promised, as a share of all rows.
    noise
        Their standard errors as they are found: by so much noise looks like error.
    errors
        Standard errors on the safe side: of exact binomial limits, and of clusters where these vary more.
    spread
        Largest standard error of the sum of the gaps over all their signs, on the safe side.
    degrees
        Of freedom; infinite for independent rows.
    """

    gaps: Floats
    noise: Floats
    errors: Floats
    spread: float
    degrees: float

    @property
    def error(self) -> float:
        """The calibration error as it is found, which lies above the true one on average."""
        return float(abs(self.gaps).sum())

    def p_above(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the true error is at least `limit`."""
        import numpy as np
        from scipy.special import stdtr

        true = np.linspace(limit, max(limit, self._far()), _STEPS)
        return float(stdtr(self.degrees, self._heights(true).max()))

    def p_below(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the true error is at most `limit`."""
        from scipy.special import stdtr

        return float(stdtr(self.degrees, -(self.error - self._bias() - limit) / self.spread))

    def interval(self, confidence: float) -> Interval:
        """Return the errors that neither one-sided test rejects, none below 0."""
        import numpy as np
        from scipy.special import stdtrit

        reach = float(stdtrit(self.degrees, (1.0 - confidence) / 2.0))
        true = np.linspace(0.0, self._far(), _STEPS)
        high = float(true[self._heights(true) >= reach].max(initial=0.0))
        low = max(0.0, self.error - self._bias() + reach * self.spread)
        return Interval(self.error, min(low, self.error), min(1.0, max(high, self.error)), confidence)

    def _bias(self) -> float:
        return largest_bias(self.gaps, self.errors)

    def _far(self) -> float:
        from scipy.special import stdtrit

        return self.error - float(stdtrit(self.degrees, _NEVER)) * self.spread

    def _heights(self, true: Floats) -> Floats:
        """Return how high the error found lies for each `true` one, in standard errors.

        Of all gaps with the same sum, those that are equal, in standard errors, look smallest on average.
        """
        import numpy as np

        whole = max(float(self.noise.sum()), 1e-12)
        r = true / whole
        looks = mean_absolute(r)
        variance = np.full(true.shape, self.spread**2)
        if np.isinf(self.degrees):  # noise whose sign is lost varies less
            variance = variance - float((self.noise**2).sum()) * (looks**2 - r * r)
        heights: Floats = (self.error - whole * looks) / np.sqrt(variance)
        return heights


def binned(said: Floats, right: Floats, bins: int, codes: NDArray[np.intp] | None, alpha: float) -> Binned:
    """Return promises and what came true in `bins` bins of about equal numbers of rows; ties stay together.

    The errors are such that the quantile of the normal law at `alpha` gives the exact binomial limit.
    """
    import numpy as np

    n = said.size
    edges = np.unique(np.sort(said)[(np.arange(1, bins) * n) // bins])
    places = np.unique(np.searchsorted(edges, said, side="right"), return_inverse=True)[1]
    rows = np.bincount(places).astype(np.float64)
    hits = np.bincount(places, weights=right).astype(np.float64)
    gaps = np.bincount(places, weights=right - said) / n
    apart = right - said - (gaps * n / rows)[places]
    noise = np.sqrt(np.bincount(places, weights=apart**2)) / n
    errors = np.maximum(noise, rows / n * _binomial_errors(hits, rows, alpha))
    if codes is None:
        return Binned(gaps, noise, errors, float(np.sqrt((errors**2).sum())), np.inf)
    covariance, degrees = _of_clusters(apart, places, codes)
    errors = np.maximum(errors, np.sqrt(np.diag(covariance)))
    np.fill_diagonal(covariance, errors**2)
    return Binned(gaps, noise, errors, _largest_spread(covariance), degrees)


def _binomial_errors(hits: Floats, rows: Floats, alpha: float) -> Floats:
    """Return how far the exact limits of a share lie from it, in the quantile of the normal law."""
    import numpy as np
    from scipy.special import betaincinv, ndtri

    low = np.where(hits > 0, betaincinv(np.maximum(hits, 1.0), rows - hits + 1.0, alpha), 0.0)
    high = np.where(hits < rows, betaincinv(hits + 1.0, np.maximum(rows - hits, 1.0), 1.0 - alpha), 1.0)
    share = hits / rows
    reach: Floats = np.maximum(share - low, high - share) / -float(ndtri(alpha))
    return reach


def _of_clusters(apart: Floats, places: NDArray[np.intp], codes: NDArray[np.intp]) -> tuple[Floats, float]:
    """Return the jackknife's covariance of the bins over clusters, and degrees of freedom."""
    import numpy as np

    clusters, bins = int(codes.max()) + 1, int(places.max()) + 1
    sums = np.bincount(codes * bins + places, weights=apart, minlength=clusters * bins)
    share = np.bincount(codes) / codes.size
    pulls = sums.reshape(clusters, bins) / (1.0 - share)[:, None] / codes.size
    covariance: Floats = (clusters - 1.0) / clusters * pulls.T @ pulls
    return covariance, max(1.0, min(clusters, 1.0 / float((share**2).sum())) - 1.0)


def _largest_spread(covariance: Floats) -> float:
    """Return the largest standard error of the sum of the bins over all their signs."""
    import numpy as np

    bins = len(covariance)
    signs = 1.0 - 2.0 * ((np.arange(2 ** (bins - 1))[:, None] >> np.arange(bins)) & 1)
    return float(np.sqrt(np.einsum("ij,jk,ik->i", signs, covariance, signs).max()))
