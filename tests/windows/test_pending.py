"""Predictions and labels: what is counted as what, also with many threads."""

import pickle
import sys
import threading
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.windows import PendingLabels


def told(pending):
    return {reason: n for reason, n in pending.counts.items() if n}


def test_a_label_is_answered_once():
    pending = PendingLabels(5)
    pending.put("k", (1, 2))
    assert "k" in pending
    assert pending.pop("k") == (1, 2)
    assert pending.pop("k") is None
    assert pending.pop("never seen") is None
    assert told(pending) == {"answered": 1, "repeated": 1, "unknown": 1}


def test_the_first_put_goes_first_when_full_and_its_label_is_late():
    pending = PendingLabels(2)
    for key in "abc":
        pending.put(key, key)
    assert list(pending) == ["b", "c"]
    assert pending.pop("a") is None
    assert told(pending) == {"evicted": 1, "late": 1}


def test_a_row_waits_for_exactly_max_age():
    pending = PendingLabels(5, max_age=timedelta(hours=1))
    noon = datetime(2024, 1, 1, 12)
    pending.put("just", 1, at=noon)
    pending.put("over", 2, at=noon)
    assert pending.pop("just", at=noon + timedelta(hours=1)) == 1
    assert pending.pop("over", at=noon + timedelta(hours=1, microseconds=1)) is None
    assert told(pending) == {"answered": 1, "expired": 1, "late": 1}


def test_a_row_that_is_too_old_when_room_is_made_expired():
    pending = PendingLabels(1, max_age=10)
    pending.put("old", 1, at=0)
    pending.put("young", 2, at=11)
    pending.put("next", 3, at=12)
    assert told(pending) == {"expired": 1, "evicted": 1}


def test_a_wrong_time_harms_only_its_own_row():
    pending = PendingLabels(5, max_age=10)
    pending.put("good", 1, at=0)
    pending.put("bogus", 2, at=1e9)
    assert pending.pop("bogus", at=2e9) is None
    assert pending.pop("good", at=5) == 1


def test_expire_finds_old_rows_wherever_they_stand():
    pending = PendingLabels(10, max_age=10)
    pending.put_many(list("abcd"), [1, 2, 3, 4], at=[5, 20, 3, 18])
    assert pending.expire(at=16) == 2
    assert list(pending) == ["b", "d"]
    assert pending.expire(at=29) == 1
    assert list(pending) == ["b"]


def test_a_key_that_is_put_again_waits_again_with_its_last_row():
    pending = PendingLabels(5, max_age=10)
    pending.put("k", "first", at=0)
    pending.put("other", "row", at=1)
    pending.put("k", "second", at=8)
    assert list(pending) == ["other", "k"]
    assert pending.pop("k", at=15) == "second"
    pending.put("k", "third", at=20)
    assert pending.pop("k", at=21) == "third"
    assert told(pending) == {"replaced": 1, "answered": 2}


def test_a_row_may_be_anything_even_none():
    pending = PendingLabels(5)
    pending.put("none", None)
    assert "none" in pending
    assert pending.pop("none") is None
    assert told(pending) == {"answered": 1}


def test_arrays_are_copied_on_the_way_in():
    pending = PendingLabels(5)
    row, block = np.zeros(2), np.zeros((2, 2))
    pending.put("a", row)
    pending.put_many(["b", "c"], block)
    row[:] = block[:] = 7
    assert [each.tolist() for each in pending.pop_many(["a", "b", "c"])] == [[0, 0]] * 3


def test_one_row_left_of_a_block_does_not_keep_the_block():
    pending = PendingLabels(10)
    pending.put_many(range(1000), np.zeros((1000, 1000)))
    assert all(pending.pop(key).base is None for key in range(990, 1000))


def test_the_last_answered_keys_are_remembered_and_not_for_ever():
    pending = PendingLabels(100)
    for key in range(1000):
        pending.put(key, key)
        pending.pop(key)
    assert pending.pop_many(range(900, 1000)) == [None] * 100
    assert told(pending) == {"answered": 1000, "repeated": 100}
    pending.pop_many(range(800))
    assert told(pending) == {"answered": 1000, "repeated": 100, "unknown": 800}


def test_nothing_is_remembered_of_forgotten_keys():
    pending = PendingLabels(5)
    pending.put_many(["a", "b"], [1, 2])
    pending.pop("a")
    assert pending.forget(["a", "b", "never"]) == 1
    assert pending.pop_many(["a", "b"]) == [None, None]
    assert told(pending) == {"answered": 1, "unknown": 2}


