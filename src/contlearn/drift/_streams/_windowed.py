"""A batch detector on a stream: asked once per window."""

from __future__ import annotations

from typing import Any

from contlearn import _checks
from contlearn.drift._streams._asking import Asking, check_batch_detector, is_fitted, own
from contlearn.drift._streams._many import count, part
from contlearn.drift._streams._window import checked_many, checked_row, copied, declared, joined
from contlearn.results import DriftResult, DriftState


class Windowed(Asking):
    """Ask a batch detector about every `size` rows of a stream.

    Rows are gathered into windows that do not overlap, and each full window is compared with the reference
    once. A window without a change alarms with probability alpha, so that the run length is `size` / alpha:
    a test on every sliding window would alarm many times as often.

    Parameters
    ----------
    detector : batch detector
        Such as `KS`, `MMD` or `ByColumn`; it is copied. One that is fitted already keeps its reference here.
    size : int
        Rows per window, at least 2. More rows find smaller changes, later.

    Notes
    -----
    One row is a number (or a text) where there is one column, an array or a tuple in the order of the
    columns, or has names: a dictionary, a row of a pandas frame, a named tuple or a numpy record, which are
    read by name. A row that cannot be in a window with the others (another kind of value,
    other columns, an infinity) is refused at once, and the rows that wait stay. Missing values are let
    through: the detector tests them.

    `drift_detected` is true for the update that completed a window that drifted. Until the first window is
    full, and after an alarm until the next one is, `result` is UNDECIDED; else it is that of the last window.

    Windows share one reference, so that the run length holds on average over references (see `OverTime` for
    batches of which few alarms should be false).

    State: the fitted detector (its reference), and at most `size` rows of some 40 bytes per number, 50 more
    for a tuple and 150 more for a dictionary; 8 bytes per number where they came in an array. Cost: a check
    per row, and one `detect` per window. Threads: not to be shared by threads without a lock.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import KS, Windowed
    >>> rng = np.random.default_rng(0)
    >>> watch = Windowed(KS(alpha=0.01), size=200).fit(rng.normal(size=5000))
    >>> watch.run_length
    20000.0
    >>> watch.update_many(rng.normal(size=1100))
    []
    >>> watch.update_many(rng.normal(loc=1.0, size=400))
    [99, 299]
    """

    def __init__(self, detector: Any, size: int) -> None:
        check_batch_detector("detector", detector)
        _checks.count("size", size, low=2)
        self.detector = detector
        self.size = size
        self._fitted = own(detector)
        self.reset()

    @property
    def run_length(self) -> float:
        """Expected number of updates between false alarms: `size` / alpha."""
        return self.size / float(self.detector.alpha)

    def reset(self) -> None:
        """Begin a new window against the same reference."""
        self._held: list[Any] = []
        self._categories: tuple[str, ...] = ()  # of the rows that wait, columns that came declared as such
        self._waiting = 0
        self._last: DriftResult | None = None
        self._drift_detected = self._warning_detected = False

    def update(self, x: Any) -> None:
        """Take in one row.

        Raises
        ------
        NotFittedError
            There is no reference yet.
        InvalidInputError, SchemaError
            The row cannot be used; the rows that wait stay.
        """
        row = checked_row(x, self._schema(), self._held)
        if self._waiting + 1 < self.size:
            if self._held and isinstance(self._held[-1], list):
                self._held[-1].append(row)
            else:
                self._held.append([row])
            self._waiting += 1
            self._between()
            return
        self._conclude(self._fitted.detect(joined([*self._held, [row]], self._categories)))

    def update_many(self, values: Any) -> list[int]:
        """Take in many rows, exactly as repeated `update` would; whole windows are passed on as they are.

        Parameters
        ----------
        values
            An array, a list of rows, a dictionary of columns, or a frame. If one row is refused, none is
            taken in.

        Returns
        -------
        list of int
            The positions of the rows that completed a window that drifted.
        """
        given = checked_many(values, self._schema(), self._held)
        n, categories = count(given), declared(given, self._schema())
        ends = range(self.size - self._waiting, n + 1, self.size)
        start, results = 0, []
        for end in ends:
            table = part(given, start, end)
            if start == 0 and self._held:
                table = joined([*self._held, copied(table)], {*self._categories, *categories})
            results.append(self._fitted.detect(table))
            start = end
        if results:
            self._conclude(results[-1])
        if start < n:
            self._held.append(copied(part(given, start, n)))
            self._held = [copied(joined(self._held))] if len(self._held) > 1 else self._held
            self._categories = tuple(sorted({*self._categories, *categories}))
            self._waiting += n - start
            self._between()
        return [end - 1 for end, result in zip(ends, results, strict=True) if result.detected]

    @property
    def result(self) -> DriftResult:
        """What the last window showed; UNDECIDED where that no longer holds, or there was none."""
        if self._last is not None and (self._drift_detected or not self._last.detected):
            return self._last
        return DriftResult(
            state=DriftState.UNDECIDED,
            alpha=float(self.detector.alpha),
            n_reference=0 if self._last is None else self._last.n_reference,
            n_current=self._waiting,
            remarks=(f"{self._waiting} of {self.size} rows",),
        )

    def _schema(self) -> Any:
        if not is_fitted(self._fitted):
            _checks.not_fitted("Windowed", "call fit(reference) first")
        return getattr(self._fitted, "schema_", None)

    def _conclude(self, result: DriftResult) -> None:
        self._held, self._categories, self._waiting = [], (), 0
        self._last, self._drift_detected = result, result.detected

    def _between(self) -> None:
        self._drift_detected = False
