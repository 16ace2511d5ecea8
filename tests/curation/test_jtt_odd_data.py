from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from contlearn.curation import JTTClassifier
from contlearn.curation._numbers import in_bins
from contlearn.exceptions import InvalidInputError, InvalidParameterError


def three_classes(n, rng):
    y = rng.integers(3, size=n)
    sign = np.where(rng.random(n) < 0.05, (y + 1) % 3, y)
    X = np.column_stack([sign + 0.1 * rng.normal(size=n), np.eye(3)[y] * 2 + rng.normal(size=(n, 3))])
    return X, y, sign != y


@pytest.mark.parametrize("shape", ["ovr", "ovo"])
def test_more_than_two_classes_have_cells_of_class_and_error(shape):
    rng = np.random.default_rng(0)
    X, y, against = three_classes(2400, rng)
    labels = np.array(["low", "mid", "top"])[y]
    model = JTTClassifier(SVC(decision_function_shape=shape)).fit(X, labels)
    assert model.report_.helped
    assert sorted({(c.label, c.misidentified) for c in model.report_.cells}) == [
        (label, error) for label in ("low", "mid", "top") for error in (False, True)
    ]
    test, y_test, against = three_classes(2000, rng)
    right = model.predict(test) == np.array(["low", "mid", "top"])[y_test]
    plain = SVC().fit(X, y).predict(test) == y_test
    assert right[against].mean() > plain[against].mean() + 0.1


@pytest.mark.parametrize("n", [2, 3, 10, 59])
@pytest.mark.parametrize("factor", ["auto", "balance", 5])
def test_a_handful_of_rows_has_a_defined_outcome(n, factor):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 2)), np.arange(n) % 2
    model = JTTClassifier(GaussianNB(), factor=factor).fit(X, y)
    assert model.predict(X).shape == (n,)
    if factor == "auto":
        assert model.report_.method == "plain"
        assert f"{n} rows are too few" in str(model.report_)


@pytest.mark.parametrize("factor", ["auto", "balance", 5])
def test_one_class_only_is_left_to_the_estimator(factor):
    X = np.random.default_rng(0).normal(size=(100, 2))
    model = JTTClassifier(RandomForestClassifier(3), factor=factor).fit(X, np.zeros(100))
    assert (model.predict(X) == 0).all()
    assert not model.misidentified_.any()
    with pytest.raises(ValueError, match="class"):
        JTTClassifier(LogisticRegression(), factor=factor).fit(X, np.zeros(100))


@pytest.mark.parametrize("rare", [1, 4])
@pytest.mark.parametrize("gate", ["probe", "off"])
def test_a_class_with_fewer_rows_than_folds_is_kept(shortcut, rare, gate):
    X, y = shortcut.X[:600], shortcut.y[:600].copy()
    y[:rare] = 2
    for estimator in (RandomForestClassifier(5), KNeighborsClassifier()):
        model = JTTClassifier(estimator, gate=gate).fit(X, y)
        assert model.classes_.tolist() == [0, 1, 2]
        assert all(set(y[rows]) == {0, 1, 2} for rows in model.sample_indices_)
        if hasattr(model, "predict_proba"):
            assert model.predict_proba(shortcut.X[:5]).shape == (5, 3)


def test_errors_in_one_class_only_divide_that_class_only(shortcut):
    errors = (shortcut.y == 1) & ((shortcut.X[:, 6] > 0) != shortcut.y)
    model = JTTClassifier(GaussianNB(), gate="off").fit(shortcut.X, shortcut.y, misidentified=errors)
    cells = {(c.label, c.misidentified) for c in model.report_.cells}
    assert cells == {("0", None), ("1", False), ("1", True)}
    few = np.zeros(1500, dtype=bool)
    few[np.flatnonzero(errors)[:7]] = True
    model.fit(shortcut.X, shortcut.y, misidentified=few)
    assert (model.report_.method, model.report_.helped) == ("plain", False)
    assert "too few rows are misidentified" in str(model.report_)


