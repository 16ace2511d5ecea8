"""KS: the numbers are those of the test, and what does not matter does not matter."""

import datetime as dt
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from contlearn.drift import KS, DriftState
from contlearn.exceptions import SchemaError
from contlearn.stats import ks

numbers = st.lists(st.integers(-4, 4), min_size=2, max_size=30)
laws = settings(derandomize=True, deadline=None, max_examples=80)


def only(result):
    """The result of the only column."""
    (part,) = result.parts.values()
    return part


def without_effects(result):
    """The result as a dictionary, without what is told in the unit of the column."""
    left = result.to_dict()
    parts = [left]
    while parts:
        part = parts.pop()
        part.pop("effects")
        parts.extend(part["parts"].values())
    return left


def test_distance_and_p_value_are_those_of_the_exact_test():
    rng = np.random.default_rng(0)
    for n, m in ((20, 10), (50, 50), (200, 30)):
        x, y = rng.normal(size=n), rng.normal(0.5, 1, size=m)
        expected = stats.ks_2samp(x, y, method="exact")
        part = only(KS().fit(x).detect(y))
        assert part.score == pytest.approx(expected.statistic, abs=1e-12)
        assert part.p_value == pytest.approx(expected.pvalue, rel=1e-9)


@laws
@given(numbers, numbers)
def test_it_agrees_with_the_public_function_ties_included(x, y):
    part = only(KS().fit(x).detect(y))
    assert (part.score, part.p_value) == ks(x, y)


@pytest.mark.parametrize("size", [2**14 - 1, 2**14, 2**14 + 7, 50_000])
def test_a_long_reference_is_searched_as_well_as_a_short_one(size):
    rng = np.random.default_rng(size)
    for reference in (rng.normal(size=size), rng.integers(0, 30_000, size) / 3e4, rng.integers(0, 5, size)):
        batch = np.concatenate([rng.choice(reference, 200), [reference.min() - 1, reference.max() + 1]])
        expected = stats.ks_2samp(reference, batch, method="asymp").statistic
        assert only(KS().fit(reference).detect(batch)).score == pytest.approx(expected, abs=1e-12)


