from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.policies import Costs, Decision, Episode, Evidence, MaxAge, best_period
from contlearn.policies._decay import Ages
from contlearn.policies._decay_curve import _isotonic, best_age
from contlearn.results import Interval

START, DAY = datetime(2024, 1, 1), timedelta(days=1)


def served(decay, champions=4, days=30, noise=0.0, seed=0, start=0, day=1):
    """Losses of champions of different levels, each served for `days`."""
    rng = np.random.default_rng(seed)
    for champion in range(champions):
        level, trained = 0.2 + 0.05 * rng.normal(), champion * days
        for age in range(1, days + 1):
            loss = level + decay(age) + noise * rng.normal()
            yield Evidence(
                now=start + (trained + age) * day, trained_at=start + trained * day, loss=float(loss)
            )


def test_a_line_has_the_period_of_the_square_root():
    best = best_period(served(lambda age: 0.002 * age), 400, 1000)
    assert best.period == pytest.approx(np.sqrt(2 * 400 / (0.002 * 1000)))
    assert best.cost_rate == pytest.approx(np.sqrt(2 * 400 * 0.002 * 1000))
    assert best.shortest == pytest.approx(best.longest)
    assert (best.n_losses, best.n_champions, best.remarks) == (120, 4, ())


def test_the_prices_may_be_given_as_costs():
    evidences = list(served(lambda age: 0.002 * age))
    assert best_period(evidences, Costs(400, 1000)) == best_period(evidences, 400, 1000)
    with pytest.raises(InvalidParameterError, match="loss_cost"):
        best_period(evidences, Costs(400, 1000), 1000)
    with pytest.raises(InvalidParameterError, match="loss_cost"):
        best_period(evidences, 400)


def test_dates_give_a_timedelta_that_max_age_takes():
    best = best_period(served(lambda age: 0.002 * age, start=START, day=DAY), 400, 1000)
    assert best.period == timedelta(days=20)
    assert MaxAge(best.period) == MaxAge(20 * DAY)
    assert best.to_dict()["period"] == pytest.approx(20)


def regression(evidences):
    line = stats.linregress([e.now for e in evidences], [e.loss for e in evidences])
    half = stats.t.ppf(0.95, len(evidences) - 2) * line.stderr
    return line.slope, line.slope - half, line.slope + half, 0.9


def test_the_decay_of_one_champion_is_that_of_a_regression():
    """Where one loss lies high and the next low, nothing shows that they hang together."""
    evidences = [
        Evidence(now=age, trained_at=0, loss=0.2 + 0.002 * age + 0.01 * (-1) ** age * (1 + age % 3))
        for age in range(30)
    ]
    assert best_period(evidences, 400, 1000).decay == pytest.approx(regression(evidences))


def correlated(champions, rho=0.7, days=25, speeds=0.0, seed=0):
    """Losses of which each resembles the one before."""
    rng = np.random.default_rng(seed)
    for champion in range(champions):
        error, speed = rng.normal(), 0.002 + speeds * rng.normal()
        for age in range(days):
            error = rho * error + np.sqrt(1 - rho * rho) * rng.normal()
            loss = 0.2 + speed * age + 0.01 * error
            yield Evidence(now=100 * champion + age, trained_at=100 * champion, loss=float(loss))


@pytest.mark.parametrize("champions", [1, 2, 4])
def test_losses_that_hang_together_tell_less_and_it_is_told(champions):
    evidences = list(correlated(champions))
    best = best_period(evidences, 100, 1000)
    if champions == 1:
        _, low, high, _ = regression(evidences)
        assert best.decay.high - best.decay.low > 2 * (high - low)
    assert "correlate by 0." in str(best)
    assert "times that of independent ones" in str(best)
    wide = best_period(evidences, 100, 1000, shape="monotone")
    assert wide.shortest < 0.9 * wide.period


def test_champions_that_age_at_different_speeds_make_the_interval_wide():
    same, different = (
        best_period(list(correlated(8, rho=0.0, speeds=speeds)), 100, 1000).decay for speeds in (0.0, 0.001)
    )
    assert different.high - different.low > 2 * (same.high - same.low)


def test_one_long_champion_among_short_ones_is_not_taken_for_many():
    short = [e for e in correlated(4, days=3, seed=1) if e.trained_at]
    both = best_period([*correlated(1, days=100), *short], 100, 1000).decay
    alone = best_period(list(correlated(1, days=100)), 100, 1000).decay
    assert both.high - both.low == pytest.approx(alone.high - alone.low, rel=0.25)


def test_the_interval_of_the_period_is_that_of_the_decay():
    best = best_period(served(lambda age: 0.002 * age, noise=0.01), 400, 1000, confidence=0.8)
    assert best.decay.confidence == 0.8
    assert best.shortest == pytest.approx(np.sqrt(0.8 / best.decay.high))
    assert best.longest == pytest.approx(np.sqrt(0.8 / best.decay.low))
    assert best.shortest < best.period < best.longest


