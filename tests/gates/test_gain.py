import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidParameterError
from contlearn.gates import EverySlice, Gain, Outcome, Trial
from contlearn.stats import betting_interval, betting_test, mcnemar, mean_interval, tango
from contlearn.stats._margin import margin_test

modest = settings(derandomize=True, deadline=None, max_examples=80)
alphas = st.sampled_from([1e-6, 0.001, 0.01, 0.05, 0.1, 0.3])
margins = st.sampled_from([-0.3, -0.05, 0.0, 0.01, 0.2])


@st.composite
def trials(draw):
    """Trials of every kind: zero-one or real losses, with groups or without, few rows or many."""
    n = draw(st.integers(1, 80))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shift = draw(st.sampled_from([-0.5, -0.1, 0.0, 0.1, 0.5]))
    groups = rng.integers(0, draw(st.integers(1, 30)), n) if draw(st.booleans()) else None
    if draw(st.booleans()):
        champion, challenger = rng.random(n) < 0.4 + shift / 2, rng.random(n) < 0.4
    else:
        champion, challenger = rng.random(n) + shift, rng.random(n) ** draw(st.sampled_from([1, 4]))
    return Trial(champion, challenger, groups=groups)


def swapped(trial):
    return Trial(trial.challenger_losses, trial.champion_losses, groups=trial.groups)


@given(trials(), alphas)
@modest
def test_swapping_the_models_swaps_promotion_and_rejection_at_margin_0(trial, alpha):
    gate = Gain(alpha=alpha)
    there, back = gate(trial), gate(swapped(trial))
    if there.promote:
        assert back.outcome is Outcome.REJECT
    assert not (there and back)
    assert back.gain[:3] == pytest.approx(
        (-there.gain.estimate, -there.gain.high, -there.gain.low), abs=1e-12
    )


@given(trials(), margins, alphas)
@modest
def test_the_test_decides_and_the_interval_explains(trial, margin, alpha):
    verdict = Gain(margin=margin, alpha=alpha)(trial)
    assert verdict.promote == (verdict.p_value is not None and verdict.p_value <= alpha)
    assert verdict.gain.estimate == pytest.approx(trial.gains.mean(), abs=1e-12)
    assert verdict.gain.confidence == 1.0 - 2.0 * alpha
    assert verdict.gain.low <= verdict.gain.estimate <= verdict.gain.high
    if verdict.promote:
        assert verdict.gain.estimate > margin
    if verdict.p_value is not None and verdict.gain.high <= margin:
        assert verdict.outcome is Outcome.REJECT
    assert (verdict.needed is None) or (verdict.needed >= 1 and verdict.outcome is Outcome.CONTINUE)
    assert "\n" not in verdict.reason
    assert str(verdict.gain) in verdict.reason


@given(trials(), alphas, margins, margins)
@modest
def test_what_passes_a_margin_passes_a_smaller_one(trial, alpha, one, other):
    low, high = sorted([one, other])
    if Gain(high, alpha)(trial):
        assert Gain(low, alpha)(trial)


@given(trials(), margins)
@modest
def test_questions_are_pure(trial, margin):
    gate = Gain(margin)
    before = pickle.dumps((gate, trial))
    assert gate(trial) == gate(trial)
    assert pickle.dumps((gate, trial)) == before
    assert pickle.loads(pickle.dumps(gate))(pickle.loads(pickle.dumps(trial))) == gate(trial)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 60), margins)
@modest
def test_zero_one_losses_have_mcnemar_at_margin_0_and_the_exact_score_test_elsewhere(b, c, rest, margin):
    n = b + c + rest
    if n == 0:
        return
    trial = Trial([1] * b + [0] * (c + rest), [0] * b + [1] * c + [0] * rest)
    verdict = Gain(margin)(trial)
    assert verdict.gain == tango(b, c, n, 0.9)
    if margin == 0.0:
        assert verdict.p_value == mcnemar(b, c, alternative="greater").p_value
    else:
        assert verdict.p_value == margin_test(b, c, n, margin).p_value


def test_other_losses_have_the_mean_interval_of_their_differences():
    rng = np.random.default_rng(0)
    champion, challenger, day = rng.random(140), rng.random(140), np.repeat(np.arange(14), 10)
    verdict = Gain(alpha=0.1)(Trial(champion, challenger, groups=day))
    assert verdict.gain == pytest.approx(mean_interval(champion - challenger, 0.8, day), rel=1e-12)
    alone = Gain(alpha=0.1)(Trial(champion, challenger))
    assert alone.gain == pytest.approx(mean_interval(champion - challenger, 0.8), rel=1e-12)


