"""What a configuration would have done on a stream: alarms, delays, and what a clock would have done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from contlearn import _html
from contlearn._answers import KINDS, Answer
from contlearn._doors import tuple_of
from contlearn.results import Interval
from contlearn.stats._mean import mean_interval
from contlearn.testing._rates import CONFIDENCE, count_text, share_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Answer):
    """How long a shift of one size took to be found.

    Attributes
    ----------
    shift : str
        What was done to the values.
    size : float
        How much of it, in the unit of the shift.
    horizon : int
        Values that were looked at after each change.
    mean : Interval
        Mean number of values up to and with the alarm, over all changes. A miss counts as `horizon`, so that
        missing does not pay.
    median : float or None
        Median of the same; None where more than half of the changes were missed.
    found : Interval
        Share of the changes after which an alarm came within `horizon` values, with its exact interval.
    misses : int
        Number of those after which none came.

    Examples
    --------
    >>> from contlearn.results import Interval
    >>> from contlearn.testing import Delay
    >>> print(Delay(shift="mean", size=0.5, horizon=1000, mean=Interval(93.0, 86.0, 101.0, 0.95), median=84.0,
    ...     found=Interval(1.0, 0.98, 1.0, 0.95), misses=0))
    mean 0.5: delay 93 [86, 101], median 84, found 1.00 within 1,000
    """

    shift: str
    size: float
    horizon: int
    mean: Interval
    median: float | None
    found: Interval
    misses: int

    def __str__(self) -> str:
        name, *figures = self.row()
        return f"{name}: delay {figures[0]}, median {figures[1]}, found {figures[2]} within {self.horizon:,}"

    def row(self) -> tuple[str, str, str, str]:
        """Return the line of a table: what was done, mean delay, median, share found."""
        name = f"{self.shift} {self.size:g}" if self.size else self.shift
        middle = "-" if self.median is None else f"{self.median:,.0f}"
        delay = count_text(self.mean) if self.found.estimate else "-"
        return name, delay, middle, f"{self.found.estimate:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline(Answer):
    """What a rule that looks at nothing would have given.

    Attributes
    ----------
    name : str
        The rule.
    alarms : int
        Its alarms on the stream.
    delay : float
        Mean number of values from a change to its next alarm; a miss counts as the horizon.
    found : float
        Share of changes after which it fires within the horizon.

    Examples
    --------
    >>> from contlearn.testing import Baseline
    >>> print(Baseline(name="every 500", alarms=20, delay=250.5, found=1.0))
    every 500: 20 alarms, delay 250, found 1.00
    """

    name: str
    alarms: int
    delay: float
    found: float

    def __str__(self) -> str:
        return f"{self.name}: {self.alarms:,} alarms, delay {self.delay:,.0f}, found {self.found:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest(Answer):
    """What `backtest` measured.

    Attributes
    ----------
    detector : str
        The expression that makes the detector.
    n_reference, n_current : int
        Values that were the reference, and values that were watched.
    promised : float or None
        The run length that the detector states.
    alarms : tuple of int
        Positions of its alarms in the stream as it is.
    run_length : Interval
        Updates per alarm there; the interval is that of a Poisson count.
    shuffled : Interval
        Updates per alarm when the values come in random order: what it does when nothing changes.
    shuffled_alarms, shuffles : int
        Alarms in random order, in all of so many passes.
    places : int
        Places at which every change was made.
    horizon : int
        Values that were looked at after each change.
    alarmed_before : Interval
        Share of the places with an alarm within the `horizon` values before them: the change then came upon a
        detector that had just started afresh, or the alarm would have hidden it.
    delays : tuple of Delay
        What was found, and when, for each shift and size.
    unchanged : Delay
        The same where nothing was changed: alarms that would have come anyway.
    baselines : tuple of Baseline
        Rules that look at nothing: always, never, and a clock with as many alarms as the detector. Where it
        raised none, a clock that fires once in its run length, or in the horizon, if it promises none; the
        name says which.

    Examples
    --------
    >>> import numpy as np
    >>> from river.drift.binary import DDM
    >>> from contlearn.testing import backtest
    >>> errors = np.random.default_rng(0).random(4000) < 0.1
    >>> record = backtest(DDM(), errors, shifts={"risk": (0.3,)}, places=50)
    >>> record.delays[0].mean.estimate < record.unchanged.mean.estimate
    True
    """

    detector: str
    n_reference: int
    n_current: int
    promised: float | None
    alarms: tuple[int, ...]
    run_length: Interval
    shuffled: Interval
    shuffled_alarms: int
    shuffles: int
    places: int
    horizon: int
    alarmed_before: Interval
    delays: tuple[Delay, ...]
    unchanged: Delay
    baselines: tuple[Baseline, ...]

    @property
    def run_length_held(self) -> bool | None:
        """Whether the run length in random order may be the one promised; None: nothing is promised."""
        return None if self.promised is None else self.shuffled.high >= self.promised

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        against = f" after a reference of {self.n_reference:,}" if self.n_reference else ""
        yield f"{self.detector}: {self.n_current:,} values{against}"
        yield f"  as it was        {_counted(len(self.alarms))}: one in {count_text(self.run_length)} values"
        yield (
            f"  in random order  {_counted(self.shuffled_alarms)} in {self.shuffles} passes: "
            f"one in {count_text(self.shuffled)}{self._promise()}"
        )
        yield (
            f"  changes made at {self.places} places; {100 * self.alarmed_before.estimate:.0f} % of them "
            f"had an alarm in the {self.horizon:,} values before"
        )
        yield from aligned(("", "alarms", "mean delay", "median", f"within {self.horizon:,}"), self._rows())

    def _promise(self) -> str:
        if self.promised is None:
            return ""
        return f", promised {self.promised:,.0f}: {'held' if self.run_length_held else 'NOT HELD'}"

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for each in (*self.delays, self.unchanged):
            name, *figures = each.row()
            yield (name, "", *figures)
        for rule in self.baselines:
            delay = f"{rule.delay:,.0f}" if rule.found else "-"
            yield rule.name, f"{rule.alarms:,}", delay, "", f"{rule.found:.2f}"

    def _repr_html_(self) -> str:
        header = ("", "alarms", "mean delay", "median", f"found within {self.horizon:,}")
        first = ("as it was", f"{len(self.alarms):,}", "", "", "")
        return _html.table(next(self._lines()), header, [first, *self._rows()])


KINDS["tuple[Delay, ...]"] = (frozenset(), tuple_of(Delay))
KINDS["tuple[Baseline, ...]"] = (frozenset(), tuple_of(Baseline))


def delay_of(shift: str, size: float, delays: Sequence[int | None], horizon: int) -> Delay:
    """Return what single delays, None for a miss, say together."""
    whole = [horizon if each is None else each for each in delays]
    misses = sum(each is None for each in delays)
    mean = mean_interval(whole, CONFIDENCE)
    low, high = max(mean.low, 1.0), min(mean.high, float(horizon))
    return Delay(
        shift=shift,
        size=size,
        horizon=horizon,
        mean=Interval(mean.estimate, low, high, CONFIDENCE),
        median=None if 2 * misses > len(whole) else float(median(whole)),
        found=share_of([each is not None for each in delays]),
        misses=misses,
    )


def clock(name: str, n: int, every: int, horizon: int) -> Baseline:
    """Return what firing after every k of `n` values gives, 0 for never; changes come at any moment of it.

    The next alarm is 1, 2, ..., k values away, each as likely.
    """
    if every == 0:
        return Baseline(name=name, alarms=0, delay=float(horizon), found=0.0)
    seen = min(every, horizon)
    delay = (seen * (seen + 1) / 2 + (every - seen) * horizon) / every
    return Baseline(name=name, alarms=n // every, delay=delay, found=seen / every)


def _counted(alarms: int) -> str:
    return f"{alarms:,} alarm{'' if alarms == 1 else 's'}"


def aligned(header: Sequence[str], rows: Any) -> Iterator[str]:
    """Return lines of equal columns: names to the left, figures to the right."""
    body = [tuple(header), *rows]
    widths = [max(len(row[place]) for row in body) for place in range(len(header))]
    for row in body:
        name, *figures = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"  {name}  {'  '.join(figures)}".rstrip()
