"""Corrections by shared relabelings, through the detectors: level, power, gaps, blocks, what is refused."""

import numpy as np
import pytest
from scipy.stats import binom

from contlearn.drift import KS, MMD, ByColumn, ChiSquared, DriftState
from contlearn.exceptions import InvalidParameterError

RUNS = 2000
LOW, HIGH = binom.ppf([1e-6, 1 - 1e-6], RUNS, 0.05) / RUNS


def columns(rng, rows, correlation, shift=0.0):
    """Twenty columns, fourteen of numbers and six of categories, all with the same correlation."""
    common = rng.normal(size=(rows, 1))
    x = np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * rng.normal(size=(rows, 20))
    x[:, 0] += shift
    table = {f"number {i}": x[:, i] for i in range(14)}
    words = np.array(["low", "middle", "high", "top"], dtype=object)
    return table | {f"word {i}": words[np.digitize(x[:, i], [-1.0, 0.0, 1.0])] for i in range(14, 20)}


def watch(correction):
    return ByColumn(KS(tolerance=0.0), ChiSquared(tolerance=0.0), correction=correction)


def alarm_rate(correction, correlation, seed, runs, shift=0.0, n=150, m=80):
    rng = np.random.default_rng(seed)
    alarms = sum(
        watch(correction)
        .fit(columns(rng, n, correlation))
        .detect(columns(rng, m, correlation, shift))
        .detected
        for _ in range(runs)
    )
    return alarms / runs


@pytest.mark.calibration
@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_the_rate_over_twenty_columns_is_alpha_whatever_their_correlation(correlation):
    assert LOW <= alarm_rate("westfall-young", correlation, 1, RUNS) <= HIGH


@pytest.mark.calibration
@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_holm_never_exceeds_alpha(correlation):
    assert alarm_rate("holm", correlation, 2, RUNS) <= HIGH


@pytest.mark.calibration
def test_strong_correlation_makes_it_more_powerful_than_holm():
    holm, shared = (alarm_rate(each, 0.95, 3, 200, shift=0.45) for each in ("holm", "westfall-young"))
    assert shared > holm + 0.05


def test_the_shifted_column_is_named_and_effects_are_those_of_the_column():
    rng = np.random.default_rng(0)
    reference, batch = columns(rng, 800, 0.5), columns(rng, 300, 0.5, shift=1.0)
    shared, holm = (watch(each).fit(reference).detect(batch) for each in ("westfall-young", "holm"))
    assert shared.drifted == holm.drifted == ("number 0",)
    for name, part in shared.parts.items():
        assert part.score == holm.parts[name].score
        assert part.interval == holm.parts[name].interval
    assert shared.p_value == min(part.p_value for part in shared.parts.values()) == 0.001


def test_the_same_question_has_the_same_answer_and_columns_may_come_in_any_order():
    rng = np.random.default_rng(1)
    detector = KS(correction="westfall-young").fit(rng.normal(size=(200, 3)))
    batch = rng.normal(size=(50, 3))
    assert detector.detect(batch) == detector.detect(batch)


def test_missing_values_are_relabeled_with_their_rows():
    rng = np.random.default_rng(2)
    reference, batch = rng.normal(size=(400, 2)), rng.normal(size=(200, 2))
    batch[:60, 1] = np.nan
    result = KS(correction="westfall-young").fit(reference).detect(batch)
    assert result.drifted == ("1",)
    assert result.parts["1"].parts["missing"].detected
    assert not result.parts["1"].parts["values"].detected
    assert result.parts["0"].parts == {}


def test_gaps_at_random_keep_the_level():
    rng = np.random.default_rng(3)

    def sample(rows):
        x = rng.normal(size=(rows, 4))
        x[rng.random(x.shape) < 0.2] = np.nan
        return x

    detector = KS(tolerance=0.0, correction="westfall-young")
    alarms = sum(detector.fit(sample(80)).detect(sample(50)).detected for _ in range(200))
    assert alarms <= binom.isf(1e-6, 200, 0.05)


def test_blocks_change_sides_as_a_whole():
    rng = np.random.default_rng(4)

    def sample(blocks):
        return np.repeat(rng.normal(size=(blocks, 3)), 10, axis=0) + 1e-3 * rng.normal(size=(10 * blocks, 3))

    def rate(block):
        detector = KS(tolerance=0.0, correction="westfall-young", block=block)
        return sum(detector.fit(sample(40)).detect(sample(20)).detected for _ in range(100)) / 100

    assert rate(None) > 0.8
    assert rate(10) <= binom.isf(1e-6, 100, 0.05) / 100


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_too_few_rows_are_undecided(rows):
    rng = np.random.default_rng(5)
    detector = KS(correction="westfall-young").fit(rng.normal(size=(100, 2)))
    assert detector.detect(rng.normal(size=(rows, 2)) + 100.0).state in (
        (DriftState.UNDECIDED,) if rows < 2 else (DriftState.UNDECIDED, DriftState.DRIFT)
    )


def test_of_many_rows_some_are_relabeled_and_that_is_said():
    rng = np.random.default_rng(6)
    detector = KS(correction="westfall-young").fit(rng.normal(size=(30_000, 1)))
    assert detector.rows_.columns[0].n_rows == 10_000
    result = detector.detect(rng.normal(size=(500, 1)))
    assert "10000 of 30000 reference rows relabeled" in result.remarks
    assert result.n_reference == 30_000


def test_a_strict_level_draws_enough_relabelings():
    rng = np.random.default_rng(7)
    detector = KS(alpha=0.001, correction="westfall-young").fit(rng.normal(size=(100, 2)))
    assert detector.detect(rng.normal(size=(50, 2)) + 3.0).p_value == 1 / 4000


def test_joint_tests_are_refused():
    rows = np.random.default_rng(8).normal(size=(50, 2))
    broken = ByColumn(columns={"0": MMD()}, correction="westfall-young")
    with pytest.raises(InvalidParameterError, match="correct tests of single columns"):
        broken.fit(rows)


def test_a_side_in_lower_precision_decides_for_both():
    values = np.random.default_rng(9).normal(size=3000).round(1)
    for detector in (KS(correction="westfall-young"), ChiSquared(correction="westfall-young")):
        fitted = detector.fit(values[:2000])
        assert fitted.detect(values[2000:].astype(np.float32)).p_value > 0.05
        assert fitted.detect(values[2000:].astype(np.float32)).p_value == fitted.detect(values[2000:]).p_value


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_integers_beyond_two_to_the_53_are_told_apart(dtype):
    reference, batch = np.full(500, 2**60, dtype=dtype), np.full(200, 2**60 + 100, dtype=dtype)
    assert KS(correction="westfall-young").fit(reference).detect(batch).detected


def test_a_minimum_effect_is_refused_with_the_cure():
    rows = np.random.default_rng(10).normal(size=50)
    words = 'minimum_effect must be False, got correction=.westfall-young.; .*use correction="holm"'
    with pytest.raises(InvalidParameterError, match=words):
        KS(correction="westfall-young", minimum_effect=True).fit(rows)
    with pytest.raises(InvalidParameterError, match="minimum_effect"):
        ByColumn(KS(minimum_effect=True), correction="westfall-young").fit(rows)
