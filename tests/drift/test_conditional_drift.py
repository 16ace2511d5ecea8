"""ConditionalDrift: sources and followers are told apart, and what cannot be told is not said."""

from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from contlearn.drift import KS, ConditionalDrift, DriftState
from contlearn.exceptions import InvalidParameterError

ROWS, BATCH = 1500, 500


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def chain(rng, rows, shift=0.0):
    """A cause, its effect, the effect of the effect, and a bystander."""
    cause = rng.normal(shift, 1, rows)
    effect = 0.8 * cause + 0.6 * rng.normal(size=rows)
    return {
        "effect": effect,
        "cause": cause,
        "second": 0.8 * effect + 0.6 * rng.normal(size=rows),
        "bystander": rng.normal(size=rows),
    }


def shop(rng, rows, paid=0.3):
    """A category on which numbers depend, on one of which another category depends."""
    plan = np.where(rng.random(rows) < paid, "paid", "free").astype(object)
    hours = rng.normal(np.where(plan == "paid", 1.5, 0.0), 1.0)
    writes = np.where(rng.logistic(hours, 1.0) > 1.0, "yes", "no").astype(object)
    return {"plan": plan, "hours": hours, "writes": writes}


def roles(result):
    """Which columns moved by themselves, and which follow."""
    return {
        name: "".join(aspect[0] for aspect in part.drifted)
        for name, part in result.parts.items()
        if part.parts["marginal"].detected or part.parts["conditional"].detected
    }


def test_a_source_is_told_from_the_columns_behind_it(rng):
    result = ConditionalDrift().fit(chain(rng, ROWS)).detect(chain(rng, BATCH, shift=1.0))
    assert roles(result) == {"cause": "mc", "effect": "m", "second": "m"}
    assert result.remarks[0] == "moved by itself: cause; follows: effect, second"
    assert result.parts["cause"].drifted == ("marginal", "conditional")
    assert set(result.parts) == {"effect", "cause", "second", "bystander"}
    effects = result.parts["cause"].parts["marginal"].effects
    assert effects["median"].estimate == pytest.approx(1.0, abs=0.3)


def test_a_source_in_the_middle_leaves_its_cause_alone(rng):
    batch = chain(rng, BATCH)
    batch["effect"] = batch["effect"] + 0.8
    batch["second"] = 0.8 * batch["effect"] + 0.6 * rng.normal(size=BATCH)
    result = ConditionalDrift().fit(chain(rng, ROWS)).detect(batch)
    assert roles(result) == {"effect": "mc", "second": "m", "cause": "c"}
    assert "moved only in relation to the others: cause" in result.remarks[0]


def test_a_category_can_be_the_source_and_a_category_can_follow():
    rng = np.random.default_rng(2)
    detector = ConditionalDrift().fit(shop(rng, 3000))
    assert roles(detector.detect(shop(rng, 800, paid=0.6))) == {"plan": "mc", "hours": "m", "writes": "m"}
    assert not detector.detect(shop(rng, 800))


def test_a_changed_relation_moves_no_column_by_itself(rng):
    def pair(rows, correlation):
        first, second = rng.normal(size=(2, rows))
        return {"a": first, "b": correlation * first + np.sqrt(1 - correlation**2) * second}

    result = ConditionalDrift().fit(pair(ROWS, 0.8)).detect(pair(BATCH, -0.2))
    assert roles(result) == {"a": "c", "b": "c"}
    assert result.remarks[0] == "moved only in relation to the others: a, b"


def test_columns_that_determine_each_other_move_together_and_none_is_named(rng):
    reference, batch = rng.normal(size=ROWS), rng.normal(1, 1, size=BATCH)
    result = (
        ConditionalDrift()
        .fit({"celsius": reference, "fahrenheit": 32 + 1.8 * reference})
        .detect({"celsius": batch, "fahrenheit": 32 + 1.8 * batch})
    )
    assert result.remarks[0] == "moved, but none by itself: celsius, fahrenheit"


