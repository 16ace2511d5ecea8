import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from contlearn.evaluation import brier, log_loss, zero_one
from contlearn.exceptions import InvalidInputError
from contlearn.gates import SignOff, Trial


def full_trial(n=6):
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.ones(3), n)
    return Trial(
        rng.random(n),
        rng.random(n),
        slices={"region": ["eu", "us"] * (n // 2), "hour": range(n)},
        groups=np.repeat(["mon", "tue"], n // 2),
        seconds=(0.1, np.full(n, 0.2)),
        approvals=[SignOff("ann")],
        y=rng.integers(0, 3, n),
        champion=table,
        challenger=table[::-1],
    )


def test_nothing_of_the_callers_is_shared_or_writable():
    losses, regions, days, y = (
        np.array([0.1, 0.2]),
        np.array(["eu", "us"]),
        np.array([1, 2]),
        np.array([0, 1]),
    )
    slices = {"region": regions}
    trial = Trial(losses, losses, slices=slices, groups=days, y=y)
    losses[0], regions[0], days[0], y[0] = 9.0, "xx", 9, 9
    slices["hour"] = regions
    assert trial.champion_losses.tolist() == [0.1, 0.2]
    assert trial.slices["region"].tolist() == ["eu", "us"]
    assert list(trial.slices) == ["region"]
    assert (trial.groups.tolist(), trial.y.tolist()) == ([1, 2], [0, 1])
    for array in (
        trial.champion_losses,
        trial.challenger_losses,
        trial.slices["region"],
        trial.groups,
        trial.y,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(TypeError):
        trial.slices["hour"] = regions
    with pytest.raises(AttributeError):
        trial.groups = None


def test_losses_may_be_missing_or_infinite_and_columns_of_any_kind():
    trial = Trial(
        pd.Series([0.1, None, np.inf]),
        pl.Series([True, False, None]),
        slices=pd.DataFrame({"region": ["eu", None, "us"]}),
        groups=pd.Series(["a", "b", "c"], dtype="category"),
    )
    np.testing.assert_array_equal(trial.champion_losses, [0.1, np.nan, np.inf])
    np.testing.assert_array_equal(trial.challenger_losses, [1.0, 0.0, np.nan])
    np.testing.assert_array_equal(trial.gains, [-0.9, np.nan, np.nan])
    assert list(trial.slices) == ["region"]
    assert trial.n_samples == 3


def test_predictions_are_judged_and_kept():
    y, champion, challenger = ["a", "b"], ["a", "a"], pl.Series(["b", "b"])
    trial = Trial.from_predictions(
        y, champion, challenger, loss=zero_one, slices={"s": [1, 2]}, groups=[1, 1]
    )
    assert trial.champion_losses.tolist() == [0.0, 1.0]
    assert trial.challenger_losses.tolist() == [1.0, 0.0]
    kept = (trial.y.tolist(), trial.champion.tolist(), trial.challenger.tolist())
    assert kept == (["a", "b"], ["a", "a"], ["b", "b"])
    assert trial.slices["s"].tolist() == [1, 2]
    table = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    probabilistic = Trial.from_predictions([2, 0], table, pd.DataFrame(table), loss=log_loss)
    assert probabilistic.champion.shape == probabilistic.challenger.shape == (2, 3)
    assert probabilistic.gains.tolist() == [0.0, 0.0]


def test_a_loss_without_rows_is_refused():
    with pytest.raises(InvalidInputError, match="champion_losses must hold one value per row"):
        Trial.from_predictions([0, 1], [0.1, 0.2], [0.2, 0.1], loss=lambda y, p: float(np.mean(brier(y, p))))


def test_some_rows_take_everything_along():
    trial = full_trial()
    rows = np.array([4, 1])
    some = trial.take(rows)
    assert some.champion_losses.tolist() == trial.champion_losses[rows].tolist()
    assert some.challenger_losses.tolist() == trial.challenger_losses[rows].tolist()
    assert some.slices["region"].tolist() == ["eu", "us"]
    assert some.slices["hour"].tolist() == [4, 1]
    assert some.groups.tolist() == ["tue", "mon"]
    assert [len(side) for side in some.seconds] == [1, 2]
    assert some.approvals == (SignOff("ann"),)
    np.testing.assert_array_equal(some.champion, trial.champion[rows])
    assert some.y.tolist() == trial.y[rows].tolist()
    mask = trial.slices["region"] == "eu"
    assert trial.take(mask).n_samples == 3


def test_a_pickled_trial_is_the_same_and_still_read_only():
    trial = full_trial()
    again = pickle.loads(pickle.dumps(trial))
    for name in ("champion_losses", "challenger_losses", "groups", "y", "champion", "challenger"):
        np.testing.assert_array_equal(getattr(again, name), getattr(trial, name))
        assert not getattr(again, name).flags.writeable
    assert list(again.slices) == ["region", "hour"]
    assert again.approvals == trial.approvals
    assert repr(again) == repr(trial)


def test_the_repr_shows_no_rows():
    assert "0." not in repr(full_trial())
    assert repr(full_trial()).startswith(
        "Trial(n_samples=6, slices=['region', 'hour'], groups=..., seconds=..."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"champion_losses": [1, 2], "challenger_losses": [1]}, "same length"),
        ({"champion_losses": [1], "challenger_losses": [1], "groups": [1, 2]}, "groups with 2"),
        ({"champion_losses": [1], "challenger_losses": [1], "y": [1, 2]}, "y with 2"),
        ({"champion_losses": [1], "challenger_losses": [1], "y": 3}, "y must hold one entry per row"),
        (
            {"champion_losses": [1], "challenger_losses": [1], "slices": {"s": [1, 2]}},
            r"slices\['s'\] with 2",
        ),
        (
            {"champion_losses": [1], "challenger_losses": [1], "slices": ["eu"]},
            "slices must map names to columns",
        ),
        (
            {"champion_losses": [1], "challenger_losses": [1], "slices": {"s": [[1]]}},
            r"slices\['s'\] must be one-dim",
        ),
        ({"champion_losses": ["a"], "challenger_losses": [1]}, "champion_losses must hold numbers"),
        ({"champion_losses": [[1]], "challenger_losses": [1]}, "champion_losses must be one-dimensional"),
        ({"champion_losses": 1, "challenger_losses": 1}, "champion_losses must hold one value per row"),
        ({"champion_losses": [1], "challenger_losses": [1], "seconds": 0.1}, "seconds must be a pair"),
        (
            {"champion_losses": [1], "challenger_losses": [1], "seconds": ("a", 1)},
            r"seconds\[0\] must hold numbers",
        ),
    ],
)
def test_what_cannot_be_a_trial_is_refused_by_name(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        Trial(**arguments)


def test_ragged_columns_are_refused_by_name():
    ragged = ((1, 2), (3, 4, 5))
    with pytest.raises(InvalidInputError, match=r"^seconds\[0\] must be one-dimensional, got rows of diff"):
        Trial([1, 0], [0, 1], seconds=(ragged, ragged))
    with pytest.raises(InvalidInputError, match=r"^y must hold one entry per row, got rows of"):
        Trial([1, 0], [0, 1], y=ragged)
    with pytest.raises(InvalidInputError, match=r"^seconds\[1\] must hold one value per row, got NoneType"):
        Trial([1, 0], [0, 1], seconds=(1.0, None))


def test_seconds_may_be_scalars_of_any_kind():
    trial = Trial([1, 0], [0, 1], seconds=(np.float32(0.5), np.array(2)))
    assert [side.tolist() for side in trial.seconds] == [[0.5], [2.0]]


def test_losses_beyond_the_floats_are_infinite_or_refused_without_a_warning():
    assert Trial([np.longdouble("1e4000")], [0]).gains.tolist() == [float("inf")]
    with pytest.raises(InvalidInputError, match=r"^champion_losses must hold numbers of at most 1\.8e308"):
        Trial([10**400], [0])


def test_a_repr_stays_readable_whatever_slices_are_called():
    assert len(repr(Trial([1], [0], slices={"x" * 1000: [1]}))) < 100
