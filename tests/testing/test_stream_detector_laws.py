"""Every law of stream detectors accepts good detectors and rejects one that breaks it."""

import copy

import numpy as np
import pytest
from river import drift

from contlearn.exceptions import InvalidInputError, InvalidParameterError, NotFittedError
from contlearn.results import DriftResult, DriftState
from contlearn.testing import check_stream_detector
from contlearn.testing._stream_detector import _LAWS


class Minimal:
    """The smallest shape: update and drift_detected."""

    def __init__(self, limit=0.7):
        self.limit = limit
        self.restart()

    def restart(self):
        self.mean = 0.0
        self.drift_detected = False

    def update(self, x):
        if not abs(x) < 1e6:
            raise ValueError("x must be a number below a million")
        if self.drift_detected:
            self.restart()
        self.mean += 0.05 * (x - self.mean)
        self.drift_detected = self.mean > self.limit


class Full(Minimal):
    """Everything that river and contlearn add."""

    @property
    def warning_detected(self):
        return not self.drift_detected and self.mean > self.limit / 2

    def reset(self):
        self.restart()

    def clone(self):
        return type(self)(self.limit)

    @property
    def result(self):
        state = DriftState.WARNING if self.warning_detected else DriftState.STABLE
        state = DriftState.DRIFT if self.drift_detected else state
        return DriftResult(state=state, score=self.mean, threshold=self.limit)

    def update_many(self, values):
        if not all(abs(x) < 1e6 for x in values):
            raise ValueError("values must be numbers below a million")
        positions = []
        for i, x in enumerate(values):
            self.update(x)
            if self.drift_detected:
                positions.append(i)
        return positions


class StartsWithAnAlarm(Full):
    def __init__(self, limit=0.7):
        super().__init__(limit)
        self.drift_detected = True


class NoBool(Full):
    @property
    def warning_detected(self):
        return None


class ReturnsItself(Full):
    def update(self, x):
        super().update(x)
        return self


class ReadingForgets(Full):
    @property
    def result(self):
        answer = super().result
        self.mean /= 2
        return answer


class CountsQuestions(Full):
    asked = 0

    @property
    def result(self):
        self.asked += 1
        return super().result


NOISE = [0]


class Unseeded(Full):
    def update(self, x):
        NOISE[0] += 1
        super().update(x if NOISE[0] % 7919 else 30.0)


class ClonesItsState(Full):
    def clone(self):
        return copy.deepcopy(self)


class LendsItself(Full):
    def clone(self):
        self.restart()
        return self


class ResetKeepsTheMean(Full):
    def reset(self):
        self.drift_detected = False


class ResetKeepsTheAlarm(Full):
    def reset(self):
        self.mean = 0.0


class ForgetsInPickles(Full):
    def __getstate__(self):
        return {"limit": self.limit, "mean": 0.69, "drift_detected": False}


class Blind(Full):
    def update(self, x):
        super().update(min(x, 0.1))


class RemembersAll(Full):
    def __init__(self, limit=0.7):
        super().__init__(limit)
        self.values = []

    def update(self, x):
        super().update(x)
        self.values.append(x)


