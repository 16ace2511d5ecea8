"""Laws of stream detectors about values that cannot be used."""

from __future__ import annotations

import contextlib
from typing import Any

from contlearn.testing._laws import snapshot, twin
from contlearn.testing._stream_case import StreamCase, alarms, answers

_INFINITE = float("inf")
_NUMBERS: tuple[Any, ...] = (float("nan"), _INFINITE, -_INFINITE, 1e308, -1e308, 10**400, 5e-324)
_BAD: tuple[Any, ...] = (*_NUMBERS, None, "text", True, [], {})


def update_many_takes_all_or_nothing(case: StreamCase) -> str | None:
    if not hasattr(case.detector, "update_many"):
        return None
    for bad in _BAD:
        detector = case.fresh()
        alarms(detector, case.quiet[:300])
        values = [*case.quiet[300:400], bad, *case.shifted]
        single, before = twin(detector), snapshot(detector)
        try:
            detector.update_many(values)
        except (ValueError, TypeError):
            if snapshot(detector) != before:
                return f"values with {bad!r} were refused, and the detector changed"
            continue
        alarms(single, values)
        if answers(detector) != answers(single):
            return f"values with {bad!r} are not taken as one by one"
    return None


def a_refused_value_changes_nothing(case: StreamCase) -> str | None:
    detector = case.fresh()
    alarms(detector, case.quiet[:1_200])
    for bad in _BAD:
        before = snapshot(detector)
        try:
            twin(detector).update(bad)
            continue  # it takes this one
        except (ValueError, TypeError):
            with contextlib.suppress(ValueError, TypeError):
                detector.update(bad)
        if snapshot(detector) != before:
            return f"{bad!r} was refused, and the detector changed"
    return None


def a_missing_value_does_not_blind(case: StreamCase) -> str | None:
    detector = case.fresh()
    alarms(detector, case.quiet)
    return _blinded(detector, float("nan"), case)


def a_bad_value_does_not_blind(case: StreamCase) -> str | None:
    detector = case.fresh()
    alarms(detector, case.quiet)
    found = (_blinded(twin(detector), bad, case) for bad in _BAD)
    return next((broken for broken in found if broken), None)


def _blinded(detector: Any, bad: Any, case: StreamCase) -> str | None:
    with contextlib.suppress(ValueError, TypeError):
        detector.update(bad)
    for x in case.shifted:
        detector.update(x)
        if detector.drift_detected:
            return None
    return f"{bad!r} once, then {len(case.shifted)} values after a change, and no alarm"
