"""Killed in the middle of writing, and eight who write at once: nothing acknowledged is lost."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from contlearn.ledger import Ledger
from contlearn.results import Decision

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal here"),
    # From 3.12 on: numpy has threads. The children touch nothing of numpy.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]

CONTEXT = multiprocessing.get_context("spawn" if os.name == "nt" else "fork")


def write_until_killed(path, name, pipe):
    """Write entries for ever, and say of each, once `record` has returned, which it was.

    What was said is in the pipe before the kill, so that it was acknowledged.
    """
    ledger = Ledger(path)
    step = 0
    while True:
        ledger.record({"who": name, "step": step, "x": "y" * (step * 37 % 900)}, at=step)
        os.write(pipe, b"%d\n" % step)
        step += 1


class Writer:
    """A process that writes until it is killed."""

    def __init__(self, path, name):
        self.name = name
        self._ear, mouth = os.pipe()
        self._process = CONTEXT.Process(target=write_until_killed, args=(path, name, mouth))
        self._process.start()
        os.close(mouth)

    def kill(self):
        """Return the last step that was acknowledged."""
        assert self._process.is_alive()
        self._process.kill()
        self._process.join()
        os.set_blocking(self._ear, False)
        try:
            said = os.read(self._ear, 1_000_000)
        except BlockingIOError:
            said = b""
        os.close(self._ear)
        return max((int(line) for line in said.split()), default=-1)


def require_kept(path, acknowledged):
    """Check that the chain holds, and every step of every writer that was acknowledged is in it once."""
    with Ledger(path) as ledger:
        assert ledger.verify()
        steps = {}
        for entry in ledger.history("note"):
            steps.setdefault(entry.body["answer"]["who"], []).append(entry.body["answer"]["step"])
        assert [entry.id for entry in ledger.history()] == list(range(1, len(ledger) + 1))
    for name, last in acknowledged.items():
        found = steps.get(name, [])
        assert found == list(range(len(found)))
        assert len(found) - 1 in (last, last + 1)  # the one being written may or may not be there
    return sum(map(len, steps.values()))


def kill_often(path, n_kills, n_writers, seed):
    """Start `n_writers`, and kill and replace one after another; return how many entries there are."""
    rng = random.Random(seed)
    writers = [Writer(path, f"{i}") for i in range(n_writers)]
    acknowledged = {}
    for kill in range(n_kills):
        time.sleep(rng.uniform(0.0, 0.1))
        writer = writers.pop(0)
        acknowledged[writer.name] = writer.kill()
        if kill + n_writers < n_kills:
            writers.append(Writer(path, f"{kill + n_writers}"))
        if not writers:
            break
    return require_kept(path, acknowledged)


def test_three_writers_killed_in_the_middle_lose_nothing(tmp_path):
    assert kill_often(tmp_path / "models.ledger", n_kills=9, n_writers=3, seed=0) > 6


@pytest.mark.calibration
def test_two_hundred_kills_with_eight_writers_at_once_lose_nothing(tmp_path):
    assert kill_often(tmp_path / "models.ledger", n_kills=200, n_writers=8, seed=1) > 1_000


def test_a_kill_leaves_no_half_of_a_new_file(tmp_path):
    path = tmp_path / "models.ledger"
    for wait in (0.0, 0.02, 0.05, 0.1):
        code = f"from contlearn.ledger import Ledger; print(flush=True); Ledger({str(path)!r})"
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(wait)
        process.kill()
        process.communicate()
        assert not path.exists() or Ledger(path).verify()
        path.unlink(missing_ok=True)


def write_some(path, name, n):
    with Ledger(path) as ledger:
        for step in range(n):
            ledger.record({"who": name, "step": step})


def test_eight_processes_may_make_and_write_one_file_at_once(tmp_path):
    path = tmp_path / "models.ledger"
    processes = [CONTEXT.Process(target=write_some, args=(path, f"{i}", 15)) for i in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    assert [process.exitcode for process in processes] == [0] * 8
    assert require_kept(path, {f"{i}": 14 for i in range(8)}) == 8 * 15
    assert [each.name for each in tmp_path.iterdir()] == ["models.ledger"]


@pytest.mark.parametrize("name", [None, "models.ledger"])
def test_eight_threads_may_share_a_ledger(tmp_path, name):
    ledger, errors = Ledger(name and tmp_path / name), []
    barrier = threading.Barrier(8)

    def work(thread):
        try:
            barrier.wait(60)
            for step in range(20):
                ledger.evidence(now=step, n_labels=thread)
                ledger.record(Decision(step % 2 == 0, f"{thread}"))
                ledger.promote(f"{thread}-{step}", at=0)
                assert ledger.champion() is not None
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert ledger.verify()
    decisions = ledger.history("decision")
    assert len(decisions) == len(ledger.history("promotion")) == 160
    assert all(f"{entry.evidence.n_labels}" == entry.answer.reason for entry in decisions)
    assert len(ledger.evidence().history) == 160
    ledger.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_goes_on_with_a_connection_of_its_own(tmp_path):
    path = tmp_path / "models.ledger"
    with Ledger(path) as ledger:
        ledger.record({"who": "parent", "step": 0})

        def child():
            for step in range(5):
                ledger.record({"who": "child", "step": step})

        process = CONTEXT.Process(target=child)
        process.start()
        ledger.record({"who": "parent", "step": 1})
        process.join(60)
        assert process.exitcode == 0
        ledger.record({"who": "parent", "step": 2})
    assert require_kept(path, {"parent": 2, "child": 4}) == 8
