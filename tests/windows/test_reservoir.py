"""The law of the sample: who is in it, how often, and with what weight."""

import copy
import pickle

import numpy as np
import pytest
from scipy.stats import binom

from contlearn.exceptions import InvalidInputError, InvalidParameterError, SchemaError
from contlearn.windows import Reservoir

REPEATS = 8_000
TAIL = 1e-6


def band(n, p, looks):
    """The counts that a binomial count leaves with probability TAIL, over all `looks` together."""
    return binom.ppf(TAIL / looks / 2, n, p), binom.isf(TAIL / looks / 2, n, p)


def inclusions(draw, n):
    """How often each of the rows 0 to n - 1, and each pair of them, was in the sample."""
    present = np.zeros((REPEATS, n), np.int64)
    for repeat in range(REPEATS):
        present[repeat, draw(repeat)] = 1
    return present.T @ present


def assert_uniform(counts, n, size):
    single, pairs = np.diag(counts), counts[np.triu_indices(n, 1)]
    low, high = band(REPEATS, size / n, n)
    assert low <= single.min()
    assert single.max() <= high
    low, high = band(REPEATS, size * (size - 1) / n / (n - 1), len(pairs))
    assert low <= pairs.min()
    assert pairs.max() <= high


def assert_equal_rates(counts):
    """All rows have one rate, which is unknown: given the sum, a count spreads less than a binomial one."""
    low, high = band(counts.sum(), 1 / len(counts), len(counts))
    assert low <= counts.min()
    assert counts.max() <= high


def test_every_row_and_every_pair_is_as_likely():
    n, size = 12, 4

    def draw(seed):
        reservoir = Reservoir(size, seed=seed)
        reservoir.extend(np.arange(5))
        for row in np.arange(5, n):
            reservoir.append(row)
        return reservoir.rows()

    assert_uniform(inclusions(draw, n), n, size)


def test_a_merged_sample_is_uniform_over_everything_that_both_saw():
    parts, size = (9, 3, 2), 4  # one has seen more than it holds, one less, and they go on after the merge

    def draw(repeat):
        stop, whole = 0, None
        for part, length in enumerate(parts):
            reservoir = Reservoir(size, seed=3 * repeat + part)
            reservoir.extend(np.arange(stop, stop + length))
            stop += length
            whole = reservoir if whole is None else whole.merge(reservoir)
        whole.append(np.int64(stop))
        return whole.rows()

    assert_uniform(inclusions(draw, 15), 15, size)


def test_what_is_left_after_forgetting_stays_uniform_while_it_fills_again():
    n, size = 14, 4  # rows 0 to 9, of which 0 to 3 are forgotten, then four more

    def draw(seed):
        reservoir = Reservoir(size, seed=seed)
        reservoir.extend(np.arange(10), ids=range(10))
        reservoir.forget(range(4))
        reservoir.extend(np.arange(10, n))
        return reservoir.rows()

    counts = np.diag(inclusions(draw, n))
    assert not counts[:4].any()
    assert_equal_rates(counts[4:])


def test_until_it_is_full_again_new_rows_come_in_at_exactly_the_rate_of_the_old():
    size, n, repeats = 8, 10, 20_000  # five are forgotten, three are new: there is room for all
    present = np.zeros(13, np.int64)
    for seed in range(repeats):
        reservoir = Reservoir(size, seed=seed)
        reservoir.extend(np.arange(n), ids=range(n))
        reservoir.forget(range(5))
        reservoir.extend(np.arange(n, 13))
        present[reservoir.rows()] += 1
    low, high = band(repeats, size / n, 8)
    assert low <= present[5:].min()
    assert present.max() <= high


def test_forgetting_again_and_again_stays_uniform():
    size = 10

    def draw(seed):
        reservoir = Reservoir(size, seed=seed)
        for start in (0, 30, 60):  # full again each time, then 10 of the 30 are forgotten
            reservoir.extend(np.arange(start, start + 30), ids=range(start, start + 30))
            reservoir.forget(range(start, start + 10))
        reservoir.extend(np.arange(90, 94))
        return reservoir.rows()

    counts = np.diag(inclusions(draw, 94))
    assert_equal_rates(counts[counts > 0])


