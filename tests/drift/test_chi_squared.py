"""ChiSquared: the numbers are those of the test, and any hashable thing may be a category."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from contlearn.drift import ChiSquared, DriftState
from contlearn.stats import chi_squared
from contlearn.stats._chi_squared import total_variation_detectable, total_variation_interval

laws = settings(derandomize=True, deadline=None, max_examples=60)
counts = st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(lambda each: sum(each) >= 2)


def only(result):
    """The result of the only column."""
    (part,) = result.parts.values()
    return part


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
    if expected.method != "permutation":
        assert part.p_value == pytest.approx(expected.p_value, rel=1e-9)
    else:
        assert part.p_value == pytest.approx(expected.p_value, abs=0.15)


@laws
@given(counts, counts, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_names_of_categories_matter(before, after, random):
    result = ChiSquared().fit(rows(before)).detect(rows(after))
    for names in ([f"level {i}" for i in range(16)], list("abcdefghijklmnop")):
        names = random.sample(names, 16)
        x, y = rows(before, names), rows(after, names)
        assert ChiSquared().fit(random.sample(x, len(x))).detect(random.sample(y, len(y))) == result


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
    assert memory.summary.keys() == {"a", "b", "c"}
    (memory,) = ChiSquared().fit(rng.integers(5, 8, 100_000)).reference_
    assert len(memory.summary.counts) == 3


def test_the_seed_decides_and_the_place_of_the_column_does_not():
    rng = np.random.default_rng(4)
    x, y = ({name: rng.integers(0, 80, n) for name in "abc"} for n in (400, 90))
    result = ChiSquared().fit(x).detect(y)
    swapped = ChiSquared().fit(dict(reversed(x.items()))).detect(y)
    assert dict(swapped.parts) == dict(result.parts)
    assert len({ChiSquared(random_state=seed).fit(x).detect(y).p_value for seed in range(9)}) > 1
    fresh = ChiSquared(random_state=None).fit(x)
    assert len({fresh.detect(y).p_value for _ in range(6)}) > 1


def test_columns_of_equal_counts_do_not_share_their_luck():
    rng = np.random.default_rng(7)
    x, y = rng.integers(0, 80, 400), rng.integers(0, 80, 90)
    twins = (
        ChiSquared(correction=None).fit({f"c{i}": x for i in range(9)}).detect({f"c{i}": y for i in range(9)})
    )
    assert len({part.p_value for part in twins.parts.values()}) > 1


def test_a_generator_is_asked_once_at_fit():
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 80, 400), rng.integers(0, 80, 90)
    detector = ChiSquared(random_state=np.random.default_rng(0)).fit(x)
    assert detector.detect(y) == detector.detect(y)
    again = ChiSquared(random_state=np.random.default_rng(0)).fit(x)
    assert again.detect(y) == detector.detect(y)


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


def test_a_limit_that_is_clear_stands_for_drawn_tables_and_hides_nothing():
    rng = np.random.default_rng(5)
    reference = rng.integers(0, 200, 20_000)
    detector = ChiSquared(tolerance=0.0).fit(reference)
    for _ in range(20):
        current = rng.integers(0, 200, 800)  # four rows of each category expected
        table = np.stack([np.bincount(side, minlength=200) for side in (reference, current)])
        limit = chi_squared(table, method="asymptotic").p_value
        drawn = chi_squared(table, method="permutation", n_permutations=9999, rng=1).p_value
        found = only(detector.detect(current)).p_value
        assert found == (pytest.approx(limit) if limit > 0.2 else pytest.approx(drawn, abs=0.1))
        assert limit <= 0.2 or drawn > 0.1


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


def test_so_small_a_level_that_drawing_cannot_reach_it_is_undecided_and_says_so():
    rng = np.random.default_rng(8)
    reference = rng.integers(0, 60, 600)
    part = only(ChiSquared(alpha=1e-7).fit(reference).detect(rng.integers(0, 25, 60)))
    assert part.state is DriftState.UNDECIDED
    assert part.p_value <= 1e-4
    (remark,) = part.remarks
    assert "p cannot fall below 1e-05" in remark
    same = only(ChiSquared(alpha=1e-7, must_detect=9.0).fit(reference).detect(reference[:60]))
    assert (same.state, same.remarks) == (DriftState.STABLE, ())


def test_a_level_beyond_the_digits_of_floats_is_a_level():
    detector = ChiSquared(alpha=1e-17).fit(["a"] * 500 + ["b"] * 500 + [None] * 20)
    assert not detector.detect(["a"] * 50 + ["b"] * 50 + [None] * 2)
    assert detector.detect(["a"] * 500).detected
