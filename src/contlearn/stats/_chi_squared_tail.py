"""How often chance alone takes a chi-squared statistic this far: the conditional law, without drawing tables.

Given the sums of a table of two samples, the counts of the current one are independent binomial counts that
happen to add up to its rows, and the statistic adds up over categories. So its law follows from generating
functions of one category each: by a saddlepoint, or by listing the tables below it where these are few.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn.stats._binomial import log_choose
from contlearn.stats._chi_squared_cells import Statistic, categories
from contlearn.stats._contingency import chance_as_large, chance_below, number_of_tables
from contlearn.stats._ks_law import SMALLEST

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

LISTED = 20_000.0
"""About so many tables below the statistic are listed one by one."""

ONE_JUMP = 0.03
"""Share of the p-value that single categories far out may have, before more of their counts are looked at."""

FURTHEST = 400.0
"""What a category adds where its counts are no longer looked at: chance does that once in e^200."""

MANY_COUNTS, FINE = 1000.0, 3.0
"""Of a window with more counts, only about so many are looked at, but so many to a standard deviation."""

STEPS = 60
"""More than Newton's method with a line search needs."""


class Samples(NamedTuple):
    """The sums of a table: rows of each category in both samples, and rows of the current one."""

    total: Floats
    rows: float

    @property
    def all_rows(self) -> float:
        """Rows of both samples."""
        return float(self.total.sum())

    @property
    def expected(self) -> Floats:
        """Rows of each category expected in the current sample."""
        return self.total * (self.rows / self.all_rows)


def tail(total: Counts, rows: int, found: float, statistic: Statistic = "pearson") -> float:
    """Return the probability of a statistic of at least `found` among all tables with the same sums.

    Parameters
    ----------
    total
        Rows per category in both samples together, two categories or more, each above 0.
    rows
        Rows of the current sample, at least 1 and fewer than all.
    found
        The statistic.

    Notes
    -----
    Exact where few tables lie below `found`; else a saddlepoint approximation (Skovgaard), taken within
    windows about the expected counts, plus the chance that any count is outside: rare categories make the
    tail of Pearson's statistic heavy by one large count, which no saddlepoint sees. Against listing and
    against millions of drawn tables, for 3 to 200 categories, equal shares to one dominant and many rare,
    expected counts from 0.1 on and p-values from 0.2 to 0.001, it was 0.9 to 1.3 times the true one, mostly
    within a twentieth; at 0.0001, 0.8 to 1.6 times.
    """
    found = found * (1.0 - 1e-9) - 1e-12
    if found <= 0.0:
        return 1.0
    samples = Samples(np.sort(total).astype(np.float64), float(rows))
    if tables_below(samples, found) <= LISTED:
        below = chance_below(samples.total, samples.rows, found, statistic, most=5.0 * LISTED)
        if below is not None and below < 1.0 - 1e-9:  # closer, hardly a digit is left of the difference
            return 1.0 - below
    if number_of_tables(total, rows) <= LISTED:
        return max(SMALLEST, chance_as_large(total, rows, found, statistic))
    return min(1.0, max(SMALLEST, _by_saddlepoint(samples, found, statistic)))


def tables_below(samples: Samples, found: float) -> float:
    """Return about how many tables have a statistic below `found`: the volume of an ellipsoid."""
    free = len(samples.total) - 1
    other = 1.0 - samples.rows / samples.all_rows
    widths = np.sqrt(found * samples.expected[:-1] * other)
    corrected = float(np.log(widths + 0.5).sum()) + 0.5 * math.log(samples.total[-1] / samples.all_rows)
    ball = 0.5 * free * math.log(math.pi) - math.lgamma(0.5 * free + 1.0)
    return math.exp(min(corrected + ball, 700.0))


class Windows(NamedTuple):
    """Counts of each category that a saddlepoint looks at: first and last of those looked at, of all."""

    first: Floats
    last: Floats
    least: Floats
    most: Floats


class Grid(NamedTuple):
    """All counts in all windows: distance from the mean, what they add, log weight; category by category."""

    starts: Counts
    sizes: Counts
    away: Floats
    adds: Floats
    weight: Floats


class Tilted(NamedTuple):
    """The joint cumulant generating function of statistic and rows at one point, with two derivatives."""

    value: float
    statistic: float
    rows: float
    statistic_variance: float
    covariance: float
    rows_variance: float


