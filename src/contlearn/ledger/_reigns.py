"""Who served when: promotions and rollbacks, played again."""

from __future__ import annotations

import bisect
from typing import Any, NamedTuple, cast

from contlearn import _checks
from contlearn._time import Moment
from contlearn.exceptions import DamagedLedger
from contlearn.gates._sign_off import SignOff
from contlearn.ledger import _moments, _text
from contlearn.ledger._champion import Champion
from contlearn.ledger._store import Row, Store
from contlearn.results import Decision, Verdict

_YES = (
    "id > ? AND id < ? AND coalesce(model_id = ?, 1) AND "
    "(kind = 'decision' AND instr(text, '\"retrain\":true') "
    "OR kind = 'verdict' AND instr(text, '\"promote\"'))"
)
"""Decisions and verdicts that may be a yes: of those, few are read."""


class Reign(NamedTuple):
    """A time in which one model served; `below` is the reign that a rollback leads back to."""

    entry: int
    model_id: str
    since: Moment
    reason: str
    facts: dict[str, Any]
    promotion: int
    follows: int
    below: Reign | None


class Led(NamedTuple):
    """What led to a promotion: the last decision to train, the last verdict for it, what people had said."""

    decision: Decision | None
    verdict: Verdict | None
    approvals: tuple[SignOff, ...]


class Reigns:
    """The promotions and rollbacks of a ledger: read once, and then only what is new."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read = 0
        self._reigns: list[Reign] = []
        self._trained: dict[str, Moment] = {}
        self._led: dict[int, Led] = {}

    def now(self) -> Reign | None:
        """Return who serves."""
        reigns = self._all()
        return reigns[-1] if reigns else None

    def champion(self, moment: Moment | None) -> Champion | None:
        """Return who served at a moment, and why; None: now."""
        reigns = self._until(moment)
        return None if not reigns else self._told(reigns[-1])

    def anchor(self, moment: Moment | None) -> Champion | None:
        """Return the last of the champion's line that was shown to be better than the one before."""
        reigns = self._until(moment)
        reign = reigns[-1] if reigns else None
        while reign is not None:
            verdict = self._led_to(reign).verdict
            gain = None if verdict is None else verdict.gain
            if reign.below is None or (gain is not None and gain.low > 0.0):
                return self._told(self._reigns[self._position(reign.promotion)])
            reign = reign.below
        return None

    def of(self, model_id: str) -> tuple[Champion, ...]:
        """Return every reign of a model, oldest first."""
        return tuple(self._told(reign) for reign in self._all() if reign.model_id == model_id)

    def require_order(self, at: Moment | None) -> None:
        """Refuse a promotion before the last change."""
        last = self.now()
        if last is not None and _moments.is_before("at", cast("Moment", at), last.since):
            since = _moments.text_of(last.since)
            _checks.bad_data("at", f"not lie before the last change of champion, {since}", str(at))

    def require_way_back(self, at: Moment | None) -> None:
        """Refuse a rollback where there is nothing to go back to."""
        self.require_order(at)
        last = self.now()
        if last is None or last.below is None:
            left = "no champion" if last is None else f"{last.model_id}, the first"
            _checks.bad_data("a rollback", "have a champion to go back to", left, "promote one instead")

    def _all(self) -> list[Reign]:
        with self._store.lock:
            last, rows = self._store.new_rows(self._read, "kind IN ('promotion', 'rollback', 'training')")
            for row in rows:
                if row.kind == "training":
                    self._learn(row)
                else:
                    self._reigns.append(self._played(row))
                self._read = row.id
            self._read = last
            return self._reigns

    def _learn(self, row: Row) -> None:
        """Keep when a model was trained, for a promotion that does not say it."""
        trained_at = _text.read(row.text)["answer"].trained_at
        if row.model_id is not None and trained_at is not None:
            self._trained[row.model_id] = trained_at

    def _until(self, moment: Moment | None) -> list[Reign]:
        reigns = self._all()
        if moment is None:
            return reigns
        low, high = 0, len(reigns)
        while low < high:  # since when they served is in order: nothing else is let in
            middle = (low + high) // 2
            if _moments.is_before("at", moment, reigns[middle].since):
                high = middle
            else:
                low = middle + 1
        return reigns[:low]

    def _played(self, row: Row) -> Reign:
        found = _text.read(row.text)
        since = cast("Moment", _moments.of_text(row.at))
        last = self._reigns[-1] if self._reigns else None
        if row.kind == "promotion":
            follows = 0 if last is None else last.entry
            if row.model_id in self._trained:
                found.setdefault("trained_at", self._trained[row.model_id])
            return Reign(row.id, str(row.model_id), since, found.pop("reason"), found, row.id, follows, last)
        if last is None or last.below is None:
            raise DamagedLedger(f"entry {row.id} of the ledger goes back to a champion that is not there")
        back = last.below
        return back._replace(entry=row.id, since=since, reason=found["reason"])

    def _position(self, entry: int) -> int:
        """Return which reign began with this entry: they are in order."""
        return bisect.bisect_left(self._reigns, entry, key=lambda each: each.entry)

    def _told(self, reign: Reign) -> Champion:
        """Return a reign with what led to it."""
        position = self._position(reign.entry)
        later = self._reigns[position + 1 : position + 2]
        decision, verdict, approvals = self._led_to(reign)
        return Champion(
            reign.model_id,
            reign.since,
            reign.reason or ("" if verdict is None else verdict.reason),
            until=later[0].since if later else None,
            decision=decision,
            verdict=verdict,
            approvals=approvals,
            entry=reign.entry,
            promotion=reign.promotion,
            **reign.facts,
        )

    def _led_to(self, reign: Reign) -> Led:
        """Return what led to a promotion. What was before it does not change any more, so it is kept."""
        with self._store.lock:
            found = self._led.get(reign.promotion)
            if found is None:
                said = "kind = 'approval' AND model_id = ? AND id < ?"
                rows = self._store.rows(said, (reign.model_id, reign.promotion))
                approvals = tuple(_text.read(row.text)["answer"] for row in rows)
                found = self._led[reign.promotion] = Led(*self._chain(reign), approvals)
            return found

    def _chain(self, reign: Reign) -> tuple[Decision | None, Verdict | None]:
        """Return the decision to train and the verdict that led to a promotion: the last before it."""
        before, verdict = reign.promotion, None
        while rows := self._store.rows(_YES, (reign.follows, before, reign.model_id), "DESC LIMIT 64"):
            for row in rows:
                answer = _text.read(row.text)["answer"]
                if row.kind == "verdict":
                    verdict = answer if verdict is None and answer else verdict
                elif answer:
                    return answer, verdict
            before = rows[-1].id
        return None, verdict