def test_missing_values_pass_through_to_models_that_take_them(shortcut):
    X = shortcut.X.copy()
    X[np.random.default_rng(0).random(X.shape) < 0.05] = np.nan
    model = JTTClassifier(HistGradientBoostingClassifier(max_iter=20)).fit(X, shortcut.y)
    assert model.report_.helped
    with pytest.raises(ValueError, match="NaN"):
        JTTClassifier(LogisticRegression()).fit(X, shortcut.y)
    X[3, 2] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        JTTClassifier(HistGradientBoostingClassifier()).fit(X, shortcut.y)


def test_bins_are_quantiles_of_the_training_rows_and_keep_what_is_missing():
    rng = np.random.default_rng(0)
    seen, unseen = rng.normal(size=(2000, 3)), rng.normal(size=(300, 3))
    seen[:, 1], unseen[:, 1] = np.arange(2000) % 4, np.arange(300) % 4  # few values: one bin each
    seen[:, 2] = np.nan
    seen[::5, 0] = unseen[::5, 0] = np.nan
    for table, binned in zip((seen, unseen), in_bins(seen, unseen), strict=True):
        np.testing.assert_array_equal(np.isnan(binned), np.isnan(table))
        order = np.argsort(table[:, 0])
        steps = np.diff(binned[order, 0])
        assert (steps[~np.isnan(steps)] >= 0).all()
        assert [len(np.unique(binned[table[:, 1] == value, 1])) for value in range(4)] == [1, 1, 1, 1]
        assert len(np.unique(binned[:, 1])) == 4
    counts = np.unique(in_bins(seen, unseen)[0][~np.isnan(seen[:, 0]), 0], return_counts=True)[1]
    assert len(counts) == 255
    assert np.ptp(counts) <= 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"factor": 0.5}, "factor must be finite and at least 1"),
        ({"factor": "often"}, "factor must be 'auto', 'balance' or a number"),
        ({"factor": None}, "factor must be a number"),
        ({"gate": "closed"}, "gate must be one of"),
        ({"n_estimators": 0}, "n_estimators must be at least 1"),
        ({"cv": 1}, "cv must be at least 2"),
        ({"cv": "five"}, "cv must be a number of folds, a splitter"),
        ({"random_state": -1}, "random_state must be None, an integer of at least 0"),
        ({"random_state": "a"}, "random_state must be None"),
        ({"random_state": 2.5}, "random_state must be None"),
        ({"random_state": np.nan}, "random_state must be None"),
        ({"estimator": None}, "estimator must be a classifier, with fit, predict and get_params, got None"),
        ({"estimator": GaussianNB}, "estimator must be a classifier"),
        ({"identifier": "tree"}, "identifier must be a classifier"),
        ({"factor": 1e308}, r"factor must be at most 1e\+30 divided by the number of rows"),
        ({"factor": 1e15, "estimator": KNeighborsClassifier()}, "factor must give an index map that fits"),
        ({"n_estimators": pd.NA}, "n_estimators must be an integer"),
        ({"cv": [([0, 1], [2, 3]), ([0, 1], [3, 4])]}, "cv must test each row at most once"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_fit(shortcut, settings, words):
    model = JTTClassifier(**{"estimator": GaussianNB(), **settings})
    with pytest.raises(InvalidParameterError, match=words):
        model.fit(shortcut.X, shortcut.y)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.ones(7), "one value for each of the 1500 rows"),
        (np.full(1500, -1.0), "at least 0"),
        (np.full(1500, np.nan), "at least 0"),
        (np.zeros(1500), "above 0 for at least one row"),
        (["a"] * 1500, "sample_weight must hold numbers"),
        ([None] * 1500, "sample_weight must be finite and at least 0"),
        (np.ma.array(np.ones(1500), mask=np.arange(1500) == 3), "sample_weight must be finite"),
        (np.full(1500, 1e308), r"sample_weight must add up to at most 1e\+30, got inf; divide"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(shortcut, weights, words):
    with pytest.raises(InvalidInputError, match=words):
        JTTClassifier(GaussianNB()).fit(shortcut.X, shortcut.y, sample_weight=weights)


def test_weights_are_refused_where_the_estimator_would_drop_them(shortcut):
    with pytest.raises(InvalidParameterError, match="must take sample_weight, got KNeighborsClassifier"):
        JTTClassifier(KNeighborsClassifier()).fit(shortcut.X, shortcut.y, sample_weight=np.ones(1500))


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (["late", float("nan")], "750 of 1500"),
        (["late", None], "750 of 1500"),
        (np.ma.array([0, 1], mask=[1, 0]), "750 of 1500"),
        (np.array([0.0, np.inf]), "750 of 1500"),
        ([0, pd.NA], "750 of 1500"),
    ],
)
def test_labels_that_are_missing_are_counted_and_refused(shortcut, labels, got):
    y = np.ma.concatenate([labels] * 750) if isinstance(labels, np.ma.MaskedArray) else list(labels) * 750
    with pytest.raises(InvalidInputError, match=f"y must hold finite labels, got {got} rows"):
        JTTClassifier(GaussianNB()).fit(shortcut.X, y)


