from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from contlearn.exceptions import InvalidParameterError
from contlearn.ledger import Ledger
from contlearn.policies import (
    AtMost,
    Budget,
    CostAware,
    Costs,
    Decision,
    Episode,
    Evidence,
    Evidential,
    Forecast,
    Hysteresis,
    LossAbove,
    LossCUSUM,
    LossIncrease,
    MaxAge,
    MinAge,
    MinLabels,
    OnDrift,
    PaysOff,
    Sustained,
    replay,
)
from contlearn.results import DriftResult, DriftState, Outcome, Verdict

START = datetime(2024, 1, 1)
WEEK = timedelta(weeks=1)


def weeks(n, **facts):
    return [Evidence(now=START + i * WEEK, trained_at=START, n_labels=900, **facts) for i in range(n)]


def test_replay_is_a_sequence_of_one_decision_each():
    result = replay(MinLabels(500), weeks(5))
    assert len(result) == 5
    assert all(isinstance(decision, Decision) for decision in result)
    assert result[-1] == result[4] == list(result)[-1]
    assert result[1:3] == (result[1], result[2])


def test_the_age_is_that_of_the_model_this_policy_would_have_trained():
    assert replay(MaxAge(4 * WEEK), weeks(14)).retrained == (4, 8, 12)


def test_the_recorded_trainings_are_not_believed():
    really = [replace(evidence, trained_at=evidence.now) for evidence in weeks(10)]  # it retrained weekly
    assert replay(MaxAge(4 * WEEK), really).retrained == (4, 8)


def test_the_history_is_that_of_this_policy():
    policy = LossIncrease(0.1) & MinAge(3 * WEEK)
    stressed = weeks(12, loss=0.9, baseline_loss=0.1)
    assert replay(policy, stressed).retrained == (3, 6, 9)
    decision = Decision(True, "somebody else")
    recorded = [replace(e, history=(Episode(e, decision),)) for e in stressed]
    recorded[0] = replace(recorded[0], history=())
    assert replay(policy, recorded).retrained == (3, 6, 9)


def test_the_history_before_the_replay_counts():
    before = Episode(Evidence(now=START - WEEK), Decision(True, "before"))
    stressed = weeks(6, loss=0.9, baseline_loss=0.1)
    stressed[0] = replace(stressed[0], history=(before,))
    assert replay(LossIncrease(0.1) & AtMost(1, per=3 * WEEK), stressed).retrained == (2, 5)


def test_a_policy_sees_what_it_would_have_seen():
    seen = []

    def note(evidence):
        seen.append(
            (evidence.trained_at, [past.verdict and past.verdict.outcome for past in evidence.history])
        )
        return Decision(evidence.now == START + WEEK, "in the second week")

    replay(note, weeks(3))
    assert seen == [(START, []), (START, [None]), (START + WEEK, [None, Outcome.PROMOTE])]


def test_other_fields_are_as_recorded_and_the_result_says_so():
    result = replay(OnDrift() | LossIncrease(0.1), weeks(3, loss=0.5, baseline_loss=0.1))
    assert result.retrained == (0, 1, 2)
    assert "3 retrainings in 3 decisions, 0 unknown" in str(result)
    assert "as recorded" in str(result)
    assert "as recorded" in result.remarks[0]
    assert "\n" not in str(result)
    assert "as recorded" in result.to_dict()["remarks"][0]
    assert "<table>" in result._repr_html_()


def test_what_was_not_known_is_told():
    assert replay(OnDrift(), weeks(2)).unknown == (0, 1)


def test_a_retraining_without_a_time_leaves_the_age_unknown():
    result = replay(MinLabels(5) | MaxAge(WEEK), [Evidence(n_labels=9), Evidence(now=START + WEEK)])
    assert [decision.word for decision in result] == ["retrain", "unknown"]


def test_episodes_and_the_decisions_of_a_ledger_are_replayed_by_their_evidence():
    episodes = [Episode(evidence, Decision(False, "as recorded")) for evidence in weeks(9)]
    ledger = Ledger()
    for evidence in weeks(9):
        ledger.record(Decision(False, "as recorded"), evidence=evidence, at=evidence.now)
    recorded = [entry.evidence for entry in ledger.history("decision")]
    policy = MaxAge(timedelta(weeks=4))
    expected = replay(policy, weeks(9)).decisions
    assert expected
    assert replay(policy, episodes).decisions == replay(policy, recorded).decisions == expected


def test_a_replay_of_nothing_is_empty():
    assert list(replay(OnDrift(), [])) == []


def test_the_memory_of_a_replay_is_bounded():
    longest = []

    def note(evidence):
        longest.append(len(evidence.history))
        return Decision(False, "noted")

    replay(note, (Evidence() for _ in range(1_200)))
    assert max(longest) == 1_000
    assert longest[-1] == 1_000


def test_replay_changes_none_of_the_records():
    records = weeks(9)
    copies = list(records)
    replay(MaxAge(4 * WEEK), records)
    assert records == copies


@pytest.mark.parametrize("arguments", [(5, []), (OnDrift, []), (OnDrift(), [Decision(True, "no evidence")])])
def test_replay_refuses_what_it_cannot_ask(arguments):
    with pytest.raises(InvalidParameterError):
        replay(*arguments)


@pytest.mark.parametrize("history", [None, 3, Evidence()])
def test_a_history_that_is_no_collection_is_refused(history):
    with pytest.raises(InvalidParameterError, match=r"^history must be an iterable of Evidence"):
        replay(MinLabels(500), history)


REMEMBERING = {
    "CostAware": CostAware(5, loss_cost=1),
    "LossCUSUM": LossCUSUM(run_length=20, scale=0.1),
    "Forecast": Forecast(0.5, 2 * WEEK, min_losses=3),
    "Sustained": Sustained(LossAbove(0.4), 2, of=3),
    "AtMost": LossAbove(0.4) & AtMost(1, per=6 * WEEK),
    "Budget": LossAbove(0.4) & Budget(100, per=6 * WEEK, cost=100),
    "Hysteresis": Hysteresis(on=LossAbove(0.4), off=~LossAbove(0.2)) & MinAge(3 * WEEK),
    "PaysOff": PaysOff(LossAbove(0.4)) & MinAge(2 * WEEK),
    "Evidential": Evidential(OnDrift(), level=0.1) & MinAge(2 * WEEK),
}


@pytest.mark.parametrize("name", REMEMBERING)
def test_rules_that_remember_begin_again_after_each_retraining(name):
    """Asked one by one, with the memory made by hand, and more than one cycle of it."""
    policy, history, trained_at, expected = REMEMBERING[name], (), START, []
    drifted = DriftResult(state=DriftState.DRIFT, p_value=1e-6)

    def aged(trained, now):
        return 0.1 + 0.1 * ((now - trained) / WEEK)

    records = weeks(40, baseline_loss=0.1, drift=drifted)
    for record in records:
        evidence = replace(record, trained_at=trained_at, history=history, loss=aged(trained_at, record.now))
        decision = policy(evidence)
        promoted = Verdict(Outcome.PROMOTE, "as replay assumes") if decision else None
        history += (Episode(evidence, decision, promoted),)
        trained_at = evidence.now if decision else trained_at
        expected.append(decision.retrain)
    result = replay(policy, records, Costs(1, loss_cost=1), losses=aged)
    assert [bool(decision) for decision in result] == expected
    assert 2 <= sum(expected) < 30
    assert result.money.regret >= 0
