"""What arrived while nobody knew the time: kept as it came, with the seconds since boot, in order.

Rule: what is here is neither judged nor forgotten. It is taken out in the transaction that dates it.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, insert, select

from safetyd.store.moments import span_micros
from safetyd.store.schema import undated


class Kept(NamedTuple):
    """A message, or a command of a person by its number in the inbox, with the boot and the time since.

    `id` is its place in the order of arrival.
    """

    boot: str
    since_boot: timedelta
    topic: str = ""
    payload: bytes = b""
    retain: bool = False
    command: int | None = None
    id: int = 0


def keep(connection: Connection, arrived: Iterable[Kept]) -> None:
    """Keep what arrived, in the open transaction."""
    for each in arrived:
        values = each._asdict() | {"since_boot": span_micros(each.since_boot), "retain": int(each.retain)}
        del values["id"]
        connection.execute(insert(undated).values(values))


def first(connection: Connection, boot: str) -> Kept | None:
    """Return the first that arrived in a boot."""
    found = connection.execute(
        select(undated).where(undated.c.boot == boot).order_by(undated.c.id).limit(1)
    ).first()
    return None if found is None else _kept(found)


def longest(connection: Connection, boot: str) -> timedelta:
    """Return how long after its beginning the last of a boot arrived."""
    found = connection.execute(select(func.max(undated.c.since_boot)).where(undated.c.boot == boot)).scalar()
    return timedelta(microseconds=found or 0)


def commands(connection: Connection) -> set[int]:
    """Return the numbers of the commands that are kept."""
    found = connection.execute(select(undated.c.command).where(undated.c.command.is_not(None)))
    return set(found.scalars())


def after(connection: Connection, id: int, at_most: int) -> Sequence[Kept]:
    """Return what arrived after something, in order."""
    wanted = select(undated).where(undated.c.id > id).order_by(undated.c.id).limit(at_most)
    return [_kept(row) for row in connection.execute(wanted)]


def forget(connection: Connection, up_to: int) -> None:
    """Let go of everything up to an id, in the open transaction."""
    connection.execute(delete(undated).where(undated.c.id <= up_to))


def _kept(row: Row[Any]) -> Kept:
    since_boot = timedelta(microseconds=row.since_boot)
    return Kept(row.boot, since_boot, row.topic, row.payload, bool(row.retain), row.command, row.id)
