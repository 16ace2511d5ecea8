import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata
from sklearn.metrics import roc_auc_score

from contlearn.exceptions import InvalidInputError
from contlearn.stats import _delong, delong

modest = settings(derandomize=True, deadline=None, max_examples=80)


def kernel(y, a, b, groups=None):
    """DeLong's z, or Obuchowski's, from the table of all pairs, row by row as in the papers."""
    y, scores = np.asarray(y), (np.asarray(a, float), np.asarray(b, float))
    placed = []
    for s in scores:
        x, z = s[y == 1][:, None], s[y == 0][None, :]
        psi = (x > z) + 0.5 * (x == z)
        placed.append((psi.mean(axis=1), psi.mean(axis=0)))
    areas = [p[0].mean() for p in placed]
    m, n = placed[0][0].size, placed[0][1].size
    if groups is None:
        s10 = np.cov([p[0] for p in placed])
        s01 = np.cov([p[1] for p in placed])
        s = s10 / m + s01 / n
    else:
        groups = np.asarray(groups)
        names = np.unique(groups)
        x = np.array(
            [
                [(p[0] - area)[groups[y == 1] == g].sum() for g in names]
                for p, area in zip(placed, areas, strict=True)
            ]
        )
        z = np.array(
            [
                [(p[1] - area)[groups[y == 0] == g].sum() for g in names]
                for p, area in zip(placed, areas, strict=True)
            ]
        )
        i10 = np.unique(groups[y == 1]).size
        i01 = np.unique(groups[y == 0]).size
        i = names.size
        s10, s01 = i10 / (i10 - 1) / m * x @ x.T, i01 / (i01 - 1) / n * z @ z.T
        s11 = i / (i - 1) * x @ z.T
        s = s10 / m + s01 / n + (s11 + s11.T) / (m * n)
    variance = s[0, 0] + s[1, 1] - 2 * s[0, 1]
    return areas, (areas[0] - areas[1]) / math.sqrt(variance), math.sqrt(variance)


