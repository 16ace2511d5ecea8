"""The Cramér-von Mises test: the statistic is scipy's, the p-value that of all relabelings, ties included."""

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import cramervonmises_2samp

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import cramer_von_mises
from contlearn.stats._bridge import Law, tied
from contlearn.stats._cramer_von_mises import distance, interval, law
from contlearn.stats._pooled import pool, side

few_values = st.lists(st.integers(-2, 2), min_size=1, max_size=5)
many_values = st.lists(st.integers(-20, 20), min_size=1, max_size=40)
laws = settings(derandomize=True, deadline=None, max_examples=40)


def mean_square(x, y):
    """The mean over all rows of the squared difference, just below the row and at it, as a fraction."""

    def difference(count):
        return Fraction(sum(map(count, x)), len(x)) - Fraction(sum(map(count, y)), len(y))

    squares = [
        (difference(lambda a, v=v: a < v) ** 2 + difference(lambda a, v=v: a <= v) ** 2) / 2 for v in (*x, *y)
    ]
    return sum(squares) / len(squares)


def enumerated(x, y):
    """The share of all splits of the pooled rows that are at least as far apart."""
    rows, observed = [*x, *y], mean_square(x, y)
    splits = list(combinations(range(len(rows)), len(x)))
    far = sum(
        mean_square([rows[i] for i in split], [rows[i] for i in range(len(rows)) if i not in split])
        >= observed
        for split in splits
    )
    return far / len(splits)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 9), (5, 7), (50, 37), (1000, 30), (700, 500)])
def test_without_ties_the_statistic_is_scipys(n, m):
    rng = np.random.default_rng(n * m)
    x, y = rng.normal(size=n), rng.normal(0.3, 1.0, size=m)
    if min(n, m) > 1:
        theirs = cramervonmises_2samp(x, y, method="asymptotic").statistic
        assert cramer_von_mises(x, y).statistic == pytest.approx(theirs, rel=1e-9)
    assert cramer_von_mises(x, y).distance ** 2 == pytest.approx(float(mean_square(x, y)), rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 1.0, 5.0])
def test_of_few_rows_without_ties_the_p_value_is_scipys_exact_one(shift):
    rng = np.random.default_rng(3)
    for n, m in ((5, 7), (7, 6), (3, 9)):
        x, y = rng.normal(size=n), rng.normal(shift, 1.0, size=m)
        found = cramer_von_mises(x, y)
        assert found.method == "exact"
        assert found.p_value == pytest.approx(cramervonmises_2samp(x, y, method="exact").pvalue, rel=1e-9)


@laws
@given(few_values, few_values)
def test_with_ties_the_p_value_is_the_share_of_all_splits(x, y):
    found = cramer_von_mises(x, y)
    assert found.method == "exact"
    assert found.p_value == pytest.approx(enumerated(x, y), rel=1e-9)
    assert found.distance**2 == pytest.approx(float(mean_square(x, y)), abs=1e-12)


@laws
@given(many_values, many_values, st.randoms(use_true_random=False))
def test_sides_order_and_monotone_scale_do_not_matter(x, y, random):
    shuffled = random.sample(x, len(x))
    found = cramer_von_mises(x, y)
    assert cramer_von_mises(y, shuffled)[:3] == pytest.approx(found[:3], rel=1e-9)
    assert cramer_von_mises(np.arctan(x), np.arctan(y))[:3] == pytest.approx(found[:3], rel=1e-9)
    assert cramer_von_mises(-np.array(x), -np.array(y)).distance == pytest.approx(found.distance, abs=1e-12)


