"""The three methods of MMD: what they share, what merges, and when they do not know."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.drift import MMD, DriftState
from contlearn.exceptions import InvalidInputError, InvalidParameterError

METHODS = ("permutation", "cross", "features")
every_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@every_method
def test_each_sees_shifts_spreads_and_dependence_and_not_their_absence(method, rng):
    reference = rng.normal(size=(1000, 2))
    detector = MMD(method=method).fit(reference)
    assert detector.detect(rng.normal(size=(500, 2))).state is DriftState.STABLE
    assert detector.detect(rng.normal(size=(500, 2)) + np.array([0.3, 0.0])).detected
    assert detector.detect(rng.normal(size=(500, 2)) * 1.3).detected
    assert detector.detect(rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], size=500)).detected


@every_method
def test_a_change_within_clusters_that_are_far_apart_is_seen(method, rng):
    def rows(n, spread):
        return rng.integers(0, 4, size=(n, 1)) * 100.0 + spread * rng.normal(size=(n, 1))

    detector = MMD(method=method, alpha=0.001).fit(rows(2000, 1.0))
    assert not detector.detect(rows(1000, 1.0)).detected
    assert detector.detect(rows(1000, 10.0)).detected


@every_method
def test_the_effect_is_about_the_same_by_every_method(method, rng):
    reference, batch = rng.normal(size=(3000, 4)), rng.normal(size=(3000, 4)) + 0.5
    result = MMD(method=method).fit(reference).detect(batch)
    assert result.score == pytest.approx(0.264, abs=0.04)
    assert result.interval.low < result.score < result.interval.high
    assert result.interval.estimate == result.score
    assert result.interval.confidence == pytest.approx(0.95)
    assert result.interval.high - result.interval.low < 0.06


@every_method
def test_more_rows_narrow_the_interval_and_find_smaller_effects(method, rng):
    def ask(n):
        result = MMD(method=method).fit(rng.normal(size=(n, 2))).detect(rng.normal(size=(n, 2)))
        return result.detectable, result.interval.high

    few, many = ask(100), ask(1600)
    assert many[0] < 0.4 * few[0]
    assert many[1] < few[1]


@every_method
def test_what_could_be_found_does_not_depend_on_what_was_found(method, rng):
    detector = MMD(method=method).fit(rng.normal(size=(400, 3)))
    near, far = (detector.detect(rng.normal(size=(400, 3)) + shift) for shift in (0.0, 0.5))
    assert far.detectable == pytest.approx(near.detectable, rel=0.25)


@every_method
def test_must_detect_makes_coarse_answers_undecided_and_tolerance_shows_stability(method, rng):
    reference, batch = rng.normal(size=(1500, 2)), rng.normal(size=(1500, 2))
    plain = MMD(method=method).fit(reference).detect(batch)
    assert plain.state is DriftState.STABLE
    assert not plain.equivalent
    for limit, state in ((0.5, DriftState.UNDECIDED), (2.0, DriftState.STABLE)):
        detector = MMD(method=method, must_detect=limit * plain.detectable).fit(reference)
        assert detector.detect(batch).state is state
    tolerant = MMD(method=method, tolerance=0.3).fit(reference)
    assert tolerant.detect(batch).equivalent
    shifted = tolerant.detect(batch + 0.2)
    assert shifted.p_value <= 0.05
    assert shifted.state is DriftState.STABLE
    assert tolerant.detect(batch + 2.0).detected


def test_few_rows_do_not_pass_for_enough_where_an_effect_must_be_detectable(rng):
    detector = MMD(must_detect=0.3).fit(rng.normal(size=(6, 2)))
    result = detector.detect(rng.normal(size=(6, 2)))
    assert result.detectable > 0.3
    assert result.state is DriftState.UNDECIDED


@settings(max_examples=12, derandomize=True, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 120), max_size=49),
    order=st.randoms(use_true_random=False),
    seed=st.integers(0, 3),
)
def test_a_batch_in_parts_has_the_same_result_as_in_one(cuts, order, seed):
    rng = np.random.default_rng(seed)
    reference, batch = rng.normal(size=(150, 2)), rng.standard_cauchy(size=(120, 2))
    batch[3, 0], batch[50, 1] = np.nan, 1e300
    detector = MMD(method="features").fit(reference)
    parts = [detector.summarize(part) for part in np.split(batch, sorted(cuts))]
    order.shuffle(parts)
    while len(parts) > 1:
        first, second = parts.pop(order.randrange(len(parts))), parts.pop(order.randrange(len(parts)))
        parts.append(pickle.loads(pickle.dumps(first.merge(second))))
    assert detector.detect(parts[0]) == detector.detect(batch)
    assert detector.detect(order.sample(list(batch), 120)) == detector.detect(batch)


def test_partitions_of_rows_that_depend_on_each_other_merge_too(rng):
    rows = np.repeat(rng.normal(size=(400, 2)), 5, axis=0)
    detector = MMD(method="features", block=10).fit(rows)
    batch = np.repeat(rng.normal(size=(100, 2)), 5, axis=0)
    one, other = detector.summarize(batch[:133]), detector.summarize(batch[133:])
    assert detector.detect(other.merge(one)) == detector.detect(batch)


def test_a_summary_has_the_size_of_the_features_and_not_of_the_rows(rng):
    detector = MMD(method="features").fit(rng.normal(size=(500, 32)))
    few, many = (detector.summarize(rng.normal(size=(n, 32))) for n in (100, 20_000))
    sizes = [len(pickle.dumps(each)) for each in (few, many, detector)]
    assert max(sizes) < 5_000_000
    assert abs(sizes[0] - sizes[1]) < 100


@pytest.mark.parametrize("method", ["permutation", "cross"])
def test_methods_that_need_the_rows_say_which_does_not(method, rng):
    detector = MMD(method=method).fit(rng.normal(size=(100, 2)))
    with pytest.raises(InvalidParameterError, match="features"):
        detector.summarize(rng.normal(size=(100, 2)))


def test_a_summary_of_another_reference_is_refused(rng):
    one, other = (MMD(method="features").fit(rng.normal(size=(100, 2))) for _ in range(2))
    with pytest.raises(InvalidInputError, match="fitted detector"):
        one.detect(other.summarize(rng.normal(size=(100, 2))))


@pytest.mark.parametrize(
    ("method", "n", "m", "d", "known"),
    [
        ("cross", 50, 50, 2, True),
        ("cross", 49, 200, 2, False),
        ("cross", 200, 49, 2, False),
        ("features", 30, 30, 2, True),
        ("features", 24, 200, 1, False),
        ("features", 200, 24, 1, False),
        ("features", 30, 30, 5, False),
        ("features", 110, 110, 32, False),
        ("features", 115, 115, 32, True),
        ("features", 2, 2, 1, False),
    ],
)
def test_where_the_law_does_not_hold_nothing_is_decided(method, n, m, d, known, rng):
    detector = MMD(method=method).fit(rng.normal(size=(n, d)))
    for shift in (0.0, 100.0):
        result = detector.detect(rng.normal(size=(m, d)) + shift)
        assert (result.p_value is not None) == known
        assert (result.state is DriftState.UNDECIDED) == (not known)
        assert result.score is not None
    assert known or any("rows" in remark for remark in result.remarks[:1])


@every_method
@pytest.mark.parametrize("rows", [0, 1])
def test_no_or_one_row_is_undecided_and_the_next_shift_is_still_seen(method, rows, rng):
    detector = MMD(method=method).fit(rng.normal(size=(300, 2)))
    assert detector.detect(rng.normal(size=(rows, 2))).state is DriftState.UNDECIDED
    assert detector.detect(np.full((60, 2), np.nan)).parts["values"].state is DriftState.UNDECIDED
    assert detector.detect(rng.normal(size=(100, 2)) + 1.0).detected


@every_method
def test_constant_columns_and_equal_rows_are_no_change(method, rng):
    same = MMD(method=method).fit(np.full((90, 2), 3.0)).detect(np.full((60, 2), 3.0))
    assert (same.state, same.p_value, same.score) == (DriftState.STABLE, 1.0, 0.0)
    apart = MMD(method=method).fit(np.full((90, 2), 3.0)).detect(np.full((60, 2), 4.0))
    assert apart.detected
    assert 0.0 < apart.p_value <= 0.001
    constant = np.column_stack([rng.normal(size=400), np.full(400, 7.0)])
    detector = MMD(method=method).fit(constant[:200])
    assert not detector.detect(constant[200:]).detected


@every_method
@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1e9, 1e300])
def test_the_unit_of_a_column_changes_nothing(method, unit, rng):
    reference, batch = rng.normal(size=(300, 2)), rng.normal(size=(200, 2)) + 0.1
    plain = MMD(method=method).fit(reference).detect(batch)
    scaled = MMD(method=method).fit(reference * [unit, 1.0]).detect(batch * [unit, 1.0])
    assert scaled.p_value == pytest.approx(plain.p_value, rel=0.01)
    assert scaled.score == pytest.approx(plain.score, abs=1e-4)


@every_method
def test_offsets_and_precision_of_the_input_change_nothing_material(method, rng):
    reference, batch = (rng.normal(size=(n, 2)).astype(np.float32) for n in (300, 200))
    plain = MMD(method=method).fit(reference).detect(batch)
    double = MMD(method=method).fit(reference.astype(float)).detect(batch.astype(float))
    moved = MMD(method=method).fit(reference + 1e9).detect(batch + 1e9)
    offset = MMD(method=method).fit(reference.astype(float) + 1e6).detect(batch.astype(float) + 1e6)
    assert double == plain
    assert moved.score is not None
    assert offset.p_value == pytest.approx(plain.p_value, rel=0.02)


@every_method
@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 5e-324])
def test_one_extreme_value_neither_fails_nor_hides_a_shift(method, value, rng):
    reference, batch = rng.normal(size=(500, 2)), rng.normal(size=(200, 2)) + 1.0
    reference[0, 0] = batch[0, 1] = value
    for standardize in (True, False):
        assert MMD(method=method, standardize=standardize).fit(reference).detect(batch).detected


@every_method
def test_an_infinity_is_refused_by_name(method, rng):
    detector = MMD(method=method).fit({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    with pytest.raises(InvalidInputError, match="'b'"):
        detector.detect({"a": rng.normal(size=60), "b": np.full(60, math.inf)})


@every_method
def test_without_standardising_the_largest_unit_rules(method, rng):
    unit = np.array([1.0, 1e4])
    reference, batch = (
        rng.normal(size=(600, 2)) * unit,
        rng.normal(size=(300, 2)) * unit + np.array([2.0, 0.0]),
    )
    assert MMD(method=method).fit(reference).detect(batch).detected
    assert not MMD(method=method, standardize=False).fit(reference).detect(batch).detected


@every_method
def test_blocks_keep_persistent_rows_from_looking_like_drift(method, rng):
    def rows(n):
        return np.repeat(rng.normal(size=(n // 10, 2)), 10, axis=0)

    alarms = dict.fromkeys((None, 10), 0)
    for seed in range(12):
        reference, batch = rows(2000), rows(1000)
        for block in alarms:
            detector = MMD(method=method, block=block, n_permutations=99, random_state=seed)
            alarms[block] += detector.fit(reference).detect(batch).detected
    assert alarms[None] >= 9
    assert alarms[10] <= 4
    shifted = MMD(method=method, block=10).fit(rows(4000)).detect(rows(2000) + 1.0)
    assert shifted.detected


@every_method
def test_too_few_blocks_are_undecided(method, rng):
    detector = MMD(method=method, block=50).fit(rng.normal(size=(140, 2)))
    assert detector.detect(rng.normal(size=(140, 2))).state is DriftState.UNDECIDED
    assert detector.detect(rng.normal(size=(40, 2))).state is DriftState.UNDECIDED


@every_method
def test_blocks_of_one_row_are_rows(method, rng):
    reference, batch = rng.normal(size=(200, 2)), rng.normal(size=(100, 2))
    plain, single = (MMD(method=method, block=b).fit(reference).detect(batch) for b in (None, 1))
    assert single.p_value == plain.p_value
    assert single.score == plain.score
