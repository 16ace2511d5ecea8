"""Who served when and why, what was decided before, and who said what."""

import copy
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn import persistence
from contlearn.exceptions import InvalidInputError, InvalidParameterError, LedgerError, PersistenceError
from contlearn.gates import CanaryAction, CanaryAnswer, Gain, SignOff, Trial
from contlearn.ledger import Ledger, TrainingRun
from contlearn.policies import Episode, Evidence, LossIncrease, MinLabels
from contlearn.results import Decision, DriftResult, DriftState, Interval, Outcome, Verdict

NOON = datetime(2024, 3, 1, 12)
DAY = timedelta(days=1)
WAIT, RETRAIN = Decision(False, "wait"), Decision(True, "drift")
BETTER = Verdict(Outcome.PROMOTE, "better", Interval(0.02, 0.01, 0.03, 0.9))
NOT_WORSE = Verdict(Outcome.PROMOTE, "not worse", Interval(0.0, -0.01, 0.01, 0.9))
WORSE = Verdict(Outcome.REJECT, "worse", Interval(-0.02, -0.03, -0.01, 0.9))
OPEN = Verdict(Outcome.CONTINUE, "too few rows")


@pytest.fixture(params=["memory", "file"])
def ledger(request, tmp_path):
    with Ledger(None if request.param == "memory" else tmp_path / "models.ledger") as found:
        yield found


def night(ledger, now, loss):
    """Do what the nightly example of the documentation does, and return whether there is a new champion."""
    evidence = ledger.evidence(now=now, n_labels=800, loss=loss)
    if not ledger.record((LossIncrease(0.02) & MinLabels(500))(evidence)):
        return False
    trial = Trial([1.0, 0.0] * 100, [0.0, 0.0] * 100)
    if not ledger.record(Gain()(trial)):
        return False
    ledger.promote(f"model-{now:%d}", at=now, trained_at=now, baseline_loss=loss)
    return True


def test_the_nightly_example_remembers_what_policies_ask_for(ledger):
    ledger.promote("first", at=NOON - 30 * DAY, trained_at=NOON - 31 * DAY, baseline_loss=0.2)
    assert not night(ledger, NOON, 0.21)
    assert night(ledger, NOON + DAY, 0.25)
    evidence = ledger.evidence(now=NOON + 2 * DAY)
    assert (evidence.trained_at, evidence.baseline_loss) == (NOON + DAY, 0.25)
    assert [bool(episode.decision) for episode in evidence.history] == [False, True]
    assert [episode.evidence.now for episode in evidence.history] == [NOON, NOON + DAY]
    assert evidence.history[0].evidence.baseline_loss == 0.2
    assert evidence.history[1].verdict.promote
    champion = ledger.champion()
    assert (champion.model_id, champion.since) == ("model-02", NOON + DAY)
    assert champion.decision == evidence.history[1].decision
    assert champion.reason == champion.verdict.reason == evidence.history[1].verdict.reason
    assert ledger.champion(NOON + DAY - timedelta(seconds=1)).model_id == "first"
    assert ledger.champion(NOON - 31 * DAY) is None


def test_the_time_of_an_answer_is_that_of_the_evidence_unless_said(ledger):
    ledger.record(WAIT)
    ledger.evidence(now=NOON)
    ledger.record(WAIT)
    ledger.record(OPEN)
    ledger.record(OPEN, at=NOON + DAY)
    ledger.record(WAIT, evidence=Evidence(now=7))
    assert [entry.at for entry in ledger.history()] == [None, NOON, NOON, NOON + DAY, 7]
    with_evidence = [entry.evidence is not None for entry in ledger.history()]
    assert with_evidence == [False, True, False, False, True]


def test_evidence_that_was_handed_out_serves_one_decision(ledger):
    ledger.evidence(now=1, loss=0.1)
    ledger.record(WAIT)
    head = ledger.head
    for _ in range(2):
        with pytest.raises(InvalidInputError, match="hand over what the policy saw, or ask ledger"):
            ledger.record(RETRAIN)
    assert ledger.head == head
    ledger.record(RETRAIN, evidence=Evidence(now=2, loss=0.9))
    ledger.record(BETTER)
    with pytest.raises(InvalidInputError, match="second decision"):
        ledger.record(RETRAIN)
    ledger.promote("1", at=2)
    ledger.record(OPEN)
    ledger.record(RETRAIN, at=5)
    found = [(entry.at, entry.evidence and entry.evidence.loss) for entry in ledger.history()]
    assert found == [(1, 0.1), (2, 0.9), (2, None), (2, None), (None, None), (5, None)]


