"""Streams, and how a detector is led along them: fresh, fitted, from a copy of its state."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from contlearn import _checks
from contlearn.exceptions import NotFittedError
from contlearn.results import DriftResult, DriftState
from contlearn.testing._forms import columns_of
from contlearn.testing._shifts import Change, Columns

_FIRST, _MOST = 64, 4096  # values handed over in one go where only the first alarm matters


class Feed:
    """Values in the form in which a detector takes them: numbers or words, rows, or named values."""

    def __init__(self, columns: Columns, form: str) -> None:
        self.columns = columns
        self._form = form

    @classmethod
    def of(cls, stream: Any, detector: Any) -> Feed:
        """Return a stream that was handed in as a sequence, an array, a frame or a dictionary of columns.

        A single column by name is one of values, unless the detector is one that asks for names.
        """
        columns = columns_of(stream, "stream")
        if hasattr(stream, "keys") or hasattr(stream, "columns"):
            asks = hasattr(detector, "detectors") or hasattr(detector, "size")
            return cls(columns, "named" if asks or len(columns) > 1 else "values")
        return cls(columns, "rows" if getattr(stream, "ndim", np.ndim(stream)) == 2 else "values")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def of_columns(self, columns: Columns) -> Feed:
        """Return other values in the same form."""
        return Feed(columns, self._form)

    def cut(self, start: int, stop: int) -> Feed:
        """Return a stretch of the stream."""
        return self.of_columns({name: values[start:stop] for name, values in self.columns.items()})

    def taken(self, order: Any) -> Feed:
        """Return the rows at the positions `order`."""
        return self.of_columns({name: values[order] for name, values in self.columns.items()})

    def own(self, change: Change) -> Change:
        """Return a change that a user wrote for values, as one of columns."""
        if self._form == "named":
            return change
        return lambda columns, size, rng: self._columns_of(
            change(self.of_columns(columns).together(), size, rng)
        )

    def _columns_of(self, values: Any) -> Columns:
        values = np.asarray(values)
        arrays = [values] if self._form == "values" else list(values.T)
        return dict(zip(self.columns, arrays, strict=True))

    def together(self) -> Any:
        """Return all values as `fit` and `update_many` take them."""
        if self._form == "named":
            return self.columns
        arrays = list(self.columns.values())
        return arrays[0] if self._form == "values" else np.column_stack(arrays)

    def one_by_one(self) -> Iterator[Any]:
        """Return the values as `update` takes them, in builtins; rows as arrays."""
        if self._form == "rows":
            yield from self.together()
            return
        lists = [values.tolist() for values in self.columns.values()]
        if self._form == "values":
            yield from lists[0]
            return
        for row in zip(*lists, strict=True):
            yield dict(zip(self.columns, row, strict=True))


def fresh(detector: Any) -> Any:
    """Return a copy of a detector that has seen nothing but what `fit` was given."""
    if not callable(getattr(detector, "reset", None)) and callable(getattr(detector, "clone", None)):
        return detector.clone()  # one of river's
    twin = copy.deepcopy(detector)
    if callable(getattr(twin, "reset", None)):
        twin.reset()
    return twin


def prepared(detector: Any, reference: Feed) -> Any:
    """Return a fresh copy that knows the reference: by `fit`, or from having seen it.

    A detector that was given its reference, or a limit, and that says so, needs no `fit`.
    """
    twin = fresh(detector)
    if len(reference) and callable(getattr(twin, "fit", None)):
        says_nothing = not isinstance(getattr(twin, "result", None), DriftResult)
        if says_nothing or not is_ready(twin, reference):
            twin.fit(reference.together())
            return twin
    alarms(twin, reference)
    return twin


def is_ready(detector: Any, feed: Feed) -> bool:
    """Return whether a detector could be asked at once: it needs no reference, or has it."""
    twin = fresh(detector)
    if warm_up(twin):
        result = getattr(twin, "result", None)
        if not isinstance(result, DriftResult) or result.state is not DriftState.UNDECIDED:
            return True
        return result.n_reference > 0  # undecided for want of other values
    try:
        twin.update(next(feed.one_by_one()))
    except NotFittedError:
        return False
    return True


def alarms(detector: Any, feed: Feed) -> list[int]:
    """Lead a detector along all of `feed`; return the positions of its alarms."""
    if len(feed) == 0:
        return []
    if _takes_many(detector):
        return [int(position) for position in detector.update_many(feed.together())]
    found = []
    for position, value in enumerate(feed.one_by_one()):
        detector.update(value)
        if detector.drift_detected:
            found.append(position)
            _acknowledge(detector)
    return found


def delay(detector: Any, feed: Feed) -> int | None:
    """Return the number of values up to and with the first alarm, or None."""
    start, size = 0, _FIRST
    while start < len(feed):
        found = alarms(detector, feed.cut(start, start + size))
        if found:
            return start + found[0] + 1
        start, size = start + size, min(2 * size, _MOST)
    return None


def passed(
    detector: Any, feed: Feed, start: int, places: Sequence[int]
) -> Iterator[tuple[list[int], Callable[[], Any]]]:
    """Lead a detector along `feed` from `start`; yield, at each place and at the end, what was seen.

    That is the alarms so far, and a function that returns a copy of the detector as it is there.
    """
    found: list[int] = []
    for place in [*places, len(feed)]:
        found += [start + position for position in alarms(detector, feed.cut(start, place))]
        start = place
        yield list(found), lambda: copy.deepcopy(detector)


def own_generator(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator whose numbers are not those that the stream may have been made of.

    Streams made from seed 0 are many, and seed 0 is the default here: the changes would go by the values.
    """
    return rng.spawn(1)[0]


def promised(detector: Any) -> float | None:
    """Return the run length that a detector states, or the one inside it."""
    stated = (getattr(each, "run_length", None) for each in _inside(detector))
    return next((float(each) for each in stated if each is not None), None)


def warm_up(detector: Any) -> int:
    """Return how many values become the reference where `fit` is not called."""
    stated = (getattr(each, "warm_up", None) for each in _inside(detector))
    return max((each for each in stated if isinstance(each, int)), default=0)


def _inside(detector: Any) -> Iterator[Any]:
    """Return a detector, and those that it was made of."""
    yield detector
    if hasattr(detector, "detector"):
        yield from _inside(detector.detector)
    parts = getattr(detector, "detectors", None)
    for part in parts.values() if isinstance(parts, Mapping) else ():
        yield from _inside(part)


def check(detector: Any) -> None:
    """Refuse what is no stream detector."""
    shaped = callable(getattr(detector, "update", None)) and hasattr(detector, "drift_detected")
    if isinstance(detector, type) or not shaped:
        got = detector.__name__ if isinstance(detector, type) else type(detector).__name__
        _checks.fail("detector", "be a stream detector, such as RiskDetector(limit=0.1)", got)


def _takes_many(detector: Any) -> bool:
    return callable(getattr(detector, "update_many", None)) and not _holds(detector)


def _acknowledge(detector: Any) -> None:
    """Let go of an alarm that would be held otherwise: here, every alarm is dealt with at once."""
    if _holds(detector):
        detector.resolve()


def _holds(detector: Any) -> bool:
    return callable(getattr(detector, "resolve", None))
