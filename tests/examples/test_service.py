"""The service that gets its labels late notices, waits until it can learn, and learns."""

import re
import runpy
from pathlib import Path

import pytest

SERVICE = Path(__file__).resolve().parents[2] / "examples" / "service.py"


@pytest.fixture(scope="module")
def run():
    """The printed lines, and the names at the end."""
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda *words: lines.append(" ".join(map(str, words))))
        names = runpy.run_path(str(SERVICE), run_name="__main__")
    return lines, names


def first(lines, what):
    """Return the request at which the first line of a kind was printed."""
    return next(int(re.match(r"request (\d+): ", line)[1]) for line in lines if what in line)


def test_the_amounts_move_first_then_the_errors_and_the_training_waits_for_enough_labels(run):
    lines, names = run
    moved, worse, better = (first(lines, what) for what in ("amount: drift", "errors: drift", "promote: "))
    assert names["CHANGE"] <= moved < names["CHANGE"] + 200
    assert moved < worse < names["CHANGE"] + 2_000
    assert better > moved + names["recent"].size  # a label in ten never comes


def test_every_request_is_accounted_for(run):
    _, names = run
    counts = names["pending"].counts
    assert counts["answered"] + len(names["pending"]) == names["REQUESTS"]
    assert counts["unknown"] == counts["repeated"] == counts["late"] == 0


def test_the_model_that_serves_at_the_end_reads_the_changed_world(run):
    _, names = run
    first_model, rows = (
        names["trained"](names["past"][:5_000]),
        [names["request"](30_000) for _ in range(2_000)],
    )
    before, after = (
        sum(model.predict_one(x) == y for x, y in rows) / len(rows)
        for model in (first_model, names["champion"])
    )
    assert after > before + 0.1
