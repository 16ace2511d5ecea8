"""What is on record since the last training: the part of the history that belongs to the present model."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from contlearn.policies._base import unknown
from contlearn.policies._evidence import Evidence
from contlearn.policies._time import Moment, elapsed
from contlearn.results import Decision, Interval

DAY = timedelta(days=1)


class Loss(NamedTuple):
    """One measured loss: when, and how sure.

    `sure` is its lower end, `sigma` its standard error; the loss itself and None for a plain number.
    """

    age: float  # days (or units of `now`) before the present evidence, at least 0
    loss: float
    sure: float
    sigma: float | None
    baseline: float | None


class Cycle(NamedTuple):
    """The losses since the last training, oldest first, the present one last."""

    age: float | None  # of the last training; None where it is not known
    watched: float  # how far back the losses tell of this cycle, at most `age`
    losses: list[Loss]


def cycle(evidence: Evidence) -> Cycle | Decision:
    """Return what is on record since the last training, or the unknown that says what is lacking.

    The last training is the last episode of the history that retrained, promoted or not, or `trained_at`
    where that is later. Episodes without a time, or with one that cannot be compared with `now`, are
    passed over.
    """
    lacking = [name for name in ("now", "loss", "history") if not _known(evidence, name)]
    if lacking:
        return unknown(lacking)
    present = _loss(evidence, evidence)
    if present is None:
        return unknown(["loss"], "loss is not known: it or its interval is not a number")
    past, trained = _back_to_training(evidence)
    champion = age_of(evidence.trained_at, evidence.now)
    since = [age for age in (trained, champion) if age is not None]
    if trained is None and champion is None and not _retrained(evidence):
        return _no_training(evidence)
    start = min(since, default=None)
    ages = [age for _, age in past]
    begun = start is not None and (_retrained(evidence) or any(age >= start for age in ages))
    watched = start if begun and start is not None else max(ages, default=0.0)
    known = [(episode, age) for episode, age in past if start is None or age < start]
    losses = [loss for loss in (_loss(episode, evidence) for episode, _ in known) if loss is not None]
    return Cycle(start, max(0.0, watched), [*losses, present])


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


def _known(evidence: Evidence, name: str) -> bool:
    return getattr(evidence, name) not in (None, ())


def _retrained(evidence: Evidence) -> bool:
    return any(past.decision.retrain for past in evidence.history)


def _back_to_training(evidence: Evidence) -> tuple[list[tuple[Evidence, float]], float | None]:
    """Return the episodes since the last retraining on record with their ages, and the age of that one."""
    past: list[tuple[Evidence, float]] = []
    for episode in reversed(evidence.history):
        age = age_of(episode.evidence.now, evidence.now)
        if episode.decision.retrain:
            return past[::-1], age
        if age is not None:
            past.append((episode.evidence, max(0.0, age)))
    return past[::-1], None


def _no_training(evidence: Evidence) -> Decision:
    if evidence.trained_at is None:
        return unknown(["trained_at"])
    return unknown(
        ["now", "trained_at"],
        f"now ({evidence.now}) and trained_at ({evidence.trained_at}) cannot be compared; "
        "use one kind of time, with a time zone everywhere or nowhere",
    )


def _loss(evidence: Evidence, present: Evidence) -> Loss | None:
    loss = evidence.loss
    if loss is None:
        return None
    pair = (loss.estimate, loss.low) if isinstance(loss, Interval) else (loss, loss)
    age = age_of(evidence.now, present.now)
    if age is None or pair[0] != pair[0] or pair[1] != pair[1]:
        return None
    baseline = present.baseline_loss if evidence.baseline_loss is None else evidence.baseline_loss
    return Loss(max(0.0, age), pair[0], pair[1], standard_error(loss), baseline)
