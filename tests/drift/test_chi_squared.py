"""ChiSquared: the numbers are those of the test, and any hashable thing may be a category."""

import dataclasses
import itertools
import math
import random as randomness

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from contlearn.drift import ChiSquared, DriftState
from contlearn.exceptions import InvalidParameterError, SchemaError
from contlearn.stats import chi_squared
from contlearn.stats._chi_squared import total_variation_detectable, total_variation_interval

laws = settings(derandomize=True, deadline=None, max_examples=60)
counts = st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(lambda each: sum(each) >= 2)


def only(result):
    """The result of the only column."""
    (part,) = result.parts.values()
    return part


def ends(part):
    """The estimated changes of a column."""
    return [change.estimate for change in part.effects.values()]


def rows(table_row, labels="abcdefghijklmnop"):
    return [label for label, count in zip(labels, table_row, strict=False) for _ in range(count)]


def test_it_agrees_with_the_limit_law_where_counts_are_large():
    table = np.array([[762, 327, 468], [484, 239, 477]])
    part = only(ChiSquared().fit(rows(table[0])).detect(rows(table[1])))
    expected = stats.chi2_contingency(table, correction=False)
    assert part.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    shares = table / table.sum(axis=1, keepdims=True)
    assert part.score == pytest.approx(0.5 * np.abs(shares[0] - shares[1]).sum(), abs=1e-12)


@laws
@given(counts, counts)
def test_it_agrees_with_the_public_function(before, after):
    part = only(ChiSquared().fit(rows(before)).detect(rows(after)))
    size = max(len(before), len(after))
    table = np.zeros((2, size), dtype=int)
    table[0, : len(before)], table[1, : len(after)] = before, after
    expected = chi_squared(table)
    if expected.method == "asymptotic" and 0.05**2 < expected.p_value <= 0.05:  # near the level
        expected = chi_squared(table, "permutation")
    assert part.score == pytest.approx(expected.total_variation, abs=1e-12)
    if expected.method == "permutation":
        assert part.p_value == pytest.approx(expected.p_value, abs=0.1)
    else:  # far out, even small tables are not listed
        exact = expected.method == "asymptotic" or expected.p_value > 1e-3
        assert part.p_value == pytest.approx(expected.p_value, rel=1e-9 if exact else 0.5)


