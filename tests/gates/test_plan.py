import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nct, t

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.gates import Approval, EverySlice, Faster, Gain, Interval, Plan, Trial, plan
from contlearn.stats import sample_size_mcnemar
from contlearn.stats._paired_power import power, region

few = settings(derandomize=True, deadline=None, max_examples=25)


def exact(n, gain, discordance, alpha=0.05):
    return power(region(n, discordance, 0.0, alpha), n, discordance, gain)


def test_the_example_of_four_percent_against_two():
    """Connor's formula says 926 rows; the exact test has 0.771 there and needs about 1000."""
    found = plan(Gain(), gain=0.02, discordance=0.06, n=925)
    assert round(found.power, 3) == 0.771
    assert not found
    assert 980 <= found.needed <= 1010
    assert plan(Gain(), gain=0.02, discordance=0.06, n=found.needed)
    assert plan(Gain(), gain=0.02, discordance=0.06, n=3000).power > 0.99


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize(("gain", "discordance"), [(0.02, 0.06), (0.1, 0.1), (0.3, 1.0), (0.05, 0.3)])
def test_from_the_rows_needed_on_the_power_stays(gain, discordance, alpha):
    needed = plan(Gain(alpha=alpha), gain, discordance=discordance).needed
    assert exact(needed - 1, gain, discordance, alpha) < 0.8
    assert all(exact(n, gain, discordance, alpha) >= 0.8 for n in range(needed, needed + 30))


def test_many_rows_are_those_of_connors_formula():
    for gain in (0.002, 0.0005):
        needed = plan(Gain(), gain, discordance=0.06).needed
        formula = sample_size_mcnemar((0.06 + gain) / 2, (0.06 - gain) / 2)
        assert needed == pytest.approx(formula, rel=0.03)
        assert needed >= formula


@few
@given(st.floats(0.01, 0.2), st.floats(0.2, 1.0), st.integers(20, 2000), st.sampled_from([0.05, 0.01]))
def test_the_detectable_gain_is_found_with_the_power_asked_for(gain, discordance, n, alpha):
    found = plan(Gain(alpha=alpha), gain, discordance=discordance, n=n, power=0.9)
    assert found.power == pytest.approx(exact(n, gain, discordance, alpha))
    if found.detectable is None:
        assert exact(n, discordance, discordance, alpha) < 0.9
    else:
        assert exact(n, found.detectable, discordance, alpha) >= 0.9
        assert exact(n, 0.999 * found.detectable, discordance, alpha) < 0.9
        assert (found.detectable <= gain) == bool(found)


def test_mid_p_needs_fewer_rows_and_a_larger_power_more():
    rows = [plan(Gain(method="mid-p"), 0.02, discordance=0.06).needed]
    rows += [plan(Gain(), 0.02, discordance=0.06, power=p).needed for p in (0.8, 0.9, 0.99)]
    assert rows == sorted(rows)
    assert len(set(rows)) == 4


def test_a_margin_moves_the_question():
    """Non-inferiority of an equal model, and a minimum worthwhile gain, by the normal limit within 6 %."""
    z = (1.6449 + 0.8416) ** 2
    equal = plan(Gain(margin=-0.02), gain=0.0, discordance=0.06, n=800)
    assert equal.needed == pytest.approx(z * 0.06 / 0.02**2, rel=0.06)
    assert 0.7 < equal.power < 0.8
    assert 0.0 < equal.detectable < 0.005
    worthwhile = plan(Gain(margin=0.01), gain=0.03, discordance=0.06)
    assert worthwhile.needed == pytest.approx(z * 0.06 / 0.02**2, rel=0.06)
    assert worthwhile.needed > plan(Gain(), gain=0.03, discordance=0.06).needed


def test_no_number_of_rows_shows_a_gain_that_is_not_above_the_margin():
    for gate, gain in ((Gain(), 0.0), (Gain(), -0.01), (Gain(margin=0.02), 0.02)):
        found = plan(gate, gain, discordance=0.1, n=200)
        assert found.needed is None
        assert found.power <= 0.05
        assert "no number of rows finds" in str(found)


def test_a_margin_below_every_loss_promotes_nothing_as_the_gate_does():
    assert plan(Gain(margin=-1.0), 0.0, discordance=0.1, n=100).power == 0.0


def student(n, effect, alpha=0.05):
    return nct.sf(t.isf(alpha, n - 1), n - 1, effect * math.sqrt(n))


def test_other_losses_have_nearly_the_power_of_student():
    """The guard against skewness costs a little, and less with more rows."""
    for n, loss in ((20, 0.13), (100, 0.05), (2000, 0.012)):
        effect = 2.5 / math.sqrt(n)
        found = plan(Gain(), gain=0.1 * effect, spread=0.1, n=n)
        assert student(n, effect) - loss < found.power < student(n, effect)
    needed = plan(Gain(), gain=0.02, spread=0.3).needed
    assert student(needed, 0.02 / 0.3) == pytest.approx(0.8, abs=0.02)


