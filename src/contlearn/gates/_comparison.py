"""What the losses of two models on the same rows say about a margin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from contlearn.gates._trial import Trial
from contlearn.results import Interval
from contlearn.stats import _columns, _margin, _mean, _paired

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_POWER = 0.8
_MOST_ROWS = 10**9  # beyond this, how many more rows would be needed is of no use to anybody


class Comparison(NamedTuple):
    """The evidence of one trial about one margin.

    Attributes
    ----------
    gain
        Estimate and interval at confidence 1 - 2 alpha; None where nothing can be computed.
    p_above, p_below
        P-values of the hypotheses that the gain is at most, and at least, the margin; None if unknown.
    basis
        What the numbers rest on, for the reason: rows, groups and test.
    unknown
        Why there is no p-value; empty where there is one.
    needed
        About how many more rows would settle the question with 80 % power; None if nothing can be said.
    """

    gain: Interval | None = None
    p_above: float | None = None
    p_below: float | None = None
    basis: str = ""
    unknown: str = ""
    needed: int | None = None


def compare(trial: Trial, margin: float, alpha: float) -> Comparison:
    """Return what `trial` says about the hypothesis that the gain is at most `margin`."""
    import numpy as np

    n, gains = trial.n_samples, trial.gains
    if n == 0:
        return Comparison(unknown="the trial has no rows")
    both = np.isfinite(trial.champion_losses) & np.isfinite(trial.challenger_losses) & np.isfinite(gains)
    bad = n - int(both.sum())
    if bad:
        cure = "find out why, then leave those rows out for both models"
        return Comparison(unknown=f"{bad} of {n} rows with a loss that is NaN or infinite; {cure}")
    codes = None
    if trial.groups is not None:
        labels = _columns.labels("groups", trial.groups)
        if labels.missing:
            return Comparison(
                unknown=f"{labels.missing} of {n} rows without a group; give each row its group"
            )
        if len(labels.names) < n:  # groups of one row each say nothing
            codes = labels.codes
    zeros_and_ones = all(map(_mean.zeros_and_ones, (trial.champion_losses, trial.challenger_losses)))
    if codes is None and zeros_and_ones:
        return _of_errors(gains, margin, alpha)
    scale = max(float(np.abs(losses).max()) for losses in (trial.champion_losses, trial.challenger_losses))
    return _of_differences(gains, codes, scale, margin, alpha)


def _of_errors(gains: NDArray[np.float64], margin: float, alpha: float) -> Comparison:
    """Compare zero-one losses of independent rows: only the rows on which the models differ tell anything."""
    better, worse, n = int((gains > 0).sum()), int((gains < 0).sum()), int(gains.size)
    gain = _paired.tango(better, worse, n, 1.0 - 2.0 * alpha)
    found = f"{n} {_plural(n, 'row')}, {better} better and {worse} worse"
    if margin <= -1.0:
        return Comparison(
            gain, unknown=f"a margin of {margin:g} lets any model pass, since losses are 0 and 1"
        )
    if margin >= 1.0:
        return Comparison(gain, p_above=1.0, basis=found)
    if margin == 0.0:
        above = _paired.mcnemar(better, worse, alternative="greater").p_value
        below = _paired.mcnemar(better, worse, alternative="less").p_value
        test = "exact McNemar test"
    else:
        above = _margin.margin_test(better, worse, n, margin).p_value
        below = _margin.margin_test(worse, better, n, -margin).p_value
        test = "exact score test"
    needed = _rows_for_errors(better, worse, n, margin, alpha)
    return Comparison(gain, above, below, f"{found}; {test}", needed=needed)


def _rows_for_errors(better: int, worse: int, n: int, margin: float, alpha: float) -> int | None:
    """Return Connor's number of rows, with a continuity correction, less those that there are."""
    estimate = (better - worse) / n
    gap = abs(estimate - margin)
    if gap == 0.0:
        return None
    under_margin = _paired.variance(better, worse, n, margin)
    found = max(0.0, (better + worse) / n - estimate**2)
    critical, power = _quantile(alpha), _quantile(1.0 - _POWER)
    effect = (critical * math.sqrt(under_margin) + power * math.sqrt(found)) / gap
    return _more(effect * effect + 1.0 / gap, n)


def _of_differences(
    gains: NDArray[np.float64], codes: NDArray[np.intp] | None, scale: float, margin: float, alpha: float
) -> Comparison:
    """Compare losses by the mean of their differences, over rows or over clusters of rows."""
    n = int(gains.size)
    mean = _mean.estimate(gains, codes, scale)
    gain = mean.interval(1.0 - 2.0 * alpha)
    unit = "row" if codes is None else "group"
    inside = "" if codes is None else f" in {mean.units} {_plural(mean.units, unit)}"
    basis = f"{n} {_plural(n, 'row')}{inside}"
    enough = math.ceil(-math.log2(alpha) - 1e-9)  # below it, even a sign test could not reach alpha
    if mean.units < enough:
        why = f"{mean.units} {_plural(mean.units, unit)} cannot show a gain at alpha {alpha:g}, {enough} can"
        return Comparison(gain, basis=basis, unknown=why, needed=math.ceil((enough / mean.units - 1.0) * n))
    if mean.standard_error == 0.0:
        why = f"the gain is the same in all {mean.units} {unit}s, so its spread is unknown"
        return Comparison(gain, basis=basis, unknown=why)
    needed = _rows_for_differences(mean, n, margin, alpha)
    return Comparison(
        gain, mean.p_above(margin), mean.p_below(margin), f"{basis}; Student's t", needed=needed
    )


def _rows_for_differences(mean: _mean.Mean, n: int, margin: float, alpha: float) -> int | None:
    """Return how many more rows, in clusters like those seen, make the error small against the gap."""
    gap = abs(mean.estimate - margin)
    if gap == 0.0:
        return None
    side = mean if mean.estimate > margin else mean.mirrored()
    critical = (side.estimate - side.low(alpha)) / side.standard_error
    effect = (critical + _quantile(1.0 - _POWER)) * mean.standard_error / gap
    return _more(n * effect * effect, n)


def _more(total: float, n: int) -> int:
    """Return the rows that are still lacking of `total`, which may be infinite."""
    return max(1, math.ceil(min(total, float(_MOST_ROWS)) - n))


def _quantile(tail: float) -> float:
    from scipy.special import ndtri

    return -float(ndtri(tail))


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
