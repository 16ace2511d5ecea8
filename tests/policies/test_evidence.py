import math
import pickle
from dataclasses import FrozenInstanceError, dataclass
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from contlearn.exceptions import InvalidParameterError
from contlearn.policies import Decision, Episode, Evidence, MaxAge, MinLabels, OnDrift
from contlearn.results import DriftResult, DriftState, Interval, Outcome, Verdict

DAY = datetime(2024, 1, 1)
STABLE = DriftResult(state=DriftState.STABLE, score=0.1)
WAIT = Decision(False, "nothing happened")


def test_every_field_may_be_left_out():
    empty = Evidence()
    assert (empty.now, empty.trained_at, empty.n_labels, empty.drift) == (None,) * 4
    assert (empty.loss, empty.baseline_loss, empty.confidence, empty.history) == (None, None, None, ())
    assert str(empty) == "nothing is known"


def test_evidence_is_frozen_and_takes_keywords_only():
    with pytest.raises(FrozenInstanceError):
        Evidence().loss = 0.5
    with pytest.raises(TypeError):
        Evidence(DAY)


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("loss", np.float32(0.5), 0.5),
        ("loss", np.array(0.25), 0.25),
        ("loss", 1, 1.0),
        ("baseline_loss", np.float64(0.5), 0.5),
        ("confidence", np.int64(1), 1.0),
        ("n_labels", np.int32(7), 7),
        ("now", np.datetime64("2024-01-01T00:00:00.000000000"), DAY),
        ("now", np.datetime64("2024-01-01"), DAY),
        ("now", pd.Timestamp("2024-01-01"), DAY),
        ("trained_at", pd.Timestamp("2024-01-01", tz="UTC"), DAY.replace(tzinfo=UTC)),
        ("now", 12, 12.0),
    ],
)
def test_scalars_of_numpy_and_pandas_become_builtins(field, given, kept):
    value = getattr(Evidence(**{field: given}), field)
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize("field", ["loss", "baseline_loss", "confidence", "n_labels", "now", "trained_at"])
@pytest.mark.parametrize("nothing", [float("nan"), np.float32("nan"), pd.NA, None])
def test_what_is_not_a_number_is_not_known(field, nothing):
    assert getattr(Evidence(**{field: nothing}), field) is None


@pytest.mark.parametrize("nothing", [pd.NaT, np.datetime64("NaT", "s")])
def test_what_is_not_a_time_is_not_known(nothing):
    assert Evidence(now=nothing).now is None


def test_an_interval_with_a_hole_is_not_known():
    assert Evidence(loss=Interval(0.3, float("nan"), float("nan"), 0.9)).loss is None
    kept = Evidence(loss=Interval(np.float64(0.3), np.float64(-np.inf), 0.4, 0.9)).loss
    assert kept == Interval(0.3, -float("inf"), 0.4, 0.9)
    assert [type(end) for end in kept] == [float] * 4


def test_an_exploded_loss_is_evidence():
    assert Evidence(loss=float("inf")).loss == float("inf")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"loss": [0.3]}, "loss must be a number or None"),
        ({"loss": np.array([0.3])}, "loss must be a number or None"),
        ({"loss": True}, "loss must be a number or None"),
        ({"baseline_loss": Interval(0.3, 0.2, 0.4, 0.9)}, "give its estimate"),
        ({"n_labels": 2.5}, "n_labels must be an integer"),
        ({"n_labels": -1}, "n_labels must be at least 0"),
        ({"now": "2024-01-01"}, "now must be a datetime"),
        ({"drift": True}, "drift must be a DriftResult"),
        ({"drift": {"x": 0.2}}, r"drift\['x'\] must be a DriftResult"),
        ({"history": [WAIT]}, "history must be a tuple of Episode"),
        ({"history": 3}, "history must be a tuple of Episode"),
    ],
)
def test_values_of_the_wrong_kind_are_refused(fields, words):
    with pytest.raises(InvalidParameterError, match=words):
        Evidence(**fields)


def test_a_mapping_of_drift_results_is_copied():
    results = {"a": STABLE, "b": None}
    evidence = Evidence(drift=results)
    results.clear()
    assert dict(evidence.drift) == {"a": STABLE, "b": None}
    with pytest.raises(TypeError):
        evidence.drift["a"] = None


def test_equal_evidence_is_equal_hashes_and_pickles():
    def make():
        return Evidence(now=DAY, drift={"a": STABLE}, loss=Interval(0.3, 0.2, 0.4, 0.9))

    assert make() == make()
    assert hash(make()) == hash(make())
    assert pickle.loads(pickle.dumps(make())) == make()


