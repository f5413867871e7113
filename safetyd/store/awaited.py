"""Since when sensors that were never heard have been waited for: a restart does not begin the wait anew."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from safetyd.store.dialect import upsert
from safetyd.store.moments import micros, moment
from safetyd.store.schema import awaited

_PRIME = 1_000_000_007


def load(connection: Connection) -> dict[str, datetime]:
    """Return since when each was waited for, by the sensor's key."""
    return {sensor: moment(since) for sensor, since in connection.execute(awaited.select())}


def mark(connection: Connection) -> tuple[int | None, ...]:
    """Return by what it is known whether others are waited for, or since another moment."""
    some = func.sum(awaited.c.since % _PRIME)  # of the moments themselves it would be too much
    return tuple(connection.execute(select(func.count(), some).select_from(awaited)).one())


def keep(connection: Connection, changed: Mapping[str, datetime | None]) -> None:
    """Note since when sensors are waited for, None where nobody waits any more, in the open transaction."""
    begun = [{"sensor": key, "since": micros(since)} for key, since in changed.items() if since is not None]
    ended = [key for key, since in changed.items() if since is None]
    if begun:
        connection.execute(upsert(connection, awaited).on_conflict_do_nothing(), begun)
    if ended:
        connection.execute(delete(awaited).where(awaited.c.sensor.in_(ended)))