def test_groups_are_counted_and_not_rows():
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(14), 300)
    storm = rng.standard_normal(14)[day] * 0.1
    trial = Trial(0.5 + storm + 0.02 + 0.01 * rng.random(day.size), np.full(day.size, 0.5), groups=day)
    alone = Trial(trial.champion_losses, trial.challenger_losses)
    assert Gain()(alone).outcome is not Outcome.CONTINUE
    verdict = Gain()(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert "4200 rows in 14 groups" in verdict.reason


def test_groups_of_one_row_leave_the_exact_test():
    losses = [1] * 12 + [0] * 30, [0] * 12 + [1] * 3 + [0] * 27
    assert Gain()(Trial(*losses, groups=range(42))) == Gain()(Trial(*losses))


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("margin", [0.0, -0.05, -3.0])
@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (Trial([], []), "no rows"),
        (Trial([0.5], [0.1]), "1 row cannot show a gain at alpha 0.05, 5 can"),
        (Trial([0.5] * 4, [0.1, 0.1, 0.1, 0.2]), "4 rows cannot show"),
        (Trial([NAN] * 9, [0.1] * 9), "9 of 9 rows with a loss that is NaN or infinite"),
        (Trial([1] * 99 + [NAN], [0] * 100), "1 of 100 rows with a loss"),
        (Trial([1] * 100, [0] * 99 + [NAN]), "1 of 100 rows with a loss"),
        (Trial([INF] * 100, [0] * 100), "100 of 100 rows"),
        (Trial([1] * 100, [-INF] + [0] * 99), "1 of 100 rows"),
        (Trial([1e308] * 9, [-1e308] * 9), "9 of 9 rows"),
        (Trial([0.5] * 50, [0.1] * 50), "the same in all 50 rows"),
        (Trial([0.5] * 50, [0.5] * 50), "the same in all 50 rows"),
        (Trial([0.3] * 50, [0.1 + 0.2] * 50), "the same in all 50 rows"),
        (Trial([0.1, 0.9] * 25, [0.1, 0.9] * 25), "the same in all 50 rows"),
        (Trial([0.5] * 50, np.linspace(0, 0.1, 50), groups=[1] * 50), "1 group cannot show"),
        (Trial([1] * 50, [0] * 50, groups=[1, 2] * 25), "2 groups cannot show"),
        (Trial([1] * 50, [0] * 50, groups=list(range(10)) * 5), "the same in all 10 groups"),
        (Trial([1] * 50, [0] * 50, groups=[None] + list(range(7)) * 7), "1 of 50 rows without a group"),
    ],
)
def test_want_of_evidence_never_promotes_nor_rejects_and_says_why(trial, why, margin):
    verdict = Gain(margin)(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert why in verdict.reason
    assert verdict.p_value is None


def test_identical_models_continue_at_margin_0_and_can_be_shown_not_worse():
    same = Trial([0, 1] * 100, [0, 1] * 100)
    assert Gain()(same).outcome is Outcome.CONTINUE
    assert Gain()(same).p_value == 1.0
    assert Gain()(same).needed is None
    assert Gain(margin=-0.05)(same).promote
    assert Gain(margin=-0.01)(same).outcome is Outcome.CONTINUE
    assert Gain(margin=0.05)(same).outcome is Outcome.REJECT
    few = Trial([0] * 58, [0] * 58)
    assert not Gain(margin=-0.05)(few)  # 0.95^58 = 0.051
    assert Gain(margin=-0.05)(Trial([0] * 59, [0] * 59))


def test_separated_models_are_promoted_when_the_rows_suffice():
    assert not Gain()(Trial([1] * 4, [0] * 4))
    assert Gain()(Trial([1] * 5, [0] * 5))
    assert Gain()(Trial([0] * 5, [1] * 5)).outcome is Outcome.REJECT


def test_margins_beyond_the_scale_of_zero_one_losses_promote_nobody():
    trial = Trial([1] * 50, [0] * 50)
    assert Gain(margin=1.0)(trial).outcome is Outcome.REJECT
    assert Gain(margin=2.0)(trial).outcome is Outcome.REJECT
    assert "lets any model pass" in Gain(margin=-1.0)(trial).reason
    assert Gain(margin=-1.0)(trial).outcome is Outcome.CONTINUE


def test_needed_is_about_right():
    """p01 = .04, p10 = .02: 926 rows by Connor's formula, about 1000 for the exact test (80 % power)."""
    trial = Trial([1] * 4 + [0] * 96, [0] * 4 + [1] * 2 + [0] * 94)
    verdict = Gain()(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.needed + 100 == pytest.approx(1000, rel=0.05)
    assert f"about {verdict.needed} more rows" in verdict.reason


def test_needed_rows_do_settle_it():
    rng = np.random.default_rng(2)

    def sample(n, groups):
        champion, challenger = rng.random((2, n))
        day = np.repeat(np.arange(n // 20), 20)
        return Trial(champion + 0.05, challenger, groups=day if groups else None)

    for groups in (False, True):
        first = Gain()(sample(200, groups))
        while first.final:
            first = Gain()(sample(200, groups))
        assert first.needed < 10_000
        settled = sum(
            Gain()(sample(20 * math.ceil((200 + 2 * first.needed) / 20), groups)).promote for _ in range(10)
        )
        assert settled >= 7


def test_needed_is_capped_when_the_gain_lies_on_the_margin():
    trial = Trial(np.linspace(0, 1, 50) + 1e-12, np.linspace(1, 0, 50))
    assert Gain()(trial).needed <= 10**9


def test_infinite_cost_of_one_row_is_no_gain():
    """One row with a huge loss pulls the mean and the spread alike: nothing is shown."""
    champion, challenger = np.full(100, 0.5), np.full(100, 0.5) - np.linspace(0, 1e-6, 100)
    champion[3] = 1e6
    assert Gain()(Trial(champion, challenger)).outcome is Outcome.CONTINUE


def test_values_and_repr():
    assert Gain(0.01, 0.1) == Gain(margin=0.01, alpha=0.1) != Gain(0.01)
    assert repr(Gain(-0.05)) == "Gain(margin=-0.05, alpha=0.05)"
    assert eval(repr(Gain(-0.05))) == Gain(-0.05)
    assert len({Gain(), Gain(0.0), copy.copy(Gain())}) == 1
    with pytest.raises(AttributeError):
        Gain().margin = 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.5}, "alpha must be strictly between 0 and 0.5"),
        ({"alpha": 5}, "alpha must be strictly between 0 and 0.5, got 5; it is the rate of wrong promotions"),
        ({"alpha": 0}, "alpha must be"),
        ({"alpha": "0.05"}, "alpha must be a number"),
        ({"margin": NAN}, "margin must be finite"),
        ({"margin": None}, "margin must be a number"),
        ({"margin": True}, "margin must be a number"),
    ],
)
def test_parameters_are_checked_where_they_are_written(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        Gain(**arguments)


def test_what_is_no_trial_is_refused():
    with pytest.raises(InvalidParameterError, match="trial must be a Trial"):
        Gain()([0.1, 0.2])


@pytest.mark.parametrize("kind", [Fraction, np.float16, np.float32])
def test_a_margin_of_any_real_kind_decides_as_the_float(kind):
    champion, challenger = [1] * 20 + [0] * 80, [0] * 15 + [1] * 8 + [0] * 77
    for trial in (Trial(champion, challenger), Trial(np.arange(100) / 7, np.arange(100) ** 0.9 / 7)):
        gate = Gain(margin=kind(1 / 16), alpha=kind(1 / 32))
        assert gate(trial) == Gain(margin=1 / 16, alpha=1 / 32)(trial)
        assert type(gate.margin) is kind


@pytest.mark.parametrize("margin", [1e-200, 5e-324])
def test_a_gap_that_no_number_of_rows_can_settle_has_the_largest_need(margin):
    real = Trial([1, 0] * 10 + [0.5, 0.5], [0, 1] * 10 + [0.5, 0.5])
    assert Gain(margin=margin)(real).needed == 10**9 - 22
    assert Gain(margin=margin)(Trial([1, 0] * 10, [0, 1] * 10)).needed == 10**9 - 20


# Bounded losses: betting.


def bounded_trials():
    rng = np.random.default_rng(3)
    for n, shift in [(12, 0.0), (60, 0.2), (60, -0.3), (300, 0.05), (300, 0.0)]:
        champion, challenger = rng.random(n).clip(0, 1), rng.random(n)
        yield Trial((champion + shift).clip(0, 1), challenger)


@pytest.mark.parametrize("margin", [0.0, -0.05, 0.03])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.3])
def test_bounded_losses_have_the_betting_test_of_their_differences(margin, alpha):
    for trial in bounded_trials():
        verdict = Gain(margin, alpha, bounds=(0.0, 1.0))(trial)
        above = betting_test(trial.gains, margin, -1.0, 1.0, alpha=alpha).p_value
        below = betting_test(trial.gains, margin, -1.0, 1.0, alternative="less", alpha=alpha).p_value
        interval = betting_interval(trial.gains, -1.0, 1.0, 1.0 - 2.0 * alpha)
        assert verdict.p_value == pytest.approx(above, rel=1e-9)
        assert verdict.gain == pytest.approx(interval, abs=1e-9)
        assert verdict.promote == (above <= alpha)
        assert (verdict.outcome is Outcome.REJECT) == (below <= alpha)
        assert "betting, losses 1 apart at most" in verdict.reason


