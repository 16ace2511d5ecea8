from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from contlearn.exceptions import InvalidParameterError
from contlearn.policies import (
    AtLeast,
    AtMost,
    Budget,
    Decision,
    Episode,
    Evidence,
    LossAbove,
    LossIncrease,
    LowConfidence,
    MaxAge,
    MinAge,
    MinLabels,
    OnDrift,
    Sustained,
)
from contlearn.results import DriftResult, DriftState, Interval, Outcome, Verdict

START = datetime(2024, 1, 1)
DAYS = [START + timedelta(days=i) for i in range(100)]
MONTH = timedelta(days=30)
OF_CHAMPION = "(pass it, or promote(..., {}=) on a ledger)"


def result(state, **values):
    return DriftResult(state=DriftState(state), score=0.3, p_value=0.001, alpha=0.05, **values)


def past(day, retrain, verdict=None, **facts):
    now = None if day is None else DAYS[day]
    return Episode(Evidence(now=now, **facts), Decision(retrain, "then"), verdict)


DRIFT, STABLE, UNDECIDED, WARNING = (result(s) for s in ("drift", "stable", "undecided", "warning"))


@pytest.mark.parametrize(
    ("name", "drift", "word"),
    [
        (None, DRIFT, "retrain"),
        (None, STABLE, "wait"),
        (None, WARNING, "wait"),
        (None, UNDECIDED, "unknown"),
        (None, None, "unknown"),
        (None, {}, "unknown"),
        (None, {"a": DRIFT, "b": UNDECIDED}, "retrain"),
        (None, {"a": STABLE, "b": UNDECIDED}, "unknown"),
        (None, {"a": STABLE, "b": None}, "unknown"),
        (None, {"a": STABLE, "b": STABLE}, "wait"),
        ("a", {"a": DRIFT, "b": UNDECIDED}, "retrain"),
        ("b", {"a": DRIFT, "b": STABLE}, "wait"),
        ("b", {"a": DRIFT, "b": UNDECIDED}, "unknown"),
        ("c", {"a": DRIFT}, "unknown"),
        ("a", result("drift", parts={"a": STABLE}), "wait"),
        ("a", result("stable", parts={"a": DRIFT}), "retrain"),
        ("a", DRIFT, "unknown"),
    ],
)
def test_on_drift(name, drift, word):
    decision = OnDrift(name)(Evidence(drift=drift))
    assert decision.word == word
    assert decision.missing == (("drift",) if word == "unknown" else ())


def test_on_drift_tells_the_numbers_of_what_drifted():
    decision = OnDrift()(Evidence(drift={"a": STABLE, "b": DRIFT}))
    assert decision.reason == "b drift: score 0.3, p = 0.001 (alpha 0.05), 0 rows"
    assert [vote.word for vote in decision.because] == ["wait", "retrain"]


def test_on_drift_over_many_entries_stays_a_sentence():
    decision = OnDrift()(Evidence(drift={f"column {i}": DRIFT for i in range(200)}))
    assert decision.reason.endswith("and 195 more")
    assert len(decision.because) == 200


