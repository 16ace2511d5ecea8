from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from contlearn.exceptions import InvalidParameterError
from contlearn.policies import CostAware, Costs, Decision, Episode, Evidence, MinLabels, Sustained, replay
from contlearn.results import Interval, Outcome, Verdict

START = datetime(2024, 1, 1)
DAY = timedelta(days=1)
WAIT, TRAIN = Decision(False, "waited"), Decision(True, "trained")
RULE = CostAware(retrain_cost=100, loss_cost=1000)


def at(now, loss, decision=WAIT, **facts):
    return Episode(Evidence(now=now, loss=loss, **facts), decision)


def asked(rule, past, now, loss, **facts):
    return rule(Evidence(now=now, loss=loss, baseline_loss=0.2, history=tuple(past), **facts))


def cost(decision):
    return float(decision.reason.split(" cost ")[1].split(" ")[0].rstrip(","))


def test_each_loss_costs_its_excess_for_the_time_since_the_loss_before():
    past = [at(0, 0.2, TRAIN), at(1, 0.21), at(4, 0.22)]
    decision = asked(RULE, past, 6, 0.20)
    assert cost(decision) == pytest.approx(1000 * (1 * 0.01 + 3 * 0.02 + 2 * 0.0))
    assert not decision


@pytest.mark.parametrize(("loss", "fires"), [(0.2249, False), (0.2251, True)])
def test_it_retrains_once_waiting_has_cost_a_training(loss, fires):
    past = [at(0, 0.2, TRAIN), at(1, 0.25)]
    assert asked(RULE, past, 3, loss).retrain is fires


def test_days_are_days_however_moments_are_written():
    hours = [at(START, 0.2, TRAIN), at(START + DAY / 2, 0.25)]
    there = timezone(timedelta(hours=5))
    mixed = [at(START.replace(tzinfo=UTC), 0.2, TRAIN), at((START + DAY / 2).replace(tzinfo=UTC), 0.25)]
    assert cost(asked(RULE, hours, START + DAY, 0.21)) == pytest.approx(1000 * (0.5 * 0.05 + 0.5 * 0.01))
    later = (START + DAY).replace(tzinfo=UTC).astimezone(there)
    assert cost(asked(RULE, mixed, later, 0.21)) == pytest.approx(30)


def test_the_debt_never_falls_below_nothing():
    easy = [at(0, 0.2, TRAIN), at(30, 0.1), at(31, 0.25)]
    assert cost(asked(RULE, easy, 32, 0.25)) == pytest.approx(100)
    assert asked(RULE, easy, 32, 0.2501)


def test_the_lower_end_of_the_whole_debt_must_reach_the_price():
    def sure(loss, half):
        return Interval(loss, loss - half, loss + half, 0.9)

    past = [at(0, 0.2, TRAIN)] + [at(day, sure(0.25, 0.04)) for day in range(1, 4)]
    decision = asked(RULE, past, 4, sure(0.25, 0.04))
    assert "cost 200, lower end 120 " in decision.reason  # 200 - 1000 * 0.04 * sqrt(4), not 200 - 160
    assert decision
    assert not asked(RULE, past, 4, sure(0.25, 0.08))


def test_a_training_begins_a_new_debt_promoted_or_not():
    rejected = Verdict(Outcome.REJECT, "worse")
    past = [at(0, 0.2, TRAIN), at(5, 0.3), at(6, 0.3, TRAIN)]
    turned_down = [*past[:2], Episode(past[2].evidence, TRAIN, rejected)]
    for history in (past, turned_down):
        assert cost(asked(RULE, history, 7, 0.25, trained_at=0)) == pytest.approx(50)


def test_a_champion_trained_later_than_any_retraining_on_record_begins_a_new_debt():
    past = [at(0, 0.2, TRAIN), at(5, 0.3), at(8, 0.3)]
    assert cost(asked(RULE, past, 9, 0.25, trained_at=6)) == pytest.approx(1000 * (2 * 0.1 + 1 * 0.05))


def test_what_was_not_watched_is_not_counted():
    past = [at(100, 0.3), at(101, 0.21)]
    assert cost(asked(RULE, past, 102, 0.21, trained_at=0)) == pytest.approx(20)


def test_a_loss_that_was_not_known_leaves_its_time_to_the_next():
    past = [at(0, 0.2, TRAIN), at(1, None), at(2, float("nan")), at(3, 0.22)]
    assert cost(asked(RULE, past, 4, 0.2)) == pytest.approx(1000 * 3 * 0.02)


def test_each_model_has_its_own_baseline():
    past = [at(0, 0.2, TRAIN), at(1, 0.25, baseline_loss=0.22), at(2, 0.25)]
    assert cost(asked(RULE, past, 3, 0.2)) == pytest.approx(1000 * (0.03 + 0.05))


