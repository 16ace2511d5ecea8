"""The examples as modules: they import each other by name, as they do when run as scripts."""

import importlib
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def example():
    """Return a function that imports a module of the folder `examples`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        before = set(sys.modules)
        yield importlib.import_module
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(EXAMPLES)):
                del sys.modules[name]


@pytest.fixture(scope="session")
def data(example):
    return example("_flights_data")


@pytest.fixture(scope="session")
def tables(data):
    return data.read_tables()


@pytest.fixture(scope="session")
def flights(data, tables):
    return data.prepare(*tables)
