"""Summaries: what is left of rows answers as the rows do, however they were divided."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from contlearn.drift import KS, MMD, ByColumn, ChiSquared, Summary
from contlearn.exceptions import InvalidInputError, InvalidParameterError, NotFittedError, SchemaError


def table(seed, rows, gaps=True):
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=rows).round(1)
    city = rng.choice(["Oslo", "Rome", "Lima"], rows).astype(object)
    if gaps:
        amount[rng.random(rows) < 0.1] = np.nan
        city[rng.random(rows) < 0.05] = None
    return pd.DataFrame({"amount": amount, "city": city, "day": rng.integers(0, 7, rows)})


WATCH = ByColumn().fit(table(0, 3000))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    rows=st.integers(0, 300),
    cuts=st.lists(st.floats(0, 1), max_size=49),
    seed=st.integers(0, 10**6),
)
def test_any_division_merged_in_any_order_gives_the_same_result(rows, cuts, seed):
    batch = table(seed, rows)
    rng = np.random.default_rng(seed)
    bounds = [0, *sorted(int(cut * rows) for cut in cuts), rows]
    shuffled = batch.iloc[rng.permutation(rows)]
    parts = [WATCH.summarize(shuffled.iloc[start:stop]) for start, stop in itertools.pairwise(bounds)]
    while len(parts) > 1:
        one, two = (parts.pop(int(rng.integers(len(parts)))) for _ in range(2))
        parts.append(one.merge(two))
    assert parts[0].n_rows == rows
    assert WATCH.detect(parts[0]) == WATCH.detect(batch)


def test_an_empty_part_changes_nothing():
    whole, empty = WATCH.summarize(table(1, 50)), WATCH.summarize(table(1, 0))
    assert whole.merge(empty) == empty.merge(whole) == whole
    other = WATCH.summarize(table(5, 30))
    assert whole.merge(other) == other.merge(whole)
    assert WATCH.detect(empty) == WATCH.detect(table(1, 0))


def test_merging_leaves_both_as_they_were():
    one, two = WATCH.summarize(table(1, 50)), WATCH.summarize(table(2, 70))
    before = pickle.dumps((one, two))
    one.merge(two)
    assert pickle.dumps((one, two)) == before


def test_a_summary_holds_no_row():
    amounts = np.random.default_rng(0).normal(size=1000)
    detector = KS().fit({"amount": amounts, "copy": amounts})
    batch = {"amount": amounts[:200], "copy": amounts[200:400]}
    shuffled = {"amount": amounts[:200][::-1], "copy": amounts[200:400]}
    assert detector.summarize(batch) == detector.summarize(shuffled)  # which values shared a row is forgotten


def test_copies_of_a_detector_understand_each_other():
    copy = pickle.loads(pickle.dumps(WATCH))
    again = ByColumn().fit(table(0, 3000))
    for other in (copy, again):
        part = pickle.loads(pickle.dumps(other.summarize(table(3, 40))))
        merged = WATCH.summarize(table(4, 60)).merge(part)
        assert WATCH.detect(merged) == WATCH.detect(pd.concat([table(3, 40), table(4, 60)]))


OTHERS = [
    ByColumn().fit(table(9, 3000)),
    ByColumn(alpha=0.01).fit(table(0, 3000)),
    ByColumn(numeric=KS(tolerance=0)).fit(table(0, 3000)),
]


@pytest.mark.parametrize("other", OTHERS, ids=["reference", "alpha", "detector"])
def test_another_reference_or_another_detector_is_refused(other):
    foreign = other.summarize(table(1, 50))
    with pytest.raises(InvalidInputError, match="come from this fitted detector"):
        WATCH.detect(foreign)
    with pytest.raises(InvalidInputError, match="come from this fitted detector"):
        WATCH.summarize(table(1, 50)).merge(foreign)


def test_a_summary_meets_the_same_doors_as_a_batch():
    with pytest.raises(NotFittedError):
        ByColumn().summarize(table(1, 5))
    with pytest.raises(SchemaError, match="'city' missing"):
        WATCH.summarize(table(1, 5).drop(columns="city"))
    with pytest.raises(InvalidInputError, match="X must be one Summary, got 2; merge them first"):
        WATCH.detect([WATCH.summarize(table(1, 5)), WATCH.summarize(table(2, 5))])
    with pytest.raises(InvalidInputError, match="Summary, got dict"):
        WATCH.summarize(table(1, 5)).merge({})


def test_tests_that_need_the_rows_say_so_and_what_does_not():
    rows = np.random.default_rng(0).normal(size=(100, 2))
    with pytest.raises(InvalidParameterError, match="can do without the rows, got MMD"):
        MMD().fit(rows).summarize(rows)
    with pytest.raises(InvalidParameterError, match='use correction="holm"'):
        KS(correction="westfall-young").fit(rows).summarize(rows)
    with pytest.raises(InvalidParameterError, match="MMD"):
        ByColumn(columns={"amount": MMD()}).fit(table(0, 50)).summarize(table(0, 50))


def test_the_repr_says_how_much_was_summarized():
    assert repr(WATCH.summarize(table(1, 50))) == "<Summary of 50 rows, 3 columns>"
    assert (
        repr(clone(WATCH).fit(table(0, 20)[["day"]]).summarize({"day": [1]}))
        == "<Summary of 1 rows, 1 column>"
    )
    assert hash(WATCH.summarize(table(1, 50))) == hash(WATCH.summarize(table(1, 50)))
    assert WATCH.summarize(table(1, 50)) != WATCH.summarize(table(2, 50))
    assert isinstance(WATCH.summarize(table(1, 5)), Summary)


def test_rows_of_the_reference_that_follow_each_other_are_remarked_upon():
    steps = np.cumsum(np.random.default_rng(0).normal(size=2000))
    calm = np.random.default_rng(1).normal(size=2000)
    told = KS().fit({"steps": steps, "calm": calm}).detect({"steps": steps[:150], "calm": calm[:150]})
    (remark,) = told.remarks
    assert remark.startswith("rows of the reference follow each other (lag-1 correlation 1.00 in steps)")
    quiet = KS().fit({"calm": calm}).detect({"calm": calm[:150]})
    assert quiet.remarks == ()
    assert KS(block=50).fit({"steps": steps}).detect({"steps": steps[:150]}).remarks == ()


def test_a_reference_below_ten_batches_is_remarked_upon():
    rows = np.random.default_rng(0).normal(size=1000)
    detector = ChiSquared().fit(rows.round())
    assert detector.detect(rows[:100].round()).remarks == ()
    (remark,) = detector.detect(rows[:101].round()).remarks
    assert remark == "reference below 10 times the batch"
    assert detector.detect(rows[:0]).remarks == ()
