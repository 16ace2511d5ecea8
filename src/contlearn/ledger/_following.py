"""Telling others what a ledger remembers: entry by entry, each at least once."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from typing import NamedTuple

from contlearn import _checks
from contlearn.ledger._entry import Entry
from contlearn.ledger._ledger import Ledger


class Follower:
    """Reads a ledger from where it was, and tells somebody else.

    There is nothing that calls back and nothing that runs by itself: call `update` as often as you like.
    """

    def __init__(self, after: int = 0) -> None:
        self._last_id = _checks.count("after", after, low=0)

    @property
    def last_id(self) -> int:
        """Number of the last entry that was told: give it as `after` to one that goes on from here."""
        return self._last_id

    def _new(self, ledger: Ledger) -> tuple[Entry, ...]:
        _checks.instance("ledger", ledger, Ledger, "a Ledger")
        return ledger.history(after=self._last_id)


class EachEntry(Follower, abc.ABC):
    """A follower that tells one entry after another."""

    def update(self, ledger: Ledger) -> int:
        """Tell what stands in the ledger after `last_id`, and return how many entries that were.

        Whatever the client raises comes through, and the entry that it was about is told again next time.
        """
        entries = self._new(ledger)
        for entry in entries:
            self._tell(entry)
            self._last_id = entry.id
        return len(entries)

    @abc.abstractmethod
    def _tell(self, entry: Entry) -> None:
        """Tell one entry."""


class Change(NamedTuple):
    """A promotion or a rollback: which model serves from then on, and which did before."""

    entry: Entry
    model_id: str
    before: str | None


def changes(ledger: Ledger, until: int) -> Iterator[Change]:
    """Yield who took over from whom, up to the entry `until`."""
    entries = (*ledger.history("promotion"), *ledger.history("rollback"))
    stack: list[str] = []
    for entry in sorted((each for each in entries if each.id <= until), key=lambda each: each.id):
        before = stack[-1] if stack else None
        if entry.kind == "rollback":
            stack.pop()
        else:
            stack.append(str(entry.model_id))
        yield Change(entry, stack[-1], before)
