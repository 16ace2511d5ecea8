"""Laws of every policy over every evidence."""

import pickle
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given, settings

import contlearn.policies as names
from contlearn.policies import (
    AtLeast,
    AtMost,
    CostAware,
    Decision,
    Episode,
    Evidence,
    Forecast,
    LossAbove,
    LossCUSUM,
    LossIncrease,
    LowConfidence,
    MaxAge,
    MinAge,
    MinLabels,
    OnDrift,
    Sustained,
    replay,
)
from contlearn.results import DriftResult, DriftState, Interval

law = settings(derandomize=True, deadline=None, max_examples=150)

MOMENTS = [None, 5.0, datetime(2024, 1, 9, tzinfo=UTC)] + [datetime(2024, 1, 1 + i) for i in range(20)]
RESULTS = [None, *(DriftResult(state=state, score=0.2) for state in DriftState)]
moments = st.sampled_from(MOMENTS)
numbers = st.sampled_from([None, float("nan"), float("inf"), 0.0, 0.1, 0.2, 0.3])
decisions = st.sampled_from([Decision(True, "y"), Decision(False, "n"), Decision(False, "u", missing=("x",))])


def at_night(evidence):
    """A user's rule, which does not know what it is not told."""
    if evidence.now is None:
        return Decision(False, "now is not known", missing=("now",))
    return Decision(isinstance(evidence.now, datetime) and evidence.now.day % 2 == 0, "even day")


@st.composite
def evidences(draw, depth=1):
    loss = draw(numbers)
    if draw(st.booleans()):
        loss = Interval(
            0.2, *draw(st.sampled_from([(0.1, 0.3), (float("nan"),) * 2, (-float("inf"), 0.2)])), 0.9
        )
    past = st.builds(Episode, evidences(depth=0), decisions) if depth else st.nothing()
    return Evidence(
        now=draw(moments),
        trained_at=draw(moments),
        n_labels=draw(st.sampled_from([None, 0, 5, 50])),
        drift=draw(
            st.sampled_from(RESULTS) | st.dictionaries(st.sampled_from("ab"), st.sampled_from(RESULTS))
        ),
        loss=loss,
        baseline_loss=draw(numbers),
        confidence=draw(numbers),
        history=draw(st.lists(past, max_size=4 if depth else 0)),
    )


durations = st.sampled_from([timedelta(days=3), timedelta(days=8), 4.0])
rules = st.one_of(
    st.builds(OnDrift, st.sampled_from([None, "a", "b"])),
    st.builds(LossIncrease, st.sampled_from([0.0, 0.1])),
    st.builds(LossAbove, st.sampled_from([0.05, 0.2])),
    st.builds(LowConfidence, st.just(0.15)),
    st.builds(MaxAge, durations),
    st.builds(MinAge, durations),
    st.builds(MinLabels, st.sampled_from([1, 10])),
    st.builds(AtMost, st.integers(1, 2), durations),
    st.builds(CostAware, st.sampled_from([0.01, 1.0]), st.just(1.0)),
    st.builds(LossCUSUM, st.just(0.1), st.sampled_from([2, 9]), st.sampled_from([None, 0.1])),
    st.builds(Forecast, st.sampled_from([0.05, 0.2]), durations, st.just(0.5), st.just(3)),
)


def joined(inner):
    return st.one_of(
        st.builds(lambda p, q: p & q, inner, inner),
        st.builds(lambda p, q: p | q, inner, inner),
        st.builds(lambda p: ~p, inner),
        st.builds(lambda p: p & at_night, inner),
        st.builds(lambda p: at_night | (at_night & p), inner),
        st.builds(lambda p, k: Sustained(p, k, of=3), inner, st.integers(1, 3)),
        st.builds(AtLeast, st.integers(1, 3), inner, inner, inner),
    )


policies = st.recursive(rules, joined, max_leaves=4)


def answer(decision):
    return decision.retrain, frozenset(decision.missing)


@law
@given(policies, evidences())
def test_every_policy_answers_every_evidence_in_words(policy, evidence):
    decision = policy(evidence)
    assert isinstance(decision, Decision)
    assert decision.reason.strip()
    assert not (decision.retrain and decision.missing)


