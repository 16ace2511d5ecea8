"""The share of rows to which something happens, against the largest that may be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from contlearn.gates._comparison import more
from contlearn.gates._settled import confidence, fewest, plural
from contlearn.results import Interval, Outcome, Verdict
from contlearn.stats import _mean
from contlearn.stats._sample_sizes import quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from contlearn.gates._comparison import Codes

_POWER = 0.8


class Share(NamedTuple):
    """A share with its evidence.

    Attributes
    ----------
    interval
        Estimate and interval at confidence 1 - 2 alpha.
    p_below, p_above
        P-values of the hypotheses that the true share is at least, and at most, the limit; None if unknown.
    test
        What the p-values rest on.
    unknown
        Why there are none.
    """

    interval: Interval
    p_below: float | None
    p_above: float | None
    test: str
    unknown: str = ""


def judge(
    what: str, marked: NDArray[np.bool_], codes: Codes, limit: float, alpha: float, told: str
) -> Verdict:
    """Return whether the share of `marked` rows is shown to be at most `limit`; `told` counts them."""
    found = share(marked, codes, limit, alpha)
    n = int(marked.size)
    needed = _rows_for_share(float(marked.mean()), n, limit, alpha)
    if found.unknown:
        reason = f"nothing to decide on: {found.unknown}, {fewest(alpha)} could ({told})"
        return Verdict(Outcome.CONTINUE, reason, needed=needed)
    outcome, word = Outcome.CONTINUE, "is not settled against"
    if found.p_below is not None and found.p_below <= alpha:
        outcome, word = Outcome.PROMOTE, "is at most"
    elif found.p_above is not None and found.p_above <= alpha:
        outcome, word = Outcome.REJECT, "is above"
    sign = "<=" if outcome is Outcome.PROMOTE else ">"
    test = f"{found.test}, p = {found.p_below:.3g} {sign} {alpha:g}"
    reason = f"{what} {found.interval} {word} the limit {limit:g} ({told}; {test})"
    if outcome is not Outcome.CONTINUE:
        return Verdict(outcome, reason, p_value=found.p_below)
    reason += f"; about {needed} more {plural(needed, 'row')} would settle it" if needed is not None else ""
    return Verdict(outcome, reason, p_value=found.p_below, needed=needed)


def share(marked: NDArray[np.bool_], codes: Codes, limit: float, alpha: float) -> Share:
    """Return the share of `marked` rows, at least one of them, in the clusters `codes`."""
    n, k = int(marked.size), int(marked.sum())
    interval = _mean.proportion(k, n, confidence(alpha))
    rows = Share(interval, _at_most(k, n, limit), _at_most(n - k, n, 1.0 - limit), "exact binomial test")
    return rows if codes is None else _of_groups(marked, codes, rows, limit, alpha)


def _at_most(k: int, n: int, rate: float) -> float:
    """Return the chance of at most `k` of `n` rows at `rate`."""
    from scipy.special import betainc

    return float(betainc(n - k, k + 1, 1.0 - rate)) if k < n else 1.0


def _of_groups(
    marked: NDArray[np.bool_], codes: NDArray[np.intp], rows: Share, limit: float, alpha: float
) -> Share:
    """Return what clusters show: never more than their rows would if they were independent."""
    mean = _mean.estimate(marked.astype(float), codes, 1.0)
    groups = f"{mean.units} {plural(mean.units, 'group')}"
    if mean.units < fewest(alpha):
        return Share(rows.interval, None, None, "", f"{groups} cannot show a share at alpha {alpha:g}")
    test = f"Student's t over {groups}"
    if mean.standard_error == 0.0:
        return _of_equal_groups(mean, codes, rows, limit, alpha, f"exact binomial test over {groups}")
    found = mean.interval(rows.interval.confidence)
    low, high = max(0.0, min(found.low, rows.interval.low)), min(1.0, max(found.high, rows.interval.high))
    below, above = (
        max(p for p in pair if p is not None)
        for pair in ((mean.p_below(limit), rows.p_below), (mean.p_above(limit), rows.p_above))
    )
    return Share(rows.interval._replace(low=low, high=high), below, above, test)


def _of_equal_groups(
    mean: _mean.Mean, codes: NDArray[np.intp], rows: Share, limit: float, alpha: float, test: str
) -> Share:
    """Return what clusters show that all have the same share: only none and all of the rows tell anything."""
    import numpy as np

    sizes = np.bincount(codes)
    alike = float(sizes.mean() / sizes.max())  # a cluster is marked at all with a chance of limit x alike
    bound = min(1.0, (1.0 - alpha ** (1.0 / mean.units)) / alike)
    if mean.estimate == 0.0:
        p = (1.0 - limit * alike) ** mean.units
        return Share(rows.interval._replace(high=bound), p, 1.0, test)
    if mean.estimate == 1.0:
        p = (1.0 - (1.0 - limit) * alike) ** mean.units
        return Share(rows.interval._replace(low=1.0 - bound), 1.0, p, test)
    return Share(rows.interval, 1.0, 1.0, f"the same share in all {mean.units} groups")


def _rows_for_share(estimate: float, n: int, limit: float, alpha: float) -> int | None:
    """Return about how many more rows would show on which side of the limit the share lies."""
    gap = abs(limit - estimate)
    if gap == 0.0:
        return None
    spread = quantile(alpha) * math.sqrt(limit * (1.0 - limit))
    spread += quantile(1.0 - _POWER) * math.sqrt(estimate * (1.0 - estimate))
    least = math.log(alpha) / math.log1p(-limit)  # without a single marked row
    return more(max(least, (spread / gap) ** 2 + 1.0 / gap if estimate else least), n)
