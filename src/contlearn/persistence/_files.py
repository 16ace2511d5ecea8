"""Files that are there completely or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterator

from contlearn.persistence._refusals import damaged

try:
    import fcntl
except ImportError:  # Windows: threads wait for each other, processes do not
    fcntl = None  # type: ignore[assignment]

_PLAIN_LOCK = threading.Lock()
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def replace(path: str | os.PathLike[str], content: bytes) -> None:
    """Put `content` under the name `path`, on the disk when this returns."""
    target = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.tmp")
    with _claimed(temporary) as descriptor:
        try:
            _fill(descriptor, content)
            if fcntl is None:
                os.close(descriptor)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    _sync_folder(folder)


def content(path: str | os.PathLike[str], most: int) -> bytes:
    """Return what is in a file, or refuse one that is too large or no file."""
    with open(path, "rb", opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            damaged("a file", "something else")
        if status.st_size > most:
            damaged(f"at most {most} bytes", f"{status.st_size}", "give a larger max_bytes if you trust it")
        return file.read(status.st_size)  # a number as large as `most` would be allocated at once


@contextlib.contextmanager
def _claimed(temporary: str) -> Iterator[int]:
    """Open the one temporary file of a target, which nobody else then writes."""
    if fcntl is None:
        with _PLAIN_LOCK:
            descriptor = os.open(temporary, _OPEN, 0o666)
            try:
                yield descriptor
            finally:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        return
    descriptor = _locked(temporary)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(temporary: str) -> int:
    """Return the temporary file, locked; a kill frees the lock, so one left behind is taken over."""
    while True:
        descriptor = os.open(temporary, _OPEN, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            mine = os.fstat(descriptor)
            there = os.stat(temporary, follow_symlinks=False)
            if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
                return descriptor
        except FileNotFoundError:
            pass  # whoever had it has put it under its final name
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _fill(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _sync_folder(folder: str) -> None:
    """Bring the new name to the disk, where a directory can be synchronised."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