class RemembersSome(Full):
    """Forgets half of it from time to time, and keeps twice as much each time."""

    def __init__(self, limit=0.7):
        super().__init__(limit)
        self.values, self.most = [], 100

    def update(self, x):
        super().update(x)
        self.values.append(x)
        if len(self.values) > self.most:
            self.values, self.most = self.values[self.most // 2 :], self.most * 2


class KeepsABlock(Full):
    """Keeps up to a thousand values, and none after that: a saw, and bounded."""

    def restart(self):
        super().restart()
        self.block = []

    def update(self, x):
        super().update(x)
        self.block = [*self.block, x] if len(self.block) < 1_000 else []


class ResultDisagrees(Full):
    @property
    def result(self):
        return DriftResult(state=DriftState.STABLE)


class ResultIsABool(Full):
    @property
    def result(self):
        return self.drift_detected


class ManyIsLate(Full):
    def update_many(self, values):
        return [i + 1 for i in super().update_many(values)]


class ManyPositionsOfNumpy(Full):
    def update_many(self, values):
        return list(np.array(super().update_many(values), dtype=int))


class ManyForgets(Full):
    def update_many(self, values):
        positions = super().update_many(values)
        self.restart()
        return positions


class TakesSome(Full):
    def update_many(self, values):
        positions = []
        for i, x in enumerate(values):
            self.update(x)
            if self.drift_detected:
                positions.append(i)
        return positions


class RefusesTooLate(Full):
    def update(self, x):
        self.mean *= 0.999
        super().update(x)


class WarnsOfAlarms(Full):
    @property
    def warning_detected(self):
        return self.mean > self.limit / 2


class KeepsSilentAboutWarnings(Full):
    @property
    def result(self):
        state = DriftState.DRIFT if self.drift_detected else DriftState.STABLE
        return DriftResult(state=state)


class ClonesOtherParameters(Full):
    def clone(self):
        return type(self)(self.limit + 1e-9)

    def __repr__(self):
        return f"ClonesOtherParameters({self.limit})"


class ClonedByScikitLearn(Full):
    def get_params(self, deep=True):
        return {"limit": self.limit}

    def __sklearn_clone__(self):
        return copy.deepcopy(self)


class LosesItsParameters(ClonedByScikitLearn):
    def __sklearn_clone__(self):
        self.limit = float(str(self.limit))
        return type(self)(self.limit)


class BlindAfterText(Full):
    blind = False

    def update(self, x):
        self.blind |= isinstance(x, str)
        super().update(0.0 if self.blind else x)


class Blinded(Full):
    def update(self, x):
        if self.drift_detected:
            self.restart()
        self.mean += 0.05 * (x - self.mean)
        self.drift_detected = self.mean > self.limit


BROKEN = [
    (StartsWithAnAlarm(), "a_fresh_detector_is_silent"),
    (NoBool(), "a_fresh_detector_is_silent"),
    (ReturnsItself(), "update_returns_nothing"),
    (ReadingForgets(), "questions_change_nothing"),
    (CountsQuestions(), "questions_change_nothing"),
    (Unseeded(), "alarms_repeat"),
    (ClonesItsState(), "a_clone_is_fresh"),
    (LendsItself(), "a_clone_is_fresh"),
    (ResetKeepsTheMean(), "reset_is_fresh"),
    (ResetKeepsTheAlarm(), "reset_is_fresh"),
    (ForgetsInPickles(), "pickles_go_on_alike"),
    (Blind(), "an_enormous_shift_is_seen"),
    (RemembersAll(), "memory_is_bounded"),
    (RemembersSome(), "memory_is_bounded"),
    (ResultDisagrees(), "the_result_agrees"),
    (ResultIsABool(), "the_result_agrees"),
    (ManyIsLate(), "update_many_is_repeated_update"),
    (ManyPositionsOfNumpy(), "update_many_is_repeated_update"),
    (ManyForgets(), "update_many_is_repeated_update"),
    (TakesSome(), "update_many_takes_all_or_nothing"),
    (RefusesTooLate(), "a_refused_value_changes_nothing"),
    (WarnsOfAlarms(), "the_result_agrees"),
    (KeepsSilentAboutWarnings(), "the_result_agrees"),
    (ClonesOtherParameters(), "a_clone_is_fresh"),
    (ClonedByScikitLearn(), "a_clone_by_scikit_learn_is_fresh"),
    (LosesItsParameters(), "a_clone_by_scikit_learn_is_fresh"),
    (Blinded(), "a_missing_value_does_not_blind"),
    (Blinded(), "a_bad_value_does_not_blind"),
    (BlindAfterText(), "a_bad_value_does_not_blind"),
]


@pytest.mark.parametrize(
    "detector", [Minimal(), Full(), KeepsABlock(), drift.binary.EDDM()], ids=lambda d: type(d).__name__
)
def test_good_detectors_pass(detector):
    check_stream_detector(detector)


@pytest.mark.parametrize("detector", [drift.ADWIN(), drift.PageHinkley()], ids=lambda d: type(d).__name__)
def test_detectors_of_river_pass_but_for_one_value_that_blinds_them(detector):
    laws = {
        "a_missing_value_does_not_blind": "river takes in NaN and carries it along",
        "a_bad_value_does_not_blind": "and infinities",
        "a_refused_value_changes_nothing": "Page-Hinkley counts what it cannot add",
    }
    check_stream_detector(detector, skip=laws)
    with pytest.raises(AssertionError, match="does_not_blind"):
        check_stream_detector(detector, skip=["a_refused_value_changes_nothing"])


@pytest.mark.parametrize(("detector", "law"), BROKEN, ids=lambda value: type(value).__name__)
def test_a_broken_detector_is_rejected_by_the_law_it_breaks(detector, law):
    others = [other.__name__ for other in _LAWS if other.__name__ != law]
    with pytest.raises(AssertionError, match=f"^{type(detector).__name__} breaks the law {law}: "):
        check_stream_detector(detector, skip=others)


def test_every_law_has_a_detector_that_breaks_it():
    assert {law for _, law in BROKEN} == {law.__name__ for law in _LAWS}
    assert all(f"`{law.__name__}`" in check_stream_detector.__doc__ for law in _LAWS)


def test_the_detector_itself_is_never_updated():
    detector = Full()
    check_stream_detector(detector)
    assert vars(detector) == vars(Full())


def test_values_of_another_scale_can_be_given():
    check_stream_detector(Full(limit=70.0), quiet=[10.0, 11.0] * 600, shifted=[99.0] * 100)


class Words(Full):
    """Takes text and rows instead of numbers."""

    def update(self, x):
        if not isinstance(x, (str, dict)):
            raise TypeError("x must be text or a row")
        super().update(float(x == "loud" or x == {"word": "loud"}))

    def update_many(self, values):
        if not all(isinstance(x, (str, dict)) for x in values):
            raise TypeError("values must be text or rows")
        return [i for i, x in enumerate(values) if self.update(x) or self.drift_detected]


def test_values_need_not_be_numbers():
    check_stream_detector(Words(), quiet=["calm"] * 1_000, shifted=["loud"] * 500)
    check_stream_detector(Words(), quiet=[{"word": "calm"}] * 1_000, shifted=[{"word": "loud"}] * 500)


class Fitted(Full):
    """Must be fitted; a clone is not."""

    baseline = None

    def fit(self, values):
        self.baseline = float(np.mean(values))
        return self

    def clone(self):
        return type(self)(self.limit)

    def update(self, x):
        if self.baseline is None:
            raise NotFittedError("fit first")
        super().update(x - self.baseline if abs(x) < 1e6 else x)


def test_a_fitted_detector_obeys_the_laws_although_its_clones_are_not_fitted():
    check_stream_detector(Fitted().fit([0.1]))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"quiet": [1.0] * 10}, InvalidInputError), ({"shifted": [float("nan")]}, InvalidParameterError)],
)
def test_streams_that_cannot_be_used_are_refused(arguments, error):
    with pytest.raises(error):
        check_stream_detector(Full(), **arguments)
