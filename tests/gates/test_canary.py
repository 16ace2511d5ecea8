"""Canary: who gets the challenger, what is counted, and what it says to do."""

import copy
import itertools
import math
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from sklearn.base import clone

from contlearn.exceptions import (
    ContlearnError,
    InvalidInputError,
    InvalidParameterError,
    PersistenceError,
)
from contlearn.gates import Canary, CanaryAction, Guardrail, Outcome
from contlearn.gates import _assignment as assignment
from contlearn.gates import _sample_ratio as sample_ratio
from contlearn.gates._two_arms import TwoArms
from contlearn.ledger import Ledger
from contlearn.persistence import dump, load

PLAN = ((0.05, 50), (0.2, 200), (0.5, 500))
KEYS = st.one_of(st.text(), st.binary(), st.integers())


def arms_of(canary, n, start=0):
    return [canary.assign(f"row {start + each}") for each in range(n)]


def fed(canary, n, start=0, champion=0.3, challenger=0.3, seed=0, **metrics):
    """Hand in `n` rows with losses of 0 and 1; `metrics` maps a guardrail to its two rates."""
    rng, arms = np.random.default_rng([seed, start]), arms_of(canary, n, start)
    served = np.array(arms) == "challenger"
    draw = {
        name: (rng.random(n) < np.where(served, *rates[::-1])).astype(float)
        for name, rates in {"": (champion, challenger), **metrics}.items()
    }
    losses = draw.pop("")
    canary.update_many(arms, losses, draw or None)
    return canary