def test_a_margin_is_subtracted_from_the_gain_of_other_losses():
    moved = plan(Gain(margin=-0.05), gain=0.0, spread=0.3, n=500)
    assert moved.power == pytest.approx(plan(Gain(), gain=0.05, spread=0.3, n=500).power)
    assert moved.detectable == pytest.approx(plan(Gain(), gain=0.05, spread=0.3, n=500).detectable - 0.05)


def test_fewer_rows_than_could_ever_pass_have_no_power():
    assert plan(Gain(), gain=1.0, spread=0.1, n=4).power == 0.0
    assert plan(Gain(), gain=1.0, spread=0.1, n=5).power > 0.0
    assert plan(Gain(), gain=1.0, discordance=1.0, n=4).power == 0.0
    assert plan(Gain(), gain=1.0, discordance=1.0, n=5).power == 1.0


def test_unlabelled_rows_bound_the_discordance():
    rng = np.random.default_rng(0)
    champion = rng.integers(0, 5, 4000)
    challenger = np.where(rng.random(4000) < 0.06, (champion + 1) % 5, champion)
    found = plan(Gain(), 0.02, predictions=(champion, challenger), n=1000)
    share = (champion != challenger).mean()
    loose = plan(Gain(), 0.02, discordance=share, n=1000)
    assert found.power < loose.power
    assert found.needed > loose.needed
    assert found.needed < 1.2 * loose.needed
    names = np.array(list("abcde"))
    assert plan(Gain(), 0.02, predictions=(names[champion], names[challenger]), n=1000) == found


def test_a_prediction_that_is_missing_counts_as_a_disagreement():
    champion = np.zeros(500)
    challenger = np.r_[np.full(25, np.nan), np.zeros(475)]
    one = plan(Gain(), 0.02, predictions=(champion, challenger))
    both = plan(Gain(), 0.02, predictions=(challenger, challenger))
    assert one.needed == both.needed


def test_an_interval_of_the_discordance_counts_by_its_upper_end():
    interval = Interval(0.05, 0.04, 0.06, 0.9)
    assert plan(Gain(), 0.02, discordance=interval).needed == plan(Gain(), 0.02, discordance=0.06).needed


def test_an_earlier_trial_says_how_the_losses_vary():
    rng = np.random.default_rng(0)
    zero_one = Trial([1.0] * 40 + [0.0] * 960, [0.0] * 40 + [1.0] * 20 + [0.0] * 940)
    assert plan(Gain(), 0.02, like=zero_one, n=925).power == pytest.approx(exact(925, 0.02, 0.06))
    gains = rng.normal(0.0, 0.3, 4000)
    found = plan(Gain(), 0.02, like=Trial(gains, np.zeros(4000)), n=1000)
    assert found.power == pytest.approx(plan(Gain(), 0.02, spread=gains.std(), n=1000).power, abs=0.01)


def test_clusters_of_an_earlier_trial_are_counted_as_clusters():
    """Days that go up and down together: the rows of a day hardly add to what the day says."""
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(40), 25)
    gains = rng.normal(0.0, 0.1, 40)[day] + rng.normal(0.0, 0.05, 1000)
    trial = Trial(gains, np.zeros(1000), groups=day)
    found = plan(Gain(), 0.05, like=trial, n=1000)
    means = gains.reshape(40, 25).mean(axis=1)
    by_day = plan(Gain(), 0.05, spread=means.std(ddof=1), n=40)
    assert found.power == pytest.approx(by_day.power, abs=0.03)
    assert found.needed == pytest.approx(25 * by_day.needed, rel=0.1)
    assert plan(Gain(), 0.05, spread=gains.std(), n=1000).power > found.power
    assert plan(Gain(), 0.05, like=trial, n=100).power == 0.0  # four days


def test_slices_multiply_and_the_smallest_decides():
    gate = EverySlice(Gain(), by="region")
    found = plan(gate, 0.05, discordance=0.1, slices={"eu": 2000, "us": 150})
    assert found.n == 2150
    eu, us = found.parts
    assert (eu.of, us.of, eu.n, us.n) == ("region=eu", "region=us", 2000, 150)
    assert us.power == plan(Gain(), 0.05, discordance=0.1, n=150).power
    assert found.power == pytest.approx(eu.power * us.power)
    assert found.needed == pytest.approx(us.needed * 2150 / 150, rel=0.05)
    assert "the weakest part, region=us" in str(found)


def test_shares_of_the_rows_and_margins_by_slice():
    shares = {"eu": 0.75, "us": 0.25}
    gate = EverySlice(Gain(), by="region")
    assert plan(gate, 0.05, discordance=0.1, slices=shares).n is None
    found = plan(gate, 0.05, discordance=0.1, slices=shares, n=800)
    assert [part.n for part in found.parts] == [600, 200]
    eased = EverySlice(Gain(), by="region", margins={"us": -0.05})
    assert plan(eased, 0.05, discordance=0.1, slices=shares, n=800).power > found.power


