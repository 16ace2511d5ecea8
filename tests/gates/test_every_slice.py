import pickle

import numpy as np
import pytest

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.gates import EverySlice, Gain, Interval, Outcome, Trial, Verdict
from contlearn.stats import mcnemar


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


# Slices that are too small.


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_slice_that_could_not_pass_whatever_its_rows_said_is_open(n):
    for better, worse in ((n, 0), (0, n), (0, 0)):
        verdict = EverySlice(Gain(), by="region")(
            trial_of([("big", 40, 0, 0), ("tiny", better, worse, n - better - worse)])
        )
        assert verdict.outcome is Outcome.CONTINUE
        row = "row" if n == 1 else "rows"
        assert f"region=tiny: {n} {row} cannot pass even if every one were better, 5 can" in verdict.reason
        assert verdict.because[1].needed == -(-(5 - n) * (40 + n) // n)
        assert verdict.needed == verdict.because[1].needed


def test_a_slice_of_just_enough_rows_is_asked():
    verdict = EverySlice(Gain(), by="region")(trial_of([("big", 40, 0, 0), ("small", 5, 0, 0)]))
    assert verdict.promote
    assert EverySlice(Gain(), by="region")(trial_of([("big", 40, 0, 0), ("small", 0, 5, 0)])).outcome is (
        Outcome.REJECT
    )


@pytest.mark.parametrize(
    ("gate", "fewest"),
    [
        (Gain(), 5),
        (Gain(alpha=0.01), 7),
        (Gain(alpha=0.01) & Gain(-0.5), 7),
        (Gain(method="mid-p"), 5),
        (Gain(0.2), 6),
        (Gain(-0.5), 3),
        (Gain(-0.05), 5),
    ],
    ids=repr,
)
def test_fewest_rows_are_those_with_which_all_better_rows_pass(gate, fewest):
    """Asked of the gate itself, not of a formula."""
    passing = [n for n in range(1, 12) if gate(Trial([1] * n, [0] * n))]
    assert passing[0] == fewest
    for n in range(1, fewest):
        verdict = EverySlice(gate, by="region")(trial_of([("tiny", 0, n, 0)]))
        assert verdict.outcome is Outcome.CONTINUE
        assert f"{fewest} can" in verdict.reason


def test_a_rejected_slice_and_one_that_is_too_small_are_both_shown():
    cells = [
        ("bad", 0, 30, 0),
        ("good", 30, 0, 0),
        ("tiny", 2, 0, 0),
        *((f"r{k}", 2, 2, 2) for k in range(4)),
    ]
    verdict = EverySlice(Gain(), by="region")(trial_of(cells))
    assert verdict.outcome is Outcome.REJECT
    told = verdict.reason
    assert told.index("region=bad: gain -1") < told.index("tiny")
    by_name = {part.reason.split(":")[0]: part for part in verdict.because}
    assert by_name["region=tiny"].outcome is Outcome.CONTINUE
    assert by_name["region=tiny"].needed > 0
    assert by_name["region=good"].promote


def test_few_rows_that_are_no_numbers_say_that_first():
    trial = Trial([1.0, np.nan], [0.0, 0.0], slices={"region": ["eu", "eu"]})
    assert "NaN" in EverySlice(Gain(), by="region")(trial).reason


# Margins of slices.


def test_a_slice_may_have_a_margin_of_its_own():
    trial = trial_of([("eu", 40, 10, 200), ("us", 8, 10, 200)])
    plain = EverySlice(Gain(), by="region")
    assert plain(trial).outcome is Outcome.CONTINUE
    gate = EverySlice(Gain(), by="region", margins={"us": -0.1})
    verdict = gate(trial)
    assert verdict.promote
    here = trial.slices["region"] == "us"
    alone = Gain(-0.1)(trial.take(here))
    assert (verdict.because[1].p_value, verdict.because[1].gain) == (alone.p_value, alone.gain)
    assert "margin -0.1" in verdict.because[1].reason
    assert "margin 0 " in verdict.because[0].reason
    assert not EverySlice(Gain(), by="region", margins={"us": -0.1, "eu": 0.2})(trial)


def test_a_margin_for_a_slice_without_rows_is_never_promoted():
    trial = trial_of([("eu", 40, 0, 200)])
    verdict = EverySlice(Gain(), by="region", margins={"EU": -0.1})(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert "region=EU: no rows, though it has a margin" in verdict.reason
    both = EverySlice(Gain(), by="region", margins={"us": -0.1}, required=("us",))(trial)
    assert both.reason.count("region=us: no rows") == 1
    assert "it is required" in both.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margins": [("eu", 0.1)]}, "margins must be a mapping"),
        ({"margins": {"eu": "0.1"}}, "margins\\['eu'\\] must be a number"),
        ({"margins": {"eu": float("nan")}}, "margins\\['eu'\\] must be finite"),
        ({"margins": {}, "gate": lambda trial: None}, "gate must have a margin where there are margins"),
        ({"margins": {"eu": 0.1}, "gate": Gain() & Gain(0.1)}, "gate must have a margin"),
    ],
)
def test_margins_are_checked_where_they_are_written(arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        EverySlice(**{"gate": Gain(), "by": "region"} | arguments)


def test_margins_are_part_of_the_value():
    gate = EverySlice(Gain(), by="region", margins={"us": -0.1, 3: 0.2})
    assert eval(repr(gate)) == gate != EverySlice(Gain(), by="region")
    assert pickle.loads(pickle.dumps(gate)) == gate
    assert gate.tightened(0.01).margins == gate.margins
    assert repr(EverySlice(Gain(), by="s")) == ("EverySlice(gate=Gain(margin=0.0, alpha=0.05), by='s')")


# Simpson's paradox.


def rate_gain(trial):
    """A metric that is no mean of rows: share of errors among the rows that each model marks."""
    marked = [trial.champion == 1, trial.challenger == 1]
    found = [float(trial.y[rows].mean()) if rows.any() else 0.0 for rows in marked]
    gain = found[1] - found[0]
    return Verdict(
        Outcome.PROMOTE, f"precision {found[0]:.3g} -> {found[1]:.3g}", gain=Interval(gain, -1, 1, 0.9)
    )


def paradoxical(turned=False):
    """Precision falls in either region and rises on the whole: the challenger marks more easy rows."""
    cells = [  # region, marked by, right, wrong
        ("easy", "champion", 9, 1), ("easy", "challenger", 85, 15),
        ("hard", "champion", 30, 70), ("hard", "challenger", 2, 8),
    ]  # fmt: skip
    rows = [(region, by, hit) for region, by, right, wrong in cells for hit in [1] * right + [0] * wrong]
    region, by, y = (np.array(column) for column in zip(*rows, strict=True))
    models = [1 * (by == "champion"), 1 * (by == "challenger")]
    models = models[::-1] if turned else models
    losses = np.linspace(0.0, 1.0, len(y))
    return Trial(losses, losses, y=y, champion=models[0], challenger=models[1], slices={"region": region})


@pytest.mark.parametrize("turned", [False, True])
def test_simpsons_paradox_is_flagged_and_never_promoted(turned):
    trial = paradoxical(turned)
    whole = rate_gain(trial).gain.estimate
    verdict = EverySlice(rate_gain, by="region")(trial)
    gains = [part.gain.estimate for part in verdict.because[:2]]
    assert all(np.sign(gain) == -np.sign(whole) for gain in gains)
    assert verdict.outcome is Outcome.CONTINUE
    assert "Simpson's paradox" in verdict.reason
    ways = (
        "below 0 on all rows and above 0 in every slice" if turned else "above 0 on all rows and below 0 in"
    )
    assert ways in verdict.reason
    assert verdict.because[2].reason.startswith("all rows: precision")
    assert verdict.needed is None


def test_simpsons_paradox_does_not_soften_a_rejection():
    def strict(trial):
        found = rate_gain(trial)
        outcome = Outcome.PROMOTE if found.gain.estimate > 0 else Outcome.REJECT
        return Verdict(outcome, found.reason, gain=found.gain)

    verdict = EverySlice(strict, by="region")(paradoxical())
    assert verdict.outcome is Outcome.REJECT
    assert "Simpson's paradox" in verdict.reason


def test_mean_losses_know_no_paradox_and_agreeing_slices_are_no_paradox():
    rng = np.random.default_rng(2)
    for _ in range(40):
        n = int(rng.integers(20, 200))
        trial = Trial(*rng.random((2, n)), slices={"region": rng.choice(list("abc"), n)})
        asked = []

        def counted(part, asked=asked):
            asked.append(part.n_samples)
            return Gain(-0.5)(part)

        for verdict in (EverySlice(Gain(-0.5), by="region")(trial), EverySlice(counted, by="region")(trial)):
            assert "Simpson" not in verdict.reason
            assert len(verdict.because) == len(set(trial.slices["region"]))


# What must never pass.


@pytest.mark.parametrize(
    "gate", [Gain(), Gain(-0.05), Gain(bounds=(0, 1)), Gain(-0.9, bounds=(0, 1))], ids=repr
)
@pytest.mark.parametrize(
    ("champion", "challenger", "names", "why"),
    [
        ([], [], [], "no rows"),
        ([1.0], [0.0], ["eu"], "row"),
        ([np.nan] * 60, [0.0] * 60, ["eu", "us"] * 30, "30 of 30 rows with a loss that is NaN"),
        ([1.0] * 119 + [np.nan], [0.0] * 120, ["eu", "us"] * 60, "1 of 60 rows with a loss that is NaN"),
    ],
)
def test_want_of_evidence_never_promotes_nor_rejects(gate, champion, challenger, names, why):
    trial = Trial(champion, challenger, slices={"region": np.array(names, dtype=object)})
    verdict = EverySlice(gate, by="region")(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert why in verdict.reason


def test_identical_models_and_constant_losses_are_open_at_margin_0():
    for losses in (np.zeros(200), np.full(200, 0.3), np.tile([0.0, 1.0], 100)):
        trial = Trial(losses, losses, slices={"region": ["eu", "us"] * 100})
        for gate in (Gain(), Gain(bounds=(0, 1))):
            assert EverySlice(gate, by="region")(trial).outcome is Outcome.CONTINUE


def test_rows_without_a_group_are_never_promoted():
    groups = np.array([None, *range(119)], dtype=object)
    trial = Trial([1] * 120, [0] * 120, slices={"region": ["eu", "us"] * 60}, groups=groups)
    verdict = EverySlice(Gain(), by="region")(trial)
    assert verdict.outcome is Outcome.CONTINUE
    assert "1 of 60 rows without a group" in verdict.reason


def test_the_p_values_of_slices_are_not_corrected():
    trial = trial_of([("eu", 12, 3, 30), ("us", 14, 2, 30)])
    found = {part.p_value for part in EverySlice(Gain(), by="region")(trial).because}
    assert found == {
        mcnemar(12, 3, alternative="greater").p_value,
        mcnemar(14, 2, alternative="greater").p_value,
    }


def test_it_tells_what_was_given_and_no_more():
    assert repr(EverySlice(Gain(), "region")) == f"EverySlice(gate={Gain()!r}, by='region')"
    told = EverySlice(Gain(), "region", required=["eu"], margins={"us": -0.1})
    assert repr(told).endswith("by='region', required=['eu'], margins={'us': -0.1})")


def test_equal_gates_have_one_hash_whatever_they_were_given():
    for named in ({"margins": {"eu": -0.1, "us": 0.0}}, {"required": ["eu"]}, {"required": {"eu", "us"}}, {}):
        one, other = (EverySlice(Gain(), "region", **named) for _ in range(2))
        assert one == other
        assert len({one, other}) == 1
