"""A file is the old one or the new one, whatever happens while it is written."""

import errno
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from contlearn.exceptions import PersistenceError
from contlearn.persistence import restore, save
from contlearn.windows import SlidingWindow

HERE = Path(__file__).parent


def window(n):
    found = SlidingWindow(1000)
    found.extend(np.full((300, 3), float(n)))
    return found


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def killed(folder, kills):
    command = [sys.executable, str(HERE / "kills.py"), str(folder), str(kills)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("kills", [30, pytest.param(200, marks=pytest.mark.calibration)])
def test_after_kills_nothing_is_damaged_and_nothing_acknowledged_is_lost(tmp_path, kills):
    found = killed(tmp_path, kills)
    assert (found["damaged"], found["lost"], found["strangers"]) == (0, 0, [])
    assert found["stale"] > 0  # kills that came in the middle of a write
    assert found["writes"] > kills / 2
    assert found["left"] == ["state.zip"]  # the next save takes a stale file over


@pytest.mark.parametrize("name", ["fsync", "replace", "write", "ftruncate"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, name, code):
    path = tmp_path / "state.zip"
    save(window(1), path)
    before = path.read_bytes()
    with monkeypatch.context() as patched:

        def failing(*arguments):
            raise OSError(code, "it fails")

        patched.setattr(os, name, failing)
        with pytest.raises(OSError, match="it fails"):
            save(window(2), path)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["state.zip"]
    save(window(3), path)
    assert restore(path).rows()[0, 0] == 3.0


def test_a_disk_that_is_full_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state.zip"
    save(window(1), path)
    write, calls = os.write, []

    def half(descriptor, content):
        calls.append(len(content))
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, "no space left")
        return write(descriptor, content[:1000])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        with pytest.raises(OSError, match="no space left"):
            save(window(2), path)
    assert restore(path).rows()[0, 0] == 1.0
    assert names(tmp_path) == ["state.zip"]


def test_short_writes_are_completed(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:700]))
    save(window(4), tmp_path / "state.zip")
    assert (restore(tmp_path / "state.zip").rows() == 4.0).all()


def test_the_new_name_is_on_the_disk_too(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda one: synced.append(os.fstat(one).st_ino) or fsync(one))
    save(window(1), tmp_path / "state.zip")
    assert synced == [(tmp_path / "state.zip").stat().st_ino, tmp_path.stat().st_ino]


def test_writers_in_many_threads_leave_one_whole_file(tmp_path):
    path = tmp_path / "state.zip"
    save(window(0), path)
    errors = []

    def work(number):
        try:
            for _ in range(15):
                save(window(number), path)
                rows = restore(path).rows()
                assert (rows == rows[0, 0]).all()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    assert names(tmp_path) == ["state.zip"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.zip"
    link.symlink_to(tmp_path / "there" / "state.zip")
    save(window(1), link)
    assert link.is_symlink()
    assert names(tmp_path / "there") == ["state.zip"]


def test_equal_objects_are_equal_bytes_whatever_the_hash_seed(tmp_path):
    script = (
        "import sys; from contlearn.persistence import save\n"
        "from contlearn.windows import Reservoir\n"
        "r = Reservoir(4, seed=1)\n"
        "r.extend([({'a', 'b', 'c', 'd'}, frozenset('xyz'))] * 9, ids=list('abcdefghi'))\n"
        "save((r, {'a', 'b', 'c', 'd', 'e'}), sys.argv[1])"
    )
    for seed in "012":
        run = [sys.executable, "-c", script, str(tmp_path / seed)]
        subprocess.run(run, check=True, env=os.environ | {"PYTHONHASHSEED": seed})
    first, *rest = [(tmp_path / seed).read_bytes() for seed in "012"]
    assert rest == [first, first]


def test_other_programs_can_read_it(tmp_path):
    path = tmp_path / "state.zip"
    save(window(5), path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["meta.json", "arrays/0.npy", "sha256.json"]
        assert list(json.loads(archive.read("sha256.json"))) == ["sha256"]
        meta = json.loads(archive.read("meta.json"))
        with archive.open("arrays/0.npy") as member:
            np.testing.assert_array_equal(np.load(member, allow_pickle=False), np.full((300, 3), 5.0))
    assert (meta["format"], meta["schema"]) == ("contlearn", 1)


def test_a_larger_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "state.zip"
    save(window(5), path)
    size = path.stat().st_size
    assert restore(path, max_bytes=size).size == 1000
    with pytest.raises(PersistenceError, match=f"at most {size - 1} bytes, got {size}; give a larger"):
        restore(path, max_bytes=size - 1)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(PersistenceError, match="at most"):
        restore(tmp_path / "huge")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PersistenceError, match="a file"):
        restore(tmp_path / "pipe")


def test_what_is_not_there_is_said_in_the_words_of_python(tmp_path):
    with pytest.raises(FileNotFoundError):
        restore(tmp_path / "nothing.zip")
    with pytest.raises(FileNotFoundError):
        save(window(1), tmp_path / "no folder" / "state.zip")
    with pytest.raises(IsADirectoryError):
        restore(tmp_path)
