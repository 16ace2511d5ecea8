"""Results are frozen, hold builtins, say no with False, and print as one line."""

import json
import math
import pickle
from dataclasses import FrozenInstanceError, dataclass, fields
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from contlearn.exceptions import InvalidParameterError
from contlearn.results import Decision, DriftResult, DriftState, Interval, Outcome, Verdict

law = settings(derandomize=True, deadline=None, max_examples=100)
numbers = st.none() | st.floats(allow_nan=False)
shares = st.none() | st.floats(0, 1)
words = st.text(st.characters(codec="ascii", exclude_categories=("C",)), min_size=1, max_size=9)
intervals = st.none() | st.builds(
    Interval, st.floats(-9, 9), st.just(-math.inf), st.just(math.inf), st.just(0.9)
)


def drift_results(depth=1):
    parts = st.dictionaries(words, drift_results(depth - 1), max_size=3) if depth else st.just({})
    return st.builds(
        DriftResult,
        state=st.sampled_from(DriftState),
        score=numbers,
        interval=intervals,
        p_value=shares,
        alpha=shares,
        threshold=numbers,
        tolerance=numbers,
        detectable=numbers,
        equivalent=st.booleans(),
        n_reference=st.integers(0, 10**9),
        n_current=st.integers(0, 10**9),
        changed_at=st.none() | st.integers(0, 10**6),
        parts=parts,
        remarks=st.lists(words, max_size=2).map(tuple),
    )


verdicts = st.builds(
    Verdict,
    st.sampled_from(Outcome),
    words,
    gain=intervals,
    p_value=shares,
    needed=st.none() | st.integers(0, 9),
)
known = st.builds(Decision, st.booleans(), words)
decisions = known | st.builds(Decision, st.just(False), words, st.lists(known).map(tuple), st.just(("loss",)))
answers = drift_results() | verdicts | decisions


@law
@given(answers)
def test_answers_pickle_compare_print_and_turn_into_json(answer):
    again = pickle.loads(pickle.dumps(answer))
    assert again == answer
    assert hash(again) == hash(answer)
    assert len(str(answer).splitlines()) == 1
    plain = answer.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert list(plain) == [field.name for field in fields(answer)]
    assert answer._repr_html_().startswith("<table>")


@law
@given(answers)
def test_answers_are_frozen(answer):
    with pytest.raises(FrozenInstanceError):
        setattr(answer, fields(answer)[0].name, None)
    assert not hasattr(answer, "__dict__")


@pytest.mark.parametrize("state", DriftState)
def test_a_drift_result_is_true_exactly_when_drift_was_detected(state):
    result = DriftResult(state=state)
    assert bool(result) is result.detected is (state is DriftState.DRIFT)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_verdict_is_true_exactly_when_it_promotes(outcome):
    verdict = Verdict(outcome, "why")
    assert bool(verdict) is verdict.promote is (outcome is Outcome.PROMOTE)
    assert verdict.final is (outcome is not Outcome.CONTINUE)


def test_a_decision_is_true_exactly_when_it_retrains():
    assert bool(Decision(True, "why")) is True
    assert bool(Decision(False, "why")) is False
    assert [
        Decision(True, "").word,
        Decision(False, "").word,
        Decision(False, "", missing=("loss",)).word,
    ] == [
        "retrain",
        "wait",
        "unknown",
    ]


def test_numpy_becomes_builtin():
    result = DriftResult(
        state=DriftState.DRIFT, score=np.float32(0.5), p_value=np.float64(0.25), n_current=np.int64(7),
        equivalent=np.bool_(True), interval=Interval(*np.array([0.5, 0.25, 0.75, 0.9])),
        remarks=["a list"],
    )  # fmt: skip
    kinds = [type(value) for value in (result.score, result.p_value, result.n_current, result.equivalent)]
    assert kinds == [float, float, int, bool]
    assert [type(end) for end in result.interval] == [float] * 4
    assert result.remarks == ("a list",)
    assert type(Decision(np.bool_(True), "why").retrain) is bool
    assert bool(Decision(np.bool_(True), "why")) is True


