"""Since when sensors that were never heard have been waited for: a restart does not begin the wait anew."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete

from safetyd.store.dialect import upsert
from safetyd.store.moments import micros, moment
from safetyd.store.schema import awaited


def load(connection: Connection) -> dict[str, datetime]:
    """Return since when each was waited for, by the sensor's key."""
    return {row.sensor: moment(row.since) for row in connection.execute(awaited.select())}


def keep(connection: Connection, changed: Mapping[str, datetime | None]) -> None:
    """Note since when sensors are waited for, None where nobody waits any more, in the open transaction."""
    begun = [{"sensor": key, "since": micros(since)} for key, since in changed.items() if since is not None]
    ended = [key for key, since in changed.items() if since is None]
    if begun:
        connection.execute(upsert(connection, awaited).on_conflict_do_nothing(), begun)
    if ended:
        connection.execute(delete(awaited).where(awaited.c.sensor.in_(ended)))
