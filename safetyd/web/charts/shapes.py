"""What a chart is drawn from, and how large it is.

Rule: plain values; every moment has its zone. What is not known is not there: a missing point is a gap, a
missing cell is unknown.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Size(NamedTuple):
    """How large a chart is, in units of its own; `name` is its class and ends the ids in it."""

    name: str
    width: int
    plot_height: int
    tick_every: int  # the least distance of two labels on the time axis
    name_width: int  # of a room's name, at most
    days_at_most: int  # columns of a heat map before it goes on below
    is_narrow: bool


WIDE = Size("chart-wide", 840, 300, 64, 170, 91, False)
NARROW = Size("chart-narrow", 400, 260, 62, 84, 30, True)


class BarOf(NamedTuple):
    """One bar: whose, how long, and what it says."""

    name: str
    value: float
    words: str


class BarChart(NamedTuple):
    """Bars of one kind, in their order."""

    title: str
    bars: Sequence[BarOf]


class Point(NamedTuple):
    """The values of one span from `at`, or one value: then all three are the same."""

    at: datetime
    low: float
    mean: float
    high: float
    n: int


class Trace(NamedTuple):
    """One room. `every` is how long the span of a point is; single values vouch for `stale_after`."""

    name: str
    points: Sequence[Point]
    every: timedelta | None = None
    stale_after: timedelta = timedelta(minutes=30)


class Span(NamedTuple):
    """From when to when."""

    begin: datetime
    end: datetime


class Limit(NamedTuple):
    """A line that is not to be crossed; without beginning or end as far as the chart goes."""

    value: float
    label: str
    begin: datetime | None = None
    end: datetime | None = None


class Episode(NamedTuple):
    """A time in breach; without an end it goes on."""

    begin: datetime
    end: datetime | None
    label: str = "In breach"


class Deed(NamedTuple):
    """What somebody did: relief, a note, a dispute."""

    at: datetime
    label: str


class TimeChart(NamedTuple):
    """Rooms over a range. Of what comes after `known_to` nothing is expected to be known."""

    title: str
    begin: datetime
    end: datetime
    zone: ZoneInfo
    unit: str
    traces: Sequence[Trace]
    limits: Sequence[Limit] = ()
    student_days: Sequence[Span] = ()
    episodes: Sequence[Episode] = ()
    deeds: Sequence[Deed] = ()
    known_to: datetime | None = None


class Spark(NamedTuple):
    """The last hours of one room, for a row of a table."""

    trace: Trace
    begin: datetime
    end: datetime
    unit: str
    limits: Sequence[float] = ()


class Level(NamedTuple):
    """What a cell shows whose value is at least this; `severity` is 0 for ok up to 4."""

    at_least: float
    severity: int
    label: str


class Row(NamedTuple):
    """A room's value of each day, None where it is not known; `links` is where the days lead."""

    name: str
    values: Sequence[float | None]
    links: Sequence[str] = ()


class HeatMap(NamedTuple):
    """Rooms by days. `levels` go up; a value below the first shows the first."""

    title: str
    days: Sequence[date]
    rows: Sequence[Row]
    levels: Sequence[Level]
    unit: str


class Pair(NamedTuple):
    """Two amounts of the same thing, neither below nought."""

    label: str
    first: float
    second: float


class PairChart(NamedTuple):
    """Two amounts beside each other, for each of several things; `names` say which is which."""

    title: str
    names: tuple[str, str]
    pairs: Sequence[Pair]
    unit: str


BREACH_HOURS = (
    Level(float("-inf"), 0, "none"),
    Level(1e-9, 1, "up to 1 h"),
    Level(1, 2, "1 to 3 h"),
    Level(3, 3, "3 to 6 h"),
    Level(6, 4, "6 h and more"),
)