@given(trials(), alphas, margins)
@modest
def test_with_bounds_too_the_test_decides_and_the_interval_explains(trial, alpha, margin):
    bounded = Trial(trial.champion_losses, trial.challenger_losses, groups=trial.groups)
    verdict = Gain(margin, alpha, bounds=(-0.5, 2.0))(bounded)
    assert verdict.promote == (verdict.p_value <= alpha)
    assert -2.5 <= verdict.gain.low <= verdict.gain.estimate <= verdict.gain.high <= 2.5
    assert verdict.gain.estimate == pytest.approx(trial.gains.mean(), abs=1e-12)
    if verdict.promote:
        assert verdict.gain.low >= margin - 1e-9
        assert Gain(margin, alpha, bounds=(-0.5, 2.0))(swapped(bounded)).outcome is not Outcome.PROMOTE or (
            margin < 0.0
        )
    if verdict.outcome is Outcome.REJECT:
        assert verdict.gain.high <= margin + 1e-9
    assert (verdict.needed is None) or (verdict.needed >= 1 and verdict.outcome is Outcome.CONTINUE)


def test_far_wider_bounds_show_less():
    for trial in bounded_trials():
        low, wide = (Gain(bounds=(0.0, high))(trial).gain for high in (1.0, 30.0))
        assert wide.low < low.low <= low.high < wide.high


