"""What came of the year, as numbers and as text. The headline says first what went worse than it should."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from _flights_data import DAY, Rows
from _flights_models import FITS, Recipe, jtt, plain
from _flights_records import PERSON, Entry, Year, day_of
from sklearn.metrics import roc_auc_score

from contlearn.evaluation import brier, log_loss
from contlearn.gates import Approval, Outcome
from contlearn.ledger import Champion, Ledger

if TYPE_CHECKING:
    from _flights_shortcut import Shortcut
    from flights import Service

WORSE = 0.003  # log-loss that the loop may lose against the calendar before the headline says so
LOG_HEAD = (
    f"{'until':>6}  {'columns that drifted, the most':<32}{'Brier (at promotion)':<22}{'off by':<9}decision"
)
LEAK = 0.80  # nobody forecasts delays this well without knowing the future


class Score(NamedTuple):
    """How good the forecasts of one strategy were."""

    log_loss: float
    auc: float
    brier: float
    rows: int


def score(rows: Rows, number: int) -> Score:
    """Score the forecasts of the strategy `number`; log-loss with forecasts clipped to [0.01, 0.99]."""
    rows = rows.served(number)
    late, forecasts = rows.late, rows.forecasts(number)
    clipped = np.clip(forecasts, 0.01, 0.99)
    return Score(
        log_loss=float(log_loss(late, clipped).mean()),
        auc=float(roc_auc_score(late, forecasts)),
        brier=float(brier(late, forecasts).mean()),
        rows=len(late),
    )


@dataclass(frozen=True)
class Account:
    """What one strategy achieved, and what it took."""

    name: str
    score: Score
    weekly: tuple[Score, ...]
    log: tuple[Entry, ...]
    fits: int
    seconds: float
    gated: bool
    champions: tuple[Champion, ...]

    @classmethod
    def of(cls, service: Service, weeks: Sequence[Rows]) -> Account:
        """Return the account of `service`, over the weeks in which it served."""
        served = [week for week in weeks if len(week.served(service.number))]
        return cls(
            name=service.strategy.name,
            score=score(Rows(np.concatenate([week.table for week in served])), service.number),
            weekly=tuple(score(week, service.number) for week in served),
            log=tuple(service.log),
            fits=service.fits,
            seconds=service.seconds,
            gated=service.strategy.gate is not None,
            champions=tuple(service.ledger.champion(at=e.at) for e in service.ledger.history("promotion")),
        )

    @property
    def occasions(self) -> int:
        """How often a training was called for, after the first."""
        return sum(entry.decision.retrain for entry in self.log)

    @property
    def promotions(self) -> int:
        """How often a new model went into service."""
        return len(self.champions) - 1

    @property
    def alarms(self) -> int:
        """In how many weeks drift was detected."""
        return sum(bool(entry.drift) for entry in self.log)

    def verdicts(self, outcome: Outcome, recipe: str | None = None) -> int:
        """How many challengers met this outcome, of all recipes or of one."""
        return sum(
            tried.verdict.outcome is outcome
            for entry in self.log
            for name, tried in entry.tried.items()
            if recipe in (None, name)
        )

    def judged(self, recipe: str | None = None) -> int:
        """How many challengers the gate judged, of all recipes or of one."""
        return sum(self.verdicts(outcome, recipe) for outcome in Outcome)

    def passed(self, recipe: str) -> str:
        """How many challengers of a recipe the gate promoted, of how many."""
        return f"{self.verdicts(Outcome.PROMOTE, recipe) or 'none'} of {self.judged(recipe)}"

    def fitted_for(self) -> str:
        """What the models of a strategy with a gate were fitted for."""

        def tests(recipe: Recipe) -> int:
            return FITS[recipe] * self.judged(recipe.__name__)

        served = self.fits - tests(jtt) - tests(plain) - FITS[plain]
        return (
            f"{served} to serve, {tests(jtt)} for the JTT challengers, {tests(plain)} to test plain ones, "
            "and one before the first model, to measure its recipe"
        )


@dataclass(frozen=True)
class Report:
    """The year side by side; `str` is what the example prints."""

    accounts: tuple[Account, ...]
    labels: dict[str, int]
    seconds: float
    policy: str
    gate: str
    person: str
    shortcut: Shortcut

    @classmethod
    def of(cls, year: Year, shortcut: Shortcut) -> Report:
        """Return the report of a year that was lived through."""
        loop = year.services[-1].strategy
        return cls(
            accounts=tuple(Account.of(service, year.weeks) for service in year.services),
            labels=year.labels,
            seconds=year.seconds,
            policy=repr(loop.when),
            gate=repr(loop.gate),
            person=repr(Approval(by=PERSON)),
            shortcut=shortcut,
        )

    @property
    def loop(self) -> Account:
        """The account of the loop."""
        return self.accounts[-1]

    @property
    def calendar(self) -> Account:
        """The account of the calendar."""
        return self.accounts[-2]

    def refuse_leaks(self) -> None:
        """Fail loudly when a strategy is better than anyone without the future could be."""
        for account in self.accounts:
            if not account.score.auc < LEAK:
                raise SystemExit(
                    f"{account.name}: AUC {account.score.auc:.3f} is not below {LEAK}; "
                    "a feature knows the future. Look at what was added to FEATURES, and when it was known."
                )

    def headline(self) -> str:
        """Return the outcome in a few sentences, the bad news first."""
        loop, calendar = self.loop, self.calendar
        difference = loop.score.log_loss - calendar.score.log_loss
        bad = []
        if difference > WORSE:
            bad.append(
                f"its log-loss is {difference:.4f} above the calendar's (at most {WORSE} was expected)"
            )
        if loop.occasions >= calendar.occasions:
            bad.append(f"it asked for {loop.occasions} trainings, not fewer than the {calendar.occasions}")
        if loop.promotions >= calendar.promotions:
            bad.append(f"it promoted {loop.promotions} models, not fewer than the {calendar.promotions}")
        first = f"The loop did worse than it should: {'; '.join(bad)}. " if bad else ""
        last = " It is no better than the calendar." if difference >= 0 else ""
        return (
            f"{first}"
            f"Log-loss {loop.score.log_loss:.4f} with the loop, {calendar.score.log_loss:.4f} with the "
            f"calendar, {self.accounts[0].score.log_loss:.4f} with a static model. The loop trained on "
            f"{loop.occasions} occasions instead of {calendar.occasions} and changed the model "
            f"{loop.promotions} times instead of {calendar.promotions}; for that it fitted {loop.fits} "
            f"models instead of {calendar.fits}: {loop.fitted_for()}.{last}"
        )

    def table(self) -> Iterator[tuple[str, ...]]:
        """Yield the comparison, one row per figure, the names first."""

        def row(title: str, text: object) -> tuple[str, ...]:
            return (title, *(text(account) for account in self.accounts))

        def gated(count: object) -> object:
            return lambda a: str(count(a)) if a.gated else "no gate"

        yield row("", lambda a: a.name)
        yield row("log-loss", lambda a: f"{a.score.log_loss:.4f}")
        yield row("AUC", lambda a: f"{a.score.auc:.4f}")
        yield row("Brier", lambda a: f"{a.score.brier:.4f}")
        yield row("retraining occasions", lambda a: str(a.occasions))
        yield row("models fitted", lambda a: str(a.fits))
        yield row("promotions", lambda a: str(a.promotions))
        yield row("challengers judged", gated(Account.judged))
        yield row("challengers rejected", gated(lambda a: a.verdicts(Outcome.REJECT)))
        yield row("challengers undecided", gated(lambda a: a.verdicts(Outcome.CONTINUE)))
        yield row(
            "weeks with a drift alarm", lambda a: f"{a.alarms} of {len(a.log)}" if a.gated else "not watched"
        )
        yield row("seconds", lambda a: f"{a.seconds:.1f}")

    def lines_about_labels(self) -> str:
        """Return what became of the labels."""
        counts = self.labels
        return (
            f"{counts['in time']:,} labels came in time, {counts['late']:,} too late; {counts['lost']:,} "
            "flights were cancelled or diverted and never get one: they are neither late nor on time."
        )

    def lines_about_drift(self) -> str:
        """Return why an alarm alone is no reason to train."""
        log, alarms = self.loop.log, self.loop.alarms
        harmed = sum(entry.drift.detected and abs(entry.gap) > 0.03 for entry in log)
        often: dict[str, int] = {}
        for entry in log:
            for name in entry.drift.drifted:
                often[name] = often.get(name, 0) + 1
        top = sorted(often, key=lambda name: (-often[name], name))[:4]
        listed = ", ".join(f"{name} ({often[name]})" for name in top)
        return (
            f"Some column drifted in {alarms} of {len(log)} weeks, most often {listed}: weather "
            f"and season. In {alarms - harmed} of these weeks the forecasts were still right on average, "
            "within three points of a hundred. Rows of one hour share one weather, so a p-value per "
            f"flight says little; an alarm alone would retrain in all {alarms} weeks. The policy asks for "
            "harm as well."
        )

    def lines_about_jtt(self) -> str:
        """Return what the gate made of the JTT challengers."""
        loop = self.loop
        judged = [entry for entry in loop.log if entry.tried]
        beaten = loop.verdicts(Outcome.PROMOTE, "jtt") - sum(entry.served == "jtt" for entry in judged)
        lost = f" {beaten} of those promoted lost to the plain challenger beside it." if beaten else ""
        worst = [np.mean([entry.tried[recipe].worst for entry in judged]) for recipe in ("jtt", "plain")]
        return (
            f"The gate promoted {loop.passed('jtt')} JTT challengers: {loop.verdicts(Outcome.REJECT, 'jtt')} "
            f"rejected, {loop.verdicts(Outcome.CONTINUE, 'jtt')} for want of evidence.{lost} Here one flight "
            "in five is an 'error' because the future is uncertain, not because the model took a shortcut: "
            "to weight these rows is to weight noise. It does not even help the carrier that fares worst: "
            f"its Brier loss was {worst[0]:.3f} with JTT and {worst[1]:.3f} without, on average over the "
            f"trials. Where there is a shortcut, JTT helps: {self.shortcut}"
        )

    def lines_about_service(self) -> str:
        """Return what served in the middle of the year, and why, as the ledger has it."""
        when = datetime(2013, 7, 4, 16, tzinfo=UTC)
        champion = next(c for c in reversed(self.loop.champions) if c.since <= when)
        runs = [entry.rollout for entry in self.loop.log if entry.rollout is not None]
        done = sum(bool(run.log) and bool(run.log[-1][1]) for run in runs)
        days = [(run.log[-1][0].timestamp() - run.model.trained_at) / DAY for run in runs if run.log]
        return (
            f"What served at noon on 4 July? The ledger says: {champion.model_id}, since "
            f"{day_of(champion.since)}, because {champion.reason}. {len(runs)} new models went on a fifth of "
            f"the flights first, then on half of them; {done} were shown to be good enough for all, after "
            f"{np.median(days):.1f} days in the middle. Every decision, training, verdict, approval and "
            "promotion is an entry, chained to all before it; `python examples/flights.py --on 2013-07-04` "
            "asks the file that this run wrote."
        )

    def limits(self) -> list[str]:
        """Return what a reader should not conclude."""
        judged = [entry for entry in self.loop.log if entry.tried]
        best = [min(entry.tried, key=lambda name, entry=entry: entry.tried[name].loss) for entry in judged]
        changed = sum(entry.served != name for entry, name in zip(judged, best, strict=True))
        effect = f"what was served {changed} times" if changed else "nothing that was served"
        gate = (
            f"That the gate helps: it passed {self.loop.passed('plain')} plain challengers and changed "
            f"{effect}, compared with always serving the challenger of smaller loss."
        )
        return [gate, *(" ".join(text.split()) for text in LIMITS.split("\n\n"))]

    def log_lines(self) -> Iterator[str]:
        """Yield the log of the loop's decisions."""
        for entry in self.loop.log:
            yield entry_line(entry)
            yield from (f"          {line}" for line in outcome_lines(entry))

    def __str__(self) -> str:
        paragraphs = [
            self.headline(),
            *("\n".join(lines) for lines in (aligned(list(self.table())),)),
            self.lines_about_labels(),
            self.lines_about_drift(),
            self.lines_about_jtt(),
            self.lines_about_service(),
        ]
        wrapped = [text if "\n" in text else textwrap.fill(text, 100) for text in paragraphs]
        log = "\n".join(["The decisions of the loop, week by week:", "", LOG_HEAD, *self.log_lines()])
        return "\n\n".join([*wrapped, log, f"{self.seconds:.0f} seconds for the year"])


