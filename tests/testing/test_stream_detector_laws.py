"""Every law of stream detectors accepts good detectors and rejects one that breaks it."""

import copy

import pytest
from river import drift

from contlearn.exceptions import InvalidInputError, InvalidParameterError
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
        if x != x:
            raise ValueError("x must be a number, got NaN")
        if self.drift_detected:
            self.restart()
        self.mean += 0.05 * (x - self.mean)
        self.drift_detected = self.mean > self.limit


class Full(Minimal):
    """Everything that river and contlearn add."""

    @property
    def warning_detected(self):
        return self.mean > self.limit / 2

    def reset(self):
        self.restart()

    def clone(self):
        return type(self)(self.limit)

    @property
    def result(self):
        state = DriftState.DRIFT if self.drift_detected else DriftState.STABLE
        return DriftResult(state=state, score=self.mean, threshold=self.limit)

    def update_many(self, values):
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
    (ResultDisagrees(), "the_result_agrees"),
    (ResultIsABool(), "the_result_agrees"),
    (ManyIsLate(), "update_many_is_repeated_update"),
    (Blinded(), "a_missing_value_does_not_blind"),
]


@pytest.mark.parametrize("detector", [Minimal(), Full(), drift.binary.EDDM()], ids=lambda d: type(d).__name__)
def test_good_detectors_pass(detector):
    check_stream_detector(detector)


@pytest.mark.parametrize("detector", [drift.ADWIN(), drift.PageHinkley()], ids=lambda d: type(d).__name__)
def test_detectors_of_river_pass_but_for_one_value_that_blinds_them(detector):
    law = "a_missing_value_does_not_blind"
    check_stream_detector(detector, skip={law: "river takes in NaN and carries it along"})
    with pytest.raises(AssertionError, match=law):
        check_stream_detector(detector)


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


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"quiet": [1.0] * 10}, InvalidInputError), ({"shifted": ["loud"]}, InvalidParameterError)],
)
def test_streams_that_cannot_be_used_are_refused(arguments, error):
    with pytest.raises(error):
        check_stream_detector(Full(), **arguments)
