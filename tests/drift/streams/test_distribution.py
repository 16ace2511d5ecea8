"""DistributionDetector: the law of its urns, equal paths, what it does not look at, and what it says."""

import datetime as dt
import itertools
import math
import pickle
from collections import Counter
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.drift import DistributionDetector, DriftState
from contlearn.drift._streams._blocks import Blocks
from contlearn.drift._streams._edges import Edges
from contlearn.drift._streams._findings import _names, since_change
from contlearn.drift._streams._neighbours import lag_one
from contlearn.drift._streams._tree import Tree
from contlearn.drift._streams._urn import BLOCK, Urn
from contlearn.exceptions import InvalidInputError, InvalidParameterError, SchemaError

laws = settings(derandomize=True, deadline=None, max_examples=25)


def polya(gaps, regions):
    """Return the probability of a sequence of regions."""
    counts, chance = list(gaps), Fraction(1)
    for region in regions:
        chance *= Fraction(counts[region], sum(counts))
        counts[region] += 1
    return chance


def all_sequences(points, n, regions_of):
    """Return how often each sequence of regions comes, over all orders of the points, n of them reference."""
    orders = list(itertools.permutations(points))
    found = Counter(regions_of(order[:n], order[n:]) for order in orders)
    return {regions: Fraction(times, len(orders)) for regions, times in found.items()}


@pytest.mark.parametrize(
    "values", [[1, 2, 3, 4, 5, 6], [1, 1, 1, 2, 2, 5], [7, 7, 7, 7, 7, 7], [0, 0, 1, 1, 1, math.inf]]
)
@pytest.mark.parametrize("bins", [2, 3, 16])
def test_the_regions_of_exchangeable_values_are_polyas_urn_with_and_without_ties(values, bins):
    points = list(zip(map(float, values), [0.3, 0.9, 0.1, 0.5, 0.2, 0.7], strict=True))
    gaps = set()

    def regions_of(reference, later):
        edges = Edges.of(*map(np.array, zip(*reference, strict=True)), bins)
        gaps.add(edges.gaps)
        one_by_one = tuple(edges.region(*point) for point in later)
        assert one_by_one == tuple(edges.regions(*map(np.array, zip(*later, strict=True))).tolist())
        return one_by_one

    found = all_sequences(points, 4, regions_of)
    (only,) = gaps
    assert sum(only) == 5
    assert found == {regions: polya(only, regions) for regions in found}
    assert sum(found.values()) == 1


@pytest.mark.parametrize("seed", range(4))
def test_the_leaves_of_a_tree_are_polyas_urn_with_ties_in_both_columns(seed):
    points = [
        (0.0, 1.0, 0.3),
        (0.0, 1.0, 0.9),
        (2.0, 1.0, 0.1),
        (2.0, 0.0, 0.5),
        (5.0, 3.0, 0.2),
        (0.0, 3.0, 0.7),
    ]
    gaps = set()

    def regions_of(reference, later):
        rows, ahead = np.array(reference), np.array(later)
        tree = Tree.grow(rows[:, :2], rows[:, 2], 2, np.random.default_rng(seed))
        gaps.add(tree.gaps)
        one_by_one = tuple(tree.region(point[:2], point[2]) for point in later)
        assert one_by_one == tuple(tree.regions(ahead[:, :2], ahead[:, 2]).tolist())
        return one_by_one

    found = all_sequences(points, 4, regions_of)
    (only,) = gaps
    assert sum(only) == 5
    assert found == {regions: polya(only, regions) for regions in found}


def test_no_bet_gains_on_average_from_the_urn_whatever_was_seen():
    rng, urn = np.random.default_rng(0), Urn((1, 60, 30, 9, 1))
    for seen in range(700):
        if seen % 50 == 0:
            shares = np.array(urn._masses) / (sum(urn.gaps) + urn.seen)
            gains = np.zeros(len(urn._sums))
            for region, share in enumerate(shares):
                twin = pickle.loads(pickle.dumps(urn))
                if twin._position == BLOCK:
                    twin._rebase()
                before = np.array(twin._inverses)
                twin.step(region)
                gains += share * before / np.array(twin._inverses)
            np.testing.assert_allclose(gains, 1.0, rtol=1e-9)
        urn.step(int(rng.integers(5)) if seen < 400 else 4)