@pytest.mark.parametrize(
    ("rule", "evidence", "line"),
    [
        (
            LossIncrease(0.02),
            Evidence(loss=0.311, baseline_loss=0.28),
            "retrain: loss rose by 0.031 (limit 0.02)",
        ),
        (LossIncrease(0.25), Evidence(loss=0.75, baseline_loss=0.5), "wait: loss rose by 0.25 (limit 0.25)"),
        (LossIncrease(0.02), Evidence(loss=0.2, baseline_loss=0.28), "wait: loss fell by 0.08 (limit 0.02)"),
        (LossIncrease(0), Evidence(loss=0.3, baseline_loss=0.2), "retrain: loss rose by 0.1 (limit 0)"),
        (
            LossIncrease(0.02),
            Evidence(loss=Interval(0.5, 0.31, 0.6, 0.9), baseline_loss=0.28),
            "retrain: loss rose by 0.22, lower end 0.03 (limit 0.02)",
        ),
        (
            LossIncrease(0.02),
            Evidence(loss=Interval(0.5, 0.29, 0.6, 0.9), baseline_loss=0.28),
            "wait: loss rose by 0.22, lower end 0.01 (limit 0.02)",
        ),
        (
            LossIncrease(0.02),
            Evidence(loss=0.5),
            f"unknown: baseline_loss is not known {OF_CHAMPION.format('baseline_loss')}",
        ),
        (LossIncrease(0.02), Evidence(baseline_loss=0.5), "unknown: loss is not known"),
        (LossAbove(0.3), Evidence(loss=0.31), "retrain: loss 0.31 (limit 0.3)"),
        (LossAbove(0.3), Evidence(loss=0.3), "wait: loss 0.3 (limit 0.3)"),
        (LossAbove(0.3), Evidence(loss=float("inf")), "retrain: loss inf (limit 0.3)"),
        (
            LossAbove(0.3),
            Evidence(loss=Interval(0.5, 0.2, 0.8, 0.9)),
            "wait: loss 0.5, lower end 0.2 (limit 0.3)",
        ),
        (LossAbove(0.3), Evidence(), "unknown: loss is not known"),
        (LossAbove(0.3), Evidence(loss=Interval(0.5, np.nan, 1, 0.9)), "unknown: loss is not known"),
        (LowConfidence(0.8), Evidence(confidence=0.79), "retrain: confidence 0.79 (limit 0.8)"),
        (LowConfidence(0.8), Evidence(confidence=0.8), "wait: confidence 0.8 (limit 0.8)"),
        (LowConfidence(0.8), Evidence(), "unknown: confidence is not known"),
        (MinLabels(500), Evidence(n_labels=500), "retrain: 500 labels (need 500)"),
        (MinLabels(500), Evidence(n_labels=499), "wait: 499 labels (need 500)"),
        (MinLabels(500), Evidence(n_labels=0), "wait: 0 labels (need 500)"),
        (MinLabels(500), Evidence(), "unknown: n_labels is not known"),
        (
            MaxAge(MONTH),
            Evidence(now=DAYS[30], trained_at=DAYS[0]),
            "retrain: champion is 30 days old (limit 30 days)",
        ),
        (
            MaxAge(MONTH),
            Evidence(now=DAYS[30] - timedelta(hours=6), trained_at=DAYS[0]),
            "wait: champion is 29.75 days old (limit 30 days)",
        ),
        (
            MaxAge(MONTH),
            Evidence(now=DAYS[0]),
            f"unknown: trained_at is not known {OF_CHAMPION.format('trained_at')}",
        ),
        (MaxAge(MONTH), Evidence(trained_at=DAYS[0]), "unknown: now is not known"),
        (MaxAge(MONTH), Evidence(), "unknown: now and trained_at are not known"),
        (MaxAge(500), Evidence(now=900, trained_at=300), "retrain: champion is 600 old (limit 500)"),
    ],
)
def test_rules_of_one_fact(rule, evidence, line):
    assert str(rule(evidence)) == line


def test_two_infinite_losses_have_no_known_difference():
    evidence = Evidence(loss=float("inf"), baseline_loss=float("inf"))
    assert LossIncrease(0.1)(evidence).missing == ("loss", "baseline_loss")


def test_an_age_of_another_kind_than_the_limit_is_unknown():
    for rule, now, trained_at, cure in (
        (MaxAge(MONTH), 900, 300, "give a number, in units of now"),
        (MaxAge(30), DAYS[9], DAYS[0], "give timedelta(days=30)"),
        (MinAge(30), DAYS[9], DAYS[0], "history"),
        (MaxAge(MONTH), DAYS[0], 3, "cannot be compared"),
    ):
        decision = rule(Evidence(now=now, trained_at=trained_at))
        assert "now" in decision.missing or isinstance(rule, MinAge)
        assert cure in decision.reason


