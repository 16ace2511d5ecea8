"""What somebody else wrote on purpose: refused when it is loaded, not where the object is used later."""

import base64
import copy
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import river.drift
import river.drift.binary

from contlearn import drift, windows
from contlearn.exceptions import InvalidParameterError, PersistenceError
from contlearn.persistence import _archive, _classes, _parts, dump, load, restore, save


def streams():
    x = np.random.default_rng(0).normal(size=400)
    table = {"a": x[:200].tolist(), "b": ["x", "y", None, "z"] * 50}
    found = {
        "risk": drift.RiskDetector(limit=0.1),
        "distribution": drift.DistributionDetector(run_length=500).fit(x[:200]),
        "table": drift.DistributionDetector(run_length=500).fit(table),
        "ranks": drift.RankCUSUM(run_length=500).fit(np.where(x > 1.8, np.nan, x)),
        "mmd": drift.OnlineMMD(run_length=500, window=20).fit(x[:200]),
        "over time": drift.OverTime(drift.KS()).fit(x[:200]),
        "windowed": drift.Windowed(drift.KS(), 30).fit(x[:200]),
        "latched": drift.Latched(drift.RankCUSUM(run_length=500).fit(x)),
        "page hinkley": drift.RiverDetector(river.drift.PageHinkley()),
        "hddm": drift.RiverDetector(river.drift.binary.HDDMW()),
    }
    for name, each in found.items():
        if name == "over time":
            each.update(x[200:300])
        elif name == "table":
            each.update_many([{"a": 0.5, "b": "x"}] * 20)
        else:
            each.update_many((x[200:277] > 1).astype(float))
    return found


STREAMS = streams()


def fields_of(node, found):
    """Collect the attributes of every object in a document."""
    if isinstance(node, dict):
        if "fields" in node:
            found.append(node["fields"])
        for each in node.values():
            fields_of(each, found)
    elif isinstance(node, list):
        for each in node:
            fields_of(each, found)
    return found


@pytest.mark.parametrize("name", STREAMS)
def test_no_attribute_can_be_left_out_or_renamed(name):
    document = dump(STREAMS[name])
    for place, fields in enumerate(fields_of(document, [])):
        for field in fields:
            for put_back in (False, True):
                twin = copy.deepcopy(document)
                value = fields_of(twin, [])[place].pop(field)
                if put_back:
                    fields_of(twin, [])[place][field + "x"] = value
                with pytest.raises(PersistenceError):
                    load(twin)


def parts_in(value, seen, found):
    if id(value) in seen:
        return
    seen[id(value)] = value
    id_ = _classes.id_of(type(value))
    if id_ in _classes.PARTS:
        found.setdefault(id_, []).append(vars(value))
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    for each in [*inside, *vars(value).values()] if hasattr(value, "__dict__") else inside:
        parts_in(each, seen, found)


def test_the_table_of_parts_has_the_attributes_that_parts_have():
    found = {}
    parts_in(list(STREAMS.values()), {}, found)
    assert found.keys() == _classes.PARTS.keys() == _parts.PARTS.keys()
    for id_, states in found.items():
        for state in states:
            assert state.keys() == _parts.PARTS[id_].keys(), id_


@pytest.mark.parametrize("learned", ["reference_", "rows_", "fingerprint_", "schema_", "n_features_in_"])
def test_what_a_batch_detector_has_learned_is_there_completely_or_not_at_all(learned):
    document = dump(drift.MMD(n_permutations=99).fit(np.arange(30.0)))
    del document["value"]["object"][1]["fields"][learned]
    with pytest.raises(PersistenceError, match=f"the attributes of MMD, got a difference in {learned}"):
        load(document)


def replaced(obj, old, new):
    text = json.dumps(dump(obj))
    assert old in text
    return json.loads(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("risk", "_limit"), ("ranks", "_limit"), ("mmd", "_warning_limit"), ("distribution", "_evidence")],
)
@pytest.mark.parametrize("forged", [{"float": "nan"}, {"float": "inf"}, 0, -1, None, "x"])
def test_a_limit_that_nothing_reaches_is_refused(name, attribute, forged):
    document = dump(STREAMS[name])
    document["value"]["object"][1]["fields"][attribute] = forged
    if attribute == "_evidence" and forged in (0, -1, {"float": "inf"}):
        return  # numbers that it may say, honest or not
    with pytest.raises(PersistenceError):
        load(document)


def test_a_bet_of_nan_is_refused():
    limit = '"object": ["stream.Side", {"tuple": [0.1'
    with pytest.raises(PersistenceError, match="NaN"):
        load(replaced(STREAMS["risk"], limit, limit[:-3] + '{"float": "nan"}'))


