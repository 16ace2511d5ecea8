"""KS: what is said of a batch does not depend on how it was parted before it was summarized."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.drift import KS
from contlearn.exceptions import InvalidInputError

laws = settings(derandomize=True, deadline=None, max_examples=60)

KINDS = {
    "continuous": lambda rng, n: rng.normal(size=n),
    "rounded": lambda rng, n: rng.normal(size=n).round(1),
    "counts": lambda rng, n: rng.poisson(1.0, n),
    "integers beyond floats": lambda rng, n: rng.integers(2**60, 2**60 + 5000, n),
    "unsigned": lambda rng, n: rng.integers(2**63 - 3, 2**63 + 3, n, dtype=np.uint64),
    "dates": lambda rng, n: np.datetime64("2024-01-01") + rng.integers(0, 90, n).astype("m8[h]"),
    "booleans": lambda rng, n: rng.random(n) < 0.3,
    "gaps": lambda rng, n: np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
    "single precision": lambda rng, n: rng.normal(size=n).astype(np.float32),
}


@laws
@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([(50, 40), (5000, 150), (5000, 3000), (300, 2000), (20_000, 1500)]),
    st.integers(0, 49),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_any_parts_merged_in_any_order_give_the_very_same_result(kind, sizes, cuts, pickled, seed):
    rng = np.random.default_rng(seed)
    n, m = sizes
    how = {"tolerance": 0.02, "minimum_effect": bool(rng.random() < 0.3)}
    detector = KS(block=7 if rng.random() < 0.3 else None, **how).fit({"x": KINDS[kind](rng, n)})
    batch = KINDS[kind](rng, m)
    batch = batch if rng.random() < 0.5 else batch[: m // 2]
    places = sorted(rng.integers(0, len(batch) + 1, cuts).tolist())
    edges = [0, *places, len(batch)]
    parts = [detector.summarize({"x": batch[a:b]}) for a, b in pairwise(edges)]
    if pickled:
        parts = [pickle.loads(pickle.dumps(part)) for part in parts]
    while len(parts) > 1:  # any grouping: two random summaries become one
        one, two = (parts.pop(rng.integers(len(parts))) for _ in range(2))
        parts.append(one.merge(two))
    assert detector.detect(parts[0]) == detector.detect({"x": batch})


def test_an_empty_part_changes_nothing_whatever_its_precision():
    rng = np.random.default_rng(0)
    detector = KS().fit(rng.normal(size=3000))
    batch = detector.summarize(rng.normal(size=800))
    for empty in (np.empty(0), np.empty(0, dtype=np.float32), np.empty(0, dtype=int)):
        nothing = detector.summarize(empty)
        assert batch.merge(nothing) == batch == nothing.merge(batch)


def test_parts_in_different_precisions_are_refused_by_name_with_a_cure():
    rng = np.random.default_rng(0)
    detector = KS().fit({"fare": rng.normal(size=3000)})
    fine = detector.summarize({"fare": rng.normal(size=300)})
    coarse = detector.summarize({"fare": rng.normal(size=300).astype(np.float32)})
    says = "column 'fare' must have one precision in all parts of a batch, got float32 and float64; convert"
    with pytest.raises(InvalidInputError, match=says):
        fine.merge(coarse)
    whole = detector.summarize({"fare": rng.integers(-3, 3, 300)})
    assert fine.merge(whole).n_rows == 600


def test_a_summary_that_was_sent_is_the_summary_that_was_made():
    rng = np.random.default_rng(0)
    detector = KS().fit(rng.normal(size=(5000, 3)))
    summary = detector.summarize(rng.normal(size=(900, 3)))
    sent = pickle.loads(pickle.dumps(summary))
    assert sent == summary
    assert detector.detect(sent) == detector.detect(summary)
    assert summary != detector.summarize(rng.normal(size=(900, 3)))


def test_a_large_summary_holds_no_values_of_the_batch():
    rng = np.random.default_rng(0)
    detector = KS().fit(rng.normal(size=5000))
    batch = rng.normal(size=2000)
    sent = pickle.dumps(detector.summarize(batch))
    assert not any(value.tobytes() in sent for value in batch)


def test_a_summary_of_few_levels_stays_small_however_many_rows_it_has():
    rng = np.random.default_rng(0)
    detector = KS().fit(rng.integers(0, 10, 5000))
    assert len(pickle.dumps(detector.summarize(rng.integers(0, 10, 200_000)))) < 2000


def test_rows_that_moved_far_beyond_the_reference_keep_their_quantiles():
    rng = np.random.default_rng(0)
    detector = KS().fit(rng.normal(size=20_000))
    for far in (1e3, -1e3, 1e250):
        batch = rng.normal(size=2000) + far if abs(far) < 1e9 else rng.uniform(1, 2, 2000) * far
        effects = next(iter(detector.detect(batch).parts.values())).effects
        shift = np.median(batch)
        assert effects["median"].estimate == pytest.approx(shift, rel=0.05)
        assert effects["median"].low <= shift <= effects["median"].high


@pytest.mark.parametrize("moved", [20, 1000])
@pytest.mark.parametrize("kind", [np.int64, np.uint64])
def test_shifts_of_large_integers_are_those_of_small_ones(kind, moved):
    small = np.random.default_rng(0).integers(0, 100, 2000)
    large = (2**60 + small).astype(kind)
    found = KS().fit(large).detect(large[:500] + kind(moved)).parts["0"].effects
    assert found["median"].low < found["median"].high
    assert found == KS().fit(small).detect(small[:500] + moved).parts["0"].effects
