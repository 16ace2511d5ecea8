"""One line of a ledger."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contlearn import _checks, _html
from contlearn._answers import plain
from contlearn._time import Moment
from contlearn.ledger import _text
from contlearn.policies._evidence import Evidence

FIRST = hashlib.sha256(b"contlearn.ledger").hexdigest()
"""What the first entry follows: the head of an empty ledger."""


def digest_of(previous: str, number: int, kind: str, at: str | None, model_id: str | None, text: str) -> str:
    """Return the digest of an entry that follows the one with the digest `previous`."""
    line = json.dumps([previous, number, kind, at, model_id, text], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a ledger: what was said or done, when, and the digest that chains it to all before it.

    Parameters
    ----------
    id
        Its number, from 1; 0 is the entry that says which software made the ledger.
    kind
        What it is: "decision", "verdict", "drift", "training", "approval", "promotion", "rollback", "canary",
        "alarm", "curation", "note", or "software": which versions write from there on.
    at
        When, as the caller told the time; None where nobody said.
    model_id
        Of which model; None where nobody said.
    text
        What was written: JSON, readable without contlearn.
    digest
        Of this entry and, by the chain, of all before it: hexadecimal SHA-256.

    Examples
    --------
    >>> from contlearn.ledger import Ledger
    >>> from contlearn.results import Decision
    >>> ledger = Ledger()
    >>> _ = ledger.record(Decision(True, "drift"), at=3)
    >>> entry = ledger.history()[0]
    >>> print(entry)
    1 decision at 3.0: retrain: drift
    >>> entry.answer
    Decision(retrain=True, reason='drift', because=(), missing=(), p_value=None, e_value=None)
    """

    id: int
    kind: str
    at: Moment | None
    model_id: str | None
    text: str
    digest: str

    @property
    def body(self) -> dict[str, Any]:
        """What was written, as JSON-ready builtins: a new dictionary each time."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def answer(self) -> Any:
        """The answer that was recorded, equal to the original; None for promotions and rollbacks."""
        return self.read().get("answer")

    @property
    def evidence(self) -> Evidence | None:
        """What a policy saw; its history is what stood in the ledger before."""
        found: Evidence | None = self.read().get("evidence")
        return found

    def read(self, kinds: _text.Kinds | None = None) -> dict[str, Any]:
        """Return what was written, answers made again; `kinds` are subclasses of `Evidence` by name."""
        found: dict[str, Any] = _text.read(self.text, kinds)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as JSON-ready builtins."""
        names = ("id", "kind", "at", "model_id")
        return {
            **{name: plain(getattr(self, name)) for name in names},
            "body": self.body,
            "digest": self.digest,
        }

    def __str__(self) -> str:
        at = self.at.isoformat() if isinstance(self.at, datetime) else self.at
        of = "" if self.model_id is None else f" of {self.model_id}"
        when = "" if at is None else f" at {at}"
        said = self.said()
        return _checks.one_line(f"{self.id} {self.kind}{of}{when}{': ' if said else ''}{said}", 400)

    def said(self) -> str:
        """Return the answer as one line; of promotions and rollbacks, the reason."""
        found = self.read()
        return _checks.one_line(str(found.get("answer", found.get("reason", self.text))))

    def _repr_html_(self) -> str:
        rows = [(name, str(value)) for name, value in self.to_dict().items()]
        return _html.table(str(self), ("", ""), rows)
