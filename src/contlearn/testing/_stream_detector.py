"""Laws of stream detectors."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from contlearn import _checks
from contlearn.results import DriftResult, DriftState
from contlearn.testing._laws import Law, one_line, repickled, run, snapshot
from contlearn.testing._stream_bad_values import (
    a_bad_value_does_not_blind,
    a_missing_value_does_not_blind,
    a_refused_value_changes_nothing,
    update_many_takes_all_or_nothing,
)
from contlearn.testing._stream_case import QUESTIONS, StreamCase, alarms, answers, probe, used

_UPDATES, _EVERY = 16_000, 199  # how long the state is measured, how often: a prime, to meet every phase
_SLACK = 2_000  # bytes that the state may grow by, so that a counter may count


def check_stream_detector(
    detector: Any,
    *,
    quiet: Sequence[Any] | None = None,
    shifted: Sequence[Any] | None = None,
    skip: Collection[str] = (),
) -> None:
    """Check that a stream detector obeys the laws of its kind.

    Parameters
    ----------
    detector
        An object with the shape of a `river.base.DriftDetector`: `update(x)` and `drift_detected`. It must
        not have been updated, is copied, and stays as it is. `clone`, `reset`, `result`, `warning_detected`,
        `get_params` and `update_many` are checked where they exist. One with a method `fit` may have been
        fitted: it is reset to that, and its clones are as new as clones of an unused one.
    quiet
        What is given to `update` without a change, at least 1,000: numbers, text, rows. None: 4,000 errors
        of a classifier that errs in one of ten.
    shifted
        The same after a change that nobody could overlook. None: 1,000 errors, nine of ten.
    skip
        Names of laws that do not apply.

    Raises
    ------
    AssertionError
        A law is broken; the message names it.

    Notes
    -----
    The laws: `a_fresh_detector_is_silent`, `update_returns_nothing`, `questions_change_nothing`,
    `alarms_repeat`, `a_clone_is_fresh`, `a_clone_by_scikit_learn_is_fresh`, `reset_is_fresh`,
    `pickles_go_on_alike`, `an_enormous_shift_is_seen`, `memory_is_bounded`, `the_result_agrees`,
    `update_many_is_repeated_update`, `update_many_takes_all_or_nothing`, `a_refused_value_changes_nothing`,
    `a_missing_value_does_not_blind`, `a_bad_value_does_not_blind`.

    Bad values are NaN, both infinities, 1e308, None, text and containers. A detector may refuse them by a
    ValueError or a TypeError, leave them out, or take them for what they are; then it sees the next change.

    Examples
    --------
    >>> from river.drift.binary import DDM
    >>> from contlearn.testing import check_stream_detector
    >>> blind = ["a_missing_value_does_not_blind", "a_bad_value_does_not_blind"]
    >>> check_stream_detector(DDM(), skip=[*blind, "a_refused_value_changes_nothing"])
    """
    rng = np.random.default_rng(0)
    calm = _values("quiet", quiet, [float(x) for x in rng.random(4_000) < 0.1])
    loud = _values("shifted", shifted, [float(x) for x in rng.random(1_000) < 0.9])
    if len(calm) < 1_000:
        _checks.bad_data("quiet", "have at least 1,000 values", len(calm))
    run(detector, StreamCase(detector, calm, loud), _LAWS, skip)


def a_fresh_detector_is_silent(case: StreamCase) -> str | None:
    fresh = case.fresh()
    for name in ("drift_detected", "warning_detected"):
        value = getattr(fresh, name, False)
        if not isinstance(value, bool):
            return f"{name} is {type(value).__name__}, not a bool"
        if value:
            return f"{name} is true before the first update"
    return None


def update_returns_nothing(case: StreamCase) -> str | None:
    returned = case.fresh().update(case.quiet[0])
    return None if returned is None else f"update returned {type(returned).__name__}"


def questions_change_nothing(case: StreamCase) -> str | None:
    detector = case.fresh()
    for x in [*case.quiet[:500], *case.shifted[:50]]:
        detector.update(x)
    before = snapshot(detector)
    if answers(detector) != answers(detector):
        return "the same question had two answers"
    return None if snapshot(detector) == before else f"reading {', '.join(QUESTIONS)} changed the detector"


def alarms_repeat(case: StreamCase) -> str | None:
    return None if probe(case.fresh(), case) == probe(case.fresh(), case) else "two equal runs differ"


def a_clone_is_fresh(case: StreamCase) -> str | None:
    if not hasattr(case.detector, "clone"):
        return None
    return _clones_are_fresh(case, lambda detector: detector.clone())


def a_clone_by_scikit_learn_is_fresh(case: StreamCase) -> str | None:
    if not hasattr(case.detector, "get_params"):
        return None
    from sklearn.base import clone

    fresh = case.fresh()
    params = fresh.get_params(deep=False)
    clone(fresh)
    after = fresh.get_params(deep=False)
    if params.keys() != after.keys() or any(params[name] is not after[name] for name in params):
        return "cloning changed the parameters of the original"
    return _clones_are_fresh(case, clone)


def _clones_are_fresh(case: StreamCase, clone: Callable[[Any], Any]) -> str | None:
    if " object at 0x" not in repr(case.detector) and repr(clone(case.fresh())) != repr(case.fresh()):
        return "a clone has other parameters"
    unused = clone(case.fresh()) if hasattr(case.detector, "fit") else case.fresh()
    expected = probe(unused, case)
    for worn in used(case):
        before = snapshot(worn)
        if probe(clone(worn), case) != expected:
            return "a clone of a used detector is not as new"
        if snapshot(worn) != before:
            return "using a clone changed the original"
    return None


def reset_is_fresh(case: StreamCase) -> str | None:
    if not hasattr(case.detector, "reset"):
        return None
    expected = probe(case.fresh(), case)
    for worn in used(case):
        worn.reset()
        if worn.drift_detected:
            return "the alarm outlived reset"
        if probe(worn, case) != expected:
            return "after reset the detector is not as new"
    return None


def pickles_go_on_alike(case: StreamCase) -> str | None:
    detector = case.fresh()
    for x in case.quiet[:777]:
        detector.update(x)
    copy = repickled(detector)
    return None if probe(copy, case) == probe(detector, case) else "a pickled copy goes on differently"


def an_enormous_shift_is_seen(case: StreamCase) -> str | None:
    seen = alarms(case.fresh(), [*case.quiet, *case.shifted])[len(case.quiet) :]
    return None if any(seen) else f"{len(case.shifted)} values after the change, and no alarm"


def memory_is_bounded(case: StreamCase) -> str | None:
    """Compare the most bytes of two halves: a state that is emptied from time to time says little at once."""
    detector, most = case.fresh(), [0, 0]
    for i in range(_UPDATES):
        detector.update(case.quiet[i % len(case.quiet)])
        if i % _EVERY == 0:
            half = 2 * i // _UPDATES
            most[half] = max(most[half], len(pickle.dumps(detector)))
    if most[1] > 1.5 * most[0] + _SLACK:
        return f"up to {most[0]} bytes in {_UPDATES // 2:,} updates, up to {most[1]} in as many more"
    return None


def the_result_agrees(case: StreamCase) -> str | None:
    detector = case.fresh()
    if not hasattr(detector, "result"):
        return None
    for x in [*case.quiet[:300], *case.shifted]:
        detector.update(x)
        if broken := _disagreement(detector, detector.result):
            return broken
    return None


def _disagreement(detector: Any, result: object) -> str | None:
    if not isinstance(result, DriftResult):
        return f"result is {type(result).__name__}, not a DriftResult"
    drift, warning = detector.drift_detected, getattr(detector, "warning_detected", False)
    if drift and warning:
        return "drift_detected and warning_detected are both true"
    if bool(result) != drift:
        return "result and drift_detected disagree"
    if (result.state is DriftState.WARNING) != warning:
        return "result and warning_detected disagree"
    if result.changed_at is not None and not (drift or warning):
        return f"changed_at is known where the state is {result.state.value}"
    return one_line(str(result), "str(result)")


def update_many_is_repeated_update(case: StreamCase) -> str | None:
    detector = case.fresh()
    if not hasattr(detector, "update_many"):
        return None
    values = [*case.quiet, *case.shifted]
    positions = detector.update_many(values)
    if not isinstance(positions, list) or any(type(i) is not int for i in positions):
        return "the positions of the alarms are no list of int"
    single = case.fresh()
    expected = [i for i, alarm in enumerate(alarms(single, values)) if alarm]
    if positions != expected:
        return f"alarms at {positions[:5]}, one by one at {expected[:5]}"
    if hasattr(detector, "result") and detector.result != single.result:
        return "the same alarms, and another result"
    return None if detector.update_many([]) == [] else "an alarm without a value"


_LAWS: list[Law[StreamCase]] = [
    a_fresh_detector_is_silent,
    update_returns_nothing,
    questions_change_nothing,
    alarms_repeat,
    a_clone_is_fresh,
    a_clone_by_scikit_learn_is_fresh,
    reset_is_fresh,
    pickles_go_on_alike,
    an_enormous_shift_is_seen,
    memory_is_bounded,
    the_result_agrees,
    update_many_is_repeated_update,
    update_many_takes_all_or_nothing,
    a_refused_value_changes_nothing,
    a_missing_value_does_not_blind,
    a_bad_value_does_not_blind,
]


def _values(name: str, values: Sequence[Any] | None, default: list[float]) -> list[Any]:
    if values is None:
        return default
    given = [value.item() if isinstance(value, np.generic) else value for value in values]
    if all(isinstance(value, (int, float)) for value in given):
        return [_checks.number(name, float(value)) for value in given]
    return given