def test_categories_whose_order_is_learnt_from_one_half_fall_into_the_urn_of_the_other_half():
    """One value of four is of a category that the reference does not have."""
    rng, seen, expected = np.random.default_rng(0), Counter(), Counter()
    repetitions = 1500
    for _ in range(repetitions):
        labels = [f"c{int(each)}" for each in 30 * rng.pareto(1.0, 31)]
        detector = DistributionDetector(seed=int(rng.integers(2**32)), bins=4).fit(labels[:30])
        detector.update(labels[30])
        sight = detector._sight
        seen[int(sight.recent.regions(0, 1)[0])] += 1
        expected.update(
            {place: gap / sum(sight.edges[0].gaps) for place, gap in enumerate(sight.edges[0].gaps)}
        )
    for region, mean in expected.items():
        deviation = math.sqrt(mean * (1.0 - mean / repetitions))
        assert abs(seen[region] - mean) < 4.9 * deviation, region


def shifted(kind, rng):
    calm, moved = rng.normal(size=300), rng.normal(loc=1.0, size=120)
    if kind == "numbers":
        return np.concatenate([calm, moved])
    if kind == "ties and missing":
        return np.where(rng.random(420) < 0.1, np.nan, np.round(np.concatenate([calm, 1.5 * moved])))
    if kind == "booleans":
        return [bool(each) for each in np.concatenate([calm, moved]) > 0.5]
    if kind == "dates":
        return [
            None if each > 3 else dt.datetime(2024, 1, 1) + dt.timedelta(days=each)
            for each in [*calm, *moved]
        ]
    if kind == "table":
        return np.column_stack([np.concatenate([calm, moved]), np.round(rng.normal(size=420))])
    labels = [f"c{round(abs(each))}" for each in [*calm, *moved]]
    if kind == "categories":
        return [None if each == "c3" else each for each in labels]
    numbers = np.where(rng.random(420) < 0.1, np.nan, np.concatenate([calm, moved]))
    return pd.DataFrame({"number": numbers, "label": labels})


KINDS = ["numbers", "ties and missing", "booleans", "dates", "table", "categories", "frame"]


def one_by_one(detector, values):
    rows = values.to_dict("records") if isinstance(values, pd.DataFrame) else values
    alarms = []
    for position, x in enumerate(rows):
        assert detector.update(x) is None
        if detector.drift_detected:
            alarms.append(position)
    return alarms


def state(detector):
    return detector._evidence, detector.result, detector._generator.bit_generator.state


@laws
@given(
    kind=st.sampled_from(KINDS), seed=st.integers(0, 5), fitted=st.booleans(),
    cuts=st.lists(st.integers(0, 420), max_size=5), run_length=st.sampled_from([20, 300, 10_000]),
)  # fmt: skip
def test_update_many_is_repeated_update_to_the_last_bit(kind, seed, fitted, cuts, run_length):
    rng = np.random.default_rng(seed)
    reference, values = shifted(kind, rng)[:300], shifted(kind, rng)
    one = DistributionDetector(run_length, warm_up=100, seed=seed)
    if fitted:
        one.fit(reference)
    other = pickle.loads(pickle.dumps(one))
    alarms = one_by_one(one, values)
    found, edges = [], [0, *sorted(cuts), len(values)]
    for start, end in itertools.pairwise(edges):
        found += [start + each for each in other.update_many(values[start:end])]
    assert found == alarms
    assert state(one) == state(other)


@laws
@given(block=st.integers(1, 9), seed=st.integers(0, 5), cuts=st.lists(st.integers(0, 420), max_size=5))
def test_update_many_is_repeated_update_in_blocks(block, seed, cuts):
    values = shifted("ties and missing", np.random.default_rng(seed))
    one = DistributionDetector(100, warm_up=90, block=block)
    other = one.clone()
    alarms = one_by_one(one, values)
    found = []
    for start, end in itertools.pairwise([0, *sorted(cuts), len(values)]):
        found += [start + each for each in other.update_many(values[start:end])]
    assert found == alarms
    assert state(one) == state(other)


