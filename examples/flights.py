"""A year of flights out of New York: predict, watch, retrain, judge, promote.

    python examples/flights.py [--out build/demo]

When a flight is due to leave, will it arrive more than 15 minutes late? The answer is known hours later, and
for 9,430 of 336,776 flights never. Three strategies live through the same year with the same rows:

- *static*: one model, trained on the first six weeks;
- *calendar*: a new model every four weeks, served unseen;
- *loop*: a new model when the world has moved and it hurts, served only if a gate finds it no worse.

They share all code below and differ in the fields of one record, `Strategy`: when to train, what to try, and
which gate must agree. What would hide the story lies beside it: `_flights_data.py` (what was known when),
`_flights_models.py` (how a model is trained), `_flights_shortcut.py` (where training twice does help), and
`_flights_report.py`, `_flights_picture.py` and `_flights_page.py` (what is shown).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from _flights_data import CATEGORICAL, DAY, FEATURES, Flights, Rows, load
from _flights_models import FITS, Recipe, forecast, jtt, plain
from _flights_page import write
from _flights_records import Entry, Tried, Year, clocked, day_of, moment
from _flights_report import Report, score
from _flights_shortcut import Shortcut
from sklearn.base import clone
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from contlearn.drift import KS, ByColumn, ChiSquared
from contlearn.evaluation import brier, mean_loss
from contlearn.gates import Gain, Trial, Verdict
from contlearn.policies import Decision, Episode, Evidence, LossIncrease, MaxAge, MinAge, MinLabels, OnDrift
from contlearn.windows import PendingLabels, TimeWindow

# One decision a week, at midnight in New York (one o'clock in summer). In UTC every week has 168 hours.
WEEK = 7 * DAY
START = datetime(2013, 1, 1, 5, tzinfo=UTC).timestamp()
FIRST, LAST = 6, 51  # weeks 0 to 5 only collect rows; week 51 runs to the end of the year
WINDOW = 12 * WEEK  # the rows that any strategy may train on
HOLDOUT = 2 * WEEK  # the latest of them, on which a challenger is judged and did not train


# ----------------------------------------------------------------------------
# When to train, and what to serve. What counts as harm, and the two limits of it, were chosen on January to
# March. Window, ages and margin come from a study of this very year that is not part of this repository; its
# 160 settings did not beat a calendar on average: these are the plain ones, not the best ones.


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekEvidence(Evidence):
    """What a policy may look at, and one fact of our own.

    `gap` is the share of late flights of the week minus the mean forecast.
    """

    gap: float | None


def miscalibrated(evidence: WeekEvidence) -> Decision:
    """Harm: the forecasts of the week were off by more than three points of a hundred on average.

    A plain function is a policy. Why not the loss itself? In February and March the Brier loss of one and the
    same model moved between 0.105 and 0.188 from week to week: a storm makes every model look bad. The gap
    stayed within 0.03 in five of these seven weeks.
    """
    if evidence.gap is None:
        return Decision(retrain=False, reason="no forecast has met its label yet", missing=("gap",))
    return Decision(
        retrain=abs(evidence.gap) > 0.03,
        reason=f"forecasts were off by {evidence.gap:+.3f} on average (limit 0.03)",
    )


def never(evidence: Evidence) -> Decision:  # noqa: ARG001 - a policy takes the evidence, also when it ignores it
    """Never train again."""
    return Decision(retrain=False, reason="a static model is trained once")


# Does a column of the last week differ from what the champion was trained on, by a tenth of the rows or more?
WATCH = ByColumn(
    numeric=KS(tolerance=0.1),
    categorical=ChiSquared(tolerance=0.1),
    columns={name: "categorical" if name in CATEGORICAL else "numeric" for name in FEATURES},
    alpha=0.01,
)


@dataclass(frozen=True)
class Strategy:
    """The whole difference between the three: when to train, what to try, which gate must agree."""

    name: str
    when: Callable[[WeekEvidence], Decision]
    watch: ByColumn | None = None
    recipes: tuple[Recipe, ...] = (plain,)
    gate: Callable[[Trial], Verdict] | None = None


STRATEGIES = (
    Strategy("static", when=never),
    Strategy("calendar", when=MaxAge(timedelta(weeks=4))),
    Strategy(
        "loop",
        when=((OnDrift() & miscalibrated) | LossIncrease(0.02)) & MinLabels(5000) & MinAge(timedelta(days=28))
        | MaxAge(timedelta(days=56)),
        watch=WATCH,
        recipes=(plain, jtt),
        gate=Gain(margin=-0.005),  # not worse than 0.005 Brier
    ),
)


# ----------------------------------------------------------------------------
# One strategy at work.


class Service:
    """A model that serves, and the memory of what was decided about it."""

    def __init__(self, strategy: Strategy, number: int) -> None:
        self.strategy, self.number = strategy, number
        self.log: list[Entry] = []
        self.history: deque[Episode] = deque(maxlen=12)
        self.fits, self.seconds = 0, 0.0
        self.model = self.watch = None

    def fit(self, recipe: Recipe, rows: Rows) -> object:
        """Train a model, and count what it took."""
        self.fits += FITS[recipe]
        return recipe(rows)

    def forecast(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of being late; NaN while there is no model."""
        return forecast(self.model, X) if self.model is not None else np.full(len(X), np.nan)

    def start(self, rows: Rows, now: float) -> None:
        """Train the first model; where a gate will measure later ones, measure its recipe as well."""
        baseline_loss = None
        if self.strategy.gate is not None:
            train, holdout = rows.split(now - HOLDOUT)
            tested = self.fit(plain, train)
            baseline_loss = float(brier(holdout.late, forecast(tested, holdout.X)).mean())
        self.serve(plain, rows, now, baseline_loss)

    def serve(self, recipe: Recipe, rows: Rows, now: float, baseline_loss: float | None) -> None:
        """Train on everything in the window and serve that; a new model is a new normal."""
        self.model = self.fit(recipe, rows)
        self.trained_at, self.baseline_loss = now, baseline_loss
        if self.strategy.watch is not None:
            self.watch = clone(self.strategy.watch).fit(rows.columns())

    def decide(self, rows: Rows, now: float) -> None:
        """Look at the week, ask the policy, and train if it says so."""
        evidence = self.evidence(rows, now)
        decision = self.strategy.when(evidence)
        tried, served = self.retrain(rows, now) if decision else ({}, None)
        judged = tried.get(served or plain.__name__)
        self.history.append(Episode(evidence, decision, judged and judged.verdict))
        self.log.append(
            Entry(
                now=evidence.now,
                drift=evidence.drift,
                loss=evidence.loss,
                baseline_loss=evidence.baseline_loss,
                gap=evidence.gap,
                decision=decision,
                tried=tried,
                served=served,
            )
        )

    def evidence(self, rows: Rows, now: float) -> WeekEvidence:
        """Return what is known of the last week; a day is a group, for its flights share their weather."""
        week = rows.since(now - WEEK).served(self.number)
        forecasts = week.forecasts(self.number)
        return WeekEvidence(
            now=moment(now),
            trained_at=moment(self.trained_at),
            n_labels=len(rows),
            drift=self.watch and self.watch.detect(week.columns()),
            loss=mean_loss(brier(week.late, forecasts), groups=week.day),
            baseline_loss=self.baseline_loss,
            history=tuple(self.history),
            gap=float(week.late.mean() - forecasts.mean()),
        )

    def retrain(self, rows: Rows, now: float) -> tuple[dict[str, Tried], str | None]:
        """Return what came of each recipe, and the name of the one that is now served."""
        if self.strategy.gate is None:
            self.serve(plain, rows, now, None)
            return {}, plain.__name__
        tried = self.judge(rows, now)
        passed = [recipe for recipe in self.strategy.recipes if tried[recipe.__name__].verdict]
        if not passed:
            return tried, None
        best = min(passed, key=lambda recipe: tried[recipe.__name__].loss)
        # The challenger never saw the last two weeks, and they are the most useful ones: the same recipe is
        # fitted again with them, and that is served. The gate judged the recipe, not this very model.
        self.serve(best, rows, now, tried[best.__name__].loss)
        return tried, best.__name__

    def judge(self, rows: Rows, now: float) -> dict[str, Tried]:
        """Try each recipe against the champion on the last two weeks, on which neither has trained."""
        train, holdout = rows.split(now - HOLDOUT)
        if self.trained_at > now - HOLDOUT:
            raise RuntimeError("the champion was trained on rows of the holdout; let MinAge be longer")
        champion = self.forecast(holdout.X)
        tried = {}
        for recipe in self.strategy.recipes:
            challenger = forecast(self.fit(recipe, train), holdout.X)
            trial = Trial.from_predictions(holdout.late, champion, challenger, loss=brier, groups=holdout.day)
            losses = trial.challenger_losses
            tried[recipe.__name__] = Tried(
                self.strategy.gate(trial), float(losses.mean()), holdout.worst_carrier(losses)
            )
        return tried


