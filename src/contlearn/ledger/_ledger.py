"""The ledger."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from contlearn import _checks
from contlearn.exceptions import DamagedLedger
from contlearn.gates._sign_off import SignOff
from contlearn.ledger import _moments, _text
from contlearn.ledger._champion import Champion
from contlearn.ledger._entry import Entry
from contlearn.ledger._reigns import Reigns
from contlearn.ledger._memory import Memory
from contlearn.ledger._store import New, Row, Store
from contlearn.policies._evidence import Evidence
from contlearn.policies._time import Moment
from contlearn.results import Decision

Answered = TypeVar("Answered")
AnyEvidence = TypeVar("AnyEvidence", bound=Evidence)

KINDS = {
    "DriftResult": "drift",
    "Decision": "decision",
    "Verdict": "verdict",
    "TrainingRun": "training",
    "SignOff": "approval",
}


class Ledger:
    """Remembers every answer, training, promotion and rollback in one file that can be audited.

    Append-only: nothing is ever changed or removed, and every entry carries the SHA-256 of all before it.
    What a method has returned from is on disk; a kill at any moment loses nothing of it.

    Parameters
    ----------
    path
        The file, made if there is none; None for a ledger in memory. SQLite keeps two more files beside it
        (``-wal`` and ``-shm``) while it is open, which belong to it.
    timeout
        Seconds to wait while other processes write.

    Raises
    ------
    DamagedLedger
        For a file that is no ledger, or was cut or changed.
    LedgerError
        For a file that cannot be used now: read-only, locked, or written by a newer version.

    Notes
    -----
    Threads may share it, and any number of processes may open the same file on a local disk.

    Examples
    --------
    >>> from contlearn.ledger import Ledger
    >>> from contlearn.policies import MinLabels
    >>> ledger = Ledger()
    >>> ledger.promote("1", at=0, reason="the first model", baseline_loss=0.2)
    >>> decision = ledger.record(MinLabels(500)(ledger.evidence(now=7, n_labels=812)))
    >>> print(ledger.champion())
    1 since 0.0: the first model
    >>> ledger.verify()
    True
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, verify: bool = True, timeout: float = 30.0
    ) -> None:
        if path is not None:
            _checks.instance("path", path, (str, os.PathLike), "a path or None")
        self.path = None if path is None else Path(path)
        self._store = Store(self.path, _checks.positive("timeout", timeout), bool(verify))
        self._handed = threading.local()
        self._reigns = Reigns(self._store)
        self._memory = Memory(self._store)

    def record(
        self,
        answer: Answered,
        *,
        at: Moment | None = None,
        evidence: Evidence | None = None,
        model_id: str | None = None,
    ) -> Answered:
        """Write an answer down and return it.

        Parameters
        ----------
        answer
            A `DriftResult`, `Decision`, `Verdict`, `TrainingRun`, `SignOff`, or a mapping of your own.
        at
            When; None: the `now` of the evidence that is written with it, or else that this thread was handed
            last.
        evidence
            What the policy saw, written with a decision; None: what `evidence` handed to this thread last.
        model_id
            Of which model, such as the challenger that a verdict is about.
        """
        kind = _kind_of(answer)
        seen = getattr(self._handed, "evidence", None) if evidence is None else evidence
        if seen is not None:
            _checks.instance("evidence", seen, Evidence, "an Evidence or None")
        when = _moments.checked("at", at if at is not None else seen and seen.now)
        found: dict[str, Any] = {"answer": answer}
        if seen is not None and isinstance(answer, Decision):
            found["evidence"] = seen
        self._append(kind, when, _id(model_id or getattr(answer, "model_id", None) or None), found)
        return answer

    def evidence(self, kind: type[AnyEvidence] = Evidence, **facts: Any) -> AnyEvidence:  # type: ignore[assignment]
        """Return an `Evidence` of the facts given, with what the ledger remembers filled in."""
        champion = self._reigns.at(None)
        known: dict[str, Any] = {"history": self._memory.episodes({_text.class_name(kind): kind})}
        if champion is not None:
            known |= {"trained_at": champion.trained_at, "baseline_loss": champion.baseline_loss}
        found = kind(**(known | facts))
        self._handed.evidence = found
        return found

    def promote(
        self,
        model_id: str,
        *,
        at: Moment,
        reason: str = "",
        trained_at: Moment | None = None,
        baseline_loss: float | None = None,
    ) -> None:
        """Write down that a model serves from `at` on."""
        when = _moments.checked("at", at, needed=True)
        facts = Evidence(trained_at=trained_at, baseline_loss=baseline_loss)
        found = {"reason": reason, "trained_at": facts.trained_at, "baseline_loss": facts.baseline_loss}
        self._append("promotion", when, _id(model_id), found, self._reigns.require_promotion)

    def rollback(self, *, at: Moment, reason: str) -> None:
        """Write down that the champion's predecessor serves from `at` on."""
        when = _moments.checked("at", at, needed=True)
        self._append("rollback", when, None, {"reason": reason}, self._reigns.require_rollback)

    def champion(self, at: Moment | None = None) -> Champion | None:
        """Return the model that served at a moment, and why; None: now."""
        return self._reigns.at(_moments.checked("at", at))

    def approve(self, model_id: str, *, by: str, at: Moment, granted: bool = True, reason: str = "") -> None:
        """Write down what a person said about a model."""
        when = _moments.checked("at", at, needed=True)
        said = SignOff(by, granted, reason, model_id, when)
        self._append("approval", when, _id(model_id), {"answer": said})

    def approvals(self, model_id: str) -> tuple[SignOff, ...]:
        """Return what people said about a model, oldest first."""
        return tuple(entry.answer for entry in self.history("approval", model_id=_id(model_id)))

    def history(
        self,
        kind: str | None = None,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        model_id: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> tuple[Entry, ...]:
        """Return entries, oldest first."""
        conditions = ["id > ?"]
        values: list[Any] = [after]
        for column, value in (("kind", kind), ("model_id", model_id)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        rows = self._store.rows(" AND ".join(conditions), tuple(values))
        found = [entry_of(row) for row in rows]
        if since is not None:
            found = [e for e in found if e.at is not None and not _moments.is_before("since", e.at, since)]
        if until is not None:
            found = [e for e in found if e.at is not None and _moments.is_before("until", e.at, until)]
        return tuple(found[:limit])

    @property
    def head(self) -> str:
        """The digest of the last entry: keep it elsewhere, and `verify` tells whether the end was cut off."""
        return self._store.last().digest

    def verify(self, head: str | None = None) -> bool:
        """Return True if nothing was changed, or raise `DamagedLedger`."""
        rows = self._store.audit()
        if head is not None and all(row.digest != head for row in rows):
            raise DamagedLedger(
                f"the ledger was cut: no entry has the digest {head}; {len(rows) - 1} are left"
            )
        return True

    def close(self) -> None:
        """Let go of the file; the ledger cannot be used afterwards."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self._store.last().id

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"Ledger({'' if self.path is None else str(self.path)!r})"

    def _append(
        self,
        kind: str,
        at: Moment | None,
        model_id: str | None,
        found: Mapping[str, Any],
        require: Any = None,
    ) -> None:
        new = New(kind, _moments.text_of(at), model_id, _text.written(found))

        def make() -> New:
            if require is not None:
                require(at)
            return new

        self._store.append(make)


def entry_of(row: Row) -> Entry:
    """Return an entry as it is shown."""
    return Entry(row.id, row.kind, _moments.of_text(row.at), row.model_id, row.text, row.digest)


def _kind_of(answer: object) -> str:
    name = type(answer).__name__
    if _text.HOMES.get(name) == type(answer).__module__:
        return KINDS.get(name, name)
    if isinstance(answer, Mapping):
        return "note"
    _checks.bad_data("answer", "be an answer of contlearn, or a mapping", name)


def _id(model_id: Any) -> Any:
    if model_id is None:
        return None
    _checks.instance("model_id", model_id, str, "text")
    if not model_id.strip():
        _checks.fail("model_id", "not be empty", model_id)
    return str(model_id)
