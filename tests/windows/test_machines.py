"""Every window against a plain list, in whatever order its methods are called."""

import copy
import pickle

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from contlearn.windows import PendingLabels, Reservoir, SlidingWindow, TimeWindow

SETTINGS = settings(derandomize=True, deadline=None, max_examples=100, stateful_step_count=40)
IDS = st.none() | st.integers(0, 5)
KINDS = {
    "array": lambda n: np.array([n, n + 0.5]),
    "scalar": np.int64,
    "image": lambda n: np.full((2, 3), n, np.float32),
    "object": lambda n: {"n": n},
}


def plain(rows):
    """What a window returned, as a list of comparable rows."""
    return [row.tolist() if isinstance(row, (np.ndarray, np.generic)) else row for row in rows]


class Machine(RuleBasedStateMachine):
    """What all windows share: numbered rows of one kind, and snapshots that must never change."""

    def start(self, kind):
        self.make = KINDS[kind]
        self.kind = kind
        self.n = 0
        self.snapshots = []

    def row(self):
        self.n += 1
        return self.make(self.n)

    def expected(self, rows):
        return plain(rows)

    @rule()
    def look(self):
        rows = self.window.rows()
        self.snapshots = [*self.snapshots[-5:], (rows, copy.deepcopy(rows))]

    @rule(way=st.sampled_from([copy.copy, copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))]))
    def replace_by_a_copy(self, way):
        before = plain(self.window.rows())
        self.original = self.window
        self.window = way(self.window)
        self.original.append(self.row(), **self.extra())  # must not write into the copy
        assert plain(self.window.rows()) == before

    def extra(self):
        return {}

    @invariant()
    def nothing_returned_has_changed(self):
        for seen, kept in getattr(self, "snapshots", []):
            assert plain(seen) == plain(kept)

    def check_form(self, rows):
        if self.kind == "object" or not self.n or isinstance(rows, list):
            assert isinstance(rows, list)
        else:
            assert rows.flags.c_contiguous
            assert not rows.flags.writeable
            assert rows.dtype == self.make(0).dtype
            assert rows.shape[1:] == np.shape(self.make(0))


class Sliding(Machine):
    @initialize(kind=st.sampled_from(sorted(KINDS)), size=st.integers(1, 7))
    def begin(self, kind, size):
        self.start(kind)
        self.size = size
        self.window = SlidingWindow(size)
        self.model = []  # (row, id)

    @rule(name=IDS)
    def append(self, name):
        row = self.row()
        self.model.append((copy.deepcopy(row), name))
        assert self.window.append(row, name) is None
        if isinstance(row, np.ndarray):
            row[:] = -1

    @rule(n=st.integers(0, 200), named=st.booleans(), block=st.booleans())
    def extend(self, n, named, block):
        rows = [self.row() for _ in range(n)]
        ids = [i % 6 for i in range(n)] if named else None
        self.model += zip(copy.deepcopy(rows), ids or [None] * n, strict=True)
        self.window.extend(np.array(rows) if block and n and self.kind != "object" else rows, ids)

    @rule(ids=st.sets(st.integers(0, 5)))
    def forget(self, ids):
        self.model = self.model[-self.size :]
        kept = [(row, name) for row, name in self.model if name not in ids]
        assert self.window.forget(ids) == len(self.model) - len(kept)
        self.model = kept

    @rule()
    def clear(self):
        self.window.clear()
        self.model = []

    @invariant()
    def holds_the_last_rows(self):
        if not hasattr(self, "model"):
            return
        self.model = self.model[-self.size :]
        expected = plain(row for row, _ in self.model)
        assert plain(self.window.rows()) == expected
        assert plain(self.window) == expected
        assert len(self.window) == len(expected)
        self.check_form(self.window.rows())


