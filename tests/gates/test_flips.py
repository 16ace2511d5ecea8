import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from contlearn.evaluation import log_loss, zero_one
from contlearn.exceptions import InvalidParameterError
from contlearn.gates import Churn, Gain, NegativeFlips, Outcome, Trial
from contlearn.testing import check_gate

modest = settings(derandomize=True, deadline=None, max_examples=80)
NAN, INF = math.nan, math.inf
limits = st.sampled_from([0.01, 0.05, 0.3, 0.9])
alphas = st.sampled_from([0.001, 0.05, 0.3])


def flipping(negative, positive, same, wrong=0, **columns):
    """A zero-one trial with so many flips; `same` rows are right for both, `wrong` rows wrong for both."""
    champion = [0] * negative + [1] * positive + [0] * same + [1] * wrong
    challenger = [1] * negative + [0] * positive + [0] * same + [1] * wrong
    return Trial(champion, challenger, **columns)


def labelled(champion, challenger, y=None, loss=None, **columns):
    y = [0] * len(champion) if y is None else y
    losses = np.linspace(0.1, 0.2, len(champion)) if loss is None else loss
    return Trial(losses, losses[::-1], y=y, champion=champion, challenger=challenger, **columns)


@given(st.integers(0, 60), st.integers(0, 40), st.integers(1, 300), limits, alphas)
@modest
def test_the_share_has_the_exact_bounds_of_clopper_and_pearson(negative, positive, same, limit, alpha):
    trial = flipping(negative, positive, same)
    n = trial.n_samples
    verdict = NegativeFlips(limit, alpha)(trial)
    exact = binomtest(negative, n).proportion_ci(1.0 - 2.0 * alpha, method="exact")
    below = binomtest(negative, n, limit, alternative="less").pvalue
    above = binomtest(negative, n, limit, alternative="greater").pvalue
    assert verdict.p_value == pytest.approx(below, rel=1e-9)
    if abs(exact.high - limit) > 1e-9:
        assert verdict.promote == (exact.high <= limit)
    if abs(exact.low - limit) > 1e-9:
        assert (verdict.outcome is Outcome.REJECT) == (exact.low > limit)
    assert (verdict.outcome is Outcome.REJECT) == (above <= alpha and below > alpha)
    assert f"({n} row" in verdict.reason
    assert verdict.gain is None
    assert (verdict.needed is None) or (verdict.needed >= 1 and not verdict.final)


@given(st.integers(0, 60), st.integers(1, 300), limits, alphas)
@modest
def test_churn_and_flips_agree_where_every_changed_label_is_a_flip(changed, same, limit, alpha):
    n = changed + same
    churn = Churn(limit, alpha)(labelled([0] * n, [1] * changed + [0] * same))
    flips = NegativeFlips(limit, alpha)(flipping(changed, 0, same))
    assert (churn.outcome, churn.p_value, churn.needed) == (flips.outcome, flips.p_value, flips.needed)


def test_the_fewest_rows_without_a_flip_are_those_of_the_formula():
    for limit, fewest in [(0.01, 299), (0.05, 59)]:
        assert NegativeFlips(limit)(flipping(0, 0, fewest)).promote
        assert NegativeFlips(limit)(flipping(0, 0, fewest - 1)).outcome is Outcome.CONTINUE
        assert NegativeFlips(limit)(flipping(0, 0, 10)).needed == fewest - 10


def test_the_reason_tells_flips_both_ways_and_changed_labels():
    verdict = NegativeFlips(0.05)(flipping(1, 7, 200))
    assert "208 rows, 1 right one becomes wrong and 7 wrong ones right; exact binomial test" in verdict.reason
    y, champion, challenger = [1] * 200, [1] * 180 + [2] * 20, [1] * 178 + [2] * 2 + [3] * 20
    told = NegativeFlips(0.05)(Trial.from_predictions(y, champion, challenger, loss=zero_one)).reason
    assert "2 right ones become wrong and 0 wrong ones right, 22 have another label" in told


