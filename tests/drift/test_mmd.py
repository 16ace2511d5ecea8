"""The joint detector: what it sees, what it refuses, and what it says when it cannot know."""

import pickle

import numpy as np
import pytest

from contlearn.drift import MMD, DriftState
from contlearn.exceptions import InvalidInputError, InvalidParameterError, SchemaError


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def correlated(rng, n, correlation):
    return rng.multivariate_normal([0.0, 0.0], [[1.0, correlation], [correlation, 1.0]], size=n)


def test_it_sees_a_dependence_that_no_column_shows(rng):
    detector = MMD().fit(correlated(rng, 1000, 0.0))
    assert detector.detect(correlated(rng, 300, 0.0)).state is DriftState.STABLE
    result = detector.detect(correlated(rng, 300, 0.8))
    assert result.detected
    assert result.p_value == 0.001
    assert 0.05 < result.score < 0.5
    assert (result.n_reference, result.n_current) == (1000, 300)


def test_the_effect_is_larger_for_a_larger_shift_and_at_most_the_root_of_two(rng):
    reference = rng.normal(size=(500, 3))
    detector = MMD().fit(reference)
    scores = [detector.detect(reference[:200] + shift).score for shift in (0.0, 0.5, 1.0, 2.0, 100.0)]
    assert scores[0] < 0.05
    assert scores == sorted(scores)
    assert 1.0 < scores[-1] <= 2.0**0.5


def test_an_effect_below_the_tolerance_is_no_drift_however_significant(rng):
    reference, batch = rng.normal(size=(2000, 2)), rng.normal(size=(2000, 2)) + 0.2
    assert MMD().fit(reference).detect(batch).detected
    tolerant = MMD(tolerance=0.5).fit(reference).detect(batch)
    assert tolerant.state is DriftState.STABLE
    assert tolerant.p_value == 0.001


def test_columns_of_any_unit_count_alike_unless_told_otherwise(rng):
    reference, batch = rng.normal(size=(600, 2)), rng.normal(size=(300, 2))
    batch[:, 0] += 1.0
    unit = np.array([1.0, 1e6])
    assert MMD().fit(reference * unit).detect(batch * unit).detected
    assert not MMD(standardize=False).fit(reference * unit).detect(batch * unit).detected


def test_sparse_and_constant_columns_have_a_scale_too(rng):
    def rows(n, share):
        used = rng.random((n, 1)) < share
        return np.hstack([used * rng.exponential(1e5, (n, 1)), np.full((n, 1), 0.1), rng.normal(size=(n, 1))])

    reference = rows(1000, 0.2)
    detector = MMD().fit(reference)
    batch = rows(300, 0.2)
    result = detector.detect(batch)
    assert not result.detected
    assert detector.detect(rows(300, 0.45)).detected
    unit = np.array([1e-7, 30.0, 1e4])
    rescaled = MMD().fit(reference * unit).detect(batch * unit)
    assert rescaled.score == pytest.approx(result.score, abs=1e-6)
    assert rescaled.p_value == result.p_value


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 5e-324])
def test_one_extreme_value_neither_fails_nor_hides_a_shift(rng, value):
    reference, batch = rng.normal(size=(500, 2)), rng.normal(size=(200, 2)) + 1.0
    reference[0, 0] = batch[0, 1] = value
    for standardize in (True, False):
        assert MMD(standardize=standardize).fit(reference).detect(batch).detected


def test_missing_values_are_tested_beside_the_complete_rows(rng):
    reference, batch = rng.normal(size=(800, 2)), rng.normal(size=(300, 2))
    batch[:60, 1] = np.nan
    result = MMD().fit(reference).detect(batch)
    assert result.detected
    assert result.drifted == ("missing",)
    assert result.parts["missing"].drifted == ("1",)
    assert result.parts["values"].n_current == 240
    assert MMD().fit(reference).detect(batch + 1.0).drifted == ("values", "missing")


@pytest.mark.parametrize(("rows", "undecided"), [(0, True), (1, True), (2, False), (50, False)])
def test_too_few_rows_are_undecided_and_the_next_shift_is_still_seen(rng, rows, undecided):
    detector = MMD().fit(rng.normal(size=(300, 2)))
    result = detector.detect(rng.normal(size=(rows, 2)))
    assert (result.state is DriftState.UNDECIDED) == undecided
    assert detector.detect(rng.normal(size=(100, 2)) + 1.0).detected


@pytest.mark.parametrize(
    ("n", "m", "permutations", "alpha", "enough"),
    [
        (3, 3, 999, 0.05, False),  # 20 relabelings, each as good as its mirror: p >= 0.1
        (4, 4, 999, 0.05, True),
        (3, 4, 999, 0.05, True),
        (4, 4, 999, 0.01, False),
        (100, 100, 18, 0.05, False),
        (100, 100, 19, 0.05, True),
    ],
)
def test_it_is_undecided_exactly_when_no_data_could_have_reached_alpha(n, m, permutations, alpha, enough):
    detector = MMD(n_permutations=permutations, alpha=alpha).fit(np.arange(n) * 0.01)
    same = detector.detect(np.arange(m) * 0.01)
    assert same.state is (DriftState.STABLE if enough else DriftState.UNDECIDED)
    apart = detector.detect(5.0 + np.arange(m) * 0.01)
    assert apart.state is (DriftState.DRIFT if enough else DriftState.UNDECIDED)


