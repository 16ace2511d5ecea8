"""What a flight's row says was known when it was due to leave; the label comes when it lands."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

HALF_PAST_FIVE = pd.Timestamp("2013-07-15 17:30", tz="UTC").timestamp()
AFTER_THE_FACT = ["dep_time", "dep_delay", "arr_time", "air_time"]


@pytest.fixture(scope="module")
def by_departure(data, tables):
    """The table of flights in the order of the arrays."""
    table = tables[0].assign(due=data.departures(tables[0]))
    return table.sort_values("due", kind="stable", ignore_index=True)


def test_the_year_is_whole(flights, data):
    assert flights.X.shape == (336_776, len(data.FEATURES))
    assert (np.diff(flights.due) >= 0).all()
    assert np.isfinite(flights.X[:, : len(data.CATEGORICAL) + len(data.SCHEDULE)]).all()


def test_flights_that_never_land_are_neither_late_nor_on_time(flights):
    never = ~np.isfinite(flights.landed)
    assert never.sum() == 9_430
    np.testing.assert_array_equal(np.isnan(flights.late), never)


def test_labels_come_after_the_flight_in_the_air(flights, by_departure):
    # what is left of a journey after the delay at departure and the time in the air is taxiing
    taxiing = (flights.landed - flights.due) / 60 - by_departure["dep_delay"] - by_departure["air_time"]
    assert taxiing[np.isfinite(flights.landed)].min() >= 5


def test_adding_the_day_after_the_conversion_would_land_seven_flights_early(
    flights, by_departure, tables, data
):
    # flights of 3 November that arrive after midnight: half past twelve of the 3rd is still summer time, and
    # 24 hours later it is half past eleven
    night = by_departure[(by_departure["month"] == 11) & (by_departure["day"] == 3)]
    night = night[night["arr_delay"].notna() & (night["sched_arr_time"] < night["sched_dep_time"])]
    zones = night["dest"].map(tables[2].set_index("faa")["tzone"].to_dict() | data.TIME_ZONES)
    wrong = 0
    for number, flight in night.iterrows():
        hours, minutes = divmod(flight["sched_arr_time"], 100)
        clock = pd.Timestamp(2013, 11, 3, hours, minutes).tz_localize(zones[number])
        landed = clock.tz_convert("UTC") + pd.Timedelta(days=1, minutes=flight["arr_delay"])
        right = pd.Timestamp(flights.landed[number], unit="s", tz="UTC")
        assert right - landed in (pd.Timedelta(0), pd.Timedelta(hours=1))
        wrong += (landed - flight["due"]) / pd.Timedelta(minutes=1) < flight["dep_delay"] + flight["air_time"]
    assert wrong == 7


def test_scheduled_arrivals_are_read_in_the_time_zone_of_the_destination(flights, by_departure):
    # Puerto Rico is an hour ahead of New York in winter
    row = by_departure[
        (by_departure["dest"] == "SJU") & (by_departure["month"] == 1) & (by_departure["day"] == 1)
    ].iloc[0]
    hours, minutes = divmod(row["sched_arr_time"], 100)
    arrival = pd.Timestamp(2013, 1, 1, hours, minutes, tz="Etc/GMT+4")  # Puerto Rico, all year
    expected = arrival + pd.Timedelta(minutes=row["arr_delay"])
    assert flights.landed[row.name] == expected.timestamp()


def test_the_future_can_be_changed_without_changing_what_was_known(flights, data, tables):
    table, weather, airports = tables
    due = data.seconds(data.departures(table))
    landed = data.landings(table.assign(due=data.departures(table)), airports)
    # a label of the same second is the future as well: nothing that lands at a departure may be seen by it
    future = (due >= HALF_PAST_FIVE) | (np.isfinite(landed) & (landed >= HALF_PAST_FIVE))
    changed = table.copy()
    changed.loc[future, "arr_delay"] += 500
    # a reading is taken at 51 minutes past its hour
    taken = data.seconds(pd.to_datetime(weather["time_hour"], utc=True)) + 51 * 60
    stormy = weather.copy()
    stormy.loc[taken >= HALF_PAST_FIVE, list(data.WEATHER)] += 1000.0
    other = data.prepare(changed, stormy, airports)

    known = flights.due <= HALF_PAST_FIVE
    np.testing.assert_array_equal(other.X[known], flights.X[known])
    assert (other.X[~known] != flights.X[~known]).any()


def test_what_the_flight_itself_did_is_not_among_its_features(flights, data, tables):
    table, weather, airports = tables
    other = data.prepare(table.assign(**dict.fromkeys(AFTER_THE_FACT, 777.0)), weather, airports)
    np.testing.assert_array_equal(other.X, flights.X)


def test_the_weather_is_that_of_the_hour_before(flights, data, by_departure, tables):
    weather = tables[1].set_index(["origin", "time_hour"])
    temperature = flights.X[:, data.FEATURES.index("temp")]
    for number in (5_000, 100_000, 200_000, 300_000):
        flight = by_departure.loc[number]
        before = pd.Timestamp(flight["time_hour"]) - pd.Timedelta(hours=1)
        reading = weather.loc[(flight["origin"], f"{before:%Y-%m-%dT%H:%M:%SZ}")]
        assert temperature[number] == reading["temp"]


def test_recent_delays_are_those_of_labels_known_strictly_before(data):
    rng = np.random.default_rng(0)
    due = np.sort(rng.integers(0, 200, 120)) * 300.0  # whole five minutes: many ties
    landed = np.where(rng.random(120) < 0.1, np.inf, due + rng.integers(1, 40, 120) * 300.0)
    late = np.where(np.isfinite(landed), rng.random(120) < 0.4, np.nan)
    group = rng.integers(0, 3, 120)
    share, number = data.share_late(due, landed, late, group=group, hours=2)
    assert (landed[:, None] == due[None, :]).any()  # a label of the very second of a departure
    for flight in range(120):
        known = (group == group[flight]) & (landed < due[flight]) & (landed >= due[flight] - 7200)
        assert number[flight] == known.sum()
        expected = late[known].mean() if known.any() else np.nan
        np.testing.assert_allclose(share[flight], expected, rtol=1e-12)


def test_the_codes_of_the_categories_are_those_of_the_whole_year(flights, data, by_departure):
    for column, name in enumerate(data.CATEGORICAL):
        levels = np.array(flights.levels[name])
        assert list(levels) == sorted(set(by_departure[name]))
        decoded = levels[flights.X[:, column].astype(int)]
        assert (decoded == by_departure[name].to_numpy(str)).all()
    spring = set(by_departure["dest"][by_departure["month"] <= 3])
    assert spring < set(flights.levels["dest"])  # new destinations do come, and do not move the codes


def test_a_leak_would_be_seen(flights, by_departure):
    """The limit of 0.80 lies between what can be forecast and what a leak gives."""
    week = 7 * 86_400
    start = flights.due[0]
    known = np.isfinite(flights.landed)
    train = np.flatnonzero(known & (flights.landed < start + 6 * week))[::2]
    test = np.flatnonzero(known & (flights.due >= start + 6 * week) & (flights.due < start + 8 * week))
    own_delay = by_departure["dep_delay"].to_numpy()[:, None]
    scores = []
    for X in (flights.X, np.hstack([flights.X, own_delay])):
        model = HistGradientBoostingClassifier(max_iter=30, random_state=0)
        model.fit(X[train], flights.late[train])
        scores.append(roc_auc_score(flights.late[test], model.predict_proba(X[test])[:, 1]))
    honest, leaking = scores
    assert 0.55 < honest < 0.80 < leaking
