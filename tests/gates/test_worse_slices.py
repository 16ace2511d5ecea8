import json
import pickle

import numpy as np
import pytest
from scipy.stats import binom

from contlearn.exceptions import InvalidParameterError
from contlearn.gates import Gain, Outcome, SliceGain, Trial, WorseSlices, worse_slices
from contlearn.stats import adjust


def trial_of(cells, groups=None):
    """A zero-one trial from rows (slice, better, worse, same)."""
    champion, challenger, names = [], [], []
    for name, better, worse, same in cells:
        champion += [1] * better + [0] * (worse + same)
        challenger += [0] * better + [1] * worse + [0] * same
        names += [name] * (better + worse + same)
    return Trial(champion, challenger, slices={"region": np.array(names, dtype=object)}, groups=groups)


CELLS = [("eu", 3, 9, 50), ("us", 20, 2, 30), ("apac", 1, 14, 60), ("tiny", 0, 1, 1), (None, 0, 12, 5)]


def test_each_slice_has_the_p_value_of_gain_turned_round_adjusted_by_holm():
    trial = trial_of(CELLS)
    found = worse_slices(trial, by="region")
    assert [part.name for part in found.slices] == ["apac", "eu", "tiny", "us", "(missing)"]
    alone = []
    for part in found.slices:
        name = None if part.name == "(missing)" else part.name
        here = trial.take(np.array([region == name for region in trial.slices["region"]]))
        turned = Gain()(Trial(here.challenger_losses, here.champion_losses))
        alone.append(turned.p_value)
        assert part.n_samples == here.n_samples
        assert part.gain == Gain()(here).gain
    assert [part.p_value for part in found.slices] == pytest.approx(adjust(alone, "holm").tolist())
    assert found.worse == tuple(part.name for part in found.slices if part.p_value <= 0.05)
    assert found.worse == ("apac", "(missing)")
    assert bool(found)


@pytest.mark.parametrize("bounds", [None, (0.0, 1.0)])
@pytest.mark.parametrize("groups", [False, True])
def test_other_losses_groups_and_margins_go_the_way_of_gain(bounds, groups):
    rng = np.random.default_rng(0)
    n = 1200
    region, day = rng.choice(["a", "b"], n), rng.integers(0, 60, n)
    champion, challenger = rng.random(n) * 0.5, rng.random(n) * 0.5 + 0.3 * (region == "b")
    columns = {"slices": {"region": region}, "groups": day if groups else None}
    trial = Trial(champion, challenger, **columns)
    found = worse_slices(trial, "region", bounds=bounds)
    assert found.worse == ("b",)
    for margin in (-0.1, -0.4):
        tolerant = worse_slices(trial, "region", margin=margin, bounds=bounds)
        part = trial.take(region == "b")
        shown = Gain(margin, 0.025, bounds)(part).outcome is Outcome.REJECT
        assert ("b" in tolerant.worse) == shown == (margin > -0.3)


def test_one_line_tells_which_and_why():
    text = str(worse_slices(trial_of(CELLS), by="region"))
    assert text.startswith("2 of 5 slices of region got worse (alpha 0.05, Holm); apac: gain -0.1733")
    assert "(missing): gain -0.7059" in text
    assert "eu:" not in text
    assert "\n" not in text
    better = worse_slices(trial_of([("eu", 9, 0, 5)]), by="region")
    assert str(better) == "none of 1 slices of region is shown to have got worse (alpha 0.05, Holm)"
    assert not better


def test_slices_of_which_nothing_can_be_said_count_and_are_never_named():
    rng = np.random.default_rng(1)
    champion, challenger = rng.random(300), rng.random(300) + 0.5
    region = np.repeat(["a", "b", "c"], 100)
    challenger[120] = np.nan
    found = worse_slices(Trial(champion, challenger, slices={"region": region}), "region")
    assert found.worse == ("a", "c")
    broken = found.slices[1]
    assert (broken.p_value, broken.gain, broken.worse) == (None, None, False)
    assert "1 of 100 rows with a loss that is NaN" in broken.reason
    assert "1 of 3 cannot be judged: b" in str(found)
    alone = Gain()(Trial(challenger[:100], champion[:100])).p_value
    assert found.slices[0].p_value == pytest.approx(3 * alone)  # the unknown one is among the tests


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (Trial([0, 1], [1, 1]), "the trial has no slices named 'region'"),
        (Trial([0, 1], [1, 1], slices={"hour": [1, 2]}), "no slices named 'region'"),
        (Trial([], [], slices={"region": []}), "no rows"),
    ],
)
def test_a_trial_without_slices_names_none_and_says_why(trial, why):
    found = worse_slices(trial, by="region")
    assert found.slices == found.worse == ()
    assert not found
    assert why in str(found)