def test_odd_times_neither_raise_nor_count():
    other = START.replace(tzinfo=UTC)
    past = [at(0, 0.2, TRAIN), at(None, 0.9), at(other, 0.9), at(START, 0.9), at(2, 0.21), at(1.5, 0.21)]
    assert cost(asked(RULE, past, 3, 0.2)) == pytest.approx(20)


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({"now": None}, {"now"}),
        ({"loss": None}, {"loss"}),
        ({"loss": Interval(0.3, float("nan"), 0.4, 0.9)}, {"loss"}),
        ({"baseline_loss": None}, {"baseline_loss"}),
        ({"history": ()}, {"history"}),
        ({"trained_at": None}, {"trained_at"}),
        ({"trained_at": START}, {"now", "trained_at"}),
        ({"loss": None, "baseline_loss": None}, {"loss", "baseline_loss"}),
    ],
)
def test_what_is_lacking_is_named(facts, missing):
    full = {"now": 3, "trained_at": 0, "loss": 9.0, "baseline_loss": 0.2, "history": (at(1, 0.3), at(2, 0.3))}
    assert RULE(Evidence(**full))
    decision = RULE(Evidence(**{**full, **facts}))
    assert set(decision.missing) == missing
    assert not decision


@pytest.mark.parametrize("loss", [float("inf"), Interval(float("inf"), 0.1, float("inf"), 0.9)])
def test_an_infinite_loss_has_an_answer(loss):
    decision = asked(RULE, [at(0, 0.2, TRAIN)], 1, loss)
    assert decision.retrain is not isinstance(loss, Interval)


@pytest.mark.parametrize("bad", [(0, 1), (1, 0), (-1, 1), (1, float("inf")), (float("nan"), 1), ("1", 1)])
def test_prices_must_be_above_nothing(bad):
    with pytest.raises(InvalidParameterError):
        CostAware(*bad)


def world(kind, rng, n=240):
    """Return excess losses by age and time of models that only get worse: `[trained, now]`."""
    day = np.arange(n)
    if kind == "saturating":
        excess = 0.08 * (1 - np.exp(-np.maximum(0, day - day[:, None]) / rng.uniform(5, 40)))
    elif kind == "convex":
        excess = rng.uniform(1e-5, 1e-4) * np.maximum(0, day - day[:, None]) ** 2
    else:
        steps = {
            "steady": np.full(n, rng.uniform(0.0005, 0.004)),
            "jumps": rng.binomial(1, 0.04, n) * rng.exponential(0.02, n),
            "seasons": np.where(day // 60 % 2 == 0, 0.0002, 0.003),
        }[kind]
        drift = np.cumsum(steps)
        excess = np.maximum(0.0, drift - drift[:, None])
    return excess


@pytest.mark.parametrize("kind", ["steady", "jumps", "seasons", "saturating", "convex"])
def test_it_costs_at_most_twice_the_optimum_where_models_only_get_worse(kind):
    ratios = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        excess, price = world(kind, rng), float(rng.choice([2.0, 5.0, 20.0]))
        days = [Evidence(now=day, trained_at=0, baseline_loss=0.0) for day in range(len(excess))]
        result = replay(CostAware(price, 10), days, Costs(price, 10), losses=excess)
        models = [0, *result.retrained]
        overshoot = sum(10 * excess[a, b] for a, b in zip(models, result.retrained, strict=False))
        money = result.money
        assert money.optimum <= money.cost <= 2 * money.optimum + overshoot + 1e-9
        assert result.retrained
        ratios.append(money.cost / money.optimum)
    assert np.mean(ratios) < (1.6 if kind == "jumps" else 1.15)


def test_under_a_steady_decay_it_finds_the_best_period_again_and_again():
    days = [Evidence(now=day, trained_at=0, baseline_loss=0.0) for day in range(400)]
    aged = replay(CostAware(200, 10), days, losses=lambda trained, now: 0.1 * (now - trained))
    assert set(np.diff(aged.retrained)) == {
        20
    }  # sqrt(2 * 200 / (0.1 * 10)): the sum reaches it a little early


def test_prices_come_as_costs_too():
    rule = CostAware(Costs(400, loss_cost=10_000))
    assert rule == CostAware(400, 10_000) == CostAware(retrain_cost=400, loss_cost=10_000)
    assert eval(repr(rule)) == rule
    with pytest.raises(InvalidParameterError, match="be left out beside Costs"):
        CostAware(Costs(400, 10_000), 10_000)
    with pytest.raises(InvalidParameterError, match="pass Costs"):
        CostAware(400)


def test_it_joins_others():
    rule = CostAware(10, 1000) & MinLabels(5)
    past = [at(0, 0.2, TRAIN), at(1, 0.25)]
    assert asked(rule, past, 2, 0.25, n_labels=9)
    assert not asked(rule, past, 2, 0.25, n_labels=2)
    assert asked(Sustained(CostAware(10, 1000), 2, of=2), [*past, at(2, 0.25, baseline_loss=0.2)], 3, 0.25)
