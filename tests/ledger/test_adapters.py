"""Adapters tell others what a ledger remembers: Prometheus, OpenTelemetry and logging as they are."""

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from contlearn.exceptions import InvalidParameterError, MissingDependencyError
from contlearn.gates import Canary
from contlearn.ledger import (
    Ledger,
    LogEntries,
    MLflowAliases,
    OpenTelemetrySpans,
    PrometheusMetrics,
    TrainingRun,
)
from contlearn.policies import Evidence
from contlearn.results import Decision, DriftResult, DriftState, Interval, Outcome, Verdict

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BETTER = Verdict(Outcome.PROMOTE, "gain 0.02", gain=Interval(0.02, 0.01, 0.03, 0.9), p_value=0.01)
WORSE = Verdict(Outcome.REJECT, "gain -0.04", gain=Interval(-0.04, -0.05, -0.03, 0.9), p_value=1.0)


def first_week(ledger):
    """Write eight entries: a first model, a decision, its training, a verdict, a promotion, a rollback."""
    ledger.promote("1", at=NOON, reason="the first model")
    seen = Evidence(now=NOON + DAY, loss=Interval(0.3, 0.25, 0.35, 0.9))
    ledger.record(Decision(True, "loss 0.3"), evidence=seen)
    ledger.record(TrainingRun("2", trained_at=NOON + DAY, n_rows=900), at=NOON + DAY)
    ledger.record(BETTER, at=NOON + 2 * DAY, model_id="2")
    ledger.approve("2", by="ada", at=NOON + 2 * DAY)
    ledger.promote("2", at=NOON + 3 * DAY)
    ledger.record(DriftResult(state=DriftState.DRIFT, score=0.3, p_value=0.001), at=NOON + 4 * DAY)
    ledger.rollback(at=NOON + 5 * DAY, reason="calls from customers")


@pytest.fixture
def ledger():
    ledger = Ledger()
    first_week(ledger)
    return ledger


class Broken(Exception):
    """What a client raises."""


# Prometheus -----------------------------------------------------------------------------------------------


