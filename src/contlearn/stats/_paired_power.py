"""The chance that a test of two paired proportions rejects: counted over all tables, not approximated."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from contlearn.stats import _margin
from contlearn.stats._sample_sizes import quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Counts: TypeAlias = "NDArray[np.float64]"

_KNOTS = 16  # numbers of disagreeing rows at which the test with a margin is really made
_ALL = 64  # with no more likely numbers than these, it is made at each, on both sides of the boundary
_NEAR = 0.5  # how far from the boundary, in standard errors, a table may lie that tells where it is
_MANY = 200  # with no more than these, tables are tested that lie too near to the interpolated boundary
_DOUBTFUL = 0.25  # share of the step from table to table that is too near
_WEIGHTY = 3.0  # standard deviations around the expected number in which that matters
_REACH = 4.5  # standard deviations around the expected number that the knots span


class Region(NamedTuple):
    """The tables that a test rejects, among those with a likely number of disagreeing rows.

    Attributes
    ----------
    totals
        Numbers of disagreeing rows, one after another.
    least
        For each of them, the least number of better rows that is rejected; total + 1 if there is none.
    """

    totals: Counts
    least: Counts


def region(n: int, disagreement: float, margin: float, alpha: float, mid_p: bool = False) -> Region:
    """Return what `Gain` promotes among `n` rows of which a share `disagreement` is expected to disagree."""
    import numpy as np

    first, last = _margin._likely_totals(disagreement, n)
    totals = np.arange(first, last + 1.0)
    if margin >= 1.0:
        return Region(totals, totals + 1.0)
    if margin == 0.0:
        return Region(totals, _least_of_mcnemar(totals, alpha, mid_p))
    if totals.size <= _ALL:
        tests = [_critical_score(int(total), n, margin, alpha, exactly=True) for total in totals]
        scores: Any = np.array(tests)
        return Region(totals, _margin._least_extreme(totals, n, margin, scores))
    centre, spread = n * disagreement, math.sqrt(n * disagreement * (1.0 - disagreement))
    low, high = max(first, centre - _REACH * spread), min(last, centre + _REACH * spread)
    knots = np.unique(np.round(np.linspace(low, high, _KNOTS)))
    scores = np.interp(totals, knots, [_critical_score(int(knot), n, margin, alpha) for knot in knots])
    least = _margin._least_extreme(totals, n, margin, scores)
    if totals.size <= _MANY:
        for place in np.flatnonzero(_close(totals, least, n, margin, scores)):
            if abs(totals[place] - centre) <= _WEIGHTY * spread:
                scores[place] = _critical_score(int(totals[place]), n, margin, alpha, exactly=True)
        least = _margin._least_extreme(totals, n, margin, scores)
    return Region(totals, least)


def _close(totals: Counts, least: Counts, n: int, margin: float, scores: Counts) -> NDArray[np.bool_]:
    """Return where an interpolated score lies so near that of a table that it may be on its wrong side."""
    import numpy as np

    here, before = (np.clip(least + step, 0.0, totals) for step in (0.0, -1.0))
    above = _margin._scores(here, totals - here, n, margin)
    below = _margin._scores(before, totals - before, n, margin)
    return np.minimum(above - scores, scores - below) < _DOUBTFUL * (above - below)


def power(rejected: Region, n: int, disagreement: float, difference: float) -> float:
    """Return the probability of the rejected tables where better rows outweigh worse ones by `difference`."""
    import numpy as np
    from scipy.special import gammaln, xlog1py, xlogy

    totals, least = rejected
    if disagreement <= 0.0:
        return float(totals[0] == 0.0 and least[0] <= 0.0)
    ways = gammaln(n + 1.0) - gammaln(totals + 1.0) - gammaln(n - totals + 1.0)
    weights = np.exp(ways + xlogy(totals, disagreement) + xlog1py(n - totals, -disagreement))
    share = min(1.0, max(0.0, 0.5 * (1.0 + difference / disagreement)))
    return min(1.0, float(weights @ _margin._binomial_tail(totals, least, share)))


def _least_of_mcnemar(totals: Counts, alpha: float, mid_p: bool) -> Counts:
    def p_value(better: Counts) -> Counts:
        reached = _margin._binomial_tail(totals, better, 0.5)
        return 0.5 * (reached + _margin._binomial_tail(totals, better + 1.0, 0.5)) if mid_p else reached

    return _least(totals, totals / 2.0 + quantile(alpha) * totals**0.5 / 2.0, lambda b: p_value(b) <= alpha)


def _least(totals: Counts, guess: Counts, rejects: Callable[[Counts], NDArray[np.bool_]]) -> Counts:
    """Return, for each total, the least b in [0, total] that `rejects`, or total + 1; `guess` is near it."""
    import numpy as np

    below = np.clip(np.floor(guess) - 3.0, 0.0, totals)
    above = np.clip(np.floor(guess) + 5.0, 0.0, totals)
    short = np.where(rejects(below), -1.0, below)
    enough = np.where(rejects(above), above, totals + 1.0)
    while np.any(enough - short > 1.0):
        middle = np.maximum(np.floor((short + enough) / 2.0), 0.0)
        open_ = enough - short > 1.0
        extreme = rejects(middle)
        enough = np.where(open_ & extreme, middle, enough)
        short = np.where(open_ & ~extreme, middle, short)
    return enough


def _critical_score(total: int, n: int, margin: float, alpha: float, exactly: bool = False) -> float:
    """Return the score at which the exact score test would say alpha, were there a table with it.

    Near the boundary, the probit of p is the score but for a shift, which one table next to it tells.
    `exactly` asks for a score between the last table that is kept and the first that is rejected.
    """
    import numpy as np

    goal = quantile(alpha)
    better = min(total, int(_margin._least_extreme(np.array([float(total)]), n, margin, goal)[0]))
    kept = rejected = math.nan  # scores
    tried: set[int] = set()
    while 0 <= better <= total and better not in tried:
        tried.add(better)
        found = _margin.margin_test(better, total - better, n, margin, alpha)
        lacking = goal - quantile(min(found.p_value, 1.0 - 1e-12))
        critical = found.statistic + lacking
        if not exactly and abs(lacking) < _NEAR:
            break
        if lacking > 0.0:
            kept = found.statistic
        else:
            rejected = found.statistic
        better += 1 if lacking > 0.0 else -1
    return critical if math.isnan(kept + rejected) else 0.5 * (kept + rejected)
