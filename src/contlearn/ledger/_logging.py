"""What a ledger remembers, as lines of a log."""

from __future__ import annotations

from typing import Any

from contlearn import _checks
from contlearn.gates._canary_answer import CanaryAction, CanaryAnswer
from contlearn.ledger._entry import Entry
from contlearn.ledger._following import EachEntry
from contlearn.results import Outcome, Verdict


class LogEntries(EachEntry):
    """Write one line per entry of a ledger to a logger.

    What went against somebody's wish is a warning: rollbacks, refused sign-offs, rejected challengers,
    aborted canaries, drift. All else is information. The whole entry goes along as
    ``extra={"contlearn": ...}``, for formatters that write JSON.

    Parameters
    ----------
    logger
        A logger of the standard library, or anything with its `info` and `warning`.
    after
        Number of the last entry that is not to be told; 0: tell all.

    Notes
    -----
    An entry is told again when the logger raised. After a restart it begins with the first entry, unless
    `after` says where it was.

    Cost: O(new entries), besides what the client takes for each.

    Not to be shared by threads without a lock.

    Examples
    --------
    >>> import logging, sys
    >>> from contlearn.ledger import Ledger, LogEntries
    >>> logger = logging.getLogger("models")
    >>> logger.addHandler(logging.StreamHandler(sys.stdout))
    >>> logger.setLevel("INFO")
    >>> ledger, log = Ledger(), LogEntries(logger)
    >>> ledger.promote("7", at=1, reason="the first model")
    >>> log.update(ledger)
    1 promotion of 7 at 1.0: the first model
    1
    >>> log.update(ledger)
    0
    """

    def __init__(self, logger: Any, after: int = 0) -> None:
        if not callable(getattr(logger, "info", None)) or not callable(getattr(logger, "warning", None)):
            _checks.fail("logger", "be a logger", logger, "such as logging.getLogger('models')")
        super().__init__(after)
        self.logger = logger

    def _tell(self, entry: Entry) -> None:
        write = self.logger.warning if _is_unwelcome(entry) else self.logger.info
        write("%s", entry, extra={"contlearn": entry.to_dict()})


def _is_unwelcome(entry: Entry) -> bool:
    if entry.kind in ("rollback", "drift", "approval", "verdict", "canary"):
        answer = entry.answer
        if isinstance(answer, Verdict):
            return answer.outcome is Outcome.REJECT
        if isinstance(answer, CanaryAnswer):
            return answer.action is CanaryAction.ABORT
        return answer is None or bool(answer) is (entry.kind == "drift")
    return False
