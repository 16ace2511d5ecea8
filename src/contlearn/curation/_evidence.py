"""Whether balancing helps, told from out-of-fold verdicts of the probe.

The figures of the automatic recipe were fixed on generated data, digits and breast cancer before any test of
this package was written; they are part of the method and not parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contlearn.curation._judge import UNJUDGED, ProbeVerdicts, Verdicts

MOST_REPEATED = 0.67
LEAST_GAIN = 0.03
STANDARD_ERRORS = 2.5
LEAST_CLASS_GAIN = 0.02
MOST_SUSPECTS = 0.40


@dataclass(frozen=True)
class Evidence:
    """What the probe says about balancing the cells, with the verdicts that it rests on."""

    base: Verdicts
    balanced: Verdicts
    accuracy_on_errors: float
    gain: float
    standard_error: float
    suspect_share: float

    def against(self) -> str:
        """Return why balancing is not worth it, or nothing where it is."""
        if self.accuracy_on_errors >= MOST_REPEATED:
            return f"the base model gets most misidentified rows right (a must be below {MOST_REPEATED})"
        if self.gain <= LEAST_GAIN:
            return f"balancing the cells gains too little (g must be above {LEAST_GAIN})"
        if self.gain <= STANDARD_ERRORS * self.standard_error:
            return f"the gain from balancing the cells is too uncertain (g must be above {STANDARD_ERRORS} s)"
        return ""

    @property
    def too_many_suspects(self) -> bool:
        """Whether more errors resist balancing than a minority would."""
        return self.suspect_share > MOST_SUSPECTS


def weigh(
    base: Verdicts, balanced: Verdicts, errors: NDArray[np.bool_], cells: NDArray[np.intp]
) -> Evidence | None:
    """Return what balancing changes, cell by cell; None where the splitter tested too little of a cell."""
    judged = base != UNJUDGED
    gains, variances = [], []
    for cell in np.unique(cells):
        rows = judged & (cells == cell)
        if rows.sum() < 2:
            return None
        change = balanced[rows].astype(np.float64) - base[rows]
        gains.append(change.mean())
        variances.append(change.var(ddof=1) / len(change))
    return Evidence(
        base=base,
        balanced=balanced,
        accuracy_on_errors=share_right(base, errors),
        gain=float(np.mean(gains)),
        standard_error=float(np.sqrt(np.sum(variances)) / len(gains)),
        suspect_share=1.0 - share_right(balanced, errors),
    )


def class_balance_helps(codes: NDArray[np.intp], probe: ProbeVerdicts) -> bool:
    """Return whether balancing the classes lifts the worst class by more than chance would."""
    judged = probe.plain != UNJUDGED
    classes = [judged & (codes == code) for code in np.unique(codes[judged])]
    if not classes:
        return False
    before = min(share_right(probe.plain, rows) for rows in classes)
    after = min(share_right(probe.class_balanced, rows) for rows in classes)
    chance = 2 * np.sqrt(0.25 / min(rows.sum() for rows in classes))
    return bool(after - before > max(LEAST_CLASS_GAIN, chance))


def share_right(verdicts: Verdicts, rows: NDArray[np.bool_]) -> float:
    """Return the share that is right among those of `rows` that were judged."""
    return float(verdicts[rows & (verdicts != UNJUDGED)].mean())
