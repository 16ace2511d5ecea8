"""The ledger."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from contlearn import _checks
from contlearn._time import Moment
from contlearn.exceptions import LedgerError
from contlearn.gates._sign_off import SignOff
from contlearn.ledger import _moments, _text
from contlearn.ledger._champion import Champion
from contlearn.ledger._handed import Handed
from contlearn.ledger._memory import Memory
from contlearn.ledger._records import Records, id_of
from contlearn.ledger._reigns import Reigns
from contlearn.ledger._store import New, Store
from contlearn.policies._evidence import Evidence
from contlearn.results import Decision

Answered = TypeVar("Answered")
AnyEvidence = TypeVar("AnyEvidence", bound=Evidence)


class Ledger(Records):
    """Remembers every answer, training, promotion and rollback in one file that can be audited.

    Append-only: nothing is ever changed or removed, and every entry carries the SHA-256 of all before it.
    What a method has returned from is on disk; a kill at any moment loses nothing of it. A ledger is the
    story of one place that models take in turn: give each served model a ledger of its own.

    Parameters
    ----------
    path
        The file, made if there is none; None for a ledger in memory. SQLite keeps two more files beside it
        (``-wal`` and ``-shm``) while it is open, which belong to it. The folder must be on a local disk.
    verify
        Whether every byte of the file is looked at before it is used, as `verify` does. False for ledgers so
        large that this takes too long; changed entries are then found when they are read.
    timeout
        Seconds to wait while other processes write.

    Attributes
    ----------
    path
        The file, or None.

    Raises
    ------
    DamagedLedger
        For a file that is no ledger, or in which something was changed or cut. It is not touched.
    LedgerError
        For a file that cannot be used now: a folder, read-only, locked for longer than `timeout`, written by
        a newer version; later, one that was removed, or a full disk. Nothing has then been written.

    Notes
    -----
    Threads may share it, and any number of processes may open the same file; a fork goes on with a connection
    of its own. What no chain can see is that its end was cut off: note `head` elsewhere now and then, and
    hand it to `verify`.

    Cost: `record` waits for the disk (6 ms where a bare ``fsync`` took 4). Opening and `verify` take about 25
    microseconds per entry. `evidence` reads the last 1,000 episodes once, in 0.3 s; then it takes 0.2 ms.

    It is no object to `contlearn.persistence.save`: it is on disk already. Pickled, it is its path.

    Examples
    --------
    >>> from contlearn.ledger import Ledger
    >>> from contlearn.policies import MinLabels
    >>> ledger = Ledger()
    >>> ledger.promote("1", at=0, reason="the first model", baseline_loss=0.2)
    >>> evidence = ledger.evidence(now=7, n_labels=812)
    >>> evidence.baseline_loss
    0.2
    >>> if ledger.record(MinLabels(500)(evidence)):
    ...     ledger.promote("2", at=7)
    >>> print(ledger.champion())
    2 since 7.0
    >>> print(ledger.champion(at=3))
    1 since 0.0 until 7.0: the first model
    >>> ledger.rollback(at=8, reason="complaints from the new region")
    >>> ledger.champion().model_id
    '1'
    >>> ledger.verify()
    True
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, verify: bool = True, timeout: float = 30.0
    ) -> None:
        if path is not None:
            _checks.instance("path", path, (str, os.PathLike), "a path or None")
            if "\0" in str(path):
                _checks.fail("path", "be a path that a file can have", path)
        _checks.one_of("verify", verify, (True, False))
        self.path = None if path is None else Path(path)
        self._timeout = _checks.positive("timeout", timeout)
        self._store = Store(self.path, self._timeout, verify)
        self._reigns = Reigns(self._store)
        self._memories: dict[type[Evidence], Memory] = {}
        self._handed = Handed()

    def record(
        self,
        answer: Answered,
        *,
        at: Moment | None = None,
        evidence: Evidence | None = None,
        model_id: str | None = None,
    ) -> Answered:
        """Write an answer down and return it, the very object.

        Parameters
        ----------
        answer
            A `DriftResult`, `Decision`, `Verdict`, `CanaryAnswer`, `TrainingRun`, `SignOff`, `Alarm` or
            `JTTReport`, or a note: a mapping of numbers, text, moments, answers, lists and mappings.
        at
            When; None: the `now` of `evidence`, or else of what `evidence` handed to this thread last, until
            the next promotion or rollback. A sign-off has a moment of its own, and a canary's answers come
            later than any decision: say when.
        evidence
            What the policy saw, written down with a decision; its history is what stands in the ledger
            already. None: what `evidence` handed to this thread last. That serves for one decision; the
            ledger cannot see whether the policy was asked with it, so hand over what it was asked with
            whenever that is something else.
        model_id
            Of which model, such as the challenger that a verdict is about.

        Raises
        ------
        InvalidInputError
            For what cannot be written, and for a second decision on what `evidence` handed out once; the
            ledger is as it was.
        """
        kind = _text.kind_of(answer)
        if evidence is not None:
            _checks.instance("evidence", evidence, Evidence, "an Evidence or None")
        found: dict[str, Any] = {"answer": answer}
        if isinstance(answer, Decision):
            evidence = self._handed.for_decision() if evidence is None else evidence
            found.update({} if evidence is None else {"evidence": evidence})
        when = self._handed.moment_of(answer, evidence) if at is None else at
        if model_id is None and (getattr(answer, "model_id", None) or "").strip():
            model_id = answer.model_id  # type: ignore[attr-defined]
        self._append(kind, _moments.checked("at", when), None if model_id is None else id_of(model_id), found)
        if isinstance(answer, Decision):
            self._handed.serve(evidence)
        return answer

    def evidence(self, kind: type[AnyEvidence] = Evidence, **facts: Any) -> AnyEvidence:  # type: ignore[assignment]
        """Return an `Evidence` of the facts given, with the memory filled in.

        Filled in unless given: `trained_at` and `baseline_loss` of the champion, the former from its last
        `TrainingRun` where `promote` was not told; `history`, the last 1,000
        decisions with what they were based on and the verdict on the challenger that came of them (one that
        promotes if there was any, else the last); and `drift`, the last `DriftResult` that was recorded
        since the last decision.

        Parameters
        ----------
        kind
            A subclass of `Evidence`, for facts of your own.
        facts
            What is known now: `now`, `n_labels`, `drift`, `loss`, `confidence`, and those of the subclass.
        """
        if not (isinstance(kind, type) and issubclass(kind, Evidence)):
            _checks.fail("kind", "be Evidence or a subclass of it", kind)
        _require_known(kind, facts)
        with self._store.lock:
            memory = self._memories.setdefault(kind, Memory(self._store, kind))
            history, drift = memory.recall()
            reign = self._reigns.now()
        known = {"history": history, "drift": drift, **({} if reign is None else reign.facts)}
        found = kind(**(known | facts))
        self._handed.hand(found)
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
        """Write down that a model serves from `at` on.

        Parameters
        ----------
        model_id
            Which model.
        at
            From when on; not before the last promotion or rollback.
        reason
            Why; by default `champion` tells the reason of the verdict that led to it.
        trained_at, baseline_loss
            When the model was trained, and its loss now: what `evidence` fills in from here on. By default
            `trained_at` is that of its last `TrainingRun`.

        A person's refusal stops nobody: `Champion.overruled` and the model card say that there was one.
        """
        when = _moments.checked("at", at, needed=True)
        facts = Evidence(trained_at=trained_at, baseline_loss=baseline_loss)
        known = {"trained_at": facts.trained_at, "baseline_loss": facts.baseline_loss}
        found = {
            "reason": _said(reason),
            **{name: value for name, value in known.items() if value is not None},
        }
        self._append("promotion", when, id_of(model_id), found, self._reigns.require_order)
        self._handed.forget()

    def rollback(self, *, at: Moment, reason: str) -> None:
        """Write down that from `at` on the model before the champion serves again; once more: the one before.

        Raises `InvalidInputError` where the champion is the first.
        """
        when = _moments.checked("at", at, needed=True)
        self._append("rollback", when, None, {"reason": _said(reason)}, self._reigns.require_way_back)
        self._handed.forget()

    def champion(self, at: Moment | None = None) -> Champion | None:
        """Return the model that served at a moment, and why; None for `at`: the last.

        Of two changes at the same moment the later counts. None before the first promotion.
        """
        return self._reigns.champion(_moments.checked("at", at))

    def anchor(self, at: Moment | None = None) -> Champion | None:
        """Return the best model ever promoted: what negative margins must be measured against.

        That is the last in the champion's line whose verdict showed a gain above 0, or else the first. Models
        that were rolled back are no longer in the line.
        """
        return self._reigns.anchor(_moments.checked("at", at))

    def approve(self, model_id: str, *, by: str, at: Moment, granted: bool = True, reason: str = "") -> None:
        """Write down what a person said about a model; a refusal needs a reason."""
        when = _moments.checked("at", at, needed=True)
        said = SignOff(by, granted, reason, id_of(model_id), when)
        self._append("approval", when, said.model_id, {"answer": said})

    def close(self) -> None:
        """Let go of the file; the ledger cannot be used afterwards."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"Ledger({'' if self.path is None else repr(str(self.path))})"

    def __reduce__(self) -> Any:
        if self.path is None:
            raise LedgerError("a Ledger in memory cannot be pickled or copied; give it a path")
        return type(self), (str(self.path),)

    def _append(
        self,
        kind: str,
        at: Moment | None,
        model_id: str | None,
        found: Mapping[str, Any],
        require: Callable[[Moment | None], None] = lambda _: None,
    ) -> None:
        new = New(kind, _moments.text_of(at), model_id, _text.written(found))

        def make() -> New:
            require(at)
            return new

        self._store.append(make)


def _require_known(kind: type[Evidence], facts: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(kind) if field.init]
    for name in facts:
        if name not in known:
            _checks.fail("a fact", f"be one of {', '.join(known)}", name, f"or subclass {kind.__name__}")


def _said(reason: Any) -> str:
    _checks.instance("reason", reason, str, "text")
    return str(reason)
