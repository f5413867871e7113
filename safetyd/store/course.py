"""What happened at a place in a time: its times in breach, and what people did with its tickets.

Rule: nothing here names a person.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, or_, select

from safetyd.core.model import Condition, Episode, Place
from safetyd.store import schema
from safetyd.store.moments import micros, moment

_EPISODE = msgspec.json.Decoder(Episode)


class Done(NamedTuple):
    """An entry of a ticket's history: when, and what."""

    at: datetime
    event: str


def episodes(connection: Connection, place: Place, begin: datetime, end: datetime) -> list[Episode]:
    """Return the times in breach that share time with a span, in order of beginning."""
    table = schema.episode
    wanted = (
        select(table.c.body)
        .where(table.c.building == place.building, table.c.room == (place.room or ""))
        .where(table.c.began_at < micros(end))
        .where(or_(table.c.ended_at.is_(None), table.c.ended_at > micros(begin)))
        .order_by(table.c.began_at, table.c.id)
    )
    return [_EPISODE.decode(body) for body in connection.execute(wanted).scalars()]


def last_breach(
    connection: Connection, building: str, rooms: Collection[str], begin: datetime, end: datetime
) -> Condition | None:
    """Return whether some rooms were last too cold or too hot in a span; None if they were neither."""
    table = schema.episode
    wanted = (
        select(table.c.condition)
        .where(table.c.building == building, table.c.room.in_(rooms))
        .where(table.c.condition.in_((Condition.COLD, Condition.HEAT)))
        .where(table.c.began_at < micros(end))
        .where(or_(table.c.ended_at.is_(None), table.c.ended_at > micros(begin)))
        .order_by(table.c.began_at.desc(), table.c.id.desc())
        .limit(1)
    )
    found = connection.execute(wanted).scalar()
    return None if found is None else Condition(found)


def doings(connection: Connection, place: Place, begin: datetime, end: datetime, but_of: str) -> list[Done]:
    """Return what was done in a span with the tickets of a place, in order; but for what one name did."""
    table, ticket = schema.history, schema.ticket
    here = select(ticket.c.id).where(ticket.c.building == place.building, ticket.c.room == (place.room or ""))
    wanted = (
        select(table.c.at, table.c.event)
        .where(table.c.ticket.in_(here), table.c.by != but_of)
        .where(table.c.at >= micros(begin), table.c.at < micros(end))
        .order_by(table.c.at, table.c.id)
    )
    return [Done(moment(at), event) for at, event in connection.execute(wanted)]
