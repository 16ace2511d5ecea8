"""Rows with names are read by them, whatever detector takes them, and many of them are one after another."""

from __future__ import annotations

import pickle
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest

from contlearn.drift import ByColumn, DistributionDetector, Latched, OnlineMMD, Pooled, RiskDetector, Windowed
from contlearn.exceptions import ContlearnError, SchemaError

RNG = np.random.default_rng(0)
NAMES = ("low", "high")
REFERENCE = {"low": RNG.uniform(size=400), "high": RNG.uniform(5.0, 6.0, size=400)}
STREAM = {"low": RNG.uniform(size=300), "high": RNG.uniform(5.0, 6.0, size=300)}

DETECTORS = {
    "OnlineMMD": lambda: OnlineMMD(run_length=1000, window=20, warm_up=100, n_features=32),
    "DistributionDetector": lambda: DistributionDetector(run_length=5000, warm_up=100),
    "Windowed": lambda: Windowed(ByColumn(alpha=0.001), 30),
    "Pooled": lambda: Pooled({name: DistributionDetector(run_length=5000, warm_up=100) for name in NAMES}),
}
Turned = namedtuple("Turned", ["high", "low"])
RECORD = np.dtype([("high", "f8"), ("low", "f8")])
FORMS = {
    "dictionary": lambda low, high: {"high": high, "low": low},
    "pandas row": lambda low, high: pd.Series({"high": high, "low": low}),
    "named tuple": lambda low, high: Turned(high, low),
    "record": lambda low, high: np.array([(high, low)], dtype=RECORD)[0],
    "record without dimensions": lambda low, high: np.array((high, low), dtype=RECORD),
}

parametrized = pytest.mark.parametrize
all_detectors = parametrized("make", DETECTORS.values(), ids=DETECTORS)
all_forms = parametrized("form", FORMS.values(), ids=FORMS)


def in_form(form, columns=STREAM):
    return [form(low, high) for low, high in zip(columns["low"], columns["high"], strict=True)]


def by_one(detector, rows):
    alarms = []
    for position, row in enumerate(rows):
        detector.update(row)
        if detector.drift_detected:
            alarms.append(position)
    return alarms


@all_detectors
@all_forms
@parametrized("given", [REFERENCE, pd.DataFrame(REFERENCE)], ids=["columns", "frame"])
def test_a_row_in_another_order_is_the_same_row(make, form, given):
    expected = make().fit(given)
    alarms = expected.update_many(STREAM)
    turned = make().fit(given)
    assert by_one(turned, in_form(form)) == alarms
    assert len(alarms) < 4
    assert turned.result == expected.result
    together = make().fit(given)
    assert together.update_many(in_form(form)) == alarms
    assert together.result == expected.result


@parametrized("make", [DETECTORS[name] for name in DETECTORS if name != "Windowed"])
@all_forms
def test_names_are_learned_from_the_first_row_of_a_warm_up(make, form):
    straight = [{"low": low, "high": high} for low, high in zip(*STREAM.values(), strict=True)]
    one, turned, many, mixed = make(), make(), make(), make()
    assert by_one(one, straight) == by_one(turned, [straight[0], *in_form(form)[1:]]) == []
    assert many.update_many(straight) == []
    assert by_one(mixed, straight[:50]) == mixed.update_many(in_form(form)[50:]) == []
    assert one.result == turned.result == many.result == mixed.result


@parametrized("make", [DETECTORS[name] for name in DETECTORS if name != "Pooled"])
def test_rows_in_another_order_do_alarm_where_they_have_no_names(make):
    rows = [(high, low) for low, high in zip(*STREAM.values(), strict=True)]
    assert by_one(make().fit(REFERENCE), rows)
    assert make().fit(REFERENCE).update_many(rows)


@all_detectors
@all_forms
def test_a_wrong_name_is_refused_by_name_and_no_value_is_told(make, form):
    detector = make().fit(REFERENCE)
    detector.update_many(STREAM)
    before = pickle.dumps(detector)
    row = form(0.123456, 5.123456)
    wrong = {name.replace("low", "los"): cell for name, cell in _cells(row).items()}
    bad = {
        dict: lambda: wrong,
        pd.Series: lambda: pd.Series(wrong),
        Turned: lambda: namedtuple("Wrong", wrong)(*wrong.values()),
    }.get(type(row), lambda: np.array(tuple(wrong.values()), dtype=[(name, "f8") for name in wrong]))()
    for give in (detector.update, lambda x: detector.update_many([x])):
        with pytest.raises(SchemaError, match=r"'lo[sw]'") as caught:
            give(bad)
        assert "123456" not in str(caught.value)
    assert pickle.dumps(detector) == before


def _cells(row):
    if isinstance(row, np.ndarray | np.void):
        return {name: float(row[name]) for name in row.dtype.names}
    return row._asdict() if isinstance(row, Turned) else dict(row)


