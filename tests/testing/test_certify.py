"""certify measures what it says: rates of detectors that are known, power, and dependence between rows."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import binom
from sklearn.base import BaseEstimator

from contlearn.drift import KS, ByColumn, ChiSquared
from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.results import DriftResult, DriftState
from contlearn.testing import Certificate, certify


class Coin(BaseEstimator):
    """Alarms at random with a known probability, whatever it sees."""

    def __init__(self, rate=0.2, alpha=0.05, seed=None):
        self.rate = rate
        self.alpha = alpha
        self.seed = seed

    def fit(self, X):
        return self

    def detect(self, X):
        state = DriftState.DRIFT if RNG.random() < self.rate else DriftState.UNDECIDED
        return DriftResult(state=state, alpha=self.alpha, n_reference=2, n_current=2)


RNG = np.random.default_rng(0)


class Threshold(BaseEstimator):
    """Alarms when the mean of the first column is above a limit."""

    def __init__(self, limit):
        self.limit = limit
        self.alpha = 0.05

    def fit(self, X):
        return self

    def detect(self, X):
        values = X if isinstance(X, np.ndarray) else next(iter(X.values()))
        state = DriftState.DRIFT if np.nanmean(values) > self.limit else DriftState.STABLE
        return DriftResult(state=state, alpha=self.alpha, n_reference=2, n_current=2)


ROWS = {"amount": np.random.default_rng(0).normal(size=220)}


def test_a_known_rate_is_measured_and_called_exceeded():
    certificate = certify(Coin(0.2), ROWS, repetitions=2000, shifts=())
    low, high = binom.ppf([1e-6, 1 - 1e-6], 2000, 0.2) / 2000
    assert low <= certificate.false_alarms.estimate <= high
    assert certificate.undecided == pytest.approx(1.0 - certificate.false_alarms.estimate)
    assert not certificate.level_held
    assert "EXCEEDED" in str(certificate)


def test_the_interval_is_that_of_clopper_and_pearson():
    from scipy.stats import binomtest

    certificate = certify(Coin(0.1), ROWS, repetitions=300, shifts=())
    count = round(300 * certificate.false_alarms.estimate)
    expected = binomtest(count, 300).proportion_ci(0.95)
    assert (certificate.false_alarms.low, certificate.false_alarms.high) == pytest.approx(tuple(expected))
    assert certify(Coin(0.0), ROWS, repetitions=10, shifts=()).false_alarms.low == 0.0
    assert certify(Coin(1.0), ROWS, repetitions=10, shifts=()).false_alarms.high == 1.0


def test_a_detector_that_keeps_its_level_is_said_to():
    certificate = certify(KS(tolerance=0.0), ROWS, repetitions=300, shifts={"mean": (0.3, 2.0)})
    assert certificate.level_held
    assert (certificate.n_reference, certificate.n_current) == (200, 20)
    weak, strong = certificate.found
    assert weak.share.estimate < strong.share.estimate
    assert strong.share.estimate > 0.95
    assert 0.3 < certificate.detectable["mean"] < 2.0


def test_shifts_have_the_size_that_they_state():
    at_limit = {"amount": np.random.default_rng(1).normal(5.0, 2.0, size=4000)}
    for size, found in ((0.3, False), (0.7, True)):  # in standard deviations: 0.6 and 1.4 beyond the mean
        certificate = certify(
            Threshold(6.0),
            at_limit,
            n_current=2000,
            repetitions=1,
            shifts={"mean": (size,)},
            power_repetitions=5,
        )
        assert certificate.found[0].share.estimate == float(found)


def test_the_same_seed_gives_the_same_rates_and_nothing_of_the_callers_changes():
    table = pd.DataFrame({"amount": np.arange(60.0), "city": ["a", "b"] * 30})
    before, detector = table.copy(), ByColumn()
    one, two = (
        certify(detector, table, repetitions=20, power_repetitions=5, rng=3).to_dict() for _ in range(2)
    )
    for each in (one, two):
        del each["fit_seconds"], each["detect_seconds"]
    assert one == two
    pd.testing.assert_frame_equal(table, before)
    assert not hasattr(detector, "reference_")


@pytest.mark.parametrize("form", ["array", "pandas", "polars", "dict"])
def test_every_form_of_table_is_taken(form):
    rng = np.random.default_rng(2)
    columns = {
        "amount": np.where(rng.random(110) < 0.1, np.nan, rng.normal(size=110)),
        "count": rng.poisson(3, 110),
        "member": rng.random(110) < 0.5,
        "city": rng.choice(["a", "b", None], 110),
        "seen": [datetime(2024, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 300, 110)],
    }
    table = {
        "array": lambda: np.column_stack([columns["amount"], columns["count"]]),
        "pandas": lambda: pd.DataFrame(columns),
        "polars": lambda: pl.DataFrame(
            {name: list(values) for name, values in columns.items()}, strict=False
        ),
        "dict": lambda: columns,
    }[form]()
    certificate = certify(ByColumn(), table, repetitions=3, power_repetitions=2)
    tried = list(dict.fromkeys(each.shift for each in certificate.found))
    assert tried == (
        ["mean", "spread", "missing"] if form == "array" else ["mean", "spread", "category", "missing"]
    )


def test_a_function_draws_fresh_rows_and_needs_both_sizes():
    def draw(rng, rows):
        return rng.choice(["a", "b", "c"], rows)

    certificate = certify(
        ChiSquared(), draw, n_reference=300, n_current=100, repetitions=30, power_repetitions=20,
        shifts={"category": (0.5,)},
    )  # fmt: skip
    assert certificate.found[0].share.estimate == 1.0
    with pytest.raises(InvalidParameterError, match="n_reference and n_current must be given"):
        certify(ChiSquared(), draw, n_current=5)


def test_changes_of_ones_own_are_tried():
    def reverse(columns, size, rng):
        return {name: size * values[::-1] for name, values in columns.items()}

    certificate = certify(
        KS(), ROWS, repetitions=2, power_repetitions=10, shifts={"scale": (reverse, (1.0, 50.0))}
    )
    assert [each.share.estimate for each in certificate.found] == pytest.approx([0.0, 1.0], abs=0.2)


def test_neighbouring_rows_show_what_dependence_does():
    rng = np.random.default_rng(3)
    walk = {"level": np.repeat(rng.normal(size=60), 20)}
    shuffled = certify(KS(tolerance=0.0), walk, repetitions=150, shifts=())
    in_order = certify(KS(tolerance=0.0), walk, repetitions=150, shifts=(), consecutive=True)
    assert shuffled.level_held
    assert in_order.false_alarms.estimate > 0.5


def test_each_size_between_two_found_shares_is_read_from_the_line():
    certificate = certify(
        Threshold(0.5), ROWS, repetitions=1, power_repetitions=1, shifts={"mean": (0.1, 1.0)}
    )
    assert certificate.detectable == {"mean": pytest.approx(0.1 + 0.9 * 0.8)}
    assert certify(Threshold(9.0), ROWS, repetitions=1, power_repetitions=1, shifts=["mean"]).detectable == {
        "mean": None
    }
    assert isinstance(certificate, Certificate)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"detector": KS}, "detector must be a batch detector, such as KS.., or a stream detector, got KS"),
        ({"detector": object()}, "detector must be a batch detector"),
        ({"repetitions": 0}, "repetitions must be at least 1"),
        ({"power_repetitions": 0}, "power_repetitions must be at least 1"),
        ({"shifts": {"media": None}}, "shift 'media' must be one of"),
        ({"shifts": {"mean": (-1.0,)}}, "size of the shift 'mean'"),
        ({"shifts": "mean"}, "shifts must be a sequence of names or a mapping"),
        ({"shifts": {"mean": "0.5"}}, "sizes of the shift 'mean' must be a number or a sequence of numbers"),
        ({"shifts": ["category"]}, "a column to which the shift 'category' applies"),
        ({"n_current": 220}, "have 221 rows, got 220"),
        ({"n_current": 100, "n_reference": 200}, "have 300 rows, got 220"),
        ({"consecutive": 1}, "consecutive must be True or False"),
        ({"rng": "seed"}, "rng must be"),
    ],
)
def test_what_can_never_work_is_refused_by_name(arguments, words):
    arguments = {"detector": KS(), "reference": ROWS, "repetitions": 2} | arguments
    with pytest.raises((InvalidParameterError, InvalidInputError), match=words):
        certify(arguments.pop("detector"), arguments.pop("reference"), **arguments)


@pytest.mark.parametrize(
    "values",
    [
        2**60 + np.arange(440) % 7,
        np.arange(200, 640).astype(np.uint8),
        np.linspace(-1e300, 1e300, 440),
        np.linspace(0, 1e-300, 440),
    ],
    ids=["identifiers", "bytes", "huge", "tiny"],
)
def test_small_shifts_of_odd_numbers_are_as_small_as_they_say(values):
    columns = {"odd": values, "nothing": np.full(440, np.nan)}
    watch = KS(correction=None, tolerance=0.0)
    certificate = certify(
        watch, columns, repetitions=2, power_repetitions=20, shifts={"mean": (0.01,), "spread": (0.01,)}
    )
    assert all(each.share.estimate <= 0.5 for each in certificate.found)