def test_identical_constant_sides_are_stable_with_p_one():
    result = MMD().fit(np.full((50, 2), 3.0)).detect(np.full((20, 2), 3.0))
    assert (result.state, result.p_value, result.score) == (DriftState.STABLE, 1.0, 0.0)


def test_names_decide_and_not_the_order_of_columns(rng):
    reference = {"a": rng.normal(size=400), "b": rng.normal(size=400) + 3.0}
    detector = MMD().fit(reference)
    batch = {"a": rng.normal(size=200), "b": rng.normal(size=200) + 3.0}
    result = detector.detect(batch)
    assert not result.detected
    assert detector.detect({"b": batch["b"], "a": batch["a"]}) == result
    assert detector.detect({"a": batch["b"], "b": batch["a"]}).detected


def test_integers_booleans_and_frames_are_numbers_too(rng):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {"count": rng.poisson(3.0, 300), "flag": rng.random(300) < 0.3}
    later = {"count": rng.poisson(3.0, 100), "flag": rng.random(100) < 0.7}
    results = {
        MMD().fit(make(columns)).detect(make(later)) for make in (dict, pandas.DataFrame, polars.DataFrame)
    }
    (result,) = results
    assert result.detected


@pytest.mark.parametrize(
    "column",
    [np.array(["a", "b"] * 25, dtype=object), np.arange(50).astype("datetime64[D]")],
    ids=["text", "dates"],
)
def test_a_column_that_is_no_number_is_refused_with_a_cure(column):
    with pytest.raises(SchemaError, match=r"'when'.*MMD.*ByColumn"):
        MMD().fit({"size": np.arange(50.0), "when": column})


def test_an_infinity_is_refused_by_name_and_the_next_shift_is_still_seen(rng):
    detector = MMD().fit({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    bad = rng.normal(size=100)
    bad[3] = np.inf
    with pytest.raises(InvalidInputError, match="'b'"):
        detector.detect({"a": rng.normal(size=100), "b": bad})
    assert detector.detect({"a": rng.normal(size=100), "b": rng.normal(size=100) + 1.0}).detected


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "spectral"},
        {"method": "rff"},
        {"block": 0},
        {"must_detect": -1.0},
        {"n_permutations": 0},
        {"n_permutations": 99.0},
        {"max_rows": 1},
        {"standardize": "yes"},
        {"alpha": 0.0},
        {"tolerance": -0.1},
        {"tolerance": 1.42},
        {"random_state": "seed"},
    ],
)
def test_impossible_settings_are_refused_by_name_at_fit(settings):
    (name,) = settings
    with pytest.raises(InvalidParameterError, match=name):
        MMD(**settings).fit(np.arange(10.0))


def test_an_unknown_method_names_those_that_exist():
    with pytest.raises(InvalidParameterError, match="'permutation'"):
        MMD(method="gamma").fit(np.arange(10.0))


def test_the_kept_reference_is_bounded_and_what_was_left_out_is_said(rng):
    reference = rng.normal(size=(5000, 2))
    detector = MMD(max_rows=300).fit(reference)
    assert len(pickle.dumps(detector)) < 300 * 2 * 8 + 4000
    result = detector.detect(rng.normal(size=(1000, 2)) + 0.5)
    assert result.detected
    assert (result.n_reference, result.n_current) == (5000, 1000)
    assert result.remarks[:2] == (
        "300 of 5000 reference rows compared, drawn at random",
        "300 of 1000 current rows compared, drawn at random",
    )
    remarks = MMD().fit(reference).detect(rng.normal(size=(2000, 2))).remarks
    assert not any("compared" in remark for remark in remarks)


def test_a_subset_is_drawn_from_all_rows_and_not_from_the_first(rng):
    reference = rng.normal(size=(2000, 1))
    reference[1000:] += 5.0
    detector = MMD(max_rows=400).fit(reference)
    assert not detector.detect(np.concatenate([reference[:500], reference[-500:]])).detected
    assert detector.detect(reference[:1000]).detected


def test_a_question_changes_nothing_and_has_one_answer(rng):
    reference, batch = rng.normal(size=(400, 2)), rng.normal(size=(100, 2))
    detector = MMD().fit(reference)
    before = pickle.dumps(detector)
    first = detector.detect(batch)
    assert detector.detect(batch) == first
    assert pickle.dumps(detector) == before
    reference[:], kept = 99.0, batch.copy()
    assert detector.detect(batch) == first
    assert (batch == kept).all()
    other = rng.normal(size=(60, 2))
    assert MMD(random_state=1).fit(kept).detect(other) != MMD(random_state=2).fit(kept).detect(other)


def test_without_a_seed_every_answer_draws_afresh(rng):
    detector = MMD(random_state=None).fit(rng.normal(size=(100, 1)))
    batch = rng.normal(size=(100, 1)) + 0.2
    assert len({detector.detect(batch).p_value for _ in range(8)}) > 1
