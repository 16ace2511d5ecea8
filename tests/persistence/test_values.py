"""Values of every kind come back as they were; what cannot is refused by its place."""

import datetime as dt
import inspect
import json
import math
import uuid
import zoneinfo
from collections import OrderedDict, deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from contlearn import drift, evaluation, gates, persistence, policies, windows
from contlearn.exceptions import ContlearnError, PersistenceError
from contlearn.persistence import _classes, _schemas, dump, load, restore, save


def there_and_back(value):
    return load(json.loads(json.dumps(dump(value), allow_nan=False)))


hashables = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=9)
    | st.complex_numbers(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
everything = st.recursive(
    hashables
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.uuids()
    | st.fractions()
    | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(hashables, inner, max_size=4)
        | st.tuples(inner)
        | st.sets(hashables, max_size=4)
        | st.builds(deque, st.lists(inner, max_size=3))
    ),
    max_leaves=20,
)


@given(everything)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_values_come_back_as_they_were(value):
    again = there_and_back(value)
    assert repr_of(again) == repr_of(value)


def repr_of(value):
    """Return a text that tells 1 from 1.0 and True, and does not depend on the order of a set."""
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__}{sorted(map(repr_of, value))}"
    if isinstance(value, dict):
        return f"{type(value).__name__}{[(repr_of(k), repr_of(v)) for k, v in value.items()]}"
    if isinstance(value, (list, tuple, deque)):
        return f"{type(value).__name__}{list(map(repr_of, value))}"
    return repr(value)


PARIS = zoneinfo.ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    "value",
    [
        -0.0,
        math.inf,
        -math.inf,
        5e-324,
        2**53,
        2**53 + 1,
        -(2**4000),
        "\ud800",
        "\x00",
        b"",
        bytearray(b"ab"),
        range(3, 90, 2),
        deque([1, 2], maxlen=2),
        OrderedDict(b=1, a=2),
        {True: 1, None: 2, 1.5: 3, (1, "a"): 4},
        Fraction(10**40, 3),
        Decimal("1.50"),
        Decimal("NaN"),
        uuid.UUID(int=7),
        dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=PARIS),
        dt.datetime(1, 1, 1),
        dt.time(3, 4, 5, 6, tzinfo=dt.UTC),
        dt.timezone(dt.timedelta(hours=-3, microseconds=1), "mine"),
        dt.UTC,
        dt.timedelta(-5, 3, 1),
        PARIS,
        np.float32(0.1),
        np.int8(-3),
        np.bool_(True),
        np.datetime64("2024-01-01", "25us"),
        np.timedelta64("NaT"),
        np.str_("text"),
        np.bytes_(b"x"),
        np.complex64(1 + 2j),
        np.dtype("<M8[ms]"),
        np.longdouble(1) / 3,
        evaluation.zero_one,
        evaluation.pinball(0.3),
        evaluation.as_loss(evaluation.brier),
    ],
    ids=lambda value: f"{type(value).__name__} {value!r:.30}".partition(" at ")[0],
)
def test_odd_values_come_back_as_they_were(value):
    again = there_and_back(value)
    assert type(again) is type(value)
    assert repr_of(again) == repr_of(value)
    assert getattr(again, "maxlen", None) == getattr(value, "maxlen", None)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12)[::2],
        np.array(5),
        np.empty((0, 4)),
        np.empty((3, 0)),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.array(["a", "longer", "\U0001f600"]),
        np.array([b"a\x00b"]),
        np.array(["2024", "NaT"], "M8[D]"),
        np.array([1, 2], "m8[ns]"),
        np.array([1 + 2j]),
        np.array([1.0, np.nan, -np.inf], np.float16),
        np.array([1, "a", None, (1, 2), [3]], dtype=object),
        np.array([[1, 2], [3, "x"]], dtype=object),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_arrays_come_back_as_they_were(tmp_path, array):
    for frozen in (False, True):
        array = array.copy(order="K")
        array.flags.writeable = not frozen
        save(array, tmp_path / "array.zip")
        for again in (there_and_back(array), restore(tmp_path / "array.zip")):
            assert (again.dtype, again.shape) == (array.dtype, array.shape)
            assert repr(again.tolist()) == repr(array.tolist())
            if array.dtype != object:
                assert again.tobytes("A") == array.tobytes("A")
            assert again.flags.writeable is not frozen
            assert again.flags.c_contiguous == array.flags.c_contiguous


