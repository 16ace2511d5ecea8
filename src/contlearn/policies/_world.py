"""The losses that every model would have had: from a table, or estimated from those that served."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contlearn import _checks
from contlearn.policies._costs import Costs
from contlearn.policies._cycle import age_of
from contlearn.policies._decay import ages, slope
from contlearn.policies._evidence import Evidence, rewritten
from contlearn.policies._money import Money
from contlearn.policies._regret import best_calendar, cost_of, optimum, served
from contlearn.results import Interval

Losses: TypeAlias = Callable[[Any, Any], float] | ArrayLike

_CONFIDENCE = 0.9
_CURE = "or give losses=, a function of trained_at and now or a table"


class World:
    """Losses of every model at every evidence, and the baseline of every model.

    Row 0 belongs to the champion at the beginning, row m + 1 to a model trained at evidence m; columns are
    the evidences. What is left of its own evidence is not used.
    """

    def __init__(self, records: Sequence[Evidence], losses: Losses | None) -> None:
        self.records = records
        self.estimated = losses is None
        self.remark = ""
        if losses is None:
            self.table, self.remark = _by_age(records)
        else:
            self.table = _called(records, losses) if callable(losses) else _given(records, losses)
        self.baselines = [self._baseline(model) for model in range(len(self.table))]

    def seen(self, evidence: Evidence, position: int, model: int) -> Evidence:
        """Return `evidence` as it would have been, had `model` served."""
        loss = evidence.loss
        if loss is not None or not self.estimated:  # an estimate fills no gap: what was not known stays so
            loss = _moved(loss, float(self.table[model, position]))
        baseline = self.baselines[model]
        return rewritten(
            evidence, loss=loss, baseline_loss=evidence.baseline_loss if baseline is None else baseline
        )

    def money(self, retrained: Sequence[int], costs: Costs) -> Money:
        """Return what these retrainings cost, beside the best plans."""
        days = np.diff(_since(self.records), prepend=0.0)
        bills = served(self.table, days, costs.loss_cost)
        if not np.isfinite(bills[:, -1]).all():
            model, position = np.argwhere(~np.isfinite(bills))[0]
            who = f"of the model trained at evidence {model - 1}" if model else "of the first champion"
            _checks.bad_data(
                "losses", "be finite for every model in use", f"none at evidence {position} {who}"
            )
        best = optimum(bills, costs.retrain_cost)
        calendar, every = best_calendar(bills, costs.retrain_cost)
        cost, never = (cost_of(bills, plan, costs.retrain_cost) for plan in (retrained, ()))
        return Money(cost, *best, calendar.cost, every, calendar.retrained, never)

    def _baseline(self, model: int) -> float | None:
        """Return the loss of a model where it was trained; as recorded there, where the table has none."""
        at = max(0, model - 1)
        recorded = self.records[at].baseline_loss
        if self.estimated or (model == 0 and recorded is not None):
            return recorded
        loss = float(self.table[model, at])
        return loss if math.isfinite(loss) else recorded


def _by_age(records: Sequence[Evidence]) -> tuple[NDArray[np.float64], str]:
    """Return the recorded losses, moved by what a younger or older model would have made of them."""
    own = [age_of(evidence.trained_at, evidence.now) for evidence in records]
    if None in own:
        lacking = "an evidence without, or with two kinds of time"
        _checks.bad_data("history", "have now and trained_at in every evidence", lacking, _CURE)
    decay = slope(ages(records), _CONFIDENCE)
    since = _since(records)
    trained = np.concatenate([[-float(own[0] or 0.0)], since])
    age = np.maximum(0.0, since - trained[:, None])
    table = _filled(records) + max(0.0, decay.estimate) * (age - np.array(own, dtype=np.float64))
    remark = (
        f"the losses of models that did not serve are as recorded, moved by {decay} a day of age "
        f"(models were seen up to an age of {max(days or 0.0 for days in own):.4g})"
    )
    return table, remark if decay.estimate > 0.0 else f"{remark}: models do not age, so nothing is moved"


def _called(records: Sequence[Evidence], losses: Callable[[Any, Any], float]) -> NDArray[np.float64]:
    """Return the loss of every model from its training on; NaN where it was not there yet."""
    n = len(records)
    table = np.full((n + 1, n), np.nan)
    moments = [evidence.now for evidence in records]
    for model, trained in enumerate([records[0].trained_at, *moments]):
        for position in range(max(0, model - 1), n):
            if trained is None or moments[position] is None:
                name = (
                    "trained_at in the first evidence" if trained is None and not model else "now everywhere"
                )
                _checks.bad_data("history", f"have {name} where losses is a function", "None")
            table[model, position] = _checks.real("losses", losses(trained, moments[position]))
    return table


def _given(records: Sequence[Evidence], losses: ArrayLike) -> NDArray[np.float64]:
    """Return a table as it is, with the row of the first champion; a square one begins with it."""
    table, n = np.array(losses, dtype=np.float64), len(records)
    if table.shape not in ((n, n), (n + 1, n)):
        must = f"have {n} columns, one per evidence, and {n} or {n + 1} rows, one per model"
        _checks.bad_data("losses", must, f"shape {table.shape}")
    return table if len(table) > n else np.vstack([table[:1], table])


def _filled(records: Sequence[Evidence]) -> NDArray[np.float64]:
    """Return the recorded losses; one that is not known is that of the next evidence that knows it."""
    losses: list[float] = []
    later = math.nan
    for evidence in reversed(records):
        loss = evidence.loss.estimate if isinstance(evidence.loss, Interval) else evidence.loss
        later = later if loss is None or not math.isfinite(loss) else float(loss)
        losses.append(later)
    known = np.array(losses[::-1])
    return np.where(np.isnan(known), known[np.isfinite(known)][-1], known)


def _since(records: Sequence[Evidence]) -> NDArray[np.float64]:
    """Return the days (or units of `now`) from the first evidence to each."""
    since = [age_of(records[0].now, evidence.now) for evidence in records]
    days = np.array([math.nan if day is None else day for day in since])
    if np.isnan(days).any() or np.any(np.diff(days) < 0.0):
        must = "have now in every evidence, of one kind of time, oldest first, where money is asked for"
        at = (
            int(np.argmax(np.isnan(days)))
            if np.isnan(days).any()
            else int(np.argmax(np.diff(days) < 0.0)) + 1
        )
        _checks.bad_data("history", must, f"now={records[at].now} at position {at}")
    return days


def _moved(recorded: float | Interval | None, loss: float) -> float | Interval | None:
    """Return `loss`, as sure as the recorded one was."""
    if math.isnan(loss):
        return None
    if not isinstance(recorded, Interval):
        return loss
    by = loss - recorded.estimate
    return Interval(loss, recorded.low + by, recorded.high + by, recorded.confidence)
