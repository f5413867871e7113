"""Troubles: the faults of the monitoring itself, kept from when they began until they are over, and after.

Rule: one of a kind stands for each sensor; what has begun is added, and its end is written beside it.
"""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from safetyd.core.model import Place, Trouble, TroubleKind
from safetyd.store import schema
from safetyd.store.moments import micros, moment


def save(connection: Connection, trouble: Trouble) -> None:
    """Note that a trouble began or is over, in the open transaction."""
    table = schema.trouble
    if trouble.ended_at is None:
        place = trouble.place or Place("", None)
        connection.execute(
            insert(table).values(
                kind=trouble.kind.value,
                sensor=trouble.sensor,
                building=place.building,
                room=place.room or "",
                began_at=micros(trouble.began_at),
                note=trouble.note,
            )
        )
        return
    standing = (
        table.c.sensor == trouble.sensor,
        table.c.kind == trouble.kind.value,
        table.c.ended_at.is_(None),
    )
    connection.execute(update(table).where(*standing).values(ended_at=micros(trouble.ended_at)))


def every_trouble(connection: Connection, *, standing_only: bool = False) -> Iterator[Trouble]:
    """Yield troubles in order of beginning."""
    table = schema.trouble
    wanted = select(table).order_by(table.c.began_at, table.c.id)
    if standing_only:
        wanted = wanted.where(table.c.ended_at.is_(None))
    for r in connection.execute(wanted):
        yield _trouble(r)


def newest_troubles(
    connection: Connection,
    limit: int,
    *,
    buildings: Collection[str] = (),
    kinds: Collection[TroubleKind] = (),
    is_standing: bool | None = None,
    before: int | None = None,
) -> list[tuple[int, Trouble]]:
    """Return troubles by their numbers, the newest first: of some buildings or kinds, if any are named."""
    table = schema.trouble
    wanted = select(table).order_by(table.c.id.desc()).limit(limit)
    if buildings:
        wanted = wanted.where(table.c.building.in_(buildings))
    if kinds:
        wanted = wanted.where(table.c.kind.in_([each.value for each in kinds]))
    if is_standing is not None:
        wanted = wanted.where((table.c.ended_at.is_(None)) == is_standing)
    if before is not None:
        wanted = wanted.where(table.c.id < before)
    return [(row.id, _trouble(row)) for row in connection.execute(wanted)]


def mark(connection: Connection) -> tuple[object, ...]:
    """Return what is another as soon as a trouble begins or ends."""
    newest = connection.execute(select(func.max(schema.trouble.c.id))).scalar()
    standing = select(func.count()).where(schema.trouble.c.ended_at.is_(None))
    return newest, connection.execute(standing).scalar()


def _trouble(r: Any) -> Trouble:
    place = Place(r.building, r.room or None) if r.building else None
    ended_at = None if r.ended_at is None else moment(r.ended_at)
    return Trouble(TroubleKind(r.kind), r.sensor, place, moment(r.began_at), ended_at, r.note)
