"""Commands that whoever left them may leave again, without their being carried out again.

Rule: the key is kept in the transaction that leaves the command, so that neither is there without the other,
whenever safetyd is killed. After a day it is forgotten.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from safetyd.store import inbox, schema
from safetyd.store.moments import micros

KEPT = timedelta(days=1)
CENTRE = 0  # no account's number: commands of a centre are known for good, see `bidden`


class Key(NamedTuple):
    """By what a command is known: whose, the name they gave it, and the fingerprint of what they asked."""

    account: int
    name: str
    request: str


class Left(NamedTuple):
    """A command that was left under a key: its number, and whether the same was asked."""

    number: int
    is_same: bool


def left(connection: Connection, key: Key, now: datetime) -> Left | None:
    """Return the command that was left under a key within a day, None if there was none."""
    found = _left(connection, key, now)
    connection.rollback()
    return found


def leave(connection: Connection, key: Key, body: str, now: datetime) -> Left:
    """Leave a command under a key, unless there is one; return which is there now."""
    found = _left(connection, key, now)
    if found is not None:
        connection.rollback()
        return found
    is_over = schema.once.c.at <= micros(now - KEPT)
    connection.execute(delete(schema.once).where(is_over, schema.once.c.account != CENTRE))
    number = inbox.put(connection, body, now)
    values = {"account": key.account, "key": key.name, "request": key.request}
    connection.execute(insert(schema.once).values(**values, at=micros(now), command=number))
    connection.commit()
    return Left(number, is_same=True)


def _left(connection: Connection, key: Key, now: datetime) -> Left | None:
    once = schema.once.c
    wanted = select(once.command, once.request).where(
        once.account == key.account, once.key == key.name, once.at > micros(now - KEPT)
    )
    row = connection.execute(wanted).first()
    return None if row is None else Left(row.command, row.request == key.request)