def test_what_has_a_moment_of_its_own_or_comes_later_is_not_given_that_of_the_evidence(ledger):
    ledger.evidence(now=1)
    ledger.record(SignOff("ada", at=9, model_id="2"))
    ledger.record(CanaryAnswer(action=CanaryAction.HOLD, reason="too few"))
    ledger.record(SignOff("bob", model_id=" "))
    assert [(entry.at, entry.model_id) for entry in ledger.history()] == [(9, "2"), (None, None), (1, None)]


def test_when_the_champion_was_trained_is_known_from_its_training(ledger):
    ledger.record(TrainingRun("2", trained_at=1))
    ledger.record(TrainingRun("2", trained_at=3))
    ledger.record(TrainingRun("2"))
    ledger.promote("1", at=3)
    assert ledger.evidence().trained_at is None
    ledger.promote("2", at=4)
    ledger.record(TrainingRun("2", trained_at=8))
    assert (ledger.evidence().trained_at, ledger.champion().trained_at) == (3, 3)
    ledger.promote("2", at=5, trained_at=2)
    assert (ledger.evidence().trained_at, ledger.champion().trained_at) == (2, 2)
    ledger.rollback(at=9, reason="slow")
    assert ledger.champion().trained_at == 3


def test_a_champion_against_whom_somebody_spoke_says_so(ledger):
    ledger.approve("2", by="ada", at=1)
    ledger.approve("2", by="ada", at=2, granted=False, reason="no rows of Lima")
    ledger.approve("2", by="bob", at=2, granted=False, reason="slow")
    ledger.approve("2", by="bob", at=3)
    ledger.promote("2", at=4)
    champion = ledger.champion()
    assert [said.by for said in champion.overruled] == ["ada"]
    assert str(champion) == "2 since 4.0 (although refused by ada: no rows of Lima)"
    assert "promoted, although refused by ada: no rows of Lima: no reason given" in ledger.model_card("2")
    ledger.promote("3", at=5, reason="new")
    assert ledger.champion().overruled == ()
    assert str(ledger.history("promotion")[0]) == "5 promotion of 2 at 4.0"


def test_a_day_is_no_moment_and_the_cure_says_so(ledger):
    for ask in (
        lambda: ledger.promote("1", at=date(2024, 3, 1)),
        lambda: ledger.champion(date(2024, 3, 1)),
        lambda: ledger.record(WAIT, at=date(2024, 3, 1)),
    ):
        with pytest.raises(InvalidParameterError, match=r"at must be.*datetime\(year, month, day\)"):
            ask()


@pytest.mark.parametrize("facts", [{"n_rows": -1}, {"n_rows": 1.5}, {"peak_bytes": -1}, {"seconds": -0.1}])
def test_a_training_has_no_less_than_nothing(facts):
    with pytest.raises(InvalidParameterError, match=next(iter(facts))):
        TrainingRun("a", **facts)


def test_a_ledger_is_no_object_to_save(ledger):
    with pytest.raises(PersistenceError, match=r"a Ledger; it is a file of its own: Ledger\(path\)"):
        persistence.dump(ledger)


def test_each_thread_finds_the_evidence_that_it_was_handed(ledger):
    ledger.evidence(now=1)

    def other():
        ledger.record(WAIT)
        ledger.evidence(now=2)
        ledger.record(WAIT)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    ledger.record(WAIT)
    assert [entry.at for entry in ledger.history()] == [None, 2, 1]


