"""DomainClassifier: it finds what moved, says where, and never judges by rows it has learnt from."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from contlearn.drift import DomainClassifier, DriftState
from contlearn.drift._finding import Finding, settle
from contlearn.exceptions import InvalidInputError, InvalidParameterError, NotFittedError, SchemaError
from contlearn.results import Interval
from contlearn.stats._mann_whitney import auc_p_value


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def mixed(rng, rows, shift=0.0, dominant=0.82):
    """Numbers, counts, and a category with one dominant level and nine rare ones."""
    shares = np.append(dominant, np.full(9, (1 - dominant) / 9))
    letters = np.array(list("ABCDEFGHIJ"), dtype=object)
    return {
        "amount": rng.normal(shift, 1, rows),
        "items": rng.poisson(1, rows),
        "plan": letters[rng.choice(10, rows, p=shares)],
    }


class Recorder(ClassifierMixin, BaseEstimator):
    """Scores a row by its first column, and remembers what it was shown."""

    shown = None

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        type(self).shown = {"fit": X.copy(), "y": y.copy(), "scored": []}
        return self

    def predict_proba(self, X):
        type(self).shown["scored"].append(X.copy())
        p = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - p, p])


class Broken(ClassifierMixin, BaseEstimator):
    def __init__(self, how="fit"):
        self.how = how

    def fit(self, X, y):
        if self.how == "fit":
            raise ArithmeticError("no luck today")
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return np.full(len(X), np.nan)


@pytest.mark.parametrize("size", [40, 300])
def test_shifts_spreads_correlations_and_categories_are_found(rng, size):
    shift = 2.0 if size == 40 else 0.7

    def correlated(rows):
        x = rng.normal(size=(rows, 2))
        x[:, 1] = 0.95 * x[:, 0] + 0.3 * x[:, 1]
        return x

    detector = DomainClassifier().fit(rng.normal(size=(8 * size, 2)))
    assert detector.detect(rng.normal(shift, 1, size=(size, 2)))
    assert detector.detect(rng.normal(0, 1 + shift, size=(size, 2)))
    assert detector.detect(correlated(2 * size))
    detector.fit(mixed(rng, 8 * size))
    batches = [mixed(rng, size, dominant=0.4 if size == 300 else 0.1) for _ in range(10)]
    assert sum(detector.detect(batch).detected for batch in batches) >= (10 if size == 300 else 5)


def test_rows_that_taught_are_never_rows_that_judge(rng):
    reference, batch = np.arange(100.0), 100.0 + np.arange(60.0)
    DomainClassifier(Recorder()).fit(reference).detect(batch)
    shown = Recorder.shown
    taught = shown["fit"][:, 0]
    judges = np.concatenate(shown["scored"])[:, 0]
    assert len(taught) == len(judges) == 80
    assert sorted(np.concatenate([taught, judges])) == sorted(np.concatenate([reference, batch]))
    assert ((taught >= 100) == shown["y"]).all()


def test_the_p_value_is_that_of_the_held_out_scores_and_the_effect_their_auc(rng):
    result = DomainClassifier(Recorder()).fit(rng.normal(size=200)).detect(rng.normal(0.3, 1, size=100))
    before, after = (each[:, 0] for each in Recorder.shown["scored"])
    auc = (before[:, None] < after).mean()
    assert result.score == pytest.approx(2 * auc - 1)
    assert result.p_value == pytest.approx(auc_p_value(before, after), rel=1e-6)
    assert result.interval.low < result.score < result.interval.high
    assert result.interval.confidence == 0.95


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_the_share_for_learning_is_the_one_asked_for(rng, share):
    DomainClassifier(Recorder(), train_share=share).fit(rng.normal(size=200)).detect(rng.normal(size=100))
    assert len(Recorder.shown["fit"]) == 300 * share


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(20),
        DecisionTreeClassifier(max_depth=2),
    ],
    ids=lambda each: type(each).__name__,
)
def test_any_classifier_will_do_and_keeps_its_own_state(rng, estimator):
    before = repr(estimator.get_params())
    detector = DomainClassifier(estimator).fit(rng.normal(size=(400, 3)))
    batch = rng.normal(0.5, 1, size=(150, 3))
    result = detector.detect(batch)
    assert result.detected
    assert detector.detect(batch) == result  # those without a seed of their own are seeded
    assert repr(estimator.get_params()) == before
    assert not hasattr(estimator, "classes_")


def test_a_linear_classifier_is_blind_where_the_default_sees(rng):
    reference, batch = rng.normal(size=(600, 2)), rng.normal(0, 2, size=(300, 2))
    assert DomainClassifier(LogisticRegression()).fit(reference).detect(batch).score < 0.15
    assert DomainClassifier().fit(reference).detect(batch).score > 0.4


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (Broken("fit"), "ArithmeticError: no luck today"),
        (Broken("score"), "one finite score per row"),
    ],
)
def test_a_classifier_that_fails_is_named_and_the_reference_stays(rng, estimator, words):
    detector = DomainClassifier(estimator).fit(rng.normal(size=50))
    with pytest.raises(InvalidParameterError, match=words):
        detector.detect(rng.normal(size=50))
    detector.estimator = None
    assert detector.detect(rng.normal(3, 1, size=50))


@pytest.mark.parametrize(
    "settings",
    [
        {"estimator": LinearRegression()},
        {"estimator": LogisticRegression},
        {"estimator": 3},
        {"train_share": 1.0},
        {"max_rows": 1},
        {"tolerance": 1.5},
        {"block": 0},
        {"minimum_effect": 1},
        {"must_detect": -1.0},
    ],
)
def test_settings_that_cannot_work_are_refused_by_fit(settings):
    (name,) = settings
    with pytest.raises(InvalidParameterError, match=name):
        DomainClassifier(**settings).fit(np.arange(9.0))


def test_the_order_of_rows_and_columns_does_not_matter(rng):
    reference, batch = mixed(rng, 300), mixed(rng, 200, shift=0.2)
    order = rng.permutation(200)
    shuffled = {name: values[order] for name, values in reversed(batch.items())}
    detector = DomainClassifier().fit(reference)
    assert detector.detect(shuffled) == detector.detect(batch)


def test_float32_is_not_told_from_float64(rng):
    values = np.round(rng.normal(size=(400, 2)), 1)
    result = DomainClassifier().fit(values).detect(np.round(rng.normal(size=(200, 2)), 1).astype(np.float32))
    assert not result.detected


@pytest.mark.parametrize(("unit", "offset"), [(1e300, 0.0), (1e-300, 0.0), (1e-300, 1e9), (1.0, 1e9)])
def test_any_magnitude_is_told_apart(rng, unit, offset):
    detector = DomainClassifier().fit((offset + rng.normal(size=(300, 2))) * unit)
    same = detector.detect((offset + rng.normal(size=(200, 2))) * unit)
    assert not same.detected
    assert detector.detect((offset + rng.normal(2, 1, size=(200, 2))) * unit).detected


def test_nothing_to_tell_by_is_stable(rng):
    result = DomainClassifier().fit(np.ones(80)).detect(np.ones(60))
    assert (result.state, result.score, result.p_value) == (DriftState.STABLE, 0.0, 1.0)
    assert DomainClassifier().fit(np.ones(80)).detect(np.full(60, 2.0)).detected


def test_an_effect_below_zero_shows_nothing_without_a_tolerance():
    finding = Finding(100, 100, score=-0.3, p_value=1.0, interval=Interval(-0.3, -0.5, -0.1, 0.95))
    assert not settle(finding, 1.0, 0.05, 0.0, None).equivalent
    assert settle(finding, 1.0, 0.05, 0.01, None).equivalent


@pytest.mark.parametrize(("rows", "state"), [(2, "undecided"), (4, "undecided"), (8, "drift"), (12, "drift")])
def test_few_rows_are_undecided_unless_they_can_say(rows, state):
    result = DomainClassifier().fit(np.arange(rows)).detect(1000 + np.arange(rows))
    assert result.state == state


@pytest.mark.parametrize("rows", [8, 30])
def test_a_category_that_replaces_another_is_found_among_few_rows(rows):
    assert DomainClassifier().fit({"a": ["x"] * rows}).detect({"a": ["y"] * rows}).detected


def test_missing_values_are_tested_beside_the_complete_rows(rng):
    reference, batch = rng.normal(size=(400, 2)), rng.normal(size=(200, 2))
    batch[:80, 1] = np.nan
    result = DomainClassifier().fit(reference).detect(batch)
    assert result.drifted == ("missing",)
    assert result.parts["values"].n_current == 120
    batch[:] = np.nan
    assert not DomainClassifier().fit(reference).detect(batch).parts["values"].detected


def test_a_long_reference_is_bounded_in_memory_and_in_use(rng):
    detector = DomainClassifier(max_rows=1000).fit(rng.normal(size=(20_000, 3)))
    assert len(pickle.dumps(detector)) < 1000 * 3 * 8 + 5000
    result = detector.detect(rng.normal(size=(100, 3)))
    assert result.n_reference == 20_000
    assert "800 of 20000 reference rows used, drawn at random" in result.remarks
    assert (
        "1000 of 3000 current rows used, drawn at random"
        in detector.detect(rng.normal(size=(3000, 3))).remarks
    )


def test_many_categories_and_new_ones_are_no_error(rng):
    names = np.array([f"user {number}" for number in range(3000)], dtype=object)
    detector = DomainClassifier().fit({"user": rng.choice(names[:2000], 3000)})
    assert not detector.detect({"user": rng.choice(names[:2000], 300)})
    assert detector.detect({"user": rng.choice(names[:3], 300)})


def test_categories_too_many_to_be_told_apart_are_never_stable(rng):
    old, same = (
        np.array([f"k{each}" for each in rng.integers(0, 500, size)], object) for size in (2000, 500)
    )
    new = np.array([f"q{each}" for each in rng.integers(0, 500, 500)], object)
    detector = DomainClassifier().fit({"id": old})
    for batch in (same, new):
        result = detector.detect({"id": batch})
        assert result.state is not DriftState.STABLE
        assert any("id" in each and "not told apart" in each for each in result.remarks)


def test_infinities_and_other_columns_are_refused(rng):
    detector = DomainClassifier().fit({"a": rng.normal(size=50), "b": ["x", "y"] * 25})
    with pytest.raises(InvalidInputError, match=r"'a'.*finite"):
        detector.detect({"a": [np.inf] * 20, "b": ["x"] * 20})
    for question in (detector.detect, detector.column_importances, detector.foreignness):
        with pytest.raises(SchemaError):
            question({"a": [1.0]})
        with pytest.raises(NotFittedError):
            getattr(DomainClassifier(), question.__name__)({"a": [1.0]})


def test_rows_do_not_travel_and_it_says_what_does(rng):
    with pytest.raises(InvalidParameterError, match="KS and ChiSquared"):
        DomainClassifier().fit(rng.normal(size=50)).summarize(rng.normal(size=5))


def test_a_minimum_effect_is_asked_for_beyond_the_tolerance(rng):
    reference, batch = rng.normal(size=(1200, 1)), rng.normal(0.5, 1, size=(1000, 1))
    plain = DomainClassifier(tolerance=0.25).fit(reference).detect(batch)
    least = DomainClassifier(tolerance=0.25, minimum_effect=True).fit(reference).detect(batch)
    assert plain.p_value < 1e-4 < least.p_value
    assert least.detectable > plain.detectable
    assert DomainClassifier(tolerance=0.25, minimum_effect=True).fit(reference).detect(batch + 1).detected


def autocorrelated(rng, rows, columns=2, phi=0.9):
    x = rng.normal(size=(rows + 50, columns))
    for step in range(1, len(x)):
        x[step] += phi * x[step - 1]
    return x[50:]


def test_blocks_that_taught_are_a_block_away_from_blocks_that_judge(rng):
    DomainClassifier(Recorder(), block=10).fit(np.arange(207.0)).detect(1000 + np.arange(105.0))
    taught = Recorder.shown["fit"][:, 0]
    before, after = (each[:, 0] for each in Recorder.shown["scored"])
    assert len(before) % 10 == len(after) % 10 == 0
    assert np.abs(taught[:, None] - before).min() > 10
    assert np.abs(taught[:, None] - after).min() > 10


def test_dependent_rows_raise_no_false_alarms_once_blocks_are_told():
    alarms = {None: 0, 50: 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        reference, batch = autocorrelated(rng, 1000), autocorrelated(rng, 500)
        for block in alarms:
            detector = DomainClassifier(LogisticRegression(), block=block, max_rows=2000)
            alarms[block] += detector.fit(reference).detect(batch).detected
    assert alarms[None] >= 15
    assert alarms[50] <= 7


def test_too_few_blocks_are_undecided(rng):
    result = DomainClassifier(block=50).fit(rng.normal(size=1000)).detect(rng.normal(5, 1, size=140))
    assert result.state is DriftState.UNDECIDED
    assert "fewer than three blocks of rows" in result.remarks


def test_importances_name_the_columns_that_give_the_change_away(rng):
    detector = DomainClassifier().fit(mixed(rng, 2000))
    batch = mixed(rng, 500, shift=0.8)
    found = detector.column_importances(batch)
    assert next(iter(found)) == "amount"
    assert set(found) == {"amount", "items", "plan"}
    estimates = [each.estimate for each in found.values()]
    assert estimates == sorted(estimates, reverse=True)
    assert found["amount"].low > 0.05
    for name in ("items", "plan"):
        assert found[name].low <= 0.02
    assert detector.column_importances(batch) == found
    with pytest.raises(InvalidInputError, match="two complete rows"):
        detector.column_importances({name: values[:1] for name, values in batch.items()})


def test_both_columns_of_a_changed_correlation_matter(rng):
    x = rng.normal(size=(600, 3))
    x[:, 1] = 0.9 * x[:, 0] + np.sqrt(0.19) * x[:, 1]
    found = DomainClassifier().fit(rng.normal(size=(3000, 3))).column_importances(x)
    assert min(found["0"].low, found["1"].low) > 0.05 > found["2"].high


def test_the_rows_that_are_foreign_look_foreign(rng):
    batch = rng.normal(size=(300, 3))
    batch[:60, 2] += 4.0
    batch[100, 0] = np.nan
    detector = DomainClassifier().fit(rng.normal(size=(3000, 3)))
    scores = detector.foreignness(batch)
    assert scores.shape == (300,)
    assert np.isnan(scores[100])
    assert np.isnan(scores).sum() == 1
    assert np.nanmean(scores[:60]) > np.nanquantile(scores[60:], 0.95)
    np.testing.assert_array_equal(detector.foreignness(batch), scores)
    order = rng.permutation(300)
    np.testing.assert_array_equal(detector.foreignness(batch[order]), scores[order])
    assert np.isnan(detector.foreignness(batch[:1])).all()


@pytest.mark.parametrize("block", [None, 10])
def test_no_row_is_scored_by_a_model_that_saw_it(rng, block):
    """A forest knows by heart what it saw; rows of unchanged batches must look like any others."""
    batch = rng.normal(size=(200, 2))
    detector = DomainClassifier(DecisionTreeClassifier(), block=block).fit(rng.normal(size=(400, 2)))
    scores = detector.foreignness(batch)
    assert 0.1 < scores.mean() < 0.6


def test_scikit_learn_estimators_are_imported_only_when_used():
    code = (
        "import sys; from contlearn.drift import KS, DomainClassifier, ConditionalDrift;"
        "ConditionalDrift(); DomainClassifier().fit([1.0, 2.0]); print('sklearn.ensemble' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"
