"""The Wasserstein test: the distance is scipy's, the p-value is that of all relabelings, ties included."""

import math
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import wasserstein
from contlearn.stats._pooled import EXACT, Dealer, every_relabeling, places, pool, relabelings, side
from contlearn.stats._wasserstein import (
    distance,
    margins,
    on_a_line,
    permutation_p_value,
    seen,
    spread,
    upper_bound,
)

few_values = st.lists(st.integers(-2, 2), min_size=1, max_size=5)
floats = st.floats(-1e6, 1e6)
samples = st.lists(floats, min_size=1, max_size=40)
laws = settings(derandomize=True, deadline=None, max_examples=40)


def area(x, y):
    """The area between the two distribution functions, as a fraction."""
    rows = sorted({*x, *y})
    return sum(
        abs(Fraction(sum(a <= v for a in x), len(x)) - Fraction(sum(b <= v for b in y), len(y)))
        * (Fraction(w) - Fraction(v))
        for v, w in pairwise(rows)
    )


def enumerated(x, y):
    """The share of all splits of the pooled rows that are at least as far apart."""
    rows, observed = [*x, *y], area(x, y)
    splits = list(combinations(range(len(rows)), len(x)))
    far = sum(
        area([rows[i] for i in split], [rows[i] for i in range(len(rows)) if i not in split]) >= observed
        for split in splits
    )
    return far / len(splits)


def two(x, y):
    return pool(side("x", x), side("y", y))


@laws
@given(samples, samples)
def test_the_distance_is_scipys(x, y):
    assert wasserstein(x, y).statistic == pytest.approx(wasserstein_distance(x, y), rel=1e-9, abs=1e-9)


@laws
@given(few_values, few_values)
def test_with_ties_the_p_value_is_the_share_of_all_splits(x, y):
    found = wasserstein(x, y)
    assert found.statistic == pytest.approx(float(area(x, y)), abs=1e-12)
    assert found.p_value == pytest.approx(enumerated(x, y), rel=1e-9)


@laws
@given(samples, samples, st.randoms(use_true_random=False))
def test_sides_and_order_do_not_matter_and_the_unit_only_to_the_distance(x, y, random):
    there, back = wasserstein(x, y), wasserstein(y, random.sample(x, len(x)))
    assert back == pytest.approx(there, rel=1e-9)
    scaled = wasserstein(4.0 * np.array(x), 4.0 * np.array(y))
    assert scaled == pytest.approx((4.0 * there.statistic, there.p_value), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-6, 1.0, 1e6, 1e300])
def test_no_size_of_numbers_is_too_much(scale):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=300), rng.normal(0.2, 1.0, size=200)
    plain, scaled = wasserstein(x, y), wasserstein(scale * x, scale * y)
    assert scaled.statistic == pytest.approx(scale * plain.statistic, rel=1e-9)
    assert scaled.p_value == plain.p_value


def test_a_small_spread_far_from_zero_is_measured():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 1000, 300) / 1024, rng.integers(100, 1100, 200) / 1024
    assert wasserstein(x + 1e9, y + 1e9) == pytest.approx(wasserstein(x, y), rel=1e-9)


def test_a_distance_beyond_the_floats_is_the_largest_of_them():
    found = wasserstein([-1.7e308] * 3, [1.7e308] * 3)
    assert found == pytest.approx((np.finfo(float).max, 0.1))


@pytest.mark.parametrize("base", [-(2**63), -5, 2**53, 2**63 - 10])
def test_integers_beyond_the_reach_of_floats_keep_their_distances(base):
    line = on_a_line(np.array([base, base + 1, base + 4, base + 9], dtype=np.int64))
    assert [line.in_units(gap) for gap in line.gaps] == [1.0, 3.0, 5.0]
    large = on_a_line(np.array([2**63 + 1, 2**63 + 2, 2**64 - 1], dtype=np.uint64))
    assert large.in_units(large.gaps[0]) == 1.0
    assert on_a_line(np.array([-(2**63), 2**63 - 1])).in_units(1.0) > 0.0


