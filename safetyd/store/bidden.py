"""Commands that a centre has sent, each left in the inbox once, however often it arrives.

Rule: the key is kept beside those of people, under a number that no account has, and for good: a centre that
was away for months may ask again. What became of a command stands where every answer stands.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select

from safetyd.store import inbox, schema
from safetyd.store.audit import digest
from safetyd.store.moments import micros, moment
from safetyd.store.once import CENTRE


def key(number: int, at: int, body: str) -> str:
    """Return by what a command that was left at a centre is known; another copy may number anew."""
    return digest([number, at, body])


def is_left(connection: Connection, name: str) -> bool:
    """Return whether a command was left here under a key."""
    return _number(connection, name) is not None


def leave(connection: Connection, name: str, command: dict[str, Any], now: datetime) -> None:
    """Leave a command under its key, unless it was, in the open transaction."""
    if is_left(connection, name):
        return
    body = msgspec.json.encode(command).decode()
    number = inbox.put(connection, body, now)
    values = {"account": CENTRE, "key": name, "request": digest(command), "at": micros(now)}
    connection.execute(insert(schema.once).values(**values, command=number))


def answer(connection: Connection, name: str) -> str | None:
    """Return what became of a command, None while nothing has."""
    number = _number(connection, name)
    return None if number is None else inbox.answered(connection, number)


class Waiting(NamedTuple):
    """A command that was left in a copy's inbox and is not answered."""

    number: int
    at: datetime
    body: str
    key: str


def waiting(connection: Connection) -> list[Waiting]:
    """Return the commands that wait for an answer of the gateway, in order."""
    row = schema.inbox.c
    wanted = select(row.id, row.at, row.body).where(row.answer.is_(None)).order_by(row.id)
    return [
        Waiting(number, moment(at), body, key(number, at, body))
        for number, at, body in connection.execute(wanted)
    ]


def buildings_of(connection: Connection, tickets: Collection[str]) -> list[str]:
    """Return the buildings of tickets, of those that are there."""
    of_them = schema.ticket.c.id.in_(tickets)
    return list(connection.execute(select(schema.ticket.c.building).where(of_them)).scalars())


def _number(connection: Connection, name: str) -> int | None:
    once = schema.once.c
    wanted = select(once.command).where(once.account == CENTRE, once.key == name)
    found: int | None = connection.execute(wanted).scalar()
    return found
