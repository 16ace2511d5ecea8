"""Files where locks, permissions or names are not as on the usual disk; and strangers in the way."""

import errno
import os
import stat

import pytest

from contlearn.exceptions import InvalidParameterError
from contlearn.persistence import _files, restore, save
from contlearn.windows import SlidingWindow

posix = pytest.mark.skipif(os.name == "nt", reason="needs the permissions of POSIX")
_UMASK = 0o022


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(_UMASK)
    yield
    os.umask(before)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.zip"


@pytest.fixture
def temporary(tmp_path):
    return tmp_path / ".state.zip.tmp"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(each.name for each in folder.iterdir())


@posix
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EACCES])
def test_a_folder_that_cannot_be_synchronised_is_no_failure(path, monkeypatch, code):
    fsync = os.fsync

    def refusing(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, "not for folders")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refusing)
    save(SlidingWindow(7), path)
    assert restore(path).size == 7


@posix
def test_a_folder_that_fails_for_another_reason_is_a_failure(path, monkeypatch):
    fsync = os.fsync

    def failing(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "it fails")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="it fails"):
        save(SlidingWindow(7), path)


@posix
@pytest.mark.parametrize("code", [errno.ENOTSUP, errno.ENOLCK])
@pytest.mark.parametrize("saves", [1, 2])
def test_a_file_system_without_locks_can_be_saved_to(path, monkeypatch, code, saves):
    def refusing(*arguments):
        raise OSError(code, "no locks")

    monkeypatch.setattr(_files.fcntl, "flock", refusing)
    for _ in range(saves):
        save(SlidingWindow(7), path)
    assert restore(path).size == 7
    assert names(path.parent) == ["state.zip"]
    assert mode(path) == 0o666 & ~_UMASK


@posix
@pytest.mark.parametrize("wanted", [0o600, 0o640, 0o664, 0o644])
def test_a_file_keeps_its_permissions(path, wanted):
    save(SlidingWindow(5), path)
    path.chmod(wanted)
    save(SlidingWindow(7), path)
    assert (mode(path), restore(path).size) == (wanted, 7)


@posix
def test_the_contents_of_a_private_file_were_never_open_to_others(path, monkeypatch):
    seen = []
    save(SlidingWindow(5), path)
    path.chmod(0o600)
    write = os.write
    monkeypatch.setattr(
        os, "write", lambda one, content: seen.append(os.fstat(one).st_mode & 0o777) or write(one, content)
    )
    save(SlidingWindow(7), path)
    assert set(seen) == {0o600}


@posix
@pytest.mark.parametrize("there", [False, True])
def test_a_stale_temporary_file_does_not_lend_its_permissions(path, temporary, there):
    if there:
        save(SlidingWindow(5), path)
    temporary.touch()
    temporary.chmod(0o666)
    save(SlidingWindow(7), path)
    assert mode(path) == 0o666 & ~_UMASK
    assert names(path.parent) == ["state.zip"]


@posix
@pytest.mark.parametrize("there", [False, True])
def test_another_name_of_the_temporary_file_is_not_written(tmp_path, path, temporary, there):
    if there:
        save(SlidingWindow(5), path)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.link(victim, temporary)
    save(SlidingWindow(7), path)
    assert victim.read_text() == "precious"
    assert (path.stat().st_nlink, restore(path).size) == (1, 7)


@posix
def test_a_temporary_file_of_someone_else_is_not_written(path, temporary, monkeypatch):
    temporary.write_text("theirs")
    found = os.stat(temporary).st_ino
    fstat = os.fstat

    class Theirs:
        def __init__(self, status):
            self.status = status

        def __getattr__(self, name):
            return self.status.st_uid + 1 if name == "st_uid" else getattr(self.status, name)

    def foreign(descriptor):
        status = fstat(descriptor)
        return Theirs(status) if status.st_size == len("theirs") else status

    monkeypatch.setattr(os, "fstat", foreign)
    with temporary.open() as theirs:  # so that the number of the file is not given away again
        save(SlidingWindow(7), path)
        assert theirs.read() == "theirs"
    assert path.stat().st_ino != found


def test_without_locks_of_the_system_the_file_is_closed_once(path, monkeypatch):
    """Closed again, a descriptor may already be that of a file which another thread has opened."""
    replace, others = os.replace, []

    def another_thread_opens_a_file(*arguments):
        replace(*arguments)
        others.append(os.open(__file__, os.O_RDONLY))

    monkeypatch.setattr(_files, "fcntl", None)
    monkeypatch.setattr(os, "replace", another_thread_opens_a_file)
    save(SlidingWindow(7), path)
    assert os.read(others[0], 3) == b'"""'
    os.close(others[0])


def test_without_locks_of_the_system_a_failure_leaves_no_other_file(path, monkeypatch):
    def failing(*arguments):
        raise OSError(errno.EIO, "it fails")

    monkeypatch.setattr(_files, "fcntl", None)
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="it fails"):
        save(SlidingWindow(7), path)
    assert names(path.parent) == []


@posix
@pytest.mark.parametrize("name", ["x" * 250, "x" * 251, "x" * 255, "ä" * 127])
def test_every_name_that_a_file_can_have_can_be_saved_to(tmp_path, name):
    save(SlidingWindow(7), tmp_path / name)
    save(SlidingWindow(8), tmp_path / name)
    assert restore(tmp_path / name).size == 8
    assert names(tmp_path) == [name]


class BytesPath:
    def __fspath__(self):
        return b"state.zip"


@pytest.mark.parametrize("path", [b"state.zip", 5, True, None, BytesPath(), bytearray(b"x")])
@pytest.mark.parametrize(
    "call", [lambda path: save(SlidingWindow(5), path), restore], ids=["save", "restore"]
)
def test_a_path_is_text(tmp_path, monkeypatch, call, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidParameterError, match=r"path must be a string or a pathlib\.Path, got"):
        call(path)
    assert names(tmp_path) == []