STEPS = st.lists(
    st.tuples(st.sampled_from(["promote", "rollback"]), st.sampled_from("abc"), st.integers(0, 2)),
    max_size=12,
)
ZONES = [UTC, timezone(timedelta(hours=9)), timezone(timedelta(hours=-7))]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(STEPS, st.booleans())
def test_the_champion_at_any_time_is_what_the_story_says(steps, zoned):
    """Against the story told naively: a stack, and a list of who was on top from when on."""
    ledger, stack, story, clock = Ledger(), [], [], 0

    def moment(hours, zone=0):
        return (
            (NOON.replace(tzinfo=UTC) + timedelta(hours=hours)).astimezone(ZONES[zone])
            if zoned
            else float(hours)
        )

    for action, model_id, later in steps:
        clock += later
        if action == "promote":
            ledger.promote(model_id, at=moment(clock, later), reason=f"{clock}")
            stack.append(model_id)
        elif len(stack) < 2:
            with pytest.raises(InvalidInputError, match="go back to"):
                ledger.rollback(at=moment(clock), reason="x")
            continue
        else:
            ledger.rollback(at=moment(clock, later), reason=f"{clock}")
            stack.pop()
        story.append((clock, stack[-1]))
    for at in range(-1, clock + 2):
        expected = [each for each in story if each[0] <= at]
        found = ledger.champion(moment(at, at % 3))
        assert (found and found.model_id) == (expected[-1][1] if expected else None)
        if expected:
            assert (found.since, found.reason) == (moment(expected[-1][0]), f"{expected[-1][0]}")
            following = story[len(expected) : len(expected) + 1]
            assert found.until == (moment(following[0][0]) if following else None)
    assert (ledger.champion() and ledger.champion().model_id) == (stack[-1] if stack else None)


def test_moments_that_cannot_be_compared_are_refused(ledger):
    ledger.promote("1", at=NOON)
    head = ledger.head
    for at in (NOON.replace(tzinfo=UTC), 3):
        with pytest.raises(InvalidInputError, match="can be compared"):
            ledger.promote("2", at=at)
        with pytest.raises(InvalidInputError, match="can be compared"):
            ledger.champion(at)
    with pytest.raises(InvalidInputError, match="not lie before the last change"):
        ledger.promote("2", at=NOON - DAY)
    for at in (None, float("nan")):
        with pytest.raises(InvalidParameterError, match="no clock"):
            ledger.promote("2", at=at)
    assert ledger.head == head
    ledger.promote("2", at=NOON)
    assert ledger.champion(NOON).model_id == "2"


@pytest.mark.parametrize("model_id", ["", " ", 3, None])
def test_a_model_has_a_name(ledger, model_id):
    with pytest.raises(InvalidParameterError, match="model_id"):
        ledger.promote(model_id, at=NOON)
    with pytest.raises(InvalidParameterError):
        ledger.approve(model_id, by="ada", at=NOON)
    assert len(ledger) == 0


def test_a_rollback_brings_back_what_policies_ask_for_and_says_why(ledger):
    ledger.promote("1", at=1, trained_at=0, baseline_loss=0.2)
    ledger.record(RETRAIN)
    ledger.record(BETTER, model_id="2")
    ledger.promote("2", at=2, trained_at=1, baseline_loss=0.1)
    ledger.promote("3", at=3)
    assert ledger.evidence().baseline_loss is None
    ledger.rollback(at=4, reason="slow")
    assert ledger.evidence().baseline_loss == 0.1
    champion = ledger.champion()
    assert (champion.model_id, champion.reason, champion.entry > champion.promotion) == ("2", "slow", True)
    assert (champion.decision, champion.verdict) == (RETRAIN, BETTER)
    ledger.rollback(at=5, reason="slow, too")
    assert ledger.evidence().trained_at == 0
    with pytest.raises(InvalidInputError, match="got 1, the first"):
        ledger.rollback(at=6, reason="?")
    ledger.promote("4", at=7)
    ledger.rollback(at=8, reason="no")
    assert [ledger.champion(at).model_id for at in (1, 2, 3, 4, 5, 7, 8)] == list("1232141")


def test_a_promotion_is_explained_by_what_led_to_it_and_by_nothing_else(ledger):
    ledger.record(RETRAIN)
    ledger.record(BETTER)
    ledger.promote("1", at=1)
    ledger.promote("2", at=2, reason="by hand")
    ledger.record(Decision(True, "age"))
    ledger.record(BETTER, model_id="other")
    ledger.record(WORSE, model_id="3")
    ledger.promote("3", at=3)
    first, second, third = (ledger.champion(at) for at in (1, 2, 3))
    assert (first.decision, first.verdict) == (RETRAIN, BETTER)
    assert (second.decision, second.verdict, second.reason) == (None, None, "by hand")
    assert (third.decision.reason, third.verdict, third.reason) == ("age", None, "")


