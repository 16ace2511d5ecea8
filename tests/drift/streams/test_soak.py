"""State that stays flat however long a stream runs, over every stream class."""

import copy
import gc
import importlib.util
import pickle
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from contlearn.drift import KS, OverTime
from contlearn.exceptions import ContlearnError

BLOCK = 2_000  # values handed over at once


def load_registry():
    path = Path(__file__).resolve().parents[2] / "registry.py"
    spec = importlib.util.spec_from_file_location("contlearn_registry_of_soak", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


registry = load_registry()
STREAMS = pytest.mark.parametrize(
    "entry", [entry for entry in registry.REGISTRY if entry.kind == registry.STREAM], ids=str
)


def losses(rng, n, loud):
    """Values between 0 and 1, on average 0.1, or 0.4 after a change."""
    return rng.random(n) ** (1.5 if loud else 9.0)


def errors(rng, n, loud):
    return (rng.random(n) < (0.4 if loud else 0.1)).astype(float)


def of_entry(entry):
    """Return a source of values that are taken from those that the law check is given."""
    quiet, shifted = entry.arguments["quiet"], entry.arguments.get("shifted", entry.arguments["quiet"])

    def drawn(rng, n, loud):
        values = shifted if loud else quiet
        rows = [values[i] for i in rng.integers(len(values), size=n)]
        named = isinstance(rows[0], dict)
        return {name: [row[name] for row in rows] for name in rows[0]} if named else rows

    return drawn


def source_of(entry):
    """Return a function that draws values which this detector takes."""
    if "quiet" in entry.arguments:
        return of_entry(entry)
    try:
        entry.make().update_many(losses(np.random.default_rng(0), 50, loud=False))
    except ContlearnError:
        return errors
    return losses


class Life:
    """A detector at work: quiet at first, until all that is bounded is full, then restless."""

    def __init__(self, entry):
        self.detector, self.draw = entry.make(), source_of(entry)
        self.rng = np.random.default_rng(0)
        self.seen = self.alarms = 0

    def go_on(self, updates, quiet=False):
        """Take in values; return the largest state on the way, in bytes."""
        largest, until = 0, self.seen + updates
        while self.seen < until:
            loud = not quiet and self.rng.random() < 0.1
            self.alarms += len(self.detector.update_many(self.draw(self.rng, BLOCK, loud)))
            self.seen += BLOCK
            largest = max(largest, len(pickle.dumps(self.detector)))
        return largest


@STREAMS
def test_state_is_no_larger_after_many_updates_than_after_some(entry):
    life = Life(entry)
    before = max(life.go_on(14_000, quiet=True), life.go_on(6_000))
    after = life.go_on(80_000)
    assert after <= 1.05 * before + 8_000  # a tenth of a byte per update


@STREAMS
def test_memory_does_not_grow_with_the_stream(entry):
    life = Life(entry)
    life.go_on(20_000)
    gc.collect()
    tracemalloc.start()
    life.go_on(6_000)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    life.go_on(24_000)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 96_000  # four bytes per update


@STREAMS
def test_asking_costs_no_memory(entry):
    """`result` and the flags may be asked after every update: nothing is kept of it."""
    life = Life(entry)
    life.go_on(4_000)
    state = pickle.dumps(life.detector)
    kept = copy.copy(life.detector.__dict__)
    for _ in range(3):
        repr(life.detector), life.detector.result, life.detector.drift_detected
    assert life.detector.__dict__.keys() == kept.keys()
    assert pickle.dumps(life.detector) == state


def test_the_state_of_over_time_does_not_grow_with_batches():
    rng = np.random.default_rng(0)
    watch = OverTime(KS()).fit(rng.normal(size=400))
    sizes = []
    for _ in range(2):
        assert watch.update_many(rng.normal(size=40) for _ in range(800)) == []
        sizes.append(len(pickle.dumps(watch)))
    assert sizes[1] <= sizes[0] + 50


@pytest.mark.calibration
@STREAMS
def test_state_and_memory_are_flat_over_a_million_updates(entry):
    life = Life(entry)
    before = max(life.go_on(60_000, quiet=True), life.go_on(40_000))
    gc.collect()
    resident = resident_bytes()
    after = life.go_on(900_000)
    gc.collect()
    assert after <= 1.05 * before + 4_000  # a byte per 225 updates
    assert resident_bytes() - resident < 5_000_000
    assert life.seen >= 1_000_000


def resident_bytes():
    """Return the memory of this process; 0 where the system does not say."""
    table = Path("/proc/self/statm")
    return int(table.read_text().split()[1]) * 4096 if table.exists() else 0
