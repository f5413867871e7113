"""What is stated on the chain and stands nowhere else: how the site is read, digests of readings, heads.

Rule: rows are only added, and only what differs from the last one of its subject and name.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select

from safetyd.store import chain
from safetyd.store.audit import canonical
from safetyd.store.chain_schema import statement
from safetyd.store.moments import micros, moment
from safetyd.store.records import Kind


class Subject(StrEnum):
    """What is stated."""

    BEGIN = chain.BEGIN
    RULES = "rules"
    PLAN = "plan"
    CALENDAR = "calendar"
    SENSORS = "sensors"
    PEOPLE = "people"
    READINGS = "readings"
    RETIRED = "retired"
    HEAD = "head"
    ALTERED = chain.ALTERED


class Statement(NamedTuple):
    """One of them; `body` is canonical JSON."""

    subject: Subject
    name: str
    body: str


class Stated(NamedTuple):
    """One that is on record."""

    id: int
    at: datetime
    subject: str
    name: str
    body: Any


def add(connection: Connection, subject: Subject, name: str, body: object, now: datetime) -> None:
    """Put a statement on record, in the open transaction."""
    made = insert(statement).values(at=micros(now), subject=subject.value, name=name, body=canonical(body))
    chain.note(connection, Kind.STATEMENT, connection.execute(made.returning(statement.c.id)).scalar_one())


def keep(connection: Connection, said: Iterable[Statement], now: datetime) -> None:
    """Put on record what of this is not what was stated last, in the open transaction."""
    for each in said:
        if _last_body(connection, each.subject, each.name) != each.body:
            add(connection, each.subject, each.name, json.loads(each.body), now)


def _last_body(connection: Connection, subject: Subject, name: str) -> str | None:
    wanted = (
        select(statement.c.body)
        .where(statement.c.subject == subject.value, statement.c.name == name)
        .order_by(statement.c.id.desc())
        .limit(1)
    )
    return connection.execute(wanted).scalar()


def last(connection: Connection, subject: Subject) -> Stated | None:
    """Return what was stated last of a subject."""
    newest = select(func.max(statement.c.id)).where(statement.c.subject == subject.value).scalar_subquery()
    row = connection.execute(select(statement).where(statement.c.id == newest)).first()
    return (
        None if row is None else Stated(row.id, moment(row.at), row.subject, row.name, json.loads(row.body))
    )


def all_of(connection: Connection, subject: Subject, after: int = 0) -> Iterator[Stated]:
    """Yield all that was stated of a subject, in order, after the statement with a number."""
    of_it = (statement.c.subject == subject.value) & (statement.c.id > after)
    wanted = select(statement).where(of_it).order_by(statement.c.id)
    for row in connection.execute(wanted):
        yield Stated(row.id, moment(row.at), row.subject, row.name, json.loads(row.body))
