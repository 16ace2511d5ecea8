"""The last rows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, final

from contlearn import _checks
from contlearn.windows._rows import Rows, read_ids


@final
class SlidingWindow:
    """Keep the last `size` rows.

    The window gives back what it was given, and what `rows` has returned never changes afterwards. The first
    row decides the kind of all rows; a row of another kind, width or dtype is refused and the window stays as
    it was:

    ============================================  ============================================================
    rows                                          given back as
    ============================================  ============================================================
    numpy arrays and numpy scalars                one contiguous, read-only array, a row along its first axis
    pandas, polars or pyarrow frames of one row,  a frame of that library with its dtypes, and its index in
    or of many with `extend`                      pandas
    anything else: tuples, dicts, Python numbers  a list of the objects themselves
    ============================================  ============================================================

    Parameters
    ----------
    size
        Rows to keep, at least 1.

    Notes
    -----
    Windows never look inside a row: NaN is stored like any other value. Arrays and frames are copied on the
    way in; of other objects the window keeps the reference, as a list would. A Python number among numpy
    scalars takes their dtype if that can hold it.

    Cost, arrays: appending and reading take about a microsecond each, whatever the size; the window holds at
    most about ``2 * size`` rows. Reading a list or a pandas frame copies it. Not to be shared by threads
    without a lock.

    Examples
    --------
    >>> import numpy as np
    >>> from contlearn.windows import SlidingWindow
    >>> window = SlidingWindow(3)
    >>> window.extend(np.arange(10.0).reshape(5, 2))
    >>> window.append(np.array([10.0, 11.0]))
    >>> window.rows()
    array([[ 6.,  7.],
           [ 8.,  9.],
           [10., 11.]])
    """

    __slots__ = ("_rows", "size")

    def __init__(self, size: int) -> None:
        _checks.count("size", size)
        self.size = size
        self.clear()

    def append(self, row: Any, id: Hashable = None) -> None:  # noqa: A002
        """Take in one row; the oldest goes when the window is full.

        Parameters
        ----------
        row
            The row.
        id
            A name by which `forget` finds the row; several rows may share one. None: none.

        Raises
        ------
        SchemaError
            The row is not of the kind, shape, columns or dtype of the rows before it.
        """
        surplus = self._rows.append(row, id) - self.size
        if surplus > 0:
            self._rows.drop(surplus)

    def extend(self, rows: Any, ids: Iterable[Hashable] | None = None) -> None:
        """Take in many rows, oldest first, exactly as repeated `append` would.

        Parameters
        ----------
        rows
            An array with one row along its first axis, a frame, or an iterable of rows, which is read to its
            end before anything is stored: a bad row leaves the window as it was.
        ids
            One id per row. None: none.
        """
        store, block, n = self._rows.block(rows)
        names = None if ids is None else read_ids(ids, n)
        if store is None or n == 0:
            return
        if n > self.size:
            block = store.pick(block, slice(n - self.size, None))
            names = None if names is None else names[-self.size :]
        surplus = len(self._rows) + min(n, self.size) - self.size
        self._rows.extend(store, block, names, drop=max(0, surplus))

    def rows(self) -> Any:
        """Return the rows, oldest first, in the form in which they came; an empty list before the first."""
        return self._rows.rows()

    def forget(self, ids: Iterable[Hashable]) -> int:
        """Let every row go whose id is one of `ids`; return how many went.

        Arrays that `rows` returned earlier keep their rows: they belong to whoever asked for them.
        """
        return self._rows.forget(ids)

    def clear(self) -> None:
        """Become as new; the next row may be of another kind."""
        self._rows = Rows()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"SlidingWindow(size={self.size!r})"

    def __getstate__(self) -> tuple[int, Any]:
        return self.size, self._rows.__getstate__()

    def __setstate__(self, state: tuple[int, Any]) -> None:
        self.size, rows = state
        self._rows = Rows()
        self._rows.__setstate__(rows)
