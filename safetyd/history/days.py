"""Days of another time zone: made anew from the hours when the site file names another one.

Rule: nothing is read from the readings for it, so days whose readings are long deleted are made anew as well.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from zoneinfo import ZoneInfo

from safetyd.core.tally import together
from safetyd.history.buckets import edges, midnight
from safetyd.store import rollups
from safetyd.store.database import Connection
from safetyd.store.rollups import Level, RolledPlace, Span

Writing = Callable[[], AbstractContextManager[Connection]]


def are_of(connection: Connection, zone: ZoneInfo) -> bool:
    """Return whether the days that are kept begin at midnight in a zone."""
    return all(
        at == midnight(at.astimezone(zone).date(), zone) for at in rollups.starts(connection, Level.DAY)
    )


def remake(reader: Connection, writing: Writing, zone: ZoneInfo) -> Iterator[None]:
    """Make the days of each place anew; yield between the places."""
    old, reached = rollups.starts(reader, Level.DAY), rollups.progress(reader)
    if not old or reached is None:
        return
    for rolled in rollups.places(reader):
        made = list(_days(reader, rolled, min(old), reached.settled_to, zone))
        with writing() as connection:
            rollups.replace(connection, Level.DAY, rolled.number, [*old, *(day.begin for day in made)], made)
        yield


def _days(
    reader: Connection, rolled: RolledPlace, begin: datetime, end: datetime, zone: ZoneInfo
) -> Iterator[Span]:
    for start, stop in edges(Level.DAY, begin, end, zone):
        finer = Level.FIVE_MINUTES if start.minute or stop.minute else Level.HOUR
        found = rollups.buckets(reader, finer, rolled.number, list(edges(finer, start, stop, zone)))
        if found and stop <= end:
            yield Span(start, stop, together(span.bucket for span in found))
