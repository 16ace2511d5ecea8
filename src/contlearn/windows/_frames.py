"""Rows that come as data frames and go back as frames of the same library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.windows._steps import Step, setting, take

_LIBRARIES = frozenset({"pandas", "polars", "pyarrow", "modin", "cudf"})
_CURE = "clear() the window before changing its columns"
_MOST_CHUNKS = 64  # one-row frames are joined in batches, for a join costs as much as a hundred rows


def frame_kind(value: Any) -> str:
    """Return "frame" or "object"; narwhals is loaded only for an object of a library that has frames."""
    if not any(base.__module__.partition(".")[0] in _LIBRARIES for base in type(value).__mro__):
        return "object"
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    try:
        wrapped = nw.from_native(value, pass_through=True, allow_series=True)
    except DuplicateError:
        names = [str(name) for name in getattr(value, "column_names", value.columns)]
        twice = sorted({name for name in names if names.count(name) > 1})
        _checks.bad_data("columns", "have names of their own", f"{', '.join(twice[:5])} twice", "rename them")
    if isinstance(wrapped, nw.LazyFrame):
        _checks.bad_data("rows", "be in memory", f"a lazy {type(value).__name__}", "collect() them first")
    if type(value).__name__ == "RecordBatch":
        _checks.bad_data("rows", "be a table", "a RecordBatch", "use pyarrow.Table.from_batches([batch])")
    return "frame" if isinstance(wrapped, nw.DataFrame) else "object"


class FrameRows:
    """Frames of one library, columns and dtypes, joined when they are asked for.

    Whatever comes in is copied, row by row, so that neither a later change by the caller nor a slice of a
    huge frame lives on in here.
    """

    __slots__ = ("_chunks", "_dtypes", "_length", "_start")

    def __init__(self, sample: Any) -> None:
        frame = _wrap(sample)
        self._dtypes = _dtypes(frame)
        self._refuse_unpickable(frame)
        self._chunks = [_copy(frame[:0])]
        self._start = 0  # rows at the head of the first chunk that have gone already
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        frame = _wrap(self.rows())
        return (frame[position : position + 1].to_native() for position in range(len(frame)))

    def fit(self, row: Any) -> Any:
        frame = self._matching("row", row)
        if len(frame) != 1:
            _checks.bad_data("row", "be a frame of one row", f"{len(frame)} rows", "extend() takes many")
        return frame

    def add(self, row: Any) -> int:
        take(self.extending(row))
        return self._length

    def copy(self, row: Any) -> Any:
        return _copy(row)

    def block(self, rows: Any) -> Any:
        if not isinstance(rows, list):
            return self._matching("rows", rows)
        return _join([self.fit(row) for row in rows])

    def extending(self, block: Any, drop: int = 0) -> list[Step]:
        if len(self._chunks) >= _MOST_CHUNKS:
            self._join_all()
        return self._letting_go([*self._chunks, _copy(block)], self._length + len(block), drop)

    def pick(self, block: Any, positions: NDArray[np.intp] | slice) -> Any:
        return block[positions]

    def one(self, block: Any, position: int) -> Any:
        return block[position : position + 1]

    def drop(self, n: int) -> None:
        take(self._letting_go(list(self._chunks), self._length, n))

    def keeping(self, positions: NDArray[np.intp]) -> list[Step]:
        return setting(self, _chunks=[self._join_all()[positions]], _start=0, _length=len(positions))

    def rows(self) -> Any:
        # pandas and polars frames can be changed in place: the caller gets a frame of their own
        return self._join_all().clone().to_native()

    def _join_all(self) -> Any:
        """Return all live rows as one frame, and keep them as that."""
        if len(self._chunks) > 1 or self._start:
            take(setting(self, _chunks=[_whole(self._chunks, self._start)], _start=0))
        return self._chunks[0]

    def _letting_go(self, chunks: list[Any], length: int, n: int) -> list[Step]:
        """Return the steps to `chunks`, which hold `length` rows, without the first `n` of them."""
        n = min(n, length)
        start, length = self._start + n, length - n
        while len(chunks) > 1 and start >= len(chunks[0]):
            start -= len(chunks.pop(0))
        if start > max(length, _MOST_CHUNKS):
            chunks, start = [_whole(chunks, start)], 0
        return setting(self, _chunks=chunks, _start=start, _length=length)

    def _refuse_unpickable(self, frame: Any) -> None:
        """Refuse a dtype whose rows its own library cannot pick; then nothing fails once rows are checked."""
        if _can_be_picked(frame, *self._dtypes):
            return
        for column, dtype in self._dtypes.items():
            if not _can_be_picked(frame, column):
                _checks.bad_data(
                    f"column {column!r}",
                    "have a dtype whose rows can be picked",
                    str(dtype),
                    "convert it first: a view of text to text, numbers to the byte order of this machine",
                )

    def _matching(self, name: str, value: Any) -> Any:
        """Return `value` wrapped, with its columns in our order; refuse other columns or dtypes."""
        if frame_kind(value) != "frame":
            _checks.bad_schema(
                name, "be a frame, as the rows before", type(value).__name__, "make it a frame of one row"
            )
        frame = _wrap(value)
        ours = self._chunks[0].implementation
        if frame.implementation is not ours:
            _checks.bad_schema(
                name, f"be a {ours.value} frame, as the rows before", frame.implementation.value, _CURE
            )
        found = _dtypes(frame)
        if found.keys() != self._dtypes.keys():
            odd = sorted(map(str, found.keys() ^ self._dtypes.keys()))
            _checks.bad_schema(
                name, "have the columns of the rows before", f"a difference in {', '.join(odd[:5])}", _CURE
            )
        for column, dtype in self._dtypes.items():
            if found[column] != dtype:
                _checks.bad_schema(
                    f"column {column!r}",
                    f"have dtype {dtype}, as before",
                    str(found[column]),
                    "convert it first",
                )
        return frame.select(list(self._dtypes)) if list(found) != list(self._dtypes) else frame

    def content(self) -> Any:
        return self.rows()

    @classmethod
    def of(cls, content: Any) -> Self:
        store = cls(content)
        take(store.extending(_wrap(content)))
        return store


def _wrap(value: Any) -> Any:
    import narwhals.stable.v2 as nw

    return nw.from_native(value, eager_only=True)


def _join(frames: list[Any]) -> Any:
    import narwhals.stable.v2 as nw

    full = [frame for frame in frames if len(frame)]
    return nw.concat(full, how="vertical") if len(full) > 1 else (full or frames)[0]


def _whole(chunks: list[Any], start: int) -> Any:
    """Return the rows of all chunks from `start` on as one frame."""
    whole = _join(chunks)
    return _copy(whole[start:]) if start else whole


def _copy(frame: Any) -> Any:
    """Return the rows in memory of their own; a slice or a clone may hold on to the whole it came from."""
    return frame[np.arange(len(frame))]


def _can_be_picked(frame: Any, *columns: str) -> bool:
    try:
        # the first row twice: where positions are in order pandas takes a slice, which always works
        frame.select(list(columns))[np.zeros(2 * min(1, len(frame)), np.intp)]
    except Exception:  # each library has an error of its own for what it has not implemented
        return False
    return True


def _dtypes(frame: Any) -> dict[str, Any]:
    """Return the library's own dtypes: a pandas Int64 is not an int64, though both hold integers."""
    native = frame.to_native()
    if frame.implementation.is_pyarrow():
        return {field.name: field.type for field in native.schema}
    return dict(zip(frame.columns, native.dtypes, strict=True))