@laws
@given(counts, counts, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_names_of_categories_matter(before, after, random):
    part = only(ChiSquared().fit(rows(before)).detect(rows(after)))
    for names in ([f"level {i}" for i in range(16)], list("abcdefghijklmnop")):
        names = random.sample(names, 16)
        x, y = rows(before, names), rows(after, names)
        renamed = only(ChiSquared().fit(random.sample(x, len(x))).detect(random.sample(y, len(y))))
        assert sorted(map(abs, ends(renamed))) == sorted(map(abs, ends(part)))
        assert dataclasses.replace(renamed, effects={}) == dataclasses.replace(part, effects={})


@settings(laws, max_examples=25)
@given(counts, counts, st.integers(-(2**40), 2**40))
def test_every_kind_of_category_gives_the_same_answer(before, after, base):
    text = ChiSquared().fit(rows(before)).detect(rows(after))
    codes = [base + 3 * i for i in range(16)]
    x, y = np.array(rows(before, codes)), np.array(rows(after, codes))
    days = np.datetime64("2020-01-01")
    for convert in (
        lambda z: z,
        lambda z: z.tolist(),
        lambda z: z.astype(float),
        lambda z: (z - base).astype(np.int8),
        lambda z: z * 2**20 + 7,  # too far apart to be counted in place
        lambda z: (z - base).astype(np.uint64) + np.uint64(2**63),
        lambda z: days + (z - base),
        lambda z: pd.Series(z - base).astype("category"),
        lambda z: pl.Series([str(value) for value in z], dtype=pl.Categorical),
    ):
        result = ChiSquared().fit(convert(x)).detect(convert(y))
        assert (result.state, result.score) == (text.state, text.score)
        assert result.p_value == pytest.approx(text.p_value, rel=1e-9)


@laws
@given(st.lists(counts, min_size=2, max_size=4))
def test_columns_tested_together_are_tested_as_alone(columns):
    width = min(sum(column) for column in columns)
    values = [rows(column, range(16))[:width] for column in columns]
    table = {str(i): value for i, value in enumerate(values)}
    batch = {name: value[::-1][: max(1, width // 2)] for name, value in table.items()}
    together = ChiSquared(correction=None).fit(table).detect(batch)
    for name in table:
        alone = ChiSquared(correction=None).fit({name: table[name]}).detect({name: batch[name]})
        assert together.parts[name] == alone.parts[name]


def test_a_category_never_seen_before_is_evidence():
    detector = ChiSquared().fit(["a"] * 500 + ["b"] * 500)
    assert detector.detect(["a"] * 45 + ["b"] * 45 + ["c"] * 10).detected
    assert detector.detect(["c"] * 10).score == 1.0
    integers = ChiSquared().fit([1] * 500 + [2] * 500)
    for unseen in (3, -7, 10**6, 2**60, 0.5):
        assert integers.detect([1] * 45 + [2] * 45 + [unseen] * 10).score == pytest.approx(0.1)


def test_a_category_that_vanished_is_evidence():
    result = ChiSquared().fit(["a"] * 800 + ["b"] * 200).detect(["a"] * 200)
    assert result.detected
    assert result.score == pytest.approx(0.2)


def test_equal_values_are_one_category_and_others_are_not():
    detector = ChiSquared().fit({"x": [1, 2] * 300})
    assert detector.detect({"x": [1.0, 2.0] * 100}).score == 0.0
    text = ChiSquared().fit({"x": ["1", "2"] * 300})
    assert text.detect({"x": ["1.0", "2"] * 100}).score == 0.5


def test_integers_beyond_the_reach_of_floats_are_told_apart():
    for base in (2**53, 2**62, 2**63 + 1):
        dtype = np.uint64 if base >= 2**63 else np.int64
        detector = ChiSquared().fit(np.array([base, base + 1] * 300, dtype=dtype))
        result = detector.detect(np.array([base] * 100, dtype=dtype))
        assert result.detected
        assert result.score == 0.5


def test_many_sparse_categories_do_not_raise_false_alarms_and_hide_no_shift():
    rng = np.random.default_rng(0)
    alarms, runs = 0, 40
    for _ in range(runs):
        detector = ChiSquared(tolerance=0.0).fit(rng.integers(0, 1000, 5000))
        alarms += detector.detect(rng.integers(0, 1000, 200)).detected
    assert alarms <= stats.binom.ppf(1 - 1e-6, runs, 0.05)
    assert detector.detect(rng.integers(0, 500, 500)).detected


def test_enough_tables_are_drawn_for_a_p_value_that_survives_many_columns():
    rng = np.random.default_rng(1)
    columns = {f"c{i}": rng.integers(0, 60, 600) for i in range(80)}
    batch = {name: rng.integers(0, 60, 80) for name in columns}
    batch["c7"] = rng.integers(0, 20, 80)
    result = ChiSquared().fit(columns).detect(batch)
    assert result.drifted == ("c7",)
    assert result.parts["c7"].p_value < 0.05


def test_p_values_of_drawn_tables_are_never_zero():
    rng = np.random.default_rng(2)
    part = only(ChiSquared().fit(rng.integers(0, 300, 900)).detect(rng.integers(300, 600, 200)))
    assert 0.0 < part.p_value <= 0.01
    assert part.score == 1.0


def test_only_counts_are_remembered():
    rng = np.random.default_rng(3)
    (memory,) = ChiSquared().fit(rng.choice(["a", "b", "c"], 100_000)).reference_
    assert memory.statistics.tally.counts.keys() == {"a", "b", "c"}
    (memory,) = ChiSquared().fit(rng.integers(5, 8, 100_000)).reference_
    assert len(memory.statistics.tally.counts.counts) == 3


def test_nothing_is_drawn():
    rng = np.random.default_rng(4)
    x, y = ({name: rng.integers(0, 80, n) for name in "abc"} for n in (400, 90))
    result = ChiSquared().fit(x).detect(y)
    for random_state in (7, None, np.random.default_rng(1)):
        assert ChiSquared(random_state=random_state).fit(x).detect(y) == result
    swapped = ChiSquared().fit(dict(reversed(x.items()))).detect(y)
    assert dict(swapped.parts) == dict(result.parts)


def test_interval_and_detectable_are_those_of_the_public_mathematics():
    rng = np.random.default_rng(6)
    for n, m, k in ((300, 100, 5), (5000, 40, 30)):
        x, y = rng.integers(0, k, n), rng.integers(0, k, m)
        part = only(ChiSquared(alpha=0.02).fit(x).detect(y))
        assert part.detectable == pytest.approx(total_variation_detectable(n, m, k, 0.02), rel=1e-12)
        shares = np.bincount(np.append(x, y)) / (n + m)
        expected = total_variation_interval(part.score, n, m, k, 0.98, shares)
        assert part.interval == pytest.approx(expected, rel=1e-12)


def test_one_category_on_both_sides_is_stable():
    result = ChiSquared().fit(["a"] * 500).detect(["a"] * 500)
    assert result.state is DriftState.STABLE
    assert (result.score, result.p_value) == (0.0, 1.0)


def test_p_values_are_those_of_drawn_tables_where_expected_counts_are_small():
    rng = np.random.default_rng(5)
    reference = rng.integers(0, 200, 20_000)
    detector = ChiSquared(tolerance=0.0).fit(reference)
    for _ in range(20):
        current = rng.integers(0, 200, 800)  # four rows of each category expected
        table = np.stack([np.bincount(side, minlength=200) for side in (reference, current)])
        drawn = chi_squared(table, method="permutation", n_permutations=999, rng=1).p_value
        found = only(detector.detect(current)).p_value
        assert abs(found - drawn) < 5 * math.sqrt(drawn * (1 - drawn) / 999) + 0.03 * drawn


def binary(rows, ones):
    return np.arange(rows) < ones


@pytest.mark.parametrize("ones", [13, 14, 15])
def test_near_the_level_small_expected_counts_have_the_exact_p_value(ones):
    """Six of 100 are expected, so that the limit is usual; it is two to three times too small here."""
    level = 0.05 / 100
    table = [[600, 9400], [ones, 100 - ones]]
    found = ChiSquared(alpha=level).fit(binary(10_000, 600)).detect(binary(100, ones)).p_value
    assert found == pytest.approx(chi_squared(table, "permutation").p_value)
    assert chi_squared(table, "asymptotic").p_value < found


def test_far_from_the_level_the_limit_p_value_is_kept():
    detector = ChiSquared(alpha=0.05 / 100).fit(binary(10_000, 600))
    for ones in (8, 30):
        table = [[600, 9400], [ones, 100 - ones]]
        assert detector.detect(binary(100, ones)).p_value == pytest.approx(
            chi_squared(table, "asymptotic").p_value
        )


@pytest.mark.parametrize(("n", "m"), [(10_000, 100), (1000, 1000), (300, 100), (100_000, 500)])
def test_the_exact_p_value_is_below_the_root_of_the_limit_one(n, m):
    for expected in (5, 8, 20, 60):
        ones = -(-expected * (n + m) // m) if m <= n else expected
        counts_there = np.arange(max(0, ones - n), min(ones, m) + 1)
        mean = ones * m / (n + m)
        chance = stats.hypergeom(n + m, ones, m).pmf(counts_there)
        factor = (n + m) ** 3 / (float(ones) * m * n * (n + m - ones))
        statistic = (counts_there - mean) ** 2 * factor
        order = np.argsort(-statistic)
        exact = np.cumsum(chance[order])
        limit = stats.chi2.sf(statistic[order], 1)
        seen = (limit > 1e-24) & (limit < 1e-2)
        assert np.all(exact[seen] <= np.sqrt(limit[seen]))


def test_however_small_the_level_p_values_reach_it():
    rng = np.random.default_rng(8)
    reference = rng.integers(0, 60, 6000)
    detector = ChiSquared(alpha=1e-30).fit(reference)
    assert detector.detect(rng.integers(0, 25, 600)).detected
    same = only(detector.detect(reference[:60]))
    assert (same.state, same.p_value) == (DriftState.UNDECIDED, pytest.approx(0.5, abs=0.5))


def test_a_level_beyond_the_digits_of_floats_is_a_level():
    detector = ChiSquared(alpha=1e-17).fit(["a"] * 500 + ["b"] * 500 + [None] * 20)
    assert not detector.detect(["a"] * 50 + ["b"] * 50 + [None] * 2)
    assert detector.detect(["a"] * 500).detected


# --- other statistics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("statistic", "power"), [("g", "log-likelihood"), ("cressie-read", "cressie-read")])
def test_other_statistics_agree_with_scipy_where_counts_are_large(statistic, power):
    table = np.random.default_rng(2).integers(2000, 2100, size=(2, 9))
    part = only(ChiSquared(statistic=statistic).fit(rows(table[0])).detect(rows(table[1])))
    expected = stats.chi2_contingency(table, correction=False, lambda_=power)
    assert part.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert part.score == pytest.approx(only(ChiSquared().fit(rows(table[0])).detect(rows(table[1]))).score)


@pytest.mark.parametrize("statistic", ["pearson", "g", "cressie-read"])
def test_every_statistic_has_its_exact_law_where_counts_are_small(statistic):
    rng = np.random.default_rng(3)
    for _ in range(30):
        table = rng.multinomial(40, [0.5, 0.2, 0.15, 0.1, 0.05], size=2)
        part = only(ChiSquared(statistic=statistic).fit(rows(table[0])).detect(rows(table[1])))
        exact = chi_squared(table, "permutation", statistic=statistic)
        assert exact.method == "exact"
        assert part.p_value == pytest.approx(exact.p_value, rel=1e-6)


def test_statistics_that_do_not_exist_or_have_no_minimum_effect_are_refused():
    with pytest.raises(
        InvalidParameterError, match="statistic must be one of 'pearson', 'g', 'cressie-read'"
    ):
        ChiSquared(statistic="yates").fit(["a", "b"])
    with pytest.raises(InvalidParameterError, match="be 'pearson' where minimum_effect is True"):
        ChiSquared(statistic="g", minimum_effect=True).fit(["a", "b"])


# --- summaries ----------------------------------------------------------------------------------------------


def merged(detector, table, cuts, order):
    """The result of the table in parts, merged in some order."""
    length = len(next(iter(table.values())))
    edges = [0, *sorted(cut % (length + 1) for cut in cuts), length]
    parts = [
        detector.summarize({name: column[low:high] for name, column in table.items()})
        for low, high in itertools.pairwise(edges)
    ]
    order.shuffle(parts)
    while len(parts) > 1:
        parts.append(parts.pop(order.randrange(len(parts))).merge(parts.pop(order.randrange(len(parts)))))
    return detector.detect(parts[0])


@settings(laws, max_examples=15)
@given(st.lists(st.integers(0, 200), max_size=49), st.randoms(use_true_random=False), st.integers(0, 9))
def test_parts_of_a_batch_merged_in_any_order_give_the_very_same_result(cuts, order, seed):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 40, 500)

    def table(pick):
        return {
            "text": [f"t{each}" for each in ids[pick]],
            "integers": ids[pick],
            "wide": ids[pick] * 2**21,
            "floats": np.where(ids[pick] < 3, 0.5, ids[pick]),
            "mixed spans": np.where(ids[pick] == 7, 2**40, ids[pick]),
            "gaps": [None if each % 5 == 0 else int(each) for each in ids[pick]],
            "flags": ids[pick] > 20,
            "narrow floats": (ids[pick] / 7).astype(np.float32),
            "days": np.datetime64("2024-01-01") + ids[pick],
        }

    batch = table(rng.integers(0, 500, 150))
    for kwargs in ({}, {"statistic": "g"}, {"minimum_effect": True}, {"block": 5}):
        detector = ChiSquared(**kwargs).fit(table(slice(None)))
        assert merged(detector, batch, cuts, randomness.Random(order.random())) == detector.detect(batch)


def test_an_empty_summary_changes_nothing():
    detector = ChiSquared().fit({"a": [1, 2, 3] * 100, "b": list("xyz") * 100})
    batch = {"a": [1, 1, 2, 3], "b": list("xxyz")}
    empty = detector.summarize({"a": [], "b": []})
    assert detector.detect(empty.merge(detector.summarize(batch)).merge(empty)) == detector.detect(batch)
    assert detector.detect(empty).state is DriftState.UNDECIDED


# --- effects ------------------------------------------------------------------------------------------------


def test_effects_are_the_five_largest_changes_of_shares_with_intervals():
    before = dict(zip("abcdefg", (300, 200, 200, 100, 100, 50, 50), strict=True))
    after = dict(zip("abcdefz", (100, 100, 100, 80, 60, 25, 35), strict=True))
    part = only(ChiSquared(alpha=0.1).fit(list(rows_of(before))).detect(list(rows_of(after))))
    shares = {
        each: after.get(each, 0) / 500 - before.get(each, 0) / 1000 for each in sorted({*before, *after})
    }
    largest = sorted(shares, key=lambda each: (-round(abs(shares[each]), 12), each))[:5]
    assert list(part.effects) == largest
    for name in largest:
        low, high = newcombe(before.get(name, 0), 1000, after.get(name, 0), 500, 0.1 / 8)
        assert part.effects[name] == pytest.approx((shares[name], low, high, 0.9), abs=1e-12)


def rows_of(counts_by_name):
    for name, count in counts_by_name.items():
        yield from [name] * count


def newcombe(x, n, y, m, alpha):
    """Method 10 of Newcombe (1998), from the roots of Wilson's quadratic."""
    z = stats.norm.isf(alpha / 2)

    def wilson(count, rows_there):
        share = count / rows_there
        return np.sort(np.roots([1 + z**2 / rows_there, -(2 * share + z**2 / rows_there), share**2]))

    (l1, u1), (l2, u2) = wilson(x, n), wilson(y, m)
    change = y / m - x / n
    return (
        change - math.hypot(y / m - l2, u1 - x / n),
        change + math.hypot(u2 - y / m, x / n - l1),
    )


def test_categories_never_seen_before_are_counted_in_a_remark_and_shown_as_changes():
    detector = ChiSquared().fit(["a"] * 500 + ["b"] * 500)
    part = only(detector.detect(["a"] * 90 + ["c"] * 9 + ["d"]))
    assert part.remarks == ("10 rows (10 %) in 2 categories that the reference does not have",)
    assert part.effects["c"].estimate == pytest.approx(0.09)
    assert only(detector.detect(["a"] * 3 + ["c"])).remarks == (
        "1 row (25 %) in 1 category that the reference does not have",
    )
    assert only(detector.detect(["a"] * 3)).remarks == ()


def test_what_categories_are_called_is_bounded_and_on_one_line():
    long, odd = "x" * 10_000, "new\nline\tand  more"
    part = only(ChiSquared().fit([odd] * 60 + [long + "a"] * 20 + [long + "b"] * 20).detect([odd] * 30))
    assert set(part.effects) == {"new line and more", "x" * 37 + "...", "x" * 37 + "... (2)"}
    assert len(str(part)) < 400
    days = np.datetime64("2024-01-31") + np.arange(3)
    assert set(only(ChiSquared().fit(days).detect(days[:1])).effects) == {*map(str, days)}
    hours = np.array(["2024-01-31T10", "2024-01-31T11"], dtype="M8[h]")
    assert "2024-01-31T10:00:00" in only(ChiSquared().fit(hours).detect(hours[:1])).effects
    assert set(only(ChiSquared().fit([True, False]).detect([True])).effects) == {"True", "False"}
    assert set(only(ChiSquared().fit([0.5, 1.0]).detect([1.0])).effects) == {"0.5", "1"}
    assert set(only(ChiSquared().fit([b"a", b"b"]).detect([b"a"])).effects) == {"b'a'", "b'b'"}


# --- categories of other types ------------------------------------------------------------------------------


def test_bytes_are_no_text():
    for first, second in (("ab", [b"a", b"b"]), ([b"a", b"b"], "ab")):
        detector = ChiSquared().fit({"x": list(first) * 50})
        with pytest.raises(
            SchemaError, match=r"column 'x' must hold (text|bytes), as in fit, got (text|bytes)"
        ):
            detector.detect({"x": list(second) * 50})
        assert not detector.detect({"x": list(first) * 20})


def test_categories_of_another_type_are_remarked_upon():
    declared = pd.Series([1, 2] * 50).astype("category")
    part = only(ChiSquared().fit(declared).detect(declared.astype(str).astype("category")))
    assert part.detected
    assert "values are str, those of the reference int" in part.remarks
    equal = only(ChiSquared().fit(declared).detect(declared.astype(float).astype("category")))
    assert (equal.score, equal.remarks) == (0.0, ())


def test_times_with_a_zone_against_times_without_are_remarked_upon():
    days = pd.Series(pd.date_range("2024-01-01", periods=5).tolist() * 20)
    zoned = days.dt.tz_localize("UTC")
    remark = "values are times without a zone, those of the reference times with a zone"
    for before, after, remarks in ((zoned, days, (remark,)), (zoned, zoned, ()), (days, days, ())):
        for convert in (pd.Series, list):
            part = only(ChiSquared().fit(convert(before)).detect(convert(after)))
            assert (part.score, part.remarks) == (0.0, remarks)


def test_numbers_of_fewer_bits_are_compared_in_as_many():
    values = np.random.default_rng(9).integers(0, 30, 3000) / 7
    for bits in (np.float16, np.float32):
        for before, after in ((values, values.astype(bits)), (values.astype(bits), values)):
            part = only(ChiSquared().fit(before).detect(after))
            assert (part.score, part.p_value) == (0.0, 1.0)


def test_parts_of_different_precision_merge_to_the_rows_of_the_coarser_one():
    values = np.random.default_rng(9).integers(0, 30, 3000) / 7
    detector = ChiSquared().fit(values)
    whole = detector.detect(values.astype("f4"))
    parts = [detector.summarize(values[:1000].astype("f4")), detector.summarize(values[1000:])]
    for one, other in (parts, parts[::-1]):
        assert detector.detect(one.merge(other)) == whole


# --- minimum effect, and rows that depend on each other -----------------------------------------------------


def test_minimum_effect_asks_whether_the_distance_is_beyond_the_tolerance():
    rng = np.random.default_rng(10)
    reference = rng.choice(4, 200_000, p=[0.4, 0.3, 0.2, 0.1])
    batch = rng.choice(4, 200_000, p=[0.41, 0.29, 0.2, 0.1])  # significant, and far below 5 %
    assert only(ChiSquared(tolerance=0.0).fit(reference).detect(batch)).detected
    tolerant = only(ChiSquared(minimum_effect=True).fit(reference).detect(batch))
    assert tolerant.state is DriftState.STABLE
    assert tolerant.p_value > 0.999
    assert tolerant.equivalent
    far = only(ChiSquared(minimum_effect=True).fit(reference).detect(rng.integers(0, 4, 200_000)))
    p, q = np.array([0.4, 0.3, 0.2, 0.1]), np.full(4, 0.25)
    distance = 0.5 * math.sqrt((2 * (p - q) ** 2 / (p + q)).sum())
    assert far.detected
    assert far.score == pytest.approx(distance, abs=0.005)
    assert far.interval.low < distance < far.interval.high
    assert far.detectable < 0.06


def test_a_single_row_of_a_new_category_is_no_effect_beyond_the_tolerance():
    reference = np.repeat([0, 1], 50_000)
    part = only(ChiSquared(minimum_effect=True).fit(reference).detect(np.r_[np.repeat([0, 1], 500), 2]))
    assert part.state is DriftState.STABLE


def sticky(rng, rows_there, stay):
    """Categories that stay as they are with probability `stay`, else are drawn anew."""
    fresh = np.flatnonzero(np.r_[True, rng.random(rows_there - 1) >= stay])
    drawn = rng.choice(4, len(fresh), p=[0.4, 0.3, 0.2, 0.1])
    return np.repeat(drawn, np.diff(np.r_[fresh, rows_there]))


def test_rows_that_depend_on_each_other_count_for_fewer():
    rng = np.random.default_rng(11)
    reference, batch = sticky(rng, 40_000, 0.8), sticky(rng, 1000, 0.8)
    naive, aware = (only(ChiSquared(block=block).fit(reference).detect(batch)) for block in (None, 100))
    assert aware.p_value > naive.p_value
    assert aware.detectable == pytest.approx(3.0 * naive.detectable, rel=0.1)  # the root of (1 + r) / (1 - r)
    assert aware.score == naive.score
    assert aware.interval.high > naive.interval.high
    assert only(ChiSquared(block=1).fit(reference).detect(batch)) == naive
    text = only(
        ChiSquared(block=100).fit([f"t{each}" for each in reference]).detect([f"t{e}" for e in batch])
    )
    assert text.p_value == pytest.approx(aware.p_value, rel=1e-9)


@pytest.mark.parametrize("kwargs", [{}, {"statistic": "g"}, {"minimum_effect": True}, {"block": 2}])
def test_edges_are_answered(kwargs):
    for reference, batch in (
        (["a"], ["a"]),
        (["a", "b"], ["a"]),
        (["a", "b"], ["c", "d"]),
        (["a"] * 9, ["a"] * 9),
        (["a"] * 9, ["b"] * 9),
        ([None] * 9, ["a"] * 9),
        ([1e300, 1e-300, -1e300], [1e300, 1e-300]),
        (list(range(300)), list(range(300, 600))),
        ([2**63 + 1] * 5, [2**63] * 5),
    ):
        result = ChiSquared(**kwargs).fit({"x": reference}).detect({"x": batch})
        assert result.state in DriftState
        str(result)
