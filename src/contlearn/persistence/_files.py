"""Files that are there completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
import threading
from collections.abc import Iterator

from contlearn import _checks
from contlearn.persistence._refusals import damaged

try:
    import fcntl
except ImportError:  # Windows: threads wait for each other, processes do not
    fcntl = None  # type: ignore[assignment]

_PLAIN_LOCK = threading.Lock()
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_LONGEST_NAME = 255  # bytes, on nearly every file system
_NO_LOCKS = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.ENOSYS})
_NO_FOLDER_SYNC = frozenset(
    {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES, errno.EPERM, errno.EBADF}
)


def named(path: str | os.PathLike[str]) -> str:
    """Return the text of a path, or refuse: a number would be taken for a descriptor."""
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        _checks.fail("path", "be a string or a pathlib.Path", f"{type(path).__name__}")
    return text


def replace(path: str, content: bytes) -> None:
    """Put `content` under the name `path`, on the disk when this returns."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, _temporary_name(name))
    with _claimed(temporary, target) as file:
        try:
            _fill(file.fileno(), content)
            _ready_to_move(file)
            os.replace(temporary, target)
        except BaseException:
            _ready_to_move(file)
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    _sync_folder(folder)


def content(path: str, most: int) -> bytes:
    """Return what is in a file, or refuse one that is too large or no file."""
    with open(path, "rb", opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            damaged("a file", "something else")
        if status.st_size > most:
            damaged(f"at most {most} bytes", f"{status.st_size}", "give a larger max_bytes if you trust it")
        return file.read(status.st_size)  # a number as large as `most` would be allocated at once


def _temporary_name(name: str) -> str:
    """Return a name next to `name`, the same at every save."""
    plain = f".{name}.tmp"
    if len(os.fsencode(plain)) <= _LONGEST_NAME:
        return plain
    return f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.tmp"


@contextlib.contextmanager
def _claimed(temporary: str, target: str) -> Iterator[io.FileIO]:
    """Open the one temporary file of a target, which nobody else then writes."""
    if fcntl is not None:
        try:
            file = _opened(temporary, target, lock=True)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        else:
            with file:
                yield file
            return
    with _PLAIN_LOCK, _opened(temporary, target) as file:
        yield file


def _opened(temporary: str, target: str, *, lock: bool = False) -> io.FileIO:
    """Return the temporary file, locked; a kill frees the lock, so one left behind is taken over."""
    while True:
        there, fresh = _status(target), _status(temporary) is None
        file = io.FileIO(os.open(temporary, _OPEN, 0o666 if there is None else 0o600), "r+")
        try:
            if lock:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            if fcntl is None or _is_safe(file.fileno(), temporary, there, fresh):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _is_safe(descriptor: int, temporary: str, there: os.stat_result | None, fresh: bool) -> bool:
    """Return whether the file may be written, with the permissions that it is to have; unlink a strange one.

    A new target has the permissions that the system gives to a new file; one that is replaced keeps its own.
    """
    mine, named = os.fstat(descriptor), _status(temporary)
    if named is None or not os.path.samestat(mine, named):
        return False  # whoever had it has put it under its final name
    owned = mine.st_nlink == 1 and mine.st_uid == os.geteuid() and stat.S_ISREG(mine.st_mode)
    if not owned or (there is None and not fresh):
        os.unlink(temporary)
        return False
    if there is not None and stat.S_IMODE(mine.st_mode) != there.st_mode & 0o777:
        os.fchmod(descriptor, there.st_mode & 0o777)
    return True


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _fill(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _ready_to_move(file: io.FileIO) -> None:
    """Close the file where an open one cannot be moved; elsewhere the lock stays until it has its name."""
    if fcntl is None:
        file.close()


def _sync_folder(folder: str) -> None:
    """Bring the new name to the disk, where a directory can be synchronised."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:  # the new file is in place: what cannot be had here is no failure
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
