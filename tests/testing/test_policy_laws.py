"""Every law of policies accepts good policies and rejects one that breaks it."""

from dataclasses import dataclass

import pytest

from contlearn.exceptions import InvalidParameterError
from contlearn.policies import Decision, Evidence, MinLabels, OnDrift, Policy
from contlearn.testing import check_policy
from contlearn.testing._policy import _LAWS


def name_of(rule: object) -> str:
    """Return a test id that is the same in every process: the `repr` of a function is not."""
    return getattr(rule, "__name__", repr(rule))


@dataclass(frozen=True, slots=True)
class Fixed(Policy):
    """A calendar of one's own: always the same answer, which no evidence changes."""

    retrain: bool = True

    def __call__(self, evidence):
        return Decision(self.retrain, "as always")


def enough_labels(evidence):
    if evidence.n_labels is None:
        return Decision(False, "n_labels is not known", missing=("n_labels",))
    return Decision(evidence.n_labels > 300, f"{evidence.n_labels} labels (need 300)")


@dataclass(frozen=True, slots=True)
class Needs(Fixed):
    """Raises where a field is missing."""

    def __call__(self, evidence):
        return Decision(evidence.n_labels > 300, "labels")


@dataclass(frozen=True, slots=True)
class Bare(Fixed):
    def __call__(self, evidence):
        return True


@dataclass(frozen=True, slots=True)
class Silent(Fixed):
    def __call__(self, evidence):
        return Decision(True, " ")


class Counting(Policy):
    def __init__(self):
        self.asked = 0

    def __repr__(self):
        return "Counting()"

    def __eq__(self, other):
        return isinstance(other, Counting)

    def __hash__(self):
        return 0

    def __call__(self, evidence):
        self.asked += 1
        return Decision(False, "counted")


ASKED = [0]


@dataclass(frozen=True, slots=True)
class Remembers(Fixed):
    def __call__(self, evidence):
        ASKED[0] += 1
        return Decision(ASKED[0] % 2 == 0, "every second time")


@dataclass(frozen=True, slots=True)
class NoMeansUnknown(Fixed):
    """Takes what is not known for a no, so that its negation retrains."""

    def __call__(self, evidence):
        return Decision(bool(evidence.drift), "drift or the lack of it")


@dataclass(frozen=True, slots=True)
class RetrainsOnIgnorance(Fixed):
    def __call__(self, evidence):
        if evidence.n_labels is None:
            return Decision(True, "no labels are known")
        return Decision(evidence.n_labels > 10_000_000, f"{evidence.n_labels} labels")


class PicklesBadly(Policy):
    def __init__(self, answer=True):
        self.answer = answer

    def __repr__(self):
        return f"PicklesBadly({self.answer})"

    def __eq__(self, other):
        return isinstance(other, PicklesBadly) and other.answer == self.answer

    def __hash__(self):
        return hash(self.answer)

    def __getstate__(self):
        return {"answer": not self.answer}

    def __call__(self, evidence):
        return Decision(self.answer, "fixed")


class NoRepr(Policy):
    def __call__(self, evidence):
        return Decision(True, "fixed")


class ReprOfAnother(PicklesBadly):
    def __repr__(self):
        return "ReprOfAnother(not True)"


BROKEN = [
    (Needs(), "every_evidence_has_an_answer"),
    (Bare(), "every_evidence_has_an_answer"),
    (Silent(), "every_evidence_has_an_answer"),
    (Counting(), "questions_change_nothing"),
    (Remembers(), "answers_repeat"),
    (NoMeansUnknown(), "what_is_removed_is_never_a_reason"),
    (RetrainsOnIgnorance(), "what_is_removed_is_never_a_reason"),
    (PicklesBadly(), "pickles_answer_alike"),
    (NoRepr(), "repr_rebuilds"),
    (ReprOfAnother(), "repr_rebuilds"),
]


@pytest.mark.parametrize(
    "policy", [Fixed(), enough_labels, OnDrift() & enough_labels, ~MinLabels(5) | Fixed(False)], ids=name_of
)
def test_good_policies_pass(policy):
    check_policy(policy)


@pytest.mark.parametrize(("policy", "law"), BROKEN, ids=lambda value: type(value).__name__)
def test_a_broken_policy_is_rejected_by_the_law_it_breaks(policy, law):
    others = [other.__name__ for other in _LAWS if other.__name__ != law]
    with pytest.raises(AssertionError, match=f"^{type(policy).__name__} breaks the law {law}: "):
        check_policy(policy, skip=others)


def test_every_law_has_a_policy_that_breaks_it():
    assert {law for _, law in BROKEN} == {law.__name__ for law in _LAWS}
    assert all(f"`{law.__name__}`" in check_policy.__doc__ for law in _LAWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop(Evidence):
    free_gpus: int | None = None


def gpu_is_free(evidence):
    if evidence.free_gpus is None:
        return Decision(False, "free_gpus is not known", missing=("free_gpus",))
    return Decision(evidence.free_gpus > 0, f"{evidence.free_gpus} free GPUs")


def gpu_is_free_unless_told(evidence):
    return Decision(evidence.free_gpus != 0, f"{evidence.free_gpus} free GPUs")


def test_policies_over_facts_of_their_own_are_checked_with_those():
    shops = [Shop(free_gpus=2), Shop(free_gpus=0)]
    check_policy(gpu_is_free, evidences=shops)
    with pytest.raises(AssertionError, match="without free_gpus it retrains"):
        check_policy(gpu_is_free_unless_told, evidences=shops)


@pytest.mark.parametrize("evidences", [[], [None]])
def test_evidence_that_cannot_be_used_is_refused(evidences):
    with pytest.raises(ValueError, match="evidences must"):
        check_policy(OnDrift(), evidences=evidences)
    with pytest.raises(InvalidParameterError, match="skip must be"):
        check_policy(OnDrift(), skip="answers_repeat")