def test_every_relabeling_is_listed_once_with_its_chance():
    pooled = two([1, 1, 2, 3], [1, 2, 2])
    found, chances = every_relabeling(pooled)
    assert chances.sum() == pytest.approx(1.0)
    counts = {}
    rows = [1, 1, 1, 2, 2, 2, 3]
    for split in combinations(range(7), 4):
        key = tuple(sum(rows[i] <= v for i in split) for v in (1, 2))
        counts[key] = counts.get(key, 0) + 1
    listed = {
        tuple(np.rint((difference + ends * (1 / 3)) / (1 / 4 + 1 / 3)).astype(int)): chance
        for difference, ends, chance in zip(found, [pooled.ends[:-1]] * len(found), chances, strict=True)
    }
    assert listed == pytest.approx({key: count / 35 for key, count in counts.items()})


@pytest.mark.parametrize(("n", "m"), [(3000, 40), (40, 3000), (900, 900)])
def test_relabelings_have_the_moments_of_dealt_rows(n, m):
    rng = np.random.default_rng(3)
    pooled = two(rng.normal(size=n).round(1), rng.normal(size=m).round(1))
    drawn = np.concatenate(list(relabelings(pooled, 4000, rng)))
    total = n + m
    shares = pooled.ends[:-1] / total
    sd = np.sqrt(shares * (1 - shares) * pooled.scale * total / (total - 1))
    assert np.abs(drawn.mean(axis=0) / sd).max() < 5 / math.sqrt(4000)
    inner = sd > 0.3 * sd.max()
    assert drawn.std(axis=0)[inner] == pytest.approx(sd[inner], rel=0.08)


@laws
@given(st.integers(0, 10_000), st.sampled_from(["untied", "rounded", "zeros", "heavy"]))
def test_places_depend_on_the_pooled_rows_alone_and_stand_for_all_of_them(seed, kind):
    rng = np.random.default_rng(seed)
    rows = {
        "untied": lambda: rng.normal(size=2000),
        "rounded": lambda: rng.normal(size=2000).round(3),
        "zeros": lambda: np.maximum(0.0, rng.normal(size=3000)),
        "heavy": lambda: rng.standard_cauchy(2000),
    }[kind]()
    n = int(rng.integers(1, len(rows)))
    one, other = two(rows[:n], rows[n:]), two(rows[::-1][:n], rows[::-1][n:])
    chosen = places(one)
    assert (chosen == places(other)).all()
    assert chosen[-1] == len(one.values) - 1
    assert EXACT >= len(chosen) > 60
    line = on_a_line(one.values)
    here = seen(one, line)
    assert here.widths.sum() == pytest.approx(line.gaps.sum())
    assert (here.widths >= 0).all()
    # a value that many rows share is a place of its own, from below and above
    large = np.flatnonzero(one.sizes > len(rows) / 50)
    assert set(large) | set(large[large > 0] - 1) <= set(chosen)


def test_what_is_seen_from_few_places_is_nearly_the_distance():
    rng = np.random.default_rng(4)
    for x in (rng.normal(size=4900), rng.exponential(size=4900), rng.standard_t(3, 4900)):
        pooled = two(x[900:], x[:900] * 1.1 + 0.1)
        line = on_a_line(pooled.values)
        here = seen(pooled, line)
        coarse = float(np.abs(here.pooled.differences) @ here.widths)
        assert coarse == pytest.approx(distance(pooled, line), rel=0.02)


def test_the_bound_is_never_below_the_p_value():
    rng = np.random.default_rng(5)
    for kind in ("normal", "outliers", "binary", "few"):
        for n, m in ((400, 60), (150, 150)):
            x, y = rng.normal(size=n), rng.normal(size=m)
            if kind == "outliers":
                y[0] = 1000.0
            elif kind == "binary":
                x, y = x > 1.0, y > 1.0
            elif kind == "few":
                x, y = np.round(x), np.round(y)
            pooled = two(x, y)
            line = on_a_line(pooled.values)
            here = seen(pooled, line)
            drawn = np.concatenate(
                [np.abs(found) @ here.widths for found in relabelings(here.pooled, 4000, rng)]
            )
            for share in (0.5, 0.9, 0.99, 0.999):
                away = float(np.quantile(drawn, share))
                assert upper_bound(pooled, line, away) >= 0.8 * (1.0 - share)
    assert upper_bound(pooled, line, 4.0) < 1e-6


