from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from contlearn.exceptions import InvalidParameterError
from contlearn.policies import Decision, Episode, Evidence, Forecast, replay
from contlearn.results import Interval

START, DAY = datetime(2024, 1, 1), timedelta(days=1)
WAIT, TRAIN = Decision(False, "waited"), Decision(True, "trained")
RAMP = [0.21, 0.22, 0.24, 0.25, 0.27, 0.26, 0.29]


def five(limit, lead_time, **settings):
    return Forecast(limit, lead_time, **{"min_losses": 5, **settings})


def asked(rule, losses, start=0, step=1, **facts):
    """Ask about the last of `losses`, one a step since a training."""
    history = [Episode(Evidence(now=start), TRAIN)]
    days = [start + step * (day + 1) for day in range(len(losses))]
    history += [
        Episode(Evidence(now=day, loss=loss), WAIT) for day, loss in zip(days[:-1], losses[:-1], strict=True)
    ]
    return rule(Evidence(**{"now": days[-1], "loss": losses[-1], "history": tuple(history), **facts}))


def chance(decision):
    return float(decision.reason.split("confidence ")[1].split(" ")[0])


def test_the_confidence_is_that_of_the_regression():
    x, y = np.arange(7.0), np.array(RAMP)
    line = stats.linregress(x, y)
    scale = np.sqrt(np.sum((y - line.intercept - line.slope * x) ** 2) / 5)
    error = scale * np.sqrt(1 / 7 + (8 - 3) ** 2 / np.sum((x - 3) ** 2))
    expected = line.intercept + line.slope * 8
    decision = asked(five(0.3, 2), RAMP)
    assert chance(decision) == pytest.approx(stats.t.cdf((expected - 0.3) / error, 5), abs=1e-3)
    assert f"loss {expected:.4g} expected in 2" in decision.reason


@pytest.mark.parametrize("trend", ["linear", "theil-sen"])
def test_it_retrains_before_the_limit_is_reached(trend):
    rule = five(0.31, 5, trend=trend)
    assert max(RAMP) < 0.31
    assert asked(rule, RAMP)
    assert not asked(rule, RAMP[::-1])
    assert not asked(five(0.31, 0.1, trend=trend), RAMP)


def test_days_and_numbers_tell_the_same():
    dated = asked(five(0.3, 2 * DAY), RAMP, START, DAY)
    assert chance(dated) == chance(asked(five(0.3, 2), RAMP))
    assert "in 2 days" in dated.reason


def test_intervals_weigh():
    def told(losses, halves):
        return [Interval(y, y - h, y + h, 0.9) for y, h in zip(losses, halves, strict=True)]

    odd = [*RAMP[:3], 0.9, *RAMP[4:]]
    blurred = asked(five(0.3, 2), told(odd, [0.01] * 3 + [5.0] + [0.01] * 3))
    assert float(blurred.reason.split()[1]) == pytest.approx(0.30, abs=0.015)
    assert chance(asked(five(0.3, 2), told(RAMP, [0.2] * 7))) < chance(asked(five(0.3, 2), RAMP))


def test_medians_are_not_moved_by_an_odd_day():
    flat = [0.20, 0.21, 0.20, 0.21, 0.20, 0.21, 0.20, 0.9, 0.21]
    told = asked(five(0.3, 5, trend="theil-sen"), flat).reason
    assert float(told.split()[1]) == pytest.approx(0.205, abs=0.02)


def test_the_trend_begins_with_each_training():
    days = [Evidence(now=day, trained_at=0) for day in range(40)]
    result = replay(five(0.3, 5), days, losses=lambda trained, now: 0.2 + 0.01 * (now - trained))
    assert result.retrained == (6, 12, 18, 24, 30, 36)  # five losses of each model, and 0.31 five days ahead


def test_a_line_without_noise_needs_no_probability():
    assert chance(asked(five(0.3, 5), [0.25] * 6)) == 0
    assert chance(asked(five(0.3, 5), [0.35] * 6)) == 1


@pytest.mark.parametrize("gap", ["now", "loss", "history"])
def test_what_is_lacking_is_named(gap):
    decision = asked(five(0.1, 5), RAMP, **{gap: () if gap == "history" else None})
    assert gap in decision.missing


def test_too_few_losses_are_unknown():
    decision = asked(five(0.1, 5), RAMP[:4])
    assert decision.missing == ("history",)
    assert "4 of 5 losses" in decision.reason
    assert asked(five(0.1, 5, min_losses=3), RAMP[:4])


def test_a_lead_time_of_the_other_kind_is_unknown():
    assert asked(five(0.1, DAY), RAMP).missing == ("now",)
    assert "give timedelta(days=1)" in asked(five(0.1, 1), RAMP, START, DAY).reason
    assert asked(five(0.1, 1), RAMP, START, DAY).missing == ("now",)


def test_losses_at_one_moment_have_no_trend():
    decision = asked(five(0.1, 5), RAMP, step=1e-12)
    assert decision.missing == ("history",)


def test_infinite_losses_have_no_trend():
    assert asked(five(0.1, 5), [*RAMP, float("inf")]).missing == ("loss",)
    assert asked(five(0.1, 5), [float("inf"), *RAMP])


@pytest.mark.parametrize(
    "bad", [(float("nan"), 1), (0.3, 0), (0.3, 1, 1.0), (0.3, 1, 0.9, 2), (0.3, 1, 0.9, 3, "median")]
)
def test_settings_are_checked(bad):
    with pytest.raises(InvalidParameterError):
        Forecast(*bad)
