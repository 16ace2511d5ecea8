"""Every law of gates accepts good gates and rejects one that breaks it."""

from dataclasses import dataclass

import numpy as np
import pytest

from contlearn.gates import Gate, Outcome, Trial, Verdict
from contlearn.testing import check_gate
from contlearn.testing._gate import _LAWS


def name_of(rule: object) -> str:
    """Return a test id that is the same in every process: the `repr` of a function is not."""
    return getattr(rule, "__name__", repr(rule))


def verdict(promote, reason="the means differ", **values):
    return Verdict(Outcome.PROMOTE if promote else Outcome.CONTINUE, reason, **values)


def margin(trial):
    """Return how many standard errors the mean gain lies above 0; minus infinity where that is unknown."""
    gains = trial.champion_losses - trial.challenger_losses
    if len(gains) < 10 or not np.isfinite(gains).all():
        return -np.inf
    return gains.mean() / (gains.std() / np.sqrt(len(gains)) + 1e-9)


@dataclass(frozen=True, slots=True)
class Mean(Gate):
    """A small gate that obeys every law."""

    limit: float = 2.0

    def __call__(self, trial):
        return verdict(margin(trial) > self.limit)


def mean_gate(trial):
    return verdict(margin(trial) > 2.0)


@dataclass(frozen=True, slots=True)
class Bare(Mean):
    def __call__(self, trial):
        return margin(trial) > self.limit


@dataclass(frozen=True, slots=True)
class Silent(Mean):
    def __call__(self, trial):
        return verdict(margin(trial) > self.limit, reason="")


@dataclass(frozen=True, slots=True)
class OddP(Mean):
    def __call__(self, trial):
        return verdict(margin(trial) > self.limit, p_value=1.5)


class Counting(Gate):
    judged = 0

    def __call__(self, trial):
        self.judged += 1
        return mean_gate(trial)


@dataclass(frozen=True, slots=True)
class SortsTheLosses(Mean):
    def __call__(self, trial):
        answer = mean_gate(trial)
        trial.champion_losses.sort()
        return answer


JUDGED = [0]


@dataclass(frozen=True, slots=True)
class Remembers(Mean):
    def __call__(self, trial):
        JUDGED[0] += 1
        return verdict(margin(trial) > self.limit, reason=f"judged {JUDGED[0]} times")


@dataclass(frozen=True, slots=True)
class OneRowIsEnough(Mean):
    def __call__(self, trial):
        return verdict(trial.champion_losses.sum() > trial.challenger_losses.sum())


@dataclass(frozen=True, slots=True)
class PromotesTheEmpty(Mean):
    def __call__(self, trial):
        return verdict(all(trial.champion_losses >= trial.challenger_losses))


@dataclass(frozen=True, slots=True)
class DropsNaN(Mean):
    def __call__(self, trial):
        return verdict(np.nanmean(trial.champion_losses) > np.nanmean(trial.challenger_losses))


@dataclass(frozen=True, slots=True)
class FailsOpen(Mean):
    def __call__(self, trial):
        return verdict(not margin(trial) < -self.limit or len(trial.champion_losses) < 10)


@dataclass(frozen=True, slots=True)
class NeverPromotes(Mean):
    def __call__(self, trial):
        return verdict(False)


class PicklesBadly(Gate):
    def __init__(self, limit=2.0):
        self.limit = limit

    def __getstate__(self):
        return {"limit": 1e9}

    def __call__(self, trial):
        return verdict(margin(trial) > self.limit)


class NoRepr(Gate):
    def __call__(self, trial):
        return mean_gate(trial)


def writable(champion_losses, challenger_losses):
    """Make a trial that does not protect its arrays, to see whether the law does."""
    trial = Trial(champion_losses, challenger_losses)
    object.__setattr__(trial, "champion_losses", champion_losses)
    return trial


BROKEN = [
    (Bare(), "every_trial_has_a_verdict"),
    (Silent(), "every_trial_has_a_verdict"),
    (OddP(), "every_trial_has_a_verdict"),
    (Counting(), "questions_change_nothing"),
    (SortsTheLosses(), "questions_change_nothing"),
    (Remembers(), "answers_repeat"),
    (OneRowIsEnough(), "want_of_data_never_promotes"),
    (PromotesTheEmpty(), "want_of_data_never_promotes"),
    (DropsNaN(), "losses_that_are_not_numbers_never_promote"),
    (FailsOpen(), "a_much_worse_challenger_is_never_promoted"),
    (NeverPromotes(), "a_much_better_challenger_is_promoted"),
    (PicklesBadly(), "pickles_answer_alike"),
    (NoRepr(), "repr_rebuilds"),
]


@pytest.mark.parametrize("gate", [Mean(), Mean() & mean_gate, mean_gate], ids=name_of)
def test_good_gates_pass(gate):
    check_gate(gate)


@pytest.mark.parametrize(("gate", "law"), BROKEN, ids=lambda value: type(value).__name__)
def test_a_broken_gate_is_rejected_by_the_law_it_breaks(gate, law):
    others = [other.__name__ for other in _LAWS if other.__name__ != law]
    with pytest.raises(AssertionError, match=f"^{type(gate).__name__} breaks the law {law}: "):
        check_gate(gate, make_trial=writable, skip=others)


def test_every_law_has_a_gate_that_breaks_it():
    assert {law for _, law in BROKEN} == {law.__name__ for law in _LAWS}
    assert all(f"`{law.__name__}`" in check_gate.__doc__ for law in _LAWS)
