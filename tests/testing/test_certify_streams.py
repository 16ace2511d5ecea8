"""certify of stream detectors: run lengths that are known, delays by brute force, and what is refused."""

import json
import math

import numpy as np
import pytest
from river.drift import ADWIN
from scipy.stats import binom, poisson

from contlearn.drift import RiskDetector
from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.testing import StreamCertificate, certify


class Rare:
    """Alarms at every value above a limit: geometric run lengths, and delays."""

    def __init__(self, limit=0.99):
        self.limit = limit
        self.drift_detected = False

    def update(self, x):
        self.drift_detected = bool(x > self.limit)


class Fitted(Rare):
    """The same with a limit that `fit` puts above all but a share of what it saw."""

    def fit(self, values):
        self.limit = float(np.quantile(values, 0.95))
        self.rows = len(values)
        return self


def uniform(rng, rows):
    return rng.random(rows)


def test_a_known_run_length_is_measured():
    certificate = certify(Rare(0.99), uniform, n_reference=0, n_current=2000, repetitions=100, shifts=())
    low, high = poisson.ppf([1e-6, 1 - 1e-6], 2000)
    assert low <= certificate.alarms <= high
    assert certificate.run_length.estimate == pytest.approx(200_000 / certificate.alarms)
    assert certificate.run_length.low < 100 < certificate.run_length.high
    assert certificate.false_alarms.estimate > 0.95
    low, high = binom.ppf([1e-6, 1 - 1e-6], certificate.alarms, 0.5) / certificate.alarms
    assert low <= certificate.first_half.estimate <= high
    assert certificate.promised is None
    assert certificate.run_length_held is None


def test_a_promise_that_is_not_kept_is_said():
    class Boasting(Rare):
        run_length = 500

    certificate = certify(Boasting(), uniform, n_reference=0, n_current=2000, repetitions=50, shifts=())
    assert certificate.promised == 500.0
    assert certificate.run_length_held is False
    assert "promised 500: NOT HELD" in str(certificate)
    quiet = certify(Rare(2.0), uniform, n_reference=0, n_current=50, repetitions=3, shifts=())
    assert quiet.run_length.estimate == math.inf
    assert quiet.first_half is None
    assert json.loads(json.dumps(quiet.to_dict(), allow_nan=False))["run_length"]["estimate"] is None


def test_delays_are_those_of_the_law():
    """After a change every value alarms with probability 0.3: geometric delays of mean 1 / 0.3."""

    def raised(values, size, rng):
        return values + size

    certificate = certify(
        Rare(0.99), uniform, n_reference=0, n_current=400, repetitions=1, power_repetitions=400,
        shifts={"rise": (raised, (0.29, 1.0))},
    )  # fmt: skip
    some, sure = certificate.delays
    assert some.horizon == 200
    assert some.mean.estimate == pytest.approx(1 / 0.3, abs=5 * math.sqrt(0.7) / 0.3 / 20)
    assert some.mean.low < 1 / 0.3 < some.mean.high
    assert (sure.mean.estimate, sure.median, sure.misses) == (1.0, 1.0, 0)


def test_a_table_is_divided_between_fit_and_the_stream():
    values = np.arange(1000) / 1000
    certificate = certify(Fitted(), values, repetitions=200, shifts=())
    assert (certificate.n_reference, certificate.n_current) == (0, 1000)  # nothing says that it needs a fit
    certificate = certify(Fitted(0.0), values, n_reference=400, repetitions=200, shifts=())
    assert (certificate.n_reference, certificate.n_current) == (400, 600)
    assert certificate.run_length.estimate == pytest.approx(20, rel=0.1)  # the limit is a sample's
    unfitted = certify(RiskDetector(), values, repetitions=20, shifts=())
    assert (unfitted.n_reference, unfitted.n_current) == (500, 500)
    given = certify(RiskDetector(limit=0.6), values, repetitions=20, shifts=())
    assert (given.n_reference, given.n_current) == (0, 1000)
    few = certify(RiskDetector(), values, n_current=100, repetitions=3, shifts=())
    assert (few.n_reference, few.n_current) == (900, 100)


def test_neighbours_stay_together_where_that_is_asked_for():
    seen = []

    class Listening(Rare):
        def update(self, x):
            seen.append(x)

    certify(Listening(), np.arange(100.0), n_current=60, repetitions=1, shifts=(), consecutive=True)
    assert (np.diff(seen[-60:]) % 100 == 1).all()


def test_the_same_seed_gives_the_same_figures_and_the_detector_stays_as_it_is():
    detector = RiskDetector(limit=0.1, run_length=300)
    detector.update_many([0, 1, 1])
    before = detector.result
    losses = np.random.default_rng(0).random(2000) < 0.1
    one, two = (certify(detector, losses, repetitions=30, power_repetitions=20, rng=5) for _ in range(2))
    one, two = one.to_dict(), two.to_dict()
    for each in (one, two):
        del each["fit_seconds"], each["update_seconds"]
    assert one == two
    assert detector.result == before


def test_a_risk_detector_keeps_its_promise_and_finds_more_risk_sooner():
    losses = np.random.default_rng(1).random(4000) < 0.1
    limit = float(losses.mean())
    certificate = certify(RiskDetector(limit=limit, run_length=1000), losses, repetitions=100)
    assert isinstance(certificate, StreamCertificate)
    assert certificate.run_length_held
    delays = [each.mean.estimate for each in certificate.delays]
    assert [each.shift for each in certificate.delays] == ["risk"] * 3
    assert delays == sorted(delays, reverse=True)
    assert "<table" in certificate._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"detector": ADWIN}, "detector must be a batch detector, such as KS.., or a stream detector"),
        ({"repetitions": 0}, "repetitions must be at least 1"),
        ({"power_repetitions": 0}, "power_repetitions must be at least 1"),
        ({"n_current": 1}, "n_current must be at least 2"),
        ({"n_reference": -1}, "n_reference must be at least 0"),
        ({"n_current": 101}, "reference must have 101 rows, got 100"),
        ({"n_current": 60, "n_reference": 60}, "reference must have 120 rows, got 100"),
        ({"reference": uniform, "n_current": 5}, "n_reference and n_current must be given"),
        ({"shifts": ["mode"]}, "shift 'mode' must be one of"),
        ({"consecutive": 1}, "consecutive must be True or False"),
    ],
)
def test_what_can_never_work_is_refused_by_name(arguments, words):
    arguments = {"detector": ADWIN(), "reference": np.arange(100) / 100, "repetitions": 2} | arguments
    with pytest.raises((InvalidParameterError, InvalidInputError), match=words):
        certify(arguments.pop("detector"), arguments.pop("reference"), **arguments)