@all_detectors
def test_a_pandas_row_with_a_name_twice_is_refused(make):
    row = pd.Series([0.5, 5.5, 5.5], index=["low", "high", "high"])
    with pytest.raises(SchemaError, match="'high' twice"):
        make().fit(REFERENCE).update(row)


@parametrized("make", [DETECTORS[name] for name in DETECTORS if name != "Pooled"])
@all_forms
def test_a_reference_without_names_takes_no_other_names(make, form):
    detector = make().fit(np.column_stack(list(REFERENCE.values())))
    for give in (detector.update, lambda x: detector.update_many([x])):
        with pytest.raises(SchemaError, match="fit a reference with names"):
            give(form(0.5, 5.5))
    turned = pd.DataFrame(np.column_stack(list(STREAM.values())))[[1, 0]]  # columns 0 and 1, as it has
    assert by_one(detector, [row for _, row in turned.iterrows()]) == []


@all_detectors
def test_rows_of_polars_are_rows_by_name(make):
    pl = pytest.importorskip("polars")
    detector = make().fit(REFERENCE)
    frame = pl.DataFrame({"high": STREAM["high"], "low": STREAM["low"]})
    assert by_one(detector, frame.iter_rows(named=True)) == []
    other = make().fit(REFERENCE)
    assert other.update_many(frame) == []
    assert other.result == detector.result


@all_detectors
def test_a_structured_array_is_a_table(make):
    records = np.array(list(zip(STREAM["high"], STREAM["low"], strict=True)), dtype=RECORD)
    detector, other = make().fit(REFERENCE), make().fit(REFERENCE)
    assert detector.update_many(records) == by_one(other, records) == []
    assert detector.result == other.result


BOOLEANS = {
    "list": ([0.5, True], [[0.5, True]]),
    "later list": ([0.5, True], [[0.5, 5.5], [0.5, True]]),
    "tuple": ((0.5, True), [(0.5, 5.5), (0.5, True)]),
    "dictionary": ({"low": 0.5, "high": True}, [{"low": 0.5, "high": 5.5}, {"low": 0.5, "high": True}]),
    "columns": ({"low": 0.5, "high": True}, {"low": [0.5, 0.5], "high": [5.5, True]}),
}


@parametrized("one", BOOLEANS)
@parametrized("name", [name for name in DETECTORS if name != "Pooled"])
def test_a_boolean_is_no_number_alone_or_among_many(name, one):
    detector = DETECTORS[name]().fit(REFERENCE)
    row, rows = BOOLEANS[one]
    before = pickle.dumps(detector)
    with pytest.raises(ContlearnError, match="bool"):
        detector.update(row)
    with pytest.raises(ContlearnError, match="bool"):
        detector.update_many(rows)
    assert pickle.dumps(detector) == before


def test_an_infinity_of_numpy_is_refused_by_its_name_and_not_by_a_warning():
    detector = DistributionDetector().fit(REFERENCE)
    with pytest.raises(ContlearnError, match="column 'low' of x must be finite"):
        detector.update({"low": np.float64("inf"), "high": 5.5})


def test_pooled_streams_that_are_tables_know_their_columns_by_name_through_the_warm_up():
    def pool():
        return Pooled({"table": DistributionDetector(500, warm_up=100), "risk": RiskDetector(0.5, 500)})

    rows = [{"low": low, "high": high} for low, high in zip(*STREAM.values(), strict=True)]
    turned = [rows[0], *in_form(FORMS["pandas row"])[1:]]
    alone = Pooled({"table": DistributionDetector(500, warm_up=100)})
    alone.update_many({"table": STREAM})
    pools = [pool() for _ in range(5)]
    by_one(pools[0], [{"table": row, "risk": 0.0} for row in rows])
    by_one(pools[1], [{"table": row, "risk": 0.0} for row in turned])
    pools[2].update_many({"table": rows, "risk": np.zeros(300)})
    pools[3].update_many({"table": STREAM, "risk": np.zeros(300)})
    pools[4].update_many({"table": turned[:30], "risk": np.zeros(30)})
    pools[4].update_many({"table": turned[30:], "risk": np.zeros(270)})
    for each in pools:
        assert each.result.parts["table"].score == alone.result.score > 0.0
        assert each.result == pools[0].result
        with pytest.raises(SchemaError, match=r"stream 'table'.*no 'low'"):
            each.update({"table": {"other": 0.5, "high": 5.5}})


@all_forms
def test_a_latched_detector_reads_rows_as_its_detector_does(form):
    one, many, alone = (Latched(DETECTORS["OnlineMMD"]()) for _ in range(3))
    for each in (one, many, alone):
        each.fit(REFERENCE)
    by_one(one, in_form(form))
    many.update_many(in_form(form))
    alone.update_many(STREAM)
    assert one.result == many.result == alone.result
