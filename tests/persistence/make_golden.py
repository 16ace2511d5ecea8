"""Write the golden files that do not exist yet; those that do are for ever.

python tests/persistence/make_golden.py
"""

import importlib.util
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import river.drift

from contlearn import drift, evaluation, gates, policies, windows
from contlearn.persistence import save

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
STEP, END = 31, 44
BEFORE = 28  # where streams begin, so that their files stay small

STREAMS = {"risk-detector", "distribution-detector", "rank-cusum", "adwin", "page-hinkley", "latched"}


def load_journeys():
    if "contlearn_journeys" not in sys.modules:
        spec = importlib.util.spec_from_file_location("contlearn_journeys", HERE / "journeys.py")
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["contlearn_journeys"]


def kept():
    """Return maker and way of one object of every kind, small enough for a few kilobytes."""
    j = load_journeys()
    short = {"run_length": 100, "warm_up": 20}
    values, batches = j.each_step(j.watch_values), j.watch_batches("numeric")
    return {
        "sliding-window-of-tuples": (partial(windows.SlidingWindow, 6), j.watch_window(j.ROWS["tuples"])),
        "sliding-window-of-arrays": (partial(windows.SlidingWindow, 6), j.watch_window(j.ROWS["arrays"])),
        "time-window": (
            partial(windows.TimeWindow, 9, allowed_lateness=5),
            j.watch_window(j.ROWS["numbers"]),
        ),
        "reservoir": (partial(windows.Reservoir, 6, seed=3), j.watch_window(j.ROWS["tuples"])),
        "pending-labels": (partial(windows.PendingLabels, 9, max_age=5), j.watch_window(j.ROWS["tuples"])),
        "ks": (drift.KS, batches),
        "chi-squared": (drift.ChiSquared, j.watch_batches("categorical")),
        "wasserstein": (partial(drift.Wasserstein, n_permutations=99), batches),
        "cramer-von-mises": (drift.CramerVonMises, batches),
        "energy": (partial(drift.Energy, n_permutations=99), batches),
        "mmd": (partial(drift.MMD, n_permutations=99), batches),
        "psi": (partial(drift.PSI, bins=5), batches),
        "jensen-shannon": (drift.JensenShannon, batches),
        "by-column": (drift.ByColumn, j.watch_batches("mixed")),
        "risk-detector": (partial(drift.RiskDetector, 0.12, side="both"), values),
        "distribution-detector": (partial(drift.DistributionDetector, **short), values),
        "rank-cusum": (partial(drift.RankCUSUM, **short), values),
        "adwin": (lambda: drift.RiverDetector(river.drift.ADWIN()), values),
        "page-hinkley": (lambda: drift.RiverDetector(river.drift.PageHinkley()), values),
        "latched": (lambda: drift.Latched(drift.RiskDetector(0.12), cool_down=50), values),
        "pooled": (
            lambda: drift.Pooled({"a": drift.RiskDetector(0.12), "b": drift.RiskDetector(0.1)}),
            values,
        ),
        "over-time": (lambda: drift.OverTime(drift.KS()), j.each_step(j.watch_batch_by_batch)),
        "windowed": (lambda: drift.Windowed(drift.KS(), 30), j.each_step(j.watch_numbers_in_windows)),
        "policy": (
            lambda: (policies.OnDrift() | policies.LossIncrease(0.02)) & ~policies.MinLabels(500),
            j.each_step(j.ask_policy),
        ),
        "gate": (lambda: gates.Gain(margin=0.01) & gates.Gain(), j.ask_gate(gates.Trial)),
        "canary": (
            lambda: gates.Canary(
                ((0.2, 5), (0.5, 9)), "7", guardrails={"latency": gates.Guardrail(0.9, 2.0)}
            ),
            j.each_step(j.try_out),
        ),
        "holdout-budget": (
            lambda: gates.HoldoutBudget(alpha=0.1, n_holdouts=3),
            j.each_step(j.judge_challenger),
        ),
        "group-sequential-gain": (
            lambda: gates.GroupSequentialGain(1_300, margin=0.05),
            j.read_live(j.load_registry().take_look),
        ),
        "sequential-gain": (
            lambda: gates.SequentialGain(max_samples=1_000),
            j.read_live(j.load_registry().take_pairs),
        ),
        "prequential": (partial(evaluation.Prequential, evaluation.squared_error), j.each_step(j.evaluate)),
        "drift-result": (lambda: j.load_registry().TABLE, j.each_step(j.same)),
        "generators": (lambda: [np.random.default_rng(3), np.random.Generator(np.random.Philox(4))], drawn),
    }


def drawn(generators, start, stop):
    return [repr([each.random() for each in generators]) for _ in range(start, stop)]


def main():
    GOLDEN.mkdir(exist_ok=True)
    for name, (make, way) in kept().items():
        path = GOLDEN / f"{name}.zip"
        if path.exists():
            continue
        obj = make()
        way(obj, BEFORE if name in STREAMS else 0, STEP)
        save(obj, path)
        path.with_suffix(".json").write_text(json.dumps(way(obj, STEP, END), indent=0) + "\n")


if __name__ == "__main__":
    main()
