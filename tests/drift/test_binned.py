"""PSI and JensenShannon: bins come from the reference, and what they say is judged by what chance does."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from contlearn.drift import PSI, DriftState, JensenShannon
from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.stats import jensen_shannon, psi

laws = settings(derandomize=True, deadline=None, max_examples=30)
DETECTORS = pytest.mark.parametrize("cls", [PSI, JensenShannon])
FUNCTIONS = {PSI: psi, JensenShannon: jensen_shannon}
SCALES = {PSI: 1.0, JensenShannon: 8.0}


def only(result):
    """The result of the only column."""
    (part,) = result.parts.values()
    return part


def smoothed(rows):
    return (rows + 0.5) / (rows + 0.5).sum()


def quantile_bins(x, y, bins):
    """The counts of both sides between quantiles of x, written down plainly."""
    ordered = sorted(x)
    limits = sorted({ordered[math.ceil(j * len(x) / bins) - 1] for j in range(1, bins)})
    edges = [-np.inf, *np.nextafter(limits, np.inf), np.inf]
    return [np.histogram(side, edges)[0] for side in (x, y)]


@DETECTORS
@pytest.mark.parametrize("bins", [2, 10, 37])
def test_the_score_is_the_divergence_of_counts_between_quantiles_of_the_reference(cls, bins):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=4001), rng.normal(0.2, 1.3, size=733)
    part = only(cls(bins=bins).fit(x).detect(y))
    p, q = map(smoothed, quantile_bins(x, y, bins))
    assert part.score == pytest.approx(FUNCTIONS[cls](p, q), rel=1e-12)


@DETECTORS
def test_with_many_rows_the_p_value_is_that_of_the_limit_law(cls):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=50_000), rng.normal(size=4000)
    part = only(cls().fit(x).detect(y))
    statistic = SCALES[cls] * part.score / (1 / 50_000 + 1 / 4000)
    assert part.p_value == pytest.approx(stats.chi2.sf(statistic, 9), rel=1e-9)


@DETECTORS
def test_interval_and_detectable_are_those_of_the_noncentral_law(cls):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=50_000), rng.normal(0.3, 1.0, size=4000)
    part = only(cls(alpha=0.1).fit(x).detect(y))
    rows = SCALES[cls] / (1 / 50_000 + 1 / 4000)
    assert part.interval.confidence == 0.9
    assert part.interval.low < part.score < part.interval.high
    assert stats.ncx2.sf(rows * part.score, 9, rows * part.interval.low) == pytest.approx(0.05, rel=1e-6)
    assert stats.ncx2.cdf(rows * part.score, 9, rows * part.interval.high) == pytest.approx(0.05, rel=0.05)
    power = stats.ncx2.sf(stats.chi2.isf(0.1, 9), 9, rows * part.detectable / (1 + 5 / 4000) ** 2)
    assert power == pytest.approx(0.8, abs=1e-6)


@DETECTORS
def test_no_outlier_squashes_the_bins(cls):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=3000), rng.normal(0.5, 1.0, size=300)
    plain = only(cls().fit(x).detect(y))
    for reference in (np.append(x, [1e300, -1e300]), np.append(x, 1e12)):
        spiked = only(cls().fit(reference).detect(np.append(y, 1e200)))
        assert spiked.detected
        assert spiked.score == pytest.approx(plain.score, rel=0.1)


@DETECTORS
def test_a_category_never_seen_before_is_evidence(cls):
    detector = cls().fit(["a"] * 500 + ["b"] * 500)
    result = detector.detect(["a"] * 45 + ["b"] * 45 + ["c"] * 6 + ["d"] * 4)
    assert result.detected
    assert only(result).effects["(not in the reference)"].estimate == pytest.approx(0.1)
    numbers = cls().fit([1, 2] * 500)
    for unseen in (3, -7, 0.5, 1.5, 2**60):
        part = only(numbers.detect([1, 2] * 45 + [unseen] * 10))
        assert part.detected
        assert part.effects["(not in the reference)"].estimate == pytest.approx(0.1)


@DETECTORS
@pytest.mark.parametrize("there", [5.0, 7, True])
def test_a_constant_that_changes_is_seen_and_one_that_does_not_is_stable(cls, there):
    detector = cls().fit([there] * 200)
    result = detector.detect([there] * 50)
    assert (result.state, result.score, result.p_value) == (DriftState.STABLE, 0.0, 1.0)
    assert detector.detect([type(there)(0)] * 50).detected


@DETECTORS
def test_values_heaped_on_the_largest_one_do_not_hide_the_rest(cls):
    rng = np.random.default_rng(4)
    x = np.minimum(rng.exponential(1.0, 4000), 0.05)  # 95 percent of the rows are at the limit
    detector = cls().fit(x)
    assert detector.detect(np.append(x[:300], np.zeros(60))).detected
    assert not detector.detect(x[:500]).detected


@DETECTORS
@pytest.mark.parametrize("n", [1500, 6000])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_that_dominates_is_a_bin_of_its_own_whatever_replaces_it(cls, n, sign):
    rng = np.random.default_rng(0)
    zeros = sign * np.where(rng.random(n) < 0.99, 0.0, 1.0 + rng.exponential(size=n))
    detector = cls().fit(zeros)
    for other in (-5.0, -1e-300, 1e-300, 0.5, 5.0):
        result = detector.detect(np.full(200, sign * other))
        assert result.detected
        assert result.parts["0"].effects["0"].estimate < -0.98
    assert not detector.detect(zeros[:300]).detected
    assert not detector.detect(zeros[:300].astype(np.float32)).detected


@DETECTORS
@pytest.mark.parametrize("kind", ["numbers", "few numbers", "ties", "text", "dates", "gaps"])
@laws
@given(st.data())
def test_parts_merged_in_any_order_give_the_same_result(cls, kind, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    draw = {
        "numbers": lambda n: rng.normal(size=n),
        "few numbers": lambda n: rng.integers(0, 4 + n // 40, n),
        "ties": lambda n: np.round(rng.normal(size=n), 1),
        "text": lambda n: rng.choice(list("abcdefghij"), n, p=[0.91] + [0.01] * 9).astype(object),
        "dates": lambda n: np.datetime64("2024-01-01") + rng.integers(0, 99, n),
        "gaps": lambda n: np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
    }[kind]
    detector = cls().fit({"x": draw(150)})
    batch = draw(100)
    parts = data.draw(st.integers(1, 50))
    ends = np.sort(rng.integers(0, 101, parts - 1))
    summaries = [detector.summarize({"x": part}) for part in np.split(batch, ends)]
    rng.shuffle(summaries)
    while len(summaries) > 1:
        one = summaries.pop(rng.integers(len(summaries)))
        other = summaries.pop(rng.integers(len(summaries)))
        summaries.append(one.merge(other))
    assert detector.detect(summaries[0]) == detector.detect({"x": batch})


@DETECTORS
def test_columns_tested_together_are_tested_as_alone(cls):
    rng = np.random.default_rng(5)
    x = {"a": rng.normal(size=400), "b": rng.integers(0, 4, 400), "c": rng.choice(list("xyz"), 400)}
    y = {"a": rng.normal(size=80), "b": rng.integers(1, 6, 80), "c": rng.choice(list("xyzw"), 80)}
    x["d"], y["d"] = np.round(x["a"], 1), np.round(y["a"], 1)
    together = cls(correction=None).fit(x).detect(y)
    for name in x:
        alone = cls(correction=None).fit({name: x[name]}).detect({name: y[name]}).parts[name]
        part = together.parts[name]
        assert (part.p_value, part.state) == (alone.p_value, alone.state)
        assert part.score == pytest.approx(alone.score, rel=1e-12)
        assert part.effects == alone.effects


@DETECTORS
def test_monotone_changes_of_the_unit_change_nothing_even_at_the_ends_of_the_floats(cls):
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=900), rng.normal(0.2, 1.0, size=200)
    expected = only(cls().fit(x).detect(y))
    for change in (
        lambda z: z * 1e300,
        lambda z: z * 1e-300,
        np.exp,
        lambda z: (z * 1e6).astype(np.int64) + 2**60,
        lambda z: (z * 1e6).astype(np.int64).astype(np.uint64) + np.uint64(2**63),
        lambda z: z + 1e9,
    ):
        part = only(cls().fit(change(x)).detect(change(y)))
        assert (part.p_value, part.score) == (expected.p_value, expected.score)


@DETECTORS
def test_every_kind_of_category_gives_the_same_answer(cls):
    rng = np.random.default_rng(7)
    x, y = rng.integers(0, 6, 300), rng.integers(0, 7, 60)
    text = only(cls().fit(x.astype(str)).detect(y.astype(str)))
    for convert in (
        lambda z: z,
        lambda z: z.astype(float),
        lambda z: np.datetime64("2020-01-01") + z,
        lambda z: pd.Series(z.astype(str)).astype("category"),
        lambda z: pl.Series([str(value) for value in z], dtype=pl.Categorical),
    ):
        part = only(cls().fit(convert(x)).detect(convert(y)))
        assert part.score == pytest.approx(text.score, rel=1e-12)
        assert part.p_value == pytest.approx(text.p_value, abs=0.05)


@DETECTORS
def test_precisions_may_differ_where_the_coarser_one_still_tells_the_bins_apart(cls):
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=5000), rng.normal(size=400)
    for z in (x, np.round(x, 1), np.round(x)):
        same = only(cls().fit(z).detect(z[:400]))
        coarse = z.astype(np.float32)
        assert only(cls().fit(z).detect(coarse[:400])).score == pytest.approx(same.score, abs=1e-3)
        assert only(cls().fit(coarse).detect(z[:400])).score == pytest.approx(same.score, abs=1e-3)
    far, near = cls().fit(x + 1e9), cls().fit(x)
    with pytest.raises(InvalidInputError, match="column '0' must have the precision of its reference"):
        far.detect((y + 1e9).astype(np.float32))
    assert far.detect(y + 1e9).score == near.detect(y).score


@DETECTORS
def test_effects_are_the_changes_of_shares_in_words(cls):
    rng = np.random.default_rng(9)
    ages = rng.uniform(0, 100, 10_000)
    part = only(cls(bins=4).fit({"age": ages}).detect({"age": rng.uniform(0, 50, 1000)}))
    assert part.effects.keys() == {
        f"up to {np.sort(ages)[2499]:.6g}",
        f"{np.sort(ages)[2499]:.6g} to {np.sort(ages)[4999]:.6g}",
        f"{np.sort(ages)[4999]:.6g} to {np.sort(ages)[7499]:.6g}",
        f"above {np.sort(ages)[7499]:.6g}",
    }
    for change in part.effects.values():
        assert change.low < change.estimate < change.high
        assert abs(change.estimate) == pytest.approx(0.25, abs=0.05)
        assert change.confidence == 0.95
    days = np.datetime64("2024-01-01") + np.arange(400)
    part = only(cls(bins=2).fit({"day": days}).detect({"day": days[:100]}))
    assert set(part.effects) == {"up to 2024-07-18", "above 2024-07-18"}
    part = only(cls().fit({"member": [True, False] * 100}).detect({"member": [True] * 100}))
    assert {name: change.estimate for name, change in part.effects.items()} == {"True": 0.5, "False": -0.5}


@DETECTORS
def test_only_the_five_largest_changes_are_shown_and_none_where_nothing_changed(cls):
    labels = [f"level {i}" for i in range(12)]
    detector = cls().fit({"x": labels * 50})
    batch = labels * 20 + ["level 3"] * 40 + ["level 7"] * 20
    effects = only(detector.detect({"x": batch})).effects
    assert list(effects)[:2] == ["level 3", "level 7"]
    assert len(effects) == 5
    assert only(detector.detect({"x": labels * 5})).effects == {}


@DETECTORS
def test_of_very_many_categories_the_rarest_share_a_bin(cls):
    frequent = [f"f{i}" for i in range(900)] * 3
    rare = [f"r{i}" for i in range(3000)]
    detector = cls().fit({"x": frequent + rare})
    part = only(detector.detect({"x": frequent[:500] + rare[:500]}))
    assert part.score < 0.7 * cls._divergence.largest
    gone = only(detector.detect({"x": frequent})).effects["(rare in the reference)"]
    assert gone.estimate == pytest.approx(-3000 / 5700)
    assert gone.high < -0.5


@DETECTORS
def test_identifiers_that_never_repeat_are_no_drift(cls):
    detector = cls().fit({"id": [f"user {i}" for i in range(2000)]})
    result = detector.detect({"id": [f"user {i}" for i in range(5000, 5200)]})
    assert (result.state, result.p_value) == (DriftState.STABLE, 1.0)
    assert cls().fit({"id": ["a"] * 2000}).detect({"id": [f"user {i}" for i in range(99)]}).detected


@DETECTORS
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_so_few_rows_that_nothing_could_be_found_are_undecided(cls, rows):
    rng = np.random.default_rng(10)
    numbers = cls().fit(rng.normal(size=1000))
    assert numbers.detect(rng.normal(size=rows)).state is DriftState.UNDECIDED
    two = cls().fit(["a", "b"])
    assert two.detect(["a"] * rows).state is DriftState.UNDECIDED


@DETECTORS
def test_three_rows_can_be_enough(cls):
    rng = np.random.default_rng(11)
    assert cls().fit(rng.normal(size=1000)).detect([0.0, 1.0, -1.0]).state is DriftState.STABLE
    assert cls().fit(["a"] * 1000).detect(["b"] * 3).detected
    assert cls(must_detect=0.01).fit(rng.normal(size=1000)).detect([0.0, 1.0, -1.0]).state is (
        DriftState.UNDECIDED
    )


@DETECTORS
def test_infinities_are_refused_and_gaps_are_tested(cls):
    rng = np.random.default_rng(12)
    x = rng.normal(size=500)
    detector = cls().fit(x)
    with pytest.raises(InvalidInputError, match="column '0' must be finite"):
        detector.detect([1.0, math.inf])
    gappy = x.copy()
    gappy[:300] = np.nan
    assert only(detector.detect(gappy)).drifted == ("missing",)
    assert detector.detect([math.nan] * 5).state is not DriftState.STABLE
    assert cls().fit([math.nan] * 9).detect(x).state is not DriftState.STABLE


@DETECTORS
def test_a_minimum_effect_needs_more_than_a_difference(cls):
    rng = np.random.default_rng(13)
    x, y = rng.normal(size=100_000), rng.normal(0.1, 1.0, size=50_000)
    assert cls().fit(x).detect(y).detected
    tolerance = {PSI: 0.1, JensenShannon: 0.0125}[cls]
    judged = cls(tolerance=tolerance, minimum_effect=True).fit(x)
    result = only(judged.detect(y))
    assert (result.state, result.equivalent) == (DriftState.STABLE, True)
    assert result.p_value > 0.999
    assert tolerance < result.detectable < 1.2 * tolerance
    far = only(judged.detect(y + 0.5))
    assert far.detected
    assert far.p_value < 1e-9
    noisy = only(judged.detect(rng.normal(0.33, 1.0, size=300)))
    assert noisy.p_value > 0.05
    assert not noisy.equivalent
    plain = only(cls().fit(x).detect(y[:800]))
    assert only(cls(minimum_effect=True).fit(x).detect(y[:800])).p_value == pytest.approx(
        plain.p_value, rel=0.3
    )


def autocorrelated(rng, rows):
    noise = rng.normal(size=rows)
    for row in range(1, rows):
        noise[row] += 0.8 * noise[row - 1]
    return noise


@DETECTORS
def test_rows_that_follow_each_other_count_for_fewer_with_a_block(cls):
    rng = np.random.default_rng(14)
    reference = autocorrelated(rng, 6000)
    plain, blocked = cls().fit(reference), cls(block=60).fit(reference)
    alarms = dict.fromkeys((plain, blocked), 0)
    for _ in range(60):
        batch = autocorrelated(rng, 400)
        for detector in alarms:
            alarms[detector] += detector.detect(batch).detected
    assert alarms[plain] > 30
    assert alarms[blocked] < 12
    assert blocked.detect(batch).score == plain.detect(batch).score
    assert only(blocked.detect(batch)).detectable > 2.0 * only(plain.detect(batch)).detectable
    independent = rng.normal(size=3000)
    same = only(cls(block=1).fit(independent).detect(independent[:500]))
    assert same == only(cls().fit(independent).detect(independent[:500]))


@DETECTORS
def test_blocks_of_categories_and_tied_numbers_count_for_fewer_too(cls):
    rng = np.random.default_rng(15)
    for draw in (lambda: rng.integers(0, 5, 60), lambda: rng.integers(0, 30, 60)):
        x, y = np.repeat(draw(), 20), np.repeat(draw(), 20)
        for convert in (str, int):
            sides = [np.array([convert(value) for value in side.tolist()]) for side in (x, y)]
            assert only(cls(block=20).fit(sides[0]).detect(sides[1])).p_value > 0.01
            assert only(cls().fit(sides[0]).detect(sides[1])).p_value < 0.01


@DETECTORS
@pytest.mark.parametrize(("n", "m"), [(10, 5), (10, 2), (6, 2), (5, 3), (4, 3), (8, 3)])
def test_distinct_numbers_too_few_for_any_arrangement_to_reach_the_level_are_undecided(cls, n, m):
    for current in (np.arange(float(m)) + 1e6, np.full(m, 1e6), np.arange(float(m))):
        assert only(cls().fit(np.arange(float(n))).detect(current)).state is DriftState.UNDECIDED


@DETECTORS
def test_few_rows_that_could_have_reached_the_level_are_stable_where_they_do_not(cls):
    known = cls().fit(np.arange(50.0))
    assert only(known.detect(np.full(3, 1e6))).state is DriftState.DRIFT
    assert only(known.detect([10.0, 20.0, 40.0])).state is DriftState.STABLE


@DETECTORS
def test_the_seed_decides_and_the_order_of_rows_does_not(cls):
    rng = np.random.default_rng(16)
    for x, y in (
        (rng.normal(size=60), rng.normal(size=40)),
        (rng.choice(list("abcdefgh"), 60), rng.choice(list("abcdefghi"), 40)),
        (rng.poisson(9, 60), rng.poisson(9, 40)),
    ):
        detector = cls().fit(x)
        assert detector.detect(y) == detector.detect(y[::-1]) == cls().fit(x[::-1]).detect(y)
        assert len({cls(random_state=seed).fit(x).detect(y).p_value for seed in range(9)}) > 1
        fresh = cls(random_state=None).fit(x)
        assert len({fresh.detect(y).p_value for _ in range(9)}) > 1


@DETECTORS
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bins": 1}, "bins must be at least 2"),
        ({"bins": 5000}, "bins must be at most 1000"),
        ({"bins": 5.0}, "bins must be an integer"),
        ({"tolerance": -1}, "tolerance must be finite and at least 0"),
        ({"must_detect": -1}, "must_detect must be finite and at least 0"),
        ({"minimum_effect": 1}, "minimum_effect must be True or False"),
        ({"block": 0}, "block must be at least 1"),
    ],
)
def test_parameters_that_can_never_work_are_refused(cls, arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        cls(**arguments).fit([1.0, 2.0])


def test_a_divergence_that_cannot_be_reached_is_refused():
    JensenShannon(tolerance=0.69).fit(np.arange(9.0))
    with pytest.raises(InvalidParameterError, match="tolerance must be between 0 and 0"):
        JensenShannon(tolerance=0.7).fit(np.arange(9.0))


@DETECTORS
def test_only_counts_are_remembered_of_many_rows(cls):
    rng = np.random.default_rng(17)
    (memory,) = cls().fit(rng.normal(size=20_000)).reference_
    assert memory.statistics.rows.tolist() == [2000] * 10
    assert memory.statistics.cells.shape == (9,)


def test_the_folklore_cut_off_of_psi_has_neither_a_level_nor_power():
    rng = np.random.default_rng(18)
    same = [only(PSI().fit(rng.normal(size=1000)).detect(rng.normal(size=100))).score for _ in range(200)]
    assert stats.binom.ppf(1e-6, 200, 0.39) <= sum(score > 0.1 for score in same)
    reference = PSI().fit(rng.normal(size=10_000))
    shifted = [only(reference.detect(rng.normal(0.2, 1.0, size=1000))) for _ in range(100)]
    assert sum(part.score > 0.1 for part in shifted) <= 2
    assert sum(part.detected for part in shifted) >= 96


@DETECTORS
def test_few_false_alarms_in_a_hundred_batches_of_small_samples(cls):
    rng = np.random.default_rng(19)
    for draw in (
        lambda n: rng.normal(size=(n, 20)),
        lambda n: np.round(2 * rng.normal(size=(n, 20))) / 2,
        lambda n: rng.poisson(1.0, (n, 20)),
        lambda n: rng.choice(list("abcdefghij"), (n, 20), p=[0.91] + [0.01] * 9),
    ):
        alarms = sum(len(cls(correction=None).fit(draw(30)).detect(draw(30)).drifted) for _ in range(15))
        assert alarms <= stats.binom.isf(1e-6, 300, 0.05)


def test_both_statistics_have_one_limit():
    rng = np.random.default_rng(20)
    x, y = rng.normal(size=90_000), rng.normal(0.02, 1.0, size=90_000)
    one, other = (only(cls().fit(x).detect(y)) for cls in (PSI, JensenShannon))
    assert one.p_value == pytest.approx(other.p_value, rel=0.05)
    assert one.score == pytest.approx(8.0 * other.score, rel=0.01)
    assert special.chdtrc(9, one.score * 45_000) == pytest.approx(one.p_value, rel=1e-9)


@DETECTORS
def test_so_few_rows_that_no_minimum_effect_could_be_shown_are_undecided(cls):
    rng = np.random.default_rng(21)
    x = rng.normal(size=1000)
    tolerance = 0.9 * min(cls._divergence.largest, 9.0)
    strict = cls(tolerance=tolerance, minimum_effect=True).fit(x)
    assert strict.detect(rng.normal(size=12)).state is DriftState.UNDECIDED
    assert cls().fit(x).detect(rng.normal(size=12)).state is DriftState.STABLE
