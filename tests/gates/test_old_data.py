import numpy as np
import pytest

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.gates import EverySlice, Gain, OldData, Outcome, Trial, Verdict, forgetting
from contlearn.stats import adjust, mcnemar


def errors(better, worse, same, **beside):
    """A zero-one trial."""
    n = better + worse + same
    champion, challenger = np.zeros(n), np.zeros(n)
    champion[:better] = 1.0
    challenger[better : better + worse] = 1.0
    return Trial(champion, challenger, **beside)


def with_old(**old):
    return Trial([1.0, 0.0], [0.0, 0.0], old_data=old)


GOOD, BAD, FEW = errors(30, 2, 100), errors(0, 30, 100), errors(1, 0, 1)


def test_every_set_must_promote():
    verdict = OldData(Gain(margin=-0.05))(with_old(winter=GOOD, summer=errors(20, 1, 90)))
    assert verdict.promote
    assert verdict.reason.startswith("nothing forgotten on 2 sets of old data; the least sure, ")
    assert [part.reason.split(":")[0] for part in verdict.because] == ["winter", "summer"]
    assert verdict.p_value == max(part.p_value for part in verdict.because)


def test_what_was_forgotten_is_named_first():
    verdict = OldData()(with_old(spring=FEW, winter=BAD, summer=GOOD))
    assert verdict.outcome is Outcome.REJECT
    assert verdict.reason.startswith("2 of 3 sets of old data did not pass: winter: gain -0.2308")
    assert "spring: " in verdict.reason
    assert "summer" not in verdict.reason


def test_without_old_data_nothing_is_promoted():
    for trial in (Trial([1.0] * 9, [0.0] * 9), with_old()):
        verdict = OldData()(trial)
        assert verdict.outcome is Outcome.CONTINUE
        assert verdict.reason == "the trial has no old data; pass old_data={name: Trial(...)} to the trial"


@pytest.mark.parametrize("old", [{}, {"summer": GOOD}])
def test_a_required_set_that_is_missing_is_never_promoted(old):
    verdict = OldData(required={"winter", "spring"})(with_old(**old))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.needed is None
    assert [part.reason.split(":")[0] for part in verdict.because] == [*old, "spring", "winter"]
    assert "winter: not there, though it is required" in verdict.reason
    assert OldData(Gain(), required=("summer",))(with_old(summer=GOOD)).promote


EDGES = {
    "empty": Trial([], []),
    "one row": Trial([1.0], [0.0]),
    "all NaN": Trial([np.nan] * 9, [np.nan] * 9),
    "one infinity": Trial([1.0] * 20, [0.0] * 19 + [np.inf]),
    "a group missing": Trial([1.0] * 9, [0.0] * 9, groups=["a"] * 8 + [None]),
    "constant gain": Trial([0.3] * 9, [0.1] * 9),
}


@pytest.mark.parametrize("edge", EDGES)
def test_a_set_that_says_nothing_is_never_promoted(edge):
    verdict = OldData()(with_old(good=GOOD, odd=EDGES[edge]))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.reason.startswith("1 of 2 sets of old data did not pass: odd: ")
    assert not verdict.because[1].promote


def test_identical_models_have_forgotten_nothing_once_there_are_rows_enough():
    same = errors(0, 0, 1000)
    assert OldData(Gain(margin=-0.01))(with_old(winter=same)).promote
    assert not OldData(Gain())(with_old(winter=same)).promote


def test_any_gate_can_be_asked_and_is_tightened():
    region = ["eu", "us"] * 66
    sliced = errors(30, 2, 100, slices={"region": region})
    assert OldData(EverySlice(Gain(), by="region"))(with_old(winter=sliced)).promote
    assert OldData(lambda trial: Verdict(Outcome.PROMOTE, "fine"))(with_old(winter=BAD)).promote
    assert OldData(Gain(alpha=0.05)).tightened(0.01) == OldData(Gain(alpha=0.01))
    joined = Gain() & OldData()
    assert joined(Trial([1.0] * 9, [0.0] * 9, old_data={"winter": BAD})).outcome is Outcome.REJECT


@pytest.mark.parametrize("arguments", [{"gate": 3}, {"gate": Gain}, {"required": "winter"}])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(InvalidParameterError):
        OldData(**arguments)


def sets():
    rng = np.random.default_rng(0)
    found = {}
    for name, rise in (("2023", 0.0), ("2024", 0.15), ("2025", 0.0)):
        region = rng.choice(["eu", "us"], 600)
        champion = rng.random(600) < 0.2
        spoiled = (rng.random(600) < rise) & (region == "us")
        found[name] = Trial(champion * 1.0, (champion | spoiled) * 1.0, slices={"region": region})
    return found


def test_the_table_shows_where_something_was_forgotten():
    table = forgetting(sets(), by="region")
    places = [(cell.old, cell.slice) for cell in table.cells]
    assert places == [(old, name) for old in ("2023", "2024", "2025") for name in ("", "eu", "us")]
    assert {(cell.old, cell.slice) for cell in table.forgotten} == {("2024", ""), ("2024", "us")}
    assert table
    assert "\n" not in str(table)
    assert "2024/us: gain -0." in str(table)
    lines = table.table().splitlines()
    assert lines[1].split() == ["all", "eu", "us"]
    assert [line.count("*") for line in lines[2:]] == [0, 2, 0]
    assert table._repr_html_().count("<tr>") == 4


def test_cells_are_gains_with_their_intervals_and_p_values_corrected_by_holm():
    old = sets()
    table = forgetting(old, by="region", alpha=0.01)
    raw = []
    for cell in table.cells:
        trial = old[cell.old]
        rows = trial.slices["region"] == cell.slice if cell.slice else np.ones(trial.n_samples, bool)
        gains = trial.gains[rows]
        assert cell.rows == rows.sum()
        assert cell.gain == Gain(alpha=0.01)(trial.take(rows)).gain
        assert cell.gain.confidence == 0.98
        raw.append(mcnemar(int((gains > 0).sum()), int((gains < 0).sum()), alternative="less").p_value)
    assert [cell.p_value for cell in table.cells] == pytest.approx(adjust(raw, "holm").tolist())


def test_a_trial_with_old_data_is_taken_at_its_word():
    old = {"winter": BAD, "summer": GOOD}
    assert forgetting(Trial([1.0], [0.0], old_data=old)) == forgetting(old)


def test_cells_of_which_nothing_is_known_say_so_and_are_never_called_forgotten():
    table = forgetting({**EDGES, "winter": errors(0, 9, 9)})
    unknown = [cell for cell in table.cells if cell.p_value is None]
    assert {cell.old for cell in unknown} == set(EDGES) - {"one row"}
    assert all(cell.unknown and not cell.forgotten for cell in unknown)
    assert [cell.old for cell in table.forgotten] == ["winter"]
    assert "5 cells of which nothing is known" in str(table)
    assert not forgetting({"summer": GOOD})


def test_old_data_without_the_slices_asked_for_is_refused_by_name():
    with pytest.raises(InvalidInputError, match=r"old_data\['winter'\] must have slices named 'region'"):
        forgetting({"winter": BAD}, by="region")
    with pytest.raises(InvalidInputError, match="old_data must name at least one set"):
        forgetting(Trial([1.0], [0.0]))
    with pytest.raises(InvalidParameterError, match="alpha"):
        forgetting({"winter": BAD}, alpha=0.5)
    with pytest.raises(InvalidParameterError, match="must be a Trial"):
        forgetting({"winter": [1.0]})
