"""What threads may share: said per class, in the guide, and tried with eight of them."""

import dataclasses
import enum
import importlib
import importlib.util
import inspect
import itertools
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

import contlearn
from contlearn.curation import JTTClassifier
from contlearn.drift import DomainClassifier
from contlearn.evaluation import Prequential, zero_one
from contlearn.gates import Trial
from contlearn.policies import Evidence
from contlearn.windows import PendingLabels, Reservoir, SlidingWindow, TimeWindow

THREADS = 8
GUIDE = Path(__file__).resolve().parent.parent / "docs" / "guide" / "threads.md"

# "shared": several threads may ask at once. "lock": one at a time. "value": frozen, there is nothing to say.
PROMISES = {
    "ByColumn": "shared",
    "ChiSquared": "shared",
    "ConditionalDrift": "shared",
    "CramerVonMises": "shared",
    "DomainClassifier": "shared",
    "Energy": "shared",
    "JTTClassifier": "shared",
    "JensenShannon": "shared",
    "KS": "shared",
    "MMD": "shared",
    "PSI": "shared",
    "PendingLabels": "shared",
    "Summary": "shared",
    "Trial": "shared",
    "Wasserstein": "shared",
    "AtLeast": "shared",
    "Approval": "shared",
    "AtMost": "shared",
    "Budget": "shared",
    "EnoughLabels": "shared",
    "Evidential": "shared",
    "Hysteresis": "shared",
    "PaysOff": "shared",
    "AUCGain": "shared",
    "MetricGain": "shared",
    "Calibrated": "shared",
    "EverySlice": "shared",
    "NegativeFlips": "shared",
    "Churn": "shared",
    "Faster": "shared",
    "Gain": "shared",
    "Gate": "shared",
    "OldData": "shared",
    "Ledger": "shared",
    "LossAbove": "shared",
    "LossIncrease": "shared",
    "LowConfidence": "shared",
    "MaxAge": "shared",
    "MinAge": "shared",
    "MinLabels": "shared",
    "OnDrift": "shared",
    "CostAware": "shared",
    "Forecast": "shared",
    "LossCUSUM": "shared",
    "Policy": "shared",
    "Sustained": "shared",
    "Canary": "lock",
    "GroupSequentialGain": "lock",
    "SequentialGain": "lock",
    "HoldoutBudget": "lock",
    "DistributionDetector": "lock",
    "Latched": "lock",
    "LogEntries": "lock",
    "MLflowAliases": "lock",
    "OpenTelemetrySpans": "lock",
    "PrometheusMetrics": "lock",
    "OnlineMMD": "lock",
    "OverTime": "lock",
    "Pooled": "lock",
    "Prequential": "lock",
    "RankCUSUM": "lock",
    "Reservoir": "lock",
    "RiskDetector": "lock",
    "RiverDetector": "lock",
    "SlidingWindow": "lock",
    "TimeWindow": "lock",
    "Windowed": "lock",
}
SAYS = {"shared": r"\b[Tt]hreads may share|several may ask one fitted", "lock": r"\bwithout a lock\b"}


def load_registry():
    spec = importlib.util.spec_from_file_location(
        "contlearn_registry_of_threads", Path(__file__).with_name("registry.py")
    )
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


registry = load_registry()


def public_classes():
    """Return every public class that has a state or does something, by name."""
    for package in contlearn.__all__:
        module = importlib.import_module(f"contlearn.{package}")
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and not issubclass(value, (Exception, enum.Enum)):
                yield name, value


CLASSES = dict(public_classes())
VALUES = {
    entry.cls.__name__ for entry in registry.REGISTRY if entry.kind in (registry.VALUE, registry.MEASUREMENT)
}


def entries(*kinds):
    return pytest.mark.parametrize(
        "entry", [entry for entry in registry.REGISTRY if entry.kind in kinds], ids=str
    )


def test_every_public_class_has_its_promise():
    assert set(CLASSES) == set(PROMISES) | VALUES
    assert not set(PROMISES) & VALUES


@pytest.mark.parametrize("name", sorted(VALUES))
def test_values_cannot_change(name):
    cls = CLASSES[name]
    frozen = dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen
    assert issubclass(cls, tuple) or frozen


@pytest.mark.parametrize("name", sorted(PROMISES))
def test_the_docstring_says_it(name):
    """In the class itself, or in the public one that it derives from."""
    said = " ".join(inspect.getdoc(cls) for cls in CLASSES[name].__mro__ if cls in CLASSES.values())
    said = re.sub(r"\s+", " ", said)
    assert re.search(SAYS[PROMISES[name]], said)
    assert not [other for other in SAYS if other != PROMISES[name] and re.search(SAYS[other], said)]