# rivers ---------------------------------------------------------------------------------------------------

RIVERS = {
    name: getattr(module, name)
    for module, names in (
        (river.drift, ("ADWIN", "DummyDriftDetector", "KSWIN", "NoDrift", "PageHinkley")),
        (river.drift.binary, river.drift.binary.__all__),
    )
    for name in names
}


@pytest.mark.parametrize("on_invalid", ["raise", "skip", "flag"])
@pytest.mark.parametrize("name", RIVERS)
def test_every_detector_of_river_goes_on(name, on_invalid):
    arguments = {"seed": 1} if name == "KSWIN" else {}
    values = [float(i % 3 == 0) for i in range(150)] + [1.0] * 150
    for taken in (0, 1, 149, 200, 299):
        detector = drift.RiverDetector(RIVERS[name](**arguments), on_invalid)
        detector.update_many(values[:taken])
        again = load(json.loads(json.dumps(dump(detector), allow_nan=False)))
        for each in (detector, again):
            if on_invalid != "raise":
                each.update(None)
        assert detector.update_many(values) == again.update_many(values)
        assert (detector.result, dump(detector)) == (again.result, dump(again))


@pytest.mark.parametrize(
    "forged",
    ["[]", "[0, 0]", "[true, 0.05, true]", "[0.0, 2.0, true]", '["x", 0.05, true]', "[0.1, 0.05, 1]"],
)
def test_a_forged_weighted_mean_is_refused(forged):
    document = dump(STREAMS["hddm"])
    text = json.dumps(document)
    start = text.index('{"ewmean": ') + len('{"ewmean": ')
    with pytest.raises(PersistenceError):
        load(json.loads(text[:start] + forged + text[text.index("]", start) + 1 :]))


# compiled code --------------------------------------------------------------------------------------------


def array_of(values):
    data = base64.b64encode(values.tobytes()).decode()
    shape = list(values.shape)
    return {"dtype": values.dtype.str, "shape": shape, "fortran": False, "frozen": False, "data": data}


@pytest.mark.parametrize("frame", [pa.table({"a": [1, None, 3]}), pl.DataFrame({"a": [1, None, 3]})])
@pytest.mark.parametrize(
    "forged",
    [
        np.array(["a"] * 3),
        np.zeros(3, np.int8),
        np.zeros((3, 1), np.int64),
        np.zeros(3, "M8[ns]"),
        np.zeros(()),
    ],
    ids=str,
)
def test_columns_of_another_type_do_not_reach_compiled_code(frame, forged):
    document = dump(frame)
    for place in range(2):  # the values, and which of them are missing
        twin = copy.deepcopy(document)
        twin["arrays"][place] = array_of(forged)
        with pytest.raises(PersistenceError):
            load(twin)


@pytest.mark.parametrize("kind", [pl.Datetime("us"), pl.Datetime("ms"), pl.Date, pl.Time])
def test_a_moment_that_polars_cannot_print_is_refused(kind):
    document = dump(pl.DataFrame({"a": pl.Series([1, 2]).cast(kind)}))
    dtype = np.dtype(document["arrays"][0]["dtype"])
    document["arrays"][0] = array_of(np.array([0, np.iinfo(dtype).max], dtype))
    with pytest.raises(PersistenceError, match="dates and times"):
        load(document)


def changed_state(generator, change):
    document = dump(generator)
    change(fields_of(document, [])[0]["state"]["map"], document["arrays"])
    return document


def set_in(*path, to):
    def change(state, arrays):
        node = state
        for step in path[:-1]:
            node = node[step]["map"]
        node[path[-1]] = to

    return change


def set_array(values):
    return lambda state, arrays: arrays.__setitem__(0, array_of(values))


GENERATORS = {
    "MT19937 place": (np.random.MT19937, set_in("state", "pos", to=10**6)),
    "MT19937 negative place": (np.random.MT19937, set_in("state", "pos", to=-1)),
    "MT19937 short": (np.random.MT19937, set_array(np.zeros(3, np.uint32))),
    "MT19937 others": (np.random.MT19937, set_array(np.zeros(624))),
    "Philox place": (np.random.Philox, set_in("buffer_pos", to=400)),
    "Philox truth": (np.random.Philox, set_in("buffer_pos", to=True)),
    "Philox short": (np.random.Philox, set_array(np.zeros(1, np.uint64))),
    "SFC64 short": (np.random.SFC64, set_array(np.zeros(1, np.uint64))),
    "PCG64 text": (np.random.PCG64, set_in("state", "inc", to="x")),
    "PCG64 half": (np.random.PCG64, set_in("has_uint32", to=2)),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_forged_states_of_generators_are_refused(name):
    algorithm, change = GENERATORS[name]
    with pytest.raises(PersistenceError):
        load(changed_state(np.random.Generator(algorithm(1)), change))


def test_a_forged_state_of_an_old_generator_is_refused():
    document = dump(np.random.RandomState(1))
    text = json.dumps(document).replace('"pos": 624', '"pos": 6240000')
    with pytest.raises(PersistenceError):
        load(json.loads(text))


# time and memory ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [b'"' + b'\\"' * 500_000, b'"' * 999_999, b"[" + b'"' + b"\\" * 999_999], ids=["a", "b", "c"]
)
def test_a_text_without_an_end_takes_no_longer_than_another(text):
    with pytest.raises((PersistenceError, ValueError)):
        _archive.parsed(text)


