"""What is owed to people: each notice once, and one delivery a person and address until it has arrived.

Rule: the notice's key makes it unique, however often it is worked out. A delivery is due, or done; it is
never dropped, and a dead address holds up no other.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from safetyd.core.world import Notice
from safetyd.store.moments import micros, moment
from safetyd.store.schema import delivery, notice


class DeliveryState(StrEnum):
    """How far one delivery has come."""

    WAITING = "waiting"
    ACCEPTED = "accepted"  # by the next hop: more cannot be known
    WITHDRAWN = "withdrawn"  # the person or address is gone from the site file


class Letter(NamedTuple):
    """A notice in words, and to whom: names, and (name, address fingerprint) for each that can be reached."""

    notice: Notice
    people: tuple[str, ...]
    addresses: tuple[tuple[str, str], ...]
    title: str
    text: str


class Delivery(NamedTuple):
    """One attempt that is due."""

    id: int
    person: str
    address: str
    attempts: int
    title: str
    text: str
    building: str


def add(connection: Connection, letter: Letter) -> bool:
    """Keep a notice and its deliveries, in the open transaction; False when it was kept before."""
    owed = letter.notice
    kept = connection.execute(
        upsert(notice)
        .values(
            key=owed.key,
            at=micros(owed.at),
            building=owed.building,
            ticket=owed.ticket,
            tickets=json.dumps(owed.tickets),
            reason=owed.reason.value,
            roles=json.dumps(owed.roles),
            people=json.dumps(letter.people, ensure_ascii=False),
            title=letter.title,
            text=letter.text,
        )
        .on_conflict_do_nothing()
        .returning(notice.c.id)
    ).scalar()
    if kept is None:
        return False
    due_at = micros(owed.at)
    for person, address in letter.addresses:
        connection.execute(
            insert(delivery).values(
                notice=kept,
                person=person,
                address=address,
                state=DeliveryState.WAITING.value,
                attempts=0,
                due_at=due_at,
                answer="",
            )
        )
    return True


def due(connection: Connection, now: datetime) -> list[Delivery]:
    """Return the deliveries that are due, the longest waiting first."""
    wanted = (
        select(
            delivery.c.id,
            delivery.c.person,
            delivery.c.address,
            delivery.c.attempts,
            notice.c.title,
            notice.c.text,
            notice.c.building,
        )
        .join(notice, notice.c.id == delivery.c.notice)
        .where(delivery.c.due_at <= micros(now))
        .order_by(delivery.c.due_at, delivery.c.id)
    )
    return [Delivery(*row) for row in connection.execute(wanted)]


def next_due(connection: Connection, after: datetime) -> datetime | None:
    """Return when the next delivery is due after a moment."""
    wanted = select(func.min(delivery.c.due_at)).where(delivery.c.due_at > micros(after))
    at = connection.execute(wanted).scalar()
    return None if at is None else moment(at)


def mark_done(
    connection: Connection, delivery_id: int, state: DeliveryState, at: datetime, answer: str
) -> None:
    """Note that a delivery needs no further attempt."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id)
        .values(
            state=state.value,
            done_at=micros(at),
            due_at=None,
            answer=answer,
            attempts=delivery.c.attempts + 1,
        )
    )


def mark_failed(connection: Connection, delivery_id: int, due_at: datetime, answer: str) -> None:
    """Note that an attempt failed and when the next one is due."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id)
        .values(due_at=micros(due_at), answer=answer, attempts=delivery.c.attempts + 1)
    )


def notices(connection: Connection, ticket: str | None = None) -> list[dict[str, object]]:
    """Return notices in order, as the outside sees them."""
    wanted = select(notice).order_by(notice.c.at, notice.c.id)
    if ticket is not None:
        wanted = wanted.where(notice.c.ticket == ticket)
    return [
        {
            "at": moment(row.at),
            "ticket": row.ticket,
            "tickets": json.loads(row.tickets),
            "reason": row.reason,
            "roles": json.loads(row.roles),
            "to": json.loads(row.people),
            "title": row.title,
            "text": row.text,
        }
        for row in connection.execute(wanted)
    ]


def waiting(connection: Connection) -> Sequence[tuple[str, str, int, str]]:
    """Return what has not arrived after at least one attempt: person, title, attempts, last answer."""
    wanted = (
        select(delivery.c.person, notice.c.title, delivery.c.attempts, delivery.c.answer)
        .join(notice, notice.c.id == delivery.c.notice)
        .where(delivery.c.state == DeliveryState.WAITING.value, delivery.c.attempts > 0)
        .order_by(delivery.c.id)
    )
    return [
        (person, title, attempts, answer) for person, title, attempts, answer in connection.execute(wanted)
    ]
