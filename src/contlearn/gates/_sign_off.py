"""What a person said about a challenger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contlearn import _checks, _html
from contlearn._answers import Answer


@dataclass(frozen=True, slots=True)
class SignOff(Answer):
    """What one person said about one model. True exactly when they approved.

    Parameters
    ----------
    by
        Who said it: a name, not empty.
    granted
        Whether they approved.
    reason
        Why; a refusal needs one.
    model_id
        Of which model; empty where the trial says it.
    at
        When, as the caller tells the time: a datetime or a number; None where it is not known.

    Examples
    --------
    >>> from contlearn.gates import SignOff
    >>> print(SignOff("ada", granted=False, reason="the new region has no rows yet"))
    refused by ada: the new region has no rows yet
    """

    by: str
    granted: bool = True
    reason: str = ""
    model_id: str = ""
    at: datetime | float | None = None

    def __post_init__(self) -> None:
        Answer.__post_init__(self)
        if not self.by.strip():
            _checks.fail("by", "be a name", self.by)
        if not self.granted and not self.reason.strip():
            _checks.fail("reason", "not be empty for a refusal", self.reason, "say what has to change")

    def __bool__(self) -> bool:
        return self.granted

    def __str__(self) -> str:
        said = f"{'approved' if self.granted else 'refused'} by {self.by}"
        return _checks.one_line(f"{said}: {self.reason}" if self.reason else said)

    def _repr_html_(self) -> str:
        header = ("by", "granted", "reason", "model", "at")
        at = self.at.isoformat() if isinstance(self.at, datetime) else self.at
        return _html.table(str(self), header, [(self.by, self.granted, self.reason, self.model_id, at)])
