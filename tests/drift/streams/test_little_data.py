"""Nothing is called stable for want of data: no update yet, or a reference too small to find anything."""

import re

import numpy as np
import pytest

from contlearn.drift import DistributionDetector, OnlineMMD, Pooled, RiskDetector
from contlearn.drift._streams._findings import effects
from contlearn.results import DriftState

RARE = "share rare or unseen"


def started():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=300)
    return {
        "risk": (RiskDetector(0.1), 0.0),
        "learned risk": (RiskDetector().fit(np.arange(100) < 10), 0.0),
        "risk for life": (RiskDetector(0.1, run_length=None, alpha=0.05), 0.0),
        "numbers": (DistributionDetector().fit(reference), 0.0),
        "rows": (DistributionDetector().fit({"a": reference, "b": reference}), {"a": 0.0, "b": 0.0}),
        "kernel": (OnlineMMD(20, window=10).fit(rng.normal(size=(300, 2))), [0.0, 0.0]),
        "pool": (Pooled({"a": RiskDetector(0.1), "b": RiskDetector(0.1)}), {"a": 0.0, "b": 0.0}),
    }


@pytest.mark.parametrize("name", started())
def test_before_the_first_update_nothing_is_known(name):
    detector, x = started()[name]
    assert detector.result.state is DriftState.UNDECIDED
    assert all(part.state is DriftState.UNDECIDED for part in detector.result.parts.values())
    detector.update(x)
    assert detector.result.state is not DriftState.UNDECIDED
    detector.reset()
    assert detector.result.state is DriftState.UNDECIDED


def test_a_stream_of_a_pool_that_had_no_value_is_not_stable():
    pool = Pooled({"a": RiskDetector(0.1), "silent": RiskDetector(0.1)})
    pool.update({"a": 0.0})
    assert pool.result.state is DriftState.UNDECIDED
    assert pool.result.parts["a"].state is DriftState.STABLE
    assert pool.result.parts["silent"].state is DriftState.UNDECIDED


@pytest.mark.parametrize("run_length", [1_000, 10_000, 1e6])
@pytest.mark.parametrize("form", ["numbers", "categories", "blocks", "rows"])
def test_a_reference_with_which_not_even_a_complete_change_is_found_leaves_it_undecided(run_length, form):
    """And what the remark asks for is enough: the alarm then comes within a tenth of the run length."""
    make = {
        "numbers": lambda n: np.arange(float(n)),
        "blocks": lambda n: np.arange(float(n)),
        "categories": lambda n: ["a", "b"] * (n // 2) + ["a"] * (n % 2),
        "rows": lambda n: {name: np.arange(float(n)) for name in "abc"},
    }[form]
    after = {"numbers": 1e9, "blocks": 1e9, "categories": "new", "rows": {"a": 1e9, "b": 1.5, "c": 1.5}}[form]
    block = 2 if form == "blocks" else None
    small = DistributionDetector(run_length, block=block).fit(make(4))
    if run_length > 1_000 or form != "numbers":
        small.update_many([after] * 2)
        assert small.result.state is DriftState.UNDECIDED
        enough = int(re.search(r"at least ([\d,]+)", small.result.remarks[0])[1].replace(",", ""))
    else:
        enough = 10
    detector = DistributionDetector(run_length, block=block).fit(make(enough))
    detector.update_many([after] * 2)
    assert detector.result.state is not DriftState.UNDECIDED
    detector.reset()
    in_time = int(min(run_length / 10, 10_000))
    assert detector.update_many([after] * in_time)
    assert any("is small" in remark for remark in detector.result.remarks)  # other changes need more


def test_the_reference_that_a_review_called_stable_is_undecided():
    detector = DistributionDetector().fit([0.0, 1.0])
    detector.update_many([1e9] * 500)
    assert detector.result.state is DriftState.UNDECIDED
    assert "at least 6" in detector.result.remarks[0]


def test_a_reference_of_missing_values_says_what_it_can_tell():
    detector = DistributionDetector().fit([np.nan] * 300)
    assert "missing values only" in detector.result.remarks[0]
    rows = DistributionDetector().fit({"a": [np.nan] * 300, "b": np.arange(300.0)})
    assert any(remark.startswith("column 'a'") for remark in rows.result.remarks)
    assert not any("'b' of the reference" in remark for remark in rows.result.remarks)


def test_a_learned_limit_far_above_its_reference_is_remarked_upon():
    """The number in the remark is the limit that ten times as many labels give."""
    for losses in ([0.0], [0.0] * 50, [0.02, 0.05, 0.03] * 5):
        detector = RiskDetector().fit(losses)
        (remark,) = detector.result.remarks
        nearer = RiskDetector().fit(losses * 10).limit_
        assert remark.endswith(f"would make it {nearer:.3g}")
        assert f"{detector.limit_:.3g}" in remark
    assert RiskDetector().fit(np.arange(500) < 50).result.remarks == ()
    assert RiskDetector(tolerance=0.3).fit(np.arange(500) < 50).result.remarks == ()  # as was asked for


@pytest.mark.parametrize(
    ("exponent", "n_labels", "n", "m"),
    [(1.1, 5_000, 1_000, 300), (1.0, 200, 500, 200), (0.0, 5, 500, 200), (1.0, 50, 200, 400)],
)
def test_intervals_of_shares_hold_no_change_where_there_is_none_rare_categories_included(
    exponent, n_labels, n, m
):
    """All of one answer together, in 95 of 100 answers; looked at at a time that no alarm has chosen."""
    shares = 1.0 / np.arange(1, n_labels + 1) ** exponent
    wrong = wrong_rare = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        labels = rng.choice(n_labels, n + m, p=shares / shares.sum()).astype(str).astype(object)
        line = DistributionDetector(seed=seed).fit(labels[:n])._sight.lines[0]
        found = effects(line, line.places(labels[n:]))
        away = {name for name, change in found.items() if not change.low <= 0.0 <= change.high}
        wrong += bool(away)
        wrong_rare += RARE in away
    assert wrong <= 26  # a binomial law with mean 10 goes beyond it in one of 100,000
    assert wrong_rare <= 26


def test_shares_of_categories_are_of_the_whole_reference():
    """Labels that are in the second half only count in the denominators, too."""
    labels = np.array(["common"] * 500 + [f"once {i}" for i in range(500)], dtype=object)
    line = DistributionDetector().fit(labels)._sight.lines[0]
    found = effects(line, line.places(np.array(["common"] * 150 + ["new"] * 50, dtype=object)))
    assert found["common"].estimate == pytest.approx(0.25)
    assert -0.3 < found[RARE].estimate < -0.2  # half of the second half's values are not in the first
