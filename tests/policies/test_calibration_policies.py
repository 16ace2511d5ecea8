"""Rates that the policies state, measured; bands are exact, with tails of one in a million."""

import numpy as np
import pytest
from scipy import stats

from contlearn.evaluation import mean_loss
from contlearn.policies import (
    CostAware,
    Costs,
    Decision,
    Episode,
    Evidence,
    Forecast,
    LossCUSUM,
    best_period,
    replay,
)
from contlearn.policies._regret import best_calendar, cost_of, optimum, served
from contlearn.results import Interval

pytestmark = pytest.mark.calibration

TAIL = 1e-6


def told(loss, error):
    half = 1.6448536269514722 * error
    return Interval(float(loss), float(loss - half), float(loss + half), 0.9)


@pytest.mark.parametrize(("shift", "run_length"), [(1.0, 50), (0.5, 100)])
@pytest.mark.parametrize("intervals", [False, True])
def test_the_run_length_of_a_cusum_is_what_was_asked_for(shift, run_length, intervals):
    n = 100 * run_length
    losses = 0.2 + 0.01 * np.random.default_rng(run_length).normal(size=n)
    rule = LossCUSUM(shift, run_length, scale=None if intervals else 0.01)
    days = [
        Evidence(now=day, trained_at=-1, loss=told(x, 0.01) if intervals else float(x), baseline_loss=0.2)
        for day, x in enumerate(losses)
    ]
    alarms = len(replay(rule, days).retrained)
    assert stats.poisson.ppf(TAIL, n / run_length) <= alarms <= stats.poisson.isf(TAIL, n / run_length)


@pytest.mark.parametrize(("rows", "rate"), [(100, 0.05), (100, 0.9), (30, 0.9)])
def test_the_run_length_of_zeros_and_ones_is_near_what_was_asked_for(rows, rate):
    """Each loss by its own width, 52 at 90 % of 100 rows, and 22 of 30."""
    rng, run_length = np.random.default_rng(rows), 100
    known = [mean_loss(np.r_[np.ones(k), np.zeros(rows - k)]) for k in range(rows + 1)]
    days = [
        Evidence(now=day, trained_at=-1, loss=known[k], baseline_loss=rate)
        for day, k in enumerate(rng.binomial(rows, rate, 6000))
    ]
    alarms = len(replay(LossCUSUM(run_length=run_length), days).retrained)
    assert stats.poisson.ppf(TAIL, 6000 / 300) <= alarms <= stats.poisson.isf(TAIL, 6000 / run_length)


@pytest.mark.parametrize("champions", [1, 2, 4, 8])
def test_the_interval_of_the_best_period_covers_where_losses_hang_together(champions):
    missed, n = 0, 200
    for seed in range(n):
        rng = np.random.default_rng(seed)
        evidences = []
        for champion in range(champions):
            error = rng.normal()
            for age in range(25):
                error = 0.7 * error + np.sqrt(0.51) * rng.normal()
                loss = 0.2 + 0.002 * age + 0.01 * error
                evidences.append(Evidence(now=100 * champion + age, trained_at=100 * champion, loss=loss))
        best = best_period(evidences, 100, 1000)
        missed += not (best.shortest or np.inf) <= 10 <= (best.longest or np.inf)
    assert missed <= stats.binom.isf(TAIL, n, 0.15 if champions == 1 else 0.1)


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_a_cusum_finds_its_shift_soon(shift):
    run_length, rng, delays = 100, np.random.default_rng(5), []
    for _ in range(60):
        days = [
            Evidence(now=day, trained_at=-1, loss=float(x), baseline_loss=0.2)
            for day, x in enumerate(0.2 + 0.01 * (shift + rng.normal(size=200)))
        ]
        delays.append(replay(LossCUSUM(shift, run_length, scale=0.01), days).retrained[0])
    assert np.mean(delays) < 1.5 * 2 * np.log(run_length * shift**2 / 2) / shift**2 < run_length / 2


def forecast(rule, losses):
    """Ask about the last of losses, one a day since a training."""
    wait = Decision(False, "waited")
    past = [Episode(Evidence(now=0), Decision(True, "trained"))]
    past += [Episode(Evidence(now=day, loss=float(x)), wait) for day, x in enumerate(losses[:-1], start=1)]
    return rule(Evidence(now=len(losses), loss=float(losses[-1]), history=tuple(past)))


