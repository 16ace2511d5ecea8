"""How far quantiles have moved, with intervals that assume nothing about the distributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contlearn.results import Interval

__all__ = [
    "QUANTILES",
    "Quantiles",
    "Ranks",
    "all_ranks",
    "intervals",
    "quantile_ranks",
    "quantile_shifts",
    "shifts_of_samples",
]

Floats = NDArray[np.float64]

QUANTILES = {"10 %": 0.1, "median": 0.5, "90 %": 0.9}
"""What is reported of a column of numbers, by name."""


STEPS = 4
"""Different values from a quantile to an end of its interval below which errors come in visible steps."""


class Ranks(NamedTuple):
    """Which rows of an ascending sample tell a quantile: positions from 1 on.

    Attributes
    ----------
    low, high
        The quantile lies between these two rows with the wanted confidence; row 0 stands for minus infinity,
        one row more than there are for infinity.
    left, right
        The quantile of the sample is midway between these two, which may be one row.
    """

    low: int
    left: int
    right: int
    high: int


class Quantiles(NamedTuple):
    """Quantiles of samples: one row per sample, one column per quantile.

    Attributes
    ----------
    low, high
        Ends of the intervals of the quantiles of the distributions.
    least, most
        The quantile of the sample lies between these two, which are equal where it is known exactly.
    down, up
        Different values from there to either end.
    """

    low: Floats
    least: Floats
    most: Floats
    high: Floats
    down: NDArray[np.int64]
    up: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        at_least: Floats,
        at_most: Floats,
        ranks: NDArray[np.int64],
        rows: NDArray[np.int64],
        places: NDArray[np.int64] | None = None,
    ) -> Quantiles:
        """Return the quantiles, from bounds of the values of the rows whose `ranks` tell them.

        The last axis has four entries per quantile, those of `Ranks`; `rows` are the sizes of the samples,
        `places` those of the values among all different ones (None where no two are equal).
        """
        shape = (*ranks.shape[:-1], -1, 4)
        least, most, rank = at_least.reshape(shape), at_most.reshape(shape), ranks.reshape(shape)
        place = (ranks if places is None else places).reshape(shape)
        low = np.where(rank[..., 0] < 1, -np.inf, least[..., 0])
        high = np.where(rank[..., 3] > rows[:, np.newaxis], np.inf, most[..., 3])
        middle = [0.5 * each[..., 1] + 0.5 * each[..., 2] for each in (least, most)]
        down, up = place[..., 1] - place[..., 0], place[..., 3] - place[..., 2]
        return cls(low, middle[0], middle[1], high, down, up)


@lru_cache(maxsize=1024)
def all_ranks(rows: int, confidence: float, worth: float = 1.0) -> NDArray[np.int64]:
    """Return the `Ranks` of all `QUANTILES`, one after the other."""
    every = [quantile_ranks(rows, each, confidence, worth) for each in QUANTILES.values()]
    ranks = np.array(every).ravel()
    ranks.flags.writeable = False
    return ranks


def quantile_ranks(rows: int, probability: float, confidence: float, worth: float = 1.0) -> Ranks:
    """Return the rows that tell a quantile of the distribution that `rows` rows come from.

    The interval is that of the sign test: a quantile q lies below the row of rank r exactly when fewer than
    r rows are at most q, and that number is binomial. With ties it holds the quantile more often.

    Parameters
    ----------
    rows
        Size of the sample.
    probability
        Which quantile: a share of the rows between 0 and 1.
    confidence
        Of the interval; each end misses in at most half of the rest.
    worth
        Dependent rows that are worth one independent row.
    """
    independent = max(1, int(rows / worth))
    miss = 0.5 * (1.0 - confidence)
    low = _rank(independent, probability, miss)
    high = independent + 1 - _rank(independent, 1.0 - probability, miss)
    wanted = rows * probability
    left = min(rows, max(1, math.ceil(wanted - 1e-9)))
    right = min(rows, max(1, math.floor(wanted + 1e-9) + 1))
    if worth == 1.0:
        return Ranks(low, left, right, high)
    share = rows / independent
    stretched = rows + 1 if high > independent else min(rows, math.ceil(high * share))
    return Ranks(min(left, int(low * share)), left, right, max(right, stretched))


def _rank(rows: int, probability: float, miss: float) -> int:
    """Return the largest r for which fewer than r of `rows` successes have a chance of at most `miss`."""
    spread = math.sqrt(rows * probability * (1.0 - probability))
    reach = int(12.0 * spread + 60.0)  # wide enough for every level above 1e-30
    middle = int(rows * probability)
    candidates = np.arange(max(0, middle - reach), min(rows, middle + 1) + 1)
    fine = special.bdtr(np.maximum(candidates - 1.0, 0.0), rows, probability) <= miss
    fine[candidates == 0] = True
    return int(candidates[fine].max(initial=0))


def quantile_shifts(reference: Quantiles, current: Quantiles) -> tuple[Floats, Floats, Floats]:
    """Return estimate, lower and upper end of the shifts of quantiles, current minus reference.

    The intervals of the two quantiles are put together by squares (Zou and Donner 2008), the end of each that
    counts: about as confident as each of them. Where there are few different values up to an end, errors come
    in steps that do not add up by squares: there, the distances to the ends are simply added. Where quantiles
    of the samples are known only to lie between two numbers, the interval is wide enough for each of these.

    References
    ----------
    Zou and Donner (2008), "Construction of confidence limits about effect measures".
    """
    before, after = reference, current
    with np.errstate(over="ignore", invalid="ignore"):
        estimate = 0.5 * (after.least - before.most) + 0.5 * (after.most - before.least)
        lower = after.least - before.most
        lower -= _together(after.least - after.low, after.down, before.high - before.most, before.up)
        upper = after.most - before.least
        upper += _together(after.high - after.most, after.up, before.least - before.low, before.down)
    # Where numbers leave the range of floats in both directions at once, nothing is known of the shift.
    lower, upper = np.where(np.isnan(lower), -np.inf, lower), np.where(np.isnan(upper), np.inf, upper)
    estimate = np.clip(np.nan_to_num(estimate), np.nan_to_num(lower), np.nan_to_num(upper))
    return estimate, np.minimum(lower, estimate), np.maximum(upper, estimate)


def _together(one: Floats, steps: NDArray[np.int64], two: Floats, others: NDArray[np.int64]) -> Floats:
    return np.where(np.minimum(steps, others) < STEPS, one + two, np.hypot(one, two))


def shifts_of_samples(
    reference: NDArray[Any], current: NDArray[Any], confidence: float
) -> dict[str, Interval]:
    """Return the shift of each of the `QUANTILES` between two samples, ascending and not empty, by name."""
    sides = []
    for ordered in (reference, current):
        ranks = all_ranks(len(ordered), confidence)
        at = ordered.take(ranks - 1, mode="clip")
        places = np.cumsum(np.diff(ordered, prepend=ordered[:1]) != 0).take(ranks - 1, mode="clip")
        known = at.astype(np.float64)[np.newaxis]
        sides.append(
            Quantiles.of(known, known, ranks[np.newaxis], np.array([len(ordered)]), places[np.newaxis])
        )
    return intervals(quantile_shifts(*sides), [confidence])[0]


def intervals(
    shifts: tuple[Floats, Floats, Floats], confidences: Sequence[float]
) -> list[dict[str, Interval]]:
    """Return for each sample its shifts by name."""
    rows = zip(*(each.tolist() for each in shifts), confidences, strict=True)
    return [
        {
            name: Interval(shift, least, most, confidence)
            for name, shift, least, most in zip(QUANTILES, estimate, low, high, strict=True)
        }
        for estimate, low, high, confidence in rows
    ]