@pytest.mark.parametrize("rule", [AtMost(2, per=30), Budget(9, per=30, cost=1), MinAge(30)])
def test_a_number_of_days_beside_datetimes_names_the_cure(rule):
    past = Episode(Evidence(now=DAYS[0]), Decision(True, "drift"))
    decision = rule(Evidence(now=DAYS[9], history=(past,)))
    assert "now" in decision.missing
    assert "give timedelta(days=30)" in decision.reason


def test_durations_of_numpy_and_pandas_become_builtins():
    assert MaxAge(np.timedelta64(30, "D")) == MaxAge(pd.Timedelta(days=30)) == MaxAge(MONTH)
    assert repr(MaxAge(pd.Timedelta(days=30))) == "MaxAge(timedelta(days=30))"
    assert type(LossAbove(np.float64(0.5)).limit) is float


REJECTED = Verdict(Outcome.REJECT, "worse")


@pytest.mark.parametrize(
    ("evidence", "word"),
    [
        # the last retraining of the history counts, promoted or not, even where the champion is older
        (
            Evidence(now=DAYS[40], trained_at=DAYS[0], history=(past(5, True, REJECTED), past(35, False))),
            "retrain",
        ),
        (
            Evidence(now=DAYS[40], trained_at=DAYS[0], history=(past(5, True), past(20, True, REJECTED))),
            "wait",
        ),
        (Evidence(now=DAYS[35], history=(past(5, True),)), "retrain"),
        # none in the history: the champion's own training
        (Evidence(now=DAYS[40], trained_at=DAYS[5], history=(past(20, False),)), "retrain"),
        (Evidence(now=DAYS[40], trained_at=DAYS[15], history=(past(20, False),)), "wait"),
        # a champion trained later than the last retraining on record
        (Evidence(now=DAYS[40], trained_at=DAYS[30], history=(past(5, True),)), "wait"),
        # no history: a challenger may have been turned down since; only a young champion settles it
        (Evidence(now=DAYS[40], trained_at=DAYS[5]), "unknown"),
        (Evidence(now=DAYS[40], trained_at=DAYS[35]), "wait"),
        # not known either: at least as old as the history
        (Evidence(now=DAYS[40], history=(past(10, False), past(39, False))), "retrain"),
        (Evidence(now=DAYS[40], history=(past(11, False), past(39, False))), "unknown"),
        (Evidence(now=DAYS[40]), "unknown"),
        (Evidence(trained_at=DAYS[5]), "unknown"),
        (Evidence(now=DAYS[40], trained_at=DAYS[0], history=(past(None, True),)), "unknown"),
        (Evidence(now=DAYS[40], history=(past(None, False),)), "unknown"),
        (Evidence(), "unknown"),
    ],
)
def test_min_age_counts_from_the_last_retraining(evidence, word):
    assert MinAge(MONTH)(evidence).word == word


def test_min_age_tells_what_it_lacks():
    assert MinAge(MONTH)(Evidence(now=DAYS[1])).missing == ("history",)
    assert MinAge(MONTH)(Evidence(now=DAYS[40], trained_at=DAYS[1])).missing == ("history",)
    assert MinAge(MONTH)(Evidence(now=DAYS[1], history=(past(None, True),))).missing == ("history",)
    short = MinAge(MONTH)(Evidence(now=DAYS[8], history=(past(1, False),)))
    assert short.missing == ("trained_at",)
    assert short.reason == "no retraining in the last 7 days (need 30 days)"


@pytest.mark.parametrize(
    ("evidence", "word"),
    [
        (Evidence(now=DAYS[40], history=(past(1, False),)), "retrain"),
        (Evidence(now=DAYS[40], history=(past(20, True),)), "retrain"),
        (Evidence(now=DAYS[40], history=(past(20, True, REJECTED), past(30, True))), "wait"),
        (
            Evidence(now=DAYS[40], history=(past(10, True), past(30, True))),
            "retrain",
        ),  # day 10 is 30 days back
        (Evidence(now=DAYS[40], history=(past(11, True), past(30, True))), "wait"),
        (Evidence(now=DAYS[40], history=(past(None, True), past(30, True))), "unknown"),
        (Evidence(now=DAYS[40], history=(past(None, True), past(30, True), past(31, True))), "wait"),
        (Evidence(now=DAYS[40], history=(past(None, True),)), "retrain"),
        (Evidence(now=DAYS[40]), "unknown"),
        (Evidence(history=(past(30, True),)), "unknown"),
    ],
)
def test_at_most_counts_the_retrainings_of_the_last_days(evidence, word):
    assert AtMost(2, per=MONTH)(evidence).word == word