# who gets the challenger ----------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=200)
@given(KEYS, st.text(max_size=5), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_who_has_the_challenger_keeps_it_when_the_share_grows(key, salt, one, other):
    small, large = sorted((one, other))
    if assignment.arm_of(salt, key, small) == "challenger":
        assert assignment.arm_of(salt, key, large) == "challenger"


@settings(derandomize=True, deadline=None, max_examples=200)
@given(KEYS, st.text(max_size=5), st.integers(1, 2**53 - 1))
def test_a_share_is_cut_at_exactly_its_number_of_places(key, salt, numerator):
    share = numerator / 2**53
    place = assignment.place_of(salt, key)
    assert 0 <= place < 2**64
    expected = Fraction(place, 2**64) < Fraction(share)
    assert (assignment.arm_of(salt, key, share) == "challenger") is expected


def test_places_do_not_change_between_releases():
    """Who had the challenger yesterday has it today: these numbers are for ever."""
    places = [assignment.place_of("salt", key) for key in ("user 7", b"user 7", 7, -7, "")]
    assert places == PLACES


PLACES = [
    11091119563019099254,
    12377531705496555294,
    15459473439964759891,
    15617314330526130874,
    12437891943977151874,
]


@pytest.mark.parametrize("make", [str, lambda n: b"%d" % n, int, lambda n: n * 2**40, lambda n: f"u-{n:08d}"])
@pytest.mark.parametrize("salt", ["", "model 8"])
def test_places_are_uniform(make, salt):
    """Chi-squared over 256 cells of the first byte, and over 256 of the last; seven such tests and a few."""
    places = [assignment.place_of(salt, make(n)) for n in range(25_600)]
    for shift in (56, 0):
        counts = np.bincount([(place >> shift) & 255 for place in places], minlength=256)
        assert scipy_stats.chisquare(counts).pvalue > 1e-6


def test_keys_in_a_row_and_salts_are_independent():
    """Chi-squared of 16 by 16 cells: of neighbouring keys, and of one key with two salts."""
    places = [assignment.place_of("a", n) >> 60 for n in range(25_600)]
    others = [assignment.place_of("b", n) >> 60 for n in range(25_600)]
    for pairs in (zip(places[::2], places[1::2], strict=True), zip(places, others, strict=True)):
        table = np.zeros((16, 16))
        for one, other in pairs:
            table[one, other] += 1
        assert scipy_stats.chisquare(table.ravel()).pvalue > 1e-6


def test_keys_of_different_kinds_are_different_and_numpys_integers_are_pythons():
    assert len({assignment.place_of("", key) for key in (7, "7", b"7", "i7", b"i7")}) == 5
    assert assignment.place_of("", np.int64(7)) == assignment.place_of("", np.uint8(7))
    assert assignment.place_of("", 7) == assignment.place_of("", np.int64(7))
    assert assignment.place_of("", np.str_("7")) == assignment.place_of("", "7")
    assert assignment.place_of("ab", "c") != assignment.place_of("a", "bc")
    assert isinstance(assignment.place_of("", "\ud800"), int)


@pytest.mark.parametrize("key", [None, True, 1.0, (1, 2), np.float64(3), np.array([1])])
def test_other_keys_are_refused(key):
    with pytest.raises(InvalidInputError, match="key must be a text, bytes or an integer"):
        Canary(PLAN, "8").assign(key)


def test_assigning_changes_nothing():
    canary = Canary(PLAN, "8")
    before = pickle.dumps(canary)
    assert [canary.assign(key) for key in range(500)] == [canary.assign(key) for key in range(500)]
    assert pickle.dumps(canary) == before


# the shares -----------------------------------------------------------------------------------------------


def test_the_bayes_factor_of_the_shares_is_the_ratio_of_the_chances():
    """Against the two likelihoods, integrated by quadrature."""
    from scipy.integrate import quad

    for share, champion, challenger in ((0.05, 30, 4), (0.5, 8, 20), (0.2, 0, 3)):
        strength = (1 - share) / share * 100
        law = scipy_stats.beta(strength * share, strength * (1 - share))
        top = quad(lambda q: law.pdf(q) * q**challenger * (1 - q) ** champion, 0, 1, limit=500)[0]  # noqa: B023
        expected = math.log(top / (share**challenger * (1 - share) ** champion))
        assert math.isclose(
            sample_ratio.log_evidence(champion, challenger, share), expected, rel_tol=1e-6, abs_tol=1e-9
        )


@pytest.mark.parametrize("share", [0.03, 0.5])
def test_the_evidence_on_the_shares_is_a_fair_bet(share):
    """Its mean over all outcomes of the next row is what it is now."""
    for champion, challenger in itertools.product((0, 3, 50), repeat=2):
        now, lost, won = (
            math.exp(sample_ratio.log_evidence(champion + more, challenger + served, share))
            for more, served in ((0, 0), (1, 0), (0, 1))
        )
        assert math.isclose(share * won + (1 - share) * lost, now, rel_tol=1e-9)


def test_a_mismatch_holds_the_canary_and_says_what_is_wrong():
    canary = Canary(((0.1, 10), (0.5, 10)), "8", margin=-0.5)
    arms = arms_of(canary, 4000)
    kept = [
        arm for place, arm in enumerate(arms) if arm == "champion" or place % 3
    ]  # a third of the rows lost
    canary.update_many(kept, [0.2] * len(kept))
    answer = canary.answer
    assert answer.action is CanaryAction.HOLD
    assert "sample-ratio mismatch" in answer.reason
    assert answer.ratio_p_value < 0.001
    assert answer.mismatch
    assert canary.verdict.needed is None  # no row to come repairs it
    with pytest.raises(InvalidInputError, match="the answer must be advance"):
        canary.advance()
    canary.update_many(arms_of(canary, 4000, 4000), [0.2] * 4000)
    assert canary.answer.action is CanaryAction.HOLD  # later rows repair nothing


def test_shares_are_checked_in_the_step_in_which_a_row_was_served():
    canary = Canary(((0.1, 10), (0.5, 10)), "8")
    early = arms_of(canary, 2000)
    canary.update_many(early[:1000], [0.2] * 1000)
    canary.advance()
    canary.update_many(arms_of(canary, 1000, 2000), [0.2] * 1000)
    canary.update_many(early[1000:], [0.2] * 1000, step=0)
    assert canary.answer.ratio_p_value > 0.05
    wrong = Canary(((0.1, 10), (0.5, 10)), "8")
    wrong.update_many(early[:1000], [0.2] * 1000)
    wrong.advance()
    wrong.update_many(early[1000:], [0.2] * 1000)  # as if they had been served in the second step
    assert wrong.answer.ratio_p_value < 1e-6


# what to do -----------------------------------------------------------------------------------------------


def test_a_good_challenger_goes_through_all_steps():
    canary, seen = Canary(PLAN, "8", margin=-0.1, guardrails={"error": 0.1}), []
    for start in range(0, 12_000, 400):
        fed(canary, 400, start, 0.3, 0.2, error=(0.02, 0.02))
        answer = canary.answer
        seen.append((answer.action.value, answer.step))
        if answer.action == "advance":
            assert canary.advance() == answer.step + 1
        if answer:
            break
    assert [step for action, step in seen if action == "advance"] == [0, 1]
    assert seen[-1] == ("done", 2)
    assert {action for action, _ in seen} == {"hold", "advance", "done"}
    verdict = canary.verdict
    assert verdict.promote
    assert verdict.p_value <= 0.05
    assert verdict.needed is None
    assert verdict.gain.low > -0.1
    assert [part.outcome for part in verdict.because] == [Outcome.PROMOTE]
    with pytest.raises(InvalidInputError, match="the answer must be advance"):
        canary.advance()


def test_a_bad_challenger_is_aborted_and_says_which_metric_is_worse():
    worse = fed(Canary(((0.5, 10),), "8"), 2000, champion=0.2, challenger=0.4)
    assert worse.answer.action is CanaryAction.ABORT
    assert worse.answer.reason.startswith("shown worse: gain -0.")
    assert worse.verdict.outcome is Outcome.REJECT
    slower = fed(
        Canary(((0.5, 10),), "8", margin=-0.2, guardrails={"error": 0.02, "slow": 0.3}),
        3000,
        error=(0.02, 0.2),
        slow=(0.1, 0.1),
    )
    assert slower.answer.action is CanaryAction.ABORT
    assert "error rises by 0.1" in slower.answer.reason
    assert "slow" not in slower.answer.reason
    outcomes = {name: part.outcome for name, part in slower.answer.guardrails.items()}
    assert outcomes == {"error": Outcome.REJECT, "slow": Outcome.PROMOTE}
    assert slower.share == 0.5  # nothing moves by itself


def test_what_is_shown_worse_aborts_even_where_rows_are_lost():
    canary = Canary(((0.5, 10),), "8")
    arms = ["champion"] * 1500 + ["challenger"] * 500
    canary.update_many(arms, [0.0] * 1500 + [1.0] * 500)
    assert canary.answer.ratio_p_value < 1e-6
    assert canary.answer.action is CanaryAction.ABORT


def test_equal_models_are_held_at_the_last_step_with_what_is_missing():
    canary = fed(Canary(((0.5, 100),), "8"), 2000)
    answer = canary.answer
    assert answer.action is CanaryAction.HOLD
    assert "not shown yet: gain" in answer.reason
    assert canary.verdict.outcome is Outcome.CONTINUE


def test_promotion_needs_every_guardrail():
    """The loss is much better; a guardrail of which too little is known keeps the canary."""
    canary = fed(
        Canary(((0.5, 100),), "8", guardrails={"error": 0.001}),
        3000,
        champion=0.5,
        challenger=0.1,
        error=(0.1, 0.1),
    )
    assert canary.answer.action is CanaryAction.HOLD
    assert "error rises" in canary.answer.reason
    assert canary.answer.p_value > 0.05 > canary._loss.p_above


def test_needed_rows_are_about_what_it_takes():
    canary, promised = Canary(((0.5, 100),), "8", margin=-0.02), None
    for start in range(0, 60_000, 500):
        fed(canary, 500, start, 0.2, 0.2)
        if promised is None and canary.verdict.needed:
            promised = canary._loss.n_champion + canary._loss.n_challenger + canary.verdict.needed
        if canary.answer:
            break
    assert canary.answer
    assert promised / 4 < start < promised * 4


def test_a_ledger_remembers_its_verdict():
    canary = fed(Canary(((0.5, 10),), "8", margin=-0.5, guardrails={"error": 0.3}), 2000, error=(0.1, 0.1))
    ledger = Ledger()
    assert ledger.record(canary.verdict, at=3, model_id="8").promote
    entry = ledger.history()[0]
    assert (entry.kind, entry.model_id, entry.answer) == ("verdict", "8", canary.verdict)


def test_without_rows_it_holds():
    canary = Canary(PLAN, "8", guardrails={"error": 0.1})
    answer = canary.answer
    assert str(answer) == "hold: step 1 of 3, share 0.05: 0 of 50 rows of the challenger"
    assert (answer.gain, answer.p_value, answer.ratio_p_value) == (None, None, 1.0)
    assert not answer.mismatch
    assert canary.verdict.outcome is Outcome.CONTINUE
    assert canary.verdict.needed is None
    assert "error unknown" in answer.guardrails["error"].reason


def test_rows_of_one_arm_only_never_promote():
    for arm, loss in itertools.product(("champion", "challenger"), (0.0, 1.0)):
        canary = Canary(((0.5, 1),), "8", margin=-0.5)
        canary.update_many([arm] * 3000, [loss] * 3000)
        assert not canary.answer
        assert not canary.verdict


def test_an_abort_by_a_person_is_for_good():
    canary = fed(Canary(((0.5, 10),), "8", margin=-0.5), 2000)
    assert canary.answer.action is CanaryAction.DONE
    canary.abort("two calls from customers")
    canary.abort("another reason")
    assert str(canary.answer) == "abort: aborted: two calls from customers"
    assert (canary.share, canary.answer.share) == (0.0, 0.0)
    assert {canary.assign(key) for key in range(200)} == {"champion"}
    fed(canary, 100, 2000)  # late outcomes are welcome
    assert canary.answer.action is CanaryAction.ABORT
    for empty in ("", "  "):
        with pytest.raises(InvalidParameterError, match="reason must say why"):
            canary.abort(empty)


# bad values -----------------------------------------------------------------------------------------------

BAD_ROWS = [
    ((["champoin"], [0.1], {"latency": [0.1]}), "arms must be"),
    ((["champion"], [np.nan], {"latency": [0.1]}), "NaN"),
    ((["champion"], [1.5], {"latency": [0.1]}), "between 0 and 1"),
    ((["champion"], [-0.1], {"latency": [0.1]}), "between 0 and 1"),
    ((["champion"], ["a"], {"latency": [0.1]}), "losses"),
    ((["champion"], [0.1], None), "exactly the guardrails: latency"),
    ((["champion"], [0.1], {}), "exactly the guardrails: latency"),
    ((["champion"], [0.1], {"latency": [0.1], "error": [0.0]}), "exactly the guardrails: latency"),
    ((["champion"], [0.1], {"latency": [np.nan]}), "latency"),
    ((["champion"], [0.1], {"latency": [-0.1]}), "latency must lie between 0 and 2"),
    ((["champion"] * 2, [0.1] * 2, {"latency": [0.1]}), "same length"),
    ((["champion"], [0.1] * 2, {"latency": [0.1]}), "same length"),
    ((["champion"], [0.1], [0.1]), "metrics must be a mapping"),
]


@pytest.mark.parametrize(("rows", "message"), BAD_ROWS, ids=str)
def test_bad_rows_are_refused_and_change_nothing(rows, message):
    canary = Canary(PLAN, "8", guardrails={"latency": Guardrail(0.1, bound=2.0)})
    canary.update("challenger", 0.4, {"latency": 0.3})
    before = pickle.dumps(canary)
    with pytest.raises(ContlearnError, match=message):
        canary.update_many(*rows)
    good = (["champion"] * 9, [0.1] * 9, {"latency": [0.1] * 9})
    with pytest.raises(ContlearnError):
        canary.update_many(*good, step=1)
    with pytest.raises(ContlearnError):
        canary.update_many(*good, step=-1)
    assert pickle.dumps(canary) == before


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("champion", 0.1), "got missing: e; pass metrics={'e': ...}"),
        (("champion", 0.1, {"f": 0}), "got missing: e; unknown: f; pass metrics={'e': ...}"),
        (("champion", 0.1, {"e": 0, "f": 0}), "got unknown: f; leave it out, or name it in guardrails"),
        (("champoin", 0.1, {"e": 0}), "arm must be 'champion' or 'challenger', got 'champoin'"),
        ((np.str_("champoin"), 0.1, {"e": 0}), "arm must be 'champion' or 'challenger', got 'champoin'"),
        ((None, 0.1, {"e": 0}), "arm must be 'champion' or 'challenger', got None"),
        (("champion", 2, {"e": 0}), "loss must lie between 0 and 1, got 2"),
        (("champion", None, {"e": 0}), "loss must lie between 0 and 1, got NaN; hand the row in once"),
        (("champion", "a", {"e": 0}), "loss must be one number, got str 'a'"),
        (("champion", [0.1], {"e": 0}), "loss must be one number, got list [0.1]"),
        (("champion", 0.1, {"e": math.nan}), "e must lie between 0 and 1, got NaN; hand the row in once"),
        (("champion", 0.1, {"e": -1}), "e must lie between 0 and 1, got -1"),
    ],
    ids=str,
)
def test_one_bad_row_is_refused_in_words_for_one_row(row, message):
    canary = Canary(PLAN, "8", guardrails={"e": 0.1})
    before = pickle.dumps(canary)
    with pytest.raises(InvalidInputError) as raised:
        canary.update(*row)
    assert message in str(raised.value)
    assert not any(word in str(raised.value) for word in ("at row", "arms", "np.str_", "losses"))
    assert pickle.dumps(canary) == before


