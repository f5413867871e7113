"""What is owed to the outside about the chain: each day's head to a URL, and a stamp of it by an authority.

Rule: a head is owed once a day and way, and tried until it is done; each is a record on the chain itself.
"""

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from safetyd.store import chain
from safetyd.store.chain import Head
from safetyd.store.chain_schema import anchor
from safetyd.store.dialect import added
from safetyd.store.moments import micros, moment
from safetyd.store.records import Kind


class Way(StrEnum):
    """How a head is held outside."""

    URL = "url"
    STAMP = "stamp"


class AnchorState(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    DONE = "done"
    WITHDRAWN = "withdrawn"  # the way is no longer in safetyd.toml


class Anchor(NamedTuple):
    """One head by one way; `stamp` is the authority's whole answer."""

    id: int
    day: str
    way: Way
    head: Head
    attempts: int
    done_at: datetime | None
    answer: str
    stamp: bytes | None


def owe(connection: Connection, ways: Iterable[Way], day: str, head: Head, now: datetime) -> None:
    """Owe a day's head by these ways, in the open transaction; what is owed already stays as it is."""
    for way in ways:
        values = {"day": day, "way": way.value, "number": head.number, "hash": head.hash}
        values |= {"sealed_at": micros(head.at), "state": AnchorState.WAITING.value, "attempts": 0}
        values |= {"due_at": micros(now), "answer": ""}
        made = added(connection, anchor, values, "day", "way")
        if made is not None:
            chain.note(connection, Kind.ANCHOR, made)


def due(connection: Connection, now: datetime) -> list[Anchor]:
    """Return what is due, the newest day first: it stands for those before it."""
    wanted = select(anchor).where(anchor.c.due_at <= micros(now)).order_by(anchor.c.id.desc())
    return [_anchor(row) for row in connection.execute(wanted)]


def next_due(connection: Connection, after: datetime) -> datetime | None:
    """Return when the next one is due after a moment."""
    wanted = select(func.min(anchor.c.due_at)).where(anchor.c.due_at > micros(after))
    at = connection.execute(wanted).scalar()
    return None if at is None else moment(at)


def fail(connection: Connection, id: int, due_at: datetime, answer: str) -> None:
    """Note that an attempt failed, and when the next one is due."""
    _change(connection, id, due_at=micros(due_at), answer=answer, attempts=anchor.c.attempts + 1)


def finish(connection: Connection, id: int, at: datetime, answer: str, stamp: bytes | None = None) -> None:
    """Note that it is held outside."""
    kept = None if stamp is None else b64encode(stamp).decode()
    changed = {"state": AnchorState.DONE.value, "due_at": None, "done_at": micros(at), "answer": answer}
    _change(connection, id, **changed, stamp=kept, attempts=anchor.c.attempts + 1)


def hasten(connection: Connection, way: Way, now: datetime) -> None:
    """Let what waits for a way that works again wait no longer."""
    is_waiting = (anchor.c.way == way.value) & (anchor.c.due_at > micros(now))
    for id in connection.execute(select(anchor.c.id).where(is_waiting)).scalars().all():
        _change(connection, id, due_at=micros(now))


def withdraw_others(connection: Connection, ways: Iterable[Way], now: datetime) -> None:
    """Give up what is owed by other ways than these."""
    is_other = anchor.c.due_at.is_not(None) & anchor.c.way.not_in([each.value for each in ways])
    for id in connection.execute(select(anchor.c.id).where(is_other)).scalars().all():
        _change(connection, id, state=AnchorState.WITHDRAWN.value, due_at=None, done_at=micros(now))


def stamps(connection: Connection) -> Iterator[Anchor]:
    """Yield every stamp that an authority gave, in order, but what another hand has made unreadable."""
    wanted = select(anchor).where(anchor.c.stamp.is_not(None)).order_by(anchor.c.id)
    for row in connection.execute(wanted):
        with suppress(ValueError, TypeError, OverflowError):
            yield _anchor(row)


def newest_stamp(connection: Connection) -> Anchor | None:
    """Return the last stamp, None before there is any."""
    wanted = select(anchor).where(anchor.c.stamp.is_not(None)).order_by(anchor.c.number.desc()).limit(1)
    row = connection.execute(wanted).first()
    return None if row is None else _anchor(row)


def _change(connection: Connection, id: int, **values: Any) -> None:
    connection.execute(update(anchor).where(anchor.c.id == id).values(**values))
    chain.note(connection, Kind.ANCHOR, id)


def _anchor(row: Any) -> Anchor:
    head = Head(row.number, moment(row.sealed_at), row.hash)
    done_at = None if row.done_at is None else moment(row.done_at)
    return Anchor(row.id, row.day, Way(row.way), head, row.attempts, done_at, row.answer, _stamp(row.stamp))


def _stamp(kept: str | None) -> bytes | None:
    try:
        return None if kept is None else b64decode(kept, validate=True)
    except (Error, ValueError, TypeError):  # of what another hand has written
        return b""
