"""Numeric rows in one contiguous array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from contlearn import _checks
from contlearn.windows._steps import Step, setting, take

_CURE = "clear() the window before changing its rows"
_SMALLEST = 64  # rows in the first buffer; smaller buffers would be replaced at nearly every append


class ArrayRows:
    """Rows of one dtype and shape in a buffer that is only ever written behind its last row.

    What `rows` hands out is a view of the live stretch. The buffer is about twice as long as that stretch;
    when its end is reached the live rows move to a new buffer, and the old one stays with whoever still looks
    at it. So no view ever changes, and a row is copied about once after it came in, however long the window
    lives.
    """

    __slots__ = ("_buffer", "_capacity", "_dtype", "_frozen", "_shape", "_start", "_stop")

    _buffer: NDArray[Any]
    _frozen: NDArray[Any]
    _capacity: int
    _dtype: np.dtype[Any]
    _start: int
    _stop: int

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self._shape = shape
        take(self._adopting(np.empty((0, *shape), dtype), 0))

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows())

    def fit(self, row: Any) -> Any:
        if type(row) is np.ndarray and row.shape == self._shape and row.dtype is self._dtype:
            return row
        if not self._shape and type(row) in (bool, int, float, complex):
            row = self._number(row)
        if isinstance(row, np.ma.MaskedArray) or not isinstance(row, (np.ndarray, np.generic)):
            self._refuse("row", "be an array", type(row).__name__, "convert it with numpy.asarray")
        if row.shape != self._shape:
            self._refuse("row", f"have shape {self._shape}", str(row.shape), _CURE)
        self._same_dtype("row", row.dtype)
        return row

    def add(self, row: Any) -> int:
        if row.dtype is not self._dtype and row.dtype != self._dtype:
            take(self._adopting(*self._moved(1, row.dtype)))
        elif self._stop == self._capacity:
            take(self._adopting(*self._moved(1, self._dtype)))
        self._buffer[self._stop] = row
        self._stop += 1
        return self._stop - self._start

    def copy(self, row: Any) -> Any:
        return row.copy()

    def block(self, rows: Any) -> NDArray[Any]:
        if isinstance(rows, list):
            fitted = [self.fit(row) for row in rows]
            dtype = (
                np.result_type(*{row.dtype for row in fitted}) if self._dtype.kind in "US" else self._dtype
            )
            block = np.empty((len(fitted), *self._shape), dtype)
            for position, row in enumerate(fitted):
                block[position] = row
            return block
        if isinstance(rows, np.ma.MaskedArray) or not isinstance(rows, np.ndarray):
            self._refuse("rows", "be an array", type(rows).__name__, "convert them with numpy.asarray")
        if rows.shape[1:] != self._shape:
            self._refuse("rows", f"have shape {('n', *self._shape)}".replace("'", ""), str(rows.shape), _CURE)
        self._same_dtype("rows", rows.dtype)
        return np.asarray(rows)

    def extending(self, block: NDArray[Any], drop: int = 0) -> list[Step]:
        start, stop = self._stop, self._stop + len(block)
        if stop > self._capacity or block.dtype != self._dtype:
            buffer, start = self._moved(len(block), block.dtype, drop)
            stop = start + len(block)
            buffer[start:stop] = block
            return self._adopting(buffer, stop)
        self._buffer[start:stop] = block  # behind the last row, where nobody looks
        return [(setattr, self, "_start", self._start + drop), (setattr, self, "_stop", stop)]

    def pick(self, block: NDArray[Any], positions: NDArray[np.intp] | slice) -> NDArray[Any]:
        return block[positions]

    def one(self, block: NDArray[Any], position: int) -> Any:
        return block[position]

    def drop(self, n: int) -> None:
        self._start = min(self._start + n, self._stop)

    def keeping(self, positions: NDArray[np.intp]) -> list[Step]:
        return self._adopting(self.rows().take(positions, axis=0), len(positions))

    def rows(self) -> NDArray[Any]:
        return self._frozen[self._start : self._stop]

    def _adopting(self, buffer: NDArray[Any], stop: int) -> list[Step]:
        frozen = buffer.view()
        frozen.flags.writeable = False
        return setting(
            self,
            _buffer=buffer,
            _frozen=frozen,
            _capacity=len(buffer),
            _dtype=buffer.dtype,
            _start=0,
            _stop=stop,
        )

    def _moved(self, extra: int, dtype: np.dtype[Any], drop: int = 0) -> tuple[NDArray[Any], int]:
        """Return a new buffer with all but `drop` rows and room for `extra` and as many again; their number.

        It is wide enough for text like that of `dtype`, too: numpy would cut it without a word.
        """
        live = len(self) - drop
        widest = self._dtype if dtype == self._dtype else np.promote_types(self._dtype, dtype)
        buffer = np.empty((max(_SMALLEST, 2 * (live + extra)), *self._shape), widest)
        buffer[:live] = self.rows()[drop:]
        return buffer, live

    def _number(self, row: complex) -> Any:
        """Return a Python number in our dtype if that can hold it, as numpy does in arithmetic."""
        try:
            fits = np.result_type(self._dtype, row) == self._dtype
            return self._dtype.type(row) if fits else row
        except (TypeError, OverflowError):
            return row

    def _same_dtype(self, name: str, dtype: np.dtype[Any]) -> None:
        if dtype == self._dtype or (dtype.kind == self._dtype.kind and dtype.kind in "US"):
            return
        self._refuse(
            name, f"have dtype {self._dtype}", str(dtype), f"convert with .astype({str(self._dtype)!r})"
        )

    def _refuse(self, name: str, must: str, got: str, cure: str) -> None:
        _checks.bad_schema(name, f"{must}, as the rows before", got, cure)

    def content(self) -> NDArray[Any]:
        return self.rows()  # a copy starts from this view: its buffer is full, so it never writes into ours

    @classmethod
    def of(cls, content: NDArray[Any]) -> Self:
        store = cls(content.dtype, content.shape[1:])
        take(store._adopting(content, len(content)))
        return store
