"""Detectors that learn from mixed tables: a frame of any library has the answers of a dict of its columns."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from contlearn.drift import ConditionalDrift, DomainClassifier


def mixed(rows, shift):
    rng = np.random.default_rng(rows)
    plan = np.array(["free", "paid", "trial"], dtype=object)[rng.choice(3, rows, p=[0.7, 0.2, 0.1])]
    return {"amount": rng.normal(shift, 1, rows), "items": rng.poisson(1 + (plan == "paid")), "plan": plan}


def arrow(table, kind):
    columns = {name: pa.array(values) for name, values in table.items()}
    return pa.table({**columns, "plan": columns["plan"].cast(kind) if kind else columns["plan"]})


FRAMES = {
    "pandas str": lambda table: pd.DataFrame(table).astype({"plan": str}),
    "pandas string": lambda table: pd.DataFrame(table).astype({"plan": "string"}),
    "pandas object": lambda table: pd.DataFrame(table).astype({"plan": object}),
    "pandas category": lambda table: pd.DataFrame(table).astype({"plan": "category"}),
    "polars text": lambda table: pl.DataFrame({**table, "plan": table["plan"].tolist()}),
    "polars category": lambda table: pl.DataFrame(table).with_columns(pl.col("plan").cast(pl.Categorical)),
    "polars enum": lambda table: pl.DataFrame(table).with_columns(
        pl.col("plan").cast(pl.Enum(["trial", "free", "paid"]))
    ),
    "arrow text": lambda table: arrow(table, None),
    "arrow dictionary": lambda table: arrow(table, pa.dictionary(pa.int32(), pa.string())),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("most", [10_000, 150], ids=["all rows", "some rows"])
def test_a_classifier_says_of_a_frame_what_it_says_of_its_columns(frame, most):
    reference, batch = mixed(400, 0.0), mixed(200, 0.8)

    def asked(read):
        estimator = DecisionTreeClassifier(max_depth=3)
        detector = DomainClassifier(estimator, max_rows=most).fit(read(reference))
        new = read(batch)
        return detector.detect(new), detector.column_importances(new), detector.foreignness(new).tolist()

    of_columns, of_frame = asked(dict), asked(frame)
    assert of_frame == of_columns
    assert of_frame[0].detected


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_sources_of_a_frame_are_those_of_its_columns(frame):
    reference, batch = mixed(800, 0.0), mixed(300, 0.8)

    def asked(read):
        detector = ConditionalDrift(classifier=LogisticRegression()).fit(read(reference))
        new = read(batch)
        return detector.detect(new), detector.detect(detector.summarize(new))

    of_columns, of_frame = asked(dict), asked(frame)
    assert of_frame == of_columns
    assert of_frame[0].detected
