"""Shares, run lengths and delays that were counted, with exact intervals where there are any."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import special

from contlearn.results import Interval

CONFIDENCE = 0.95
_TAIL = (1.0 - CONFIDENCE) / 2.0


def share_of(alarms: Sequence[bool]) -> Interval:
    """Return the share of alarms with its exact interval (Clopper and Pearson)."""
    count, n = sum(alarms), len(alarms)
    low = float(special.betaincinv(count, n - count + 1, _TAIL)) if count else 0.0
    high = float(special.betaincinv(count + 1, n - count, 1.0 - _TAIL)) if count < n else 1.0
    return Interval(count / n, low, high, CONFIDENCE)


def run_length_of(alarms: int, updates: int) -> Interval:
    """Return the updates per alarm with the exact interval of a Poisson count (Garwood)."""
    fewest = float(special.gammaincinv(alarms, _TAIL)) if alarms else 0.0
    most = float(special.gammaincinv(alarms + 1, 1.0 - _TAIL))
    estimate, high = (updates / each if each else math.inf for each in (alarms, fewest))
    return Interval(estimate, updates / most, high, CONFIDENCE)


def count_text(interval: Interval) -> str:
    """Return counts with their limits, in whole numbers."""
    return f"{_whole(interval.estimate)} [{_whole(interval.low)}, {_whole(interval.high)}]"


def _whole(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "-"
