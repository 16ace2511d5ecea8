"""CramerVonMises and Wasserstein: numbers are those of the tests; what does not matter does not matter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats

from contlearn.drift import KS, CramerVonMises, DriftState, Wasserstein
from contlearn.exceptions import InvalidInputError, InvalidParameterError, SchemaError
from contlearn.stats import cramer_von_mises, wasserstein

BOTH = pytest.mark.parametrize("detector", [CramerVonMises, Wasserstein])
numbers = st.lists(st.integers(-4, 4), min_size=2, max_size=30)
laws = settings(derandomize=True, deadline=None, max_examples=40)


def only(result):
    """The result of the only column."""
    (part,) = result.parts.values()
    return part


@laws
@given(numbers, numbers)
def test_they_agree_with_the_public_functions_ties_included(x, y):
    part, found = only(CramerVonMises().fit(x).detect(y)), cramer_von_mises(x, y)
    assert part.score == pytest.approx(found.distance, abs=1e-12)
    assert part.p_value == pytest.approx(found.p_value, abs=0.2 if found.method == "permutation" else 1e-9)
    part, found = only(Wasserstein().fit(x).detect(y)), wasserstein(x, y)
    sd = np.std(x) or np.std([*x, *y]) or 1.0
    assert part.score == pytest.approx(found.statistic / sd, rel=1e-9, abs=1e-12)


def test_of_many_rows_the_p_values_are_the_known_ones():
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.1, 0.3):
        x, y = rng.normal(size=2000), rng.normal(shift, 1.0, size=500)
        expected = stats.cramervonmises_2samp(x, y)
        part = only(CramerVonMises().fit(x).detect(y))
        assert part.p_value == pytest.approx(expected.pvalue, rel=0.02, abs=1e-9)
        assert part.score == pytest.approx(np.sqrt(expected.statistic * (1 / 2000 + 1 / 500)), rel=1e-9)
        part = only(Wasserstein().fit(x).detect(y))
        assert part.score == pytest.approx(stats.wasserstein_distance(x, y) / np.std(x), rel=1e-9)
        drawn = wasserstein(x, y, n_permutations=9999).p_value
        assert part.p_value == pytest.approx(drawn, abs=0.15 if drawn > 0.1 else 0.01)


@BOTH
@laws
@given(numbers, numbers, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(detector, x, y, random):
    result = detector().fit(x).detect(y)
    assert detector().fit(random.sample(x, len(x))).detect(random.sample(y, len(y))) == result


@BOTH
def test_the_two_sides_may_change_places(detector):
    rng = np.random.default_rng(1)
    for x, y in ((rng.normal(size=80), rng.normal(size=30)), (rng.poisson(1, 300), rng.poisson(1.3, 90))):
        there, back = only(detector().fit(x).detect(y)), only(detector().fit(y).detect(x))
        assert there.p_value == pytest.approx(back.p_value, rel=1e-9)
        assert there.effects["median"].estimate == pytest.approx(-back.effects["median"].estimate)


@BOTH
@laws
@given(st.data())
def test_parts_in_any_order_give_the_result_of_the_whole(detector, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    reference = {"a": rng.normal(size=300), "b": rng.poisson(1, 300), "c": rng.normal(size=300).round(1)}
    batch = {"a": rng.normal(size=120), "b": rng.poisson(1, 120), "c": rng.normal(size=120).round(1)}
    batch["c"][::7] = np.nan
    fitted = detector().fit(reference)
    parts = rng.integers(0, data.draw(st.integers(1, 50)), 120)
    summaries = [
        fitted.summarize({name: column[parts == part] for name, column in batch.items()})
        for part in rng.permutation(50)
    ]
    merged = summaries[0]
    for each in summaries[1:]:
        merged = merged.merge(each) if rng.random() < 0.5 else each.merge(merged)
    assert fitted.detect(merged) == fitted.detect(batch)
    assert merged == fitted.summarize(batch)


@BOTH
@pytest.mark.parametrize(
    "pieces",
    [
        [np.array([1, 2, 3]), np.array([2**60, 2**60 + 1])],
        [np.array([1, 2]), np.array([2**60 + 1]), np.array([0.5])],
        [np.array([-5]), np.array([2**60 + 1]), np.array([2**63 + 1], dtype=np.uint64)],
        [np.array([1.5], dtype=np.float32), np.array([1.1]), np.array([0.1], dtype=np.float16)],
        [np.array([2.0**60]), np.array([2**60 + 1]), np.array([-0.0, 0.0])],
    ],
)
def test_pieces_of_different_types_merge_alike_in_any_order(detector, pieces):
    fitted = detector(tolerance=0.0).fit(np.arange(100.0))
    summaries = [fitted.summarize(piece) for piece in pieces]
    one, *others = summaries
    for each in others:
        one = one.merge(each)
    two, *others = summaries[::-1]
    for each in others:
        two = each.merge(two)
    assert one == two
    assert fitted.detect(one) == fitted.detect(two)


@BOTH
@laws
@given(numbers)
def test_the_reference_itself_never_drifts(detector, x):
    part = only(detector().fit(x).detect(x))
    assert (part.score, part.p_value) == (0.0, 1.0)


@BOTH
@pytest.mark.parametrize("base", [0, 2**53, 2**60, 2**63 + 5])
def test_integers_beyond_the_reach_of_floats_are_told_apart(detector, base):
    dtype = np.uint64 if base >= 2**63 else np.int64
    reference = np.array([base + i % 10 for i in range(1000)], dtype=dtype)
    batch = np.array([base + 5 + i % 5 for i in range(500)], dtype=dtype)
    result = detector().fit(reference).detect(batch)
    assert result.detected
    assert result.score == pytest.approx(
        only(detector().fit(np.arange(1000) % 10).detect(5 + np.arange(500) % 5)).score
    )
    assert not detector().fit(reference).detect(reference[:500])


@BOTH
def test_large_integers_against_floats_are_compared_as_floats(detector):
    ids = 2**60 + np.random.default_rng(0).integers(0, 1000, 3000)
    before, after = ids[:2000], ids[2000:]
    expected = only(detector().fit(before.astype(float)).detect(after.astype(float)))
    for one, other in ((before, after.astype(float)), (before.astype(float), after)):
        part = only(detector().fit(one).detect(other))
        assert part.state is DriftState.STABLE
        assert part.p_value == expected.p_value


@BOTH
@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_no_size_of_numbers_is_too_much(detector, scale):
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 50, 300) / 8, rng.integers(10, 60, 80) / 8
    plain, scaled = detector().fit(x).detect(y), detector().fit(scale * x).detect(scale * y)
    assert scaled.score == pytest.approx(plain.score, rel=1e-9)
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-9)
    assert scaled.detected


@BOTH
def test_an_offset_changes_nothing(detector):
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 1000, 300) / 1024, rng.integers(100, 1100, 80) / 1024
    plain, moved = detector().fit(x).detect(y), detector().fit(x + 1e9).detect(y + 1e9)
    assert moved.score == pytest.approx(plain.score, rel=1e-9)
    assert moved.p_value == plain.p_value


@BOTH
@pytest.mark.parametrize("precision", [np.float16, np.float32])
def test_a_side_in_lower_precision_decides_how_finely_both_are_compared(detector, precision):
    rng = np.random.default_rng(6)
    x = rng.integers(0, 20, 2000) / 10
    x[::50] = np.nan
    y = x[:500]
    expected = detector().fit(x).detect(y)
    assert not expected
    for found in (
        detector().fit(x).detect(y.astype(precision)),
        detector().fit(x.astype(precision)).detect(y),
        detector().fit(pd.DataFrame({"0": x}, dtype=precision)).detect(y),
    ):
        assert found.state is expected.state
        assert found.p_value == pytest.approx(expected.p_value)


def test_dates_durations_and_booleans_are_numbers():
    days = np.datetime64("2020-01-01", "D") + (np.arange(400) % 100).astype("m8[D]")
    later = {
        "at": days + np.timedelta64(60, "D"),
        "took": days - days.min(),
        "ok": np.zeros(400, dtype=bool),
    }
    for detector in (CramerVonMises(), Wasserstein()):
        result = detector.fit({"at": days, "took": days - days.min(), "ok": np.arange(400) % 2 == 0}).detect(
            later
        )
        assert result.drifted == ("at", "ok")
        assert result.parts["at"].effects["median"].estimate == pytest.approx(60 * 86_400)
        assert not result.parts["ok"].effects
    assert result.parts["at"].score == pytest.approx(60 / np.std(np.arange(100)), rel=1e-9)
    assert result.parts["ok"].score == pytest.approx(1.0)


@BOTH
def test_text_is_refused_by_name_with_a_cure(detector):
    with pytest.raises(
        SchemaError, match=r"column 'city' must hold numbers .* got categories; use ChiSquared"
    ):
        detector().fit({"age": [1, 2], "city": ["a", "b"]})


@BOTH
def test_infinities_are_refused_and_leave_no_trace(detector):
    fitted = detector().fit({"a": np.arange(100.0)})
    before = fitted.detect({"a": np.arange(50.0)})
    with pytest.raises(InvalidInputError, match="'a'"):
        fitted.detect({"a": [1.0, np.inf]})
    assert fitted.detect({"a": np.arange(50.0)}) == before


@BOTH
@pytest.mark.parametrize(
    "bad", [{"n_permutations": 0}, {"tolerance": -1.0}, {"block": 0}, {"must_detect": -0.1}]
)
def test_what_is_no_setting_is_refused_by_name(detector, bad):
    with pytest.raises(InvalidParameterError, match=f"^{next(iter(bad))} must"):
        detector(**bad).fit([1.0, 2.0])


def test_what_is_no_scale_is_refused():
    with pytest.raises(InvalidParameterError, match=r"^scale must be one of 'sd', 'iqr'"):
        Wasserstein(scale="range").fit([1.0, 2.0])


def test_a_constant_reference_hides_no_change():
    constant = Wasserstein().fit(np.full(500, 7.0))
    result = constant.detect(np.r_[np.full(80, 7.0), np.full(20, 7.5)])
    assert result.detected
    assert result.score > 0.1
    assert any("constant" in remark for remark in only(result).remarks)
    assert only(constant.detect(np.full(100, 7.0))).remarks == ()
    assert constant.detect(np.full(100, 7.0)).state is DriftState.STABLE
    assert CramerVonMises().fit(np.full(500, 7.0)).detect(np.full(100, 7.1)).detected


@pytest.mark.parametrize("kind", [np.int64, np.uint64])
@pytest.mark.parametrize("base", [0, 2**60])
@BOTH
def test_shifts_of_large_integers_are_exact(detector, base, kind):
    small = np.random.default_rng(0).integers(0, 100, 2000)
    ids = (base + small).astype(kind)
    part = only(detector().fit(ids).detect(ids[:500] + kind(1000)))
    assert part.effects == only(detector().fit(small).detect(small[:500] + 1000)).effects
    assert part.effects["median"].low < part.effects["median"].high


def test_constants_are_no_further_apart_than_can_be():
    part = only(CramerVonMises().fit(np.zeros(50)).detect(np.ones(20)))
    assert part.interval.low <= part.score <= part.interval.high


@BOTH
def test_no_p_value_is_zero(detector):
    part = only(detector().fit(np.zeros(12000)).detect(np.ones(2000)))
    assert 0.0 < part.p_value < 1e-300


def test_a_reference_without_quartiles_is_measured_in_standard_deviations():
    rng = np.random.default_rng(4)
    x = np.where(rng.random(1000) < 0.8, 0.0, rng.exponential(size=1000))
    y = np.where(rng.random(300) < 0.5, 0.0, rng.exponential(size=300))
    iqr, sd = Wasserstein(scale="iqr").fit(x).detect(y), Wasserstein().fit(x).detect(y)
    assert iqr.score == sd.score > 0.0
    assert any("half of the reference" in remark for remark in only(iqr).remarks)


def test_the_scale_changes_the_effect_and_nothing_else():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=800), rng.normal(0.4, 1.0, size=200)
    sd, iqr = (only(Wasserstein(scale=scale).fit(x).detect(y)) for scale in ("sd", "iqr"))
    ratio = np.std(x) / np.subtract(*np.quantile(x, [0.75, 0.25], method="inverted_cdf"))
    for name in ("score", "detectable"):
        assert getattr(iqr, name) == pytest.approx(ratio * getattr(sd, name), rel=1e-9)
    assert iqr.interval[:3] == pytest.approx(ratio * np.array(sd.interval[:3]), rel=1e-9)
    assert iqr.p_value == sd.p_value


@BOTH
def test_rows_worth_too_few_independent_ones_to_reach_the_level_are_undecided(detector):
    rng = np.random.default_rng(3)
    known = detector(block=100).fit(np.repeat(rng.normal(size=3), 50))
    assert only(known.detect(rng.normal(size=60) + 50.0)).state is DriftState.UNDECIDED
    enough = detector(block=10).fit(np.repeat(rng.normal(size=60), 10))
    assert only(enough.detect(np.repeat(rng.normal(size=30), 10) + 50.0)).state is DriftState.DRIFT
    assert only(enough.detect(np.repeat(rng.normal(size=30), 10))).state is DriftState.STABLE


@BOTH
def test_too_few_rows_to_reach_the_level_are_undecided(detector):
    few = detector().fit([1.0, 2.0, 3.0]).detect([2.5, 3.5, 4.5])
    assert few.state is DriftState.UNDECIDED  # one of twenty relabelings, from either side: p is at least 0.1
    assert few.p_value >= 0.1
    assert detector().fit(np.arange(4.0)).detect(np.arange(4.0) + 10).detected
    assert detector().fit(np.arange(9.0)).detect([3.0]).state is DriftState.UNDECIDED
    assert detector().fit(np.arange(9.0)).detect([]).state is DriftState.UNDECIDED
    assert detector().fit(np.arange(9.0)).detect([np.nan] * 9).state is not DriftState.STABLE


@BOTH
def test_must_detect_asks_what_could_have_been_seen(detector):
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=400), rng.normal(size=60)
    part = only(detector().fit(x).detect(y))
    assert detector(must_detect=0.9 * part.detectable).fit(x).detect(y).state is DriftState.UNDECIDED
    assert detector(must_detect=1.1 * part.detectable).fit(x).detect(y).state is DriftState.STABLE


@BOTH
def test_shown_stable_needs_the_whole_interval_below_the_tolerance(detector):
    rng = np.random.default_rng(7)
    tolerance = 0.05 if detector is CramerVonMises else 0.15
    many = detector(tolerance=tolerance).fit(rng.normal(size=9000)).detect(rng.normal(size=9000))
    few = detector(tolerance=tolerance).fit(rng.normal(size=300)).detect(rng.normal(size=300))
    assert (many.state, many.equivalent) == (DriftState.STABLE, True)
    assert (few.state, few.equivalent) == (DriftState.STABLE, False)
    shifted = detector(tolerance=0.5).fit(rng.normal(size=9000)).detect(rng.normal(0.2, 1.0, size=9000))
    assert shifted.p_value < 1e-8
    assert shifted.state is DriftState.STABLE


@BOTH
def test_p_values_reach_the_levels_of_many_columns(detector):
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(400, 100)), rng.normal(size=(60, 100))
    y[:, 3] += 0.75
    result = detector().fit(x).detect(y)
    assert result.drifted == ("3",)
    part = detector(alpha=1e-5, n_permutations=99).fit(x[:, 4]).detect(y[:, 4])
    assert part.state is DriftState.STABLE


def test_draws_that_cannot_reach_the_level_say_so():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=600), rng.normal(1.0, 1.0, size=60)
    part = only(Wasserstein(alpha=1e-7).fit(x).detect(y))
    assert part.state is DriftState.UNDECIDED
    assert any("p cannot fall below" in remark for remark in part.remarks)


@BOTH
def test_random_state_is_a_seed(detector):
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=60), rng.normal(0.45, 1.0, size=40)
    assert detector(random_state=1).fit(x).detect(y) == detector(random_state=1).fit(x).detect(y)
    fresh = {only(detector(random_state=None).fit(x).detect(y)).p_value for _ in range(8)}
    assert len(fresh) > 1


@BOTH
def test_rows_that_hang_together_count_as_fewer(detector):
    rng = np.random.default_rng(11)
    blocks = np.repeat(rng.normal(size=60), 10)
    batch = np.repeat(rng.normal(size=20), 10)
    alone, together = (only(detector(block=block).fit(blocks).detect(batch)) for block in (None, 10))
    assert together.score == alone.score
    assert together.p_value > alone.p_value
    assert together.detectable > 2.0 * alone.detectable
    assert together.interval.high - together.score > 2.0 * (alone.interval.high - alone.score)
    independent = only(detector(block=10).fit(rng.permutation(blocks)).detect(batch))
    assert independent.detectable < 1.4 * alone.detectable


def test_wasserstein_sees_rows_gone_astray_that_ranks_hardly_see():
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=2000), rng.normal(size=500)
    y[:10] *= 50.0
    assert Wasserstein().fit(x).detect(y).detected
    assert not CramerVonMises().fit(x).detect(y).detected


def test_shifts_are_told_in_the_unit_of_the_column():
    rng = np.random.default_rng(13)
    x, y = rng.normal(40, 10, 3000), rng.normal(46, 10, 1000)
    for detector in (CramerVonMises(), Wasserstein()):
        effects = only(detector.fit(x).detect(y)).effects
        for share, name in ((0.1, "10 %"), (0.5, "median"), (0.9, "90 %")):
            moved = effects[name]
            assert moved.estimate == pytest.approx(np.quantile(y, share) - np.quantile(x, share), abs=0.3)
            assert moved.low < 6.0 < moved.high


@pytest.mark.calibration
@pytest.mark.parametrize("detector", [CramerVonMises, KS, Wasserstein])
def test_few_blocks_of_slow_rows_raise_no_more_alarms_than_the_level(detector):
    rng = np.random.default_rng(11)

    def rows(size):
        return signal.lfilter([1.0], [1.0, -0.98], rng.normal(size=size + 400))[400:]

    blocked, runs = detector(block=150), 500
    alarms = sum(blocked.fit(rows(600)).detect(rows(300)).p_value <= 0.05 for _ in range(runs))
    assert alarms <= stats.binom.isf(1e-6, runs, 0.05)
