"""Every byte of the file, accounted for: a header, trees of pages, cells without gaps, and zeros.

SQLite reads what it needs and forgives the rest. Here whatever is no entry must be exactly what SQLite puts
there for a file that only ever grew, so that a changed byte has nowhere to hide. The layout is that of
https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from contlearn.exceptions import DamagedLedger

_LEAF, _INTERIOR = 13, 5
_DEEPEST = 20  # no tree that fits on a disk has more pages on the way down
_PENDING = 2**30  # the page that holds this byte is never used

HEADER = {
    0: b"SQLite format 3\x00",
    18: b"\x02\x02\x00\x40\x20\x20",  # write-ahead log, nothing reserved, the payload fractions
    32: bytes(8),  # no free pages
    44: b"\x00\x00\x00\x04" + bytes(8) + b"\x00\x00\x00\x01",  # format 4, nothing set, UTF-8
    64: bytes(4),
    72: bytes(20),
}
"""What the header of the file must hold, by position."""


class Header(NamedTuple):
    """What the header says of this file."""

    page_size: int
    n_pages: int
    cookie: int
    version: int
    application_id: int
    library: int


def header_of(image: bytes) -> Header:
    """Return what the first hundred bytes say, or refuse them."""
    for start, expected in HEADER.items():
        if image[start : start + len(expected)] != expected:
            raise DamagedLedger(f"the header of the ledger was changed or cut at byte {start}")
    word = struct.unpack(">25I", image[:100])
    if word[6] != word[23]:
        raise DamagedLedger("the header of the ledger was changed: its counters of changes differ")
    (page_size,) = struct.unpack(">H", image[16:18])
    size = 65536 if page_size == 1 else page_size
    if size < 512 or size & (size - 1) or len(image) != word[7] * size:
        raise DamagedLedger(
            f"the ledger was cut or changed: {len(image)} bytes are not {word[7]} pages of {size}"
        )
    return Header(size, word[7], word[10], word[15], word[17], word[24])


class Image:
    """The bytes of a file, read as trees of records; `finish` refuses pages that no tree holds."""

    def __init__(self, image: bytes) -> None:
        self.header = header_of(image)
        self._image, self._size = image, self.header.page_size
        self._seen: set[int] = set()

    def rows(self, root: int) -> Iterator[tuple[int, list[Any]]]:
        """Yield the number and the values of every record of the tree at page `root`."""
        depth = self._depth(root)
        yield from self._tree(root, depth, depth > 2)

    def finish(self) -> None:
        """Refuse pages that are in no tree."""
        unused = _PENDING // self._size + 1
        left = set(range(1, self.header.n_pages + 1)) - self._seen - {unused}
        if left:
            raise DamagedLedger(f"the ledger was changed: nothing leads to its page {min(left)}")

    def _depth(self, number: int) -> int:
        """Return how many pages lie on the way down: not deeper than pages can be."""
        depth, (page, start) = 1, self._page(number)
        while page[start] == _INTERIOR:
            number = _word(page, start + 8)
            depth, (page, start) = depth + 1, self._page(number)
            if depth > _DEEPEST:
                self._refuse(number, "a tree without an end")
        return depth

    def _tree(self, number: int, depth: int, is_deep: bool) -> Iterator[tuple[int, list[Any]]]:
        page, start = self._visited(number)
        kind = _LEAF if depth == 1 else _INTERIOR
        head = start + (8 if depth == 1 else 12)
        block, n_cells, first, fragments = struct.unpack(">HHHB", page[start + 1 : start + 8])
        # A page of pointers that was once split keeps gaps and old pointers; nothing reads them.
        was_split = is_deep and depth > 1
        if page[start] != kind or ((block or fragments) and not was_split):
            self._refuse(number, "its head")
        cells = struct.unpack(f">{n_cells}H", page[head : head + 2 * n_cells])
        end = head + 2 * n_cells
        if first < end or (any(page[end:first]) and not was_split):
            self._refuse(number, "the space between its cells")
        if depth == 1:
            yield from self._leaf(number, page, cells, first)
        else:
            yield from self._interior(number, page, cells, first, depth, is_deep)

    def _interior(
        self, number: int, page: bytes, cells: tuple[int, ...], first: int, depth: int, is_deep: bool
    ) -> Iterator[tuple[int, list[Any]]]:
        ends = {}
        for cell in cells:
            key, ends[cell] = self._varint(number, page, cell + 4)
            last = None
            for row in self._tree(_word(page, cell), depth - 1, is_deep):
                last = row[0]
                yield row
            if last != key:
                self._refuse(number, f"the pointer before entry {key}")
        if not is_deep:
            self._require_filled(number, ends, first)
        start = 100 if number == 1 else 0
        yield from self._tree(_word(page, start + 8), depth - 1, is_deep)

    def _leaf(
        self, number: int, page: bytes, cells: tuple[int, ...], first: int
    ) -> Iterator[tuple[int, list[Any]]]:
        ends = {}
        for cell in cells:
            length, at = self._varint(number, page, cell)
            key, at = self._varint(number, page, at)
            local = self._local(length)
            ends[cell] = at + local
            payload = page[at : at + local]
            if local < length:
                ends[cell] += 4
                payload += self._overflow(_word(page, at + local), length - local)
            yield key, self._record(number, payload)
        self._require_filled(number, ends, first)

    def _require_filled(self, number: int, ends: dict[int, int], first: int) -> None:
        """Refuse cells that leave a gap or lie over each other."""
        expected = first
        for cell in sorted(ends):
            if cell != expected:
                self._refuse(number, "the places of its cells")
            expected = ends[cell]
        if expected != self._size:
            self._refuse(number, "the end of its cells")

    def _local(self, length: int) -> int:
        """Return how much of a record of this length stands in its own page."""
        most = self._size - 35
        if length <= most:
            return length
        least = (self._size - 12) * 32 // 255 - 23
        found = least + (length - least) % (self._size - 4)
        return found if found <= most else least

    def _overflow(self, number: int, left: int) -> bytes:
        parts = []
        while left > 0:
            page, _ = self._visited(number)
            taken = min(left, self._size - 4)
            parts.append(page[4 : 4 + taken])
            left -= taken
            if any(page[4 + taken :]):
                self._refuse(number, "the space after a record")
            number = _word(page, 0)
        if number:
            self._refuse(number, "the end of a record")
        return b"".join(parts)

    def _record(self, number: int, payload: bytes) -> list[Any]:
        size, at = self._varint(number, payload, 0)
        body, values = size, []
        while at < size:
            kind, at = self._varint(number, payload, at)
            length = _INTEGERS.get(kind, (kind - 13) // 2 if kind > 12 and kind % 2 else -1)
            if length < 0:
                self._refuse(number, "the kind of a value")
            values.append(self._value(number, kind, payload[body : body + length]))
            body += length
        if at != size or body != len(payload):
            self._refuse(number, "the length of a record")
        return values

    def _value(self, number: int, kind: int, data: bytes) -> Any:
        if kind == 0:
            return None
        if kind < 12:
            return kind - 8 if kind > 7 else int.from_bytes(data, "big", signed=True)
        try:
            return data.decode()
        except UnicodeDecodeError:
            self._refuse(number, "a text")

    def _varint(self, number: int, data: bytes, at: int) -> tuple[int, int]:
        """Return an integer of one to eight bytes, and where it ends."""
        found, end = 0, at + 1
        while data[end - 1] >= 0x80:
            found, end = (found | data[end - 1] & 0x7F) << 7, end + 1
            if end > at + 8:
                self._refuse(number, "a length")
        return found | data[end - 1], end

    def _page(self, number: int) -> tuple[bytes, int]:
        if not 1 <= number <= self.header.n_pages:
            self._refuse(number, "a pointer beyond the file")
        return self._image[(number - 1) * self._size : number * self._size], 100 if number == 1 else 0

    def _visited(self, number: int) -> tuple[bytes, int]:
        if number in self._seen:
            self._refuse(number, "two pointers to one page")
        self._seen.add(number)
        return self._page(number)

    def _refuse(self, number: int, what: str) -> NoReturn:
        raise DamagedLedger(f"page {number} of the ledger was changed: {what}")


_INTEGERS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}


def _word(page: bytes, at: int) -> int:
    return int.from_bytes(page[at : at + 4], "big")