def test_merging_after_forgetting_stays_uniform():
    n, size = 15, 4  # rows 0 to 9, of which 0 to 3 are forgotten; 10 to 13 of another reservoir; one more

    def draw(repeat):
        first, second = (Reservoir(size, seed=2 * repeat + part) for part in range(2))
        first.extend(np.arange(10), ids=range(10))
        first.forget(range(4))
        second.extend(np.arange(10, 14))
        whole = first.merge(second) if repeat % 2 else second.merge(first)
        whole.append(np.int64(14))
        return whole.rows()

    assert_equal_rates(np.diag(inclusions(draw, n))[4:])


def test_weights_are_the_inverse_of_the_chance_to_be_in_the_sample():
    reservoir = Reservoir(5)
    assert reservoir.weights().tolist() == []
    for n in range(1, 30):
        reservoir.append(n)
        assert reservoir.weights().tolist() == pytest.approx([max(1.0, n / 5)] * min(n, 5))
    assert not reservoir.weights().flags.writeable
    other = Reservoir(8, seed=1)
    other.extend(range(11))
    assert reservoir.merge(other).weights().tolist() == pytest.approx([(29 + 11) / 5] * 5)


def test_forgetting_leaves_the_weight_of_the_others():
    reservoir = Reservoir(10)
    reservoir.extend(range(100), ids=range(100))
    gone = reservoir.rows()[:3]
    assert reservoir.forget(gone) == 3
    assert reservoir.weights().tolist() == pytest.approx([10.0] * 7)
    assert reservoir.n_seen == 100


def test_weights_add_up_on_average_after_forgetting_and_filling_again():
    totals = []
    for seed in range(4000):
        reservoir = Reservoir(20, seed=seed)
        reservoir.extend(range(100), ids=range(100))
        reservoir.forget(range(40))
        reservoir.extend(range(100, 200))
        totals.append(reservoir.weights().sum())
    error = np.std(totals) / np.sqrt(len(totals))
    assert abs(np.mean(totals) - 160) < 5 * error  # a chance of less than 1e-6


def test_the_sample_does_not_depend_on_how_rows_are_cut_into_blocks_or_looked_at():
    rows = np.random.default_rng(0).random((5000, 3))
    whole = Reservoir(50, seed=7)
    whole.extend(rows)
    for cuts in ([1, 2, 3, 1000], range(0, 5000, 7), [4999]):
        parts = Reservoir(50, seed=7)
        for block in np.split(rows, list(cuts)):
            parts.extend(block) if len(block) != 1 else parts.append(block[0])
            parts.rows()
        np.testing.assert_array_equal(parts.rows(), whole.rows())
        assert pickle.dumps(parts) == pickle.dumps(whole)


def test_questions_change_nothing():
    first, second = Reservoir(5, seed=1), Reservoir(5, seed=2)
    for reservoir in (first, second):
        reservoir.extend(range(37))
    before = pickle.dumps((first, second))
    merged = [pickle.dumps(first.merge(second)) for _ in range(2)]
    assert merged[0] == merged[1]
    first.rows(), first.weights(), len(first), list(first), repr(first)
    assert pickle.dumps((first, second)) == before


def test_copies_go_on_exactly():
    reservoir = Reservoir(5, seed=None)
    reservoir.extend(range(40))
    merged = reservoir.merge(Reservoir(5, seed=1))
    for each in (reservoir, merged):
        twins = [copy.copy(each), copy.deepcopy(each), pickle.loads(pickle.dumps(each))]
        for twin in (each, *twins):
            twin.extend(range(100, 200))
            twin.append(200)
        assert all(twin.rows() == each.rows() for twin in twins)


