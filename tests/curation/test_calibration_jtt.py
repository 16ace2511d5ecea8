from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from contlearn.curation import JTTClassifier

pytestmark = pytest.mark.calibration

FOREST = RandomForestClassifier(50, random_state=0)
BOOSTING = HistGradientBoostingClassifier(random_state=0)
LINEAR = make_pipeline(StandardScaler(), LogisticRegression())
SMALL_BOOSTING = HistGradientBoostingClassifier(max_leaf_nodes=4, max_iter=60, random_state=0)
CAPPED_FOREST = RandomForestClassifier(50, min_samples_leaf=20, random_state=0)
EXTRA_TREES = ExtraTreesClassifier(50, random_state=0)


@pytest.fixture
def compare(accuracy, record_property):
    def scores(estimator, problems, **settings):
        """Average and worst-group accuracy: one row per problem, plain and JTT."""
        table = []
        for problem in problems:
            plain = clone(estimator).fit(problem.X, problem.y)
            ours = JTTClassifier(estimator, **settings).fit(problem.X, problem.y)
            table.append([accuracy(plain, problem), accuracy(ours, problem)])
        means = np.array(table).mean(axis=0)
        for name, row in zip(("plain", "jtt"), means, strict=True):
            record_property(name, f"average {row[0]:.3f}, worst group {row[1]:.3f}")
        return np.array(table)

    return scores


@pytest.mark.parametrize("estimator", [FOREST, BOOSTING], ids=["forest", "boosting"])
def test_the_worst_group_of_digits_with_a_spurious_column_gains_over_ten_seeds(digits, compare, estimator):
    table = compare(estimator, [digits(seed) for seed in range(10)])
    average, worst = table[..., 0], table[..., 1]
    assert (worst[:, 1] - worst[:, 0]).mean() >= 0.10
    assert worst[:, 1].mean() >= 0.70
    assert average[:, 1].mean() > average[:, 0].mean()  # half of the test rows contradict the column


@pytest.mark.parametrize("estimator", [FOREST, BOOSTING], ids=["forest", "boosting"])
def test_digits_without_a_spurious_column_lose_nothing_over_ten_seeds(digits, compare, estimator):
    table = compare(estimator, [digits(seed, shortcut=False) for seed in range(10)])
    for score in (table[..., 0], table[..., 1]):
        assert (score[:, 1] - score[:, 0]).mean() >= -0.005


@pytest.mark.parametrize(
    ("estimator", "least"),
    [
        (LINEAR, 0.84),
        (FOREST, 0.80),
        (CAPPED_FOREST, 0.80),
        (EXTRA_TREES, 0.78),
        (BOOSTING, 0.80),
        (SMALL_BOOSTING, 0.82),
    ],
    ids=["linear", "forest", "capped forest", "extra trees", "boosting", "small boosting"],
)
def test_the_worst_group_of_the_generated_set(generated, compare, estimator, least):
    table = compare(estimator, [generated(seed) for seed in range(3)])
    average, worst = table[:, 1, 0], table[:, 1, 1]
    assert worst.mean() >= least
    assert worst.min() >= 0.75
    assert average.mean() >= 0.85


@pytest.mark.parametrize("estimator", [LINEAR, FOREST, BOOSTING], ids=["linear", "forest", "boosting"])
@pytest.mark.parametrize("noise", [0.05, 0.10])
def test_wrong_labels_do_not_undo_the_gain(generated, compare, estimator, noise):
    table = compare(estimator, [generated(seed, noise=noise) for seed in range(2)])
    assert table[:, 1, 1].mean() >= (0.74 if estimator is LINEAR else 0.76)


@pytest.mark.parametrize("estimator", [LINEAR, FOREST, BOOSTING], ids=["linear", "forest", "boosting"])
def test_many_wrong_labels_do_no_harm_and_a_stated_shortcut_still_pays(generated, compare, estimator):
    problems = [generated(seed, noise=0.20) for seed in range(2)]
    gated = compare(estimator, problems)[..., 1]
    assert (gated[:, 1] - gated[:, 0]).mean() >= -0.005
    assert compare(estimator, problems, gate="off")[:, 1, 1].mean() >= 0.70


@pytest.mark.parametrize("estimator", [LINEAR, FOREST, BOOSTING], ids=["linear", "forest", "boosting"])
def test_a_rare_class_gains(generated, compare, estimator):
    table = compare(estimator, [generated(seed, shortcut=False, positives=0.1) for seed in range(2)])
    worst = table[..., 1]
    assert (worst[:, 1] - worst[:, 0]).mean() >= 0.10