def test_bounds_speak_for_the_losses_that_are_not_in_the_trial():
    """Ninety-nine rows gain a little each; one in a hundred, absent here, would lose all of it."""
    rng = np.random.default_rng(4)
    champion = 0.01 + 0.002 * rng.random(99)
    trial = Trial(champion, champion - 0.005 - 0.001 * rng.random(99))
    assert Gain()(trial).promote
    assert Gain(bounds=(0.0, 1.0))(trial).outcome is Outcome.CONTINUE
    assert Gain(bounds=(0.0, 1.0))(trial).needed > 100


def test_zero_one_losses_with_bounds_are_bet_on_too():
    """Where a loss could lie between, or beyond, the sample of zeros and ones would choose its own test."""
    trial = Trial([1] * 30 + [0] * 30, [0] * 60)
    assert "betting" in Gain(bounds=(0.0, 1.0))(trial).reason
    assert Gain(bounds=(0.0, 1.0))(trial).promote
    assert not Gain(bounds=(0.0, 100.0))(trial)


def test_equal_clusters_are_bet_on_by_their_means():
    rng = np.random.default_rng(5)
    day = np.repeat(np.arange(30), 8)
    champion, challenger = (rng.random(240) + 0.2).clip(0, 1), rng.random(240)
    verdict = Gain(bounds=(0, 1))(Trial(champion, challenger, groups=day))
    means = (champion - challenger).reshape(30, 8).mean(axis=1)
    assert verdict.p_value == pytest.approx(betting_test(means, 0.0, -1.0, 1.0).p_value, rel=1e-9)
    assert "240 rows in 30 groups; betting" in verdict.reason


