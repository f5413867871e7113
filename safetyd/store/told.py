"""What people were told lately: how far the newest notices have come at each address, and the tests.

Rule: an address is its fingerprint here, as everywhere in the store.
"""

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from safetyd.core.plan import Reason
from safetyd.store.moments import micros, moment
from safetyd.store.notice_schema import delivery, notice
from safetyd.store.outbox import DeliveryState


class Told(NamedTuple):
    """How far one notice has come at one address; `went_to` are those who were told instead."""

    person: str
    address: str
    state: DeliveryState
    at: datetime
    done_at: datetime | None
    next_at: datetime | None
    attempts: int
    answer: str
    went_to: tuple[str, ...]
    building: str
    reason: Reason
    title: str


def newest(connection: Connection, limit: int) -> list[Told]:
    """Return the deliveries that were owed last, the newest first."""
    wanted = (
        select(delivery, notice.c.at, notice.c.building, notice.c.reason, notice.c.title)
        .join(notice, notice.c.id == delivery.c.notice)
        .order_by(delivery.c.id.desc())
        .limit(limit)
    )
    return [
        Told(
            row.person,
            row.address,
            DeliveryState(row.state),
            moment(row.at),
            None if row.done_at is None else moment(row.done_at),
            None if row.due_at is None else moment(row.due_at),
            row.attempts,
            row.answer,
            tuple(json.loads(row.went_to or "[]")),
            row.building,
            Reason(row.reason),
            row.title,
        )
        for row in connection.execute(wanted)
    ]


def tests_since(connection: Connection, since: datetime) -> list[tuple[str, datetime]]:
    """Return whom test notices tried after a moment, and when."""
    wanted = select(notice.c.people, notice.c.at).where(
        notice.c.reason == Reason.TEST.value, notice.c.at > micros(since)
    )
    found = connection.execute(wanted).all()
    return [(name, moment(at)) for people, at in found for name in json.loads(people)]
