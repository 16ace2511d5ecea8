"""What every batch detector does alike: states, corrections, missing values, errors, and scikit-learn."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.utils.estimator_checks import estimator_checks_generator

from contlearn.drift import KS, MMD, ByColumn, ChiSquared, DriftState
from contlearn.drift._finding import Finding, settle
from contlearn.exceptions import InvalidInputError, InvalidParameterError, NotFittedError, SchemaError
from contlearn.stats import adjust

DETECTORS = {
    "KS": KS(),
    "ChiSquared": ChiSquared(),
    "ByColumn": ByColumn(),
    "MMD": MMD(n_permutations=99, max_rows=200),
}
every = pytest.mark.parametrize("detector", [clone(each) for each in DETECTORS.values()], ids=DETECTORS)
by_column = pytest.mark.parametrize(
    "detector", [KS(), ChiSquared(), ByColumn()], ids=lambda d: type(d).__name__
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def table(rng, rows, shift=0):
    """Three columns of small whole numbers, which every detector takes."""
    return {name: rng.integers(0, 6, rows) + shift for name in ("a", "b", "c")}


CHECKS = [
    (name, check)
    for name, detector in DETECTORS.items()
    for _, check in estimator_checks_generator(detector, mark=None)
    # It asks that one-dimensional X be refused; here a single column may be given just so.
    if getattr(check, "func", check).__name__ != "check_fit1d"
]


@pytest.mark.parametrize(
    ("name", "check"),
    CHECKS,
    ids=[f"{name}-{getattr(check, 'func', check).__name__}-{i}" for i, (name, check) in enumerate(CHECKS)],
)
def test_scikit_learn_s_own_checks_pass(name, check):
    check(clone(DETECTORS[name]))


@every
def test_before_fit_there_is_no_answer(detector):
    with pytest.raises(NotFittedError, match=r"no reference yet; call fit\(X_reference\) first"):
        clone(detector).detect([[1, 2, 3]])


@every
def test_every_library_and_order_of_columns_gives_the_same_result(detector, rng):
    reference, batch = table(rng, 400), table(rng, 150)
    batch["b"] = batch["b"] // 2
    result = clone(detector).fit(reference).detect(batch)
    assert result.detected
    backwards = dict(reversed(batch.items()))
    for fitted in (reference, pd.DataFrame(reference), pl.DataFrame(reference), pa.table(reference)):
        own = clone(detector).fit(fitted)
        for given in (batch, backwards, {name: values.tolist() for name, values in batch.items()}):
            assert own.detect(given) == result
        for library in (pd.DataFrame, pl.DataFrame, pa.table):
            assert own.detect(library(backwards)) == result
        assert own.detect(np.column_stack(list(batch.values()))) == result


@by_column
def test_with_gaps_too_every_library_gives_the_same_result(detector, rng):
    def gappy(rows):
        columns = {name: values.tolist() for name, values in table(rng, rows).items()}
        columns["b"] = [None if rng.random() < 0.2 else value for value in columns["b"]]
        return columns

    reference, batch = gappy(300), gappy(120)
    result = clone(detector).fit(reference).detect(batch)
    assert set(result.parts["b"].parts) == {"values", "missing"}
    for library in (pd.DataFrame, pl.DataFrame, pa.table):
        assert clone(detector).fit(library(reference)).detect(library(batch)) == result


@every
def test_a_question_changes_nothing_and_has_one_answer(detector, rng):
    fitted = clone(detector).fit(table(rng, 300))
    before, batch = pickle.dumps(fitted), table(rng, 100)
    first = fitted.detect(batch)
    assert fitted.detect(batch) == first
    assert pickle.dumps(fitted) == before
    assert pickle.loads(before).detect(batch) == first


@every
def test_what_the_caller_does_to_the_reference_later_does_not_matter(detector, rng):
    reference, batch = np.column_stack(list(table(rng, 300).values())).astype(float), table(rng, 100)
    batch = np.column_stack(list(batch.values())).astype(float)
    fitted = clone(detector).fit(reference)
    before = fitted.detect(batch)
    reference[:] = 99.0
    assert fitted.detect(batch) == before


@every
@pytest.mark.parametrize(
    "bad",
    [
        {"a": [1]},
        np.full((5, 3), np.inf),
        np.zeros((5, 0)),
        "text",
        None,
        [["x", "y", "z"]] * 5,
        np.zeros((0, 3)),
    ],
)
def test_a_refused_reference_leaves_the_old_one(detector, bad, rng):
    fitted = clone(detector).fit(table(rng, 300))
    same, shifted = table(rng, 100), table(rng, 100, shift=4)
    expected = fitted.detect(shifted)
    if isinstance(bad, dict) or (isinstance(bad, list) and isinstance(detector, ChiSquared | ByColumn)):
        bad = [[object()] * 3]
    with pytest.raises(InvalidInputError):
        fitted.fit(bad)
    assert fitted.detect(shifted) == expected
    assert expected.detected
    assert not fitted.detect(same)


@every
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alpha": 0}, "alpha must be strictly between 0 and 1, got 0"),
        ({"alpha": 5}, "alpha must be strictly between 0 and 1, got 5"),
        ({"alpha": "a"}, "alpha must be a number"),
        ({"correction": "simes"}, "correction must be one of"),
        ({"tolerance": -0.1}, "tolerance must be finite and at least 0, got -0.1"),
        ({"must_detect": "x"}, "must_detect must be a number"),
        ({"block": 0}, "block must be at least 1, got 0"),
        ({"minimum_effect": 1}, "minimum_effect must be True or False"),
        ({"random_state": -1}, "random_state must be at least 0"),
        ({"random_state": "x"}, "random_state must be an integer"),
    ],
)
def test_impossible_settings_are_refused_by_name_at_fit(detector, settings, words, rng):
    (name,) = settings
    if name not in detector.get_params(deep=False):
        pytest.skip(f"takes no {name}")
    broken = clone(detector).set_params(**settings)
    with pytest.raises(InvalidParameterError, match=words):
        broken.fit(table(rng, 50))


@pytest.mark.parametrize("detector", [KS, ChiSquared])
def test_a_tolerance_that_no_share_of_rows_can_reach_is_refused(detector):
    with pytest.raises(InvalidParameterError, match="at most 1, a share of rows, got 2"):
        detector(tolerance=2).fit([1, 2])


def test_feature_names_are_those_of_the_last_reference(rng):
    detector = KS().fit(pd.DataFrame(table(rng, 50)))
    assert detector.feature_names_in_.tolist() == ["a", "b", "c"]
    detector.fit(np.zeros((5, 2)))
    assert detector.n_features_in_ == 2
    assert not hasattr(detector, "feature_names_in_")
    assert not hasattr(detector.fit(pd.DataFrame({0: [1], 1: [2]})), "feature_names_in_")


@by_column
@pytest.mark.parametrize("rows", [0, 1])
def test_below_two_rows_nothing_is_ever_decided(detector, rows, rng):
    fitted = clone(detector).fit(table(rng, 5000))
    batch = {name: values + 100 for name, values in table(rng, rows).items()}
    result = fitted.detect(batch)
    assert result.state is DriftState.UNDECIDED
    assert (result.n_current, result.n_reference) == (rows, 5000)
    assert (result.p_value is None) == (rows == 0)
    assert (result.score is None) == (rows == 0)
    assert (
        clone(detector).fit(batch if rows else table(rng, 1)).detect(table(rng, 500)).state
        is DriftState.UNDECIDED
    )


@by_column
def test_drift_comes_first_however_few_the_rows(detector, rng):
    result = clone(detector).fit({"a": rng.integers(0, 6, 1000)}).detect({"a": [9] * 4})
    assert result.state is DriftState.DRIFT
    assert result.detectable > 0.2


@by_column
def test_no_drift_is_stable_only_if_it_could_have_been_found(detector, rng):
    reference, batch = {"a": rng.integers(0, 6, 2000)}, {"a": rng.integers(0, 6, 30)}
    few = clone(detector).fit(reference).detect(batch)
    assert few.p_value > 0.05
    assert few.detectable > 0.2
    assert few.state is DriftState.UNDECIDED
    many = clone(detector).fit(reference).detect({"a": rng.integers(0, 6, 1500)})
    assert many.detectable < 0.2
    assert many.state is DriftState.STABLE


@pytest.mark.parametrize(
    ("p_value", "score", "detectable", "rows", "state"),
    [
        (0.05, 0.1, 0.9, 2, DriftState.DRIFT),
        (0.0501, 0.1, 0.2, 50, DriftState.STABLE),
        (0.0501, 0.1, 0.2001, 50, DriftState.UNDECIDED),
        (0.01, 0.0999, 0.2, 50, DriftState.STABLE),
        (0.01, 0.0999, 0.3, 50, DriftState.UNDECIDED),
        (0.0001, 1.0, 0.1, 1, DriftState.UNDECIDED),
    ],
)
def test_the_state_is_settled_in_its_order_to_the_digit(p_value, score, detectable, rows, state):
    finding = Finding(1000, rows, score, p_value, None, detectable)
    assert settle(finding, p_value, 0.05, 0.1, 0.2).state is state


def test_too_few_rows_for_any_evidence_are_undecided_without_a_unit_too():
    finding = Finding(1000, 50, 0.0, 1.0, enough=False)
    assert settle(finding, 1.0, 0.05, 0.0, None).state is DriftState.UNDECIDED
    assert settle(finding._replace(enough=True), 1.0, 0.05, 0.0, None).state is DriftState.STABLE


@by_column
def test_a_column_with_gaps_shares_its_level_between_two_tests(detector, rng):
    reference, batch = rng.integers(0, 6, 400).astype(float), rng.integers(0, 6, 200).astype(float)
    reference[:80] = np.nan
    parts = clone(detector).fit({"x": reference}).detect({"x": batch}).parts["x"].parts
    half = clone(detector).set_params(alpha=0.025).fit({"x": reference[80:]}).detect({"x": batch})
    assert parts["values"].detectable == half.detectable
    assert parts["values"].interval == half.interval
    assert parts["missing"].interval.confidence == pytest.approx(0.975)


def test_must_detect_equal_to_the_tolerance_is_the_strict_reading(rng):
    reference, batch = rng.normal(size=2000), rng.normal(size=300)
    assert KS().fit(reference).detect(batch).state is DriftState.STABLE
    assert KS(must_detect=0.05).fit(reference).detect(batch).state is DriftState.UNDECIDED


@by_column
@pytest.mark.parametrize("correction", ["holm", "bonferroni", "hochberg", "bh", "by", None])
def test_columns_are_corrected_for_each_other(detector, correction, rng):
    reference, batch = table(rng, 400), table(rng, 200)
    batch["b"] = np.minimum(batch["b"], 4)
    result = clone(detector).set_params(correction=correction).fit(reference).detect(batch)
    alone = [clone(detector).fit({"x": reference[name]}).detect({"x": batch[name]}) for name in "abc"]
    expected = adjust([each.p_value for each in alone], correction)
    assert [part.p_value for part in result.parts.values()] == pytest.approx(expected, rel=0.1)
    assert result.p_value == min(part.p_value for part in result.parts.values())
    assert result.score == max(part.score for part in result.parts.values())
    assert result.detectable == max(part.detectable for part in result.parts.values())
    assert [part.score for part in result.parts.values()] == [each.score for each in alone]


@by_column
def test_detectable_is_computed_at_the_level_that_a_column_is_held_to(detector, rng):
    reference, batch = table(rng, 400), table(rng, 200)
    result = clone(detector).fit(reference).detect(batch)
    alone = clone(detector).set_params(alpha=0.05 / 3).fit({"a": reference["a"]}).detect({"a": batch["a"]})
    assert result.parts["a"].detectable == pytest.approx(alone.detectable)
    assert result.parts["a"].interval == alone.parts["a"].interval
    loose = clone(detector).set_params(correction=None).fit(reference).detect(batch)
    assert loose.parts["a"].detectable < result.parts["a"].detectable


@by_column
def test_without_missing_values_there_is_no_second_test(detector, rng):
    result = clone(detector).fit(table(rng, 200)).detect(table(rng, 100))
    assert all(not part.parts for part in result.parts.values())


@by_column
@pytest.mark.parametrize("side", ["reference", "current", "both"])
def test_missing_values_are_a_test_of_their_own_on_either_side(detector, side, rng):
    reference, batch = rng.integers(0, 6, 400).astype(float), rng.integers(0, 6, 200).astype(float)
    if side != "current":
        reference[:100] = np.nan
    if side != "reference":
        batch[:50] = np.nan
    result = clone(detector).fit({"x": reference}).detect({"x": batch})
    values, missing = result.parts["x"].parts["values"], result.parts["x"].parts["missing"]
    assert (values.n_reference, values.n_current) == (np.isfinite(reference).sum(), np.isfinite(batch).sum())
    assert (missing.n_reference, missing.n_current) == (400, 200)
    assert missing.score == pytest.approx(0.0 if side == "both" else 0.25)
    assert missing.detected == (side != "both")
    assert result.detected == (side != "both")
    alone = (
        clone(detector).fit({"x": reference[np.isfinite(reference)]}).detect({"x": batch[np.isfinite(batch)]})
    )
    assert values.score == alone.score
    raw = [alone.p_value, 1.0 if side == "both" else 0.0]
    assert values.p_value == pytest.approx(adjust(raw, "holm")[0], rel=0.2)
    assert result.p_value == pytest.approx(min(adjust([values.p_value, missing.p_value], None)))


def test_the_test_of_missing_values_is_exact(rng):
    from scipy import stats

    reference, batch = np.zeros(40), np.zeros(15)
    reference[:3], batch[:5] = np.nan, np.nan
    result = KS().fit(reference).detect(batch)
    expected = stats.fisher_exact([[3, 37], [5, 10]]).pvalue
    assert result.parts["0"].parts["missing"].p_value == pytest.approx(2 * expected, rel=1e-9)


@by_column
def test_a_column_that_went_missing_altogether_is_drift_and_its_values_are_undecided(detector, rng):
    fitted = clone(detector).fit(table(rng, 300))
    batch = table(rng, 100)
    result = fitted.detect(batch | {"b": [None] * 100})
    assert result.drifted == ("b",)
    assert result.parts["b"].parts["values"].state is DriftState.UNDECIDED
    assert result.parts["b"].parts["missing"].score == 1.0
    never = clone(detector).fit(table(rng, 300) | {"b": [None] * 300})
    assert never.detect(batch | {"b": [None] * 100}).state is DriftState.UNDECIDED
    assert never.detect(batch).parts["b"].parts["missing"].detected


@by_column
def test_the_whole_is_undecided_if_a_column_is_and_none_drifted(detector, rng):
    batch = {name: values.astype(float) for name, values in table(rng, 1000).items()}
    batch["c"] = np.where(np.arange(1000) < 10, batch["c"], np.nan)
    loose = clone(detector)
    if "tolerance" in loose.get_params(deep=False):
        loose.set_params(tolerance=1.0)
    else:
        loose.set_params(numeric=KS(tolerance=1.0))
    result = loose.fit(table(rng, 2000)).detect(batch)
    assert result.parts["a"].state is DriftState.STABLE
    assert result.parts["c"].parts["values"].state is DriftState.UNDECIDED
    assert result.state is DriftState.UNDECIDED


def test_joint_and_single_tests_say_the_same_about_what_is_missing(rng):
    reference, batch = rng.normal(size=(400, 3)), rng.normal(size=(200, 3))
    batch[:60, 1] = np.nan
    joint = MMD(n_permutations=99).fit(reference).detect(batch)
    single = KS().fit(reference).detect(batch)
    assert joint.drifted == ("missing",)
    assert joint.parts["missing"].drifted == ("1",)
    assert joint.parts["missing"].parts["1"].score == single.parts["1"].parts["missing"].score
    assert joint.parts["values"].n_current == 140


@every
def test_a_changed_kind_names_the_column_and_the_next_shift_is_seen(detector, rng):
    fitted = clone(detector).fit(table(rng, 300))
    with pytest.raises(
        SchemaError, match=r"column 'b' must hold numbers, as in fit, got categories; convert"
    ):
        fitted.detect(table(rng, 50) | {"b": ["x"] * 50})
    with pytest.raises(SchemaError, match=r"column 'c' missing"):
        fitted.detect({name: [1, 2] for name in "ab"})
    assert fitted.detect(table(rng, 100, shift=4)).detected


def test_without_a_reference_the_error_is_scikit_learn_s_too():
    for error in (NotFittedError, SklearnNotFittedError):
        with pytest.raises(error, match="KS has no reference yet; call fit"):
            KS().detect([1.0, 2.0])


def test_an_undecided_table_names_the_columns_that_cannot_be_judged():
    reference = {"amount": np.arange(500.0), "note": [None] * 500}
    result = ByColumn().fit(reference).detect(reference)
    assert str(result).startswith("undecided: in note, score")
    assert "only an effect" not in str(result)
