"""One zip of JSON and `.npy`, stored and not compressed, read without believing what it says of itself.

Nothing is compressed, so what comes out is never larger than the file, and the same object is the same bytes
wherever it is written. The reader takes exactly the files that the writer makes: members one after another,
each named once and in order, then the directory. Everything is compared with the bytes that are there before
anything is made of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from typing import Any, NoReturn

from contlearn.persistence import _arrays, _schemas
from contlearn.persistence._refusals import damaged, unwritable

META, DIGEST = "meta.json", "sha256.json"
_MOST_MEMBERS = 60_000  # of the 65,535 that a zip without extensions can have
_SMALLEST_MEMBER = 1024  # bytes; smaller arrays stand in the JSON
_MOST_NESTED = 1000  # brackets of JSON inside each other
_MOST_FLOAT = 400  # characters of a number
_MOST_VALUES = 2**24  # of JSON: Python's objects for them can take a few gigabytes

_LOCAL = struct.Struct("<4s5H3I2H")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_STAMP = (1980, 1, 1, 0, 0, 0)
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)  # one without an end is taken whole, once
_HEAD = re.compile(rb'\{"format": ?"contlearn", ?"schema": ?(\d{1,9})[,}]')
_MALFORMED = "members one after another, not compressed and not encrypted"


def packed(document: dict[str, Any], arrays: list[Any]) -> bytes:
    """Return the bytes of the file."""
    members: dict[str, bytes] = {}
    for number, (entry, array) in enumerate(zip(document["arrays"], arrays, strict=True)):
        content = _arrays.raw(array, entry["fortran"])
        if len(content) < _SMALLEST_MEMBER or len(members) >= _MOST_MEMBERS:
            entry["data"] = _arrays.text_of(content)
        else:
            members[_name(number)] = _arrays.header(array.dtype, array.shape, entry["fortran"]) + content
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode("ascii")
    if _values_of(text) > _MOST_VALUES:
        cure = "keep rows in arrays or frames, or fewer of them"
        unwritable("the object", f"{_values_of(text)} Python objects where {_MOST_VALUES} can be read", cure)
    members = {META: text, **members}
    members[DIGEST] = digest(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _STAMP)
            info.create_system, info.external_attr = 3, 0o600 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def unpacked(content: bytes) -> tuple[dict[str, Any], list[Any]]:
    """Return the document in a file, in the present schema, and the bytes of its arrays."""
    members = members_of(memoryview(content))
    if META not in members or DIGEST not in members:
        damaged(f"{META} and {DIGEST}", "other members")
    stated, text = members.pop(DIGEST), bytes(members[META])
    if stated != digest(members):
        head = _HEAD.match(text)  # a newer file is called that, whatever its digest is made of
        _schemas.check_number(int(head[1]) if head else _schemas.SCHEMA)
        damaged("what its SHA-256 says", "something else")
    migrated = _schemas.migrated(parsed(text))
    return migrated, _contents(migrated["arrays"], members)


def digest(members: dict[str, Any]) -> bytes:
    """Return the member that tells the SHA-256 over the names, the lengths and the bytes of all others."""
    total = hashlib.sha256()
    for name, content in members.items():
        total.update(f"{name} {len(content)}\n".encode("ascii"))
        total.update(content)
    return f'{{"sha256":"{total.hexdigest()}"}}'.encode("ascii")


def parsed(text: bytes) -> Any:
    """Return what a JSON text says; what Python's reader takes too far is refused."""
    if _values_of(text) > _MOST_VALUES:
        damaged(f"at most {_MOST_VALUES} values", f"{_values_of(text)}")
    _check_nesting(text)
    return json.loads(
        text,
        parse_constant=_no_number,
        parse_int=_integer,
        parse_float=_real,
        object_pairs_hook=_each_once,
    )


def _values_of(text: bytes) -> int:
    """Return about how many values a JSON text has, and never fewer: marks inside of strings count, too."""
    return sum(map(text.count, (b",", b"[", b"{")))


