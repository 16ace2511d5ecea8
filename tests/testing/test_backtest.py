"""backtest counts what it says: alarms, delays after changes at known places, and what a clock would give."""

import json

import numpy as np
import pandas as pd
import pytest
from river.drift import ADWIN
from scipy.stats import chi2

from contlearn.drift import KS, DistributionDetector, Latched, Pooled, RiskDetector, RiverDetector, Windowed
from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.testing import Backtest, Baseline, Delay, backtest


class Several:
    """Alarms at the k-th value above a limit since the last alarm."""

    def __init__(self, limit=0.5, k=3):
        self.limit = limit
        self.k = k
        self.seen = 0
        self.drift_detected = False

    def __repr__(self):
        return f"Several({self.limit}, {self.k})"

    def update(self, x):
        if self.drift_detected:
            self.seen = 0
        self.seen += x > self.limit
        self.drift_detected = bool(self.seen >= self.k)


class SeveralAtOnce(Several):
    """The same with an `update_many`, and a `fit` that puts the limit above all that it saw."""

    def fit(self, values):
        self.limit = max(values)
        return self

    def reset(self):
        self.seen = 0
        self.drift_detected = False

    def update_many(self, values):
        alarms = []
        for position, value in enumerate(values):
            self.update(value)
            if self.drift_detected:
                alarms.append(position)
        return alarms


def brute_alarms(values, limit, k, state=0):
    alarms, seen = [], state
    for position, value in enumerate(values):
        seen += value > limit
        if seen >= k:
            alarms.append(position)
            seen = 0
    return alarms, seen


STREAM = np.random.default_rng(0).random(1500)


@pytest.mark.parametrize("kind", [Several, SeveralAtOnce])
def test_alarms_and_delays_are_those_of_running_everything_again(kind):
    places = [100, 101, 640, 1200]

    def lower(values, size, rng):
        return values - size

    record = backtest(kind(0.9, 5), STREAM, shifts={"fall": (lower, (0.05, 0.2))}, places=places, horizon=300)
    alarms, _ = brute_alarms(STREAM, 0.9, 5)
    assert record.alarms == tuple(alarms)
    for size, row in zip((0.0, 0.05, 0.2), (record.unchanged, *record.delays), strict=True):
        delays = []
        for place in places:
            _, state = brute_alarms(STREAM[:place], 0.9, 5)
            found, _ = brute_alarms(STREAM[place : place + 300] - size, 0.9, 5, state)
            delays.append(found[0] + 1 if found else None)
        whole = [300 if each is None else each for each in delays]
        assert row.mean.estimate == pytest.approx(np.mean(whole))
        assert row.misses == delays.count(None)
        assert row.found.estimate == pytest.approx(1.0 - row.misses / 4)
        assert row.median == (None if row.misses > 2 else pytest.approx(np.median(whole)))
    assert record.delays[1].misses == 4
    before = [any(place - 300 <= alarm < place for alarm in alarms) for place in places]
    assert record.alarmed_before.estimate == np.mean(before)


def test_the_run_length_has_the_interval_of_a_poisson_count():
    record = backtest(Several(0.9, 10), STREAM, shifts=(), places=3)
    n = len(record.alarms)
    low, high = 1500 / (chi2.ppf(0.975, 2 * n + 2) / 2), 1500 / (chi2.ppf(0.025, 2 * n) / 2)
    assert tuple(record.run_length[:3]) == pytest.approx((1500 / n, low, high))
    never = backtest(Several(2.0), STREAM, shifts=(), places=3)
    assert never.run_length.low == pytest.approx(1500 / -np.log(0.025))
    assert never.run_length.high == never.run_length.estimate == np.inf


@pytest.mark.parametrize(("k", "horizon"), [(4, 50), (60, 50), (50, 50)])
def test_a_clock_is_counted_exactly(k, horizon):
    """Against all moments at which a change can come upon it."""
    every_value = Several(-1.0, k)
    record = backtest(every_value, STREAM[:1200], shifts=(), places=3, horizon=horizon)
    assert len(record.alarms) == 1200 // k
    always, never, clock = record.baselines
    delays = np.arange(1, k + 1)
    assert clock.delay == pytest.approx(np.minimum(delays, horizon).mean())
    assert clock.found == pytest.approx((delays <= horizon).mean())
    assert clock.alarms == 1200 // k
    assert (always.alarms, always.delay, always.found) == (1200, 1.0, 1.0)
    assert (never.alarms, never.delay, never.found) == (0, horizon, 0.0)


