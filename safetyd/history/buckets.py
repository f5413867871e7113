"""Where buckets of each level begin and end; a day is one of the site's time zone, of 23, 24 or 25 hours."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from safetyd.core.tally import WIDTH, floor
from safetyd.store.rollups import HOUR, Level

_A_DAY = timedelta(days=1)
Edges = tuple[datetime, datetime]


def edges(level: Level, begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Edges]:
    """Yield beginning and end of every bucket of a level that shares time with a span, in order."""
    if level is Level.DAY:
        day = begin.astimezone(zone).date()
        while (start := midnight(day, zone)) < end:
            day += _A_DAY
            yield start, midnight(day, zone)
        return
    width = WIDTH if level is Level.FIVE_MINUTES else HOUR
    start = floor(begin, width)
    while start < end:
        yield start, start + width
        start += width


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