def _by_saddlepoint(samples: Samples, found: float, statistic: Statistic) -> float:
    """Return the smallest of a few approximations, each of which errs upwards by what it counts twice."""
    k = len(samples.total)
    limit = float(special.chdtrc(k - 1, found))
    reach = max(found - (k - 2), float(special.chdtri(1, max(1e-300, ONE_JUMP * limit / k))))
    best = 1.0
    for _ in range(4):
        reach = min(reach, FURTHEST)
        windows = _windows(samples, reach, statistic)
        outside = _outside(samples, windows)
        inside = _inside(_grid(samples, windows, statistic), found) * _correction(k, found)
        best = min(best, inside + outside)
        if outside <= 0.1 * inside or reach == FURTHEST:
            break
        reach *= 1.6
    return best


def _windows(samples: Samples, reach: float, statistic: Statistic) -> Windows:
    """Return the counts of each category that alone add at most `reach` to the statistic."""
    mean, others = samples.expected, samples.all_rows - samples.rows
    least, most = np.maximum(0.0, samples.total - others), np.minimum(samples.total, samples.rows)
    if statistic == "pearson":
        width = np.sqrt(reach * mean * (others / samples.all_rows))
        first, last = np.ceil(mean - width), np.floor(mean + width)
    else:
        first = _edge(np.floor(mean), least, samples, reach, statistic)
        last = _edge(np.ceil(mean), most, samples, reach, statistic)
    first = np.clip(np.minimum(first, np.floor(mean)), least, most)
    last = np.clip(np.maximum(last, np.ceil(mean)), least, most)
    return Windows(first, last, least, most)


def _edge(near: Floats, far: Floats, samples: Samples, reach: float, statistic: Statistic) -> Floats:
    """Return the last count from `near` to `far` that adds at most `reach`, by bisection."""
    mean = samples.expected
    while np.abs(far - near).max() > 1.0:
        middle = np.rint(0.5 * (near + far))
        inside = categories(statistic, middle, samples.total, mean, samples.total - mean) <= reach
        stop = np.abs(far - near) <= 1.0
        near, far = np.where(inside & ~stop, middle, near), np.where(inside | stop, far, middle)
    inside = categories(statistic, far, samples.total, mean, samples.total - mean) <= reach
    return np.where(inside, far, near)


def _outside(samples: Samples, windows: Windows) -> float:
    """Return a bound on the chance of any count outside its window: hypergeometric tails, added up."""
    total, rows, every = samples.total, samples.rows, samples.all_rows
    above, below = windows.last + 1.0, windows.first - 1.0
    spare = every - total - rows
    with np.errstate(divide="ignore", invalid="ignore"):
        up = (total - above) * (rows - above) / ((above + 1.0) * (spare + above + 1.0))
        down = below * (spare + below) / ((total - below + 1.0) * (rows - below + 1.0))
    chance = 0.0
    for count, ratio, possible in (
        (above, up, above <= windows.most),
        (below, down, below >= windows.least),
    ):
        here = count[possible]
        first = np.exp(
            log_choose(total[possible], here)
            + log_choose(every - total[possible], rows - here)
            - log_choose(every, rows)
        )
        chance += float((first / (1.0 - np.minimum(ratio[possible], 0.99))).sum())
    return chance


def _grid(samples: Samples, windows: Windows, statistic: Statistic) -> Grid:
    mean = samples.expected
    deviation = np.sqrt(mean * (1.0 - samples.rows / samples.all_rows))
    width = windows.last - windows.first
    gap = np.maximum(1.0, np.floor(np.minimum(deviation / FINE, width / MANY_COUNTS)))
    sizes = (np.floor(width / gap) + 1.0).astype(np.int64)
    starts = np.cumsum(sizes) - sizes
    total, mean = np.repeat(samples.total, sizes), np.repeat(mean, sizes)
    count = (np.arange(int(sizes.sum())) - np.repeat(starts, sizes)) * np.repeat(gap, sizes)
    count += np.repeat(windows.first, sizes)
    odds = math.log(samples.rows / (samples.all_rows - samples.rows))
    if gap.max() == 1.0:
        step = np.log((total - count + 1.0) / np.maximum(count, 1.0)) + odds  # from one count to the next
        weight = np.cumsum(step)
    else:
        weight = count * odds - special.gammaln(count + 1.0) - special.gammaln(total - count + 1.0)
    weight -= np.repeat(weight[starts], sizes)
    return Grid(starts, sizes, count - mean, categories(statistic, count, total, mean, total - mean), weight)