def test_without_an_alarm_the_clock_fires_once_in_the_run_length_or_the_horizon():
    record = backtest(Several(2.0), STREAM, shifts=(), places=3, horizon=150)
    assert record.baselines[2] == Baseline(name="every 150 (the horizon)", alarms=10, delay=75.5, found=1.0)
    risky = RiskDetector(limit=0.99, run_length=2_000)
    record = backtest(risky, STREAM, shifts=(), places=3, horizon=150)
    assert record.alarms == ()
    assert record.baselines[2].name == "every 2,000 (its run length)"
    delays = np.minimum(np.arange(1, 2_001), 150)
    assert record.baselines[2].delay == pytest.approx(delays.mean())
    assert (record.baselines[2].alarms, record.baselines[2].found) == (0, 0.075)


@pytest.mark.parametrize("size", [0.3, np.float32(0.25), np.array(0.3), 1], ids=repr)
def test_one_size_may_stand_alone(size):
    alone, listed = (
        backtest(Several(), STREAM, shifts={"risk": sizes}, places=5, horizon=90).delays
        for sizes in (size, (float(size),))
    )
    assert alone == listed
    own = backtest(Several(), STREAM, shifts={"own": (lambda x, size, rng: x + size, size)}, places=5)
    assert [each.size for each in own.delays] == [float(size)]


def test_every_place_of_a_clock_agrees_with_its_baseline():
    record = backtest(Several(-1.0, 50), STREAM[:1200], shifts=(), places=range(100, 1100), horizon=80)
    assert record.unchanged.mean.estimate == pytest.approx(record.baselines[2].delay)


def test_in_random_order_only_the_values_matter():
    sorted_values = np.sort(STREAM)
    record = backtest(
        DistributionDetector(run_length=5000), sorted_values, reference=500, shifts=(), places=2
    )
    assert record.alarms
    assert record.shuffled.estimate > 10 * record.run_length.estimate
    assert record.promised == 5000.0
    assert record.run_length_held
    assert (record.n_reference, record.n_current) == (500, 1000)
    assert min(record.alarms) >= 500


def test_the_reference_is_fitted_where_that_is_needed_and_taken_in_where_not():
    fitted = backtest(SeveralAtOnce(0.0, 1), STREAM, reference=100, shifts=(), places=2)
    seen = backtest(RiskDetector(limit=0.9, run_length=10), STREAM, reference=100, shifts=(), places=2)
    warm = backtest(DistributionDetector(warm_up=300), STREAM, shifts=(), places=2)
    ready = backtest(DistributionDetector().fit(STREAM), STREAM, shifts=(), places=2)
    assert [each.n_reference for each in (fitted, seen, warm, ready)] == [100, 100, 300, 0]
    assert fitted.alarms == tuple(100 + np.flatnonzero(STREAM[100:] > STREAM[:100].max()))


def test_a_used_detector_is_as_new_and_stays_as_it_is():
    used = DistributionDetector(run_length=500).fit(STREAM[:300])
    used.update_many(STREAM[300:700] + 0.02)
    state = used.result
    fresh = DistributionDetector(run_length=500).fit(STREAM[:300])
    one, other = (backtest(each, STREAM, shifts={"mean": (0.5,)}, places=20) for each in (used, fresh))
    assert one == other
    assert used.result == state


def test_the_same_seed_gives_the_same_record_and_the_stream_stays_as_it_is():
    before = STREAM.copy()
    records = [backtest(Several(0.9, 4), STREAM, places=20, rng=rng) for rng in (3, 3, 4)]
    assert records[0] == records[1] != records[2]
    np.testing.assert_array_equal(STREAM, before)


def test_shifts_have_the_size_that_they_state():
    calls = {}

    class Watching(Several):
        def update(self, x):
            values.append(x)

    rng = np.random.default_rng(1)
    losses = (rng.random(20_000) < 0.1).astype(float)
    for stream, name, size in ((losses, "risk", 0.05), (losses, "mean", 0.5), (STREAM, "risk", 0.2)):
        values = []
        backtest(Watching(), stream, shifts={name: (size,)}, places=[0], horizon=len(stream), shuffles=1)
        calls[name] = np.mean(values[-2 * len(stream) : -len(stream)]) - np.mean(stream)
        expected = size * (np.std(stream) if name == "mean" else 1.0)
        assert calls[name] == pytest.approx(expected, abs=4.5 * 0.5 / np.sqrt(len(stream)))
        if name == "risk":
            assert max(values) <= 1.0


def test_losses_get_more_risk_by_default_and_numbers_other_means_and_spreads():
    def tried(stream):
        record = backtest(Several(), stream, places=3)
        return list(dict.fromkeys(each.shift for each in record.delays))

    assert tried(STREAM) == ["risk"]
    assert tried(STREAM > 0.9) == ["risk"]
    assert tried(10 * STREAM) == ["mean", "spread"]
    words = DistributionDetector(warm_up=300)
    labels = np.random.default_rng(2).choice(["a", "b", "c"], 900)
    assert {each.shift for each in backtest(words, labels, places=3).delays} == {"category"}