def test_intervals_weigh():
    def told(evidence):
        half = 0.001 if evidence.now % 2 else 10.0
        loss = evidence.loss + (0.0 if evidence.now % 2 else evidence.now * 0.1)
        return Evidence(now=evidence.now, trained_at=0, loss=Interval(loss, loss - half, loss + half, 0.9))

    best = best_period([told(e) for e in served(lambda age: 0.002 * age, champions=1)], 400, 1000)
    assert best.period == pytest.approx(20, rel=1e-3)


CURVES = {
    "line": lambda age: 0.002 * age,
    "convex": lambda age: 8e-5 * age * age,
    "saturating": lambda age: 0.08 * (1 - np.exp(-age / 10)),
    "late": lambda age: 0.01 * np.maximum(0, age - 12),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_has_the_period_that_a_search_finds(name):
    decay = CURVES[name]
    grid = np.linspace(0.01, 30, 30_000)
    excess = decay(grid) - decay(0)
    rates = (0.2 + np.cumsum(excess) * (grid[1] - grid[0])) / grid
    best = best_period(served(decay), 0.2, 1.0, shape="monotone")
    assert best.period == pytest.approx(grid[np.argmin(rates)], rel=0.05)
    assert best.cost_rate == pytest.approx(rates.min(), rel=0.05)


def test_the_period_of_a_curve_of_lines_is_exact():
    ages = Ages(np.array([0.0, 10, 20, 30]), np.array([0.0, 0, 1, 4]), np.ones(4), np.zeros(4, dtype=np.intp))
    grid = np.linspace(0.001, 100, 200_001)
    for price in (1.0, 10.0, 40.0, 90.0, 400.0):
        # equal values meet in the middle of their step
        heights = np.interp(grid, [0, 5, 20, 30], [0, 0, 1, 4])
        heights = np.where(grid > 30, 4 + (grid - 30) * 4 / 30, heights)
        rates = (price + np.cumsum(heights) * (grid[1] - grid[0])) / grid
        found, rate = best_age(ages, price)
        assert found == pytest.approx(grid[np.argmin(rates)], abs=0.02)
        assert rate == pytest.approx(rates.min(), rel=1e-3)


def test_isotonic_regression_is_that_of_scikit_learn():
    from sklearn.isotonic import IsotonicRegression

    rng = np.random.default_rng(0)
    for _ in range(20):
        n = int(rng.integers(1, 40))
        x, y, w = rng.integers(0, 15, n).astype(float), rng.normal(size=n), rng.uniform(0.1, 2, n)
        expected = IsotonicRegression().fit(x, y, sample_weight=w).predict(x)
        assert _isotonic(x, y, w) == pytest.approx(expected)


@pytest.mark.parametrize("shape", ["linear", "monotone"])
def test_what_does_not_age_is_never_retrained(shape):
    best = best_period(served(lambda age: -0.001 * age), 400, 1000, shape=shape)
    assert (best.period, best.longest, best.cost_rate) == (None, None, 0.0)
    assert "best period never" in str(best)
    noisy = best_period(served(lambda age: 0.0 * age, noise=0.01, seed=1), 400, 1000, shape=shape)
    assert noisy.longest is None


def test_a_period_longer_than_any_model_served_is_told():
    best = best_period(served(lambda age: 0.002 * age), 4000, 1000)
    assert "no model was seen older than 30 days" in str(best)
    assert len(str(best).splitlines()) == 1
    assert "cost rate" in best._repr_html_()


def test_episodes_do_and_what_is_not_known_is_passed_over():
    evidences = list(served(lambda age: 0.002 * age))
    wait = Decision(False, "waited")
    holes = [
        Evidence(),
        Evidence(now=3, loss=0.1),
        Evidence(now=3, trained_at=9, loss=9.0),
        Evidence(now=3, trained_at=0),
    ]
    odd = Evidence(now=3, trained_at=0, loss=float("inf"))
    assert best_period([Episode(e, wait) for e in evidences] + [*holes, odd], 400, 1000) == best_period(
        evidences, 400, 1000
    )


def test_the_same_question_has_the_same_answer():
    evidences = list(served(lambda age: 0.002 * age, noise=0.01))
    first = best_period(evidences, 400, 1000, shape="monotone")
    assert best_period(evidences, 400, 1000, shape="monotone") == first
    assert best_period(evidences, 400, 1000, shape="monotone", rng=5).shortest != first.shortest


@pytest.mark.parametrize("ages", [[], [1], [1, 2], [3, 3, 3, 3]])
def test_too_little_is_an_error_with_its_cure(ages):
    with pytest.raises(InvalidInputError, match="three ages"):
        best_period([Evidence(now=age, trained_at=0, loss=0.1) for age in ages], 1, 1)


@pytest.mark.parametrize(
    "bad",
    [
        {"retrain_cost": 0},
        {"loss_cost": -1},
        {"confidence": 1},
        {"shape": "cubic"},
        {"rng": "x"},
        {"history": 5},
    ],
)
def test_settings_are_checked(bad):
    arguments = {"history": list(served(lambda age: 0.002 * age)), "retrain_cost": 1, "loss_cost": 1, **bad}
    with pytest.raises(InvalidParameterError):
        best_period(**arguments)
