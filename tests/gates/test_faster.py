import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, t

from contlearn.exceptions import InvalidParameterError
from contlearn.gates import EverySlice, Faster, Gain, Outcome, Trial
from contlearn.gates._faster_ratio import of_means, of_quantiles, paired, rows_for_quantile, unpaired

modest = settings(derandomize=True, deadline=None, max_examples=60)


def timed(champion, challenger, n=None, **beside):
    n = len(champion) if n is None else n
    return Trial(np.zeros(n), np.zeros(n), seconds=(champion, challenger), **beside)


def times(n, scale=0.01, sigma=0.5, seed=0):
    return scale * np.random.default_rng(seed).lognormal(0.0, sigma, n)


SLOW, FAST = times(400), times(400, scale=0.008, seed=1)


@pytest.mark.parametrize("quantile", [None, 0.5, 0.95])
@pytest.mark.parametrize("n", [400, 7])
def test_a_faster_model_is_promoted_and_a_slower_one_rejected(quantile, n):
    gate = Faster(quantile=quantile)
    verdict = gate(timed(SLOW, FAST, n))
    assert verdict.promote
    assert verdict.p_value <= 0.05
    assert 0.0 < verdict.gain.low < verdict.gain.estimate < verdict.gain.high < 1.0
    assert gate(timed(FAST, SLOW, n)).outcome is Outcome.REJECT
    assert gate(timed(FAST, SLOW, n)).gain.high < 0.0


def test_the_limit_is_a_share_of_the_champions_time():
    assert Faster(limit=0.7)(timed(SLOW, FAST)).outcome is Outcome.REJECT
    assert Faster(limit=0.9)(timed(SLOW, FAST)).promote
    assert Faster(limit=1.4)(timed(FAST, SLOW)).promote
    assert not Faster(limit=1.4, alpha=1e-9)(timed(FAST, SLOW)).promote


def test_an_open_question_says_how_many_more_times_would_settle_it():
    verdict = Faster()(timed(times(120), times(120, scale=0.0105, seed=1)))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.needed > 120
    assert f"about {verdict.needed} more times would settle it" in verdict.reason
    settled = 120 + verdict.needed
    again = timed(np.resize(times(120), settled), np.resize(times(120, scale=0.0105, seed=1), settled))
    assert Faster()(again).final


def test_times_of_the_rows_are_paired_and_others_are_not():
    shared = times(100, sigma=1.0)
    other = shared * times(100, scale=0.9, sigma=0.05, seed=2)
    assert Faster()(timed(shared, other)).promote
    assert Faster()(timed(shared, other, n=99)).outcome is Outcome.CONTINUE
    assert "100 paired times" in Faster()(timed(shared, other)).reason
    assert "100 against 99 times" in Faster()(timed(shared[:99], other)).reason


def test_two_numbers_are_compared_but_not_promoted():
    verdict = Faster()(Trial([1.0], [0.0], seconds=(0.02, 0.01)))
    assert verdict.outcome is Outcome.CONTINUE
    assert "0.01 s against 0.02 s on average" in verdict.reason
    assert "pass seconds=(champion_times, challenger_times)" in verdict.reason
    assert verdict.needed == 99


def test_a_trial_without_times_says_so():
    verdict = Faster()(Trial([1.0] * 99, [0.0] * 99))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.reason.startswith("the trial has no seconds; pass seconds=")


GATES = [Faster(), Faster(quantile=0.5), Faster(quantile=0.95), Faster(limit=10.0)]


@pytest.mark.parametrize("gate", GATES, ids=repr)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 0.0, -0.001, 1e300, 1e-300])
@pytest.mark.parametrize("side", [0, 1])
def test_a_time_that_no_clock_measured_is_never_promoted(gate, bad, side):
    pair = [SLOW.copy(), FAST.copy()]
    pair[side][7] = bad
    verdict = gate(timed(*pair))
    assert verdict.outcome is Outcome.CONTINUE
    who = ("champion", "challenger")[side]
    assert verdict.reason.startswith(f"1 of 400 times of the {who} are NaN, infinite, zero, negative")
    assert not gate(timed(*pair, n=3)).final


