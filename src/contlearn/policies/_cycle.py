"""What is on record since the last training: the part of the history that belongs to the present model."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from contlearn._time import Moment, elapsed
from contlearn.policies._base import unknown
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision, Interval

DAY = timedelta(days=1)


class Loss(NamedTuple):
    """One measured loss: when, and how sure."""

    age: float  # days (or units of `now`) before the present evidence, at least 0
    loss: float
    sure: float  # the lower end of its interval, or the loss itself
    told: float | Interval
    baseline: float | None


class Cycle(NamedTuple):
    """The losses since the last training, oldest first, the present one last."""

    watched: float  # how long ago the first of them begins to count
    losses: list[Loss]


class _Past(NamedTuple):
    """The episodes since the last retraining on record, oldest first, with their ages."""

    episodes: list[tuple[Evidence, float]]
    retrained: bool
    age: float | None  # of that retraining


def cycle(evidence: Evidence) -> Cycle | Decision:
    """Return what is on record since the last training, or the unknown that says what is lacking.

    The last training is the last episode of the history that retrained, promoted or not, or `trained_at`
    where that is later. Episodes without a time, or with one that cannot be compared with `now`, are passed
    over. Where neither begins in the history, the losses count from the first episode on.
    """
    lacking = [name for name in ("now", "loss", "history") if getattr(evidence, name) in (None, ())]
    if lacking:
        return unknown(lacking)
    present = _loss(evidence, evidence, 0.0)
    if present is None:
        return unknown(["loss"], "loss is not known: it or its interval is not a number")
    past, champion = _back_to_training(evidence), age_of(evidence.trained_at, evidence.now)
    if champion is None and not past.retrained:
        return _no_training(evidence)
    start = min((age for age in (past.age, champion) if age is not None), default=math.inf)
    oldest = max((age for _, age in past.episodes), default=0.0)
    # what came before the first episode was not watched, unless the training is on record
    watched = min(start, oldest) if past.age is None else start
    losses = [_loss(episode, evidence, age) for episode, age in past.episodes if age < start]
    return Cycle(max(0.0, watched), [*(loss for loss in losses if loss is not None), present])


def age_of(then: Moment | None, now: Moment | None) -> float | None:
    """Return the time from `then` to `now` in days, or in units of `now`; None where it is not known."""
    like = DAY if isinstance(now, datetime) else 1.0
    time = elapsed(then, now, like)
    return None if time is None else float(time / like)


def standard_error(loss: float | Interval | None) -> float | None:
    """Return the standard error that an interval stands for, from its whole width; None for a number."""
    if not isinstance(loss, Interval) or not 0.0 < loss.confidence < 1.0:
        return None
    from scipy.special import ndtri

    width = (loss.high - loss.low) / (2.0 * float(ndtri(0.5 + 0.5 * loss.confidence)))
    return width if math.isfinite(width) and width >= 0.0 else None


def _back_to_training(evidence: Evidence) -> _Past:
    episodes: list[tuple[Evidence, float]] = []
    for episode in reversed(evidence.history):
        age = age_of(episode.evidence.now, evidence.now)
        if episode.decision.retrain:
            return _Past(episodes[::-1], True, age)
        if age is not None:
            episodes.append((episode.evidence, max(0.0, age)))
    return _Past(episodes[::-1], False, None)


def _no_training(evidence: Evidence) -> Decision:
    if evidence.trained_at is None:
        return unknown(["trained_at"])
    return unknown(
        ["now", "trained_at"],
        f"now ({evidence.now}) and trained_at ({evidence.trained_at}) cannot be compared; "
        "use one kind of time, with a time zone everywhere or nowhere",
    )


def _loss(evidence: Evidence, present: Evidence, age: float) -> Loss | None:
    told = evidence.loss
    if told is None:
        return None
    loss, sure = (told.estimate, told.low) if isinstance(told, Interval) else (told, told)
    if loss != loss or sure != sure:
        return None
    baseline = present.baseline_loss if evidence.baseline_loss is None else evidence.baseline_loss
    return Loss(age, loss, sure, told, baseline)
