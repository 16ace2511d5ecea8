"""One strategy at work: a model that serves, and the ledger of what was decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from _flights_data import DAY, Rows
from _flights_models import FITS, Recipe, forecast, name_of, plain
from _flights_records import PERSON, Entry, Tried, moment
from _flights_rollout import Model, Rollout
from sklearn.base import clone

from contlearn.evaluation import brier, mean_loss
from contlearn.gates import Approval, CanaryAction, Trial
from contlearn.ledger import Ledger, TrainingRun, fingerprint
from contlearn.policies import Decision, Evidence

if TYPE_CHECKING:
    from flights import Strategy

WEEK = 7 * DAY
WINDOW = 12 * WEEK  # the rows that any strategy may train on
HOLDOUT = 2 * WEEK  # the latest of them, on which a challenger is judged and did not train


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekEvidence(Evidence):
    """What a policy may look at, and one fact of our own.

    `gap` is the share of late flights of the week minus the mean forecast.
    """

    gap: float | None


class Service:
    """A model that serves, and the ledger of what was decided about it."""

    def __init__(self, strategy: Strategy, number: int, ledger: Ledger | None = None) -> None:
        self.strategy, self.number = strategy, number
        self.ledger = Ledger() if ledger is None else ledger
        self.log: list[Entry] = []
        self.fits, self.seconds = 0, 0.0
        self.model = self.watch = self.rollout = None
        self.served: dict[str, Model] = {}  # what may still be asked for by name: the champion and the anchor
        self.settled: dict[int, float] = {}  # forecasts of a model that was promoted since the week began

    def fit(self, recipe: Recipe, rows: Rows) -> object:
        """Train a model, and count what it took."""
        self.fits += FITS[recipe]
        return recipe(rows)

    def forecast(self, X: np.ndarray) -> np.ndarray:
        """Return the champion's probability of being late; NaN while there is no model."""
        return forecast(self.model.fitted, X) if self.model is not None else np.full(len(X), np.nan)

    def start(self, rows: Rows, now: float) -> None:
        """Train the first model; where a gate will measure later ones, measure its recipe as well."""
        baseline_loss = None
        if self.strategy.gate is not None:
            train, holdout = rows.split(now - HOLDOUT)
            tested = self.fit(plain, train)
            baseline_loss = float(brier(holdout.late, forecast(tested, holdout.X)).mean())
        self.promote(self.train(plain, rows, now, baseline_loss), now, "the first model")

    def train(self, recipe: Recipe, rows: Rows, now: float, baseline_loss: float | None) -> Model:
        """Train on everything in the window, and write down how."""
        model = Model(name_of(recipe, now), self.fit(recipe, rows), now, baseline_loss, rows)
        self.ledger.record(
            TrainingRun(
                model.name,
                trained_at=moment(now),
                n_rows=len(rows),
                rows=fingerprint(rows.table),
                curation={"recipe": recipe.__doc__.splitlines()[0], "window in days": WINDOW / DAY},
                seeds={"model": model.fitted.random_state},
                hyperparameters=model.fitted.get_params(),
            ),
            at=moment(now),
        )
        return model

    def promote(self, model: Model, at: float, reason: str) -> None:
        """Serve a model from now on; a new model is a new normal."""
        self.model, self.rollout = model, None
        self.ledger.promote(
            model.name,
            at=moment(at),
            reason=reason,
            trained_at=moment(model.trained_at),
            baseline_loss=model.baseline_loss,
        )
        self.served[model.name] = model
        wanted = {model.name, self.ledger.anchor().model_id}
        self.served = {name: each for name, each in self.served.items() if name in wanted}
        if self.strategy.watch is not None:
            self.watch = clone(self.strategy.watch).fit(model.rows.columns())

    def decide(self, rows: Rows, now: float) -> None:
        """Look at the week, ask the policy, and train if it says so."""
        evidence = self.evidence(rows, now)
        decision = self.ledger.record(self.strategy.when(evidence))
        tried, served = self.retrain(rows, now, decision) if decision else ({}, None)
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
                rollout=self.rollout if served else None,
            )
        )

    def evidence(self, rows: Rows, now: float) -> WeekEvidence:
        """Return what is known of the last week; a day is a group, for its flights share their weather.

        When the champion was trained, its loss then, and what was decided before, the ledger remembers.
        """
        week = rows.since(now - WEEK).served(self.number)
        forecasts = week.forecasts(self.number)
        return self.ledger.evidence(
            WeekEvidence,
            now=moment(now),
            n_labels=len(rows),
            drift=self.watch and self.watch.detect(week.columns()),
            loss=mean_loss(brier(week.late, forecasts), groups=week.day),
            gap=float(week.late.mean() - forecasts.mean()),
        )

    def retrain(self, rows: Rows, now: float, decision: Decision) -> tuple[dict[str, Tried], str | None]:
        """Return what came of each recipe, and the name of the one that is to serve."""
        if self.strategy.gate is None:
            self.promote(self.train(plain, rows, now, None), now, decision.reason)
            return {}, plain.__name__
        tried = self.judge(rows, now)
        passed = [recipe for recipe in self.strategy.recipes if tried[recipe.__name__].verdict]
        if not passed:
            return tried, None
        best = min(passed, key=lambda recipe: tried[recipe.__name__].loss)
        # The challenger never saw the last two weeks, and they are the most useful ones: the same recipe is
        # fitted again with them. The gate judged the recipe, not this very model; so this model has to show
        # itself on a part of the flights first.
        self.rollout = Rollout(self.train(best, rows, now, tried[best.__name__].loss))
        return tried, best.__name__

    def judge(self, rows: Rows, now: float) -> dict[str, Tried]:
        """Try each recipe against the champion on the last two weeks, on which neither has trained."""
        train, holdout = rows.split(now - HOLDOUT)
        if self.model.trained_at > now - HOLDOUT:
            raise RuntimeError("the champion was trained on rows of the holdout; let MinAge be longer")
        # A margin below 0 lets a little loss through; not again and again, for it is also measured against
        # the best model ever promoted: the last one that was shown to be better than its predecessor.
        best = self.served[self.ledger.anchor().model_id]
        seen = {
            "champion": self.forecast(holdout.X),
            "anchor": forecast(best.fitted, holdout.X),
            "loss": brier,
            "groups": holdout.day,
        }
        tried = {}
        for recipe in self.strategy.recipes:
            challenger = forecast(self.fit(recipe, train), holdout.X)
            trial = Trial.from_predictions(holdout.late, challenger=challenger, **seen)
            name = name_of(recipe, now)
            worst = holdout.worst_carrier(trial.challenger_losses)
            gate = self.strategy.gate
            if gate(trial):  # only what the figures let pass is laid before a person
                said = self.strategy.person(worst, holdout.worst_carrier(trial.champion_losses))
                self.ledger.approve(name, by=PERSON, at=moment(now), **said)
                approvals = self.ledger.approvals(name)
                trial = Trial.from_predictions(
                    holdout.late, challenger=challenger, approvals=approvals, **seen
                )
                gate &= Approval(by=PERSON)
            verdict = self.ledger.record(gate(trial), at=moment(now), model_id=name)
            tried[recipe.__name__] = Tried(verdict, float(trial.challenger_losses.mean()), worst)
        return tried

    def serve(self, number: int, forecast: float) -> float:
        """Return the forecast that a flight gets: the champion's, or that of a challenger on live traffic."""
        if self.rollout is None:  # decided since the week began
            return self.settled.get(number, forecast)
        theirs = self.rollout.forecast(number)
        return forecast if theirs is None else theirs

    def learn(self, number: int, loss: float, at: float) -> None:
        """Tell the canary what came of a flight, and do what it says."""
        if self.rollout is None:
            return
        answer = self.rollout.learn(number, loss, moment(at))
        if answer is None or answer.action is CanaryAction.HOLD:
            return
        model, verdict = self.rollout.model, self.rollout.canary.verdict
        self.ledger.record(verdict, at=moment(at), model_id=model.name)
        if answer.action is CanaryAction.ADVANCE:
            self.rollout.canary.advance()
        elif answer.action is CanaryAction.DONE:
            self.settled = self.rollout.forecasts
            self.promote(model, at, verdict.reason)
        elif answer.action is CanaryAction.ABORT:
            self.rollout = None
