"""The life of one alarm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contlearn import _checks, _html
from contlearn._answers import Answer
from contlearn.results import DriftResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm(Answer):
    """An alarm that `Latched` raised, and what became of it.

    Times are counted in updates of the detector since it was made, the first being 1.

    Attributes
    ----------
    raised_at : int
        The update that raised it.
    result : DriftResult
        What the detector said then.
    repeats : int
        How often the detector has alarmed again while this alarm stood.
    acknowledged_at : int or None
        The last update before somebody took it on.
    acknowledged_by, note : str
        Who did, and what they had to say.
    resolved_at : int or None
        The last update before it was ended.

    Examples
    --------
    >>> from contlearn.drift import Alarm
    >>> from contlearn.results import DriftResult, DriftState
    >>> alarm = Alarm(raised_at=812, result=DriftResult(state=DriftState.DRIFT, score=0.3, n_current=812))
    >>> print(alarm)
    raised at update 812: drift: score 0.3, 812 rows
    """

    raised_at: int
    result: DriftResult
    repeats: int = 0
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    note: str = ""
    resolved_at: int | None = None

    def __post_init__(self) -> None:
        Answer.__post_init__(self)
        _checks.instance("result", self.result, DriftResult, "a DriftResult")

    @property
    def state(self) -> str:
        """How far it has come: "raised", "acknowledged" or "resolved"."""
        if self.resolved_at is not None:
            return "resolved"
        return "raised" if self.acknowledged_at is None else "acknowledged"

    def __str__(self) -> str:
        return _checks.one_line(", ".join(self._clauses()) + f": {self.result}")

    def _repr_html_(self) -> str:
        rows = [
            ("state", self.state),
            ("raised at update", self.raised_at),
            ("because", str(self.result)),
            ("repeats", self.repeats),
            ("acknowledged at", self.acknowledged_at),
            ("acknowledged by", self.acknowledged_by or None),
            ("note", self.note or None),
            ("resolved at", self.resolved_at),
        ]
        return _html.table(str(self), ("", ""), rows)

    def _clauses(self) -> Iterator[str]:
        yield f"raised at update {self.raised_at}"
        if self.repeats:
            yield f"and {self.repeats} times since"
        if self.acknowledged_at is not None:
            by = f" by {_checks.called(self.acknowledged_by)}" if self.acknowledged_by else ""
            note = f" ({_checks.called(self.note)})" if self.note else ""
            yield f"acknowledged{by} at {self.acknowledged_at}{note}"
        if self.resolved_at is not None:
            yield f"resolved at {self.resolved_at}"
