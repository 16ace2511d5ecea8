"""Files that earlier releases have written load for ever, and what was loaded goes on as it did then."""

import ast
import importlib.util
import json
import math
import re
import sys
from pathlib import Path

import pytest

from contlearn.persistence import restore

HERE = Path(__file__).parent


def load_maker():
    spec = importlib.util.spec_from_file_location("contlearn_golden", HERE / "make_golden.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = load_maker()
KEPT = maker.kept()
FILES = sorted((HERE / "golden").glob("*.zip"))
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


def test_there_is_a_golden_file_of_every_kind():
    assert {path.stem for path in FILES} == set(KEPT)


def without_new_fields(now, then):
    """Return an answer of today without the fields that answers did not have then."""
    if not then.startswith("{'retrain'"):
        return now
    return str(_as_far_as(ast.literal_eval(now), ast.literal_eval(then)))


def _as_far_as(now, then):
    if isinstance(then, dict):
        return {name: _as_far_as(now[name], value) for name, value in then.items()}
    if isinstance(then, list) and len(now) == len(then):
        return [_as_far_as(*pair) for pair in zip(now, then, strict=True)]
    return now


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_files_load_and_go_on_as_they_did(path):
    assert path.stat().st_size < 30_000
    _, way = KEPT[path.stem]
    answers = way(restore(path), maker.STEP, maker.END)
    expected = json.loads(path.with_suffix(".json").read_text())
    assert len(answers) == len(expected)
    for now, then in zip(answers, expected, strict=True):
        answer = without_new_fields(now, then)
        assert _NUMBER.sub("#", answer) == _NUMBER.sub("#", then)
        # the last digits of a p-value may differ with the release of numpy or scipy
        for one, two in zip(_NUMBER.findall(answer), _NUMBER.findall(then), strict=True):
            assert math.isclose(float(one), float(two), rel_tol=1e-9, abs_tol=1e-12)
