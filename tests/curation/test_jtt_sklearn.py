from __future__ import annotations

from collections import Counter
from contextlib import nullcontext, suppress
from unittest import SkipTest

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.sparse import coo_array
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import estimator_checks_generator

from contlearn.curation import JTTClassifier
from contlearn.exceptions import InvalidInputError

CHECKED = {
    "auto": JTTClassifier(LogisticRegression()),
    "identifier": JTTClassifier(DecisionTreeClassifier(max_depth=4), identifier=LogisticRegression()),
    "factor 5": JTTClassifier(LogisticRegression(), identifier=LogisticRegression(), factor=5),
    "balance": JTTClassifier(LogisticRegression(), identifier=LogisticRegression(), factor="balance"),
}


def common_checks():
    seen: Counter[str] = Counter()
    for name, model in CHECKED.items():
        for estimator, check in estimator_checks_generator(model, mark=None):
            label = f"{name}-{check.func.__name__}"
            seen[label] += 1
            yield pytest.param(estimator, check, id=f"{label}-{seen[label]}")


@pytest.mark.parametrize(("estimator", "check"), list(common_checks()))
def test_scikit_learn_finds_nothing_to_complain_about(estimator, check):
    # array API dispatch needs an environment that is not switched on here; no other check may be skipped
    with suppress(SkipTest) if "array_api" in check.func.__name__ else nullcontext():
        check(estimator)


@pytest.fixture(scope="module")
def rows(generated):
    return generated(2, n=1200)


def test_it_works_inside_a_pipeline_and_around_one(rows):
    inside = make_pipeline(StandardScaler(), JTTClassifier(GaussianNB())).fit(rows.X, rows.y)
    around = JTTClassifier(make_pipeline(StandardScaler(), GaussianNB())).fit(rows.X, rows.y)
    assert inside[-1].report_.helped
    assert around.report_.helped
    # trees do not see a scale, so both identify the same rows
    np.testing.assert_array_equal(inside[-1].misidentified_, around.misidentified_)


def test_weights_reach_the_last_step_of_pipelines_and_searches(rows):
    search = GridSearchCV(
        make_pipeline(StandardScaler(), GaussianNB()), {"gaussiannb__var_smoothing": [1e-9]}
    )
    for wrapped in (search.estimator, search, make_pipeline(StandardScaler(), search)):
        model = JTTClassifier(wrapped, factor=20).fit(rows.X, rows.y)
        assert model.report_.method == "weights"
        weights = np.where(model.misidentified_, 20.0, 1.0)
        scaled = StandardScaler().fit_transform(rows.X)
        expected = GaussianNB().fit(scaled, rows.y, sample_weight=weights).predict_proba(scaled)
        np.testing.assert_allclose(model.predict_proba(rows.X), expected, atol=1e-9)


def test_copies_are_made_where_a_part_would_not_take_weights(rows):
    blind = make_pipeline(StandardScaler(), KNeighborsClassifier())
    mixed = VotingClassifier([("a", GaussianNB()), ("b", KNeighborsClassifier())])
    for wrapped in (KNeighborsClassifier(), blind, mixed):
        model = JTTClassifier(wrapped, factor=3).fit(rows.X, rows.y)
        assert model.report_.method == "copies"
        assert len(model.sample_indices_[0]) == 1200 + 2 * model.misidentified_.sum()


def test_a_search_tunes_its_own_settings_and_those_of_the_estimator(rows):
    grid = {"factor": ["auto", 5], "estimator__max_depth": [2, 4]}
    search = GridSearchCV(JTTClassifier(RandomForestClassifier(5)), grid, cv=2, scoring="balanced_accuracy")
    search.fit(rows.X, rows.y)
    assert len(search.cv_results_["params"]) == 4
    assert search.predict(rows.X).shape == (1200,)
    assert clone(search.best_estimator_).get_params()["factor"] == search.best_params_["factor"]


def test_errors_and_weights_are_split_with_the_rows(rows):
    mask, weights = rows.X[:, 6] > 0, np.ones(1200)
    search = GridSearchCV(
        JTTClassifier(GaussianNB(), factor=2), {"factor": [2, 4]}, cv=3, error_score="raise"
    )
    search.fit(rows.X, rows.y, misidentified=mask, sample_weight=weights)
    np.testing.assert_array_equal(search.best_estimator_.misidentified_, mask)


