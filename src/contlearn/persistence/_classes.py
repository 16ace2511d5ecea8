"""The closed list of what may be in a file, by ids that stay when modules move.

A file names an id, never a module: what is not listed here is not loaded, whatever a file says. An id is for
ever; a class that moves keeps its id and gets a new home.
"""

from __future__ import annotations

import importlib
from functools import cache
from types import FunctionType
from typing import Any

_Home = tuple[str, str]  # a module under `contlearn` or river, and a name in it


def _homes(module: str, names: str, prefix: str = "") -> dict[str, _Home]:
    return {prefix + name.lstrip("_"): (module, name) for name in names.split()}


TUPLES: dict[str, _Home] = {
    "Interval": ("contlearn.results", "Interval"),
    **_homes("contlearn.stats._ks", "KSResult"),
    **_homes("contlearn.stats._chi_squared", "ChiSquaredResult"),
    **_homes("contlearn.stats._cramer_von_mises", "CramerVonMisesResult"),
    **_homes("contlearn.stats._wasserstein", "WassersteinResult"),
    **_homes("contlearn.stats._mmd", "MMDResult"),
    **_homes("contlearn.stats._energy", "EnergyResult"),
    **_homes("contlearn.stats._paired", "McNemarResult"),
    **_homes("contlearn.stats._delong", "DeLongResult"),
    **_homes("contlearn.stats._betting_mean", "BettingResult"),
    **_homes("contlearn.stats._group_sequential", "GroupSequentialResult"),
    **_homes("contlearn.stats._online_testing", "OnlineResult"),
    **_homes("contlearn.stats._online_testing", "Rule Fortune", "online."),
    **_homes("contlearn.stats._ks_atoms", "Atoms", "ks."),
    **_homes("contlearn.stats._ks_cells", "Counts", "ks."),
    **_homes("contlearn.stats._matched_ks", "Binned", "ks."),
    **_homes("contlearn.stats._wasserstein", "Spread Line", "wasserstein."),
    **_homes("contlearn.stats._random_features", "FeatureMap Moments", "features."),
    **_homes("contlearn.stats._mmd_features", "Law", "features."),
    **_homes("contlearn.drift._two_samples", "Remembered", "drift."),
    **_homes("contlearn.drift._arrays", "Kept", "drift.arrays."),
    **_homes("contlearn.drift._bins", "Bins Counted", "drift.bins."),
    **_homes("contlearn.drift._chi_squared", "Learned", "drift.chi_squared."),
    **_homes("contlearn.drift._conditional", "Learnt Both", "drift.conditional."),
    **_homes("contlearn.drift._conditional_test", "Explained", "drift.conditional."),
    **_homes(
        "contlearn.drift._explained",
        "Scale Ranks Encoder Line Regression Classification",
        "drift.conditional.",
    ),
    **_homes("contlearn.drift._judge", "Kept", "drift.classifier."),
    **_homes("contlearn.drift._ks", "Learnt", "drift.ks."),
    **_homes("contlearn.drift._mmd_findings", "Learnt", "drift.mmd."),
    **_homes("contlearn.drift._ordered", "Learnt", "drift.ordered."),
    **_homes("contlearn.drift._values", "Values", "drift."),
    **_homes("contlearn.drift._tally", "Dense Tally", "drift."),
    **_homes("contlearn.drift._summary", "Described", "drift."),
    **_homes("contlearn.drift._westfall_young", "Kept", "drift.westfall_young."),
    **_homes("contlearn.gates._holdout", "Rows Holdout", "holdout."),
    **_homes("contlearn.gates._holdout_budget", "Look", "holdout."),
    **_homes("contlearn.drift._streams._bets", "Stakes", "stream."),
    **_homes("contlearn.drift._streams._changed", "Change", "stream."),
    **_homes("contlearn.drift._streams._edges", "Edges", "stream."),
    **_homes("contlearn.drift._streams._intake", "Intake", "stream."),
    **_homes("contlearn.drift._streams._last_move", "Move", "stream."),
    **_homes("contlearn.drift._streams._missing_share", "_State", "stream.missing."),
    **_homes("contlearn.drift._streams._over_time", "_Progress", "stream."),
    **_homes("contlearn.drift._streams._heights", "Heights", "stream."),
    **_homes("contlearn.drift._streams._report", "Asked", "stream."),
    **_homes("contlearn.drift._streams._recent", "_State", "stream.recent."),
    **_homes("contlearn.drift._streams._betting", "Side", "stream."),
    **_homes("contlearn.drift._streams._risk_limit", "Learned", "stream.risk."),
    **_homes("contlearn.drift._streams._sight", "_State", "stream.sight."),
    **_homes("contlearn.drift._streams._tree", "Tree", "stream."),
    **_homes("contlearn.drift._streams._urn", "_State", "stream.urn."),
    **_homes("contlearn.drift._streams._online_mmd", "_Window", "stream."),
    **_homes("contlearn.drift._streams._window_limits", "WindowLimits _Tail", "stream."),
    **_homes("contlearn._tables._column", "Codes", "table."),
}
"""Named tuples: made again from their fields."""