def test_needed_rows_do_settle_it():
    rng = np.random.default_rng(0)
    first = NegativeFlips(0.05)(flipping(3, 0, 97))
    assert first.outcome is Outcome.CONTINUE
    n = 100 + first.needed
    settled = [NegativeFlips(0.05)(flipping(k, 0, n - k)).promote for k in rng.binomial(n, 0.03, 200)]
    assert 0.7 <= np.mean(settled) <= 0.9


# Where labels come from.

POSITIONS = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.4, 0.6]])


@pytest.mark.parametrize(
    ("champion", "challenger", "threshold", "changed"),
    [
        (["a", "b", "c", "a"], ["a", "c", "c", "b"], None, 2),
        (np.array(["a", "b"] * 2, dtype=object), np.array(["a", "b"] * 2), None, 0),
        ([1, 2, 3, 4], [1.0, 2.0, 3.0, 5.0], None, 1),
        ([True, False, True, True], [1, 0, 1, 0], None, 1),
        (np.array([1, 2, 1, 2], dtype=object), [1, 2, 1, 1], None, 1),
        (POSITIONS, [0, 1, 0, 0], None, 1),
        (POSITIONS, POSITIONS[::-1], None, 4),
        (POSITIONS, [0.1, 0.8, 0.5, 0.6], 0.5, 0),
        (POSITIONS, [0.1, 0.8, 0.5, 0.4], 0.6, 1),
        ([0.1, 0.8, 0.5, 0.6], [0.1, 0.8, 0.49, 0.6], 0.5, 1),
        ([0.1, 0.8, 0.5, 0.6], [0, 1, 1, 0], 0.5, 1),
        (np.array([["a"], ["b"], ["a"], ["b"]]), ["a", "b", "a", "a"], None, 1),
        ([2**53, 1, 2, 3], [2**53 + 1, 1, 2, 3], None, 1),
        (np.array([2**63, 1, 2, 3], dtype=np.uint64), [2**63 - 1, 1, 2, 3], None, 1),
        (np.array([2**60 + 1, 1, 2, 3], dtype=object), [2.0**60, 1.0, 2.0, 3.0], None, 1),
    ],
)
def test_labels_are_read_from_labels_probabilities_and_thresholds(champion, challenger, threshold, changed):
    reason = Churn(0.5, threshold=threshold)(labelled(champion, challenger)).reason
    assert f"4 rows, {changed} ha" in reason


@pytest.mark.parametrize(
    ("columns", "threshold", "why"),
    [
        ({"champion": None}, None, "the trial has no predictions"),
        ({"challenger": None}, None, "the trial has no predictions"),
        ({"champion": [0.2, 0.8, 0.5, 0.6]}, None, "the champion predicts fractions, not labels"),
        ({"challenger": np.array([0.2, 1, 0, 0], dtype=object)}, None, "the challenger predicts fractions"),
        ({"champion": ["a", "b", "a", "b"]}, None, "labels must be of one kind, got"),
        (
            {"champion": np.array([b"a", b"b"] * 2), "challenger": ["a", "b"] * 2},
            None,
            "labels must be of one",
        ),
        ({"champion": [0, 1, NAN, 0]}, None, "1 of 4 rows of champion are missing"),
        ({"challenger": ["a", None, None, "b"]}, None, "2 of 4 rows of challenger are missing"),
        ({"champion": [NAN] * 4}, 0.5, "4 of 4 rows of champion are missing"),
        ({"champion": np.full((4, 2), NAN)}, None, "4 of 4 rows where the champion predicts NaN"),
        ({"champion": np.ones((4, 3))}, None, "no probabilities, which add up to 1"),
        ({"champion": np.array([[2.0, -1.0]] * 4)}, None, "no probabilities"),
        ({"champion": np.array([["a", "b"]] * 4)}, None, "champion must hold numbers"),
        ({"champion": np.ones((4, 2, 2))}, None, "champion"),
    ],
)
def test_labels_are_never_guessed(columns, threshold, why):
    given = {"champion": [0, 1, 0, 1], "challenger": [0, 1, 0, 1]} | columns
    trial = Trial([0.1, 0.2] * 2, [0.2, 0.1] * 2, y=[0, 1, 0, 1], **given)
    for gate in (Churn(0.9, 0.45, threshold), NegativeFlips(0.9, 0.45, threshold)):
        verdict = gate(trial)
        assert verdict.outcome is Outcome.CONTINUE
        assert why in verdict.reason
        assert verdict.p_value is None
        assert "labels" in verdict.reason


