"""Every public class with examples; `test_contract.py` runs each through the laws of its kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from river import drift as river_drift
from sklearn.tree import DecisionTreeClassifier

from contlearn import (
    curation,
    drift,
    evaluation,
    exceptions,
    gates,
    ledger,
    policies,
    stats,
    testing,
    windows,
)
from contlearn.results import Decision, DriftResult, DriftState, Interval, Outcome, Verdict

VALUE, MEASUREMENT, RECORD, ENUM, ERROR = "value", "measurement", "record", "enum", "error"
CANARY = "canary"  # `tests/gates/test_canary.py` holds its laws
JUDGE = "judge of challengers"  # `tests/gates/test_holdout_budget.py` holds its laws
WINDOW, BATCH, MACHINE, ESTIMATOR = "window", "batch detector", "machine", "estimator"
POLICY, GATE, ABSTRACT, SUMMARY = "policy", "gate", "abstract", "summary"
STREAM, COMBINATION = "stream detector", "combination of detectors"
LIVE = "live gate"  # a machine with a verdict; its argument `take(machine, step)` gives it some rows
LEDGER = "ledger"  # a file: `tests/ledger` holds its laws


@dataclass(frozen=True)
class Entry:
    """One public class.

    `make` returns a fresh instance; `arguments` go to the law check of its kind; `skip` gives, for a law that
    does not apply, the reason.
    """

    cls: type
    kind: str
    make: Callable[[], Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    skip: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = "" if self.make is None or self.kind in (VALUE, RECORD, MEASUREMENT) else repr(self.make())
        return shown if shown.startswith(self.cls.__name__) else self.cls.__name__


NOON = datetime(2024, 3, 1, 12)
WEEK = timedelta(days=7)
AMOUNT = DriftResult(
    state=DriftState.DRIFT, score=0.31, interval=Interval(0.31, 0.2, 0.4, 0.95), p_value=0.001, alpha=0.05,
    tolerance=0.05, detectable=0.1, n_reference=900, n_current=80,
)  # fmt: skip
TABLE = DriftResult(state=DriftState.DRIFT, score=0.31, p_value=0.002, alpha=0.05, parts={"amount": AMOUNT})
WAIT = Decision(False, "120 labels (need 500)")
RETRAIN = Decision(
    True, "drift and 812 labels", because=(Decision(True, "drift"), Decision(True, "812 labels"))
)
FOUND = testing.Found(shift="mean", size=0.5, share=Interval(0.9, 0.82, 0.95, 0.95))
DELAY = testing.Delay(
    shift="risk", size=0.05, horizon=500, mean=Interval(120.0, 101.0, 144.0, 0.95), median=97.0,
    found=Interval(0.99, 0.96, 1.0, 0.95), misses=2,
)  # fmt: skip
CLOCK = testing.Baseline(name="every 5,000", alarms=1, delay=475.1, found=0.1)
FORGOTTEN = gates.forgetting({"winter": gates.Trial([0.0] * 9, [1.0] * 9)})
EVIDENCE = policies.Evidence(
    now=NOON, trained_at=NOON - WEEK, n_labels=120, drift={"amount": AMOUNT}, loss=0.3
)


def regions(champion_losses, challenger_losses):
    names = ["eu", "us"] * len(champion_losses)
    return gates.Trial(champion_losses, challenger_losses, slices={"region": names[: len(champion_losses)]})


def days(champion_losses, challenger_losses):
    groups = [row // 40 for row in range(len(champion_losses))]
    return gates.Trial(champion_losses, challenger_losses, groups=groups)


def timed(champion_losses, challenger_losses):
    """A trial in which errors take twice as long."""
    pace = [1.0 + 0.1 * math.sin(row * row) for row in range(len(champion_losses))]
    seconds = [[p * (1.0 + loss) for p, loss in zip(pace, losses, strict=True)]
               for losses in (champion_losses, challenger_losses)]  # fmt: skip
    return gates.Trial(champion_losses, challenger_losses, seconds=seconds)


def remembered(champion_losses, challenger_losses):
    old = gates.Trial(champion_losses, challenger_losses)
    return gates.Trial(champion_losses, challenger_losses, old_data={"winter": old, "summer": old})


def approved(champion_losses, challenger_losses):
    return gates.Trial(champion_losses, challenger_losses, approvals=[gates.SignOff("ada")])


def paired_losses(step):
    """Return thirty losses of two models, zeros and ones in every other step."""
    rows = [(math.sin(30.0 * step + row), math.sin(7.0 * step + 3.0 * row)) for row in range(30)]
    if step % 2:
        return [[float(pair[side] > 0.5 + 0.1 * side) for pair in rows] for side in (0, 1)]
    return [[abs(pair[side]) * (1.0 - 0.1 * side) for pair in rows] for side in (0, 1)]


def take_pairs(machine, step):
    champion, challenger = paired_losses(step)
    for pair in zip(champion[:10], challenger[:10], strict=True):
        machine.update(*pair)
    machine.update_many(champion[10:], challenger[10:])


def scored(champion_losses, challenger_losses):
    """Return a trial of labels and scores that are wrong by as much as the losses say."""
    y = [row % 2 for row in range(len(champion_losses))]

    def scores(losses):
        return [abs(label - loss) for label, loss in zip(y, losses, strict=True)]

    models = {"champion": scores(champion_losses), "challenger": scores(challenger_losses)}
    return gates.Trial(champion_losses, challenger_losses, y=y, **models)


def take_look(machine, step):
    """Look at all rows of the steps so far."""
    pairs = [paired_losses(earlier) for earlier in range(step + 1)]
    champion, challenger = ([loss for pair in pairs for loss in pair[side]] for side in (0, 1))
    machine.look(gates.Trial(champion, challenger))


def promised(champion_losses, challenger_losses):
    """Return a trial of events that come in half of the rows, promised too rarely by as much as is lost."""
    y = [row % 2 for row in range(len(champion_losses))]
    shift = 0.4 * float(sum(challenger_losses)) / max(1, len(challenger_losses))
    said = [0.5 - shift if math.isfinite(loss) else math.nan for loss in champion_losses]
    return gates.Trial(champion_losses, challenger_losses, y=y, champion=said, challenger=said)


def put(window, row, i):
    window.put(i, row, at=i)


POLICIES = [
    Entry(policies.OnDrift, POLICY, policies.OnDrift),
    Entry(policies.OnDrift, POLICY, lambda: policies.OnDrift("a")),
    Entry(policies.LossIncrease, POLICY, lambda: policies.LossIncrease(0.02)),
    Entry(policies.LossAbove, POLICY, lambda: policies.LossAbove(0.3)),
    Entry(policies.CostAware, POLICY, lambda: policies.CostAware(retrain_cost=0.5, loss_cost=0.1)),
    Entry(policies.Forecast, POLICY, lambda: policies.Forecast(0.3, WEEK)),
    Entry(policies.Forecast, POLICY, lambda: policies.Forecast(0.3, WEEK, 0.5, 3, "theil-sen")),
    Entry(policies.LossCUSUM, POLICY, policies.LossCUSUM),
    Entry(policies.LossCUSUM, POLICY, lambda: policies.LossCUSUM(0.5, run_length=3, scale=0.1)),
    Entry(policies.LowConfidence, POLICY, lambda: policies.LowConfidence(0.7)),
    Entry(policies.MaxAge, POLICY, lambda: policies.MaxAge(5 * WEEK)),
    Entry(policies.MinAge, POLICY, lambda: policies.MinAge(2 * WEEK)),
    Entry(policies.MinLabels, POLICY, lambda: policies.MinLabels(500)),
    Entry(policies.Sustained, POLICY, lambda: policies.Sustained(policies.LossAbove(0.1), k=2, of=3)),
    Entry(policies.AtMost, POLICY, lambda: policies.AtMost(2, per=3 * WEEK)),
    Entry(policies.Budget, POLICY, lambda: policies.Budget(500, per=3 * WEEK, cost=200.0)),
    Entry(policies.Budget, POLICY, lambda: policies.Budget(0.5, per=3 * WEEK, cost="loss")),
    Entry(
        policies.Hysteresis,
        POLICY,
        lambda: policies.Hysteresis(on=policies.LossAbove(0.35), off=~policies.LossAbove(0.15)),
    ),
    Entry(policies.PaysOff, POLICY, lambda: policies.PaysOff(policies.LossAbove(0.1))),
    Entry(
        policies.PaysOff,
        POLICY,
        lambda: policies.PaysOff(policies.OnDrift() | policies.MinLabels(9), at_least=0.6, explore=2, of=5),
    ),
    Entry(policies.EnoughLabels, POLICY, lambda: policies.EnoughLabels(300, holdout=0.3)),
    Entry(policies.Evidential, POLICY, lambda: policies.Evidential(policies.OnDrift())),
    Entry(
        policies.Evidential,
        POLICY,
        lambda: policies.Evidential(policies.OnDrift("a"), policies.LossIncrease(0.02), level=0.2),
    ),
    Entry(
        policies.AtLeast,
        POLICY,
        lambda: policies.AtLeast(2, policies.OnDrift(), policies.MinLabels(5), ~policies.MaxAge(WEEK)),
    ),
    Entry(
        policies.Policy,
        POLICY,
        lambda: (
            (policies.OnDrift() | policies.LossIncrease(0.1)) & ~policies.MinAge(WEEK) & policies.MinLabels(9)
        ),
    ),
]


def predicted(champion_losses, challenger_losses):
    """A trial in which losses are predictions of labels that are all 0."""
    y = [0] * len(champion_losses)
    return gates.Trial(
        champion_losses, challenger_losses, y=y, champion=champion_losses, challenger=challenger_losses
    )


GATES = [
    Entry(gates.AUCGain, GATE, gates.AUCGain, {"make_trial": scored}),
    Entry(gates.AUCGain, GATE, lambda: gates.AUCGain(margin=-0.02, alpha=0.01), {"make_trial": scored}),
    Entry(gates.MetricGain, GATE, lambda: gates.MetricGain("f1"), {"make_trial": scored}),
    Entry(gates.Calibrated, GATE, lambda: gates.Calibrated(0.1), {"make_trial": promised}),
    Entry(
        gates.MetricGain,
        GATE,
        lambda: gates.MetricGain("average_precision", margin=0.01, n_resamples=500),
        {"make_trial": scored},
    ),
    Entry(gates.Gain, GATE, gates.Gain),
    Entry(gates.Gain, GATE, lambda: gates.Gain(margin=-0.05, alpha=0.01)),
    Entry(gates.Gain, GATE, lambda: gates.Gain(margin=0.01), {"make_trial": days}),
    Entry(gates.Gain, GATE, lambda: gates.Gain(bounds=(0.0, 1.0))),
    Entry(gates.Gain, GATE, lambda: gates.Gain(-0.02, bounds=(0.0, 2.0)), {"make_trial": days}),
    Entry(gates.Gain, GATE, lambda: gates.Gain(method="mid-p")),
    Entry(gates.Faster, GATE, gates.Faster, {"make_trial": timed}),
    Entry(gates.Faster, GATE, lambda: gates.Faster(limit=0.9, alpha=0.01), {"make_trial": timed}),
    Entry(gates.Faster, GATE, lambda: gates.Faster(0.9, quantile=0.4), {"make_trial": timed}),
    Entry(gates.OldData, GATE, gates.OldData, {"make_trial": remembered}),
    Entry(
        gates.OldData,
        GATE,
        lambda: gates.OldData(gates.Gain(margin=-0.02, alpha=0.01), required=("winter",)),
        {"make_trial": remembered},
    ),
    *(
        Entry(
            gates.Approval,
            GATE,
            make,
            {"make_trial": approved},
            {
                "want_of_data_never_promotes": "it asks a person, not the data; without rows it waits, too",
                "a_much_worse_challenger_is_never_promoted": "it asks a person, not the data",
            },
        )
        for make in (gates.Approval, lambda: gates.Approval(by=("ada",)))
    ),
    Entry(gates.NegativeFlips, GATE, lambda: gates.NegativeFlips(0.05)),
    Entry(gates.NegativeFlips, GATE, lambda: gates.NegativeFlips(0.05, 0.01, 0.5), {"make_trial": days}),
    Entry(gates.Churn, GATE, lambda: gates.Churn(0.95), {"make_trial": predicted}),
    Entry(
        gates.EverySlice,
        GATE,
        lambda: gates.EverySlice(gates.Gain(margin=-0.05), by="region"),
        {"make_trial": regions},
    ),
    Entry(
        gates.Gate,
        GATE,
        lambda: gates.Gain() & gates.EverySlice(gates.Gain(margin=-0.05), by="region", required=("eu", "us")),
        {"make_trial": regions},
    ),
]

LIVE_GATES = [
    Entry(gates.SequentialGain, LIVE, gates.SequentialGain, {"take": take_pairs}),
    Entry(
        gates.SequentialGain,
        LIVE,
        lambda: gates.SequentialGain(margin=-0.01, alpha=0.01, max_samples=1_500, bound=2.0),
        {"take": take_pairs},
    ),
    Entry(
        gates.GroupSequentialGain,
        LIVE,
        lambda: gates.GroupSequentialGain(5_000, alpha=0.01),
        {"take": take_look},
    ),
    Entry(
        gates.GroupSequentialGain,
        LIVE,
        lambda: gates.GroupSequentialGain(9_000, margin=-0.01, shape="pocock"),
        {"take": take_look},
    ),
]

DETECTORS = [
    Entry(drift.KS, BATCH, drift.KS),
    Entry(drift.KS, BATCH, lambda: drift.KS(alpha=0.01, tolerance=0.0, correction="bh")),
    Entry(drift.KS, BATCH, lambda: drift.KS(minimum_effect=True, block=5)),
    Entry(drift.ChiSquared, BATCH, drift.ChiSquared, {"columns": "categorical"}),
    Entry(drift.CramerVonMises, BATCH, drift.CramerVonMises),
    Entry(drift.CramerVonMises, BATCH, lambda: drift.CramerVonMises(alpha=0.01, must_detect=0.3)),
    Entry(drift.Wasserstein, BATCH, drift.Wasserstein),
    Entry(drift.Wasserstein, BATCH, lambda: drift.Wasserstein(scale="iqr", n_permutations=499)),
    Entry(drift.MMD, BATCH, drift.MMD),
    Entry(drift.MMD, BATCH, lambda: drift.MMD(method="cross")),
    Entry(drift.MMD, BATCH, lambda: drift.MMD(method="features")),
    Entry(drift.Energy, BATCH, drift.Energy),
    Entry(drift.Energy, BATCH, lambda: drift.Energy(standardize=False, tolerance=0.1, n_permutations=499)),
    Entry(drift.PSI, BATCH, lambda: drift.PSI(bins=5)),
    Entry(drift.PSI, BATCH, lambda: drift.PSI(tolerance=0.1, minimum_effect=True), {"columns": "mixed"}),
    Entry(drift.JensenShannon, BATCH, drift.JensenShannon, {"columns": "mixed"}),
    Entry(drift.JensenShannon, BATCH, drift.JensenShannon, {"columns": "categorical"}),
    Entry(drift.ConditionalDrift, BATCH, drift.ConditionalDrift),
    Entry(drift.DomainClassifier, BATCH, drift.DomainClassifier, {"columns": "mixed"}),
    Entry(drift.ByColumn, BATCH, drift.ByColumn, {"columns": "mixed"}),
    Entry(drift.ByColumn, BATCH, lambda: drift.ByColumn(alpha=0.01), {"columns": "categorical"}),
    Entry(
        drift.ByColumn,
        BATCH,
        lambda: drift.ByColumn(
            numeric=drift.KS(tolerance=0.1),
            columns={"amount": "numeric", "city": drift.ChiSquared(), "kind": "categorical"},
        ),
        {"columns": "mixed"},
    ),
]

ERRORS_OF_BEFORE = [float(position % 10 == 0) for position in range(5_000)]

QUIET_ROWS = [{"a": row % 10 == 0, "b": math.sin(row * row)} for row in range(1_200)]
SHIFTED_ROWS = [{"a": row % 10 != 0, "b": 5.0 + math.sin(row * row)} for row in range(300)]

STREAMS: list[Entry] = [
    Entry(drift.RiskDetector, STREAM, lambda: drift.RiskDetector(limit=0.1)),
    Entry(drift.RiskDetector, STREAM, lambda: drift.RiskDetector(limit=0.15)),
    Entry(drift.RiskDetector, STREAM, lambda: drift.RiskDetector(limit=0.1, run_length=1_000, side="both")),
    Entry(drift.RiskDetector, STREAM, lambda: drift.RiskDetector(limit=0.12, run_length=None, alpha=0.01)),
    Entry(
        drift.OnlineMMD,
        STREAM,
        lambda: drift.OnlineMMD(run_length=500, window=20, warm_up=100, n_features=32),
    ),
    Entry(drift.RankCUSUM, STREAM, drift.RankCUSUM),
    Entry(drift.RankCUSUM, STREAM, lambda: drift.RankCUSUM(run_length=500, allowance=0.5, warm_up=60)),
    Entry(drift.DistributionDetector, STREAM, drift.DistributionDetector),
    Entry(
        drift.DistributionDetector, STREAM, lambda: drift.DistributionDetector(run_length=500, warm_up=100)
    ),
    Entry(drift.RiverDetector, STREAM, lambda: drift.RiverDetector(river_drift.ADWIN(delta=0.01))),
    Entry(
        drift.RiverDetector,
        STREAM,
        lambda: drift.RiverDetector(river_drift.binary.DDM(), on_invalid="skip"),
    ),
    Entry(
        drift.RiverDetector,
        STREAM,
        lambda: drift.RiverDetector(river_drift.PageHinkley(), on_invalid="flag"),
    ),
    Entry(
        drift.Latched,
        STREAM,
        lambda: drift.Latched(drift.RiskDetector(limit=0.1)),
        skip={"update_many_is_repeated_update": "it returns the alarm raised, not how long it stands"},
    ),
    Entry(
        drift.Latched,
        STREAM,
        lambda: drift.Latched(drift.RiskDetector(limit=0.15)),
        skip={"update_many_is_repeated_update": "it returns the alarm raised, not how long it stands"},
    ),
    Entry(
        drift.Latched,
        STREAM,
        lambda: drift.Latched(drift.RiskDetector(limit=0.15), cool_down=50),
        skip={
            "update_many_is_repeated_update": "it returns the alarm raised, not how long it stands",
            "reset_is_fresh": "ending an alarm begins the cool-down",
        },
    ),
    Entry(
        drift.Windowed,
        STREAM,
        lambda: drift.Windowed(drift.KS(alpha=0.001).fit(ERRORS_OF_BEFORE), size=100),
    ),
    Entry(
        drift.Pooled,
        STREAM,
        lambda: drift.Pooled(
            {"a": drift.RiskDetector(limit=0.15), "b": drift.DistributionDetector(warm_up=500)}
        ),
        arguments={"quiet": QUIET_ROWS, "shifted": SHIFTED_ROWS},
        skip={"update_many_is_repeated_update": "it takes columns by name, not rows"},
    ),
]

# Not fed with numbers one by one, as the laws of streams are; their own tests check the same.
COMBINATIONS = [
    Entry(drift.OverTime, COMBINATION, lambda: drift.OverTime(drift.KS(), control="saffron")),
]

WINDOWS = [
    Entry(windows.SlidingWindow, WINDOW, lambda: windows.SlidingWindow(20)),
    Entry(windows.TimeWindow, WINDOW, lambda: windows.TimeWindow(20, size=20)),
    Entry(windows.TimeWindow, WINDOW, lambda: windows.TimeWindow(1_000, allowed_lateness=5, size=20)),
    Entry(windows.Reservoir, WINDOW, lambda: windows.Reservoir(20, seed=3)),
    Entry(windows.PendingLabels, WINDOW, lambda: windows.PendingLabels(20), {"append": put}),
    Entry(windows.PendingLabels, WINDOW, lambda: windows.PendingLabels(20, max_age=9), {"append": put}),
]

VALUES = [
    Entry(gates.Guardrail, VALUE, lambda: gates.Guardrail(0.05, bound=2.0)),
    Entry(
        gates.CanaryAnswer,
        VALUE,
        lambda: gates.CanaryAnswer(
            action=gates.CanaryAction.HOLD,
            reason="12 of 200 rows",
            share=0.05,
            gain=Interval(0.02, -0.1, 0.2, 0.9),
            p_value=0.3,
            ratio_p_value=1.0,
            guardrails={"latency": Verdict(Outcome.CONTINUE, "not shown yet")},
        ),
    ),
    Entry(gates.SignOff, VALUE, lambda: gates.SignOff("ada", False, "no rows of the new region", "7", NOON)),
    Entry(gates.Plan, VALUE, lambda: gates.plan(gates.Gain(), gain=0.02, discordance=0.06, n=3000)),
    Entry(gates.Forgetting, VALUE, lambda: FORGOTTEN),
    Entry(gates.ForgettingCell, VALUE, lambda: FORGOTTEN.cells[0]),
    Entry(
        drift.Alarm, VALUE, lambda: drift.Alarm(raised_at=7, result=AMOUNT, acknowledged_at=9, note="seen")
    ),
    Entry(Interval, MEASUREMENT, lambda: Interval(0.02, 0.01, 0.03, 0.9)),
    Entry(DriftResult, VALUE, lambda: TABLE),
    Entry(Decision, VALUE, lambda: RETRAIN),
    Entry(
        Verdict,
        VALUE,
        lambda: Verdict(Outcome.PROMOTE, "gain 0.02", gain=Interval(0.02, 0.01, 0.03, 0.9), p_value=0.01),
    ),
    Entry(policies.Evidence, VALUE, lambda: EVIDENCE),
    Entry(
        policies.Episode,
        VALUE,
        lambda: policies.Episode(policies.Evidence(now=NOON, n_labels=120), WAIT),
    ),
    Entry(
        policies.BestPeriod,
        VALUE,
        lambda: policies.best_period(
            [
                policies.Evidence(now=NOON + n * WEEK, trained_at=NOON, loss=0.1 + 0.01 * n + 0.01 * (n % 2))
                for n in range(9)
            ],
            retrain_cost=400,
            loss_cost=1000,
        ),
    ),
    Entry(policies.Costs, VALUE, lambda: policies.Costs(400, loss_cost=1e4)),
    Entry(
        policies.Money,
        VALUE,
        lambda: policies.Money(
            cost=505.0,
            optimum=495.0,
            optimal=(6, 12),
            calendar=496.0,
            every=7,
            scheduled=(6, 13),
            never=1215.0,
        ),
    ),
    Entry(
        policies.Replay,
        VALUE,
        lambda: policies.replay(
            policies.MaxAge(2 * WEEK),
            [policies.Evidence(now=NOON + n * WEEK, trained_at=NOON) for n in range(9)],
            policies.Costs(20, loss_cost=1),
            losses=lambda trained_at, now: (now - trained_at).days,
        ),
    ),
    Entry(
        policies.Replay,
        VALUE,
        lambda: policies.replay(
            policies.MinLabels(5), [policies.Evidence(n_labels=n, now=NOON + n * WEEK) for n in range(9)]
        ),
    ),
    Entry(
        curation.JTTCell,
        VALUE,
        lambda: curation.JTTCell(label="late", misidentified=True, rows=40, base_accuracy=0.1),
    ),
    Entry(
        curation.JTTReport,
        VALUE,
        lambda: curation.JTTReport(method="plain", helped=False, reason="y has one class only", n_rows=90),
    ),
    Entry(ledger.Champion, VALUE, lambda: ledger.Champion("7", NOON, "gain 0.02", trained_at=NOON - WEEK)),
    Entry(
        ledger.Entry,
        VALUE,
        lambda: ledger.Entry(3, "note", NOON, "7", '{"answer":{"who":"ada"}}', "ab" * 32),
    ),
    Entry(
        ledger.TrainingRun,
        VALUE,
        lambda: ledger.TrainingRun("7", NOON, 900, curation={"factor": 5}, seeds={"model": 0}, seconds=1.5),
    ),
    Entry(testing.Found, VALUE, lambda: FOUND),
    Entry(testing.Delay, VALUE, lambda: DELAY),
    Entry(testing.Baseline, VALUE, lambda: CLOCK),
    Entry(
        testing.Backtest,
        VALUE,
        lambda: testing.Backtest(
            detector="RiskDetector(limit=0.1)",
            n_reference=0,
            n_current=5000,
            promised=10_000.0,
            alarms=(812,),
            run_length=Interval(5000.0, 897.0, 197_490.0, 0.95),
            shuffled=Interval(12_500.0, 3460.0, 103_210.0, 0.95),
            shuffled_alarms=2,
            shuffles=5,
            places=200,
            horizon=500,
            alarmed_before=Interval(0.1, 0.06, 0.15, 0.95),
            delays=(DELAY,),
            unchanged=DELAY,
            baselines=(CLOCK,),
        ),
        skip={"one line": "its text is a table"},
    ),
    Entry(
        testing.StreamCertificate,
        VALUE,
        lambda: testing.StreamCertificate(
            detector="RiskDetector(limit=0.1)",
            n_reference=0,
            n_current=5000,
            promised=10_000.0,
            repetitions=100,
            alarms=40,
            run_length=Interval(12_500.0, 9180.0, 17_497.0, 0.95),
            false_alarms=Interval(0.33, 0.24, 0.43, 0.95),
            first_half=Interval(0.45, 0.29, 0.61, 0.95),
            delays=(DELAY,),
            fit_seconds=0.001,
            update_seconds=1e-6,
        ),
        skip={"one line": "its text is a table"},
    ),
    Entry(
        testing.Certificate,
        VALUE,
        lambda: testing.Certificate(
            detector="KS()",
            n_reference=900,
            n_current=100,
            alpha=0.05,
            repetitions=500,
            false_alarms=Interval(0.04, 0.024, 0.061, 0.95),
            found=(FOUND,),
            fit_seconds=0.001,
            detect_seconds=0.0005,
        ),
        skip={"one line": "its text is a table"},
    ),
    Entry(stats.KSResult, MEASUREMENT, lambda: stats.ks([1.0, 2.0, 3.0], [2.5, 4.0])),
    Entry(stats.ChiSquaredResult, MEASUREMENT, lambda: stats.chi_squared([[10, 20], [30, 5]])),
    Entry(
        stats.CramerVonMisesResult, MEASUREMENT, lambda: stats.cramer_von_mises([1.0, 2.0, 3.0], [2.5, 4.0])
    ),
    Entry(stats.WassersteinResult, MEASUREMENT, lambda: stats.wasserstein([1.0, 2.0, 3.0], [2.5, 4.0])),
    Entry(stats.MMDResult, MEASUREMENT, lambda: stats.mmd([[0.0], [1.0], [2.0]], [[5.0], [6.0], [7.0]])),
    Entry(stats.EnergyResult, MEASUREMENT, lambda: stats.energy([0.0, 1.0], [0.0, 3.0])),
    Entry(stats.GroupSequentialResult, MEASUREMENT, lambda: stats.group_sequential(2)),
    Entry(
        gates.SliceGain,
        VALUE,
        lambda: gates.SliceGain(
            name="eu",
            worse=True,
            gain=Interval(-0.1, -0.2, -0.05, 0.9),
            p_value=0.003,
            n_samples=90,
            reason="90 rows",
        ),
    ),
    Entry(
        gates.WorseSlices,
        VALUE,
        lambda: gates.WorseSlices(
            by="region",
            slices=(gates.SliceGain(name="eu", worse=False, reason="one\nrow", n_samples=1),),
            remarks=("a\nremark",),
        ),
    ),
    Entry(stats.McNemarResult, MEASUREMENT, lambda: stats.mcnemar(3, 11)),
    Entry(stats.DeLongResult, MEASUREMENT, lambda: stats.delong([0, 1, 0, 1], [1, 2, 3, 4], [1, 3, 4, 2])),
    Entry(stats.BettingResult, MEASUREMENT, lambda: stats.betting_test([0.9, 0.4, 0.8], 0.5)),
]

OTHERS = [
    Entry(drift.DriftState, ENUM),
    Entry(gates.Outcome, ENUM),
    Entry(gates.CanaryAction, ENUM),
    Entry(
        gates.Canary,
        CANARY,
        lambda: gates.Canary(
            ((0.2, 5), (0.5, 9)),
            salt="7",
            margin=-0.5,
            guardrails={"latency": gates.Guardrail(0.9, bound=2.0)},
        ),
    ),
    Entry(
        gates.Trial,
        RECORD,
        lambda: gates.Trial(
            [1.0, 0.0, 1.0], [0.0, 0.0, 1.0], slices={"region": ["eu", "us", "eu"]}, groups=[1, 1, 2]
        ),
    ),
    Entry(gates.HoldoutBudget, JUDGE, lambda: gates.HoldoutBudget(alpha=0.1, n_holdouts=3)),
    Entry(ledger.Ledger, LEDGER, ledger.Ledger),
    *(
        Entry(each, LEDGER)
        for each in (
            ledger.LogEntries,
            ledger.MLflowAliases,
            ledger.OpenTelemetrySpans,
            ledger.PrometheusMetrics,
        )
    ),
    Entry(drift.Summary, SUMMARY, lambda: drift.KS().fit([1.0, 2.0, 3.0]).summarize([1.5, 2.5])),
    Entry(evaluation.Prequential, MACHINE, lambda: evaluation.Prequential(evaluation.absolute_error)),
    Entry(
        curation.JTTClassifier,
        ESTIMATOR,
        lambda: curation.JTTClassifier(DecisionTreeClassifier(max_depth=2, random_state=0)),
    ),
]

ERRORS = [Entry(getattr(exceptions, name), ERROR) for name in exceptions.__all__]

REGISTRY = [
    *POLICIES,
    *GATES,
    *LIVE_GATES,
    *DETECTORS,
    *STREAMS,
    *COMBINATIONS,
    *WINDOWS,
    *VALUES,
    *OTHERS,
    *ERRORS,
]

# Names of river that occur in the repr of ours.
RIVER_NAMES = {
    name: value
    for module in (river_drift, river_drift.binary)
    for name, value in vars(module).items()
    if isinstance(value, type)
}

# Public names that are types to annotate with, not classes.
ALIASES = {"Loss", "PolicyLike", "GateLike"}
