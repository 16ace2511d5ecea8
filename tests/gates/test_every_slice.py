import pickle

import numpy as np
import pytest

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.gates import EverySlice, Gain, Outcome, Trial, Verdict


def trial_of(cells, groups=None):
    """A zero-one trial from rows (slice, better, worse, same)."""
    champion, challenger, names = [], [], []
    for name, better, worse, same in cells:
        champion += [1] * better + [0] * (worse + same)
        challenger += [0] * better + [1] * worse + [0] * same
        names += [name] * (better + worse + same)
    return Trial(champion, challenger, slices={"region": np.array(names, dtype=object)}, groups=groups)


def test_every_slice_must_promote():
    good = trial_of([("us", 20, 2, 30), ("eu", 12, 1, 30)])
    verdict = EverySlice(Gain(), by="region")(good)
    assert verdict.promote
    assert [part.reason.split(":")[0] for part in verdict.because] == ["region=eu", "region=us"]
    assert verdict.p_value == max(part.p_value for part in verdict.because)
    assert verdict.gain == verdict.because[0].gain  # eu is the closer call
    assert verdict.reason.startswith("all 2 slices of region passed; the least sure, region=eu: gain")
    assert verdict.needed is None


def test_an_average_cannot_hide_a_slice_that_got_worse():
    trial = trial_of([("us", 200, 2, 300), ("eu", 1, 12, 30)])
    assert Gain()(trial).promote
    verdict = (Gain() & EverySlice(Gain(margin=-0.05), by="region"))(trial)
    assert verdict.outcome is Outcome.REJECT
    assert "region=eu" in verdict.reason
    assert "region=us" not in verdict.reason


