"""The record for other tools: frames, model cards, training runs and the fingerprints of their rows."""

import io
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.ledger import Ledger, TrainingRun, fingerprint, read_json_lines
from contlearn.results import Decision, Interval, Outcome, Verdict
from contlearn.windows import SlidingWindow

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def ledger():
    ledger = Ledger()
    ledger.promote("1", at=NOON, reason="the first")
    ledger.evidence(now=NOON + DAY, n_labels=800)
    ledger.record(Decision(True, "loss rose by 0.03"))
    ledger.record(
        TrainingRun(
            "2",
            NOON + DAY,
            900,
            rows=fingerprint([1, 2]),
            curation={"method": "jtt", "factor": 5},
            seeds={"model": 0},
            hyperparameters={"max_depth": 3, "criterion": "a|b"},
            seconds=1.5,
            peak_bytes=10**6,
        )
    )
    ledger.record(Verdict(Outcome.CONTINUE, "too few rows"), model_id="2")
    ledger.record(Verdict(Outcome.PROMOTE, "gain 0.02", Interval(0.02, 0.01, 0.03, 0.9), 0.004))
    ledger.approve("2", by="ada", at=NOON + DAY, granted=False, reason="<b>wait</b>")
    ledger.approve("2", by="ada", at=NOON + 2 * DAY)
    ledger.promote("2", at=NOON + 2 * DAY)
    ledger.promote("3", at=NOON + 3 * DAY, reason="by hand")
    ledger.rollback(at=NOON + 4 * DAY, reason="3 was slow")
    return ledger


def test_a_model_card_tells_the_whole_story_of_a_model(ledger):
    card = ledger.model_card("2")
    for words in (
        "## Model 2",
        "n_rows | 900",
        "curation: factor | 5",
        "hyperparameters: max_depth | 3",
        "a\\|b",
        "peak_bytes | 1000000",
        "loss rose by 0.03",
        "| continue |",
        "| promote | 0.02 [0.01, 0.03] (90 %) | 0.004 | gain 0.02 |",
        "refused by ada: &lt;b>wait",
        "approved by ada",
        "2024-03-03T12:00:00+00:00 to 2024-03-04T12:00:00+00:00, promoted: gain 0.02",
        "2024-03-05T12:00:00+00:00 to now, put back by a rollback: 3 was slow",
    ):
        assert words in card, words
    widths = [line.count(" | ") for line in card.splitlines() if line.startswith("| at")]
    assert widths == [4]
    assert "by hand" not in card
    assert ledger.model_card("1").count("Nothing is on record.") == 4
    with pytest.raises(InvalidInputError, match="be in the ledger"):
        ledger.model_card("4")


@pytest.mark.parametrize(("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_a_frame_has_a_row_for_every_entry(ledger, library, kind):
    frame = ledger.to_frame(library)
    assert type(frame) is kind
    assert list(frame.columns) == ["id", "kind", "at", "model_id", "said", "text", "digest"]
    assert list(frame["id"]) == list(range(1, len(ledger) + 1))
    assert list(frame["digest"]) == [entry.digest for entry in ledger.history()]
    assert list(frame["said"])[:2] == ["the first", "retrain: loss rose by 0.03"]
    assert list(Ledger().to_frame(library).columns) == list(frame.columns)
    with pytest.raises(InvalidParameterError, match="library"):
        ledger.to_frame("dask")


def test_lines_go_to_a_path_a_file_or_back(ledger, tmp_path):
    text = ledger.to_json_lines()
    assert ledger.to_json_lines(tmp_path / "a.jsonl") is None
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8") == text
    target = io.StringIO()
    ledger.to_json_lines(target)
    assert target.getvalue() == text
    assert read_json_lines(io.StringIO(text), ledger.head)[1:] == ledger.history()


def test_a_training_run_keeps_what_can_be_read_again():
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(max_depth=np.int64(3))
    settings = {**model.get_params(), "inner": model, "grid": [1, (2, 3)], "deep": {"a": np.float32(0.5)}}
    run = TrainingRun("2", hyperparameters=settings, seeds={"model": np.int64(7)}, peak_bytes=np.int64(9))
    settings["grid"].append(4)
    assert run.hyperparameters["max_depth"] == 3
    assert run.hyperparameters["inner"] == repr(model)
    assert run.hyperparameters["grid"] == (1, (2, 3))
    ledger = Ledger()
    ledger.record(run)
    assert ledger.history(model_id="2")[0].answer == run
    assert hash(run) == hash(ledger.history()[0].answer)
    for wrong in ({"model_id": ""}, {"model_id": "2", "seeds": [1]}, {"model_id": "2", "n_rows": 0.5}):
        with pytest.raises(InvalidParameterError):
            TrainingRun(**wrong)


TABLE = {"amount": [1.0, 2.5, np.nan], "n": [1, 2, 3], "city": ["a", None, "ü"]}


def test_the_same_rows_have_the_same_fingerprint_however_they_lie_in_memory():
    X = np.arange(12.0).reshape(4, 3)
    same = [X, np.asfortranarray(X), X.astype(">f8"), np.repeat(X, 2, axis=0)[::2]]
    assert len({fingerprint(each) for each in same}) == 1
    frame = pd.DataFrame(TABLE)
    assert fingerprint(frame) == fingerprint(frame.set_axis([7, 8, 9])) == fingerprint(frame.copy())
    for make in (pd.DataFrame, pl.DataFrame, pa.table):
        again, other = make(TABLE), make({**TABLE, "n": [1, 2, 4]})
        assert fingerprint(again) == fingerprint(make(TABLE)) != fingerprint(other)
    window = SlidingWindow(4)
    window.extend(X)
    assert fingerprint(window.rows()) == fingerprint(X)


def test_other_rows_have_other_fingerprints():
    X = np.arange(6.0)
    different = [
        X,
        X[::-1],
        X.reshape(2, 3),
        X.reshape(3, 2),
        X.astype("f4"),
        X.astype(int),
        list(X),
        [list(X)],
        [],
        [[]],
        [[], []],
        {"a": X},
        {"b": X},
        {"a": X, "b": X},
        {"b": X, "a": X},
        ["ab"],
        ["a", "b"],
        [b"ab"],
        ["1"],
        [1],
        [1.0],
        [True],
        [None],
        [NOON],
        [NOON.isoformat()],
        [DAY],
        [{"a": 1}],
        X.astype(str),
        X.astype("M8[s]"),
        X.astype("M8[D]"),
        [nested()],
    ]
    prints = [fingerprint(each) for each in different]
    assert len(set(prints)) == len(prints)
    with pytest.raises(InvalidInputError, match="rows must hold"):
        fingerprint([object()])


def nested():
    return {"is": [1, {"deep": (2, "x")}]}


def test_a_fingerprint_is_the_same_in_every_process():
    rows = "[{'a', 'b', 'c'}, 1.5, 'ü', {'x': None}]"
    script = f"from contlearn.ledger import fingerprint; print(fingerprint({rows}))"
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("1", "2")
    ]
    expected = fingerprint([{"a", "b", "c"}, 1.5, "ü", {"x": None}])
    assert [run.stdout.strip() for run in runs] == [expected] * 2
    assert fingerprint([1, 2.5, "a"]) == "4436ec98657d0951b5a1c4269c29eb57ce7ff6d24a2f64621c8a004e369536bb"
    assert fingerprint(np.arange(3)) == fingerprint(np.arange(3, dtype=">i8"))