@pytest.mark.parametrize(
    "make",
    [
        lambda: DriftResult(state=DriftState.STABLE, score=float("nan")),
        lambda: DriftResult(state=DriftState.STABLE, p_value=np.float64("nan")),
        lambda: DriftResult(state=DriftState.STABLE, interval=Interval(0.1, float("nan"), 1.0, 0.9)),
        lambda: Verdict(Outcome.PROMOTE, "why", p_value=float("nan")),
    ],
)
def test_nan_is_refused(make):
    with pytest.raises(InvalidParameterError, match="must be a number or None, got NaN"):
        make()


def test_a_decision_that_lacks_evidence_cannot_retrain():
    with pytest.raises(InvalidParameterError, match="missing must be empty when retrain is True"):
        Decision(True, "why", missing=("loss",))


def test_parts_are_a_copy_that_nobody_can_change():
    parts = {"amount": DriftResult(state=DriftState.DRIFT)}
    result = DriftResult(state=DriftState.DRIFT, parts=parts)
    parts.clear()
    assert list(result.parts) == ["amount"]
    assert result.parts == {"amount": DriftResult(state=DriftState.DRIFT)}
    with pytest.raises(TypeError):
        result.parts["amount"] = None


def test_drifted_names_the_parts_in_their_order():
    drift, stable = DriftResult(state=DriftState.DRIFT), DriftResult(state=DriftState.STABLE)
    result = DriftResult(state=DriftState.DRIFT, parts={"z": drift, "m": stable, "a": drift})
    assert result.drifted == ("z", "a")
    assert str(result) == "drift: in z, a, 0 rows"


def test_the_line_of_a_drift_result_carries_effect_limit_and_rows():
    result = DriftResult(
        state=DriftState.UNDECIDED, score=0.1, p_value=0.3, alpha=0.05, tolerance=0.05, detectable=0.4,
        n_current=9, n_reference=900, remarks=("few rows",),
    )  # fmt: skip
    assert str(result) == (
        "undecided: score 0.1 (tolerance 0.05), p = 0.3 (alpha 0.05), "
        "only an effect of 0.4 would have been found, 9 rows against 900, few rows"
    )


def test_one_is_one_and_what_there_is_none_of_is_not_counted():
    one = DriftResult(state=DriftState.DRIFT, n_current=1, changed_at=1)
    assert str(one) == "drift: changed about 1 update ago, 1 row"
    many = DriftResult(state=DriftState.DRIFT, n_current=3328, n_reference=1, changed_at=12)
    assert str(many) == "drift: changed about 12 updates ago, 3328 rows against 1"


def test_infinities_become_none_in_dictionaries():
    assert Interval(0.5, -math.inf, math.inf, 0.9).to_dict() == {
        "estimate": 0.5, "low": None, "high": None, "confidence": 0.9,
    }  # fmt: skip
    verdict = Verdict(
        Outcome.CONTINUE,
        "why",
        gain=Interval(0.5, 0.25, math.inf, 0.9),
        because=(Verdict(Outcome.REJECT, "b"),),
    )
    assert verdict.to_dict()["gain"]["high"] is None
    assert verdict.to_dict()["because"][0]["outcome"] == "reject"


def test_html_escapes_what_columns_are_called():
    result = DriftResult(state=DriftState.DRIFT, parts={"<script>": DriftResult(state=DriftState.DRIFT)})
    assert "<script>" not in result._repr_html_()
    assert "&lt;script&gt;" in result._repr_html_()
    assert "<script>" not in Decision(True, "<script>")._repr_html_()
    assert "<script>" not in Verdict(Outcome.REJECT, "<script>")._repr_html_()


@pytest.mark.parametrize("kind", [str, np.str_])
def test_states_and_outcomes_come_from_their_words(kind):
    assert DriftResult(state=kind("drift")).state is DriftState.DRIFT
    assert bool(DriftResult(state=kind("drift"))) is True
    assert Verdict(kind("promote"), "why").outcome is Outcome.PROMOTE
    assert bool(Verdict(kind("promote"), "why")) is True