@pytest.mark.parametrize("trend", ["linear", "theil-sen"])
@pytest.mark.parametrize("n", [5, 8, 20, 60])
def test_a_forecast_on_flat_losses_at_the_limit_keeps_its_confidence(trend, n):
    rng, asked = np.random.default_rng(n), 1500
    for confidence in (0.8, 0.95):
        rule = Forecast(0.3, 7, confidence, min_losses=5, trend=trend)
        fired = sum(bool(forecast(rule, 0.3 + 0.01 * rng.normal(size=n))) for _ in range(asked // 2))
        assert fired <= stats.binom.isf(TAIL, asked // 2, 1 - confidence)
        if trend == "linear":
            assert fired >= stats.binom.ppf(TAIL, asked // 2, 1 - confidence)


def test_a_forecast_is_ahead_of_a_slow_climb_and_calm_below_the_limit():
    rng, ahead, calm = np.random.default_rng(11), [], []
    for _ in range(60):
        climb = 0.2 + 0.1 * np.arange(80) / 60 + 0.01 * rng.normal(size=80)
        flat = 0.28 + 0.01 * rng.normal(size=120)
        for losses, found in ((climb, ahead), (flat, calm)):
            days = [Evidence(now=day, trained_at=-1, loss=float(x)) for day, x in enumerate(losses)]
            found.append(replay(Forecast(0.3, 7), days).retrained)
    assert np.median([60 - retrained[0] for retrained in ahead]) >= 3
    assert sum(bool(retrained) for retrained in calm) <= stats.binom.isf(TAIL, 60, 0.03)


def noisy_world(rng, n=365):
    """Excess losses of models that get worse by turns: slowly, fast, and by jumps."""
    steps = np.where(np.arange(n) // 60 % 2 == 0, 0.0003, 0.003) + rng.binomial(1, 0.01, n) * 0.03
    drift = np.cumsum(steps)
    return np.maximum(0.0, drift - drift[:, None])


@pytest.mark.parametrize("intervals", [False, True])
def test_cost_aware_stays_near_the_optimum_under_noise(intervals):
    """It sees 0.01 of noise in each loss and pays for the true ones; beside it, the best calendar."""
    ratios, calendars = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        excess, costs = noisy_world(rng), Costs(float(rng.choice([100, 300, 1000])), 1000)
        measured = excess + 0.01 * rng.normal(size=len(excess))
        np.fill_diagonal(measured, 0.0)  # the baselines
        width = told(0.0, 0.01) if intervals else None
        days = [Evidence(now=day, trained_at=0, loss=width) for day in range(len(excess))]
        rule = CostAware(costs.retrain_cost, costs.loss_cost)
        retrained = replay(rule, days, losses=measured).retrained
        bills = served(np.vstack([excess[:1], excess]), np.ones(len(excess)), costs.loss_cost)
        best = optimum(bills, costs.retrain_cost).cost
        ratios.append(cost_of(bills, retrained, costs.retrain_cost) / best)
        calendars.append(best_calendar(bills, costs.retrain_cost)[0].cost / best)
    assert np.mean(ratios) < np.mean(calendars) < 1.4
    assert max(ratios) < 1.5


def test_intervals_keep_cost_aware_from_retraining_for_noise():
    retrained = {"numbers": 0, "intervals": 0}
    for seed in range(15):
        losses = 0.2 + 0.01 * np.random.default_rng(seed).normal(size=365)
        for name, loss in (("numbers", float), ("intervals", lambda x: told(x, 0.01))):
            days = [
                Evidence(now=d, trained_at=-1, loss=loss(x), baseline_loss=0.2) for d, x in enumerate(losses)
            ]
            retrained[name] += len(replay(CostAware(0.05, 1), days).retrained)
    assert retrained["intervals"] <= 15 < 90 < retrained["numbers"]


@pytest.mark.parametrize("shape", ["linear", "monotone"])
def test_the_interval_of_the_best_period_covers(shape):
    covered, n = 0, 200 if shape == "linear" else 25
    regret = []
    for seed in range(n):
        rng = np.random.default_rng(seed)
        evidences = [
            Evidence(now=30 * champion + age, trained_at=30 * champion, loss=level + 0.001 * age + x)
            for champion, level in enumerate(0.2 + 0.03 * rng.normal(size=4))
            for age, x in enumerate(0.01 * rng.normal(size=30))
        ]
        best = best_period(evidences, 400, 2000, shape=shape)
        covered += best.shortest <= 20 <= (best.longest or np.inf)
        period = best.period or 365.0
        regret.append((400 / period + period) / 40)  # of the cost rate at 20 days
    assert covered >= stats.binom.ppf(TAIL, n, 0.9 if shape == "linear" else 0.85)
    assert np.mean(regret) < 1.02