def test_the_anchor_is_the_last_of_the_line_that_was_shown_to_be_better(ledger):
    assert ledger.anchor() is None
    for at, (model_id, verdict) in enumerate(
        [("1", NOT_WORSE), ("2", BETTER), ("3", NOT_WORSE), ("4", BETTER), ("5", NOT_WORSE)]
    ):
        ledger.record(verdict)
        ledger.promote(model_id, at=at)
    assert [ledger.anchor(at).model_id for at in range(5)] == list("12244")
    assert ledger.anchor(-1) is None
    ledger.rollback(at=6, reason="x")
    assert ledger.anchor().model_id == "4"
    ledger.rollback(at=7, reason="x")
    assert ledger.anchor().model_id == "2"
    ledger.promote("6", at=8)
    assert ledger.anchor().model_id == "2"


def test_people_are_heard_in_their_order(ledger):
    ledger.approve("2", by="ada", at=NOON, granted=False, reason="no rows of the new region")
    ledger.approve("3", by="bob", at=NOON)
    ledger.approve("2", by="ada", at=NOON + DAY)
    assert [(said.by, said.granted, said.at) for said in ledger.approvals("2")] == [
        ("ada", False, NOON), ("ada", True, NOON + DAY),
    ]  # fmt: skip
    assert ledger.approvals("1") == ()
    ledger.promote("2", at=NOON + 2 * DAY)
    ledger.approve("2", by="eve", at=NOON + 3 * DAY)
    assert [said.by for said in ledger.champion().approvals] == ["ada", "ada"]
    with pytest.raises(InvalidParameterError, match="reason"):
        ledger.approve("2", by="ada", at=NOON, granted=False)


KINDS = st.lists(st.sampled_from([WAIT, RETRAIN, BETTER, WORSE, OPEN]), max_size=30)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(KINDS, st.integers(0, 30))
def test_episodes_hold_the_verdict_of_the_trials_that_followed(answers, asked_after):
    ledger, expected = Ledger(), []
    for position, answer in enumerate(answers):
        if position == asked_after:
            ledger.evidence()  # what is read in two goes is what is read in one
        if isinstance(answer, Decision):
            expected.append([position, answer, []])
            ledger.record(answer, evidence=Evidence(n_labels=position))
        else:
            retrained = [episode for episode in expected if episode[1]]
            if retrained:
                retrained[-1][2].append(answer)
            ledger.record(answer)

    def settled(verdicts):
        return next((verdict for verdict in verdicts if verdict), verdicts[-1] if verdicts else None)

    told = tuple(
        Episode(Evidence(n_labels=position), decision, settled(verdicts))
        for position, decision, verdicts in expected
    )
    assert ledger.evidence().history == told


def test_the_history_of_evidence_is_bounded_and_read_once(ledger):
    ledger._store._connection.execute("PRAGMA synchronous = OFF")
    for i in range(1100):
        ledger.record(RETRAIN if i % 9 == 0 else WAIT, evidence=Evidence(n_labels=i))
        if i == 300:
            ledger.evidence()
        if i % 9 == 1:
            ledger.record(WORSE)
    history = ledger.evidence().history
    assert [episode.evidence.n_labels for episode in history] == list(range(100, 1100))
    assert all((episode.verdict == WORSE) == (episode.evidence.n_labels % 9 == 0) for episode in history)
    if ledger.path is not None:
        with Ledger(ledger.path) as again:
            assert again.evidence().history == history


def test_facts_that_are_given_win_over_memory(ledger):
    drift = DriftResult(state=DriftState.DRIFT)
    ledger.promote("1", at=1, trained_at=0, baseline_loss=0.2)
    ledger.record(drift)
    assert ledger.evidence().drift == drift
    assert ledger.evidence(drift=None, baseline_loss=0.5, trained_at=None) == Evidence(baseline_loss=0.5)
    ledger.record(WAIT)
    assert ledger.evidence().drift is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather(Evidence):
    """Evidence with a fact of its own."""

    wind: float | None = None


def test_evidence_may_be_of_a_class_of_ones_own(ledger):
    assert ledger.evidence(Weather, now=1, wind=9) == Weather(now=1, wind=9)
    assert type(ledger.evidence(kind=Weather)) is Weather
    with pytest.raises(InvalidParameterError, match="kind"):
        ledger.evidence(dict)
    with pytest.raises(TypeError):
        ledger.evidence(wind=3)


