"""Shared relabelings and the step-down over their scores, against slow and plain versions."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from contlearn.stats._westfall_young import CELLS, Coded, Sides, numbers_in_cells, scores, step_down


def slow_step_down(found):
    """Westfall and Young as the book says it: one hypothesis after the other, from the clearest."""
    order = sorted(range(len(found)), key=lambda row: -found[row, 0])
    corrected, so_far = np.empty(len(found)), 0.0
    for place, row in enumerate(order):
        rest = order[place:]
        largest = np.array([max(found[each, b] for each in rest) for b in range(found.shape[1])])
        so_far = max(so_far, float(np.mean(largest >= found[row, 0] - 1e-9)))
        corrected[row] = so_far
    return corrected


def test_step_down_is_that_of_the_book():
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = rng.normal(size=(6, 40)) + np.where(np.arange(40) == 0, rng.exponential(size=(6, 1)), 0.0)
        assert step_down(found).tolist() == pytest.approx(slow_step_down(found).tolist())


def test_one_column_gives_the_permutation_p_value():
    found = np.array([[2.0, 1.0, 2.0, 3.0, 0.0]])
    assert step_down(found).tolist() == [3 / 5]


def test_columns_that_say_the_same_cost_nothing():
    found = np.random.default_rng(1).normal(size=(1, 1000))
    found[0, 0] = 3.0
    once, five_times = step_down(found), step_down(np.repeat(found, 5, axis=0))
    assert five_times.tolist() == 5 * once.tolist()


def test_scores_grow_as_the_statistics_of_scipy():
    rng = np.random.default_rng(2)
    n, m = 30, 20
    x = rng.normal(size=n + m).round(1)
    labels = rng.integers(0, 4, n + m)
    columns = [numbers_in_cells(x, np.ones(n + m, bool)), Coded(labels, 4, False)]
    found = scores(columns, Sides(n, m), 50, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    (members,) = Sides(n, m).relabelings(50, 1000, rng)
    for b in range(51):
        first = members[:, b] > 0
        distance = scipy_stats.ks_2samp(x[first], x[~first]).statistic
        z = distance * np.sqrt(n * m / (n + m))
        assert found[0, b] == pytest.approx(-np.log(scipy_stats.kstwobign.sf(z)), rel=1e-6, abs=1e-9)
        table = [np.bincount(labels[side], minlength=4) for side in (first, ~first)]
        p = scipy_stats.chi2_contingency(table, correction=False).pvalue
        assert found[1, b] == pytest.approx(-np.log(p), rel=1e-6, abs=1e-9)


def test_the_truth_comes_first_and_every_relabeling_keeps_the_sizes():
    members = np.concatenate(list(Sides(12, 8, 4).relabelings(30, 7, np.random.default_rng(0))), axis=1)
    assert members.shape == (20, 31)
    assert members[:, 0].tolist() == [1.0] * 12 + [0.0] * 8
    assert (members.sum(axis=0) == 12).all()
    assert (members.reshape(5, 4, 31) == members.reshape(5, 4, 31)[:, :1]).all()  # whole blocks
    assert len({tuple(column) for column in members.T}) > 5


def test_relabelings_are_uniform():
    members = np.concatenate(list(Sides(2, 2).relabelings(12_000, 500, np.random.default_rng(0))), axis=1)
    counts = [
        int((members[:, 1:] == np.isin(np.arange(4), pair)[:, None]).all(axis=0).sum())
        for pair in itertools.combinations(range(4), 2)
    ]
    assert sum(counts) == 12_000
    assert scipy_stats.chisquare(counts).pvalue > 1e-6


def test_long_columns_are_cut_at_quantiles_of_both_samples_and_gaps_have_no_cell():
    values = np.random.default_rng(0).normal(size=5000)
    present = np.arange(5000) % 10 != 0
    coded = numbers_in_cells(values, present)
    assert coded.n_codes <= CELLS
    assert (coded.codes[~present] == -1).all()
    counts = np.bincount(coded.codes[present])
    assert counts.min() >= 4500 // CELLS - 1
    order = np.argsort(values[present])
    assert (np.diff(coded.codes[present][order]) >= 0).all()


def test_a_column_of_one_value_never_scores():
    columns = [
        numbers_in_cells(np.ones(10), np.ones(10, bool)),
        Coded(np.zeros(10, np.int64), 1, False),
        Coded(np.full(10, -1), 0, True),
    ]
    found = scores(columns, Sides(5, 5), 20, np.random.default_rng(0))
    assert not found.any()
    assert step_down(found).tolist() == [1.0, 1.0, 1.0]


def test_far_tails_keep_their_order():
    n = 4000
    codes = np.repeat([0, 1], n)
    wide = Coded(codes, 2, False)
    less = Coded(np.where(np.arange(2 * n) < 10, 1 - codes, codes), 2, False)
    found = scores([wide, less], Sides(n, n), 5, np.random.default_rng(0))[:, 0]
    assert found[0] > found[1] > 600
