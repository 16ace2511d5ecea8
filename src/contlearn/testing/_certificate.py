"""What a detector did on known data: false alarms, shifts found, time. Its text is the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from contlearn import _html
from contlearn._answers import KINDS, Answer
from contlearn._doors import tuple_of
from contlearn.results import Interval

FINDABLE = 0.8
"""Share of batches in which a shift has to be found to be called detectable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Answer):
    """How often a shift of one size was found.

    Attributes
    ----------
    shift : str
        What was done to the batch.
    size : float
        How much of it, in the unit of the shift.
    share : Interval
        Share of the batches in which drift was detected.

    Examples
    --------
    >>> from contlearn.results import Interval
    >>> from contlearn.testing import Found
    >>> print(Found(shift="mean", size=0.5, share=Interval(0.9, 0.82, 0.95, 0.95)))
    mean 0.5: found in 0.9 [0.82, 0.95] (95 %)
    """

    shift: str
    size: float
    share: Interval

    def __str__(self) -> str:
        return f"{self.shift} {self.size:g}: found in {self.share}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Answer):
    """What `certify` measured.

    Attributes
    ----------
    detector : str
        The expression that makes the detector.
    n_reference, n_current : int
        Rows on the two sides of every check.
    alpha : float
        False-alarm rate that the detector states.
    repetitions : int
        Checks without any change.
    false_alarms : Interval
        Share of them that detected drift: the measured rate with its exact (Clopper-Pearson) interval.
    undecided : float
        Share of them that could not decide.
    found : tuple of Found
        The power curve: how often each shift of each size was found.
    fit_seconds, detect_seconds : float
        Median time of one `fit` and of one `detect`.

    Examples
    --------
    >>> from contlearn.results import Interval
    >>> from contlearn.testing import Certificate
    >>> print(Certificate(detector="KS()", n_reference=900, n_current=100, alpha=0.05, repetitions=500,
    ...     false_alarms=Interval(0.04, 0.024, 0.061, 0.95), fit_seconds=0.001, detect_seconds=0.0005))
    KS(): 100 rows against 900
      false alarms   0.040 [0.024, 0.061] at alpha 0.05: held (500 checks, 0 % undecided)
      time           0.5 ms a check, 1 ms a fit
    """

    detector: str
    n_reference: int
    n_current: int
    alpha: float
    repetitions: int
    false_alarms: Interval
    undecided: float = 0.0
    found: tuple[Found, ...] = ()
    fit_seconds: float
    detect_seconds: float

    @property
    def level_held(self) -> bool:
        """Whether the measured rate can be told from `alpha` only in the harmless direction."""
        return self.false_alarms.low <= self.alpha

    @property
    def detectable(self) -> dict[str, float | None]:
        """By shift, the size found in 80 % of batches, by straight lines; None: beyond those tried."""
        curves: dict[str, list[tuple[float, float]]] = {}
        for each in self.found:
            curves.setdefault(each.shift, []).append((each.size, each.share.estimate))
        return {shift: _crossing(curve) for shift, curve in curves.items()}

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.detector}: {self.n_current} rows against {self.n_reference}"
        verdict = "held" if self.level_held else "EXCEEDED, so that what is found below means little"
        if self.level_held and self.undecided > 0.9:
            verdict = "held, by being undecided"
        yield (
            f"  false alarms   {_share(self.false_alarms)} at alpha {self.alpha:g}: {verdict} "
            f"({self.repetitions} checks, {100 * self.undecided:.0f} % undecided)"
        )
        for shift, curve in groupby(self.found, key=lambda each: each.shift):
            points = ", ".join(f"{each.size:g} -> {each.share.estimate:.2f}" for each in curve)
            smallest = self.detectable[shift]
            yield f"  {shift:<14} {points}; 80 % at {'-' if smallest is None else format(smallest, '.2g')}"
        yield f"  time           {_time(self.detect_seconds)} a check, {_time(self.fit_seconds)} a fit"

    def _repr_html_(self) -> str:
        shares = [
            ("false alarms", None, self.false_alarms),
            *((f.shift, f.size, f.share) for f in self.found),
        ]
        rows = [(name, size, share.estimate, share.low, share.high) for name, size, share in shares]
        return _html.table(next(self._lines()), ("", "size", "share", "low", "high"), rows)


KINDS["tuple[Found, ...]"] = (frozenset(), tuple_of(Found))


def _crossing(curve: list[tuple[float, float]]) -> float | None:
    """Return where a curve of shares reaches `FINDABLE`, by straight lines from (0, 0)."""
    size, share = 0.0, 0.0
    for next_size, next_share in sorted(curve):
        if next_share >= FINDABLE:
            return size + (next_size - size) * (FINDABLE - share) / (next_share - share)
        size, share = next_size, next_share
    return None


def _share(interval: Interval) -> str:
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"
