"""From what was found about the gain of a metric to a verdict, in the same words for every metric."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from contlearn import _checks
from contlearn.results import Interval, Outcome, Verdict
from contlearn.stats import _columns, _mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from contlearn.gates._trial import Trial

_POWER_QUANTILE = 0.8416212335729143  # of the standard normal law, at a power of 80 %
_MOST_ROWS = 10**9
_MOST_SURE = 1.0 - 2.0**-50


class Found(NamedTuple):
    """What a trial says about a margin.

    Attributes
    ----------
    gain
        Estimate and interval at confidence 1 - 2 alpha.
    p_above, p_below
        P-values of the hypotheses that the gain is at most, and at least, the margin.
    basis
        What the numbers rest on.
    needed
        About how many more rows would settle the question with 80 % power; None if nothing can be said.
    """

    gain: Interval
    p_above: float
    p_below: float
    basis: str
    needed: int | None


def settle(found: Found, metric: str, margin: float, alpha: float) -> Verdict:
    """Return the verdict: the test decides, the interval explains."""
    outcome, what = Outcome.CONTINUE, "is not settled against"
    if found.p_above <= alpha:
        outcome, what = Outcome.PROMOTE, "is above"
    elif found.p_below <= alpha:
        outcome, what = Outcome.REJECT, "is not above"
    sign = "<=" if outcome is Outcome.PROMOTE else ">"
    reason = (
        f"gain in {metric} {found.gain} {what} margin {margin:g} "
        f"({found.basis}, p = {found.p_above:.3g} {sign} {alpha:g})"
    )
    needed = found.needed if outcome is Outcome.CONTINUE else None
    if needed is not None:
        reason += f"; about {needed} more rows would settle it"
    return Verdict(outcome, reason, gain=found.gain, p_value=found.p_above, needed=needed)


def unsettled(why: str, needed: int | None = None) -> Verdict:
    """Return the verdict on a trial that says nothing: CONTINUE."""
    return Verdict(Outcome.CONTINUE, _checks.one_line(f"nothing to decide on: {why}"), needed=needed)


def lacking(trial: Trial, *names: str) -> str:
    """Return which of the `names` the trial lacks, as a sentence; empty if it has them and rows."""
    absent = [name for name in names if getattr(trial, name) is None]
    if absent:
        listed = ", ".join(absent)
        return f"the trial has no {listed}; make it by Trial.from_predictions, or pass {absent[0]}="
    return "" if trial.n_samples else "the trial has no rows"


def clusters_of(trial: Trial) -> NDArray[np.intp] | None:
    """Return the cluster of every row; None where every row stands for itself. Refuse rows without one."""
    if trial.groups is None:
        return None
    named = _columns.labels("groups", trial.groups)
    if named.missing:
        got = f"{named.missing} of {trial.n_samples} rows without one"
        _checks.bad_data("groups", "name the group of every row", got, "give each row its group")
    return named.codes if len(named.names) < trial.n_samples else None


def fewest(alpha: float) -> int:
    """Return how many rows or clusters a promotion takes: with fewer, even a sign test cannot reach alpha."""
    return math.ceil(-math.log2(alpha) - 1e-9)


def rows_needed(mean: _mean.Mean, low: float, n: int, margin: float) -> int | None:
    """Return how many more rows make the error small against the gap between estimate and margin.

    `low` is how far the lower limit of the side in question lies below its estimate.
    """
    gap = abs(mean.estimate - margin)
    if gap == 0.0 or not math.isfinite(low):
        return None
    effect = (low + _POWER_QUANTILE * mean.standard_error) / gap
    return max(1, math.ceil(min(n * effect * effect, float(_MOST_ROWS)) - n))


def confidence(alpha: float) -> float:
    """Return that of an interval with `alpha` on either side; below 1, however small alpha is."""
    return min(1.0 - 2.0 * alpha, _MOST_SURE)


def plural(count: int, word: str) -> str:
    """Return "row" or "rows"."""
    return word if count == 1 else f"{word}s"


def counted(count: int, word: str) -> str:
    """Return "1 row" or "2 rows"."""
    return f"{count} {plural(count, word)}"
