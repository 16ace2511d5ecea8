"""What can be asked of a ledger about its entries."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from contlearn import _checks
from contlearn._time import Moment
from contlearn.exceptions import DamagedLedger, InvalidInputError
from contlearn.gates._sign_off import SignOff
from contlearn.ledger import _export, _model_card, _moments, _text
from contlearn.ledger._entry import Entry
from contlearn.ledger._reigns import Reigns
from contlearn.ledger._store import Row, Store

_MOST = 2**63 - 1  # what SQLite can count to


class Records:
    """The part of a `Ledger` that only reads."""

    _store: Store
    _reigns: Reigns

    def approvals(self, model_id: str) -> tuple[SignOff, ...]:
        """Return what people said about a model, oldest first."""
        return tuple(entry.answer for entry in self.history("approval", model_id=id_of(model_id)))

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
        """Return entries in the order in which they were written.

        Parameters
        ----------
        kind
            Of this kind only; see `Entry`.
        since, until
            From this moment on, and before that one. Left out are then entries without a moment, and, unless
            that is all of them, those whose moment is of another kind.
        model_id
            Of this model only.
        after
            With numbers above this one: ask again with the last number that you have seen for what is new.
        limit
            At most so many, the first; None for all.
        """
        since, until = _moments.checked("since", since), _moments.checked("until", until)
        conditions: list[tuple[str, Any]] = [("id > ?", _checks.count("after", after, low=-1, high=_MOST))]
        if kind is not None:
            _checks.one_of("kind", kind, _text.KINDS)
            conditions.append(("kind = ?", kind))
        conditions += [("model_id = ?", id_of(model_id))] if model_id is not None else []
        most = -1 if limit is None else _checks.count("limit", limit, low=0, high=_MOST)
        timed = since is not None or until is not None
        rows = self._store.rows(
            " AND ".join(condition for condition, _ in conditions),
            (*(value for _, value in conditions), -1 if timed else most),
            "LIMIT ?",
        )
        found = _within(map(_entry, rows), since, until) if timed else list(map(_entry, rows))
        return tuple(found if most < 0 else found[:most])

    @property
    def head(self) -> str:
        """The digest of the last entry: keep it elsewhere, and `verify` tells whether the end was cut off."""
        return self._store.last().digest

    def verify(self, head: str | None = None) -> bool:
        """Return True if nothing was changed, or raise `DamagedLedger`, which names the entry or the page.

        Every byte that is read is accounted for, while others wait: entries by their digests, everything else
        by what SQLite writes into a file that only ever grew. Pages that the log of an open ledger replaces
        are read from the log, and not compared with those in the file.

        Parameters
        ----------
        head
            A digest that must be in the chain, such as `head` on the day of the last audit.
        """
        _export.require_digest(head)
        rows = self._store.audit()
        if head is not None and all(row.digest != head for row in rows):
            raise DamagedLedger(
                f"the ledger was cut: {len(rows) - 1} entries are left, none with digest {head}"
            )
        return True

    def to_frame(self, library: str = "pandas") -> Any:
        """Return all entries as a frame of "pandas" or "polars", with what each said on one line."""
        return _export.frame(self.history(), library)

    def to_json_lines(self, target: str | os.PathLike[str] | TextIO | None = None) -> str | None:
        """Write all entries, one JSON object a line, to a path or an open file; None: return the text.

        The digests are inside, so that `read_json_lines` can check the copy without the ledger.
        """
        text = "".join(_export.lines(self._store.rows()))
        if target is None:
            return text
        if isinstance(target, (str, os.PathLike)):
            Path(target).write_text(text, encoding="utf-8", newline="\n")
        else:
            target.write(text)
        return None

    def model_card(self, model_id: str) -> str:
        """Return a section in Markdown about a model: its training, evidence, approvals and service."""
        entries = self.history(model_id=id_of(model_id))
        reigns = self._reigns.of(model_id)
        if not entries and not reigns:
            _checks.bad_data("model_id", "be in the ledger", model_id)
        return _model_card.model_card(model_id, entries, reigns)

    def __len__(self) -> int:
        return self._store.last().id


def _within(entries: Iterable[Entry], since: Moment | None, until: Moment | None) -> list[Entry]:
    """Return the entries between two moments; one strange moment among them shall not hide the others."""
    found, compared, odd = [], False, None
    for entry in entries:
        try:
            if _moments.lies_within(entry.at, since, until):
                found.append(entry)
        except InvalidInputError:
            odd = entry
        else:
            compared = compared or entry.at is not None
    if odd is not None and not compared:
        _moments.lies_within(odd.at, since, until)
    return found


def _entry(row: Row) -> Entry:
    return Entry(row.id, row.kind, _moments.of_text(row.at), *row[3:])


def id_of(model_id: Any) -> str:
    """Return the id of a model, or refuse what is none."""
    _checks.instance("model_id", model_id, str, "text")
    if not model_id.strip():
        _checks.fail("model_id", "not be empty", model_id)
    return _text.encodable(str(model_id), "model_id")
