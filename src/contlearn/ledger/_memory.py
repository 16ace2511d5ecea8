"""What was decided before, as episodes."""

from __future__ import annotations

from dataclasses import replace

from contlearn.ledger import _text
from contlearn.ledger._store import Row, Store
from contlearn.policies._evidence import Episode, Evidence
from contlearn.results import DriftResult

_DECISIONS = "SELECT e.id FROM entries AS e WHERE e.kind = 'decision' ORDER BY e.id DESC"
_FIRST = f"coalesce(({_DECISIONS} LIMIT 1 OFFSET {Evidence.MAX_EPISODES - 1}), 0)"
"""Where the oldest of the last episodes begins."""


class Memory:
    """The last episodes of a ledger for one kind of evidence: read once, and then only what is new."""

    def __init__(self, store: Store, kind: type[Evidence]) -> None:
        self._store = store
        self._kinds = {_text.class_name(kind): kind}
        self._read = 0
        self._episodes: list[Episode] = []
        self._retrained: int | None = None
        self._drift: DriftResult | None = None

    def recall(self) -> tuple[tuple[Episode, ...], DriftResult | None]:
        """Return the last episodes, oldest first, and what a detector said since the last decision."""
        with self._store.lock:
            first = f" AND id >= {_FIRST}" if self._read == 0 else ""
            last, rows = self._store.new_rows(self._read, f"kind IN ('decision', 'verdict', 'drift'){first}")
            for row in rows:
                self._take(row)
                self._read = row.id
            self._read = last
            self._forget()
            return tuple(self._episodes), self._drift

    def _take(self, row: Row) -> None:
        said = _text.read(row.text, self._kinds)
        answer = said["answer"]
        if row.kind == "drift":
            self._drift = answer
        elif row.kind == "decision":
            self._drift = None
            self._retrained = len(self._episodes) if answer else self._retrained
            self._episodes.append(Episode(said.get("evidence") or Evidence(), answer))
        elif self._retrained is not None:
            past = self._episodes[self._retrained]
            if not past.verdict:
                self._episodes[self._retrained] = replace(past, verdict=answer)

    def _forget(self) -> None:
        gone = len(self._episodes) - Evidence.MAX_EPISODES
        if gone > 0:
            del self._episodes[:gone]
            if self._retrained is not None:
                self._retrained = self._retrained - gone if self._retrained >= gone else None