def test_paths_stay_equal_over_many_blocks():
    values = np.random.default_rng(0).normal(size=3 * BLOCK + 77)
    one, other = (DistributionDetector(1e12).fit(values[:50]) for _ in range(2))
    one_by_one(one, values)
    other.update_many(values)
    assert state(one) == state(other)


def test_blocks_average_what_is_not_missing_at_any_size():
    values = np.array(
        [1.0, 2.0, 6.0, math.inf, 4.0, 8.0, math.inf, math.inf, math.inf, 1e308, 1.7e308, 1.7e308]
    )
    assert Blocks(3).advance(values).tolist() == [3.0, 6.0, math.inf, pytest.approx(1.4666666666666666e308)]


@laws
@given(seed=st.integers(0, 10), kind=st.sampled_from(["numbers", "ties and missing"]))
def test_a_strictly_increasing_transformation_changes_nothing(seed, kind):
    rng = np.random.default_rng(seed)
    reference, values = shifted(kind, rng), shifted(kind, rng)
    plain, bent = DistributionDetector(300).fit(reference), DistributionDetector(300).fit(np.exp(reference))
    assert plain.update_many(values) == bent.update_many(np.exp(values))
    assert plain._evidence == bent._evidence


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_reference_changes_nothing(kind):
    rng = np.random.default_rng(0)
    reference, values = shifted(kind, rng), shifted(kind, rng)
    order = rng.permutation(420)
    turned = reference.iloc[order] if kind == "frame" else [reference[place] for place in order]
    if kind in ("numbers", "ties and missing", "table"):
        turned = np.array(turned)
    one, other = DistributionDetector(300).fit(reference), DistributionDetector(300).fit(turned)
    assert one.update_many(values) == other.update_many(values)
    assert one._evidence == other._evidence


def test_a_seed_settles_the_ties_and_nothing_else_is_drawn():
    values = np.round(np.random.default_rng(0).normal(size=1_000))

    def evidence(seed):
        detector = DistributionDetector(1e9, seed=seed).fit(values[:200])
        detector.update_many(values[200:])
        return detector._evidence

    assert evidence(1) == evidence(1) != evidence(2)
    untied = np.random.default_rng(0).normal(size=1_000)
    one, other = (DistributionDetector(1e9, seed=seed).fit(untied[:200]) for seed in (1, 2))
    one.update_many(untied[200:]), other.update_many(untied[200:])
    assert one._evidence == other._evidence


def test_draws_are_others_than_those_of_data_made_from_the_same_seed():
    drawn = DistributionDetector(seed=3)._generator.random(1_000)
    assert not set(drawn) & set(np.random.default_rng(3).random(5_000))
    assert drawn.tolist() == DistributionDetector(seed=3)._generator.random(1_000).tolist()


def delay(detector, calm, moved):
    """Return how many values after the change the first alarm comes."""
    alarms = [each - len(calm) + 1 for each in detector.update_many([*calm, *moved]) if each >= len(calm)]
    return alarms[0] if alarms else math.inf


@pytest.mark.parametrize(
    ("reference", "calm", "moved", "most"),
    [
        ("numbers", "numbers", "half missing", 40),
        ("numbers", "numbers", "some missing", 120),
        ("numbers", "numbers", "all missing", 15),
        ("some missing", "some missing", "half missing", 60),
        ("some missing", "some missing", "numbers", 300),
        ("labels", "labels", "some new labels", 200),
        ("labels", "labels", "new labels", 20),
        ("labels", "labels", "some missing labels", 200),
        ("labels", "labels", "other labels", 100),
        ("all missing", "all missing", "numbers", 15),
        ("all missing", "all missing", "labels", 15),
        ("one value", "one value", "another value", 15),
    ],
)
def test_missing_values_new_categories_and_the_like_are_found(reference, calm, moved, most):
    def make(what, n, rng):
        numbers, labels = rng.normal(size=n).tolist(), [f"c{each}" for each in rng.geometric(0.3, n)]
        gone = {"half": 0.5, "some": 0.1, "all": 1.1}.get(what.partition(" ")[0], 0.0)
        absent = (rng.random(n) < gone).tolist()
        if what == "some missing labels":
            return [None if each else label for each, label in zip(absent, labels, strict=True)]
        if what == "some new labels":
            return ["new" if each else label for each, label in zip(absent, labels, strict=True)]
        if what.endswith("value"):
            return [float(what == "one value")] * n
        if what == "other labels":
            return [f"c{each}" for each in rng.geometric(0.5, n)]
        if what.endswith("labels"):
            return labels if what == "labels" else ["new"] * n
        return [None if each else number for each, number in zip(absent, numbers, strict=True)]

    delays = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        detector = DistributionDetector(seed=seed).fit(make(reference, 1_000, rng))
        delays.append(delay(detector, make(calm, 300, rng), make(moved, 1_000, rng)))
    assert np.mean(delays) <= most


