"""ByColumn: each column by its own detector, one alpha over all, and nothing else looked at."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone

from contlearn.drift import KS, MMD, ByColumn, ChiSquared, DriftState
from contlearn.exceptions import InvalidInputError, InvalidParameterError, SchemaError
from contlearn.stats import adjust


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def mixed(rng, rows, mean=0.0, cities=("Oslo", "Rome", "Lima")):
    """A table of every kind of column, as Python lists with gaps."""
    start = dt.datetime(2024, 1, 1)
    columns = {
        "amount": rng.normal(mean, 1, rows).tolist(),
        "visits": rng.poisson(3, rows).tolist(),
        "city": rng.choice(cities, rows).tolist(),
        "member": (rng.random(rows) < 0.3).tolist(),
        "at": [start + dt.timedelta(hours=int(h)) for h in rng.integers(0, 1000, rows)],
    }
    for name in ("visits", "city", "member"):
        columns[name] = [None if rng.random() < 0.1 else value for value in columns[name]]
    return columns


def test_each_column_goes_to_the_detector_of_its_kind(rng):
    reference, batch = mixed(rng, 1000), mixed(rng, 400, mean=0.5, cities=("Oslo", "Oslo", "Rome", "Lima"))
    result = ByColumn().fit(reference).detect(batch)
    assert list(result.parts) == list(reference)
    for name, detector in {
        "amount": KS(),
        "visits": KS(),
        "city": ChiSquared(),
        "member": ChiSquared(),
        "at": KS(),
    }.items():
        alone = detector.fit({name: reference[name]}).detect({name: batch[name]})
        assert result.parts[name].score == alone.parts[name].score
        assert set(result.parts[name].parts) == set(alone.parts[name].parts)
    assert set(result.drifted) >= {"amount", "city"}


def test_p_values_are_those_of_single_columns_corrected_by_holm(rng):
    reference, batch = mixed(rng, 1000), mixed(rng, 400, mean=0.15)
    result = ByColumn().fit(reference).detect(batch)
    alone = [
        (KS() if name in ("amount", "visits", "at") else ChiSquared())
        .fit({name: reference[name]})
        .detect({name: batch[name]})
        .p_value
        for name in reference
    ]
    assert [part.p_value for part in result.parts.values()] == pytest.approx(adjust(alone, "holm"), rel=1e-9)


def test_frames_of_every_library_give_the_same_result(rng):
    reference, batch = mixed(rng, 600), mixed(rng, 300, mean=0.4)
    result = ByColumn().fit(reference).detect(batch)
    libraries = [
        pd.DataFrame,
        lambda data: pd.DataFrame(data).convert_dtypes(),
        lambda data: pd.DataFrame(data).astype({"city": "category"}),
        pl.DataFrame,
        lambda data: pl.DataFrame(data, schema_overrides={"city": pl.Categorical}),
        pa.table,
        lambda data: np.array(list(data.values()), dtype=object).T,
    ]
    for read in libraries:
        own = ByColumn().fit(read(reference)).detect(read(batch))
        assert list(own.parts.values()) == list(result.parts.values())
        assert own.p_value == result.p_value
        assert ByColumn().fit(reference).detect(read(batch)) == result


def test_columns_choose_how_each_is_tested_and_others_are_not_looked_at(rng):
    codes = rng.integers(0, 5, 500)
    table = {"code": codes, "amount": rng.normal(size=500), "notes": [object()] * 500, "bad": [np.inf] * 500}
    detector = ByColumn(columns={"code": "categorical", "amount": KS(tolerance=0.5)}).fit(table)
    batch = {"code": codes[:100] * 0, "amount": rng.normal(1, 1, 100)}
    result = detector.detect(batch)
    assert list(result.parts) == ["code", "amount"]
    expected = ChiSquared().fit({"code": codes}).detect({"code": batch["code"]})
    assert result.parts["code"].score == expected.score
    assert result.drifted == ("code",)
    assert result.parts["amount"].tolerance == 0.5
    assert detector.detect(batch | {"notes": [[1]] * 100, "new": ["x"] * 100}) == result
    with pytest.raises(SchemaError, match="column 'amount' missing"):
        detector.detect({"code": batch["code"]})
    with pytest.raises(SchemaError, match="4 columns, as in fit, got 2"):
        detector.detect(np.zeros((5, 2)))


def test_columns_of_a_bare_array_are_chosen_by_position(rng):
    reference, batch = rng.normal(size=(500, 3)), rng.normal(size=(200, 3))
    batch[:, 0] += 5.0
    detector = ByColumn(columns={"1": "numeric", "2": "numeric"}).fit(reference)
    assert not detector.detect(batch)
    batch[:, 2] += 1.0
    assert detector.detect(batch).drifted == ("2",)


def test_a_joint_detector_may_test_a_single_column(rng):
    table = {"amount": rng.normal(size=300), "city": rng.choice(["a", "b"], 300)}
    detector = ByColumn(columns={"amount": MMD(n_permutations=199), "city": "categorical"}).fit(table)
    result = detector.detect({"amount": rng.normal(0, 3, 200), "city": rng.choice(["a", "b"], 200)})
    assert result.drifted == ("amount",)
    gappy = rng.normal(size=200)
    gappy[:50] = np.nan
    missing = detector.detect({"amount": gappy, "city": rng.choice(["a", "b"], 200)})
    assert missing.parts["amount"].drifted == ("missing",)
    assert missing.parts["amount"].score == missing.parts["amount"].parts["values"].score


def test_the_given_detectors_are_copied_and_their_own_alpha_is_not_used(rng):
    inner = KS(alpha=0.9, correction=None, tolerance=0.0)
    detector = ByColumn(numeric=inner, alpha=0.01)
    reference, batch = rng.normal(size=(400, 5)), rng.normal(size=(400, 5))
    result = detector.fit(reference).detect(batch)
    assert not hasattr(inner, "reference_")
    assert all(part.alpha == 0.01 for part in (result, *result.parts.values()))
    assert all(part.tolerance == 0.0 for part in result.parts.values())
    plain = KS(alpha=0.01, tolerance=0.0).fit(reference).detect(batch)
    assert result.parts == plain.parts
    inner.set_params(tolerance=0.9)
    assert detector.detect(batch) == result


def test_a_column_without_known_values_is_waited_for(rng):
    reference = {"x": rng.normal(size=300), "later": [None] * 300}
    detector = ByColumn().fit(reference)
    assert detector.detect({"x": rng.normal(size=200), "later": [None] * 200}).state is DriftState.UNDECIDED
    for values in (["a"] * 200, [1.5] * 200):
        result = detector.detect({"x": rng.normal(size=200), "later": values})
        assert result.parts["later"].drifted == ("missing",)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"numeric": "KS"}, "numeric must be a batch detector for one column, such as KS"),
        ({"numeric": KS}, "numeric must be a batch detector"),
        ({"categorical": ByColumn()}, "categorical must be a batch detector for one column"),
        ({"columns": ["a"]}, "columns must be a mapping of column names"),
        ({"columns": {}}, "columns must name at least one column, got none; None is every column"),
        ({"columns": {"a": "text"}}, r"columns\['a'\] must be one of 'numeric', 'categorical', got '?text"),
        ({"columns": {"a": 3}}, r"columns\['a'\] must be a batch detector"),
        ({"columns": {"a": None}}, r"columns\['a'\] must be a batch detector"),
        ({"numeric": KS(tolerance=-1)}, "tolerance must be finite and at least 0"),
    ],
)
def test_impossible_settings_are_refused_at_fit(settings, words):
    with pytest.raises(InvalidParameterError, match=words):
        ByColumn(**settings).fit({"a": [1, 2]})


def test_a_chosen_column_that_is_not_there_is_named():
    with pytest.raises(SchemaError, match="column 'b'"):
        ByColumn(columns={"a": "numeric", "b": "numeric"}).fit({"a": [1, 2]})


def test_text_chosen_as_numeric_is_refused_by_name():
    with pytest.raises(InvalidInputError, match="column 'a' must hold numbers"):
        ByColumn(columns={"a": "numeric"}).fit({"a": ["x", "y"]})


def test_it_clones_prints_and_pickles(rng):
    detector = ByColumn(numeric=KS(tolerance=0.1), columns={"a": "numeric", "b": ChiSquared()}, alpha=0.01)
    assert repr(clone(detector)) == repr(detector)
    assert detector.get_params()["numeric__tolerance"] == 0.1
    table = {"a": rng.normal(size=50), "b": ["x", "y"] * 25}
    fitted = detector.fit(table)
    assert not hasattr(clone(fitted), "reference_")
    assert pickle.loads(pickle.dumps(fitted)).detect(table) == fitted.detect(table)
