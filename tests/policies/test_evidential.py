import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy.stats import binom, norm, t

from contlearn.evaluation import mean_loss
from contlearn.exceptions import InvalidParameterError
from contlearn.persistence import dump, load
from contlearn.policies import (
    AtLeast,
    AtMost,
    Evidence,
    Evidential,
    LossAbove,
    LossIncrease,
    LowConfidence,
    MinLabels,
    OnDrift,
)
from contlearn.policies._evidential import calibrated
from contlearn.results import Decision, DriftResult, DriftState, Interval

law = settings(derandomize=True, deadline=None, max_examples=100)
p_values = st.floats(0.0, 1.0)


def rule(p=None, e=None, missing=()):
    def stating(_):
        return Decision(False, "as told", missing=missing, p_value=p, e_value=e)

    return stating


def drift(p, state="stable"):
    return DriftResult(state=DriftState(state), score=0.1, p_value=p, alpha=0.05)


# from p to e ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1.0, 0.9999, 0.999, 0.9, 0.5, 0.1, 0.01, 1e-4, 1e-12])
def test_the_calibrator_is_the_mean_over_kappa(p):
    mean, _ = integrate.quad(lambda k: k * p ** (k - 1), 0.0, 1.0, epsabs=0.0, epsrel=1e-12)
    assert calibrated(p) == pytest.approx(mean, rel=1e-9)


def test_the_calibrator_has_mean_1_under_uniform_p_values():
    """With p = exp(-t); the part beyond t = 200 is the tail of an integral of 1 / t ** 2."""
    mean, _ = integrate.quad(lambda t: calibrated(math.exp(-t)) * math.exp(-t), 0.0, 200.0, limit=500)
    assert mean + 1.0 / 200.0 == pytest.approx(1.0, abs=1e-6)


@law
@given(p_values, p_values)
def test_the_calibrator_falls(p, q):
    assert calibrated(0.0) == math.inf
    assert (p <= q) <= (calibrated(p) >= calibrated(q) * (1 - 1e-12))
    assert calibrated(1e-320) > 1e280


# the decision --------------------------------------------------------------------------------------------


@law
@given(st.lists(st.none() | st.floats(0.0, 200.0), min_size=1, max_size=5), st.sampled_from([0.05, 0.2]))
def test_it_is_known_exactly_when_what_is_unknown_cannot_matter(values, level):
    rules = [rule(missing=("drift",)) if e is None else rule(e=e) for e in values]
    decision = Evidential(*rules, level=level)(Evidence())
    mean = sum(e or 0.0 for e in values) / len(values)
    if mean >= (1 / level) * (1 + 1e-12):
        assert decision.word == "retrain"
    elif mean < (1 / level) * (1 - 1e-12):
        assert decision.word == ("unknown" if None in values else "wait")
    assert decision.e_value == pytest.approx(mean)
    assert len(decision.because) == len(values)


def test_a_p_value_of_zero_is_enough_alone():
    assert Evidential(rule(p=0.0), rule(missing=("loss",)), rule(p=1.0))(Evidence())


def test_a_rule_that_is_known_but_states_nothing_leaves_it_unknown():
    decision = Evidential(OnDrift(), LossAbove(0.3))(Evidence(drift=drift(0.01), loss=0.9))
    assert decision.word == "unknown"
    assert decision.missing == ("p_value",)
    assert "which states no p-value and no e-value" in decision.reason


@pytest.mark.parametrize(
    "silent",
    [
        MinLabels(5),
        LowConfidence(0.8),
        AtMost(1, per=3.0),
        AtLeast(1, OnDrift()),
        OnDrift() & OnDrift("a"),
        OnDrift() | OnDrift("a"),
        ~OnDrift(),
    ],
    ids=repr,
)
def test_rules_that_never_state_their_evidence_are_refused_by_name(silent):
    with pytest.raises(InvalidParameterError, match=r"rules\[1\] must state a p-value or an e-value"):
        Evidential(OnDrift(), silent)


@pytest.mark.parametrize("level", [0.0, 1.0, float("nan"), "5 %"])
def test_a_level_that_is_none_is_refused(level):
    with pytest.raises(InvalidParameterError, match="level"):
        Evidential(OnDrift(), level=level)


def test_without_rules_there_is_nothing_to_ask():
    with pytest.raises(InvalidParameterError, match="rules"):
        Evidential()


def test_it_nests_and_joins_and_is_written():
    inner = Evidential(OnDrift(), LossAbove(0.3), level=0.2)
    policy = Evidential(inner, OnDrift("a")) & MinLabels(5)
    assert repr(policy) == (
        "Evidential(Evidential(OnDrift(), LossAbove(0.3), level=0.2), OnDrift('a')) & MinLabels(5)"
    )
    assert load(dump(policy)) == policy
    both = Evidence(drift={"a": drift(1e-6)}, loss=Interval(0.31, 0.2, 0.42, 0.9), n_labels=9)
    assert policy(both)
    inner_e = inner(both).e_value
    outer_e = (inner_e + calibrated(1e-6)) / 2
    assert policy.parts[0](both).e_value == pytest.approx(outer_e)


