"""Which records concern a ticket, and the rows of the chain from the first of these on.

Rule: of a record only its last row is held against it; what stands in other rows is somebody else's.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, text

from safetyd.core.model import Place
from safetyd.store.chain import line
from safetyd.store.chain_schema import chain
from safetyd.store.dialect import ROW_BY_ROW
from safetyd.store.moments import micros
from safetyd.store.records import Kind
from safetyd.store.statements import Subject

_OF_TICKET = {
    Kind.TICKET: "SELECT id FROM ticket WHERE id = :ticket",
    Kind.EPISODE: "SELECT id FROM episode WHERE ticket = :ticket ORDER BY id",
    Kind.HISTORY: "SELECT id FROM history WHERE ticket = :ticket ORDER BY id",
    Kind.SHELF: "SELECT id FROM shelf WHERE building = :building AND room IN ('', :room) ORDER BY id",
    Kind.ASSIGNMENT: "SELECT id FROM assignment WHERE building = :building AND room = :room ORDER BY id",
    Kind.STATEMENT: (
        "SELECT id FROM statement AS said"
        " WHERE (subject = 'rules' OR (subject = 'calendar' AND name IN ('', :building))"
        " OR (subject = 'sensors' AND name = :building) OR subject = 'retired')"
        " AND id >= (SELECT coalesce(max(id), 0) FROM statement AS earlier"
        " WHERE earlier.subject = said.subject AND earlier.name = said.name"
        " AND (earlier.at <= :since OR earlier.subject = 'retired')) ORDER BY id"
    ),
}


class Key(NamedTuple):
    """By what the chain knows a record."""

    kind: Kind
    key: str


class Digest(NamedTuple):
    """A statement of the digests of a day's readings: its number, and which rows they are of."""

    statement: int
    day: str
    first: int
    last: int


def building_of(connection: Connection, ticket: str) -> str | None:
    """Return the building of a ticket, None if there is no such ticket."""
    found = connection.exec_driver_sql("SELECT building FROM ticket WHERE id = ?", (ticket,)).scalar()
    return None if found is None else str(found)


def keys_of(
    connection: Connection, ticket: str, place: Place, notices: Iterable[int], since: datetime
) -> list[Key]:
    """Return the records of a ticket with these notices, and those by which it was judged: rules, calendars
    and sensors as they were stated last at a moment, and later; without the digests of readings."""
    about = {"ticket": ticket, "building": place.building, "room": place.room or "", "since": micros(since)}
    found = [
        Key(kind, str(key))
        for kind, wanted in _OF_TICKET.items()
        for (key,) in connection.execute(text(wanted), {k: v for k, v in about.items() if f":{k}" in wanted})
    ]
    for notice in notices:
        found.append(Key(Kind.NOTICE, str(notice)))
        deliveries = "SELECT id FROM delivery WHERE notice = ? ORDER BY id"
        found += [
            Key(Kind.DELIVERY, str(key)) for (key,) in connection.exec_driver_sql(deliveries, (notice,))
        ]
    return found


def digests_of(connection: Connection, first: int, last: int) -> list[Digest]:
    """Return the digests that hold any of these rows of readings, in order."""
    wanted = "SELECT id, name, body FROM statement WHERE subject = ? ORDER BY id"
    found = []
    for id, name, body in connection.exec_driver_sql(wanted, (Subject.READINGS.value,)):
        with suppress(ValueError, KeyError, TypeError):  # of what another hand has written
            said = json.loads(body)
            found.append(Digest(id, name, said["first"], said["last"]))
    return [each for each in found if each.last >= first and each.first <= last]


def first_row(connection: Connection, keys: Collection[Key]) -> int | None:
    """Return the number of the first row of the chain that is about any of these records."""
    wanted = {(kind.value, key) for kind, key in keys}
    found = connection.exec_driver_sql(
        "SELECT number, kind, key FROM chain ORDER BY number", None, ROW_BY_ROW
    )
    try:
        return next((number for number, *about in found if tuple(about) in wanted), None)
    finally:
        found.close()


def rows(connection: Connection, first: int, last: int) -> Iterator[dict[str, Any]]:
    """Yield rows of the chain with their hashes, in order."""
    wanted = select(chain).where(chain.c.number.between(first, last)).order_by(chain.c.number)
    for row in connection.execute(wanted):
        yield line(row.number, row.at, row.kind, row.key, row.body) | {"hash": row.hash}
