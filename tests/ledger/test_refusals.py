"""What cannot be asked or written is refused in words that help, and nothing is lost by it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.ledger import Ledger, PrometheusMetrics, fingerprint, read_json_lines
from contlearn.policies import Evidence
from contlearn.results import Decision

WAIT = Decision(False, "wait")
CYCLE = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda ledger: ledger.promote("\ud800", at=1), "model_id must be text that UTF-8 can write"),
        (lambda ledger: ledger.history(model_id="\ud800"), "model_id must be text that UTF-8 can write"),
        (lambda ledger: ledger.history(after=2**70), "after must"),
        (lambda ledger: ledger.history(limit=2**70), "limit must"),
        (lambda ledger: ledger.record({"x": 10**5000}), "the answer must be what JSON can write"),
        (lambda ledger: ledger.verify(5), "head must be a digest"),
        (lambda ledger: ledger.verify(""), "head must be a digest"),
        (lambda _: read_json_lines([], head=""), "head must be a digest"),
        (
            lambda ledger: ledger.evidence(nope=2),
            "a fact must be one of now, trained_at.*or subclass Evidence",
        ),
        (lambda _: fingerprint(CYCLE), "does a list hold itself"),
    ],
)
def test_what_can_never_work_is_refused(ask, words):
    ledger = Ledger()
    head = ledger.head
    with pytest.raises((InvalidParameterError, InvalidInputError), match=words):
        ask(ledger)
    assert ledger.head == head


def test_a_sparse_matrix_has_no_fingerprint_of_its_own():
    sparse = pytest.importorskip("scipy.sparse").eye(3).tocsr()
    with pytest.raises(InvalidInputError, match=r"dense.*give data, indices and indptr"):
        fingerprint(sparse)
    assert fingerprint((sparse.data, sparse.indices, sparse.indptr))


def test_one_strange_moment_does_not_hide_the_others():
    ledger = Ledger()
    for at in (0, 1, datetime(2024, 3, 1), 2, None):
        ledger.record({"x": 1}, at=at)
    assert [entry.at for entry in ledger.history(since=1)] == [1, 2]
    assert [entry.id for entry in ledger.history(until=datetime(2025, 1, 1))] == [3]
    with pytest.raises(InvalidInputError, match="can be compared"):
        ledger.history(since=datetime(2024, 3, 1, tzinfo=UTC))


STRICT = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather(Evidence):
    """Evidence of a class that learns to refuse what it took before."""

    wind: float | None = None

    def __post_init__(self) -> None:
        if STRICT and self.wind == 9:
            raise RuntimeError("no such wind")


def test_evidence_that_its_class_has_come_to_refuse_stays_readable():
    ledger = Ledger()
    ledger.record(WAIT, evidence=Weather(now=1, wind=9))
    STRICT.append(True)
    try:
        assert ledger.evidence(Weather).history[0].evidence == Evidence(now=1)
    finally:
        STRICT.clear()


def test_nothing_is_counted_when_the_moment_cannot_be_compared():
    client = pytest.importorskip("prometheus_client")
    registry, ledger = client.CollectorRegistry(), Ledger()
    metrics = PrometheusMetrics(registry)
    ledger.promote("1", at=1)
    with pytest.raises(InvalidInputError, match="can be compared"):
        metrics.update(ledger, at=datetime(2024, 3, 1))
    assert registry.get_sample_value("contlearn_promotions_total") == 0
    assert metrics.update(ledger, at=3) == 1
    with pytest.raises(InvalidParameterError, match="keep the first PrometheusMetrics"):
        PrometheusMetrics(registry)


def test_a_name_cannot_steer_the_terminal_that_shows_it():
    ledger = Ledger()
    ledger.promote("\x1b[31m7\u202e", at=1, reason="\x9b2J\u2066first\x07")
    for shown in (str(ledger.history()[0]), str(ledger.champion())):
        assert not set(shown) & set("\x1b\u202e\x9b\u2066\x07")
        assert "first" in shown
