"""The record of imported files: which, by whom and when, and the rows of readings that came of each.

Rule: rows are only added, each in the transaction that adds its readings. What is imported has sensors of
its own, so that it is told apart for ever.
"""

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from safetyd.core.model import Place
from safetyd.store import chain
from safetyd.store.dialect import listed
from safetyd.store.moments import micros, moment
from safetyd.store.records import Kind
from safetyd.store.schema import imported


class Extent(NamedTuple):
    """What of an import belongs to one place: how many values, and from when to when."""

    place: Place
    values: int
    first_at: datetime
    last_at: datetime


class Import(NamedTuple):
    """One file that was imported. `rows` are those of the file that measure something, `values` those that
    were new and stored, `rejected` how many of these nobody believes; `first` and `last` are the numbers of
    their rows here."""

    id: int
    at: datetime
    by: str
    file: str
    sha256: str
    sensor: str
    rows: int
    values: int
    rejected: int
    is_ticketed: bool
    extents: tuple[Extent, ...]
    first: int
    last: int


def last_id(connection: Connection) -> int:
    """Return the number of the last import, 0 if there was none."""
    return connection.execute(select(func.max(imported.c.id))).scalar() or 0


def add(connection: Connection, made: Import) -> None:
    """Put an import on record, in the open transaction; its number is given to it here."""
    extents = [
        [each.place.building, each.place.room, each.values, micros(each.first_at), micros(each.last_at)]
        for each in made.extents
    ]
    kept = connection.execute(
        insert(imported)
        .values(
            at=micros(made.at),
            by=made.by,
            file=made.file,
            sha256=made.sha256,
            sensor=made.sensor,
            rows=made.rows,
            stored=made.values,
            rejected=made.rejected,
            is_ticketed=int(made.is_ticketed),
            extents=json.dumps(extents),
            first=made.first,
            last=made.last,
        )
        .returning(imported.c.id)
    )
    chain.note(connection, Kind.IMPORT, kept.scalar_one())


def record(connection: Connection) -> list[Import]:
    """Return all imports, in order."""
    return [
        Import(
            row.id,
            moment(row.at),
            row.by,
            row.file,
            row.sha256,
            row.sensor,
            row.rows,
            row.stored,
            row.rejected,
            bool(row.is_ticketed),
            tuple(
                Extent(Place(building, room), values, moment(first), moment(last))
                for building, room, values, first, last in json.loads(row.extents)
            ),
            row.first,
            row.last,
        )
        for row in connection.execute(select(imported).order_by(imported.c.id))
    ]


def of_place(
    connection: Connection, place: Place, begin: datetime | None, end: datetime | None
) -> list[Import]:
    """Return the imports that hold values of a place from `begin` up to before `end`."""
    return [
        each
        for each in record(connection)
        if any(
            extent.place == place
            and (begin is None or extent.last_at >= begin)
            and (end is None or extent.first_at < end)
            for extent in each.extents
        )
    ]


def keys(connection: Connection, numbers: Collection[int]) -> Iterator[tuple[int, int, int]]:
    """Yield sensor, moment and kind of each value that was imported of some sensors."""
    for first, last in connection.execute(select(imported.c.first, imported.c.last)).fetchall():
        found = connection.exec_driver_sql(
            "SELECT sensor, observed_at, quantity FROM reading"
            f" WHERE id BETWEEN ? AND ? AND sensor IN ({listed(numbers)})",
            (first, last),
        )
        yield from ((number, at, kept) for number, at, kept in found)
