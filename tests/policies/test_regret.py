"""Money: the optimum against every subset, the calendar against every calendar, and what a replay pays."""

from datetime import datetime, timedelta
from itertools import chain, combinations

import numpy as np
import pytest

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.policies import (
    CostAware,
    Costs,
    Decision,
    Episode,
    Evidence,
    Forecast,
    LossCUSUM,
    LossIncrease,
    MaxAge,
    MinAge,
    Money,
    replay,
)
from contlearn.policies._regret import best_calendar, cost_of, optimum, served
from contlearn.results import Interval

START, DAY = datetime(2024, 1, 1), timedelta(days=1)


def never(evidence):
    return Decision(False, "never")


def slow_cost(table, days, retrained, costs):
    """Walk through the evidences one by one."""
    model, total = 0, 0.0
    for position in range(len(days)):
        if position:
            total += costs.loss_cost * table[model, position] * days[position]
        if position in retrained:
            model, total = position + 1, total + costs.retrain_cost
    return total


@pytest.mark.parametrize("seed", range(20))
def test_the_optimum_is_the_cheapest_of_all_subsets(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 11))
    table, days = rng.exponential(1.0, (n + 1, n)), rng.exponential(1.0, n)
    costs = Costs(float(rng.choice([0.1, 1.0, 3.0])), float(rng.choice([0.5, 2.0])))
    bills = served(table, days, costs.loss_cost)
    plans = list(chain.from_iterable(combinations(range(n), size) for size in range(n + 1)))
    walked = {plan: slow_cost(table, days, plan, costs) for plan in plans}
    for plan, cost in walked.items():
        assert cost_of(bills, plan, costs.retrain_cost) == pytest.approx(cost)
    best = optimum(bills, costs.retrain_cost)
    assert best.cost == pytest.approx(min(walked.values()))
    assert walked[best.retrained] == pytest.approx(best.cost)


@pytest.mark.parametrize("seed", range(10))
def test_the_calendar_is_the_cheapest_of_all_periods_and_phases(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 30))
    bills = served(rng.exponential(1.0, (n + 1, n)), rng.exponential(1.0, n), 2.0)
    every = {(k, first): range(first, n, k) for k in range(1, n + 1) for first in range(k) if first < n}
    plan, k = best_calendar(bills, 1.5)
    assert plan.cost == pytest.approx(min(cost_of(bills, days, 1.5) for days in every.values()))
    assert plan.retrained in [tuple(days) for (period, _), days in every.items() if period == k]


def aged(trained, now):
    return 0.1 + 0.01 * (now - trained)


def days(n, **facts):
    return [Evidence(now=day, trained_at=0, **facts) for day in range(n)]


@pytest.mark.parametrize(
    "policy",
    [
        never,
        MaxAge(3),
        CostAware(5, 20) & MinAge(2),
        LossIncrease(0.025),
        LossCUSUM(1.0, 50, scale=0.01),
        Forecast(0.14, 2, min_losses=3),
    ],
)
def test_the_policy_sees_and_pays_for_the_losses_of_its_own_models(policy):
    seen = []

    def noted(evidence):
        decision = policy(evidence)
        seen.append((evidence.loss, evidence.trained_at, evidence.baseline_loss, bool(decision)))
        return decision

    result = replay(noted, days(30), Costs(5, 20), losses=aged)
    trained, total = 0, 0.0
    for now, (loss, trained_at, baseline, retrained) in enumerate(seen):
        assert trained_at == trained
        assert (loss, baseline) == (aged(trained, now), aged(trained, trained))
        total += 20 * loss * (now > 0) + 5 * retrained
        trained = now if retrained else trained
    assert result.money.cost == pytest.approx(total)
    assert result.money.regret >= -1e-9
    assert result.money.optimum <= result.money.calendar <= result.money.never + 5
    assert list(result) == list(replay(policy, days(30), losses=aged))


def test_a_table_and_a_function_tell_the_same():
    table = np.array([[aged(trained, now) for now in range(12)] for trained in range(12)])
    early = np.vstack([[aged(-5, now) for now in range(12)], table])
    told = replay(MaxAge(3), days(12), Costs(1, 20), losses=aged)
    assert replay(MaxAge(3), days(12), Costs(1, 20), losses=table) == told
    older = [Evidence(now=day, trained_at=-5) for day in range(12)]
    by_function = replay(LossIncrease(0.02), older, Costs(1, 20), losses=aged)
    by_table = replay(LossIncrease(0.02), older, Costs(1, 20), losses=early)
    assert by_function.money.never == by_table.money.never > told.money.never


def test_a_model_is_not_asked_before_it_was_there():
    def honest(trained, now):
        assert trained <= now
        return aged(trained, now)

    table = np.array([[aged(i, j) if j > i else np.nan for j in range(12)] for i in range(12)])
    by_table = replay(MaxAge(3), days(12, baseline_loss=0.1), Costs(1, 20), losses=table)
    assert by_table.money == replay(MaxAge(3), days(12), Costs(1, 20), losses=honest).money


def test_uneven_evidences_weigh_by_their_days():
    moments = [START, START + DAY, START + 4 * DAY]
    evidences = [Evidence(now=now, trained_at=START) for now in moments]
    result = replay(never, evidences, Costs(1, 10), losses=[[0, 1, 2], [0, 0, 1], [0, 0, 0]])
    assert result.money.never == 10 * (1 * 1 + 2 * 3)
    assert result.money.optimal == (1,)
    assert result.money.optimum == 10 * (1 + 1 * 3) + 1


