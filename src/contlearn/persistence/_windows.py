"""Windows: their state is checked before they see it, and their rows afterwards."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from typing import Any

from contlearn.persistence import _random
from contlearn.persistence._refusals import damaged
from contlearn.windows import PendingLabels, Reservoir, TimeWindow

_MOST_SEEDS = 1000  # of the reservoirs that were merged into one
_ENDS = frozenset({"answered", "evicted", "expired", "late", "repeated", "replaced", "unknown"})
_ZONES = ("number", "aware", "naive", None)


def check_state(id_: str, state: Any) -> None:
    """Refuse a state with which a window would fail, or never end, long after it was loaded."""
    if not _CHECKS[id_](state):
        damaged(f"the state of a {id_}", "other values")


def check_rows(window: Any) -> None:
    """Refuse a window whose rows, ids, times or keys are not as many as they must be."""
    if isinstance(window, PendingLabels):
        right = len(window) <= window.size
    elif isinstance(window, TimeWindow):
        right = _fits(window._line._rows, len(window._line._times))
    elif isinstance(window, Reservoir):
        right = _fits(window._sample._rows, len(window._sample.keys)) and window._sample.size == window.size
    else:
        right = _fits(window._rows, len(window)) and len(window) <= window.size
    if not right:
        damaged("as many rows as the window can have", "another number")


def _fits(rows: Any, n: int) -> bool:
    return len(rows) == n == len(rows.ids)


def _is_sliding(state: Any) -> bool:
    return type(state) is tuple and len(state) == 2 and _are_rows(state[1])


def _is_time(state: Any) -> bool:
    names = {"arguments", "line", "newest", "zone", "counts"}
    if type(state) is not dict or state.keys() != names or type(state["line"]) is not tuple:
        return False
    rows, times = state["line"]
    counts = TimeWindow(1).counts
    fresh = type(state["newest"]) in (type(None), int, float) and state["zone"] in _ZONES
    return (
        fresh
        and _are_rows(rows)
        and type(times) is list
        and all(map(_is_time_point, times))
        and all(one <= two for one, two in itertools.pairwise(times))
        and (state["newest"] is None) == (state["zone"] is None)
        and _are_counts(state["counts"], counts)
    )


def _is_reservoir(state: Any) -> bool:
    names = {"arguments", "sample", "random", "seeds", "n_seen", "population"}
    if type(state) is not dict or state.keys() != names or type(state["sample"]) is not tuple:
        return False
    size, limit, base, passed, keys, rows = state["sample"]
    _random.check_state(state["random"])
    seeds = state["seeds"]
    return (
        _is_count(size)
        and all(map(_is_number, (limit, base, state["population"])))
        and _is_count(passed)
        and _is_count(state["n_seen"])
        and type(keys) is list
        and all(type(key) is float and 0.0 <= key <= 1.0 for key in keys)
        and _are_rows(rows)
        and type(seeds) is list
        and len(seeds) <= _MOST_SEEDS
        and all(type(seed) is int for seed in seeds)
    )


def _is_pending(state: Any) -> bool:
    names = {"arguments", "waiting", "ordered", "gone", "zone", "counts"}
    if type(state) is not dict or state.keys() != names or type(state["waiting"]) is not OrderedDict:
        return False
    waiting, gone = state["waiting"].values(), state["gone"]
    pairs = all(type(each) is tuple and len(each) == 2 for each in waiting)
    return (
        pairs
        and all(each[1] is None or _is_time_point(each[1]) for each in waiting)
        and len({each[1] is None for each in waiting}) < 2
        and type(state["ordered"]) is bool
        and type(gone) is tuple
        and len(gone) == 2
        and all(type(each) is dict and _ENDS.issuperset(each.values()) for each in gone)
        and state["zone"] in _ZONES
        and _are_counts(state["counts"], PendingLabels(1).counts)
    )


def _are_rows(state: Any) -> bool:
    if type(state) is not tuple or len(state) != 2:
        return False
    content, ids = state
    return (ids is None or type(ids) is list) and (content is None or type(content) is tuple)


def _are_counts(given: Any, fresh: Any) -> bool:
    return type(given) is dict and given.keys() == fresh.keys() and all(map(_is_count, given.values()))


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_time_point(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


_CHECKS = {
    "SlidingWindow": _is_sliding,
    "TimeWindow": _is_time,
    "Reservoir": _is_reservoir,
    "PendingLabels": _is_pending,
}