def test_metadata_routing_needs_requests_of_this_class_only(rows):
    weights = np.random.default_rng(0).uniform(0.5, 2, 1200)
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    plain = JTTClassifier(inner, factor=5).fit(rows.X, rows.y, sample_weight=weights)
    with sklearn.config_context(enable_metadata_routing=True):
        model = JTTClassifier(inner, factor=5).set_fit_request(sample_weight=True, groups=True)
        model.set_score_request(sample_weight=False)
        routed = make_pipeline(model).fit(rows.X, rows.y, sample_weight=weights)
        np.testing.assert_array_equal(routed.predict_proba(rows.X), plain.predict_proba(rows.X))
        params = {"sample_weight": weights, "groups": np.arange(1200) // 10}
        assert cross_val_score(model, rows.X, rows.y, cv=3, params=params).shape == (3,)


@pytest.mark.parametrize(
    "library", [pd.DataFrame, lambda columns: pl.DataFrame(dict(columns))], ids=["pandas", "polars"]
)
def test_frames_keep_their_names_and_give_the_answers_of_arrays(rows, library):
    names = [f"column {j}" for j in range(rows.X.shape[1])]
    frame = library(dict(zip(names, rows.X.T.copy(), strict=True)))
    by_array = JTTClassifier(RandomForestClassifier(5)).fit(rows.X, rows.y)
    labels = pd.Series(rows.y, index=range(7, 1207)) if isinstance(frame, pd.DataFrame) else pl.Series(rows.y)
    by_frame = JTTClassifier(RandomForestClassifier(5)).fit(frame, labels)
    plain = RandomForestClassifier(2).fit(frame, rows.y)
    known = getattr(plain, "feature_names_in_", np.array([])).tolist()  # old scikit-learn, new polars: none
    assert getattr(by_frame, "feature_names_in_", np.array([])).tolist() == known
    assert by_frame.n_features_in_ == len(names)
    assert by_frame.report_ == by_array.report_
    np.testing.assert_array_equal(by_frame.predict_proba(frame), by_array.predict_proba(rows.X))
    with pytest.raises(ValueError, match="feature names") if known else nullcontext():
        by_frame.predict(frame[names[::-1]])


def with_text(rows):
    depot = np.where(rows.X[:, 6] > 0, "north", "south")
    return pd.DataFrame({"depot": depot, "a": rows.X[:, 0], "b": rows.X[:, 1], "c": rows.X[:, 2]})


def encoded(model):
    return make_pipeline(
        make_column_transformer((OneHotEncoder(), ["depot"]), remainder="passthrough"), model
    )


def test_text_columns_go_through_the_preprocessing_of_the_pipeline(rows):
    frame = with_text(rows)
    around = JTTClassifier(encoded(RandomForestClassifier(5))).fit(frame, rows.y)
    assert around.report_.helped
    assert around.misidentified_[(frame.depot == "north") != rows.y].mean() > 0.9
    frame["depot"] = frame["depot"].astype("category")
    native = HistGradientBoostingClassifier(max_iter=10, categorical_features="from_dtype")
    beside = JTTClassifier(native, identifier=encoded(DecisionTreeClassifier(max_depth=2))).fit(frame, rows.y)
    assert beside.report_.helped
    np.testing.assert_array_equal(beside.predict(frame), clone(beside).fit(frame, rows.y).predict(frame))


def test_text_columns_without_preprocessing_are_refused_by_name(rows):
    frame = with_text(rows)
    frame["day"] = pd.Timestamp("2024-01-01")
    for kind in (frame, pl.DataFrame({name: frame[name].tolist() for name in frame})):
        with pytest.raises(InvalidInputError, match=r"others in depot, day; pass a Pipeline that encodes"):
            JTTClassifier(HistGradientBoostingClassifier()).fit(kind, rows.y)
    with pytest.raises(InvalidInputError, match=r"others in 0; pass a Pipeline"):
        JTTClassifier(HistGradientBoostingClassifier()).fit(with_text(rows).to_numpy(), rows.y)


def test_documents_are_a_list_and_sparse_inside(rows):
    words = np.where(rows.X[:, :8] > 0, np.char.add("up", np.arange(8).astype(str)), "down")
    documents = [" ".join(line) for line in words]
    model = JTTClassifier(make_pipeline(CountVectorizer(), LogisticRegression())).fit(documents, rows.y)
    assert model.report_.n_errors > 0
    assert model.predict(documents[:3]).shape == (3,)


def test_sparse_columns_give_the_answers_of_dense_ones(rows):
    dense = np.where(np.abs(rows.X) > 0.5, rows.X, 0.0)
    by_dense = JTTClassifier(LogisticRegression()).fit(dense, rows.y)
    by_sparse = JTTClassifier(LogisticRegression()).fit(coo_array(dense), rows.y)
    assert by_sparse.report_ == by_dense.report_
    np.testing.assert_allclose(
        by_sparse.predict_proba(coo_array(dense).tocsr()), by_dense.predict_proba(dense), atol=1e-6
    )
