"""Has the world changed? Detectors that keep the false-alarm rate they state.

Batch detectors remember a reference (`fit`) and compare later rows with it (`detect`), as often as asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.drift._by_column import ByColumn
    from contlearn.drift._chi_squared import ChiSquared
    from contlearn.drift._ks import KS
    from contlearn.drift._mmd import MMD
    from contlearn.drift._summary import Summary
    from contlearn.results import DriftResult, DriftState, Interval

__all__ = ["KS", "MMD", "ByColumn", "ChiSquared", "DriftResult", "DriftState", "Interval", "Summary"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "KS": "._ks",
        "MMD": "._mmd",
        "ByColumn": "._by_column",
        "ChiSquared": "._chi_squared",
        "DriftResult": "..results",
        "DriftState": "..results",
        "Interval": "..results",
        "Summary": "._summary",
    },
)