def test_unequal_clusters_estimate_the_mean_over_rows():
    sizes = [1, 2, 3, 50]
    gains = np.repeat([0.9, 0.9, 0.9, -0.1], sizes)
    verdict = Gain(bounds=(0, 1))(
        Trial(gains.clip(0, 1), (-gains).clip(0, 1), groups=np.repeat(range(4), sizes))
    )
    assert verdict.gain.estimate == pytest.approx(gains.mean())
    assert verdict.gain.low <= gains.mean() <= verdict.gain.high
    assert not verdict


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (Trial([], []), "no rows"),
        (Trial([NAN] * 9, [0.1] * 9), "9 of 9 rows with a loss that is NaN"),
        (Trial([1] * 99 + [NAN], [0] * 100), "1 of 100 rows with a loss that is NaN"),
        (Trial([1] * 100, [0] * 99 + [-INF]), "1 of 100 rows with a loss that is NaN or infinite"),
        (Trial([1] * 99 + [1.01], [0] * 100), "1 of 100 rows with a loss outside the bounds 0 to 1"),
        (Trial([1] * 98 + [2, 1], [0] * 98 + [-1, -1]), "2 of 100 rows with a loss outside"),
        (Trial([1] * 50, [0] * 50, groups=[None] + list(range(7)) * 7), "1 of 50 rows without a group"),
    ],
)
@pytest.mark.parametrize("margin", [0.0, -0.5])
def test_bounded_losses_that_cannot_be_compared_never_promote(trial, why, margin):
    verdict = Gain(margin, bounds=(0.0, 1.0))(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert why in verdict.reason
    assert verdict.p_value is None


def test_with_bounds_few_rows_are_open_and_many_alike_are_shown():
    gate, tolerant = Gain(bounds=(0.0, 1.0)), Gain(-0.05, bounds=(0.0, 1.0))
    assert gate(Trial([1.0], [0.0])).outcome is Outcome.CONTINUE
    assert gate(Trial([0.5] * 500, [0.5] * 500)).outcome is Outcome.CONTINUE
    assert gate(Trial([0.5] * 500, [0.5] * 500)).needed is None
    assert gate(Trial([1.0] * 40, [0.0] * 40)).promote
    assert gate(Trial([0.0] * 40, [1.0] * 40)).outcome is Outcome.REJECT
    same = Trial([0.5] * 40, [0.5] * 40)
    assert tolerant(same).outcome is Outcome.CONTINUE
    assert tolerant(Trial([0.5] * (40 + 2 * tolerant(same).needed), [0.5] * (40 + 2 * tolerant(same).needed)))
    assert gate(Trial([1.0] * 40, [0.0] * 40, groups=[1] * 40)).outcome is Outcome.CONTINUE


def test_margins_beyond_the_bounds_promote_nobody():
    trial = Trial([1.0] * 50, [0.0] * 50)
    assert Gain(1.0, bounds=(0, 1))(trial).outcome is Outcome.REJECT
    assert Gain(7.0, bounds=(0, 1))(trial).outcome is Outcome.REJECT
    verdict = Gain(-1.0, bounds=(0, 1))(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert "lets any model pass" in verdict.reason


# The mid-p variant of McNemar's test.


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 60), alphas)
@modest
def test_mid_p_is_that_of_mcnemar_and_never_shows_less(b, c, rest, alpha):
    n = b + c + rest
    trial = Trial([1] * b + [0] * (c + rest), [0] * b + [1] * c + [0] * rest)
    verdict, exact = Gain(alpha=alpha, method="mid-p")(trial), Gain(alpha=alpha)(trial)
    if n < math.log2(1 / alpha):
        assert not verdict.promote
    else:
        assert verdict.p_value == mcnemar(b, c, "mid-p", alternative="greater").p_value
        assert "mid-p McNemar" in verdict.reason
    assert verdict.promote >= exact.promote
    tolerant = Gain(-0.1, alpha)(trial)
    assert Gain(-0.1, alpha, method="mid-p")(trial) == tolerant


# The anchor.


def anchored(anchor, n=400, seed=6):
    rng = np.random.default_rng(seed)
    champion = rng.random(n) < 0.2
    challenger = champion ^ (rng.random(n) < 0.01)
    return Trial(
        champion, challenger, anchor_losses=np.where(anchor, champion, champion & (rng.random(n) < 0.5))
    )


def test_a_negative_margin_is_asked_for_against_the_anchor_too():
    easy, hard = anchored(True), anchored(False)
    gate = Gain(-0.05)
    assert gate(easy).promote
    assert Gain(-0.05)(Trial(hard.champion_losses, hard.challenger_losses)).promote
    verdict = gate(hard)
    assert verdict.outcome is Outcome.REJECT
    champion, anchor = verdict.because
    assert champion.promote
    assert anchor.outcome is Outcome.REJECT
    assert champion.reason in verdict.reason
    assert anchor.reason in verdict.reason
    assert verdict.reason.startswith("against the champion, gain")
    assert "; against the anchor, gain" in verdict.reason
    assert verdict.gain == champion.gain
    assert verdict.p_value == max(champion.p_value, anchor.p_value)