LIMITS = """\
That a policy beats a calendar: in a study that is not part of this repository, 160 settings did not on
average, at an equal number of trainings. How much data and which features mattered more than when to train.

That the gate sees every fault: in that study, with the codes of the carriers shuffled in training, most
challengers still passed, because boosting hardly needed that column.

An exact error rate of the loop: each of the two challengers of an occasion is judged at 5 %, so that one of
two that are both worse than the margin passes in up to 10 % of occasions.

That a canary is free: for some days, a part of the flights gets the older model's forecast. Where new models
were served at once, the loop's log-loss was 0.4693.

More than one year at one place: in that study, another starting week of the calendar changed its
log-loss by up to 0.002."""


def entry_facts(entry: Entry) -> tuple[str, ...]:
    """Return the week's date, drift, loss and calibration: drift and its harm, side by side."""
    parts = entry.drift.parts
    worst = max(parts, key=lambda name: parts[name].score or 0.0)
    drifted = f"{len(entry.drift.drifted)} of {len(parts)}" if entry.drift else str(entry.drift.state)
    baseline = "" if entry.baseline_loss is None else f" ({entry.baseline_loss:.3f})"
    return (
        day_of(entry.now),
        f"{drifted}, {worst} by {parts[worst].score or 0.0:.2f}",
        f"{entry.loss.estimate:.3f}{baseline}",
        f"{entry.gap:+.3f}",
    )


