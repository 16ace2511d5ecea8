"""GroupSequentialGain: each look is Gain at the level that the looks before have left."""

import pickle

import numpy as np
import pytest

from contlearn.exceptions import InvalidParameterError, PersistenceError
from contlearn.gates import Gain, GroupSequentialGain, Outcome, Trial
from contlearn.persistence import dump, load
from contlearn.stats import group_sequential


def errors(seed, n, better, worse):
    u = np.random.default_rng(seed).random(n)
    return (u < better).astype(float), (u > 1.0 - worse).astype(float)


def trial(losses, n, **columns):
    return Trial(losses[0][:n], losses[1][:n], **{name: column[:n] for name, column in columns.items()})


@pytest.mark.parametrize("shape", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("looks", [(200, 400, 600, 800, 1000), (50, 90, 700, 1000), (1000,)])
def test_each_look_is_gain_at_the_level_of_the_spending_function(shape, looks):
    losses = errors(1, 1000, 0.05, 0.045)
    levels = group_sequential([n / 1000 for n in looks], 0.05, f"spending-{shape}").levels
    gate = GroupSequentialGain(1000, shape=shape)
    for look, (n, level) in enumerate(zip(looks, levels, strict=True), 1):
        verdict = gate.look(trial(losses, n))
        alone = Gain(0.0, max(level, 1e-12))(trial(losses, n))
        assert verdict.promote == alone.promote
        assert verdict.gain[:3] == pytest.approx(alone.gain[:3], rel=1e-6)
        assert verdict.gain.confidence == pytest.approx(0.9)
        assert gate.n_looks == look
        assert verdict == gate.verdict
    assert verdict.outcome is Outcome.REJECT
    assert "no look is left" in verdict.reason


def test_a_large_gain_is_promoted_early_and_a_large_loss_rejected_early():
    losses = errors(2, 2000, 0.12, 0.02)
    for given, outcome in ((losses, Outcome.PROMOTE), (losses[::-1], Outcome.REJECT)):
        gate = GroupSequentialGain(2000)
        verdicts = [gate.look(trial(given, n)) for n in (400, 800, 1200)]
        assert verdicts[-1].outcome is outcome
        assert gate.n_looks < 3
        assert (verdicts[-1].p_value <= 0.05) is (outcome is Outcome.PROMOTE)


def test_a_decision_stays_until_reset():
    losses = errors(3, 1000, 0.2, 0.02)
    gate = GroupSequentialGain(1000)
    decided = gate.look(trial(losses, 500))
    before = pickle.dumps(gate)
    assert decided.promote
    assert gate.look(trial(losses[::-1], 1000)) == decided
    assert gate.look(trial(losses, 3)) == decided
    assert pickle.dumps(gate) == before
    gate.reset()
    assert vars(gate) == vars(GroupSequentialGain(1000))
    assert gate.verdict.outcome is Outcome.CONTINUE


def test_asking_again_and_looks_that_are_too_close_cost_nothing():
    losses = errors(4, 1000, 0.05, 0.045)
    gate, plain = GroupSequentialGain(1000), GroupSequentialGain(1000)
    assert "too few for a look" in gate.look(trial(losses, 10)).reason
    assert gate.look(trial(losses, 10)).needed == 10
    assert gate.n_looks == 0
    for n in (300, 300, 310, 319, 700, 700, 1000):
        gate.look(trial(losses, n))
    for n in (300, 700, 1000):
        plain.look(trial(losses, n))
    assert gate.verdict == plain.verdict
    assert vars(gate) == vars(plain)


def test_an_overrun_ends_it_with_all_of_alpha_spent():
    losses = errors(5, 3000, 0.05, 0.048)
    for n in (1001, 3000):
        gate = GroupSequentialGain(1000)
        gate.look(trial(losses, 999))
        assert gate.verdict.outcome is Outcome.CONTINUE
        assert gate.verdict.needed == 1
        assert gate.look(trial(losses, n)).outcome is Outcome.REJECT
        level = gate._level((999, n), 0.05)
        assert 0.0 < level < 0.05


def test_one_look_at_the_end_is_gain():
    losses = errors(6, 400, 0.1, 0.06)
    for shape in ("obrien-fleming", "pocock"):
        gate = GroupSequentialGain(400, shape=shape)
        verdict, alone = gate.look(trial(losses, 400)), Gain()(trial(losses, 400))
        assert verdict.promote == alone.promote
        assert verdict.p_value == pytest.approx(alone.p_value, rel=1e-4)
        assert verdict.gain == pytest.approx(alone.gain)


def test_the_p_value_never_rises_and_promotes_exactly_at_alpha():
    for seed in range(12):
        losses = errors([7, seed], 900, 0.07, 0.045)
        for shape in ("obrien-fleming", "pocock"):
            gate, before = GroupSequentialGain(900, shape=shape), 1.0
            for n in (200, 450, 700, 900):
                verdict = gate.look(trial(losses, n))
                assert verdict.p_value <= before
                before = verdict.p_value
                if verdict.outcome is not Outcome.CONTINUE:
                    break
            assert verdict.promote == (verdict.p_value <= 0.05)


@pytest.mark.parametrize(
    ("champion", "challenger", "columns"),
    [
        ([0.5, np.nan] * 250, [0.4] * 500, {}),
        ([0.5, np.inf] * 250, [0.4] * 500, {}),
        ([0.5] * 500, [0.4] * 500, {}),
        ([0.5] * 500, [0.5] * 500, {}),
        ([0.5, 0.6] * 250, [0.4] * 500, {"groups": [1] * 500}),
        ([0.5, 0.6] * 250, [0.4] * 500, {"groups": [None] * 500}),
    ],
)
def test_what_cannot_be_judged_is_never_promoted_and_spends_nothing(champion, challenger, columns):
    gate = GroupSequentialGain(500)
    verdict = gate.look(Trial(champion, challenger, **columns))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.reason
    assert gate.n_looks == 0
    assert vars(gate) == vars(GroupSequentialGain(500))


def test_identical_and_empty_trials_are_not_promoted():
    gate = GroupSequentialGain(500)
    assert gate.look(Trial([], [])).outcome is Outcome.CONTINUE
    same = [0.0, 1.0] * 250
    assert gate.look(Trial(same, same)).outcome is Outcome.REJECT  # all rows, and nothing shown


OTHERS = "the first 500 rows are not those of the last look"
CURE = "hand over all rows so far, old ones first and in their order, or reset for a new challenger"


def test_rows_that_cannot_be_those_of_the_last_look_and_new_ones_are_named():
    losses = errors(8, 1000, 0.05, 0.045)
    gate = GroupSequentialGain(1000)
    first = gate.look(trial(losses, 500))
    before = pickle.dumps(gate)
    for n in (499, 500, 501, 700, 1000):
        verdict = gate.look(Trial(*errors(9, n, 0.3, 0.01)))
        assert verdict.outcome is Outcome.CONTINUE
        what = "499 rows are fewer than the last look" if n == 499 else OTHERS
        assert verdict.reason == f"no new look: {what}; {CURE}"
        assert (verdict.gain, verdict.p_value, verdict.needed) == (None, None, None)
    swapped = [np.concatenate([column[:500][::-1], column[500:]]) for column in losses]
    assert OTHERS in gate.look(Trial(*swapped)).reason
    assert gate.look(Trial(*(column[:500] * (1.0 + 1e-9) for column in losses))) == first  # asked again
    with pytest.raises(InvalidParameterError, match="trial must be a Trial"):
        gate.look(losses)
    assert pickle.dumps(gate) == before


def test_weeks_of_new_rows_alone_are_never_taken_for_looks():
    """However many: an endless "look 1, about 154 more rows" would tell nobody what is wrong."""
    gate = GroupSequentialGain(1000)
    weeks = (200, 210, 190, 260, 300)
    verdicts = [gate.look(Trial(*errors([11, n], n, 0.06, 0.03))) for n in weeks]
    assert gate.n_looks == 1
    assert all("hand over all rows so far" in verdict.reason for verdict in verdicts[1:])


def test_a_few_rows_more_are_no_new_look_and_say_how_many_are():
    losses = errors(12, 1000, 0.05, 0.045)
    gate = GroupSequentialGain(1000)
    gate.look(trial(losses, 300))
    verdict = gate.look(trial(losses, 310))
    expected = "no new look: 10 rows more than the last look; hand over all rows so far, at least 20 new ones"
    assert (verdict.reason, verdict.needed) == (expected, 10)
    gate.look(trial(losses, 999))
    assert gate.look(trial(losses, 1000)).final


@pytest.mark.parametrize(
    "change",
    [{"_rows": (300, 200)}, {"_rows": (0,)}, {"_rows": (1000, 1200)}, {"_p": -1.0}, {"_rows": ()}],
    ids=str,
)
def test_forged_looks_are_refused(change):
    gate = GroupSequentialGain(1000)
    gate.look(trial(errors(13, 500, 0.05, 0.045), 500))
    assert load(dump(gate)).verdict == gate.verdict
    vars(gate).update(change)
    with pytest.raises(PersistenceError, match="the looks of a GroupSequentialGain"):
        load(dump(gate))


def test_clusters_and_anchors_are_those_of_gain():
    rng = np.random.default_rng(9)
    groups = np.repeat(np.arange(40), 10)
    champion = np.repeat(rng.normal(1.0, 0.3, 40), 10) + rng.normal(0, 0.1, 400)
    challenger = champion - np.repeat(rng.normal(0.05, 0.3, 40), 10)
    rows = Trial(champion, challenger, groups=groups)
    assert "40 groups" in GroupSequentialGain(400).look(rows).reason
    alone = Trial(champion, challenger)
    assert GroupSequentialGain(400).look(rows).p_value > GroupSequentialGain(400).look(alone).p_value
    far = Trial(champion, challenger, groups=groups, anchor_losses=champion - 1.0)
    assert not GroupSequentialGain(400, margin=-0.2).look(far)


def test_fifty_looks_at_most_are_remembered():
    losses = errors(10, 1000, 0.05, 0.05)
    gate = GroupSequentialGain(1000)
    for n in range(5, 1000, 45):
        gate.look(trial(losses, n))
    assert gate.n_looks == 22
    assert len(pickle.dumps(gate)) < 1_000


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_samples": 0}, {"max_samples": 2.5}, {"max_samples": 9, "margin": np.nan},
        {"max_samples": 9, "alpha": 0.5}, {"max_samples": 9, "shape": "flat"},
    ],
)  # fmt: skip
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(InvalidParameterError):
        GroupSequentialGain(**parameters)