@laws
@given(numbers, numbers, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(x, y, random):
    result = KS().fit(x).detect(y)
    x, y = random.sample(x, len(x)), random.sample(y, len(y))
    assert KS().fit(x).detect(y) == result


@laws
@given(numbers, numbers)
def test_the_two_sides_may_change_places(x, y):
    there, back = only(KS().fit(x).detect(y)), only(KS().fit(y).detect(x))
    assert (there.score, there.p_value) == (back.score, back.p_value)
    assert (there.n_reference, there.n_current) == (back.n_current, back.n_reference)


@laws
@given(numbers, numbers)
def test_the_unit_of_measurement_does_not_matter(x, y):
    plain = KS().fit(x).detect(y)
    converted = KS().fit(32.0 + 1.5 * np.array(x)).detect(32.0 + 1.5 * np.array(y))
    assert without_effects(converted) == without_effects(plain)
    for name, shift in only(plain).effects.items():
        assert only(converted).effects[name][:3] == pytest.approx([1.5 * each for each in shift[:3]])
    mirrored = KS().fit(-np.array(x)).detect(-np.array(y))
    assert mirrored.score == converted.score
    assert only(mirrored).effects["90 %"].estimate == -only(plain).effects["10 %"].estimate


@laws
@given(numbers)
def test_the_reference_itself_never_drifts(x):
    result = KS(tolerance=0.0).fit(x).detect(x)
    assert not result
    assert (result.score, result.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("base", [0, 2**53, 2**60, 2**63 + 5])
def test_integers_beyond_the_reach_of_floats_are_told_apart(base):
    dtype = np.uint64 if base >= 2**63 else np.int64
    reference = np.array([base + i % 10 for i in range(1000)], dtype=dtype)
    batch = np.array([base + 5 + i % 5 for i in range(500)], dtype=dtype)
    result = KS().fit(reference).detect(batch)
    assert result.detected
    assert result.score == 0.5
    assert not KS().fit(reference).detect(reference[:500])


def test_integers_that_became_floats_because_of_a_gap_are_compared_as_floats():
    big = np.arange(2**53, 2**53 + 400, 2)
    detector = KS().fit(big)
    same = detector.detect(np.append(big.astype(float), np.nan))
    assert same.parts["0"].parts["values"].score < 0.01
    assert detector.detect(np.append(big.astype(float) + 200, np.nan)).detected


def test_dates_durations_and_booleans_are_numbers():
    days = np.datetime64("2020-01-01", "D") + (np.arange(400) % 100).astype("m8[D]")
    detector = KS().fit({"at": days, "took": days - days.min(), "ok": np.arange(400) % 2 == 0})
    later = {"at": days + np.timedelta64(60, "D"), "took": days - days.min(), "ok": np.zeros(400, dtype=bool)}
    result = detector.detect(later)
    assert result.drifted == ("at", "ok")
    assert result.parts["at"].score == pytest.approx(0.6)
    assert result.parts["ok"].score == 0.5
    whole = {"at": [dt.datetime(2020, 1, 1)] * 50, "took": [dt.timedelta(0)] * 50, "ok": [True] * 50}
    assert detector.detect(whole).parts["at"].score == 0.99


def test_text_is_refused_by_name_with_a_cure_at_fit_and_after():
    cure = r"column 'city' must hold numbers .* for KS, got categories; use ChiSquared for it, or ByColumn"
    with pytest.raises(SchemaError, match=cure):
        KS().fit({"age": [1, 2], "city": ["a", "b"]})
    unknown = KS().fit({"age": [1.0, 2.0], "city": [None, None]})
    with pytest.raises(SchemaError, match=cure):
        unknown.detect({"age": [1, 2], "city": ["a", "b"]})


def test_a_small_but_certain_shift_counts_only_above_the_tolerance():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=40_000), rng.uniform(0.03, 1.03, size=40_000)
    result = KS().fit(x).detect(y)
    assert result.state is DriftState.STABLE
    assert result.p_value < 1e-10
    assert 0.02 < result.score < 0.05
    assert KS(tolerance=0.02).fit(x).detect(y).detected


def test_detectable_is_what_is_found_four_times_in_five():
    rng = np.random.default_rng(2)
    n, m, found, runs = 600, 300, 0, 300
    detector = KS(tolerance=0.0).fit(np.sort(rng.uniform(size=n)))
    promised = only(detector.detect(rng.uniform(size=m))).detectable
    for _ in range(runs):
        batch = rng.uniform(size=m)
        batch[rng.random(m) < promised] += 1.0
        found += KS(tolerance=0.0).fit(rng.uniform(size=n)).detect(batch).detected
    assert found / runs >= 0.7


def test_the_interval_holds_the_true_distance():
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(300):
        part = only(KS(alpha=0.1).fit(rng.uniform(size=300)).detect(rng.uniform(0.2, 1.2, size=200)))
        missed += not part.interval.low <= 0.2 <= part.interval.high
        assert part.interval.confidence == pytest.approx(0.9)
        assert part.interval.estimate == part.score
    assert missed <= stats.binom.ppf(1 - 1e-6, 300, 0.1)


def test_shown_stable_needs_the_whole_interval_below_the_tolerance():
    rng = np.random.default_rng(4)
    many = KS(tolerance=0.1).fit(rng.normal(size=5000)).detect(rng.normal(size=5000))
    few = KS(tolerance=0.1).fit(rng.normal(size=500)).detect(rng.normal(size=500))
    assert (many.state, many.equivalent) == (DriftState.STABLE, True)
    assert (few.state, few.equivalent) == (DriftState.STABLE, False)
    assert only(many).interval.high < 0.1 <= only(few).interval.high


@pytest.mark.parametrize("precision", [np.float16, np.float32])
def test_a_side_in_lower_precision_decides_how_finely_both_are_compared(precision):
    rng = np.random.default_rng(6)
    x = rng.integers(0, 20, 2000) / 10
    x[::50] = np.nan
    y = x[:500]
    expected = KS().fit(x).detect(y)
    assert not expected
    expected = without_effects(expected)
    assert without_effects(KS().fit(x).detect(y.astype(precision))) == expected
    assert without_effects(KS().fit(x.astype(precision)).detect(y)) == expected
    assert without_effects(KS().fit(pd.DataFrame({"0": x}, dtype=precision)).detect(y)) == expected


def test_full_precision_stays_where_a_batch_is_round_by_chance():
    rng = np.random.default_rng(7)
    assert KS().fit(rng.normal(1e8, 1.0, 500)).detect(np.full(100, 1e8)).detected


def test_any_real_number_may_be_a_setting():
    x = np.arange(400.0)
    for kind in (Fraction, np.longdouble):
        result = KS(alpha=kind(1) / 20, tolerance=kind(1) / 20, must_detect=kind(1) / 5).fit(x).detect(x)
        assert str(result) == str(KS().fit(x).detect(x))
    assert KS(alpha=1e-17).fit(x).detect(x + 400).detected


def test_effects_are_shifts_of_quantiles_in_the_unit_of_the_column():
    rng = np.random.default_rng(8)
    x, y = rng.normal(40, 10, 4000), rng.normal(45, 12, 1500)
    effects = only(KS(alpha=0.1).fit(x).detect(y)).effects
    assert list(effects) == ["10 %", "median", "90 %"]
    for q, shift in zip((-1.2816, 0.0, 1.2816), effects.values(), strict=True):
        true = 5.0 + 2.0 * q
        assert shift.low < true < shift.high
        assert shift.high - shift.low < 4.0
        assert shift.confidence == pytest.approx(0.9)
    exact = KS(alpha=0.1).fit(x).detect(y[:150])
    assert only(exact).effects["median"].estimate == pytest.approx(
        np.median(y[:150]) - np.median(x), rel=1e-12
    )


def test_dates_and_durations_shift_by_seconds_and_booleans_by_nothing():
    hours = np.arange(4000) % 240
    table = {
        "at": np.datetime64("2024-01-01") + hours.astype("m8[h]"),
        "took": hours.astype("m8[h]"),
        "ok": hours > 100,
    }
    later = {name: values[:900] for name, values in table.items()} | {
        "at": table["at"][:900] + np.timedelta64(2, "D"),
        "took": table["took"][:900] + np.timedelta64(90, "s"),
    }
    parts = KS().fit(table).detect(later).parts
    tied_before, tied_after = np.median(hours), np.median(hours[:900])
    moved = (tied_after - tied_before) * 3600.0
    assert parts["at"].effects["median"].estimate == pytest.approx(2 * 86_400 + moved, abs=1800.0)
    assert abs(parts["took"].effects["median"].estimate - moved) <= 1800.0
    assert parts["ok"].effects == {}


def test_rows_in_a_gap_of_the_reference_have_room_for_all_of_it():
    reference = np.repeat([0.0, 10.0], 500)
    median = only(KS().fit(reference).detect(np.full(60_000, 9.0))).effects["median"]
    assert median.low <= 9.0 - 10.0
    assert median.high >= 9.0 - 0.0
    exactly = only(KS().fit(reference).detect(np.full(600, 9.0))).effects["median"]
    assert exactly.high <= median.high
    assert exactly.low >= median.low


def test_a_minimum_effect_has_to_be_exceeded_by_more_than_chance():
    rng = np.random.default_rng(9)
    x, y = rng.uniform(size=20_000), rng.uniform(0.052, 1.052, size=5_000)
    anything = only(KS().fit(x).detect(y))
    more = only(KS(minimum_effect=True).fit(x).detect(y))
    assert anything.detected
    assert not more.detected
    assert more.p_value > 0.05 > anything.p_value
    assert more.detectable == pytest.approx(anything.detectable + 0.05)
    assert (more.score, more.interval, more.effects) == (anything.score, anything.interval, anything.effects)
    assert KS(minimum_effect=True).fit(x).detect(y + 0.1).detected
    zero = {"tolerance": 0.0}
    plain, minimal = (KS(minimum_effect=each, **zero).fit(x).detect(y) for each in (False, True))
    assert plain == minimal


def test_a_block_makes_rows_count_for_less_where_they_follow_each_other():
    rng = np.random.default_rng(10)
    steady = np.repeat(rng.normal(size=400), 10)
    batch = np.repeat(rng.normal(0.4, 1.0, size=60), 10)
    free, blocked = (only(KS(block=block).fit(steady).detect(batch)) for block in (None, 10))
    assert blocked.score == free.score
    assert blocked.p_value > 20.0 * free.p_value
    assert blocked.detectable > 2.5 * free.detectable
    assert blocked.interval.high - blocked.interval.low > 2.0 * (free.interval.high - free.interval.low)
    wide, narrow = (each.effects["median"] for each in (blocked, free))
    assert wide.high - wide.low > 2.0 * (narrow.high - narrow.low)
    independent = rng.normal(size=4000)
    alone, together = (only(KS(block=block).fit(independent).detect(batch)) for block in (None, 10))
    assert together.detectable == pytest.approx(alone.detectable, rel=0.1)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e300])