RECORDS: dict[str, _Home] = {
    **_homes("contlearn.results", "DriftResult Decision Verdict"),
    **_homes("contlearn.policies._evidence", "Evidence Episode"),
    **_homes("contlearn.policies._replay", "Replay"),
    **_homes("contlearn.policies._costs", "Costs"),
    **_homes("contlearn.policies._money", "Money"),
    **_homes("contlearn.policies._period", "BestPeriod"),
    **_homes("contlearn.policies._on_drift", "OnDrift"),
    **_homes("contlearn.policies._cost_aware", "CostAware"),
    **_homes("contlearn.policies._forecast", "Forecast"),
    **_homes("contlearn.policies._loss_cusum", "LossCUSUM"),
    **_homes("contlearn.policies._limits", "LossIncrease LossAbove LowConfidence MinLabels"),
    **_homes("contlearn.policies._ages", "MaxAge MinAge"),
    **_homes("contlearn.policies._memory", "Sustained AtMost"),
    **_homes("contlearn.policies._budget", "Budget"),
    **_homes("contlearn.policies._enough_labels", "EnoughLabels"),
    **_homes("contlearn.policies._hysteresis", "Hysteresis"),
    **_homes("contlearn.policies._pays_off", "PaysOff"),
    **_homes("contlearn.policies._base", "_AllOf _AnyOf _Not", "policy."),
    **_homes("contlearn.gates._gain", "Gain"),
    **_homes("contlearn.gates._auc_gain", "AUCGain"),
    **_homes("contlearn.gates._metric_gain", "MetricGain"),
    **_homes("contlearn.gates._calibrated", "Calibrated"),
    **_homes("contlearn.gates._every_slice", "EverySlice"),
    **_homes("contlearn.gates._negative_flips", "NegativeFlips"),
    **_homes("contlearn.gates._churn", "Churn"),
    **_homes("contlearn.gates._worse_slices", "WorseSlices SliceGain"),
    **_homes("contlearn.gates._faster", "Faster"),
    **_homes("contlearn.gates._old_data", "OldData"),
    **_homes("contlearn.gates._approval", "Approval"),
    **_homes("contlearn.gates._plan", "Plan"),
    **_homes("contlearn.gates._forgetting", "Forgetting ForgettingCell"),
    **_homes("contlearn.gates._base", "AllOf", "gate."),
    **_homes("contlearn.gates._sign_off", "SignOff"),
    **_homes("contlearn.gates._guardrail", "Guardrail"),
    **_homes("contlearn.gates._canary_answer", "CanaryAnswer"),
    **_homes("contlearn.evaluation._losses", "_Pinball _Negated", "loss."),
    **_homes("contlearn.curation._jtt_report", "JTTReport JTTCell"),
    **_homes("contlearn.ledger._champion", "Champion"),
    **_homes("contlearn.ledger._entry", "Entry", "ledger."),
    **_homes("contlearn.ledger._training_run", "TrainingRun"),
    **_homes("contlearn.testing._certificate", "Certificate Found"),
    **_homes("contlearn.testing._backtest_report", "Backtest Delay Baseline"),
    **_homes("contlearn.testing._stream_certificate", "StreamCertificate"),
    **_homes("contlearn.drift._streams._alarm", "Alarm"),
    **_homes("contlearn.drift._streams._line", "Line", "stream."),
    **_homes("contlearn._tables._column", "Column", "table."),
    **_homes("contlearn._tables._schema", "Schema", "table."),
}
"""Dataclasses: made again by their constructor, which checks their fields."""

ADDED: dict[str, frozenset[str]] = {
    "Decision": frozenset({"p_value", "e_value"}),
    "Gain": frozenset({"bounds", "method"}),
    "EverySlice": frozenset({"margins"}),
    "Replay": frozenset({"money"}),
}
"""Fields of dataclasses that older files do not have; each has a default."""

STATES: dict[str, _Home] = {
    **_homes("contlearn.windows._sliding", "SlidingWindow"),
    **_homes("contlearn.windows._time", "TimeWindow"),
    **_homes("contlearn.windows._reservoir", "Reservoir"),
    **_homes("contlearn.windows._pending", "PendingLabels"),
}
"""Classes that say what their state is: `__getstate__` and `__setstate__`."""

