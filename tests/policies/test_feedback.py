"""Verdicts feed back: reasons that never pay are asked less often, and found again when they begin to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from contlearn.exceptions import InvalidParameterError
from contlearn.persistence import dump, load
from contlearn.policies import (
    Decision,
    Episode,
    Evidence,
    LossAbove,
    MinLabels,
    OnDrift,
    PaysOff,
    Sustained,
    replay,
    win_rate,
)
from contlearn.results import Outcome, Verdict
from contlearn.testing import check_policy

law = settings(derandomize=True, deadline=None, max_examples=100)

WON, LOST = Verdict(Outcome.PROMOTE, "gain 0.02"), Verdict(Outcome.REJECT, "gain -0.01")
OPEN = Verdict(Outcome.CONTINUE, "gain 0.01 is not settled")
FIRING, QUIET = Evidence(loss=0.4), Evidence(loss=0.1)
REASON = LossAbove(0.3)


def retrained(verdict, evidence=FIRING):
    return Episode(evidence, Decision(True, "then"), verdict)


def waited(evidence=FIRING):
    return Episode(evidence, Decision(False, "then"))


def asked(history, rule=PaysOff(REASON), evidence=FIRING):  # noqa: B008 - frozen
    return rule(Evidence(loss=evidence.loss, history=tuple(history)))


# the rate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "wins", "judged"),
    [
        ([], 0, 0),
        ([retrained(WON)], 1, 1),
        ([retrained(WON), retrained(LOST), retrained(OPEN)], 1, 3),
        ([retrained(None), waited(), retrained(WON)], 1, 1),  # not judged, not trained
        ([retrained(WON, QUIET), retrained(LOST)], 0, 1),  # another reason raised it
        ([retrained(WON, Evidence())], 0, 0),  # not known whether this one did
        ([Episode(FIRING, Decision(False, "no"), WON)], 0, 0),  # nothing was raised
    ],
)
def test_the_rate_counts_judged_challengers_that_the_reason_raised(history, wins, judged):
    found = win_rate(history, REASON)
    shape = (wins + 1, judged - wins + 1)
    assert found.estimate == pytest.approx(beta.mean(*shape))
    assert found[1:3] == pytest.approx(beta.ppf([0.05, 0.95], *shape))
    assert found.confidence == 0.9


def test_the_rate_of_a_policy_that_looks_back_asks_it_of_its_own_past():
    history = [waited(), retrained(WON), retrained(LOST, QUIET), retrained(LOST)]
    twice = Sustained(REASON, k=2, of=2)
    assert win_rate(history, twice).estimate == pytest.approx(2 / 3)  # the second episode only


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_the_interval_covers_the_rate(p):
    """Averaged over rates it covers exactly; at these it is within a few points of it."""
    n, confidence = 30, 0.9
    wins = np.arange(n + 1)
    covered = sum(
        binom.pmf(k, n, p)
        for k in wins
        if beta.ppf(0.05, k + 1, n - k + 1) <= p <= beta.ppf(0.95, k + 1, n - k + 1)
    )
    history = [retrained(WON)] * 3 + [retrained(LOST)] * 27
    assert win_rate(history, REASON, confidence)[1:3] == pytest.approx(beta.ppf([0.05, 0.95], 4, 28))
    assert covered == pytest.approx(confidence, abs=0.06)


@pytest.mark.parametrize(
    "arguments", [(3, REASON), ([FIRING], REASON), ([], None), ([], REASON, 0.0), ([], REASON, 1.0)]
)
def test_what_is_no_history_is_refused(arguments):
    with pytest.raises(InvalidParameterError):
        win_rate(*arguments)


# the rule ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "word"),
    [
        ([], "unknown"),
        ([waited(QUIET)], "retrain"),
        ([retrained(LOST)] * 3, "retrain"),
        ([retrained(LOST)] * 4, "wait"),
        ([retrained(OPEN)] * 4, "wait"),
        ([retrained(LOST, QUIET)] * 9, "retrain"),
        ([retrained(None)] * 9, "retrain"),
        ([retrained(WON)] + [retrained(LOST)] * 7, "retrain"),
        ([retrained(WON)] + [retrained(LOST)] * 8, "wait"),
        ([retrained(LOST)] * 4 + [waited()] * 8, "wait"),
        ([retrained(LOST)] * 4 + [waited()] * 9, "retrain"),  # the tenth firing
        ([retrained(LOST)] * 4 + [waited(), waited(QUIET)] * 8, "wait"),
        ([retrained(LOST)] * 4 + [waited()] * 9 + [retrained(None)], "wait"),  # tried, not yet judged
        ([waited()] * 20 + [retrained(LOST)] * 4, "wait"),
    ],
)
def test_it_follows_a_reason_as_long_as_it_pays(history, word):
    assert asked(history).word == word


def test_it_says_no_and_unknown_where_its_policy_does():
    history = [retrained(WON)]
    assert asked(history, evidence=QUIET).word == "wait"
    assert asked(history, evidence=Evidence()).missing == ("loss",)
    assert asked([], evidence=QUIET).word == "wait"


def test_old_failures_are_forgotten():
    history = [retrained(LOST)] * 40 + [retrained(WON)] * 2 + [retrained(LOST)]
    assert asked(history, PaysOff(REASON, of=5))
    assert not asked(history, PaysOff(REASON, of=50))


def live(rule, pays, weeks):
    """Return the weeks of the retrainings, where the gate promotes whenever `pays(week)`."""
    history, found = (waited(QUIET),), []
    for week in range(weeks):
        evidence = Evidence(loss=0.4, history=history[-1000:])
        decision = rule(evidence)
        if decision:
            found.append(week)
        verdict = (WON if pays(week) else LOST) if decision else None
        history += (Episode(Evidence(loss=0.4), decision, verdict),)
    return found


def test_a_reason_that_never_pays_costs_a_tenth():
    weeks = live(PaysOff(REASON), lambda week: False, 204)
    assert weeks[:4] == [0, 1, 2, 3]
    assert weeks[4:] == list(range(13, 204, 10))


def test_a_reason_that_always_pays_is_never_missed():
    assert live(PaysOff(REASON), lambda week: True, 100) == list(range(100))


def test_a_reason_that_begins_to_pay_is_found_again_and_dropped_again():
    """Bad for a hundred weeks, good for a hundred, bad again: three cycles of what it has to learn."""
    rule = PaysOff(REASON, of=10)
    weeks = live(rule, lambda week: week % 200 >= 100, 600)
    for cycle in range(3):
        bad = [week for week in weeks if 200 * cycle + 30 <= week < 200 * cycle + 100]
        good = [week for week in weeks if 200 * cycle + 130 <= week < 200 * cycle + 200]
        assert len(bad) <= 8
        assert len(good) == 70


def test_reasons_are_judged_each_by_itself():
    """Drift never pays, loss always does: drift alone is dropped, loss is not."""
    drift_pays, loss_pays = PaysOff(MinLabels(5)), PaysOff(REASON)
    history = [waited(Evidence(loss=0.1, n_labels=1))]
    for _ in range(6):
        history.append(retrained(LOST, Evidence(loss=0.1, n_labels=9)))
        history.append(retrained(WON, Evidence(loss=0.4, n_labels=1)))
    both = drift_pays | loss_pays
    assert not both(Evidence(loss=0.1, n_labels=9, history=history))
    assert both(Evidence(loss=0.4, n_labels=1, history=history))


def test_in_a_replay_every_challenger_is_taken_to_win():
    evidences = [Evidence(loss=0.1), *[Evidence(loss=0.4)] * 20]
    assert len(replay(PaysOff(REASON), evidences).retrained) == 20


@law
@given(st.lists(st.sampled_from([retrained(WON), retrained(LOST), waited(), waited(QUIET)]), max_size=12))
def test_the_laws_of_policies_hold_with_any_history(history):
    evidences = [Evidence(loss=loss, n_labels=9, history=tuple(history)) for loss in (0.1, 0.4)]
    rule = PaysOff(REASON & MinLabels(5), at_least=0.4, explore=3, of=4)
    check_policy(rule, evidences=evidences)
    check_policy(~rule | OnDrift(), evidences=evidences)


def test_it_is_written_and_told():
    rule = PaysOff(OnDrift("weather") & MinLabels(5), at_least=0.3, explore=4, of=20)
    assert repr(rule) == "PaysOff(OnDrift('weather') & MinLabels(5), at_least=0.3, explore=4, of=20)"
    assert load(dump(rule)) == rule


@pytest.mark.parametrize(
    "parameters", [{"at_least": 0.0}, {"at_least": 1.0}, {"explore": 1}, {"of": 0}, {"policy": PaysOff}]
)
def test_parameters_out_of_range_are_refused(parameters):
    with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
        PaysOff(**{"policy": REASON, **parameters})
