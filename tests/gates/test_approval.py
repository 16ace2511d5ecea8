import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidParameterError
from contlearn.gates import Approval, Gain, NegativeFlips, Outcome, SignOff, Trial

modest = settings(derandomize=True, deadline=None, max_examples=200)


def trial(*approvals, losses=([1.0, 0.0], [0.0, 0.0])):
    return Trial(*losses, approvals=list(approvals))


def refusal(by, reason="no rows of the new region"):
    return SignOff(by, granted=False, reason=reason)


def test_nothing_is_promoted_before_somebody_has_spoken():
    for gate in (Approval(), Approval("ada"), Approval(("ada", "grace"))):
        for silent in (Trial([1.0], [0.0]), trial()):
            verdict = gate(silent)
            assert verdict.outcome is Outcome.CONTINUE
            assert "ledger.approv" in verdict.reason


def test_anybody_may_approve_where_nobody_is_named():
    assert Approval()(trial(SignOff("ada"))).promote
    assert Approval()(trial(SignOff("ada", reason="looks right"))).reason == "approved by ada: looks right"


def test_only_the_word_of_those_named_counts():
    assert not Approval("grace")(trial(SignOff("ada"))).final
    assert Approval("grace")(trial(refusal("ada"), SignOff("grace"))).promote
    assert Approval("ada")(trial(SignOff("Ada"))).outcome is Outcome.CONTINUE


def test_all_of_those_named_must_approve():
    gate = Approval(by=("ada", "grace"))
    verdict = gate(trial(SignOff("grace")))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.reason == "not yet approved by ada (approved by grace)"
    assert gate(trial(SignOff("grace"), SignOff("ada"))).promote


def test_a_refusal_rejects_and_says_who_and_why():
    for gate in (Approval(), Approval("grace"), Approval(("ada", "grace"))):
        verdict = gate(trial(SignOff("ada"), refusal("grace", "the new region\nhas no rows")))
        assert verdict.outcome is Outcome.REJECT
        assert verdict.reason == "refused by grace: the new region has no rows"


def test_the_last_word_of_a_person_counts():
    assert Approval("ada")(trial(refusal("ada"), SignOff("ada"))).promote
    assert Approval("ada")(trial(SignOff("ada"), refusal("ada"))).outcome is Outcome.REJECT
    assert Approval()(trial(refusal("ada"), SignOff("grace"))).outcome is Outcome.REJECT
    assert Approval()(trial(refusal("ada"), SignOff("grace"), SignOff("ada"))).promote


def test_blanks_around_a_name_make_no_difference():
    assert Approval(" ada ")(trial(SignOff("ada\n"))).promote
    assert Approval("ada")(trial(SignOff("ada "), refusal(" ada"))).outcome is Outcome.REJECT


def test_approvals_of_different_models_count_for_none():
    mixed = trial(SignOff("ada", model_id="7"), SignOff("grace", model_id="8"))
    verdict = Approval()(mixed)
    assert verdict.outcome is Outcome.CONTINUE
    assert "2 models (7, 8)" in verdict.reason
    assert Approval()(trial(SignOff("ada", model_id="7"), SignOff("grace"))).promote


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nobody_can_approve_what_nobody_could_judge(bad):
    signed = SignOff("ada")
    assert not Approval()(trial(signed, losses=([], []))).final
    for losses in (([1.0, bad], [0.0, 0.0]), ([1.0, 0.0], [bad, bad])):
        verdict = Approval()(trial(signed, losses=losses))
        assert verdict.outcome is Outcome.CONTINUE
        assert "NaN or infinite" in verdict.reason


def test_it_holds_another_gate_back():
    gate, better = Gain() & Approval("ada"), ([1.0] * 9, [0.0] * 9)
    assert gate(trial(losses=better)).outcome is Outcome.CONTINUE
    assert gate(trial(SignOff("ada"), losses=better)).promote
    assert gate(trial(refusal("ada"), losses=better)).outcome is Outcome.REJECT
    assert gate(trial(SignOff("ada"), losses=better[::-1])).outcome is Outcome.REJECT
    assert gate.tightened(0.01).parts[1] == Approval("ada")


@modest
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=9), st.sets(st.sampled_from("abc"))
)
def test_the_rule_in_one_sentence(said, asked):
    """Promoted exactly when everybody asked spoke last in favour; rejected when one spoke last against."""
    signs = [SignOff(name) if granted else refusal(name) for name, granted in said]
    last = dict(said)
    people = asked or set(last)
    verdict = Approval(tuple(sorted(asked)) or None)(trial(*signs))
    if any(last.get(name) is False for name in people):
        assert verdict.outcome is Outcome.REJECT
    elif people and all(last.get(name) for name in people):
        assert verdict.promote
    else:
        assert verdict.outcome is Outcome.CONTINUE


@pytest.mark.parametrize("by", ["", "  ", (), ("ada", ""), ("ada", 7), 7, {"ada"}])
def test_nobody_is_not_a_person(by):
    with pytest.raises(InvalidParameterError, match="by"):
        Approval(by)


def test_it_is_a_value():
    assert Approval("ada") == Approval("ada") != Approval()
    assert eval(repr(Approval(("ada", "grace")))) == Approval(("ada", "grace"))
    assert pickle.loads(pickle.dumps(Approval("ada"))) == Approval("ada")
    with pytest.raises(InvalidParameterError, match="trial must be a Trial"):
        Approval()([1.0])


def test_nobody_asked_and_nobody_heard_have_different_cures():
    unasked, unheard = (Trial([1, 0], [0, 0], approvals=given) for given in (None, []))
    for gate, name in ((Approval(by="grace"), "grace"), (Approval(), "ada")):
        assert "pass approvals=ledger.approvals(model_id) to the trial" in gate(unasked).reason
        assert f"ledger.approve(model_id, by='{name}', at=...)" in gate(unheard).reason
        assert "approvals=" not in gate(unheard).reason


def test_who_is_to_approve_reads_what_the_gates_beside_it_found():
    trial = Trial([1] * 60 + [0] * 40, [0] * 100, approvals=[])
    found = Gain()(trial)
    verdict = (Gain() & Approval(by="ada"))(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.reason.startswith("not yet approved by ada; ")
    assert verdict.reason.endswith(f"; passed: {found.reason}")
    assert verdict.gain == found.gain


def test_as_long_as_a_gate_has_not_passed_the_reason_is_that_gates():
    trial = Trial([1, 0, 0], [0, 0, 0], approvals=[])
    assert "passed" not in (Gain() & NegativeFlips(0.9) & Approval(by="ada"))(trial).reason
