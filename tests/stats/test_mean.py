import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import mean_interval
from contlearn.stats._mean import estimate

modest = settings(derandomize=True, deadline=None, max_examples=60)
values = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=40)


def jackknife(rows, groups):
    """Standard error of the mean over rows, by leaving out one group after the other."""
    names = np.unique(groups)
    left = np.array([rows[groups != name].mean() for name in names])
    return math.sqrt((len(names) - 1) / len(names) * ((left - rows.mean()) ** 2).sum())


def satterthwaite(groups, variance):
    """Degrees of freedom from the whole matrix of the quadratic form; `variance` of each cluster mean."""
    sizes = np.unique(groups, return_counts=True)[1]
    share, count = sizes / sizes.sum(), len(sizes)
    apart = np.eye(count) - np.outer(np.ones(count), share)
    weights = np.diag((count - 1) / count * share**2 / (1 - share) ** 2)
    form = weights @ apart @ np.diag(variance(share)) @ apart.T
    return np.trace(form) ** 2 / np.trace(form @ form)


@given(values)
@modest
def test_rows_for_themselves_have_the_usual_standard_error(rows):
    rows = np.array(rows)
    if np.ptp(rows) < 1e-6:
        return
    found = estimate(rows)
    assert found.estimate == pytest.approx(rows.mean(), abs=1e-12)
    assert found.standard_error == pytest.approx(rows.std(ddof=1) / math.sqrt(rows.size), rel=1e-9)
    assert found.degrees == rows.size - 1


def test_clusters_have_the_jackknife_and_satterthwaites_degrees():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(9), [1, 4, 30, 12, 12, 7, 3, 80, 5])
    rows = rng.standard_normal(groups.size) + rng.standard_normal(9)[groups]
    found = estimate(rows, groups)
    assert found.estimate == pytest.approx(rows.mean(), rel=1e-12)
    assert found.standard_error == pytest.approx(jackknife(rows, groups), rel=1e-12)
    together = satterthwaite(groups, lambda share: np.ones(share.size))
    apart = satterthwaite(groups, lambda share: 1.0 / share)
    assert found.degrees == pytest.approx(min(together, apart), rel=1e-9)
    assert found.degrees < 3.0  # one cluster has half of the rows


def test_groups_of_one_row_are_no_groups():
    rows = np.random.default_rng(1).standard_normal(50)
    alone, grouped = estimate(rows), estimate(rows, np.arange(50))
    assert grouped == pytest.approx(alone, rel=1e-9)


def test_duplicated_rows_do_not_count_twice_when_they_are_one_group():
    rows = np.random.default_rng(2).standard_normal(30)
    once = estimate(rows)
    tenfold = estimate(np.repeat(rows, 10), np.repeat(np.arange(30), 10))
    assert tenfold == pytest.approx(once, rel=1e-9)


@given(values, st.floats(0.001, 0.3))
@modest
def test_the_limit_is_the_value_that_the_test_just_rejects(rows, tail):
    found = estimate(np.array(rows))
    if found.standard_error == 0.0:
        return
    interval = found.interval(1.0 - 2.0 * tail)
    assert found.p_above(interval.low) == pytest.approx(tail, rel=1e-6)
    assert found.p_below(interval.high) == pytest.approx(tail, rel=1e-6)
    assert interval.low < interval.estimate < interval.high


@given(values)
@modest
def test_the_interval_turns_round_and_scales_with_the_values(rows):
    rows = np.array(rows) + np.pi  # zeros and ones have an interval of their own
    if np.ptp(rows) < 1e-6:
        return
    interval = mean_interval(rows)
    turned, scaled = mean_interval(-rows), mean_interval(1e150 * rows)
    assert turned[:3] == pytest.approx((-interval.estimate, -interval.high, -interval.low), rel=1e-9)
    assert scaled[:3] == pytest.approx(tuple(1e150 * x for x in interval[:3]), rel=1e-9)


def test_the_interval_is_never_shorter_than_students():
    rng = np.random.default_rng(3)
    t_95 = {4: 2.131846786, 29: 1.699127027}  # quantiles of Student's law, published to nine figures
    for degrees, quantile in t_95.items():
        rows = rng.exponential(size=degrees + 1)
        error = rows.std(ddof=1) / math.sqrt(rows.size)
        interval = mean_interval(rows, confidence=0.9)
        assert interval.low <= rows.mean() - quantile * error + 1e-9
        assert interval.high >= rows.mean() + quantile * error - 1e-9
        assert interval.high - rows.mean() > rows.mean() - interval.low  # the long tail needs the room


def test_many_rows_meet_the_normal_interval():
    rows = np.random.default_rng(4).exponential(size=400_000)
    interval, half = mean_interval(rows, 0.95), 1.959963985 * rows.std() / math.sqrt(rows.size)
    assert interval.low == pytest.approx(rows.mean() - half, abs=0.02 * half)
    assert interval.high == pytest.approx(rows.mean() + half, abs=0.02 * half)


# Clopper and Pearson at 95 %, as contingencytables prints them.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(13, 16, 0.5435, 0.9595), (10, 10, 0.6915, 1.0), (0, 10, 0.0, 0.3085)]
)
def test_zeros_and_ones_have_the_exact_interval(k, n, low, high):
    interval = mean_interval([1] * k + [0] * (n - k), 0.95)
    assert interval[:3] == pytest.approx((k / n, low, high), abs=5e-5)


@pytest.mark.parametrize("rows", [[3.0], [0.1] * 7, [1e-300] * 5, [1e300] * 5])
def test_an_unknown_spread_has_infinite_limits(rows):
    interval = mean_interval(rows)
    assert interval.estimate == pytest.approx(rows[0])
    assert (interval.low, interval.high) == (-math.inf, math.inf)
    assert estimate(np.array(rows)).p_above(-1e9) is None


def test_rounding_is_no_spread():
    rows = np.array([0.1 + 0.2, 0.3, 0.1 * 3, 0.3])
    assert np.ptp(rows) > 0.0
    assert estimate(rows).standard_error == 0.0


def test_one_cluster_or_clusters_that_agree_have_an_unknown_spread():
    assert mean_interval([1.0, 2.0, 5.0], groups=["a"] * 3).low == -math.inf
    assert mean_interval([0.5, 1.5, 1.5, 0.5], groups=["a", "a", "b", "b"]).high == math.inf


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf], ["a"], 3.0, [[1.0, 2.0]], "123"])
def test_values_that_are_none_are_refused(bad):
    with pytest.raises(InvalidInputError, match="values must"):
        mean_interval(bad)


def test_groups_must_fit_and_be_known():
    with pytest.raises(InvalidInputError, match="same length"):
        mean_interval([1.0, 2.0], groups=["a"])
    with pytest.raises(InvalidInputError, match="1 of 2 rows without one"):
        mean_interval([1.0, 2.0], groups=["a", None])
    with pytest.raises(InvalidParameterError, match="confidence must"):
        mean_interval([1.0, 2.0], confidence=1.0)


def test_the_callers_array_is_left_alone():
    rows = np.array([1.0, 2.0, 4.0])
    mean_interval(rows)
    rows.setflags(write=False)
    assert mean_interval(rows[::-1]) == mean_interval(rows)
