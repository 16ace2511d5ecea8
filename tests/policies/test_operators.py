import pickle
from datetime import datetime, timedelta

import pytest

from contlearn.exceptions import InvalidParameterError
from contlearn.policies import (
    AtLeast,
    Decision,
    Evidence,
    LossAbove,
    LossIncrease,
    MaxAge,
    MinLabels,
    OnDrift,
    Policy,
    Sustained,
)

NOTHING = Evidence()


def yes(evidence):
    return Decision(True, "yes")


def no(evidence):
    return Decision(False, "no")


def unknown(evidence):
    return Decision(False, "who knows", missing=("weather",))


def broken(evidence):
    return True


class Fixed(Policy):
    """A policy written by a user, without a dataclass."""

    def __init__(self, word):
        self.word = word

    def __call__(self, evidence):
        return {"yes": yes, "no": no, "unknown": unknown}[self.word](evidence)


Y, N, U = Fixed("yes"), Fixed("no"), Fixed("unknown")


@pytest.mark.parametrize(
    ("policy", "word"),
    [
        (Y & Y, "retrain"), (Y & N, "wait"), (Y & U, "unknown"),
        (N & N, "wait"), (N & U, "wait"), (U & U, "unknown"),
        (Y | Y, "retrain"), (Y | N, "retrain"), (Y | U, "retrain"),
        (N | N, "wait"), (N | U, "unknown"), (U | U, "unknown"),
        (~Y, "wait"), (~N, "retrain"), (~U, "unknown"),
        (~(Y & U), "unknown"), (~(N & U), "retrain"), (~(Y | U), "wait"),
        (AtLeast(2, Y, U, N), "unknown"), (AtLeast(2, Y, Y, U), "retrain"), (AtLeast(2, N, U, N), "wait"),
        (AtLeast(2, N, U, U), "unknown"), (AtLeast(1, N, Y), "retrain"), (AtLeast(2, N, Y), "wait"),
    ],
)  # fmt: skip
def test_the_operators_follow_kleene(policy, word):
    decision = policy(NOTHING)
    assert decision.word == word
    assert bool(decision.missing) == (word == "unknown")
    assert decision.reason


def test_every_branch_is_evaluated_and_told():
    asked = []

    def ask(name, answer):
        def rule(evidence):
            asked.append(name)
            return Decision(answer, name)

        return rule

    decision = (Fixed("no") & ask("a", True) & ask("b", False))(NOTHING)
    assert asked == ["a", "b"]
    assert [part.reason for part in decision.because] == ["no", "a", "b"]
    decision = (Fixed("yes") | ask("c", True))(NOTHING)
    assert asked == ["a", "b", "c"]
    assert [part.reason for part in decision.because] == ["yes", "c"]


def test_a_known_no_tells_the_unknown_part_in_because_only():
    decision = (N & U)(NOTHING)
    assert decision.missing == ()
    assert decision.because[1].missing == ("weather",)
    assert str(decision) == "wait: no"


def test_missing_names_each_lack_once():
    policy = LossIncrease(0.1) & LossAbove(0.1) & OnDrift()
    assert policy(NOTHING).missing == ("loss", "baseline_loss", "drift")


def test_reasons_tell_the_parts_that_settled_it():
    evidence = Evidence(n_labels=100, loss=0.4)
    assert (
        str((MinLabels(50) & LossAbove(0.3))(evidence))
        == "retrain: 100 labels (need 50) and loss 0.4 (limit 0.3)"
    )
    assert str((MinLabels(500) & LossAbove(0.3))(evidence)) == "wait: 100 labels (need 500)"
    assert str((MinLabels(500) | LossAbove(0.3))(evidence)) == "retrain: loss 0.4 (limit 0.3)"
    assert str((~MinLabels(500))(evidence)) == "retrain: not (100 labels (need 500))"


def test_chains_flatten_whatever_the_parentheses():
    a, b, c = MinLabels(1), MinLabels(2), MinLabels(3)
    assert (a & b) & c == a & (b & c)
    assert (a | b) | c == a | (b | c)
    assert (a & b) | c != a & (b | c)
    assert len(((a & b) & (c & a))(NOTHING).because) == 4


