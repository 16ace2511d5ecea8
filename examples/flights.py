"""A year of flights out of New York: predict, watch, retrain, judge, promote.

    python examples/flights.py [--out build/demo]
    python examples/flights.py --on 2013-07-04     # what served on that day, and why

When a flight is due to leave, will it arrive more than 15 minutes late? The answer is known hours later, and
for 9,430 of 336,776 flights never. Three strategies live through the same year with the same rows:

- *static*: one model, trained on the first six weeks;
- *calendar*: a new model every four weeks, served unseen;
- *loop*: a new model when the world has moved and it hurts, served only if a gate finds it no worse.

They share all code below and differ in the fields of one record, `Strategy`: when to train, what to try, and
which gate must agree. The loop tries a new model on a part of the flights first, and a ledger remembers what
was decided and why. One strategy at work is `_flights_service.py`; a challenger on a part of the flights,
`_flights_rollout.py`. What would hide the story lies beside them: `_flights_data.py` (what was known when),
`_flights_models.py` (how a model is trained), `_flights_shortcut.py` (where training twice does help), and
`_flights_report.py`, `_flights_picture.py` and `_flights_page.py` (what is shown).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from _flights_data import CATEGORICAL, DAY, FEATURES, Flights, Rows, load
from _flights_models import Recipe, jtt, plain
from _flights_page import write
from _flights_records import Year, clocked, day_of, moment
from _flights_report import Report, score, served_on
from _flights_service import WEEK, WINDOW, Service, WeekEvidence
from _flights_shortcut import Shortcut
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from contlearn.drift import KS, ByColumn, ChiSquared
from contlearn.gates import Gain, Trial, Verdict
from contlearn.ledger import Ledger
from contlearn.policies import Decision, Evidence, LossIncrease, MaxAge, MinAge, MinLabels, OnDrift
from contlearn.windows import PendingLabels, TimeWindow

# One decision a week, at midnight in New York (one o'clock in summer). In UTC every week has 168 hours.
START = datetime(2013, 1, 1, 5, tzinfo=UTC).timestamp()
FIRST, LAST = 6, 51  # weeks 0 to 5 only collect rows; week 51 runs to the end of the year


# ----------------------------------------------------------------------------
# When to train, and what to serve. What counts as harm, and the two limits of it, were chosen on January to
# March. Window, ages and margin come from a study of this very year that is not part of this repository; its
# 160 settings did not beat a calendar on average: these are the plain ones, not the best ones.


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


def duty_manager(worst: float, worst_now: float) -> dict[str, object]:
    """Approve or refuse a challenger that the gate would let pass.

    In a service, a person does this. Here, she is played by one rule: the carrier whose flights are forecast
    worst (its Brier loss, with the challenger and with the champion) must not fare worse by 0.01.
    """
    if worst > worst_now + 0.01:
        return {
            "granted": False,
            "reason": f"the worst carrier has {worst:.3f} Brier, {worst_now:.3f} before",
        }
    return {"granted": True, "reason": f"the worst carrier has {worst:.3f} Brier, {worst_now:.3f} before"}


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
    person: Callable[[float, float], dict[str, object]] | None = None


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
        person=duty_manager,
    ),
)


# ----------------------------------------------------------------------------
# The year, in the order of events.


def live_through(
    flights: Flights, *, last: int = LAST, progress: bool = False, ledger: Ledger | None = None
) -> Year:
    """Let all strategies live through the weeks up to `last`, side by side; `ledger` is that of the loop."""
    began = time.perf_counter()
    *others, loop = STRATEGIES
    services = [Service(strategy, number) for number, strategy in enumerate(others)]
    year = Year([*services, Service(loop, len(others), ledger)])
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

    Every row holds what was known at its own departure, so the forecasts of a week are computed in one call.
    One by one they would be the same, and take seven minutes a year. Where a challenger is on live traffic,
    both models forecast the week, and who serves a flight is settled when it leaves.
    """
    pending.expire(at=now)
    leaving, events = flights.events(now, until)
    forecasts = []
    for service in services:
        with clocked(service):
            forecasts.append(service.forecast(flights.X[leaving]))
    waiting = dict(zip(leaving.tolist(), Rows.waiting(flights, leaving, forecasts), strict=True))
    rolling = [service for service in services if service.rollout is not None]
    for service in rolling:
        with clocked(service):
            service.rollout.prepare(leaving, flights.X[leaving])
    for at, number, lands in events:
        if not lands:
            row = waiting[number]
            for service in rolling:
                row[Rows.place(service.number)] = service.serve(number, row[Rows.place(service.number)])
            pending.put(number, row, at=at)
        elif (row := pending.pop(number, at=at)) is not None:  # None: too late; counted, never guessed
            late = flights.late[number]
            window.append(Rows.matured(row, landed=at, late=late), at=at)
            for service in rolling:
                service.learn(number, (late - row[Rows.place(service.number)]) ** 2, at)


def status(year: Year) -> str:
    """Return what the progress bar says."""
    loop = year.services[-1]
    if loop.model is None:
        return f"week {len(year.weeks)}, collecting"
    loss = score(year.weeks[-1], loop.number).log_loss
    return f"week {len(year.weeks)}, champion of {day_of(moment(loop.model.trained_at))}, log-loss {loss:.2f}"


# ----------------------------------------------------------------------------


def day(text: str) -> date:
    """Return the day that a text names."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2013-07-04") from None


def main() -> None:
    """Live through the year, print what came of it, and write the picture, the page and the ledger."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("build/demo"), help="folder of the picture, the page and the ledger"
    )
    parser.add_argument(
        "--on",
        type=day,
        metavar="YYYY-MM-DD",
        help="only say what served on a day, from the ledger of the last run",
    )
    arguments = parser.parse_args()
    folder, path = arguments.out, arguments.out / "flights.ledger"
    if arguments.on is not None:
        print(served_on(path, arguments.on))
        return
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{path.name}*"):  # a new run is a new ledger: one is never written again
        old.unlink()
    # One thread: two are a quarter faster on a quiet machine, and several times slower on a busy one.
    with threadpool_limits(1), Ledger(path) as ledger:
        year = live_through(load(), progress=sys.stderr.isatty(), ledger=ledger)
        shortcut = Shortcut.measure()
        ledger.verify()
        report = Report.of(year, shortcut)
    report.refuse_leaks()
    print(report)
    for written in (*write(report, folder), path):
        print(f"wrote {written}")


if __name__ == "__main__":
    main()
