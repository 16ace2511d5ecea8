"""Laws of stream detectors."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contlearn import _checks
from contlearn.results import DriftResult
from contlearn.testing._laws import Law, one_line, repickled, run, snapshot, twin

_SLACK = 2_000  # bytes that the state may grow by, so that a counter may count


@dataclass(frozen=True)
class _Case:
    detector: Any
    quiet: list[float]
    shifted: list[float]

    def fresh(self) -> Any:
        return twin(self.detector)


def check_stream_detector(
    detector: Any,
    *,
    quiet: Sequence[float] | None = None,
    shifted: Sequence[float] | None = None,
    skip: Collection[str] = (),
) -> None:
    """Check that a stream detector obeys the laws of its kind.

    Parameters
    ----------
    detector
        An object with the shape of a `river.base.DriftDetector`: `update(x)` and `drift_detected`. It must
        not have been used, is copied, and stays as it is. `clone`, `reset`, `result`, `warning_detected` and
        `update_many` are checked where they exist.
    quiet
        Values without a change, at least 1,000. None: 4,000 errors of a classifier that errs in one of ten.
    shifted
        Values after a change that nobody could overlook. None: 1,000 errors, nine of ten.
    skip
        Names of laws that do not apply.

    Raises
    ------
    AssertionError
        A law is broken; the message names it.

    Notes
    -----
    The laws: `a_fresh_detector_is_silent`, `update_returns_nothing`, `questions_change_nothing`,
    `alarms_repeat`, `a_clone_is_fresh`, `reset_is_fresh`, `pickles_go_on_alike`, `an_enormous_shift_is_seen`,
    `memory_is_bounded`, `the_result_agrees`, `update_many_is_repeated_update`,
    `a_missing_value_does_not_blind`.

    Examples
    --------
    >>> from river.drift.binary import DDM
    >>> from contlearn.testing import check_stream_detector
    >>> check_stream_detector(DDM(), skip=["a_missing_value_does_not_blind"])
    """
    rng = np.random.default_rng(0)
    calm = _values("quiet", quiet, [float(x) for x in rng.random(4_000) < 0.1])
    loud = _values("shifted", shifted, [float(x) for x in rng.random(1_000) < 0.9])
    if len(calm) < 1_000:
        _checks.bad_data("quiet", "have at least 1,000 values", len(calm))
    run(detector, _Case(detector, calm, loud), _LAWS, skip)


def a_fresh_detector_is_silent(case: _Case) -> str | None:
    fresh = case.fresh()
    for name in ("drift_detected", "warning_detected"):
        value = getattr(fresh, name, False)
        if not isinstance(value, bool):
            return f"{name} is {type(value).__name__}, not a bool"
        if value:
            return f"{name} is true before the first update"
    return None


def update_returns_nothing(case: _Case) -> str | None:
    returned = case.fresh().update(case.quiet[0])
    return None if returned is None else f"update returned {type(returned).__name__}"


def questions_change_nothing(case: _Case) -> str | None:
    detector = case.fresh()
    for x in [*case.quiet[:500], *case.shifted[:50]]:
        detector.update(x)
    before = snapshot(detector)
    names = [name for name in ("drift_detected", "warning_detected", "result") if hasattr(detector, name)]
    first = [getattr(detector, name) for name in names]
    if [getattr(detector, name) for name in names] != first:
        return "the same question had two answers"
    return None if snapshot(detector) == before else f"reading {', '.join(names)} changed the detector"


def alarms_repeat(case: _Case) -> str | None:
    return None if _probe(case.fresh(), case) == _probe(case.fresh(), case) else "two equal runs differ"


def a_clone_is_fresh(case: _Case) -> str | None:
    if not hasattr(case.detector, "clone"):
        return None
    expected = _probe(case.fresh(), case)
    for used in _used(case):
        before = snapshot(used)
        if _probe(used.clone(), case) != expected:
            return "a clone of a used detector is not as new"
        if snapshot(used) != before:
            return "using a clone changed the original"
    return None


def reset_is_fresh(case: _Case) -> str | None:
    if not hasattr(case.detector, "reset"):
        return None
    expected = _probe(case.fresh(), case)
    for used in _used(case):
        used.reset()
        if used.drift_detected:
            return "the alarm outlived reset"
        if _probe(used, case) != expected:
            return "after reset the detector is not as new"
    return None


def pickles_go_on_alike(case: _Case) -> str | None:
    detector = case.fresh()
    for x in case.quiet[:777]:
        detector.update(x)
    copy = repickled(detector)
    return None if _probe(copy, case) == _probe(detector, case) else "a pickled copy goes on differently"


def an_enormous_shift_is_seen(case: _Case) -> str | None:
    seen = _alarms(case.fresh(), [*case.quiet, *case.shifted])[len(case.quiet) :]
    return None if any(seen) else f"{len(case.shifted)} values after the change, and no alarm"


def memory_is_bounded(case: _Case) -> str | None:
    detector, sizes = case.fresh(), []
    for i in range(12_000):
        detector.update(case.quiet[i % len(case.quiet)])
        if i + 1 in (3_000, 12_000):
            sizes.append(len(pickle.dumps(detector)))
    if sizes[1] > 1.5 * sizes[0] + _SLACK:
        return f"{sizes[0]} bytes after 3,000 updates, {sizes[1]} after 12,000"
    return None


def the_result_agrees(case: _Case) -> str | None:
    detector = case.fresh()
    if not hasattr(detector, "result"):
        return None
    for x in [*case.quiet[:300], *case.shifted]:
        detector.update(x)
        result = detector.result
        if not isinstance(result, DriftResult):
            return f"result is {type(result).__name__}, not a DriftResult"
        if bool(result) != detector.drift_detected:
            return "result and drift_detected disagree"
        if broken := one_line(str(result), "str(result)"):
            return broken
    return None


def update_many_is_repeated_update(case: _Case) -> str | None:
    detector = case.fresh()
    if not hasattr(detector, "update_many"):
        return None
    values = [*case.quiet, *case.shifted]
    positions = [int(i) for i in detector.update_many(values)]
    expected = [i for i, alarm in enumerate(_alarms(case.fresh(), values)) if alarm]
    return None if positions == expected else f"alarms at {positions[:5]}, one by one at {expected[:5]}"


def a_missing_value_does_not_blind(case: _Case) -> str | None:
    detector = case.fresh()
    for x in case.quiet:
        detector.update(x)
    with contextlib.suppress(ValueError, TypeError):
        detector.update(float("nan"))
    for x in case.shifted:
        detector.update(x)
        if detector.drift_detected:
            return None
    return f"one NaN, then {len(case.shifted)} values after a change, and no alarm"


_LAWS: list[Law[_Case]] = [
    a_fresh_detector_is_silent,
    update_returns_nothing,
    questions_change_nothing,
    alarms_repeat,
    a_clone_is_fresh,
    reset_is_fresh,
    pickles_go_on_alike,
    an_enormous_shift_is_seen,
    memory_is_bounded,
    the_result_agrees,
    update_many_is_repeated_update,
    a_missing_value_does_not_blind,
]


def _alarms(detector: Any, values: Sequence[float]) -> list[bool]:
    """Return after which of `values` the detector says drift."""
    alarms = []
    for x in values:
        detector.update(x)
        alarms.append(bool(detector.drift_detected))
    return alarms


def _probe(detector: Any, case: _Case) -> list[bool]:
    """Return the alarms over values that begin with a change, where an earlier state shows most."""
    return _alarms(detector, [*case.shifted[:500], *case.quiet, *case.shifted])


def _used(case: _Case) -> list[Any]:
    """Return a detector one value before its first alarm, and one that has just raised it."""
    values = [*case.quiet[:500], *case.shifted]
    alarms = _alarms(case.fresh(), values)
    first = alarms.index(True) if any(alarms) else len(values) - 1
    used = []
    for n in (first, first + 1):
        detector = case.fresh()
        _alarms(detector, values[:n])
        used.append(detector)
    return used


def _values(name: str, values: Sequence[float] | None, default: list[float]) -> list[float]:
    if values is None:
        return default
    return [_checks.number(name, value.item() if hasattr(value, "item") else value) for value in values]