@pytest.mark.parametrize("gate", GATES, ids=repr)
@pytest.mark.parametrize("n", [0, 1, 2, 29, 99])
def test_too_few_times_are_never_promoted(gate, n):
    for pair in ((SLOW[:n], FAST[:n] / 99), (SLOW, FAST[:n] / 99), (SLOW[:n], FAST / 99)):
        if gate.quantile is not None and n >= gate._fewest():
            continue
        verdict = gate(timed(*pair, n=5))
        assert verdict.outcome is Outcome.CONTINUE
        assert verdict.needed >= 1


@pytest.mark.parametrize("gate", [Faster(), Faster(quantile=0.5), Faster(quantile=0.95)], ids=repr)
def test_identical_times_and_equal_constants_are_never_promoted(gate):
    for pair in ((SLOW, SLOW), (np.full(400, 0.01), np.full(400, 0.01))):
        verdict = gate(timed(*pair))
        assert verdict.outcome is Outcome.CONTINUE
    assert "do not vary" in Faster()(timed(np.full(400, 0.02), np.full(400, 0.01))).reason


def test_a_coarse_clock_is_no_reason_to_promote():
    ticks = np.random.default_rng(0).choice([0.001, 0.002], size=(2, 500), p=[0.97, 0.03])
    assert not Faster(quantile=0.95)(timed(*ticks)).promote
    assert not Faster(quantile=0.5)(timed(*ticks)).promote


def test_clusters_are_counted_as_clusters():
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(8), 50)
    good_days = np.exp(0.3 * rng.standard_normal(8))[day]
    challenger = SLOW * good_days / good_days.mean() * 0.95
    assert Faster()(timed(SLOW, challenger)).promote
    verdict = Faster()(timed(SLOW, challenger, groups=day))
    assert verdict.outcome is Outcome.CONTINUE
    assert "400 paired times in 8 groups" in verdict.reason
    assert "3 groups cannot show anything" in Faster()(timed(SLOW, FAST, groups=day % 3)).reason
    assert "1 of 400 rows without a group" in Faster()(timed(SLOW, FAST, groups=[None, *day[1:]])).reason
    assert Faster()(timed(SLOW, FAST, groups=np.arange(400))) == Faster()(timed(SLOW, FAST))


def test_it_joins_and_is_asked_about_slices():
    region = ["eu", "us"] * 200
    sliced = timed(SLOW, np.where(np.arange(400) % 2, FAST, SLOW * 1.3), slices={"region": region})
    verdict = EverySlice(Faster(), by="region")(sliced)
    assert verdict.outcome is Outcome.REJECT
    assert "region=eu" in verdict.reason
    assert (Gain(margin=-0.1) & Faster())(timed(SLOW, FAST)).promote
    assert Faster(alpha=0.05).tightened(0.01) == Faster(alpha=0.01)


@modest
@given(st.integers(0, 10**6), st.floats(1e-6, 1e6), st.sampled_from([None, 0.9]))
def test_the_unit_of_time_makes_no_difference(seed, unit, quantile):
    champion, challenger = times(120, seed=seed), times(120, scale=0.009, seed=seed + 1)
    gate = Faster(quantile=quantile)
    one, other = gate(timed(champion, challenger)), gate(timed(champion * unit, challenger * unit))
    assert one.outcome is other.outcome
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)
    assert one.gain == pytest.approx(other.gain, rel=1e-6, abs=1e-9)


@modest
@given(st.integers(0, 10**6), st.floats(0.3, 3.0), st.sampled_from([None, 0.5, 0.9]))
def test_the_interval_and_the_test_say_the_same(seed, limit, quantile):
    champion, challenger = times(110, seed=seed), times(105, seed=seed + 1)
    verdict = Faster(limit=limit, quantile=quantile)(timed(champion, challenger))
    saved = verdict.gain
    if abs(saved.low - (1 - limit)) > 1e-6 and abs(saved.high - (1 - limit)) > 1e-6:
        assert verdict.promote == (saved.low > 1 - limit)
        assert (verdict.outcome is Outcome.REJECT) == (saved.high < 1 - limit)