def test_lists_frames_and_columns_are_taken():
    expected = backtest(ADWIN(), STREAM, places=5)
    for stream in (STREAM.tolist(), {"loss": STREAM}, pd.DataFrame({"loss": STREAM}), pd.Series(STREAM)):
        assert backtest(ADWIN(), stream, places=5) == expected


def test_an_alarm_that_is_held_is_dealt_with_at_once():
    plain = backtest(RiskDetector(limit=0.5, run_length=20), STREAM, places=20)
    held = backtest(Latched(RiskDetector(limit=0.5, run_length=20)), STREAM, places=20)
    assert len(plain.alarms) > 3
    assert (held.alarms, held.delays) == (plain.alarms, plain.delays)
    assert held.promised == 20.0


def test_many_streams_are_taken_by_name_and_rows_as_rows():
    rng = np.random.default_rng(6)
    columns = {"age": rng.normal(size=1200), "pay": rng.normal(size=1200)}
    pooled = Pooled({name: DistributionDetector(run_length=5_000) for name in columns})
    record = backtest(pooled, columns, reference=600, shifts={"mean": (3.0,)}, places=20, horizon=200)
    assert record.promised == 5_000.0
    assert (record.n_reference, record.delays[0].misses) == (600, 0)
    windowed = Windowed(KS(alpha=0.001), size=20)
    for rows in (columns, np.column_stack(list(columns.values())), pd.DataFrame(columns)):
        record = backtest(windowed, rows, reference=600, shifts={"mean": (6.0,)}, places=20, horizon=60)
        assert record.promised == 20_000.0
        assert record.delays[0].misses == 0
        assert record.delays[0].mean.high < 41
    ready = backtest(Windowed(KS(), size=20).fit(columns), columns, shifts=(), places=2, horizon=60)
    assert ready.n_reference == 0


def test_a_guarded_detector_is_as_the_one_inside():
    plain, guarded = (backtest(each, STREAM, places=20) for each in (ADWIN(), RiverDetector(ADWIN())))
    assert (plain.alarms, plain.delays) == (guarded.alarms, guarded.delays)


def test_an_added_risk_is_found_sooner_than_by_a_clock_with_as_many_alarms():
    losses = np.random.default_rng(5).random(20_000) < 0.1
    record = backtest(RiskDetector(limit=0.1, run_length=2_000), losses, horizon=1_000)
    always, _, clock = record.baselines
    assert always.delay < record.delays[-1].mean.estimate < 0.2 * clock.delay
    delays = [each.mean.estimate for each in (record.unchanged, *record.delays)]
    assert delays == sorted(delays, reverse=True)


def test_the_text_is_a_table_and_the_rest_is_ready_for_json():
    record = backtest(RiskDetector(limit=0.5, run_length=100), STREAM, shifts={"risk": (0.3,)}, places=30)
    lines = str(record).splitlines()
    assert lines[0].startswith("RiskDetector(limit=0.5")
    assert [line.split()[0] for line in lines[-5:]] == ["risk", "nothing", "always", "never", "every"]
    assert json.loads(json.dumps(record.to_dict(), allow_nan=False)) == record.to_dict()
    assert isinstance(record, Backtest)
    assert isinstance(record.delays[0], Delay)
    assert "<table" in record._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"detector": ADWIN}, "detector must be a stream detector, such as .*, got ADWIN"),
        ({"detector": object()}, "detector must be a stream detector"),
        ({"reference": -1}, "reference must be at least 0"),
        ({"reference": 1499}, "stream must have more than the 1499 values of the reference, got 1500"),
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"horizon": 1501}, "horizon must be at most 1500"),
        ({"places": 0}, "places must be at least 1"),
        ({"places": []}, "places must be a number of places or a sequence"),
        ({"places": "5"}, "places must be a number of places or a sequence"),
        ({"places": [1450], "horizon": 100}, "every place must be at most 1400"),
        ({"places": [50], "reference": 60}, "every place must be at least 60"),
        ({"shuffles": 0}, "shuffles must be at least 1"),
        ({"shifts": {"media": None}}, "shift 'media' must be one of"),
        ({"shifts": {"risk": (-0.1,)}}, "size of the shift 'risk'"),
        ({"stream": 10 * STREAM, "shifts": ["risk"]}, "a column to which the shift 'risk' applies"),
        ({"rng": "seed"}, "rng must be"),
        ({"detector": RiskDetector(limit=0.1), "stream": 10 * STREAM}, "a loss between 0 and 1"),
    ],
)
def test_what_can_never_work_is_refused_by_name(arguments, words):
    arguments = {"detector": Several(), "stream": STREAM} | arguments
    with pytest.raises((InvalidParameterError, InvalidInputError), match=words):
        backtest(arguments.pop("detector"), arguments.pop("stream"), **arguments)
