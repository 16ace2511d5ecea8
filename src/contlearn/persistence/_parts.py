"""What the attributes of objects must be, where their classes say it only to tools and readers."""

from __future__ import annotations

import inspect
import math
from collections import deque
from typing import Any

import numpy as np

from contlearn.persistence import _classes, _kinds, _live, _random
from contlearn.persistence._refusals import damaged

_FLOATS = np.ndarray[Any, np.dtype[np.floating[Any]]]
_INTEGERS = np.ndarray[Any, np.dtype[np.integer[Any]]]

PARTS: dict[str, dict[str, Any]] = {
    "stream.Blocks": {"size": int, "taken": int, "_sum": float, "_known": float},
    "stream.MissingShare": {
        "_present": tuple[float, ...],
        "_gone": tuple[float, ...],
        "_known": bool,
        "_state": "stream.missing.State",
    },
    "stream.Recent": {"_values": _FLOATS, "_regions": _INTEGERS, "size": int, "taken": int},
    "stream.RowFeatures": {"_map": "features.FeatureMap", "_mean": _FLOATS},
    "stream.SequentialRanks": {"_edges": "stream.Edges", "_weights": list[int], "_total": int},
    "stream.Sight": {
        "lines": ("stream.Line",),
        "edges": ("stream.Edges",),
        "trees": ("stream.Tree",),
        "n_reference": int,
        "urns": ("stream.Urn",),
        "recent": "stream.Recent",
    },
    "stream.Urn": {
        "gaps": tuple[int, ...],
        "_phi": tuple[tuple[float, float], ...],
        "seen": int,
        "_total": float,
        "_position": int,
        "_masses": list[float],
        "_recent": list[list[float]],
        "_shape": list[float],
        "_sums": list[float],
        "_inverses": list[float],
    },
    "river.SampleInfo": {
        "_ewma": "river.stats.EWMean",
        "_is_init": bool,
        "_ibc": float,
        "_lambd_sq": float,
        "_c_lambd_sq": float,
    },
}
"""By id: every attribute, and its kind: an annotation, an id, or a tuple of one id for a tuple of such."""

_LEARNED: dict[str, Any] = {
    "reference_": ("drift.Remembered",),
    "fingerprint_": str,
    "schema_": "table.Schema",
    "n_features_in_": int,
    "feature_names_in_": np.ndarray,
    "place_": str,
}
LEARNED = frozenset({"reference_", "rows_", "fingerprint_", "schema_", "n_features_in_"})
"""What a batch detector has after `fit`, all or nothing."""

_STATISTICS = {
    "KS": ("drift.ks.Learnt",),
    "ChiSquared": ("drift.chi_squared.Learned",),
    "CramerVonMises": ("drift.ordered.Learnt",),
    "Wasserstein": ("drift.ordered.Learnt",),
    "MMD": ("drift.arrays.Kept", "drift.mmd.Learnt"),
    "Energy": ("drift.arrays.Kept",),
    "PSI": ("drift.bins.Bins",),
    "JensenShannon": ("drift.bins.Bins",),
    "DomainClassifier": ("drift.classifier.Kept",),
    "ConditionalDrift": ("drift.conditional.Both", "drift.conditional.Learnt"),
}
"""By id: what each detector learns of columns."""

_NULLABLE: dict[str, dict[str, str]] = {
    "RiverDetector": {"_move": "stream.Move"},
    "DistributionDetector": {"_sight": "stream.Sight", "_intake": "stream.Intake"},
    "RankCUSUM": {"_ranks": "stream.SequentialRanks", "_missing": "stream.MissingShare"},
    "OnlineMMD": {"_features": "stream.RowFeatures", "_intake": "stream.Intake"},
}
"""By id: attributes that a new object has as None, and what they may become."""

_AGAIN: dict[str, Any] = {
    "stream.Blocks": lambda state: (state["size"],),
    "stream.Urn": lambda state: (state["gaps"],),
}
"""By id: the arguments with which the constructor makes a part that is as long as it must be."""

_SETTLED: dict[str, tuple[str, ...]] = {
    "SequentialGain": ("_limit", "_edge", "_sizes", "_enough", "_last"),
}
"""By id: attributes that follow from the parameters alone."""

_MOST_LOOKS = 2**31  # challengers that a budget can have judged
_MOST_ROWS = 2**53
_WITH_PLACE = ("MMD", "Energy")  # they also remember on which device the reference lies
_LIMITS = ("_limit", "_warning_limit")  # what evidence must reach
BECOMES_NONE = frozenset({"_ones"})  # a count that is given up where losses are no zeros and ones
_GENERATORS = {"DistributionDetector": "_fitted", "RankCUSUM": "_given"}  # states of one, as `fit` left it
_WITH_GAPS = frozenset({"_warming", "_held"})  # values of the user's, missing ones among them


