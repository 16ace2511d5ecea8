"""TwoArms: the evidence of a random split is what the mathematics says, whatever the split."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.gates._two_arms import SHARES, TwoArms
from contlearn.persistence import dump, load

law = settings(derandomize=True, deadline=None, max_examples=60)
WEIGHTS = (0.15, 0.2, 0.25, 0.25, 0.15)


def traffic(rng, n, champion, challenger, probability):
    arms = rng.random(n) < probability
    losses = (rng.random(n) < np.where(arms, challenger, champion)).astype(float)
    return np.where(arms, "challenger", "champion"), losses, np.broadcast_to(probability, n).copy()


def scored(arms, losses, probabilities):
    """Return the score, the least score and the largest that each row could have had, row by row."""
    total, found = 0.0, []
    for n, (arm, y, p) in enumerate(zip(arms, losses, probabilities, strict=True)):
        baseline = (total + 0.5) / (n + 1)
        possible = [
            (loss - baseline) * (-1.0 / p if challenger else 1.0 / (1.0 - p))
            for loss in (0.0, 1.0)
            for challenger in (True, False)
        ]
        score = (y - baseline) * (-1.0 / p if arm == "challenger" else 1.0 / (1.0 - p))
        found.append((score, min(possible), max(possible)))
        total += y
    return np.array(found).T


rows = st.lists(
    st.tuples(st.sampled_from(["champion", "challenger"]), st.floats(0, 1), st.floats(0.001, 0.999)),
    max_size=60,
)


@law
@given(rows, st.sampled_from([0.0, 0.2, -0.6]))
def test_the_evidence_is_the_mixture_of_its_bets(given_rows, margin):
    arms = TwoArms(margin)
    for row in given_rows:
        arms.update(*row)
    if not given_rows:
        assert (arms.e_above, arms.gain, arms.p_above) == (pytest.approx(1.0), None, 1.0)
        return
    score, least, most = scored(*zip(*given_rows, strict=True))
    shares = np.array(SHARES)[:, np.newaxis]
    above = WEIGHTS @ np.cumprod(1 + shares * (score - margin) / (1 - least), axis=1)
    below = WEIGHTS @ np.cumprod(1 - shares * (score - margin) / (1 + most), axis=1)
    assert arms.e_above == pytest.approx(above[-1], rel=1e-9)
    assert arms.e_below == pytest.approx(below[-1], rel=1e-9)
    assert arms.p_above == pytest.approx(min(1.0, 1.0 / above.max()), rel=1e-9)
    assert arms.p_below == pytest.approx(min(1.0, 1.0 / below.max()), rel=1e-9)


@law
@given(st.floats(0.001, 0.999), st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.99))
def test_the_mean_score_is_the_gain_and_no_bet_loses_everything(p, champion, challenger, past):
    """Over the two models that may serve the row; a past row sets the baseline."""
    expected, factors = 0.0, []
    for arm, loss, chance in (("champion", champion, 1 - p), ("challenger", challenger, p)):
        score, least, most = scored(["champion", arm], [past, loss], [0.5, p])
        expected += chance * score[1]
        factors += [
            1 + 0.85 * (score[1] - 0.999) / (1 - least[1]),
            1 - 0.85 * (score[1] + 0.999) / (1 + most[1]),
        ]
    assert expected == pytest.approx(champion - challenger, abs=1e-9)
    assert min(factors) > 0.0


@law
@given(
    rows, st.sampled_from([0.0, 0.3]), st.lists(st.integers(0, 60), max_size=3), st.sampled_from([1.0, 3.0])
)
def test_update_many_is_repeated_update_bit_for_bit(given_rows, margin, cuts, bound):
    one, many = TwoArms(margin, bound=bound), TwoArms(margin, bound=bound)
    for arm, loss, p in given_rows:
        one.update(arm, loss * bound, p)
    edges = sorted({0, *(min(cut, len(given_rows)) for cut in cuts), len(given_rows)})
    for start, stop in zip(edges, [*edges[1:], len(given_rows)], strict=True):
        part = given_rows[start:stop]
        many.update_many([r[0] for r in part], [r[1] * bound for r in part], [r[2] for r in part])
    assert vars(one) == vars(many)


def test_exchanging_the_arms_mirrors_everything():
    arms, losses, p = traffic(np.random.default_rng(1), 2_000, 0.2, 0.15, 0.3)
    one, other = TwoArms(margin=0.02), TwoArms(margin=-0.02)
    one.update_many(arms, losses, p)
    other.update_many(np.where(arms == "champion", "challenger", "champion"), losses, 1.0 - p)
    assert one.e_above == pytest.approx(other.e_below, rel=1e-9)
    assert one.gain.low == pytest.approx(-other.gain.high, abs=1e-9)
    assert (one.n_champion, one.n_challenger) == (other.n_challenger, other.n_champion)


@pytest.mark.parametrize(("champion", "challenger"), [(0.3, 0.1), (0.1, 0.3)])
def test_a_ramp_finds_a_gain_and_a_loss(champion, challenger):
    ramp = np.repeat([0.01, 0.1, 0.5], 2_000)
    arms = TwoArms()
    arms.update_many(*traffic(np.random.default_rng(2), 6_000, champion, challenger, ramp))
    better = champion > challenger
    assert (arms.p_above if better else arms.p_below) < 0.001
    assert (arms.p_below if better else arms.p_above) > 0.5
    assert (arms.gain.low > 0) if better else (arms.gain.high < 0)
    assert abs(arms.gain.estimate - (champion - challenger)) < 0.05


def test_models_that_drift_together_are_not_confused_with_a_gain():
    """Both err ever more often, while the challenger's share grows: their plain means differ by 0.15."""
    rng = np.random.default_rng(3)
    share, rate = np.linspace(0.05, 0.95, 8_000), np.linspace(0.1, 0.6, 8_000)
    arms, losses, _ = traffic(rng, 8_000, rate, rate, share)
    plain = losses[arms == "champion"].mean() - losses[arms == "challenger"].mean()
    both = TwoArms()
    both.update_many(arms, losses, share)
    assert plain < -0.1
    assert both.gain.low < 0.0 < both.gain.high
    assert min(both.p_above, both.p_below) > 0.05