def entry_line(entry: Entry) -> str:
    """Return the week in one line."""
    date, drift, loss, gap = entry_facts(entry)
    return f"{date:>6}  {drift:<32}{loss:<22}{gap:<9}{entry.decision.word}"


def outcome_lines(entry: Entry) -> Iterator[str]:
    """Yield why a training was called for, and what came of it."""
    if not entry.decision:
        return
    yield from textwrap.wrap(f"why: {entry.decision.reason}", 100, subsequent_indent="     ")
    for recipe, tried in entry.tried.items():
        yield from textwrap.wrap(f"{recipe}: {tried.verdict}", 100, subsequent_indent="     ")
    yield served_line(entry)
    if entry.rollout is not None:
        for when, answer in entry.rollout.log:
            yield from textwrap.wrap(f"{day_of(when)}, canary: {answer}", 100, subsequent_indent="     ")


def served_line(entry: Entry) -> str:
    """Return what serves from now on."""
    if entry.served is None:
        return "the champion stays"
    return (
        f"{entry.served}, fitted again with the last two weeks, goes on live traffic; "
        "the gate judged the recipe, not this model"
    )


def served_on(path: Path, day: date) -> str:
    """Return what served at noon (UTC) of a day and why, from the ledger of an earlier run."""
    if not path.exists():
        raise SystemExit(f"there is no {path} yet; run the example without --on first")
    with Ledger(path) as ledger:
        champion = ledger.champion(at=datetime.combine(day, clock(12), UTC))
        if champion is None:
            return f"{day}: nothing served; the first model came later"
        return f"{day}: {champion}\n\n{ledger.model_card(champion.model_id)}"


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Return the rows of a table as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
