"""Objects to one file and back."""

from __future__ import annotations

import os
from typing import Any

from contlearn import _checks
from contlearn.persistence import _archive, _dump, _files
from contlearn.persistence._refusals import about, unwritable

_MOST_BYTES = 2**28
_MOST_OF_ALL = 2**32 - 2**20  # beyond, a zip needs extensions


def save(obj: Any, path: str | os.PathLike[str]) -> None:
    """Write `obj` to one file, all or nothing.

    The file is a zip of `meta.json`, `.npy` arrays and `sha256.json`, not compressed; equal objects are equal
    bytes. It appears under its name only when it is complete and on the disk: a crash, a kill or a full
    disk at any moment leaves what was there before.

    Parameters
    ----------
    obj
        What to write, as for `dump`.
    path
        Where. What is there is replaced.

    Raises
    ------
    PersistenceError
        Something in `obj` is not written, see `dump`, or it is larger than 4 GiB.
    OSError
        The file cannot be written; what was there before is still there.

    Notes
    -----
    Threads: several may save at once, also to one path; nobody may change `obj` meanwhile, so hold its lock.

    The only other file is ``.NAME.tmp`` in the same directory. A kill may leave it behind; the next `save` to
    the same path takes it over. Writers in several threads or processes wait for each other (by `flock`; on
    Windows, and on file systems without such locks, only threads do). A file that is replaced keeps its
    permissions.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from contlearn.persistence import restore, save
    >>> from contlearn.windows import Reservoir
    >>> reservoir = Reservoir(3, seed=1)
    >>> reservoir.extend(range(100))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(reservoir, Path(folder) / "sample.zip")
    ...     again = restore(Path(folder) / "sample.zip")
    >>> again.rows() == reservoir.rows()
    True
    """
    name = _files.named(path)
    content = _archive.packed(*_dump.written(obj))
    if len(content) > _MOST_OF_ALL:
        unwritable("the object", f"{len(content)} bytes", "save parts of it, each to a file of its own")
    _files.replace(name, content)


def restore(path: str | os.PathLike[str], *, max_bytes: int = _MOST_BYTES) -> Any:
    """Return the object in a file that `save` has written.

    Parameters
    ----------
    path
        The file, also from an older contlearn, or from someone you do not trust.
    max_bytes
        A larger file is refused before it is read; at most 4 GiB. Arrays take as much memory as they take of
        the file; rows that are Python objects about twenty times as much, forged ones up to seventy times,
        and there may be 16 million of these objects.

    Returns
    -------
    object
        A new object at each call. It goes on exactly as the one that was saved would have.

    Raises
    ------
    PersistenceError
        The file is damaged, forged, too large, or written by a newer contlearn; the message has its name.
    OSError
        The file is not there, or cannot be read.

    Notes
    -----
    Threads: several may restore at once, also while others save to the path: they get the old file or the
    new one.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from contlearn.persistence import restore, save
    >>> from contlearn.drift import KS
    >>> detector = KS().fit([1.0, 2.0, 3.0, 4.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(detector, Path(folder) / "ks.zip")
    ...     restore(Path(folder) / "ks.zip").detect([2.0, 3.0]) == detector.detect([2.0, 3.0])
    True
    """
    most = _checks.count("max_bytes", max_bytes, high=_MOST_OF_ALL)
    name = _files.named(path)
    with about(name):
        content = _files.content(name, most)
        return _dump.guarded(lambda: _dump.read(*_archive.unpacked(content)))