def test_histories_inside_a_history_are_emptied():
    history = ()
    for n in range(4):
        evidence = Evidence(n_labels=n, history=history)
        history = (*history, Episode(evidence, WAIT))
    inside = Evidence(history=history).history
    assert [past.evidence.n_labels for past in inside] == [0, 1, 2, 3]
    assert all(past.evidence.history == () for past in inside)
    assert history[-1].evidence.history != ()  # the caller's own are left alone


def test_a_history_keeps_the_newest_thousand():
    history = [Episode(Evidence(n_labels=n), WAIT) for n in range(1_500)]
    kept = Evidence(history=history).history
    assert [past.evidence.n_labels for past in kept] == list(range(500, 1_500))


def test_evidence_in_one_line_names_what_is_known():
    evidence = Evidence(now=DAY, n_labels=3, drift={"a": STABLE, "b": None}, loss=0.5)
    drift = "drift (a stable: score 0.1, 0 rows; b None)"
    assert str(evidence) == f"now 2024-01-01 00:00:00, 3 labels, {drift}, loss 0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop(Evidence):
    free_gpus: int | None = None


@dataclass(frozen=True, kw_only=True)
class OpenShop(Evidence):
    free_gpus: int | None = None


@pytest.mark.parametrize("kind", [Shop, OpenShop])
def test_a_subclass_brings_facts_of_its_own(kind):
    def gpu_is_free(evidence):
        if evidence.free_gpus is None:
            return Decision(False, "free_gpus is not known", missing=("free_gpus",))
        return Decision(evidence.free_gpus > 0, f"{evidence.free_gpus} free GPUs")

    policy = MinLabels(5) & gpu_is_free
    shop = kind(n_labels=np.int64(9), free_gpus=np.int64(2))
    assert str(policy(shop)) == "retrain: 9 labels (need 5) and 2 free GPUs"
    assert type(shop.free_gpus) is int
    assert policy(kind(n_labels=9, free_gpus=float("nan"))).missing == ("free_gpus",)
    assert Evidence(history=(Episode(shop, WAIT),)).history[0].evidence is shop
    nested = kind(free_gpus=1, history=(Episode(kind(free_gpus=3, history=(Episode(shop, WAIT),)), WAIT),))
    assert nested.history[0].evidence == kind(free_gpus=3)
    assert pickle.loads(pickle.dumps(shop)) == shop


def test_an_episode_says_what_was_decided_and_what_became_of_it():
    episode = Episode(Evidence(), Decision(True, "drift"), Verdict(Outcome.REJECT, "worse"))
    assert str(episode) == "retrain: drift; reject: worse"


@pytest.mark.parametrize("arguments", [(None, WAIT), (Evidence(), True), (Evidence(), WAIT, "promoted")])
def test_an_episode_refuses_what_is_none(arguments):
    with pytest.raises(InvalidParameterError):
        Episode(*arguments)


def test_a_mix_of_clocks_is_unknown_and_says_why():
    mixed = Evidence(now=DAY, trained_at=datetime(2023, 1, 1, tzinfo=UTC))
    decision = MaxAge(timedelta(days=30))(mixed)
    assert decision.missing == ("now", "trained_at")
    assert "time zone" in decision.reason
    assert not decision
    assert not (~MaxAge(timedelta(days=30)))(mixed)


def test_ages_are_measured_between_instants():
    eastern = timezone(timedelta(hours=-5))
    trained = datetime(2024, 1, 1, 0, 0, tzinfo=eastern)
    rule = MaxAge(timedelta(hours=1))
    assert rule(Evidence(now=datetime(2024, 1, 1, 6, tzinfo=UTC), trained_at=trained))
    assert not rule(Evidence(now=datetime(2024, 1, 1, 5, 59, tzinfo=UTC), trained_at=trained))


def test_numbers_beyond_the_floats_are_infinite():
    evidence = Evidence(loss=10**400, baseline_loss=-(10**400), confidence=Fraction(10**400))
    assert (evidence.loss, evidence.baseline_loss, evidence.confidence) == (math.inf, -math.inf, math.inf)
    assert Evidence(loss=Interval(10**400, 0, 10**400, 0.9)).loss == (math.inf, 0.0, math.inf, 0.9)


def test_names_are_printed_on_one_line_and_cut():
    evidence = Evidence(drift={"a\nb" + "x" * 1000: STABLE})
    for line in (str(evidence), str(OnDrift()(evidence)), OnDrift("y\n" * 1000)(evidence).reason):
        assert len(line.splitlines()) == 1
        assert len(line) < 150