def check_part(id_: str, kind: Any, state: dict[str, Any]) -> None:
    """Refuse attributes of a part that are not exactly those that it has, of their kinds."""
    expected = PARTS[id_]
    if state.keys() != expected.keys():
        odd = sorted(state.keys() ^ expected.keys())
        damaged(f"the attributes of {kind.__name__}", f"a difference in {', '.join(odd)[:80]}")
    _kinds.check(kind, state, {name: _hint(each) for name, each in expected.items()})
    check_numbers(kind, state)
    right = _FITTING[id_](state) if id_ in _FITTING else True
    if right and id_ in _AGAIN:
        right = same_lengths(vars(kind(*_AGAIN[id_](state))), state)
    if not right:
        damaged(f"the attributes of {kind.__name__}", "values that do not belong together")


def check_attributes(id_: str, kind: Any, state: dict[str, Any]) -> None:
    """Refuse attributes of an object of contlearn that are not what its class says."""
    if not kind.__module__.startswith("contlearn."):
        return
    _kinds.check(kind, state)
    expected = _NULLABLE.get(id_, {})
    _kinds.check(kind, state, {name: _hint(each) | None for name, each in expected.items()})
    if id_ == "RiskDetector" and not _sides_fit(state):
        damaged("the bets of a RiskDetector", "values that do not belong together")
    if id_ == "HoldoutBudget" and not _budget_fits(state):
        damaged("the holdouts of a HoldoutBudget", "values that do not belong together")
    if id_ == "GroupSequentialGain" and not _live.looks_fit(state):
        damaged("the looks of a GroupSequentialGain", "values that do not belong together")
    if id_ == "gate.TwoArms" and not _live.arms_fit(state):
        damaged("the evidence of two arms", "values that do not belong together")
    if id_ == "Canary" and not _live.canary_fits(state):
        damaged("the steps and guardrails of a Canary", "values that do not belong together")
    if id_ in _SETTLED:
        new = vars(kind(**{name: state[name] for name in inspect.signature(kind).parameters}))
        if any(new[name] != state[name] for name in _SETTLED[id_]):
            damaged(f"what follows from the parameters of {kind.__name__}", "something else")
    generator = state.get(_GENERATORS.get(id_, ""))
    if generator is not None:
        _random.check_state(generator[-1] if type(generator) is tuple else generator)
    if "reference_" in state:
        _kinds.check(kind, state, {name: _hint(each) for name, each in _LEARNED.items()})
        _check_reference(id_, kind, state)


def _check_reference(id_: str, kind: Any, state: dict[str, Any]) -> None:
    schema, remembered = state["schema_"], state["reference_"]
    names = [name for memory in remembered for name in memory.names]
    right = len(schema.names) == len(schema.kinds) == len(schema.positions) and names == list(schema.names)
    if not right or not remembered or any(len(each.missing) != len(each.names) for each in remembered):
        damaged(f"a reference of {kind.__name__}", "columns that do not belong together")
    for memory in remembered:
        inner = id_ if memory.detector is None else _classes.id_of(type(memory.detector))
        learned = _classes.id_of(type(memory.statistics))
        if memory.statistics is not None and learned not in _STATISTICS.get(inner or "", ()):
            damaged(f"what {inner} learns of a reference", type(memory.statistics).__name__)
    if state["rows_"] is not None and _classes.id_of(type(state["rows_"])) != "drift.westfall_young.Kept":
        damaged("rows of a reference", type(state["rows_"]).__name__)


def learned_by(id_: str, kind: Any, state: dict[str, Any]) -> frozenset[str]:
    """Return which attributes an object must have beside those of a new one, or may have."""
    if not hasattr(kind, "detect") or state.keys().isdisjoint(LEARNED):
        return frozenset()
    learned = LEARNED | {"place_"} if id_ in _WITH_PLACE else LEARNED
    return learned | ({"feature_names_in_"} & state.keys())


def check_numbers(kind: Any, state: dict[str, Any]) -> None:
    """Refuse NaN, with which nothing is ever larger than a limit, and limits that nothing is larger than."""
    for name, value in state.items():
        if name not in _WITH_GAPS and _has_nan(value):
            damaged(f"numbers in {kind.__name__}.{name}", "NaN")
        if name == "_wealth" and hasattr(kind, "drift_detected") and not all(map(_is_wealth, value)):
            damaged(f"five sums and five products above 0 in {kind.__name__}.{name}", "others")
        if name in _LIMITS and not (type(value) in (int, float) and 0 < value < math.inf):
            damaged(f"{kind.__name__}.{name} above 0", repr(value)[:40])


