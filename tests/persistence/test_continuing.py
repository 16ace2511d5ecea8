"""Saved at any step, restored in a fresh process and continued: the same as never having stopped."""

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from contlearn import drift
from contlearn.persistence import dump, load, save

HERE = Path(__file__).parent


def load_journeys():
    spec = importlib.util.spec_from_file_location("contlearn_journeys", HERE / "journeys.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


journeys = load_journeys()
ALL = journeys.journeys() + journeys.others()


def interrupted(folder, draws, times):
    """Save every object at random steps; return the plan, and what each said and was afterwards."""
    plan, expected = [], []
    for name, make, way in ALL:
        for _ in range(times):
            step = draws.randrange(1, journeys.STEPS)
            obj = make()
            way(obj, 0, step)
            save(obj, folder / f"{len(plan)}.zip")
            plan.append([name, step])
            answers = way(obj, step, journeys.STEPS)
            expected.append([answers, json.dumps(dump(obj))])
    return plan, expected


def check_continued(folder, seed, times):
    plan, expected = interrupted(folder, random.Random(seed), times)
    (folder / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-W", "error", str(HERE / "journeys.py"), str(folder)]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    continued = json.loads((folder / "continued.json").read_text())
    for number, (name, step) in enumerate(plan):
        answers, state = continued[str(number)]
        assert answers == expected[number][0], (name, step)
        assert state == expected[number][1], (name, step)


def test_every_stateful_object_goes_on_as_if_it_had_never_stopped(tmp_path):
    check_continued(tmp_path, seed=0, times=1)


@pytest.mark.calibration
def test_at_many_steps_every_object_goes_on_as_if_it_had_never_stopped(tmp_path):
    check_continued(tmp_path, seed=1, times=10)


@pytest.mark.parametrize(("name", "make", "way"), ALL, ids=[name for name, *_ in ALL])
def test_saving_changes_nothing_and_comes_back_equal(name, make, way):
    step = random.Random(name).randrange(1, journeys.STEPS)
    obj = make()
    way(obj, 0, step)
    written = dump(obj)
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    again = load(written)
    assert type(again) is type(obj)
    assert dump(again) == written
    assert dump(obj) == written
    assert repr(again) == repr(obj)


@pytest.mark.parametrize("taken", range(90, 330, 24))
def test_a_remembered_alarm_is_written_as_by_an_object_that_was_never_stopped(taken):
    """Answers without parts share one empty mapping, which a restored answer has not."""
    losses = ([float(i % 9 == 0) for i in range(100)] + [1.0] * 100) * 2
    latched = drift.Latched(drift.RiskDetector(0.12), cool_down=20)
    latched.update_many(losses[:taken])
    again = load(dump(latched))
    for each in (latched, again):
        for loss in losses[taken:]:
            each.update(loss)
            if each.alarm is not None:
                each.resolve()
    assert json.dumps(dump(again)) == json.dumps(dump(latched))
