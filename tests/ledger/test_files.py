"""The file under a ledger: half-written checkpoints, links, forks, and logs of another day."""

import os
import resource
import shutil
import signal
import threading
import time

import pytest

from contlearn.exceptions import DamagedLedger, InvalidInputError, LedgerError
from contlearn.ledger import Ledger, _bytes, _file

PAGE = 32768
HAS_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def grown(path, n=40):
    """Return an open ledger whose log holds all its entries, several pages of them."""
    ledger = Ledger(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_file, "_MOST_IN_LOG", 1 << 30)
        for step in range(n):
            ledger.record({"step": step, "x": "y" * 9_000})
    assert path.with_name(path.name + "-wal").stat().st_size > 3 * PAGE
    return ledger


def in_child(work):
    """Return the exit status of a fork that does some work: 0 if it was done, in time."""
    pid = os.fork()
    if not pid:
        signal.alarm(20)
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


@pytest.mark.parametrize("verify", [True, False])
def test_a_kill_in_the_middle_of_a_checkpoint_loses_nothing(tmp_path, verify):
    """Page 1 is written first, and says how many pages there will be; the log still has them all."""
    with grown(tmp_path / "whole") as ledger:
        head = ledger.head
        log = (tmp_path / "whole-wal").read_bytes()
    whole = (tmp_path / "whole").read_bytes()
    assert len(whole) > 8 * PAGE
    for size in (*range(PAGE, len(whole) + 1, PAGE), len(whole) - 1000, PAGE + 17):
        path = tmp_path / f"{size}" / "models.ledger"
        path.parent.mkdir()
        path.write_bytes(whole[:size])
        path.with_name("models.ledger-wal").write_bytes(log)
        with Ledger(path, verify=verify) as found:
            assert (len(found), found.head, found.verify()) == (40, head, True)
            found.record({"after": "all"})
        with Ledger(path) as again:
            assert len(again) == 41
    assert _bytes._kept == {}
    path.write_bytes(whole[:-PAGE])
    with pytest.raises(DamagedLedger):
        Ledger(path)