ATTRIBUTES: dict[str, _Home] = {
    **_homes("contlearn.drift._ks", "KS"),
    **_homes("contlearn.drift._chi_squared", "ChiSquared"),
    **_homes("contlearn.drift._cramer_von_mises", "CramerVonMises"),
    **_homes("contlearn.drift._wasserstein", "Wasserstein"),
    **_homes("contlearn.drift._mmd", "MMD"),
    **_homes("contlearn.drift._energy", "Energy"),
    **_homes("contlearn.drift._psi", "PSI"),
    **_homes("contlearn.drift._jensen_shannon", "JensenShannon"),
    **_homes("contlearn.drift._conditional", "ConditionalDrift"),
    **_homes("contlearn.drift._domain_classifier", "DomainClassifier"),
    **_homes("contlearn.drift._by_column", "ByColumn"),
    **_homes("contlearn.gates._sequential_gain", "SequentialGain"),
    **_homes("contlearn.gates._group_sequential_gain", "GroupSequentialGain"),
    **_homes("contlearn.gates._holdout_budget", "HoldoutBudget"),
    **_homes("contlearn.evaluation._prequential", "Prequential"),
    **_homes("contlearn.gates._two_arms", "TwoArms", "gate."),
    **_homes("contlearn.gates._canary", "Canary"),
    **_homes("contlearn.drift._streams._risk", "RiskDetector"),
    **_homes("contlearn.drift._streams._distribution", "DistributionDetector"),
    **_homes("contlearn.drift._streams._rank_cusum", "RankCUSUM"),
    **_homes("contlearn.drift._streams._online_mmd", "OnlineMMD"),
    **_homes("contlearn.drift._streams._over_time", "OverTime"),
    **_homes("contlearn.drift._streams._windowed", "Windowed"),
    **_homes("contlearn.drift._streams._pooled", "Pooled"),
    **_homes("contlearn.drift._streams._latched", "Latched"),
    **_homes("contlearn.drift._streams._river", "RiverDetector"),
    **_homes("river.drift.adwin", "ADWIN", "river."),
    **_homes("river.drift.kswin", "KSWIN", "river."),
    **_homes("river.drift.page_hinkley", "PageHinkley", "river."),
    **_homes("river.drift.no_drift", "NoDrift", "river."),
    **_homes("river.drift.dummy", "DummyDriftDetector", "river."),
    **_homes("river.drift.binary.ddm", "DDM", "river."),
    **_homes("river.drift.binary.eddm", "EDDM", "river."),
    **_homes("river.drift.binary.fhddm", "FHDDM", "river."),
    **_homes("river.drift.binary.hddm_a", "HDDMA", "river."),
    **_homes("river.drift.binary.hddm_w", "HDDMW", "river."),
    **_homes("river.stats.ewmean", "EWMean", "river.stats."),
    **_homes("river.stats.mean", "Mean", "river.stats."),
    **_homes("river.stats.var", "Var", "river.stats."),
}
"""Classes made by their constructor, whose attributes are then set to what was saved."""

PARTS: dict[str, _Home] = {
    **_homes("contlearn.drift._streams._blocks", "Blocks", "stream."),
    **_homes("contlearn.drift._streams._missing_share", "MissingShare", "stream."),
    **_homes("contlearn.drift._streams._recent", "Recent", "stream."),
    **_homes("contlearn.drift._streams._row_features", "RowFeatures", "stream."),
    **_homes("contlearn.drift._streams._sequential_ranks", "SequentialRanks", "stream."),
    **_homes("contlearn.drift._streams._sight", "Sight", "stream."),
    **_homes("contlearn.drift._streams._urn", "Urn", "stream."),
    **_homes("river.drift.binary.hddm_w", "SampleInfo", "river."),
}
"""Parts of other objects: made without their constructor, their attributes set to what was saved."""

ARGUMENTS: dict[str, _Home] = {
    **_homes("contlearn._answers", "Parts", "answer."),
    **_homes("contlearn.gates._trial", "Trial"),
    **_homes("contlearn.policies._votes", "AtLeast"),
    **_homes("contlearn.policies._evidential", "Evidential"),
    **_homes("contlearn.drift._summary", "Summary"),
    **_homes("contlearn.stats._ks_atoms", "Reference", "ks."),
    **_homes("contlearn.stats._ks_sample", "Marginal", "ks."),
}
"""Classes made again by their constructor from arguments that `_objects` takes from them."""

VALUES = TUPLES.keys() | {"answer.Parts"}
"""Written wherever they stand: nobody can tell whether two of them are one."""

WORDS: dict[str, _Home] = {
    **_homes("contlearn.results", "DriftState Outcome"),
    **_homes("contlearn.gates._canary_answer", "CanaryAction"),
}
STORES: dict[str, _Home] = {
    **_homes("contlearn.windows._rows", "ListRows", "rows."),
    **_homes("contlearn.windows._arrays", "ArrayRows", "rows."),
    **_homes("contlearn.windows._frames", "FrameRows", "rows."),
}
FUNCTIONS: dict[str, _Home] = _homes(
    "contlearn.evaluation._losses", "zero_one log_loss brier absolute_error squared_error", "loss."
)

OBJECTS = {**TUPLES, **RECORDS, **STATES, **ATTRIBUTES, **PARTS, **ARGUMENTS}
_EVERY = {**OBJECTS, **WORDS, **STORES, **FUNCTIONS}
_IDS = {home: id_ for id_, home in _EVERY.items()}


def id_of(kind: type | FunctionType) -> str | None:
    """Return the id of a class or a function, None where it has none."""
    return _IDS.get((kind.__module__, kind.__qualname__))


@cache
def named(id_: str) -> Any:
    """Return the class or function of an id in the list."""
    module, name = _EVERY[id_]
    return getattr(importlib.import_module(module), name)