def test_many_bad_rows_show_no_types_of_numpy():
    with pytest.raises(InvalidInputError, match=r"got 'champoin'$"):
        Canary(PLAN, "8").update_many(["champion", "champoin"], [0.1, 0.1])
    with pytest.raises(InvalidInputError, match="losses must lie between 0 and 1, got NaN at row 1"):
        Canary(PLAN, "8").update_many(["champion"] * 2, [0.1, math.nan])


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, np.ma.masked], ids=repr)
def test_what_is_missing_is_never_an_arm_nor_a_loss(missing):
    canary = Canary(PLAN, "8")
    before = pickle.dumps(canary)
    for arm, loss in ((missing, 0.5), ("champion", missing)):
        with pytest.raises(InvalidInputError):
            canary.update(arm, loss)
        if missing is np.ma.masked:
            continue  # in a list, numpy warns before we can refuse it
        with pytest.raises(InvalidInputError):
            canary.update_many([arm, "champion"], [loss, 0.5])
    assert pickle.dumps(canary) == before


def test_a_step_that_has_not_begun_is_refused_with_what_a_step_is():
    with pytest.raises(InvalidParameterError, match="at most 0, the present one, got 1; it is"):
        Canary(PLAN, "8").update("champion", 0.1, step=1)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (
            250,
            r"guardrails\['latency'\] must be a Guardrail, .* got 250; .* Guardrail\(limit=..., bound=...\)",
        ),
        (0, r"guardrails\['latency'\] .*, got 0; no finite number of rows"),
        ("much", r"guardrails\['latency'\] .*, got much"),
    ],
)
def test_an_impossible_guardrail_is_named_with_the_cure(limit, message):
    with pytest.raises(InvalidParameterError, match=message):
        Canary(PLAN, "8", guardrails={"latency": limit})


