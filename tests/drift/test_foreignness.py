"""Which rows look foreign: the witness function, against loops and on planted rows."""

import math
import pickle

import array_api_strict as strict
import numpy as np
import pandas as pd
import pytest

from contlearn.drift import MMD
from contlearn.exceptions import InvalidInputError, NotFittedError, SchemaError
from contlearn.stats._witness import witness

METHODS = ["permutation", "cross", "features"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("kernel", range(6))
def test_the_witness_is_a_difference_of_mean_kernel_values(rng, kernel, block):
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(20, 2)) + 0.5
    among = np.arange(0, 20, 2)

    def value(a, b):
        distance = math.dist(a, b)
        if kernel == 5:
            return -distance / (math.sqrt(2.0) * 1.3)
        return math.exp(-(distance**2) / (2.0 * (1.3 / 2.0**kernel) ** 2))

    expected = [
        np.mean([value(y[i], y[j]) for j in among if abs(i - j) >= block])
        - np.mean([value(y[i], other) for other in x])
        for i in range(20)
    ]
    assert witness(x, y, among, 1.3, kernel, block) == pytest.approx(expected, abs=1e-9)
    there = witness(strict.asarray(x), strict.asarray(y), among, 1.3, kernel, block)
    assert there == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_planted_rows_come_first(rng, method):
    detector = MMD(method=method).fit(rng.normal(size=(2000, 3)))
    batch = rng.normal(size=(400, 3))
    planted = rng.choice(400, 20, replace=False)
    batch[planted] = [3.0, -3.0, 3.0] + 0.3 * rng.normal(size=(20, 3))
    found = detector.foreignness(batch)
    assert found.shape == (400,)
    assert found.dtype == np.float64
    assert set(np.argsort(-found)[:20]) == set(planted)


@pytest.mark.parametrize("method", METHODS)
def test_rows_that_break_a_dependence_are_more_foreign_than_others(rng, method):
    def alike(n):
        x = rng.normal(size=(n, 1))
        return np.hstack([x, x + 0.1 * rng.normal(size=(n, 1))])

    detector = MMD(method=method).fit(alike(1500))
    batch = alike(400)
    batch[:60, 1] *= -1.0
    broken = np.abs(batch[:60, 0]) > 0.7
    found = detector.foreignness(batch)
    ahead = found[:60][broken][:, None] > found[60:]
    assert ahead.mean() > 0.7


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("draw", ["normal", "poisson"])
def test_rows_of_an_unchanged_batch_average_to_nothing(rng, method, draw):
    def rows(n):
        return rng.normal(size=(n, 2)) if draw == "normal" else rng.poisson(1.0, (n, 2)).astype(float)

    means = [
        MMD(method=method, n_permutations=99).fit(rows(600)).foreignness(rows(200)).mean() for _ in range(40)
    ]
    assert abs(np.mean(means)) < 5.0 * np.std(means) / math.sqrt(40) + 0.002
    assert abs(np.mean(means)) < 0.01


@pytest.mark.parametrize("method", METHODS)
def test_rows_with_gaps_have_no_value_and_the_others_keep_theirs(rng, method):
    reference, batch = rng.normal(size=(300, 2)), rng.normal(size=(120, 2)) + 0.5
    gappy = np.insert(batch, [0, 7, 120], np.nan, axis=0)
    gappy[8, 0] = 1.0
    reference = np.vstack([reference, [[np.nan, 1.0]]])
    detector = MMD(method=method).fit(reference)
    found = detector.foreignness(gappy)
    assert np.flatnonzero(np.isnan(found)).tolist() == [0, 8, 122]
    assert (found[~np.isnan(found)] == detector.foreignness(batch)).all()


def test_frames_are_matched_by_name_and_devices_by_place(rng):
    reference, batch = rng.normal(size=(300, 2)) * [1.0, 9.0], rng.normal(size=(100, 2)) * [1.0, 9.0]
    detector = MMD().fit(pd.DataFrame(reference, columns=["a", "b"]))
    expected = detector.foreignness(pd.DataFrame(batch, columns=["a", "b"]))
    assert (detector.foreignness({"b": batch[:, 1], "a": batch[:, 0]}) == expected).all()
    there = MMD().fit(strict.asarray(reference))
    assert there.foreignness(strict.asarray(batch)) == pytest.approx(expected, abs=1e-9)
    gappy = np.vstack([batch, [[np.nan, 0.0]]])
    assert np.isnan(there.foreignness(strict.asarray(gappy))).tolist() == [False] * 100 + [True]
    with pytest.raises(InvalidInputError, match="X must lie where the reference does"):
        there.foreignness(batch)


def test_it_is_a_question_with_one_answer(rng):
    detector = MMD().fit(rng.normal(size=(300, 2)))
    batch = rng.normal(size=(100, 2))
    before = pickle.dumps(detector)
    first = detector.foreignness(batch)
    assert (detector.foreignness(batch) == first).all()
    assert pickle.dumps(detector) == before


def test_a_subset_stands_for_long_sides_and_every_row_has_a_value(rng):
    detector = MMD(max_rows=200).fit(rng.normal(size=(1000, 2)))
    batch = rng.normal(size=(900, 2))
    batch[::5] += 3.0
    found = detector.foreignness(batch)
    assert not np.isnan(found).any()
    assert (np.argsort(-found)[:20] % 5 == 0).mean() >= 0.9


def test_a_row_is_not_compared_with_rows_that_it_depends_on(rng):
    reference = np.repeat(rng.normal(size=(200, 2)), 5, axis=0)
    batch = np.repeat(rng.normal(size=(60, 2)), 5, axis=0)
    apart, together = MMD(block=5).fit(reference), MMD().fit(reference)
    assert apart.foreignness(batch).mean() < together.foreignness(batch).mean() - 0.01


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [0, 1])
def test_without_other_rows_nothing_is_foreign_and_nothing_familiar(rng, rows, method):
    detector = MMD(method=method).fit(rng.normal(size=(100, 2)))
    found = detector.foreignness(rng.normal(size=(rows, 2)))
    assert found.shape == (rows,)
    assert np.isnan(found).all()


@pytest.mark.parametrize("method", METHODS)
def test_constant_rows_are_as_familiar_as_can_be(method):
    detector = MMD(method=method).fit(np.ones((100, 2)))
    assert detector.foreignness(np.ones((40, 2))) == pytest.approx(np.zeros(40), abs=1e-6)


def test_what_detect_refuses_is_refused(rng):
    with pytest.raises(NotFittedError, match="fit"):
        MMD().foreignness(np.zeros((3, 2)))
    detector = MMD().fit({"a": rng.normal(size=50), "b": rng.normal(size=50)})
    with pytest.raises(SchemaError, match="'b'"):
        detector.foreignness({"a": np.zeros(5)})
    with pytest.raises(SchemaError, match="'b'"):
        detector.foreignness({"a": np.zeros(5), "b": ["x"] * 5})
    with pytest.raises(InvalidInputError, match="'a'"):
        detector.foreignness({"a": np.full(5, np.inf), "b": np.zeros(5)})
