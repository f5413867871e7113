"""A building's season as an estimate asks for it, read from Parquet files month by month.

Rule: hours of the whole season are held by DuckDB; five minutes are read of one month at a time, and only of
hours in which something is beyond a limit, and those after them until a place is surely in order again.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from safetyd.core.model import Condition, Place
from safetyd.core.rules import RuleBook
from safetyd.core.tally import EPOCH, WIDTH
from safetyd.lake import reading
from safetyd.lake.duck import Duck
from safetyd.lake.layout import Partition, month_span
from safetyd.lake.reading import HOUR_US, KEPT
from safetyd.site import Site
from safetyd.store.moments import micros
from safetyd.store.rollups import HOUR, Level
from safetyd.store.supposing import Doing, Kept, Reach

_A_DAY = timedelta(days=1)
_FIVES_AN_HOUR = HOUR // WIDTH
_TABLE = (
    "number INTEGER, n BIGINT, temperature_low_f DOUBLE, temperature_high_f DOUBLE, heat_index_low_f DOUBLE,"
    " heat_index_high_f DOUBLE, cold_known_us BIGINT, heat_known_us BIGINT, mains_known_us BIGINT,"
    " outage_us BIGINT, room_known_us BIGINT, room_breach_us BIGINT"
)
Key = tuple[int, int]  # a place, and an hour since 1970


class Season:
    """Holds what was read of one building so far."""

    def __init__(
        self,
        duck: Duck,
        folder: Path,
        site: Site,
        building: str,
        months: Sequence[date],
        books: Sequence[RuleBook],
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        """Read the hours of some months; `progress` hears of each."""
        self._duck, self._folder, self._building = duck, folder, building
        here = site.building(building)
        rooms = [None, *(room.id for room in (here.rooms if here else ()))]
        self.places = {number: Place(building, room) for number, room in enumerate(rooms)}
        self._months = {month: month_span(month, site.timezone) for month in months}
        self._versions = [version for book in books for version in book.versions]
        self._month: date | None = None
        self._day: datetime | None = None
        self._hours: dict[Key, Sequence[Any]] = {}
        self._fives: dict[Key, list[tuple[Any, ...]]] = {}
        duck.run("CREATE OR REPLACE TEMP TABLE place (number INTEGER, room VARCHAR)")
        for number, room in enumerate(rooms):
            duck.run("INSERT INTO place VALUES (?, ?)", [number, room or ""])
        duck.run(f"CREATE OR REPLACE TEMP TABLE hour ({_TABLE})")
        for month in months:
            reading.take_hours(duck, folder, Partition(building, month), site)
            progress()

    def doings(self, begin: datetime, end: datetime) -> list[Doing]:
        """Return what people did, in order."""
        return [
            each
            for month in self._months
            for each in reading.deeds(self._duck, self._folder, Partition(self._building, month))
            if begin <= each.at < end
        ]

    def ticketed(
        self, begin: datetime, end: datetime
    ) -> dict[tuple[Place, Condition], list[tuple[datetime, datetime]]]:
        """Return when the episodes that have a ticket on record ran."""
        found: dict[tuple[Place, Condition], list[tuple[datetime, datetime]]] = {}
        for month in self._months:
            partition = Partition(self._building, month)
            for of, (since, until) in reading.episodes(self._duck, self._folder, partition):
                if since < end and until >= begin:
                    found.setdefault(of, []).append((since, until))
        return found

    def reach(self, begin: datetime, end: datetime) -> Reach:
        """Return how much of all rooms is known, and was on record as in breach, in a range of full hours."""
        [(known, breach)] = self._duck.run(
            "SELECT coalesce(sum(room_known_us), 0)::BIGINT, coalesce(sum(room_breach_us), 0)::BIGINT"
            " FROM hour WHERE n * ? >= ? AND n * ? < ?",
            [HOUR_US, micros(begin), HOUR_US, micros(end)],
        )
        return Reach(known, breach)

    def hours_that_matter(
        self,
        begin: datetime,
        end: datetime,
        places: Collection[int],
        cold_f: float | None,
        heat_f: float | None,
    ) -> dict[datetime, set[int]]:
        """Return the hours in which something is beyond a limit or power out; without limits every one.

        Of these, and until their place was in order for as long as an episode takes to end, `kept` will know
        five minutes.
        """
        span: list[float] = [_number(begin), _number(end)]
        beyond = "true"
        if cold_f is not None and heat_f is not None:
            span += [cold_f, heat_f]
            beyond = (
                "coalesce(temperature_low_f < $3 OR temperature_high_f > $4 OR heat_index_high_f > $4, false)"
                " OR outage_us > 0"
            )
        calm, run = self._calm(), self._longest_end()
        self._duck.run(
            "CREATE OR REPLACE TEMP TABLE judged AS WITH"
            f" told AS (SELECT *, {beyond} AS matters, coalesce({calm}, false) AS is_calm FROM hour"
            "  WHERE n >= $1 AND n < $2),"
            f" runs AS (SELECT *, count_if(is_calm) OVER (PARTITION BY number ORDER BY n"
            f"  RANGE BETWEEN {run - 1} PRECEDING AND CURRENT ROW) = {run} AS ends_run FROM told)"
            " SELECT *, max(n) FILTER (matters) OVER up_to AS last_beyond,"
            " max(n) FILTER (ends_run) OVER before AS last_calm FROM runs"
            " WINDOW up_to AS (PARTITION BY number ORDER BY n),"
            " before AS (PARTITION BY number ORDER BY n"
            "  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)",
            span,
        )
        self._duck.run(
            "CREATE OR REPLACE TEMP TABLE wanted AS SELECT number, n FROM judged"
            " WHERE last_beyond IS NOT NULL AND (last_calm IS NULL OR last_beyond > last_calm)"
        )
        found: dict[datetime, set[int]] = {}
        for n, number in self._duck.run("SELECT n, number FROM judged WHERE matters"):
            if number in places:
                found.setdefault(EPOCH + n * HOUR, set()).add(number)
        return found

    def _calm(self) -> str:
        """Return what is true of an hour that is known and has every value back at the end values."""
        cold = max(max(each.cold.end_f, each.cold.below_f) for each in self._versions)
        heat = min(min(each.heat.end_f, each.heat.above_f) for each in self._versions)
        known = f"cold_known_us = {HOUR_US} AND heat_known_us = {HOUR_US}"
        return f"{known} AND temperature_low_f > {cold!r}::DOUBLE AND heat_index_high_f < {heat!r}::DOUBLE"

    def _longest_end(self) -> int:
        """Return how many full hours any episode takes to end, and one more."""
        ends = [end for each in self._versions for end in (each.cold.end_after, each.heat.end_after)]
        return -(-max(ends) // HOUR) + 1

    def kept(self, hour: datetime, places: Collection[int], level: Level) -> dict[tuple[int, datetime], Kept]:
        """Return what is kept of an hour of some places, as a whole or by five minutes."""
        if self._day is None or not self._day <= hour < self._day + _A_DAY:
            self._turn_to(hour)
        n = _number(hour)
        if level is Level.HOUR:
            return {
                (number, hour): _kept(self._hours[number, n])
                for number in places
                if (number, n) in self._hours
            }
        return {
            (number, EPOCH + five * WIDTH): _kept(values)
            for number in places
            for five, *values in self._fives.get((number, n), ())
        }

    def _turn_to(self, hour: datetime) -> None:
        """Have the day that begins with an hour at hand, as far as it lies in one month."""
        self._hours, self._fives, self._day = {}, {}, hour
        month = next((each for each, (begin, end) in self._months.items() if begin <= hour < end), None)
        if month is None:
            self._day = None
            return
        begin, end = self._months[month]
        if month != self._month:
            reading.take_fives(self._duck, self._folder, Partition(self._building, month))
            self._month = month
        self._day = max(begin, min(hour, end - _A_DAY))
        first = _number(self._day)
        last = first + _A_DAY // HOUR
        for number, n, *values in self._duck.run(
            f"SELECT number, n, {KEPT} FROM judged WHERE n >= ? AND n < ?", [first, last]
        ):
            self._hours[number, n] = values
        for number, n, *values in self._duck.run(
            f"SELECT number, n, {KEPT} FROM five WHERE n >= ? AND n < ? ORDER BY n",
            [first * _FIVES_AN_HOUR, last * _FIVES_AN_HOUR],
        ):
            self._fives.setdefault((number, n // _FIVES_AN_HOUR), []).append((n, *values))


def _number(hour: datetime) -> int:
    return (hour - EPOCH) // HOUR


def _kept(values: Sequence[Any]) -> Kept:
    coldest, warmest, mildest, hottest, *spent = values
    temperature = None if coldest is None else (coldest, warmest)
    return Kept(temperature, None if mildest is None else (mildest, hottest), *spent)
