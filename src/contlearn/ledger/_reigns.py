"""Who served when: promotions and rollbacks, played again."""

from __future__ import annotations

from typing import Any

from contlearn import _checks
from contlearn.ledger import _moments, _text
from contlearn.ledger._champion import Champion
from contlearn.ledger._store import Row, Store
from contlearn.policies._time import Moment


class Reigns:
    """The promotions and rollbacks of a ledger, read once and then only what is new."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read = 0
        self._reigns: list[Champion] = []
        self._below: list[Champion] = []

    def at(self, moment: Moment | None) -> Champion | None:
        """Return who served at a moment; None: now."""
        self._catch_up()
        if moment is None:
            return self._reigns[-1] if self._reigns else None
        found = None
        for reign in self._reigns:
            if _moments.is_before("at", moment, reign.since):
                break
            found = reign
        return found

    def require_promotion(self, at: Moment) -> None:
        """Refuse a promotion before the last change."""
        self._catch_up()
        if self._reigns and _moments.is_before("at", at, self._reigns[-1].since):
            _checks.bad_data("at", f"not lie before the last change, {self._reigns[-1].since}", str(at))

    def require_rollback(self, at: Moment) -> None:
        """Refuse a rollback where there is nothing to go back to."""
        self.require_promotion(at)
        if len(self._below) < 2:
            _checks.bad_data("rollback", "have a champion before the present one to go back to", "none")

    def _catch_up(self) -> None:
        rows = self._store.rows("id > ? AND kind IN ('promotion', 'rollback')", (self._read,))
        for row in rows:
            self._play(row)
            self._read = row.id

    def _play(self, row: Row) -> None:
        found: dict[str, Any] = _text.read(row.text)
        since = _moments.of_text(row.at)
        assert since is not None
        if row.kind == "rollback":
            self._below.pop()
            back = self._below[-1]
            self._reigns.append(
                Champion(
                    back.model_id,
                    since,
                    found["reason"],
                    None,
                    back.trained_at,
                    back.baseline_loss,
                    entry=row.id,
                    promotion=back.promotion,
                )
            )
            return
        champion = Champion(
            str(row.model_id),
            since,
            found["reason"],
            None,
            found.get("trained_at"),
            found.get("baseline_loss"),
            entry=row.id,
            promotion=row.id,
        )
        self._below.append(champion)
        self._reigns.append(champion)