def test_the_weakest_slice_gives_the_outcome_and_each_that_failed_is_named():
    names = [f"r{k}" for k in range(6)]
    trial = trial_of([("good", 30, 0, 0), *((name, 2, 2, 2) for name in names)])
    verdict = EverySlice(Gain(), by="region")(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert "6 of 7 slices of region did not pass" in verdict.reason
    assert all(name in verdict.reason for name in names)
    assert "good" not in verdict.reason
    assert "\n" not in verdict.reason
    assert len(verdict.because) == 7


def test_each_slice_is_asked_about_its_own_rows_and_groups():
    rng = np.random.default_rng(0)
    n = 400
    region, day = rng.choice(["eu", "us"], n), rng.integers(0, 20, n)
    champion, challenger = rng.random((2, n))
    trial = Trial(champion, challenger, slices={"region": region}, groups=day)
    parts = EverySlice(Gain(-0.1), by="region")(trial).because
    for name, part in zip(["eu", "us"], parts, strict=True):
        here = region == name
        alone = Gain(-0.1)(Trial(champion[here], challenger[here], groups=day[here]))
        assert (part.outcome, part.gain, part.p_value) == (alone.outcome, alone.gain, alone.p_value)


def test_rows_without_a_slice_are_a_slice():
    trial = trial_of([("eu", 30, 0, 10), (None, 0, 9, 0), (float("nan"), 0, 9, 0)])
    verdict = EverySlice(Gain(), by="region")(trial)
    assert verdict.outcome is Outcome.REJECT
    assert "region=(missing): gain -1" in verdict.reason
    assert "18 rows" in verdict.reason


@pytest.mark.parametrize("required", [("apac",), ["eu", "apac"], {"apac"}])
def test_a_required_slice_without_rows_is_never_promoted(required):
    trial = trial_of([("eu", 30, 0, 10)])
    assert EverySlice(Gain(), by="region")(trial).promote
    verdict = EverySlice(Gain(), by="region", required=required)(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert "region=apac: no rows, though it is required" in verdict.reason
    assert verdict.needed is None


def test_a_required_slice_without_rows_does_not_soften_a_rejection():
    trial = trial_of([("eu", 0, 30, 10)])
    assert EverySlice(Gain(), by="region", required=("apac",))(trial).outcome is Outcome.REJECT


def test_required_names_may_be_numbers():
    trial = Trial([1] * 20, [0] * 20, slices={"hour": [3] * 10 + [7] * 10})
    assert EverySlice(Gain(), by="hour", required=(3, 7))(trial).promote
    assert not EverySlice(Gain(), by="hour", required=(3, 8))(trial)


def test_a_trial_without_the_column_is_never_promoted_and_the_gate_says_what_is_lacking():
    for trial, there in [
        (Trial([1] * 20, [0] * 20), "only none"),
        (Trial([1] * 20, [0] * 20, slices={"hour": [1] * 20}), "only 'hour'"),
    ]:
        verdict = EverySlice(Gain(), by="region")(trial)
        assert verdict.outcome is Outcome.CONTINUE
        assert "no slices named 'region'" in verdict.reason
        assert there in verdict.reason


def test_no_rows_are_no_promotion():
    empty = Trial([], [], slices={"region": []})
    assert EverySlice(Gain(), by="region")(empty).outcome is Outcome.CONTINUE
    assert "apac" in EverySlice(Gain(), by="region", required=("apac",))(empty).reason


def test_needed_counts_rows_of_the_whole_trial():
    trial = trial_of([("us", 200, 0, 680), ("eu", 6, 3, 91)])
    alone = Gain()(trial.take(trial.slices["region"] == "eu"))
    verdict = EverySlice(Gain(), by="region")(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.needed == pytest.approx(alone.needed * 980 / 100, abs=1)


def test_the_order_of_the_rows_changes_nothing():
    rng = np.random.default_rng(1)
    n = 300
    champion, challenger, region = rng.random(n) < 0.4, rng.random(n) < 0.3, rng.choice(list("abc"), n)
    order = rng.permutation(n)
    gate = EverySlice(Gain(), by="region")
    here = gate(Trial(champion, challenger, slices={"region": region}))
    there = gate(Trial(champion[order], challenger[order], slices={"region": region[order]}))
    assert here == there


def test_any_gate_or_function_can_be_asked():
    trial = trial_of([("eu", 30, 0, 10), ("us", 3, 0, 0)])

    def enough(rows):
        outcome = Outcome.PROMOTE if rows.n_samples >= 10 else Outcome.CONTINUE
        return Verdict(outcome, f"{rows.n_samples} rows")

    verdict = EverySlice(enough, by="region")(trial)
    assert verdict.reason == "1 of 2 slices of region did not pass: region=us: 3 rows"
    assert verdict.p_value is verdict.gain is None
    assert EverySlice(Gain() & enough, by="region")(trial).outcome is Outcome.CONTINUE
    nested = EverySlice(EverySlice(Gain(), by="region"), by="region")
    assert nested(trial).outcome is Outcome.CONTINUE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gate": 0.05, "by": "region"}, "gate must be a gate or a callable"),
        ({"gate": Gain, "by": "region"}, "gate must be a gate or a callable"),
        ({"gate": Gain(), "by": 3}, "by must be the name of a column"),
        ({"gate": Gain(), "by": "region", "required": "eu"}, "required must be a tuple of slices"),
    ],
)
def test_parameters_are_checked_where_they_are_written(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        EverySlice(**arguments)


def test_slices_that_cannot_be_sorted_out_are_refused():
    odd = np.empty(2, dtype=object)
    odd[:] = [{1}, {2}]
    with pytest.raises(InvalidInputError, match="region must hold hashable labels"):
        EverySlice(Gain(), by="region")(Trial([1, 1], [0, 0], slices={"region": odd}))


def test_it_is_a_value():
    gate = EverySlice(Gain(), by="region", required=("eu",))
    assert gate == EverySlice(Gain(), "region", ("eu",))
    assert pickle.loads(pickle.dumps(gate)) == gate
    assert eval(repr(gate)) == gate


def test_without_a_p_value_no_slice_is_called_the_least_sure():
    trial = Trial([1, 1], [0, 0], slices={"region": ["eu", "us"]})
    verdict = EverySlice(lambda part: Verdict(Outcome.PROMOTE, "small"), by="region")(trial)
    assert verdict.reason == "all 2 slices of region passed"


def test_names_of_slices_are_printed_on_one_line_and_cut():
    long = "x" * 1000
    trial = Trial([1, 1], [0, 0], slices={"a\nb": ["e\nu", long], long: [1, 1]})
    for by in ("a\nb", "c\nd"):
        verdict = EverySlice(Gain(), by=by, required=("\n" + long,))(trial)
        assert len(verdict.reason.splitlines()) == 1
        assert len(verdict.reason) < 600
    assert [part.reason.split(":")[0][:8] for part in EverySlice(Gain(), by="a\nb")(trial).because] == [
        "a b=e u",
        "a b=xxxx",
    ]