def shown(registry):
    """Return what a scrape of the registry reads, by name and labels; when counters were made is left out."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [sample for family in families for sample in family.samples]
    return {
        (sample.name.removeprefix("contlearn_"), *sample.labels.values()): sample.value
        for sample in samples
        if not sample.name.endswith("_created")
    }


def test_prometheus_reads_what_the_ledger_remembers(ledger):
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry)
    assert metrics.update(ledger, at=NOON + 6 * DAY) == 8
    assert shown(registry) == {
        ("entries_total", "promotion"): 2,
        ("entries_total", "decision"): 1,
        ("entries_total", "training"): 1,
        ("entries_total", "verdict"): 1,
        ("entries_total", "approval"): 1,
        ("entries_total", "drift"): 1,
        ("entries_total", "rollback"): 1,
        ("decisions_total", "retrain"): 1,
        ("verdicts_total", "promote"): 1,
        ("drift_total", "drift"): 1,
        ("approvals_total", "true"): 1,
        ("promotions_total",): 2,
        ("rollbacks_total",): 1,
        ("champion", "1"): 1,
        ("champion_age",): DAY.total_seconds(),
        ("gain", "estimate"): 0.02,
        ("gain", "low"): 0.01,
        ("gain", "high"): 0.03,
        ("loss", "estimate"): 0.3,
        ("loss", "low"): 0.25,
        ("loss", "high"): 0.35,
    }


def test_prometheus_counts_an_entry_once(ledger):
    registry = CollectorRegistry()
    metrics = PrometheusMetrics(registry)
    metrics.update(ledger)
    before = shown(registry)
    assert metrics.update(ledger) == 0
    assert shown(registry) == before
    ledger.record(WORSE, at=NOON + 6 * DAY, model_id="3")
    ledger.record(Decision(False, "nothing", missing=("loss",)), evidence=Evidence(loss=0.2))
    assert metrics.update(ledger) == 2
    now = shown(registry)
    assert (now["verdicts_total", "reject"], now["decisions_total", "unknown"]) == (1, 1)
    assert now["gain", "estimate"] == -0.04
    assert {key: value for key, value in now.items() if key[0] == "loss"} == {("loss", "estimate"): 0.2}
    assert now["champion_age",] == 0.0  # nobody said when it is


def test_prometheus_forgets_the_last_champion_and_takes_numbers_for_times():
    registry, ledger = CollectorRegistry(), Ledger()
    metrics = PrometheusMetrics(registry)
    metrics.update(ledger, at=1)
    assert ("champion", "1") not in shown(registry)
    ledger.promote("1", at=1)
    metrics.update(ledger, at=3.5)
    assert shown(registry)["champion_age",] == 2.5
    ledger.promote("2", at=4)
    metrics.update(ledger, at=4)
    assert [key for key in shown(registry) if key[0] == "champion"] == [("champion", "2")]
    assert shown(registry)["champion_age",] == 0.0


def test_prometheus_after_an_entry_counts_only_later_ones(ledger):
    registry = CollectorRegistry()
    assert PrometheusMetrics(registry, after=6).update(ledger) == 2
    assert shown(registry)["promotions_total",] == 0
    assert shown(registry)["rollbacks_total",] == 1


# OpenTelemetry --------------------------------------------------------------------------------------------


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("models")
    provider.shutdown()


def test_every_entry_is_a_span_at_its_own_time(ledger, tracer, exporter):
    spans = OpenTelemetrySpans(tracer)
    assert spans.update(ledger) == 8
    found = exporter.get_finished_spans()
    assert [span.name for span in found] == [f"contlearn.{entry.kind}" for entry in ledger.history()]
    for span, entry in zip(found, ledger.history(), strict=True):
        assert span.attributes["contlearn.id"] == entry.id
        assert span.attributes["contlearn.digest"] == entry.digest
        assert span.attributes["contlearn.at"] == entry.at.isoformat()
        assert span.start_time == span.end_time == int(entry.at.timestamp()) * 10**9
    assert spans.update(ledger) == 0
    assert len(exporter.get_finished_spans()) == 8


def test_spans_carry_what_was_said(ledger, tracer, exporter):
    OpenTelemetrySpans(tracer).update(ledger)
    found = {span.name.removeprefix("contlearn."): span.attributes for span in exporter.get_finished_spans()}
    verdict = found["verdict"]
    said = {name: verdict[f"contlearn.{name}"] for name in ("word", "reason", "model_id", "p_value", "gain")}
    assert said == {"word": "promote", "reason": "gain 0.02", "model_id": "2", "p_value": 0.01, "gain": 0.02}
    assert (verdict["contlearn.gain.low"], verdict["contlearn.gain.high"]) == (0.01, 0.03)
    assert found["decision"]["contlearn.word"] == "retrain"
    assert "contlearn.p_value" not in found["decision"]
    assert found["rollback"]["contlearn.reason"] == "calls from customers"
    assert found["training"]["contlearn.reason"] == "model 2 trained on 900 rows"


def test_times_that_are_nobodys_are_left_to_the_clock_of_opentelemetry(tracer, exporter):
    ledger = Ledger()
    ledger.promote("1", at=3)
    OpenTelemetrySpans(tracer).update(ledger)
    span = exporter.get_finished_spans()[0]
    assert span.attributes["contlearn.at"] == 3.0
    assert span.start_time > datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1e9


# logging --------------------------------------------------------------------------------------------------


def test_every_entry_is_a_line(ledger, caplog):
    log = LogEntries(logging.getLogger("models"))
    with caplog.at_level("INFO"):
        assert log.update(ledger) == 8
        assert log.update(ledger) == 0
    assert caplog.messages == [str(entry) for entry in ledger.history()]
    assert [record.contlearn for record in caplog.records] == [e.to_dict() for e in ledger.history()]
    warned = [e.kind for e, r in zip(ledger.history(), caplog.records, strict=True) if r.levelname != "INFO"]
    assert warned == ["drift", "rollback"]


def test_what_went_against_a_wish_is_a_warning(caplog):
    ledger = Ledger()
    ledger.record(WORSE, at=1)
    ledger.record(Verdict(Outcome.CONTINUE, "30 rows"), at=1)
    ledger.record(DriftResult(state=DriftState.STABLE), at=1)
    ledger.approve("2", by="ada", at=1, granted=False, reason="no rows of the new region")
    ledger.record({"who": "ada"}, at=1)
    with caplog.at_level("INFO"):
        LogEntries(logging.getLogger("models")).update(ledger)
    assert [r.levelname for r in caplog.records] == ["WARNING", "INFO", "INFO", "WARNING", "INFO"]


def test_canaries_are_told(caplog, tracer, exporter):
    """One that holds, and one that was aborted: its model is no challenger any more."""
    ledger, registry, client = Ledger(), CollectorRegistry(), Registry()
    ledger.record(TrainingRun("2"), at=1)
    canary = Canary(((0.5, 3),), salt="2")
    canary.update("challenger", 0.4)
    ledger.record(canary.answer, at=2, model_id="2")
    aliases = MLflowAliases(client, "delays")
    aliases.update(ledger)
    assert client.aliases == {"challenger": "2"}
    assert client.tags["2", "contlearn.canary"].startswith("2 canary of 2 at 2.0: hold: step 1 of 1")
    canary.abort("calls from customers")
    ledger.record(canary.answer, at=3, model_id="2")
    aliases.update(ledger)
    assert client.aliases == {}
    with caplog.at_level("INFO"):
        LogEntries(logging.getLogger("models")).update(ledger)
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "WARNING"]
    OpenTelemetrySpans(tracer).update(ledger)
    attributes = [dict(span.attributes) for span in exporter.get_finished_spans()][1:]
    assert [each["contlearn.word"] for each in attributes] == ["hold", "abort"]
    assert attributes[1]["contlearn.gain.high"] == canary.answer.gain.high
    PrometheusMetrics(registry).update(ledger)
    assert {key: value for key, value in shown(registry).items() if key[0] == "canary_total"} == {
        ("canary_total", "hold"): 1,
        ("canary_total", "abort"): 1,
    }


def test_a_user_may_write_percent_signs(caplog):
    ledger = Ledger()
    ledger.promote("50 % %s %d", at=1, reason="%(name)s\nsecond line")
    with caplog.at_level("INFO"):
        LogEntries(logging.getLogger("models")).update(ledger)
    assert caplog.messages == ["1 promotion of 50 % %s %d at 1.0: %(name)s second line"]


# MLflow, without MLflow (tests/integrations/test_mlflow.py has the real one) ------------------------------


class Registry:
    """A client that keeps what it is told, and raises at the call of a given number."""

    def __init__(self, broken_at=None):
        self.aliases, self.tags, self.calls, self.broken_at = {}, {}, 0, broken_at

    def _call(self):
        self.calls += 1
        if self.calls == self.broken_at:
            raise Broken

    def set_registered_model_alias(self, name, alias, version):
        self._call()
        self.aliases[alias] = version

    def delete_registered_model_alias(self, name, alias):
        self._call()
        self.aliases.pop(alias, None)

    def set_model_version_tag(self, name, version, key, value):
        self._call()
        self.tags[version, key] = value


def test_aliases_follow_promotions_rollbacks_and_trainings():
    client, ledger = Registry(), Ledger()
    aliases = MLflowAliases(client, "delays")
    assert aliases.update(ledger) == 0
    assert client.calls == 0
    steps = [
        (lambda: ledger.promote("1", at=1), {"champion": "1"}),
        (lambda: ledger.record(TrainingRun("2"), at=2), {"champion": "1", "challenger": "2"}),
        (lambda: ledger.record(BETTER, at=2, model_id="2"), {"champion": "1", "challenger": "2"}),
        (lambda: ledger.promote("2", at=3), {"champion": "2"}),
        (lambda: ledger.record(TrainingRun("3"), at=4), {"champion": "2", "challenger": "3"}),
        (lambda: ledger.record(WORSE, at=5, model_id="3"), {"champion": "2"}),
        (lambda: ledger.promote("4", at=6), {"champion": "4"}),
        (lambda: ledger.rollback(at=7, reason="x"), {"champion": "2"}),
        (lambda: ledger.rollback(at=8, reason="y"), {"champion": "1"}),
        (lambda: ledger.record(TrainingRun("3"), at=9), {"champion": "1", "challenger": "3"}),
        (lambda: ledger.promote("5", at=10), {"champion": "5", "challenger": "3"}),
        (lambda: ledger.rollback(at=11, reason="z"), {"champion": "1", "challenger": "3"}),
    ]
    for act, expected in steps:
        act()
        assert aliases.update(ledger) == 1
        assert client.aliases == expected
    at_once = Registry()
    assert MLflowAliases(at_once, "delays").update(ledger) == len(steps)
    assert (at_once.aliases, at_once.tags) == (client.aliases, client.tags)
    assert client.tags["4", "contlearn.rolled_back"] == "8 rollback at 7.0: x"
    assert client.tags["2", "contlearn.rolled_back"] == "9 rollback at 8.0: y"
    assert client.tags["5", "contlearn.rolled_back"] == "12 rollback at 11.0: z"
    assert client.tags["3", "contlearn.verdict"] == "6 verdict of 3 at 5.0: reject: gain -0.04"


def test_a_model_that_mlflow_does_not_know_is_passed_over(ledger):
    client = Registry()
    aliases = MLflowAliases(client, "delays", version={"2": 17}.get)
    aliases.update(ledger)
    assert client.aliases == {}  # the champion is model 1 again, which has no version
    assert {version for version, _ in client.tags} == {"17"}


# what they share ------------------------------------------------------------------------------------------


class Tracer:
    def __init__(self, broken_at):
        self.left, self.told = broken_at, []

    def start_span(self, name, attributes, start_time):
        self.left -= 1
        if self.left == 0:
            raise Broken
        self.told.append(attributes["contlearn.id"])
        return self

    def end(self, end_time):
        pass


class Logger:
    def __init__(self, broken_at):
        self.left, self.told = broken_at, []

    def info(self, form, entry, extra):
        self.left -= 1
        if self.left == 0:
            raise Broken
        self.told.append(entry.id)

    warning = info


@pytest.mark.parametrize("adapter", [(OpenTelemetrySpans, Tracer), (LogEntries, Logger)], ids=str)
@pytest.mark.parametrize("broken_at", [1, 5, 8])
def test_a_client_that_fails_does_not_lose_its_place(ledger, adapter, broken_at):
    kind, make = adapter
    client = make(broken_at)
    follower = kind(client)
    with pytest.raises(Broken):
        follower.update(ledger)
    assert follower.last_id == broken_at - 1
    assert follower.update(ledger) == 9 - broken_at
    assert client.told == list(range(1, 9))
    assert follower.last_id == 8


@pytest.mark.parametrize("broken_at", range(1, 9))
def test_a_registry_that_fails_is_told_everything_again(ledger, broken_at):
    whole, client = Registry(), Registry(broken_at)
    MLflowAliases(whole, "delays").update(ledger)
    aliases = MLflowAliases(client, "delays")
    if broken_at <= whole.calls:
        with pytest.raises(Broken):
            aliases.update(ledger)
        assert aliases.last_id == 0
    aliases.update(ledger)
    assert (client.aliases, client.tags) == (whole.aliases, whole.tags)


FOLLOWERS = {
    "LogEntries": lambda after: LogEntries(Logger(0), after),
    "OpenTelemetrySpans": lambda after: OpenTelemetrySpans(Tracer(0), after),
    "PrometheusMetrics": lambda after: PrometheusMetrics(CollectorRegistry(), after),
    "MLflowAliases": lambda after: MLflowAliases(Registry(), "delays", after=after),
}


@pytest.mark.parametrize("name", FOLLOWERS)
def test_one_goes_on_where_another_was(ledger, name):
    first = FOLLOWERS[name](0)
    assert first.update(ledger) == 8
    ledger.promote("9", at=NOON + 9 * DAY)
    second = FOLLOWERS[name](first.last_id)
    assert second.update(ledger) == 1
    assert second.last_id == 9


@pytest.mark.parametrize("name", FOLLOWERS)
def test_bad_arguments_are_refused(ledger, name):
    for after in (-1, 1.5, None):
        with pytest.raises(InvalidParameterError, match="after must be"):
            FOLLOWERS[name](after)
    with pytest.raises(InvalidParameterError, match="ledger must be a Ledger"):
        FOLLOWERS[name](0).update([])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LogEntries("models"), "logger must be a logger"),
        (lambda: OpenTelemetrySpans(None), "tracer must be a tracer"),
        (lambda: PrometheusMetrics(None), "registry must be a registry"),
        (lambda: MLflowAliases(None, "delays"), "client must have the method"),
        (lambda: MLflowAliases(Registry(), ""), "name must be the name"),
        (lambda: MLflowAliases(Registry(), "delays", version={}), "version must be a function"),
    ],
    ids=["logger", "tracer", "registry", "client", "name", "version"],
)
def test_clients_that_are_none_are_refused(make, message):
    with pytest.raises(InvalidParameterError, match=message):
        make()


def test_without_prometheus_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingDependencyError, match=r"pip install contlearn\[prometheus\]"):
        PrometheusMetrics(CollectorRegistry())


def test_loading_the_adapters_loads_no_client():
    clients = ["mlflow", "prometheus_client", "opentelemetry", "logging", "numpy"]
    script = (
        "from contlearn.ledger import LogEntries, MLflowAliases, OpenTelemetrySpans, PrometheusMetrics\n"
        f"import sys; print(*[name for name in {clients} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) <= {"numpy", "logging"}