@pytest.mark.parametrize(
    ("y", "why"),
    [
        (None, "no labels y"),
        ([0.5, 0.1, 0.2, 0.3], "y holds fractions"),
        (["a", "b", "a", "b"], "y must hold the classes 0 to 1"),
        ([0, 1, 2, 1], "y must hold the classes 0 to 1"),
        ([0, 1, None, 1], "1 of 4 rows of y are missing"),
    ],
)
def test_flips_of_probabilities_need_classes_that_are_positions(y, why):
    trial = Trial([0.1] * 4, [0.2] * 4, y=y, champion=POSITIONS, challenger=POSITIONS)
    verdict = NegativeFlips(0.9, 0.45)(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert why in verdict.reason
    assert Churn(0.9, 0.45)(trial).promote


def test_flips_are_the_same_from_losses_from_labels_and_from_probabilities():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 500)
    one, other = ((y + (rng.random(500) < 0.1)) % 2 for _ in range(2))

    def soft(labels):
        p = 0.3 + 0.4 * labels
        return np.stack([1 - p, p], axis=1)

    answers = [
        NegativeFlips(0.12)(Trial(zero_one(y, one), zero_one(y, other))),
        NegativeFlips(0.12)(Trial.from_predictions(y, one, other, loss=lambda y, p: np.abs(y - p) + 0.1)),
        NegativeFlips(0.12)(Trial.from_predictions(y, soft(one), soft(other), loss=log_loss)),
        NegativeFlips(0.12, threshold=0.5)(
            Trial.from_predictions(y, soft(one)[:, 1], soft(other)[:, 1], loss=log_loss)
        ),
        NegativeFlips(0.12)(
            labelled(np.array(list("ab"))[one], np.array(list("ab"))[other], np.array(list("ab"))[y])
        ),
    ]
    assert len({(v.outcome, v.p_value) for v in answers}) == 1


# Clusters.


def test_clusters_are_counted_and_never_show_more_than_rows():
    rng = np.random.default_rng(2)
    day = np.repeat(np.arange(20), 50)
    for rates in (np.full(20, 0.03), np.where(np.arange(20) < 2, 0.3, 0.0)):
        flips = rng.random(1000) < rates[day]
        trial = Trial(np.zeros(1000), flips, groups=day)
        grouped, alone = NegativeFlips(0.05)(trial), NegativeFlips(0.05)(Trial(np.zeros(1000), flips))
        assert grouped.p_value >= alone.p_value
        assert "over 20 groups" in grouped.reason
    assert not grouped.final  # two bad days of twenty
    assert alone.promote


def test_clusters_without_a_flip_count_as_clusters():
    for clusters, promoted in ((58, False), (59, True)):
        n = 10 * clusters
        trial = Trial(np.zeros(n), np.zeros(n), groups=np.repeat(np.arange(clusters), 10))
        assert NegativeFlips(0.05)(trial).promote == promoted
    lopsided = np.r_[np.repeat(np.arange(99), 1), np.full(500, 99)]
    assert not NegativeFlips(0.05)(Trial(np.zeros(599), np.zeros(599), groups=lopsided))
    broken = Trial(np.zeros(600), np.ones(600), groups=np.repeat(np.arange(60), 10))
    assert NegativeFlips(0.05)(broken).outcome is Outcome.REJECT
    assert NegativeFlips(0.99)(broken).outcome is Outcome.CONTINUE