def test_the_guide_says_it():
    rows = re.findall(r"^\| (`.+) \| (shared|lock)\b", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    told = [(name, promise) for names, promise in rows for name in re.findall(r"`(\w+)`", names)]
    assert max(Counter(name for name, _ in told).values()) == 1
    assert dict(told) == PROMISES


@pytest.fixture(autouse=True)
def hurried_threads():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(work):
    """Return what `work(thread)` returns in each of eight threads that begin at once."""
    barrier, found, errors = threading.Barrier(THREADS), [None] * THREADS, []

    def one(thread):
        try:
            barrier.wait(60)
            found[thread] = work(thread)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    return found


def in_any_order(ask, questions, times=1):
    """Return the answers of every thread, each of which begins with another question."""

    def work(thread):
        turned = [(thread + position) % len(questions) for position in range(len(questions))]
        return [
            answer
            for _ in range(times)
            for _, answer in sorted(((i, ask(questions[i])) for i in turned), key=lambda pair: pair[0])
        ]

    return together(work)


def rows(columns, seed, n=90):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, 2)) + (seed % 2)
    words = rng.choice(["a", "b", "c"], size=(n, 2)).astype(object)
    if columns == "numeric":
        return numbers
    if columns == "categorical":
        return words
    return {"amount": numbers[:, 0], "age": numbers[:, 1], "city": words[:, 0], "kind": words[:, 1]}


def calm(detector):
    """Return the detector; where it trains models, with one for which scikit-learn starts nothing itself.

    While it does, it swaps the warning filters of the process, and another thread may find them gone.
    """
    if isinstance(detector, DomainClassifier):
        return detector.set_params(estimator=DecisionTreeClassifier(max_depth=3))
    return detector


@entries(registry.BATCH)
def test_a_fitted_detector_answers_eight_threads_as_it_answers_one(entry):
    columns = entry.arguments.get("columns", "numeric")
    detector = calm(clone(entry.make())).fit(rows(columns, 0, n=150))
    questions = [rows(columns, seed) for seed in range(1, 5)]
    alone = [detector.detect(X) for X in questions]
    fresh = clone(detector).fit(rows(columns, 0, n=150))  # nothing is filled in by an earlier question
    assert all(answers == alone for answers in in_any_order(fresh.detect, questions))


@entries(registry.BATCH)
def test_threads_may_share_a_summary(entry):
    columns = entry.arguments.get("columns", "numeric")
    detector = clone(entry.make()).fit(rows(columns, 0, n=3000))
    if detector._needs_rows is not None:
        pytest.skip("this test needs the rows themselves")
    parts = [rows(columns, seed, n=700) for seed in (1, 2)]
    one, other = (detector.summarize(part) for part in parts)
    alone = repr(one), detector.detect(one), detector.detect(one.merge(other))
    one, other = (detector.summarize(part) for part in parts)

    def work(thread):
        return repr(one), detector.detect(one), detector.detect(one.merge(other))

    assert all(answers == alone for answers in together(work))


EVIDENCES = [
    Evidence(now=registry.NOON, trained_at=registry.NOON - week * registry.WEEK, n_labels=300 * week, **more)
    for week, more in enumerate([{}, {"loss": 0.35}, {"drift": {"a": registry.AMOUNT}}, {"confidence": 0.6}])
]


@entries(registry.POLICY)
def test_threads_may_share_a_policy(entry):
    policy = entry.make()
    alone = [policy(evidence) for evidence in EVIDENCES]
    assert all(answers == 5 * alone for answers in in_any_order(policy, EVIDENCES, times=5))


@entries(registry.GATE)
def test_threads_may_share_a_gate_and_a_trial(entry):
    rng = np.random.default_rng(0)
    make = entry.arguments.get("make_trial", Trial)
    trials = [make(rng.random(160), rng.random(160) - gain) for gain in (-0.2, 0.0, 0.2)]
    gate = entry.make()
    alone = [gate(trial) for trial in trials]
    assert all(answers == alone for answers in in_any_order(gate, trials))


def test_threads_may_share_a_fitted_classifier():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    classifier = JTTClassifier(DecisionTreeClassifier(max_depth=2, random_state=0), factor=5)
    classifier.fit(X, (X[:, 0] > 0).astype(int))
    parts = [X[:50], X[50:120], X[120:]]
    alone = [classifier.predict_proba(part).tolist() for part in parts]
    asked = in_any_order(lambda part: classifier.predict_proba(part).tolist(), parts, times=3)
    assert all(answers == 3 * alone for answers in asked)


IMPORTS = """
import importlib, sys, threading
sys.setswitchinterval(1e-6)
import contlearn
barrier, found, errors = threading.Barrier(8), [], []
def work(thread):
    try:
        barrier.wait(60)
        for package, name in NAMES[thread:] + NAMES[:thread]:
            found.append((name, getattr(getattr(contlearn, package), name)))
    except Exception as error:
        errors.append(repr(error))
threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join(100)
print(len(found), len(set(found)), len(dict(found)), errors)
"""


