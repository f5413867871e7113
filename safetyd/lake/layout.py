"""Where the Parquet files lie and what is in them: FOLDER/building=ID/month=YYYY-MM/, three files each.

Rule: a month is one of the site's time zone and begins with the full hour that holds its first moment. Each
of its folders stands for itself: it is written by one function and read by one, whoever calls them where.
"""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.tally import floor
from safetyd.history.buckets import midnight
from safetyd.store.rollups import HOUR

FORMAT = "1"
BUCKETS, DEEDS, EPISODES = "buckets.parquet", "deeds.parquet", "episodes.parquet"
_MONTH = timedelta(days=32)

# Columns of each file. A room without a name is the building as a whole; spans are in microseconds.
COLUMNS = {
    BUCKETS: {
        "room": "VARCHAR",
        "start": "TIMESTAMP WITH TIME ZONE",
        "temperature_low_f": "DOUBLE",
        "temperature_mean_f": "DOUBLE",
        "temperature_high_f": "DOUBLE",
        "humidity_mean": "DOUBLE",
        "heat_index_low_f": "DOUBLE",
        "heat_index_high_f": "DOUBLE",
        "cold_known_us": "BIGINT",
        "heat_known_us": "BIGINT",
        "room_known_us": "BIGINT",
        "room_breach_us": "BIGINT",
        "mains_known_us": "BIGINT",
        "outage_us": "BIGINT",
    },
    DEEDS: {
        "room": "VARCHAR",
        "done_at": "TIMESTAMP WITH TIME ZONE",
        "condition": "VARCHAR",
        "hazard": "VARCHAR",
        "event": "VARCHAR",
        "done_by": "VARCHAR",
        "tier": "VARCHAR",
        "extended_to": "TIMESTAMP WITH TIME ZONE",
    },
    EPISODES: {
        "room": "VARCHAR",
        "condition": "VARCHAR",
        "began_at": "TIMESTAMP WITH TIME ZONE",
        "ended_at": "TIMESTAMP WITH TIME ZONE",
    },
}


class Partition(NamedTuple):
    """A building and the first day of a month."""

    building: str
    month: date

    def file(self, folder: Path, name: str) -> Path:
        """Return one of its files."""
        return folder / f"building={self.building}" / f"month={self.month:%Y-%m}" / name

    def __str__(self) -> str:
        return f"{self.building} {self.month:%Y-%m}"


def month_span(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return where a month begins and ends."""
    begin, end = (floor(midnight(day, zone), HOUR) for day in (month, _next(month)))
    return begin, end


def months_between(begin: datetime, end: datetime, zone: ZoneInfo) -> list[date]:
    """Return the months that share time with a span."""
    found, month = [], begin.astimezone(zone).date().replace(day=1)
    while month_span(month, zone)[0] < end:
        if month_span(month, zone)[1] > begin:
            found.append(month)
        month = _next(month)
    return found


def _next(month: date) -> date:
    return (month + _MONTH).replace(day=1)