def test_one_outlier_in_a_batch_is_as_rare_as_its_place_in_it():
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=5000), rng.normal(size=50)
    y[0] = 1e6
    pooled = two(x, y)
    line = on_a_line(pooled.values)
    p_value = permutation_p_value(seen(pooled, line), 9999, Dealer(0))
    assert p_value == pytest.approx(50 / 5050, rel=0.4)
    assert upper_bound(pooled, line, distance(pooled, line)) >= 50 / 5050


def test_samples_whose_ties_lie_alike_are_dealt_alike_and_others_as_if_they_were_alone():
    rng = np.random.default_rng(10)
    one, two_, tied = (
        two(rng.normal(size=300), rng.normal(size=90)),
        two(rng.normal(size=300), rng.normal(size=90)),
        two(rng.normal(size=300).round(), rng.normal(size=90).round()),
    )
    deal = Dealer(1)
    drawn = [np.concatenate(list(deal(each, 99))) for each in (one, two_, tied, one)]
    alone = [np.concatenate(list(Dealer(1)(each, 99))) for each in (one, two_, tied, one)]
    for found, expected in zip(drawn, alone, strict=True):
        assert (found == expected).all()
    assert (drawn[0] == drawn[1]).all()
    assert len(np.concatenate(list(Dealer(1)(one, 9999)))) == 9999
    assert (np.concatenate(list(deal(one, 999)))[:99] != drawn[0]).any()
    assert (np.concatenate(list(Dealer(None)(one, 99))) != drawn[0]).any()


@pytest.mark.parametrize("kind", ["normal", "uniform", "exponential", "poisson", "coin", "two humps"])
def test_margins_are_the_quantiles_of_relabelings(kind):
    rng = np.random.default_rng(7)
    draw = {
        "normal": lambda size: rng.normal(size=size),
        "uniform": lambda size: rng.uniform(size=size),
        "exponential": lambda size: rng.exponential(size=size),
        "poisson": lambda size: rng.poisson(1.0, size),
        "coin": lambda size: rng.random(size) < 0.3,
        "two humps": lambda size: rng.normal(size=size) + 10 * (rng.random(size) < 0.5),
    }[kind]
    pooled = two(draw(2000), draw(400))
    line = on_a_line(pooled.values)
    here = seen(pooled, line)
    by_chance = margins(seen(pooled, line, 32, 32), together=True)
    drawn = np.concatenate([np.abs(found) @ here.widths for found in relabelings(here.pooled, 10_000, rng)])
    assert by_chance.mean == pytest.approx(drawn.mean(), rel=0.04)
    for chance in (0.2, 0.05, 0.01):
        assert by_chance.quantile(chance) == pytest.approx(np.quantile(drawn, 1 - chance), rel=0.08)


def test_the_spread_of_a_sample_is_numpys():
    rng = np.random.default_rng(9)
    for scale in (1e-300, 1.0, 1e300):
        rows = scale * rng.exponential(size=501)
        found = spread(*side("x", rows))
        line = on_a_line(np.sort(rows))
        assert line.in_units(found.on(line, "sd")) == pytest.approx(scale * np.std(rows / scale), rel=1e-9)
        low, high = np.quantile(rows / scale, [0.25, 0.75], method="inverted_cdf")
        assert line.in_units(found.on(line, "iqr")) == pytest.approx(scale * (high - low), rel=1e-9)


@pytest.mark.parametrize("bad", [[], [[1.0]], [1.0, math.nan], [math.inf], ["a"]])
def test_what_is_no_sample_of_numbers_is_refused_by_name(bad):
    with pytest.raises(InvalidInputError, match=r"^x must"):
        wasserstein(bad, [1.0])
    with pytest.raises(InvalidInputError, match=r"^y must"):
        wasserstein([1.0], bad)


@pytest.mark.parametrize("bad", [{"n_permutations": 0}, {"rng": -1}])
def test_what_is_no_setting_is_refused_by_name(bad):
    with pytest.raises(InvalidParameterError, match=f"^{next(iter(bad))} must"):
        wasserstein([1.0], [2.0], **bad)