def test_a_full_disk_during_a_checkpoint_loses_nothing(tmp_path):
    path, kept = tmp_path / "models.ledger", []

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        ledger = Ledger(path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
        for step in range(40):
            try:
                ledger.record({"note": "x" * 30_000})
            except (LedgerError, DamagedLedger):
                continue
            (tmp_path / f"{step}").touch()

    assert in_child(work) == 0
    kept = [each for each in tmp_path.iterdir() if each.name.isdigit()]
    assert 5 < len(kept) < 40
    with Ledger(path) as ledger:
        assert len(ledger) >= len(kept)
        assert ledger.verify()


def test_reading_the_file_takes_no_locks_away(tmp_path):
    path = tmp_path / "models.ledger"
    with Ledger(path) as one, Ledger(path) as other:
        assert one.verify()
        assert list(_bytes._kept) == [_bytes.identity(path)]
        other.close()
        assert list(_bytes._kept) == [_bytes.identity(path)]
        one.record({"x": 1})
    assert (_bytes._kept, dict(_bytes._users)) == ({}, {})


def test_a_ledger_behind_a_link_is_the_ledger_itself(tmp_path, monkeypatch):
    path, link = tmp_path / "real" / "models.ledger", tmp_path / "link"
    path.parent.mkdir()
    link.symlink_to(path)
    ledger = grown(path)
    shutil.copytree(path.parent, tmp_path / "copy")
    link.unlink()
    link.symlink_to(tmp_path / "copy" / "models.ledger")
    log = tmp_path / "copy" / "models.ledger-wal"
    changed = bytearray(log.read_bytes())
    changed[len(changed) // 2] ^= 1
    log.write_bytes(changed)
    with pytest.raises(DamagedLedger, match="wal"):
        Ledger(link)
    monkeypatch.chdir(path.parent)
    with Ledger("models.ledger") as relative:
        monkeypatch.chdir(tmp_path)
        assert relative.verify()
        relative.record({"x": 1})
        for _ in range(60):
            relative.record({"x": "y" * 20_000})
        assert path.with_name("models.ledger-wal").stat().st_size < 30 * PAGE
    assert len(ledger) == 101
    ledger.close()


def test_an_older_log_beside_a_newer_file_is_refused(tmp_path):
    path = tmp_path / "models.ledger"
    with grown(path, 10):
        old = path.with_name("models.ledger-wal").read_bytes()
    with Ledger(path) as ledger:
        for step in range(30):
            ledger.record({"step": step})
    path.with_name("models.ledger-wal").write_bytes(old)
    with pytest.raises(DamagedLedger, match=r"older than the ledger, whose 40 entries it would cut to 10"):
        Ledger(path)
    path.with_name("models.ledger-wal").unlink()
    with Ledger(path) as ledger:
        assert len(ledger) == 40


@HAS_FORK
def test_a_fork_amid_the_work_of_another_thread_does_not_hang(tmp_path):
    ledger, stop = Ledger(tmp_path / "models.ledger"), threading.Event()
    ledger.promote("1", at=0)

    def work():
        while not stop.is_set():
            with ledger._store.lock:
                ledger.evidence()
                time.sleep(0.01)

    def child():
        ledger.record({"who": "child"})
        assert ledger.champion().model_id == "1"
        assert ledger.verify()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert [in_child(child) for _ in range(3)] == [0, 0, 0]
    finally:
        stop.set()
        thread.join()
    assert len(ledger.history("note")) == 3
    ledger.close()


@HAS_FORK
def test_a_fork_makes_no_new_file_where_the_ledger_was(tmp_path):
    path = tmp_path / "models.ledger"
    ledger = Ledger(path)
    path.unlink()

    def child():
        for _ in range(2):
            with pytest.raises(LedgerError, match="removed or replaced"):
                ledger.record({"x": 1})

    assert in_child(child) == 0
    assert not path.exists()
    ledger.close()


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x1e", "\r\n"])
def test_an_export_is_lines_whatever_is_in_them(tmp_path, separator):
    from contlearn.ledger import read_json_lines

    ledger = Ledger()
    ledger.record({"note": f"one{separator}two"})
    ledger.to_json_lines(tmp_path / "lines")
    for source in (
        tmp_path / "lines",
        ledger.to_json_lines().splitlines(),
        ledger.to_json_lines().split("\n"),
    ):
        assert read_json_lines(source, head=ledger.head)[1].answer == {"note": f"one{separator}two"}


def test_a_path_that_no_file_can_have_is_refused():
    with pytest.raises((InvalidInputError, ValueError), match="path must"):
        Ledger("a\0b")


@pytest.mark.parametrize("left", [0.95, 0.5, 0.1, None])
def test_a_log_that_was_cut_or_removed_after_a_kill_is_missed(tmp_path, left):
    with grown(tmp_path / "models.ledger"):
        shutil.copytree(tmp_path, tmp_path / "killed")
    path = tmp_path / "killed" / "models.ledger"
    log = path.with_name("models.ledger-wal")
    kept = log.read_bytes()
    if left is None:
        log.unlink()
    else:
        log.write_bytes(kept[: int(left * len(kept))])
    for verify in (True, False):
        with pytest.raises(DamagedLedger, match="wal file of the ledger was cut or removed"):
            Ledger(path, verify=verify)
    log.write_bytes(kept)
    with Ledger(path) as again:
        assert len(again) == 40
    assert not log.exists()
    with Ledger(path) as again:
        assert len(again) == 40


def test_an_index_of_another_log_proves_nothing(tmp_path):
    with grown(tmp_path / "models.ledger") as ledger:
        (tmp_path / "old").write_bytes((tmp_path / "models.ledger-shm").read_bytes())
        head = ledger.head
    (tmp_path / "old").rename(tmp_path / "models.ledger-shm")
    (tmp_path / "models.ledger-wal").write_bytes(b"")
    with Ledger(tmp_path / "models.ledger") as again:
        assert again.verify(head)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "no SQLite"), (b"PK", "no SQLite"), (None, "cut: 300 bytes")]
)
def test_what_is_no_ledger_is_told_from_one_that_was_cut(tmp_path, content, words):
    path = tmp_path / "models.ledger"
    if content is None:
        Ledger(path).close()
        content = path.read_bytes()[:300]
    path.write_bytes(content)
    with pytest.raises(DamagedLedger, match=words):
        Ledger(path)
