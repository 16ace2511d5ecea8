"""The area under the ROC curve: its value, its law by chance, its interval and its power."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from contlearn.stats import _mann_whitney
from contlearn.stats._mann_whitney import (
    auc_detectable,
    auc_interval,
    auc_margin_p_value,
    auc_p_value,
    placements,
    smallest_p_value,
    subset_sum_p_value,
)

laws = settings(derandomize=True, deadline=None, max_examples=60)
scores = st.lists(st.integers(0, 4), min_size=1, max_size=6).map(lambda x: np.array(x, dtype=float))


def counted(x, y, block=1):
    """The p-value by listing every relabeling of blocks."""
    ranks = stats.rankdata(np.concatenate([x, y])).reshape(-1, block).sum(axis=1)
    before = len(x) // block
    taken = len(y) // block
    sums = [ranks[list(chosen)].sum() for chosen in itertools.combinations(range(len(ranks)), taken)]
    return np.mean(np.array(sums) >= ranks[before:].sum() - 1e-9)


@laws
@given(scores, scores)
def test_the_p_value_is_the_share_of_relabelings_ties_included(x, y):
    assert auc_p_value(x, y) == pytest.approx(counted(x, y), rel=1e-9)


@laws
@given(st.lists(st.integers(0, 5), min_size=4, max_size=16), st.integers(1, 4), st.integers(0, 99))
def test_blocks_are_relabeled_whole(values, taken, seed):
    values = np.array(values[: len(values) // 2 * 2], dtype=float)
    taken = min(taken, len(values) // 2 - 1)
    y = np.random.default_rng(seed).permutation(values)
    x, y = np.split(y, [len(y) - 2 * taken])
    assert auc_p_value(x, y, 2) == pytest.approx(counted(x, y, 2), rel=1e-9)


@laws
@given(scores, scores)
def test_placements_are_shares_of_pairs(x, y):
    wins = (x[:, None] < y) + 0.5 * (x[:, None] == y)
    placed = placements(x, y)
    assert placed.auc == pytest.approx(wins.mean(), abs=1e-12)
    np.testing.assert_allclose(placed.reference, wins.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(placed.current, wins.mean(axis=0), atol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(150, 150), (1200, 150), (60, 300)])
def test_large_samples_without_ties_have_the_normal_limit(n, m):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=n), rng.normal(0.15, 1, size=m)
    expected = stats.mannwhitneyu(y, x, alternative="greater", method="asymptotic").pvalue
    assert auc_p_value(x, y) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("common", "rows", "tolerance"), [(0.95, 600, 0.0), (0.7, 600, 0.006), (0.0, 90, 0.004)]
)
@pytest.mark.parametrize("place", [0.02, 0.5])
def test_ties_and_unequal_sizes_follow_the_tail(place, common, rows, tolerance):
    """Where most scores are equal the law is counted; where many are, skewness and lattice are known."""
    rng = np.random.default_rng(3)
    pooled = np.where(rng.random(rows) < common, place, np.round(rng.random(rows), 3))
    ranks = (2 * stats.rankdata(pooled)).astype(np.int64)
    taken = rows // 15
    drawn = np.array([ranks[rng.permutation(rows)[:taken]].sum() for _ in range(12_000)])
    for share in (0.5, 0.1, 0.02):
        observed = int(np.quantile(drawn, 1 - share))
        tail = np.mean(drawn >= observed)
        error = math.sqrt(tail * (1 - tail) / len(drawn))
        assert subset_sum_p_value(ranks, taken, observed) == pytest.approx(tail, abs=4.5 * error + tolerance)


def test_the_limit_law_begins_where_it_is_as_good(monkeypatch):
    rng = np.random.default_rng(0)
    for n in (15, 25, 40):
        x, y = rng.normal(size=n), rng.normal(0.3, 1, size=n)
        exact = stats.mannwhitneyu(y, x, alternative="greater", method="exact").pvalue
        assert auc_p_value(x, y) == pytest.approx(exact, rel=1e-9 if n < 40 else 0.03)
        with monkeypatch.context() as patch:
            patch.setattr(_mann_whitney, "CELLS", 0)
            assert auc_p_value(x, y) == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("m", [4, 50, 5000])
def test_equal_scores_are_no_evidence_and_separation_is_all_there_can_be(m):
    assert auc_p_value(np.zeros(30), np.zeros(m)) == 1.0
    assert placements(np.zeros(30), np.zeros(m)).auc == 0.5
    p_value = auc_p_value(np.zeros(30), 1.0 + np.arange(m))
    assert 0.0 < p_value <= 0.001
    if m == 4:
        assert p_value == pytest.approx(smallest_p_value(30, 4)) == pytest.approx(1 / math.comb(34, 4))


def test_the_interval_stays_inside_and_has_a_width_everywhere():
    for x, y in (([0, 1, 2], [5, 6]), ([5, 6], [0, 1]), ([1, 1], [1, 1]), ([0], [1]), ([3, 1], [2])):
        placed = placements(np.array(x, float), np.array(y, float))
        found = auc_interval(placed, 0.95)
        assert 0.0 <= found.low <= placed.auc <= found.high <= 1.0
        assert found.high - found.low > 0.2


def test_the_interval_has_delongs_width_where_samples_are_large():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=4000), rng.normal(0.5, 2.0, size=3000)
    placed = placements(x, y)
    error = math.sqrt(placed.reference.var(ddof=1) / 4000 + placed.current.var(ddof=1) / 3000)
    found = auc_interval(placed, 0.9)
    assert found.high - found.low == pytest.approx(2 * 1.6449 * error, rel=0.01)


def test_the_p_value_of_a_margin_grows_with_it_and_agrees_with_the_interval():
    rng = np.random.default_rng(5)
    placed = placements(rng.normal(size=200), rng.normal(0.6, 1, size=200))
    p_values = [auc_margin_p_value(placed, margin) for margin in (0.5, 0.55, 0.6, 0.65, 0.9)]
    assert p_values == sorted(p_values)
    low = auc_interval(placed, 0.9).low
    assert auc_margin_p_value(placed, low) == pytest.approx(0.05, abs=0.002)
    assert auc_margin_p_value(placed, 1.0) == 1.0


def covered(n, m, auc, repetitions, seed):
    rng, shift = np.random.default_rng(seed), math.sqrt(2.0) * special.ndtri(auc)
    found = (
        auc_interval(placements(rng.normal(size=n), rng.normal(shift, 1, size=m)), 0.95)
        for _ in range(repetitions)
    )
    return np.mean([each.low <= auc <= each.high for each in found])


@pytest.mark.parametrize(("n", "m"), [(15, 15), (150, 150), (600, 75)])
@pytest.mark.parametrize("auc", [0.5, 0.75, 0.95])
def test_the_interval_covers_the_true_value(n, m, auc):
    assert covered(n, m, auc, 400, seed=n) >= 0.9


@pytest.mark.parametrize(("n", "m"), [(25, 25), (150, 150), (800, 100)])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_detectable_value_is_found_with_the_power_it_is_named_for(n, m, alpha):
    auc = auc_detectable(n, m, alpha)
    rng, shift = np.random.default_rng(n), math.sqrt(2.0) * special.ndtri(auc)
    p_values = [auc_p_value(rng.normal(size=n), rng.normal(shift, 1, size=m)) for _ in range(300)]
    assert 0.7 <= np.mean(np.array(p_values) <= alpha) <= 0.95


def test_nothing_is_detectable_where_samples_are_too_small():
    assert auc_detectable(2, 2, 0.05) == pytest.approx(1.0)
    assert smallest_p_value(2, 2) == pytest.approx(1 / 6)
