"""What is written comes back: every answer, exactly, and nothing else is written."""

import json
import math
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.curation import JTTCell, JTTReport
from contlearn.drift import Alarm
from contlearn.exceptions import ContlearnError, InvalidInputError
from contlearn.gates import CanaryAction, CanaryAnswer, SignOff
from contlearn.ledger import Ledger, TrainingRun
from contlearn.policies import Episode, Evidence
from contlearn.results import Decision, DriftResult, DriftState, Interval, Outcome, Verdict

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)

TEXT = st.text(max_size=20)
NUMBER = st.floats(allow_nan=False)
SHARE = st.floats(0.0, 1.0)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENT = st.one_of(st.datetimes(timezones=st.none() | ZONES | st.just(UTC)), st.floats(-1e300, 1e300))


def maybe(strategy):
    return st.none() | strategy


INTERVAL = st.builds(Interval, NUMBER, NUMBER, NUMBER, NUMBER)
DECISION = st.recursive(
    st.builds(Decision, st.booleans(), TEXT, p_value=maybe(SHARE), e_value=maybe(st.floats(0.0))),
    lambda inner: st.builds(
        Decision, st.just(False), TEXT, st.lists(inner, max_size=3), st.lists(TEXT, max_size=2)
    ),
    max_leaves=5,
)
VERDICT = st.recursive(
    st.builds(
        Verdict, st.sampled_from(Outcome), TEXT, maybe(INTERVAL), maybe(NUMBER), maybe(st.integers(0, 10**30))
    ),
    lambda inner: st.builds(Verdict, st.sampled_from(Outcome), TEXT, because=st.lists(inner, max_size=3)),
    max_leaves=5,
)
PLAIN_RESULT = st.builds(
    DriftResult,
    state=st.sampled_from(DriftState),
    score=maybe(NUMBER),
    interval=maybe(INTERVAL),
    p_value=maybe(NUMBER),
    equivalent=st.booleans(),
    n_reference=st.integers(0, 2**70),
    changed_at=maybe(st.integers()),
    effects=st.dictionaries(TEXT, INTERVAL, max_size=2),
    remarks=st.lists(TEXT, max_size=2),
)
RESULT = st.builds(
    DriftResult,
    state=st.sampled_from(DriftState),
    alpha=maybe(NUMBER),
    parts=st.dictionaries(TEXT | st.just("is"), PLAIN_RESULT, max_size=3),
)
RUN = st.builds(
    TrainingRun,
    st.text(min_size=1, max_size=9).filter(str.strip),
    maybe(MOMENT),
    maybe(st.integers(0)),
    maybe(TEXT),
    seeds=st.dictionaries(TEXT, st.integers(), max_size=2),
    seconds=maybe(st.floats(0.0, allow_infinity=False)),
    hyperparameters=st.dictionaries(
        TEXT,
        st.recursive(maybe(st.booleans() | NUMBER | TEXT), lambda inner: st.lists(inner, max_size=2)),
        max_size=3,
    ),
)
SIGN_OFF = st.builds(SignOff, TEXT.filter(str.strip), st.just(True), TEXT, TEXT, maybe(MOMENT))
ANSWER = st.one_of(DECISION, VERDICT, RESULT, RUN, SIGN_OFF)
EVIDENCE = st.builds(
    Evidence,
    now=maybe(MOMENT),
    trained_at=maybe(MOMENT),
    n_labels=maybe(st.integers(0)),
    drift=maybe(RESULT | st.dictionaries(TEXT, maybe(PLAIN_RESULT), max_size=2)),
    loss=maybe(NUMBER | INTERVAL),
    baseline_loss=maybe(NUMBER),
    confidence=maybe(NUMBER),
)


@SETTINGS
@given(ANSWER, maybe(MOMENT), maybe(TEXT.filter(str.strip)))
def test_an_answer_comes_back_equal_and_of_its_class(answer, at, model_id):
    ledger = Ledger()
    assert ledger.record(answer, at=at, model_id=model_id) is answer
    entry = ledger.history()[0]
    assert type(entry.answer) is type(answer)
    assert entry.answer == answer
    assert repr(entry.answer) == repr(answer) or "datetime" in repr(answer)
    assert entry.at == (answer.at if at is None and isinstance(answer, SignOff) else at)
    if model_id is not None:
        assert entry.model_id == model_id
    assert json.loads(entry.text) == entry.body


@SETTINGS
@given(EVIDENCE, DECISION)
def test_a_decision_comes_back_with_what_the_policy_saw(evidence, decision):
    ledger = Ledger()
    past = Episode(Evidence(n_labels=1), Decision(False, "wait"))
    ledger.record(decision, evidence=Evidence(**{**vars_of(evidence), "history": (past,)}))
    entry = ledger.history("decision")[0]
    assert entry.answer == decision
    assert entry.evidence == evidence
    assert entry.at == evidence.now


