"""What a stream detector did on known data: run length, delays, time. Its text is the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contlearn import _html
from contlearn._answers import Answer
from contlearn.results import Interval
from contlearn.testing._backtest_report import Delay, aligned
from contlearn.testing._rates import count_text


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCertificate(Answer):
    """What `certify` measured of a stream detector.

    Attributes
    ----------
    detector : str
        The expression that makes the detector.
    n_reference, n_current : int
        Values that were the reference, and values that were watched, in each pass.
    promised : float or None
        The run length that the detector states.
    repetitions : int
        Passes without any change.
    alarms : int
        Alarms in all of them.
    run_length : Interval
        Updates per alarm when nothing changed; the interval is that of a Poisson count.
    false_alarms : Interval
        Share of the passes with an alarm, with its exact interval.
    first_half : Interval or None
        Share of the alarms that came in the first half of a pass: about a half where an alarm is as likely at
        any moment, less where a detector takes its time after a start. None where there was no alarm.
    delays : tuple of Delay
        What was found, and when, for each shift and size.
    fit_seconds, update_seconds : float
        Median time of one `fit`, and of one update within a pass.

    Examples
    --------
    >>> import numpy as np
    >>> from river.drift.binary import DDM
    >>> from contlearn.testing import certify
    >>> errors = np.random.default_rng(0).random(4000) < 0.1
    >>> certificate = certify(DDM(), errors, repetitions=20, shifts={"risk": (0.3,)}, power_repetitions=50)
    >>> certificate.promised is None, certificate.delays[0].misses
    (True, 0)
    """

    detector: str
    n_reference: int
    n_current: int
    promised: float | None
    repetitions: int
    alarms: int
    run_length: Interval
    false_alarms: Interval
    first_half: Interval | None
    delays: tuple[Delay, ...] = ()
    fit_seconds: float
    update_seconds: float

    @property
    def run_length_held(self) -> bool | None:
        """Whether the run length is not shown to be shorter than promised; None: nothing is promised."""
        return None if self.promised is None else self.run_length.high >= self.promised

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        against = f" after a reference of {self.n_reference:,}" if self.n_reference else ""
        yield f"{self.detector}: {self.n_current:,} values{against}"
        yield f"  run length    one alarm in {count_text(self.run_length)} values{self._promise()}"
        share = self.false_alarms
        yield (
            f"  false alarms  {self.alarms:,} in {self.repetitions:,} passes; "
            f"{share.estimate:.3f} [{share.low:.3f}, {share.high:.3f}] of the passes have one"
        )
        if self.first_half is not None:
            half = self.first_half
            yield (
                f"  regularity    {half.estimate:.2f} [{half.low:.2f}, {half.high:.2f}] of the alarms "
                "in the first half of a pass"
            )
        if self.delays:
            header = ("", "mean delay", "median", f"within {self.delays[0].horizon:,}")
            yield from aligned(header, (each.row() for each in self.delays))
        update, fit = 1e6 * self.update_seconds, 1e3 * self.fit_seconds
        yield f"  time          {update:.3g} µs a value, {fit:.3g} ms a fit"

    def _promise(self) -> str:
        if self.promised is None:
            return ""
        return f", promised {self.promised:,.0f}: {'held' if self.run_length_held else 'NOT HELD'}"

    def _repr_html_(self) -> str:
        rows = [("without a change", count_text(self.run_length), "", f"{self.false_alarms.estimate:.2f}")]
        header = ("", "mean delay, or run length", "median", "share with an alarm")
        return _html.table(next(self._lines()), header, [*rows, *(each.row() for each in self.delays)])
