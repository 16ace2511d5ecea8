"""Zones of pytz, which frames of pandas before 3 have, come back as they were."""

import datetime as dt
import json
import sys

import numpy as np
import pandas as pd
import pytest

from contlearn.exceptions import PersistenceError
from contlearn.persistence import dump, load
from contlearn.windows import PendingLabels, SlidingWindow

NAMES = ["Europe/Paris", "UTC", "America/St_Johns", "Etc/GMT+3"]


def there_and_back(value):
    return load(json.loads(json.dumps(dump(value), allow_nan=False)))


@pytest.fixture
def pytz():
    return pytest.importorskip("pytz")


def frame(zone):
    times = pd.date_range("2024-10-26 22:30", periods=6, freq="h", tz="UTC").tz_convert(zone)
    found = pd.DataFrame({"time": times, "n": np.arange(6)}, index=times)
    found.loc[found.index[2], "time"] = pd.NaT
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_with_a_zone_by_name_comes_back(name):
    before = frame(name)
    window = SlidingWindow(10)
    window.extend(before)
    again = there_and_back(window)
    pd.testing.assert_frame_equal(again.rows(), before, check_freq=False)
    again.extend(before)  # and takes rows of the same kind
    assert len(again) == 10


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_with_a_zone_of_pytz_comes_back(pytz, name):
    before = frame(pytz.timezone(name))
    window = SlidingWindow(10)
    window.extend(before)
    again = there_and_back(window)
    pd.testing.assert_frame_equal(again.rows(), before, check_freq=False)
    again.extend(before)


def test_a_frame_with_a_fixed_offset_of_pytz_comes_back(pytz):
    before = frame(pytz.FixedOffset(90))
    window = SlidingWindow(10)
    window.extend(before)
    pd.testing.assert_frame_equal(there_and_back(window).rows(), before, check_freq=False)


@pytest.mark.parametrize("name", NAMES)
def test_zones_of_pytz_come_back_as_the_same_object(pytz, name):
    assert there_and_back(pytz.timezone(name)) is pytz.timezone(name)


def test_times_come_back_with_the_offset_that_they_had(pytz):
    paris = pytz.timezone("Europe/Paris")
    for before in (
        paris.localize(dt.datetime(2024, 1, 1, 12)),
        paris.localize(dt.datetime(2024, 7, 1, 12, 30, 1, 5)),
        paris.localize(dt.datetime(2024, 10, 27, 2, 30), is_dst=True),
        paris.localize(dt.datetime(2024, 10, 27, 2, 30), is_dst=False),
        dt.datetime(2024, 1, 1, tzinfo=paris),  # nine minutes ahead, as in 1890
        dt.datetime(2024, 1, 1, tzinfo=pytz.utc),
        dt.datetime(2024, 1, 1, tzinfo=pytz.FixedOffset(-330)),
    ):
        again = there_and_back(before)
        assert (str(again), again.tzinfo) == (str(before), before.tzinfo)


def test_a_clock_in_a_zone_of_pytz_comes_back(pytz):
    before = dt.time(12, 30, tzinfo=pytz.timezone("Europe/Paris"))
    assert there_and_back(before).tzinfo is before.tzinfo


def test_windows_over_times_of_pytz_go_on(pytz):
    paris = pytz.timezone("Europe/Paris")
    pending = PendingLabels(5, max_age=dt.timedelta(days=1))
    pending.put("a", 1, at=paris.localize(dt.datetime(2024, 1, 1)))
    again = there_and_back(pending)
    again.put("b", 1, at=paris.localize(dt.datetime(2024, 1, 1, 1)))
    assert again.counts == pending.counts or len(again) == 2


def test_without_pytz_zones_are_those_of_python(pytz, monkeypatch):
    paris = pytz.timezone("Europe/Paris")
    late = paris.localize(dt.datetime(2024, 10, 27, 2, 30), is_dst=False)  # the second half past two
    written, minutes = [dump(paris), dump(late)], dump(pytz.FixedOffset(90))
    monkeypatch.setitem(sys.modules, "pytz", None)
    zone, time = map(load, written)
    assert (zone.key, time.isoformat()) == ("Europe/Paris", "2024-10-27T02:30:00+01:00")
    assert load(minutes) == dt.timezone(dt.timedelta(minutes=90))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "No/Where", "", 10**9, 1440, None, 1.5, True]
)
def test_a_forged_zone_is_refused(name):
    data = dump(dt.UTC)
    data["value"] = {"timezone": {"pytz": name}}
    with pytest.raises(PersistenceError):
        load(data)
