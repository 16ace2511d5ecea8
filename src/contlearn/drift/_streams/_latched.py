"""An alarm that stands until somebody has dealt with it."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Self

from contlearn import _checks
from contlearn.drift._streams._alarm import Alarm
from contlearn.drift._streams._base import StreamDetector, fresh
from contlearn.drift._streams._many import count, part, sized
from contlearn.results import DriftResult, DriftState

_KEPT = 20


class Latched(StreamDetector):
    """Hold the alarm of a stream detector until it is reset, so that nobody can miss it.

    A stream detector says drift for one update and starts afresh. Here `drift_detected` stays true from the
    alarm on, and `result` describes it, until `reset` or `resolve`. No further alarm is raised meanwhile:
    there is one alarm for one thing to do.

    Parameters
    ----------
    detector : stream detector
        Ours or one of river's; it is copied. One that was fitted keeps its reference here.
    cool_down : int, default 0
        Updates after the end of an alarm in which no new one is raised.

    Notes
    -----
    The life of an alarm: raised, by the detector; acknowledged, by `acknowledge`, which changes nothing else;
    resolved, by `resolve` or `reset`. `alarm` is the one that stands, `alarms` has the last 20. There is no
    clock: times are numbers of updates.

    `resolve()` ends the alarm, and the detector goes on: what it has seen since the alarm still counts.
    `reset()` ends the alarm and resets the detector. Neither changes the reference that `fit` has learned;
    only `fit` does.

    While an alarm stands and during `cool_down` the detector sees every value. It alarms and starts afresh
    as it would by itself; those alarms are counted (`Alarm.repeats`, `suppressed`) but not raised, so that
    evidence from before the last of them is gone. Within `cool_down` such an update is a warning. False
    alarms are therefore at most as frequent as those of the detector.

    `update_many` returns the position of the alarm it raised: one at most, since the alarm stands.

    State: what the detector states, and about 800 bytes for each of the last 20 alarms (more where a result
    has parts); flat. Cost: that of the detector; `update_many` copies it once. Threads: not to be shared by
    threads without a lock.

    Examples
    --------
    >>> from contlearn.drift import Latched, RiskDetector
    >>> errors = Latched(RiskDetector(limit=0.1, run_length=1000))
    >>> errors.update_many([0, 0, 0, 1, 0] * 2 + [1] * 20)
    [14]
    >>> errors.update(0)
    >>> errors.drift_detected, errors.alarm.raised_at, errors.alarm.state
    (True, 15, 'raised')
    >>> errors.acknowledge(by="Ada")
    >>> errors.reset()
    >>> errors.drift_detected, errors.alarm, errors.alarms[-1].state
    (False, None, 'resolved')
    """

    def __init__(self, detector: Any, cool_down: int = 0) -> None:
        able = callable(getattr(detector, "update", None)) and hasattr(detector, "drift_detected")
        if isinstance(detector, type) or not able or isinstance(detector, Latched):
            _checks.fail("detector", "be a stream detector, such as RiskDetector()", detector)
        _checks.count("cool_down", cool_down, low=0)
        self.detector = detector
        self.cool_down = cool_down
        self._inner = copy.deepcopy(detector) if isinstance(detector, StreamDetector) else fresh(detector)
        self._n = 0
        self._suppressed = 0
        self._alarms: tuple[Alarm, ...] = ()
        self._alarm: Alarm | None = None
        self._quiet_until = 0
        self.reset()

    @property
    def n(self) -> int:
        """Updates so far, those before a reset included."""
        return self._n

    @property
    def alarm(self) -> Alarm | None:
        """The alarm that stands, if one does."""
        return self._alarm

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The last 20 alarms, oldest first, the one that stands included."""
        return self._alarms if self._alarm is None else (*self._alarms, self._alarm)[-_KEPT:]

    @property
    def suppressed(self) -> int:
        """How many alarms of the detector fell into a `cool_down` and were not raised."""
        return self._suppressed

    def acknowledge(self, by: str = "", note: str = "") -> None:
        """Note that somebody has taken on the alarm that stands; it goes on standing.

        Parameters
        ----------
        by
            Who.
        note
            Whatever should be remembered, in one line. A second call replaces the first.

        Raises
        ------
        InvalidParameterError
            No alarm stands.
        """
        self._change(acknowledged_at=self._n, acknowledged_by=by, note=note)

    def resolve(self) -> None:
        """End the alarm that stands; the detector goes on, against the same reference.

        Raises
        ------
        InvalidParameterError
            No alarm stands.
        """
        self._change(resolved_at=self._n)
        self._file()

    def reset(self) -> None:
        """End the alarm, if one stands, and reset the detector; the last alarms are kept."""
        if self._alarm is not None:
            self._change(resolved_at=self._n)
            self._file()
        if isinstance(self._inner, StreamDetector):
            self._inner.reset()
        else:
            self._inner = fresh(self.detector)
        self._muted = False
        self._drift_detected = self._warning_detected = False

    def fit(self, reference: Any) -> Self:
        """Let the detector learn what is normal, and reset.

        Parameters
        ----------
        reference
            As for `fit` of the detector. If it refuses them, everything stays as it was.

        Returns
        -------
        self
        """
        if not hasattr(self._inner, "fit"):
            _checks.fail("detector", "be one that is fitted", self.detector, "this one has no reference")
        self._inner.fit(reference)
        self.reset()
        return self

    def update(self, x: Any) -> None:
        """Take in one value, as the detector takes it; if it is refused, nothing changes."""
        self._inner.update(x)
        self._n += 1
        self._settle(int(self._inner.drift_detected))

    def update_many(self, values: Any) -> list[int]:
        """Take in many values, exactly as repeated `update` would.

        Parameters
        ----------
        values
            As for `update_many` of the detector; for detectors of river, one value after another. If one is
            refused, none is taken in.

        Returns
        -------
        list of int
            The position after which an alarm was raised, if one was.
        """
        given = sized(values)
        if not hasattr(self._inner, "update_many"):
            return self._one_by_one(given)
        before = None if self._alarm is not None else copy.deepcopy(self._inner)
        positions = self._inner.update_many(given)
        quiet = self._quiet_until - self._n
        raising = next((at for at in positions if at >= quiet), None)
        if before is None or raising is None:
            self._pass(count(given), len(positions))
            return []
        self._inner = before
        self._inner.update_many(part(given, 0, raising + 1))
        self._pass(raising + 1, sum(at <= raising for at in positions))
        self._inner.update_many(part(given, raising + 1, count(given)))
        self._pass(count(given) - raising - 1, sum(at > raising for at in positions))
        return [raising]

    @property
    def result(self) -> DriftResult:
        """The alarm that stands, or else what the detector knows after the last update."""
        if self._alarm is not None:
            return self._alarm.result
        if not self._muted:
            return self._inner_result()
        remark = "this alarm does not stand: it was ended, or it fell into the cool-down after the last"
        result = self._inner_result()
        return dataclasses.replace(result, state=DriftState.WARNING, remarks=(*result.remarks, remark))

    def _pass(self, n: int, alarmed: int) -> None:
        """Follow the detector, which has taken in `n` values; only the last may have raised an alarm."""
        if n:
            self._n += n
            self._settle(alarmed)

    def _settle(self, alarmed: int) -> None:
        """Follow the detector, which has alarmed so often since it was last asked."""
        now = bool(self._inner.drift_detected)
        self._muted = False
        if self._alarm is not None:
            if alarmed:
                self._change(repeats=self._alarm.repeats + alarmed)
        elif now and self._n > self._quiet_until:
            self._suppressed += alarmed - 1
            self._alarm = Alarm(raised_at=self._n, result=self._inner_result())
        else:
            self._suppressed += alarmed
            self._muted = now
        self._drift_detected = self._alarm is not None
        warned = self._muted or bool(getattr(self._inner, "warning_detected", False))
        self._warning_detected = warned and not self._drift_detected

    def _one_by_one(self, values: Any) -> list[int]:
        twin, raised = copy.deepcopy(self), []
        for position, value in enumerate(values):
            stood = twin._alarm is not None
            twin.update(value)
            if twin._alarm is not None and not stood:
                raised.append(position)
        self.__dict__ = twin.__dict__
        return raised

    def _inner_result(self) -> DriftResult:
        if hasattr(self._inner, "result"):
            result: DriftResult = self._inner.result
            return result
        if self._inner.drift_detected:
            state = DriftState.DRIFT
        elif getattr(self._inner, "warning_detected", False):
            state = DriftState.WARNING
        else:
            state = DriftState.STABLE if self._n else DriftState.UNDECIDED
        return DriftResult(state=state, n_current=self._n)

    def _change(self, **changes: Any) -> None:
        if self._alarm is None:
            _checks.fail("alarm", "stand", "none", "drift_detected says whether one does")
        self._alarm = dataclasses.replace(self._alarm, **changes)

    def _file(self) -> None:
        """Put the alarm that has ended with the others."""
        self._alarms = self.alarms
        self._alarm = None
        self._quiet_until = self._n + self.cool_down
        self._drift_detected, self._muted = False, bool(self._inner.drift_detected)
        self._warning_detected = self._muted or bool(getattr(self._inner, "warning_detected", False))
