"""The distance from a sample whose bins are weighted as they occur in the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from contlearn.stats._matched_ks import Binned, matched_ks

rows = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=1, max_size=25)
laws = settings(derandomize=True, deadline=None, max_examples=100)


def binned(values, bins, n_bins=3):
    atoms, places = np.unique(np.array(values, dtype=np.int64), return_inverse=True)
    return Binned(atoms, places, np.array(bins, dtype=np.int64), n_bins)


def as_arrays(pairs):
    values, bins = zip(*pairs, strict=True)
    return np.array(values, dtype=np.int64), np.array(bins, dtype=np.int64)


def brute_force(x, x_bins, y, y_bins):
    weights = np.array([(y_bins == b).sum() / (x_bins == b).sum() for b in x_bins])
    weights = weights / weights.sum()
    grid = np.unique(np.concatenate([x, y]))
    return max(abs(weights[x <= t].sum() - (y <= t).mean()) for t in grid)


@laws
@given(rows, rows)
def test_the_distance_is_that_of_the_weighted_distribution_functions(reference, current):
    (x, x_bins), (y, y_bins) = as_arrays(reference), as_arrays(current)
    shared = np.isin(y_bins, x_bins)
    y, y_bins = y[shared], y_bins[shared]
    kept = binned(x, x_bins)
    found = matched_ks(kept, kept.seen(y, y_bins, 0))
    if not len(y):
        assert found is None
        return
    assert found.statistic == pytest.approx(brute_force(x, x_bins, y, y_bins), abs=1e-12)
    assert 0.0 < found.p_value <= 1.0
    assert found.n_reference <= len(x) + 1e-9


@laws
@given(rows, rows, st.integers(0, 25))
def test_parts_merge(reference, current, cut):
    kept = binned(*as_arrays(reference))
    y, bins = as_arrays(current)
    parts = kept.seen(y[:cut], bins[:cut], 1).merge(kept.seen(y[cut:], bins[cut:], 2))
    whole = kept.seen(y, bins, 3)
    assert all(np.array_equal(one, two) for one, two in zip(parts, whole, strict=True))


def test_one_bin_is_the_plain_test():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 10**9, 400), rng.integers(0, 10**9, 150) + 10**8
    kept = binned(x, np.zeros(400), 1)
    found = matched_ks(kept, kept.seen(y, np.zeros(150, dtype=np.int64), 0))
    assert found.statistic == pytest.approx(stats.ks_2samp(x, y).statistic, abs=1e-12)
    assert found.p_value == pytest.approx(special.kolmogorov(found.statistic * np.sqrt(400 * 150 / 550)))
    assert matched_ks(kept, kept.seen(y, np.zeros(150, dtype=np.int64), 0), worth=3.0).p_value > found.p_value


@pytest.mark.parametrize("moved", [0.0, 0.9])
def test_bins_that_occur_more_often_are_no_difference(moved):
    """The bins shift, what is in each of them does not."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(200):
        x_bins = rng.integers(0, 10, 500)
        y_bins = np.minimum(9, rng.integers(0, 10, 300) + rng.binomial(3, moved, 300))
        x, y = (np.rint(1e6 * (b + rng.normal(size=len(b)))).astype(np.int64) for b in (x_bins, y_bins))
        kept = binned(x, x_bins, 10)
        alarms += matched_ks(kept, kept.seen(y, y_bins, 0)).p_value <= 0.05
    assert alarms <= 22  # the upper end of the binomial band, tail 1e-4
