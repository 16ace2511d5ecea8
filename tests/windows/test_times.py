"""What counts as a time, and what becomes of rows that come out of order."""

import datetime as dt
import pickle
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contlearn.exceptions import InvalidInputError, InvalidParameterError
from contlearn.windows import PendingLabels, TimeWindow

HOUR = dt.timedelta(hours=1)
NOON = dt.datetime(2013, 1, 1, 12)
NEW_YORK = ZoneInfo("America/New_York")


def test_a_row_leaves_exactly_when_the_newest_is_a_duration_ahead():
    window = TimeWindow(HOUR)
    window.append("a", at=NOON)
    window.append("b", at=NOON + HOUR - dt.timedelta(microseconds=1))
    assert window.rows() == ["a", "b"]
    window.append("c", at=NOON + HOUR)
    assert window.rows() == ["b", "c"]


def test_a_row_may_come_late_by_exactly_the_allowed_lateness():
    window = TimeWindow(100, allowed_lateness=10)
    window.append("new", at=50)
    assert window.append("just", at=40) == "late"
    assert window.append("too late", at=39.999) == "dropped"
    assert window.append("again", at=40) == "late"
    assert window.append("same time", at=50) == "added"
    assert window.rows() == ["just", "again", "new", "same time"]
    assert window.counts == {"added": 2, "late": 2, "dropped": 1, "evicted": 0}


def test_a_row_outside_the_window_is_dropped_however_much_lateness_is_allowed():
    window = TimeWindow(10, allowed_lateness=1000)
    window.append("new", at=50)
    assert window.append("old", at=40) == "dropped"
    assert window.append("inside", at=40.5) == "late"
    assert window.rows() == ["inside", "new"]


def test_without_allowed_lateness_nothing_behind_the_newest_is_stored():
    window = TimeWindow(10)
    window.append("new", at=50)
    assert window.append("old", at=49.999) == "dropped"


def test_an_array_that_came_late_is_copied():
    window = TimeWindow(10, 10)
    row = np.zeros(2)
    window.append(row, at=5)
    window.append(row, at=3)
    row[:] = 7
    assert window.rows().tolist() == [[0, 0], [0, 0]]


def test_the_oldest_go_when_there_is_no_room():
    window = TimeWindow(100, 50, size=3)
    for at in (10, 30, 20, 40):
        window.append(at, at=at)
    assert window.rows() == [20, 30, 40]
    assert window.append("older than all", at=15) == "late"
    assert window.rows() == [20, 30, 40]
    assert window.counts["evicted"] == 2


def test_the_horizon_refuses_what_comes_from_the_future_and_expire_tells_of_a_gap():
    window = TimeWindow(10, horizon=100)
    window.append("a", at=0)
    before = pickle.dumps(window)
    with pytest.raises(InvalidInputError, match="at must be at most the horizon of 100 ahead"):
        window.append("bogus", at=100.5)
    with pytest.raises(InvalidInputError, match="position 1"):
        window.extend(["b", "bogus"], at=[90, 191])
    assert pickle.dumps(window) == before
    assert window.extend(["b", "c"], at=[90, 190]) == {"added": 2, "late": 0, "dropped": 0}
    assert window.expire(at=1000) == 1
    assert window.append("d", at=1050) == "added"
    # the horizon is counted from the newest time, not from the last
    assert TimeWindow(10, horizon=100).extend([1, 2, 3, 4], at=[0, 90, 5, 150])["added"] == 3


def test_expire_lets_old_rows_go_although_none_come():
    window = TimeWindow(10)
    window.extend(np.arange(5.0), at=range(5))
    assert window.expire(at=12) == 3
    assert window.expire(at=11) == 0
    assert window.rows().tolist() == [3.0, 4.0]
    assert window.append(np.float64(9), at=11) == "dropped"
    assert window.expire(at=100) == 2
    assert len(window) == 0


def test_expire_may_come_first():
    window = TimeWindow(10)
    assert window.expire(at=5) == 0
    assert window.append("early", at=4) == "dropped"