# what the rules state ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "p"),
    [
        (drift(0.03), 0.03),
        ({"a": drift(0.03), "b": drift(0.2)}, 0.06),
        ({"a": drift(0.03), "b": drift(None), "c": drift(0.9)}, 0.09),
        ({"a": drift(0.7), "b": drift(0.8)}, 1.0),
        ({"a": drift(None)}, None),
        (drift(0.03, "undecided"), None),
        ({"a": drift(0.03), "b": None}, None),
        ({"a": drift(0.01, "drift"), "b": None}, 0.02),
    ],
)
def test_drift_states_the_smallest_p_value_times_the_entries(given_, p):
    found = OnDrift()(Evidence(drift=given_)).p_value
    assert found == (None if p is None else pytest.approx(p))


@law
@given(
    st.floats(-2.0, 2.0),
    st.floats(0.01, 3.0),
    st.sampled_from([0.5, 0.8, 0.9, 0.998]),
    st.floats(-2.0, 2.0),
    st.sampled_from([1, 2, 5, 30, 1000, math.inf]),
)
def test_losses_state_a_p_value_that_no_law_of_student_undercuts(estimate, error, confidence, limit, degrees):
    law_of_errors = norm if degrees == math.inf else t(degrees)
    below = float(error * law_of_errors.ppf(0.5 + confidence / 2))
    evidence = Evidence(
        loss=Interval(estimate, estimate - below, estimate + 9.0, confidence), baseline_loss=limit - 0.25
    )
    exact = law_of_errors.sf((estimate - limit) / error)
    decision = LossAbove(limit)(evidence)
    if estimate > limit:
        assert decision.p_value >= exact * (1 - 1e-6)
    if abs(estimate - below - limit) > 1e-6:
        assert decision.retrain == (decision.p_value < (1 - confidence) / 2)
    assert LossIncrease(0.25)(evidence).p_value == pytest.approx(decision.p_value, rel=1e-6)


def test_beyond_an_interval_of_two_rows_the_p_value_is_exact():
    for rows in (0.5, 3.0, 20.0):
        below = t(1).ppf(0.95)
        stated = LossAbove(-rows * below)(Evidence(loss=Interval(0.0, -below, below, 0.9))).p_value
        assert stated == pytest.approx(t(1).sf(rows * below) if rows > 1 else 1 - 0.95 * rows)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.998])
def test_p_values_of_zeros_and_ones_hold_exactly(confidence):
    for n in (1, 2, 5, 20, 100):
        losses = [
            Evidence(loss=mean_loss(np.r_[np.ones(k), np.zeros(n - k)], confidence)) for k in range(n + 1)
        ]
        for limit in (0.01, 0.1, 0.3, 0.5, 0.8, 0.95):
            found = [LossAbove(limit)(loss).p_value for loss in losses]
            p = np.array([1.0 if each is None else each for each in found])
            chance = binom.pmf(np.arange(n + 1), n, limit)
            for u in (0.5, 0.1, 0.05, 0.01, 0.001):
                assert chance[p <= u].sum() <= u * (1 + 1e-9)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_small_p_values_of_few_rows_are_as_rare_as_they_say(n):
    rng, repeats = np.random.default_rng(n), 3000
    rule = LossAbove(0.0)
    p = np.array([rule(Evidence(loss=mean_loss(rng.normal(size=n)))).p_value for _ in range(repeats)])
    for u in (0.05, 0.01, 0.001):
        assert (p <= u).sum() <= binom.isf(1e-6, repeats, u)


@pytest.mark.parametrize(
    "loss",
    [
        0.4,
        float("inf"),
        Interval(0.4, -float("inf"), 0.5, 0.9),
        Interval(0.4, 0.4, 0.4, 0.9),
        Interval(0.4, 0.3, 0.5, 1.0),
        Interval(0.4, 0.3, 0.5, 0.0),
        Interval(float("inf"), 0.3, float("inf"), 0.9),
    ],
)
def test_without_a_usable_interval_no_p_value_is_stated(loss):
    assert LossAbove(0.3)(Evidence(loss=loss)).p_value is None


# rates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("correlation", [0.0, 0.9, 1.0, -1.0])
def test_where_nothing_calls_for_it_one_evidence_retrains_at_most_at_the_level(correlation):
    """Four rules: independent, nearly the same, the same, and two that always disagree."""
    rng, repeats, level = np.random.default_rng(0), 4_000, 0.2
    shared, own = rng.standard_normal((repeats, 1)), rng.standard_normal((repeats, 4))
    signs = np.where(np.arange(4) % 2, np.sign(correlation) or 1.0, 1.0)
    z = signs * math.sqrt(abs(correlation)) * shared + math.sqrt(1 - abs(correlation)) * own
    wrong = 0
    policy = Evidential(*(OnDrift(name) for name in "abcd"), level=level)
    either = 0
    for ps in norm.sf(z).tolist():
        evidence = Evidence(drift={name: drift(p) for name, p in zip("abcd", ps, strict=True)})
        wrong += policy(evidence).retrain
        either += min(ps) <= level
    assert wrong <= binom.isf(1e-6, repeats, level)
    if correlation == 0.0:
        assert either > 0.5 * repeats  # what joining them by | would do


def test_several_weak_signs_fire_where_none_would_alone():
    weak = {name: drift(0.02) for name in "abcd"}
    assert Evidential(*(OnDrift(name) for name in "abcd"), level=0.4)(Evidence(drift=weak))
    alone = {name: drift(0.02 if name == "a" else 0.6) for name in "abcd"}
    assert not Evidential(*(OnDrift(name) for name in "abcd"), level=0.4)(Evidence(drift=alone))