def test_the_distance_ends_at_samples_without_overlap():
    assert cramer_von_mises([1.0] * 30, [2.0] * 50).distance == pytest.approx(math.sqrt(0.5))
    apart = cramer_von_mises(np.arange(300.0), np.arange(300.0) + 300)
    assert apart.distance == pytest.approx(math.sqrt(1 / 3), rel=1e-3)
    assert cramer_von_mises([1.0, 2.0], [1.0, 2.0]).distance == 0.0
    assert cramer_von_mises([3.0] * 5, [3.0] * 8).p_value == 1.0


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.normal(size=n),
        lambda rng, n: np.round(2.0 * rng.normal(size=n)) / 2.0,
        lambda rng, n: rng.poisson(1.0, n),
        lambda rng, n: np.maximum(0.0, rng.normal(size=n)),
        lambda rng, n: np.round(rng.normal(size=n), 2),
    ],
    ids=["continuous", "rounded", "poisson", "zeros and the rest", "rounded finely"],
)
def test_the_limit_agrees_with_relabelings(draw):
    rng = np.random.default_rng(5)
    for n, m in ((60, 40), (3000, 300)):
        x, y = draw(rng, n), draw(rng, m)
        limit = cramer_von_mises(x, y, method="asymptotic").p_value
        drawn = cramer_von_mises(x, y, method="permutation", n_permutations=4999).p_value
        assert limit == pytest.approx(drawn, abs=0.035)


def test_the_limit_law_of_untied_rows_is_the_one_in_the_tables():
    for chance, quantile in ((0.10, 0.34730), (0.05, 0.46136), (0.01, 0.74346), (0.001, 1.16786)):
        assert Law().quantile(chance) == pytest.approx(quantile, abs=2e-5)
        assert Law().tail(quantile) == pytest.approx(chance, rel=1e-4)
    assert Law().tail(10.0) == pytest.approx(1.0 / math.pi * math.sqrt(2 / 10) * 1.6e-21, rel=0.5)


@pytest.mark.parametrize(
    "eigenvalues", [[0.1], [0.1, 0.05], [0.1, 0.05, 0.01], [0.125, 1e-6], [0.1, 0.09, 0.02, 0.01]]
)
def test_the_tail_of_a_sum_is_the_share_of_draws_beyond(eigenvalues):
    rng = np.random.default_rng(0)
    eigenvalues = np.array(eigenvalues)
    drawn = rng.normal(size=(200_000, len(eigenvalues))) ** 2 @ eigenvalues
    for x in (0.02, 0.1, 0.3, 0.6):
        assert Law(eigenvalues).tail(x) == pytest.approx(float(np.mean(drawn > x)), abs=0.006)
        assert Law(eigenvalues).quantile(Law(eigenvalues).tail(0.6)) == pytest.approx(0.6, rel=1e-4)


def test_a_bridge_that_is_seen_often_is_as_good_as_one_that_is_always_seen():
    shares = np.arange(1, 200) / 200
    found = tied(shares, np.full(199, 1 / 200))
    assert Law(found).tail(0.46136) == pytest.approx(0.05, abs=1e-4)


def test_the_interval_has_room_for_a_side_that_varies_more():
    rng = np.random.default_rng(8)
    rare, often = (rng.random(400) < 0.02).astype(float), (rng.random(100) < 0.4).astype(float)
    pooled = pool(side("x", rare), side("y", often))
    found = interval(pooled, law(pooled), distance(pooled), 0.95)
    own = math.sqrt(0.3 * 0.7 / 100)  # of the difference of the shares
    assert found.high - found.estimate >= 1.9 * own / math.sqrt(2)


@pytest.mark.parametrize("bad", [[], [[1.0]], [1.0, math.nan], [math.inf], ["a"]])
def test_what_is_no_sample_of_numbers_is_refused_by_name(bad):
    with pytest.raises(InvalidInputError, match=r"^x must"):
        cramer_von_mises(bad, [1.0])
    with pytest.raises(InvalidInputError, match=r"^y must"):
        cramer_von_mises([1.0], bad)


@pytest.mark.parametrize("bad", [{"method": "exact"}, {"n_permutations": 0}, {"rng": -1}])
def test_what_is_no_setting_is_refused_by_name(bad):
    with pytest.raises(InvalidParameterError, match=f"^{next(iter(bad))} must"):
        cramer_von_mises([1.0], [2.0], **bad)