class Timed(Machine):
    @initialize(
        kind=st.sampled_from(sorted(KINDS)),
        size=st.integers(1, 12),
        duration=st.sampled_from([1, 5, 12.5]),
        lateness=st.sampled_from([0, 2, 30]),
    )
    def begin(self, kind, size, duration, lateness):
        self.start(kind)
        self.size, self.duration, self.lateness = size, duration, lateness
        self.window = TimeWindow(duration, lateness, size)
        self.model = []  # (at, arrival, row, id)
        self.newest = None
        self.counts = dict.fromkeys(("added", "late", "dropped", "evicted"), 0)

    def model_append(self, row, at, name):
        if self.newest is None or at >= self.newest:
            self.newest, outcome = at, "added"
        elif self.newest - at > self.lateness or self.newest - at >= self.duration:
            outcome = "dropped"
        else:
            outcome = "late"
        if outcome != "dropped":
            self.model.append((at, self.n, row, name))
            self.n += 1
        self.model = sorted(entry for entry in self.ages() if self.newest - entry[0] < self.duration)
        if len(self.model) > self.size:
            del self.model[0]
            self.counts["evicted"] += 1
        self.counts[outcome] += 1
        return outcome

    def ages(self):
        return [Entry(entry) for entry in self.model]

    @rule(step=st.integers(-6, 4), name=IDS)
    def append(self, step, name):
        at = (self.newest or 0) + step
        row = self.row()
        expected = self.model_append(copy.deepcopy(row), at, name)
        assert self.window.append(row, name, at=at) == expected
        if isinstance(row, np.ndarray):
            row[:] = -1

    @rule(
        steps=st.lists(st.integers(-6, 4), max_size=40),
        sort=st.booleans(),
        named=st.booleans(),
        form=st.sampled_from([list, np.array, lambda at: np.array(at, float)]),
    )
    def extend(self, steps, sort, named, form):
        steps = [max(0, step) for step in steps] if sort else steps
        base = self.newest or 0
        at = [base + int(offset) for offset in np.cumsum(np.array(steps, int) // (1 if sort else 2))]
        rows = [self.row() for _ in at]
        ids = [i % 6 for i in range(len(at))] if named else None
        outcomes = [
            self.model_append(copy.deepcopy(row), when, name)
            for row, when, name in zip(rows, at, ids or [None] * len(at), strict=True)
        ]
        block = np.array(rows) if self.kind != "object" and rows else rows
        assert self.window.extend(block, ids, at=form(at)) == {
            outcome: outcomes.count(outcome) for outcome in ("added", "late", "dropped")
        }

    @rule(step=st.integers(-3, 6))
    def expire(self, step):
        at = (self.newest or 0) + step
        self.newest = at if self.newest is None else max(at, self.newest)
        kept = [entry for entry in self.model if self.newest - entry[0] < self.duration]
        assert self.window.expire(at=at) == len(self.model) - len(kept)
        self.model = kept

    @rule(ids=st.sets(st.integers(0, 5)))
    def forget(self, ids):
        kept = [entry for entry in self.model if entry[3] not in ids]
        assert self.window.forget(ids) == len(self.model) - len(kept)
        self.model = kept

    @rule()
    def clear(self):
        self.window.clear()
        self.model, self.newest = [], None
        self.counts = dict.fromkeys(self.counts, 0)

    def extra(self):
        return {"at": 1000}

    @invariant()
    def counts_agree(self):
        if hasattr(self, "counts"):
            assert self.window.counts == self.counts
            assert len(self.window) == len(self.model)

    # not after every step: late rows then wait, as they would for a user who does not look
    @rule()
    def holds_the_rows_in_order_of_time(self):
        rows = self.window.rows()
        assert plain(rows) == plain(entry[2] for entry in self.model)
        assert plain(self.window) == plain(rows)
        self.check_form(rows)


class Entry(tuple):
    """Sorts by time, then by arrival."""

    def __lt__(self, other):
        return self[:2] < other[:2]


class Sampled(Machine):
    """The rows with the smallest of the numbers that the seed draws, row by row."""

    @initialize(kind=st.sampled_from(sorted(KINDS)), size=st.integers(1, 7), seed=st.integers(0, 3))
    def begin(self, kind, size, seed):
        self.start(kind)
        self.size, self.seed = size, seed
        self.window = Reservoir(size, seed)
        self.restart()

    def restart(self):
        self.keys = np.random.default_rng(self.seed)
        self.model = []  # (key, arrival, row, id) of all below the limit when rows were last forgotten
        self.seen = 0
        self.limit = 1.0

    def show(self, row, name):
        key = self.keys.random()
        self.seen += 1
        if key < self.limit:
            self.model.append((key, self.seen, row, name))

    def sample(self):
        smallest = sorted(self.model, key=lambda entry: entry[0])[: self.size]
        return sorted(smallest, key=lambda entry: entry[1])

    @rule(name=IDS)
    def append(self, name):
        row = self.row()
        self.show(copy.deepcopy(row), name)
        self.window.append(row, name)
        if isinstance(row, np.ndarray):
            row[:] = -1

    @rule(n=st.integers(0, 60), named=st.booleans())
    def extend(self, n, named):
        rows = [self.row() for _ in range(n)]
        ids = [i % 6 for i in range(n)] if named else None
        for row, name in zip(rows, ids or [None] * n, strict=True):
            self.show(copy.deepcopy(row), name)
        self.window.extend(np.array(rows) if n and self.kind != "object" else rows, ids)

    @rule(ids=st.sets(st.integers(0, 5), max_size=3))
    def forget(self, ids):
        sample = self.sample()
        kept = [entry for entry in sample if entry[3] not in ids]
        assert self.window.forget(ids) == len(sample) - len(kept)
        if len(kept) < len(sample):
            if len(self.model) > self.size:
                last, following = sorted(entry[0] for entry in self.model)[self.size - 1 : self.size + 1]
                self.limit = last + (following - last) * self.size / len(self.model)
            self.model = kept

    @rule()
    def clear(self):
        self.window.clear()
        self.restart()

    @invariant()
    def length_agrees(self):
        if hasattr(self, "model"):
            assert len(self.window) == len(self.sample())
            assert self.window.n_seen == self.seen

    @rule()
    def holds_the_smallest_keys_in_order_of_arrival(self):
        rows = self.window.rows()
        assert plain(rows) == plain(entry[2] for entry in self.sample())
        assert plain(self.window) == plain(rows)
        assert len(self.window.weights()) == len(rows)
        self.check_form(rows)


class Pending(RuleBasedStateMachine):
    @initialize(size=st.integers(1, 6), max_age=st.sampled_from([None, 3, 10]))
    def begin(self, size, max_age):
        self.size, self.max_age = size, max_age
        self.pending = PendingLabels(size, max_age)
        self.restart()

    def restart(self):
        self.model = {}  # key -> (row, at), in the order in which they were put
        self.remembered = []  # (key, reason), newest last
        self.counts = dict.fromkeys(self.pending.counts, 0)

    def old(self, since, at):
        return self.max_age is not None and at - since > self.max_age

    def model_put(self, key, row, at):
        if key in self.model:
            del self.model[key]
            self.counts["replaced"] += 1
        elif len(self.model) == self.size:
            oldest = next(iter(self.model))
            self.counts["expired" if self.old(self.model.pop(oldest)[1], at) else "evicted"] += 1
            self.remembered.append((oldest, "late"))
        self.model[key] = (row, at)

    def model_pop(self, key, at):
        if key in self.model:
            row, since = self.model.pop(key)
            reason = "late" if self.old(since, at) else "repeated"
            self.remembered.append((key, reason))
            for count in ("expired", "late") if reason == "late" else ("answered",):
                self.counts[count] += 1
            return None if reason == "late" else row
        recent = [reason for k, reason in self.remembered if k == key][-1:]
        self.counts[recent[0] if recent else "unknown"] += 1
        return None

    # few, so that they come again and again
    keys = st.integers(0, 3)
    times = st.integers(0, 15)

    @rule(key=keys, at=times)
    def put(self, key, at):
        self.model_put(key, ("row", at), at)
        assert self.pending.put(key, ("row", at), at=at) is None

    @rule(entries=st.lists(st.tuples(keys, times)))
    def put_many(self, entries):
        for key, at in entries:
            self.model_put(key, at, at)
        at = [at for _, at in entries]
        assert self.pending.put_many([key for key, _ in entries], at, at=np.array(at, int)) is None

    @rule(key=keys, at=times)
    def pop(self, key, at):
        assert self.pending.pop(key, at=at) == self.model_pop(key, at)

    @rule(entries=st.lists(st.tuples(keys, times)))
    def pop_many(self, entries):
        expected = [self.model_pop(key, at) for key, at in entries]
        assert self.pending.pop_many([key for key, _ in entries], at=[at for _, at in entries]) == expected

    @rule(at=times)
    def expire(self, at):
        old = [key for key, (_, since) in self.model.items() if self.old(since, at)]
        assert self.pending.expire(at=at) == len(old)
        self.counts["expired"] += len(old)
        for key in old:
            del self.model[key]
            self.remembered.append((key, "late"))

    @rule(keys=st.sets(keys))
    def forget(self, keys):
        gone = [key for key in keys if self.model.pop(key, None)]
        assert self.pending.forget(keys) == len(gone)
        self.remembered = [(key, reason) for key, reason in self.remembered if key not in keys]

    @rule()
    def clear(self):
        self.pending.clear()
        self.restart()

    @rule(way=st.sampled_from([copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]))
    def replace_by_a_copy(self, way):
        original, self.pending = self.pending, way(self.pending)
        original.put("only in the original", 0, at=0)

    @precondition(lambda self: self.size >= 4)
    @rule()
    def counts_agree(self):
        # with four keys and room for four in memory, nothing that has gone is ever forgotten
        assert self.pending.counts == self.counts

    @invariant()
    def the_same_rows_wait(self):
        if hasattr(self, "model"):
            assert list(self.pending) == list(self.model)
            assert len(self.pending) == len(self.model) <= self.size
            assert all((key in self.pending) == (key in self.model) for key in range(4))
            row_counts = ("answered", "evicted", "expired", "replaced")
            assert all(self.pending.counts[name] == self.counts[name] for name in row_counts)


TestSliding = Sliding.TestCase
TestTimed = Timed.TestCase
TestSampled = Sampled.TestCase
TestPending = Pending.TestCase
TestSliding.settings = TestTimed.settings = TestSampled.settings = TestPending.settings = SETTINGS