REFUSED = [
    (math.inf, "finite"),
    (-math.inf, "finite"),
    (np.float32("inf"), "finite"),
    (True, "booleans"),
    ("a", "categories"),
    (b"a", "categories"),
    ([1.0], "one value"),
    ({"a": 1.0}, "one value"),
    (object(), "object"),
    (1j, "complex"),
    (dt.datetime(2024, 1, 1), "dates"),
    (np.zeros(2), "one value"),
    (10**400, "finite"),
]


@pytest.mark.parametrize(("bad", "words"), REFUSED, ids=[str(bad)[:20] for bad, _ in REFUSED])
def test_what_is_no_number_is_refused_and_nothing_is_lost(bad, words):
    rng = np.random.default_rng(0)
    detector = DistributionDetector().fit(rng.normal(size=500))
    detector.update_many(rng.normal(size=100))
    before = state(detector)
    with pytest.raises(InvalidInputError, match=words):
        detector.update(bad)
    with pytest.raises(InvalidInputError, match=rf"values\[2\].*{words}"):
        detector.update_many([1.0, 2.0, bad, 3.0])
    assert state(detector) == before
    assert detector.update_many(rng.normal(loc=2.0, size=60))


@pytest.mark.parametrize(
    "good", [3, np.int8(3), np.float32(0.5), 1e308, -1e308, 5e-324, 2**60, None, math.nan, pd.NA]
)
def test_any_number_and_any_missing_value_is_taken(good):
    detector = DistributionDetector().fit(np.arange(100.0))
    detector.update(good)
    detector.update_many([good])
    assert detector.result.n_current == 2


def test_rows_must_have_the_columns_of_the_reference():
    frame = pd.DataFrame({"a": np.arange(50.0), "b": ["x", "y"] * 25})
    detector = DistributionDetector().fit(frame)
    for bad, words in [
        ({"a": 1.0}, "no 'b'"),
        ({"a": 1.0, "b": "x", "c": 1}, "3 columns"),
        ([1.0], "1 values"),
        (1.0, "float"),
        ({"a": math.inf, "b": "x"}, "column 'a' of x must be finite"),
        ({"a": "x", "b": "x"}, "column 'a'"),
    ]:
        with pytest.raises(InvalidInputError, match=words):
            detector.update(bad)
    with pytest.raises(SchemaError, match="missing"):
        detector.update_many(frame[["a"]])
    assert detector.result.n_current == 0
    detector.update({"b": "x", "a": 3.0})
    detector.update([3.0, None])
    detector.update_many(pl.DataFrame({"b": ["x"], "a": [3.0]}))
    detector.update_many([{"a": None, "b": "never seen"}])
    assert detector.result.n_current == 4
    assert list(detector.result.parts) == ["a", "b", "(together)"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"run_length": 0.5}, "run_length"),
        ({"run_length": math.inf}, "run_length"),
        ({"run_length": "x"}, "run_length"),
        ({"warm_up": 1}, "warm_up"),
        ({"warm_up": 5.0}, "warm_up"),
        ({"bins": 1}, "bins"),
        ({"block": 0}, "block"),
        ({"warm_up": 10, "block": 6}, "warm_up"),
        ({"seed": -1}, "seed"),
        ({"warning_run_length": 1e6}, "warning"),
        ({"warning_run_length": 0.5}, "warning"),
    ],
)
def test_parameters_that_cannot_work_are_refused(parameters, words):
    with pytest.raises(InvalidParameterError, match=words):
        DistributionDetector(**parameters)


