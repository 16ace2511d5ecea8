"""What rules about the last days, weeks or months share: which retrainings lie within them."""

from __future__ import annotations

from contlearn._time import Duration, elapsed
from contlearn.policies._ages import unlike
from contlearn.policies._base import Rule, unknown
from contlearn.policies._evidence import Episode, Evidence
from contlearn.results import Decision


class WithinTime(Rule):
    """A rule about the retrainings within the last `per`."""

    __slots__ = ()
    per: Duration

    def _lacking(self, evidence: Evidence) -> Decision | None:
        """Return the unknown that says what is needed before anything can be counted."""
        known = {"now": evidence.now is not None, "history": bool(evidence.history)}
        if not all(known.values()):
            return unknown(name for name, is_known in known.items() if not is_known)
        why = unlike(evidence.now, self.per)
        return unknown(["now"], why) if why else None

    def _within(self, past: Episode, evidence: Evidence) -> bool | None:
        age = elapsed(past.evidence.now, evidence.now, self.per)
        return None if age is None else bool(age < self.per)

    def _cut_short(self, evidence: Evidence) -> bool:
        full = len(evidence.history) >= Evidence.MAX_EPISODES
        return full and self._within(evidence.history[0], evidence) is not False
