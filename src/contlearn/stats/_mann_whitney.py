"""How well do scores tell two samples apart: the area under the ROC curve (AUC), its law, its interval."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn.results import Interval
from contlearn.stats._binomial import log_choose

Scores = NDArray[np.float64]
Integers = NDArray[np.int64]

CELLS = 50_000_000
"""Additions that an exact p-value may cost, about 50 ms; beyond, there are enough rows for a limit law."""

SMALLEST = 2.2250738585072014e-308
"""What a p-value below the range of floats is given as."""


class Placements(NamedTuple):
    """How the scores of two samples lie among each other, and what DeLong's variances are made of.

    Attributes
    ----------
    auc
        Chance that a current row scores higher than a reference row; ties count one half.
    reference
        For each reference row the share of current rows above it; their mean is `auc`.
    current
        For each current row the share of reference rows below it; their mean is `auc`.
    """

    auc: float
    reference: Scores
    current: Scores


def placements(reference: Scores, current: Scores) -> Placements:
    """Return the placements of finite scores, ties counted half; costs one sort of each sample."""
    n, m = len(reference), len(current)
    below = _doubled_below(np.sort(reference), current)
    above = 2 * m - _doubled_below(np.sort(current), reference)
    return Placements(int(below.sum()) / (2 * n * m), above / (2 * m), below / (2 * n))


def auc_p_value(reference: Scores, current: Scores, block: int = 1) -> float:
    """Return how often relabeled rows have an AUC at least this large: the one-sided Mann-Whitney test.

    The law is conditional on the scores, ties and all: exact for small samples, beyond that a limit law with
    the exact mean, variance and skewness (see `subset_sum_p_value`).

    Parameters
    ----------
    reference, current
        Scores; where `block` is above 1, in time order.
    block
        Whole blocks of so many consecutive rows are relabeled together; both lengths are multiples of it.
    """
    pooled = np.concatenate((reference, current))
    ordered = np.sort(pooled)
    doubled_ranks = np.searchsorted(ordered, pooled) + np.searchsorted(ordered, pooled, side="right")
    sums = doubled_ranks.reshape(-1, block).sum(axis=1)
    taken = len(current) // block
    return subset_sum_p_value(sums, taken, int(sums[len(sums) - taken :].sum()))


def subset_sum_p_value(values: Integers, taken: int, observed: int) -> float:
    """Return the chance that `taken` of the `values`, drawn without replacement, reach the sum `observed`.

    Notes
    -----
    Small problems are counted: over the values other than the most frequent one, how many ways there are to
    take so many with such a sum. Large ones use the gamma law with the mean, variance and skewness of the
    drawn sum (Pearson's type III), which is the normal law where there is no skewness, with a continuity
    correction by half the step of the sums. A sum that leans to the left has a shorter right tail than the
    normal law, which is used for it.
    """
    levels, counts = np.unique(values, return_counts=True)
    common = int(np.argmax(counts))
    rest = np.delete(levels, common) - levels[common]
    step = int(np.gcd.reduce(rest)) if len(rest) else 1
    rest, counts_of_rest = rest // step, np.delete(counts, common)
    wanted = (observed - taken * int(levels[common])) // step
    if _cost(rest, counts_of_rest, int(counts[common]), taken) <= CELLS:
        p_value = _counted(rest, counts_of_rest, int(counts[common]), taken, wanted)
    else:
        p_value = _limit(values, taken, observed, step)
    return min(1.0, max(SMALLEST, p_value))


def auc_interval(placed: Placements, confidence: float, block: int = 1) -> Interval:
    """Return an interval of the true AUC: all values from which the estimate is not too many errors away.

    The error is DeLong's at the estimate (by blocks of consecutive rows, where `block` is above 1); its
    course towards 0 and 1 is that of Hanley and McNeil's formula, so that the interval stays inside [0, 1]
    and has a width even where the samples are told apart completely. Small samples are allowed for by
    Student's law.
    """
    low, high = _limits(placed, _student(placed, 0.5 + confidence / 2.0, block), block)
    return Interval(placed.auc, low, high, confidence)


def auc_margin_p_value(placed: Placements, margin: float, block: int = 1) -> float:
    """Return the one-sided p-value of the hypothesis that the true AUC is at most `margin`."""
    n, m = len(placed.reference), len(placed.current)
    error = math.sqrt(auc_inflation(placed, block) * _spread(margin, n, m))
    if error == 0.0:
        return 1.0
    return min(1.0, max(SMALLEST, float(special.ndtr((margin - placed.auc) / error))))


def auc_detectable(n: int, m: int, alpha: float, *, margin: float = 0.5, power: float = 0.8) -> float:
    """Return about the smallest true AUC that a one-sided test at `alpha` tells from `margin` with `power`.

    With blocks, `n` and `m` are numbers of blocks. 1 where not even complete separation would be found so
    often.
    """
    critical = margin - float(special.ndtri(alpha)) * math.sqrt(_null_spread(margin, n, m))
    quantile = float(special.ndtri(power))
    low, high = margin, 1.0
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        reached = middle - quantile * math.sqrt(_spread(middle, n, m)) >= critical
        low, high = (low, middle) if reached else (middle, high)
    return high


def smallest_p_value(n: int, m: int) -> float:
    """Return the p-value of complete separation of `n` from `m` rows (or blocks) without ties."""
    return math.exp(special.betaln(n + 1, m + 1) + math.log(n + m + 1))


def _doubled_below(ordered: Scores, wanted: Scores) -> Integers:
    """Return twice the number of `ordered` below each of `wanted`, equal ones counted once."""
    return np.searchsorted(ordered, wanted) + np.searchsorted(ordered, wanted, side="right")


def _most(rest: int, common: int, taken: int) -> int:
    """Return more of `rest` rare values than are ever among `taken`, but for one time in many millions."""
    usual = taken * rest / (rest + common)
    return min(rest, taken, math.ceil(usual + 6.0 * math.sqrt(usual) + 6.0))


def _span(rest: Integers, counts: Integers, most: int) -> tuple[int, int]:
    """Return the lowest and the highest sum of up to `most` values."""
    each = np.repeat(rest, np.minimum(counts, most))
    low, high = np.sort(np.minimum(each, 0))[:most], np.sort(np.maximum(each, 0))[::-1][:most]
    return int(low.sum()), int(high.sum())


def _cost(rest: Integers, counts: Integers, common: int, taken: int) -> float:
    """Return the number of additions that `_counted` makes."""
    size = int(counts.sum())
    if size > 900:  # the counts would leave the range of floats
        return math.inf
    most = _most(size, common, taken)
    low, high = _span(rest, counts, most)
    return (most + 1.0) * (high - low + 1.0) * (size + 1.0)


def _counted(rest: Integers, counts: Integers, common: int, taken: int, wanted: int) -> float:
    """Return the exact tail; `common` values are 0, and `counts[i]` of them `rest[i]`.

    More of the others than are ever drawn are not followed, but taken to reach every sum.
    """
    size = int(counts.sum())
    most = _most(size, common, taken)
    low, high = _span(rest, counts, most)
    ways = np.zeros((most + 1, high - low + 1))
    ways[0, -low] = 1.0
    for value, count in zip(rest.tolist(), counts.tolist(), strict=True):
        ways = _with_group(ways, value, count, min(count, most))
    tails = ways[:, max(0, wanted - low) :].sum(axis=1)
    drawn = np.arange(min(size, taken) + 1)
    tails = np.concatenate((tails, special.binom(size, drawn[most + 1 :])))
    fits = (tails > 0.0) & (taken - drawn <= common)
    logs = np.log(tails[fits]) + log_choose(common, taken - drawn[fits])
    return float(np.exp(logs - log_choose(size + common, np.array(taken))).sum())


def _with_group(ways: Scores, value: int, count: int, most: int) -> Scores:
    """Return the numbers of ways once up to `most` of `count` equal values can be taken as well."""
    result = ways.copy()
    for k in range(1, most + 1):
        factor, shift = float(special.binom(count, k)), k * value
        if abs(shift) >= ways.shape[1]:
            break
        if shift >= 0:
            result[k:, shift:] += factor * ways[:-k, : ways.shape[1] - shift]
        else:
            result[k:, :shift] += factor * ways[:-k, -shift:]
    return result


def _limit(values: Integers, taken: int, observed: int, step: int) -> float:
    """Return the tail by the law with the same mean, variance and skewness."""
    total = len(values)
    left = total - taken
    away = values - values.mean()
    variance = taken * left / (total * (total - 1.0)) * float((away**2).sum())
    third = taken * left * (left - taken) / (total * (total - 1.0) * (total - 2.0)) * float((away**3).sum())
    mean = taken * float(values.mean())
    z = (observed - 0.5 * step - mean) / math.sqrt(variance)
    skewness = third / variance**1.5
    if skewness < 1e-4:
        return float(special.ndtr(-z))
    shape = 4.0 / skewness**2
    place = shape + z * math.sqrt(shape)
    return float(special.gammaincc(shape, place)) if place > 0.0 else 1.0


def _null_spread(margin: float, n: int, m: int) -> float:
    """Return the variance of the AUC where the test has its level: at 1/2 that of exchangeable rows."""
    return (n + m + 1) / (12.0 * n * m) if margin == 0.5 else _spread(margin, n, m)


def _spread(auc: float, n: int, m: int) -> float:
    """Return Hanley and McNeil's variance of the AUC of `n` reference and `m` current scores."""
    above = auc / (2.0 - auc) - auc**2
    below = 2.0 * auc**2 / (1.0 + auc) - auc**2
    return (auc * (1.0 - auc) + (n - 1) * below + (m - 1) * above) / (n * m)


def auc_inflation(placed: Placements, block: int = 1) -> float:
    """Return DeLong's variance, over blocks, as a multiple of Hanley and McNeil's for independent rows."""
    n, m = len(placed.reference), len(placed.current)
    usual = _spread(placed.auc, n, m)
    if min(n, m) < 2 * block or usual <= 0.0:
        return float(block)
    variance = mean_variance(placed.reference, block) + mean_variance(placed.current, block)
    return variance / usual if variance > 0.0 else float(block)


def _student(placed: Placements, probability: float, block: int) -> float:
    """Return the quantile of Student's law with Welch's degrees of freedom for DeLong's two variances."""
    sides = [(mean_variance(side, block), len(side) // block - 1) for side in placed[1:] if len(side) > block]
    uncertainty = sum(variance**2 / freedom for variance, freedom in sides)
    if uncertainty <= 0.0:
        return float(special.ndtri(probability))
    return float(special.stdtrit(sum(variance for variance, _ in sides) ** 2 / uncertainty, probability))


def mean_variance(shares: Scores, block: int) -> float:
    """Return the variance of the mean of `shares`, from the means of its blocks."""
    means = shares.reshape(-1, block).mean(axis=1)
    return float(means.var(ddof=1)) / len(means)


def _limits(placed: Placements, quantile: float, block: int) -> tuple[float, float]:
    n, m = len(placed.reference), len(placed.current)
    scale = quantile * math.sqrt(auc_inflation(placed, block))

    def limit(end: float) -> float:
        """Return the value nearest to `end` that is not too far from the estimate."""
        near, far = placed.auc, end
        while abs(far - near) > 1e-9:
            middle = 0.5 * (near + far)
            inside = abs(placed.auc - middle) <= scale * math.sqrt(_spread(middle, n, m))
            near, far = (middle, far) if inside else (near, middle)
        return far

    return limit(0.0), limit(1.0)
