"""Gates that are read again and again: rates of wrong decisions, and the rows that they need."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from contlearn.gates import Gain, GroupSequentialGain, Outcome, SequentialGain, Trial
from contlearn.gates._two_arms import TwoArms

pytestmark = pytest.mark.calibration

ALPHA = 0.05


def most(repeats, rate=ALPHA):
    """Return the largest count that a true `rate` exceeds with a chance of 1e-6 only."""
    return int(binom.isf(1e-6, repeats, rate))


def errors(rng, n, better, worse):
    u = rng.random(n)
    return (u < better).astype(float), (u > 1.0 - worse).astype(float)


def brier(rng, n, gain=0.0):
    """Skewed losses between 0 and 1 of two models that mostly agree."""
    shared = rng.beta(0.6, 2.4, n)
    champion = np.clip(shared + rng.normal(gain, 0.1, n), 0.0, 1.0)
    return champion, np.clip(shared + rng.normal(0.0, 0.1, n), 0.0, 1.0)


STREAMS = {
    "errors, 6 % disagreement": lambda rng, n: errors(rng, n, 0.03, 0.03),
    "errors, 40 % disagreement": lambda rng, n: errors(rng, n, 0.2, 0.2),
    "rare expensive rows": lambda rng, n: (np.full(n, 0.01), (rng.random(n) < 0.01).astype(float)),
    "brier": brier,
}


@pytest.mark.parametrize("stream", STREAMS)
def test_read_after_every_one_of_20000_rows_equal_models_are_hardly_ever_promoted(stream):
    """`update_many` equals a verdict after every row: a decision stays, and `n` is the row that made it."""
    rng, repeats, wrong = np.random.default_rng(1), 1_000, dict.fromkeys(Outcome, 0)
    if stream == "errors, 6 % disagreement":
        repeats = 2_000
    for _ in range(repeats):
        gate = SequentialGain(alpha=ALPHA)
        gate.update_many(*STREAMS[stream](rng, 20_000))
        outcome = Outcome.CONTINUE
        if gate._decided:
            outcome = Outcome.PROMOTE if gate._above >= 20.0 else Outcome.REJECT
        wrong[outcome] += 1
    assert wrong[Outcome.PROMOTE] <= most(repeats)
    assert wrong[Outcome.REJECT] <= most(repeats)
    if "errors" in stream:
        assert wrong[Outcome.PROMOTE] >= 0.01 * repeats  # not by sleeping


def test_the_gate_for_one_look_promotes_a_third_of_equal_models_if_read_every_100_rows():
    """Why there is a sequential gate: the exact McNemar test, 200 looks at 20,000 rows."""
    rng, repeats, wrong = np.random.default_rng(2), 1_000, 0
    looks = np.arange(100, 20_001, 100)
    for _ in range(repeats):
        champion, challenger = errors(rng, 20_000, 0.03, 0.03)
        better, worse = (np.cumsum(side)[looks - 1] for side in (champion, challenger))
        wrong += (binom.sf(better - 1, better + worse, 0.5) <= ALPHA).any()
    assert wrong >= 0.25 * repeats
    # the test above is the gate's: at its last look they agree
    p = Gain(alpha=ALPHA)(Trial(champion, challenger)).p_value
    assert p == pytest.approx(binom.sf(better[-1] - 1, better[-1] + worse[-1], 0.5))


def test_a_margin_of_non_inferiority_is_kept_at_every_row():
    """A challenger that is worse by exactly the margin."""
    rng, repeats, wrong = np.random.default_rng(3), 1_000, 0
    for _ in range(repeats):
        gate = SequentialGain(margin=-0.01, alpha=ALPHA)
        gate.update_many(*errors(rng, 10_000, 0.025, 0.035))
        wrong += gate._above >= 20.0
    assert wrong <= most(repeats)


def power_rows(better, worse):
    """Return the rows with which the exact McNemar test has a power of 80 %."""

    def power(n):
        discordant = np.arange(binom.isf(1e-12, n, better + worse) + 1)
        least = binom.isf(ALPHA, discordant, 0.5) + 1
        chance = binom.pmf(discordant, n, better + worse)
        return chance @ binom.sf(least - 1, discordant, better / (better + worse))

    low, high = 10, 20_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= 0.8 else (middle, high)
    return high


@pytest.mark.parametrize("gain", [0.01, 0.02, 0.04])
def test_it_needs_at_most_one_and_a_half_times_the_rows_of_a_fixed_design(gain):
    fixed = power_rows(0.03 + gain / 2, 0.03 - gain / 2)
    rng, rows, promoted, repeats = np.random.default_rng(4), [], 0, 400
    for _ in range(repeats):
        gate = SequentialGain(alpha=ALPHA)
        gate.update_many(*errors(rng, 10 * fixed, 0.03 + gain / 2, 0.03 - gain / 2))
        rows.append(gate.n)
        promoted += gate._above >= 20.0
    assert promoted >= 0.95 * repeats
    assert np.mean(rows) + 4.0 * np.std(rows) / math.sqrt(repeats) <= 1.5 * fixed


@pytest.mark.parametrize("gain", [0.01, 0.03])
def test_other_losses_need_no_more_unless_they_hardly_differ(gain):
    """On average. At 0.03 the best bet would be larger than is allowed: a row may lose a whole loss."""
    rng, rows, promoted, repeats = np.random.default_rng(5), [], 0, 1_000
    champion, challenger = brier(rng, 400_000, gain)
    gains = champion - challenger
    fixed = ((1.6449 + 0.8416) * gains.std() / gains.mean()) ** 2
    for _ in range(repeats):
        gate = SequentialGain(alpha=ALPHA)
        gate.update_many(*brier(rng, int(10 * fixed), gain))
        rows.append(gate.n)
        promoted += gate._above >= 20.0
    assert promoted >= 0.95 * repeats
    assert np.mean(rows) + 4.0 * np.std(rows) / math.sqrt(repeats) <= (1.5 if gain < 0.03 else 1.8) * fixed


def test_the_confidence_sequence_holds_at_all_rows_at_once():
    """A decision would end the stream, so the margin is one that is never reached."""
    for draw, truth in (
        (lambda rng: errors(rng, 4_000, 0.06, 0.03), 0.03),
        (lambda rng: brier(rng, 4_000), 0.0),
    ):
        rng, repeats, low, high = np.random.default_rng(6), 150, 0, 0
        for _ in range(repeats):
            gate, columns, ends = SequentialGain(margin=truth, alpha=1e-9), draw(rng), []
            gate.alpha = ALPHA  # the interval's; whether it has decided was settled by the other
            for start in range(0, 4_000, 500):
                gate.update_many(*(column[start : start + 500] for column in columns))
                ends.append(gate.gain[1:3])
            low += max(end[0] for end in ends) > truth
            high += min(end[1] for end in ends) < truth
        assert low <= most(repeats)
        assert high <= most(repeats)


@pytest.mark.parametrize("case", ["half", "one in ten", "ramp", "drift"])
def test_two_arms_without_a_gain_hardly_ever_show_one(case):
    """Wrong at any of 5,000 rows; losses that drift, and a share that grows, among them."""
    n, repeats = 5_000, 1_000
    share = {"half": 0.5, "one in ten": 0.1}.get(case, np.repeat([0.01, 0.05, 0.2, 0.5, 0.9], n // 5))
    rate = np.linspace(0.05, 0.4, n) if case == "drift" else 0.15
    rng, above, below = np.random.default_rng(7), 0, 0
    for _ in range(repeats):
        arms = np.where(rng.random(n) < share, "challenger", "champion")
        both = TwoArms()
        both.update_many(arms, (rng.random(n) < rate).astype(float), share)
        above += both.p_above <= ALPHA
        below += both.p_below <= ALPHA
    assert max(above, below) <= most(repeats)
    assert min(above, below) >= 0.005 * repeats


def test_two_arms_need_about_half_again_the_rows_of_a_fixed_design():
    """Error rates 0.2 and 0.15, half of the rows each."""
    fixed = (1.6449 + 0.8416) ** 2 * 2.0 * (0.2 * 0.8 + 0.15 * 0.85) / 0.05**2
    rng, rows = np.random.default_rng(8), []
    for _ in range(100):
        n = int(8 * fixed)
        served = rng.random(n) < 0.5
        losses = (rng.random(n) < np.where(served, 0.15, 0.2)).astype(float)
        arms, both = np.where(served, "challenger", "champion"), TwoArms()
        for start in range(0, n, 50):
            both.update_many(*(column[start : start + 50] for column in (arms, losses)), 0.5)
            if both.p_above <= ALPHA:
                break
        rows.append(start + 50)
    assert np.mean(rows) <= 1.7 * fixed


LOOKED_AT = {
    "errors": lambda rng, n: errors(rng, n, 0.03, 0.03),
    "many errors": lambda rng, n: errors(rng, n, 0.25, 0.25),
    "normal": lambda rng, n: (rng.standard_normal(n), np.zeros(n)),
    "skewed": lambda rng, n: (1.0 - rng.exponential(size=n), np.zeros(n)),
}


def wrong_after_looks(rng, draw, n, looks, shape, repeats, monkeypatch, groups=None):
    levels = {}

    def level(self, rows, alpha):
        if (rows, alpha) not in levels:
            levels[rows, alpha] = plain(self, rows, alpha)
        return levels[rows, alpha]

    # the limits once per place, not once per stream; the p-value is not asked for
    plain = GroupSequentialGain._level
    monkeypatch.setattr(GroupSequentialGain, "_level", level)
    monkeypatch.setattr(GroupSequentialGain, "_repeated", lambda self, rows, p: p)
    wrong = 0
    for _ in range(repeats):
        champion, challenger = draw(rng, n)
        gate = GroupSequentialGain(n, alpha=ALPHA, shape=shape)
        for rows in looks:
            held = None if groups is None else groups[:rows]
            if gate.look(Trial(champion[:rows], challenger[:rows], groups=held)).final:
                break
        wrong += gate.verdict.promote
    return wrong


@pytest.mark.parametrize("shape", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("kind", LOOKED_AT)
def test_planned_looks_keep_alpha_together(kind, shape, monkeypatch):
    """Five looks at 300 rows, unevenly spaced: few rows, so that the normal law is far away."""
    rng, repeats, looks = np.random.default_rng(9), 1_000, (40, 75, 150, 280, 300)
    wrong = wrong_after_looks(rng, LOOKED_AT[kind], 300, looks, shape, repeats, monkeypatch)
    assert wrong <= most(repeats)
    if kind == "normal":
        assert wrong >= 0.025 * repeats


@pytest.mark.parametrize("shape", ["obrien-fleming", "pocock"])
def test_planned_looks_at_clusters_keep_alpha_together(shape, monkeypatch):
    """Fifty days of five rows that go well or badly as a whole; a look every ten days."""
    groups = np.repeat(np.arange(50), 5)

    def days(rng, n):
        return np.repeat(rng.standard_normal(50), 5) + 0.5 * rng.standard_normal(n), np.zeros(n)

    rng, repeats, looks = np.random.default_rng(10), 600, range(50, 251, 50)
    assert wrong_after_looks(rng, days, 250, looks, shape, repeats, monkeypatch, groups) <= most(repeats)


def test_looking_early_saves_rows():
    """A gain of 0.02 where 6 % of rows differ: by far fewer rows on average than the maximum, power kept."""
    rng, rows, promoted = np.random.default_rng(11), [], 0
    for _ in range(60):
        champion, challenger = errors(rng, 1_300, 0.04, 0.02)
        gate = GroupSequentialGain(1_300)
        for n in range(260, 1_301, 260):
            if gate.look(Trial(champion[:n], challenger[:n])).final:
                break
        rows.append(n)
        promoted += gate.verdict.promote
    assert promoted >= 0.7 * 60
    assert np.mean(rows) <= 0.85 * 1_300