def test_the_bounds_of_the_mean_are_fiellers_but_for_the_guard_against_skewness():
    """With many times the guard is weak: the classical formula, written out, is close."""
    champion, challenger = times(4000), times(4000, scale=0.009, seed=1)
    found = of_means(unpaired(champion, challenger), challenger.mean() / champion.mean(), 1.0, 0.05)
    z = t.isf(0.05, 7000)
    a, b = champion.mean(), challenger.mean()
    va, vb = champion.var(ddof=1) / 4000, challenger.var(ddof=1) / 4000
    g = z**2 * va / a**2
    half = z / a * math.sqrt(vb + (b / a) ** 2 * va - g * vb)
    low, high = ((b / a - half) / (1 - g), (b / a + half) / (1 - g))
    assert found.low == pytest.approx(low, abs=0.02 * (high - low))
    assert found.high == pytest.approx(high, abs=0.02 * (high - low))
    assert found.low < low
    assert found.high > high


def test_pairing_uses_the_covariance():
    champion = times(300, sigma=1.0)
    challenger = 0.95 * champion * times(300, scale=1.0, sigma=0.02, seed=3)
    ratio = challenger.mean() / champion.mean()
    apart = of_means(unpaired(champion, challenger), ratio, 1.0, 0.05)
    together = of_means(paired(champion, challenger, None), ratio, 1.0, 0.05)
    assert together.high - together.low < 0.1 * (apart.high - apart.low)


def test_a_champion_whose_mean_is_not_known_to_be_positive_gives_no_upper_bound():
    wild = np.r_[np.full(99, 1e-6), 1.0]
    verdict = Faster()(timed(wild, times(100)))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.gain.low == -math.inf


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_the_bounds_of_a_quantile_are_order_statistics(quantile):
    """Against a champion that does not vary, the bound is the order statistic that the binomial law gives."""
    n = 500
    challenger = np.sort(times(n))
    found = of_quantiles(np.full(n, 0.01), challenger, quantile, 1.0, 0.05)
    above = int(binom.ppf(0.95, n, quantile)) + 1
    assert binom.sf(above - 1, n, quantile) <= 0.05 < binom.sf(above - 2, n, quantile)
    assert found.high == pytest.approx(challenger[above - 1] / 0.01)
    below = n + 1 - (int(binom.ppf(0.95, n, 1 - quantile)) + 1)
    assert found.low == pytest.approx(challenger[below - 1] / 0.01)


@pytest.mark.parametrize(("quantile", "rows"), [(0.5, 5), (0.95, 59), (0.99, 299), (0.05, 59)])
def test_how_many_times_a_quantile_needs(quantile, rows):
    assert rows_for_quantile(quantile, 0.05) == rows
    extreme = max(quantile, 1 - quantile)
    assert extreme**rows <= 0.05 < extreme ** (rows - 1)
    gate = Faster(quantile=quantile)
    assert gate(timed(SLOW, FAST[: rows - 1])).needed == 1
    assert gate(timed(SLOW, FAST[:rows])).p_value is not None


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": 0.0},
        {"limit": -1.0},
        {"limit": math.nan},
        {"limit": 1e9},
        {"alpha": 0.5},
        {"alpha": 0.0},
        {"quantile": 1.0},
        {"quantile": 0.0},
        {"quantile": "p95"},
        {"limit": True},
    ],
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(InvalidParameterError):
        Faster(**arguments)


def test_it_is_a_value():
    assert pickle.loads(pickle.dumps(Faster(0.9, quantile=0.95))) == Faster(0.9, quantile=0.95)
    assert repr(Faster()) == "Faster(limit=1.0, alpha=0.05, quantile=None)"
    with pytest.raises(InvalidParameterError, match="trial must be a Trial"):
        Faster()((1.0, 2.0))


def test_the_bounds_of_a_quantile_do_not_take_clusters_for_rows():
    day = np.repeat(np.arange(8), 50)
    verdict = Faster(quantile=0.5)(timed(SLOW, FAST, groups=day))
    assert verdict.outcome is Outcome.CONTINUE
    assert "these 400 come in 8 groups" in verdict.reason
    assert Faster(quantile=0.5)(timed(SLOW, FAST, groups=np.arange(400))).promote