def test_what_was_one_object_is_one_object_again():
    shared, array = [1], np.arange(3)
    again = there_and_back({"a": shared, "b": (shared, array), "c": array})
    assert again["a"] is again["b"][0]
    assert again["c"] is again["b"][1]
    again["a"].append(2)
    assert again["b"][0] == [1, 2]


def frames():
    dates = pd.date_range("2024-03-30", periods=4, tz="Europe/Paris")
    table = pd.DataFrame(
        {
            "x": [1.5, np.nan, 2.0, -0.0],
            "n": np.arange(4, dtype=np.int8),
            "b": [True, False] * 2,
            "t": dates,
            "d": dates.tz_localize(None),
            "s": ["a", None, "c", ""],
            "i": pd.array([1, None, 3, 4], dtype="Int64"),
            "c": pd.Categorical(["u", "v", None, "u"], categories=["v", "u"], ordered=True),
            "f": pd.array([0.5, None, 1, 2], dtype="Float32"),
            "o": pd.Series([1, "a", None, (1, 2)], dtype=object),
            "l": pd.to_timedelta([1, 2, 3, None], unit="s"),
        }
    )
    arrow = pa.table(
        {
            "i": pa.array([1, None, 3]),
            "s": pa.array(["x", None, "y"]),
            "b": pa.array([True, None, False]),
            "t": pa.array([dt.datetime(2024, 1, 1), None, None], pa.timestamp("us", "UTC")),
            "d": pa.array([dt.date(2024, 1, 1), None, None]),
            "l": pa.array([5, None, 6], pa.duration("s")),
            "k": pa.array(["a", None, "b"]).dictionary_encode(),
            "f": pa.array([1.5, math.nan, None], pa.float32()),
        }
    )
    moment = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    polars = pl.DataFrame(
        {
            "i": [1, None, 3],
            "s": ["x", None, "y"],
            "b": [True, None, False],
            "d": [dt.date(2024, 1, 1)] * 3,
            "t": [moment, None, moment],
            "l": [dt.timedelta(1)] * 3,
            "f": [1.5, math.nan, None],
            "c": pl.Series(["a", None, "b"], dtype=pl.Categorical),
            "h": [dt.time(3)] * 3,
            "e": pl.Series(["a", "b", None], dtype=pl.Enum(["b", "a"])),
            "u": pl.Series([1, 2, 3], dtype=pl.UInt8),
        }
    )
    return {
        "pandas": table,
        "pandas by date": table.set_index("d"),
        "pandas by name": table.set_index("s"),
        "no rows": table.iloc[:0],
        "numbered": pd.DataFrame(np.arange(6).reshape(3, 2)),
        "no columns": table[[]],
        "polars": polars,
        "no rows of polars": polars[:0],
        "arrow": arrow,
        "no rows of arrow": arrow[:0],
        "arrow in chunks": pa.concat_tables([arrow, arrow[1:]]),
    }


FRAMES = frames()


def same_frame(one, two):
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, two)
        return True
    if isinstance(one, pl.DataFrame):
        return one.schema == two.schema and one.equals(two)
    return one.schema.equals(two.schema, check_metadata=True) and repr(one.to_pydict()) == repr(
        two.to_pydict()
    )


@pytest.mark.parametrize("name", FRAMES)
def test_frames_come_back_as_they_were(name):
    assert same_frame(FRAMES[name], there_and_back(FRAMES[name]))


@pytest.mark.parametrize("name", ["pandas by date", "polars", "arrow"])
def test_windows_of_frames_go_on(name):
    window = windows.SlidingWindow(5)
    window.extend(FRAMES[name])
    again = there_and_back(window)
    for each in (window, again):
        each.extend(FRAMES[name])
    assert same_frame(window.rows(), again.rows())


# refusals -----------------------------------------------------------------------------------------------


class Mine:
    pass


class MyKS(drift.KS):
    pass


def window_of(row):
    window = windows.SlidingWindow(9)
    window.extend([(0,), (1,), (2,), row])
    return window


def own_rule(evidence):
    raise NotImplementedError


def looped():
    row = [1]
    row.append(row)
    return row