@pytest.mark.parametrize(
    "reference", [[], [1.0], [math.inf, 1.0], ["a", 1.0], np.zeros((1, 3)), np.zeros((3, 3, 3))]
)
def test_a_refused_reference_leaves_the_old_one(reference):
    detector = DistributionDetector().fit(np.arange(100.0))
    detector.update(3.0)
    before = state(detector)
    with pytest.raises(InvalidInputError):
        detector.fit(reference)
    assert state(detector) == before


def test_blocks_are_for_single_numbers():
    for reference in (np.zeros((50, 2)), ["a", "b"] * 25, [dt.date(2024, 1, 1)] * 50):
        with pytest.raises(InvalidInputError, match="block"):
            DistributionDetector(block=5).fit(reference)
        fresh = DistributionDetector(block=5)
        with pytest.raises(InvalidInputError):
            fresh.update(reference[0])
        with pytest.raises(InvalidInputError):
            fresh.update_many(reference)
        fresh.update(None)
        with pytest.raises(InvalidInputError):
            fresh.update(reference[0])
        assert fresh.result.n_reference == 1
    silent = DistributionDetector(warm_up=100, block=5)
    silent.update_many([None] * 200)
    assert silent.update_many(np.zeros(300))


def test_rows_in_every_shape_are_the_same_rows():
    frame = pd.DataFrame({"a": np.arange(60.0), "b": pd.Series([1, 2, 3] * 20).astype("category")})
    frame.loc[::7, "a"] = np.nan
    detectors = [DistributionDetector(1e9).fit(frame) for _ in range(4)]
    detectors[0].update_many(frame)
    for row in frame.to_dict("records"):
        detectors[1].update(row)
    for _, row in frame.iterrows():
        detectors[2].update(row)
    for row in frame.itertuples(index=False):
        detectors[3].update(tuple(row))
    states = [state(each) for each in detectors]
    assert all(each == states[0] for each in states)


def test_a_column_of_an_array_is_a_stream_of_values():
    values = np.random.default_rng(0).normal(size=(200, 1))
    detector = DistributionDetector().fit(values)
    detector.update(0.5)
    detector.update_many(values)
    assert detector.result.n_current == 201
    assert detector.result.parts == {}


@pytest.mark.parametrize("rows", [[{"a": 1.0, "b": "x"}, {"a": "y", "b": "x"}], [[1.0, "x"], ["y", "x"]]])
def test_rows_of_a_warm_up_keep_to_one_kind_per_column(rows):
    detector = DistributionDetector(warm_up=5)
    with pytest.raises(InvalidInputError):
        detector.update_many(rows)
    assert detector.result.n_reference == 0
    detector.update_many(rows[:1] * 5)
    assert detector.result.n_reference == 5


def test_a_warm_up_that_cannot_be_a_reference_is_refused_value_by_value():
    detector = DistributionDetector(warm_up=10)
    for _ in range(3):
        detector.update(None)
    detector.update(1.0)
    with pytest.raises(InvalidInputError):
        detector.update("a")
    assert detector.result.state is DriftState.UNDECIDED
    assert detector.result.n_reference == 4
    detector.update_many(np.arange(6.0))
    assert (detector.result.n_reference, detector.result.n_current) == (10, 0)
    assert detector.result.state is DriftState.UNDECIDED
    detector.update(3.0)
    assert detector.result.state is DriftState.STABLE


def test_reset_keeps_a_reference_that_was_given_and_forgets_one_that_was_learnt():
    values = np.random.default_rng(0).normal(size=600)
    given = DistributionDetector(300).fit(values[:100])
    fresh = pickle.dumps(given)
    alarms = given.update_many(values[100:])
    given.reset()
    assert pickle.dumps(given) == fresh
    assert given.update_many(values[100:]) == alarms
    learnt = DistributionDetector(300, warm_up=100)
    learnt.update_many(values)
    learnt.reset()
    assert learnt.result.state is DriftState.UNDECIDED
    assert vars(learnt).keys() == vars(given).keys() == vars(DistributionDetector()).keys()


