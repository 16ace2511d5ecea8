"""What is left of rows once a detector has counted them, and how such counts are put together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple, Self, final

import numpy as np

from contlearn import _checks


class Described(NamedTuple):
    """Current columns that are tested together.

    Attributes
    ----------
    n_rows, n_complete
        All rows, and those in which nothing is missing.
    missing
        Missing values of each column.
    statistics
        What the test needs to know of the complete rows; None where there are none.
    """

    n_rows: int
    n_complete: int
    missing: tuple[int, ...]
    statistics: Any

    def merge(self, other: Described) -> Described:
        """Return the description of both sets of rows."""
        if self.statistics is None or other.statistics is None:
            both = other.statistics if self.statistics is None else self.statistics
        else:
            both = self.statistics.merge(other.statistics)
        return Described(
            self.n_rows + other.n_rows,
            self.n_complete + other.n_complete,
            tuple(one + two for one, two in zip(self.missing, other.missing, strict=True)),
            both,
        )


@final
class Summary:
    """Rows as a fitted detector sees them: counts per column that answer `detect` in their place.

    `detector.summarize(X)` makes one. Summaries of the parts of a batch, made in several processes by copies
    of one fitted detector, merge into the summary of the batch: in any order, whatever the parts, empty ones
    included, `detector.detect` of it gives the same result as `detector.detect` of all rows.

    Parameters
    ----------
    maker : str
        Fingerprint of the fitted detector that describes the rows.
    groups : iterable
        What it found in each group of columns that it tests together. Detectors make summaries; you do not.

    Attributes
    ----------
    n_rows : int
        Number of rows, those with missing values included.

    Notes
    -----
    A summary pickles, and is much smaller than its rows where the statistic of the test is. It holds at most
    the distinct values of each column with their counts; which of them stood in one row is forgotten.

    Threads may share it.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.drift import KS
    >>> rng = np.random.default_rng(0)
    >>> detector = KS().fit(rng.normal(size=(5000, 2)))
    >>> batch = rng.normal(size=(400, 2))
    >>> first, second = detector.summarize(batch[:100]), detector.summarize(batch[100:])
    >>> detector.detect(second.merge(first)) == detector.detect(batch)
    True
    """

    __slots__ = ("_groups", "_maker")

    def __init__(self, maker: str, groups: Iterable[Described]) -> None:
        self._maker = maker
        self._groups = tuple(groups)

    @property
    def n_rows(self) -> int:
        """Number of rows, those with missing values included."""
        return self._groups[0].n_rows

    def merge(self, other: Self) -> Summary:
        """Return the summary of the rows of both.

        Parameters
        ----------
        other : Summary
            Made by the same fitted detector, or a copy of it.

        Raises
        ------
        InvalidInputError
            `other` is no summary, or was made by a detector with another reference or other parameters.
        """
        if not isinstance(other, Summary):
            _checks.bad_data("other", "be a Summary", type(other).__name__)
        other.made_by(self._maker)
        return Summary(
            self._maker, (one.merge(two) for one, two in zip(self._groups, other._groups, strict=True))
        )

    def made_by(self, maker: str) -> tuple[Described, ...]:
        """Return the description of each group of columns, if the detector `maker` has made it."""
        if self._maker != maker:
            _checks.bad_data(
                "a Summary",
                "come from this fitted detector",
                "one made with another reference or other parameters",
                "summarize with copies of one fitted detector",
            )
        return self._groups

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Summary):
            return NotImplemented
        return self._maker == other._maker and fingerprint(self._groups) == fingerprint(other._groups)

    def __hash__(self) -> int:
        return hash((self._maker, self.n_rows))

    def __repr__(self) -> str:
        columns = sum(len(group.missing) for group in self._groups)
        return f"<Summary of {self.n_rows} rows, {columns} column{'s' if columns != 1 else ''}>"


_SAMPLED = 4096
"""About so many entries of an array are looked at."""


def fingerprint(*values: Any) -> str:
    """Return a short text that is equal for equal `values`: nested tuples and mappings of numbers and arrays.

    It protects from mistakes, not from an adversary: of long arrays it looks at entries at equal distances.
    """
    digest = hashlib.blake2b(digest_size=8)
    for value in values:
        _feed(digest, value)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        if value.dtype == object:
            _feed(digest, tuple(value.tolist()))
        else:
            digest.update(np.ascontiguousarray(value.ravel()[:: 1 + value.size // _SAMPLED]).tobytes())
    elif isinstance(value, dict):
        digest.update(b"{")
        for each in sorted(value.items(), key=lambda item: repr(item[0])):
            _feed(digest, each)
    elif isinstance(value, tuple | list):
        digest.update(f"{type(value).__name__}{len(value)}".encode())
        for each in value:
            _feed(digest, each)
    elif hasattr(value, "__dict__") and type(value).__module__.startswith("contlearn."):
        digest.update(type(value).__name__.encode())
        _feed(digest, vars(value))
    else:
        digest.update(f"{type(value).__name__}:{value!r}".encode())