def test_where_the_reference_has_no_rows_like_the_current_ones_nothing_is_claimed(rng):
    result = ConditionalDrift().fit(chain(rng, ROWS)).detect(chain(rng, BATCH, shift=12.0))
    assert result.detected
    for name in ("effect", "second"):
        assert result.parts[name].parts["conditional"].state is DriftState.UNDECIDED
        assert "no like" in result.parts[name].parts["conditional"].remarks[0]
    assert "moved, by itself or not" in result.remarks[0]
    assert "follows" not in result.remarks[0]


def test_a_spread_that_depends_on_the_source_does_not_make_a_source(rng):
    def table(rows, shift):
        cause = rng.normal(shift, 1, rows)
        return {"cause": cause, "effect": cause + (0.3 + 0.5 * np.abs(cause)) * rng.normal(size=rows)}

    result = ConditionalDrift().fit(table(2000, 0.0)).detect(table(BATCH, 1.5))
    assert roles(result) == {"cause": "mc", "effect": "m"}


def test_the_marginal_part_is_the_test_of_the_column(rng):
    reference, batch = chain(rng, ROWS), chain(rng, BATCH, 0.3)
    parts = ConditionalDrift(correction=None).fit(reference).detect(batch).parts
    alone = KS(correction=None).fit(reference).detect(batch).parts
    for name, part in alone.items():
        assert parts[name].parts["marginal"].p_value == part.p_value
        assert parts[name].parts["marginal"].score == part.score


def test_one_false_alarm_rate_covers_both_tests_of_every_column(rng):
    reference, batch = chain(rng, ROWS), chain(rng, BATCH, 0.3)
    raw = ConditionalDrift(correction=None).fit(reference).detect(batch)
    corrected = ConditionalDrift(correction="bonferroni").fit(reference).detect(batch)
    for name, part in corrected.parts.items():
        for aspect, each in part.parts.items():
            assert each.p_value == pytest.approx(min(1, 8 * raw.parts[name].parts[aspect].p_value))


def pieces(table, cuts):
    edges = [0, *sorted(cuts), len(next(iter(table.values())))]
    return [{name: values[start:end] for name, values in table.items()} for start, end in pairwise(edges)]


PARTITIONED = chain(np.random.default_rng(5), 200, 0.4) | shop(np.random.default_rng(6), 200)
FITTED = ConditionalDrift().fit(chain(np.random.default_rng(7), 600) | shop(np.random.default_rng(8), 600))
WHOLE = FITTED.detect(PARTITIONED)


@settings(derandomize=True, deadline=None, max_examples=8)
@given(st.lists(st.integers(0, 200), max_size=20), st.randoms(use_true_random=False))
def test_partitions_merged_in_any_order_have_the_same_result(cuts, random):
    summaries = [FITTED.summarize(part) for part in pieces(PARTITIONED, cuts)]
    random.shuffle(summaries)
    assert FITTED.detect(reduce(lambda one, two: one.merge(two), summaries)) == WHOLE


def test_no_row_of_the_reference_is_kept_and_none_is_changed(rng):
    reference = chain(rng, ROWS)
    kept = {name: values.copy() for name, values in reference.items()}
    detector = ConditionalDrift(max_rows=400).fit(reference)
    batch = chain(rng, BATCH)
    result = detector.detect(batch)
    assert detector.detect(batch) == result
    for name, values in reference.items():
        np.testing.assert_array_equal(values, kept[name])
    assert result.parts["cause"].parts["conditional"].n_reference <= 200
    assert result.parts["cause"].parts["marginal"].n_reference == ROWS


def test_float32_and_rounded_values_are_not_told_apart(rng):
    def rounded(rows):
        return {name: np.round(values, 1) for name, values in chain(rng, rows).items()}

    batch = {name: values.astype(np.float32) for name, values in rounded(BATCH).items()}
    assert not ConditionalDrift().fit(rounded(ROWS)).detect(batch)


@pytest.mark.parametrize(("unit", "offset"), [(1e300, 0.0), (1e-300, 0.0), (1.0, 1e9)])
def test_any_magnitude_has_the_same_roles(rng, unit, offset):
    def table(rows, shift=0.0):
        return {name: (offset + values) * unit for name, values in chain(rng, rows, shift).items()}

    result = ConditionalDrift().fit(table(ROWS)).detect(table(BATCH, 1.0))
    assert roles(result) == {"cause": "mc", "effect": "m", "second": "m"}


