"""Has the world changed? Detectors that keep the false-alarm rate they state.

Batch detectors remember a reference (`fit`) and compare later rows with it (`detect`), as often as asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.drift._by_column import ByColumn
    from contlearn.drift._chi_squared import ChiSquared
    from contlearn.drift._conditional import ConditionalDrift
    from contlearn.drift._cramer_von_mises import CramerVonMises
    from contlearn.drift._domain_classifier import DomainClassifier
    from contlearn.drift._energy import Energy
    from contlearn.drift._jensen_shannon import JensenShannon
    from contlearn.drift._ks import KS
    from contlearn.drift._mmd import MMD
    from contlearn.drift._psi import PSI
    from contlearn.drift._streams._alarm import Alarm
    from contlearn.drift._streams._distribution import DistributionDetector
    from contlearn.drift._streams._latched import Latched
    from contlearn.drift._streams._online_mmd import OnlineMMD
    from contlearn.drift._streams._over_time import OverTime
    from contlearn.drift._streams._pooled import Pooled
    from contlearn.drift._streams._rank_cusum import RankCUSUM
    from contlearn.drift._streams._risk import RiskDetector
    from contlearn.drift._streams._river import RiverDetector
    from contlearn.drift._streams._windowed import Windowed
    from contlearn.drift._summary import Summary
    from contlearn.drift._wasserstein import Wasserstein
    from contlearn.results import DriftResult, DriftState, Interval

__all__ = [
    "KS",
    "MMD",
    "PSI",
    "Alarm",
    "ByColumn",
    "ChiSquared",
    "ConditionalDrift",
    "CramerVonMises",
    "DistributionDetector",
    "DomainClassifier",
    "DriftResult",
    "DriftState",
    "Energy",
    "Interval",
    "JensenShannon",
    "Latched",
    "OnlineMMD",
    "OverTime",
    "Pooled",
    "RankCUSUM",
    "RiskDetector",
    "RiverDetector",
    "Summary",
    "Wasserstein",
    "Windowed",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "KS": "._ks",
        "MMD": "._mmd",
        "PSI": "._psi",
        "Alarm": "._streams._alarm",
        "ByColumn": "._by_column",
        "ChiSquared": "._chi_squared",
        "CramerVonMises": "._cramer_von_mises",
        "ConditionalDrift": "._conditional",
        "DistributionDetector": "._streams._distribution",
        "DomainClassifier": "._domain_classifier",
        "DriftResult": "..results",
        "DriftState": "..results",
        "Energy": "._energy",
        "Interval": "..results",
        "JensenShannon": "._jensen_shannon",
        "Latched": "._streams._latched",
        "OverTime": "._streams._over_time",
        "Pooled": "._streams._pooled",
        "RiskDetector": "._streams._risk",
        "RiverDetector": "._streams._river",
        "Summary": "._summary",
        "Wasserstein": "._wasserstein",
        "RankCUSUM": "._streams._rank_cusum",
        "Windowed": "._streams._windowed",
        "OnlineMMD": "._streams._online_mmd",
    },
)
