"""The record of assignments: who said whose a topic is, from when until when.

Rule: rows are only added, each with the hash of the one before: a changed, missing or reordered row shows.
"""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from safetyd.core.assignment import Assignment, AssignVerb
from safetyd.core.model import Place
from safetyd.store import chain
from safetyd.store.assignment_schema import assignment
from safetyd.store.audit import FIRST, chained
from safetyd.store.moments import micros, moment
from safetyd.store.records import Kind


def append(connection: Connection, lines: Iterable[Assignment]) -> None:
    """Put lines on record, in the open transaction."""
    for line in lines:
        newest = select(assignment.c.hash).order_by(assignment.c.id.desc()).limit(1)
        previous = connection.execute(newest).scalar() or FIRST
        values = _columns(line)
        made = insert(assignment).values(values | {"hash": chained(previous, values)})
        number = connection.execute(made.returning(assignment.c.id)).scalar_one()
        chain.note(connection, Kind.ASSIGNMENT, number)


def record(connection: Connection) -> list[Assignment]:
    """Return all lines there are, in order."""
    return [_line(row) for row in connection.execute(select(assignment).order_by(assignment.c.id))]


def first_broken(connection: Connection) -> int | None:
    """Return the number of the first row that does not follow from the one before; None if all do."""
    previous = FIRST
    for row in connection.execute(select(assignment).order_by(assignment.c.id)):
        previous = chained(previous, _columns(_line(row)))
        if row.hash != previous:
            return int(row.id)
    return None


def _columns(line: Assignment) -> dict[str, Any]:
    return {
        "verb": line.verb.value,
        "at": micros(line.at),
        "by": line.by,
        "role": line.role,
        "note": line.note,
        "topic": line.topic,
        "building": line.place.building,
        "room": line.place.room or "",
        "sensor": line.sensor,
        "format": line.format,
        "settings": json.dumps(dict(line.settings), ensure_ascii=False),
        "moment": micros(line.moment),
    }


def _line(row: Row[Any]) -> Assignment:
    return Assignment(
        AssignVerb(row.verb),
        moment(row.at),
        row.by,
        row.role,
        row.note,
        row.topic,
        Place(row.building, row.room or None),
        row.sensor,
        row.format,
        tuple(json.loads(row.settings).items()),
        moment(row.moment),
    )