@pytest.mark.parametrize(
    ("champion", "challenger"),
    [
        ([], []),
        ([0.0], [1.0]),
        ([np.nan] * 40, [1.0] * 40),
        ([0.3] * 40, [0.3] * 40),
        ([0.0, 1.0] * 20, [0.0, 1.0] * 20),
    ],
)
def test_want_of_evidence_names_no_slice(champion, challenger):
    trial = Trial(champion, challenger, slices={"region": ["a"] * len(champion)})
    for bounds in (None, (0.0, 1.0)):
        assert not worse_slices(trial, by="region", bounds=bounds)


def test_it_is_a_value_of_builtins():
    found = worse_slices(trial_of(CELLS), by="region")
    assert pickle.loads(pickle.dumps(found)) == found
    assert (
        eval(
            repr(found),
            {"WorseSlices": WorseSlices, "SliceGain": SliceGain, "Interval": type(found.slices[0].gain)},
        )
        == found
    )
    told = json.loads(json.dumps(found.to_dict()))
    assert [part["name"] for part in told["slices"] if part["worse"]] == ["apac", "(missing)"]
    assert "apac" in found._repr_html_()
    assert all(type(part.worse) is bool and type(part.n_samples) is int for part in found.slices)


def test_names_that_are_numbers_are_told_as_text():
    trial = Trial([0] * 40, [1] * 40, slices={"hour": [3] * 20 + [11] * 20})
    assert worse_slices(trial, by="hour").worse == ("3", "11")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": 3}, "by must be the name of a column"),
        ({"alpha": 0.5}, "alpha must be strictly between 0 and 0.5"),
        ({"margin": float("nan")}, "margin must be finite"),
        ({"bounds": 1}, "bounds must be a pair"),
        ({"trial": [1]}, "trial must be a Trial"),
    ],
)
def test_parameters_are_checked(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        worse_slices(**{"trial": trial_of(CELLS), "by": "region"} | arguments)


def losses(gains, names, groups=None):
    return Trial(np.maximum(gains, 0), np.maximum(-gains, 0), slices={"s": names}, groups=groups)


def test_slices_that_are_too_small_for_students_t_are_never_named():
    gains = np.random.default_rng(2).random(1000) - 3.0  # worse in every row
    names = np.r_[np.zeros(43, int), np.arange(957) % 19 + 1]
    found = worse_slices(losses(gains, names), "s")
    assert len(found.worse) == 19
    small = found.slices[0]
    assert (small.worse, small.p_value, small.n_samples) == (False, None, 43)
    assert "43 rows cannot show a loss among 20 slices at alpha 0.05 by Student's t, 44 can" in small.reason
    assert small.gain is not None
    names[43] = 0
    assert len(worse_slices(losses(gains, names), "s").worse) == 20
    assert "0" in worse_slices(losses(gains, names), "s", bounds=(0.0, 4.0)).worse


def test_with_groups_clusters_are_what_is_too_few():
    gains = np.random.default_rng(3).random(400) - 3.0
    names = np.repeat(["a", "b"], 200)
    for clusters, named in ((15, ()), (16, ("a", "b"))):
        found = worse_slices(losses(gains, names, np.arange(400) % clusters), "s")
        assert found.worse == named
    assert "16 can" in worse_slices(losses(gains, names, np.arange(400) % 15), "s").slices[0].reason


@pytest.mark.calibration
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("slices", "rows"), [(5, 20), (5, 34), (20, 20), (20, 44), (20, 100), (100, 20)])
def test_skewed_gains_of_0_name_a_slice_at_most_at_alpha(slices, rows, sign):
    rng, names = np.random.default_rng([slices, rows]), np.repeat(np.arange(slices), rows)
    repeats = {5: 500, 20: 300, 100: 60}[slices]
    wrong = sum(
        bool(worse_slices(losses(sign * (rng.exponential(size=names.size) - 1.0), names), "s"))
        for _ in range(repeats)
    )
    assert wrong <= int(binom.isf(1e-6, repeats, 0.05))