def test_values_beyond_the_bound_of_a_guardrail_count_as_the_bound():
    one, other = (Canary(PLAN, "8", guardrails={"latency": Guardrail(0.1, bound=2.0)}) for _ in range(2))
    one.update_many(["champion", "challenger"], [0.1, 0.2], {"latency": [2.0, 2.0]})
    other.update_many(["champion", "challenger"], [0.1, 0.2], {"latency": [7.0, math.inf]})
    assert pickle.dumps(one) == pickle.dumps(other)


@pytest.mark.parametrize(
    "arguments",
    [
        {"plan": ()},
        {"plan": 0.5},
        {"plan": "0.5"},
        {"plan": [0.1, 0.5]},
        {"plan": [(0.5, 10), (0.5, 10)]},
        {"plan": [(0.5, 10), (0.2, 10)]},
        {"plan": [(1.0, 10)]},
        {"plan": [(0.0, 10)]},
        {"plan": [(0.5, 0)]},
        {"plan": [(0.5, 1.5)]},
        {"plan": [(math.nan, 10)]},
        {"salt": 7},
        {"salt": ""},
        {"margin": 1.0},
        {"margin": math.nan},
        {"alpha": 0.5},
        {"alpha": 0.0},
        {"bound": 0.0},
        {"ratio_alpha": 1.0},
        {"guardrails": {"latency": 0.0}},
        {"guardrails": {"latency": 1.0}},
        {"guardrails": {"latency": "much"}},
        {"guardrails": {7: 0.1}},
        {"guardrails": [0.1]},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(InvalidParameterError):
        Canary(**({"plan": PLAN, "salt": "8"} | arguments))


# machines -------------------------------------------------------------------------------------------------


def make():
    return Canary(
        PLAN, "8", margin=-0.05, alpha=0.1, guardrails={"error": 0.1, "slow": Guardrail(0.3, bound=3.0)}
    )


def walked(canary, n=3000, start=0):
    for begin in range(start, n, 300):
        fed(canary, 300, begin, error=(0.1, 0.1), slow=(0.3, 0.3))
        if canary.answer.action == "advance":
            canary.advance()
    return canary


@pytest.mark.parametrize("sizes", [(1,) * 240, (7, 200, 33)])
def test_many_rows_at_once_are_the_same_rows_one_by_one(sizes):
    arms = arms_of(Canary(((0.3, 9),), "8"), sum(sizes))
    rng = np.random.default_rng(0)
    losses, latency = rng.random(len(arms)), rng.random(len(arms))
    one, other = (Canary(((0.3, 9),), "8", guardrails={"latency": 0.2}) for _ in range(2))
    start = 0
    for size in sizes:
        rows = slice(start, start + size)
        one.update_many(arms[rows], losses[rows], {"latency": latency[rows]})
        start += size
    for arm, loss, value in zip(arms, losses.tolist(), latency.tolist(), strict=True):
        other.update(arm, loss, {"latency": value})
    assert pickle.dumps(one) == pickle.dumps(other)


def test_no_rows_at_once_change_nothing():
    canary = Canary(PLAN, "8")
    before = pickle.dumps(canary)
    canary.update_many([], [])
    assert pickle.dumps(canary) == before


def test_it_resumes_resets_and_clones():
    canary = walked(make(), 1500)
    resumed, loaded = pickle.loads(pickle.dumps(canary)), load(dump(canary))
    copied = copy.deepcopy(canary)
    walked(canary, 3000, 1500)
    for each in (resumed, loaded, copied):
        assert walked(each, 3000, 1500).answer == canary.answer
        assert vars(each).keys() == vars(canary).keys() == vars(make()).keys()
    assert canary.step > 0
    fresh = make().answer
    for each in (canary.clone(), clone(canary)):
        assert each.answer == fresh
        assert repr(each) == repr(canary)
    canary.reset()
    assert canary.answer == fresh


def test_it_is_rebuilt_by_its_repr():
    for canary in (make(), Canary(PLAN, "8"), Canary([(0.5, 3)], "it's", ratio_alpha=0.01, bound=3.0)):
        assert repr(eval(repr(canary))) == repr(canary)
    assert repr(Canary(((0.5, 3),), "8")) == "Canary(((0.5, 3),), salt='8')"


def test_questions_change_nothing_and_the_state_stays_small():
    canary = walked(make(), 600)
    before = pickle.dumps(canary)
    assert canary.answer == canary.answer
    assert canary.verdict == canary.verdict
    assert str(canary) == str(canary.answer)
    assert (canary.share, canary.step) == (canary.answer.share, canary.answer.step)
    assert pickle.dumps(canary) == before
    assert len(pickle.dumps(walked(canary, 6000, 600))) < len(before) + 60


def test_the_evidence_is_that_of_the_two_arms():
    """The loss and each guardrail, with the share that held when the row was served."""
    canary = Canary(((0.1, 10), (0.5, 10)), "8", margin=-0.02, guardrails={"error": Guardrail(0.1)})
    expected = TwoArms(-0.02), TwoArms(-0.1)
    rng = np.random.default_rng(0)
    for step, share in enumerate((0.1, 0.5)):
        arms, losses, errors = arms_of(canary, 500, 500 * step), rng.random(500), rng.random(500)
        canary.update_many(arms, losses, {"error": errors})
        expected[0].update_many(arms, losses, share)
        expected[1].update_many(arms, errors, share)
        if step == 0:
            canary.advance()
    answer = canary.answer
    assert answer.gain == expected[0].gain
    assert answer.guardrails["error"].p_value == expected[1].p_above
    assert answer.p_value == max(each.p_above for each in expected)


@pytest.mark.parametrize(
    "change",
    [
        {"_step": 3},
        {"_step": -1},
        {"_counts": ((0, 0),)},
        {"_shares": (0.1, 0.2)},
        {"_guarded": {}},
        {"_mismatch": math.nan},
        {"_aborted": 7},
        {"_shares": (0.05, 0.2, -1.0)},
        {"_counts": ((-1, 0), (0, 0), (0, 0))},
        {"_ratio_logs": (math.inf, 0.0, 0.0)},
        {"_mismatch": -1e9},
    ],
    ids=str,
)
def test_a_forged_canary_is_refused(change):
    canary = walked(make(), 600)
    vars(canary).update(change)
    with pytest.raises(ContlearnError):
        load(dump(canary))


@pytest.mark.parametrize(
    "change",
    [
        {"_n_champion": -1},
        {"_n_champion": 10**400},
        {"_n_challenger": 7},
        {"_sums": (0.0,) * 10},
        {"_sums": (1e308,) * 10},
        {"_owned": (-1.0,) * 10},
        {"_owned": (math.nan,) * 10},
        {"_best": (0.0, 1.0)},
        {"_total": -1.0},
        {"margin": -0.04},
        {"bound": 2.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("metric", ["loss", "error"])
def test_forged_evidence_is_refused(change, metric):
    canary = walked(make(), 600)
    vars(canary._loss if metric == "loss" else canary._guarded[metric]).update(change)
    with pytest.raises(PersistenceError):
        load(dump(canary))