# ----------------------------------------------------------------------------
# The year, in the order of events.


def live_through(flights: Flights, *, last: int = LAST, progress: bool = False) -> Year:
    """Let all strategies live through the weeks up to `last`, side by side."""
    began = time.perf_counter()
    year = Year([Service(strategy, number) for number, strategy in enumerate(STRATEGIES)])
    pending = PendingLabels(size=20_000, max_age=2 * DAY)
    shape = "{l_bar}{bar}| {n_fmt} of {total_fmt} weeks, {remaining} left"
    with tqdm(total=last + 1, disable=not progress, bar_format=shape, dynamic_ncols=True, leave=False) as bar:
        for week in walk(flights, year.services, pending, last=last):
            year.weeks.append(week)
            bar.set_description(status(year))
            bar.update()
    pending.expire(at=START + (last + 2) * WEEK)  # the year is over; whatever still waits is lost
    counts = pending.counts
    lost = counts["expired"] + counts["evicted"] - counts["late"]
    year.labels = {"in time": counts["answered"], "late": counts["late"], "lost": lost}
    year.seconds = time.perf_counter() - began
    return year


def walk(
    flights: Flights, services: list[Service], pending: PendingLabels, *, last: int = LAST
) -> Iterator[Rows]:
    """Take one decision a week and live until the next; yield the rows whose labels came in between."""
    window = TimeWindow(WINDOW)  # one for all: no strategy knows more than another
    for week in range(last + 1):
        now = START + week * WEEK
        until = now + WEEK if week < LAST else math.inf
        if week >= FIRST:
            window.expire(at=now)
            rows = Rows(window.rows())
            for service in services:
                with clocked(service):
                    service.decide(rows, now) if week > FIRST else service.start(rows, now)
        live(flights, services, pending, window, now, until)
        yield Rows(window.rows()).since(now)


