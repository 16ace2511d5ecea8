"""How often the column detectors raise an alarm when nothing changed, and how often when something did.

Bands are exact binomial ones with tails of 1e-6, so that a correct detector fails less than once in 1e5 runs
of this file, and the seeds are fixed.
"""

import numpy as np
import pytest
from scipy import stats

from contlearn.drift import KS, ByColumn, ChiSquared

RUNS = 2000
ALPHA = 0.05
LOW, HIGH = stats.binom.ppf([1e-6, 1 - 1e-6], RUNS, ALPHA) / RUNS


def alarm_rate(detector, sample, n, m, seed):
    """The share of runs in which rows of one source are told apart; `sample(rng, rows)` draws a table."""
    rng = np.random.default_rng(seed)
    alarms = sum(detector.fit(sample(rng, n)).detect(sample(rng, m)).detected for _ in range(RUNS))
    return alarms / RUNS


def independent(rng, rows):
    return rng.normal(size=(rows, 3))


def correlated(rng, rows):
    common = rng.normal(size=(rows, 1))
    return 0.9 * common + 0.4 * rng.normal(size=(rows, 4))


def counts(rng, rows):
    return rng.poisson(1.0, size=(rows, 4))


def levels(rng, rows):
    """Ten equally likely categories in each of three columns."""
    return rng.integers(0, 10, (rows, 3))


def sparse(rng, rows):
    """Hundred categories, most of them rare."""
    return np.minimum(rng.geometric(0.05, (rows, 2)), 100)


def mixed(rng, rows):
    """Correlated columns of both kinds, rounded ones and gaps included."""
    common = rng.normal(size=rows)
    amount = common + 0.3 * rng.normal(size=rows)
    gaps = np.where(rng.random(rows) < 0.1, np.nan, 0.0)
    return {
        "amount": amount,
        "rounded": np.round(2.0 * amount) / 2.0 + gaps,
        "visits": rng.poisson(np.exp(0.5 * common)),
        "level": np.digitize(common, [-1.0, 0.0, 1.0]).astype(str),
        "rare": np.minimum(rng.geometric(0.1, rows), 40).astype(str),
        "member": common > 0.5,
    }


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("detector", "sample", "n", "m", "low"),
    [
        (KS(tolerance=0.0), independent, 300, 300, LOW),
        (KS(tolerance=0.0), independent, 1500, 300, LOW),
        (KS(tolerance=0.0, correction="bonferroni"), independent, 300, 300, LOW),
        (KS(tolerance=0.0), correlated, 500, 300, 0.0),
        (KS(tolerance=0.0), counts, 500, 300, 0.02),
        (ChiSquared(tolerance=0.0), levels, 300, 300, LOW),
        (ChiSquared(tolerance=0.0), levels, 1500, 300, LOW),
        (ChiSquared(tolerance=0.0), sparse, 500, 100, 0.0),
        (ByColumn(KS(tolerance=0.0), ChiSquared(tolerance=0.0)), mixed, 400, 200, 0.0),
        (ByColumn(KS(tolerance=0.0), ChiSquared(tolerance=0.0), correction="hochberg"), mixed, 300, 60, 0.0),
        (ByColumn(KS(tolerance=0.0), ChiSquared(tolerance=0.0), correction="bh"), mixed, 400, 200, 0.0),
    ],
)
def test_false_alarms_stay_within_the_band(detector, sample, n, m, low):
    rate = alarm_rate(detector, sample, n, m, seed=1)
    assert low <= rate <= HIGH


@pytest.mark.calibration
@pytest.mark.parametrize("detector", [KS(tolerance=0.0), ChiSquared(tolerance=0.0)], ids=["KS", "ChiSquared"])
def test_false_alarms_in_missing_values_stay_within_the_band(detector):
    def sample(rng, rows):
        values = rng.integers(0, 4, (rows, 3)).astype(float)
        values[rng.random((rows, 3)) < [0.02, 0.2, 0.5]] = np.nan
        return values

    assert alarm_rate(detector, sample, 300, 150, seed=2) <= HIGH


@pytest.mark.calibration
def test_without_correction_each_column_alone_keeps_alpha():
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(RUNS // 4):
        result = (
            KS(tolerance=0.0, correction=None)
            .fit(rng.normal(size=(400, 4)))
            .detect(rng.normal(size=(300, 4)))
        )
        alarms += len(result.drifted)
    assert LOW <= alarms / RUNS <= HIGH


@pytest.mark.calibration
@pytest.mark.parametrize("share", [0.06, 0.2])
def test_false_alarms_over_a_hundred_binary_columns_stay_within_the_band(share):
    def sample(rng, rows):
        return (rng.random((rows, 100)) < share).astype(np.int8)

    rng, runs = np.random.default_rng(11), 600
    reference = ChiSquared(tolerance=0.0)
    alarms = sum(reference.fit(sample(rng, 10_000)).detect(sample(rng, 100)).detected for _ in range(runs))
    assert alarms <= stats.binom.ppf(1 - 1e-6, runs, ALPHA)


POWER_RUNS = 200


def power(detector, reference, batch, seed):
    """The share of runs in which `batch(rng)` is told from `reference(rng)`."""
    rng = np.random.default_rng(seed)
    found = sum(detector.fit(reference(rng)).detect(batch(rng)).detected for _ in range(POWER_RUNS))
    return found / POWER_RUNS


def test_a_shift_of_three_tenths_of_a_deviation_is_found_at_a_thousand_rows():
    assert power(KS(), lambda rng: rng.normal(size=1000), lambda rng: rng.normal(0.3, 1, 1000), 4) >= 0.95


def test_a_doubled_spread_is_found_at_three_hundred_rows():
    assert power(KS(), lambda rng: rng.normal(size=1000), lambda rng: rng.normal(0, 2, 300), 5) >= 0.95


def test_one_column_of_ten_is_found_at_a_thousand_rows():
    def batch(rng):
        rows = rng.normal(size=(1000, 10))
        rows[:, 3] += 0.3
        return rows

    assert power(KS(), lambda rng: rng.normal(size=(1000, 10)), batch, 6) >= 0.95


def test_a_tenth_of_the_rows_in_another_category_is_found_at_five_hundred_rows():
    before, after = [0.4, 0.3, 0.2, 0.1], [0.3, 0.3, 0.2, 0.2]
    found = power(
        ChiSquared(), lambda rng: rng.choice(4, 2000, p=before), lambda rng: rng.choice(4, 500, p=after), 7
    )
    assert found >= 0.95


def test_a_new_category_with_a_share_of_a_tenth_is_found_among_fifty_at_two_hundred_rows():
    def batch(rng):
        return np.where(rng.random(200) < 0.1, 50, rng.integers(0, 50, 200))

    assert power(ChiSquared(), lambda rng: rng.integers(0, 50, 5000), batch, 8) >= 0.95


def test_a_tenth_gone_missing_is_found_at_two_hundred_rows_in_a_mixed_table():
    def batch(rng):
        table = mixed(rng, 200)
        table["amount"][rng.random(200) < 0.1] = np.nan
        return table

    assert power(ByColumn(), lambda rng: mixed(rng, 1000), batch, 9) >= 0.95
