"""Gates of predictions with a negative margin ask against the best model ever promoted, too."""

import pickle

import numpy as np
import pytest

from contlearn import persistence
from contlearn.evaluation import brier
from contlearn.gates import AUCGain, EverySlice, Gain, MetricGain, Outcome, Trial

N = 600


def scores(y, strength, seed):
    noise = np.random.default_rng(seed).normal(size=y.size)
    return 1.0 / (1.0 + np.exp(-(strength * (2 * y - 1) + noise)))


@pytest.fixture
def rows():
    y = np.arange(N) % 3 == 0
    return {
        "y": y,
        "champion": scores(y, 0.5, 1),
        "challenger": scores(y, 0.5, 1) + 1e-9,
        "loss": brier,
        "slices": {"half": np.arange(N) % 2},
    }


def better(rows):
    return scores(rows["y"], 3.0, 2)


GATES = [
    AUCGain(margin=-0.05),
    MetricGain("roc_auc", margin=-0.05),
    MetricGain("brier", margin=-0.02),
    MetricGain(brier, margin=-0.02, greater_is_better=False, n_resamples=400),
]


@pytest.mark.parametrize("gate", GATES, ids=repr)
def test_a_challenger_much_worse_than_the_anchor_is_refused(gate, rows):
    rows = rows | {"challenger": scores(rows["y"], 0.6, 3)}
    trial = Trial.from_predictions(**rows, anchor=better(rows))
    alone = gate(Trial.from_predictions(**rows))
    both = gate(trial)
    assert both.outcome is Outcome.REJECT
    assert both.because[0].outcome is alone.outcome
    assert both.gain == alone.gain
    assert "against the anchor, gain in" in both.reason
    assert both.because[1].p_value == both.p_value


@pytest.mark.parametrize("gate", GATES, ids=repr)
def test_the_part_about_the_anchor_is_the_gate_with_the_anchor_as_champion(gate, rows):
    anchor = scores(rows["y"], 0.7, 4)
    both = gate(Trial.from_predictions(**rows, anchor=anchor))
    alone = gate(Trial.from_predictions(**(rows | {"champion": anchor})))
    assert (both.because[1].p_value, both.because[1].gain) == (alone.p_value, alone.gain)


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_a_margin_of_zero_or_more_asks_nothing_of_the_anchor(margin, rows):
    trial = Trial.from_predictions(**rows, anchor=better(rows))
    assert AUCGain(margin)(trial) == AUCGain(margin)(Trial.from_predictions(**rows))


def test_an_anchor_of_which_half_is_there_fails_closed(rows):
    rows = rows | {"champion": scores(rows["y"], 0.5, 1), "challenger": better(rows)}
    losses = Trial.from_predictions(**rows)
    columns = {name: rows[name] for name in ("y", "champion", "challenger")}
    both = (losses.champion_losses, losses.challenger_losses)
    only_losses = Trial(*both, **columns, anchor_losses=losses.champion_losses)
    only_predictions = Trial(*both, **columns, anchor=rows["champion"])
    assert AUCGain(-0.05)(Trial(*both, **columns)).promote
    for gate, trial, cure in (
        (AUCGain(-0.05), only_losses, "pass anchor="),
        (MetricGain("brier", -0.05), only_losses, "pass anchor="),
        (Gain(-0.05), only_predictions, "pass anchor_losses="),
    ):
        verdict = gate(trial)
        assert verdict.outcome is Outcome.CONTINUE
        assert cure in verdict.reason


def test_slices_take_the_anchor_along(rows):
    trial = Trial.from_predictions(**(rows | {"challenger": scores(rows["y"], 0.6, 3)}), anchor=better(rows))
    verdict = EverySlice(AUCGain(-0.05), by="half")(trial)
    assert verdict.outcome is Outcome.REJECT
    assert "against the anchor" in verdict.reason


def test_a_trial_keeps_the_anchors_predictions(rows):
    trial = Trial.from_predictions(**rows, anchor=better(rows))
    for again in (
        pickle.loads(pickle.dumps(trial)),
        persistence.load(persistence.dump(trial)),
        trial.take(np.arange(N)),
    ):
        assert np.array_equal(again.anchor, better(rows))
        assert not again.anchor.flags.writeable
    assert np.array_equal(trial.take([3, 5]).anchor, better(rows)[[3, 5]])
    assert "anchor=..., anchor_losses=..." in repr(trial)
    assert trial.anchor_losses == pytest.approx(brier(rows["y"], better(rows)))


def test_an_anchor_of_another_length_is_refused():
    with pytest.raises(ValueError, match="anchor"):
        Trial([0, 1], [0, 1], anchor=[1])
