import tracemalloc

import numpy as np
import pytest

from contlearn.stats._bootstrap import resampled, without_each


def taken(counts, n_resamples=20_000, seed=0):
    return resampled(
        lambda weights: weights.copy(), np.asarray(counts), n_resamples, np.random.default_rng(seed)
    )


@pytest.mark.parametrize("counts", [np.ones(12, int), [1, 2, 3, 4], [900, 90, 10], [40, 1]])
def test_resamples_are_draws_with_replacement_of_as_many_rows(counts):
    counts = np.asarray(counts)
    drawn, n = taken(counts), counts.sum()
    assert (drawn.sum(axis=1) == n).all()
    share = counts / n
    error = np.sqrt(n * share * (1 - share) / len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - counts) < 5 * error)
    expected = n * (np.diag(share) - np.outer(share, share))
    assert np.cov(drawn.T) == pytest.approx(expected, abs=0.05 * max(1.0, expected.max()))


def test_cells_of_equal_rows_follow_the_law_of_the_rows():
    """A multinomial draw over three cells, and draws of 1,000 rows one by one, have the same tails."""
    cells, rows = np.array([600, 300, 100]), np.ones(1000, int)
    kind = np.repeat(np.arange(3), cells)
    values = np.array([0.0, 1.0, -1.0])
    few = resampled(lambda w: w @ values, cells, 20_000, np.random.default_rng(1))
    many = resampled(lambda w: w @ values[kind], rows, 4_000, np.random.default_rng(2))
    for tail in (0.05, 0.5, 0.95):
        assert np.quantile(few, tail) == pytest.approx(np.quantile(many, tail), abs=2.0)


def test_the_same_seed_draws_the_same():
    np.testing.assert_array_equal(taken([1] * 5, 50), taken([1] * 5, 50))
    assert not np.array_equal(taken([1] * 5, 50), taken([1] * 5, 50, seed=1))


def test_each_block_is_left_out_in_turn():
    counts, blocks = np.array([1, 2, 3, 4]), np.array([0, 1, 0, 2])
    left = without_each(lambda w: w.sum(axis=1), counts, blocks)
    assert left.tolist() == [6.0, 8.0, 6.0]


@pytest.mark.parametrize("width", [0, 100_000])
def test_memory_is_bounded(width):
    units = 10_000 if not width else 50
    tracemalloc.start()
    resampled(lambda w: w.sum(axis=1), np.ones(units, int), 2_000, np.random.default_rng(0), width)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6