@pytest.mark.parametrize("rows", [(40, 30), (5000, 3000)])
def test_magnitudes_do_not_matter(scale, rows):
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=rows[0]), rng.normal(0.3, 1.0, size=rows[1])
    plain, scaled = KS().fit(x).detect(y), KS().fit(scale * x).detect(scale * y)
    assert without_effects(scaled) == without_effects(plain)
    shift = only(scaled).effects["median"]
    assert shift.low <= shift.estimate <= shift.high
    offset = KS().fit(x.round(3) + 1e9).detect(y.round(3) + 1e9)
    assert offset.score == pytest.approx(plain.score, abs=2e-2)


def test_shifts_beyond_the_floats_stay_in_their_intervals():
    far = np.full(5000, 1.7e308)
    for reference, batch in ((-far, far[:3000]), (far, -far[:3000]), (np.append(-far, far), far[:3000])):
        result = only(KS().fit(reference).detect(batch))
        assert result.detected
        for shift in result.effects.values():
            assert shift.low <= shift.estimate <= shift.high
            assert np.isfinite(shift.estimate)
            assert (shift.estimate > 0) == (batch[0] > reference[0]) or shift.estimate == 0.0


@pytest.mark.parametrize("reference", [[1.0], [1.0, 2.0], [3.0] * 50])
@pytest.mark.parametrize("batch", [[1.0], [2.0, 5.0], [3.0] * 40, []])
def test_few_rows_and_constant_columns_have_an_answer(reference, batch):
    result = KS().fit(reference).detect(batch)
    few = min(len(reference), len(batch)) < 2
    assert (result.state is DriftState.UNDECIDED) or not few
    if len(batch) and len(reference) == 50 and len(batch) == 40:
        part = only(result)
        assert (part.score, part.p_value) == (0.0, 1.0)
        assert part.effects["median"][:3] == (0.0, 0.0, 0.0)


def test_a_fitted_detector_pickles_small_and_answers_the_same():
    rng = np.random.default_rng(12)
    detector = KS().fit(rng.normal(size=(20_000, 2)))
    batch = rng.normal(size=(500, 2)).astype(np.float32)
    before = len(pickle.dumps(detector))
    result = detector.detect(batch)
    assert len(pickle.dumps(detector)) == before < 1.3 * 20_000 * 2 * 8
    assert pickle.loads(pickle.dumps(detector)).detect(batch) == result