def live(
    flights: Flights,
    services: list[Service],
    pending: PendingLabels,
    window: TimeWindow,
    now: float,
    until: float,
) -> None:
    """Live from one decision to the next: forecast at departure, learn the label at landing.

    No model changes in between and every row holds what was known at its own departure, so the forecasts
    are computed in one call. One by one they would be the same, and take seven minutes a year.
    """
    pending.expire(at=now)
    leaving, events = flights.events(now, until)
    forecasts = []
    for service in services:
        with clocked(service):
            forecasts.append(service.forecast(flights.X[leaving]))
    waiting = dict(zip(leaving.tolist(), Rows.waiting(flights, leaving, forecasts), strict=True))
    for at, number, lands in events:
        if not lands:
            pending.put(number, waiting[number], at=at)
        elif (row := pending.pop(number, at=at)) is not None:  # None: too late; counted, never guessed
            window.append(Rows.matured(row, landed=at, late=flights.late[number]), at=at)


def status(year: Year) -> str:
    """Return what the progress bar says."""
    loop = year.services[-1]
    if loop.model is None:
        return f"week {len(year.weeks)}, collecting"
    loss = score(year.weeks[-1], loop.number).log_loss
    return f"week {len(year.weeks)}, champion of {day_of(moment(loop.trained_at))}, log-loss {loss:.2f}"


# ----------------------------------------------------------------------------


def main() -> None:
    """Live through the year, print what came of it, and write the picture and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("build/demo"), help="folder of the picture and the page"
    )
    folder = parser.parse_args().out
    # One thread: two are a quarter faster on a quiet machine, and several times slower on a busy one.
    with threadpool_limits(1):
        year = live_through(load(), progress=sys.stderr.isatty())
        shortcut = Shortcut.measure()
    report = Report.of(year, shortcut)
    report.refuse_leaks()
    print(report)
    for path in write(report, folder):
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