@pytest.mark.parametrize(
    "names",
    [
        [("drift", "KS")],
        [("windows", "PendingLabels"), ("policies", "OnDrift"), ("drift", "ByColumn"), ("gates", "Gain")],
    ],
    ids=["one name", "several names"],
)
def test_eight_threads_may_load_a_lazy_name_at_once(names):
    script = f"NAMES = {names}\n{IMPORTS}"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(8 * len(names)), str(len(names)), str(len(names)), "[]"]


def test_pending_labels_lose_and_double_nothing():
    pending, keys, each = PendingLabels(size=150, max_age=300), 500, 1500
    clock = itertools.count()

    def work(thread):
        rng = np.random.default_rng(thread)
        done, given, counts = Counter(), [], pending.counts
        for step in range(each):
            key, at = int(rng.integers(keys)), next(clock)
            kind = rng.integers(10)
            if kind < 4:
                pending.put(key, (thread, step), at=at)
                done["put"] += 1
            elif kind < 5:
                pending.put_many([key, -1 - key], [(thread, step, "a"), (thread, step, "b")], at=at)
                done["put"] += 2
            elif kind < 8:
                given.append(pending.pop(key, at=at))
                done["asked"] += 1
            elif kind < 9:
                given += pending.pop_many([key, -1 - key], at=at)
                done["asked"] += 2
            else:
                done["expired"] += pending.expire(at=at)
                done["forgotten"] += pending.forget([key])
                before, counts = counts, pending.counts
                assert all(counts[why] >= before[why] for why in counts)
        return done, [row for row in given if row is not None]

    found = together(work)
    done, counts = sum((done for done, _ in found), Counter()), pending.counts
    given = [row for _, rows in found for row in rows]
    assert len(given) == len(set(given)) == counts["answered"] > 500
    gone = sum(counts[why] for why in ("answered", "evicted", "expired", "replaced")) + done["forgotten"]
    assert gone + len(pending) == done["put"]
    assert sum(counts[why] for why in ("answered", "late", "repeated", "unknown")) == done["asked"]
    assert counts["expired"] >= done["expired"]
    assert min(counts.values()) > 50
    assert len(list(pending)) == len(pending) <= pending.size


def windows():
    return {
        "SlidingWindow": (SlidingWindow(50), lambda window, i: window.append(np.array([i, -i]))),
        "TimeWindow": (TimeWindow(40, allowed_lateness=5), lambda window, i: window.append(i, at=i - i % 4)),
        "Reservoir": (Reservoir(50, seed=3), lambda window, i: window.append(i)),
        "Prequential": (Prequential(zero_one), lambda running, i: running.update(1, i % 3 > 0)),
    }


@pytest.mark.parametrize("name", windows())
def test_with_a_lock_eight_threads_come_to_what_one_does(name):
    """Whoever takes the next row holds the lock until the row is in, and reads what came of it."""
    alone, take = windows()[name]
    for i in range(800):
        take(alone, i)
    shared, take = windows()[name]
    lock, numbers = threading.Lock(), iter(range(800))

    def work(thread):
        while True:
            with lock:
                number = next(numbers, None)
                if number is None:
                    return
                take(shared, number)

    together(work)
    if name == "Prequential":
        assert (shared.n, shared.result) == (alone.n, alone.result)
    else:
        np.testing.assert_array_equal(shared.rows(), alone.rows())


def stream_of(entry):
    """Return values that are quiet and then are not, as the law check of this detector gets them."""
    rng = np.random.default_rng(0)
    quiet = entry.arguments.get("quiet") or (rng.random(1200) < 0.1).astype(float).tolist()
    shifted = entry.arguments.get("shifted") or (rng.random(100) < 0.9).astype(float).tolist()
    return [*quiet[:1200], *shifted[:100]]


@entries(registry.STREAM)
def test_with_a_lock_eight_threads_see_the_alarms_that_one_sees(entry):
    values = stream_of(entry)
    alone, expected = entry.make(), []
    for x in values:
        alone.update(x)
        expected.append((alone.drift_detected, alone.warning_detected))
    shared, lock, left, seen = entry.make(), threading.Lock(), iter(values), []

    def work(thread):
        while True:
            with lock:
                x = next(left, left)
                if x is left:
                    return
                shared.update(x)
                seen.append((shared.drift_detected, shared.warning_detected))

    together(work)
    assert seen == expected
    assert shared.result == alone.result


@entries(registry.STREAM)
def test_several_detectors_at_work_do_not_meet(entry):
    """Each thread has one of its own: nothing is shared behind their backs."""
    values = in_form(stream_of(entry)[:300])
    alone = entry.make()
    alarms = alone.update_many(values)
    assert together(lambda thread: entry.make().update_many(values)) == THREADS * [alarms]


def in_form(values):
    """Return values as `update_many` takes them: columns, where one value has names."""
    if isinstance(values[0], dict):
        return {name: [row[name] for row in values] for name in values[0]}
    return values
