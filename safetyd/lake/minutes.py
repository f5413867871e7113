"""Buckets of a minute, tallied from the readings as the roll-ups of five minutes are.

Rule: a minute holds what its readings say by the rules in force then; five of them are what the roll-up of
these five minutes is. Readings that are deleted give no minutes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from safetyd.core.tally import tally
from safetyd.history.tails import beginning, said_of, sensors_of
from safetyd.lake.duck import LakeError
from safetyd.lake.exporting import Source, Span
from safetyd.site import Site
from safetyd.store import readings, rollups
from safetyd.store.database import Connection
from safetyd.store.rollups import RolledPlace
from safetyd.times import rfc3339

_MINUTE = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(days=1)  # that a value waits to be borne out by what is said later
_ROWS_AT_ONCE = 20_000


def minute_by_minute(connection: Connection, site: Site, root: str) -> Source:
    """Return the source of what every reading says; `root` is the first level of our topics.

    A place and month are held in memory at once, some 100 MB where it reports each minute.
    """
    sensors, last = sensors_of(connection, site, root), readings.last_id(connection)

    def minutes(rolled: RolledPlace, begin: datetime, end: datetime) -> Iterator[Span]:
        reached = rollups.progress(connection)
        retired_to = None if reached is None else reached.retired_to
        if retired_to is not None and begin < retired_to:
            raise LakeError(
                f"single readings from before {rfc3339(retired_to)} are deleted here; leave out --every 1m"
            )
        known, since = beginning(connection, rolled, begin, retired_to)
        until = end + _LONGEST_WAIT if reached is None else min(end + _LONGEST_WAIT, reached.settled_to)
        heard = [
            each
            for found in said_of(connection, sensors, rolled.place, since, last, _ROWS_AT_ONCE)
            for each in found
            if each.observation.observed_at < until
        ]
        heard.sort(key=lambda each: (each.observation.observed_at, each.id))
        said = [each.observation for each in heard]
        is_building = rolled.place.room is None
        told = tally(known, said, site.rulebook, since, until, is_building=is_building, width=_MINUTE)
        yield from ((start, each) for start, each in told.buckets.items() if begin <= start < end)

    return Source(connection, site, minutes)
