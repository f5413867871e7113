"""The record of shelves: whose messages were held back, by whom, why, until when, and who ended it.

Rule: rows are only added. Each is a shelf as it stood once it had begun or ended, and of a place the last row
says how it stands.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from safetyd.core.model import Place
from safetyd.core.shelf import Shelf
from safetyd.store import chain
from safetyd.store.moments import micros, moment
from safetyd.store.records import Kind
from safetyd.store.schema import shelf


def append(connection: Connection, changed: Iterable[Shelf]) -> None:
    """Put on record how shelves stand now, in the open transaction."""
    for each in changed:
        made = connection.execute(
            insert(shelf)
            .values(
                building=each.place.building,
                room=each.place.room or "",
                by=each.by,
                role=each.role,
                note=each.note,
                began_at=micros(each.began_at),
                until=micros(each.until),
                since=micros(each.since),
                ended_at=None if each.ended_at is None else micros(each.ended_at),
                ended_by=each.ended_by,
                ended_note=each.ended_note,
            )
            .returning(shelf.c.id)
        )
        chain.note(connection, Kind.SHELF, made.scalar_one())


def standing(connection: Connection) -> dict[Place, Shelf]:
    """Return the shelves that nobody and nothing has ended, by place."""
    last = select(func.max(shelf.c.id)).group_by(shelf.c.building, shelf.c.room)
    wanted = select(shelf).where(shelf.c.id.in_(last), shelf.c.ended_at.is_(None)).order_by(shelf.c.id)
    return {each.place: each for each in map(_shelf, connection.execute(wanted))}


def record(connection: Connection) -> list[Shelf]:
    """Return all shelves there ever were, in the order in which they began, each as it stands or ended."""
    found: dict[tuple[Place, datetime, datetime, str], Shelf] = {}
    for row in connection.execute(select(shelf).order_by(shelf.c.id)):
        each = _shelf(row)
        found[each.place, each.began_at, each.until, each.by] = each
    return list(found.values())


def _shelf(row: Row[Any]) -> Shelf:
    return Shelf(
        place=Place(row.building, row.room or None),
        by=row.by,
        role=row.role,
        note=row.note,
        began_at=moment(row.began_at),
        until=moment(row.until),
        since=moment(row.since),
        ended_at=None if row.ended_at is None else moment(row.ended_at),
        ended_by=row.ended_by,
        ended_note=row.ended_note,
    )