def test_own_models_are_used_and_left_untouched(rng):
    regressor, classifier = LinearRegression(), LogisticRegression()
    detector = ConditionalDrift(regressor, classifier).fit(chain(rng, ROWS))
    assert roles(detector.detect(chain(rng, BATCH, 1.0))) == {"cause": "mc", "effect": "m", "second": "m"}
    assert not hasattr(regressor, "coef_")
    detector = ConditionalDrift(None, RandomForestClassifier(20, min_samples_leaf=20, random_state=0))
    assert detector.fit(shop(rng, 2000)).detect(shop(rng, BATCH, 0.7)).parts["plan"].detected


def test_a_model_that_cannot_learn_is_named(rng):
    class Stubborn(DecisionTreeRegressor):
        def fit(self, X, y):
            raise ArithmeticError("no luck today")

    with pytest.raises(InvalidParameterError, match=r"regressor.*750 rows of 3 columns.*no luck today"):
        ConditionalDrift(Stubborn()).fit(chain(rng, ROWS))


@pytest.mark.parametrize(
    "settings",
    [
        {"regressor": DecisionTreeRegressor},
        {"classifier": LinearRegression()},
        {"train_share": 0.0},
        {"max_rows": 3},
        {"correction": "westfall-young"},
        {"tolerance": 2.0},
        {"block": 0},
    ],
)
def test_settings_that_cannot_work_are_refused_by_fit(settings):
    (name,) = settings
    with pytest.raises(InvalidParameterError, match=name):
        ConditionalDrift(**settings).fit(np.zeros((9, 2)))


def test_constant_columns_new_categories_and_single_classes_are_no_error(rng):
    reference = {"one": ["x"] * 200, "flat": np.ones(200), "free": rng.normal(size=200)}
    detector = ConditionalDrift(must_detect=1.0).fit(reference)
    assert detector.detect({name: values[:100] for name, values in reference.items()}).state == "stable"
    moved = detector.detect({"one": ["y"] * 100, "flat": np.ones(100), "free": rng.normal(size=100)})
    assert moved.drifted == ("one",)


def test_a_table_of_one_column_has_nothing_to_be_explained_by(rng):
    result = ConditionalDrift().fit(rng.normal(size=500)).detect(rng.normal(2, 1, size=200))
    assert result.detected
    assert result.parts["0"].parts["conditional"].state is DriftState.UNDECIDED


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
def test_few_rows_are_undecided(rng, rows):
    result = ConditionalDrift().fit(rng.normal(size=(rows, 2))).detect(rng.normal(size=(rows, 2)))
    assert result.state is DriftState.UNDECIDED


def test_missing_values_are_a_test_of_their_own(rng):
    batch = chain(rng, BATCH)
    batch["cause"][:150] = np.nan
    result = ConditionalDrift().fit(chain(rng, ROWS)).detect(batch)
    assert result.parts["cause"].drifted == ("missing",)
    assert result.drifted == ("cause",)


def test_dependent_rows_count_for_less(rng):
    def series(rows):
        steps = rng.normal(size=(rows, 2))
        for step in range(1, rows):
            steps[step] += 0.9 * steps[step - 1]
        return steps

    reference, batch = series(2000), series(400)
    plain = ConditionalDrift(correction=None).fit(reference).detect(batch)
    told = ConditionalDrift(correction=None, block=50).fit(reference).detect(batch)
    for name in ("0", "1"):
        for aspect in ("marginal", "conditional"):
            assert (
                told.parts[name].parts[aspect].detectable > 1.3 * plain.parts[name].parts[aspect].detectable
            )


def test_the_classifier_of_a_category_may_be_a_tree_without_probabilities_between_0_and_1(rng):
    detector = ConditionalDrift(classifier=DecisionTreeClassifier(random_state=0)).fit(shop(rng, 1000))
    assert not detector.detect(shop(rng, 400)).detected
