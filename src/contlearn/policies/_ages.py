"""Rules about time: how old the champion is, and how long ago a challenger was trained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contlearn._time import Duration, Moment, duration, elapsed, words
from contlearn.policies._base import Rule, unknown
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision


@dataclass(frozen=True, slots=True, repr=False)
class MaxAge(Rule):
    """Retrain once the champion has reached the age of `limit`.

    The age is `now - trained_at`. Unknown when either is, or when the two cannot be compared, such as a
    datetime with a time zone and one without.

    Parameters
    ----------
    limit
        A timedelta above 0 (a number above 0 where moments are numbers).

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> from contlearn.policies import Evidence, MaxAge
    >>> evidence = Evidence(now=datetime(2024, 3, 1), trained_at=datetime(2024, 1, 1))
    >>> print(MaxAge(timedelta(days=56))(evidence))
    retrain: champion is 60 days old (limit 56 days)
    """

    limit: Duration

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", duration("limit", self.limit))

    def __call__(self, evidence: Evidence) -> Decision:
        age = elapsed(evidence.trained_at, evidence.now, self.limit)
        if age is None:
            return _no_time(evidence.now, evidence.trained_at, self.limit, "trained_at")
        return Decision(age >= self.limit, f"champion is {words(age)} old (limit {words(self.limit)})")


@dataclass(frozen=True, slots=True, repr=False)
class MinAge(Rule):
    """Allow retraining once the last retraining lies `limit` back, promoted or not.

    The last retraining is the last episode of `history` whose decision retrained, or `trained_at` if that is
    later. Where `trained_at` is not known, a history without any retraining still tells that the last one is
    older than the history. An empty history is unknown: a challenger may have been trained and turned down
    since the champion was trained; only a young champion settles it.

    Parameters
    ----------
    limit
        A timedelta above 0 (a number above 0 where moments are numbers).

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> from contlearn.policies import Evidence, MinAge
    >>> evidence = Evidence(now=datetime(2024, 1, 8), trained_at=datetime(2024, 1, 1))
    >>> print(MinAge(timedelta(days=28))(evidence))
    wait: last retraining 7 days ago (need 28 days)
    """

    limit: Duration

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", duration("limit", self.limit))

    def __call__(self, evidence: Evidence) -> Decision:
        retrained = next((past for past in reversed(evidence.history) if past.decision.retrain), None)
        answers = []
        if retrained is not None:
            answers.append(self._since(evidence.now, retrained.evidence.now, "history"))
        if evidence.trained_at is not None:
            answers.append(self._since(evidence.now, evidence.trained_at, "trained_at"))
        recent = next((answer for answer in answers if not answer.retrain and not answer.missing), None)
        if recent is not None:
            return recent
        if not evidence.history:
            return unknown(["history", *(name for answer in answers for name in answer.missing)])
        return answers[0] if answers else self._older_than_history(evidence)

    def _since(self, now: Moment | None, last: Moment | None, source: str) -> Decision:
        age = elapsed(last, now, self.limit)
        if age is None:
            return _no_time(now, last, self.limit, source)
        return Decision(age >= self.limit, f"last retraining {words(age)} ago (need {words(self.limit)})")

    def _older_than_history(self, evidence: Evidence) -> Decision:
        span = elapsed(evidence.history[0].evidence.now, evidence.now, self.limit)
        if span is None:
            return _no_time(evidence.now, evidence.history[0].evidence.now, self.limit, "history")
        reason = f"no retraining in the last {words(span)} (need {words(self.limit)})"
        return Decision(True, reason) if span >= self.limit else unknown(["trained_at"], reason)


def unlike(now: Moment | None, limit: Duration) -> str:
    """Return why a time and a duration do not go together, with the cure; "" where they do."""
    if isinstance(now, datetime) is isinstance(limit, timedelta):
        return ""
    if isinstance(now, datetime):
        return f"now ({now}) is a datetime and {words(limit)} is a number; give timedelta(days={limit:g})"
    return f"now ({now}) is a number and {words(limit)} is a timedelta; give a number, in units of now"


def _no_time(now: Moment | None, then: Moment | None, limit: Any, source: str) -> Decision:
    """Return the unknown that names what is lacking, or what cannot be compared with what."""
    missing = [name for name, value in (("now", now), (source, then)) if value is None]
    if missing:
        return unknown(missing)
    why = unlike(now, limit)
    if why:
        return unknown(["now", source], why)
    return unknown(
        ["now", source],
        f"now ({now}), {source} ({then}) and a limit of {words(limit)} cannot be compared; "
        "use one kind of time, with a time zone everywhere or nowhere",
    )
