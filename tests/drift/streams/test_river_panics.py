"""What breaks down in compiled code is an error like any other."""

import pytest
from river.drift import ADWIN

from contlearn.drift import RiverDetector
from contlearn.exceptions import InvalidParameterError

BROKEN = [{"clock": 0}, {"max_buckets": 0}]


def fed(detector, n=500):
    for i in range(n):
        detector.update(float(i % 2 + (i > n // 2)))


@pytest.mark.parametrize("parameters", BROKEN, ids=str)
def test_a_detector_that_breaks_down_is_refused_by_an_error_of_ours(parameters):
    (name, value), *_ = parameters.items()
    detector = RiverDetector(ADWIN(**parameters))
    with pytest.raises(
        InvalidParameterError, match=rf"detector must .*, got ADWIN\({name}={value}\); change"
    ):
        fed(detector)
    with pytest.raises(InvalidParameterError, match="change its parameters"):
        detector.update_many([0.0, 1.0] * 200)
    fed(detector.set_params(**{f"detector__{name}": 8}))
    assert detector.result.n_current > 0


class Interrupted(ADWIN):
    def update(self, x):
        raise KeyboardInterrupt


def test_an_interrupt_stays_one():
    with pytest.raises(KeyboardInterrupt):
        RiverDetector(Interrupted()).update(0.5)