def test_a_required_slice_without_rows_is_never_promoted():
    gate = EverySlice(Gain(), by="region", required=("eu", "asia"))
    found = plan(gate, 0.05, discordance=0.1, slices={"eu": 2000})
    assert found.power == 0.0
    assert found.needed is None


def test_slices_of_an_earlier_trial_vary_as_they_did():
    rng = np.random.default_rng(0)
    region = np.array(["eu"] * 800 + ["us"] * 200 + ["it"] * 5)
    quiet = np.where(region == "eu", 0.02, 0.3)
    better = rng.random(1005) < quiet / 2
    worse = ~better & (rng.random(1005) < quiet / 2)
    trial = Trial(better * 1.0, worse * 1.0, slices={"region": region})
    eu, it, us = plan(EverySlice(Gain(), by="region"), 0.02, like=trial, n=10_050).parts
    assert (eu.n, it.n, us.n) == (8000, 50, 2000)
    assert eu.needed < it.needed < us.needed


def test_joined_gates_have_a_lower_bound_and_others_are_named():
    gate = Gain() & EverySlice(Gain(), by="region") & Approval("ada") & Faster()
    found = plan(gate, 0.05, discordance=0.1, slices={"eu": 400, "us": 400})
    whole, slices = found.parts
    assert found.power == pytest.approx(1 - (1 - whole.power) - (1 - slices.power))
    assert found.remarks[0] == f"not planned: {Faster()!r}"
    assert "not known to reach" in found.remarks[1]
    assert not found.whole
    assert not plan(gate, 0.05, discordance=0.1, slices={"eu": 40_000, "us": 40_000})
    planned = plan(
        Gain() & EverySlice(Gain(), by="region") & Approval("ada"),
        0.05,
        discordance=0.1,
        slices={"eu": 40_000, "us": 40_000},
    )
    assert planned.whole
    assert planned
    assert planned.remarks == ("the gates read the same rows, so their joint power is at least this",)
    assert found.needed >= max(whole.needed, slices.needed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "discordance, predictions, spread or like must be given, and only one of them, got none"),
        ({"discordance": 0.1, "spread": 0.2}, "only one of them, got discordance, spread"),
        ({"discordance": 0.01}, "gain must be at most the discordance of 0.01"),
        ({"discordance": 0.0}, "discordance must be above 0"),
        ({"discordance": 1.1}, "discordance must be between 0 and 1"),
        ({"discordance": math.nan}, "discordance"),
        ({"spread": 0.0}, "spread must be above 0"),
        ({"spread": 0.1, "n": 0}, "n must be at least 1"),
        ({"spread": 0.1, "n": 10.0}, "n must be an integer"),
        ({"spread": 0.1, "power": 0.05}, "power must be above alpha"),
        ({"spread": 0.1, "power": 1.0}, "power must be strictly between"),
        ({"gain": math.nan, "spread": 0.1}, "gain must be finite"),
        ({"gate": Approval(), "spread": 0.1}, "gate must be one that can be planned"),
        ({"gate": Gain, "spread": 0.1}, "gate must be a gate"),
        ({"gate": Gain(bounds=(0.0, 1.0)), "spread": 0.1}, "gate must be without bounds"),
        ({"gate": EverySlice(Gain(), by="region"), "spread": 0.1}, "slices must be given for EverySlice"),
        ({"slices": {}, "spread": 0.1}, "slices must name at least one"),
        ({"slices": {"eu": -1}, "spread": 0.1}, "must be above 0"),
        ({"like": [0.1]}, "like must be a Trial"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_the_cure(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        plan(**{"gate": Gain(), "gain": 0.02, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"like": Trial([], [])}, "like must be a trial that a gate can judge, got the trial has no rows"),
        ({"like": Trial([math.nan], [0.0])}, "NaN or infinite"),
        ({"like": Trial([0.2] * 9, [0.1] * 9)}, "like must show how much the differences"),
        ({"predictions": ([1, 2], [1])}, "same length"),
        ({"predictions": ([], [])}, "at least one row"),
        ({"predictions": [1, 2, 3]}, "pair"),
        ({"predictions": ([[1, 2]], [[1, 2]])}, r"predictions\[0\]"),
    ],
)
def test_data_from_which_nothing_can_be_planned_is_refused(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        plan(Gain(), 0.02, **arguments)


def test_a_plan_prints_as_one_line_and_as_json():
    found = plan(EverySlice(Gain(), by="region"), 0.05, discordance=0.1, slices={"e\nu": 2000, "us": 150})
    assert "\n" not in str(found)
    assert str(found).startswith("plan: 2150 rows find a gain of 0.05 with power 0.5")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["parts"][1]["n"] == 150
    assert found._repr_html_().count("<tr>") == 4
    assert isinstance(found, Plan)
    assert str(plan(Gain(), 0.02, discordance=0.06)).startswith(
        "plan: 996 rows find a gain of 0.02 with power"
    )