def _tilt(grid: Grid, t: float, s: float) -> Tilted:
    """Weigh every count by exp(t statistic + s rows)."""
    exponent = grid.weight + t * grid.adds + s * grid.away
    top = np.maximum.reduceat(exponent, grid.starts)
    weight = np.exp(exponent - np.repeat(top, grid.sizes))
    with_statistic, with_rows = weight * grid.adds, weight * grid.away
    every = np.stack(
        (
            weight,
            with_statistic,
            with_rows,
            with_statistic * grid.adds,
            with_statistic * grid.away,
            with_rows * grid.away,
        )
    )
    sums = np.add.reduceat(every, grid.starts, axis=1)
    statistic, rows, squares, products, row_squares = sums[1:] / sums[0]
    return Tilted(
        float((top + np.log(sums[0])).sum()),
        float(statistic.sum()),
        float(rows.sum()),
        float((squares - statistic * statistic).sum()),
        float((products - statistic * rows).sum()),
        float((row_squares - rows * rows).sum()),
    )


def _inside(grid: Grid, found: float) -> float:
    """Return the chance of at least `found` inside the windows, given the rows, as Skovgaard approximates."""
    if float(np.maximum.reduceat(grid.adds, grid.starts).sum()) <= found:
        return 0.0
    _, base = _saddle(grid, None, 0.0)
    mean = base.statistic
    variance = base.statistic_variance - base.covariance**2 / max(base.rows_variance, 1e-300)
    if variance <= 0.0:
        return float(mean >= found)
    if abs(found - mean) < 0.05 * math.sqrt(variance):  # where the approximation is 0 / 0
        return float(special.gammaincc(mean * mean / variance, found * mean / variance))
    t, there = _saddle(grid, found, min(0.4, max(-0.3, mean / variance * (1.0 - mean / found))))
    w = math.copysign(math.sqrt(max(0.0, 2.0 * (base.value - there.value + t * found))), t)
    spread = there.statistic_variance * there.rows_variance - there.covariance**2
    u = t * math.sqrt(max(spread / base.rows_variance, 0.0))
    if w == 0.0 or u == 0.0:
        return 0.0 if found > mean else 1.0
    return _lugannani_rice(w, u)


def _lugannani_rice(w: float, u: float) -> float:
    p = float(special.ndtr(-w)) + math.exp(-0.5 * w * w) / math.sqrt(2.0 * math.pi) * (1.0 / u - 1.0 / w)
    return min(1.0, max(0.0, p))


def _saddle(grid: Grid, found: float | None, t: float) -> tuple[float, Tilted]:
    """Return the tilt at which statistic and rows are on average what they are, by Newton's method.

    Without `found`, only the rows are tilted to what they are. The function that is minimized is convex.
    """
    s, here = 0.0, _tilt(grid, t, 0.0)
    target = 0.0 if found is None else found
    for _ in range(STEPS):
        miss = 0.0 if found is None else found - here.statistic
        if abs(miss) <= 1e-6 * (1.0 + target) and abs(here.rows) <= 1e-6 * (1.0 + here.rows_variance**0.5):
            break
        step_t, step_s = _newton(here, miss, tilt_both=found is not None)
        length, least = 1.0, here.value - t * target
        while True:
            there = _tilt(grid, t + length * step_t, s + length * step_s)
            if there.value - (t + length * step_t) * target <= least + 1e-9 or length < 1e-6:
                break
            length *= 0.5
        t, s, here = t + length * step_t, s + length * step_s, there
    return t, here


def _newton(here: Tilted, miss: float, *, tilt_both: bool) -> tuple[float, float]:
    a, b, d = here.statistic_variance, here.covariance, here.rows_variance
    if not tilt_both:
        return 0.0, -here.rows / max(d, 1e-300)
    determinant = a * d - b * b
    if determinant <= 1e-12 * a * d:  # hardly anything left to vary: a small step uphill
        return math.copysign(0.1, miss), 0.0
    return (d * miss + b * here.rows) / determinant, (-a * here.rows - b * miss) / determinant


def _correction(k: int, found: float) -> float:
    """Return what makes the approximation exact in the limit of large counts, where it sees k for k - 1."""
    if abs(found - k) <= 0.05 * k:
        return 1.0
    t = 0.5 * (1.0 - k / found)
    w = math.copysign(math.sqrt(max(0.0, 2.0 * t * found + k * math.log1p(-2.0 * t))), t)
    approximate = _lugannani_rice(w, t * math.sqrt(2.0 * k) * (1.0 - 2.0 * t) ** -1.5)
    exact = float(special.chdtrc(k - 1, found))
    return exact / approximate if approximate > 0.0 and exact > 0.0 else 1.0