def test_counts_are_a_copy():
    pending = PendingLabels(5)
    before = pending.counts
    before["answered"] = 99
    pending.pop("k")
    assert told(pending) == {"unknown": 1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.put([], 1, at=0), "key must be hashable, got []"),
        (lambda p: p.pop({}, at=0), "key must be hashable, got {}"),
        (lambda p: p.put("k", 1), "at must be given, as there is a max_age, got None"),
        (lambda p: p.pop("k"), "at must be given, as there is a max_age, got None"),
        (lambda p: p.expire(), "at must be given, as there is a max_age, got None"),
        (lambda p: p.put_many("ab", [1, 2], at=0), "keys must be a collection of keys, got"),
        (lambda p: p.put_many(["a"], [1, 2], at=0), "keys and rows must have the same length"),
        (lambda p: p.put_many(["a", []], [1, 2], at=0), "keys must be hashable, got []"),
        (lambda p: p.put_many(["a"], pd.DataFrame({"a": [1]}), at=0), "rows must be an array or an iterable"),
        (
            lambda p: p.put_many(["a"], {"a": 1}, at=0),
            "rows must be an array or an iterable of rows, got dict",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(call, message):
    pending = PendingLabels(5, max_age=10)
    pending.put("there", 1, at=0)
    before = pickle.dumps(pending)
    with pytest.raises(InvalidInputError) as caught:
        call(pending)
    assert message in str(caught.value)
    assert pickle.dumps(pending) == before


@pytest.mark.parametrize("max_age", [0, -1, "2d", float("nan"), timedelta(0)])
def test_max_age_is_a_length_of_time(max_age):
    with pytest.raises(InvalidParameterError, match="max_age must be"):
        PendingLabels(5, max_age=max_age)


def test_without_max_age_nothing_expires():
    pending = PendingLabels(5)
    pending.put("k", 1, at="whatever")
    assert pending.expire(at=1e9) == 0
    assert pending.pop("k") == 1


class SlowKey:
    """A key whose comparison stops until it is told to go on: whoever compares it holds the lock."""

    def __init__(self):
        self.compared, self.go_on = threading.Event(), threading.Event()

    def __hash__(self):
        return 1

    def __eq__(self, other):
        self.compared.set()
        return self.go_on.wait(60) and self is other


@pytest.mark.parametrize(
    "call",
    [
        lambda p: p.put("k", 1),
        lambda p: p.put_many(["k"], [1]),
        lambda p: p.pop("k"),
        lambda p: p.pop_many(["k"]),
        lambda p: p.expire(),
        lambda p: p.forget(["k"]),
        lambda p: p.clear(),
        lambda p: p.counts,
        lambda p: "k" in p,
        list,
        pickle.dumps,
    ],
)
def test_nobody_gets_in_while_a_row_is_put(call):
    pending, key = PendingLabels(5), SlowKey()
    pending.put(1, "row")  # of the same hash, so that the keys must be compared
    writer = threading.Thread(target=pending.put, args=(key, "row"))
    writer.start()
    assert key.compared.wait(60)
    other = threading.Thread(
        target=lambda: call(pending) if call is not pickle.dumps else pending.__getstate__()
    )
    other.start()
    other.join(0.05)
    kept_out = other.is_alive()
    key.go_on.set()
    for thread in (writer, other):
        thread.join(60)
    assert kept_out


@pytest.fixture
def hurried_threads():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hurried_threads")
def test_eight_threads_lose_and_double_nothing():
    n, pending = 2000, PendingLabels(size=1500, max_age=1_000_000)
    answers, errors = [[] for _ in range(4)], []

    def guarded(work, *arguments):
        try:
            work(*arguments)
        except Exception as error:
            errors.append(error)

    def predict(part):
        for key in range(part, 4 * n, 4):
            pending.put(key, key, at=key)

    def learn(part):  # each label is delivered by two threads, in single calls and in blocks
        for start in range(0, 4 * n, 100):
            keys = [key for key in range(start, start + 100) if key % 2 == part % 2]
            found = (
                pending.pop_many(keys, at=start) if part < 2 else [pending.pop(key, at=start) for key in keys]
            )
            answers[part] += [row for row in found if row is not None]
            len(pending), list(pending), pickle.dumps(pending.counts)

    threads = [
        threading.Thread(target=guarded, args=(work, part)) for work in (predict, learn) for part in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    given = [row for rows in answers for row in rows]
    counts = pending.counts
    assert len(given) == len(set(given)) == counts["answered"]
    assert counts["answered"] + counts["evicted"] + counts["expired"] + len(pending) == 4 * n
    assert counts["answered"] + counts["repeated"] + counts["unknown"] + counts["late"] == 8 * n