def test_the_first_row_of_all_may_come_late():
    window = TimeWindow(10, 5)
    window.expire(at=5)
    assert window.append(np.zeros(2), at=4) == "late"
    with pytest.raises(InvalidInputError, match="row must be an array"):
        window.append("another kind", at=5)
    assert window.append(np.ones(2), at=5) == "added"
    assert window.rows().tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    "times",
    [
        [NOON + i * HOUR for i in range(5)],
        [np.datetime64(NOON) + np.timedelta64(i, "h") for i in range(5)],
        [np.datetime64(NOON, "ns") + np.timedelta64(i, "h") for i in range(5)],
        list(pd.date_range(NOON, periods=5, freq="h")),
        [(NOON + i * HOUR).replace(tzinfo=dt.UTC) for i in range(5)],
        [(NOON + i * HOUR).replace(tzinfo=NEW_YORK) for i in range(5)],
        list(pd.date_range(NOON, periods=5, freq="h", tz="Europe/Berlin")),
    ],
)
@pytest.mark.parametrize("form", [list, np.array, pd.Series, pd.DatetimeIndex, pl.Series])
def test_all_ways_to_write_a_date_are_the_same_time(times, form):
    if form in (pl.Series, np.array) and isinstance(times[0], (pd.Timestamp, np.datetime64)):
        form = list
    for duration in (2 * HOUR, np.timedelta64(2, "h"), pd.Timedelta(hours=2)):
        window = TimeWindow(duration)
        for i, at in enumerate(times):
            assert window.append(i, at=at) == "added"
        assert window.rows() == [3, 4]
        block = TimeWindow(duration)
        many = form(times)
        assert block.extend(range(5), at=many)["added"] == 5
        assert block.rows() == [3, 4]
        assert block.append(5, at=times[-2]) == "dropped"


def test_the_clock_change_is_no_change_of_time():
    # in New York 01:30 came twice on 3 November 2013, an hour apart
    first = dt.datetime(2013, 11, 3, 1, 30, tzinfo=NEW_YORK)
    second = first.replace(fold=1)
    assert second - first == dt.timedelta(0), "python itself looks at the wall clock"
    window = TimeWindow(HOUR)
    window.append("first", at=first)
    window.append("second", at=second)
    assert window.rows() == ["second"]
    assert window.append("first again", at=first.astimezone(dt.UTC)) == "dropped"


def test_integers_are_exact_beyond_what_a_float_holds():
    start = 1_700_000_000_000_000_001
    for times in ([start, start + 1, start], np.array([start, start + 1, start])):
        window = TimeWindow(10)
        assert window.extend(["a", "b", "c"], at=times) == {"added": 2, "late": 0, "dropped": 1}
    window = TimeWindow(2**70, 2**70)
    assert window.extend(list(range(20)), at=[2**69 - i for i in range(20)])["late"] == 19
    assert window.rows() == list(range(19, -1, -1))


def test_nanoseconds_count():
    first = pd.Timestamp("2024-01-01 00:00:00.000000001")
    window = TimeWindow(pd.Timedelta(nanoseconds=2))
    window.append("a", at=first)
    assert window.append("b", at=first + pd.Timedelta(nanoseconds=1)) == "added"
    assert window.append("c", at=first) == "dropped"
    assert window.rows() == ["a", "b"]
    assert window.append("d", at=np.datetime64("2024-01-01 00:00:00.000000003")) == "added"
    assert window.rows() == ["b", "d"]


def test_integers_stay_exact_beside_floats():
    start = 2**60
    times = [0.5, *(start + i for i in range(10)), start + 8]
    window = TimeWindow(5)
    assert window.extend(range(12), at=times) == {"added": 11, "late": 0, "dropped": 1}
    assert window.rows() == [6, 7, 8, 9, 10]


@pytest.mark.parametrize("seed", range(150))
def test_blocks_are_taken_as_single_rows_are(seed):
    random = np.random.default_rng(seed)
    n = int(random.integers(20, 120))
    times = np.cumsum(random.choice([0, 0, 1, 1, 2, -1, -3, -5], n) * (random.random(n) < random.random()))
    size = int(random.choice([4, 10, 1000]))
    duration = int(random.integers(1, 9))
    one, many = (TimeWindow(duration, seed % 5, size) for _ in range(2))
    ids = random.integers(0, 5, n).tolist()
    for i, at in enumerate(times.tolist()):
        one.append(np.int64(i), ids[i], at=at)
    for block in np.array_split(np.arange(n), int(random.integers(1, 5))):
        many.extend(block, [ids[i] for i in block], at=times[block])
    assert many.counts == one.counts
    assert many.forget([3]) == one.forget([3])
    np.testing.assert_array_equal(many.rows(), one.rows())


@pytest.mark.parametrize(
    "early", [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31), np.datetime64("0001-01-01"), dt.date(1, 1, 1)]
)
def test_no_year_is_out_of_reach(early):
    window = TimeWindow(HOUR)
    assert window.append("a", at=early) == "added"
    assert window.extend(["b"], at=[early]) == {"added": 1, "late": 0, "dropped": 0}


