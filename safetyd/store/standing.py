"""How everything stands, beside what is on the chain: the tables that a copy of a store takes over whole.

Rule: what is worked out from the record is taken as it is and never proved; nothing here is evidence.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select

from safetyd.store import schema
from safetyd.store.audit import digest

TABLES: dict[str, Table] = {
    each.name: each
    for each in (
        schema.sensor,
        schema.place_state,
        schema.progress,
        schema.desk,
        schema.held,
        schema.awaited,
    )
}


def rows(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Return a table's rows; of how places stood, the newest of each."""
    table = TABLES[name]
    wanted = select(table).order_by(*table.primary_key)
    if table is schema.place_state:
        other = table.alias()
        newest = (
            select(func.max(other.c.period))
            .where(other.c.building == table.c.building, other.c.room == table.c.room)
            .scalar_subquery()
        )
        wanted = wanted.where(table.c.period == newest)
    return [dict(row) for row in connection.execute(wanted).mappings()]


def mark(found: Iterable[dict[str, Any]]) -> str:
    """Return by what it is known whether two tables hold the same."""
    return digest(list(found))


def marks(connection: Connection) -> dict[str, str]:
    """Return that of every table."""
    return {name: mark(rows(connection, name)) for name in TABLES}


def replace(connection: Connection, name: str, found: list[dict[str, Any]]) -> None:
    """Put other rows in the place of a table's, in the open transaction."""
    table = TABLES[name]
    connection.execute(delete(table))
    if found:
        connection.execute(insert(table), found)


def troubles(connection: Connection, after: int, standing: Iterable[int], limit: int) -> list[dict[str, Any]]:
    """Return the next troubles after a number, and those of some that stand no more."""
    table = schema.trouble
    ended = select(table).where(table.c.id.in_(list(standing)), table.c.ended_at.is_not(None))
    fresh = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
    return [dict(row) for each in (ended, fresh) for row in connection.execute(each).mappings()]


def last_trouble(connection: Connection) -> int:
    """Return the number of the newest trouble, 0 if there is none."""
    return connection.execute(select(func.max(schema.trouble.c.id))).scalar() or 0


def standing_troubles(connection: Connection) -> list[int]:
    """Return the numbers of the troubles that stand."""
    wanted = select(schema.trouble.c.id).where(schema.trouble.c.ended_at.is_(None))
    return sorted(connection.execute(wanted).scalars())


def take_troubles(connection: Connection, found: Iterable[dict[str, Any]]) -> None:
    """Put troubles in, or in the place of what was known of them, in the open transaction."""
    table = schema.trouble
    for row in sorted(found, key=lambda row: (row["ended_at"] is None, row["id"])):
        connection.execute(delete(table).where(table.c.id == row["id"]))
        connection.execute(insert(table).values(row))
