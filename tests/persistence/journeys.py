"""What every stateful class does over time, in steps that can be interrupted anywhere.

A journey is an object, and a function that takes it from one step to another and returns what it said on the
way, as text. Run as a script it takes saved objects on from where they were:

    python journeys.py FOLDER

reads `FOLDER/plan.json` and writes `FOLDER/continued.json`.
"""

import importlib.util
import json
import random
import sys
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import numpy as np

from contlearn import drift, evaluation, gates, policies, windows
from contlearn.persistence import dump, restore

STEPS = 60
BATCH = 40


def load_registry():
    if "contlearn_registry" not in sys.modules:
        path = Path(__file__).parent.parent / "registry.py"
        spec = importlib.util.spec_from_file_location("contlearn_registry", path)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["contlearn_registry"]


def numbers(step, n=1, shift=0.0):
    """Return numbers that depend on the step only, by a generator that never changes."""
    draws = random.Random(1000 + step)
    return [sum(draws.random() for _ in range(4)) * 1.7 - 3.4 + shift for _ in range(n)]


def words(step, n):
    draws = random.Random(5000 + step)
    return [("red", "green", "blue")[int(3 * draws.random())] for _ in range(n)]


def table(step, columns, n=BATCH):
    shift = 1.0 if step > 40 else 0.0
    if columns == "numeric":
        return np.array(numbers(step, 2 * n, shift)).reshape(n, 2)
    if columns == "categorical":
        return np.array(words(step, n))
    return {"amount": np.array(numbers(step, n, shift)), "city": words(step, n), "kind": words(step + 1, n)}


def said(value):
    return repr(value.to_dict()) if hasattr(value, "to_dict") else repr(value)


def each_step(take):
    return lambda obj, start, stop: [take(obj, step) for step in range(start, stop)]


# windows ------------------------------------------------------------------------------------------------

ROWS = {
    "tuples": lambda step: (step, f"row {step}", {"x": numbers(step)[0]}),
    "arrays": lambda step: np.array(numbers(step, 3)),
    "numbers": lambda step: numbers(step)[0],
}


def watch_window(row):
    def take(window, step):
        if isinstance(window, windows.PendingLabels):
            window.put(("key", step), row(step), at=step)
            late = window.pop(("key", step - step % 7), at=step) if step % 3 else None
            return said((late, dict(window.counts), len(window)))
        at = {"at": step - 4 * (step % 2)} if isinstance(window, windows.TimeWindow) else {}
        became = window.append(row(step), id=step, **at)
        if step % 11 == 5:
            window.forget([step - 2, step - 3])
        weights = window.weights().tolist() if hasattr(window, "weights") else None
        return said(
            (
                became,
                [
                    np.asarray(each).tolist() if isinstance(each, np.ndarray) else each
                    for each in window.rows()
                ],
                weights,
            )
        )

    return each_step(take)


# detectors ----------------------------------------------------------------------------------------------


def watch_batches(columns):
    def take(detector, step):
        if step == 0:
            detector.fit(*reference(detector, columns))
        return said(detector.detect(table(step, columns))) if step % 10 == 9 else ""

    return each_step(take)


def reference(detector, columns):
    X = table(100, columns, 3 * BATCH)
    return (X, np.array(words(7, 3 * BATCH))) if isinstance(detector, drift.ConditionalDrift) else (X,)


def loss_like(detector):
    inner = getattr(detector, "detector", detector)
    binary = "binary" in type(inner).__module__
    return binary or isinstance(inner, drift.RiskDetector)


def values(detector, step):
    """Return fifty values, far away in the last third."""
    shift = 3.0 if step > 40 else 0.0
    found = numbers(step, 50, shift)
    return [float(each > 1.5) for each in found] if loss_like(detector) else found


def watch_values(detector, step):
    if isinstance(detector, drift.Pooled):
        return watch_pooled(detector, step)
    given = values(detector, step)
    heard = []
    for each in given[:20]:
        detector.update(each)
        heard.append((detector.drift_detected, detector.warning_detected))
    alarms = detector.update_many(np.array(given[20:]))
    return said(heard) + said(alarms) + said(detector.result)


def watch_pooled(detector, step):
    given = {}
    for place, (name, inner) in enumerate(detector.detectors.items()):
        found = numbers(step + place, 5, 3.0 if step > 40 else 0.0)
        given[name] = [float(each > 1.5) for each in found] if loss_like(inner) else found
    for position in range(5):
        detector.update({name: each[position] for name, each in given.items()})
    return said(detector.drift_detected) + said(detector.result)


def watch_batch_by_batch(detector, step):
    if step == 0:
        detector.fit(table(100, "numeric", 3 * BATCH))
    if step % 5 == 4:
        detector.update(table(step, "numeric"))
    return said(detector.drift_detected) + said(detector.result)


def watch_rows(detector, step):
    """Rows of a frame, or of an array, between two questions."""
    if step == 0:
        detector.fit(table(100, "mixed", 3 * BATCH))
    detector.update_many(table(step, "mixed", 7))
    return said(detector.drift_detected) + said(detector.result)


def watch_numbers_in_windows(detector, step):
    if step == 0:
        detector.fit(numbers(1, 60))
    detector.update_many(np.array(values(detector, step)[:7]))
    return said(detector.drift_detected) + said(detector.result)