def test_functions_join_from_both_sides():
    for policy in (MinLabels(5) & yes, yes & MinLabels(5), MinLabels(5) | yes, yes | MinLabels(5)):
        assert isinstance(policy, Policy)
    assert (yes & MinLabels(5))(Evidence(n_labels=5))
    assert (no | MinLabels(5))(Evidence(n_labels=5))


@pytest.mark.parametrize("operand", [5, None, "drift", [OnDrift()], 0.5])
def test_an_operand_that_cannot_be_asked_fails_at_that_line(operand):
    for join in (
        lambda: OnDrift() & operand, lambda: operand & OnDrift(),
        lambda: OnDrift() | operand, lambda: operand | OnDrift(),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            join()


def test_a_class_that_was_not_called_is_refused():
    with pytest.raises(InvalidParameterError, match="the class MinLabels"):
        OnDrift() & MinLabels
    with pytest.raises(InvalidParameterError, match="the class OnDrift"):
        OnDrift | MinLabels(5)
    for make in (lambda: Sustained(OnDrift, 1, 2), lambda: AtLeast(1, OnDrift), lambda: AtLeast(1, 5)):
        with pytest.raises(InvalidParameterError, match="must be a policy or a function"):
            make()


def test_a_function_that_returns_no_decision_is_named():
    for policy in (OnDrift() & broken, OnDrift() | broken, Sustained(broken, 1, 1), AtLeast(1, broken)):
        with pytest.raises(InvalidParameterError, match="broken must return a Decision, got True"):
            policy(NOTHING)


def test_and_or_not_of_python_are_refused():
    for join in (
        lambda: OnDrift() and MinLabels(5),
        lambda: OnDrift() or MinLabels(5),
        lambda: not OnDrift(),
    ):
        with pytest.raises(TypeError, match="join policies by &"):
            join()


MONTH = timedelta(days=30)
EXPRESSIONS = [
    "OnDrift()",
    "OnDrift('amount')",
    "OnDrift() & MinLabels(500)",
    "OnDrift() | LossIncrease(0.02) | LossAbove(0.5)",
    "((OnDrift() | LossIncrease(0.02)) & MinLabels(500)) | MaxAge(timedelta(days=30))",
    "~OnDrift() & ~(MinLabels(5) | LossAbove(0.1))",
    "Sustained(OnDrift() & yes, k=3, of=5)",
    "AtLeast(2, OnDrift(), yes, MinLabels(5) & LossAbove(1.0))",
    "AtMost(2, per=timedelta(days=30))",
    "yes & OnDrift() & no",
    "yes & (no & OnDrift())",
    "yes | (no & (yes & OnDrift()))",
    "LowConfidence(0.7) & MinAge(timedelta(seconds=90))",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_repr_is_the_expression_that_makes_the_policy(text):
    import contlearn.policies as names

    scope = {name: getattr(names, name) for name in names.__all__} | {
        "timedelta": timedelta,
        "yes": yes,
        "no": no,
    }
    policy = eval(text, scope)
    assert repr(policy) == text
    assert eval(repr(policy), scope) == policy


def test_policies_are_values():
    make = lambda: (OnDrift() | LossIncrease(0.02)) & MinLabels(500) & ~MaxAge(MONTH)  # noqa: E731
    assert make() == make()
    assert hash(make()) == hash(make())
    assert make() != make() & OnDrift()


def test_decisions_differ_only_with_evidence():
    policy = (OnDrift() | LossIncrease(0.02)) & MinLabels(500)
    evidence = Evidence(now=datetime(2024, 1, 1), loss=0.5, baseline_loss=0.3, n_labels=900)
    assert policy(evidence) == policy(evidence)
    assert pickle.loads(pickle.dumps(policy))(evidence) == policy(evidence)


@pytest.mark.parametrize("answer", ["no", 1, None])
def test_a_function_that_answers_with_no_boolean_does_not_retrain(answer):
    policy = OnDrift() | (lambda evidence: Decision(answer, "why"))
    with pytest.raises(InvalidParameterError, match="retrain must be one of True, False"):
        policy(NOTHING)
