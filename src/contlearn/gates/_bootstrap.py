"""How sure the gain of a metric is: a paired bootstrap beside the jackknife, the more cautious of the two."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contlearn.gates._resampling import OfSums, Paired
from contlearn.results import Interval
from contlearn.stats import _bootstrap, _mean

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


class Slack(NamedTuple):
    """How far the gain may lie above the truth, and below it, because its metrics are biased."""

    above: float = 0.0
    below: float = 0.0


class Resampled(NamedTuple):
    """What a trial says about the gain of a metric.

    Attributes
    ----------
    gain
        The gain as it was found.
    mean
        Its error by the jackknife; 0 if unknown.
    drawn
        The gains of the resamples, NaN where the metric was undefined.
    slack
        Bias that is held against either claim.
    """

    gain: float
    mean: _mean.Mean
    drawn: Floats
    slack: Slack

    def p_above(self, margin: float) -> float:
        """Return the larger p-value of the hypothesis that the gain is at most `margin`."""
        by_t = self._down().p_above(margin)
        kept = ~(self._drawn_down() > margin)  # undefined counts against the claim
        return max(1.0 if by_t is None else by_t, (1.0 + int(kept.sum())) / (1.0 + self.drawn.size))

    def mirrored(self) -> Resampled:
        """Return the same for the gain of the champion over the challenger."""
        slack = Slack(self.slack.below, self.slack.above)
        return Resampled(-self.gain, self.mean.mirrored(), -self.drawn, slack)

    def low(self, tail: float) -> float:
        """Return the margin that `p_above` rejects at exactly `tail`."""
        rank = math.floor(tail * (1.0 + self.drawn.size) + 1e-9) - 1
        if rank < 0:
            return -math.inf
        drawn = np.sort(np.nan_to_num(self._drawn_down(), nan=-np.inf))
        return min(float(drawn[rank]), self._down().low(tail))

    def interval(self, confidence: float) -> Interval:
        """Return the margins that neither one-sided test rejects."""
        tail = (1.0 - confidence) / 2.0
        low, high = self.low(tail), -self.mirrored().low(tail)
        return Interval(self.gain, min(low, self.gain), max(high, self.gain), confidence)

    def _down(self) -> _mean.Mean:
        return self.mean._replace(estimate=self.gain - self.slack.above)

    def _drawn_down(self) -> Floats:
        if self.slack == Slack() or np.isnan(self.drawn).all():
            return self.drawn
        return self.drawn - float(np.nanmean(self.drawn)) + self.gain - self.slack.above


def gather(
    paired: Paired,
    sign: float,
    sizes: Codes,
    scarce: float,
    n_resamples: int,
    rng: np.random.Generator,
    slack: Slack,
) -> Resampled | None:
    """Return the evidence; None where the metric is undefined, for all rows or without some of them.

    `sizes` are the rows of each unit, `scarce` the units of which there are fewest among those that count.
    """
    one, other = (float(side[0]) for side in paired.values(paired.counts[None, :].astype(np.float64)))
    gain = sign * (other - one)
    if not math.isfinite(gain):
        return None
    mean = _jackknife(paired, sign, sizes, gain, max(abs(one), abs(other)), rng)
    if mean is None:
        return None
    mean = mean._replace(degrees=min(mean.degrees, max(1.0, scarce - 1.0)))

    def gains(weights: Floats) -> Floats:
        champion, challenger = paired.values(weights)
        return sign * (challenger - champion)

    drawn = _bootstrap.resampled(gains, paired.counts, n_resamples, rng, paired.width)
    return Resampled(gain, mean, drawn, slack)


def _jackknife(
    paired: Paired, sign: float, sizes: Codes, gain: float, scale: float, rng: np.random.Generator
) -> _mean.Mean | None:
    """Return the gain as a mean over units, each contributing what leaving it out takes away."""
    units = paired.counts.size
    blocks = np.arange(units)
    if isinstance(paired, OfSums):
        champion, challenger = paired.without_each()
        left_out = sign * (challenger - champion)
    else:
        if units > paired.blocks_at_most:
            blocks = rng.permutation(units) % paired.blocks_at_most
        left_out = _bootstrap.without_each(
            lambda weights: sign * np.subtract(*paired.values(weights)[::-1]),
            paired.counts,
            blocks,
            paired.width,
        )
    if not np.isfinite(left_out).all():
        return None
    rows = np.bincount(blocks, weights=sizes)
    n = float(sizes @ paired.counts)
    pulls = (gain - left_out) * (1.0 - rows / n) * n  # what each unit adds, summed over its rows
    if isinstance(paired, OfSums) and paired.counts.max() > 1:
        return _of_cells(gain, pulls, paired.counts, scale)
    if rows.max() == 1.0:
        return _with_fat_tails(_mean.estimate(gain + pulls, None, scale), pulls)._replace(estimate=gain)
    codes = np.repeat(np.arange(rows.size), rows.astype(np.intp))
    return _mean.estimate(gain + (pulls / rows)[codes], codes, scale)._replace(estimate=gain)


def _of_cells(gain: float, pulls: Floats, counts: Codes, scale: float) -> _mean.Mean:
    """Return the mean over rows that come in `counts` of equal ones."""
    each = np.repeat(pulls, counts)
    return _with_fat_tails(_mean.estimate(gain + each, None, scale), each)._replace(estimate=gain)


def _with_fat_tails(mean: _mean.Mean, pulls: Floats) -> _mean.Mean:
    """Return `mean` with fewer degrees of freedom where a few rows make up the variance."""
    squares = (pulls - pulls.mean()) ** 2
    total = float(squares.sum())
    spread = float((squares**2).sum()) - total**2 / pulls.size
    if spread <= 0.0:
        return mean
    return mean._replace(degrees=max(1.0, min(mean.degrees, 2.0 * total**2 / spread)))