@pytest.mark.parametrize("value", [1e308, float(2**63)])
def test_numbers_beyond_the_integers_are_no_classes_and_warn_of_nothing(shortcut, value):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        JTTClassifier(GaussianNB()).fit(shortcut.X, [value, 0.0] * 750)


@pytest.mark.parametrize("missing", [None, pd.NA, np.nan])
def test_groups_and_errors_that_are_missing_are_refused(shortcut, missing):
    model = JTTClassifier(GaussianNB())
    with pytest.raises(InvalidInputError, match="groups must name the group of every row, got 1500 of 1500"):
        model.fit(shortcut.X, shortcut.y, groups=[missing] * 1500)
    with pytest.raises(InvalidInputError, match="misidentified must be 1500 booleans"):
        model.fit(shortcut.X, shortcut.y, misidentified=[missing] * 1500)


def test_groups_of_several_kinds_are_groups_all_the_same(shortcut):
    numbers = np.arange(1500) // 50
    mixed = [f"depot {group}" if group % 2 else int(group) for group in numbers]
    model = JTTClassifier(GaussianNB()).fit(shortcut.X, shortcut.y, groups=mixed)
    assert model.report_.n_unjudged == 0
    text = ["True", "False"] * 750
    with pytest.raises(InvalidInputError, match="misidentified must be 1500 booleans"):
        model.fit(shortcut.X, shortcut.y, misidentified=text)


def test_hard_clusters_without_a_shortcut_can_open_the_gate_and_the_report_states_the_price():
    X, y = make_classification(
        n_samples=8000, n_features=5, n_informative=4, n_redundant=0, class_sep=1.0, random_state=1
    )
    plain = RandomForestClassifier(20, random_state=0).fit(X[:2000], y[:2000])
    model = JTTClassifier(RandomForestClassifier(20)).fit(X[:2000], y[:2000])
    report = model.report_
    assert report.helped
    assert report.accuracy_base - report.accuracy_balanced > 0.01
    assert f"{report.accuracy_base:.3f} -> {report.accuracy_balanced:.3f}" in str(report)
    assert model.score(X[2000:], y[2000:]) < plain.score(X[2000:], y[2000:])


@pytest.mark.parametrize("factor", ["auto", "balance", 5])
def test_a_regressor_is_no_classifier(shortcut, factor):
    with pytest.raises(
        InvalidParameterError, match="estimator must be a classifier, got the regressor Linear"
    ):
        JTTClassifier(LinearRegression(), factor=factor).fit(shortcut.X, shortcut.y)


@pytest.mark.parametrize("factor", ["auto", "balance", 5])
def test_values_that_are_neither_text_nor_numbers_are_a_type_error_as_in_scikit_learn(shortcut, factor):
    X = shortcut.X.astype(object)
    X[3, 1] = {"a": 1}
    with pytest.raises(TypeError, match=r"argument must be .* string.* number"):
        JTTClassifier(LogisticRegression(), factor=factor).fit(X, shortcut.y)
