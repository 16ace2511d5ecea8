"""What contlearn raises. Every class is also the builtin that a careful caller would already catch."""

from __future__ import annotations

__all__ = [
    "ContlearnError",
    "DamagedLedger",
    "InvalidInputError",
    "InvalidParameterError",
    "LedgerError",
    "MissingDependencyError",
    "NotFittedError",
    "PersistenceError",
    "SchemaError",
]


class ContlearnError(Exception):
    """Base of everything that contlearn raises on purpose."""


class InvalidParameterError(ContlearnError, ValueError, TypeError):
    """A constructor or function argument that can never work, such as ``alpha=5`` or ``size="big"``."""


class InvalidInputError(ContlearnError, ValueError):
    """Data that cannot be used as it is, such as an infinity; the message names the column and the cure."""


class SchemaError(InvalidInputError, TypeError):
    """Data whose columns, their kinds or their number differ from what was fitted."""


class NotFittedError(ContlearnError, ValueError, AttributeError):
    """A question asked before the object has seen a reference."""


class PersistenceError(ContlearnError, ValueError):
    """What was saved cannot be read, or an object cannot be written; the message says what, and the cure."""


class DamagedLedger(ContlearnError, ValueError):  # noqa: N818 - the settled name says what it is
    """A file that is no ledger, or a ledger that was changed or cut; the message names the entry."""


class LedgerError(ContlearnError, OSError):
    """A ledger that cannot be used now: read-only, locked, removed, closed, or written by a newer version."""


class MissingDependencyError(ContlearnError, ImportError):
    """An optional package is needed; the message names the extra that brings it."""