@st.composite
def paired_scores(draw):
    n = draw(st.integers(4, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    y = np.r_[1, 1, 0, 0, rng.random(n) < draw(st.sampled_from([0.1, 0.5, 0.9]))].astype(int)
    a, b = y + rng.normal(size=(2, y.size)) * draw(st.sampled_from([0.3, 1.0, 3.0]))
    digits = draw(st.sampled_from([0, 1, 12]))
    return y, a.round(digits), b.round(digits)


@given(paired_scores())
@modest
def test_it_is_the_table_of_all_pairs(case):
    y, a, b = case
    found = delong(y, a, b)
    assert found.auc_a == pytest.approx(roc_auc_score(y, a), abs=1e-12)
    assert found.auc_b == pytest.approx(roc_auc_score(y, b), abs=1e-12)
    if found.p_value < 1.0:
        areas, z, error = kernel(y, a, b)
        assert found.statistic == pytest.approx(z, rel=1e-9)
        assert found.p_value == pytest.approx(2 * norm.sf(abs(z)), rel=1e-9)
        reach = norm.isf(0.025) * error
        gap = areas[0] - areas[1]
        assert found.interval[:3] == pytest.approx((gap, gap - reach, gap + reach), abs=1e-9)


@given(paired_scores(), st.integers(2, 12))
@modest
def test_with_groups_it_is_obuchowskis_sums_over_clusters(case, clusters):
    y, a, b = case
    groups = np.arange(y.size) * 7 % clusters
    if min(np.unique(groups[y == k]).size for k in (0, 1)) < 2:
        return
    found = delong(y, a, b, groups=groups)
    if found.p_value < 1.0:
        assert found.statistic == pytest.approx(kernel(y, a, b, groups)[1], rel=1e-8)


@given(paired_scores(), st.integers(2, 12))
@modest
def test_without_each_cluster_it_is_the_areas_of_the_other_rows(case, clusters):
    y, a, b = case
    codes, positive = np.arange(y.size) * 7 % clusters, y == 1
    left_out = _delong.without_each(_delong.paired_areas(positive, a, b), (a, b), codes)
    for code, gap in enumerate(left_out):
        kept = codes != code
        if np.unique(y[kept]).size == 2:
            areas = [roc_auc_score(y[kept], score[kept]) for score in (a, b)]
            assert gap == pytest.approx(areas[0] - areas[1], abs=1e-12)
        else:
            assert math.isnan(gap)


@given(paired_scores())
@modest
def test_groups_of_one_row_change_nothing(case):
    y, a, b = case
    alone, grouped = delong(y, a, b), delong(y, a, b, groups=np.arange(y.size))
    # the two classes share no cluster, so the sums are the rows
    assert grouped.p_value == pytest.approx(alone.p_value, rel=1e-9)


@given(paired_scores())
@modest
def test_swapping_the_scores_turns_the_sign(case):
    y, a, b = case
    there, back = delong(y, a, b), delong(y, b, a)
    assert there.statistic == pytest.approx(-back.statistic, abs=1e-9)
    assert there.p_value == pytest.approx(back.p_value, abs=1e-12)
    assert there.interval.low == pytest.approx(-back.interval.high, abs=1e-12)


@given(paired_scores())
@modest
def test_only_the_order_of_the_scores_counts(case):
    y, a, b = case
    assert delong(y, np.exp(a / 5), b) == delong(y, a, b)
    assert delong(y, rankdata(a), rankdata(b, method="dense")) == delong(y, a, b)
    order = np.random.default_rng(0).permutation(y.size)
    assert delong(y[order], a[order], b[order]).p_value == pytest.approx(delong(y, a, b).p_value, rel=1e-12)


# Ovarian cancer and bowel obstruction (DeLong, DeLong and Clarke-Pearson 1988; the complete rows, as in the
# documentation of SAS PROC LOGISTIC): albumin, total protein, K-G score, whether surgery helped.
OVARIAN = np.fromstring(
    """
    3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8
    5.7 5 1 3.7 6.7 6 1 3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4
    6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1 3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1
    4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1 3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3
    6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1 3.3 5.7 6 1 3.7 6.9
    5 1 3.6 6.6 5 1
    """,
    sep=" ",
).reshape(43, 4)
TESTS = {"albumin": OVARIAN[:, 0], "protein": OVARIAN[:, 1], "score": 10 - OVARIAN[:, 2]}


# The figures were written down when the function was there, so that they hold it fast; what checks them is
# `kernel`, from all pairs.
@pytest.mark.parametrize(
    ("one", "other", "gap", "error", "low", "high", "chi_squared", "p_value"),
    [
        ("protein", "score", -0.0780, 0.1046, -0.2830, 0.1271, 0.5554, 0.4561),
        ("albumin", "score", 0.0108, 0.0953, -0.1761, 0.1976, 0.0127, 0.9102),
    ],
)
def test_the_rows_of_delongs_paper_give_what_the_table_of_all_pairs_gives(
    one, other, gap, error, low, high, chi_squared, p_value
):
    found = delong(OVARIAN[:, 3], TESTS[one], TESTS[other])
    assert round(found.interval.estimate, 4) == gap
    assert round(found.interval.estimate / found.statistic, 4) == error
    assert (round(found.interval.low, 4), round(found.interval.high, 4)) == (low, high)
    assert round(found.statistic**2, 4) == chi_squared
    assert round(found.p_value, 4) == p_value
    areas, z, _ = kernel(OVARIAN[:, 3], TESTS[one], TESTS[other])
    assert (found.auc_a, found.auc_b) == pytest.approx(areas, abs=1e-12)
    assert found.statistic == pytest.approx(z, rel=1e-9)


def test_a_worked_example_by_hand():
    """Positives 4 6 7 8, negatives 1 2 3 5: one pair of 16 is the wrong way round, the area is 15/16."""
    found = delong([0, 0, 0, 0, 1, 1, 1, 1], [1, 2, 3, 5, 4, 6, 7, 8], [1, 4, 6, 5, 2, 3, 7, 8])
    assert (found.auc_a, found.auc_b) == (15 / 16, 10 / 16)
    # placements a: 3/4 1 1 1 | 1 1 1 3/4; b: 1/4 1/4 1 1 | 1 1/2 1/2 1/2
    positives, negatives = np.array([2, 3, 0, 0]) / 4, np.array([0, 2, 2, 1]) / 4
    variance = positives.var(ddof=1) / 4 + negatives.var(ddof=1) / 4
    assert found.statistic == pytest.approx((5 / 16) / math.sqrt(variance), rel=1e-12)


@pytest.mark.parametrize("monotone", [lambda s: s, lambda s: s**3 + 1, np.exp])
def test_identical_rankings_say_nothing(monotone):
    rng = np.random.default_rng(0)
    y, a = rng.random(300) < 0.3, rng.normal(size=300).round(1)
    for groups in (None, np.arange(300) // 10):
        found = delong(y, a, monotone(a), groups=groups)
        assert found[:2] == (0.0, 1.0)
        assert found.interval[:3] == (0.0, -math.inf, math.inf)


@pytest.mark.parametrize(
    ("y", "a", "b"),
    [
        ([1, 0, 0], [3, 1, 2], [1, 2, 3]),  # one positive
        ([1, 1, 0], [3, 2, 1], [1, 2, 3]),  # one negative
        ([1, 1, 0, 0], [4, 3, 2, 1], [1, 2, 3, 4]),  # perfect and perfectly wrong
        ([1, 1, 0, 0], [4, 3, 2, 1], [1, 1, 1, 1]),  # perfect and constant
        ([1, 1, 0, 0], [4, 3, 2, 1], [8, 7, 2, 1]),  # both perfect
    ],
)
def test_an_unknown_spread_is_p_1_and_never_nan(y, a, b):
    found = delong(y, a, b)
    assert found.p_value == 1.0
    assert found.statistic == 0.0
    assert found.interval.low == -math.inf
    assert found.interval.high == math.inf


@pytest.mark.parametrize(
    ("y", "a", "words"),
    [
        ([0, 0, 0], [1, 2, 3], "0 positives and 3 negatives"),
        ([1, 1, 1], [1, 2, 3], "3 positives and 0 negatives"),
        ([0, 1, 2], [1, 2, 3], "y must hold 0 and 1, got 2"),
        ([0, 1, 1], [1, np.nan, 3], "score_a must be finite"),
        ([0, 1, 1], [1, 2], "same length"),
        ([], [], "at least one row"),
    ],
)
def test_what_has_no_area_is_refused(y, a, words):
    with pytest.raises(InvalidInputError, match=words):
        delong(y, a, list(range(len(y))))


def test_a_row_without_a_group_is_refused():
    with pytest.raises(InvalidInputError, match="groups"):
        delong([0, 1, 0, 1], [1, 2, 3, 4], [2, 1, 4, 3], groups=["a", None, "b", "b"])
