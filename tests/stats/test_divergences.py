"""Divergences of shares, the noncentral law they follow, and what can be drawn where they do not yet."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

from contlearn.exceptions import InvalidInputError
from contlearn.stats import jensen_shannon, psi
from contlearn.stats._divergence_laws import Dealt, DealtInOrder, Gaps, chance, cut_places
from contlearn.stats._divergences import JENSEN_SHANNON, PSI
from contlearn.stats._noncentral import detectable_noncentrality, noncentrality, upper_tail

laws = settings(derandomize=True, deadline=None, max_examples=60)
counts = st.lists(st.integers(0, 40), min_size=1, max_size=7).filter(any)
DIVERGENCES = pytest.mark.parametrize("divergence", [PSI, JENSEN_SHANNON], ids=["PSI", "JensenShannon"])


@st.composite
def two_shares(draw):
    size = draw(st.integers(1, 8))
    sides = [draw(st.lists(st.integers(0, 30), min_size=size, max_size=size).filter(any)) for _ in "pq"]
    return [np.array(side) / sum(side) for side in sides]


@laws
@given(two_shares())
def test_they_agree_with_their_definitions_in_scipy(shares):
    p, q = shares
    assert psi(p, q) == pytest.approx(special.rel_entr(p, q).sum() + special.rel_entr(q, p).sum(), abs=1e-12)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q) ** 2, abs=1e-9)


@laws
@given(two_shares())
def test_they_are_symmetric_and_zero_for_equal_shares_only(shares):
    p, q = shares
    for function in (psi, jensen_shannon):
        assert function(p, q) == pytest.approx(function(q, p), abs=1e-15)
        assert function(p, p) == 0.0
        assert (function(p, q) == 0.0) == bool(np.allclose(p, q, atol=1e-12)) or function(p, q) < 1e-12


def test_a_bin_that_is_empty_on_one_side_makes_psi_infinite_and_on_both_counts_for_nothing():
    assert psi([0.5, 0.5, 0.0], [1.0, 0.0, 0.0]) == math.inf
    assert psi([0.5, 0.5, 0.0], [0.25, 0.75, 0.0]) == psi([0.5, 0.5], [0.25, 0.75])
    assert jensen_shannon([1.0, 0.0], [0.0, 1.0]) == math.log(2.0)
    assert type(psi([1], [1])) is type(jensen_shannon([1], [1])) is float


@pytest.mark.parametrize("function", [psi, jensen_shannon])
@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        (
            [10, 20],
            [0.5, 0.5],
            r"p must lie between 0 and 1, got 10 at position 0; divide counts by their sum",
        ),
        ([0.5, 0.5], [0.5, -0.1], r"q must lie between 0 and 1, got -0.1 at position 1"),
        ([0.5, math.nan], [0.5, 0.5], r"p must lie between 0 and 1, got nan at position 1"),
        ([0.5, 0.4], [0.5, 0.5], r"p must add up to 1, got 0.9; divide counts by their sum"),
        ([0.5, 0.5], [1.0], r"p and q must have the same length, got p with 2, q with 1"),
        ([], [], r"p must have at least one share, got none"),
        (["a"], [1.0], r"p must hold numbers"),
        ([[0.5, 0.5]], [1.0], r"p must be one-dimensional"),
    ],
)
def test_what_is_no_share_is_refused(function, p, q, message):
    with pytest.raises(InvalidInputError, match=message):
        function(p, q)


def test_shares_in_single_precision_are_shares():
    p = np.full(7, 1 / 7, dtype=np.float32)
    assert psi(p, p[::-1]) == 0.0


@laws
@given(counts, st.data())
def test_counts_are_smoothed_by_half_a_row_in_each_bin_that_has_any(before, data):
    after = data.draw(st.lists(st.integers(0, 40), min_size=len(before), max_size=len(before)).filter(any))
    kept = [(one, other) for one, other in zip(before, after, strict=True) if one or other]
    p, q = (np.array(side) + 0.5 for side in zip(*kept, strict=True))
    found = PSI.of_counts(np.array([before]), np.array([after]))
    assert found == pytest.approx(psi(p / p.sum(), q / q.sum()), abs=1e-12)
    doubled = JENSEN_SHANNON.of_counts(np.array(2 * before), np.array(2 * after))
    twice = JENSEN_SHANNON.of_counts(np.array(before), np.array(after), times=np.full(len(before), 2))
    assert twice == pytest.approx(doubled, abs=1e-12)


@pytest.mark.parametrize("freedom", [1.0, 4.0, 9.0, 60.0, 999.0])
def test_the_noncentral_law_is_inverted(freedom):
    statistic = freedom * np.array([1e-3, 0.3, 1.0, 1.7, 6.0, 40.0, 1e6])
    for quantile in (-6.0, -1.96, 0.0, 1.96, 6.0):
        effect = noncentrality(statistic, freedom, quantile)
        some = effect > 0.0
        left = stats.ncx2.cdf(statistic[:-1], freedom, np.maximum(effect[:-1], 1e-12))
        right = stats.ncx2.sf(statistic[:-1], freedom, np.maximum(effect[:-1], 1e-12))
        some = some[:-1] & (left > 1e-9) & (right > 1e-9)
        tail = left if quantile <= 0.0 else right
        assert tail[some] == pytest.approx(stats.norm.cdf(-abs(quantile)), rel=0.01)
        assert np.all(stats.chi2.cdf(statistic[effect == 0.0], freedom) <= stats.norm.cdf(quantile) + 1e-12)


def test_tails_of_the_noncentral_law_never_reach_zero():
    x = np.array([0.0, 3.0, 20.0, 80.0, 400.0, 1e4, 1e9])
    assert upper_tail(x, 9.0, 0.0) == pytest.approx(np.maximum(stats.chi2.sf(x, 9), 2.3e-308), rel=1e-9)
    tails = upper_tail(x, 9.0, 12.0)
    assert tails[:4] == pytest.approx(stats.ncx2.sf(x, 9, 12.0)[:4], rel=1e-5)
    assert np.all(np.diff(tails) <= 0.0)
    assert tails[-1] > 0.0


@pytest.mark.parametrize("tolerated", [0.0, 30.0])
def test_a_detectable_effect_is_found_with_eighty_percent(tolerated):
    effect = detectable_noncentrality(0.01, 9.0, tolerated)
    critical = stats.ncx2.isf(0.01, 9, tolerated) if tolerated else stats.chi2.isf(0.01, 9)
    assert stats.ncx2.sf(critical, 9, effect) == pytest.approx(0.8, abs=1e-6)


def every_deal(pooled, n):
    """Every way to choose `n` of the rows for the reference: counts per value of both sides."""
    rows = np.repeat(np.arange(len(pooled)), pooled)
    for chosen in itertools.combinations(range(len(rows)), n):
        before = np.bincount(rows[list(chosen)], minlength=len(pooled))
        yield before, np.asarray(pooled) - before


def brute_in_order(divergence, before, after, bins):
    """The divergence as one would write it down: few values are bins, many are cut at the quantiles."""
    values, n = np.flatnonzero(before), before.sum()
    if len(values) <= bins:
        known = before > 0
        return divergence.of_counts(np.append(before[known], 0), np.append(after[known], after[~known].sum()))
    x, y = np.repeat(np.arange(len(before)), before), np.repeat(np.arange(len(after)), after)
    heavy = set(np.flatnonzero(before * bins > n))
    last = values[-1] if values[-1] in heavy else values[-2]
    limits = {min(x[-(-j * n // bins) - 1], last) for j in range(1, bins)} | {each - 0.5 for each in heavy}
    assert heavy <= limits
    limits = sorted(limits)
    return divergence.of_counts(
        *(np.bincount(np.searchsorted(limits, side), minlength=len(limits) + 1) for side in (x, y))
    )


def brute_labels(divergence, before, after, rarest):
    own, rare, new = before > rarest, (before > 0) & (before <= rarest), before == 0
    return divergence.of_counts(
        np.concatenate((before[own], [before[rare].sum(), 0])),
        np.concatenate((after[own], [after[rare].sum(), after[new].sum()])),
    )


def compare_laws(law, divergence, exact):
    """The drawn law and the listed one have the same distribution function, up to what chance does."""
    drawn = law.draw(divergence, 20_000, np.random.default_rng(0))
    for limit in np.unique(np.round(exact, 9)):
        expected = np.mean(exact >= limit - 1e-8)
        assert np.mean(drawn >= limit - 1e-8) == pytest.approx(expected, abs=5 * 0.5 / math.sqrt(20_000))
    assert law.least(divergence) <= np.mean(exact >= exact.max() - 1e-9) + 1e-12


@DIVERGENCES
@pytest.mark.parametrize("bins", [2, 3, 5])
@pytest.mark.parametrize("pooled", [(2, 3, 1, 4), (1, 1, 1, 1, 1, 1, 1, 1), (7, 2), (1, 5, 1, 1, 2)])
def test_deals_of_numbers_are_all_deals_each_with_its_own_bins(divergence, pooled, bins):
    exact = [brute_in_order(divergence, *deal, bins) for deal in every_deal(pooled, 6)]
    compare_laws(DealtInOrder(np.array(pooled), 6, bins), divergence, np.array(exact))


@DIVERGENCES
@pytest.mark.parametrize("rarest", [0, 1])
@pytest.mark.parametrize("pooled", [(2, 3, 1, 4), (1, 1, 1, 1, 1, 1, 1, 1), (7, 2), (1, 5, 1, 1, 2)])
def test_deals_of_categories_are_all_deals_each_with_its_own_newcomers(divergence, pooled, rarest):
    exact = [brute_labels(divergence, *deal, rarest) for deal in every_deal(pooled, 6)]
    compare_laws(Dealt(np.array(pooled), 6, rarest), divergence, np.array(exact))


@DIVERGENCES
def test_gaps_are_all_orders_of_values_without_ties(divergence):
    exact = []
    for places in itertools.combinations(range(10), 6):
        after = np.diff([*places, 10], prepend=-1) - 1  # new values in each of the seven gaps
        exact.append(divergence.of_counts(np.array([2, 2, 2]), np.add.reduceat(after, [0, 2, 4])))
    exact = np.array(exact)
    law = Gaps((2, 2, 2), 4)
    compare_laws(law, divergence, exact)
    assert law.least(divergence) == pytest.approx(np.mean(exact >= exact.max() - 1e-9))


def test_cuts_are_quantiles_of_the_reference_and_leave_its_largest_value_a_bin():
    rng = np.random.default_rng(1)
    for _ in range(200):
        rows = rng.integers(0, 5, 9)
        if np.count_nonzero(rows) < 2:
            continue
        (cuts,) = cut_places(rows[None, :], 4)
        values = np.repeat(np.arange(9), rows)
        below = np.flatnonzero(rows)[-2]
        last = max(values) if 4 * rows[max(values)] > len(values) else below
        expected = [min(values[math.ceil(j * len(values) / 4) - 1], last) for j in (1, 2, 3)]
        assert cuts.tolist() == expected


def test_drawn_p_values_are_fine_enough_for_the_level_or_say_that_they_are_not():
    law = Gaps((3,) * 10, 30)
    found = chance(PSI, law, 50.0, 0.05 / 100, seed=0)
    assert 0.0 < found.p_value <= 0.05 / 4000
    assert found.enough
    blunt = chance(PSI, law, 50.0, 1e-7, seed=0)
    assert not blunt.enough
    assert "p cannot fall below 1e-05" in blunt.remarks[0]
    quiet = chance(PSI, law, 0.0, 1e-7, seed=0)  # drawing stops early, and could have gone no further
    assert (quiet.enough, quiet.remarks) == (False, blunt.remarks)
    assert chance(PSI, law, 0.0, 0.05, seed=0).p_value == 1.0
    assert len({chance(PSI, law, 0.5, 0.05, seed=None).p_value for _ in range(9)}) > 1