def test_what_is_kept_does_not_grow():
    rng = np.random.default_rng(0)
    for reference in (rng.normal(size=1_000), rng.normal(size=(1_000, 3))):
        detector = DistributionDetector(1e9).fit(reference)
        sizes = []
        for _ in range(5):
            detector.update_many(rng.normal(size=(4_000, *reference.shape[1:])))
            sizes.append(len(pickle.dumps(detector)))
        assert max(sizes) - min(sizes) < 100
        assert max(sizes) < 40_000 * (1 + 2 * (reference.ndim > 1))


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_an_alarm_says_when_and_how_far_the_values_have_moved(shift):
    errors, covered = [], 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        detector = DistributionDetector().fit(rng.normal(size=1_000))
        detector.update_many(rng.normal(size=500))
        detector.reset()
        detector.update_many(rng.normal(size=500))
        taken = 0
        for x in rng.normal(loc=shift, size=1_000).tolist():
            detector.update(x)
            taken += 1
            if detector.drift_detected:
                break
        result = detector.result
        assert result.state is DriftState.DRIFT
        assert result.score >= result.threshold == 10_000
        errors.append(abs(result.changed_at - taken))
        covered += result.effects["median"].low <= shift <= result.effects["median"].high
    assert np.mean(errors) <= 15.0 / shift**2
    assert covered >= 32  # of 40; seldom less than 0.82 of all where a shift has just been found


def test_changes_of_shares_are_named():
    rng = np.random.default_rng(0)
    detector = DistributionDetector().fit(rng.choice(["a", "b", "c"], 1_000, p=[0.5, 0.3, 0.2]).tolist())
    detector.update_many(["a"] * 5 + rng.choice(["a", "b", "c"], 300, p=[0.5, 0.3, 0.2]).tolist())
    for x in itertools.cycle(["a", "new", None, "b"]):
        detector.update(x)
        if detector.drift_detected:
            break
    effects = detector.result.effects
    assert effects["share rare or unseen"].low > 0.0
    assert effects["share missing"].low > 0.0
    assert {"a", "b", "c"} < set(effects)


LABELS = ["a", "b", "c", "d", None]
RARE = [
    (LABELS, [0.5, 0.3, 0.2, 0.0, 0.0], [0.4, 0.3, 0.2, 0.1, 0.0], "share rare or unseen", 15),
    (LABELS, [0.5, 0.3, 0.15, 0.0, 0.05], [0.4, 0.3, 0.15, 0.0, 0.15], "share missing", 80),
    ([0.0, math.nan], [0.98, 0.02], [0.88, 0.12], "share missing", 40),
]


@pytest.mark.parametrize(("values", "before", "after", "what", "most"), RARE)
def test_a_change_of_a_rare_share_is_dated_by_all_of_its_values(values, before, after, what, most):
    """Not by the last one alone, which is unlikely enough under the reference's shares."""
    errors, covered = [], 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        detector = DistributionDetector(seed=seed).fit(drawn(values, before, 1_000, rng))
        detector.update_many(drawn(values, before, 500, rng))
        moved = drawn(values, after, 2_500, rng)
        alarms = detector.clone(include_attributes=True).update_many(moved)
        if alarms:
            detector.update_many(moved[: alarms[0] + 1])
            errors.append(abs(detector.result.changed_at - alarms[0] - 1))
            share = detector.result.effects[what]
            covered += share.low <= 0.1 <= share.high
    assert len(errors) >= 30
    assert np.median(errors) <= most
    assert covered >= 0.6 * len(errors)  # about 90, 74 and 77 of 100 where a change has just been found


def drawn(values, shares, n, rng):
    """Return values in these shares; numbers with noise, so that they are no categories."""
    found = rng.choice(np.array(values, dtype=object), n, p=shares)
    return found.tolist() if "a" in values else found.astype(float) + rng.normal(size=n)


