"""The evidence that a ledger has handed to each thread, and what it may be taken for."""

from __future__ import annotations

import threading
from typing import Any

from contlearn import _checks
from contlearn._time import Moment
from contlearn.gates._canary_answer import CanaryAnswer
from contlearn.gates._sign_off import SignOff
from contlearn.policies._evidence import Evidence


class Handed(threading.local):
    """What this thread was handed last: evidence for one decision, and the moment of what follows it."""

    _evidence: Evidence | None = None
    _is_served = False

    def hand(self, evidence: Evidence) -> None:
        """Keep what is handed out."""
        self._evidence, self._is_served = evidence, False

    def serve(self, evidence: Evidence | None) -> None:
        """Keep what a decision was recorded with: it serves no other."""
        self._evidence, self._is_served = evidence, evidence is not None

    def forget(self) -> None:
        """Begin anew: the story ended with a change of champion."""
        self._evidence, self._is_served = None, False

    def for_decision(self) -> Evidence | None:
        """Return what a decision is taken to be based on, or refuse the second one."""
        if self._is_served:
            _checks.bad_data(
                "evidence",
                "be given with a second decision",
                "None",
                "hand over what the policy saw, or ask ledger.evidence anew",
            )
        return self._evidence

    def moment_of(self, answer: object, evidence: Evidence | None) -> Moment | None:
        """Return when an answer was given, as far as that is known."""
        if isinstance(answer, SignOff) and answer.at is not None:
            return answer.at
        found: Any = self._evidence if evidence is None else evidence
        return None if found is None or isinstance(answer, CanaryAnswer) else found.now
