"""The energy detector: what it says of rows that moved, and what it says when it cannot know."""

import math
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from contlearn.drift import DriftState, Energy
from contlearn.exceptions import InvalidInputError, InvalidParameterError, SchemaError


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("d", [1, 2, 40])
def test_a_shift_of_every_column_has_the_documented_size_in_any_number_of_columns(rng, d):
    detector = Energy().fit(rng.normal(size=(3000, d)))
    for shift, size in ((0.1, 0.05), (0.5, 0.24), (1.0, 0.43)):
        result = detector.detect(rng.normal(size=(1000, d)) + shift)
        assert result.score == pytest.approx(size, abs=0.04)
        assert result.interval.low < size + 0.01
        assert result.interval.high > size - 0.01
        assert result.interval.estimate == result.score


def test_the_effect_is_the_root_of_the_coefficient_over_pairs_of_different_rows(rng):
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(40, 2)) + 0.4

    def total(a, b):
        return sum(math.dist(one, two) for one in a for two in b)

    near = total(x, x) / (60 * 59) + total(y, y) / (40 * 39)
    expected = math.sqrt(1.0 - near / (2.0 * total(x, y) / 2400))
    result = Energy(standardize=False).fit(x).detect(y)
    assert result.score == pytest.approx(expected, rel=1e-9)


def test_twice_the_share_of_replaced_rows_is_twice_the_effect(rng):
    detector = Energy(max_rows=3000).fit(rng.normal(size=(3000, 2)))
    scores = []
    for share in (0.1, 0.2):
        batch = rng.normal(size=(3000, 2))
        batch[: int(3000 * share)] += 3.0
        scores.append(detector.detect(batch).score)
    assert scores[1] / scores[0] == pytest.approx(2.0, abs=0.3)


def test_states_follow_from_tolerance_and_from_what_could_have_been_found(rng):
    reference = rng.normal(size=(4000, 3))
    small = reference[:1000] + 0.15
    assert Energy().fit(reference).detect(small).state is DriftState.DRIFT
    tolerant = Energy(tolerance=0.2).fit(reference).detect(small)
    assert tolerant.state is DriftState.STABLE
    assert tolerant.equivalent
    few = rng.normal(size=(15, 3))
    assert Energy().fit(reference).detect(few).state is DriftState.STABLE
    strict = Energy(must_detect=0.1).fit(reference).detect(few)
    assert strict.state is DriftState.UNDECIDED
    assert strict.detectable > 0.1
    assert Energy(must_detect=0.1).fit(reference).detect(reference[::4]).state is DriftState.STABLE


@pytest.mark.parametrize(
    ("n", "m", "permutations", "alpha", "enough"),
    [
        (3, 3, 999, 0.05, False),  # 20 relabelings, each as good as its mirror: p >= 0.1
        (4, 4, 999, 0.05, True),
        (4, 4, 999, 0.01, False),
        (100, 100, 18, 0.05, False),
        (100, 100, 19, 0.05, True),
    ],
)
def test_it_is_undecided_exactly_when_no_data_could_have_reached_alpha(n, m, permutations, alpha, enough):
    detector = Energy(n_permutations=permutations, alpha=alpha).fit(np.arange(n) * 0.01)
    same = detector.detect(np.arange(m) * 0.01)
    assert same.state is (DriftState.STABLE if enough else DriftState.UNDECIDED)
    apart = detector.detect(5.0 + np.arange(m) * 0.01)
    assert apart.state is (DriftState.DRIFT if enough else DriftState.UNDECIDED)


@pytest.mark.parametrize(("rows", "undecided"), [(0, True), (1, True), (2, False), (50, False)])
def test_too_few_rows_are_undecided_and_the_next_shift_is_still_seen(rng, rows, undecided):
    detector = Energy().fit(rng.normal(size=(300, 2)))
    result = detector.detect(rng.normal(size=(rows, 2)))
    assert (result.state is DriftState.UNDECIDED) == undecided
    assert detector.detect(rng.normal(size=(100, 2)) + 1.0).detected


def test_constant_sides_are_stable_and_what_they_may_hide_is_said():
    result = Energy().fit(np.full((50, 2), 3.0)).detect(np.full((20, 2), 3.0))
    assert (result.state, result.p_value, result.score) == (DriftState.STABLE, 1.0, 0.0)
    assert result.interval.high > 0.2
    assert 0.2 < result.detectable < 1.0
    other = Energy().fit(np.full((50, 2), 3.0)).detect(np.full((20, 2), 4.0))
    assert (other.state, other.score) == (DriftState.DRIFT, 1.0)


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 5e-324])
@pytest.mark.parametrize("d", [1, 2])
def test_one_extreme_value_neither_fails_nor_hides_a_shift(rng, value, d):
    reference, batch = rng.normal(size=(500, d)), rng.normal(size=(200, d)) + 1.0
    reference[0, 0] = value
    assert Energy().fit(reference).detect(batch).detected


@pytest.mark.parametrize("offset", [0.0, 1e9])
@pytest.mark.parametrize("unit", [1e-300, 1.0, 1e300])
def test_neither_unit_nor_origin_matter(rng, unit, offset):
    reference, batch = rng.normal(size=(300, 2)), rng.normal(size=(100, 2)) + 0.3
    plain = Energy().fit(reference).detect(batch)
    moved = Energy().fit((reference + offset) / max(offset, 1.0) * unit)
    result = moved.detect((batch + offset) / max(offset, 1.0) * unit)
    assert result.p_value == plain.p_value
    assert result.score == pytest.approx(plain.score, abs=1e-6)