def test_clear_makes_it_as_new():
    reservoir = Reservoir(5, seed=3)
    reservoir.extend(range(40))
    before = reservoir.rows()
    reservoir.clear()
    assert (len(reservoir), reservoir.n_seen) == (0, 0)
    reservoir.extend(range(40))
    assert reservoir.rows() == before


def test_without_a_seed_each_draws_its_own():
    draws = set()
    for _ in range(5):
        reservoir = Reservoir(5, seed=None)
        reservoir.extend(range(1000))
        draws.add(tuple(reservoir.rows()))
    assert len(draws) > 1


def test_merging_does_not_depend_on_the_order_of_asking():
    first, second = Reservoir(7, seed=1), Reservoir(4, seed=2)
    first.extend(range(100))
    second.extend(range(100, 130))
    one, other = first.merge(second), second.merge(first)
    assert (one.size, one.n_seen) == (other.size, other.n_seen) == (4, 130)
    assert sorted(one.rows()) == sorted(other.rows())
    for each in (one, other):
        each.extend(range(200, 230))
    assert sorted(one.rows()) == sorted(other.rows())


def test_merging_is_associative():
    parts = [Reservoir(6, seed=seed) for seed in range(4)]
    for number, part in enumerate(parts):
        part.extend(np.arange(100.0 * number, 100 * number + 5 + 10 * number), ids=range(5 + 10 * number))
    left = parts[0].merge(parts[1]).merge(parts[2]).merge(parts[3])
    right = parts[0].merge(parts[1].merge(parts[2].merge(parts[3])))
    np.testing.assert_array_equal(left.rows(), right.rows())
    assert left.forget(range(100)) == 6


def test_a_reservoir_is_not_merged_with_itself():
    reservoir = Reservoir(5)
    reservoir.extend(range(100))
    with pytest.raises(InvalidInputError, match="other must be another reservoir, got the same one"):
        reservoir.merge(reservoir)


@pytest.mark.parametrize("sizes", [(12, 12), (30, 7), (3, 20), (9, 9, 9), (4, 20, 11)])
def test_parts_of_one_seed_hold_every_row_with_the_same_chance(sizes):
    repeats, size, total = 4000, 4, sum(sizes)
    held = np.zeros(total)
    for seed in range(repeats):
        rows, parts = iter(range(total)), []
        for n in sizes:
            parts.append(Reservoir(size, seed=seed))
            parts[-1].extend([next(rows) for _ in range(n)])
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.merge(part)
        held[whole.rows()] += 1
    tail = 1e-6 / total
    low, high = binom.ppf([tail, 1 - tail], repeats, size / total)
    assert low <= held.min()
    assert held.max() <= high


def test_merging_parts_of_one_seed_changes_neither_and_has_one_answer():
    first, second = Reservoir(5), Reservoir(5)
    first.extend(range(50))
    second.extend(range(50, 90))
    before = pickle.dumps((first, second))
    assert first.merge(second).rows() == first.merge(second).rows()
    assert pickle.dumps((first, second)) == before


def test_an_empty_reservoir_merges_with_any():
    full = Reservoir(5)
    full.extend(np.arange(100))
    for merged in (full.merge(Reservoir(5)), Reservoir(5).merge(full)):
        np.testing.assert_array_equal(merged.rows(), full.rows())


def test_only_reservoirs_of_one_kind_merge():
    arrays, objects = Reservoir(5, seed=1), Reservoir(5, seed=2)
    arrays.extend(np.zeros((3, 2)))
    objects.extend(["a", "b"])
    with pytest.raises(SchemaError):
        arrays.merge(objects)
    with pytest.raises(InvalidParameterError, match="other must be a Reservoir"):
        arrays.merge([1, 2])
    assert len(arrays) == 3


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True])
def test_the_seed_is_an_integer_or_none(seed):
    with pytest.raises(InvalidParameterError, match="seed must be"):
        Reservoir(5, seed=seed)