STABLE, WAIT, STAY = DriftResult(state="stable"), Decision(False, "why"), Verdict("continue", "why")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DriftResult(state="no"), "state must be one of 'stable', 'warning', 'drift', 'undecided'"),
        (lambda: DriftResult(state=Outcome.PROMOTE), "state must be one of 'stable', 'warning'"),
        (lambda: DriftResult(state=True), "state must be one of 'stable', 'warning'"),
        (lambda: DriftResult(state="stable", score=True), "score must be a number or None, got True"),
        (lambda: DriftResult(state="stable", p_value="a"), "p_value must be a number or None, got 'a'"),
        (lambda: DriftResult(state="stable", alpha=np.ones(2)), r"alpha must be a number or None, got array"),
        (
            lambda: DriftResult(state="stable", interval=(0.1, 0, 1, 0.9)),
            "interval must be an Interval or None",
        ),
        (lambda: DriftResult(state="stable", interval=Interval("a", 0, 1, 0.9)), "interval must be a number"),
        (lambda: DriftResult(state="stable", equivalent="no"), "equivalent must be one of True, False, got"),
        (lambda: DriftResult(state="stable", n_current=1.5), "n_current must be an integer, got 1.5"),
        (lambda: DriftResult(state="stable", n_current=None), "n_current must be an integer, got None"),
        (lambda: DriftResult(state="stable", changed_at="a"), "changed_at must be an integer, got 'a'"),
        (lambda: DriftResult(state="stable", parts=[STABLE]), "parts must be a mapping of names to results"),
        (lambda: DriftResult(state="stable", parts={"a": 1}), "every value of parts must be a DriftResult"),
        (lambda: DriftResult(state="stable", remarks="few rows"), "remarks must be a tuple of str"),
        (lambda: DriftResult(state="stable", remarks=(1,)), "every item of remarks must be a str"),
        (lambda: Decision("no", "why"), "retrain must be one of True, False, got 'no'"),
        (lambda: Decision(1, "why"), "retrain must be one of True, False, got 1"),
        (lambda: Decision(None, "why"), "retrain must be one of True, False, got None"),
        (lambda: Decision(True, None), "reason must be text, got NoneType None"),
        (lambda: Decision(False, "why", because=(STAY,)), "every item of because must be a Decision"),
        (lambda: Decision(False, "why", missing="loss"), "missing must be a tuple of str"),
        (lambda: Verdict("yes", "why"), "outcome must be one of 'promote', 'reject', 'continue', got 'yes'"),
        (lambda: Verdict(True, "why"), "outcome must be one of 'promote'"),
        (lambda: Verdict("reject", 3), "reason must be text, got int 3"),
        (lambda: Verdict("reject", "why", gain=0.1), "gain must be an Interval or None"),
        (lambda: Verdict("reject", "why", needed=float("nan")), "needed must be an integer, got nan"),
        (lambda: Verdict("reject", "why", because=(WAIT,)), "every item of because must be a Verdict"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_where_the_answer_is_made(make, message):
    with pytest.raises(InvalidParameterError, match=message):
        make()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated(DriftResult):
    """A result with fields of its own."""

    days: float | None = None
    labels: object = ()


def test_a_subclass_checks_its_fields_too():
    dated = Dated(state="drift", days=np.float32(0.5), labels=[1, 2])
    assert (dated.state, dated.days, dated.labels) == (DriftState.DRIFT, 0.5, (1, 2))
    assert type(dated.days) is float
    for wrong in ({"n_current": "a"}, {"labels": float("nan")}):
        with pytest.raises(InvalidParameterError):
            Dated(state="drift", **wrong)


def test_numbers_are_kept_as_floats_whatever_real_kind_they_had():
    result = DriftResult(state="stable", score=1, p_value=Fraction(1, 4), tolerance=10**400)
    assert (result.score, result.p_value, result.tolerance) == (1.0, 0.25, math.inf)
    assert [type(value) for value in (result.score, result.p_value)] == [float, float]


def test_a_line_stays_a_line_of_readable_length_whatever_columns_are_called():
    drift = DriftResult(state="drift")
    result = DriftResult(state="drift", parts={"a\n b": drift, "x" * 100_000: drift}, remarks=("one\ntwo",))
    assert str(result) == f"drift: in a b, {'x' * 57}..., 0 rows, one two"
    assert len(result._repr_html_()) < 2_000
    assert str(Decision(False, "one\r\ntwo\u2028three")) == "wait: one two three"
    assert str(Verdict("reject", "one\n\ttwo")) == "reject: one two"


def test_only_a_stable_result_says_that_it_was_shown_stable():
    lines = {state: str(DriftResult(state=state, equivalent=True)) for state in DriftState}
    assert [state for state, line in lines.items() if "shown stable" in line] == [DriftState.STABLE]
