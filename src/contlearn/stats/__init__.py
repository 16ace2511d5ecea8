"""The mathematics under the detectors and the gates: tests, intervals and corrections as pure functions.

Arrays go in, small named tuples come out, nothing is remembered. It is public so that others may check it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.results import Interval
    from contlearn.stats._chi_squared import ChiSquaredResult, chi_squared
    from contlearn.stats._ks import KSResult, ks
    from contlearn.stats._mean import mean_interval
    from contlearn.stats._mmd import MMDResult, mmd
    from contlearn.stats._multiple import adjust
    from contlearn.stats._paired import McNemarResult, mcnemar, newcombe, tango

__all__ = [
    "ChiSquaredResult",
    "Interval",
    "KSResult",
    "MMDResult",
    "McNemarResult",
    "adjust",
    "chi_squared",
    "ks",
    "mcnemar",
    "mean_interval",
    "mmd",
    "newcombe",
    "tango",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "ChiSquaredResult": "._chi_squared",
        "Interval": "..results",
        "KSResult": "._ks",
        "MMDResult": "._mmd",
        "McNemarResult": "._paired",
        "adjust": "._multiple",
        "chi_squared": "._chi_squared",
        "ks": "._ks",
        "mcnemar": "._paired",
        "mean_interval": "._mean",
        "mmd": "._mmd",
        "newcombe": "._paired",
        "tango": "._paired",
    },
)