def test_a_name_twice_is_refused():
    with pytest.raises(PersistenceError, match="each name once"):
        _archive.parsed(b'{"a": 1, "a": 2}')


@pytest.mark.parametrize("value", ["1e1000000", "-1E-1000000", "0e999999"])
def test_a_decimal_that_is_an_endless_integer_is_refused(value):
    document = dump(Decimal("1.50"))
    assert load(document) == Decimal("1.50")
    with pytest.raises(PersistenceError):
        dump(Decimal(value))
    with pytest.raises(PersistenceError):
        load({**document, "value": {"decimal": value}})


@pytest.mark.parametrize(
    "column",
    [["array", 0.5], ["array", {"range": ["0", "3", "1"]}], ["masked", 0, None, "Int64"], ["zoned", 0]],
)
def test_one_value_does_not_become_a_column(column):
    document = dump(pd.DataFrame({"a": [1.0, 2.0]}))
    text = json.dumps(document)
    start = text.index('{"tuple": ["array"')
    stop = text.index("}]}", start) + 3
    forged = json.loads(text[:start] + json.dumps({"tuple": column}) + text[stop:])
    with pytest.raises(PersistenceError):
        load(forged)
    long = json.loads(text.replace('["range", null, 0, 2, 1]', '["range", null, 0, 300000000, 1]'))
    with pytest.raises(PersistenceError):
        load(long)


def test_many_rows_without_columns_are_refused():
    text = json.dumps(dump(pd.DataFrame(index=range(2))))
    assert load(json.loads(text)).shape == (2, 0)
    with pytest.raises(PersistenceError):
        load(json.loads(text.replace("0, 2, 1]", "0, 1000000000000, 1]")))


# windows --------------------------------------------------------------------------------------------------


def test_forged_states_of_windows_are_refused():
    sample = windows.Reservoir(3, seed=1)
    sample.extend([(i,) for i in range(9)])
    pending = windows.PendingLabels(2, max_age=3)
    timed = windows.TimeWindow(10)
    for i in range(4):
        pending.put(("k", i), i, at=i)
        timed.append((i,), at=i)
    for obj, old, new in (
        (sample, '"seeds": [1]', '"seeds": [{"tuple": []}]'),
        (sample, '"seeds": [1]', f'"seeds": {list(range(2000))}'),
        (sample, '"n_seen": 9', '"n_seen": "x"'),
        (sample, '"n_seen": 9', '"n_seen": {"decimal": "1e3000"}'),
        (sample, '"has_uint32": 0', '"has_uint32": 7'),
        (pending, '"late"', '"never"'),
        (pending, '"evicted": 2', '"evicted": null'),
        (pending, '{"tuple": [2, 2]}', '{"tuple": [2]}'),
        (timed, "[0, 1, 2, 3]]", "[0, 3, 1, 2]]"),
        (timed, '"newest": 3', '"newest": "x"'),
        (timed, '"added": 4', '"more": 4'),
    ):
        with pytest.raises(PersistenceError):
            load(replaced(obj, old, new))


def test_gone_keys_as_pairs_are_refused():
    pending = windows.PendingLabels(2)
    document = dump(pending)
    fields = fields_of(document, [])
    state = document["value"]["object"][1]["map"] if not fields else fields[0]
    state["gone"] = {"tuple": [[], []]}
    with pytest.raises(PersistenceError):
        load(document)


# errors that name the file --------------------------------------------------------------------------------


def test_what_is_refused_names_the_file(tmp_path):
    path = tmp_path / "state.zip"
    path.write_bytes(b"short")
    with pytest.raises(PersistenceError, match=r"^what was saved in 'state\.zip' must hold a zip"):
        restore(path)
    save([1, 2], path)
    with pytest.raises(PersistenceError, match=r"'state\.zip' must hold at most 9 bytes"):
        restore(str(path), max_bytes=9)


def test_a_number_is_no_path():
    with pytest.raises(InvalidParameterError, match=r"path must be a string or a pathlib\.Path, got int"):
        restore(5)
