from __future__ import annotations

import json
import pickle
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from contlearn.curation import JTTClassifier, JTTReport, jtt_weights
from contlearn.exceptions import InvalidInputError


class Votes(ClassifierMixin, BaseEstimator):
    """A nearest-mean classifier that only votes: neither weights, nor probabilities, nor decisions."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.stack([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, X):
        return self.classes_[((X[:, None] - self.means_[None]) ** 2).sum(axis=2).argmin(axis=1)]


class Watcher(DecisionTreeClassifier):
    """An identification model that notes the first column, the row's number, of what it sees."""

    seen: ClassVar[list[tuple[np.ndarray, np.ndarray]]] = []

    def fit(self, X, y, sample_weight=None):
        self.trained_ = X[:, 0]
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        Watcher.seen.append((self.trained_, X[:, 0]))
        return super().predict(X)


class Forbidden(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("nothing was to be identified")


@pytest.fixture(scope="module")
def clean(generated):
    return generated(0, n=600, shortcut=False, n_test=2000)


@pytest.fixture(scope="module")
def helped(shortcut):
    return JTTClassifier(RandomForestClassifier(20)).fit(shortcut.X, shortcut.y)


def test_a_shortcut_is_seen_and_balanced_away(shortcut, helped, accuracy):
    plain = RandomForestClassifier(20, random_state=0).fit(shortcut.X, shortcut.y)
    assert helped.report_.helped
    assert helped.report_.method == "balanced cells"
    assert accuracy(helped, shortcut)[1] > accuracy(plain, shortcut)[1] + 0.3


def test_without_a_shortcut_the_plain_model_is_fitted_and_the_report_says_so(clean):
    for plain in (RandomForestClassifier(10, random_state=3), LogisticRegression(), RidgeClassifier()):
        model = JTTClassifier(plain).fit(clean.X, clean.y)
        assert str(model.report_).startswith("JTT did not help: ")
        assert model.report_.method == "plain"
        expected = clone(plain).fit(clean.X, clean.y)
        for method in ("predict", "predict_proba", "decision_function"):
            assert hasattr(model, method) == hasattr(expected, method)
            if hasattr(expected, method):
                answer = getattr(model, method)(clean.X_test)
                np.testing.assert_array_equal(answer, getattr(expected, method)(clean.X_test))


def test_an_imbalanced_class_is_balanced_where_that_lifts_it(generated, accuracy):
    problem = generated(0, shortcut=False, positives=0.1)
    plain = RandomForestClassifier(20, random_state=0)
    model = JTTClassifier(plain).fit(problem.X, problem.y)
    assert (model.report_.helped, model.report_.method) == (False, "class-balanced")
    for rows in model.sample_indices_:
        assert np.ptp(np.bincount(problem.y[rows])) == 0
    assert accuracy(model, problem)[1] > accuracy(plain.fit(problem.X, problem.y), problem)[1] + 0.1


@pytest.mark.parametrize("factor", ["auto", "balance", 4, 2.5])
@pytest.mark.parametrize("estimator", [RandomForestClassifier(5), Votes()])
def test_rows_weights_and_parameters_reproduce_the_final_fits(shortcut, estimator, factor):
    model = JTTClassifier(estimator, factor=factor).fit(shortcut.X, shortcut.y)
    for member, rows, weights in zip(
        model.estimators_, model.sample_indices_, model.sample_weights_, strict=True
    ):
        keywords = {} if weights is None else {"sample_weight": weights}
        again = clone(member).fit(shortcut.X[rows], shortcut.y[rows], **keywords)
        np.testing.assert_array_equal(again.predict(shortcut.X_test), member.predict(shortcut.X_test))
        assert not rows.flags.writeable


def test_every_cell_is_drawn_equally_often(shortcut, helped):
    cells = 2 * shortcut.y + helped.misidentified_
    for rows in helped.sample_indices_:
        drawn = np.bincount(cells[rows], minlength=4)
        assert drawn.tolist() == [max(50, np.bincount(cells).min())] * 4
        assert (np.diff(rows) >= 0).all()


@pytest.mark.parametrize(
    "estimator",
    [RandomForestClassifier(50, random_state=0), HistGradientBoostingClassifier(random_state=0)],
    ids=["forest", "boosting"],
)
def test_forests_and_boosting_gain_on_digits_with_a_spurious_column(digits, accuracy, estimator):
    gains = []
    for seed in range(2):
        problem = digits(seed)
        plain = accuracy(clone(estimator).fit(problem.X, problem.y), problem)
        gains.append(accuracy(JTTClassifier(estimator).fit(problem.X, problem.y), problem)[1] - plain[1])
    assert np.mean(gains) > 0.1


def test_the_error_set_is_that_of_the_tree_and_finds_the_minority(shortcut, helped):
    against = (shortcut.X[:, 6] > 0) != shortcut.y
    found = helped.misidentified_
    assert found[against].mean() > 0.8
    assert against[found].mean() > 0.7
    assert helped.report_.n_errors == found.sum()
    assert not found.flags.writeable


def test_the_same_random_state_gives_the_same_answer_and_another_one_another(shortcut):
    def draws(random_state):
        model = JTTClassifier(GaussianNB(), gate="off", random_state=random_state)
        return model.fit(shortcut.X[:400], shortcut.y[:400])

    first, second = draws(5), draws(np.random.default_rng(5))
    assert all(map(np.array_equal, first.sample_indices_, second.sample_indices_))
    assert first.report_ == second.report_
    old_kind = [draws(np.random.RandomState(5)).sample_indices_[0].tolist() for _ in range(2)]
    assert old_kind[0] == old_kind[1]
    assert not np.array_equal(first.sample_indices_[0], draws(6).sample_indices_[0])
    np.random.seed(0)  # noqa: NPY002  the global state must not matter
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    assert not np.array_equal(draws(None).sample_indices_[0], draws(None).sample_indices_[0])
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_renaming_the_labels_changes_nothing_but_the_names(shortcut):
    names = np.array(["zebra", "ant"])  # the order of the classes is reversed
    numbered = JTTClassifier(GaussianNB()).fit(shortcut.X, shortcut.y)
    named = JTTClassifier(GaussianNB()).fit(shortcut.X, names[shortcut.y])
    np.testing.assert_array_equal(numbered.misidentified_, named.misidentified_)
    assert all(map(np.array_equal, numbered.sample_indices_, named.sample_indices_))
    assert named.report_.gain == numbered.report_.gain
    assert [name for name, _ in named.report_.enrichment] == [
        str(names[int(n)]) for n, _ in numbered.report_.enrichment
    ]
    np.testing.assert_array_equal(names[numbered.predict(shortcut.X_test)], named.predict(shortcut.X_test))
    np.testing.assert_allclose(
        numbered.predict_proba(shortcut.X_test), named.predict_proba(shortcut.X_test)[:, ::-1]
    )


def test_a_number_is_the_paper_by_weights(shortcut):
    model = JTTClassifier(LogisticRegression(), factor=5).fit(shortcut.X, shortcut.y)
    weights = np.where(model.misidentified_, 5.0, 1.0)
    np.testing.assert_array_equal(model.sample_weights_[0], weights)
    expected = LogisticRegression().fit(shortcut.X, shortcut.y, sample_weight=weights)
    np.testing.assert_array_equal(model.decision_function(shortcut.X), expected.decision_function(shortcut.X))
    assert (model.report_.method, model.report_.helped) == ("weights", None)
    given = np.linspace(0.5, 2, len(weights))
    model.fit(shortcut.X, shortcut.y, sample_weight=given, misidentified=weights == 5)
    np.testing.assert_allclose(model.sample_weights_[0], weights * given)


def test_a_number_is_the_paper_by_copies_where_no_weight_is_taken(shortcut):
    model = JTTClassifier(Votes(), factor=3).fit(shortcut.X, shortcut.y)
    counts = np.bincount(model.sample_indices_[0])
    np.testing.assert_array_equal(counts, np.where(model.misidentified_, 3, 1))
    assert (model.report_.method, model.sample_weights_) == ("copies", [None])


def test_balance_gives_every_cell_the_same_weight(shortcut):
    given = np.random.default_rng(0).uniform(0.5, 2, len(shortcut.y))
    for weights in (None, given):
        model = JTTClassifier(GaussianNB(), factor="balance").fit(shortcut.X, shortcut.y, weights)
        totals = np.bincount(2 * shortcut.y + model.misidentified_, weights=model.sample_weights_[0])
        np.testing.assert_allclose(totals, totals[0])


def test_ready_errors_are_used_and_nothing_is_identified(shortcut):
    champion = GaussianNB().fit(shortcut.X[:300], shortcut.y[:300])
    wrong = champion.predict(shortcut.X) != shortcut.y
    for mask in (wrong, wrong.tolist(), wrong.astype(int)):
        model = JTTClassifier(LogisticRegression(), identifier=Forbidden(), factor=2)
        model.fit(shortcut.X, shortcut.y, misidentified=mask)
        np.testing.assert_array_equal(model.misidentified_, wrong)
    expected = jtt_weights(shortcut.y, champion.predict(shortcut.X), 2)
    np.testing.assert_array_equal(model.sample_weights_[0], expected)


@pytest.mark.parametrize("mask", [[3, 5, 9], np.full(1500, 2), np.full(1500, 0.5), np.zeros((1500, 1))])
def test_row_numbers_instead_of_a_mask_are_refused(shortcut, mask):
    with pytest.raises(InvalidInputError, match="misidentified must be 1500 booleans"):
        JTTClassifier(GaussianNB()).fit(shortcut.X, shortcut.y, misidentified=mask)


def test_errors_of_an_identifier_are_out_of_fold(shortcut):
    # a full tree makes no error on what it was fitted to
    model = JTTClassifier(GaussianNB(), identifier=DecisionTreeClassifier(random_state=0), factor=2)
    model.fit(shortcut.X, shortcut.y)
    assert 0.02 < model.misidentified_.mean() < 0.3


def test_time_order_is_kept_and_untested_rows_are_reported(shortcut):
    X = np.column_stack([np.arange(1500), shortcut.X])
    Watcher.seen = []
    model = JTTClassifier(GaussianNB(), identifier=Watcher(), cv=TimeSeriesSplit(4)).fit(X, shortcut.y)
    assert len(Watcher.seen) == 4
    assert all(trained.max() < tested.min() for trained, tested in Watcher.seen)
    assert model.report_.n_unjudged == 300
    assert not model.misidentified_[:300].any()
    assert "300 rows never tested" in str(model.report_)


def test_groups_stay_whole(shortcut):
    groups = np.arange(1500) // 30
    X = np.column_stack([groups, shortcut.X])
    Watcher.seen = []
    JTTClassifier(GaussianNB(), identifier=Watcher(), factor=2).fit(X, shortcut.y, groups=groups)
    assert len(Watcher.seen) == 5
    assert not any(np.intersect1d(trained, tested).size for trained, tested in Watcher.seen)
    assert sum(len(tested) for _, tested in Watcher.seen) == 1500
    with pytest.raises(InvalidInputError, match="groups must name at least 2 groups"):
        JTTClassifier(GaussianNB()).fit(X, shortcut.y, groups=np.zeros(1500))


def test_rows_of_weight_zero_are_absent(shortcut):
    weights = (np.arange(1500) % 3 > 0).astype(float)
    kept = np.flatnonzero(weights)
    for estimator in (GaussianNB(), LogisticRegression()):
        weighted = JTTClassifier(estimator).fit(shortcut.X, shortcut.y, sample_weight=weights)
        shorter = JTTClassifier(estimator).fit(shortcut.X[kept], shortcut.y[kept])
        np.testing.assert_array_equal(weighted.misidentified_[kept], shorter.misidentified_)
        assert len(weighted.misidentified_) == 1500
        # drawing in proportion to equal weights and drawing freely use the generator differently
        for rows, fewer in zip(weighted.sample_indices_, shorter.sample_indices_, strict=True):
            assert len(rows) == len(fewer)
            assert weights[rows].all()


def test_heavy_rows_are_drawn_more_often(shortcut):
    weights = np.where(np.arange(1500) < 750, 1.0, 9.0)
    model = JTTClassifier(GaussianNB(), gate="off").fit(shortcut.X, shortcut.y, sample_weight=weights)
    share = np.mean([(rows >= 750).mean() for rows in model.sample_indices_])
    assert 0.85 < share < 0.95


def test_wrong_labels_are_left_out_and_handed_to_a_person(generated, accuracy):
    problem = generated(1, noise=0.1)
    wrong = problem.y != problem.y_true
    model = JTTClassifier(LogisticRegression()).fit(problem.X, problem.y)
    report, suspects = model.report_, np.array(model.report_.suspects)
    assert report.helped
    assert report.suspect_share > 0.4
    assert model.misidentified_[suspects].all()
    assert wrong[suspects].mean() > 0.8
    assert wrong[suspects].sum() > 0.5 * wrong.sum()
    assert not np.isin(np.concatenate(model.sample_indices_), suspects).any()
    assert f"{len(suspects)} suspect labels left out" in str(report)
    assert accuracy(model, problem)[1] > 0.7


def test_with_the_gate_off_cells_are_balanced_whatever_the_probe_says(clean):
    model = JTTClassifier(LogisticRegression(), gate="off").fit(clean.X, clean.y)
    assert (model.report_.method, model.report_.helped) == ("balanced cells", None)
    assert model.report_.gain is not None
    assert len(model.estimators_) == 10


@pytest.mark.parametrize(
    ("estimator", "members"),
    [
        (RandomForestClassifier(2), 3),
        (ExtraTreesClassifier(2), 3),
        (HistGradientBoostingClassifier(max_iter=2), 5),
        (GradientBoostingClassifier(n_estimators=2), 5),
        (GaussianNB(), 10),
        (make_pipeline(StandardScaler(), RandomForestClassifier(2)), 3),
    ],
)
def test_the_size_of_the_average_follows_the_model(shortcut, estimator, members):
    assert len(JTTClassifier(estimator).fit(shortcut.X, shortcut.y).estimators_) == members
    assert len(JTTClassifier(estimator, n_estimators=2).fit(shortcut.X, shortcut.y).estimators_) == 2


@pytest.mark.parametrize(
    "estimator", [GaussianNB(), RidgeClassifier(), Votes(), SVC(), KNeighborsClassifier(20)]
)
def test_an_average_answers_as_its_members_can(shortcut, estimator, accuracy):
    model = JTTClassifier(estimator).fit(shortcut.X, shortcut.y)
    assert len(model.estimators_) == 10
    for method in ("predict_proba", "decision_function"):
        assert hasattr(model, method) == hasattr(estimator, method)
        if hasattr(estimator, method):
            expected = np.mean([getattr(m, method)(shortcut.X_test) for m in model.estimators_], axis=0)
            np.testing.assert_allclose(getattr(model, method)(shortcut.X_test), expected)
    assert accuracy(model, shortcut)[1] > accuracy(clone(estimator).fit(shortcut.X, shortcut.y), shortcut)[1]


def test_the_report_adds_up_and_is_a_value(shortcut, helped):
    report = helped.report_
    assert report.n_rows == 1500 == sum(cell.rows for cell in report.cells)
    assert report.n_errors == sum(cell.rows for cell in report.cells if cell.misidentified)
    gains = [cell.balanced_accuracy - cell.base_accuracy for cell in report.cells]
    assert report.gain == pytest.approx(np.mean(gains))
    total = sum(cell.rows * cell.base_accuracy for cell in report.cells) / 1500
    assert report.accuracy_base == pytest.approx(total)
    wrong = [cell for cell in report.cells if cell.misidentified]
    on_errors = sum(cell.rows * cell.base_accuracy for cell in wrong) / report.n_errors
    assert report.accuracy_on_errors == pytest.approx(on_errors)
    shares = dict(report.enrichment)
    for label in (0, 1):
        share = helped.misidentified_[shortcut.y == label].mean() / helped.misidentified_.mean()
        assert shares[str(label)] == pytest.approx(share)
    assert report.standard_error < report.gain / 2.5
    assert pickle.loads(pickle.dumps(report)) == report
    assert json.loads(json.dumps(report.to_dict()))["cells"][0]["rows"] == report.cells[0].rows
    assert "\n" not in str(report)
    assert "<table>" in report._repr_html_()
    assert hash(report) == hash(pickle.loads(pickle.dumps(report)))
    with pytest.raises(AttributeError):
        report.gain = 1.0
    assert isinstance(report, JTTReport)


def test_fitting_leaves_the_arguments_alone(shortcut):
    X, y = shortcut.X.copy(), shortcut.y.copy()
    weights, mask = np.ones(1500), np.zeros(1500, dtype=bool)
    for array in (X, y, weights, mask):
        array.flags.writeable = False
    estimator = GaussianNB()
    JTTClassifier(estimator, factor=2).fit(X, y, sample_weight=weights, misidentified=mask)
    assert not hasattr(estimator, "classes_")
    weights.flags.writeable = mask.flags.writeable = True  # and none of them was kept
