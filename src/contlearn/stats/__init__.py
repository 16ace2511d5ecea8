"""The mathematics under the detectors and the gates: tests, intervals and corrections as pure functions.

Arrays go in, small named tuples come out, nothing is remembered. It is public so that others may check it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contlearn._lazy import attach

if TYPE_CHECKING:
    from contlearn.results import Interval
    from contlearn.stats._betting_mean import BettingResult, betting_interval, betting_test
    from contlearn.stats._chi_squared import ChiSquaredResult, chi_squared
    from contlearn.stats._cramer_von_mises import CramerVonMisesResult, cramer_von_mises
    from contlearn.stats._delong import DeLongResult, delong
    from contlearn.stats._divergences import jensen_shannon, psi
    from contlearn.stats._energy import EnergyResult, energy
    from contlearn.stats._group_sequential import GroupSequentialResult, group_sequential
    from contlearn.stats._ks import KSResult, ks
    from contlearn.stats._mean import mean_interval
    from contlearn.stats._mmd import MMDResult, mmd
    from contlearn.stats._multiple import adjust
    from contlearn.stats._online_testing import addis, lord, saffron
    from contlearn.stats._paired import McNemarResult, mcnemar, newcombe, tango
    from contlearn.stats._sample_sizes import sample_size_mcnemar
    from contlearn.stats._wasserstein import WassersteinResult, wasserstein

__all__ = [
    "BettingResult",
    "ChiSquaredResult",
    "CramerVonMisesResult",
    "DeLongResult",
    "EnergyResult",
    "GroupSequentialResult",
    "Interval",
    "KSResult",
    "MMDResult",
    "McNemarResult",
    "WassersteinResult",
    "addis",
    "adjust",
    "betting_interval",
    "betting_test",
    "chi_squared",
    "cramer_von_mises",
    "delong",
    "energy",
    "group_sequential",
    "jensen_shannon",
    "ks",
    "lord",
    "mcnemar",
    "mean_interval",
    "mmd",
    "newcombe",
    "psi",
    "saffron",
    "sample_size_mcnemar",
    "tango",
    "wasserstein",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "BettingResult": "._betting_mean",
        "ChiSquaredResult": "._chi_squared",
        "CramerVonMisesResult": "._cramer_von_mises",
        "DeLongResult": "._delong",
        "EnergyResult": "._energy",
        "GroupSequentialResult": "._group_sequential",
        "Interval": "..results",
        "KSResult": "._ks",
        "MMDResult": "._mmd",
        "McNemarResult": "._paired",
        "WassersteinResult": "._wasserstein",
        "addis": "._online_testing",
        "adjust": "._multiple",
        "betting_interval": "._betting_mean",
        "betting_test": "._betting_mean",
        "chi_squared": "._chi_squared",
        "cramer_von_mises": "._cramer_von_mises",
        "delong": "._delong",
        "energy": "._energy",
        "group_sequential": "._group_sequential",
        "jensen_shannon": "._divergences",
        "ks": "._ks",
        "lord": "._online_testing",
        "mcnemar": "._paired",
        "mean_interval": "._mean",
        "mmd": "._mmd",
        "newcombe": "._paired",
        "psi": "._divergences",
        "saffron": "._online_testing",
        "sample_size_mcnemar": "._sample_sizes",
        "tango": "._paired",
        "wasserstein": "._wasserstein",
    },
)
