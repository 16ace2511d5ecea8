"""A file that was changed, cut, or is something else: refused with a clear error, and left as it is."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest

from contlearn.exceptions import DamagedLedger, LedgerError
from contlearn.ledger import Ledger, _audit, _file, _schema, read_json_lines
from contlearn.ledger._entry import digest_of
from contlearn.policies import Evidence
from contlearn.results import Decision, DriftResult, DriftState

ANSWERS = [Decision(i % 3 == 0, f"reason {i} " + "x" * (40 * i % 700)) for i in range(60)]


def filled(path, answers=ANSWERS):
    with Ledger(path) as ledger:
        for i, answer in enumerate(answers):
            ledger.record(answer, at=i, evidence=Evidence(n_labels=i), model_id="ü" if i % 2 else None)
        return ledger.head


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Return the bytes of a ledger: small entries, and some that need pages of their own."""
    path = tmp_path_factory.mktemp("sound") / "models.ledger"
    parts = {f"column {i}": DriftResult(state=DriftState.STABLE, remarks=("y" * 900,)) for i in range(120)}
    filled(path, [*ANSWERS, DriftResult(state=DriftState.STABLE, parts=parts), *ANSWERS])
    return path.read_bytes()


def state_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(path, error=DamagedLedger, match="ledger"):
    before = state_of(path.parent)
    with pytest.raises(error, match=match):
        Ledger(path)
    assert state_of(path.parent) == before


def entries_of(image):
    return _audit.audit(_audit.Seen(bytes(image)))


def flips(image, n, seed):
    """Yield positions with another byte for each: the header, what is declared, and at random beyond."""
    rng = random.Random(seed)
    for position in [*range(100), *range(32768 - 450, 32768), *rng.sample(range(len(image)), n)]:
        yield position, image[position] ^ rng.choice([1, rng.randint(1, 255)])


def test_a_flipped_byte_anywhere_is_found(sound):
    assert len(entries_of(sound)) == 2 * len(ANSWERS) + 2
    for position, byte in flips(sound, 1_000, seed=0):
        image = bytearray(sound)
        image[position] = byte
        with pytest.raises((DamagedLedger, LedgerError)):
            entries_of(image)


