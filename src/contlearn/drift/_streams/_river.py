"""A guard in front of river's drift detectors."""

from __future__ import annotations

import collections
import copy
import inspect
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, Self, final

from river.base import Base, BinaryDriftDetector

from contlearn import _checks
from contlearn.drift._streams._base import StreamDetector
from contlearn.drift._streams._guard import REASONS, Judged, judged, judged_many, listed, refuse
from contlearn.drift._streams._last_move import Move, last_move
from contlearn.results import DriftResult, DriftState

_RECENT = 1000  # values remembered of a detector with a window, about 32 bytes each
_WARM_UPS = ("grace_period", "min_instances", "warm_start", "window_size", "sliding_window_size")


@final
class RiverDetector(StreamDetector):
    """A drift detector of river, guarded: a bad value cannot blind it, and what it found is kept.

    One NaN, one infinity or one 1e308 is enough to keep river's ADWIN from ever raising an alarm again, and
    NaN or infinity does the same to Page-Hinkley; detectors of binary data take any number. Here such values
    never reach the detector. Otherwise the alarms are those of `detector` itself, up to the first one.

    After an alarm, river's ADWIN throws away the window that it has just adapted. Here the values since the
    change are kept: the next window begins with them, and a second change soon after the first is found.

    Parameters
    ----------
    detector
        A drift detector of river, such as ``river.drift.ADWIN()``, or an object of that shape: `update(x)`
        for a number, `drift_detected`, and `clone()`. It is copied, and stays as it is.
    on_invalid
        What happens to a value that cannot be used. ``"raise"``: `InvalidInputError`, and nothing has
        changed. ``"skip"``: it is counted in `invalid` and not passed on. ``"flag"``: that, and `result` is
        UNDECIDED and says why until the next value that can be used.

    Notes
    -----
    Values that cannot be used, as `invalid` counts them:

    ================  ======================================================================================
    ``missing``       None, NaN, and NA of pandas
    ``infinite``      either infinity
    ``too large``     numbers beyond 1e140 in size, whose squares ADWIN cannot add up
    ``not a number``  text, dates, containers, complex and decimal numbers
    ``not 0 or 1``    other numbers, where `detector` is one of river's detectors of binary data
    ================  ======================================================================================

    A boolean is 0 or 1 for every detector, since the error of a classifier is one. A number up to 1e140 is
    taken for what it is, however far it lies from the others: a detector that goes by the variance of its
    window may then see little until that number has left it.

    No run length is promised, since river's detectors state none; `result` says so. It is UNDECIDED as long
    as the detector has seen fewer values than it tests, as far as it tells (`grace_period`, `min_instances`,
    `warm_start`, `window_size`). Where the detector has a window (`width`), an alarm tells when the mean
    changed, and by how much: `changed_at`, `score` (the size of the difference of the means, after minus
    before) and `effects["mean"]` (an approximate 95 % interval, as if the place of the change had been
    known), out of the last 1,000 values.

    river's FHDDM raises an alarm when the mean falls, whatever its documentation says of errors: give it 1
    where the model was right.

    State: that of the detector, about 500 bytes, and the last 1,000 values where it has a window, 32 kB.
    Cost: about a microsecond per update more than the detector; `update_many` checks values in array form and
    then asks the detector about each of them, because river knows no other way.
    Threads: not to be shared by threads without a lock.

    References
    ----------
    Bifet, A. and Gavaldà, R. (2007). Learning from time-changing data with adaptive windowing. SDM.

    Examples
    --------
    >>> from river.drift import ADWIN
    >>> from contlearn.drift import RiverDetector
    >>> detector = RiverDetector(ADWIN(), on_invalid="skip")
    >>> for i in range(2_000):
    ...     detector.update(float("nan") if i == 500 else i % 2 + (i >= 1_000))
    ...     if detector.drift_detected:
    ...         print(i, detector.result.changed_at)
    1024 26
    >>> detector.invalid["missing"]
    1
    """

    def __init__(self, detector: Any, on_invalid: Literal["raise", "skip", "flag"] = "raise") -> None:
        _check_detector(detector)
        _checks.one_of("on_invalid", on_invalid, ("raise", "skip", "flag"))
        self.detector = detector
        self.on_invalid = on_invalid
        self.reset()

    def reset(self) -> None:
        """Become as new, with nothing counted."""
        self._drift_detected = self._warning_detected = False
        self._binary = isinstance(self.detector, BinaryDriftDetector)
        self._running = _unused(self.detector)
        self._recent: collections.deque[float] = collections.deque(
            maxlen=_RECENT if hasattr(self._running, "width") else 0
        )
        self._n = 0
        self._move: Move | None = None
        self._flagged = ""
        self._invalid = dict.fromkeys(REASONS, 0)

    def update(self, x: Any) -> None:
        """Take in one number.

        Raises
        ------
        InvalidInputError
            The value cannot be used, and `on_invalid` is ``"raise"``; the detector stays as it was.
        InvalidParameterError
            The detector of river breaks down, which some do for parameters such as ``clock=0``.
        """
        value, reason = judged(x, self._binary)
        if reason and self.on_invalid == "raise":
            refuse("x", x, reason)
        self._take(value, reason)

    def update_many(self, values: Any) -> list[int]:
        """Take in many numbers, exactly as repeated `update` would.

        Parameters
        ----------
        values
            One number per update, oldest first: a sequence, an array, a series, or a frame of one column.
            Where `on_invalid` is ``"raise"``, one that cannot be used refuses them all.

        Returns
        -------
        list of int
            The positions in `values` after which drift was detected.

        Raises
        ------
        InvalidInputError
            There is not one column of values, whatever `on_invalid` says; or a value cannot be used, and
            `on_invalid` is ``"raise"``. The detector stays as it was.
        """
        alarms = []
        for position, (value, reason) in enumerate(self._read_many(values)):
            self._take(value, reason)
            if self._drift_detected:
                alarms.append(position)
        return alarms

    @property
    def invalid(self) -> Mapping[str, int]:
        """How many values were not passed on, by reason."""
        return MappingProxyType(self._invalid)

    @property
    def result(self) -> DriftResult:
        """What is known after the last update."""
        if self._move is None:
            return DriftResult(state=self._state, n_current=self._n, remarks=tuple(self._remarks()))
        return DriftResult(
            state=self._state,
            score=abs(self._move.mean.estimate),
            n_reference=self._move.n_before,
            n_current=self._move.n_after,
            changed_at=self._move.n_after,
            effects={"mean": self._move.mean},
            remarks=tuple(self._remarks()),
        )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor arguments by name, in the way of scikit-learn.

        Parameters
        ----------
        deep
            Also return the parameters of the detector, as ``detector__name``.
        """
        own = super().get_params(deep)
        return {f"detector__{name}": value for name, value in _arguments(self.detector).items() if deep} | own

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments, those of the detector too; the detector becomes as new.

        Raises
        ------
        InvalidParameterError
            There is no such parameter, or a value can never work; nothing has changed then.
        """
        detector = params.get("detector", self.detector)
        _check_detector(detector)
        if hasattr(detector, "set_params"):
            return super().set_params(**params)
        known = _arguments(detector)
        inner = {name: value for name, value in params.items() if name.startswith("detector__")}
        for name in inner:
            _checks.one_of("params", name, [f"detector__{each}" for each in known])
        own = {name: value for name, value in params.items() if name not in inner}
        if inner:
            changed = {name.partition("__")[2]: value for name, value in inner.items()}
            own["detector"] = type(detector)(**(known | changed))
        return super().set_params(**own)

    def __repr__(self) -> str:
        return f"RiverDetector(detector={_written(self.detector)}, on_invalid={self.on_invalid!r})"

    @property
    def _state(self) -> DriftState:
        if self._flagged:
            return DriftState.UNDECIDED
        known = self._drift_detected or self._warning_detected or self._n >= _warm_up(self._running)
        return super()._state if known else DriftState.UNDECIDED

    def _remarks(self) -> Iterator[str]:
        if self._flagged:
            yield f"the last value was not used: {self._flagged}"
        yield f"{type(self.detector).__name__} states no run length"
        counts = ", ".join(f"{n} {reason}" for reason, n in self._invalid.items() if n)
        if counts:
            yield f"values not used: {counts}"

    def _read_many(self, values: Any) -> list[Judged]:
        """Return values with the reasons why they cannot be used, or refuse them all."""
        rows = listed(values)
        read = judged_many(rows, self._binary)
        if self.on_invalid == "raise":
            for position, (_, reason) in enumerate(read):
                if reason:
                    refuse(f"values[{position}]", rows[position], reason)
        return read

    def _take(self, value: float, reason: str) -> None:
        if self._drift_detected:
            self._restart()
        self._flagged = ""
        if reason:
            self._leave_out(reason)
            return
        try:
            self._running.update(int(value) if self._binary else value)
        except BaseException as error:
            _retell_panic(self.detector, error)
            raise
        self._n += 1
        self._recent.append(value)
        self._drift_detected = bool(self._running.drift_detected)
        self._warning_detected = not self._drift_detected and _warns(self._running)
        if self._drift_detected and self._recent:
            self._move = last_move(self._recent, int(self._running.width))

    def _leave_out(self, reason: str) -> None:
        self._invalid[reason] += 1
        if self.on_invalid == "flag":
            self._flagged = reason
            self._warning_detected = False

    def _restart(self) -> None:
        """Begin after an alarm; where there is a window, with the values since the change."""
        kept = [] if self._move is None else list(self._recent)[self._move.n_before :]
        if kept:  # otherwise the detector starts anew by itself
            try:
                self._running = _begun(self.detector, kept)
            except BaseException as error:
                _retell_panic(self.detector, error)
                raise
        self._drift_detected = self._warning_detected = False
        self._recent.clear()
        self._recent.extend(kept)
        self._n = len(kept)
        self._move = None