def test_no_category_takes_the_name_of_another_effect():
    rng = np.random.default_rng(0)
    labels = ["share missing", "share rare or unseen", "a", "b"]
    detector = DistributionDetector(300).fit(rng.choice(labels, 1_000).tolist())
    for x in itertools.cycle([None, "new"]):
        detector.update(x)
        if detector.drift_detected:
            break
    effects = detector.result.effects
    assert effects.keys() == {*labels, "'share missing'", "'share rare or unseen'"}
    for name in labels[:2]:
        assert effects[name].estimate > 0.0 > effects[f"'{name}'"].estimate


def test_names_of_categories_are_their_text_quoted_only_where_two_would_be_equal():
    assert _names(("a", 2, "share of all")) == ["a", "2", "share of all"]
    assert _names(("1", 1, "'1'", "share missing")) == ["'1'", "1", "\"'1'\"", "'share missing'"]


def test_the_part_that_moved_is_named():
    rng = np.random.default_rng(0)
    detector = DistributionDetector().fit({"calm": rng.normal(size=1_000), "moved": rng.normal(size=1_000)})
    detector.update_many({"calm": rng.normal(size=300), "moved": rng.normal(size=300)})
    for calm, moved in zip(
        rng.normal(size=500).tolist(), rng.normal(loc=1.0, size=500).tolist(), strict=True
    ):
        detector.update({"calm": calm, "moved": moved})
        if detector.drift_detected:
            break
    result = detector.result
    assert "moved" in result.drifted
    assert "calm" not in result.drifted
    assert result.parts["moved"].effects["median"].low > 0.0
    assert "moved" in str(result)


def test_a_change_of_dependence_alone_is_found_by_the_trees():
    rng = np.random.default_rng(0)
    detector = DistributionDetector().fit(rng.normal(size=(1_000, 2)))
    assert detector.update_many(rng.normal(size=(500, 2))) == []
    first = rng.normal(size=1_000)
    second = 0.8 * first + 0.6 * rng.normal(size=1_000)
    for row in np.column_stack([first, second]):
        detector.update(row)
        if detector.drift_detected:
            break
    assert detector.result.drifted == ("(together)",)


def test_dependence_of_neighbours_is_remarked_upon_and_independence_hardly_ever():
    remarked = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        detector = DistributionDetector(1e9).fit(rng.normal(size=500))
        detector.update_many(rng.normal(size=500))
        remarked += bool(detector.result.remarks)
    assert remarked <= 7  # binomial(200, 0.0054): once in a million more often than 9
    walk = np.convolve(np.random.default_rng(0).normal(size=1_100), 0.7 ** np.arange(30), mode="valid")
    detector = DistributionDetector(1e9).fit(walk[:500])
    detector.update_many(walk[500:])
    assert len(detector.result.remarks) == 2
    assert "block=" in detector.result.remarks[0]


def test_a_jump_is_no_dependence_of_neighbours():
    rng = np.random.default_rng(0)
    calm, moved = rng.normal(size=300), rng.normal(loc=5.0, size=300)
    assert lag_one([np.concatenate([calm, moved])]) is not None
    assert lag_one([calm, moved]) is None


def test_the_likeliest_change_is_where_the_regions_change():
    regions = np.array([0, 1, 2, 3] * 50 + [3, 3, 3, 2, 3, 3, 3, 3, 3, 2] * 3)
    assert abs(since_change(regions, (10, 10, 10, 10), shape=True) - 30) <= 2
    assert since_change(regions[:0], (10, 10), shape=False) == 0


def test_the_warning_comes_before_the_alarm_and_never_with_it():
    rng = np.random.default_rng(0)
    detector = DistributionDetector(10_000, warning_run_length=100).fit(rng.normal(size=1_000))
    warned = []
    for x in rng.normal(loc=0.7, size=500).tolist():
        detector.update(x)
        assert not (detector.warning_detected and detector.drift_detected)
        warned.append(detector.warning_detected)
        if detector.drift_detected:
            break
    assert detector.drift_detected
    assert sum(warned) > 5
    assert not detector.warning_detected
