"""The p-values that share one column's part of alpha: of its values, and of what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from contlearn.drift._finding import known
from contlearn.drift._two_samples import Tested
from contlearn.stats._multiple import adjust


def aspects(tested: Tested) -> Sequence[float]:
    """Return the p-values of values and missing values, corrected for each other and nothing else."""
    if not tested.missing:
        return [known(tested.values.p_value)]
    return _holm([known(tested.values.p_value), min(missing_p_values(tested))])


def missing_p_values(tested: Tested) -> Sequence[float]:
    return _holm([known(finding.p_value) for finding in tested.missing.values()])


def _holm(p_values: Sequence[float]) -> list[float]:
    return [float(p) for p in adjust(p_values, "holm")]


def lifted(p_values: Sequence[float], least: float, tests: int) -> list[float]:
    """Return parts' p-values corrected for the tests outside, given the corrected smallest of them, `least`.

    The smallest becomes `least`; the others are held to the strictest step, `tests` times their own.
    """
    smallest = min(p_values)
    return [least if p == smallest else max(least, min(1.0, tests * p)) for p in p_values]