@law
@given(policies, evidences())
def test_asking_changes_nothing(policy, evidence):
    before = pickle.dumps((policy, evidence)), repr((policy, evidence))
    first = policy(evidence)
    assert policy(evidence) == first
    assert (pickle.dumps((policy, evidence)), repr((policy, evidence))) == before


@law
@given(policies, evidences())
def test_pickle_and_repr_rebuild_the_policy(policy, evidence):
    scope = {name: getattr(names, name) for name in names.__all__}
    scope |= {"timedelta": timedelta, "at_night": at_night}
    for twin in (pickle.loads(pickle.dumps(policy)), eval(repr(policy), scope)):
        assert twin == policy
        assert repr(twin) == repr(policy)
        assert twin(evidence) == policy(evidence)


@law
@given(policies, policies, evidences())
def test_de_morgan_commutativity_and_double_negation(p, q, evidence):
    def same(a, b):
        return answer(a(evidence)) == answer(b(evidence))

    assert same(p & q, q & p)
    assert same(p | q, q | p)
    assert same(~(p & q), ~p | ~q)
    assert same(~(p | q), ~p & ~q)
    assert same(~~p, p)
    assert same(p & p, p)


@law
@given(policies, policies, policies, evidences())
def test_associativity_and_counting_agree(p, q, r, evidence):
    assert answer(((p & q) & r)(evidence)) == answer((p & (q & r))(evidence))
    assert answer(AtLeast(3, p, q, r)(evidence)) == answer((p & q & r)(evidence))
    assert answer(AtLeast(1, p, q, r)(evidence)) == answer((p | q | r)(evidence))
    two = (p & q) | (q & r) | (p & r)
    assert AtLeast(2, p, q, r)(evidence).retrain == two(evidence).retrain


@law
@given(policies, evidences())
def test_an_unknown_answer_is_unknown_to_the_negation(policy, evidence):
    decision, opposite = policy(evidence), (~policy)(evidence)
    if decision.missing:
        assert opposite.missing == decision.missing
    else:
        assert opposite.retrain is not decision.retrain


def without(evidence, field):
    return replace(evidence, **{field: () if field == "history" else None})


def plausible(evidence):
    """Whether the champion was trained by a retraining on record, or before the record begins."""
    known = [episode.evidence.now for episode in evidence.history if episode.decision.retrain]
    starts = [episode.evidence.now for episode in evidence.history]
    if evidence.trained_at is None or evidence.trained_at in known or not starts:
        return True
    oldest = starts[0]
    return type(oldest) is type(evidence.trained_at) and str(evidence.trained_at) <= str(oldest)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(policies, evidences(), st.sampled_from([field.name for field in fields(Evidence)]))
def test_what_is_removed_is_never_taken_for_a_reason(policy, evidence, field):
    """With less known, a policy retrains only where every way of filling the gap would retrain."""
    if not plausible(evidence):
        evidence = replace(evidence, trained_at=None)
    less = without(evidence, field)
    for rule in (policy, ~policy):
        if rule(less).retrain:
            assert rule(evidence).retrain
        if not rule(less).retrain and not rule(less).missing:
            assert not rule(evidence).retrain
            assert not rule(evidence).missing


@law
@given(rules, st.sampled_from([field.name for field in fields(Evidence)]))
def test_a_rule_that_knows_nothing_is_unknown(rule, field):
    decision = rule(Evidence())
    assert decision.missing
    assert set(decision.missing) <= {spec.name for spec in fields(Evidence)}
    assert not rule(Evidence())
    assert not (~rule)(Evidence())


@law
@given(policies, st.lists(evidences(depth=0), max_size=6))
def test_a_replay_is_what_asking_one_by_one_would_give(policy, records):
    history, trained_at, expected = (), records[0].trained_at if records else None, []
    for record in records:
        evidence = replace(record, trained_at=trained_at, history=history)
        expected.append(policy(evidence))
        history += (Episode(evidence, expected[-1]),)
        trained_at = evidence.now if expected[-1] else trained_at
    assert [d.word for d in replay(policy, records)] == [d.word for d in expected]
