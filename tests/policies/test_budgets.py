"""Money, two limits and a floor of labels, over many cycles."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidParameterError
from contlearn.gates import Gain, plan
from contlearn.persistence import dump, load
from contlearn.policies import (
    AtMost,
    Budget,
    Decision,
    EnoughLabels,
    Episode,
    Evidence,
    Hysteresis,
    LossAbove,
    MinAge,
    OnDrift,
    replay,
)
from contlearn.results import DriftResult, DriftState
from contlearn.testing import check_policy

law = settings(derandomize=True, deadline=None, max_examples=150)

START = datetime(2024, 1, 1)
DAYS = [START + timedelta(days=day) for day in range(400)]
MONTH = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Priced(Evidence):
    price: float | None = None


def past(day, retrain=True, price=None):
    now = None if day is None else DAYS[day]
    return Episode(Priced(now=now, price=price), Decision(retrain, "then"))


def always(_):
    return Decision(True, "always")


# money ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "word"),
    [
        ([past(5, False)], "retrain"),
        ([past(5)], "retrain"),
        ([past(5), past(9)], "wait"),
        ([past(5), past(9, False)], "retrain"),
        ([past(0), past(9)], "retrain"),  # exactly a month ago
        ([past(1), past(9)], "wait"),
        ([past(None), past(9)], "unknown"),
        ([past(None), past(8), past(9)], "wait"),
        ([past(None)], "retrain"),
        ([], "unknown"),
    ],
)
def test_a_fixed_cost_is_counted_within_the_period(history, word):
    rule = Budget(500, per=MONTH, cost=200)
    assert rule(Evidence(now=DAYS[30], history=history)).word == word


@pytest.mark.parametrize(
    ("history", "price", "word"),
    [
        ([past(5, price=450.0)], 50.0, "retrain"),
        ([past(5, price=450.0)], 51.0, "wait"),
        ([past(5, price=450.0)], None, "unknown"),
        ([past(5, price=501.0)], None, "wait"),
        ([past(5, price=None)], 50.0, "unknown"),
        ([past(5, price=None)], 501.0, "wait"),
        ([past(5, False, price=None)], 50.0, "retrain"),
        ([past(None, price=100.0)], 401.0, "unknown"),
        ([past(None, price=100.0)], 400.0, "retrain"),
        ([past(None, price=None)], 50.0, "unknown"),
        ([past(5, price=-100.0)], 50.0, "unknown"),
        ([past(5, price=float("inf"))], 50.0, "unknown"),
        ([past(5, price=0.0)], 500.0, "retrain"),
    ],
)
def test_a_cost_that_changes_is_read_from_the_evidence(history, price, word):
    decision = Budget(500, per=MONTH, cost="price")(Priced(now=DAYS[30], price=price, history=history))
    assert decision.word == word


def test_an_evidence_without_the_field_is_unknown():
    decision = Budget(500, per=MONTH, cost="price")(Evidence(now=DAYS[30], history=[past(5, False)]))
    assert decision.missing == ("price",)


def test_a_full_history_that_does_not_reach_back_is_unknown():
    history = [Episode(Evidence(now=DAYS[20]), Decision(False, "then"))] * 1000
    assert Budget(500, MONTH, 200)(Evidence(now=DAYS[30], history=history)).missing == ("history",)
    history[0] = past(0, False)
    assert Budget(500, MONTH, 200)(Evidence(now=DAYS[30], history=history))


def test_tenths_add_up():
    history = [past(day) for day in range(10, 19)]
    assert Budget(1.0, MONTH, 0.1)(Evidence(now=DAYS[30], history=history))


def test_over_a_year_no_month_costs_more_than_the_budget():
    days = [Evidence(now=now, trained_at=START) for now in DAYS[:365]]
    found = replay(_starting(always) & Budget(500, MONTH, 200), days)
    retrained = found.retrained
    assert retrained[:4] == (1, 2, 31, 32)
    assert len(retrained) == 2 * 13
    for first in range(335):
        assert sum(first <= day < first + 30 for day in retrained) <= 2
    counted = replay(_starting(always) & AtMost(2, MONTH), days)
    assert counted.retrained == retrained


def _starting(policy):
    """Return a rule that waits on the first day, for memory needs something to remember."""

    def begun(evidence):
        return policy(evidence) if evidence.history else Decision(False, "the first day")

    return begun


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0, MONTH, 1), "amount"),
        ((5, MONTH, 0), "cost"),
        ((5, MONTH, 6), "cost"),
        ((5, MONTH, "the price"), "cost"),
        ((5, timedelta(0), 1), "per"),
        ((float("nan"), MONTH, 1), "amount"),
    ],
)
def test_budgets_that_are_none_are_refused(arguments, name):
    with pytest.raises(InvalidParameterError, match=name):
        Budget(*arguments)


# two limits ----------------------------------------------------------------------------------------------

RULE = Hysteresis(on=LossAbove(0.3), off=~LossAbove(0.2))


def journey(rule, losses, **more):
    history, words = (), []
    for day, loss in enumerate(losses):
        evidence = Evidence(now=DAYS[day], loss=loss, history=history, **more)
        decision = rule(evidence)
        history += (Episode(evidence, decision),)
        words.append({"retrain": "y", "wait": "n", "unknown": "?"}[decision.word])
    return "".join(words)


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([0.25, 0.25, 0.35, 0.25, 0.15, 0.25], "??yynn"),
        ([0.15, 0.25, 0.31, 0.29, 0.31, 0.29, 0.2, 0.29], "nnyyyynn"),
        ([0.15, 0.35, 0.15, 0.35, 0.15, 0.35], "nynyny"),
        ([0.35, None, 0.25, 0.15], "y??n"),  # unseen, it may have been disarmed
        ([0.15, None, 0.25, 0.35], "n??y"),
        ([0.25] * 5, "?????"),
        ([0.15] + [0.25] * 50, "n" + "n" * 50),
        ([0.35] + [0.25] * 50, "y" * 51),
    ],
)
def test_it_is_armed_by_one_limit_and_disarmed_by_the_other(losses, words):
    assert journey(RULE, losses) == words


def test_one_limit_flutters_where_two_do_not():
    losses = [0.15] + [0.31, 0.29] * 20
    assert journey(LossAbove(0.3), losses).count("ny") == 20
    assert journey(RULE, losses).count("ny") == 1


def test_where_both_fire_on_wins():
    both = Hysteresis(on=LossAbove(0.1), off=LossAbove(0.0))
    assert journey(both, [0.05, 0.2, 0.2, 0.05]) == "nyyn"


@law
@given(st.lists(st.sampled_from([None, 0.15, 0.25, 0.35]), min_size=1, max_size=12))
def test_it_is_what_a_latch_in_kleenes_logic_is(losses):
    states, armed = [], {True, False}  # the states that are possible
    for loss in losses:
        seen = [0.15, 0.25, 0.35] if loss is None else [loss]
        armed = {each > 0.3 or (was and each > 0.2) for was in armed for each in seen}
        states.append("?" if len(armed) == 2 else "y" if armed == {True} else "n")
    for known, word in zip(states, journey(RULE, losses), strict=True):
        assert word in (known, "?")  # Kleene's logic does not see that the two limits belong together
        if None not in losses:
            assert word == known


def test_a_history_that_is_not_known_leaves_it_unknown():
    history = tuple(Episode(Evidence(loss=0.35), Decision(True, "then")) for _ in range(3))
    assert RULE(Evidence(loss=0.25, history=history))
    assert RULE(Evidence(loss=0.25)).missing == ("history",)
    assert RULE(Evidence(loss=0.35))
    assert RULE(Evidence(history=history)).missing == ("loss",)


def test_the_past_is_asked_with_its_own_past():
    inner = Hysteresis(on=RULE & MinAge(timedelta(days=1)), off=~LossAbove(0.2))
    assert journey(inner, [0.15, 0.35, 0.25, 0.15], trained_at=START - MONTH) == "nyyn"


def test_with_a_pause_it_retrains_now_and_then_until_it_helps():
    losses = [0.15] + [0.35] * 30 + [0.15] * 5 + [0.35] * 9
    days = [Evidence(now=DAYS[day], trained_at=START, loss=loss) for day, loss in enumerate(losses)]
    found = replay(RULE & MinAge(timedelta(days=7)), days)
    assert found.retrained == (7, 14, 21, 28, 36, 43)


def test_a_thousand_episodes_are_bearable():
    history = tuple(Episode(Evidence(loss=0.25), Decision(False, "then")) for _ in range(1000))
    assert RULE(Evidence(loss=0.25, history=history)).word == "unknown"


@pytest.mark.parametrize("arguments", [(None, OnDrift()), (OnDrift(), 3), (OnDrift, OnDrift())])
def test_limits_that_cannot_be_asked_are_refused(arguments):
    with pytest.raises(InvalidParameterError, match=r"on|off"):
        Hysteresis(*arguments)


# labels for the gate -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needed", "holdout", "n_labels", "word"),
    [
        (926, 1.0, 926, "retrain"),
        (926, 1.0, 925, "wait"),
        (30, 0.3, 100, "retrain"),
        (30, 0.3, 99, "wait"),
        (3, 0.1, 30, "retrain"),  # 0.1 * 30 is a little more than 3, 0.3 * 10 a little less
        (3, 0.3, 10, "retrain"),
        (1, 0.5, 1, "wait"),
        (926, 0.3, None, "unknown"),
    ],
)
def test_the_share_that_the_gate_will_see_has_to_be_enough(needed, holdout, n_labels, word):
    assert EnoughLabels(needed, holdout)(Evidence(n_labels=n_labels)).word == word


def test_a_plan_says_what_is_needed():
    planned = plan(Gain(), gain=0.02, discordance=0.06)
    rule = EnoughLabels(planned, holdout=0.5)
    assert rule == EnoughLabels(planned.needed, holdout=0.5)
    assert rule(Evidence(n_labels=2 * planned.needed))
    assert not rule(Evidence(n_labels=2 * planned.needed - 2))
    assert load(dump(rule)) == rule


def test_a_plan_that_nothing_fulfils_is_refused():
    planned = replace(plan(Gain(), gain=0.02, discordance=0.06), needed=None)
    with pytest.raises(InvalidParameterError, match="needed"):
        EnoughLabels(planned)


@pytest.mark.parametrize("arguments", [(0,), (1.5,), ("many",), (5, 0.0), (5, 1.5), (5, float("nan"))])
def test_floors_that_are_none_are_refused(arguments):
    with pytest.raises(InvalidParameterError):
        EnoughLabels(*arguments)


# laws ----------------------------------------------------------------------------------------------------


def test_their_laws_hold_for_evidence_of_a_users_own():
    drifted = DriftResult(state=DriftState.DRIFT, score=0.3, p_value=0.001, alpha=0.05)
    evidences = [
        Priced(
            now=DAYS[40], trained_at=START, price=price, loss=loss, drift=drifted, n_labels=9, history=history
        )
        for price in (None, 40.0, 90.0)
        for loss in (0.15, 0.25, 0.35)
        for history in ((), (past(20, price=60.0),), (past(20, price=None), past(30, False)))
    ]
    for policy in (
        Budget(100, MONTH, "price"),
        Budget(100, MONTH, 60.0) & RULE,
        ~Budget(100, MONTH, "price") | Hysteresis(OnDrift(), ~OnDrift()),
    ):
        check_policy(policy, evidences=evidences)
