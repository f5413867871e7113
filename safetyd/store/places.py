"""How each place stood, now and in the last days, so that a late reading can be judged in its time.

Rule: one row a place and period; within a period it is overwritten, and an old one is kept for as long as a
late reading may still reach back to it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, select, tuple_

from safetyd.core.health import Health
from safetyd.core.model import Place
from safetyd.core.power import Power
from safetyd.core.room import Room
from safetyd.store.database import StoreError
from safetyd.store.dialect import pairs
from safetyd.store.moments import micros
from safetyd.store.schema import place_state, progress

PERIOD = timedelta(hours=6)
REACH = timedelta(days=8)  # a device stamp is believed for 7 days
_PERIOD = PERIOD // timedelta(microseconds=1)


class Standing(NamedTuple):
    """A place as it stood once reading number `reading` had been folded in: a room or a building's power."""

    reading: int
    room: Room | None
    power: Power | None
    health: dict[str, Health]


_STANDING = msgspec.msgpack.Decoder(Standing)
_UPSERT = (
    "INSERT INTO place_state (building, room, period, at, reading, is_settled, body) VALUES (?,?,?,?,?,?,?)"
    " ON CONFLICT (building, room, period) DO UPDATE SET"
    " at=excluded.at, reading=excluded.reading, is_settled=excluded.is_settled, body=excluded.body"
)


def save(connection: Connection, places: Iterable[tuple[Place, Standing]]) -> None:
    """Write how places stand, in the open transaction; places that were never judged are passed over."""
    rows = []
    for place, standing in places:
        at = standing.room.at if standing.room is not None else standing.power.at if standing.power else None
        if at is None:
            continue
        kept = micros(at)
        waits = standing.room is not None and any(b.suspect or b.damp for b in standing.room.beliefs.values())
        body = msgspec.msgpack.encode(standing)
        rows.append(
            (place.building, place.room or "", kept // _PERIOD, kept, standing.reading, int(not waits), body)
        )
    if rows:
        connection.exec_driver_sql(_UPSERT, rows)


def mark_saved(connection: Connection, reading: int) -> None:
    """Note that every place is saved up to a reading, in the open transaction."""
    connection.exec_driver_sql(
        "INSERT INTO progress (id, reading) VALUES (1, ?)"
        " ON CONFLICT (id) DO UPDATE SET reading=excluded.reading",
        (reading,),
    )


def saved_up_to(connection: Connection) -> int:
    """Return the reading up to which every place is saved."""
    return connection.execute(select(progress.c.reading)).scalar() or 0


def load(connection: Connection) -> dict[Place, Standing]:
    """Return how every place stood when it was last saved."""
    table = place_state
    newest = select(table.c.building, table.c.room, func.max(table.c.period)).group_by(
        table.c.building, table.c.room
    )
    wanted = select(table.c.building, table.c.room, table.c.body).where(
        tuple_(table.c.building, table.c.room, table.c.period).in_(newest)
    )
    found = connection.execute(wanted).fetchall()
    return {Place(building, room or None): decoded(body) for building, room, body in found}


class Saved(NamedTuple):
    """How a place stood, as it was written, and the last reading that is folded in."""

    reading: int
    body: bytes


def newest(connection: Connection, asked: Iterable[Place]) -> dict[Place, Saved]:
    """Return how some places stood when they were last saved; most is what it was, and need not be read."""
    told_apart = [(place.building, place.room or "") for place in asked]
    if not told_apart:
        return {}
    table, told = pairs(connection, told_apart)
    found = connection.exec_driver_sql(
        f"SELECT place_state.building, place_state.room, reading, body FROM {table} JOIN place_state"
        " ON place_state.building = one AND place_state.room = other AND period ="
        " (SELECT max(period) FROM place_state AS state WHERE state.building = one AND state.room = other)",
        told,
    )
    return {Place(building, room or None): Saved(reading, body) for building, room, reading, body in found}


def decoded(body: bytes) -> Standing:
    """Return how a place stood, of what was written.

    Raises:
        StoreError: it is nothing that can be read.
    """
    try:
        return _STANDING.decode(body)
    except msgspec.MsgspecError as error:
        raise StoreError(f"how a place stood cannot be read from the store: {error}") from error


def before(connection: Connection, place: Place, at: datetime) -> Standing | None:
    """Return how a place last stood before a moment with no value waiting; None if that is not known."""
    table = place_state
    wanted = (
        select(table.c.body)
        .where(table.c.building == place.building, table.c.room == (place.room or ""))
        .where(table.c.at < micros(at), table.c.is_settled == 1)
        .order_by(table.c.period.desc())
        .limit(1)
    )
    body = connection.execute(wanted).scalar()
    return None if body is None else decoded(body)


def forget_since(connection: Connection, place: Place, at: datetime) -> None:
    """Drop how a place stood from a moment on: its past is being read again."""
    table = place_state
    connection.execute(
        delete(table)
        .where(table.c.building == place.building, table.c.room == (place.room or ""))
        .where(table.c.at >= micros(at))
    )


def forget_old(connection: Connection, now: datetime) -> None:
    """Drop what no late reading can reach any more, but for each place's newest row."""
    table = place_state
    other = table.alias()
    newest = (
        select(func.max(other.c.period))
        .where(other.c.building == table.c.building, other.c.room == table.c.room)
        .scalar_subquery()
    )
    connection.execute(delete(table).where(table.c.at < micros(now - REACH), table.c.period < newest))