@pytest.mark.parametrize("loss", [0.0, 0.4, 1.0])
def test_constant_losses_show_no_gain(loss):
    arms = TwoArms()
    arms.update_many(["champion", "challenger"] * 500, [loss] * 1_000, 0.5)
    assert min(arms.p_above, arms.p_below) > 0.05
    assert arms.gain.low < 0.0 < arms.gain.high


BAD = [
    ("other", 0.5, 0.5), ("", 0.5, 0.5), (None, 0.5, 0.5), (1, 0.5, 0.5),
    ("champion", math.nan, 0.5), ("champion", -0.1, 0.5), ("champion", 1.1, 0.5), ("champion", "1", 0.5),
    ("champion", None, 0.5), ("champion", math.inf, 0.5), ("champion", 0.5, 0.0), ("champion", 0.5, 1.0),
    ("champion", 0.5, math.nan), ("champion", 0.5, 1.2), ("champion", 0.5, None), ("champion", 0.5, "0.5"),
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_bad_rows_raise_and_change_nothing(bad):
    arms = TwoArms()
    arms.update("champion", 0.5, 0.5)
    before = pickle.dumps(arms)
    with pytest.raises(InvalidInputError):
        arms.update(*bad)
    with pytest.raises(InvalidInputError):
        arms.update_many(*([good, each] for good, each in zip(("challenger", 0.1, 0.2), bad, strict=True)))
    assert pickle.dumps(arms) == before
    arms.update_many([], [], [])
    assert pickle.dumps(arms) == before
    with pytest.raises(InvalidInputError, match="same length"):
        arms.update_many(["champion"], [0.1, 0.2], 0.5)


@pytest.mark.parametrize(
    "parameters", [{"margin": 1}, {"margin": 2, "bound": 2}, {"alpha": 0.5}, {"bound": 0}]
)
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(InvalidParameterError):
        TwoArms(**parameters)


def test_a_million_rows_leave_a_small_finite_state():
    arms = TwoArms()
    rng = np.random.default_rng(4)
    arms.update_many(*traffic(rng, 500_000, 0.3, 0.29, 0.5))
    arms.update_many(*traffic(rng, 500_000, 0.3, 0.29, 0.001))
    assert arms.n_champion + arms.n_challenger == 1_000_000
    assert not any(map(math.isnan, (*arms._owned, *arms._sums, *arms._best, *arms.gain)))
    assert len(pickle.dumps(arms)) < 700
    arms.reset()
    assert vars(arms) == vars(TwoArms())


def test_it_goes_on_from_a_file():
    rows_ = traffic(np.random.default_rng(5), 300, 0.3, 0.2, 0.4)
    whole, half = TwoArms(), TwoArms()
    whole.update_many(*rows_)
    half.update_many(*(column[:100] for column in rows_))
    resumed = load(dump(half))
    resumed.update_many(*(column[100:] for column in rows_))
    assert vars(resumed) == vars(whole)


def test_the_interval_holds_the_gain_at_all_rows_at_once():
    """Alpha 0.05 per side; 300 ramps, read every 100 rows. The band is in test_calibration_sequential."""
    rng, missed = np.random.default_rng(6), 0
    for _ in range(100):
        arms, outside = TwoArms(), False
        columns = traffic(rng, 1_500, 0.25, 0.2, np.repeat([0.1, 0.5, 0.8], 500))
        for start in range(0, 1_500, 100):
            arms.update_many(*(column[start : start + 100] for column in columns))
            outside |= not arms.gain.low <= 0.05 <= arms.gain.high
        missed += outside
    assert missed <= 25  # of 100, where 10 are promised at most: the chance of more is 1e-5


def test_what_was_shown_about_the_margin_stays_in_the_interval():
    """The p-value is the best so far; an interval of today alone would contain the margin again."""
    arms, rng = TwoArms(margin=-0.03), np.random.default_rng(3)
    shown = 0
    for start in range(60):
        served = rng.random(200) < 0.5
        rate = np.where(served, 0.1 if start < 12 else 0.16, 0.1)
        names = np.where(served, "challenger", "champion")
        arms.update_many(names, (rng.random(200) < rate).astype(float), 0.5)
        if arms.p_above <= 0.05 and arms.gain.estimate >= -0.03:
            shown += 1
            assert arms.gain.low >= -0.03
        assert arms.gain.low <= arms.gain.estimate <= arms.gain.high
    assert shown > 3