REFUSED = {
    "an object": (
        lambda: window_of((1, Mine())),
        r"\[3\]\[1\] must .*, got an object of .*Mine; use numbers",
    ),
    "a function": (
        lambda: policies.OnDrift() & own_rule,
        r"\.parts\[1\] must .* got the function own_rule; make",
    ),
    "a lambda": (
        lambda: evaluation.Prequential(lambda y, p: y),
        r"Prequential\.loss must .* got the function <lambda>",
    ),
    "a model": (
        lambda: drift.DomainClassifier(LogisticRegression()),
        r"DomainClassifier\.\w+ must .* got a model, sklearn.*LogisticRegression; save models with",
    ),
    "a class of yours": (MyKS, "the object must .* got a model, .*MyKS"),
    "a class": (lambda: [Mine], r"\[0\] must .* got the class Mine"),
    "what contains itself": (looped, "contains itself"),
    "records": (lambda: np.zeros(2, [("a", "f8")]), "an array of .*convert it to numbers"),
    "a deep row": (
        lambda: window_of(json.loads("[" * 200 + "]" * 200)),
        "more than 100 values inside each other",
    ),
    "huge integer": (lambda: 10**5000, "more than 4,000 digits"),
    "an odd column": (lambda: pl.DataFrame({"a": [[1]], "b": [1]}), r"\.a must .* a column of List"),
    "an odd column of pandas": (lambda: pd.DataFrame({"p": pd.period_range("2024", periods=2)}), r"\.p must"),
    "several levels": (lambda: pd.DataFrame({"a": [1]}, index=[[1], [2]]), "several levels"),
    "a matrix": (lambda: np.ma.array([1, 2], mask=[0, 1]), "an object of numpy"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_refused_by_its_place(tmp_path, name):
    make, words = REFUSED[name]
    with pytest.raises(PersistenceError, match=words):
        dump(make())
    with pytest.raises(PersistenceError, match=words):
        save(make(), tmp_path / "never.zip")
    assert list(tmp_path.iterdir()) == []


def test_parameters_that_can_never_work_are_refused_again():
    document = json.loads(json.dumps(dump(drift.KS(alpha=0.025).fit([1.0, 2.0, 3.0]))).replace("0.025", "7"))
    with pytest.raises(PersistenceError, match="alpha must be strictly between 0 and 1, got 7"):
        load(document)
    document = json.loads(json.dumps(dump(drift.RiskDetector(limit=0.125))).replace("0.125", '"x"'))
    with pytest.raises(PersistenceError):
        load(document)


@pytest.mark.parametrize("given", [None, 3, [], {}, {"format": "contlearn"}, "text", {"value": 1}])
def test_what_dump_has_not_written_is_refused(given):
    with pytest.raises(PersistenceError):
        load(given)


def test_load_does_not_change_what_it_is_given():
    document = dump(window_of((9,)))
    before = json.dumps(document)
    load(document).append((10,))
    assert json.dumps(document) == before


# the closed list ----------------------------------------------------------------------------------------

# Their fields are code or models of the user's.
NOT_WRITTEN = {"JTTClassifier"}


def public_classes():
    for package in (drift, evaluation, gates, policies, windows):
        for name in package.__all__:
            value = getattr(package, name)
            if (
                inspect.isclass(value)
                and not inspect.isabstract(value)
                and not issubclass(value, ContlearnError)
            ):
                yield pytest.param(value, id=name)


@pytest.mark.parametrize("cls", list(public_classes()))
def test_every_public_class_is_in_the_closed_list(cls):
    assert _classes.id_of(cls) or cls.__name__ in NOT_WRITTEN


@pytest.mark.parametrize("id_", list(_classes._EVERY))
def test_every_id_has_a_home_of_its_own(id_):
    found = _classes.named(id_)
    assert _classes.id_of(found) == id_


def test_older_schemas_are_taken_step_by_step(monkeypatch):
    """A document of schema 1, read by a contlearn whose schema is 3."""
    document = dump(window_of((9,)))

    def renamed(old):
        return old | {"schema": 2, "content": old["value"]}

    def again(old):
        return {**old, "schema": 3, "value": old["content"]}

    monkeypatch.setattr(_schemas, "SCHEMA", 3)
    monkeypatch.setattr(_schemas, "MIGRATIONS", {1: renamed, 2: again})
    assert load(document).rows() == [(0,), (1,), (2,), (9,)]
    with pytest.raises(PersistenceError, match="up to 3, got 4"):
        load(document | {"schema": 4})


def test_every_schema_has_its_step():
    assert set(_schemas.MIGRATIONS) == set(range(1, _schemas.SCHEMA))
    assert set(persistence.__all__) == {"dump", "load", "save", "restore"}
