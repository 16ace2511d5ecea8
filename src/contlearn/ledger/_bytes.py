"""The bytes of a file that SQLite has open in this process.

POSIX takes away all locks that a process has on a file as soon as it closes any descriptor of it. So while a
connection is open, what the file was read through stays open, too.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

Identity = tuple[int, int]


class Shared:
    """What all threads of this process share."""

    lock = threading.Lock()


_users: Counter[Identity] = Counter()
_kept: dict[Identity, int] = {}


def identity(path: Path) -> Identity:
    """Return what tells this file from any other."""
    found = path.stat()
    return found.st_dev, found.st_ino


def hold(file: Identity) -> None:
    """Say that a connection to a file will be opened."""
    with Shared.lock:
        _users[file] += 1


def release(file: Identity) -> None:
    """Say that a connection to a file was closed."""
    with Shared.lock:
        _users[file] -= 1
        if _users[file] <= 0:
            del _users[file]
            if file in _kept:
                os.close(_kept.pop(file))


def read(path: Path) -> bytes:
    """Return what is in a file."""
    with Shared.lock:
        file = identity(path)
        if file not in _kept:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            found = os.fstat(handle)
            file = found.st_dev, found.st_ino
            _kept.setdefault(file, handle)
        try:
            return _all(_kept[file])
        finally:
            if not _users[file]:
                del _users[file]
                os.close(_kept.pop(file))


def read_beside(path: Path, name: str) -> bytes:
    """Return what SQLite keeps beside a file under a name, unless this process has its locks there."""
    with Shared.lock:
        if identity(path) in _users:
            return b""
        try:
            return path.with_name(name).read_bytes()
        except FileNotFoundError:
            return b""


def _all(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    parts = []
    while part := os.read(handle, 1 << 24):
        parts.append(part)
    return b"".join(parts)
