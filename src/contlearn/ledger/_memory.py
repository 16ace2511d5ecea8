"""What was decided before, as episodes."""

from __future__ import annotations

from contlearn.ledger import _text
from contlearn.ledger._store import Store
from contlearn.policies._evidence import MAX_EPISODES, Episode, Evidence


class Memory:
    """The episodes of a ledger."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def episodes(self, kinds: _text.Kinds) -> tuple[Episode, ...]:
        """Return the last episodes, oldest first."""
        rows = self._store.rows("kind IN ('decision', 'verdict')")
        found: list[Episode] = []
        retrained: int | None = None
        for row in rows:
            said = _text.read(row.text, kinds)
            if row.kind == "decision":
                found.append(Episode(said.get("evidence", Evidence()), said["answer"]))
                retrained = len(found) - 1 if said["answer"] else retrained
            elif retrained is not None:
                past = found[retrained]
                if past.verdict is None or not past.verdict:
                    found[retrained] = Episode(past.evidence, past.decision, said["answer"])
        return tuple(found[-MAX_EPISODES:])