def vars_of(evidence):
    return {field.name: getattr(evidence, field.name) for field in fields(Evidence)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather(Evidence):
    """Evidence with facts of its own, of every kind that can be written."""

    wind: float | None = None
    storms: tuple[str, ...] = ()
    day: date | None = None
    closed: timedelta | None = None
    stations: dict | None = None
    verdict: Verdict | None = None


def test_facts_of_a_subclass_stay_readable_and_come_back_in_episodes():
    ledger = Ledger()
    facts = {
        "wind": math.inf,
        "storms": ("ada", "bob"),
        "day": date(2024, 3, 1),
        "closed": timedelta(hours=-3, microseconds=1),
        "stations": {1: [1, 2], "is": (3,)},
        "verdict": Verdict(Outcome.REJECT, "worse"),
    }
    seen = ledger.evidence(Weather, now=datetime(2024, 3, 1, tzinfo=UTC), **facts)
    ledger.record(Decision(True, "storm"))
    entry = ledger.history()[0]
    assert type(entry.evidence) is Evidence
    assert entry.evidence.now == seen.now
    assert entry.body["evidence"]["day"] == {"is": "date", "value": "2024-03-01"}
    (episode,) = ledger.evidence(Weather).history
    assert episode.evidence == seen
    assert {name: getattr(episode.evidence, name) for name in facts} == facts
    assert type(ledger.evidence().history[0].evidence) is Evidence


def test_a_zone_comes_back_as_the_same_instant():
    from zoneinfo import ZoneInfo

    noon = datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    ledger = Ledger()
    ledger.record({"opened": noon}, at=noon)
    entry = ledger.history()[0]
    assert entry.at == noon == entry.answer["opened"]
    assert entry.at.utcoffset() == timedelta(hours=2)
    assert "2024-07-01T12:00:00+02:00" in entry.text


@pytest.mark.parametrize(
    "answer",
    [
        Alarm(raised_at=7, result=DriftResult(state=DriftState.DRIFT), acknowledged_at=9, note="seen"),
        JTTReport(
            method="jtt",
            helped=True,
            reason="cells",
            n_rows=9,
            cells=(JTTCell(label="late", misidentified=True, rows=4, base_accuracy=0.1),),
        ),
        CanaryAnswer(action=CanaryAction.HOLD, reason="12 of 200 rows", step=0, share=0.01, gain=None),
        {"who": "ada", "because": [1, 2.5, None, {"deep": ("x", b"".decode())}], "is": "a note"},
    ],
)
def test_other_records_and_notes_come_back(answer):
    ledger = Ledger()
    ledger.record(answer)
    assert ledger.history()[0].answer == answer


def test_scalars_of_numpy_and_pandas_are_written_as_builtins():
    import pandas as pd

    ledger = Ledger()
    ledger.record(
        {"n": np.int64(3), "loss": np.float32(0.5), "when": pd.Timestamp("2024-03-01"), "nat": pd.NaT}
    )
    found = ledger.history()[0].answer
    assert found == {"n": 3, "loss": 0.5, "when": datetime(2024, 3, 1), "nat": None}
    assert [type(value) for value in found.values()] == [int, float, datetime, type(None)]


class Stranger(Decision):
    """A subclass that nobody would know again."""


def nested(depth):
    found = {}
    for _ in range(depth):
        found = {"a": found}
    return found


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        3,
        object(),
        [1],
        print,
        Evidence(),
        np.zeros(3),
        Stranger(True, "x"),
        {"x": object()},
        {"x": np.zeros(3)},
        {"x": {1, 2}},
        {"x": b"bytes"},
        {"x": "\ud800"},
        {"\ud800": 1},
        nested(5000),
        Decision(True, "\ud800"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_written_is_refused_and_nothing_is_written(answer):
    ledger = Ledger()
    head = ledger.head
    with pytest.raises(InvalidInputError):
        ledger.record(answer)
    assert (len(ledger), ledger.head) == (0, head)


@pytest.mark.parametrize("at", ["yesterday", math.inf, [1], True])
def test_a_moment_that_is_none_is_refused(at):
    ledger = Ledger()
    with pytest.raises((ContlearnError, TypeError)):
        ledger.record(Decision(True, "x"), at=at)
    assert len(ledger) == 0


def test_evidence_that_cannot_be_written_is_refused_with_its_decision():
    ledger = Ledger()
    with pytest.raises(InvalidInputError, match="verdict of"):
        ledger.record(Decision(True, "x"), evidence=Weather(verdict=object()))
    assert len(ledger) == 0
