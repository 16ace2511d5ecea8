"""What to do next with a challenger that serves a part of the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contlearn import _checks, _doors, _html
from contlearn._answers import KINDS, Answer, Parts, Word
from contlearn.results import Interval, Verdict


class CanaryAction(Word):
    """What to do with a challenger that serves a part of the traffic.

    HOLD: stay at this share. ADVANCE: the next step may begin. ABORT: back to the champion. DONE: shown good
    enough for everyone. Each is equal to its text, such as "hold".

    Examples
    --------
    >>> from contlearn.gates import CanaryAction
    >>> CanaryAction.ADVANCE == "advance"
    True
    >>> [action.value for action in CanaryAction]
    ['hold', 'advance', 'abort', 'done']
    """

    HOLD = "hold"
    ADVANCE = "advance"
    ABORT = "abort"
    DONE = "done"


_NO_GUARDRAILS: Parts[Verdict] = Parts({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryAnswer(Answer):
    """What a `Canary` says. True exactly when it is done: the challenger may have all the traffic.

    Attributes
    ----------
    action : CanaryAction
        HOLD: stay at this share. ADVANCE: the next step may begin. ABORT: back to the champion. DONE: shown
        good enough for everyone.
    reason : str
        One sentence that can be pasted into an incident.
    step : int
        Position in the plan, from 0.
    share : float
        Share of the traffic that goes to the challenger now.
    gain : Interval or None
        Champion loss minus challenger loss, positive is good, with an interval that holds at all rows at
        once; None before the first row.
    p_value : float or None
        Of the hypothesis that the gain is at most the margin or that a guardrail is broken, valid at every
        row.
    ratio_p_value : float or None
        Of the hypothesis that the arms get the shares that were planned, valid at every row.
    mismatch : bool
        Whether they do not: rows are lost or in the wrong arm. No row to come repairs that, so the canary
        holds until it is begun anew (`Canary.reset`), unless it is aborted.
    guardrails : mapping of str to Verdict
        PROMOTE: shown within its limit. REJECT: shown beyond. CONTINUE: not shown yet. Their gain is the fall
        of the metric.

    Examples
    --------
    >>> from contlearn.gates import CanaryAction, CanaryAnswer
    >>> answer = CanaryAnswer(action=CanaryAction.HOLD, reason="12 of 200 rows", step=0, share=0.01)
    >>> print(answer)
    hold: 12 of 200 rows
    >>> bool(answer)
    False
    """

    action: CanaryAction
    reason: str
    step: int = 0
    share: float | None = None
    gain: Interval | None = None
    p_value: float | None = None
    ratio_p_value: float | None = None
    mismatch: bool = False
    guardrails: Mapping[str, Verdict] = field(default_factory=lambda: _NO_GUARDRAILS)

    def __bool__(self) -> bool:
        return self.action is CanaryAction.DONE

    def __str__(self) -> str:
        return _checks.one_line(f"{self.action.value}: {self.reason}")

    def _repr_html_(self) -> str:
        rows = [("", self.action.value, self.reason, self.gain and str(self.gain), self.p_value)]
        for name, part in self.guardrails.items():
            gain = part.gain and str(part.gain)
            rows.append((_checks.called(name), part.outcome.value, part.reason, gain, part.p_value))
        return _html.table(str(self), ("", "action", "reason", "gain", "p"), rows)


def _verdicts(name: str, value: object) -> Parts[Verdict]:
    """Return a read-only dictionary of a mapping that holds nothing but verdicts."""
    if not isinstance(value, Mapping):
        _checks.fail(name, "be a mapping of names to verdicts", type(value).__name__)
    for part in value.values():
        _checks.instance(f"every value of {name}", part, Verdict, "a Verdict")
    return Parts(value)


KINDS.update(
    {
        "CanaryAction": (frozenset({CanaryAction}), _doors.word_of(CanaryAction)),
        "Mapping[str, Verdict]": (frozenset({Parts}), _verdicts),
    }
)