def test_groups_of_one_row_leave_the_exact_test():
    trial = flipping(3, 5, 200)
    assert NegativeFlips(0.05)(flipping(3, 5, 200, groups=range(208))) == NegativeFlips(0.05)(trial)


# What must never pass.


@pytest.mark.parametrize("make", [NegativeFlips, Churn], ids=lambda gate: gate.__name__)
@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (labelled([], [], loss=np.array([])), "no rows"),
        (labelled([0], [0], loss=np.array([0.0])), "about"),
        (labelled([0] * 500, [0] * 500, loss=np.full(500, NAN)), "500 of 500 rows with a loss"),
        (labelled([0] * 500, [0] * 500, loss=np.r_[np.zeros(499), NAN]), "2 of 500 rows with a loss"),
        (
            labelled([0] * 500, [0] * 500, loss=np.r_[np.zeros(499), INF]),
            "rows with a loss that is NaN or inf",
        ),
        (
            labelled([0] * 500, [0] * 500, loss=np.zeros(500), groups=[None] + [1, 2] * 249 + [3]),
            "without a group",
        ),
        (labelled([0] * 500, [0] * 500, loss=np.zeros(500), groups=[1] * 500), "1 group cannot show a share"),
        (Trial(np.full(500, 0.3), np.full(500, 0.3)), "labels"),
    ],
)
def test_want_of_evidence_never_promotes_nor_rejects_and_says_why(make, trial, why):
    verdict = make(0.05)(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert why in verdict.reason
    assert "\n" not in verdict.reason


def test_identical_models_break_nothing_and_opposite_models_everything():
    same, opposite = flipping(0, 0, 100, 300), flipping(400, 0, 0)
    assert NegativeFlips(0.05)(same).promote
    assert NegativeFlips(0.05)(opposite).outcome is Outcome.REJECT
    assert NegativeFlips(0.05)(flipping(0, 400, 0)).promote
    assert Churn(0.05)(labelled([0] * 400, [0] * 400)).promote
    assert Churn(0.05)(labelled([0] * 400, [1] * 400)).outcome is Outcome.REJECT


def test_an_average_gain_cannot_hide_what_breaks():
    trial = flipping(100, 200, 700)
    assert Gain()(trial).promote
    joined = (Gain() & NegativeFlips(0.05))(trial)
    assert joined.outcome is Outcome.REJECT
    assert "share of negative flips 0.1" in joined.reason


@pytest.mark.parametrize("make", [NegativeFlips, Churn], ids=lambda gate: gate.__name__)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0.0}, "limit must be strictly between 0 and 1"),
        ({"limit": 1}, "limit must be strictly between"),
        ({"limit": NAN}, "limit must be"),
        ({"limit": 0.1, "alpha": 0.5}, "alpha must be strictly between 0 and 0.5"),
        ({"limit": 0.1, "threshold": NAN}, "threshold must be finite"),
        ({"limit": 0.1, "threshold": "0.5"}, "threshold must be a number"),
    ],
)
def test_parameters_are_checked_where_they_are_written(make, arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        make(**arguments)


@pytest.mark.parametrize("gate", [NegativeFlips(0.05), Churn(0.1, 0.01, 0.5)], ids=repr)
def test_they_are_values(gate):
    assert eval(repr(gate)) == gate
    assert pickle.loads(pickle.dumps(gate)) == gate
    assert hash(gate) == hash(eval(repr(gate)))
    assert gate.tightened(0.001).alpha == 0.001
    with pytest.raises(InvalidParameterError, match="trial must be a Trial"):
        gate([0, 1])


def test_they_keep_the_laws_of_gates():
    check_gate(NegativeFlips(0.05))
    check_gate(Churn(0.95), make_trial=lambda a, b: Trial(a, b, y=np.zeros(len(a)), champion=a, challenger=b))
