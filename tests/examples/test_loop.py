"""The forty lines run as they stand, and decide as a person would."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

LOOP = Path(__file__).resolve().parents[2] / "examples" / "loop.py"


@pytest.fixture(scope="module")
def run():
    """The printed lines, and the names at the end."""
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lines.append)
        names = runpy.run_path(str(LOOP))
    return lines, names


def test_forty_lines_are_forty_lines():
    assert len(LOOP.read_text(encoding="utf-8").splitlines()) <= 40


def test_a_faded_lamp_is_drift_without_harm(run):
    lines, _ = run
    faded = [line for line in lines if re.match(r"row (8|9|10|11)00", line)]
    assert len(faded) == 4
    assert all("drift; wait: " in line for line in faded)


def test_a_turned_scanner_asks_for_training_but_not_for_a_challenger_that_never_saw_it(run):
    lines, _ = run
    first = next(number for number, line in enumerate(lines) if "retrain: " in line)
    assert lines[first].startswith("row 1200: drift; retrain: ")
    assert lines[first + 1].strip().startswith("continue: ")
    assert lines[first + 2].startswith("row 1300: drift; retrain: ")
    assert lines[first + 3].strip().startswith("promote: ")


def test_the_model_that_serves_at_the_end_reads_what_the_first_one_could_not(run):
    _, names = run
    X, y = names["X"][1700:], names["y"][1700:]
    from sklearn.linear_model import LogisticRegression

    first = LogisticRegression(C=0.01, max_iter=1000).fit(names["X"][:500], names["y"][:500])
    assert np.mean(first.predict(X) == y) < 0.5
    assert np.mean(names["champion"].predict(X) == y) > 0.75