def test_whole_numbers_beyond_the_floats_and_narrow_floats_are_read(rng):
    big = 2**60 + 2**12 * rng.integers(0, 1000, size=(300, 2))
    assert Energy().fit(big).detect(big[:100] + 2**20).detected
    assert not Energy().fit(big).detect(big[:100]).detected
    reference, batch = rng.normal(size=(300, 2)), rng.normal(size=(100, 2)) + 0.3
    narrow = Energy().fit(reference.astype(np.float32)).detect(batch.astype(np.float32))
    assert narrow.score == pytest.approx(Energy().fit(reference).detect(batch).score, abs=1e-5)


def test_missing_values_are_tested_beside_the_complete_rows(rng):
    reference, batch = rng.normal(size=(800, 2)), rng.normal(size=(300, 2))
    batch[:60, 1] = np.nan
    result = Energy().fit(reference).detect(batch)
    assert result.drifted == ("missing",)
    assert result.parts["values"].n_current == 240
    assert Energy().fit(reference).detect(batch + 1.0).drifted == ("values", "missing")
    nothing = Energy().fit(reference).detect(np.full((50, 2), np.nan))
    assert nothing.parts["values"].state is DriftState.UNDECIDED
    assert nothing.parts["missing"].detected


def test_frames_and_dictionaries_are_one_table_and_names_decide(rng):
    columns = {"count": rng.poisson(3.0, 300), "flag": rng.random(300) < 0.3}
    later = {"flag": rng.random(100) < 0.7, "count": rng.poisson(3.0, 100)}
    results = {Energy().fit(make(columns)).detect(make(later)) for make in (dict, pd.DataFrame, pl.DataFrame)}
    (result,) = results
    assert result.detected
    assert type(result.score) is type(result.p_value) is type(result.detectable) is float


def test_what_is_no_number_and_what_is_infinite_is_refused_and_nothing_is_lost(rng):
    detector = Energy().fit({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    bad = rng.normal(size=100)
    bad[3] = np.inf
    with pytest.raises(InvalidInputError, match="'b'"):
        detector.detect({"a": rng.normal(size=100), "b": bad})
    with pytest.raises(SchemaError, match="'b'"):
        detector.detect({"a": rng.normal(size=100), "b": ["x"] * 100})
    assert detector.detect({"a": rng.normal(size=100), "b": rng.normal(size=100) + 1.0}).detected


@pytest.mark.parametrize(
    "settings",
    [
        {"n_permutations": 0},
        {"max_rows": 1},
        {"standardize": "yes"},
        {"alpha": 0.0},
        {"tolerance": 1.5},
        {"must_detect": -1.0},
        {"block": 0},
        {"random_state": "seed"},
    ],
)
def test_impossible_settings_are_refused_by_name_at_fit(settings):
    (name,) = settings
    with pytest.raises(InvalidParameterError, match=name):
        Energy(**settings).fit(np.arange(10.0))


def test_there_is_no_summary_of_rows_that_are_needed_and_the_message_says_what_to_use(rng):
    with pytest.raises(InvalidParameterError, match=r"Energy.*MMD\(method='features'\)"):
        Energy().fit(rng.normal(size=(50, 2))).summarize(rng.normal(size=(50, 2)))


def test_the_kept_reference_is_bounded_and_what_was_left_out_is_said(rng):
    detector = Energy(max_rows=300).fit(rng.normal(size=(5000, 2)))
    assert len(pickle.dumps(detector)) < 300 * 2 * 8 + 4000
    result = detector.detect(rng.normal(size=(1000, 2)) + 0.5)
    assert (result.n_reference, result.n_current) == (5000, 1000)
    assert result.remarks[:2] == (
        "300 of 5000 reference rows compared, drawn at random",
        "300 of 1000 current rows compared, drawn at random",
    )


def test_a_question_changes_nothing_and_has_one_answer(rng):
    reference, batch = rng.normal(size=(400, 2)), rng.normal(size=(100, 2))
    detector = Energy().fit(reference)
    before = pickle.dumps(detector)
    first = detector.detect(batch)
    assert detector.detect(batch) == first == pickle.loads(before).detect(batch)
    assert pickle.dumps(detector) == before
    reference[:] = 99.0
    assert detector.detect(batch) == first
    assert not hasattr(clone(detector), "reference_")


def walk(rng, n):
    """Rows each of which is like the one before: correlation 0.9."""
    steps = rng.normal(size=(n, 2)) * math.sqrt(1.0 - 0.81)
    for i in range(1, n):
        steps[i] += 0.9 * steps[i - 1]
    return steps


def test_blocks_keep_the_level_where_rows_follow_each_other(rng):
    alarms = {None: 0, 50: 0}
    for _ in range(60):
        reference, batch = walk(rng, 2000), walk(rng, 1000)
        for block in alarms:
            alarms[block] += Energy(block=block, n_permutations=99).fit(reference).detect(batch).detected
    assert alarms[None] > 20
    assert alarms[50] <= 10


def test_less_than_a_block_decides_nothing_and_a_subset_keeps_blocks_whole(rng):
    detector = Energy(block=50, max_rows=500).fit(walk(rng, 2000))
    assert detector.detect(walk(rng, 49)).state is DriftState.UNDECIDED
    kept = detector.reference_[0].statistics.rows
    assert kept.shape == (500, 2)
    result = detector.detect(walk(rng, 1000) + 5.0)
    assert result.detected
    assert not any("lag-1" in remark for remark in result.remarks)
    assert any("lag-1" in remark for remark in Energy().fit(walk(rng, 2000)).detect(walk(rng, 100)).remarks)
