import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn import metrics as sk
from sklearn.metrics import get_scorer, make_scorer

from contlearn.evaluation import as_loss, pinball, squared_error
from contlearn.exceptions import InvalidParameterError
from contlearn.gates import MetricGain, Outcome, Trial
from contlearn.gates._metrics import METRICS

modest = settings(derandomize=True, deadline=None, max_examples=40)
ALPHA = 0.05


def trial(y, champion, challenger, groups=None):
    nothing = np.zeros(len(y))
    return Trial(nothing, nothing, y=y, champion=champion, challenger=challenger, groups=groups)


def scores(rng, n=300, prevalence=0.3, skill=(1.0, 1.0), effect=0.0):
    y = (rng.random(n) < prevalence).astype(int)
    logit = (
        np.array(skill)[:, None] * 2 * (y - 0.5) + 0.7 * rng.normal(size=n) + 0.7 * rng.normal(size=(2, n))
    )
    return y, *(1 / (1 + np.exp(-(logit + effect))))


def labels(*args, **named):
    y, one, other = scores(*args, **named)
    return y, (one > 0.5).astype(int), (other > 0.5).astype(int)


def ece(y, p):
    bins = np.minimum((p * 10).astype(int), 9)
    return sum(abs((y - p)[bins == b].sum()) for b in range(10)) / len(y)


TEXTS = np.array(["no", "yes", "maybe"])
LABELS = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "f1": sk.f1_score,
    "f1_macro": lambda y, p: sk.f1_score(y, p, average="macro"),
    "f1_weighted": lambda y, p: sk.f1_score(y, p, average="weighted"),
    "precision": sk.precision_score,
    "precision_macro": lambda y, p: sk.precision_score(y, p, average="macro"),
    "recall": sk.recall_score,
    "recall_macro": lambda y, p: sk.recall_score(y, p, average="macro"),
}
SCORES = {
    "roc_auc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
    "log_loss": lambda y, p: -sk.log_loss(y, p),
    "brier": lambda y, p: -sk.brier_score_loss(y, p),
    "expected_calibration_error": lambda y, p: -ece(y, p),
    "absolute_error": lambda y, p: -sk.mean_absolute_error(y, p),
    "squared_error": lambda y, p: -sk.mean_squared_error(y, p),
    "root_mean_squared_error": lambda y, p: -math.sqrt(sk.mean_squared_error(y, p)),
    "quantile_loss": lambda y, p: -sk.mean_pinball_loss(y, p, alpha=0.5),
    "quantile_loss(0.9)": lambda y, p: -sk.mean_pinball_loss(y, p, alpha=0.9),
    "pinball(.1)": lambda y, p: -sk.mean_pinball_loss(y, p, alpha=0.1),
    "r2": sk.r2_score,
}
KNOWN = LABELS | SCORES


def test_every_name_is_compared_with_scikit_learn():
    assert set(METRICS) <= set(KNOWN)


@pytest.mark.parametrize("digits", [1, 12])
@pytest.mark.parametrize("name", KNOWN)
def test_the_gain_is_what_scikit_learn_says(name, digits):
    y, one, other = (labels if name in LABELS else scores)(np.random.default_rng(1), skill=(0.5, 1.0))
    one, other = np.round(one, digits), np.round(other, digits)
    gain = MetricGain(name, n_resamples=100)(trial(y, one, other)).gain
    assert gain.estimate == pytest.approx(KNOWN[name](y, other) - KNOWN[name](y, one), abs=1e-9)


@pytest.mark.parametrize("name", ["accuracy", *[name for name in LABELS if "_" in name]])
def test_labels_of_more_classes_may_be_text(name):
    rng = np.random.default_rng(2)
    y, one, other = rng.integers(0, 3, (3, 200))
    gain = MetricGain(name, n_resamples=100)(trial(TEXTS[y], TEXTS[one], TEXTS[other])).gain
    assert gain.estimate == pytest.approx(KNOWN[name](y, other) - KNOWN[name](y, one), abs=1e-9)


def test_probabilities_of_more_classes():
    rng = np.random.default_rng(3)
    y, (one, other) = rng.integers(0, 3, 200), rng.dirichlet([1, 1, 1], (2, 200))
    for name, metric in (("log_loss", lambda p: sk.log_loss(y, p)), ("brier", lambda p: brier(y, p))):
        gain = MetricGain(name)(trial(y, one, other)).gain
        assert gain.estimate == pytest.approx(metric(one) - metric(other), abs=1e-4)


