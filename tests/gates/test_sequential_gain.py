"""SequentialGain: the evidence is what the mathematics says, a decision stays, bad rows change nothing."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.gates import Outcome, SequentialGain
from contlearn.gates._paired_bets import SHARES, WEIGHTS
from contlearn.stats import _bets

law = settings(derandomize=True, deadline=None, max_examples=60)


def errors(rng, n, better, worse):
    u = rng.random(n)
    return (u < better).astype(float), (u > 1.0 - worse).astype(float)


def scores(rng, n, gain=0.0):
    return np.clip(rng.normal(0.3 + gain, 0.1, n), 0, 1), np.clip(rng.normal(0.3, 0.1, n), 0, 1)


def wealth(gains, margin, bound=1.0):
    """Return the wealth of both sides after each row, in logs, from the definition."""
    shares, x, m = np.array(SHARES)[:, np.newaxis], gains / bound, margin / bound
    sides = []
    for steps in (shares * (x - m) / (1 + m), -shares * (x - m) / (1 - m)):
        logs = np.cumsum(np.log1p(steps), axis=1) + np.log(WEIGHTS)[:, np.newaxis]
        sides.append(np.logaddexp.reduce(logs, axis=0))
    return sides


def state(gate):
    return {name: value for name, value in vars(gate).items() if name.startswith("_")}


@pytest.mark.parametrize("margin", [0.0, -0.02, 0.013])
@pytest.mark.parametrize("draw", [lambda rng: errors(rng, 3_000, 0.05, 0.03), lambda rng: scores(rng, 900)])
def test_the_evidence_is_the_mixture_of_its_bets(draw, margin):
    champion, challenger = draw(np.random.default_rng(1))
    gate = SequentialGain(margin=margin, alpha=1e-200)
    gate.update_many(champion, challenger)
    above, below = wealth(champion - challenger, margin)
    assert gate.n == champion.size
    assert gate.verdict.p_value == pytest.approx(min(1.0, math.exp(-above.max())), rel=1e-10)
    assert gate._above == pytest.approx(max(1.0, math.exp(above.max())), rel=1e-10)
    assert gate._below == pytest.approx(max(1.0, math.exp(below.max())), rel=1e-10)


@pytest.mark.parametrize("gain", [0.03, -0.03])
@pytest.mark.parametrize("margin", [0.0, 0.004])
def test_it_decides_at_the_first_row_at_which_the_evidence_suffices(gain, margin):
    champion, challenger = errors(np.random.default_rng(2), 5_000, 0.04 + gain / 2, 0.04 - gain / 2)
    above, below = wealth(champion - challenger, margin)
    side = above if gain > 0 else below
    first = int((side >= math.log(20.0)).argmax())
    gate = SequentialGain(margin=margin)
    for row, pair in enumerate(zip(champion.tolist(), challenger.tolist(), strict=True)):
        gate.update(*pair)
        assert gate._decided is (row >= first)
        if row == first:
            break
    assert gate.verdict.outcome is (Outcome.PROMOTE if gain > 0 else Outcome.REJECT)
    assert gate.n == first + 1


rows = st.one_of(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), max_size=80),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=80),
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=80),
)


@law
@given(
    rows,
    st.sampled_from([0.0, 0.1, -0.1, -0.9]),
    st.sampled_from([None, 1, 30]),
    st.sampled_from([0.4, 0.05]),
    st.lists(st.integers(0, 80), max_size=3),
)
def test_update_many_is_repeated_update_bit_for_bit(pairs, margin, most, alpha, cuts):
    one = SequentialGain(margin=margin, max_samples=most, alpha=alpha)
    many = one.clone()
    for pair in pairs:
        one.update(*pair)
    edges = sorted({0, *(min(cut, len(pairs)) for cut in cuts), len(pairs)})
    for start, stop in pairwise(edges):
        many.update_many(*zip(*pairs[start:stop], strict=True))
    assert state(one) == state(many)
    assert one.verdict == many.verdict


def test_long_streams_in_blocks_are_repeated_updates_bit_for_bit():
    for draw in (
        errors(np.random.default_rng(3), 9_000, 0.03, 0.03),
        scores(np.random.default_rng(3), 9_000),
    ):
        one, many = SequentialGain(alpha=1e-6), SequentialGain(alpha=1e-6)
        for pair in zip(*(side.tolist() for side in draw), strict=True):
            one.update(*pair)
        many.update_many(*draw)
        assert one.n == 9_000
        assert state(one) == state(many)


@law
@given(rows, st.sampled_from([0.0, 0.05, -0.3]))
def test_exchanging_the_models_mirrors_the_verdict(pairs, margin):
    gate, mirrored = SequentialGain(margin=margin, alpha=0.3), SequentialGain(margin=-margin, alpha=0.3)
    for champion, challenger in pairs:
        gate.update(champion, challenger)
        mirrored.update(challenger, champion)
    swapped = {Outcome.PROMOTE: Outcome.REJECT, Outcome.REJECT: Outcome.PROMOTE}
    outcome = gate.verdict.outcome
    assert mirrored.verdict.outcome is swapped.get(outcome, outcome)
    assert (mirrored._above, mirrored._below) == (gate._below, gate._above)
    if pairs:
        assert mirrored.gain.low == pytest.approx(-gate.gain.high, abs=1e-9)


@law
@given(rows, st.sampled_from([1e-200, 0.25, 8.0, 2.0**100]))
def test_the_unit_of_the_loss_does_not_matter(pairs, bound):
    one, other = SequentialGain(margin=0.125), SequentialGain(margin=0.125 * bound, bound=bound)
    for champion, challenger in pairs:
        one.update(champion, challenger)
        other.update(champion * bound, challenger * bound)
    assert other.verdict.outcome is one.verdict.outcome
    assert other.verdict.p_value == pytest.approx(one.verdict.p_value, rel=1e-6)


def test_a_decision_stays_until_reset():
    gate = SequentialGain()
    gate.update_many([1.0] * 50, [0.0] * 50)
    before, decided = state(gate), gate.verdict
    assert decided.promote
    assert gate.n < 50
    gate.update(0.0, 1.0)
    gate.update_many([0.0] * 5_000, [1.0] * 5_000)
    assert (state(gate), gate.verdict) == (before, decided)
    with pytest.raises(InvalidInputError, match="champion_loss must be a loss"):
        gate.update(7.0, 0.0)
    gate.reset()
    assert state(gate) == state(SequentialGain())
    assert gate.verdict == SequentialGain().verdict
    gate.update_many([0.0] * 50, [1.0] * 50)
    assert gate.verdict.outcome is Outcome.REJECT


def test_equal_models_are_rejected_at_max_samples_and_never_before():
    champion, challenger = errors(np.random.default_rng(4), 3_000, 0.03, 0.03)
    gate, endless = SequentialGain(max_samples=1_000), SequentialGain()
    for row, pair in enumerate(zip(champion.tolist(), challenger.tolist(), strict=True), 1):
        gate.update(*pair)
        assert gate._decided is (row >= 1_000)
        if row == 700:
            assert gate.verdict.needed <= 300
        if row == 1_200:
            break
    assert gate.n == 1_000
    assert gate.verdict.outcome is Outcome.REJECT
    assert "within max_samples" in gate.verdict.reason
    endless.update_many(champion, challenger)
    assert endless.verdict.outcome is Outcome.CONTINUE
    assert endless.n == 3_000


@pytest.mark.parametrize("losses", [[0.0] * 500, [0.3] * 500, [1.0] * 500])
def test_identical_models_are_never_promoted(losses):
    gate = SequentialGain()
    gate.update_many(losses, losses)
    verdict = gate.verdict
    assert (verdict.outcome, verdict.p_value, verdict.needed) == (Outcome.CONTINUE, 1.0, None)
    assert verdict.gain.low < 0.0 < verdict.gain.high
    assert verdict.gain.estimate == 0.0


def test_without_rows_it_says_so():
    gate = SequentialGain()
    gate.update_many([], [])
    assert str(gate) == "continue: no rows yet"
    assert (gate.gain, gate.n, gate.verdict.p_value) == (None, 0, 1.0)
    assert SequentialGain(max_samples=7).verdict.needed == 7


@pytest.mark.parametrize(
    "bad",
    [
        math.nan,
        math.inf,
        -0.1,
        1.5,
        None,
        "0.5",
        b"1",
        [0.5],
        np.array([0.1, 0.2]),
        1j,
        np.nan,
        np.float32(2),
    ],
)
def test_bad_losses_raise_and_change_nothing(bad):
    gate = SequentialGain(max_samples=90)
    gate.update_many([1.0, 0.2], [0.0, 0.4])
    before = pickle.dumps(gate)
    for pair in ((bad, 0.5), (0.5, bad)):
        with pytest.raises((InvalidInputError, InvalidParameterError)):
            gate.update(*pair)
        with pytest.raises(InvalidInputError):
            gate.update_many(*([0.5, each, 0.5] for each in pair))
    assert pickle.dumps(gate) == before
    gate.update(0.5, 0.5)
    assert gate.n == 3


def test_lengths_must_agree_and_nothing_is_counted_else():
    gate = SequentialGain()
    with pytest.raises(InvalidInputError, match="same length"):
        gate.update_many([0.1, 0.2], [0.1])
    with pytest.raises(InvalidInputError, match=r"challenger_losses\[2\] must be a loss between 0 and 1"):
        gate.update_many([0.1, 0.2, 0.3], [0.1, 0.2, math.nan])
    with pytest.raises(InvalidInputError):
        gate.update_many(0.1, 0.2)
    assert gate.n == 0


@pytest.mark.parametrize("masked", [np.ma.masked, np.ma.array(0.0, mask=True)], ids=repr)
def test_a_masked_loss_is_missing_and_not_zero(masked):
    gate = SequentialGain()
    for pair in ((1.0, masked), (masked, 1.0)):
        with pytest.raises(InvalidInputError, match="must be a loss between 0 and 1"):
            gate.update(*pair)
    assert gate.n == 0


@pytest.mark.parametrize("loss", [True, 1, 1.0, np.float32(1), np.int8(1), np.bool_(True), np.array(1.0)])
def test_any_kind_of_number_is_a_loss(loss):
    gate, plain = SequentialGain(), SequentialGain()
    gate.update(loss, 0)
    plain.update(1.0, 0.0)
    assert state(gate) == state(plain)


@pytest.mark.parametrize(
    "parameters",
    [
        {"margin": 1.0}, {"margin": -1.0}, {"margin": math.nan}, {"margin": "0"}, {"margin": 3, "bound": 2},
        {"alpha": 0.0}, {"alpha": 0.5}, {"alpha": math.nan}, {"max_samples": 0}, {"max_samples": 2.5},
        {"bound": 0.0}, {"bound": math.inf}, {"bound": -1},
    ],
)  # fmt: skip
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(InvalidParameterError):
        SequentialGain(**parameters)


def exact_limit(gains, level):
    """Return the lowest gain that the bets on larger ones leave open, by trying many."""
    tried = np.linspace(-0.999, 0.999, 4_001)
    shares = np.array(SHARES)[:, np.newaxis]
    evidence = [
        np.logaddexp.reduce(np.log1p(shares * (gains - m) / (1 + m)).sum(axis=1) + np.log(WEIGHTS))
        for m in tried
    ]
    return tried[np.array(evidence) < level][0]


def test_the_interval_is_that_of_the_bets_for_zero_one_losses():
    champion, challenger = errors(np.random.default_rng(5), 800, 0.06, 0.05)
    gate = SequentialGain(margin=0.01)
    gate.update_many(champion, challenger)
    assert gate.n == 800
    gains = champion - challenger
    assert gate.gain.low == pytest.approx(exact_limit(gains, math.log(20)), abs=1e-3)
    assert gate.gain.high == pytest.approx(-exact_limit(-gains, math.log(20)), abs=1e-3)
    assert gate.gain.confidence == pytest.approx(0.9)


@pytest.mark.parametrize("spread", [0.05, 0.3])
def test_the_interval_of_other_losses_is_hardly_wider_than_that_of_the_bets(spread):
    rng = np.random.default_rng(6)
    champion, challenger = (np.clip(rng.normal(0.4, spread, 600), 0, 1) for _ in range(2))
    gate = SequentialGain()
    gate.update_many(champion, challenger)
    assert gate.n == 600
    low = exact_limit(champion - challenger, math.log(20))
    assert gate.gain.low <= low + 1e-3
    assert gate.gain.estimate - gate.gain.low <= 1.1 * (gate.gain.estimate - low) + 1e-3


@law
@given(rows, st.sampled_from([0.0, 0.05, -0.2]), st.sampled_from([0.4, 0.05]))
def test_the_interval_agrees_with_the_outcome(pairs, margin, alpha):
    gate = SequentialGain(margin=margin, alpha=alpha)
    for pair in pairs:
        gate.update(*pair)
        verdict = gate.verdict
        low, high = verdict.gain.low, verdict.gain.high
        assert -1.0 <= low <= verdict.gain.estimate <= high <= 1.0
        if verdict.outcome is Outcome.PROMOTE:
            assert low >= margin
            assert verdict.p_value <= alpha
        elif verdict.outcome is Outcome.REJECT:
            assert high <= margin
            assert verdict.p_value > alpha
        else:
            assert low <= margin + 1e-9
            assert high >= margin - 1e-9


def test_needed_foretells_the_rows_until_the_decision():
    foretold, actual = [], []
    for seed in range(40):
        gate = SequentialGain()
        draws = errors(np.random.default_rng([7, seed]), 6_000, 0.05, 0.02)
        gate.update_many(*(side[:200] for side in draws))
        if gate.verdict.needed and not gate.verdict.final:
            foretold.append(gate.verdict.needed)
            gate.update_many(*(side[200:] for side in draws))
            actual.append(gate.n - 200)
    assert len(actual) > 15
    assert 0.3 < np.median(foretold) / np.median(actual) < 3.0


def test_a_million_rows_neither_overflow_nor_vanish_into_nan():
    rng = np.random.default_rng(8)
    gate = SequentialGain(alpha=5e-324)  # which nothing reaches
    champion, challenger = errors(rng, 1_000_000, 0.05, 0.01)
    gate.update_many(challenger, champion)
    assert gate.n < 1_000_000 or gate._below < math.inf
    for losses in (scores(rng, 1_000_000), (rng.random(1_000_000),) * 2):
        gate = SequentialGain(margin=-0.0001, alpha=1e-300)
        gate.update_many(*losses)
        assert all(math.isfinite(each) for each in (*gate._owned, *gate._sums, gate._above, gate._below))
        assert all(math.isfinite(end) for end in gate.verdict.gain)
    assert len(pickle.dumps(gate)) < 600


def test_bets_that_have_lost_nearly_everything_lose_no_rows():
    gate = SequentialGain(alpha=1e-300, margin=0.5)
    gate.update_many([0.0] * 2_000, [1.0] * 2_000)
    assert gate._owned[4] == 0.0
    gate = SequentialGain(alpha=1e-300, margin=0.5)
    gate.update_many([0.0] * 200, [1.0] * 200)
    gate.update_many([1.0] * 1_000, [0.0] * 1_000)
    assert gate.n == 1_200 or gate.verdict.final


@law
@given(st.floats(-1.0, 60.0), st.sampled_from([2, 4]))
def test_power_sums_bound_the_wealth_from_below(x, order):
    factors = _bets.coefficients(SHARES, order)
    bound = factors @ np.array([x**power for power in range(1, order + 1)])
    assert (bound <= np.log1p(np.array(SHARES) * x) + 1e-12 * (1 + abs(bound))).all()


def test_power_sums_are_close_where_gains_are_small():
    factors = _bets.coefficients(SHARES, 4)
    for x in (-0.1, 0.1, 0.3):
        bound = factors @ np.array([x, x**2, x**3, x**4])
        np.testing.assert_allclose(bound, np.log1p(np.array(SHARES) * x), rtol=0.07)


def test_margins_of_half_the_loss_and_bounds_show_in_the_repr():
    gate = SequentialGain(0.5, 0.01, max_samples=10, bound=2.0)
    assert repr(gate) == "SequentialGain(margin=0.5, alpha=0.01, max_samples=10, bound=2.0)"
    assert repr(SequentialGain()) == "SequentialGain(margin=0.0, alpha=0.05)"