def alike(fresh: Any, given: Any) -> bool:
    """Return whether a saved attribute may stand where a new object has `fresh`; None stands for any."""
    if fresh is None or given is None:
        return fresh is None
    if isinstance(fresh, bool) or isinstance(given, bool):
        return isinstance(fresh, bool) and isinstance(given, bool)
    if isinstance(fresh, (int, float)) and isinstance(given, (int, float)):
        return True
    if type(fresh) is not type(given):
        return False
    if isinstance(fresh, np.ndarray):
        return bool(fresh.ndim == given.ndim and fresh.dtype == given.dtype)
    if type(fresh) is tuple and fresh:
        return len(fresh) == len(given) and all(map(alike, fresh, given))
    return True


def _hint(given: Any) -> Any:
    if isinstance(given, str):
        return _classes.named(given)
    if isinstance(given, tuple):
        kind: Any = _classes.named(given[0])
        return tuple[kind, ...]
    return given


def _has_nan(value: Any) -> bool:
    if isinstance(value, float):
        return value != value
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fc" and bool(np.isnan(value).any())
    if isinstance(value, (list, tuple, deque)):
        return any(map(_has_nan, value))
    return isinstance(value, dict) and any(map(_has_nan, value.values()))


def _is_wealth(value: Any) -> bool:
    """Return whether these are the S and P of five bets: an update divides by P."""
    floats = type(value) is tuple and all(type(each) is float for each in value)
    return floats and len(value) == 10 and all(value[5:])


def same_lengths(fresh: Any, given: Any) -> bool:
    """Return whether lists and tuples are as long as those of a new object, and all inside them."""
    if isinstance(fresh, dict):
        return all(same_lengths(each, given[name]) for name, each in fresh.items())
    if isinstance(fresh, (list, tuple)):
        return len(fresh) == len(given) and all(map(same_lengths, fresh, given))
    return True


def _sides_fit(state: dict[str, Any]) -> bool:
    n = len(state["_sides"])
    known = state["_known"].values()
    alike_ = n == len(state["_wealth"]) and all(len(each[1]) == n for each in known)
    return alike_ and (n == 1 or not state["_simple"])


def _budget_fits(state: dict[str, Any]) -> bool:
    """Return whether the counts of a HoldoutBudget are counts, and its hashes sorted as it keeps them."""
    holdouts = state["_holdouts"]
    counts = [look.challenger for look in state["_looks"].values()]
    counts += [count for holdout in holdouts for count in (holdout.judged, holdout.place)]
    kept = [
        (keys, size)
        for holdout in holdouts
        for rows, sizes in zip(holdout.sets, holdout.sizes, strict=True)
        for keys, size in zip(rows, sizes, strict=True)
        if keys is not None
    ]
    sorted_ = all(
        keys.ndim == 1 and 0 < keys.size <= size <= _MOST_ROWS and bool((keys[1:] > keys[:-1]).all())
        for keys, size in kept
    )
    counted = all(0 < count <= _MOST_LOOKS for count in counts)
    totals = (state["_forgotten"], state["_promoted"])
    return (
        sorted_
        and counted
        and all(0 <= count <= _MOST_LOOKS for count in totals)
        and all(holdout.sets for holdout in holdouts)
    )


def _recent_fits(state: dict[str, Any]) -> bool:
    values, regions, size = state["_values"], state["_regions"], state["size"]
    both = bool(values.ndim == regions.ndim == 2 and values.shape[1] == regions.shape[1] == size)
    return both and values.flags.writeable and regions.flags.writeable


def _sight_fits(state: dict[str, Any]) -> bool:
    owners = [*state["edges"], *state["trees"]]
    recent, urns = state["recent"], state["urns"]
    columns = (len(state["lines"]), len(state["edges"]), len(recent._values))
    if (
        len(set(columns)) > 1
        or not owners
        or len(owners) != len(urns) != 0
        or len(recent._regions) != len(urns)
    ):
        return False
    edges = all(
        len(each.values) == len(each.draws) == len(each.pairs) == len(each.gaps) - 1
        for each in state["edges"]
    )
    return bool(edges) and all(one.gaps == two.gaps for one, two in zip(owners, urns, strict=True))


def _shares_fit(state: dict[str, Any]) -> bool:
    stakes = state["_state"].stakes
    return len({len(each) for each in (state["_present"], state["_gone"], stakes.sums, stakes.inverses)}) == 1


def _ranks_fit(state: dict[str, Any]) -> bool:
    return len(state["_weights"]) == len(state["_edges"].gaps) and state["_total"] > 0


_FITTING = {
    "stream.MissingShare": _shares_fit,
    "stream.Recent": _recent_fits,
    "stream.SequentialRanks": _ranks_fit,
    "stream.Sight": _sight_fits,
}
"""By id: whether the attributes of a part belong together."""