def _check_detector(value: Any) -> None:
    methods = (getattr(value, name, None) for name in ("update", "clone"))
    if isinstance(value, type) or not all(map(callable, methods)) or not hasattr(value, "drift_detected"):
        got = value.__name__ if isinstance(value, type) else type(value).__name__
        cure = "give an object such as river.drift.ADWIN()"
        _checks.fail("detector", "be a drift detector of river", got, cure)


def _retell_panic(detector: Any, error: BaseException) -> None:
    """Raise an error of ours for one of the compiled detectors, which no `except Exception` would catch."""
    if type(error).__module__ == "pyo3_runtime":
        must = "be one that can take in numbers"
        _checks.fail("detector", must, _written(detector), f"change its parameters: {error}")


def _unused(detector: Any) -> Any:
    """Return a detector like this one that has seen nothing."""
    return copy.deepcopy(detector).clone()  # a copy, for some change themselves when they are cloned


def _begun(detector: Any, values: list[float]) -> Any:
    """Return a detector like this one that has seen `values`, the latest of them if they raise an alarm.

    Detectors of river start anew at the first update after an alarm: only one at the very end has to be
    looked after. Seen again, not kept: the running sums of ADWIN hold rounding errors as large as the largest
    value that ever went through them.
    """
    begun = _unused(detector)
    for value in values:
        begun.update(value)
    if not begun.drift_detected:
        return begun
    rest = values[len(values) - int(begun.width) :]
    return _begun(detector, rest) if len(rest) < len(values) else _unused(detector)


def _warns(detector: Any) -> bool:
    return bool(getattr(detector, "warning_detected", False))


def _warm_up(detector: Any) -> int:
    """Return how many values the detector waits for before it tests, at least 1."""
    return max([1, *(int(getattr(detector, name, 0)) for name in _WARM_UPS)])


def _written(detector: Any) -> str:
    """Return the expression that makes the detector, where river's own repr is none."""
    if isinstance(detector, StreamDetector) or not isinstance(detector, Base):
        return repr(detector)
    defaults = inspect.signature(type(detector)).parameters
    given = [
        f"{name}={value!r}"
        for name, value in _arguments(detector).items()
        if isinstance(value, (bool, int, float, str)) and value != defaults[name].default
    ]
    return f"{type(detector).__name__}({', '.join(given)})"


def _arguments(detector: Any) -> dict[str, Any]:
    """Return the constructor arguments of a detector, as far as it shows them."""
    names = [name for name in inspect.signature(type(detector)).parameters if hasattr(detector, name)]
    return {name: getattr(detector, name) for name in names}