def _contents(entries: Any, members: dict[str, memoryview]) -> list[Any]:
    """Return the bytes of each array, from the JSON or from its member; no member may be left over."""
    if not isinstance(entries, list):
        damaged("a list of arrays", type(entries).__name__)
    del members[META]
    contents: list[Any] = []
    for number, entry in enumerate(entries):
        dtype, shape, fortran = _arrays.checked(entry)
        if "data" in entry:
            contents.append(_arrays.bytes_of(entry["data"]))
            continue
        member = members.pop(_name(number), None)
        head = _arrays.header(dtype, shape, fortran)
        if member is None or len(member) != len(head) + _arrays.size_of(dtype, shape):
            damaged(f"{len(head) + _arrays.size_of(dtype, shape)} bytes of {_name(number)}", "other bytes")
        if member[: len(head)] != head:
            damaged(f"the header of {_name(number)}", "another")
        contents.append(member[len(head) :])
    if members:
        damaged("the members that it names", "others beside them")
    return contents


def members_of(content: memoryview) -> dict[str, memoryview]:
    """Return the members of a stored zip, by name and in their order."""
    if len(content) < _END.size:
        damaged("a zip file", f"{len(content)} bytes")
    mark, disk, first, here, entries, size, start, comment = _END.unpack(content[-_END.size :])
    end = len(content) - _END.size
    if mark != b"PK\x05\x06" or (disk, first, comment) != (0, 0, 0) or start + size != end or here != entries:
        damaged("a zip file without extensions", "other bytes at its end")
    if entries > _MOST_MEMBERS + 2:
        damaged(f"at most {_MOST_MEMBERS + 2} members", f"{entries}")
    members: dict[str, memoryview] = {}
    place, offset = start, 0
    for _ in range(entries):
        name, place, stop, member = _member(content, place, offset, start)
        if name in members:
            damaged("each member once", f"{name!r} twice"[:60])
        members[name], offset = member, stop
    if place != end or offset != start:
        damaged(_MALFORMED, "bytes between them")
    return members


def _member(content: memoryview, place: int, offset: int, stop: int) -> tuple[str, int, int, memoryview]:
    """Return the name in the directory entry at `place`, where the entry ends, where the member at `offset`
    ends, and its bytes."""
    if place + _ENTRY.size > len(content) or offset + _LOCAL.size > stop:
        damaged(_MALFORMED, "a member that is cut off")
    mark, _, *said, length, extra, comment, disk, _, _, at = _ENTRY.unpack_from(content, place)
    local = _LOCAL.unpack_from(content, offset)
    head = (mark, local[0], at, extra, comment, disk, local[10])
    if head != (b"PK\x01\x02", b"PK\x03\x04", offset, 0, 0, 0, 0) or [*said, length] != [*local[1:10]]:
        damaged(_MALFORMED, "a member and a directory that differ")
    _, flags, method, _, _, check, compressed, size, _ = local[1:10]
    if flags or method or compressed != size:
        damaged(_MALFORMED, "compression, encryption or flags")
    begin = offset + _LOCAL.size + length
    name = bytes(content[place + _ENTRY.size : place + _ENTRY.size + length])
    if length > 100 or begin + size > stop or bytes(content[begin - length : begin]) != name:
        damaged(_MALFORMED, "a member that is cut off")
    member = content[begin : begin + size]
    if zlib.crc32(member) != check:
        damaged("what its checksum says", "something else")
    return name.decode("ascii", "replace"), place + _ENTRY.size + length, begin + size, member


def _name(number: int) -> str:
    return f"arrays/{number}.npy"


def _check_nesting(text: bytes) -> None:
    """Refuse JSON that is nested too deep for Python's reader, which would use up the stack."""
    level = 0
    for bracket in re.finditer(rb"[\[\]{}]", _STRING.sub(b"", text)):
        level += 1 if bracket[0] in b"[{" else -1
        if level > _MOST_NESTED:
            damaged("few values inside each other", f"more than {_MOST_NESTED} levels")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else damaged("each name once", "one twice")


def _no_number(name: str) -> NoReturn:
    damaged("numbers as JSON knows them", name)


def _integer(digits: str) -> int:
    return (
        int(digits)
        if len(digits) <= 17
        else damaged("integers up to 2**53 as numbers", f"{len(digits)} digits")
    )


def _real(digits: str) -> float:
    if len(digits) > _MOST_FLOAT:
        damaged("short numbers", f"{len(digits)} digits")
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        damaged("finite numbers", digits[:40])
    return value
