"""Digests of the readings that arrived on each day of the site, made once that day is over.

Rule: what comes late belongs to the day on which it came, so no digest waits for it, or is ever made again.
Each begins with the row after the last one's, so that no reading is left out.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from safetyd.history.buckets import midnight
from safetyd.store import digests, readings, statements
from safetyd.store.database import Connection
from safetyd.store.statements import Subject

GRACE = timedelta(minutes=2)  # what arrived before midnight is committed by then
_ROWS_AT_ONCE = 500
Writing = Callable[[], AbstractContextManager[Connection]]


def digest_days(reader: Connection, writing: Writing, zone: ZoneInfo, now: datetime) -> Iterator[None]:
    """Make what digests are due; yield between the pieces."""
    while (reached := digests.reached(reader)) < readings.last_id(reader):
        day = readings.arrival(reader, reached + 1).astimezone(zone).date()
        end = midnight(day + timedelta(days=1), zone)
        if now < end + GRACE:
            return
        last = max(readings.first_id_since(reader, end) - 1, reached + 1)
        made = digests.Digests(readings.sensors(reader), reached + 1, last)
        while made.read(reader, _ROWS_AT_ONCE):
            yield
        body = {"first": reached + 1, "last": last, "places": made.places()}
        with writing() as connection:
            statements.add(connection, Subject.READINGS, day.isoformat(), body, now)
        yield