def brier(y, p):
    return 0.5 * ((p - np.eye(3)[y]) ** 2).sum(axis=1).mean()


@pytest.mark.parametrize(
    ("name", "grouped"), [*((name, False) for name in KNOWN), ("f1", True), ("roc_auc", True), ("r2", True)]
)
def test_all_at_once_is_the_loop(name, grouped):
    """The same law as a loop over resamples that asks scikit-learn, one by one."""
    rng = np.random.default_rng(4)
    n = 120
    y, one, other = (labels if name in LABELS else scores)(rng, n, 0.4, (0.5, 0.8))
    groups = np.arange(n) // 8 if grouped else None
    gate = MetricGain(name, n_resamples=4_000)
    paired, _ = drawn(gate, trial(y, one, other, groups))
    loop = []
    for _ in range(100):
        rows = rng.integers(0, n, n)
        if grouped:
            rows = (rng.integers(0, n // 8, n // 8)[:, None] * 8 + np.arange(8)).ravel()
        loop.append(KNOWN[name](y[rows], other[rows]) - KNOWN[name](y[rows], one[rows]))
    assert np.mean(loop) == pytest.approx(paired.mean(), abs=5 * paired.std() / 10)
    assert np.std(loop) == pytest.approx(paired.std(), rel=0.4)


def drawn(gate, t):
    from contlearn.gates import _bootstrap, _metric_gain, _settled

    codes = _settled.clusters_of(t)
    plan = _metric_gain._plan(gate.metric, t, codes, ALPHA)
    sign = 1.0 if _metric_gain._direction(gate.metric, gate.greater_is_better) else -1.0
    sizes = _metric_gain._sizes(plan, codes)
    rng = np.random.default_rng(0)
    found = _bootstrap.gather(plan.paired, sign, sizes, 100, gate.n_resamples, rng, plan.slack)
    return found.drawn, found


@pytest.mark.parametrize("name", ["f1", "log_loss", "roc_auc", "average_precision", "r2"])
@pytest.mark.parametrize("groups", [None, np.arange(200) // 10])
def test_the_error_of_the_jackknife_agrees_with_the_bootstrap(name, groups):
    y, one, other = (labels if name in LABELS else scores)(np.random.default_rng(5), 200)
    paired, found = drawn(MetricGain(name, n_resamples=4_000), trial(y, one, other, groups))
    assert found.mean.standard_error == pytest.approx(paired.std(), rel=0.2)


@given(
    st.integers(0, 10_000), st.sampled_from(["f1", "recall", "brier", "quantile_loss(0.9)"]), st.booleans()
)
@modest
def test_the_test_decides_and_the_interval_explains(seed, name, grouped):
    rng = np.random.default_rng(seed)
    y, one, other = (labels if name in LABELS else scores)(rng, 80, 0.4, (1.0, rng.choice([0.2, 1.0, 3.0])))
    groups = np.arange(80) // 5 if grouped else None
    for margin in (-0.1, 0.0, 0.1):
        gate = MetricGain(name, margin, n_resamples=400)
        verdict = gate(trial(y, one, other, groups))
        assert verdict == gate(trial(y, one, other, groups))
        if verdict.p_value is None:
            assert verdict.outcome is Outcome.CONTINUE
            continue
        assert verdict.promote == (verdict.p_value <= ALPHA) == (verdict.gain.low > margin)
        assert (verdict.outcome is Outcome.REJECT) == (verdict.gain.high < margin)
        assert verdict.gain.low <= verdict.gain.estimate <= verdict.gain.high
        if margin >= 0.0:
            assert not (verdict and gate(trial(y, other, one, groups)))


def test_p_is_one_plus_the_resamples_below_the_margin():
    y, one, other = labels(np.random.default_rng(6), 2_000, skill=(0.2, 2.0))
    assert MetricGain("f1", n_resamples=999)(trial(y, one, other)).p_value == 1 / 1000


SCORERS = {
    "matthews_corrcoef": labels,
    "neg_log_loss": scores,
    "neg_brier_score": scores,
    "neg_mean_absolute_error": scores,
}


@pytest.mark.parametrize("name", SCORERS)
def test_scikit_learn_scorers_by_name_and_by_object(name):
    t = trial(*SCORERS[name](np.random.default_rng(7), 100, skill=(0.5, 2.0)))
    by_name, by_object = (
        MetricGain(each, alpha=0.2, n_resamples=100)(t) for each in (name, get_scorer(name))
    )
    assert by_name.gain == by_object.gain
    metric = get_scorer(name)._score_func
    sign = -1 if name.startswith("neg") else 1
    expected = sign * (metric(t.y, t.challenger) - metric(t.y, t.champion))
    assert by_name.gain.estimate == pytest.approx(expected, abs=1e-9)


def test_a_scorer_of_counts_gets_the_predictions_as_they_are():
    """Whole numbers as labels are no reason to take predictions for classes."""
    rng = np.random.default_rng(8)
    y = rng.poisson(3, 60)
    one, other = y + rng.normal(size=(2, 60))
    scorer = make_scorer(sk.mean_absolute_error, greater_is_better=False)
    gain = MetricGain(scorer, n_resamples=100)(trial(y, one, other)).gain
    assert gain.estimate == pytest.approx(np.abs(y - one).mean() - np.abs(y - other).mean(), abs=1e-9)


def test_a_scorer_of_probabilities_of_more_classes():
    rng = np.random.default_rng(9)
    y, (one, other) = rng.integers(0, 3, 90), rng.dirichlet([1, 1, 1], (2, 90))
    gain = MetricGain("roc_auc_ovr", alpha=0.3, n_resamples=100)(trial(y, one, other)).gain
    auc = [sk.roc_auc_score(y, p, multi_class="ovr") for p in (one, other)]
    assert gain.estimate == pytest.approx(auc[1] - auc[0], abs=1e-9)


def weighted_f1(y, p, sample_weight=None):
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    return 2 * (y * p) @ weights / ((y + p) @ weights)


def plain_f1(y, p):
    return weighted_f1(y, p)


def test_functions_by_weights_and_by_rows_agree_with_the_name():
    """The lower limits are quantiles of different draws."""
    t = trial(*labels(np.random.default_rng(10), 150, skill=(0.5, 1.0)))
    named = MetricGain("f1", n_resamples=400)(t).gain
    for function in (weighted_f1, plain_f1):
        gain = MetricGain(function, n_resamples=400, greater_is_better=True)(t).gain
        assert gain.estimate == pytest.approx(named.estimate, abs=1e-12)
        assert gain.low == pytest.approx(named.low, abs=0.25 * (named.high - named.low))
        opposite = MetricGain(function, n_resamples=400, greater_is_better=False)(t)
        assert opposite.gain.estimate == -gain.estimate


def test_a_loss_of_rows_is_their_mean():
    y, one, other = scores(np.random.default_rng(11))
    rows = MetricGain(pinball(0.9), greater_is_better=False)(trial(y, one, other))
    named = MetricGain("quantile_loss(0.9)")(trial(y, one, other))
    assert rows.gain == named.gain


N = 60
Y = np.arange(N) % 2
P = 0.5 + 0.4 * np.sin(np.arange(N))
Q = 0.5 + 0.4 * np.cos(np.arange(N))
A, B = (P > 0.5).astype(int), Y
LAST = np.arange(N) == N - 1
ODD = {
    "identical models": ("f1", Y, A, A, None, "moves alike"),
    "identical scores": ("average_precision", Y, P, P, None, "moves alike"),
    "all NaN": ("brier", Y, np.full(N, np.nan), Q, None, "60 of 60 rows that are NaN"),
    "one NaN": ("roc_auc", Y, P, np.where(LAST, np.nan, Q), None, "1 of 60 rows that are NaN"),
    "one NaN label": ("f1", np.where(LAST, np.nan, Y), A, B, None, "1 of 60 rows that are NaN"),
    "empty": ("f1", [], [], [], None, "no rows"),
    "one row": ("brier", [1], [0.1], [0.9], None, "cannot show a gain"),
    "one row, f1": ("f1", [1], [0], [1], None, "cannot show a gain"),
    "four rows": ("brier", Y[:4], P[:4], Q[:4], None, "cannot show a gain"),
    "perfect separation by both": ("roc_auc", Y, Y + 0.1, Y + 0.2, None, "moves alike"),
    "both perfect": ("f1", Y, Y, Y, None, "moves alike"),
    "no positives": ("f1", np.zeros(N), A, B, None, "0 of what the metric counts"),
    "one class": ("roc_auc", np.ones(N), P, Q, None, "both classes"),
    "three positives": ("average_precision", np.arange(N) < 3, P, Q, None, "3 of what the metric counts"),
    "probabilities for labels": ("f1", Y, P, Q, None, "pass predicted labels"),
    "probabilities for labels, too": ("accuracy", Y, P, Q, None, "pass model.predict(X)"),
    "labels beyond the columns": ("log_loss", Y + 1, P, Q, None, "y must hold the classes 0 to 1"),
    "a table for labels": ("f1", Y, np.c_[P, Q], np.c_[P, Q], None, "pass predicted labels"),
    "a table for labels, too": ("accuracy", Y, np.c_[P, Q], np.c_[P, Q], None, "pass predicted labels"),
    "text for f1": (
        "f1",
        TEXTS[Y],
        TEXTS[A],
        TEXTS[B],
        None,
        "such as (y == 'yes').astype(int); or choose f1_mac",
    ),
    "text for ranks": ("roc_auc", TEXTS[Y], P, Q, None, "label positives 1 and the others 0"),
    "text for probabilities": ("brier", TEXTS[Y], P, Q, None, "np.searchsorted(model.classes_, y)"),
    "probabilities beside text": ("accuracy", TEXTS[Y], P, Q, None, "pass predicted labels"),
    "different classes": ("log_loss", Y, np.ones((N, 3)) / 3, np.ones((N, 2)) / 2, None, "3 classes like"),
    "no probability": ("brier", Y, P * 3, Q, None, "lie between 0 and 1"),
    "a row without a group": ("f1", Y, A, B, [None] + ["a"] * (N - 1), "name the group of every row"),
    "one group": ("brier", Y, P, Q, ["a"] * N, "1 of what the metric counts"),
    "four groups": ("brier", Y, P, Q, np.arange(N) // 15, "4 of what the metric counts"),
    "a scorer that fails": ("neg_log_loss", TEXTS[Y], TEXTS[A], TEXTS[B], None, "metric must answer"),
}


@pytest.mark.parametrize("case", ODD)
def test_want_of_data_continues_and_says_why(case):
    name, y, champion, challenger, groups, words = ODD[case]
    verdict = MetricGain(name, n_resamples=200)(trial(y, champion, challenger, groups))
    assert verdict.outcome is Outcome.CONTINUE
    assert words in verdict.reason
    assert "\n" not in verdict.reason


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda y, p: 1 / 0, "ZeroDivisionError"),
        (lambda y, p: [1.0, 2.0], "shape (2,)"),
        (lambda y, p: math.nan, "undefined"),
        (lambda y, p: np.full(len(y), np.inf), "must be finite"),
        (lambda y, p: 0.5, "moves alike"),
    ],
)
def test_a_function_that_does_not_answer_continues(function, words):
    verdict = MetricGain(function, n_resamples=100, greater_is_better=True)(trial(Y, A, B))
    assert verdict.outcome is Outcome.CONTINUE
    assert words in verdict.reason


def test_resamples_on_which_the_metric_is_undefined_count_against_either_claim():
    half, y = np.arange(200) % 2, np.ones(200, int)
    never = MetricGain(
        lambda t, p, sample_weight: (
            np.average(p == t, weights=sample_weight) if sample_weight.max() == 1 else math.nan
        ),
        n_resamples=300,
        greater_is_better=True,
    )
    verdict = never(trial(y, half, y))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.p_value == 1.0


def test_a_trial_of_losses_only_is_told_what_it_lacks():
    verdict = MetricGain("f1")(Trial([1, 0], [0, 0]))
    assert verdict.outcome is Outcome.CONTINUE
    assert "no y, champion, challenger" in verdict.reason


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"metric": "f2"}, "metric must be a metric, got f2"),
        ({"metric": 3}, "metric must be a name"),
        ({"metric": plain_f1}, "greater_is_better must be given"),
        ({"metric": "f1", "greater_is_better": False}, "greater_is_better must be True"),
        ({"metric": "quantile_loss(1.5)"}, "metric must be a metric"),
        ({"metric": "f1", "alpha": 0.5}, "alpha must be strictly between 0 and 0.5"),
        ({"metric": "f1", "n_resamples": 10}, "n_resamples must be at least 100"),
        ({"metric": "f1", "random_state": -1}, "random_state must be at least 0"),
        ({"metric": "f1", "margin": math.inf}, "margin must be finite"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(InvalidParameterError, match=words.replace("(", r"\(")):
        MetricGain(**arguments)


def test_a_small_alpha_has_the_resamples_that_it_takes():
    t = trial(*labels(np.random.default_rng(12), 2_000, skill=(0.2, 3.0)))
    assert MetricGain("f1").tightened(0.001)(t).promote
    assert MetricGain("f1").tightened(0.001).n_resamples == 2000
    tiny = MetricGain("f1", alpha=1e-6)(t)
    assert tiny.outcome is Outcome.CONTINUE
    assert "resamples cannot show p <= 1e-06" in tiny.reason


def test_fresh_draws_differ_and_seeded_ones_do_not():
    t = trial(*scores(np.random.default_rng(13)))
    fresh = {MetricGain("brier", n_resamples=200, random_state=None)(t).p_value for _ in range(8)}
    seeded = {MetricGain("brier", n_resamples=200, random_state=3)(t).p_value for _ in range(3)}
    assert len(seeded) == 1
    assert len(fresh) > 1


def test_it_pickles_with_its_function():
    gate = MetricGain(plain_f1, greater_is_better=True)
    assert pickle.loads(pickle.dumps(gate)) == gate


def test_scikit_learn_stays_out_unless_it_is_asked_for():
    code = """
import sys
import numpy as np
from contlearn.gates import AUCGain, Calibrated, MetricGain, Trial
y = np.arange(40) % 2
p = 0.5 + 0.4 * np.sin(np.arange(40))
t = Trial(y, y, y=y, champion=p, challenger=p[::-1])
for gate in (AUCGain(), Calibrated(), MetricGain("roc_auc"), MetricGain("brier")):
    gate(t)
print([name for name in ("sklearn", "scipy.stats", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def most(repeats, rate=ALPHA):
    return int(binom.isf(1e-6, repeats, rate))


def quantiles(rng, n, groups=None):
    effect = 0 if groups is None else rng.normal(size=(2, groups.max() + 1))[:, groups]
    return rng.gamma(2, size=n), *(2 + 0.8 * rng.normal(size=(2, n)) + 2 * effect)


def skilled(make, rng, groups):
    """Whole groups suit one of the models."""
    n = groups.size
    y = (rng.random(n) < 0.3).astype(int)
    z = y - 0.5 + 0.7 * rng.normal(size=n) + 0.7 * rng.normal(size=(2, n))
    z += 0.8 * rng.normal(size=(2, groups.max() + 1))[:, groups] * (y - 0.5)
    return (y, *(z > 0).astype(int)) if make is labels else (y, *(1 / (1 + np.exp(-z))))


EQUAL = {"f1": labels, "precision": labels, "average_precision": scores, "quantile_loss(0.9)": quantiles}


@pytest.mark.calibration
@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("name", EQUAL)
def test_equal_models_are_promoted_at_most_at_alpha(name, n):
    rng = np.random.default_rng([1, n])
    repeats = {1000: 40, 200: 200, 50: 400}[n] if name == "average_precision" else 500
    gate = MetricGain(name, n_resamples=400)
    wrong = sum(gate(trial(*EQUAL[name](rng, n))).promote for _ in range(repeats))
    assert wrong <= most(repeats)
    if n >= 200 and repeats == 500:
        assert wrong >= 0.01 * repeats


@pytest.mark.calibration
@pytest.mark.parametrize("clusters", [7, 14, 50])
@pytest.mark.parametrize("name", EQUAL)
@pytest.mark.parametrize("sizes", ["equal", "unequal"])
def test_clusters_that_suit_one_model_are_promoted_at_most_at_alpha(name, clusters, sizes):
    rng = np.random.default_rng([2, clusters])
    spread = (
        np.zeros(clusters) if sizes == "equal" else 0.8 * np.random.default_rng(1).standard_normal(clusters)
    )
    groups = np.repeat(np.arange(clusters), np.maximum(1, np.round(20 * np.exp(spread))).astype(int))
    repeats = 80 if name == "average_precision" else 400
    gate = MetricGain(name, n_resamples=400)
    wrong = 0
    for _ in range(repeats):
        rows = (
            quantiles(rng, groups.size, groups)
            if EQUAL[name] is quantiles
            else skilled(EQUAL[name], rng, groups)
        )
        wrong += gate(trial(*rows, groups)).promote
    assert wrong <= most(repeats)


@pytest.mark.calibration
@pytest.mark.parametrize("n", [50, 200, 1000])
def test_a_coarse_forecaster_does_not_look_better_calibrated_than_a_fine_one(n):
    """Both are perfectly calibrated; in few rows the finer one shows a larger error."""
    rng = np.random.default_rng([3, n])
    gate, wrong = MetricGain("expected_calibration_error", n_resamples=400), 0
    for _ in range(400):
        p = rng.beta(2, 3, n)
        wrong += gate(trial((rng.random(n) < p).astype(int), p, np.full(n, 0.4))).promote
    assert wrong <= most(400)


@pytest.mark.calibration
@pytest.mark.parametrize("n", [50, 200, 1000])
def test_equally_wrong_promises_are_promoted_at_most_at_alpha(n):
    rng = np.random.default_rng([4, n])
    gate, wrong = MetricGain("expected_calibration_error", n_resamples=400), 0
    for _ in range(400):
        p = 0.15 + 0.7 * rng.beta(2, 3, n)
        wrong += gate(trial((rng.random(n) < p).astype(int), p + 0.1, p - 0.1)).promote
    assert wrong <= most(400)


@pytest.mark.parametrize(
    "loss",
    [pinball(0.9), squared_error, as_loss(lambda y, p: -np.abs(y - p))],
    ids=["pinball", "squared error", "a score"],
)
def test_the_losses_of_evaluation_know_their_direction(loss):
    told = MetricGain(loss, n_resamples=200, greater_is_better=False)
    assert MetricGain(loss, n_resamples=200)(trial(Y, P, Q)) == told(trial(Y, P, Q))
    with pytest.raises(InvalidParameterError, match="greater_is_better must be False or None"):
        MetricGain(loss, greater_is_better=True)


@pytest.mark.parametrize("name", ["absolute_error", "squared_error"])
def test_errors_go_by_the_name_that_scikit_learn_gives_them_too(name):
    one, other = (MetricGain(each, n_resamples=200)(trial(Y, P, Q)) for each in (name, f"mean_{name}"))
    assert (one.gain, one.p_value) == (other.gain, other.p_value)


def test_one_column_of_labels_is_a_column():
    narrow = trial(Y, np.c_[A], np.c_[B])
    assert MetricGain("f1", n_resamples=200)(narrow) == MetricGain("f1", n_resamples=200)(trial(Y, A, B))


def flags(rng, n, shares, right=0.9):
    """Two models that are right in as many of their flags; the challenger's are some of the champion's."""
    champion = rng.random(n) < shares[0]
    challenger = champion & (rng.random(n) < shares[1] / shares[0])
    y = np.where(champion, rng.random(n) < right, rng.random(n) < 0.3)
    return y.astype(int), champion.astype(int), challenger.astype(int)


def test_a_few_flags_that_are_all_right_prove_little():
    y = np.r_[np.ones(270, int), np.zeros(730, int)]
    champion, challenger = np.zeros((2, 1000), int)
    champion[:300], challenger[:12] = 1, 1  # precision 0.9 and 12 of 12
    verdict = MetricGain("precision", n_resamples=400)(trial(y, champion, challenger))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.gain.estimate == pytest.approx(0.1)
    assert verdict.gain.low < 0.05 ** (1 / 12) - 0.9 + 1e-9


@pytest.mark.calibration
@pytest.mark.parametrize(("n", "shares"), [(1000, (0.3, 0.01)), (300, (0.3, 0.02)), (200, (0.4, 0.05))])
@pytest.mark.parametrize("name", ["precision", "precision_macro"])
def test_few_flags_are_promoted_at_most_at_alpha(name, n, shares):
    rng, gate = np.random.default_rng([5, n]), MetricGain(name, n_resamples=400)
    assert sum(gate(trial(*flags(rng, n, shares))).promote for _ in range(300)) <= most(300)