# the rest -----------------------------------------------------------------------------------------------


def ask_policy(policy, step):
    registry = load_registry()
    evidence = policies.Evidence(
        now=registry.NOON + timedelta(days=step),
        trained_at=registry.NOON,
        n_labels=20 * step,
        drift={"a": registry.TABLE} if step % 2 else registry.TABLE,
        loss=0.02 * step,
        baseline_loss=0.3,
        confidence=1.0 - step / 60,
    )
    return said(policy(evidence))


def ask_gate(make_trial):
    def take(gate, step):
        losses = [float(each > 0) for each in numbers(step, 30)]
        better = [float(each > 0.8) for each in numbers(step, 30)]
        return said(gate(make_trial(losses, better)))

    return each_step(take)


def read_live(take):
    def read(gate, step):
        take(gate, step)
        return said(gate.verdict)

    return each_step(read)


def evaluate(running, step):
    y, y_pred = numbers(step)[0], numbers(step + 1)[0]
    running.update(y, y_pred)
    return said((running.n, running.mean, running.result))


def try_out(canary, step):
    for number in range(step * 12, step * 12 + 12):
        at = numbers(number)[0]
        loss = min(1.0, abs(at) / 4)
        canary.update(canary.assign(number), loss, {"latency": abs(at)})
    if canary.answer.action == "advance":
        canary.advance()
    return said(canary.answer) + said(canary.verdict)


def judge_challenger(budget, step):
    """A challenger on rows of which some were there before."""
    losses = [float(each > 0) for each in numbers(step, 30)]
    better = [float(each > 0.8) for each in numbers(step, 30)]
    rows = {"ids": range(step, step + 30)} if step % 3 else {"groups": [step // 9] * 30}
    trial = gates.Trial(losses, better, **rows)
    verdict = budget.judge(gates.Gain(), trial)
    return said(verdict) + said((budget.spent(trial), budget.left(trial), budget.history[-1:], str(budget)))


def same(value, step):
    return repr(value) + str(value)


def journeys():
    """Return name, maker and way of every stateful entry of the registry."""
    registry = load_registry()
    found = []
    for entry in registry.REGISTRY:
        if entry.make is None or entry.cls.__name__ in LEFT_OUT:
            continue
        for variant, way in ways(registry, entry).items():
            found.append((f"{len(found)} {entry} {variant}".strip(), entry.make, way))
    return found


# Hold models of scikit-learn, which are not written; a ledger is a file already.
LEFT_OUT = {"JTTClassifier", "ConditionalDrift", "Ledger"}


def ways(registry, entry):
    columns = entry.arguments.get("columns", "numeric")
    if entry.kind == registry.WINDOW:
        return {name: watch_window(row) for name, row in ROWS.items()}
    if entry.kind == registry.LIVE:
        return {"": read_live(entry.arguments["take"])}
    if entry.kind == registry.GATE:
        return {"": ask_gate(entry.arguments.get("make_trial", gates.Trial))}
    steps = {
        registry.STREAM: watch_values,
        registry.COMBINATION: watch_batch_by_batch,
        registry.POLICY: ask_policy,
        registry.MACHINE: evaluate,
        registry.CANARY: try_out,
        registry.JUDGE: judge_challenger,
    }
    if entry.kind in steps:
        return {"": each_step(steps[entry.kind])}
    if entry.kind == registry.BATCH:
        return {"": watch_batches(columns)}
    return {"": each_step(same)}


def others():
    """Return journeys beside those of the registry: what is fitted, and rows of more kinds."""
    fitted = {
        "DistributionDetector": lambda: drift.DistributionDetector(run_length=500).fit(numbers(1, 200)),
        "RiskDetector": lambda: drift.RiskDetector(run_length=500).fit(
            [float(x > 1.5) for x in numbers(1, 200)]
        ),
        "RankCUSUM": lambda: drift.RankCUSUM(run_length=500).fit(numbers(1, 200)),
    }
    found = [(f"fitted {name}", make, each_step(watch_values)) for name, make in fitted.items()]
    for control in ("lord++", "addis", "spending"):
        machine = partial(drift.OverTime, drift.KS(), control=control, alpha=0.05)
        found.append((f"over time {control}", machine, each_step(watch_batch_by_batch)))
    rows = partial(drift.Windowed, drift.ByColumn(), size=30)
    found.append(("windowed rows", rows, each_step(watch_rows)))
    moment = datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2)))

    def hours(window, step):
        became = window.append((step,), at=moment + timedelta(hours=step - 3 * (step % 2)))
        return said((became, window.rows()))

    span = timedelta(hours=9)
    found.append(("hours", lambda: windows.TimeWindow(span, allowed_lateness=span / 3), each_step(hours)))
    running = evaluation.Prequential(evaluation.pinball(0.9))
    found.append(("pinball", running.clone, each_step(evaluate)))
    return found


def main(folder):
    ways_by_name = {name: way for name, _, way in journeys() + others()}
    continued = {}
    for number, (name, step) in enumerate(json.loads((folder / "plan.json").read_text())):
        obj = restore(folder / f"{number}.zip")
        answers = ways_by_name[name](obj, step, STEPS)
        continued[str(number)] = [answers, json.dumps(dump(obj))]
    (folder / "continued.json").write_text(json.dumps(continued))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
