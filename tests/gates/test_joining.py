import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidParameterError
from contlearn.gates import EverySlice, Gain, Gate, Interval, Outcome, Trial, Verdict
from contlearn.testing import check_gate

modest = settings(derandomize=True, deadline=None, max_examples=60)
ORDER = [Outcome.REJECT, Outcome.CONTINUE, Outcome.PROMOTE]


def small(trial):
    return Verdict(Outcome.PROMOTE, "small enough")


class Fixed(Gate):
    """A gate of a user's own, with a given answer."""

    def __init__(self, outcome, p_value=None, needed=None, gain=None):
        self.verdict = Verdict(outcome, f"fixed to {outcome}", p_value=p_value, needed=needed, gain=gain)

    def __call__(self, trial):
        return self.verdict


verdicts = st.builds(
    Fixed,
    st.sampled_from(ORDER),
    p_value=st.none() | st.floats(0.0, 1.0),
    needed=st.none() | st.integers(1, 1000),
    gain=st.none() | st.just(Interval(0.1, 0.0, 0.2, 0.9)),
)
gates = verdicts | st.sampled_from([Gain(), Gain(-0.2), EverySlice(Gain(-0.5), by="region"), small])


@pytest.fixture
def trial():
    rng = np.random.default_rng(0)
    region = np.repeat(["eu", "us"], 100)
    return Trial(rng.random(200) < 0.3, rng.random(200) < 0.1, slices={"region": region})


@given(st.lists(gates, min_size=2, max_size=5))
@modest
def test_the_joined_outcome_is_the_weakest(parts):
    rng = np.random.default_rng(1)
    trial = Trial(rng.random(80) < 0.3, rng.random(80) < 0.2, slices={"region": ["eu", "us"] * 40})
    joined = Gain(-0.9)
    for part in parts:
        before = joined(trial)
        joined = joined & part
        after = joined(trial)
        # adding a gate never turns what was not promoted into a promotion
        assert ORDER.index(after.outcome) <= ORDER.index(before.outcome)
        assert ORDER.index(after.outcome) <= ORDER.index(part(trial).outcome)
    verdict = joined(trial)
    answers = [Gain(-0.9)(trial), *(part(trial) for part in parts)]
    assert list(verdict.because) == answers
    assert verdict.outcome is min((a.outcome for a in answers), key=ORDER.index)
    assert verdict.p_value == max(a.p_value for a in answers if a.p_value is not None)
    assert all(a.reason in verdict.reason for a in answers if a.outcome is verdict.outcome)


def test_chains_flatten_whichever_way_they_are_built(trial):
    one, other = Gain(), Gain(-0.1)
    left, right = (one & other) & small, one & (other & small)
    assert left == right
    assert len(left(trial).because) == 3
    assert (small & one)(trial).because[0] == small(trial)
    assert left(trial) == right(trial)


def test_a_plain_function_joins_on_either_side(trial):
    assert (Gain() & small)(trial).promote
    assert (small & Gain())(trial).promote
    assert isinstance(small & Gain(), Gate)


def test_the_first_gain_speaks_for_the_whole_and_the_slowest_part_says_how_many_rows(trial):
    first, second = Interval(0.1, 0.0, 0.2, 0.9), Interval(0.3, 0.2, 0.4, 0.9)
    joined = small & Fixed(Outcome.CONTINUE, 0.3, 50, first) & Fixed(Outcome.CONTINUE, 0.2, 80, second)
    verdict = joined(trial)
    assert (verdict.gain, verdict.p_value, verdict.needed) == (first, 0.3, 80)
    assert (joined & Fixed(Outcome.CONTINUE))(trial).needed is None
    assert (joined & Fixed(Outcome.REJECT))(trial).needed is None


@pytest.mark.parametrize("other", [None, 3, "Gain()", Gain, EverySlice, object()])
def test_what_cannot_be_asked_is_refused_where_it_is_joined(other):
    with pytest.raises(TypeError, match="unsupported operand"):
        Gain() & other
    with pytest.raises(TypeError, match="unsupported operand"):
        other & Gain()


def test_there_is_no_or_no_not_and_no_truth_of_a_gate():
    with pytest.raises(TypeError, match=r"joined by & only; .* which no or"):
        Gain() | Gain()
    with pytest.raises(TypeError, match="joined by & only"):
        (lambda trial: None) | Gain()
    with pytest.raises(TypeError, match=r"turned round by ~; .* write another rule as a function"):
        ~Gain()
    with pytest.raises(TypeError, match="join gates by &"):
        Gain() and Gain()


@pytest.mark.parametrize("answer", [True, None, 1.0, "promote", Outcome.PROMOTE])
def test_an_answer_that_is_no_verdict_is_refused(answer, trial):
    def careless(trial):
        return answer

    for gate in (Gain() & careless, EverySlice(careless, by="region")):
        with pytest.raises(InvalidParameterError, match="the answer of careless must be a Verdict"):
            gate(trial)


def test_errors_of_a_callable_come_through(trial):
    def broken(trial):
        raise ZeroDivisionError("from the user's code")

    with pytest.raises(ZeroDivisionError, match="from the user's code"):
        (Gain() & broken)(trial)


def test_the_repr_is_the_expression(trial):
    gate = Gain(-0.1) & EverySlice(Gain(-0.5) & small, by="region", required=("eu",)) & small
    assert repr(gate) == (
        "Gain(margin=-0.1, alpha=0.05) & EverySlice(gate=Gain(margin=-0.5, alpha=0.05) & small, "
        "by='region', required=('eu',)) & small"
    )
    assert eval(repr(gate)) == gate
    assert pickle.loads(pickle.dumps(Gain() & EverySlice(Gain(), "region"))) == Gain() & EverySlice(
        Gain(), "region"
    )
    assert hash(gate) == hash(eval(repr(gate)))


@pytest.mark.parametrize("gate", [Gain(), Gain(-0.02, 0.01), Gain(0.1) & Gain(-0.1)], ids=repr)
def test_gates_keep_the_laws_of_gates(gate):
    check_gate(gate)


def test_a_gate_on_slices_keeps_the_laws_of_gates():
    check_gate(
        EverySlice(Gain(-0.3), by="region", required=("eu",)),
        make_trial=lambda a, b: Trial(a, b, slices={"region": ["eu"] * len(a)}),
    )


def test_an_outcome_may_be_told_by_its_word_and_no_other_word():
    told = Trial([1.0], [0.0], slices={"s": ["a"]})
    for word in Outcome:
        fixed = lambda trial, word=word: Verdict(word.value, "why")  # noqa: E731
        for gate in (Fixed("promote") & fixed, EverySlice(fixed, by="s")):
            verdict = gate(told)
            assert verdict.outcome is word
            assert bool(verdict) is (word is Outcome.PROMOTE)
            assert str(verdict).startswith(word.value)
    with pytest.raises(InvalidParameterError, match="outcome must be one of"):
        (Gain() & (lambda trial: Verdict("yes", "why")))(told)