def test_history_can_be_asked_for_parts(ledger):
    for at in range(6):
        ledger.record([WAIT, WORSE][at % 2], at=at if at < 5 else None, model_id="ab"[at % 2])

    def ids(*args, **kwargs):
        return [entry.id for entry in ledger.history(*args, **kwargs)]

    assert ids() == [1, 2, 3, 4, 5, 6]
    assert ids("decision") == ids(model_id="a") == [1, 3, 5]
    assert ids(since=1, until=4) == [2, 3, 4]
    assert ids(until=4, limit=2) == [1, 2]
    assert ids(after=4) == [5, 6]
    assert ids(after=2, limit=3) == [3, 4, 5]
    assert ids(limit=0) == ids("rollback") == []
    for kind in ("promotions", "Promotion", "decisions", ["verdict"], ""):
        with pytest.raises(InvalidParameterError, match=r"kind must be one of .*'decision', 'verdict'"):
            ids(kind)
    assert [entry.kind for entry in ledger.history(after=-1, limit=1)] == ["software"]
    with pytest.raises(InvalidInputError, match="can be compared"):
        ids(since=NOON)


def test_every_entry_is_one_line_and_says_what_it_is(ledger):
    ledger.promote("1", at=NOON, reason="the\nfirst")
    ledger.record(TrainingRun("2", n_rows=9))
    ledger.record({"note": "x" * 1000})
    lines = [str(entry) for entry in ledger.history()]
    assert lines[0] == "1 promotion of 1 at 2024-03-01T12:00:00: the first"
    assert lines[1] == "2 training of 2: model 2 trained on 9 rows"
    assert all(len(line.splitlines()) == 1 and len(line) <= 400 for line in lines)
    assert [entry.answer for entry in ledger.history("promotion")] == [None]


def test_a_closed_ledger_says_so_and_can_be_closed_again(tmp_path):
    ledger = Ledger(tmp_path / "a")
    ledger.close()
    ledger.close()
    for ask in (
        ledger.evidence,
        ledger.history,
        ledger.verify,
        lambda: ledger.record(WAIT),
        lambda: ledger.head,
    ):
        with pytest.raises(LedgerError, match="closed"):
            ask()


def test_a_pickled_ledger_is_its_path(tmp_path):
    with Ledger(tmp_path / "a") as ledger:
        ledger.record(WAIT)
        with pickle.loads(pickle.dumps(ledger)) as other:
            other.record(RETRAIN)
        assert [entry.answer for entry in ledger.history()] == [WAIT, RETRAIN]
    with pytest.raises(LedgerError, match="give it a path"):
        copy.deepcopy(Ledger())


def test_two_objects_on_one_file_see_what_the_other_wrote(tmp_path):
    with Ledger(tmp_path / "a") as one, Ledger(tmp_path / "a") as other:
        one.promote("1", at=1)
        assert other.champion().model_id == "1"
        other.record(RETRAIN, at=2)
        assert one.evidence().history[0].decision == RETRAIN
        other.promote("2", at=2)
        with pytest.raises(InvalidInputError, match="last change"):
            one.promote("3", at=1)
        one.rollback(at=3, reason="x")
        assert other.champion().model_id == "1"
        assert one.head == other.head
        assert one.verify(other.head)


def test_importing_a_ledger_loads_neither_numpy_nor_scikit_learn():
    script = (
        "import sys, contlearn.ledger as l; a = l.Ledger(); a.promote('1', at=1); a.evidence(now=2);"
        "l.fingerprint([1]); a.verify(); a.model_card('1');"
        "print(sorted({'numpy', 'sklearn', 'scipy', 'river', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_of_many_decisions_to_wait_none_is_read_for_the_champion(ledger, monkeypatch):
    ledger._store._connection.execute("PRAGMA synchronous = OFF")
    ledger.record(RETRAIN)
    ledger.record(Verdict(Outcome.REJECT, "worse than what 'promote' needs", because=(BETTER,)))
    ledger.record(BETTER, model_id="1")
    for _ in range(300):
        ledger.record(Decision(False, "wait", because=(RETRAIN,)) if _ == 9 else WAIT)
    ledger.promote("1", at=0)
    read, count = ledger._store.rows, []
    monkeypatch.setattr(
        ledger._store, "rows", lambda *query: count.append(len(found := read(*query))) or found
    )
    champion = ledger.champion()
    assert (champion.decision, champion.verdict) == (RETRAIN, BETTER)
    assert sum(count) < 10
    count.clear()
    assert (ledger.champion(), ledger.anchor()) == (champion, champion)
    assert count == []