def test_each_of_the_two_is_the_gate_without_an_anchor():
    rng = np.random.default_rng(7)
    champion, challenger, anchor = rng.random((3, 300))
    groups = rng.integers(0, 40, 300)
    for gate in (Gain(-0.1), Gain(-0.1, bounds=(0, 1)), Gain(-0.02, 0.2)):
        both = gate(Trial(champion, challenger, groups=groups, anchor_losses=anchor)).because
        alone = [gate(Trial(losses, challenger, groups=groups)) for losses in (champion, anchor)]
        for part, other in zip(both, alone, strict=True):
            assert (part.outcome, part.gain, part.p_value) == (other.outcome, other.gain, other.p_value)


def test_a_margin_of_at_least_zero_asks_the_champion_only():
    rng = np.random.default_rng(8)
    losses = rng.random((2, 50)) + np.array([[0.5], [0.0]])
    for margin in (0.0, 0.1):
        with_anchor = Trial(*losses, anchor_losses=np.full(50, NAN))
        assert Gain(margin)(with_anchor) == Gain(margin)(Trial(*losses))


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_an_anchor_loss_that_is_no_number_fails_closed(bad):
    anchor = np.r_[np.ones(499), bad]
    for gate in (Gain(-0.05), Gain(-0.05, bounds=(0, 1)), EverySlice(Gain(-0.05), by="s")):
        trial = Trial(np.ones(500), np.zeros(500), anchor_losses=anchor, slices={"s": ["a"] * 500})
        verdict = gate(trial)
        assert verdict.outcome is Outcome.CONTINUE
        assert "against the anchor, nothing to decide on: 1 of 500 rows" in verdict.reason


def test_needed_is_the_larger_of_the_two():
    trial = anchored(True, n=60)
    verdict = Gain(-0.02)(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.needed == max(part.needed for part in verdict.because)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bounds": 1.0}, "bounds must be a pair"),
        ({"bounds": (0.0, 1.0, 2.0)}, "bounds must be a pair"),
        ({"bounds": (1.0, 0.0)}, r"bounds\[1\] must be above bounds\[0\]"),
        ({"bounds": (0.0, INF)}, r"bounds\[1\] must be finite"),
        ({"bounds": (NAN, 1.0)}, r"bounds\[0\] must be finite"),
        ({"method": "asymptotic"}, "method must be one of 'exact', 'mid-p'"),
        ({"method": "mid-p", "bounds": (0.0, 1.0)}, "method must be 'exact' where there are bounds"),
    ],
)
def test_bounds_and_method_are_checked_where_they_are_written(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        Gain(**arguments)


def test_the_repr_tells_what_is_not_the_default():
    for gate in (Gain(bounds=(0.0, 1.0)), Gain(-0.1, 0.01, method="mid-p")):
        assert eval(repr(gate)) == gate
        assert pickle.loads(pickle.dumps(gate)) == gate
    assert repr(Gain(bounds=(0, 2))) == "Gain(margin=0.0, alpha=0.05, bounds=(0, 2))"
    assert Gain(bounds=(0, 2)).tightened(0.01) == Gain(alpha=0.01, bounds=(0, 2))


@pytest.mark.parametrize("alpha", [5e-7, 1e-12, 1e-30])
@pytest.mark.parametrize("margin", [-0.05, 0.0, 0.05])
def test_a_tiny_alpha_can_be_reached(margin, alpha):
    verdict = Gain(margin, alpha)(Trial([1] * 9_000 + [0] * 11_000, [0] * 20_000))
    assert verdict.promote
    assert verdict.p_value <= alpha


def test_the_reason_names_the_test_that_was_used():
    trial = Trial([1] * 9_000 + [0] * 61_000, [0] * 49_000 + [1] * 21_000)
    assert "score test, normal limit" in Gain(margin=0.1)(trial).reason
    assert "exact score test" in Gain(margin=0.1, alpha=1e-6)(trial).reason
    assert "(99.9998 %)" in Gain(margin=0.1, alpha=1e-6)(trial).reason


def test_mid_p_keeps_the_promise_about_fewest_rows():
    for n, promoted in ((4, False), (5, True)):
        verdict = Gain(method="mid-p")(Trial([1] * n, [0] * n))
        assert verdict.promote is promoted
    few = Gain(method="mid-p")(Trial([1] * 4, [0] * 4))
    assert few.needed == 1
    assert "4 rows cannot show a gain at alpha 0.05, 5 can" in few.reason