@pytest.mark.parametrize(
    ("duration", "good", "bad", "message"),
    [
        (5, 0, float("nan"), "at must be finite, got nan"),
        (5, 0, float("inf"), "at must be finite, got inf"),
        (5, 0, True, "at must be a number, got True"),
        (5, 0, "12:00", "at must be"),
        (5, 0, None, "at must be"),
        (
            5,
            0,
            NOON,
            "at must be a number, got datetime.datetime(2013, 1, 1, 12, 0); give the length of time as",
        ),
        (
            HOUR,
            NOON,
            5,
            "at must be a datetime, as the length of time is a timedelta, got 5; give the length",
        ),
        (HOUR, NOON, pd.NaT, "at must be a time, got NaT"),
        (HOUR, NOON, np.datetime64("NaT", "s"), "at must be finite, got NaT at position 0"),
        (HOUR, NOON, NOON.replace(tzinfo=dt.UTC), "at must be without a time zone, as the times before it"),
        (
            HOUR,
            NOON.replace(tzinfo=dt.UTC),
            NOON,
            "at must be with a time zone, as the times before it, got one",
        ),
        (HOUR, NOON.replace(tzinfo=dt.UTC), np.datetime64(NOON), "convert all times to UTC"),
    ],
)
def test_a_time_that_cannot_be_compared_is_refused_and_changes_nothing(duration, good, bad, message):
    window = TimeWindow(duration, size=50)
    pending = PendingLabels(5, max_age=duration)
    window.append("a", at=good)
    pending.put("a", 1, at=good)
    before = pickle.dumps(window), pickle.dumps(pending)
    for call in (
        lambda: window.append("b", at=bad),
        lambda: window.extend(["b", "c"], at=[good, bad]),
        lambda: window.expire(at=bad),
        lambda: pending.put("b", 2, at=bad),
        lambda: pending.put_many(["b", "c"], [2, 3], at=[good, bad]),
        lambda: pending.pop("a", at=bad),
        lambda: pending.pop_many(["a", "a"], at=[good, bad]),
        lambda: pending.expire(at=bad),
    ):
        with pytest.raises(InvalidInputError) as caught:
            call()
        assert message in str(caught.value) or bad is None or isinstance(bad, str)
    assert (pickle.dumps(window), pickle.dumps(pending)) == before


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (np.array([0.0, np.nan]), "at must be finite, got nan at position 1; drop such rows first"),
        (np.zeros((2, 2)), "at must be one-dimensional, got shape (2, 2)"),
        ([0, 1, 2], "at must be one time, or 2 times, one per row, got 3"),
        (np.array([True, False]), "at must be a number, got"),
    ],
)
def test_times_of_a_block_are_refused_as_a_whole(at, message):
    window = TimeWindow(5)
    with pytest.raises(InvalidInputError) as caught:
        window.extend(["a", "b"], at=at)
    assert message in str(caught.value)
    assert len(window) == 0


def test_one_time_may_stand_for_a_block():
    window = TimeWindow(5)
    assert window.extend(np.zeros((4, 2)), at=3) == {"added": 4, "late": 0, "dropped": 0}
    assert TimeWindow(HOUR).extend(["abc"], at=NOON) == {"added": 1, "late": 0, "dropped": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"duration": 0}, "duration must be above 0, got 0"),
        ({"duration": -HOUR}, "duration must be above 0"),
        ({"duration": float("nan")}, "duration must be"),
        ({"duration": "5h"}, "duration must be a number, got"),
        ({"duration": np.timedelta64("NaT", "s")}, "duration must be a length of time"),
        ({"duration": HOUR, "allowed_lateness": 5}, "allowed_lateness must be a timedelta, got 5"),
        ({"duration": 5, "allowed_lateness": HOUR}, "allowed_lateness must be a number"),
        ({"duration": 5, "allowed_lateness": -1}, "allowed_lateness must be at least 0, got -1"),
        ({"duration": 5, "horizon": -1}, "horizon must be at least 0, got -1"),
    ],
)
def test_lengths_of_time_are_checked(arguments, message):
    with pytest.raises(InvalidParameterError) as caught:
        TimeWindow(**arguments)
    assert message in str(caught.value)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    times=st.lists(
        st.floats(-1e6, 1e6, allow_nan=False)
        | st.integers(-(10**6), 10**6)
        | st.sampled_from([0.1, 0.2, 0.3]),
        max_size=60,
    ),
    cut=st.integers(0, 60),
    size=st.sampled_from([3, 1000]),
    duration=st.floats(0.01, 1e6),
    lateness=st.floats(0, 1e6),
)
def test_blocks_round_as_single_rows_do(times, cut, size, duration, lateness):
    one, many = (TimeWindow(duration, lateness, size) for _ in range(2))
    for i, at in enumerate(times):
        one.append(i, at=at)
    for start, stop in ((0, cut), (cut, len(times))):
        many.extend(range(len(times))[start:stop], at=times[start:stop])
    assert many.rows() == one.rows()
    assert many.counts == one.counts