def test_a_recorded_interval_keeps_its_width():
    seen = []

    def note(evidence):
        seen.append(evidence.loss)
        return Decision(False, "noted")

    replay(note, days(3, loss=Interval(0.5, 0.4, 0.7, 0.9)), losses=aged)
    assert seen[2] == pytest.approx((0.12, 0.02, 0.32, 0.9))
    assert isinstance(seen[2], Interval)


def recorded(n=60, every=10, decay=0.01, noise=0.0, season=0.0):
    """A service that retrained every tenth day, and what it measured."""
    rng = np.random.default_rng(1)
    for day in range(n):
        trained = day // every * every
        loss = 0.1 + decay * (day - trained) + noise * rng.normal() + season * np.sin(day / 9)
        yield Evidence(now=day, trained_at=trained, loss=loss, baseline_loss=0.1)


def test_without_losses_they_are_estimated_by_age_and_it_says_so():
    truth = replay(MaxAge(5), list(recorded()), Costs(1, 20), losses=aged)
    estimated = replay(MaxAge(5), recorded(), Costs(1, 20))
    assert estimated.retrained == truth.retrained
    assert estimated.money.cost == pytest.approx(truth.money.cost)
    assert estimated.money.optimum == pytest.approx(truth.money.optimum)
    assert estimated.money.never == pytest.approx(truth.money.never)
    assert "moved by 0.01 [0.01, 0.01] (90 %) a day of age" in str(estimated)
    assert "moved by" not in str(truth)


def test_what_really_served_costs_what_was_recorded():
    evidences = list(recorded(noise=0.01, season=0.02))
    result = replay(MaxAge(10), evidences, Costs(1, 20))
    assert result.retrained == (10, 20, 30, 40, 50)
    # the evidence of a training still sees the model before it
    assert result.money.cost == pytest.approx(
        5 + 20 * sum(e.loss + (e.now % 10 == 0) * decay_of(result) * 10 for e in evidences[1:])
    )


def decay_of(result):
    return float(result.remarks[1].split("moved by ")[1].split(" ")[0])


def test_a_gap_stays_a_gap_for_the_policy_and_costs_as_its_neighbour():
    evidences = [e if e.now % 3 else Evidence(now=e.now, trained_at=e.trained_at) for e in recorded()]
    result = replay(LossIncrease(0.5), evidences, Costs(1, 20))
    assert result.unknown == tuple(range(0, 60, 3))
    assert np.isfinite(result.money.cost)


def test_models_that_do_not_age_are_not_worth_a_training():
    result = replay(MaxAge(5), recorded(decay=-0.001), Costs(1, 20))
    assert result.money.optimal == ()
    assert result.money.regret == pytest.approx(11)
    assert "models do not age" in str(result)


def test_prices_without_a_world_are_refused():
    bad = [
        [Evidence(now=day) for day in range(9)],
        [Evidence(now=day, trained_at=day, loss=0.1) for day in range(9)],
        [Evidence(now=START, trained_at=0.0, loss=0.1) for _ in range(9)],
        [Evidence(now=9 - day, trained_at=0, loss=0.1 * day) for day in range(9)],
        [Evidence(now=day, trained_at=0) for day in range(9)],
    ]
    for evidences in bad:
        with pytest.raises(InvalidInputError):
            replay(never, evidences, Costs(1, 1))


@pytest.mark.parametrize(
    "losses", [np.ones((9, 8)), np.ones(9), np.full((9, 9), np.nan), lambda a, b: np.nan]
)
def test_tables_must_fit(losses):
    with pytest.raises(InvalidInputError, match="losses must"):
        replay(never, days(9), Costs(1, 1), losses=losses)


def test_a_function_needs_moments():
    with pytest.raises(InvalidInputError, match="trained_at"):
        replay(never, [Evidence(now=1)], Costs(1, 1), losses=aged)
    with pytest.raises(InvalidParameterError, match="losses must"):
        replay(never, days(2), Costs(1, 1), losses=lambda trained, now: "much")
    with pytest.raises(InvalidParameterError, match="costs must"):
        replay(never, days(2), (1, 1), losses=aged)


def test_one_evidence_and_none():
    assert replay(never, [], Costs(1, 1)).money is None
    one = replay(never, days(1), Costs(1, 1), losses=aged).money
    assert (one.cost, one.optimum, one.never) == (0, 0, 0)


def test_the_past_before_the_replay_is_kept():
    past = (Episode(Evidence(now=-1, loss=0.1), Decision(True, "trained")),)
    evidences = [Evidence(now=day, trained_at=-1, history=past if not day else ()) for day in range(4)]
    assert not replay(CostAware(1, 1), evidences, Costs(1, 1), losses=aged)[0].missing


def test_money_tells_in_every_form():
    result = replay(MaxAge(3), days(12), Costs(1, 20), losses=aged)
    money = result.money
    assert str(money) in str(result)
    assert len(str(result).splitlines()) == 1
    assert result.to_dict()["money"] == money.to_dict()
    assert money.to_dict()["regret"] == money.cost - money.optimum
    assert (
        Money(**{name: value for name, value in money.to_dict().items() if name != "regret"}).cost
        == money.cost
    )
    assert "best calendar" in result._repr_html_()
    assert replay(never, days(2)).to_dict()["money"] is None


@pytest.mark.parametrize("bad", [(0, 1), (1, -1), (None, 1), (1, float("inf"))])
def test_prices_are_checked(bad):
    with pytest.raises(InvalidParameterError):
        Costs(*bad)