@pytest.mark.parametrize("page_size", [512, 4096])
def test_a_ledger_of_many_small_pages_is_sound_and_its_entries_are_guarded(tmp_path, monkeypatch, page_size):
    """Trees as deep as those of ledgers of gigabytes, and records of every length around the limits."""
    monkeypatch.setattr(_file, "_PAGE_SIZE", page_size)
    path = tmp_path / "models.ledger"
    with Ledger(path) as ledger:
        ledger._store._connection.execute("PRAGMA synchronous = OFF")
        for length in range(0, 3 * page_size, 1 + page_size // 400):
            ledger.record({"x": "y" * length})
            assert length % 50 or ledger.verify()
    image = bytearray(path.read_bytes())
    rng = random.Random(0)
    for number in rng.sample(range(len(image) // page_size), 150):
        start = number * page_size
        if number and image[start] != 5:  # no page of pointers: those may keep bytes that nothing reads
            position = start + rng.randrange(page_size)
            image[position] ^= 1
            with pytest.raises(DamagedLedger):
                entries_of(image)
            image[position] ^= 1


@pytest.mark.calibration
def test_a_flipped_bit_in_every_byte_of_two_hundred_entries_is_found(tmp_path):
    path = tmp_path / "models.ledger"
    filled(path, [Decision(True, "drift")] * 200)
    image = bytearray(path.read_bytes())
    rng = random.Random(0)
    missed = []
    for position in rng.sample(range(len(image)), 5_000):
        flipped = 1 << rng.randrange(8)
        image[position] ^= flipped
        try:
            entries_of(image)
            missed.append(position)
        except (DamagedLedger, LedgerError):
            pass
        image[position] ^= flipped
    assert missed == []


def test_a_changed_file_is_refused_and_left_as_it_is(sound, tmp_path):
    path = tmp_path / "models.ledger"
    for position, byte in [*flips(sound, 20, seed=1)][::8]:
        image = bytearray(sound)
        image[position] = byte
        path.write_bytes(image)
        refused(path, (DamagedLedger, LedgerError))
    path.write_bytes(sound)
    with Ledger(path) as ledger:
        assert ledger.verify()


def test_a_changed_entry_is_named_whoever_reads_it(sound, tmp_path):
    path = tmp_path / "models.ledger"
    path.write_bytes(sound.replace(b"reason 17 ", b"reason 18 ", 1))
    refused(path, match=r"models\.ledger: entry 18 of the ledger was changed")
    with Ledger(path, verify=False) as ledger:
        assert ledger.history(limit=17)[16].answer == ANSWERS[16]
        for ask in (ledger.verify, ledger.history, ledger.evidence):
            with pytest.raises(DamagedLedger, match="entry 18"):
                ask()


def test_a_file_changed_while_it_is_open_is_found(tmp_path):
    path = tmp_path / "models.ledger"
    with Ledger(path) as ledger:
        ledger.record(ANSWERS[0])
        with sqlite3.connect(path) as other:
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute("UPDATE entries SET text = 'x'")
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute("DELETE FROM entries")
            other.execute("DROP TRIGGER no_update")
            other.execute("UPDATE entries SET model_id = 'x' WHERE id = 1")
        other.close()
        for ask in (ledger.verify, ledger.history, lambda: ledger.record(ANSWERS[0]), lambda: ledger.head):
            with pytest.raises(DamagedLedger):
                ask()


def forge(path, statements):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TRIGGER no_update")
    connection.execute("DROP TRIGGER no_delete")
    for statement, values in statements:
        connection.execute(statement, values)
    for statement in _schema.ONLY_APPENDED:
        connection.execute(statement)
    connection.close()


def test_a_removed_entry_and_a_cut_end_are_found(tmp_path):
    path = tmp_path / "models.ledger"
    head = filled(path)
    with Ledger(path) as ledger:
        middle = ledger.history()[30].digest
    shutil.copy(path, tmp_path / "cut")
    forge(path, [("DELETE FROM entries WHERE id = 9", ())])
    with Ledger(path, verify=False) as ledger, pytest.raises(DamagedLedger):
        ledger.verify()
    with sqlite3.connect(tmp_path / "cut") as connection:
        rows = connection.execute("SELECT * FROM entries WHERE id BETWEEN 1 AND 50 ORDER BY id").fetchall()
    connection.close()
    with Ledger(
        tmp_path / "shorter"
    ) as ledger:  # the same entries, but the last ones: a chain without a flaw
        connection = ledger._store._connection
        connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
        assert ledger.verify()
        assert ledger.verify(middle)
        with pytest.raises(DamagedLedger, match="50 entries are left"):
            ledger.verify(head)


def test_a_forged_chain_is_found_by_the_head_that_was_noted(tmp_path):
    """Who may write to the file can write another story, but none that ends in the same digest."""
    path = tmp_path / "models.ledger"
    head = filled(path, ANSWERS[:3])
    with Ledger(path) as ledger:
        rows = [tuple(row) for row in ledger._store.rows("id > 0")]
        previous = ledger.history(after=-1)[0].digest
    with Ledger(tmp_path / "forged") as ledger:
        for id_, kind, at, model_id, text, _ in rows:
            text = text.replace("reason 1", "reason X")
            previous = digest_of(previous, id_, kind, at, model_id, text)
            row = (id_, kind, at, model_id, text, previous)
            ledger._store._connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", row)
        assert ledger.verify()
        with pytest.raises(DamagedLedger, match="none with digest"):
            ledger.verify(head)


def test_what_is_no_ledger_is_refused(tmp_path, sound):
    path = tmp_path / "models.ledger"
    foreign = tmp_path / "foreign"
    with sqlite3.connect(foreign) as other:
        other.execute("CREATE TABLE entries (id)")
    other.close()
    contents = {
        "empty": b"",
        "text": b"id,kind\n" * 100,
        "short": sound[:60],
        "header": sound[:100],
        "cut": sound[:-1],
        "page": sound[:-32768],
        "longer": sound + bytes(32768),
        "zeros": bytes(65536),
        "foreign": foreign.read_bytes(),
    }
    for content in contents.values():
        path.write_bytes(content)
        refused(path, match="ledger")
    with pytest.raises(LedgerError, match="folder"):
        Ledger(tmp_path)
    with pytest.raises(LedgerError, match="No such file"):
        Ledger(tmp_path / "nowhere" / "models.ledger")
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger(path / "below a file")
    assert not list(tmp_path.glob(".*"))


def test_what_lies_beside_a_ledger_is_not_taken_for_its_own(tmp_path, sound):
    path = tmp_path / "models.ledger"
    (tmp_path / "models.ledger-wal").write_bytes(b"of an older file")
    refused(path, LedgerError, "put the file back")
    (tmp_path / "models.ledger-wal").unlink()
    path.write_bytes(sound)
    (tmp_path / "models.ledger-journal").write_bytes(b"x" * 600)
    refused(path, LedgerError, "journal of something else")


def test_a_locked_file_says_so_in_time(tmp_path):
    path = tmp_path / "models.ledger"
    filled(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Ledger(path, timeout=0.05) as ledger:
        with pytest.raises(LedgerError, match="locked"):
            ledger.record(ANSWERS[0])
        assert len(ledger.history()) == len(ANSWERS)
        other.execute("ROLLBACK")
        other.close()
        ledger.record(ANSWERS[0])
        assert ledger.verify()


def test_a_file_that_was_removed_or_replaced_is_not_written_to(tmp_path):
    path = tmp_path / "models.ledger"
    with Ledger(path) as ledger:
        path.rename(tmp_path / "moved")
        with pytest.raises(LedgerError, match="removed or replaced"):
            ledger.record(ANSWERS[0])


def older(path):
    """Write a ledger as the first layout had it: without the triggers."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA page_size = 32768")
    connection.execute(f"PRAGMA application_id = {_schema.APPLICATION_ID}")
    connection.execute(_schema.TABLE)
    connection.execute("PRAGMA user_version = 1")
    rows = [
        _schema.append(connection, _schema.SOFTWARE, None, None, _schema._software()),
        _schema.append(connection, "note", "3.0", None, '{"answer":{"old":true}}'),
    ]
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return rows[-1][-1]


def test_an_older_layout_is_brought_up_to_date_with_the_same_chain(tmp_path):
    path = tmp_path / "models.ledger"
    digest = older(path)
    assert len(entries_of(path.read_bytes())) == 2
    with Ledger(path) as ledger:
        assert ledger.head == digest
        assert ledger.history()[0].answer == {"old": True}
        ledger.record(ANSWERS[0])
        assert ledger.verify(digest)
    header = path.read_bytes()[:100]
    assert int.from_bytes(header[60:64], "big") == _schema.VERSION == 2
    with sqlite3.connect(path) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute("DELETE FROM entries")
    other.close()


def test_a_newer_layout_is_refused(tmp_path):
    path = tmp_path / "models.ledger"
    filled(path)
    image = bytearray(path.read_bytes())
    image[60:64] = (_schema.VERSION + 1).to_bytes(4, "big")
    path.write_bytes(image)
    refused(path, LedgerError, "newer contlearn")


def test_another_version_of_sqlite_says_that_it_writes_from_here_on(tmp_path, monkeypatch):
    path = tmp_path / "models.ledger"
    filled(path, ANSWERS[:2])
    monkeypatch.setattr(_schema, "_software", lambda: '{"contlearn":"9.9","sqlite":"3.99.0"}')
    with Ledger(path) as ledger:
        assert [entry.kind for entry in ledger.history()] == ["decision", "decision", "software"]
        assert ledger.verify()
    with Ledger(path) as ledger:
        assert len(ledger) == 3


WRITER = """
import os, signal, sys
from contlearn.ledger import Ledger
from contlearn.results import Decision
ledger = Ledger(sys.argv[1])
for i in range(int(sys.argv[2])):
    ledger.record(Decision(True, "x" * 200), at=i)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return a folder as a kill has left it: with six entries in the log."""
    folder = tmp_path_factory.mktemp("killed")
    run = subprocess.run([sys.executable, "-c", WRITER, str(folder / "models.ledger"), "6"], check=False)
    assert run.returncode == -signal.SIGKILL
    return folder


needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal here")


@needs_kill
def test_a_flipped_byte_in_the_log_that_a_kill_left_undoes_nothing_in_silence(killed, tmp_path):
    """SQLite takes a frame whose checksum is wrong for the end of its log, and goes on without the rest."""
    files = state_of(killed)
    log = files["models.ledger-wal"]
    assert len(log) > 6 * 32768
    rng = random.Random(0)
    path = tmp_path / "models.ledger"
    frames = range(32, len(log), 24 + 32768)
    positions = [*range(32), *frames, *(start + 4 for start in frames), *rng.sample(range(len(log)), 20)]
    for position in positions:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        changed = bytearray(log)
        changed[position] ^= rng.randint(1, 255)
        (tmp_path / "models.ledger-wal").write_bytes(changed)
        refused(path, match="-wal file of the ledger was changed")
    (tmp_path / "models.ledger-wal").write_bytes(log)
    with Ledger(path) as ledger:
        assert len(ledger) == 6
        assert ledger.verify()


@needs_kill
def test_a_write_that_a_kill_cut_short_is_no_damage(killed, tmp_path):
    files, path = state_of(killed), tmp_path / "models.ledger"
    log, frame = files["models.ledger-wal"], 24 + 32768
    for left in (0, 10, 32, 32 + 24, 32 + frame - 1, 32 + frame, 32 + 3 * frame + 5000):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        (tmp_path / "models.ledger-shm").unlink()  # it would count only what was written in full
        (tmp_path / "models.ledger-wal").write_bytes(log[:left])
        with Ledger(path) as ledger:
            assert len(ledger) == max(0, left - 32) // frame
            assert ledger.verify()


def test_lines_of_json_are_followed_like_the_file(tmp_path):
    path = tmp_path / "models.ledger"
    head = filled(path, ANSWERS[:9])
    with Ledger(path) as ledger:
        ledger.to_json_lines(tmp_path / "copy.jsonl")
        entries = ledger.history()
    lines = (tmp_path / "copy.jsonl").read_text(encoding="utf-8").splitlines()
    assert read_json_lines(tmp_path / "copy.jsonl", head)[1:] == entries
    assert read_json_lines(lines)[1:] == entries
    rng = random.Random(0)
    for _ in range(200):
        number = rng.randrange(len(lines))
        position = rng.randrange(len(lines[number]))
        changed = lines[number][:position] + chr(rng.randrange(33, 127)) + lines[number][position + 1 :]
        if changed != lines[number]:
            with pytest.raises(DamagedLedger, match=r"entry \d+"):
                read_json_lines([*lines[:number], changed, *lines[number + 1 :]])
    with pytest.raises(DamagedLedger, match="entry 4 is missing"):
        read_json_lines([*lines[:4], *lines[5:]])
    with pytest.raises(DamagedLedger, match="cut"):
        read_json_lines(lines[:-1], head)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_file_says_so(tmp_path):
    path = tmp_path / "models.ledger"
    filled(path)
    path.chmod(0o444)
    refused(path, LedgerError, "read-only")