def test_at_most_does_not_trust_a_history_whose_beginning_is_lost():
    hours = [Episode(Evidence(now=START + timedelta(hours=i)), Decision(False, "")) for i in range(1_100)]
    now = START + timedelta(hours=1_100)
    assert AtMost(2, per=timedelta(days=30))(Evidence(now=now, history=hours)).word == "retrain"
    lost = AtMost(2, per=timedelta(days=60))(Evidence(now=now, history=hours))
    assert lost.missing == ("history",)
    assert AtMost(2, per=timedelta(days=60))(Evidence(now=now, history=hours[:999])).word == "retrain"


@pytest.mark.parametrize(
    ("losses", "word"),
    [
        ([0.4, 0.4, 0.2, 0.4], "retrain"),
        ([0.4, 0.2, 0.2, 0.4], "wait"),
        ([0.4, 0.4, 0.4, 0.2, 0.2], "wait"),  # the first has left
        ([0.4, None, 0.2, 0.4], "unknown"),
        ([0.2, None, 0.2, 0.4], "wait"),  # even a yes would not make three
        ([0.4, 0.4], "unknown"),
        ([0.4, 0.4, 0.4], "retrain"),
        ([0.2, 0.2], "wait"),
    ],
)
def test_sustained_asks_again_of_the_past(losses, word):
    history = tuple(Episode(Evidence(loss=loss), Decision(False, "then")) for loss in losses[:-1])
    assert Sustained(LossAbove(0.3), k=3, of=4)(Evidence(loss=losses[-1], history=history)).word == word


def test_sustained_names_the_history_it_lacks():
    assert Sustained(LossAbove(0.3), k=2, of=4)(Evidence(loss=0.4)).missing == ("history",)


def test_sustained_gives_its_policy_the_history_of_then():
    seen = []

    def note(evidence):
        seen.append([episode.evidence.n_labels for episode in evidence.history])
        return Decision(False, "noted")

    history = tuple(Episode(Evidence(n_labels=n), Decision(False, "")) for n in range(4))
    Sustained(note, k=1, of=3)(Evidence(history=history))
    assert seen == [[0, 1], [0, 1, 2], [0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LossIncrease(-0.1), "by must be"),
        (lambda: LossIncrease(float("nan")), "by must be"),
        (lambda: LossAbove("high"), "limit must be a number"),
        (lambda: LowConfidence(True), "limit must be a number"),
        (lambda: MinLabels(0), "n must be at least 1"),
        (lambda: MinLabels(2.0), "n must be an integer"),
        (lambda: MaxAge(timedelta(0)), "limit must be above 0"),
        (lambda: MaxAge(-5), "limit must be above 0"),
        (lambda: MinAge("30 days"), "limit must be a timedelta"),
        (lambda: AtMost(0, per=MONTH), "n must be at least 1"),
        (lambda: AtMost(1, per=None), "per must be a timedelta"),
        (lambda: Sustained(OnDrift(), k=0, of=3), "k must be at least 1"),
        (lambda: Sustained(OnDrift(), k=4, of=3), "of must be at least 4"),
        (lambda: Sustained(OnDrift(), k=4, of=5_000), "of must be at most 1001"),
        (lambda: AtLeast(3, OnDrift(), OnDrift()), "k must be at most the number of policies"),
        (lambda: AtLeast(0), "k must be at least 1"),
        (lambda: OnDrift(3), "name must be"),
    ],
)
def test_limits_that_can_never_work_are_refused(make, words):
    with pytest.raises(InvalidParameterError, match=words):
        make()
