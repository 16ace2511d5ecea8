"""A detector, a batch, and the recipes of `examples/partitions.py`, which these tests run for real."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contlearn.drift import ByColumn


def load_recipes():
    path = Path(__file__).parents[2] / "examples" / "partitions.py"
    spec = importlib.util.spec_from_file_location("partitions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def recipes():
    return load_recipes()


def table(seed, rows):
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=rows)
    amount[rng.random(rows) < 0.1] = np.nan
    return pd.DataFrame({"amount": amount, "city": rng.choice(["Oslo", "Rome", "Lima"], rows)})


@pytest.fixture(scope="session")
def detector():
    return ByColumn().fit(table(0, 4000))


@pytest.fixture(scope="session")
def batch():
    return table(1, 700)


@pytest.fixture(scope="session")
def partitions(batch):
    return [batch.iloc[:0], batch.iloc[500:], batch.iloc[:11], batch.iloc[11:500]]
