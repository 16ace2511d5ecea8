"""Results are frozen, hold builtins, say no with False, and print as one line."""

import json
import math
import pickle
from dataclasses import FrozenInstanceError, fields

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
    assert str(result) == "drift: in z, a, 0 rows against 0"


def test_the_line_of_a_drift_result_carries_effect_limit_and_rows():
    result = DriftResult(
        state=DriftState.UNDECIDED, score=0.1, p_value=0.3, alpha=0.05, tolerance=0.05, detectable=0.4,
        n_current=9, n_reference=900, remarks=("few rows",),
    )  # fmt: skip
    assert str(result) == (
        "undecided: score 0.1 (tolerance 0.05), p = 0.3 (alpha 0.05), "
        "only an effect of 0.4 would have been found, 9 rows against 900, few rows"
    )


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
